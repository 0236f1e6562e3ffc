// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtc.c - the CMOS clock: the host's time of day in UTC, and 128 bytes of memory.
 *
 * Source: Motorola MC146818A data sheet; register D and the century byte as PCs have them.
 */
#include <stdlib.h>
#include <time.h>

#include "vmm.h"

#define RTC_B_BINARY	0x04
#define RTC_B_24H	0x02

struct vmm_rtc {
	pthread_mutex_t lock;
	int64_t offset;		/* the guest set another time: seconds from the host's */
	uint8_t index;
	uint8_t ram[128];
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
	case 0x32:
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

static void rtc_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_rtc *r = opaque;

	(void)size;
	pthread_mutex_lock(&r->lock);
	if (port == 0x70)
		r->index = val & 0x7f;
	else if (r->index > 0x0d || r->index == 0x0a || r->index == 0x0b)
		r->ram[r->index] = val;
	pthread_mutex_unlock(&r->lock);
}

/**
 * vmm_rtc_create() - add the clock
 * @m: the machine
 *
 * Return: 0 or -1 without memory.
 */
int vmm_rtc_create(struct vmm *m)
{
	struct vmm_rtc *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	pthread_mutex_init(&r->lock, NULL);
	r->ram[0xa] = 0x26;
	r->ram[0xb] = RTC_B_24H;
	m->rtc = r;
	vmm_bus_add(m, 0x70, 2, r, rtc_in, rtc_out);
	return 0;
}
