// SPDX-License-Identifier: GPL-2.0-only
/*
 * hlt.c - a halted CPU wakes up for every source: line, MSI, NMI, timer, PIT; and not for a masked one.
 */
#include "guest.h"

static volatile unsigned int taken;

static void on_irq(struct frame *f)
{
	(void)f;
	taken++;
	APIC(APIC_EOI) = 0;
}

static void on_nmi(struct frame *f)
{
	(void)f;
	taken++;
}

static void on_pic(struct frame *f)
{
	(void)f;
	taken++;
	outb(0x21, 0xff);
	outb(0x20, 0x20);
}

static void woken(const char *name)
{
	sti_hlt_cli();
	check_eq(taken, 1, name);
	taken = 0;
}

void test_main(void)
{
	set_handler(0x51, on_irq);
	set_handler(NMI, on_nmi);
	set_handler(0x20, on_pic);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	*(volatile uint32_t *)0xfec00000UL = 0x10 + 9 * 2;
	*(volatile uint32_t *)0xfec00010UL = 0x51;
	request(REQ_IRQ_LINE, 9, 1, 3000, 0, 0);
	woken("woken by an I/O APIC line");
	request(REQ_MSI, 0xfee00000, 0x51, 3000, 0, 0);
	woken("woken by an MSI");
	request(REQ_MSI, 0xfee00000, 0x400, 200000, 0, 0);	/* long after the HLT */
	__asm__ volatile("hlt");
	check_eq(taken, 1, "woken by an NMI, IF clear");
	taken = 0;
	APIC(APIC_TDCR) = 0xb;
	APIC(APIC_LVTT) = 0x51;
	APIC(APIC_TMICT) = 2000000;
	woken("woken by the APIC timer, one shot");
	APIC(APIC_LVTT) = 0x40051;
	wrmsr(0x6e0, rdtsc() + 3000000);
	woken("woken by the APIC timer, deadline");
	outb(0x20, 0x11);
	outb(0x21, 0x20);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0x43, 0x30);
	outb(0x40, 0);
	outb(0x40, 0x10);
	outb(0x21, 0xfe);
	woken("woken by the PIT through the PIC");
	APIC(APIC_ICR) = 0x40051;
	woken("does not sleep with one pending");
}
