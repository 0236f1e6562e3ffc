// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtc.c - the CMOS clock: the host's time of day in UTC, and 128 bytes of memory. No
 * alarm and no interrupt: the tables give the clock none.
 *
 * Source: Motorola MC146818A data sheet; register D and the century byte as PCs have them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler.h"
#include "part.h"
#include "vmm.h"

#define RTC_B_INTERRUPTS	0x70
#define RTC_B_BINARY	0x04
#define RTC_B_24H	0x02
#define RTC_CENTURY	0x32
#define OFFSET_MAX	(10000LL * 366 * 86400)
#define RTC_YEARS	8100	/* from 1900 on: the last of four digits is 9999 */

struct vmm_rtc {
	pthread_mutex_t lock;
	int64_t offset;		/* the guest set another time: seconds from the host's */
	uint8_t index;
	uint8_t ram[128];
	struct vmm_part part;
};

static uint8_t rtc_form(const struct vmm_rtc *r, int val)
{
	if (r->ram[0xb] & RTC_B_BINARY)
		return val;
	return (val / 10) << 4 | val % 10;
}

static uint8_t rtc_hour(const struct vmm_rtc *r, int hour)
{
	if (r->ram[0xb] & RTC_B_24H)
		return rtc_form(r, hour);
	return rtc_form(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0);
}

static uint8_t rtc_read(struct vmm_rtc *r)
{
	time_t now = time(NULL) + r->offset;
	struct tm tm;

	gmtime_r(&now, &tm);
	switch (r->index) {
	case 0x00:
		return rtc_form(r, tm.tm_sec);
	case 0x02:
		return rtc_form(r, tm.tm_min);
	case 0x04:
		return rtc_hour(r, tm.tm_hour);
	case 0x06:
		return rtc_form(r, tm.tm_wday + 1);
	case 0x07:
		return rtc_form(r, tm.tm_mday);
	case 0x08:
		return rtc_form(r, tm.tm_mon + 1);
	case 0x09:
		return rtc_form(r, tm.tm_year % 100);
	case RTC_CENTURY:
		return rtc_form(r, 19 + tm.tm_year / 100);
	case 0x0a:
		return r->ram[0xa] & 0x7f;	/* never in the middle of an update */
	case 0x0c:
		return 0;
	case 0x0d:
		return 0x80;			/* the battery is good */
	default:
		return r->ram[r->index];
	}
}

static uint32_t rtc_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm_rtc *r = opaque;
	uint8_t val = 0xff;

	(void)size;
	pthread_mutex_lock(&r->lock);
	if (port == 0x71)
		val = rtc_read(r);
	pthread_mutex_unlock(&r->lock);
	return val;
}

static int from_form(const struct vmm_rtc *r, uint8_t val)
{
	return r->ram[0xb] & RTC_B_BINARY ? val : (val >> 4) * 10 + (val & 0xf);
}

static int from_hour(const struct vmm_rtc *r, uint8_t val)
{
	int hour = from_form(r, val & 0x7f);

	if (r->ram[0xb] & RTC_B_24H)
		return from_form(r, val);
	return hour % 12 + (val & 0x80 ? 12 : 0);
}

/* The guest sets one field of its clock: from now on it runs beside the host's at that distance. */
static void rtc_set(struct vmm_rtc *r, uint8_t val)
{
	time_t now = time(NULL), then = now + r->offset;
	struct tm tm;

	gmtime_r(&then, &tm);
	switch (r->index) {
	case 0x00:
		tm.tm_sec = from_form(r, val);
		break;
	case 0x02:
		tm.tm_min = from_form(r, val);
		break;
	case 0x04:
		tm.tm_hour = from_hour(r, val);
		break;
	case 0x07:
		tm.tm_mday = from_form(r, val);
		break;
	case 0x08:
		tm.tm_mon = from_form(r, val) - 1;
		break;
	case 0x09:
		tm.tm_year = tm.tm_year / 100 * 100 + from_form(r, val);
		break;
	case RTC_CENTURY:
		tm.tm_year = (from_form(r, val) - 19) * 100 + tm.tm_year % 100;
		break;
	}
	then = timegm(&tm);
	/* A year that the registers cannot show is the guest's mistake; its clock stays. */
	if (tm.tm_year >= 0 && tm.tm_year < RTC_YEARS)
		r->offset = then - now;
}

static void rtc_write(struct vmm_rtc *r, uint8_t val)
{
	switch (r->index) {
	case 0x00:
	case 0x02:
	case 0x04:
	case 0x07 ... 0x09:
	case RTC_CENTURY:
		rtc_set(r, val);
		break;
	case 0x06:		/* follows from the date */
	case 0x0c:
	case 0x0d:
		break;
	default:
		r->ram[r->index] = val;
	}
}

static void rtc_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_rtc *r = opaque;

	(void)size;
	pthread_mutex_lock(&r->lock);
	if (port == 0x70)
		r->index = val & 0x7f;
	else
		rtc_write(r, val);
	pthread_mutex_unlock(&r->lock);
}

static const struct vmm_field fields[] = {
	VMM_FIELD(struct vmm_rtc, offset),
	VMM_FIELD(struct vmm_rtc, index),
	VMM_FIELD_ARRAY(struct vmm_rtc, ram),
};

static int load(void *opaque)
{
	struct vmm_rtc *r = opaque;

	if (r->index < sizeof(r->ram) && r->offset > -OFFSET_MAX && r->offset < OFFSET_MAX)
		return 0;
	vmm_error("clock", "its saved state cannot be", "make the snapshot anew");
	return -1;
}

/* Time and memory have a battery. */
static void reset(void *opaque)
{
	struct vmm_rtc *r = opaque;

	r->index = 0;
	r->ram[0xb] &= ~RTC_B_INTERRUPTS;
}

/**
 * vmm_rtc_store() - what a byte of the memory holds at the start; before the CPUs start
 * @m: the machine
 * @at: 0x0e..0x7f
 * @val: the byte
 */
void vmm_rtc_store(struct vmm *m, uint8_t at, uint8_t val)
{
	m->rtc->ram[at & 0x7f] = val;
}

/**
 * vmm_rtc_create() - add the clock
 * @m: the machine
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_rtc_create(struct vmm *m)
{
	struct vmm_rtc *r = calloc(1, sizeof(*r));

	if (!r) {
		vmm_error("clock", strerror(errno), "free some memory");
		return -1;
	}
	pthread_mutex_init(&r->lock, NULL);
	r->ram[0xa] = 0x26;
	r->ram[0xb] = RTC_B_24H;
	r->part = (struct vmm_part){ .name = "rtc", .version = 1, .fields = fields,
				     .nfields = ARRAY_SIZE(fields), .state = r, .opaque = r,
				     .load = load, .reset = reset };
	m->rtc = r;
	vmm_part_add(m, &r->part);
	vmm_bus_add(m, 0x70, 2, r, rtc_in, rtc_out);
	return 0;
}

/**
 * vmm_rtc_destroy() - free it
 * @m: the machine, its CPUs are gone
 */
void vmm_rtc_destroy(struct vmm *m)
{
	if (!m->rtc)
		return;
	pthread_mutex_destroy(&m->rtc->lock);
	free(m->rtc);
	m->rtc = NULL;
}
