// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_msr.c - which values an MSR takes.
 */
/* sources: kmod/msr_rules.c */
#include <check.h>
#include <stdlib.h>
#include "msr_rules.h"

#define LME	(1U << 8)
#define LMA	(1U << 10)
#define NX	(1U << 11)

START_TEST(canonical_addresses)
{
	ck_assert(vtr_canonical(0, 48));
	ck_assert(vtr_canonical(0x00007fffffffffff, 48));
	ck_assert(!vtr_canonical(0x0000800000000000, 48));
	ck_assert(!vtr_canonical(0xffff7fffffffffff, 48));
	ck_assert(vtr_canonical(0xffff800000000000, 48));
	ck_assert(vtr_canonical(~0ULL, 48));
	ck_assert(vtr_canonical(0x0000800000000000, 57));
	ck_assert(vtr_canonical(0x00ffffffffffffff, 57));
	ck_assert(!vtr_canonical(0x0100000000000000, 57));
	ck_assert(vtr_canonical(0xff00000000000000, 57));
}
END_TEST

START_TEST(efer_takes_what_the_cpu_has)
{
	ck_assert(vtr_efer_valid(0, NX | LME, NX | LME, false));
	ck_assert(!vtr_efer_valid(0, NX, LME, false));
	/* SVME, whatever the table of CPUID says elsewhere. */
	ck_assert(!vtr_efer_valid(0, 1 << 12, NX | LME, false));
	/* LMA as it was read. */
	ck_assert(vtr_efer_valid(LME | LMA, LME | LMA | NX, NX | LME, true));
}
END_TEST

START_TEST(lme_stays_under_paging)
{
	ck_assert(!vtr_efer_valid(0, LME, LME, true));
	ck_assert(!vtr_efer_valid(LME, 0, LME, true));
	ck_assert(vtr_efer_valid(LME, LME, LME, true));
	ck_assert(vtr_efer_valid(LME, 0, LME, false));
}
END_TEST

START_TEST(pat_types)
{
	u32 type;

	ck_assert(vtr_pat_valid(0x0007040600070406));
	for (type = 0; type < 256; type++) {
		bool good = type < 8 && type != 2 && type != 3;

		ck_assert_int_eq(vtr_pat_valid((u64)type << 56), good);
		ck_assert_int_eq(vtr_pat_valid(type), good);
	}
}
END_TEST

START_TEST(mtrr_default_type)
{
	ck_assert(vtr_mtrr_valid(0x2ff, 0xc06, 40));
	ck_assert(vtr_mtrr_valid(0x2ff, 0, 40));
	ck_assert(!vtr_mtrr_valid(0x2ff, 0xc02, 40));
	ck_assert(!vtr_mtrr_valid(0x2ff, 0xc07, 40));	/* UC- is the PAT's */
	ck_assert(!vtr_mtrr_valid(0x2ff, 0x1c06, 40));
	ck_assert(!vtr_mtrr_valid(0x2ff, 1ULL << 32, 40));
}
END_TEST

START_TEST(mtrr_fixed_ranges)
{
	ck_assert(vtr_mtrr_valid(0x250, 0x0606060606060606, 40));
	ck_assert(vtr_mtrr_valid(0x26f, 0x0506040100000000, 40));
	ck_assert(!vtr_mtrr_valid(0x26f, 0x0306060606060606, 40));
	ck_assert(!vtr_mtrr_valid(0x258, 0x1606060606060606, 40));
}
END_TEST

START_TEST(mtrr_variable_ranges)
{
	ck_assert(vtr_mtrr_valid(0x200, 0xc0000006, 40));
	ck_assert(!vtr_mtrr_valid(0x200, 0xc0000002, 40));
	ck_assert(!vtr_mtrr_valid(0x200, 0xc0000106, 40));
	ck_assert(vtr_mtrr_valid(0x201, 0xffc0000800, 40));
	ck_assert(!vtr_mtrr_valid(0x201, 0xffc0000801, 40));
	ck_assert(!vtr_mtrr_valid(0x20f, 1ULL << 40, 40));
	ck_assert(vtr_mtrr_valid(0x20f, 1ULL << 40, 41));
	ck_assert(!vtr_mtrr_valid(0x20e, 1ULL << 52 | 6, 52));
}
END_TEST

START_TEST(machine_check_banks)
{
	ck_assert(vtr_mce_valid(0, 0, false, false));
	ck_assert(vtr_mce_valid(0, ~0ULL, false, false));
	ck_assert(vtr_mce_valid(0, ~0ULL ^ 1 << 10, false, false));
	ck_assert(!vtr_mce_valid(0, 1, true, true));
	ck_assert(vtr_mce_valid(1, 0, false, false));
	ck_assert(!vtr_mce_valid(1, 1, false, false));
	ck_assert(vtr_mce_valid(1, 1, false, true));
	ck_assert(vtr_mce_valid(1, 1, true, false));
	ck_assert(vtr_mce_valid(2, 0x1234, false, false));
	ck_assert(vtr_mce_valid(3, 0x1234, false, false));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("msr");
	TCase *tc = tcase_create("rules");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, canonical_addresses);
	tcase_add_test(tc, efer_takes_what_the_cpu_has);
	tcase_add_test(tc, lme_stays_under_paging);
	tcase_add_test(tc, pat_types);
	tcase_add_test(tc, mtrr_default_type);
	tcase_add_test(tc, mtrr_fixed_ranges);
	tcase_add_test(tc, mtrr_variable_ranges);
	tcase_add_test(tc, machine_check_banks);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
