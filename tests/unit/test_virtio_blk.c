// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_virtio_blk.c - a disk as its driver meets it: requests that wait hold up no others, what is quiesced is at rest, one
 * piece of a file is read and written as one. The disk under it is the test's: it waits when it is told to.
 */
/* sources: ctl/vmm/bus.c ctl/vmm/memory.c ctl/vmm/msix.c ctl/vmm/part.c ctl/vmm/pci.c ctl/vmm/route.c ctl/vmm/virtio.c ctl/vmm/virtio_blk.c ctl/vmm/virtio_loop.c ctl/vmm/virtio_pci.c ctl/vmm/virtio_pool.c ctl/vmm/virtq.c */
#include <check.h>
#include <errno.h>
#include <sys/mman.h>

#include "blk.h"
#include "devices.h"
#include "disk/disk.h"
#include "fake_machine.h"

#define QUEUES	0x10000
#define SIZE	64
#define SECTORS	2048
#define SLOW	1024		/* sectors from here on wait */
#define POOL	8

#define F_FLUSH	(1ULL << 9)

enum { IN, OUT, FLUSH = 4 };

static struct virtio_device *dev;
static struct fake_queue queue;
static unsigned int slot;

/* ---- the disk ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned int inside;
static bool released, mapped;
static int file = -1;
static unsigned int calls;

struct disk *disk_open(const char *path, enum disk_format format, unsigned int flags, struct disk_error *e)
{
	(void)path;
	(void)format;
	(void)flags;
	(void)e;
	return (struct disk *)1;
}

void disk_close(struct disk *d)
{
	(void)d;
}

uint64_t disk_size(const struct disk *d)
{
	(void)d;
	return SECTORS * 512;
}

bool disk_is_read_only(const struct disk *d)
{
	(void)d;
	return false;
}

uint32_t disk_cluster(const struct disk *d)
{
	(void)d;
	return 0;
}

static void wait_if_slow(uint64_t offset)
{
	pthread_mutex_lock(&lock);
	calls++;
	if (offset >= SLOW * 512) {
		inside++;
		pthread_cond_broadcast(&changed);
		while (!released)
			pthread_cond_wait(&changed, &lock);
		inside--;
	}
	pthread_mutex_unlock(&lock);
}

static ssize_t bytes_of(const struct iovec *iov, int n)
{
	ssize_t bytes = 0;

	while (n--)
		bytes += iov[n].iov_len;
	return bytes;
}

ssize_t disk_preadv(struct disk *d, const struct iovec *iov, int n, uint64_t offset)
{
	(void)d;
	wait_if_slow(offset);
	return bytes_of(iov, n);
}

ssize_t disk_pwritev(struct disk *d, const struct iovec *iov, int n, uint64_t offset)
{
	return disk_preadv(d, iov, n, offset);
}

int disk_flush(struct disk *d)
{
	(void)d;
	wait_if_slow(SLOW * 512);
	return 0;
}

int disk_discard(struct disk *d, uint64_t offset, uint64_t length)
{
	(void)d;
	(void)length;
	wait_if_slow(offset);
	return 0;
}

int disk_write_zeroes(struct disk *d, uint64_t offset, uint64_t length, bool may_unmap)
{
	(void)may_unmap;
	return disk_discard(d, offset, length);
}

bool disk_map(struct disk *d, uint64_t offset, uint64_t length, bool write, struct disk_map *m)
{
	(void)d;
	(void)write;
	*m = (struct disk_map){ .fd = file, .offset = offset, .length = length };
	return mapped;
}

void disk_unmap(struct disk *d)
{
	(void)d;
}

int disk_freeze(struct disk *d)
{
	(void)d;
	return 0;
}

int disk_push(struct disk *d, int fd, const char *path, struct disk_error *e)
{
	(void)d;
	(void)fd;
	(void)path;
	(void)e;
	return 0;
}

static void release(void)
{
	pthread_mutex_lock(&lock);
	released = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_inside(unsigned int n)
{
	pthread_mutex_lock(&lock);
	while (inside < n)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* ---- the driver ---- */

static void setup(void)
{
	static const struct vmm_disk disk = { .path = "/dev/null" };
	struct vmm_part *p;

	fake_create();
	fake_config = (struct vmm_config){ .cpus = 1, .disks = &disk, .ndisks = 1 };
	ck_assert_int_eq(vmm_blk_create(&fake), 0);
	for (p = fake.parts; strcmp(p->name, "virtio-blk0"); p = p->next)
		;
	dev = p->opaque;
	slot = dev->pci.slot;
	released = mapped = false;
	inside = calls = 0;
	ck_assert_uint_eq(fake_driver(slot, VIRTIO_F_1 | F_FLUSH, &queue, 1, QUEUES, SIZE), 15);
}

static void teardown(void)
{
	release();
	vmm_blk_destroy(&fake);
	fake_destroy();
}

static uint64_t header(unsigned int n)
{
	return 0x20000 + 0x100 * n;
}

static uint64_t data(unsigned int n)
{
	return 0x40000 + 0x1000 * n;
}

static uint8_t *status(unsigned int n)
{
	return (uint8_t *)fake.ram + header(n) + 64;
}

/* Request @n, of 2 x 256 bytes; heads are multiples of 4. */
static void offer(unsigned int n, uint32_t type, uint64_t sector)
{
	uint16_t flags = type == IN ? 3 : 1;
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} h = { type, 0, sector };

	memcpy((uint8_t *)fake.ram + header(n), &h, sizeof(h));
	*status(n) = 0xff;
	fake_desc(queue.desc, 4 * n, header(n), sizeof(h), 1, type == FLUSH ? 4 * n + 3 : 4 * n + 1);
	fake_desc(queue.desc, 4 * n + 1, data(n), 256, flags, 4 * n + 2);
	fake_desc(queue.desc, 4 * n + 2, data(n) + 512, 256, flags, 4 * n + 3);
	fake_desc(queue.desc, 4 * n + 3, header(n) + 64, 1, 2, 0);
	fake_offer(&queue, 4 * n);
	virtio_kick(&dev->queue[0]);
}

/* The number of the next request that comes back, within @ms; -1 if none does. */
static int taken(unsigned int ms)
{
	uint32_t head, length;

	while (!fake_take(&queue, &head, &length)) {
		if (!ms--)
			return -1;
		usleep(1000);
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	ck_assert_uint_eq(*status(head / 4), 0);
	return head / 4;
}

START_TEST(overtakes)
{
	static const uint32_t slow[] = { IN, OUT, FLUSH };

	/* One that is there already, and one that comes while the first waits. */
	offer(0, slow[_i], SLOW);
	offer(1, IN, 0);
	ck_assert_int_eq(taken(5000), 1);
	wait_inside(1);
	offer(2, OUT, 8);
	ck_assert_int_eq(taken(5000), 2);
	release();
	ck_assert_int_eq(taken(5000), 0);
	ck_assert_int_eq(taken(0), -1);
}
END_TEST

START_TEST(many)
{
	unsigned int n, seen = 0;

	for (n = 0; n < 2 * POOL - 1; n++)
		offer(n, IN, SLOW + n);
	wait_inside(POOL);
	ck_assert_int_eq(taken(50), -1);
	ck_assert_uint_eq(inside, POOL);
	release();
	for (n = 0; n < 2 * POOL - 1; n++)
		seen |= 1 << taken(5000);
	ck_assert_uint_eq(seen, (1 << (2 * POOL - 1)) - 1);
	ck_assert_uint_eq(calls, 2 * POOL - 1);
}
END_TEST

static bool at_rest;

static void *quiesce(void *arg)
{
	vmm_parts_quiesce(arg);
	__atomic_store_n(&at_rest, true, __ATOMIC_SEQ_CST);
	return NULL;
}

START_TEST(rests)
{
	pthread_t id;

	at_rest = false;
	offer(0, IN, SLOW);
	offer(1, IN, SLOW);
	wait_inside(2);
	ck_assert_int_eq(pthread_create(&id, NULL, quiesce, &fake), 0);
	usleep(50000);
	ck_assert(!__atomic_load_n(&at_rest, __ATOMIC_SEQ_CST));
	release();
	pthread_join(id, NULL);
	/* What was being served has been given back, what comes is left. */
	ck_assert_int_ge(taken(0), 0);
	ck_assert_int_ge(taken(0), 0);
	offer(2, IN, 0);
	ck_assert_int_eq(taken(50), -1);
	vmm_parts_resume(&fake);
	ck_assert_int_eq(taken(5000), 2);
}
END_TEST

START_TEST(stops)
{
	offer(0, IN, SLOW);
	offer(1, IN, SLOW);
	wait_inside(2);
	release();
	fake_write(slot, FAKE_STATUS, 1, 0);	/* a reset waits for what is being served */
	ck_assert_uint_eq(inside, 0);
	ck_assert_uint_eq(fake_driver(slot, VIRTIO_F_1 | F_FLUSH, &queue, 1, QUEUES, SIZE), 15);
	offer(0, IN, 0);
	ck_assert_int_eq(taken(5000), 0);
}
END_TEST

START_TEST(one_piece)
{
	unsigned int i;

	file = memfd_create("disk", 0);
	ck_assert_int_eq(ftruncate(file, SECTORS * 512), 0);
	mapped = true;
	for (i = 0; i < 256; i++) {
		((uint8_t *)fake.ram)[data(0) + i] = i;
		((uint8_t *)fake.ram)[data(0) + 512 + i] = ~i;
	}
	offer(0, OUT, 8);
	ck_assert_int_eq(taken(5000), 0);
	offer(1, IN, 8);
	ck_assert_int_eq(taken(5000), 1);
	ck_assert(!memcmp((uint8_t *)fake.ram + data(1), (uint8_t *)fake.ram + data(0), 256));
	ck_assert(!memcmp((uint8_t *)fake.ram + data(1) + 512, (uint8_t *)fake.ram + data(0) + 512, 256));
	ck_assert_uint_eq(calls, 0);
	/* What the file does not have in one go is the disk's to find. */
	ck_assert_int_eq(ftruncate(file, 8 * 512 + 100), 0);
	offer(2, IN, 8);
	ck_assert_int_eq(taken(5000), 2);
	ck_assert_uint_eq(calls, 1);
	close(file);
}
END_TEST

START_TEST(nonsense)
{
	/* No byte for the status. */
	fake_desc(queue.desc, 0, header(0), 16, 0, 0);
	fake_offer(&queue, 0);
	virtio_kick(&dev->queue[0]);
	while (!(fake_read(slot, FAKE_STATUS, 1) & 64))
		usleep(1000);
	ck_assert_int_eq(taken(10), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio_blk");
	TCase *t = tcase_create("virtio_blk");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, overtakes, 0, 3);
	tcase_add_test(t, many);
	tcase_add_test(t, rests);
	tcase_add_test(t, stops);
	tcase_add_test(t, one_piece);
	tcase_add_test(t, nonsense);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
