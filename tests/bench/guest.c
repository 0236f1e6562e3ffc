// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest.c - the guest side of the exit benchmark: 64-bit, flat, no library, loaded at 2 MiB.
 *
 * Each row executes one instruction ROUNDS times between two reads of the TSC. In the lab's --icount
 * mode the TSC counts instructions, the host's included, so (loop - empty loop) / ROUNDS is the cost
 * of one exit and of what the host does about it. Of several such batches the cheapest counts: into
 * the others a tick of the host fell.
 */
#include <stdint.h>

#include "bench.h"

static struct bench_results *const results = (void *)BENCH_RESULTS;

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t val)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)val), "d"((uint32_t)(val >> 32)) : "memory");
}

static inline void outb(uint16_t port, uint8_t val)
{
	__asm__ volatile("outb %0, %1" : : "a"(val), "d"(port) : "memory");
}

#define MEASURE(row, statement) \
	do { \
		uint64_t batch_, start_, i_; \
		outb(BENCH_PORT_MARK, row); \
		for (i_ = 0; i_ < BENCH_WARM; i_++) { \
			statement; \
		} \
		results->cycles[row] = ~0ULL; \
		for (batch_ = 0; batch_ < BENCH_BATCHES; batch_++) { \
			start_ = rdtsc(); \
			for (i_ = 0; i_ < BENCH_ROUNDS; i_++) { \
				statement; \
			} \
			start_ = rdtsc() - start_; \
			if (start_ < results->cycles[row]) \
				results->cycles[row] = start_; \
		} \
		outb(BENCH_PORT_MARK, row); \
	} while (0)

static inline void cpuid(void)
{
	uint32_t a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static void measure_apic(void)
{
	uint64_t deadline = rdtsc() + (1ULL << 40);

	wrmsr(0x1b, 0xfee00d00);		/* x2APIC on, boot CPU */
	MEASURE(BENCH_SELF_IPI, wrmsr(0x83f, 0x40));	/* still disabled by software: dropped */
	wrmsr(0x80f, 0x1ff);			/* software enable: from here on the CPU may deliver by itself */
	MEASURE(BENCH_EOI, wrmsr(0x80b, 0));
	wrmsr(0x832, 0x40040);			/* LVT timer: TSC deadline */
	MEASURE(BENCH_DEADLINE, wrmsr(0x6e0, deadline += 1000));
	wrmsr(0x6e0, 0);
	wrmsr(0x808, 0xf0);			/* what waits below opens no interrupt window */
	MEASURE(BENCH_SELF_IPI_PENDING, wrmsr(0x83f, 0x40));
}

static volatile uint64_t timers;

__attribute__((naked)) static void on_timer(void)
{
	__asm__ volatile("incq %0\n\t"
			 "push %%rax; push %%rcx; push %%rdx\n\t"
			 "mov $0x80b, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr\n\t"
			 "pop %%rdx; pop %%rcx; pop %%rax\n\t"
			 "iretq" : : "m"(timers));
}

/* The host loaded segments without tables: interrupts need them. */
static void load_tables(void)
{
	static uint64_t gdt[4], idt[0x41 * 2];
	struct __attribute__((packed)) { uint16_t limit; uint64_t base; }
		gdtr = { sizeof(gdt) - 1, (uintptr_t)gdt }, idtr = { sizeof(idt) - 1, (uintptr_t)idt };
	uint64_t entry = (uintptr_t)on_timer;

	gdt[2] = 0x00af9b000000ffff;
	gdt[3] = 0x00cf93000000ffff;
	idt[0x40 * 2] = (entry & 0xffff) | 0x10 << 16 | 0x8eULL << 40 | (entry >> 16 & 0xffff) << 48;
	idt[0x40 * 2 + 1] = entry >> 32;
	__asm__ volatile("lgdt %0; lidt %1" : : "m"(gdtr), "m"(idtr) : "memory");
}

/* Instructions, which are cycles here, that the guest does not execute itself while it waits. */
static uint64_t wait_timers(uint64_t rounds)
{
	uint64_t cycles = 0, spins, start, seen;

	while (rounds--) {
		seen = timers;
		spins = 0;
		start = rdtsc();
		wrmsr(0x6e0, start + BENCH_TIMER_AHEAD);
		/* Three instructions a spin, written out: figures must not depend on the compiler. */
		__asm__ volatile("1: inc %0; cmp %1, %2; je 1b" : "+r"(spins) : "m"(timers), "r"(seen));
		cycles += rdtsc() - start - 3 * spins;
	}
	return cycles;
}

/*
 * A deadline that is armed, comes while the guest computes, and is delivered: all that the host does about it. The batches are short: some
 * are to be without a tick of the host's own.
 */
static void measure_timer(void)
{
	uint64_t batch, cycles;

	load_tables();
	wrmsr(0x808, 0);		/* the one that measure_apic() left pending comes with STI */
	__asm__ volatile("sti");
	outb(BENCH_PORT_MARK, BENCH_TIMER);
	(void)wait_timers(BENCH_WARM);
	results->cycles[BENCH_TIMER] = ~0ULL;
	for (batch = 0; batch < BENCH_TIMER_BATCHES; batch++) {
		cycles = wait_timers(BENCH_TIMER_ROUNDS);
		if (cycles < results->cycles[BENCH_TIMER])
			results->cycles[BENCH_TIMER] = cycles;
	}
	outb(BENCH_PORT_MARK, BENCH_TIMER);
	__asm__ volatile("cli");
}

static void measure_touch(void)
{
	volatile uint8_t *page = (void *)BENCH_COLD;
	uint64_t start, i;

	outb(BENCH_PORT_MARK, BENCH_TOUCH);
	start = rdtsc();
	for (i = 0; i < BENCH_COLD_PAGES; i++)
		page[i * 4096] = 1;
	results->cycles[BENCH_TOUCH] = rdtsc() - start;
	outb(BENCH_PORT_MARK, BENCH_TOUCH);
}

/* Execution begins at the first byte: the linker puts this section before the other code. */
__attribute__((section(".text.startup"))) void guest_main(void)
{
	volatile uint32_t *mmio = (void *)BENCH_MMIO;

	MEASURE(BENCH_EMPTY, __asm__ volatile("" : : : "memory"));
	MEASURE(BENCH_CPUID, cpuid());
	measure_apic();
	MEASURE(BENCH_IOEVENTFD_PIO, outb(BENCH_PORT_EVENT, 1));
	MEASURE(BENCH_IOEVENTFD_MMIO, mmio[BENCH_MMIO_EVENT / 4] = 1);
	MEASURE(BENCH_PIO_USER, outb(BENCH_PORT_USER, 1));
	MEASURE(BENCH_MMIO_USER, (void)mmio[BENCH_MMIO_USER_REG / 4]);
	measure_touch();
	measure_timer();
	for (;;)
		outb(BENCH_PORT_DONE, 0);
}
