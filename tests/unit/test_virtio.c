// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_virtio.c - virtio devices as a driver meets them: configuration space and its capabilities, the order of the status field, queues,
 * interrupts by line and by message, state that is saved and loaded. The device is the entropy device.
 */
/* sources: ctl/vmm/bus.c ctl/vmm/memory.c ctl/vmm/msix.c ctl/vmm/part.c ctl/vmm/pci.c ctl/vmm/route.c ctl/vmm/virtio.c ctl/vmm/virtio_loop.c ctl/vmm/virtio_pci.c ctl/vmm/virtio_rng.c ctl/vmm/virtq.c */
#include <check.h>

#include "devices.h"
#include "fake_machine.h"

#define QUEUES	0x10000
#define DATA	0x20000
#define SIZE	8

#define DEVICE_SELECT	0
#define DEVICE_FEATURES	4
#define CONFIG_VECTOR	16
#define NUM_QUEUES	18
#define QUEUE_VECTOR	26
#define ISR		0x1000

static struct virtio_device *dev;
static struct fake_queue queue;
static unsigned int slot;

static struct virtio_device *find(void)
{
	struct vmm_part *p;

	for (p = fake.parts; p; p = p->next)
		if (!strcmp(p->name, "virtio-rng"))
			return p->opaque;
	ck_abort();
	return NULL;
}

static void setup(void)
{
	fake_create();
	ck_assert_int_eq(vmm_rng_create(&fake), 0);
	dev = find();
	slot = dev->pci.slot;
}

static void teardown(void)
{
	vmm_rng_destroy(&fake);
	fake_destroy();
}

static void turn(void)
{
	fake_turn(&dev->source[0]);
}

/* A request of 64 bytes; true if they came. */
static bool works(void)
{
	uint32_t head, length;

	memset(fake.ram + DATA, 0, 64);
	fake_desc(queue.desc, 0, DATA, 64, 2, 0);
	fake_offer(&queue, 0);
	virtio_kick(&dev->queue[0]);
	turn();
	return fake_take(&queue, &head, &length) && !head && length == 64 && memcmp(fake.ram + DATA, fake.ram + DATA + 32, 32);
}

static bool rang(unsigned int vector)
{
	struct pollfd p = { .fd = dev->pci.msix.vector[vector].fd, .events = POLLIN };
	uint64_t count;

	return poll(&p, 1, 0) > 0 && read(p.fd, &count, sizeof(count)) == sizeof(count);
}

/* Find a capability, by its id and, of vendor ones, by its type. */
static unsigned int capability(uint8_t id, uint8_t type)
{
	unsigned int at = fake_config_read(slot, 0x34, 1), n;

	for (n = 0; at && n < 48; n++) {
		if (fake_config_read(slot, at, 1) == id && (id != 9 || fake_config_read(slot, at + 3, 1) == type))
			return at;
		at = fake_config_read(slot, at + 1, 1);
	}
	return 0;
}

START_TEST(identity)
{
	unsigned int type;

	ck_assert_uint_eq(fake_config_read(slot, 0, 4), 0x10441af4);
	ck_assert_uint_eq(fake_config_read(slot, 8, 1), 1);
	ck_assert_uint_eq(fake_config_read(slot, 6, 2) & 0x10, 0x10);
	ck_assert_uint_ne(capability(0x11, 0), 0);
	for (type = 1; type <= 5; type++)
		ck_assert_int_eq(!!capability(9, type), type != 4);	/* it has no configuration */
	/* Nothing answers where no device is; a write changes nothing of what is fixed. */
	ck_assert_uint_eq(fake_config_read(slot + 1, 0, 4), 0xffffffff);
	fake_config_write(slot, 0, 4, 0);
	ck_assert_uint_eq(fake_config_read(slot, 0, 4), 0x10441af4);
	ck_assert_uint_eq(fake_read(slot, NUM_QUEUES, 2), 1);
}
END_TEST

START_TEST(ranges)
{
	uint32_t at = fake_config_read(slot, PCI_BAR(0), 4), val = 0;

	/* Its size is told as by any function. */
	fake_config_write(slot, PCI_BAR(0), 4, 0xffffffff);
	ck_assert_uint_eq(fake_config_read(slot, PCI_BAR(0), 4), 0xffffc000);
	fake_config_write(slot, PCI_BAR(0), 4, at);
	ck_assert_uint_eq(fake_read(slot, NUM_QUEUES, 2), 1);
	/* Moved, it answers there and no more here. */
	fake_config_write(slot, PCI_BAR(0), 4, 0xc1000000);
	ck_assert(vmm_pci_mmio(&fake, 0xc1000000 + NUM_QUEUES, 2, false, &val));
	ck_assert_uint_eq(val, 1);
	ck_assert(!vmm_pci_mmio(&fake, at + NUM_QUEUES, 2, false, &val));
	ck_assert(!vmm_pci_mmio(&fake, 0xc1000000 + 0x3fff, 2, false, &val));
	/* Off is off. */
	fake_config_write(slot, PCI_COMMAND, 2, 0);
	ck_assert(!vmm_pci_mmio(&fake, 0xc1000000 + NUM_QUEUES, 2, false, &val));
}
END_TEST

/* The capability that reaches registers through configuration space. */
START_TEST(window)
{
	unsigned int cap = capability(9, 5);

	fake_config_write(slot, cap + 4, 1, 0);
	fake_config_write(slot, cap + 8, 4, NUM_QUEUES);
	fake_config_write(slot, cap + 12, 4, 2);
	ck_assert_uint_eq(fake_config_read(slot, cap + 16, 4), 1);
	fake_config_write(slot, cap + 8, 4, FAKE_STATUS);
	fake_config_write(slot, cap + 12, 4, 1);
	fake_config_write(slot, cap + 16, 4, 1);
	ck_assert_uint_eq(fake_read(slot, FAKE_STATUS, 1), 1);
	/* Beyond the range, across its end, of no size there is. */
	fake_config_write(slot, cap + 8, 4, 0x4000);
	fake_config_write(slot, cap + 16, 4, 1);
	fake_config_write(slot, cap + 8, 4, 0xfffffffe);
	fake_config_write(slot, cap + 12, 4, 4);
	fake_config_write(slot, cap + 16, 4, 1);
	fake_config_write(slot, cap + 12, 4, 3);
	fake_config_write(slot, cap + 4, 1, 9);
	ck_assert_uint_eq(fake_read(slot, FAKE_STATUS, 1), 1);
}
END_TEST

START_TEST(features)
{
	fake_write(slot, DEVICE_SELECT, 4, 1);
	ck_assert_uint_eq(fake_read(slot, DEVICE_FEATURES, 4), 1);
	fake_write(slot, DEVICE_SELECT, 4, 2);
	ck_assert_uint_eq(fake_read(slot, DEVICE_FEATURES, 4), 0);
	/* Without the one that all have, with one that was not offered: not agreed, so not started. */
	ck_assert_uint_eq(fake_driver(slot, 0, &queue, 1, QUEUES, SIZE), 3);
	ck_assert_uint_eq(fake_driver(slot, VIRTIO_F_1 | 1, &queue, 1, QUEUES, SIZE), 3);
	ck_assert(!dev->running);
	ck_assert_uint_eq(fake_driver(slot, VIRTIO_F_1, &queue, 1, QUEUES, SIZE), 15);
	/* What is agreed stays, and so do status bits. */
	fake_write(slot, FAKE_DRIVER_FEATURES, 4, 0);
	ck_assert(virtio_has(dev, VIRTIO_F_1));
	fake_write(slot, FAKE_STATUS, 1, 1);
	ck_assert_uint_eq(fake_read(slot, FAKE_STATUS, 1), 15);
	ck_assert(works());
	fake_write(slot, FAKE_STATUS, 1, 0);
	ck_assert(!dev->running);
	ck_assert_uint_eq(fake_read(slot, FAKE_STATUS, 1), 0);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_ENABLE, 2), 0);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_DESC, 8), 0);
}
END_TEST

START_TEST(queues)
{
	fake_write(slot, FAKE_QUEUE_SELECT, 2, 0);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_SIZE, 2), 8);
	fake_write(slot, FAKE_QUEUE_SIZE, 2, 3);
	fake_write(slot, FAKE_QUEUE_SIZE, 2, 16);
	fake_write(slot, FAKE_QUEUE_SIZE, 2, 0);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_SIZE, 2), 8);
	/* An address in halves. */
	fake_write(slot, FAKE_QUEUE_DESC, 4, 0x1000);
	fake_write(slot, FAKE_QUEUE_DESC + 4, 4, 7);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_DESC, 4), 0x1000);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_DESC + 4, 4), 7);
	/* One that there is not. */
	fake_write(slot, FAKE_QUEUE_SELECT, 2, 1);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_SIZE, 2), 0);
	fake_write(slot, FAKE_QUEUE_ENABLE, 2, 1);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_ENABLE, 2), 0);
	/* Once enabled it keeps its place. */
	fake_driver(slot, VIRTIO_F_1, &queue, 1, QUEUES, SIZE);
	fake_write(slot, FAKE_QUEUE_DESC, 8, 0x5000);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_DESC, 8), queue.desc);
	ck_assert(works());
}
END_TEST

START_TEST(by_line)
{
	fake_driver(slot, VIRTIO_F_1, &queue, 1, QUEUES, SIZE);
	ck_assert(works());
	ck_assert(dev->pci.line);
	ck_assert_uint_eq(fake_config_read(slot, 6, 2) & 8, 8);
	ck_assert_uint_eq(fake_read(slot, ISR, 1), 1);
	ck_assert(!dev->pci.line);
	ck_assert_uint_eq(fake_read(slot, ISR, 1), 0);
}
END_TEST

START_TEST(by_message)
{
	unsigned int cap = capability(0x11, 0), i;

	fake_config_write(slot, cap + 2, 2, 0x8000);
	for (i = 0; i < 2; i++) {
		fake_write(slot, 0x3000 + 16 * i, 8, 0xfee00000);
		fake_write(slot, 0x3000 + 16 * i + 8, 4, 0x40 + i);
		fake_write(slot, 0x3000 + 16 * i + 12, 4, 0);
	}
	fake_driver(slot, VIRTIO_F_1, &queue, 1, QUEUES, SIZE);
	fake_write(slot, FAKE_QUEUE_SELECT, 2, 0);
	fake_write(slot, QUEUE_VECTOR, 2, 9);
	ck_assert_uint_eq(fake_read(slot, QUEUE_VECTOR, 2), 0xffff);
	fake_write(slot, QUEUE_VECTOR, 2, 1);
	fake_write(slot, CONFIG_VECTOR, 2, 0);
	ck_assert(works());
	ck_assert(rang(1) && !rang(0));
	ck_assert(!dev->pci.line);
	/* The driver lies: the device waits for a reset, and says so. */
	fake_desc(queue.desc, 0, FAKE_RAM, 64, 2, 0);
	fake_offer(&queue, 0);
	virtio_kick(&dev->queue[0]);
	turn();
	ck_assert(rang(0) && !rang(1));
	ck_assert_uint_eq(fake_read(slot, FAKE_STATUS, 1), 15 | 0x40);
	fake_driver(slot, VIRTIO_F_1, &queue, 1, QUEUES, SIZE);
	ck_assert(works());
}
END_TEST

/* In a machine that is made anew it goes on where it was. */
START_TEST(saved)
{
	static struct virtio_state state;
	static uint8_t ram[FAKE_RAM];

	fake_driver(slot, VIRTIO_F_1 | VIRTIO_F_EVENT_IDX, &queue, 1, QUEUES, SIZE);
	ck_assert(works() && works() && works());
	dev->part.save(dev);
	state = *dev->state;
	memcpy(ram, fake.ram, sizeof(ram));
	teardown();
	setup();
	memcpy(fake.ram, ram, sizeof(ram));
	*dev->state = state;
	ck_assert_int_eq(dev->part.load(dev), 0);
	ck_assert(dev->running);
	ck_assert_uint_eq(fake_read(slot, FAKE_STATUS, 1), 15);
	ck_assert_uint_eq(fake_read(slot, FAKE_QUEUE_DESC, 8), queue.desc);
	ck_assert(works());
	ck_assert_int_eq(dev->part.forked(dev), 0);
	ck_assert(works());
}
END_TEST

START_TEST(refused)
{
	fake_driver(slot, VIRTIO_F_1, &queue, 1, QUEUES, SIZE);
	dev->part.save(dev);
	fake_write(slot, FAKE_STATUS, 1, 0);
	if (_i == 0)
		dev->state->size[0] = 3;
	if (_i == 1)
		dev->state->size[0] = 1024;
	if (_i == 2)
		dev->state->accepted |= 1;
	fake_may_fail = true;
	ck_assert_int_eq(dev->part.load(dev), -1);
	fake_may_fail = false;
	ck_assert(!dev->running);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio");
	TCase *t = tcase_create("virtio");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, identity);
	tcase_add_test(t, ranges);
	tcase_add_test(t, window);
	tcase_add_test(t, features);
	tcase_add_test(t, queues);
	tcase_add_test(t, by_line);
	tcase_add_test(t, by_message);
	tcase_add_test(t, saved);
	tcase_add_loop_test(t, refused, 0, 3);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
