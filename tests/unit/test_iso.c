// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_iso.c - the seed's image as a reader of ISO 9660 sees it, with Joliet and without.
 */
/* sources: ctl/iso.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "iso.h"

#define SECTOR	2048

static uint8_t big[5000];
static const struct iso_file files[] = {
	{ "meta-data", "METADATA", "meta", 4 },
	{ "none", "NONE", "", 0 },
	{ "user-data", "USERDATA", big, sizeof(big) },
};
static uint8_t *image;
static size_t size;

static void setup(void)
{
	memset(big, 'u', sizeof(big));
	image = iso_build("cidata", files, 3, &size);
	ck_assert_ptr_nonnull(image);
}

static void teardown(void)
{
	free(image);
}

/* A number that stands in both orders. */
static uint32_t both(const uint8_t *p)
{
	uint32_t le = p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
	uint32_t be = p[7] | p[6] << 8 | p[5] << 16 | (uint32_t)p[4] << 24;

	ck_assert_uint_eq(le, be);
	return le;
}

static const uint8_t *descriptor(uint8_t type)
{
	unsigned int i;

	for (i = 16; i * SECTOR < size; i++) {
		ck_assert_mem_eq(image + i * SECTOR + 1, "CD001\1", 6);
		if (image[i * SECTOR] == type)
			return image + i * SECTOR;
	}
	ck_abort_msg("no descriptor %u", type);
	return NULL;
}

/* The folder's records one by one, the first two for itself and its parent. */
static void check_tree(uint8_t type, const void *const *names, const uint8_t *lengths)
{
	const uint8_t *d = descriptor(type), *p;
	unsigned int i;

	ck_assert_uint_eq(both(d + 80), size / SECTOR);
	p = image + (size_t)both(d + 156 + 2) * SECTOR;
	for (i = 0; i < 2; i++, p += p[0]) {
		ck_assert_uint_eq(p[25], 2);
		ck_assert_uint_eq(p[32], 1);
		ck_assert_uint_eq(p[33], i);
	}
	for (i = 0; i < 3; i++, p += p[0]) {
		uint32_t at = both(p + 2), n = both(p + 10);

		ck_assert_uint_eq(p[0] & 1, 0);
		ck_assert_uint_eq(p[32], lengths[i]);
		ck_assert_mem_eq(p + 33, names[i], lengths[i]);
		ck_assert_uint_eq(n, files[i].n);
		ck_assert_uint_le((size_t)at * SECTOR + n, size);
		if (n)
			ck_assert_mem_eq(image + (size_t)at * SECTOR, files[i].data, n);
	}
	ck_assert_uint_eq(p[0], 0);
}

START_TEST(plain)
{
	static const void *const names[] = { "METADATA.;1", "NONE.;1", "USERDATA.;1" };
	static const uint8_t lengths[] = { 11, 7, 11 };

	ck_assert_mem_eq(descriptor(1) + 40, "cidata  ", 8);
	check_tree(1, names, lengths);
}
END_TEST

START_TEST(joliet)
{
	static const void *const names[] = {
		"\0m\0e\0t\0a\0-\0d\0a\0t\0a", "\0n\0o\0n\0e", "\0u\0s\0e\0r\0-\0d\0a\0t\0a"
	};
	static const uint8_t lengths[] = { 18, 8, 18 };

	ck_assert_mem_eq(descriptor(2) + 88, "%/E", 3);
	ck_assert_mem_eq(descriptor(2) + 40, "\0c\0i\0d\0a\0t\0a\0 ", 14);
	check_tree(2, names, lengths);
}
END_TEST

START_TEST(ends)
{
	ck_assert_ptr_eq(descriptor(255), image + 18 * SECTOR);
	ck_assert_uint_eq(size % SECTOR, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("iso");
	TCase *t = tcase_create("iso");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, plain);
	tcase_add_test(t, joliet);
	tcase_add_test(t, ends);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
