// SPDX-License-Identifier: GPL-2.0-only
/*
 * lines.c - interrupt lines: the PIC through LINT0, edges and levels at the I/O APIC, MSI, and the PIT's first tick as
 * a PC's firmware finds it.  Sources: Intel 8259A, 82093AA and 8254 datasheets.
 */
#include "guest.h"

static volatile unsigned int taken, last;
static bool level, automatic;

static void io_write(unsigned int reg, uint32_t v)
{
	*(volatile uint32_t *)0xfec00000UL = reg;
	*(volatile uint32_t *)0xfec00010UL = v;
}

static uint32_t io_read(unsigned int reg)
{
	*(volatile uint32_t *)0xfec00000UL = reg;
	return *(volatile uint32_t *)0xfec00010UL;
}

static void route(unsigned int pin, uint32_t low)
{
	io_write(0x10 + pin * 2 + 1, 0);
	io_write(0x10 + pin * 2, low);
}

static void line(unsigned int gsi, unsigned int to)
{
	request(REQ_IRQ_LINE, gsi, to, 0, 0, 0);
}

static void on_apic(struct frame *f)
{
	taken++;
	last = f->vector;
	if (level)
		line(10, 0);
	APIC(APIC_EOI) = 0;
}

static void on_pic(struct frame *f)
{
	taken++;
	last = f->vector;
	if (automatic)
		return;
	if (f->vector >= 0x28)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

static void pic_init(unsigned int icw4)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0x20);
	outb(0xa1, 0x28);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, icw4);
	outb(0xa1, icw4);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static void open_window(void)
{
	sti();
	cli();
}

static void pic(void)
{
	unsigned int v;

	for (v = 0x20; v < 0x30; v++)
		set_handler(v, on_pic);
	pic_init(1);
	line(5, 1);
	open_window();
	check_eq(taken, 0, "a masked PIC line waits");
	outb(0x20, 0x0a);
	check_eq(inb(0x20), 0x20, "IRR of the PIC shows it");
	outb(0x21, 0xdf);
	open_window();
	check(taken == 1 && last == 0x25, "the PIC through LINT0", "%u taken, %x", taken, last);
	open_window();
	check_eq(taken, 1, "an edge comes once");
	line(5, 0);
	taken = 0;
	outb(0x21, 0xfb);
	outb(0xa1, 0xfb);
	line(10, 1);
	open_window();
	line(10, 0);
	check(taken == 1 && last == 0x2a, "the cascade", "%u taken, %x", taken, last);
	taken = 0;
	APIC(APIC_LVT0) |= 0x10000;
	line(10, 1);
	open_window();
	check_eq(taken, 0, "a masked LINT0 holds the PIC back");
	APIC(APIC_LVT0) &= ~0x10000;
	open_window();
	line(10, 0);
	check_eq(taken, 1, "unmasked it comes");
	automatic = true;
	pic_init(3);
	outb(0x21, 0xdf);
	taken = 0;
	line(5, 1);
	open_window();
	line(5, 0);
	outb(0x20, 0x0b);
	check(taken == 1 && inb(0x20) == 0, "automatic EOI leaves nothing in service", "%u taken", taken);
	automatic = false;
}

static void boot_tick(void)
{
	pic_init(1);
	taken = 0;
	outb(0x43, 0x34);
	outb(0x40, 0xa9);
	outb(0x40, 0x04);			/* 1 ms */
	outb(0x21, 0xfe);
	sti();
	check(wait_for(taken >= 3), "the PIT ticks through the PIC", "%u ticks", taken);
	cli();
	outb(0x21, 0xff);
	outb(0x43, 0x30);
	outb(0x40, 0);
	outb(0x40, 0);
}

static void ioapic(void)
{
	set_handler(0x51, on_apic);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	taken = 0;
	route(10, 0x10051);
	line(10, 1);
	line(10, 0);
	open_window();
	check_eq(taken, 0, "a masked pin delivers nothing");
	route(10, 0x51);
	open_window();
	taken = 0;
	line(10, 1);
	open_window();
	check_eq(taken, 1, "an edge");
	line(10, 0);
	line(10, 1);
	open_window();
	check_eq(taken, 2, "the next edge");
	line(10, 0);
	check_eq(io_read(0x10 + 20) & 0x5000, 0, "no remote IRR on an edge");
	taken = 0;
	route(10, 0x8051);
	line(10, 1);
	check_eq(io_read(0x10 + 20) >> 14 & 1, 1, "remote IRR while a level waits");
	open_window();
	check(taken >= 2, "a level comes again after each EOI", "%u", taken);
	/* After so many in a row the hypervisor puts the next one off for a while. */
	taken = 0;
	level = true;
	sti();
	check(wait_for(taken), "also after a storm", "%u", taken);
	cli();
	level = false;
	taken = 0;
	open_window();
	check_eq(taken, 0, "and ends with the line");
	check_eq(io_read(0x10 + 20) >> 14 & 1, 0, "no remote IRR after it");
	route(10, 0x10000);
}

static void msi(void)
{
	taken = 0;
	request(REQ_MSI, 0xfee00000, 0x51, 0, 0, 0);
	open_window();
	check_eq(taken, 1, "MSI, physical");
	APIC(APIC_LDR) = 0x04000000;
	request(REQ_MSI, 0xfee04004, 0x51, 0, 0, 0);
	open_window();
	check_eq(taken, 2, "MSI, logical");
	request(REQ_MSI, 0xfee08004, 0x51, 0, 0, 0);
	open_window();
	check_eq(taken, 2, "MSI to nobody");
}

void test_main(void)
{
	pic();
	boot_tick();
	ioapic();
	msi();
}
