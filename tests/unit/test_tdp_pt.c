// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/tdp_pt.c */
/*
 * Two-dimensional page tables: what a CPU would find after each change, which changes ask for a flush,
 * and that every table that went in comes out again.
 */
#include <check.h>
#include <stdlib.h>
#include "tdp_pt.h"

#define SPARE_MAX	4
#define HUGE		vtr_pt_pages(2)
#define GIANT		vtr_pt_pages(3)

static struct vtr_pt pt;
static u64 *spare[SPARE_MAX];
static u32 nr_spare;
static long nr_tables;

static u64 *table_new(void)
{
	u64 *t = aligned_alloc(VTR_PAGE_SIZE, VTR_PAGE_SIZE);

	ck_assert_ptr_nonnull(t);
	memset(t, 0, VTR_PAGE_SIZE);
	nr_tables++;
	return t;
}

static void tables_free(u64 *list)
{
	while (list) {
		u64 *next = vtr_pt_freed_next(list);

		free(list);
		nr_tables--;
		list = next;
	}
}

static void setup_levels(const struct vtr_pt_format *fmt, u8 levels)
{
	nr_tables = 0;
	nr_spare = 0;
	pt = (struct vtr_pt){ .fmt = fmt, .root = table_new(), .levels = levels };
}

static void setup(void)
{
	setup_levels(&vtr_pt_npt, 4);
}

static void teardown(void)
{
	u64 *freed = NULL;

	vtr_pt_collect_all(&pt, &freed);
	tables_free(freed);
	while (nr_spare) {
		free(spare[--nr_spare]);
		nr_tables--;
	}
	ck_assert_int_eq(nr_tables, 0);
}

static void topup(void)
{
	while (nr_spare < pt.levels - 1U)
		spare[nr_spare++] = table_new();
}

static enum vtr_pt_result map_on(gfn_t gfn, u64 pfn, u8 level, bool writable, u64 **freed)
{
	struct vtr_pt_leaf l = { .gfn = gfn, .pfn = pfn, .level = level, .writable = writable };

	return vtr_pt_map(&pt, &l, spare, &nr_spare, freed);
}

static enum vtr_pt_result map(gfn_t gfn, u64 pfn, u8 level, bool writable)
{
	enum vtr_pt_result result;
	u64 *freed = NULL;

	topup();
	result = map_on(gfn, pfn, level, writable, &freed);
	tables_free(freed);
	return result;
}

static bool range(enum vtr_pt_op op, gfn_t start, gfn_t end)
{
	u64 *freed = NULL;
	bool hit = vtr_pt_range(&pt, op, start, end, &freed);

	tables_free(freed);
	return hit;
}

/* What a CPU's walk ends in: the frame, or ~0. */
static u64 lookup(gfn_t gfn, bool *writable, unsigned int *level)
{
	u64 entry = vtr_pt_entry(&pt, gfn, level);

	*writable = entry & pt.fmt->write;
	if (!entry)
		return ~0ULL;
	return ((entry & VTR_PT_ADDR) >> VTR_PAGE_SHIFT & ~(vtr_pt_pages(*level) - 1)) +
	       (gfn & (vtr_pt_pages(*level) - 1));
}

#define expect(gfn_, pfn_, level_, writable_) do { \
	unsigned int at_; \
	bool w_; \
\
	ck_assert_uint_eq(lookup(gfn_, &w_, &at_), pfn_); \
	ck_assert_uint_eq(at_, level_); \
	ck_assert_int_eq(w_, writable_); \
} while (0)

#define expect_absent(gfn_) do { \
	unsigned int at_; \
	bool w_; \
\
	ck_assert_uint_eq(lookup(gfn_, &w_, &at_), ~0ULL); \
} while (0)

START_TEST(test_sizes)
{
	ck_assert_int_eq(map(5, 0x1234, 1, true), VTR_PT_MAPPED);
	ck_assert_int_eq(map(3 * HUGE, 7 * HUGE, 2, false), VTR_PT_MAPPED);
	ck_assert_int_eq(map(2 * GIANT, 9 * GIANT, 3, true), VTR_PT_MAPPED);
	expect(5, 0x1234, 1, true);
	expect(3 * HUGE + 77, 7 * HUGE + 77, 2, false);
	expect(2 * GIANT + 123456, 9 * GIANT + 123456, 3, true);
	expect_absent(4);
	expect_absent(6);
	expect_absent(4 * HUGE);
}
END_TEST

START_TEST(test_npt_bits)
{
	unsigned int level;
	struct vtr_pt_leaf l = { .gfn = HUGE, .pfn = HUGE, .level = 2, .pat = 7 };

	/* P U A; W D; PS: APM2 "Nested Paging" and "Page-Translation-Table Entry Fields". */
	map(1, 2, 1, false);
	ck_assert_uint_eq(vtr_pt_entry(&pt, 1, &level), 0x2025);
	map(3, 4, 1, true);
	ck_assert_uint_eq(vtr_pt_entry(&pt, 3, &level), 0x4067);
	topup();
	vtr_pt_map(&pt, &l, spare, &nr_spare, NULL);
	ck_assert_uint_eq(vtr_pt_entry(&pt, HUGE, &level), 0x200000 | 0x10bd);
	/* Tables give every right: the leaf decides. */
	ck_assert_uint_eq(pt.root[0] & 0xfff, 0x27);
}
END_TEST

/* Where nothing may be executed from large leaves. */
START_TEST(test_small_code)
{
	u64 *freed = NULL;
	unsigned int level;

	teardown();
	setup_levels(&vtr_pt_ept, 4);
	ck_assert_uint_eq(vtr_pt_level_for(&pt, HUGE, 3, true), 3);
	pt.small_code = true;
	/* Large without X, small with. */
	map(HUGE, HUGE, 2, true);
	ck_assert_uint_eq(vtr_pt_entry(&pt, HUGE, &level), 0x200000 | 0x3f3);
	map(3, 4, 1, true);
	ck_assert_uint_eq(vtr_pt_entry(&pt, 3, &level), 0x4000 | 0x377);
	/* Data goes where it will, code into 4 KiB. */
	ck_assert_uint_eq(vtr_pt_level_for(&pt, 5 * HUGE, 3, false), 2);
	ck_assert_uint_eq(vtr_pt_level_for(&pt, 1 << 20, 3, false), 3);
	ck_assert_uint_eq(vtr_pt_level_for(&pt, HUGE + 7, 2, false), 2);
	ck_assert_uint_eq(vtr_pt_level_for(&pt, HUGE + 7, 2, true), 1);
	/* The large leaf gives way, with a flush, and does not come back beside the code. */
	topup();
	ck_assert_int_eq(map_on(HUGE + 7, HUGE + 7, 1, true, NULL), VTR_PT_REFUSED);
	ck_assert_int_eq(map_on(HUGE + 7, HUGE + 7, 1, true, &freed), VTR_PT_FLUSH);
	ck_assert_uint_eq(vtr_pt_entry(&pt, HUGE + 7, &level) & 7, 7);
	ck_assert_uint_eq(level, 1);
	ck_assert_uint_eq(vtr_pt_entry(&pt, HUGE + 8, &level), 0);
	ck_assert_uint_eq(vtr_pt_level_for(&pt, HUGE + 8, 2, false), 1);
	ck_assert_ptr_null(freed);
}
END_TEST

START_TEST(test_ept_bits)
{
	unsigned int level;

	teardown();
	setup_levels(&vtr_pt_ept, 4);
	/* R X WB IPAT A; W D; large: SDM 3C "The Extended Page Table Mechanism". */
	map(1, 2, 1, false);
	ck_assert_uint_eq(vtr_pt_entry(&pt, 1, &level), 0x2000 | 0x175);
	map(3, 4, 1, true);
	ck_assert_uint_eq(vtr_pt_entry(&pt, 3, &level), 0x4000 | 0x377);
	map(HUGE, HUGE, 2, true);
	ck_assert_uint_eq(vtr_pt_entry(&pt, HUGE, &level), 0x200000 | 0x3f7);
	ck_assert_uint_eq(pt.root[0] & 0xfff, 7);
}
END_TEST

START_TEST(test_five_levels)
{
	gfn_t high = (1ULL << 40) + 9;

	teardown();
	setup_levels(&vtr_pt_npt, 5);
	ck_assert_uint_eq(vtr_pt_limit(&pt), 1ULL << 45);
	map(high, 0x99, 1, true);
	expect(high, 0x99, 1, true);
	expect_absent(9);
	ck_assert(range(VTR_PT_ZAP, 0, vtr_pt_limit(&pt)));
	expect_absent(high);
}
END_TEST

START_TEST(test_last_frame)
{
	gfn_t last = vtr_pt_limit(&pt) - 1;

	map(last, 0x99, 1, true);
	expect(last, 0x99, 1, true);
	ck_assert(range(VTR_PT_ZAP, last, last + 1));
	expect_absent(last);
}
END_TEST

START_TEST(test_upgrade_needs_no_flush)
{
	map(5, 6, 1, false);
	ck_assert_int_eq(map(5, 6, 1, true), VTR_PT_MAPPED);
	expect(5, 6, 1, true);
}
END_TEST

START_TEST(test_read_fault_keeps_write)
{
	map(5, 6, 1, true);
	ck_assert_int_eq(map(5, 6, 1, false), VTR_PT_MAPPED);
	expect(5, 6, 1, true);
}
END_TEST

START_TEST(test_other_frame_flushes)
{
	map(5, 6, 1, true);
	ck_assert_int_eq(map(5, 7, 1, false), VTR_PT_FLUSH);
	expect(5, 7, 1, false);
}
END_TEST

START_TEST(test_other_memory_type_flushes)
{
	struct vtr_pt_leaf l = { .gfn = 5, .pfn = 6, .level = 1, .pat = 2 };
	u64 *freed = NULL;

	map(5, 6, 1, false);
	ck_assert_int_eq(vtr_pt_map(&pt, &l, spare, &nr_spare, &freed), VTR_PT_FLUSH);
	ck_assert_ptr_null(freed);
}
END_TEST

START_TEST(test_large_replaces_small)
{
	long before;

	map(HUGE + 1, 6, 1, true);
	before = nr_tables;
	ck_assert_int_eq(map(HUGE, 8 * HUGE, 2, true), VTR_PT_FLUSH);
	expect(HUGE + 1, 8 * HUGE + 1, 2, true);
	/* The last table went, and map() may have filled the spare ones up again. */
	ck_assert_int_le(nr_tables, before + SPARE_MAX - 1);
}
END_TEST

START_TEST(test_giant_replaces_tree)
{
	unsigned int i;

	for (i = 0; i < 40; i++)
		map(GIANT + i * HUGE + i, i, 1, true);
	ck_assert_int_eq(map(GIANT, 4 * GIANT, 3, false), VTR_PT_FLUSH);
	expect(GIANT + 3 * HUGE + 3, 4 * GIANT + 3 * HUGE + 3, 3, false);
	while (nr_spare) {
		free(spare[--nr_spare]);
		nr_tables--;
	}
	ck_assert_int_eq(nr_tables, 2);
}
END_TEST

START_TEST(test_small_replaces_large)
{
	map(HUGE, 8 * HUGE, 2, true);
	ck_assert_int_eq(map(HUGE + 3, 77, 1, false), VTR_PT_FLUSH);
	expect(HUGE + 3, 77, 1, false);
	expect_absent(HUGE + 4);
}
END_TEST

START_TEST(test_quiet_refuses_flush)
{
	map(5, 6, 1, true);
	map(HUGE, HUGE, 2, true);
	map(3 * HUGE, 3, 1, true);
	topup();
	ck_assert_int_eq(map_on(5, 7, 1, true, NULL), VTR_PT_REFUSED);
	ck_assert_int_eq(map_on(HUGE + 1, 7, 1, true, NULL), VTR_PT_REFUSED);
	ck_assert_int_eq(map_on(3 * HUGE, HUGE, 2, true, NULL), VTR_PT_REFUSED);
	expect(5, 6, 1, true);
	expect(HUGE + 1, HUGE + 1, 2, true);
	expect(3 * HUGE, 3, 1, true);
	ck_assert_int_eq(map_on(6, 7, 1, true, NULL), VTR_PT_MAPPED);
	expect(6, 7, 1, true);
}
END_TEST

START_TEST(test_no_spare_refuses)
{
	u64 *freed = NULL;

	ck_assert_int_eq(map_on(5, 6, 1, true, &freed), VTR_PT_REFUSED);
	spare[nr_spare++] = table_new();
	ck_assert_int_eq(map_on(5, 6, 1, true, &freed), VTR_PT_REFUSED);
	ck_assert_uint_eq(nr_spare, 0);
	expect_absent(5);
	ck_assert_int_eq(map(5, 6, 1, true), VTR_PT_MAPPED);
}
END_TEST

START_TEST(test_zap_edges)
{
	gfn_t i;

	for (i = 0; i < 3 * HUGE; i++)
		map(i, i + 1, 1, true);
	ck_assert(range(VTR_PT_ZAP, HUGE - 1, 2 * HUGE + 1));
	expect(HUGE - 2, HUGE - 1, 1, true);
	for (i = HUGE - 1; i < 2 * HUGE + 1; i++)
		expect_absent(i);
	expect(2 * HUGE + 1, 2 * HUGE + 2, 1, true);
	ck_assert(!range(VTR_PT_ZAP, HUGE - 1, 2 * HUGE + 1));
	ck_assert(!range(VTR_PT_ZAP, 5, 5));
}
END_TEST

START_TEST(test_zap_takes_large_whole)
{
	map(HUGE, 8 * HUGE, 2, true);
	ck_assert(range(VTR_PT_ZAP, HUGE + 100, HUGE + 101));
	expect_absent(HUGE);
}
END_TEST

START_TEST(test_zapped_table_is_dead_to_the_cpu)
{
	u64 *freed = NULL, *t;
	unsigned int n = 0;

	map(0, 1, 1, true);
	map(HUGE, 2, 1, true);
	ck_assert(vtr_pt_range(&pt, VTR_PT_ZAP, 0, GIANT, &freed));
	for (t = freed; t; t = vtr_pt_freed_next(t), n++)
		ck_assert_uint_eq(t[0] & 7, 0);
	/* Both last tables and the one above, which the range covers whole. */
	ck_assert_uint_eq(n, 3);
	tables_free(freed);
}
END_TEST

START_TEST(test_protect)
{
	map(5, 6, 1, true);
	map(7, 8, 1, false);
	map(HUGE, HUGE, 2, true);
	ck_assert(range(VTR_PT_PROTECT, 0, 2 * HUGE));
	expect(5, 6, 1, false);
	expect(HUGE, HUGE, 2, false);
	ck_assert(!range(VTR_PT_PROTECT, 0, 2 * HUGE));
	/* What comes after it in the same table does not make the first be forgotten. */
	map(5, 6, 1, true);
	ck_assert(range(VTR_PT_PROTECT, 0, 8));
}
END_TEST

/* A whole table is protected by the entry above it, and becomes writable page by page. */
START_TEST(test_protect_whole)
{
	u64 *freed = NULL;
	gfn_t i;

	for (i = 0; i < 2 * HUGE; i++)
		map(i, i + 1, 1, true);
	map(2 * HUGE, 2 * HUGE, 2, true);
	ck_assert(range(VTR_PT_PROTECT, 0, 3 * HUGE));
	ck_assert(!range(VTR_PT_PROTECT, 0, 3 * HUGE));
	for (i = 0; i < 2 * HUGE; i++)
		expect(i, i + 1, 1, false);
	expect(2 * HUGE, 2 * HUGE, 2, false);
	/* What is read stays as it is; what is written has to be flushed for once. */
	topup();
	ck_assert_int_eq(map_on(5, 6, 1, false, NULL), VTR_PT_MAPPED);
	expect(5, 6, 1, false);
	ck_assert_int_eq(map_on(5, 6, 1, true, NULL), VTR_PT_REFUSED);
	expect(5, 6, 1, false);
	ck_assert_int_eq(map_on(5, 6, 1, true, &freed), VTR_PT_FLUSH);
	ck_assert_int_eq(map_on(7, 8, 1, true, NULL), VTR_PT_MAPPED);
	for (i = 0; i < 2 * HUGE; i++)
		expect(i, i + 1, 1, i == 5 || i == 7);
	ck_assert(range(VTR_PT_PROTECT, 0, 8));
	expect(5, 6, 1, false);
	/* What is put in under a protected table, or taken out, is not written either. */
	ck_assert(range(VTR_PT_ZAP, HUGE + 1, HUGE + 3));
	vtr_pt_fill(&pt, &(struct vtr_pt_leaf){ .gfn = HUGE + 1, .pfn = 99, .level = 1, .writable = true });
	expect(HUGE + 1, 99, 1, false);
	map(HUGE + 2, 98, 1, true);
	expect(HUGE + 2, 98, 1, true);
	expect(HUGE + 1, 99, 1, false);
	expect(HUGE + 3, HUGE + 4, 1, false);
}
END_TEST

START_TEST(test_protect_giant)
{
	map(GIANT + 5, 6, 1, true);
	map(GIANT + HUGE, HUGE, 2, true);
	ck_assert(range(VTR_PT_PROTECT, 0, 4 * GIANT));
	expect(GIANT + 5, 6, 1, false);
	expect(GIANT + HUGE, HUGE, 2, false);
	ck_assert_int_eq(map(GIANT + HUGE, HUGE, 2, true), VTR_PT_FLUSH);
	expect(GIANT + HUGE, HUGE, 2, true);
	expect(GIANT + 5, 6, 1, false);
	ck_assert_int_eq(map(GIANT + 5, 6, 1, true), VTR_PT_FLUSH);
	expect(GIANT + 5, 6, 1, true);
	ck_assert_int_eq(map(GIANT + 6, 7, 1, true), VTR_PT_MAPPED);
}
END_TEST

START_TEST(test_log)
{
	map(5, 6, 1, true);
	map(HUGE, HUGE, 2, true);
	map(GIANT, GIANT, 3, false);
	ck_assert(range(VTR_PT_LOG, 0, 2 * GIANT));
	expect(5, 6, 1, false);
	expect_absent(HUGE);
	expect_absent(GIANT);
}
END_TEST

/* Where the CPU logs, pages keep the right to write and lose the mark of having been written. */
START_TEST(test_cpu_log)
{
	const struct vtr_pt_leaf clean = {
		.gfn = 9, .pfn = 9, .level = 1, .writable = true, .clean = true
	};
	u64 dirty = pt.fmt->dirty;
	unsigned int level;

	pt.cpu_logs = true;
	map(5, 6, 1, true);
	map(7, 8, 1, false);
	map(HUGE, HUGE, 2, true);
	ck_assert(vtr_pt_entry(&pt, 5, &level) & dirty);
	ck_assert(range(VTR_PT_LOG, 0, 2 * HUGE));
	expect(5, 6, 1, true);
	ck_assert(!(vtr_pt_entry(&pt, 5, &level) & dirty));
	expect_absent(HUGE);
	/* No CPU can have the mark cached, so there is nothing to flush. */
	ck_assert(!range(VTR_PT_LOG, 0, 2 * HUGE));
	ck_assert(!vtr_pt_log_mask(&pt, 5, 1));
	/* A write that faulted is in the log already. */
	map(7, 8, 1, true);
	ck_assert(vtr_pt_entry(&pt, 7, &level) & dirty);
	ck_assert(vtr_pt_log_mask(&pt, 0, 1 << 7 | 1 << 5));
	ck_assert(!(vtr_pt_entry(&pt, 7, &level) & dirty));
	expect(7, 8, 1, true);
	/* A read maps it clean, and a mark that is there stays. */
	map(9, 9, 1, false);
	ck_assert_int_eq(vtr_pt_map(&pt, &clean, spare, &nr_spare, NULL), VTR_PT_MAPPED);
	expect(9, 9, 1, true);
	ck_assert(!(vtr_pt_entry(&pt, 9, &level) & dirty));
	map(9, 9, 1, true);
	ck_assert_int_eq(vtr_pt_map(&pt, &clean, spare, &nr_spare, NULL), VTR_PT_MAPPED);
	ck_assert(vtr_pt_entry(&pt, 9, &level) & dirty);
}
END_TEST

START_TEST(test_log_mask)
{
	gfn_t i, base = HUGE - 32;

	for (i = 0; i < 64; i++)
		map(base + i, i + 1, 1, true);
	ck_assert(vtr_pt_log_mask(&pt, base, 1ULL << 63 | 1ULL << 31 | 1));
	for (i = 0; i < 64; i++)
		expect(base + i, i + 1, 1, i != 63 && i != 31 && i != 0);
	ck_assert(!vtr_pt_log_mask(&pt, base, 1));
	ck_assert(!vtr_pt_log_mask(&pt, base, 0));
	/* Frames without a table, or without an entry in it. */
	ck_assert(!vtr_pt_log_mask(&pt, 40 * HUGE, ~0ULL));
	ck_assert(!vtr_pt_log_mask(&pt, base + 64, ~0ULL));
}
END_TEST

START_TEST(test_aging)
{
	map(5, 6, 1, true);
	ck_assert(range(VTR_PT_YOUNG, 5, 6));
	ck_assert(range(VTR_PT_YOUNG, 5, 6));
	ck_assert(range(VTR_PT_CLEAR_YOUNG, 5, 6));
	ck_assert(!range(VTR_PT_YOUNG, 5, 6));
	ck_assert(!range(VTR_PT_CLEAR_YOUNG, 5, 6));
	expect(5, 6, 1, true);
	ck_assert(!range(VTR_PT_YOUNG, 6, 7));
}
END_TEST

START_TEST(test_fill)
{
	struct vtr_pt_leaf l = { .gfn = 6, .pfn = 60, .level = 1, .writable = true };

	vtr_pt_fill(&pt, &l);
	expect_absent(6);
	map(5, 50, 1, false);
	vtr_pt_fill(&pt, &l);
	expect(6, 60, 1, true);
	/* Nobody has asked for it. */
	ck_assert(!range(VTR_PT_YOUNG, 6, 7));
	/* It never replaces anything, and never splits a large leaf. */
	l.gfn = 5;
	vtr_pt_fill(&pt, &l);
	expect(5, 50, 1, false);
	map(HUGE, HUGE, 2, true);
	l.gfn = HUGE + 1;
	vtr_pt_fill(&pt, &l);
	expect(HUGE + 1, HUGE + 1, 2, true);
}
END_TEST

/* Random changes against an array that says what each frame must be. */
START_TEST(test_against_model)
{
	enum { FRAMES = 4 * 512 };
	static u64 model[FRAMES];
	unsigned int step, seed = _i + 1;
	gfn_t i;

	memset(model, 0, sizeof(model));
	for (step = 0; step < 3000; step++) {
		gfn_t gfn = rand_r(&seed) % FRAMES, end = gfn + 1 + rand_r(&seed) % 700;
		u64 pfn = 1 + rand_r(&seed) % 1000;

		if (end > FRAMES)
			end = FRAMES;
		switch (rand_r(&seed) % 8) {
		case 0:
			range(VTR_PT_ZAP, gfn, end);
			for (i = 0; i < FRAMES; i++)
				if ((i >= gfn && i < end) ||
				    (model[i] >> 32 && i / HUGE >= gfn / HUGE &&
				     i / HUGE <= (end - 1) / HUGE))
					model[i] = 0;
			break;
		case 1:
			gfn &= ~(HUGE - 1);
			map(gfn, pfn * HUGE, 2, true);
			for (i = 0; i < HUGE; i++)
				model[gfn + i] = (pfn * HUGE + i) | 1ULL << 32;
			break;
		default:
			if (model[gfn] >> 32)
				for (i = gfn & ~(HUGE - 1); i < (gfn | (HUGE - 1)) + 1; i++)
					model[i] = 0;
			map(gfn, pfn, 1, true);
			model[gfn] = pfn;
		}
	}
	for (i = 0; i < FRAMES; i++) {
		unsigned int level;
		bool w;
		u64 got = lookup(i, &w, &level);

		ck_assert_uint_eq(got, model[i] ? (u32)model[i] : ~0ULL);
		if (model[i])
			ck_assert_uint_eq(level, model[i] >> 32 ? 2 : 1);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tdp_pt");
	TCase *c = tcase_create("tables");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_sizes);
	tcase_add_test(c, test_npt_bits);
	tcase_add_test(c, test_ept_bits);
	tcase_add_test(c, test_small_code);
	tcase_add_test(c, test_five_levels);
	tcase_add_test(c, test_last_frame);
	tcase_add_test(c, test_upgrade_needs_no_flush);
	tcase_add_test(c, test_read_fault_keeps_write);
	tcase_add_test(c, test_other_frame_flushes);
	tcase_add_test(c, test_other_memory_type_flushes);
	tcase_add_test(c, test_large_replaces_small);
	tcase_add_test(c, test_giant_replaces_tree);
	tcase_add_test(c, test_small_replaces_large);
	tcase_add_test(c, test_quiet_refuses_flush);
	tcase_add_test(c, test_no_spare_refuses);
	tcase_add_test(c, test_zap_edges);
	tcase_add_test(c, test_zap_takes_large_whole);
	tcase_add_test(c, test_zapped_table_is_dead_to_the_cpu);
	tcase_add_test(c, test_protect);
	tcase_add_test(c, test_protect_whole);
	tcase_add_test(c, test_protect_giant);
	tcase_add_test(c, test_log);
	tcase_add_test(c, test_cpu_log);
	tcase_add_test(c, test_log_mask);
	tcase_add_test(c, test_aging);
	tcase_add_test(c, test_fill);
	tcase_add_loop_test(c, test_against_model, 0, 8);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
