// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_virtio_scsi.c - the CD drive as its driver meets it: blocks of the image in the guest's memory, requests that do not
 * fit or reach nobody, task management, the sizes that the driver may choose, what the host does to the medium meanwhile, and
 * what is saved.
 */
/* sources: ctl/vmm/bus.c ctl/vmm/cdrom.c ctl/vmm/memory.c ctl/vmm/msix.c ctl/vmm/part.c ctl/vmm/pci.c ctl/vmm/route.c ctl/vmm/scsi_cd.c ctl/vmm/virtio.c ctl/vmm/virtio_loop.c ctl/vmm/virtio_pci.c ctl/vmm/virtio_scsi.c ctl/vmm/virtio_worker.c ctl/vmm/virtq.c */
#include <check.h>
#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "cdrom.h"
#include "fake_machine.h"

#define QUEUES		0x10000
#define SIZE		16
#define BLOCK		2048
#define BLOCKS		32
#define REQUEST		0x40000
#define RESPONSE	0x41000
#define DATA		0x50000
#define HEAD		(12 + 96)

#define AT_CONFIG	0x2000
#define SENSE_SIZE	20
#define CDB_SIZE	24

enum { CONTROL, EVENT, REQUESTS };

enum { DONE, OVERRUN, BAD_TARGET = 3, REJECTED = 11, INCORRECT_LUN = 12 };

static struct virtio_device *dev;
static struct fake_queue queue[3];
static unsigned int slot;
static int image = -1;
static char path[40];

/* Each block is full of its number. */
static int make_image(unsigned int blocks, unsigned int first)
{
	uint8_t block[BLOCK];
	unsigned int i;
	int fd = memfd_create("medium", 0);

	for (i = 0; i < blocks; i++) {
		memset(block, first + i, sizeof(block));
		ck_assert_int_eq(pwrite(fd, block, sizeof(block), i * BLOCK), BLOCK);
	}
	return fd;
}

static void drive(void)
{
	ck_assert_uint_eq(fake_driver(slot, VIRTIO_F_1, queue, 3, QUEUES, SIZE), 15);
}

static struct vmm_part *part(const char *name)
{
	struct vmm_part *p;

	for (p = fake.parts; p && strcmp(p->name, name); p = p->next)
		;
	ck_assert_ptr_nonnull(p);
	return p;
}

static void setup(void)
{
	image = make_image(BLOCKS, 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", image);
	fake_create();
	fake_config.cdrom = path;
	fake_config.restore = NULL;
	ck_assert_int_eq(vmm_cd_create(&fake), 0);
	dev = part("virtio-scsi")->opaque;
	slot = dev->pci.slot;
	drive();
}

static void teardown(void)
{
	vmm_cd_destroy(&fake);
	fake_destroy();
	close(image);
}

static void put_command(const uint8_t *cdb, unsigned int target, unsigned int lun)
{
	uint8_t request[19 + 32] = { 1, target, 0x40, lun };

	memcpy(request + 19, cdb, 16);
	memcpy(fake.ram + REQUEST, request, sizeof(request));
	memset(fake.ram + RESPONSE, 0xee, HEAD);
}

/* What came back of the queue, within a moment; the bytes written. */
static uint32_t take(unsigned int n, uint32_t head)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	uint32_t got, length;
	unsigned int i;

	virtio_kick(&dev->queue[n]);
	for (i = 0; i < 5000; i++) {
		if (fake_take(&queue[n], &got, &length)) {
			ck_assert_uint_eq(got, head);
			return length;
		}
		nanosleep(&pause, NULL);
	}
	ck_abort_msg("no answer");
}

/* A command with room for so many bytes, in two pieces if it is more than one. */
static uint32_t command_to(const uint8_t *cdb, unsigned int target, unsigned int lun, uint32_t room)
{
	uint64_t table = queue[REQUESTS].desc;

	put_command(cdb, target, lun);
	fake_desc(table, 0, REQUEST, 19 + 32, 1, 1);
	fake_desc(table, 1, RESPONSE, HEAD, 2 | !!room, 2);
	fake_desc(table, 2, DATA, room / 3 + 1, 2 | (room > 1), 3);
	fake_desc(table, 3, DATA + room / 3 + 1, room - room / 3 - 1, 2, 0);
	fake_offer(&queue[REQUESTS], 0);
	return take(REQUESTS, 0);
}

#define COMMAND(room, ...)	command_to((uint8_t [16]){ __VA_ARGS__ }, 0, 0, room)

static void result_is(uint8_t response, uint8_t status, uint32_t residual)
{
	ck_assert_uint_eq(fake.ram[RESPONSE + 11], response);
	ck_assert_uint_eq(fake.ram[RESPONSE + 10], status);
	ck_assert_uint_eq(fake_get32(RESPONSE + 4), residual);
	ck_assert_uint_eq(fake_get32(RESPONSE), status ? 18 : 0);
}

static void sense_is(unsigned int key, unsigned int asc)
{
	ck_assert_uint_eq(fake.ram[RESPONSE + 12 + 2], key);
	ck_assert_uint_eq(fake.ram[RESPONSE + 12 + 12], asc);
}

/* The first command hears that the drive was switched on. */
static void wake_up(void)
{
	COMMAND(0, 0);
	result_is(DONE, 2, 0);
	sense_is(6, 0x29);
	COMMAND(0, 0);
	result_is(DONE, 0, 0);
}

static void data_is(unsigned int first, unsigned int blocks)
{
	unsigned int i;

	for (i = 0; i < blocks * BLOCK; i++)
		ck_assert_uint_eq(fake.ram[DATA + i], first + i / BLOCK);
}

START_TEST(test_read)
{
	wake_up();
	ck_assert_uint_eq(COMMAND(5 * BLOCK, 0x28, 0, 0, 0, 0, 7, 0, 0, 5), HEAD + 5 * BLOCK);
	result_is(DONE, 0, 0);
	data_is(8, 5);
	/* More room than data, and less. */
	ck_assert_uint_eq(COMMAND(3 * BLOCK, 0xa8, 0, 0, 0, 0, BLOCKS - 1, 0, 0, 0, 1), HEAD + BLOCK);
	result_is(DONE, 0, 2 * BLOCK);
	data_is(BLOCKS, 1);
	memset(fake.ram + DATA, 0xee, 4 * BLOCK);
	ck_assert_uint_eq(COMMAND(BLOCK, 0x28, 0, 0, 0, 0, 0, 0, 0, 2), HEAD);
	result_is(OVERRUN, 0, BLOCK);
	ck_assert_uint_eq(fake.ram[DATA], 0xee);
	COMMAND(BLOCK, 0x28, 0, 0, 0, 0, BLOCKS, 0, 0, 1);
	result_is(DONE, 2, BLOCK);
	sense_is(5, 0x21);
	ck_assert_uint_eq(COMMAND(255, 0x12, 0, 0, 0, 255), HEAD + 36);
	result_is(DONE, 0, 255 - 36);
	ck_assert(!memcmp(fake.ram + DATA + 8, "VITRINE ", 8));
	ck_assert_uint_eq(fake.ram[DATA + 36], 0xee);
}
END_TEST

START_TEST(test_nobody)
{
	static const uint8_t ready[16], inquiry[16] = { 0x12, 0, 0, 0, 36 };

	command_to(ready, 1, 0, 0);
	result_is(BAD_TARGET, 0, 0);
	command_to(ready, 0, 1, 0);
	result_is(DONE, 2, 0);
	sense_is(5, 0x25);
	command_to(inquiry, 0, 1, 36);
	result_is(DONE, 0, 0);
	ck_assert_uint_eq(fake.ram[DATA], 0x7f);
	wake_up();
}
END_TEST

/* The image is cut short, and grows again. */
START_TEST(test_bad_medium)
{
	wake_up();
	ck_assert_int_eq(ftruncate(image, 3 * BLOCK), 0);
	COMMAND(2 * BLOCK, 0x28, 0, 0, 0, 0, 2, 0, 0, 2);
	result_is(DONE, 2, 2 * BLOCK);
	sense_is(3, 0x11);
	COMMAND(2 * BLOCK, 0x28, 0, 0, 0, 0, 1, 0, 0, 2);
	result_is(DONE, 0, 0);
	data_is(2, 2);
}
END_TEST

/* What is too small to be a request is not answered: the device wants to be reset, and works again. */
START_TEST(test_nonsense)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	unsigned int i;

	fake_desc(queue[REQUESTS].desc, 0, REQUEST, _i ? 19 + 31 : 19 + 32, 1, 1);
	fake_desc(queue[REQUESTS].desc, 1, RESPONSE, _i ? HEAD : HEAD - 1, 2, 0);
	fake_offer(&queue[REQUESTS], 0);
	virtio_kick(&dev->queue[REQUESTS]);
	for (i = 0; i < 5000 && !(fake_read(slot, FAKE_STATUS, 1) & VIRTIO_STATUS_NEEDS_RESET); i++)
		nanosleep(&pause, NULL);
	ck_assert_uint_lt(i, 5000);
	drive();
	wake_up();
}
END_TEST

/* A driver with other sizes, which are the usual ones again after a reset. */
START_TEST(test_sizes)
{
	uint64_t table;

	fake_write(slot, FAKE_STATUS, 1, 0);
	drive();
	fake_write(slot, AT_CONFIG + SENSE_SIZE, 4, 4);
	fake_write(slot, AT_CONFIG + CDB_SIZE, 4, 6);
	fake_write(slot, AT_CONFIG, 4, 77);
	ck_assert_uint_eq(fake_read(slot, AT_CONFIG, 4), 1);
	table = queue[REQUESTS].desc;
	put_command((uint8_t [16]){ 0 }, 0, 0);
	fake_desc(table, 0, REQUEST, 19 + 6, 1, 1);
	fake_desc(table, 1, RESPONSE, 12 + 4, 2, 0);
	fake_offer(&queue[REQUESTS], 0);
	ck_assert_uint_eq(take(REQUESTS, 0), 16);
	ck_assert_uint_eq(fake_get32(RESPONSE), 4);
	ck_assert_uint_eq(fake.ram[RESPONSE + 12 + 2], 6);
	ck_assert_uint_eq(fake.ram[RESPONSE + 16], 0xee);
	drive();
	ck_assert_uint_eq(fake_read(slot, AT_CONFIG + SENSE_SIZE, 4), 96);
	ck_assert_uint_eq(fake_read(slot, AT_CONFIG + CDB_SIZE, 4), 32);
	wake_up();
}
END_TEST

static uint8_t manage(uint32_t type, uint32_t subtype, unsigned int target, unsigned int lun)
{
	struct {
		uint32_t type, subtype;
		uint8_t lun[8];
		uint64_t id;
	} t = { type, subtype, { 1, target, 0x40, lun }, 0 };
	uint32_t room = type ? 5 : 1;

	memcpy(fake.ram + REQUEST + 0x100, &t, sizeof(t));
	memset(fake.ram + RESPONSE + 0x800, 0xee, 8);
	fake_desc(queue[CONTROL].desc, 0, REQUEST + 0x100, sizeof(t), 1, 1);
	fake_desc(queue[CONTROL].desc, 1, RESPONSE + 0x800, room, 2, 0);
	fake_offer(&queue[CONTROL], 0);
	ck_assert_uint_eq(take(CONTROL, 0), room);
	return fake.ram[RESPONSE + 0x800 + room - 1];
}

START_TEST(test_tasks)
{
	uint32_t head, length;

	wake_up();
	ck_assert_uint_eq(manage(0, 0, 0, 0), DONE);
	ck_assert_uint_eq(manage(0, 2, 0, 0), REJECTED);
	ck_assert_uint_eq(manage(0, 99, 0, 0), REJECTED);
	ck_assert_uint_eq(manage(0, 5, 0, 3), INCORRECT_LUN);
	ck_assert_uint_eq(manage(0, 5, 9, 0), BAD_TARGET);
	ck_assert_uint_eq(manage(1, 0, 0, 0), DONE);
	ck_assert_uint_eq(fake_get32(RESPONSE + 0x800), 0);
	ck_assert_uint_eq(manage(0, 5, 0, 0), DONE);
	wake_up();
	/* A task that is aborted is at rest when that is told, whoever is heard of first. */
	put_command((uint8_t [16]){ 0 }, 0, 0);
	fake_desc(queue[REQUESTS].desc, 0, REQUEST, 19 + 32, 1, 1);
	fake_desc(queue[REQUESTS].desc, 1, RESPONSE, HEAD, 2, 0);
	fake_offer(&queue[REQUESTS], 0);
	ck_assert_uint_eq(manage(0, 0, 0, 0), DONE);
	ck_assert_int_eq(fake_take(&queue[REQUESTS], &head, &length), 1);
}
END_TEST

START_TEST(test_change)
{
	int other = make_image(4, 100), odd = memfd_create("odd", 0);
	bool medium, locked;

	wake_up();
	COMMAND(0, 0x1e, 0, 0, 0, 1);
	vmm_cd_state(&fake, &medium, &locked);
	ck_assert(medium && locked);
	ck_assert_ptr_nonnull(vmm_cd_change(&fake, other));
	COMMAND(8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
	ck_assert_uint_eq(fake.ram[DATA + 4], 1);	/* somebody wants it out */
	COMMAND(0, 0x1e);
	ck_assert_int_eq(ftruncate(odd, 5000), 0);
	ck_assert_ptr_nonnull(strstr(vmm_cd_change(&fake, odd), "2048"));
	close(odd);
	ck_assert_ptr_null(vmm_cd_change(&fake, other));
	COMMAND(0, 0);
	result_is(DONE, 2, 0);
	sense_is(6, 0x28);
	COMMAND(BLOCK, 0x28, 0, 0, 0, 0, 3, 0, 0, 1);
	data_is(103, 1);
	COMMAND(0, 0x1b, 0, 0, 0, 2);
	result_is(DONE, 0, 0);
	vmm_cd_state(&fake, &medium, &locked);
	ck_assert(!medium && !locked);
	ck_assert_ptr_null(vmm_cd_change(&fake, -1));
	COMMAND(BLOCK, 0x28, 0, 0, 0, 0, 0, 0, 0, 1);
	result_is(DONE, 2, BLOCK);
	sense_is(2, 0x3a);
}
END_TEST

/* What was saved into the same machine; then one whose medium was changed meanwhile, and one that had none. */
START_TEST(test_saved)
{
	struct vmm_part *p = part("cdrom");
	uint32_t *blocks = NULL;
	unsigned int i;

	wake_up();
	for (i = 0; i < p->nfields; i++)
		if (!strcmp(p->fields[i].name, "blocks"))
			blocks = (uint32_t *)((char *)p->state + p->fields[i].offset);
	ck_assert_uint_eq(*blocks, BLOCKS);
	ck_assert_int_eq(p->load(p->opaque), 0);
	COMMAND(0, 0);
	result_is(DONE, 0, 0);
	*blocks = BLOCKS + 1;
	ck_assert_int_eq(p->load(p->opaque), 0);
	COMMAND(0, 0);
	sense_is(6, 0x28);
	COMMAND(8, 0x25);
	ck_assert_uint_eq(fake.ram[DATA + 3], BLOCKS - 1);
	*blocks = 0;
	ck_assert_int_eq(p->load(p->opaque), 0);
	COMMAND(0, 0);
	sense_is(2, 0x3a);
	fake_may_fail = true;
	for (i = 0; i < p->nfields; i++) {
		uint8_t *at = (uint8_t *)p->state + p->fields[i].offset;

		if (p->fields[i].size > 1)
			continue;
		*at ^= 0x80;
		ck_assert_int_eq(p->load(p->opaque), -1);
		*at ^= 0x80;
	}
	fake_may_fail = false;
}
END_TEST

START_TEST(test_missing)
{
	struct vmm_restore *r = (struct vmm_restore *)path;
	bool medium, locked;

	vmm_cd_destroy(&fake);
	fake_destroy();
	fake_create();
	fake_config.cdrom = "/nowhere";
	fake_may_fail = true;
	ck_assert_int_eq(vmm_cd_create(&fake), -1);
	vmm_cd_destroy(&fake);
	/* A machine that is restored goes on without it. */
	fake_config.restore = r;
	ck_assert_int_eq(vmm_cd_create(&fake), 0);
	fake_may_fail = false;
	vmm_cd_state(&fake, &medium, &locked);
	ck_assert(!medium);
	vmm_cd_destroy(&fake);
	fake_config.cdrom = NULL;
	ck_assert_int_eq(vmm_cd_create(&fake), 0);
	ck_assert_ptr_null(fake.cd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio_scsi");
	TCase *t = tcase_create("drive");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_read);
	tcase_add_test(t, test_nobody);
	tcase_add_test(t, test_bad_medium);
	tcase_add_loop_test(t, test_nonsense, 0, 2);
	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_tasks);
	tcase_add_test(t, test_change);
	tcase_add_test(t, test_saved);
	tcase_add_test(t, test_missing);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
