/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rtc.h - the clock chip's registers, and when it interrupts.
 */
#ifndef VMM_RTC_H
#define VMM_RTC_H

#include <stdint.h>

#define RTC_TICKS	32768	/* of its crystal in a second */

#define RTC_REG_A	0x0a
#define RTC_REG_B	0x0b
#define RTC_REG_C	0x0c
#define RTC_REG_D	0x0d

#define RTC_A_RATE	0x0f	/* of the periodic interrupt */

#define RTC_B_SET	0x80	/* the time is being set: no updates */
#define RTC_B_BINARY	0x04
#define RTC_B_24H	0x02

/* The same bits enable in register B and tell in register C. */
#define RTC_PERIODIC	0x40
#define RTC_ALARM	0x20
#define RTC_UPDATE	0x10
#define RTC_EVENTS	(RTC_PERIODIC | RTC_ALARM | RTC_UPDATE)
#define RTC_C_IRQ	0x80	/* one of them is enabled, too */

/**
 * struct rtc_chip - what the chip remembers
 * @ram: all of its registers; those of the time are not used
 * @seen: guest's time in ticks since 1970, up to which events are in register C
 */
struct rtc_chip {
	uint8_t ram[128];
	int64_t seen;
};

/* rtc_event.c */
void rtc_advance(struct rtc_chip *c, int64_t now);
int64_t rtc_next(const struct rtc_chip *c);
int rtc_from_form(const struct rtc_chip *c, uint8_t val);
int rtc_from_hour(const struct rtc_chip *c, uint8_t val);

#endif /* VMM_RTC_H */
