// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_pit.c - the 8254: loading, latching, read-back, what each mode counts and puts out, decimal
 * counting, the speaker port, restore.
 */
/* sources: kmod/pit.c */
#include <check.h>
#include <stdlib.h>
#include "pit.h"

#define SEC	1000000000ULL
/* Time of the middle of tick n. */
#define TICK(n)	(((n) * 2 + 1) * SEC / (2 * VTR_PIT_HZ))

static struct vtr_pit_state p;

static void setup(void)
{
	memset(&p, 0xaa, sizeof(p));
	vtr_pit_state_reset(&p, 0);
}

static bool load(int ch, u8 control, u16 count, u64 now)
{
	vtr_pit_state_write(&p, 3, ch << 6 | 0x30 | control, now);
	ck_assert(!vtr_pit_state_write(&p, ch, count, now));
	return vtr_pit_state_write(&p, ch, count >> 8, now);
}

static u16 read16(int ch, u64 now)
{
	u8 low = vtr_pit_state_read(&p, ch, now);

	return low | vtr_pit_state_read(&p, ch, now) << 8;
}

static u8 status(int ch, u64 now)
{
	vtr_pit_state_write(&p, 3, 0xe0 | 2 << ch, now);
	return vtr_pit_state_read(&p, ch, now);
}

START_TEST(before_the_first_control_word)
{
	bool periodic;

	ck_assert_uint_eq(p.channel[0].mode, 0xff);
	ck_assert_uint_eq(p.channel[0].gate, 1);
	ck_assert_uint_eq(p.channel[2].gate, 0);
	ck_assert(vtr_pit_state_write(&p, 0, 5, 0));
	ck_assert_uint_eq(p.channel[0].count, 5);
	ck_assert_uint_eq(vtr_pit_interval_ns(&p, &periodic), 0);
}
END_TEST

START_TEST(only_channel_0_interrupts)
{
	ck_assert(load(0, 4, 1000, 0));
	ck_assert(!load(1, 4, 1000, 0));
	ck_assert(!load(2, 4, 1000, 0));
}
END_TEST

START_TEST(intervals)
{
	bool periodic;

	ck_assert_uint_eq(vtr_pit_interval_ns(&p, &periodic), 0);
	load(0, 2 << 1, 11932, 0);
	ck_assert_uint_eq(vtr_pit_interval_ns(&p, &periodic), 11932 * SEC / VTR_PIT_HZ);
	ck_assert(periodic);
	load(0, 3 << 1, 0, 0);
	ck_assert_uint_eq(vtr_pit_interval_ns(&p, &periodic), 65536 * SEC / VTR_PIT_HZ);
	ck_assert(periodic);
	load(0, 0, 100, 0);
	ck_assert_uint_eq(vtr_pit_interval_ns(&p, &periodic), 100 * SEC / VTR_PIT_HZ);
	ck_assert(!periodic);
	load(0, 5 << 1, 100, 0);
	ck_assert_uint_eq(vtr_pit_interval_ns(&p, &periodic), 0);
	/* Modes 6 and 7 are 2 and 3. */
	load(0, 6 << 1, 100, 0);
	ck_assert_uint_eq(p.channel[0].mode, 2);
	load(0, 7 << 1, 100, 0);
	ck_assert_uint_eq(p.channel[0].mode, 3);
}
END_TEST

START_TEST(mode_0)
{
	load(0, 0, 1000, 0);
	ck_assert_uint_eq(read16(0, TICK(0)), 1000);
	ck_assert_uint_eq(read16(0, TICK(400)), 600);
	ck_assert(!(status(0, TICK(999)) & 0x80));
	ck_assert(status(0, TICK(1000)) & 0x80);
	/* It counts on below zero. */
	ck_assert_uint_eq(read16(0, TICK(1001)), 0xffff);
}
END_TEST

START_TEST(mode_2)
{
	load(0, 2 << 1, 1000, 0);
	ck_assert_uint_eq(read16(0, TICK(1)), 999);
	ck_assert_uint_eq(read16(0, TICK(1000)), 1000);
	ck_assert_uint_eq(read16(0, TICK(2500)), 500);
	ck_assert(status(0, TICK(998)) & 0x80);
	ck_assert(!(status(0, TICK(999)) & 0x80));
	ck_assert(status(0, TICK(1000)) & 0x80);
}
END_TEST

START_TEST(mode_3)
{
	load(0, 3 << 1, 1000, 0);
	ck_assert_uint_eq(read16(0, TICK(1)), 998);
	ck_assert_uint_eq(read16(0, TICK(501)), 998);
	ck_assert(status(0, TICK(499)) & 0x80);
	ck_assert(!(status(0, TICK(500)) & 0x80));
	ck_assert(status(0, TICK(1000)) & 0x80);
}
END_TEST

START_TEST(mode_4)
{
	load(0, 4 << 1, 10, 0);
	ck_assert(status(0, TICK(9)) & 0x80);
	ck_assert(!(status(0, TICK(10)) & 0x80));
	ck_assert(status(0, TICK(11)) & 0x80);
}
END_TEST

START_TEST(byte_access)
{
	vtr_pit_state_write(&p, 3, 0x14, 0);	/* channel 0, low byte, mode 2 */
	ck_assert(vtr_pit_state_write(&p, 0, 200, 0));
	ck_assert_uint_eq(p.channel[0].count, 200);
	ck_assert_uint_eq(vtr_pit_state_read(&p, 0, 0), 200);
	ck_assert_uint_eq(vtr_pit_state_read(&p, 0, 0), 200);
	vtr_pit_state_write(&p, 3, 0x24, 0);	/* high byte */
	ck_assert(vtr_pit_state_write(&p, 0, 2, 0));
	ck_assert_uint_eq(p.channel[0].count, 512);
	ck_assert_uint_eq(vtr_pit_state_read(&p, 0, 0), 2);
	ck_assert_uint_eq(vtr_pit_state_read(&p, 3, 0), 0);
}
END_TEST

START_TEST(latch)
{
	load(0, 2 << 1, 1000, 0);
	vtr_pit_state_write(&p, 3, 0x00, TICK(100));
	/* A second latch before the first was read changes nothing. */
	vtr_pit_state_write(&p, 3, 0x00, TICK(200));
	ck_assert_uint_eq(read16(0, TICK(300)), 900);
	ck_assert_uint_eq(read16(0, TICK(300)), 700);
}
END_TEST

START_TEST(read_back_both)
{
	load(1, 3 << 1, 1000, 0);
	vtr_pit_state_write(&p, 3, 0xc4, TICK(100));
	ck_assert_uint_eq(vtr_pit_state_read(&p, 1, TICK(300)), 0x80 | 0x30 | 3 << 1);
	ck_assert_uint_eq(read16(1, TICK(300)), 800);
	/* Not asked for: channel 0 has nothing latched. */
	ck_assert_uint_eq(p.channel[0].count_latched, 0);
	ck_assert_uint_eq(p.channel[0].status_latched, 0);
}
END_TEST

START_TEST(decimal)
{
	load(0, 2 << 1 | 1, 0x1234, 0);
	ck_assert_uint_eq(p.channel[0].count, 1234);
	ck_assert_uint_eq(read16(0, TICK(1)), 0x1233);
	load(0, 2 << 1 | 1, 0, 0);
	ck_assert_uint_eq(p.channel[0].count, 10000);
	ck_assert_uint_eq(read16(0, TICK(0)), 0);
	ck_assert_uint_eq(read16(0, TICK(1)), 0x9999);
}
END_TEST

START_TEST(speaker)
{
	u8 v;

	load(2, 0, 1000, 0);
	vtr_pit_speaker_write(&p, 3, TICK(500));
	v = vtr_pit_speaker_read(&p, TICK(999));
	ck_assert_uint_eq(v & 0x23, 0x03);
	ck_assert_uint_eq(vtr_pit_speaker_read(&p, TICK(1000)) & 0x23, 0x23);
	/* A rising gate starts modes 1, 2, 3 and 5 again. */
	load(2, 1 << 1, 1000, 0);
	vtr_pit_speaker_write(&p, 0, TICK(100));
	vtr_pit_speaker_write(&p, 1, TICK(200));
	ck_assert_uint_eq(p.channel[2].count_load_time, TICK(200));
	ck_assert_uint_ne(vtr_pit_speaker_read(&p, 0) & 0x10,
			  vtr_pit_speaker_read(&p, 1 << 14) & 0x10);
}
END_TEST

START_TEST(long_times)
{
	const u64 days = 30ULL * 86400;

	/* After 30 days the count is exact still: ticks are whole seconds' times the frequency. */
	load(0, 2 << 1, 0, 0);
	ck_assert_uint_eq(read16(0, days * SEC), (u16)(65536 - days * VTR_PIT_HZ % 65536));
	/* A time before the load counts as the load. */
	p.channel[0].count_load_time = 1000 * SEC;
	ck_assert_uint_eq(read16(0, 5), 0);
}
END_TEST

START_TEST(restore)
{
	struct vtr_pit_channel c[3];

	memcpy(c, p.channel, sizeof(c));
	ck_assert_int_eq(vtr_pit_state_restore(&p, c, true), 0);
	ck_assert(p.speaker_on);
	c[2].count = 0;
	ck_assert_int_eq(vtr_pit_state_restore(&p, c, false), 0);
	ck_assert_uint_eq(p.channel[2].count, 65536);
	c[1].count = 65537;
	c[0].count = 77;
	ck_assert_int_eq(vtr_pit_state_restore(&p, c, false), -EINVAL);
	ck_assert_uint_eq(p.channel[0].count, 65536);
	memcpy(c, p.channel, sizeof(c));
	c[0].mode = 6;
	ck_assert_int_eq(vtr_pit_state_restore(&p, c, false), -EINVAL);
	memcpy(c, p.channel, sizeof(c));
	c[0].read_state = 5;
	ck_assert_int_eq(vtr_pit_state_restore(&p, c, false), -EINVAL);
}
END_TEST

START_TEST(random_accesses)
{
	struct vtr_pit_channel c[3];
	bool periodic;
	u64 now = 0;
	int n;

	srand(3);
	for (n = 0; n < 200000; n++) {
		now += (u64)rand() % SEC;
		switch (rand() % 4) {
		case 0:
			vtr_pit_state_write(&p, rand() & 3, rand(), now);
			break;
		case 1:
			vtr_pit_state_read(&p, rand() & 3, now);
			break;
		case 2:
			vtr_pit_speaker_write(&p, rand(), now);
			vtr_pit_speaker_read(&p, now);
			break;
		default:
			memcpy(c, p.channel, sizeof(c));
			((u8 *)c)[rand() % sizeof(c)] = rand();
			vtr_pit_state_restore(&p, c, false);
			break;
		}
		vtr_pit_interval_ns(&p, &periodic);
		ck_assert(p.channel[0].count && p.channel[1].count && p.channel[2].count);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pit");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, before_the_first_control_word);
	tcase_add_test(t, only_channel_0_interrupts);
	tcase_add_test(t, intervals);
	tcase_add_test(t, mode_0);
	tcase_add_test(t, mode_2);
	tcase_add_test(t, mode_3);
	tcase_add_test(t, mode_4);
	tcase_add_test(t, byte_access);
	tcase_add_test(t, latch);
	tcase_add_test(t, read_back_both);
	tcase_add_test(t, decimal);
	tcase_add_test(t, speaker);
	tcase_add_test(t, long_times);
	tcase_add_test(t, restore);
	tcase_add_test(t, random_accesses);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
