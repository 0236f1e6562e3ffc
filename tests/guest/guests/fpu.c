// SPDX-License-Identifier: GPL-2.0-only
/*
 * fpu.c - x87, SSE and AVX state across exits to user space, across CPUs and across the thread's migration; XSETBV.
 */
#include "guest.h"

static uint8_t in[32] __attribute__((aligned(32))), out[32] __attribute__((aligned(32)));
static bool avx;

static void xsetbv(void *arg)
{
	uint64_t v = *(uint64_t *)arg;

	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static void fill(unsigned int seed)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		in[i] = i * 13 + seed;
}

static bool survives(void (*what)(void *), void *arg)
{
	memset(out, 0, sizeof(out));
	if (avx)
		__asm__ volatile("vmovdqa %0, %%ymm7" : : "m"(in));
	else
		__asm__ volatile("movdqa %0, %%xmm7" : : "m"(in));
	__asm__ volatile("fninit; fldpi");
	what(arg);
	if (avx)
		__asm__ volatile("vmovdqa %%ymm7, %0" : "=m"(out));
	else
		__asm__ volatile("movdqa %%xmm7, %0" : "=m"(out));
	return !memcmp(in, out, avx ? 32 : 16);
}

static bool pi_left(void)
{
	double d;

	__asm__ volatile("fstpl %0" : "=m"(d));
	return *(uint64_t *)&d == 0x400921fb54442d18;
}

static void exit_out(void *arg) { (void)arg; outb(PORT_BLOCK, 1); }
static void exit_cpuid(void *arg) { (void)arg; (void)cpuid(0, 0); }
static void exit_sleep(void *arg) { (void)arg; request(REQ_SLEEP, 2000, 0, 0, 0, 0); }
static void exit_migrate(void *arg) { request(REQ_MIGRATE, (uint64_t)arg, 0, 0, 0, 0); }

static volatile unsigned int failures[16];

static void busy(void *arg)
{
	unsigned int i, me = cpu_index();
	uint64_t a[2] = { me * 0x1111, ~(uint64_t)me }, b[2];

	(void)arg;
	for (i = 0; i < 500; i++) {
		a[0]++;
		__asm__ volatile("movups %0, %%xmm3" : : "m"(a));
		outb(PORT_BLOCK, 1);
		__asm__ volatile("movups %%xmm3, %0" : "=m"(b));
		failures[me] += a[0] != b[0] || a[1] != b[1];
	}
}

static void xcr(void)
{
	static uint64_t bad = 6, x87 = 1, all;
	uint32_t lo, hi;

	if (!(cpuid(1, 0).c & 1 << 26)) {
		skip("XSETBV", "no XSAVE");
		return;
	}
	write_cr4(read_cr4() | 1 << 18);
	check(cpuid(1, 0).c & 1 << 27, "CPUID shows OSXSAVE", "not");
	all = cpuid(0xd, 0).a & 7;
	check_eq(trap(xsetbv, &all), -1, "XSETBV of what CPUID offers");
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	check_eq(lo, all, "XGETBV reads it back");
	check_trap(xsetbv, &bad, GP, 0, "XSETBV without x87 is #GP");
	bad = 1ULL << 40 | 1;
	check_trap(xsetbv, &bad, GP, 0, "XSETBV of an unknown state is #GP");
	check_eq(trap(xsetbv, &x87), -1, "XSETBV of x87 alone");
	(void)trap(xsetbv, &all);
	avx = (lo & 4) && cpuid(1, 0).c & 1 << 28;
}

void test_main(void)
{
	unsigned int n = cpus_start(), i, sum = 0;

	xcr();
	fill(1);
	check(survives(exit_out, NULL) && pi_left(), avx ? "YMM and x87 across an exit to user space" :
	      "XMM and x87 across an exit to user space", "lost");
	fill(2);
	check(survives(exit_cpuid, NULL) && pi_left(), "across an exit the kernel handles", "lost");
	fill(3);
	check(survives(exit_sleep, NULL) && pi_left(), "across a sleep of the host's thread", "lost");
	for (i = 1; i < n; i++)
		cpu_call(i, busy, NULL);
	busy(NULL);
	for (i = 1; i < n; i++)
		(void)cpu_wait(i);
	for (i = 0; i < n; i++)
		sum += failures[i];
	check_eq(sum, 0, "each CPU keeps its own");
	if (request(REQ_MIGRATE, 1, 0, 0, 0, 0) < 0) {
		skip("across migration to another host CPU", "the host has one CPU");
		return;
	}
	for (i = 0; i < 20; i++) {
		fill(i);
		sum += !survives(exit_migrate, (void *)(uint64_t)(i % 2)) || !pi_left();
	}
	check_eq(sum, 0, "across migration to another host CPU");
}
