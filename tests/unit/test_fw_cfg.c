// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_fw_cfg.c - the firmware configuration device: its signature, items, the directory and what a guest reads
 * behind an end, from what is not there, and in sizes that the device does not have.
 */
/* sources: ctl/vmm/fw_cfg.c ctl/vmm/bus.c ctl/vmm/part.c */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "firmware.h"
#include "vmm.h"

static struct vmm m;
static unsigned int errors;

void vmm_error(const char *object, const char *what, const char *remedy)
{
	(void)object;
	(void)what;
	(void)remedy;
	errors++;
}

static void select_item(uint32_t key)
{
	ck_assert(vmm_bus_access(&m, 0x510, 2, true, &key));
}

static uint32_t in(unsigned int size)
{
	uint32_t val = 0;

	ck_assert(vmm_bus_access(&m, 0x511, size, false, &val));
	return val;
}

static void expect(const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n--)
		ck_assert_uint_eq(in(1), *p++);
}

static uint32_t in_be32(void)
{
	uint32_t v = in(1) << 24;

	v |= in(1) << 16;
	v |= in(1) << 8;
	return v | in(1);
}

static void setup(void)
{
	memset(&m, 0, sizeof(m));
	errors = 0;
	ck_assert_int_eq(fw_cfg_create(&m), 0);
}

static void teardown(void)
{
	fw_cfg_destroy(&m);
}

START_TEST(signature_and_interface)
{
	select_item(0);
	expect("QEMU\0\0", 6);
	select_item(1);
	expect("\x01\0\0\0\0", 5);	/* ports, no DMA */
}
END_TEST

START_TEST(selecting_starts_anew)
{
	ck_assert_int_eq(fw_cfg_add(&m, 5, "\x07\x01", 2), 0);
	select_item(5);
	expect("\x07", 1);
	select_item(5);
	expect("\x07\x01\0\0", 4);
	select_item(0x4005);
	expect("\x07\x01", 2);
}
END_TEST

START_TEST(what_is_not_there_is_zero)
{
	select_item(0xffff);
	ck_assert_uint_eq(in(1), 0);
	select_item(2);
	ck_assert_uint_eq(in(1), 0);
}
END_TEST

START_TEST(other_sizes_do_nothing)
{
	uint32_t key = 0;

	select_item(0);
	ck_assert_uint_eq(in(2), 0);
	ck_assert_uint_eq(in(4), 0);
	key = 1;
	ck_assert(vmm_bus_access(&m, 0x510, 1, true, &key));
	ck_assert(vmm_bus_access(&m, 0x510, 4, true, &key));
	ck_assert(vmm_bus_access(&m, 0x511, 1, true, &key));
	expect("QEMU", 4);
}
END_TEST

START_TEST(directory_leads_to_files)
{
	uint8_t big[300];
	char name[57] = "";
	unsigned int i;
	uint32_t key;

	memset(big, 0x5a, sizeof(big));
	ck_assert_int_eq(fw_cfg_add_file(&m, "etc/one", "1", 1), 0);
	ck_assert_int_eq(fw_cfg_add_file(&m, "etc/big", big, sizeof(big)), 0);
	select_item(0x19);
	ck_assert_uint_eq(in_be32(), 2);
	ck_assert_uint_eq(in_be32(), 1);
	key = in_be32() >> 16;
	for (i = 0; i < 56; i++)
		name[i] = in(1);
	ck_assert_str_eq(name, "etc/one");
	select_item(key);
	expect("1\0", 2);
	select_item(0x19);
	for (i = 0; i < 4 + 64; i++)
		in(1);
	ck_assert_uint_eq(in_be32(), sizeof(big));
	select_item(in_be32() >> 16);
	expect(big, sizeof(big));
	ck_assert_uint_eq(in(1), 0);
}
END_TEST

START_TEST(full_is_an_error)
{
	char name[64];
	int i, added = 0;

	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "etc/%d", i);
		added += !fw_cfg_add_file(&m, name, "x", 1);
	}
	ck_assert_int_gt(added, 0);
	ck_assert_int_lt(added, 64);
	ck_assert_uint_eq(errors, 64 - added);
	select_item(0x19);
	ck_assert_uint_eq(in_be32(), added);
}
END_TEST

START_TEST(long_names_are_an_error)
{
	char name[64];

	memset(name, 'n', sizeof(name));
	name[56] = 0;
	ck_assert_int_eq(fw_cfg_add_file(&m, name, "x", 1), -1);
	name[55] = 0;
	ck_assert_int_eq(fw_cfg_add_file(&m, name, "x", 1), 0);
	ck_assert_uint_eq(errors, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fw_cfg");
	TCase *t = tcase_create("device");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, signature_and_interface);
	tcase_add_test(t, selecting_starts_anew);
	tcase_add_test(t, what_is_not_there_is_zero);
	tcase_add_test(t, other_sizes_do_nothing);
	tcase_add_test(t, directory_leads_to_files);
	tcase_add_test(t, full_is_an_error);
	tcase_add_test(t, long_names_are_an_error);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
