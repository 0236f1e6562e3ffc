// SPDX-License-Identifier: GPL-2.0-only
/*
 * io.c - port I/O and MMIO that user space handles: every size, string forms, read-modify-write, SSE, page crossings.
 */
#include "guest.h"

#define REG(type, at) (*(volatile type *)(MMIO_BASE + (at)))

static uint8_t buffer[8192] __attribute__((aligned(4096)));

static void ports(void)
{
	outb(PORT_BLOCK + 1, 0x5a);
	outw(PORT_BLOCK + 2, 0x1234);
	outl(PORT_BLOCK + 4, 0x89abcdef);
	check_eq(inb(PORT_BLOCK + 1), 0x5a, "IN, OUT of a byte");
	check_eq(inw(PORT_BLOCK + 2), 0x1234, "IN, OUT of a word");
	check_eq(inl(PORT_BLOCK + 4), 0x89abcdef, "IN, OUT of a double word");
	check_eq(inb(0x5555), 0xff, "a port nobody has");
}

static void keep_upper(void)
{
	uint64_t v = 0x1122334455667788;

	__asm__ volatile("inb %%dx, %%al" : "+a"(v) : "d"(PORT_BLOCK + 1));
	check_eq(v, 0x112233445566775a, "IN of a byte keeps the rest of RAX");
	v = 0x1122334455667788;
	__asm__ volatile("inl %%dx, %%eax" : "+a"(v) : "d"(PORT_BLOCK + 4));
	check_eq(v, 0x89abcdef, "IN of a double word clears the upper half");
}

#define REP_OUT(suffix, from, n) ({ \
	const void *s_ = from; \
	uint64_t c_ = n; \
	__asm__ volatile("rep outs" suffix : "+S"(s_), "+c"(c_) : "d"(PORT_QUEUE) : "memory"); \
	s_; })

#define REP_IN(suffix, to, n) ({ \
	void *d_ = to; \
	uint64_t c_ = n; \
	__asm__ volatile("rep ins" suffix : "+D"(d_), "+c"(c_) : "d"(PORT_QUEUE) : "memory"); \
	d_; })

static void strings(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(buffer); i++)
		buffer[i] = i * 7;
	request(REQ_QUEUE_CLEAR, 0, 0, 0, 0, 0);
	check_eq((uint64_t)REP_OUT("b", buffer, 3), (uint64_t)buffer + 3, "REP OUTSB moves RSI");
	check(request(REQ_QUEUE_GET, 2, 0, 0, 0, 0) == (1LL << 32 | 14), "REP OUTSB order", "wrong");
	REP_OUT("l", buffer + 4092, 2);
	check_eq(request(REQ_QUEUE_GET, 4, 0, 0, 0, 0), 4LL << 32 | *(uint32_t *)(buffer + 4096),
		 "REP OUTSD across pages");
	request(REQ_QUEUE_CLEAR, 0, 0, 0, 0, 0);
	check_eq((uint64_t)REP_IN("w", buffer + 4093, 3), (uint64_t)buffer + 4099, "REP INSW moves RDI");
	check(buffer[4093] == 1 && buffer[4095] == 2 && buffer[4097] == 3, "REP INSW across pages", "%x %x %x",
	      buffer[4093], buffer[4095], buffer[4097]);
	request(REQ_QUEUE_CLEAR, 0, 0, 0, 0, 0);
	REP_IN("l", buffer, 2000);
	check_eq(*(uint32_t *)(buffer + 1999 * 4), 2000, "REP INSD of 2000");
	REP_IN("b", buffer, 0);
	__asm__ volatile("std" : : : "memory");
	REP_IN("b", buffer + 10, 2);
	__asm__ volatile("cld" : : : "memory");
	check(buffer[10] == (2001 & 0xff) && buffer[9] == (2002 & 0xff), "INSB downwards", "%x %x", buffer[10],
	      buffer[9]);
}

static void mmio_sizes(void)
{
	REG(uint8_t, 1) = 0x5a;
	REG(uint16_t, 2) = 0x1234;
	REG(uint32_t, 4) = 0x89abcdef;
	REG(uint64_t, 8) = 0x0123456789abcdef;
	check_eq(REG(uint8_t, 1), 0x5a, "MMIO byte");
	check_eq(REG(uint16_t, 2), 0x1234, "MMIO word");
	check_eq(REG(uint32_t, 4), 0x89abcdef, "MMIO double word");
	check_eq(REG(uint64_t, 8), 0x0123456789abcdef, "MMIO quad word");
	check_eq((uint64_t)(int64_t)(int8_t)0x80, ({ uint64_t v; REG(uint8_t, 0x10) = 0x80;
		 __asm__ volatile("movsbq %1, %0" : "=r"(v) : "m"(REG(uint8_t, 0x10))); v; }),
		 "MOVSX from MMIO");
	check_eq(0x80, ({ uint64_t v = ~0ULL; __asm__ volatile("movzbl %1, %k0" : "=r"(v) :
		 "m"(REG(uint8_t, 0x10))); v; }), "MOVZX from MMIO");
}

static void mmio_modify(void)
{
	uint32_t old, eax;
	uint8_t flag;

	REG(uint32_t, 0x20) = 0xf0;
	__asm__ volatile("orl $0xf, %0" : "+m"(REG(uint32_t, 0x20)));
	check_eq(REG(uint32_t, 0x20), 0xff, "OR to MMIO");
	__asm__ volatile("lock addl $1, %0" : "+m"(REG(uint32_t, 0x20)));
	check_eq(REG(uint32_t, 0x20), 0x100, "LOCK ADD to MMIO");
	old = 7;
	__asm__ volatile("xchgl %0, %1" : "+r"(old), "+m"(REG(uint32_t, 0x20)));
	check(old == 0x100 && REG(uint32_t, 0x20) == 7, "XCHG with MMIO", "%x", old);
	eax = 7;
	__asm__ volatile("lock cmpxchgl %3, %1; sete %2" : "+a"(eax), "+m"(REG(uint32_t, 0x20)), "=q"(flag)
			 : "r"(9));
	check(flag && REG(uint32_t, 0x20) == 9, "CMPXCHG with MMIO, equal", "%x", REG(uint32_t, 0x20));
	eax = 8;
	__asm__ volatile("lock cmpxchgl %3, %1; sete %2" : "+a"(eax), "+m"(REG(uint32_t, 0x20)), "=q"(flag)
			 : "r"(5));
	check(!flag && eax == 9 && REG(uint32_t, 0x20) == 9, "CMPXCHG with MMIO, different", "%x", eax);
	__asm__ volatile("cmpl $9, %1; sete %0" : "=q"(flag) : "m"(REG(uint32_t, 0x20)));
	check_eq(flag, 1, "CMP with MMIO sets flags");
	__asm__ volatile("testl $2, %1; sete %0" : "=q"(flag) : "m"(REG(uint32_t, 0x20)));
	check_eq(flag, 1, "TEST with MMIO sets flags");
	old = 1;
	__asm__ volatile("lock xaddl %0, %1" : "+r"(old), "+m"(REG(uint32_t, 0x20)));
	check(old == 9 && REG(uint32_t, 0x20) == 10, "XADD with MMIO", "%x", old);
	__asm__ volatile("push %0; pop %1" : : "m"(REG(uint64_t, 8)), "m"(REG(uint64_t, 0x28)) : "memory");
	check_eq(REG(uint64_t, 0x28), 0x0123456789abcdef, "PUSH from and POP to MMIO");
}

static void mmio_strings(void)
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		buffer[i] = i + 1;
	memcpy((void *)(MMIO_BASE + 0x100), buffer, 64);
	memset(buffer, 0, 64);
	memcpy(buffer, (void *)(MMIO_BASE + 0x100), 64);
	check(buffer[0] == 1 && buffer[63] == 64, "REP MOVSB to and from MMIO", "%x %x", buffer[0], buffer[63]);
	memset((void *)(MMIO_BASE + 0x200), 0x77, 16);
	check_eq(REG(uint64_t, 0x208), 0x7777777777777777, "REP STOSB to MMIO");
	memcpy((void *)(MMIO_BASE + 0x300), (void *)(MMIO_BASE + 0x100), 8);
	check_eq(REG(uint64_t, 0x300), 0x0807060504030201, "MOVSB from MMIO to MMIO");
}

static void mmio_wide(void)
{
	static uint64_t in[2] __attribute__((aligned(16))) = { 0x1111222233334444, 0x5555666677778888 };
	static uint64_t out[2] __attribute__((aligned(16)));

	__asm__ volatile("movdqa %1, %%xmm0; movdqa %%xmm0, %0" : "=m"(*(volatile char (*)[16])
			 (MMIO_BASE + 0x400)) : "m"(in) : "memory");
	check(REG(uint64_t, 0x400) == in[0] && REG(uint64_t, 0x408) == in[1], "MOVDQA to MMIO", "%lx",
	      REG(uint64_t, 0x400));
	__asm__ volatile("movups %1, %%xmm1; movdqa %%xmm1, %0" : "=m"(out) :
			 "m"(*(volatile char (*)[16])(MMIO_BASE + 0x400)) : "memory");
	check(out[0] == in[0] && out[1] == in[1], "MOVUPS from MMIO", "%lx %lx", out[0], out[1]);
}

static void mmio_crossing(void)
{
	REG(uint32_t, 0xffe) = 0xcafebabe;
	check_eq(REG(uint32_t, 0xffe), 0xcafebabe, "MMIO across pages");
	REG(uint64_t, 0x1ffc) = 0x0011223344556677;
	check_eq(REG(uint64_t, 0x1ffc), 0x0011223344556677, "quad word MMIO across pages");
	*(volatile uint32_t *)(RAM_SIZE - 2) = 0x12345678;
	check_eq(*(volatile uint16_t *)(RAM_SIZE - 2), 0x5678, "a write from memory into a hole");
	check_eq(*(volatile uint32_t *)(RAM_SIZE - 2), 0xffff5678, "a read from memory into a hole");
}

/* SDM 3A "Handling Self- and Cross-Modifying Code". */
static void serialize(void)
{
	uint32_t eax = 0, ecx = 0;

	__asm__ volatile("cpuid" : "+a"(eax), "+c"(ecx) : : "ebx", "edx", "memory");
}

/* Code that changes between its accesses, and the same code elsewhere: a hypervisor may keep what it decoded. */
static void mmio_changed_code(void)
{
	static uint8_t code[2 * 4096] __attribute__((aligned(4096)));
	static const uint8_t places[] = { 0, 4, 64 };
	uint8_t *const last = code + 4096 - 7;
	uint32_t (*at)(volatile uint32_t *) = (void *)code;
	uint32_t i, right;

	for (right = i = 0; i < 64; i++) {
		memcpy(code, "\xc7\x07\x01\x02\x03\x04\xc3", 7);	/* movl $0x04030201, (%rdi); ret */
		code[2] = i;
		serialize();
		at(&REG(uint32_t, 0x500));
		right += REG(uint32_t, 0x500) == (0x04030200 | i);
	}
	check_eq(right, 64, "MMIO by code whose constant changes");
	for (right = i = 0; i < 64; i++) {
		memcpy(code, i & 1 ? "\x8b\x07\xc3" : "\x8b\x47\x04\xc3", 4);	/* movl (%rdi) or 4(%rdi), %eax; ret */
		serialize();
		REG(uint32_t, 0x500) = i;
		REG(uint32_t, 0x504) = ~i;
		right += at(&REG(uint32_t, 0x500)) == (i & 1 ? i : ~i);
	}
	check_eq(right, 64, "MMIO by code whose operand changes");
	for (right = i = 0; i < 64; i++) {
		uint8_t *to = code + places[i % 3];

		memcpy(to, "\x66\x89\x37\xc3", 4);	/* movw %si, (%rdi); ret */
		to[0] = i & 4 ? 0x66 : 0x90;		/* or nop; movl %esi, (%rdi) */
		serialize();
		REG(uint32_t, 0x500) = ~0;
		((void (*)(volatile uint32_t *, uint32_t))to)(&REG(uint32_t, 0x500), i);
		right += REG(uint32_t, 0x500) == (i & 4 ? 0xffff0000 | i : i);
	}
	check_eq(right, 64, "MMIO by code whose size and place change");
	for (right = i = 0; i < 64; i++) {
		memcpy(last, "\xc7\x07\x01\x02\x03\x04\xc3", 7);
		last[5] = i;
		serialize();
		((void (*)(volatile uint32_t *))last)(&REG(uint32_t, 0x500));
		right += REG(uint32_t, 0x500) == (0x00030201 | i << 24);
	}
	check_eq(right, 64, "MMIO by code at a page's end");
}

void test_main(void)
{
	ports();
	keep_upper();
	strings();
	mmio_sizes();
	mmio_modify();
	mmio_strings();
	mmio_wide();
	mmio_crossing();
	mmio_changed_code();
}
