// SPDX-License-Identifier: GPL-2.0-only
/*
 * apic.c - the local APIC of one CPU: priorities, nesting, EOI, spurious vector, self IPIs, the TPR through CR8.
 * Source: SDM 3A "Handling Interrupts"; APM2 "Advanced Programmable Interrupt Controller".
 */
#include "guest.h"

#define ERROR	0x45

static volatile unsigned int order[8], taken;
static volatile uint32_t ppr_inside;

static void record(struct frame *f)
{
	order[taken++ & 7] = f->vector;
	ppr_inside = APIC(APIC_PPR);
	APIC(APIC_EOI) = 0;
}

static void spurious(struct frame *f)
{
	order[taken++ & 7] = f->vector;
}

static void self(unsigned int vector)
{
	APIC(APIC_ICR) = 0x40000 | vector;
}

static void priorities(void)
{
	taken = 0;
	self(0x41);
	self(0x61);
	self(0x51);
	check(apic_bit(APIC_IRR, 0x51) && apic_bit(APIC_IRR, 0x61), "IRR shows what waits", "not set");
	sti();
	cli();
	check(taken == 3 && order[0] == 0x61 && order[1] == 0x51 && order[2] == 0x41,
	      "the highest vector first", "%u taken, %x %x %x", taken, order[0], order[1], order[2]);
	check_eq(ppr_inside, 0x40, "PPR is the class in service");
}

static void task_priority(void)
{
	taken = 0;
	APIC(APIC_TPR) = 0x50;
	check_eq(read_cr8(), 5, "CR8 shows the TPR");
	self(0x51);
	self(0x61);
	sti();
	cli();
	check(taken == 1 && order[0] == 0x61, "the TPR holds its own class back", "%u taken", taken);
	write_cr8(4);
	check_eq(APIC(APIC_TPR), 0x40, "the TPR shows CR8");
	sti();
	cli();
	check(taken == 2 && order[1] == 0x51, "a lower CR8 lets it through", "%u taken", taken);
	write_cr8(15);
	self(0xf1);
	sti();
	cli();
	check_eq(taken, 2, "CR8 15 holds everything back");
	sti();
	write_cr8(0);
	__asm__ volatile("nop");
	cli();
	check_eq(taken, 3, "it comes at once when CR8 falls with IF set");
}

static volatile unsigned int inner_taken;

static void outer(struct frame *f)
{
	(void)f;
	self(0x71);
	self(0x41);
	sti();
	cli();
	inner_taken = taken;
	APIC(APIC_EOI) = 0;
}

static void nesting(void)
{
	taken = 0;
	set_handler(0x62, outer);
	self(0x62);
	sti();
	cli();
	check(inner_taken == 1 && order[0] == 0x71, "a higher class interrupts a handler, a lower waits",
	      "%u inside", inner_taken);
	check(taken == 2 && order[1] == 0x41, "the lower follows the EOI", "%u taken", taken);
}

static void masked(void)
{
	taken = 0;
	APIC(APIC_SVR) = 0xff;
	self(0x41);
	sti();
	cli();
	check_eq(taken, 0, "a disabled APIC delivers nothing");
	APIC(APIC_LVTT) = 0x41;
	check_eq(APIC(APIC_LVTT) >> 16 & 1, 1, "LVT masks stay set while disabled");
	APIC(APIC_SVR) = 0x1ff;
	sti();
	cli();
	taken = 0;
}

static void clear_errors(void)
{
	APIC(APIC_ESR) = 0;
	APIC(APIC_ESR) = 0;
	taken = 0;
}

/* Just this error, and its vector once. */
static void expect_error(uint32_t bits, const char *name)
{
	uint32_t esr, i;

	sti();
	/* It is raised at once, but for the timer's; stock KVM raises none, and long waits add up. */
	for (i = 0; i < 100000 && !taken; i++)
		pause();
	cli();
	APIC(APIC_ESR) = 0;
	esr = APIC(APIC_ESR);
	check(taken == 1 && order[0] == ERROR && esr == bits, name, "%u taken, %x, ESR %x", taken, order[0], esr);
	clear_errors();
}

static void errors(void)
{
	clear_errors();
	APIC(APIC_LVTERR) = ERROR;
	ipi(0, 5);
	expect_error(0x20, "an illegal vector to send raises the error vector");
	request(REQ_MSI, 0xfee00000, 5, 0, 0, 0);
	expect_error(0x40, "so does one received");
	APIC(APIC_LVTT) = 5;
	APIC(APIC_TDCR) = 0xb;
	APIC(APIC_TMICT) = 1000;
	expect_error(0x40, "and one in the LVT");
	(void)APIC(0x40);
	expect_error(0x80, "and a register that is not there");
	clear_errors();
	check_eq(APIC(APIC_ESR), 0, "a second write clears the ESR");
	APIC(APIC_LVTERR) = 0x10000 | ERROR;
	ipi(0, 5);
	sti();
	cli();
	check_eq(taken, 0, "a masked error vector does not arrive");
	APIC(APIC_ESR) = 0;
	check_eq(APIC(APIC_ESR), 0x20, "but the ESR tells");
	check_eq(APIC(0x30) & 0xff, 0x14, "version");
}

void test_main(void)
{
	unsigned int v;

	for (v = 0x40; v < 0xf8; v++)
		set_handler(v, record);
	set_handler(0xff, spurious);
	priorities();
	task_priority();
	nesting();
	masked();
	errors();
}
