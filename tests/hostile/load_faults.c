// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that runs out at every single place of what the module does when it is loaded: that is refused or gets by, and
 * the next load works. What is lost on the way, kmemleak tells.
 */
#include "hostile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define EFER		0xc0000080
#define EFER_SVME	0x1000

enum {
	LOAD_SECONDS = 100,	/* what one place may take */
	FAR_AWAY = 1000000,	/* a place that no load has */
};

/* The module's file, in memory: reading it is not under test. */
struct image {
	void *bytes;
	size_t size;
};

static struct image module_image(void)
{
	const char *path = getenv("VITRINE_KO");
	struct image image;
	struct stat stat;
	int fd;

	NEED(path);
	fd = open(path, O_RDONLY);
	NEED(fd >= 0 && fstat(fd, &stat) == 0);
	image.size = stat.st_size;
	image.bytes = malloc(image.size);
	NEED(image.bytes && read(fd, image.bytes, image.size) == stat.st_size);
	close(fd);
	return image;
}

static int load(const struct image *image)
{
	return syscall(SYS_init_module, image->bytes, image->size, "");
}

static void unload(void)
{
	EXPECT_OK(syscall(SYS_delete_module, "vitrine", O_NONBLOCK));
}

static enum verdict load_with_fault(const struct image *image, unsigned int place)
{
	int fd = fail_nth(), result, error;
	bool reached;

	begin_fault(fd, place);
	result = load(image);
	error = errno;
	reached = end_fault(fd);
	close(fd);
	if (result == 0)
		return reached ? GOT_BY : NOT_REACHED;
	if (reached && (error == ENOMEM || error == EFAULT))
		return REFUSED;
	abi_fail(__FILE__, __LINE__, "place %u %s: %s", place,
		 reached ? "failed" : "was not reached", strerror(error));
	return FAILED;
}

static void live(void *unused)
{
	(void)unused;
	expect_device_works();
}

/* One place. A load that is refused leaves no device, and the next works, whatever failed before. */
static enum verdict try_load(const struct image *image, unsigned int place)
{
	enum verdict verdict;

	alarm(LOAD_SECONDS);
	verdict = load_with_fault(image, place);
	if (verdict == REFUSED || verdict == FAILED) {
		EXPECT_EQ(access(abi_device, F_OK), -1);
		NEED(load(image) == 0);
		EXPECT_EQ(access(abi_device, F_OK), 0);
	}
	unload();
	return verdict;
}

/* EFER.SVME on the host's first CPU: set, somebody else has SVM. */
static void hold_svm(bool on)
{
	int fd = open("/dev/cpu/0/msr", O_RDWR);
	uint64_t efer;

	NEED(fd >= 0 && pread(fd, &efer, 8, EFER) == 8);
	efer = on ? efer | EFER_SVME : efer & ~(uint64_t)EFER_SVME;
	NEED(pwrite(fd, &efer, 8, EFER) == 8);
	close(fd);
}

/* The kernel's part of the load comes first. How many places it has a load tells that the module refuses at once. */
static unsigned int places_before(const struct image *image)
{
	int fd = fail_nth(), error;
	char text[16] = "";

	hold_svm(true);
	begin_fault(fd, FAR_AWAY);
	EXPECT_EQ(load(image), -1);
	error = errno;
	NEED(pread(fd, text, sizeof(text) - 1, 0) > 0);
	end_fault(fd);
	close(fd);
	hold_svm(false);
	EXPECT_EQ(error, EBUSY);
	return FAR_AWAY - atoi(text);
}

static void load_everywhere(void)
{
	unsigned int first, place, refused = 0, got_by = 0;
	struct image image = module_image();
	enum verdict verdict = FAILED;

	need_fault_injection();
	unload();
	first = places_before(&image);
	for (place = first; place < first + FAULT_PLACES; place++) {
		verdict = try_load(&image, place);
		refused += verdict == REFUSED;
		got_by += verdict == GOT_BY;
		if (verdict == NOT_REACHED || verdict == FAILED)
			break;
	}
	printf("# places %u to %u: refused %u times, got by %u times\n", first, place, refused, got_by);
	EXPECT_EQ(verdict, NOT_REACHED);
	EXPECT(refused > 0);
	NEED(load(&image) == 0);
	EXPECT_EQ(in_child(live, NULL), 0);
}

ABI_TEST("refused or not, the next load works")
{
	if (strstr(abi_device, "kvm"))
		abi_skip("stock KVM's load is not ours");
	load_everywhere();
}
