// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_scsi_cd.c - the CD drive's commands: what each answers with and without a medium, in whatever length it is asked
 * for; unit attention conditions, the tray and its lock; commands with anything in them.
 */
/* sources: ctl/vmm/scsi_cd.c */
#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "scsi_cd.h"

#define BLOCKS	1000
#define DVD	500000

static struct scsi_cd cd;
static struct scsi_cd_answer a;

static void setup(void)
{
	memset(&cd, 0, sizeof(cd));
	cd.blocks = BLOCKS;
}

/* A command of the bytes given; the rest is zero. */
static void command(unsigned int n, ...)
{
	uint8_t cdb[SCSI_CD_CDB] = { 0 };
	unsigned int i;
	va_list args;

	va_start(args, n);
	for (i = 0; i < n; i++)
		cdb[i] = va_arg(args, int);
	va_end(args);
	memset(&a, 0xee, sizeof(a));
	scsi_cd_command(&cd, cdb, &a);
}

#define COMMAND(...)	command(sizeof((int []){ __VA_ARGS__ }) / sizeof(int), __VA_ARGS__)

static uint32_t be16(unsigned int at)
{
	return a.data[at] << 8 | a.data[at + 1];
}

static uint32_t be32(unsigned int at)
{
	return be16(at) << 16 | be16(at + 2);
}

static void good(uint32_t n)
{
	ck_assert_int_eq(a.status, SCSI_GOOD);
	ck_assert_uint_eq(a.n, n);
	ck_assert_uint_eq(a.count, 0);
}

static void sense_is(const uint8_t *s, unsigned int key, unsigned int asc, unsigned int ascq)
{
	ck_assert_uint_eq(s[0], 0x70);
	ck_assert_uint_eq(s[2], key);
	ck_assert_uint_eq(s[7], 10);
	ck_assert_uint_eq(s[12], asc);
	ck_assert_uint_eq(s[13], ascq);
}

static void refused(unsigned int key, unsigned int asc, unsigned int ascq)
{
	ck_assert_int_eq(a.status, SCSI_CHECK_CONDITION);
	ck_assert_uint_eq(a.n, 0);
	ck_assert_uint_eq(a.count, 0);
	sense_is(a.sense, key, asc, ascq);
}

#define INVALID_FIELD	5, 0x24, 0

START_TEST(test_inquiry)
{
	COMMAND(0x12, 0, 0, 0, 255);
	good(36);
	ck_assert_uint_eq(a.data[0], 5);
	ck_assert_uint_eq(a.data[1], 0x80);
	ck_assert_uint_eq(a.data[4], 31);
	ck_assert(!memcmp(a.data + 8, "VITRINE CD-ROM          1.0 ", 28));
	COMMAND(0x12, 0, 0, 0, 5);
	good(5);
	COMMAND(0x12, 0, 0, 0, 0);
	good(0);
	COMMAND(0x12, 0, 0x80, 0, 255);
	refused(INVALID_FIELD);
	COMMAND(0x12, 2, 0, 0, 255);
	refused(INVALID_FIELD);
}
END_TEST

START_TEST(test_vpd)
{
	COMMAND(0x12, 1, 0, 0, 255);
	good(7);
	ck_assert(!memcmp(a.data, "\x05\x00\x00\x03\x00\x80\x83", 7));
	COMMAND(0x12, 1, 0x80, 0, 255);
	good(15);
	ck_assert(!memcmp(a.data + 4, "vitrine-cd0", 11));
	COMMAND(0x12, 1, 0x83, 0, 255);
	good(27);
	ck_assert_uint_eq(be16(2), 23);
	ck_assert_uint_eq(a.data[7], 19);
	ck_assert(!memcmp(a.data + 8, "VITRINE vitrine-cd0", 19));
	COMMAND(0x12, 1, 0xb0, 0, 255);
	refused(INVALID_FIELD);
}
END_TEST

START_TEST(test_report_luns)
{
	COMMAND(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 255);
	good(16);
	ck_assert_uint_eq(be32(0), 8);
	ck_assert_uint_eq(be32(8) | be32(12), 0);
	COMMAND(0xa0, 0, 1, 0, 0, 0, 255, 255, 255, 255);
	good(8);
	ck_assert_uint_eq(be32(0), 0);
	COMMAND(0xa0, 0, 3, 0, 0, 0, 0, 0, 0, 255);
	refused(INVALID_FIELD);
}
END_TEST

START_TEST(test_capacity)
{
	COMMAND(0x25);
	good(8);
	ck_assert_uint_eq(be32(0), BLOCKS - 1);
	ck_assert_uint_eq(be32(4), 2048);
	cd.blocks = UINT32_MAX;
	COMMAND(0x25);
	ck_assert_uint_eq(be32(0), UINT32_MAX - 1);
}
END_TEST

static void reads(uint32_t lba, uint32_t count)
{
	ck_assert_int_eq(a.status, SCSI_GOOD);
	ck_assert_uint_eq(a.n, 0);
	ck_assert_uint_eq(a.lba, lba);
	ck_assert_uint_eq(a.count, count);
}

START_TEST(test_read)
{
	COMMAND(0x28, 0, 0, 0, 3, 0xe7, 0, 0, 1);
	reads(999, 1);
	COMMAND(0x28, 0, 0, 0, 0, 7, 0, 3, 0xe1);
	reads(7, 993);
	COMMAND(0x28, 0, 0, 0, 0, 7, 0, 3, 0xe2);
	refused(5, 0x21, 0);
	COMMAND(0x28, 0, 0, 0, 3, 0xe8, 0, 0, 1);
	refused(5, 0x21, 0);
	COMMAND(0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff);
	refused(5, 0x21, 0);
	COMMAND(0x28, 0, 0, 0, 0, 1);
	reads(1, 0);
	COMMAND(0xa8, 0, 0, 0, 0, 2, 0, 0, 0, 5);
	reads(2, 5);
	COMMAND(0xa8, 0, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff);
	refused(5, 0x21, 0);
	cd.blocks = UINT32_MAX;
	COMMAND(0xa8, 0, 0xff, 0xfe, 0xff, 0xff, 0, 0, 0xff, 0xff);
	reads(0xfffeffff, 0xffff);
	COMMAND(0xa8, 0, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xfd);
	refused(INVALID_FIELD);
	COMMAND(0xa8, 0, 0, 0, 0, 2, 0, 1, 0, 0);
	refused(INVALID_FIELD);
	COMMAND(0xa8, 0, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xfe);
	refused(5, 0x21, 0);
}
END_TEST

START_TEST(test_toc)
{
	COMMAND(0x43, 0, 0, 0, 0, 0, 0, 0, 255);
	good(20);
	ck_assert_uint_eq(be16(0), 18);
	ck_assert_uint_eq(be16(2), 0x0101);
	ck_assert_uint_eq(a.data[5], 0x14);
	ck_assert_uint_eq(a.data[6], 1);
	ck_assert_uint_eq(be32(8), 0);
	ck_assert_uint_eq(a.data[14], 0xaa);
	ck_assert_uint_eq(be32(16), BLOCKS);
	COMMAND(0x43, 2, 0, 0, 0, 0, 0, 0, 255);
	ck_assert_uint_eq(be32(8), 0x000200);
	ck_assert_uint_eq(be32(16), 0x000f19);	/* 1150 frames */
	COMMAND(0x43, 0, 0, 0, 0, 0, 0xaa, 0, 255);
	good(12);
	ck_assert_uint_eq(a.data[6], 0xaa);
	COMMAND(0x43, 0, 0, 0, 0, 0, 2, 0, 255);
	refused(INVALID_FIELD);
	cd.blocks = UINT32_MAX;
	COMMAND(0x43, 2, 0, 0, 0, 0, 0, 0, 255);
	ck_assert_uint_eq(be32(16), 0xff3b4a);
}
END_TEST

START_TEST(test_sessions)
{
	COMMAND(0x43, 0, 1, 0, 0, 0, 0, 0, 255);
	good(12);
	ck_assert_uint_eq(be16(0), 10);
	ck_assert_uint_eq(be16(2), 0x0101);
	ck_assert_uint_eq(a.data[6], 1);
	COMMAND(0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40);
	good(12);
	COMMAND(0x43, 0, 2, 0, 0, 0, 0, 0, 255);
	refused(INVALID_FIELD);
	COMMAND(0x43, 0, 5, 0, 0, 0, 0, 0, 255);
	refused(INVALID_FIELD);
}
END_TEST

/* Whether the feature is in the answer: 1, and 2 more if it is current. */
static int feature(uint32_t code)
{
	unsigned int at;

	ck_assert_uint_eq(be32(0), a.n - 4);
	for (at = 8; at < a.n; at += 4 + a.data[at + 3])
		if (be16(at) == code)
			return 1 + 2 * (a.data[at + 2] & 1);
	ck_assert_uint_eq(at, a.n);
	return 0;
}

START_TEST(test_configuration)
{
	COMMAND(0x46, 0, 0, 0, 0, 0, 0, 0, 255);
	ck_assert_uint_eq(be16(6), 8);
	ck_assert_int_eq(feature(0), 3);
	ck_assert_int_eq(feature(3), 3);
	ck_assert_int_eq(feature(0x1e), 3);
	ck_assert_int_eq(feature(0x1f), 1);
	cd.blocks = DVD;
	COMMAND(0x46, 1, 0, 0, 0, 0, 0, 0, 255);
	ck_assert_uint_eq(be16(6), 0x10);
	ck_assert_int_eq(feature(0x1e), 0);
	ck_assert_int_eq(feature(0x1f), 3);
	COMMAND(0x46, 2, 0, 3, 0, 0, 0, 0, 255);
	good(16);
	ck_assert_int_eq(feature(3), 3);
	COMMAND(0x46, 2, 0xff, 0xff, 0, 0, 0, 0, 255);
	good(8);
	COMMAND(0x46, 0, 0, 0x10, 0, 0, 0, 0, 255);
	ck_assert_int_eq(feature(3), 0);
	ck_assert_int_eq(feature(0x10), 3);
	COMMAND(0x46, 3, 0, 0, 0, 0, 0, 0, 255);
	refused(INVALID_FIELD);
	cd.blocks = 0;
	COMMAND(0x46, 0, 0, 0, 0, 0, 0, 0, 255);
	ck_assert_uint_eq(be16(6), 0);
	ck_assert_int_eq(feature(0x10), 1);
}
END_TEST

static void event_is(unsigned int code, unsigned int status)
{
	COMMAND(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
	good(8);
	ck_assert_uint_eq(be16(0), 6);
	ck_assert_uint_eq(be16(2), 0x0410);
	ck_assert_uint_eq(a.data[4], code);
	ck_assert_uint_eq(a.data[5], status);
}

START_TEST(test_events)
{
	event_is(0, 2);
	scsi_cd_insert(&cd, 5);
	COMMAND(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 4);
	good(4);
	event_is(2, 2);
	event_is(0, 2);
	scsi_cd_remove(&cd);
	event_is(3, 0);
	event_is(0, 0);
	COMMAND(0x4a, 1, 0, 0, 0x40, 0, 0, 0, 8);
	good(4);
	ck_assert_uint_eq(be32(0), 0x00028010);
	COMMAND(0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8);
	refused(INVALID_FIELD);
}
END_TEST

START_TEST(test_mode)
{
	COMMAND(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 128);
	good(30);
	ck_assert_uint_eq(be16(0), 28);
	ck_assert_uint_eq(be16(8), 0x2a14);
	ck_assert_uint_eq(a.data[14], 0x29);
	cd.locked = 1;
	COMMAND(0x1a, 0, 0x3f, 0, 255);
	good(26);
	ck_assert_uint_eq(a.data[0], 25);
	ck_assert_uint_eq(a.data[10], 0x2b);
	/* Nothing can be changed, nothing is saved. */
	COMMAND(0x1a, 0, 0x6a, 0, 255);
	good(26);
	ck_assert_uint_eq(a.data[10], 0);
	COMMAND(0x1a, 0, 0xea, 0, 255);
	refused(5, 0x39, 0);
	COMMAND(0x1a, 0, 0x01, 0, 255);
	refused(INVALID_FIELD);
	COMMAND(0x5a, 0, 0x2a, 1, 0, 0, 0, 0, 128);
	refused(INVALID_FIELD);
}
END_TEST

START_TEST(test_disc)
{
	COMMAND(0x51, 0, 0, 0, 0, 0, 0, 0, 255);
	good(34);
	ck_assert_uint_eq(be16(0), 32);
	ck_assert_uint_eq(a.data[2], 0x0e);
	COMMAND(0x51, 1, 0, 0, 0, 0, 0, 0, 255);
	refused(INVALID_FIELD);
	COMMAND(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 255);
	good(8);
	ck_assert_uint_eq(a.data[1], 0);
	cd.open = 1;
	COMMAND(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 255);
	ck_assert_uint_eq(a.data[1], 0x10);
}
END_TEST

START_TEST(test_eject)
{
	COMMAND(0x1e, 0, 0, 0, 1);
	good(0);
	COMMAND(0x1b, 0, 0, 0, 2);
	refused(5, 0x53, 2);
	ck_assert_uint_eq(cd.blocks, BLOCKS);
	COMMAND(0x1e, 0, 0, 0, 3);
	refused(INVALID_FIELD);
	COMMAND(0x1e);
	good(0);
	COMMAND(0x1b, 0, 0, 0, 0x21);
	good(0);
	ck_assert(!a.ejected);
	COMMAND(0x1b, 0, 0, 0, 2);
	good(0);
	ck_assert(a.ejected);
	event_is(3, 1);
	COMMAND(0);
	refused(2, 0x3a, 2);
	COMMAND(0x1b, 0, 0, 0, 2);
	good(0);
	ck_assert(!a.ejected);
	COMMAND(0x1b, 0, 0, 0, 3);
	good(0);
	COMMAND(0x03, 0, 0, 0, 18);
	good(18);
	sense_is(a.data, 2, 0x3a, 1);
}
END_TEST

START_TEST(test_no_medium)
{
	static const uint8_t need[] = { 0x00, 0x25, 0x28, 0x35, 0x43, 0x51, 0xa8 };
	size_t i;

	cd.blocks = 0;
	for (i = 0; i < sizeof(need); i++) {
		command(1, need[i]);
		refused(2, 0x3a, 1);
	}
}
END_TEST

START_TEST(test_attention)
{
	scsi_cd_reset(&cd);
	scsi_cd_insert(&cd, 7);
	COMMAND(0x12, 0, 0, 0, 36);
	good(36);
	COMMAND(0);
	refused(6, 0x29, 0);
	COMMAND(0x25);
	refused(6, 0x28, 0);
	COMMAND(0);
	good(0);
	scsi_cd_insert(&cd, 8);
	COMMAND(0x03, 1, 0, 0, 18);
	refused(INVALID_FIELD);
	COMMAND(0x03, 0, 0, 0, 18);
	good(18);
	sense_is(a.data, 6, 0x28, 0);
	COMMAND(0x03, 0, 0, 0, 18);
	sense_is(a.data, 0, 0, 0);
	/* What no drive does is told first. */
	scsi_cd_reset(&cd);
	COMMAND(0xff);
	refused(5, 0x20, 0);
	COMMAND(0x35);
	refused(6, 0x29, 0);
	cd.locked = 1;
	scsi_cd_reset(&cd);
	ck_assert_uint_eq(cd.locked, 0);
}
END_TEST

START_TEST(test_absent)
{
	uint8_t cdb[SCSI_CD_CDB] = { 0x12, 0, 0, 0, 36 };

	scsi_cd_absent(cdb, &a);
	good(36);
	ck_assert_uint_eq(a.data[0], 0x7f);
	cdb[0] = 0x03;
	scsi_cd_absent(cdb, &a);
	good(18);
	sense_is(a.data, 5, 0x25, 0);
	cdb[0] = 0;
	scsi_cd_absent(cdb, &a);
	refused(5, 0x25, 0);
	cdb[0] = 0xa0;
	cdb[9] = 255;
	scsi_cd_absent(cdb, &a);
	good(16);
}
END_TEST

START_TEST(test_unreadable)
{
	COMMAND(0x28, 0, 0, 0, 0, 0, 0, 0, 1);
	scsi_cd_unreadable(&a);
	refused(3, 0x11, 0);
}
END_TEST

/* Where in the answer lengths are asked for, or 0. */
static uint64_t allocated(const uint8_t *cdb)
{
	switch (cdb[0]) {
	case 0x12:
		return cdb[3] << 8 | cdb[4];
	case 0x03:
	case 0x1a:
		return cdb[4];
	case 0x43:
	case 0x46:
	case 0x4a:
	case 0x51:
	case 0x5a:
		return cdb[7] << 8 | cdb[8];
	case 0xa0:
		return (uint64_t)cdb[6] << 24 | cdb[7] << 16 | cdb[8] << 8 | cdb[9];
	case 0xbd:
		return cdb[8] << 8 | cdb[9];
	default:
		return 8;
	}
}

/* Every opcode with bytes of all kinds: the state stays one that can be saved, nothing is longer or farther than it may. */
START_TEST(test_anything)
{
	uint8_t cdb[SCSI_CD_CDB];
	unsigned int i, k;

	srandom(1);
	for (i = 0; i < 40000; i++) {
		for (k = 0; k < sizeof(cdb); k++)
			cdb[k] = random() % 3 ? random() % 4 : random();
		cdb[0] = i;
		if (!(random() % 64))
			scsi_cd_insert(&cd, random() % 2 ? 1 + random() % 2000 : UINT32_MAX);
		if (!(random() % 256))
			scsi_cd_reset(&cd);
		if (random() % 16)
			scsi_cd_command(&cd, cdb, &a);
		else
			scsi_cd_absent(cdb, &a);
		ck_assert(a.status == SCSI_GOOD || (a.status == SCSI_CHECK_CONDITION && a.sense[0] == 0x70));
		ck_assert_uint_le(a.n, SCSI_CD_DATA);
		ck_assert_uint_le(a.n, allocated(cdb));
		ck_assert(!a.count || (!a.n && a.lba < cd.blocks && a.count <= cd.blocks - a.lba));
		ck_assert(cd.open <= 1 && cd.locked <= 1 && cd.event < SCSI_CD_EVENTS &&
			  !(cd.attention & ~SCSI_CD_ATTENTIONS));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("scsi_cd");
	TCase *t = tcase_create("commands");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_inquiry);
	tcase_add_test(t, test_vpd);
	tcase_add_test(t, test_report_luns);
	tcase_add_test(t, test_capacity);
	tcase_add_test(t, test_read);
	tcase_add_test(t, test_toc);
	tcase_add_test(t, test_sessions);
	tcase_add_test(t, test_configuration);
	tcase_add_test(t, test_events);
	tcase_add_test(t, test_mode);
	tcase_add_test(t, test_disc);
	tcase_add_test(t, test_eject);
	tcase_add_test(t, test_no_medium);
	tcase_add_test(t, test_attention);
	tcase_add_test(t, test_absent);
	tcase_add_test(t, test_unreadable);
	tcase_add_test(t, test_anything);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
