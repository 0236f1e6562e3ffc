// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest.c - the guest side of the exit benchmark: 64-bit, flat, no library, loaded at 2 MiB.
 *
 * Each row executes one instruction ROUNDS times between two reads of the TSC. In the lab's --icount
 * mode the TSC counts instructions, the host's included, so (loop - empty loop) / ROUNDS is the cost
 * of one exit and of what the host does about it.
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
		uint64_t start_, i_; \
		for (i_ = 0; i_ < BENCH_WARM; i_++) { \
			statement; \
		} \
		start_ = rdtsc(); \
		for (i_ = 0; i_ < BENCH_ROUNDS; i_++) { \
			statement; \
		} \
		results->cycles[row] = rdtsc() - start_; \
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

static void measure_touch(void)
{
	volatile uint8_t *page = (void *)BENCH_COLD;
	uint64_t start = rdtsc(), i;

	for (i = 0; i < BENCH_COLD_PAGES; i++)
		page[i * 4096] = 1;
	results->cycles[BENCH_TOUCH] = rdtsc() - start;
}

void guest_main(void)
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
	for (;;)
		outb(BENCH_PORT_DONE, 0);
}
