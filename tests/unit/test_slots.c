// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/slots_table.c */
/*
 * The table of memory slots: lookups with any hint, copies that stay sorted, overlaps to the frame.
 */
#include <check.h>
#include <stdlib.h>
#include "slots_table.h"

#define MAX	64

static struct vtr_slots *table;

static struct vtr_slot slot(u32 id, gfn_t gfn, u64 npages)
{
	return (struct vtr_slot){ .id = id, .gfn = gfn, .npages = npages,
				  .hva = 0x10000000 + gfn * VTR_PAGE_SIZE };
}

static struct vtr_slots *room(void)
{
	struct vtr_slots *s = calloc(1, sizeof(*s) + MAX * sizeof(s->slot[0]));

	ck_assert_ptr_nonnull(s);
	return s;
}

static void change(const struct vtr_slot *without, const struct vtr_slot *with)
{
	struct vtr_slots *n = room();

	vtr_slots_build(n, table, without, with);
	free(table);
	table = n;
}

static void add(u32 id, gfn_t gfn, u64 npages)
{
	struct vtr_slot s = slot(id, gfn, npages);

	change(NULL, &s);
}

static void setup(void)
{
	table = room();
}

static void teardown(void)
{
	free(table);
}

static int id_at(gfn_t gfn)
{
	struct vtr_slot *s = vtr_slot_find(table, gfn);

	return s ? (int)s->id : -1;
}

START_TEST(test_empty)
{
	ck_assert_int_eq(id_at(0), -1);
	ck_assert_int_eq(id_at(~0ULL), -1);
	ck_assert_ptr_null(vtr_slot_by_id(table, 0));
}
END_TEST

START_TEST(test_edges_with_every_hint)
{
	u32 hint;

	add(7, 100, 10);
	add(3, 0, 10);
	add(9, 110, 1);
	add(1, 50, 1);
	for (hint = 0; hint < 6; hint++) {
#define at(gfn, id) do { table->last = hint; ck_assert_int_eq(id_at(gfn), id); } while (0)
		at(0, 3);
		at(9, 3);
		at(10, -1);
		at(49, -1);
		at(50, 1);
		at(51, -1);
		at(99, -1);
		at(100, 7);
		at(109, 7);
		at(110, 9);
		at(111, -1);
		at(~0ULL, -1);
#undef at
	}
}
END_TEST

START_TEST(test_build_sorts)
{
	u32 i;

	for (i = 0; i < MAX; i++)
		add(i, (i * 37) % MAX * 10, 5);
	ck_assert_uint_eq(table->nr, MAX);
	for (i = 1; i < MAX; i++)
		ck_assert_uint_lt(table->slot[i - 1].gfn, table->slot[i].gfn);
	for (i = 0; i < MAX; i++)
		ck_assert_int_eq(id_at((i * 37) % MAX * 10 + 4), i);
}
END_TEST

START_TEST(test_delete_and_move)
{
	struct vtr_slot moved;

	add(0, 0, 10);
	add(1, 20, 10);
	add(2, 40, 10);
	moved = *vtr_slot_by_id(table, 0);
	moved.gfn = 60;
	change(vtr_slot_by_id(table, 0), &moved);
	ck_assert_uint_eq(table->nr, 3);
	ck_assert_int_eq(id_at(5), -1);
	ck_assert_int_eq(id_at(65), 0);
	change(vtr_slot_by_id(table, 1), NULL);
	ck_assert_uint_eq(table->nr, 2);
	ck_assert_int_eq(id_at(25), -1);
	ck_assert_int_eq(id_at(45), 2);
}
END_TEST

START_TEST(test_generation)
{
	u64 first = table->generation;

	add(0, 0, 1);
	ck_assert_uint_ne(table->generation, first);
	first = table->generation;
	change(vtr_slot_by_id(table, 0), NULL);
	ck_assert_uint_ne(table->generation, first);
}
END_TEST

static bool overlaps(gfn_t gfn, u64 npages, u32 except)
{
	struct vtr_slot s = slot(99, gfn, npages);

	return vtr_slots_overlap(table, &s, vtr_slot_by_id(table, except));
}

START_TEST(test_overlap)
{
	add(0, 10, 10);
	add(1, 30, 10);
	ck_assert(!overlaps(0, 10, 99));
	ck_assert(overlaps(0, 11, 99));
	ck_assert(overlaps(19, 1, 99));
	ck_assert(!overlaps(20, 10, 99));
	ck_assert(overlaps(20, 11, 99));
	ck_assert(overlaps(0, 100, 99));
	ck_assert(overlaps(12, 2, 99));
	/* A slot that moves may overlap where it was, but not its neighbour. */
	ck_assert(!overlaps(15, 10, 0));
	ck_assert(overlaps(25, 10, 0));
}
END_TEST

START_TEST(test_frames)
{
	struct vtr_slot s = { .gfn = 100, .npages = 4, .hva = 0x10000 };
	gfn_t first, beyond;

#define frames(start, end, f, b) do { \
	ck_assert(vtr_slot_frames(&s, start, end, &first, &beyond)); \
	ck_assert_uint_eq(first, f); \
	ck_assert_uint_eq(beyond, b); \
} while (0)
	frames(0, ~0ULL, 100, 104);
	frames(0x10000, 0x11000, 100, 101);
	frames(0x10fff, 0x11001, 100, 102);
	/* A single byte touches its page: the notifier's test_young() asks so. */
	frames(0x13fff, 0x14000, 103, 104);
	frames(0x12000, 0x12001, 102, 103);
	ck_assert(!vtr_slot_frames(&s, 0, 0x10000, &first, &beyond));
	ck_assert(!vtr_slot_frames(&s, 0x14000, 0x20000, &first, &beyond));
	ck_assert(!vtr_slot_frames(&s, 0x12000, 0x12000, &first, &beyond));
#undef frames
}
END_TEST

int main(void)
{
	Suite *s = suite_create("slots");
	TCase *c = tcase_create("table");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_empty);
	tcase_add_test(c, test_edges_with_every_hint);
	tcase_add_test(c, test_build_sorts);
	tcase_add_test(c, test_delete_and_move);
	tcase_add_test(c, test_generation);
	tcase_add_test(c, test_overlap);
	tcase_add_test(c, test_frames);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
