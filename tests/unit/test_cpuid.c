// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_cpuid.c - the guest's CPUID table: lookup, what it permits, sizes of XSAVE areas, absent leaves.
 */
/* sources: kmod/cpuid_table.c */
#include <check.h>
#include <stdlib.h>
#include "cpuid_table.h"

#define INDEXED	KVM_CPUID_FLAG_SIGNIFCANT_INDEX
#define GENU	0x756e6547
#define AUTH	0x68747541

static const struct vtr_cpuid_host big_host = { .phys_bits = 52, .xcr0 = ~0ULL, .spec_ctrl = 7 };

static struct kvm_cpuid_entry2 entries[VTR_CPUID_MAX];
static struct vtr_cpuid table;

static void setup(void)
{
	memset(&entries, 0, sizeof(entries));
	memset(&table, 0, sizeof(table));
	table.entries = entries;
}

static struct kvm_cpuid_entry2 *add(u32 leaf)
{
	struct kvm_cpuid_entry2 *e = &entries[table.nent++];

	e->function = leaf;
	return e;
}

static struct kvm_cpuid_entry2 *add_indexed(u32 leaf, u32 index)
{
	struct kvm_cpuid_entry2 *e = add(leaf);

	e->index = index;
	e->flags = INDEXED;
	return e;
}

/* Leaf 0xd of a CPU with AVX-512 and protection keys. */
static void add_xsave(void)
{
	static const struct { u32 index, size, offset, ecx; } components[] = {
		{ 2, 256, 576, 0 }, { 5, 64, 1088, 0 }, { 6, 512, 1152, 0 },
		{ 7, 1024, 1664, 0 }, { 9, 8, 2688, 2 },
	};
	u32 i;

	add_indexed(0xd, 0)->eax = 0x2e7;
	add_indexed(0xd, 1)->eax = 7;
	for (i = 0; i < ARRAY_SIZE(components); i++) {
		struct kvm_cpuid_entry2 *e = add_indexed(0xd, components[i].index);

		e->eax = components[i].size;
		e->ebx = components[i].offset;
		e->ecx = components[i].ecx;
	}
}

START_TEST(leaves_are_found_wherever_they_are)
{
	static const u32 leaves[] = { 0, 0x1f, 0x20, 0x3fffffff, 0x40000000, 0x4000001f,
				      0x40000100, 0x80000000, 0x8000001f, 0x80000021, ~0U };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		add(leaves[i])->eax = i + 1;
	vtr_cpuid_index(&table);
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		ck_assert_ptr_eq(vtr_cpuid_find(&table, leaves[i], 7), &entries[i]);
		ck_assert_ptr_null(vtr_cpuid_find(&table, leaves[i] ^ 0x8000, 0));
	}
}
END_TEST

START_TEST(a_full_table_is_found_to_its_last_entry)
{
	while (table.nent < VTR_CPUID_MAX - 1)
		add(0x80001000 + table.nent);
	add(1)->eax = 99;
	vtr_cpuid_index(&table);
	ck_assert_uint_eq(vtr_cpuid_find(&table, 1, 0)->eax, 99);
}
END_TEST

START_TEST(an_index_counts_only_where_it_is_significant)
{
	add_indexed(4, 0)->eax = 10;
	add(1)->eax = 1;
	add_indexed(4, 1)->eax = 11;
	vtr_cpuid_index(&table);
	ck_assert_uint_eq(vtr_cpuid_find(&table, 4, 0)->eax, 10);
	ck_assert_uint_eq(vtr_cpuid_find(&table, 4, 1)->eax, 11);
	ck_assert_ptr_null(vtr_cpuid_find(&table, 4, 2));
	ck_assert_uint_eq(vtr_cpuid_find(&table, 1, 0xdead)->eax, 1);
}
END_TEST

START_TEST(the_first_of_two_equal_entries_wins)
{
	add(1)->eax = 1;
	add(1)->eax = 2;
	vtr_cpuid_index(&table);
	ck_assert_uint_eq(vtr_cpuid_find(&table, 1, 0)->eax, 1);
}
END_TEST

START_TEST(an_empty_table_answers_zeros)
{
	u32 regs[4] = { 1, 2, 3, 4 };

	vtr_cpuid_index(&table);
	vtr_cpuid_derive(&table, &big_host);
	vtr_cpuid_apply_state(&table, ~0ULL, ~0ULL, true);
	vtr_cpuid_answer_absent(&table, 1, 0, regs);
	ck_assert_uint_eq(regs[0] | regs[1] | regs[2] | regs[3], 0);
	ck_assert_uint_eq(table.phys_bits, 36);
	ck_assert_uint_eq(table.efer_allowed, 0);
	ck_assert_uint_eq(table.spec_ctrl_allowed, 0);
	ck_assert_uint_eq(table.xcr0_allowed, 0);
}
END_TEST

START_TEST(control_bits_follow_features)
{
	struct kvm_cpuid_entry2 *e = add(1);

	e->edx = 1U << 6 | 1U << 13;
	e->ecx = 1U << 17;
	add_indexed(7, 0)->ebx = 1U << 7;
	add(0x80000001)->edx = 1U << 20 | 1U << 29;
	vtr_cpuid_index(&table);
	vtr_cpuid_derive(&table, &big_host);
	/* PAE, PGE, PCIDE, SMEP, and PCE that is always there. */
	ck_assert_uint_eq(table.cr4_allowed, 1 << 5 | 1 << 7 | 1 << 17 | 1 << 20 | 1 << 8);
	ck_assert_uint_eq(table.efer_allowed, 1 << 11 | 1 << 8);
}
END_TEST

START_TEST(the_host_bounds_what_the_table_says)
{
	static const struct vtr_cpuid_host small = { .phys_bits = 40, .xcr0 = 7, .spec_ctrl = 4 };

	add(1)->ecx = 1U << 26;
	add_indexed(7, 0)->edx = 1U << 26 | 1U << 27 | 1U << 31;
	add_indexed(0xd, 0)->eax = 0xe7;
	add(0x80000008)->eax = 52;
	vtr_cpuid_index(&table);
	vtr_cpuid_derive(&table, &small);
	ck_assert_uint_eq(table.phys_bits, 40);
	ck_assert_uint_eq(table.xcr0_allowed, 7);
	ck_assert_uint_eq(table.spec_ctrl_allowed, 4);
}
END_TEST

START_TEST(both_vendors_name_spec_ctrl)
{
	add(0x80000008)->ebx = 1U << 14 | 1U << 24 | 1U << 12;
	vtr_cpuid_index(&table);
	vtr_cpuid_derive(&table, &big_host);
	ck_assert_uint_eq(table.spec_ctrl_allowed, 5);
	ck_assert(table.has_pred_cmd);
	entries[0].ebx = 0;
	vtr_cpuid_derive(&table, &big_host);
	ck_assert_uint_eq(table.spec_ctrl_allowed, 0);
	ck_assert(!table.has_pred_cmd);
}
END_TEST

START_TEST(xcr0_needs_the_xsave_bit)
{
	add(1);
	add_indexed(0xd, 0)->eax = 7;
	vtr_cpuid_index(&table);
	vtr_cpuid_derive(&table, &big_host);
	ck_assert_uint_eq(table.xcr0_allowed, 0);
}
END_TEST

START_TEST(xsave_sizes)
{
	add_xsave();
	vtr_cpuid_index(&table);
	ck_assert_uint_eq(vtr_cpuid_xsave_size(&table, 3, false), 576);
	ck_assert_uint_eq(vtr_cpuid_xsave_size(&table, 3, true), 576);
	ck_assert_uint_eq(vtr_cpuid_xsave_size(&table, 7, false), 832);
	ck_assert_uint_eq(vtr_cpuid_xsave_size(&table, 0xe7, false), 2688);
	/* Without the hole that bound registers leave. */
	ck_assert_uint_eq(vtr_cpuid_xsave_size(&table, 0xe7, true), 832 + 64 + 512 + 1024);
	ck_assert_uint_eq(vtr_cpuid_xsave_size(&table, 0x2e7, true), 2432 + 8);
	/* Component 5 ends at 640: an aligned one after it starts at 640, after 8 more bytes at 704. */
	entries[3].eax = 72;
	ck_assert_uint_eq(vtr_cpuid_xsave_size(&table, 0x223, true), 704 + 8);
}
END_TEST

START_TEST(state_shows_in_the_table)
{
	struct kvm_cpuid_entry2 *e = add(1);

	e->ecx = 1U << 26;
	e->edx = 1U << 9;
	add_xsave();
	vtr_cpuid_index(&table);
	vtr_cpuid_apply_state(&table, 0, 1, false);
	ck_assert_uint_eq(e->ecx, 1U << 26);
	ck_assert_uint_eq(e->edx, 0);
	ck_assert_uint_eq(vtr_cpuid_find(&table, 0xd, 0)->ebx, 576);
	vtr_cpuid_apply_state(&table, 1 << 18, 0xe7, true);
	ck_assert_uint_eq(e->ecx, 1U << 26 | 1U << 27);
	ck_assert_uint_eq(e->edx, 1U << 9);
	ck_assert_uint_eq(vtr_cpuid_find(&table, 0xd, 0)->ebx, 2688);
	ck_assert_uint_eq(vtr_cpuid_find(&table, 0xd, 1)->ebx, 2432);
	/* No XSAVE, no OSXSAVE. */
	e->ecx = 0;
	vtr_cpuid_apply_state(&table, 1 << 18, 7, true);
	ck_assert_uint_eq(e->ecx, 0);
}
END_TEST

static void add_vendor(u32 vendor)
{
	struct kvm_cpuid_entry2 *e = add(0);

	e->eax = 0xd;
	e->ebx = vendor;
	add_indexed(0xd, 0)->ecx = 832;
	add(0x40000000)->eax = 0x40000001;
	add(0x80000000)->eax = 0x80000008;
	vtr_cpuid_index(&table);
	vtr_cpuid_derive(&table, &big_host);
}

START_TEST(past_the_highest_leaf_vendors_differ)
{
	static const u32 beyond[] = { 0xe, 0x3fffffff, 0x40000002, 0x4fffffff, 0x80000009, ~0U };
	u32 regs[4], i;

	add_vendor(GENU);
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		vtr_cpuid_answer_absent(&table, beyond[i], 0, regs);
		ck_assert_uint_eq(regs[VTR_ECX], 832);
	}
	/* Missing in the middle is zero. */
	vtr_cpuid_answer_absent(&table, 5, 0, regs);
	ck_assert_uint_eq(regs[VTR_ECX], 0);

	setup();
	add_vendor(AUTH);
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		vtr_cpuid_answer_absent(&table, beyond[i], 0, regs);
		ck_assert_uint_eq(regs[0] | regs[1] | regs[2] | regs[3], 0);
	}
}
END_TEST

START_TEST(past_the_last_level_of_topology)
{
	u32 regs[4];

	add_vendor(AUTH);
	add_indexed(0xb, 0)->edx = 3;
	vtr_cpuid_index(&table);
	vtr_cpuid_answer_absent(&table, 0xb, 0x105, regs);
	ck_assert_uint_eq(regs[VTR_EAX] | regs[VTR_EBX], 0);
	ck_assert_uint_eq(regs[VTR_ECX], 5);
	ck_assert_uint_eq(regs[VTR_EDX], 3);
}
END_TEST

START_TEST(a_highest_leaf_that_names_itself_absent_ends)
{
	struct kvm_cpuid_entry2 *e = add(0);
	u32 regs[4];

	e->eax = ~0U;
	e->ebx = GENU;
	vtr_cpuid_index(&table);
	vtr_cpuid_derive(&table, &big_host);
	vtr_cpuid_answer_absent(&table, 0x12345678, 0, regs);
	ck_assert_uint_eq(regs[0] | regs[1] | regs[2] | regs[3], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cpuid");
	TCase *tc = tcase_create("table");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, leaves_are_found_wherever_they_are);
	tcase_add_test(tc, a_full_table_is_found_to_its_last_entry);
	tcase_add_test(tc, an_index_counts_only_where_it_is_significant);
	tcase_add_test(tc, the_first_of_two_equal_entries_wins);
	tcase_add_test(tc, an_empty_table_answers_zeros);
	tcase_add_test(tc, control_bits_follow_features);
	tcase_add_test(tc, the_host_bounds_what_the_table_says);
	tcase_add_test(tc, both_vendors_name_spec_ctrl);
	tcase_add_test(tc, xcr0_needs_the_xsave_bit);
	tcase_add_test(tc, xsave_sizes);
	tcase_add_test(tc, state_shows_in_the_table);
	tcase_add_test(tc, past_the_highest_leaf_vendors_differ);
	tcase_add_test(tc, past_the_last_level_of_topology);
	tcase_add_test(tc, a_highest_leaf_that_names_itself_absent_ends);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
