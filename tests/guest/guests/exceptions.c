// SPDX-License-Identifier: GPL-2.0-only
/*
 * exceptions.c - exceptions raised by instructions, and by the host's injection: vector, error code, CR2, the
 * saved RIP, nesting.  Sources: APM2 "Vectors", SDM 3A "Interrupt and Exception Handling".
 */
#include "guest.h"

#define PAGE	0x2000000UL

static void de(void *arg)
{
	(void)arg;
	__asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" : : : "eax", "ecx", "edx");
}

static void bp(void *arg) { (void)arg; __asm__ volatile("int3"); }
static void db(void *arg) { (void)arg; __asm__ volatile(".byte 0xf1"); }
static void ud(void *arg) { (void)arg; __asm__ volatile("ud2"); }
static void load_ss(void *arg)
{
	__asm__ volatile("mov %w0, %%ss" : : "r"(arg));
}

static void noncanonical(void *arg) { (void)arg; (void)*(volatile uint32_t *)(1UL << 62); }
static void read_at(void *arg) { (void)*(volatile uint32_t *)arg; }
static void write_at(void *arg) { *(volatile uint32_t *)arg = 1; }
static void fetch_at(void *arg) { ((void (*)(void))arg)(); }
static void fpu(void *arg) { (void)arg; __asm__ volatile("fnop"); }

static void stack_noncanonical(void *arg)
{
	__asm__ volatile("pushq %%rbp; movq %0, %%rbp; movq (%%rbp), %%rax; popq %%rbp" : : "r"(arg) : "rax");
}

static void load_ds(void *arg)
{
	__asm__ volatile("mov %w0, %%ds" : : "r"(arg));
}

static void page_faults(void)
{
	volatile uint64_t *pte = page_entry(PAGE);

	*pte &= ~1ULL;
	invlpg((void *)PAGE);
	check(trap(read_at, (void *)(PAGE + 4)) == PF && trapped.error == 0 && trapped.cr2 == PAGE + 4,
	      "#PF on a read of an absent page", "error %lx cr2 %lx", trapped.error, trapped.cr2);
	check(trap(write_at, (void *)(PAGE + 8)) == PF && trapped.error == 2 && trapped.cr2 == PAGE + 8,
	      "#PF on a write to an absent page", "error %lx cr2 %lx", trapped.error, trapped.cr2);
	*pte = PAGE | 0x61;
	invlpg((void *)PAGE);
	check(trap(write_at, (void *)PAGE) == PF && trapped.error == 3,
	      "#PF on a write to a read-only page (WP)", "error %lx", trapped.error);
	write_cr0(read_cr0() & ~0x10000ULL);
	check_eq(trap(write_at, (void *)PAGE), -1, "no #PF there with CR0.WP clear");
	write_cr0(read_cr0() | 0x10000);
	*pte = PAGE | 0x63 | 1ULL << 63;
	invlpg((void *)PAGE);
	check(trap(fetch_at, (void *)PAGE) == PF && trapped.error == 0x11 && trapped.rip == PAGE,
	      "#PF on a fetch from a no-execute page", "error %lx rip %lx", trapped.error, trapped.rip);
	*pte = PAGE | 0x63 | 1ULL << 51;
	invlpg((void *)PAGE);
	check(trap(read_at, (void *)PAGE) == PF && trapped.error & 8,
	      "#PF on a reserved bit in a page table entry", "error %lx", trapped.error);
	*pte = PAGE | 0x3;
	invlpg((void *)PAGE);
	read_at((void *)PAGE);
	check_eq(*pte & 0x60, 0x20, "a read sets A alone");
	write_at((void *)PAGE);
	check_eq(*pte & 0x60, 0x60, "a write sets D");
}

static int fault_in_handler_vector;

static void nested(struct frame *f)
{
	fault_in_handler_vector = trap(ud, NULL);
	f->rip += 2;
}

static void nested_exceptions(void)
{
	set_handler(UD, NULL);
	set_handler(GP, nested);
	__asm__ volatile("mov %w0, %%ds; mov %w1, %%ds" : : "r"(0xff8), "r"(0x10) : "memory");
	set_handler(GP, NULL);
	check_eq(fault_in_handler_vector, UD, "#UD inside the #GP handler");
}

static void double_fault(void)
{
	/* Intel sets EXT where an earlier exception is the cause, AMD where the source is no instruction. */
	uint64_t ext = cpuid(0, 0).b == 0x756e6547;

	gate_present(UD, false);
	check_trap(ud, NULL, NP, UD * 8 + 2 + ext, "#NP from an absent gate");
	gate_present(UD, true);
	set_gate(DF, vectors + DF * 16, 0, 2);
	gate_present(GP, false);
	check_trap(noncanonical, NULL, DF, 0, "#GP with an absent gate becomes #DF");
	gate_present(GP, true);
}

struct injection {
	unsigned int vector;
	bool has_code;
	uint32_t code;
	const char *name;
};

static void ask(void *arg)
{
	struct injection *i = arg;

	request(REQ_EXCEPTION, i->vector, i->has_code, i->code, 0, 0);
}

static void injections(void)
{
	static struct injection rows[] = {
		{ DE, false, 0, "injected #DE" }, { DB, false, 0, "injected #DB" },
		{ UD, false, 0, "injected #UD" }, { NM, false, 0, "injected #NM" },
		{ TS, true, 0x18, "injected #TS" }, { NP, true, 0x20, "injected #NP" },
		{ SS, true, 0x28, "injected #SS" }, { GP, true, 0x30, "injected #GP" },
		{ PF, true, 6, "injected #PF" }, { AC, true, 0, "injected #AC" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t code = rows[i].has_code ? (int64_t)rows[i].code : -1;

		check_trap(ask, &rows[i], rows[i].vector, code, rows[i].name);
	}
}

void test_main(void)
{
	check_eq(trap(de, NULL), DE, "#DE");
	check_eq(trap(db, NULL), DB, "#DB from ICEBP");
	check(trap(bp, NULL) == BP && *(uint8_t *)(trapped.rip - 1) == 0xcc, "#BP, RIP after it",
	      "rip %lx", trapped.rip);
	check(trap(ud, NULL) == UD && *(uint16_t *)trapped.rip == 0x0b0f, "#UD, RIP at it", "rip %lx",
	      trapped.rip);
	check_eq(trap(noncanonical, NULL), GP, "#GP from a non-canonical address");
	check_eq(trap(stack_noncanonical, (void *)(1UL << 63)), SS, "#SS from a non-canonical stack address");
	check_trap(load_ds, (void *)0xff8, GP, 0xff8, "#GP with a selector");
	check_trap(load_ds, (void *)0x50, NP, 0x50, "#NP with a selector");
	check_trap(load_ss, (void *)0x50, SS, 0x50, "#SS with a selector");
	write_cr0(read_cr0() | 8);
	check_eq(trap(fpu, NULL), NM, "#NM with CR0.TS set");
	__asm__ volatile("clts");
	check_eq(trap(fpu, NULL), -1, "no #NM after CLTS");
	page_faults();
	nested_exceptions();
	double_fault();
	injections();
}
