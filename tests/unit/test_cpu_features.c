// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_cpu_features.c - a guest goes on with a CPU that has all it knows, and with no other.
 */
/* sources: ctl/vmm/cpu_features.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_features.h"

static struct {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 e[3];
} guest, host;
static char what[120];

static void setup(void)
{
	memset(&host, 0, sizeof(host));
	host.head.nent = 3;
	host.e[0] = (struct kvm_cpuid_entry2){ .function = 0, .ebx = 1, .ecx = 2, .edx = 3 };
	host.e[1] = (struct kvm_cpuid_entry2){ .function = 1, .ecx = 0xf0, .edx = 0xf };
	host.e[2] = (struct kvm_cpuid_entry2){ .function = 7, .ebx = 0xff };
	guest = host;
}

static bool missing(void)
{
	return features_missing(&guest.head, &host.head, what, sizeof(what));
}

START_TEST(the_same)
{
	ck_assert(!missing());
}
END_TEST

START_TEST(fewer)
{
	guest.e[2].ebx = 0x0f;
	guest.head.nent = 3;
	ck_assert(!missing());
	guest.head.nent = 2;
	ck_assert(!missing());
}
END_TEST

START_TEST(more)
{
	guest.e[2].ebx |= 0x100;
	ck_assert(missing());
	ck_assert_str_eq(what, "has features that the CPU here lacks (CPUID 7:ebx, bits 0x100)");
}
END_TEST

START_TEST(leaf_that_is_not_there)
{
	host.head.nent = 2;
	ck_assert(missing());
}
END_TEST

START_TEST(made_here)
{
	guest.e[1].ecx |= 1U << 31 | 1U << 24;
	guest.e[1].edx |= 1U << 28;
	ck_assert(!missing());
}
END_TEST

START_TEST(another_vendor)
{
	guest.e[0].ecx = 9;
	ck_assert(missing());
	ck_assert_ptr_nonnull(strstr(what, "vendor"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cpu_features");
	TCase *c = tcase_create("features");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, the_same);
	tcase_add_test(c, fewer);
	tcase_add_test(c, more);
	tcase_add_test(c, leaf_that_is_not_there);
	tcase_add_test(c, made_here);
	tcase_add_test(c, another_vendor);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
