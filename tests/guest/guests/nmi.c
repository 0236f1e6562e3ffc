// SPDX-License-Identifier: GPL-2.0-only
/*
 * nmi.c - NMIs: delivery with IF clear, blocking until IRET, one kept pending; and the shadows of STI and MOV SS.
 * Sources: APM2 "Nonmaskable Interrupt", "External Interrupt Priorities"; SDM 3A "Handling Multiple NMIs".
 */
#include "guest.h"

static volatile unsigned int nmis, depth, deepest, irqs;
static volatile unsigned int again;
static volatile uint64_t irq_rip;

static void on_nmi(struct frame *f)
{
	(void)f;
	nmis++;
	depth++;
	if (depth > deepest)
		deepest = depth;
	for (; again; again--)
		request(REQ_NMI, 0, 0, 0, 0, 0);
	depth--;
}

static void on_irq(struct frame *f)
{
	irqs++;
	irq_rip = f->rip;
	APIC(APIC_EOI) = 0;
}

static void shadows(void)
{
	extern uint8_t sti_next[];

	APIC(APIC_ICR) = 0x40041;
	__asm__ volatile("sti; nop; sti_next: nop; cli" : : : "memory");
	check(irqs == 1 && irq_rip == (uint64_t)sti_next, "STI's shadow covers one instruction",
	      "%u taken, rip %lx", irqs, irq_rip);
	APIC(APIC_ICR) = 0x40041;
	__asm__ volatile("sti; cli; nop" : : : "memory");
	check_eq(irqs, 1, "STI, CLI lets nothing through");
	__asm__ volatile("sti; mov %w0, %%ss; nop; nop; cli" : : "r"(0x10) : "memory");
	check(irqs == 2, "MOV SS after STI", "%u taken", irqs);
}

void test_main(void)
{
	set_handler(NMI, on_nmi);
	set_handler(0x41, on_irq);
	request(REQ_NMI, 0, 0, 0, 0, 0);
	check_eq(nmis, 1, "an NMI comes with IF clear");
	again = 2;
	deepest = 0;
	request(REQ_NMI, 0, 0, 0, 0, 0);
	(void)wait_for(nmis >= 3);
	check_eq(deepest, 1, "none inside its handler");
	check_eq(nmis, 3, "of two inside, one is kept");
	APIC(APIC_ICR) = 0x40400;
	check(wait_for(nmis == 4), "an NMI through the ICR to self", "%u", nmis);
	APIC(APIC_LVT1) = 0x400;
	shadows();
}
