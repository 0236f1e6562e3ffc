// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_pvclock.c - cycles to nanoseconds at every frequency, and TSCs that stay together.
 */
/* sources: kmod/pvclock.c */
#include <check.h>
#include <stdlib.h>
#include "pvclock.h"

#define SECOND	2000000000ULL	/* cycles */

static const struct vtr_tsc_rate rate = { .khz = SECOND / 1000 };
static struct vtr_tsc_sync sync_state;

static void setup(void)
{
	memset(&sync_state, 0, sizeof(sync_state));
}

static const u64 frequencies_khz[] = {
	1, 999, 500000, 999999, 1000000, 1000001, 1193182, 1999999, 2000000, 2000001, 2400000,
	2893437, 3999999, 4000001, 5700000,
};

/* The forms of both vendors, and that of a CPU that does not scale. */
static const struct vtr_tsc_ratio_form vmx = { 16, 48 }, svm = { 8, 32 }, none;

START_TEST(a_second_is_a_second)
{
	u64 khz = frequencies_khz[_i], hz = khz * 1000, page;
	struct vtr_tsc_scale s;

	vtr_tsc_scale_set(&s, khz);
	page = vtr_pvclock_scale(&s, hz);
	/* Half a part in a billion for the multiplier, a cycle's worth for the shift. */
	ck_assert_uint_le(page, 1000000000);
	ck_assert_uint_ge(page, 999999990);
	ck_assert_uint_le(mul_u64_u64_shr(hz, s.ns_mul, 32), 1000000000);
	ck_assert_uint_ge(mul_u64_u64_shr(hz, s.ns_mul, 32), 999999990);
}
END_TEST

START_TEST(the_multiplier_has_its_top_bit)
{
	struct vtr_tsc_scale s;

	vtr_tsc_scale_set(&s, frequencies_khz[_i]);
	ck_assert_uint_ge(s.mul, 1U << 31);
}
END_TEST

START_TEST(time_does_not_go_back)
{
	struct vtr_tsc_scale s;
	u64 last = 0, cycles;

	vtr_tsc_scale_set(&s, 2893437);
	for (cycles = 0; cycles < 100000; cycles++) {
		u64 ns = vtr_pvclock_scale(&s, cycles);

		ck_assert_uint_ge(ns, last);
		last = ns;
	}
}
END_TEST

START_TEST(years_fit)
{
	u64 year = 365ULL * 86400;
	struct vtr_tsc_scale s;

	vtr_tsc_scale_set(&s, 3000000);
	ck_assert_uint_ge(vtr_pvclock_scale(&s, 50 * year * 3000000000ULL), 50 * year * 999999999);
}
END_TEST

START_TEST(creation_starts_the_tsc_at_zero_and_joins)
{
	u64 first = vtr_tsc_sync_write(&sync_state, &rate, 0, false, 5000);

	ck_assert_uint_eq(first + 5000, 0);
	ck_assert_uint_eq(vtr_tsc_sync_write(&sync_state, &rate, 0, false, 9 * SECOND), first);
	ck_assert(!sync_state.user_set);
}
END_TEST

START_TEST(zero_means_as_the_others_however_late)
{
	u64 first = vtr_tsc_sync_write(&sync_state, &rate, 0, false, 5000);

	ck_assert_uint_eq(vtr_tsc_sync_write(&sync_state, &rate, 0, true, 100 * SECOND), first);
}
END_TEST

START_TEST(the_first_saved_value_is_kept)
{
	u64 offset;

	vtr_tsc_sync_write(&sync_state, &rate, 0, false, 5000);
	/* Near to what the new vCPU shows, and yet not moved to it. */
	offset = vtr_tsc_sync_write(&sync_state, &rate, 1234, true, 6000);
	ck_assert_uint_eq(offset, 1234ULL - 6000);
	/* The other vCPUs' values follow a little later, and join. */
	ck_assert_uint_eq(vtr_tsc_sync_write(&sync_state, &rate, 1234 + 77, true, 9000), offset);
}
END_TEST

START_TEST(near_is_within_a_second_on_both_sides)
{
	u64 base, now = 50 * SECOND;

	vtr_tsc_sync_write(&sync_state, &rate, 0, false, 0);
	base = vtr_tsc_sync_write(&sync_state, &rate, 10 * SECOND, true, now);
	ck_assert_uint_eq(vtr_tsc_sync_write(&sync_state, &rate, 11 * SECOND - 1, true, now), base);
	ck_assert_uint_eq(vtr_tsc_sync_write(&sync_state, &rate, 9 * SECOND + 1, true, now), base);
	ck_assert_uint_ne(vtr_tsc_sync_write(&sync_state, &rate, 11 * SECOND, true, now), base);
	sync_state.offset = base;
	ck_assert_uint_ne(vtr_tsc_sync_write(&sync_state, &rate, 9 * SECOND, true, now), base);
}
END_TEST

START_TEST(an_offset_is_what_later_vcpus_join)
{
	vtr_tsc_sync_write(&sync_state, &rate, 0, false, 5000);
	vtr_tsc_sync_offset(&sync_state, &rate, 42);
	ck_assert_uint_eq(vtr_tsc_sync_write(&sync_state, &rate, 0, false, SECOND), 42);
}
END_TEST

START_TEST(another_rate_is_no_company)
{
	struct vtr_tsc_rate fast;
	u64 first = vtr_tsc_sync_write(&sync_state, &rate, 0, false, 5000), other;

	ck_assert_int_eq(vtr_tsc_rate_set(&fast, 3000000, 2000000, vmx), 0);
	other = vtr_tsc_sync_write(&sync_state, &fast, 0, true, vtr_tsc_scaled(fast.ratio, 9000));
	ck_assert_uint_ne(other, first);
	ck_assert_uint_eq(other + 13500, 0);
	ck_assert_uint_eq(vtr_tsc_sync_write(&sync_state, &fast, 0, true, SECOND), other);
}
END_TEST

/* What SVM's ratio cannot hold is not reckoned with: the clock would leave the guest's TSC. */
START_TEST(a_coarse_ratio_is_what_the_cpu_holds)
{
	struct vtr_tsc_rate r;

	ck_assert_int_eq(vtr_tsc_rate_set(&r, 1000000, 3000000, svm), 0);
	ck_assert_uint_eq(r.ratio >> 16, 0x55555555);
	ck_assert_uint_eq(r.ratio & 0xffff, 0);
	ck_assert_uint_eq(vtr_tsc_scaled(r.ratio, 3ULL << 40), 3 * 0x55555555ULL << 8);
	ck_assert_int_eq(vtr_tsc_rate_set(&r, 10 << 8, 10, svm), -EINVAL);
	ck_assert_int_eq(vtr_tsc_rate_set(&r, (10 << 8) - 1, 10, svm), 0);
	ck_assert_int_eq(vtr_tsc_rate_set(&r, 1, 2400000, svm), 0);
	ck_assert_uint_eq(r.ratio >> 16, 1789);
}
END_TEST

START_TEST(a_rate_scales_and_back)
{
	u64 khz = frequencies_khz[_i], year = 365ULL * 86400 * 1000, cycles = 2400000 * year;
	struct vtr_tsc_rate r;
	u64 guest, host;

	ck_assert_int_eq(vtr_tsc_rate_set(&r, khz, 2400000, vmx), 0);
	ck_assert_uint_eq(r.khz, khz);
	guest = vtr_tsc_scaled(r.ratio, cycles);
	/* Half a second in a year for 1 kHz, whose ratio has 27 significant bits; much less for the others. */
	ck_assert_uint_le(guest, khz * year);
	ck_assert_uint_ge(guest, khz * (year - 500));
	host = vtr_tsc_unscaled(&r, khz * 1000, 2400000);
	ck_assert_uint_eq(host, 2400000000);
}
END_TEST

START_TEST(a_rate_near_the_hosts_is_the_hosts)
{
	struct vtr_tsc_rate r;

	ck_assert_int_eq(vtr_tsc_rate_set(&r, 2400600, 2400000, none), 0);
	ck_assert_uint_eq(r.khz, 2400000);
	ck_assert_uint_eq(r.ratio, 0);
	ck_assert_int_eq(vtr_tsc_rate_set(&r, 0, 2400000, vmx), 0);
	ck_assert_uint_eq(r.ratio, 0);
	ck_assert_int_eq(vtr_tsc_rate_set(&r, 2399400, 2400000, vmx), 0);
	ck_assert_uint_eq(r.ratio, 0);
	ck_assert_int_eq(vtr_tsc_rate_set(&r, 2400601, 2400000, vmx), 0);
	ck_assert_uint_ne(r.ratio, 0);
}
END_TEST

START_TEST(a_rate_that_cannot_be_leaves_the_old_one)
{
	struct vtr_tsc_rate r = { .khz = 7, .ratio = 8 };

	ck_assert_int_eq(vtr_tsc_rate_set(&r, 2400601, 2400000, none), -EINVAL);
	ck_assert_int_eq(vtr_tsc_rate_set(&r, 0x80000000, 2400000, vmx), -EINVAL);
	ck_assert_int_eq(vtr_tsc_rate_set(&r, ~0ULL, 2400000, vmx), -EINVAL);
	/* 65536 times the host's has no ratio, a cycle less has. */
	ck_assert_int_eq(vtr_tsc_rate_set(&r, 10 << 16, 10, vmx), -EINVAL);
	ck_assert_uint_eq(r.khz, 7);
	ck_assert_uint_eq(r.ratio, 8);
	ck_assert_int_eq(vtr_tsc_rate_set(&r, (10 << 16) - 1, 10, vmx), 0);
	ck_assert_uint_eq(r.ratio, mul_u64_u32_div(1ULL << 48, (10 << 16) - 1, 10));
}
END_TEST

int main(void)
{
	int n = ARRAY_SIZE(frequencies_khz), failed;
	Suite *s = suite_create("pvclock");
	TCase *scale = tcase_create("scale"), *sync = tcase_create("sync");
	SRunner *sr = srunner_create(s);

	tcase_add_loop_test(scale, a_second_is_a_second, 0, n);
	tcase_add_loop_test(scale, the_multiplier_has_its_top_bit, 0, n);
	tcase_add_test(scale, time_does_not_go_back);
	tcase_add_test(scale, years_fit);
	tcase_add_loop_test(scale, a_rate_scales_and_back, 0, n);
	tcase_add_test(scale, a_coarse_ratio_is_what_the_cpu_holds);
	tcase_add_test(scale, a_rate_near_the_hosts_is_the_hosts);
	tcase_add_test(scale, a_rate_that_cannot_be_leaves_the_old_one);
	suite_add_tcase(s, scale);
	tcase_add_checked_fixture(sync, setup, NULL);
	tcase_add_test(sync, creation_starts_the_tsc_at_zero_and_joins);
	tcase_add_test(sync, zero_means_as_the_others_however_late);
	tcase_add_test(sync, the_first_saved_value_is_kept);
	tcase_add_test(sync, near_is_within_a_second_on_both_sides);
	tcase_add_test(sync, an_offset_is_what_later_vcpus_join);
	tcase_add_test(sync, another_rate_is_no_company);
	suite_add_tcase(s, sync);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
