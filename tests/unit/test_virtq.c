// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_virtq.c - split virtqueues: chains, direct and indirect, are taken as they were offered; what cannot be breaks
 * the queue and reaches nothing outside; notifications in both directions, with and without event indices.
 */
/* sources: ctl/vmm/bus.c ctl/vmm/memory.c ctl/vmm/msix.c ctl/vmm/part.c ctl/vmm/pci.c ctl/vmm/route.c ctl/vmm/virtio.c ctl/vmm/virtio_loop.c ctl/vmm/virtio_pci.c ctl/vmm/virtq.c */
#include <check.h>

#include "fake_machine.h"

#define SIZE	8
#define DATA	0x10000
#define NEXT	1
#define WRITE	2
#define INDIRECT	4

static struct fake_queue driver;
static struct virtq q;
static struct virtq_chain c;

static void map(bool event_idx)
{
	fake_queue_at(&driver, 0x4000, SIZE);
	q = (struct virtq){ .m = &fake, .size = SIZE, .event_idx = event_idx };
	ck_assert_int_eq(virtq_map(&q, driver.desc, driver.avail, driver.used), 0);
}

static void setup(void)
{
	fake_create();
	map(false);
}

static void teardown(void)
{
	fake_destroy();
}

START_TEST(a_chain_as_it_was_offered)
{
	uint8_t back[20] = { 0 };

	fake_desc(driver.desc, 3, DATA, 10, NEXT, 5);
	fake_desc(driver.desc, 5, DATA + 100, 6, NEXT | WRITE, 1);
	fake_desc(driver.desc, 1, DATA + 200, 7, WRITE, 3);
	memcpy(fake.ram + DATA, "0123456789", 10);
	ck_assert_int_eq(virtq_pop(&q, &c), 0);
	fake_offer(&driver, 3);
	ck_assert_int_eq(virtq_pop(&q, &c), 1);
	ck_assert_uint_eq(c.head, 3);
	ck_assert_uint_eq(c.nout, 1);
	ck_assert_uint_eq(c.nin, 2);
	ck_assert_uint_eq(c.out, 10);
	ck_assert_uint_eq(c.in, 13);
	ck_assert_uint_eq(virtq_copy_out(&c, 4, back, sizeof(back)), 6);
	ck_assert_str_eq((char *)back, "456789");
	ck_assert_uint_eq(virtq_copy_in(&c, 4, "abcdefghijklmn", 14), 9);
	ck_assert_mem_eq(fake.ram + DATA + 104, "ab\0", 3);
	ck_assert_mem_eq(fake.ram + DATA + 200, "cdefghi\0", 8);
	ck_assert_uint_eq(virtq_copy_in(&c, 13, "x", 1), 0);
	ck_assert_int_eq(virtq_pop(&q, &c), 0);
	ck_assert(!q.broken);
}
END_TEST

START_TEST(used_in_the_order_of_return)
{
	uint32_t head, length;
	unsigned int i;

	for (i = 0; i < 3 * SIZE; i++) {
		fake_desc(driver.desc, i % SIZE, DATA, 16, WRITE, 0);
		fake_offer(&driver, i % SIZE);
		ck_assert_int_eq(virtq_pop(&q, &c), 1);
		ck_assert_int_eq(fake_take(&driver, &head, &length), 0);
		virtq_push(&q, c.head, i);
		ck_assert_int_eq(fake_take(&driver, &head, &length), 1);
		ck_assert_uint_eq(head, i % SIZE);
		ck_assert_uint_eq(length, i);
	}
}
END_TEST

START_TEST(untaken_is_taken_again)
{
	fake_desc(driver.desc, 0, DATA, 1, 0, 0);
	fake_desc(driver.desc, 1, DATA, 2, 0, 0);
	fake_offer(&driver, 0);
	fake_offer(&driver, 1);
	ck_assert_int_eq(virtq_pop(&q, &c), 1);
	ck_assert_int_eq(virtq_pop(&q, &c), 1);
	virtq_unpop(&q);
	virtq_unpop(&q);
	ck_assert_int_eq(virtq_pop(&q, &c), 1);
	ck_assert_uint_eq(c.out, 1);
}
END_TEST

START_TEST(indirect)
{
	fake_desc(driver.desc, 0, DATA, 1, NEXT, 2);
	fake_desc(driver.desc, 2, 0x20000, 3 * 16, INDIRECT, 0);
	fake_desc(0x20000, 0, DATA + 10, 4, NEXT, 2);
	fake_desc(0x20000, 2, DATA + 20, 5, WRITE, 0);
	fake_offer(&driver, 0);
	ck_assert_int_eq(virtq_pop(&q, &c), 1);
	ck_assert_uint_eq(c.out, 5);
	ck_assert_uint_eq(c.in, 5);
	ck_assert_ptr_eq(c.iov[2].iov_base, fake.ram + DATA + 20);
}
END_TEST

/* What a driver must not write: descriptor 0 is offered, rows say how it and the next two look. */
static const struct {
	const char *what;
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} d[3];
} wrong[] = {
	{ "outside of RAM", { { FAKE_RAM, 1, 0, 0 } } },
	{ "over RAM's end", { { FAKE_RAM - 8, 9, 0, 0 } } },
	{ "around", { { ~0ULL - 3, 8, 0, 0 } } },
	{ "a ring", { { DATA, 1, NEXT, 1 }, { DATA, 1, NEXT, 0 } } },
	{ "itself", { { DATA, 1, NEXT, 0 } } },
	{ "next is none", { { DATA, 1, NEXT, SIZE } } },
	{ "readable after writable", { { DATA, 1, NEXT | WRITE, 1 }, { DATA, 1, 0, 0 } } },
	{ "indirect and next", { { 0x20000, 16, NEXT | INDIRECT, 1 }, { DATA, 1, 0, 0 } } },
	{ "an empty table", { { 0x20000, 0, INDIRECT, 0 } } },
	{ "half a descriptor", { { 0x20000, 24, INDIRECT, 0 } } },
	{ "a table outside of RAM", { { FAKE_RAM - 16, 32, INDIRECT, 0 } } },
	{ "a table in itself", { { 0x4000, 16 * SIZE, INDIRECT, 0 } } },
};

START_TEST(breaks)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		fake_desc(driver.desc, i, wrong[_i].d[i].addr, wrong[_i].d[i].len, wrong[_i].d[i].flags,
			  wrong[_i].d[i].next);
	fake_offer(&driver, 0);
	ck_assert_msg(virtq_pop(&q, &c) == -1, "%s", wrong[_i].what);
	ck_assert(q.broken);
	/* Until a reset. */
	fake_desc(driver.desc, 0, DATA, 1, 0, 0);
	ck_assert_int_eq(virtq_pop(&q, &c), -1);
	ck_assert(!virtq_more(&q));
	ck_assert(!virtq_shall_tell(&q));
}
END_TEST

START_TEST(too_long_a_chain)
{
	unsigned int i, n = VIRTQ_IOV + 1;

	fake_desc(driver.desc, 0, 0x20000, 16 * n, INDIRECT, 0);
	for (i = 0; i < n; i++)
		fake_desc(0x20000, i, DATA, 1, i < n - 1 ? NEXT : 0, i + 1);
	fake_offer(&driver, 0);
	ck_assert_int_eq(virtq_pop(&q, &c), -1);
	map(false);
	fake_desc(driver.desc, 0, 0x20000, 16 * (n - 1), INDIRECT, 0);
	fake_desc(0x20000, n - 2, DATA, 1, 0, 0);
	fake_offer(&driver, 0);
	ck_assert_int_eq(virtq_pop(&q, &c), 1);
	ck_assert_uint_eq(c.nout, VIRTQ_IOV);
}
END_TEST

START_TEST(heads_and_indices)
{
	fake_offer(&driver, SIZE);
	ck_assert_int_eq(virtq_pop(&q, &c), -1);
	map(false);
	fake_put16(driver.avail + 2, SIZE + 1);
	ck_assert_int_eq(virtq_pop(&q, &c), -1);
	map(false);
	fake_put16(driver.avail + 2, 0xffff);
	ck_assert_int_eq(virtq_pop(&q, &c), -1);
}
END_TEST

START_TEST(places)
{
	static const uint64_t at[][3] = {
		{ FAKE_RAM, 0x1000, 0x2000 }, { 0x1000, FAKE_RAM - 4, 0x2000 }, { 0x1000, 0x2000, FAKE_RAM - 4 },
		{ 0x1008, 0x2000, 0x3000 }, { 0x1000, 0x2001, 0x3000 }, { 0x1000, 0x2000, 0x3002 },
		{ ~0ULL & ~15ULL, 0x1000, 0x2000 }, { FAKE_RAM - 16, 0x1000, 0x2000 },
	};

	q = (struct virtq){ .m = &fake, .size = SIZE };
	ck_assert_int_eq(virtq_map(&q, at[_i][0], at[_i][1], at[_i][2]), -1);
	ck_assert(q.broken);
	ck_assert_int_eq(virtq_pop(&q, &c), -1);
}
END_TEST

START_TEST(flags)
{
	fake_desc(driver.desc, 0, DATA, 1, 0, 0);
	virtq_quiet(&q);
	ck_assert_uint_eq(fake_get16(driver.used), 1);
	ck_assert(!virtq_more(&q));
	ck_assert_uint_eq(fake_get16(driver.used), 0);
	fake_offer(&driver, 0);
	ck_assert(virtq_more(&q));
	ck_assert_int_eq(virtq_pop(&q, &c), 1);
	ck_assert(!virtq_shall_tell(&q));
	virtq_push(&q, 0, 0);
	ck_assert(virtq_shall_tell(&q));
	ck_assert(!virtq_shall_tell(&q));
	fake_put16(driver.avail, 1);
	virtq_push(&q, 0, 0);
	ck_assert(!virtq_shall_tell(&q));
}
END_TEST

/* With event indices: the driver hears when the index it named is passed, wherever the 16 bits wrap. */
START_TEST(event_indices)
{
	uint16_t start = _i ? 0xfffd : 0, i;

	map(true);
	q.next = q.done = q.told = start;
	driver.next = start;
	fake_put16(driver.avail + 2, start);
	for (i = 0; i < 6; i++) {
		fake_desc(driver.desc, i, DATA, 1, 0, 0);
		fake_offer(&driver, i);
	}
	fake_put16(driver.avail + 4 + 2 * SIZE, start + 3);
	for (i = 0; i < 6; i++) {
		ck_assert_int_eq(virtq_pop(&q, &c), 1);
		virtq_push(&q, c.head, 0);
		ck_assert_int_eq(virtq_shall_tell(&q), i == 3);
	}
	ck_assert(!virtq_more(&q));
	ck_assert_uint_eq(fake_get16(driver.used + 4 + 8 * SIZE), (uint16_t)(start + 6));
	fake_offer(&driver, 0);
	ck_assert(virtq_more(&q));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtq");
	TCase *t = tcase_create("virtq");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_chain_as_it_was_offered);
	tcase_add_test(t, used_in_the_order_of_return);
	tcase_add_test(t, untaken_is_taken_again);
	tcase_add_test(t, indirect);
	tcase_add_loop_test(t, breaks, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(t, too_long_a_chain);
	tcase_add_test(t, heads_and_indices);
	tcase_add_loop_test(t, places, 0, 8);
	tcase_add_test(t, flags);
	tcase_add_loop_test(t, event_indices, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
