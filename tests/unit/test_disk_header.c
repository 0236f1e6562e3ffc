// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_disk_header.c - qcow2 headers field by field, refcounts of each width, compressed entries, formats by content.
 */
/* sources: ctl/disk/qcow2_header.c ctl/disk/qcow2_entry.c ctl/disk/format.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "disk/qcow2.h"

#define FILE_SIZE	(16ULL << 16)

static unsigned char head[65536];
static struct qcow2_header h;
static const char *remedy;

static void setup(void)
{
	struct qcow2_header good = { .cluster_bits = 16, .size = 1 << 30, .l1_entries = 2, .l1 = 3 << 16,
				     .reftable = 1 << 16, .reftable_clusters = 1, .refcount_order = 4,
				     .backing_format = DISK_VHD };

	memset(head, 0, sizeof(head));
	qcow2_header_write(&good, head, "base.vhd");
}

static const char *parse(void)
{
	return qcow2_header_parse(&h, head, sizeof(head), FILE_SIZE, &remedy);
}

START_TEST(test_good)
{
	ck_assert_ptr_null(parse());
	ck_assert_uint_eq(h.version, 3);
	ck_assert_uint_eq(h.size, 1 << 30);
	ck_assert_uint_eq(h.l1_entries, 2);
	ck_assert_uint_eq(h.reftable, 1 << 16);
	ck_assert_uint_eq(h.backing_length, 8);
	ck_assert_mem_eq(head + h.backing_at, "base.vhd", 8);
	ck_assert_int_eq(h.backing_format, DISK_VHD);
}
END_TEST

/* One field at a time gets a value that must not pass. */
static const struct {
	unsigned int at, bytes;
	uint64_t value;
} bad[] = {
	{ 0, 4, 0x514649fc }, { 4, 4, 1 }, { 4, 4, 4 }, { 8, 8, 1 << 20 }, { 16, 4, 1024 },
	{ 20, 4, 8 }, { 20, 4, 22 }, { 24, 8, 1ULL << 63 }, { 24, 8, 1025 }, { 24, 8, 3ULL << 30 },
	{ 32, 4, 1 }, { 36, 4, 1 }, { 36, 4, 0xffffffff }, { 40, 8, (3 << 16) + 512 },
	{ 40, 8, FILE_SIZE }, { 40, 8, ~0xffffULL }, { 48, 8, 0 }, { 48, 8, FILE_SIZE },
	{ 56, 4, 0 }, { 56, 4, 129 }, { 60, 4, 65537 }, { 72, 8, 4 }, { 72, 8, 16 },
	{ 72, 8, 1ULL << 40 }, { 96, 4, 7 }, { 100, 4, 96 }, { 100, 4, 0x80000000 }, { 104, 1, 2 },
	{ 116, 4, 0x7fffffff },
};

START_TEST(test_bad)
{
	if (bad[_i].bytes == 8)
		put64(head + bad[_i].at, bad[_i].value);
	else if (bad[_i].bytes == 4)
		put32(head + bad[_i].at, bad[_i].value);
	else
		head[bad[_i].at] = bad[_i].value;
	ck_assert_msg(parse() != NULL, "offset %u", bad[_i].at);
	ck_assert_ptr_nonnull(remedy);
}
END_TEST

START_TEST(test_short)
{
	size_t n;

	for (n = 0; n < QCOW2_HEADER_MAX; n++)
		ck_assert_ptr_nonnull(qcow2_header_parse(&h, head, n, FILE_SIZE, &remedy));
}
END_TEST

START_TEST(test_refcounts)
{
	uint64_t most = _i == 6 ? UINT64_MAX : (1ULL << (1 << _i)) - 1, i;
	unsigned char block[512] = { 0 };

	for (i = 0; i < 64; i++)
		qcow2_refcount_set(block, i, _i, i * 7 & most);
	for (i = 0; i < 64; i++)
		ck_assert_uint_eq(qcow2_refcount_get(block, i, _i), i * 7 & most);
	qcow2_refcount_set(block, 5, _i, most);
	ck_assert_uint_eq(qcow2_refcount_get(block, 5, _i), most);
	ck_assert_uint_eq(qcow2_refcount_get(block, 4, _i), 28 & most);
	ck_assert_uint_eq(qcow2_refcount_get(block, 6, _i), 42 & most);
}
END_TEST

START_TEST(test_compressed)
{
	uint64_t offset, length;

	qcow2_compressed(QCOW2_COMPRESSED | 3ULL << 54 | 0x12345678, 16, &offset, &length);
	ck_assert_uint_eq(offset, 0x12345678);
	ck_assert_uint_eq(length, 4 * 512 - 0x78);
}
END_TEST

START_TEST(test_probe)
{
	char vdi[0x44] = "";

	memcpy(vdi + 0x40, "\x7f\x10\xda\xbe", 4);
	ck_assert_int_eq(disk_format_probe(head, sizeof(head), FILE_SIZE), DISK_QCOW2);
	ck_assert_int_eq(disk_format_probe(vdi, sizeof(vdi), FILE_SIZE), DISK_VDI);
	ck_assert_int_eq(disk_format_probe(vdi, 0x43, FILE_SIZE), DISK_RAW);
	ck_assert_int_eq(disk_format_probe("QFI", 3, 3), DISK_RAW);
	ck_assert_int_eq(disk_format_named("vpc"), DISK_VHD);
	ck_assert_int_eq(disk_format_named("qcow"), DISK_FORMATS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("disk_header");
	TCase *c = tcase_create("header");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, test_good);
	tcase_add_loop_test(c, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, test_short);
	tcase_add_loop_test(c, test_refcounts, 0, 7);
	tcase_add_test(c, test_compressed);
	tcase_add_test(c, test_probe);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
