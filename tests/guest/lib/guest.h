/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest.h - what a test guest can use: reports, traps, the other CPUs, the local APIC, requests.
 *
 * A guest is one C file with test_main(), which the boot CPU enters in long mode, ring 0, with the
 * first 4 GiB mapped one to one in 2 MiB pages, interrupts off, the APIC enabled in xAPIC mode.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../proto.h"

enum { DE = 0, DB = 1, NMI = 2, BP = 3, OF = 4, UD = 6, NM = 7, DF = 8, TS = 10, NP = 11, SS = 12,
	GP = 13, PF = 14, MF = 16, AC = 17, XM = 19 };

/* What an exception or interrupt entry saved. */
struct frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* The last trap() that ended in an exception. */
struct trapped {
	uint64_t error, rip, cr2, rflags;
};

typedef void (*handler_t)(struct frame *f);

void test_main(void);

/* One case: name and verdict; the format tells what was seen when it failed. */
void check(bool ok, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void skip(const char *name, const char *why);
void finish(void) __attribute__((noreturn));

#define check_eq(got, want, name) do { \
	uint64_t got_ = (got), want_ = (want); \
	check(got_ == want_, name, "got %llx, expected %llx", (unsigned long long)got_, \
	      (unsigned long long)want_); \
} while (0)

/* The vector of the exception that fn raised, or -1. */
int trap(void (*fn)(void *), void *arg);
extern struct trapped trapped;

/* One case: fn raises this vector, with this error code unless it is -1. */
void check_trap(void (*fn)(void *), void *arg, int vector, int64_t error, const char *name);

void set_handler(unsigned int vector, handler_t handler);
void set_gate(unsigned int vector, void *entry, unsigned int dpl, unsigned int ist);
void set_ist(unsigned int ist, uint64_t top);		/* of this CPU; the library has 1 and 2 */

void gate_present(unsigned int vector, bool present);
extern uint8_t vectors[];		/* the library's entries, 16 bytes apart */

unsigned int cpu_index(void);
unsigned int cpus_start(void);		/* all of them; returns how many there are */
void cpu_call(unsigned int cpu, void (*fn)(void *), void *arg);	/* starts it there */
bool cpu_wait(unsigned int cpu);	/* until it has ended; false: it did not, for seconds */

int64_t request(uint32_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

/* Page table entry of a 4 KiB page at va (below 4 GiB): splits the 2 MiB page first. */
uint64_t *page_entry(uint64_t va);

void *memset(void *to, int byte, size_t n);
void *memcpy(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#define APIC(reg)	(*(volatile uint32_t *)(0xfee00000UL + (reg)))
#define APIC_ID		0x20
#define APIC_TPR	0x80
#define APIC_PPR	0xa0
#define APIC_EOI	0xb0
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SVR	0xf0
#define APIC_ISR	0x100
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_LVTT	0x320
#define APIC_LVT0	0x350
#define APIC_LVT1	0x360
#define APIC_LVTERR	0x370
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0

static inline void ipi(uint32_t dest, uint32_t low)
{
	APIC(APIC_ICR2) = dest << 24;
	APIC(APIC_ICR) = low;
}

static inline bool apic_bit(unsigned int base, unsigned int vector)
{
	return APIC(base + vector / 32 * 16) >> vector % 32 & 1;
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

#define PORT_IO(suffix, type, reg) \
	static inline void out##suffix(uint16_t port, type v) \
	{ \
		__asm__ volatile("out %" reg "0, %w1" : : "a"(v), "Nd"(port) : "memory"); \
	} \
	static inline type in##suffix(uint16_t port) \
	{ \
		type v; \
		__asm__ volatile("in %w1, %" reg "0" : "=a"(v) : "Nd"(port) : "memory"); \
		return v; \
	}
PORT_IO(b, uint8_t, "b")
PORT_IO(w, uint16_t, "w")
PORT_IO(l, uint32_t, "k")

#define CONTROL_REGISTER(n) \
	static inline uint64_t read_cr##n(void) \
	{ \
		uint64_t v; \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v) : : "memory"); \
		return v; \
	} \
	static inline void write_cr##n(uint64_t v) \
	{ \
		__asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory"); \
	}
CONTROL_REGISTER(0)
CONTROL_REGISTER(2)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)
CONTROL_REGISTER(8)

struct cpuid {
	uint32_t a, b, c, d;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(sub));
	return r;
}

static inline void sti(void) { __asm__ volatile("sti; nop" : : : "memory"); }
static inline void cli(void) { __asm__ volatile("cli" : : : "memory"); }
static inline void pause(void) { __asm__ volatile("pause" : : : "memory"); }
static inline void sti_hlt_cli(void) { __asm__ volatile("sti; hlt; cli" : : : "memory"); }
static inline void invlpg(void *p) { __asm__ volatile("invlpg (%0)" : : "r"(p) : "memory"); }

/* Wait for the condition, for a few seconds of a slow emulator at most. */
#define wait_for(condition) ({ \
	uint64_t left_ = 20000000; \
	while (!(condition) && --left_) \
		pause(); \
	left_ != 0; \
})

#endif /* GUEST_H */
