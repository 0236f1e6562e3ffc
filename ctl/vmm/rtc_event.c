// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtc_event.c - the clock chip's events: which came between two moments, and when the next one comes that its guest
 * wants to be interrupted for. No timer and no interrupt here: they are rtc.c's.
 *
 * Source: Motorola MC146818A data sheet, "Interrupts", "Register C", "Alarm".
 */
#include <stdbool.h>

#include "rtc.h"

#define ALARM_SECOND	0x01
#define ALARM_MINUTE	0x03
#define ALARM_HOUR	0x05
#define ALARM_ANY	0xc0	/* from here on every value matches */

#define MINUTE		60
#define HOUR		3600
#define DAY		86400

/**
 * rtc_from_form() - a register's value as a number
 * @c: chip; register B says whether it counts in BCD
 * @val: the register's
 *
 * Return: the number; more than a clock has where the guest wrote nonsense.
 */
int rtc_from_form(const struct rtc_chip *c, uint8_t val)
{
	return c->ram[RTC_REG_B] & RTC_B_BINARY ? val : (val >> 4) * 10 + (val & 0xf);
}

/**
 * rtc_from_hour() - an hour, which may be one of twelve
 * @c: chip
 * @val: the register's
 *
 * Return: from 0 to 23, or more where the guest wrote nonsense.
 */
int rtc_from_hour(const struct rtc_chip *c, uint8_t val)
{
	if (c->ram[RTC_REG_B] & RTC_B_24H)
		return rtc_from_form(c, val);
	return rtc_from_form(c, val & 0x7f) % 12 + (val & 0x80 ? 12 : 0);
}

/* Ticks between two periodic events, 0 for none; the two shortest rates are others' again. */
static int64_t period(const struct rtc_chip *c)
{
	unsigned int rate = c->ram[RTC_REG_A] & RTC_A_RATE;

	if (!rate)
		return 0;
	return 1 << (rate < 3 ? rate + 6 : rate - 1);
}

static bool wanted(uint8_t alarm, int want, int64_t is)
{
	return alarm >= ALARM_ANY || want == is;
}

/* The first second after @after whose time of day is the alarm's, -1 if there is none. */
static int64_t next_alarm(const struct rtc_chip *c, int64_t after)
{
	const uint8_t *ram = c->ram;
	int second = rtc_from_form(c, ram[ALARM_SECOND]), minute = rtc_from_form(c, ram[ALARM_MINUTE]);
	int hour = rtc_from_hour(c, ram[ALARM_HOUR]);
	int64_t at = after + 1, end = after + DAY, day;

	while (at <= end) {
		day = (at % DAY + DAY) % DAY;
		if (!wanted(ram[ALARM_HOUR], hour, day / HOUR))
			at += HOUR - day % HOUR;
		else if (!wanted(ram[ALARM_MINUTE], minute, day % HOUR / MINUTE))
			at += MINUTE - day % MINUTE;
		else if (!wanted(ram[ALARM_SECOND], second, day % MINUTE))
			at++;
		else
			return at;
	}
	return -1;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/**
 * rtc_advance() - time went on: put what happened into register C
 * @c: chip
 * @now: guest's time in ticks; one before @c->seen is another time that was set
 */
void rtc_advance(struct rtc_chip *c, int64_t now)
{
	int64_t p = period(c), from = floor_div(c->seen, RTC_TICKS), to = floor_div(now, RTC_TICKS), alarm;
	uint8_t *flags = &c->ram[RTC_REG_C];

	if (now > c->seen) {
		if (p && floor_div(now, p) != floor_div(c->seen, p))
			*flags |= RTC_PERIODIC;
		if (from != to && !(c->ram[RTC_REG_B] & RTC_B_SET)) {
			*flags |= RTC_UPDATE;
			alarm = next_alarm(c, from);
			if (alarm >= 0 && alarm <= to)
				*flags |= RTC_ALARM;
		}
	}
	c->seen = now;
	*flags &= ~RTC_C_IRQ;
	if (*flags & c->ram[RTC_REG_B] & RTC_EVENTS)
		*flags |= RTC_C_IRQ;
}

static void earlier(int64_t *next, int64_t at)
{
	if (*next < 0 || at < *next)
		*next = at;
}

/**
 * rtc_next() - when to call rtc_advance() again, so that no interrupt is late
 * @c: chip
 *
 * What register C tells already comes no second time until it has been read.
 * Return: guest's time in ticks, or -1 if there is nothing to wait for.
 */
int64_t rtc_next(const struct rtc_chip *c)
{
	uint8_t waits = c->ram[RTC_REG_B] & ~c->ram[RTC_REG_C];
	int64_t p = period(c), second = floor_div(c->seen, RTC_TICKS), next = -1, alarm;

	if (waits & RTC_PERIODIC && p)
		earlier(&next, (floor_div(c->seen, p) + 1) * p);
	if (c->ram[RTC_REG_B] & RTC_B_SET)
		return next;
	if (waits & RTC_UPDATE)
		earlier(&next, (second + 1) * RTC_TICKS);
	if (waits & RTC_ALARM) {
		alarm = next_alarm(c, second);
		if (alarm >= 0)
			earlier(&next, alarm * RTC_TICKS);
	}
	return next;
}
