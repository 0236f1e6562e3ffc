// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_rtc_event.c - the clock chip's events.
 */
/* sources: ctl/vmm/rtc_event.c */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rtc.h"

static struct rtc_chip c;

static int64_t at(int hour, int minute, int second)
{
	return (20000 * 86400LL + hour * 3600 + minute * 60 + second) * RTC_TICKS;
}

START_TEST(rates)
{
	static const int64_t ticks[16] = { 0, 128, 256, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
					   8192, 16384 };

	c.ram[RTC_REG_A] = 0x20 | _i;
	c.ram[RTC_REG_B] = RTC_PERIODIC;
	c.seen = at(1, 2, 3) + 5;
	if (!_i) {
		ck_assert_int_eq(rtc_next(&c), -1);
		return;
	}
	ck_assert_int_eq(rtc_next(&c), at(1, 2, 3) + (5 / ticks[_i] + 1) * ticks[_i]);
	rtc_advance(&c, rtc_next(&c) - 1);
	ck_assert_uint_eq(c.ram[RTC_REG_C], 0);
	rtc_advance(&c, rtc_next(&c));
	ck_assert_uint_eq(c.ram[RTC_REG_C] & (RTC_PERIODIC | RTC_C_IRQ), RTC_PERIODIC | RTC_C_IRQ);
	ck_assert_int_eq(rtc_next(&c), -1);
}
END_TEST

/* Alarms in each form, from 10:20:30 on: the second of the day, -1 for never. */
static const struct {
	uint8_t form, hour, minute, second;
	int64_t when;
} alarms[] = {
	{ RTC_B_24H, 0x10, 0x20, 0x31, 1 },
	{ RTC_B_24H, 0x10, 0x20, 0x30, 86400 },
	{ RTC_B_24H | RTC_B_BINARY, 10, 21, 0, 30 },
	{ RTC_B_24H, 0xff, 0xff, 0xff, 1 },
	{ RTC_B_24H, 0xc0, 0xff, 0x15, 45 },
	{ RTC_B_24H, 0xff, 0x10, 0x00, 49 * 60 + 30 },
	{ RTC_B_24H, 0x00, 0x00, 0x00, 86400 - (10 * 3600 + 20 * 60 + 30) },
	{ 0, 0x80 | 0x10, 0x20, 0x30, 12 * 3600 },
	{ 0, 0x12, 0x00, 0x00, 86400 - (10 * 3600 + 20 * 60 + 30) },
	{ RTC_B_BINARY, 0x80 | 12, 0, 0, 3600 + 39 * 60 + 30 },
	{ RTC_B_24H, 0x10, 0x20, 0x60, -1 },
	{ RTC_B_24H | RTC_B_BINARY, 24, 0, 0, -1 },
	{ RTC_B_24H | RTC_B_BINARY, 10, 60, 0xff, -1 },
};

START_TEST(alarm_forms)
{
	int64_t start = at(10, 20, 30) + 7;

	c.ram[RTC_REG_B] = alarms[_i].form | RTC_ALARM;
	c.ram[1] = alarms[_i].second;
	c.ram[3] = alarms[_i].minute;
	c.ram[5] = alarms[_i].hour;
	c.seen = start;
	if (alarms[_i].when < 0) {
		ck_assert_int_eq(rtc_next(&c), -1);
		rtc_advance(&c, start + 200000LL * RTC_TICKS);
		ck_assert_uint_eq(c.ram[RTC_REG_C] & RTC_ALARM, 0);
		return;
	}
	ck_assert_int_eq(rtc_next(&c), at(10, 20, 30) + alarms[_i].when * RTC_TICKS);
	rtc_advance(&c, rtc_next(&c) - 1);
	ck_assert_uint_eq(c.ram[RTC_REG_C] & RTC_ALARM, 0);
	rtc_advance(&c, rtc_next(&c));
	ck_assert_uint_eq(c.ram[RTC_REG_C] & (RTC_ALARM | RTC_C_IRQ), RTC_ALARM | RTC_C_IRQ);
}
END_TEST

START_TEST(set_stops_updates)
{
	c.ram[RTC_REG_B] = RTC_B_SET | RTC_UPDATE | RTC_ALARM | RTC_B_24H;
	memset(c.ram + 1, 0xff, 5);
	c.seen = at(0, 0, 0);
	ck_assert_int_eq(rtc_next(&c), -1);
	rtc_advance(&c, at(0, 0, 5));
	ck_assert_uint_eq(c.ram[RTC_REG_C], 0);
	c.ram[RTC_REG_B] &= ~RTC_B_SET;
	ck_assert_int_eq(rtc_next(&c), at(0, 0, 6));
	/* Another time that is set is no event. */
	rtc_advance(&c, at(0, 0, 1));
	ck_assert_uint_eq(c.ram[RTC_REG_C], 0);
}
END_TEST

/* Nonsense in every register, times before 1970: what is foretold lies ahead, and comes, also when it is looked at before. */
START_TEST(noise)
{
	unsigned int i, k;

	srand(_i);
	for (i = 0; i < 5000; i++) {
		int64_t next, step;

		for (k = 0; k < sizeof(c.ram); k++)
			c.ram[k] = rand();
		c.seen = ((int64_t)rand() - RAND_MAX / 2) * 4099 * (rand() % 1000);
		rtc_advance(&c, c.seen + rand() % 1000000);
		c.ram[RTC_REG_C] = 0;
		next = rtc_next(&c);
		if (next < 0)
			continue;
		ck_assert_int_gt(next, c.seen);
		step = (next - c.seen) / 2;
		rtc_advance(&c, c.seen + step);
		if (!(c.ram[RTC_REG_C] & RTC_C_IRQ))
			rtc_advance(&c, next);
		ck_assert(c.ram[RTC_REG_C] & RTC_C_IRQ);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rtc events");
	TCase *t = tcase_create("chip");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, rates, 0, 16);
	tcase_add_loop_test(t, alarm_forms, 0, sizeof(alarms) / sizeof(alarms[0]));
	tcase_add_test(t, set_stops_updates);
	tcase_add_loop_test(t, noise, 0, 4);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
