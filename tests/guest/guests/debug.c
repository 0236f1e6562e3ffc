// SPDX-License-Identifier: GPL-2.0-only
/*
 * debug.c - debug registers, single steps over instructions the hypervisor emulates, self-modifying code.
 * Source: APM2 "Debug and Performance Resources".
 */
#include "guest.h"

static volatile unsigned int steps;
static volatile uint64_t dr6, rips[64];
static volatile uint32_t watched;

static inline uint64_t read_dr6(void)
{
	uint64_t v;

	__asm__ volatile("mov %%dr6, %0" : "=r"(v));
	return v;
}

static void on_debug(struct frame *f)
{
	dr6 = read_dr6();
	rips[steps++ & 63] = f->rip;
	__asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0UL));
	if (dr6 & 1)
		f->rflags |= 1 << 16;
}

static void breakpoints(void)
{
	extern uint8_t bp_here[];

	__asm__ volatile("mov %0, %%dr0" : : "r"(bp_here));
	__asm__ volatile("mov %0, %%dr7" : : "r"(0x402UL));
	__asm__ volatile("nop; bp_here: nop");
	check(steps == 1 && rips[0] == (uint64_t)bp_here && dr6 & 1, "an execution breakpoint", "%u, rip %lx",
	      steps, rips[0]);
	steps = 0;
	__asm__ volatile("mov %0, %%dr0" : : "r"(&watched));
	__asm__ volatile("mov %0, %%dr7" : : "r"(0xd0402UL));
	watched = 1;
	__asm__ volatile("nop");
	check(steps == 1 && dr6 & 1, "a write breakpoint", "%u, dr6 %lx", steps, dr6);
	outb(PORT_BLOCK, 1);
	steps = 0;
	watched = 2;
	__asm__ volatile("nop");
	check(steps == 1, "it stays after an exit to user space", "%u", steps);
	__asm__ volatile("mov %0, %%dr7" : : "r"(0x400UL));
}

/* Each listed instruction is one step, whoever executes it. */
static void single_steps(void)
{
	extern uint8_t step_out[], step_cpuid[], step_mmio[], step_end[];
	uint32_t a, b, c, d;

	steps = 0;
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n"
			 "nop\n"
			 "step_out: outb %%al, %%dx\n"
			 "step_cpuid: cpuid\n"
			 "step_mmio: movl %%eax, (%%rdi)\n"
			 "step_end: pushfq; andl $~0x100, (%%rsp); popfq"
			 : "=a"(a), "=b"(b), "=c"(c), "=d"(d)
			 : "0"(0), "3"(PORT_BLOCK), "2"(0), "D"(MMIO_BASE) : "memory");
	check(steps >= 4 && rips[0] == (uint64_t)step_out, "a step over NOP", "%u, rip %lx", steps, rips[0]);
	check_eq(rips[1], (uint64_t)step_cpuid, "a step over OUT");
	check_eq(rips[2], (uint64_t)step_mmio, "a step over CPUID");
	check_eq(rips[3], (uint64_t)step_end, "a step over MMIO");
	check(dr6 & 1 << 14, "DR6.BS", "%lx", dr6);
}

static void modify(void)
{
	static uint8_t code[64] __attribute__((aligned(64)));
	uint32_t i, v, wrong = 0;

	for (i = 0; i < 100; i++) {
		code[0] = 0xb8;			/* mov $i, %eax; ret */
		*(volatile uint32_t *)(code + 1) = i;
		code[5] = 0xc3;
		__asm__ volatile("call *%1" : "=a"(v) : "r"(code) : "memory");
		wrong += v != i;
	}
	check_eq(wrong, 0, "self-modifying code");
}

/* Instructions with prefixes that make them longer: the hypervisor skips them whole. */
static void lengths(void)
{
	uint64_t before = steps;

	__asm__ volatile("xorl %%eax, %%eax; .byte 0x66, 0x48; cpuid" : : : "rax", "rbx", "rcx", "rdx");
	__asm__ volatile(".byte 0x2e, 0x3e, 0x66; out %%eax, %%dx" : : "a"(0), "d"(PORT_BLOCK));
	__asm__ volatile(".byte 0xf3, 0x48; cpuid" : : "a"(0) : "rbx", "rcx", "rdx");
	__asm__ volatile(".byte 0x40; rdmsr" : : "c"(0x10) : "rax", "rdx");
	__asm__ volatile(".byte 0x3e; wrmsr" : : "c"(0x10), "a"((uint32_t)rdtsc()),
			 "d"((uint32_t)(rdtsc() >> 32)));
	check_eq(steps, before, "prefixed instructions are skipped whole");
}

void test_main(void)
{
	set_handler(DB, on_debug);
	breakpoints();
	single_steps();
	modify();
	lengths();
}
