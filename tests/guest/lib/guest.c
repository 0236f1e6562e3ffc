// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest.c - the library of the test guests: descriptor tables, traps, reports, the other CPUs.
 */
#include <stdarg.h>

#include "guest.h"

#define CPUS 16

struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t middle;
	uint32_t high, zero;
};

struct __attribute__((packed)) pointer {
	uint16_t limit;
	uint64_t base;
};

struct __attribute__((packed)) tss {
	uint32_t zero;
	uint64_t rsp[3], zero1, ist[7], zero2;
	uint16_t zero3, iomap;
};

struct cpu {
	struct tss tss;
	uint64_t catch;
	void (*volatile fn)(void *);
	void *volatile arg;
	volatile bool started;
	uint8_t apic_id;
};

extern volatile uint32_t started;
extern uint64_t gdt[];
extern uint64_t boot_pd[];
extern int guarded_call(void (*fn)(void *), void *arg, uint64_t *stack);
extern void unwind(uint64_t stack, int result) __attribute__((noreturn));
void interrupt(struct frame *f);
void cpu_start(unsigned int index);

struct trapped trapped;
static uint32_t reported;
static struct gate idt[256] __attribute__((aligned(16)));
static handler_t handlers[256];
static struct cpu cpus[CPUS];
static uint8_t stacks[CPUS][2][8192] __attribute__((aligned(16)));
static uint64_t tables[16][512] __attribute__((aligned(4096)));
static unsigned int tables_used;

void *memset(void *to, int byte, size_t n)
{
	void *start = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
	return start;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

static void put_string(const char *s)
{
	while (*s)
		outb(PORT_CHAR, *s++);
}

static void put_number(uint64_t v, unsigned int base)
{
	char digits[24], *p = digits + sizeof(digits) - 1;

	*p = 0;
	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put_string(p);
}

/* %s %d %u %x, with any number of l before the letter. */
static void put_format(const char *fmt, va_list args)
{
	for (; *fmt; fmt++) {
		unsigned int longs = 0;
		uint64_t v;

		if (*fmt != '%') {
			outb(PORT_CHAR, *fmt);
			continue;
		}
		while (*++fmt == 'l')
			longs++;
		if (*fmt == 's') {
			put_string(va_arg(args, const char *));
			continue;
		}
		v = longs ? va_arg(args, uint64_t) : va_arg(args, uint32_t);
		if (*fmt == 'd' && !longs)
			v = (int64_t)(int32_t)v;
		if (*fmt == 'd' && (int64_t)v < 0) {
			outb(PORT_CHAR, '-');
			v = -v;
		}
		put_number(v, *fmt == 'x' ? 16 : 10);
	}
}

void check(bool ok, const char *name, const char *fmt, ...)
{
	va_list args;

	__atomic_add_fetch(&reported, 1, __ATOMIC_SEQ_CST);
	put_string(ok ? "ok " : "not ok ");
	put_string(name);
	if (!ok) {
		put_string(": ");
		va_start(args, fmt);
		put_format(fmt, args);
		va_end(args);
	}
	outb(PORT_CHAR, '\n');
}

void skip(const char *name, const char *why)
{
	__atomic_add_fetch(&reported, 1, __ATOMIC_SEQ_CST);
	put_string("skip ");
	put_string(name);
	put_string(": ");
	put_string(why);
	outb(PORT_CHAR, '\n');
}

void finish(void)
{
	for (;;)
		outl(PORT_EXIT, reported);
}

unsigned int cpu_index(void)
{
	uint16_t selector;

	__asm__ volatile("str %0" : "=r"(selector));
	return (selector - 0x58) / 16;
}

int trap(void (*fn)(void *), void *arg)
{
	struct cpu *c = &cpus[cpu_index()];
	uint64_t before = c->catch;
	int ret = guarded_call(fn, arg, &c->catch) - 1;

	c->catch = before;
	return ret;
}

void check_trap(void (*fn)(void *), void *arg, int vector, int64_t error, const char *name)
{
	int got = trap(fn, arg);

	check(got == vector && (error == -1 || trapped.error == (uint64_t)error), name,
	      "vector %d error %lx cr2 %lx rip %lx", got, trapped.error, trapped.cr2, trapped.rip);
}

void interrupt(struct frame *f)
{
	struct cpu *c = &cpus[cpu_index()];
	uint64_t catch = c->catch;

	if (handlers[f->vector]) {
		handlers[f->vector](f);
		return;
	}
	if (f->vector < 32 && catch) {
		trapped = (struct trapped){ f->error, f->rip, read_cr2(), f->rflags };
		c->catch = 0;
		unwind(catch, f->vector + 1);
	}
	check(false, "unexpected interrupt", "vector %lu error %lx rip %lx cr2 %lx on CPU %u",
	      f->vector, f->error, f->rip, read_cr2(), cpu_index());
	finish();
}

void set_handler(unsigned int vector, handler_t handler)
{
	handlers[vector] = handler;
}

void set_gate(unsigned int vector, void *entry, unsigned int dpl, unsigned int ist)
{
	uint64_t at = (uint64_t)entry;

	idt[vector] = (struct gate){ .low = at, .selector = 8, .ist = ist, .type = 0x8e | dpl << 5,
				     .middle = at >> 16, .high = at >> 32 };
}

void set_ist(unsigned int ist, uint64_t top)
{
	cpus[cpu_index()].tss.ist[ist - 1] = top;
}

void gate_present(unsigned int vector, bool present)
{
	idt[vector].type = (idt[vector].type & 0x7f) | present << 7;
}

static void load_tables(unsigned int index)
{
	struct pointer gdtr = { 0x58 + CPUS * 16 - 1, (uint64_t)gdt };
	struct pointer idtr = { sizeof(idt) - 1, (uint64_t)idt };
	struct cpu *c = &cpus[index];
	uint64_t base = (uint64_t)&c->tss;

	c->tss.rsp[0] = (uint64_t)stacks[index][1];
	c->tss.ist[0] = (uint64_t)stacks[index][1];
	c->tss.ist[1] = (uint64_t)stacks[index][1] + 8192;
	c->tss.iomap = sizeof(c->tss);
	gdt[11 + index * 2] = (sizeof(c->tss) - 1) | (base & 0xffffff) << 16 | 0x89ULL << 40 |
		(base >> 24 & 0xff) << 56;
	gdt[12 + index * 2] = base >> 32;
	__asm__ volatile("lgdt %0" : : "m"(gdtr));
	__asm__ volatile("lidt %0" : : "m"(idtr));
	__asm__ volatile("ltr %w0" : : "r"(0x58 + index * 16));
	__asm__ volatile("mov %w0, %%ds; mov %w0, %%es; mov %w0, %%ss" : : "r"(0x10));
}

static void serve(struct cpu *c)
{
	for (;;) {
		while (!c->fn)
			pause();
		c->fn(c->arg);
		c->fn = NULL;
	}
}

void cpu_start(unsigned int index)
{
	struct cpu *c = &cpus[index];
	unsigned int i;

	if (!index)
		for (i = 0; i < 256; i++)
			set_gate(i, vectors + i * 16, 0, 0);
	load_tables(index);
	APIC(APIC_SVR) = 0x1ff;
	c->apic_id = APIC(APIC_ID) >> 24;
	c->started = true;
	if (index)
		serve(c);
	test_main();
	finish();
}

unsigned int cpus_start(void)
{
	unsigned int n = request(REQ_CPUS, 0, 0, 0, 0, 0);

	if (started == 1 && n > 1) {
		APIC(APIC_ICR) = 0xc4500;	/* INIT, all but self */
		APIC(APIC_ICR) = 0xc4600 | LOW_CODE >> 12;
		(void)wait_for(started >= n);
		(void)wait_for(cpus[n - 1].started);
	}
	return n;
}

void cpu_call(unsigned int cpu, void (*fn)(void *), void *arg)
{
	cpus[cpu].arg = arg;
	cpus[cpu].fn = fn;
}

bool cpu_wait(unsigned int cpu)
{
	return wait_for(!cpus[cpu].fn);
}

int64_t request(uint32_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	volatile struct request r __attribute__((aligned(8))) = {
		.op = op, .arg = { a, b, c, d, e }, .result = -1,
	};

	outl(PORT_REQUEST, (uint32_t)(uint64_t)&r);
	return r.result;
}

uint64_t *page_entry(uint64_t va)
{
	uint64_t *pde = &boot_pd[va >> 21], *table;
	unsigned int i;

	if (*pde & 0x80) {
		table = tables[tables_used++];
		for (i = 0; i < 512; i++)
			table[i] = (*pde & ~0xfffULL) + i * 4096 + 0x67;
		*pde = (uint64_t)table | 0x67;
		write_cr3(read_cr3());
	}
	table = (uint64_t *)(*pde & ~0xfffULL);
	return &table[va >> 12 & 511];
}
