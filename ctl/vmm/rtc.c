// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtc.c - the CMOS clock: the host's time of day in UTC, 128 bytes of memory, and interrupts: periodic, at each second, at
 * the alarm. A timer runs only while its guest waits for one of them.
 *
 * Source: Motorola MC146818A data sheet; register D and the century byte as PCs have them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "compiler.h"
#include "part.h"
#include "rtc.h"
#include "vmm.h"

#define RTC_CENTURY	0x32
#define OFFSET_MAX	(10000LL * 366 * 86400)
#define RTC_YEARS	8100	/* from 1900 on: the last of four digits is 9999 */

#define NS_PER_S	1000000000LL

struct vmm_rtc {
	struct vmm *m;
	pthread_mutex_t lock;
	int64_t offset;		/* the guest set another time: seconds from the host's */
	uint8_t index;
	struct rtc_chip chip;
	bool level;		/* of the interrupt line */
	int64_t armed;		/* the timer goes off then, in ticks of the host's time; -1: not at all */
	struct vmm_source timer;
	struct vmm_part part;
};

/* The guest's time in ticks of the chip's crystal. */
static int64_t now_ticks(const struct vmm_rtc *r)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (t.tv_sec + r->offset) * RTC_TICKS + t.tv_nsec * RTC_TICKS / NS_PER_S;
}

static void arm(struct vmm_rtc *r)
{
	int64_t at = rtc_next(&r->chip);
	struct itimerspec t = { 0 };

	if (at >= 0) {
		at -= r->offset * RTC_TICKS;
		/* Rounded up: not before the tick. A time long ago is now. */
		t.it_value.tv_sec = at > 0 ? at / RTC_TICKS : 0;
		t.it_value.tv_nsec = at > 0 ? at % RTC_TICKS * NS_PER_S / RTC_TICKS + 1 : 1;
	}
	if (at == r->armed)
		return;
	r->armed = at;
	if (timerfd_settime(r->timer.fd, TFD_TIMER_ABSTIME, &t, NULL))
		vmm_crash(r->m, "clock", strerror(errno), "report this");
}

static void set_line(struct vmm_rtc *r, bool level)
{
	if (level == r->level)
		return;
	r->level = level;
	vmm_irq(r->m, VMM_IRQ_RTC, level);
}

/* Whatever happened to it, or to time: flags, line and timer follow. */
static void update(struct vmm_rtc *r)
{
	rtc_advance(&r->chip, now_ticks(r));
	set_line(r, r->chip.ram[RTC_REG_C] & RTC_C_IRQ);
	arm(r);
}

static void on_timer(void *opaque, uint32_t events)
{
	struct vmm_rtc *r = opaque;
	uint64_t count;

	(void)events;
	if (read(r->timer.fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&r->lock);
	r->armed = -1;
	update(r);
	pthread_mutex_unlock(&r->lock);
}

static uint8_t rtc_form(const struct vmm_rtc *r, int val)
{
	if (r->chip.ram[RTC_REG_B] & RTC_B_BINARY)
		return val;
	return (val / 10) << 4 | val % 10;
}

static uint8_t rtc_hour(const struct vmm_rtc *r, int hour)
{
	if (r->chip.ram[RTC_REG_B] & RTC_B_24H)
		return rtc_form(r, hour);
	return rtc_form(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0);
}

/* Reading what happened takes it back, and lowers the line. */
static uint8_t read_events(struct vmm_rtc *r)
{
	uint8_t val;

	update(r);
	val = r->chip.ram[RTC_REG_C];
	r->chip.ram[RTC_REG_C] = 0;
	/* What comes in this very moment is an interrupt of its own: the controller sees edges. */
	set_line(r, false);
	update(r);
	return val;
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
	case RTC_REG_A:
		return r->chip.ram[RTC_REG_A] & 0x7f;	/* never in the middle of an update */
	case RTC_REG_C:
		return read_events(r);
	case RTC_REG_D:
		return 0x80;			/* the battery is good */
	default:
		return r->chip.ram[r->index];
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

/* The guest sets one field of its clock: from now on it runs beside the host's at that distance. */
static void rtc_set(struct vmm_rtc *r, uint8_t val)
{
	time_t now = time(NULL), then = now + r->offset;
	struct tm tm;

	gmtime_r(&then, &tm);
	switch (r->index) {
	case 0x00:
		tm.tm_sec = rtc_from_form(&r->chip, val);
		break;
	case 0x02:
		tm.tm_min = rtc_from_form(&r->chip, val);
		break;
	case 0x04:
		tm.tm_hour = rtc_from_hour(&r->chip, val);
		break;
	case 0x07:
		tm.tm_mday = rtc_from_form(&r->chip, val);
		break;
	case 0x08:
		tm.tm_mon = rtc_from_form(&r->chip, val) - 1;
		break;
	case 0x09:
		tm.tm_year = tm.tm_year / 100 * 100 + rtc_from_form(&r->chip, val);
		break;
	case RTC_CENTURY:
		tm.tm_year = (rtc_from_form(&r->chip, val) - 19) * 100 + tm.tm_year % 100;
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
	case RTC_REG_C:
	case RTC_REG_D:
		return;
	case RTC_REG_B:
		/* Nobody is told of updates while there are none. */
		r->chip.ram[RTC_REG_B] = val & RTC_B_SET ? val & ~RTC_UPDATE : val;
		break;
	default:
		r->chip.ram[r->index] = val;
		if (r->index > RTC_REG_D)
			return;
	}
	/* What a time that is set leaves behind is no event. */
	r->chip.seen = now_ticks(r);
	update(r);
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
	{ "ram", offsetof(struct vmm_rtc, chip.ram), 1, sizeof(((struct vmm_rtc *)0)->chip.ram) },
	{ "seen", offsetof(struct vmm_rtc, chip.seen), sizeof(int64_t), 1 },
};

static void save(void *opaque)
{
	struct vmm_rtc *r = opaque;

	pthread_mutex_lock(&r->lock);
	rtc_advance(&r->chip, now_ticks(r));
	pthread_mutex_unlock(&r->lock);
}

/* The guest shall see nothing of the time since it was saved: to the second, as the distance to the host's clock is told. */
static void go_on(struct vmm_rtc *r)
{
	int64_t since = now_ticks(r) - r->chip.seen;

	r->offset -= since / RTC_TICKS - (since % RTC_TICKS < 0);
}

static bool in_range(const struct vmm_rtc *r)
{
	return r->offset > -OFFSET_MAX && r->offset < OFFSET_MAX &&
	       r->chip.seen > -OFFSET_MAX * RTC_TICKS && r->chip.seen < OFFSET_MAX * RTC_TICKS;
}

static int load(void *opaque)
{
	struct vmm_rtc *r = opaque;
	bool ok = r->index < sizeof(r->chip.ram) && in_range(r);

	if (ok && r->m->clock == VMM_CLOCK_CONTINUE) {
		go_on(r);
		ok = in_range(r);
	}
	if (!ok) {
		vmm_error("clock", "its saved state cannot be", "make the snapshot anew");
		return -1;
	}
	pthread_mutex_lock(&r->lock);
	r->level = false;
	update(r);
	pthread_mutex_unlock(&r->lock);
	return 0;
}

static int open_timer(struct vmm_rtc *r)
{
	r->armed = -1;
	r->timer = (struct vmm_source){ .fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC),
					.ready = on_timer, .opaque = r };
	if (r->timer.fd >= 0 && !vmm_loop_add(r->m, &r->timer, EPOLLIN))
		return 0;
	vmm_error("clock", strerror(errno), "raise the limit on open files");
	return -1;
}

/* The parent's timer is the parent's. */
static int forked(void *opaque)
{
	struct vmm_rtc *r = opaque;

	close(r->timer.fd);
	if (open_timer(r))
		return -1;
	pthread_mutex_lock(&r->lock);
	arm(r);
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* Time and memory have a battery. */
static void reset(void *opaque)
{
	struct vmm_rtc *r = opaque;

	pthread_mutex_lock(&r->lock);
	r->index = 0;
	r->chip.ram[RTC_REG_B] &= ~RTC_EVENTS;
	r->chip.ram[RTC_REG_C] = 0;
	r->level = false;
	arm(r);
	pthread_mutex_unlock(&r->lock);
}

/**
 * vmm_rtc_store() - what a byte of the memory holds at the start; before the CPUs start
 * @m: the machine
 * @at: 0x0e..0x7f
 * @val: the byte
 */
void vmm_rtc_store(struct vmm *m, uint8_t at, uint8_t val)
{
	m->rtc->chip.ram[at & 0x7f] = val;
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
	r->m = m;
	pthread_mutex_init(&r->lock, NULL);
	r->chip.ram[RTC_REG_A] = 0x26;
	r->chip.ram[RTC_REG_B] = RTC_B_24H;
	r->chip.seen = now_ticks(r);
	r->part = (struct vmm_part){ .name = "rtc", .version = 1, .fields = fields,
				     .nfields = ARRAY_SIZE(fields), .state = r, .opaque = r,
				     .save = save, .load = load, .reset = reset, .forked = forked };
	m->rtc = r;
	vmm_part_add(m, &r->part);
	vmm_bus_add(m, 0x70, 2, r, rtc_in, rtc_out);
	return open_timer(r);
}

/**
 * vmm_rtc_destroy() - free it
 * @m: the machine, its CPUs are gone
 */
void vmm_rtc_destroy(struct vmm *m)
{
	if (!m->rtc)
		return;
	if (m->rtc->timer.fd >= 0)
		close(m->rtc->timer.fd);
	pthread_mutex_destroy(&m->rtc->lock);
	free(m->rtc);
	m->rtc = NULL;
}
