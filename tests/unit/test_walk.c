// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_walk.c - the walk of the guest's page tables: every paging mode, page size, right and fault.
 */
/* sources: kmod/walk.c */
#include <check.h>
#include <stdlib.h>
#include "walk.h"

#define CR0_PG		BIT_ULL(31)
#define CR0_WP		BIT_ULL(16)
#define CR4_PSE		BIT_ULL(4)
#define CR4_PAE		BIT_ULL(5)
#define CR4_LA57	BIT_ULL(12)
#define CR4_SMEP	BIT_ULL(20)
#define CR4_SMAP	BIT_ULL(21)
#define LMA		BIT_ULL(10)
#define NXE		BIT_ULL(11)
#define AC		BIT_ULL(18)

#define P	0x1ULL
#define W	0x2ULL
#define U	0x4ULL
#define PS	0x80ULL
#define NX	BIT_ULL(63)
#define ALL	(P | W | U)

#define MEMORY	0x10000

static u8 memory[MEMORY];
static struct vtr_walk w;

static int read_memory(void *ctx, gpa_t gpa, u64 *val, unsigned int size)
{
	(void)ctx;
	if (gpa > MEMORY - size)
		return -ENOENT;
	memcpy(val, memory + gpa, size);
	return 0;
}

static void put64(gpa_t table, unsigned int index, u64 val)
{
	memcpy(memory + table + 8 * index, &val, 8);
}

static void put32(gpa_t table, unsigned int index, u32 val)
{
	memcpy(memory + table + 4 * index, &val, 4);
}

/* Tables at 1000, 2000, ...: the root first. */
static void setup(void)
{
	memset(memory, 0, sizeof(memory));
	memset(&w, 0, sizeof(w));
	w.cr0 = CR0_PG | CR0_WP;
	w.cr3 = 0x1000;
	w.phys_bits = 40;
	w.read = read_memory;
}

#define ADDR	0x00007f8123456789ULL	/* indices 255, 4, 282, 86 */

static void long_mode(u64 entry)
{
	w.efer = LMA | NXE;
	w.cr4 = CR4_PAE;
	put64(0x1000, 255, 0x2000 | ALL);
	put64(0x2000, (ADDR >> 30) & 511, 0x3000 | ALL);
	put64(0x3000, (ADDR >> 21) & 511, 0x4000 | ALL);
	put64(0x4000, (ADDR >> 12) & 511, entry);
}

static void ok(gva_t addr, u32 access, gpa_t gpa, u64 page_size)
{
	ck_assert_int_eq(vtr_walk(&w, addr, access), 0);
	ck_assert_uint_eq(w.gpa, gpa);
	ck_assert_uint_eq(w.page_size, page_size);
}

static void fault(gva_t addr, u32 access, u32 error)
{
	ck_assert_int_eq(vtr_walk(&w, addr, access), -EFAULT);
	ck_assert_uint_eq(w.error, error);
}

START_TEST(no_paging)
{
	w.cr0 = 0;
	ok(0x12345678, VTR_WALK_WRITE, 0x12345678, 4096);
	ck_assert_uint_eq(w.nr, 0);
}
END_TEST

START_TEST(long_mode_4k)
{
	long_mode(0xabcdef000 | ALL);
	ok(ADDR, VTR_WALK_WRITE | VTR_WALK_USER, 0xabcdef789, 4096);
	ck_assert_uint_eq(w.nr, 4);
	ck_assert_uint_eq(w.where[0], 0x1000 + 255 * 8);
	ck_assert_uint_eq(w.where[3], 0x4000 + 0x56 * 8);
	ck_assert_uint_eq(w.entry[3], 0xabcdef000 | ALL);
}
END_TEST

START_TEST(long_mode_2m_and_1g)
{
	long_mode(0);
	put64(0x3000, (ADDR >> 21) & 511, 0x8000000 | ALL | PS | BIT_ULL(12));	/* bit 12 is PAT */
	ok(ADDR, VTR_WALK_WRITE, 0x8056789, 2 << 20);
	put64(0x2000, (ADDR >> 30) & 511, 0x40000000 | ALL | PS);
	ok(ADDR, VTR_WALK_WRITE, 0x40000000 | (ADDR & 0x3fffffff), 1 << 30);
	ck_assert_uint_eq(w.nr, 2);
}
END_TEST

START_TEST(five_levels)
{
	long_mode(0xabcdef000 | ALL);
	w.cr4 |= CR4_LA57;
	w.cr3 = 0x5000 | 0xfff;		/* PCID and flags are no address */
	put64(0x5000, 0x11, 0x1000 | ALL);
	ok(ADDR | 0x11ULL << 48, 0, 0xabcdef789, 4096);
	ck_assert_uint_eq(w.nr, 5);
}
END_TEST

START_TEST(pae)
{
	w.cr4 = CR4_PAE;
	w.efer = NXE;
	w.cr3 = 0x1020 | 0x18;		/* 32-byte aligned; PWT and PCD */
	put64(0x1020, 2, 0x2000 | P);	/* no rights in this level */
	put64(0x2000, 3, 0x3000 | ALL);
	put64(0x3000, 4, 0x7654321000 | ALL);
	ok(0x80604abc, VTR_WALK_WRITE | VTR_WALK_USER, 0x7654321abc, 4096);
	/* Linear addresses have 32 bits. */
	ok(0x180604abc, 0, 0x7654321abc, 4096);
	put64(0x2000, 3, 0x8000000 | ALL | PS);
	ok(0x80604abc, 0, 0x8004abc, 2 << 20);
	put64(0x1020, 2, 0x2000 | P | W);
	fault(0x80604abc, 0, VTR_PF_PRESENT | VTR_PF_RSVD);
	put64(0x1020, 2, 0x2000 | P | NX);
	fault(0x80604abc, 0, VTR_PF_PRESENT | VTR_PF_RSVD);
}
END_TEST

START_TEST(two_levels)
{
	put32(0x1000, 0x201, 0x2000 | ALL);
	put32(0x2000, 0x45, 0x89abc000 | ALL);
	ok(0x80445678, VTR_WALK_WRITE | VTR_WALK_USER, 0x89abc678, 4096);
	/* PS means nothing without CR4.PSE. */
	put32(0x1000, 0x201, 0x2000 | ALL | PS);
	ok(0x80445678, 0, 0x89abc678, 4096);
	w.cr4 = CR4_PSE;
	put32(0x1000, 0x201, 0x12c00000 | ALL | PS);
	ok(0x80445678, 0, 0x12c45678, 4 << 20);
	/* PSE-36: bits 20:13 are 39:32 of the address. */
	put32(0x1000, 0x201, 0x12c00000 | 0x51 << 13 | ALL | PS);
	ok(0x80445678, 0, 0x5112c45678, 4 << 20);
}
END_TEST

START_TEST(not_present_at_each_level)
{
	static const u16 table[] = { 0x1000, 0x2000, 0x3000, 0x4000 };

	long_mode(0xabcdef000 | ALL);
	put64(table[_i], (ADDR >> (39 - 9 * _i)) & 511, 0x5000);
	fault(ADDR, 0, 0);
	fault(ADDR, VTR_WALK_WRITE | VTR_WALK_USER, VTR_PF_WRITE | VTR_PF_USER);
	fault(ADDR, VTR_WALK_FETCH, VTR_PF_FETCH);
	w.efer = LMA;
	fault(ADDR, VTR_WALK_FETCH, 0);	/* the bit is there with NX or SMEP only */
	w.cr4 |= CR4_SMEP;
	fault(ADDR, VTR_WALK_FETCH, VTR_PF_FETCH);
}
END_TEST

/* A right is there when every level gives it. */
START_TEST(rights_of_each_level)
{
	static const u16 table[] = { 0x1000, 0x2000, 0x3000, 0x4000 };
	u64 next = _i == 3 ? 0xabcdef000 : table[_i] + 0x1000;
	unsigned int index = (ADDR >> (39 - 9 * _i)) & 511;

	long_mode(0xabcdef000 | ALL);
	put64(table[_i], index, next | P | U);
	ok(ADDR, VTR_WALK_USER, 0xabcdef789, 4096);
	fault(ADDR, VTR_WALK_WRITE | VTR_WALK_USER, VTR_PF_PRESENT | VTR_PF_WRITE | VTR_PF_USER);
	fault(ADDR, VTR_WALK_WRITE, VTR_PF_PRESENT | VTR_PF_WRITE);
	w.cr0 &= ~CR0_WP;
	ok(ADDR, VTR_WALK_WRITE, 0xabcdef789, 4096);
	fault(ADDR, VTR_WALK_WRITE | VTR_WALK_USER, VTR_PF_PRESENT | VTR_PF_WRITE | VTR_PF_USER);
	put64(table[_i], index, next | P | W);
	ok(ADDR, VTR_WALK_WRITE, 0xabcdef789, 4096);
	fault(ADDR, VTR_WALK_USER, VTR_PF_PRESENT | VTR_PF_USER);
	put64(table[_i], index, next | ALL | NX);
	ok(ADDR, VTR_WALK_USER | VTR_WALK_WRITE, 0xabcdef789, 4096);
	fault(ADDR, VTR_WALK_USER | VTR_WALK_FETCH, VTR_PF_PRESENT | VTR_PF_USER | VTR_PF_FETCH);
	w.efer = LMA;
	fault(ADDR, 0, VTR_PF_PRESENT | VTR_PF_RSVD);
}
END_TEST

START_TEST(smep_and_smap)
{
	long_mode(0xabcdef000 | ALL);
	ok(ADDR, VTR_WALK_FETCH, 0xabcdef789, 4096);
	w.cr4 |= CR4_SMEP;
	fault(ADDR, VTR_WALK_FETCH, VTR_PF_PRESENT | VTR_PF_FETCH);
	ok(ADDR, VTR_WALK_FETCH | VTR_WALK_USER, 0xabcdef789, 4096);
	ok(ADDR, VTR_WALK_WRITE, 0xabcdef789, 4096);
	w.cr4 |= CR4_SMAP;
	fault(ADDR, 0, VTR_PF_PRESENT);
	fault(ADDR, VTR_WALK_WRITE, VTR_PF_PRESENT | VTR_PF_WRITE);
	ok(ADDR, VTR_WALK_USER, 0xabcdef789, 4096);
	w.rflags = AC;
	ok(ADDR, VTR_WALK_WRITE, 0xabcdef789, 4096);
	long_mode(0xabcdef000 | P | W);
	w.cr4 |= CR4_SMEP | CR4_SMAP;
	w.rflags = 0;
	ok(ADDR, VTR_WALK_FETCH, 0xabcdef789, 4096);
	ok(ADDR, VTR_WALK_WRITE, 0xabcdef789, 4096);
}
END_TEST

START_TEST(reserved_bits)
{
	const u32 error = VTR_PF_PRESENT | VTR_PF_RSVD;

	long_mode(0xabcdef000 | ALL | BIT_ULL(40));
	fault(ADDR, 0, error);
	w.phys_bits = 41;
	ok(ADDR, 0, 0x10abcdef789, 4096);
	w.phys_bits = 0;	/* not known */
	ok(ADDR, 0, 0x10abcdef789, 4096);
	put64(0x1000, 255, 0x2000 | ALL | PS);
	fault(ADDR, VTR_WALK_WRITE, error | VTR_PF_WRITE);
	long_mode(0);
	put64(0x3000, (ADDR >> 21) & 511, 0x8002000 | ALL | PS);
	fault(ADDR, 0, error);
	put64(0x2000, (ADDR >> 30) & 511, 0x40200000 | ALL | PS);
	fault(ADDR, 0, error);
	/* Bits 62:52 are the software's in long mode, reserved with PAE. */
	long_mode(0xabcdef000 | ALL | BIT_ULL(52));
	ok(ADDR, 0, 0xabcdef789, 4096);
}
END_TEST

START_TEST(tables_outside_memory)
{
	long_mode(0);
	put64(0x2000, (ADDR >> 30) & 511, 0x100000 | ALL);
	ck_assert_int_eq(vtr_walk(&w, ADDR, 0), -ENOENT);
}
END_TEST

/* Random tables: the walk ends, reads at most five entries, and stays within the address width. */
START_TEST(random_tables)
{
	static const u64 efer[] = { 0, NXE, LMA, LMA | NXE };
	int round, err;
	u64 addr;

	srand(1);
	for (round = 0; round < 20000; round++) {
		unsigned int k;

		for (k = 0; round % 64 == 0 && k < MEMORY; k += 8) {
			u64 val = (u64)(rand() & 0xf) << 12 | (rand() & 0xff) | P;

			memcpy(memory + k, &val, 8);
		}
		w.cr3 = (rand() & 0xf) << 12;
		w.cr4 = (rand() & (CR4_PSE | CR4_PAE | CR4_LA57)) | (rand() & 3) << 20;
		w.efer = efer[rand() & 3];
		if (w.efer & LMA)
			w.cr4 |= CR4_PAE;
		addr = (u64)rand() << 32 ^ rand();
		err = vtr_walk(&w, addr, rand() & 7);
		ck_assert(!err || err == -EFAULT || err == -ENOENT);
		ck_assert_uint_le(w.nr, 5);
		if (!err)
			ck_assert_uint_eq((w.gpa ^ addr) & (w.page_size - 1), 0);
		if (!err)
			ck_assert_uint_eq(w.gpa >> w.phys_bits, 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("walk");
	TCase *t = tcase_create("walk");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, no_paging);
	tcase_add_test(t, long_mode_4k);
	tcase_add_test(t, long_mode_2m_and_1g);
	tcase_add_test(t, five_levels);
	tcase_add_test(t, pae);
	tcase_add_test(t, two_levels);
	tcase_add_loop_test(t, not_present_at_each_level, 0, 4);
	tcase_add_loop_test(t, rights_of_each_level, 0, 4);
	tcase_add_test(t, smep_and_smap);
	tcase_add_test(t, reserved_bits);
	tcase_add_test(t, tables_outside_memory);
	tcase_add_test(t, random_tables);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
