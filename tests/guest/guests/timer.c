// SPDX-License-Identifier: GPL-2.0-only
/*
 * timer.c - the APIC timer in its three modes, its divider; the PIT's rate; the TSC and TSC_ADJUST.
 * Sources: SDM 3A "APIC Timer"; Intel 8254 datasheet.
 */
#include "guest.h"

static volatile unsigned int taken;
static volatile uint64_t when;

static void on_timer(struct frame *f)
{
	(void)f;
	taken++;
	when = rdtsc();
	APIC(APIC_EOI) = 0;
}

static void start(uint32_t lvt, uint32_t divide, uint32_t count)
{
	taken = 0;
	APIC(APIC_LVTT) = lvt;
	APIC(APIC_TDCR) = divide;
	APIC(APIC_TMICT) = count;
}

static uint64_t duration(uint32_t divide, uint32_t count)
{
	uint64_t from = rdtsc();

	start(0x51, divide, count);
	sti();
	(void)wait_for(taken);
	cli();
	return when - from;
}

/* A busy host only makes it longer; the first only sets the divider: stock KVM fires when that changes. */
static uint64_t shortest(uint32_t divide, uint32_t count)
{
	uint64_t best = ~0ULL, now;
	unsigned int i;

	(void)duration(divide, 1000);
	for (i = 0; i < 5; i++) {
		now = duration(divide, count);
		if (now < best)
			best = now;
	}
	return best;
}

/* Sets a deadline so far away, then another or none before that is over: the first never counted. The TSC at the start. */
static uint64_t replace_deadline(uint64_t first, uint64_t second)
{
	uint64_t from;

	/* A host that gives the CPU to somebody else in between makes it fire: again then. */
	do {
		taken = 0;
		from = rdtsc();
		wrmsr(0x6e0, from + first);
		wrmsr(0x6e0, second ? from + second : 0);
	} while (rdtsc() >= from + first);
	return from;
}

/* Interrupts are on, the timer is in deadline mode. */
static void moved_deadlines(void)
{
	uint64_t from = replace_deadline(20000000, 60000000);

	check(wait_for(taken) && when >= from + 60000000, "a deadline put off fires at the later time", "%u, %ld",
	      taken, when - from);
	from = replace_deadline(1ULL << 40, 2000000);
	check(wait_for(taken) && when >= from + 2000000, "one brought forward at the earlier", "%u, %ld",
	      taken, when - from);
	from = replace_deadline(2000000, 0);
	while (rdtsc() < from + 10000000)
		__asm__ volatile("pause");
	check_eq(taken, 0, "one taken back does not fire");
}

static void modes(void)
{
	uint64_t one, eight, from;

	start(0x51, 0xb, 100000);
	sti();
	check(wait_for(taken), "one shot fires", "never");
	request(REQ_SLEEP, 3000, 0, 0, 0, 0);
	cli();
	check_eq(taken, 1, "one shot fires once");
	check_eq(APIC(APIC_TMCCT), 0, "and its count stays 0");
	start(0x20051, 0xb, 1000000);
	sti();
	check(wait_for(taken >= 5), "periodic fires again and again", "%u", taken);
	cli();
	APIC(APIC_TMICT) = 0;
	start(0x10051, 0xb, 50000000);
	check(APIC(APIC_TMCCT) > 0 && APIC(APIC_TMCCT) <= 50000000, "the current count counts", "%x",
	      APIC(APIC_TMCCT));
	start(0x51, 0xb, 0);
	sti();
	cli();
	taken = 0;
	one = shortest(0xb, 32000000);
	eight = shortest(2, 32000000);
	check(eight > one * 4 && eight < one * 16, "divide by 8 is 8 times as long", "%lu, %lu", one, eight);
	taken = 0;
	APIC(APIC_LVTT) = 0x40051;
	from = rdtsc() + 50000000;
	wrmsr(0x6e0, from);
	check_eq(rdmsr(0x6e0), from, "the deadline reads back");
	sti();
	check(wait_for(taken) && when >= from, "the deadline fires, not early", "%u, %ld", taken,
	      when - from);
	check_eq(rdmsr(0x6e0), 0, "and reads 0 after it");
	moved_deadlines();
	taken = 0;
	wrmsr(0x6e0, 1);
	check(wait_for(taken), "a deadline in the past fires at once", "never");
	cli();
}

static void pit(void)
{
	uint64_t a, b;
	uint16_t first, second;

	outb(0x43, 0x34);
	outb(0x40, 0xff);
	outb(0x40, 0xff);
	outb(0x43, 0);
	first = inb(0x40);
	first |= inb(0x40) << 8;
	a = rdtsc();
	request(REQ_SLEEP, 10000, 0, 0, 0, 0);
	outb(0x43, 0);
	second = inb(0x40);
	second |= inb(0x40) << 8;
	b = rdtsc();
	check(first > second && (uint16_t)(first - second) >= 11000, "the PIT counts 1.193 MHz",
	      "%u ticks in 10 ms, %lu cycles", first - second, b - a);
}

static void tsc(void)
{
	uint64_t a = rdtsc(), b, adjust;
	unsigned int i;

	/* Bochs's TSC takes a step when all of its CPUs have had a turn. */
	for (i = 0, b = a; i < 1000 && b == a; i++)
		b = rdtsc();
	check(b > a, "the TSC advances", "%lu after %lu", b, a);
	if (!(cpuid(7, 0).b & 2)) {
		skip("TSC_ADJUST", "not offered");
		return;
	}
	adjust = rdmsr(0x3b);
	a = rdtsc();
	wrmsr(0x3b, adjust + (1ULL << 40));
	check(rdtsc() - a >= 1ULL << 40, "TSC_ADJUST moves the TSC", "by %lx", rdtsc() - a);
	check_eq(rdmsr(0x3b), adjust + (1ULL << 40), "TSC_ADJUST reads back");
	wrmsr(0x3b, adjust);
	wrmsr(0x10, rdtsc() + (1ULL << 41));
	check((rdmsr(0x3b) - adjust + (1ULL << 36)) >> 41 == 1, "a write to the TSC moves TSC_ADJUST", "%lx", rdmsr(0x3b));
}

void test_main(void)
{
	set_handler(0x51, on_timer);
	outb(0x21, 0xff);
	modes();
	pit();
	tsc();
}
