// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_decode.c - the decoder: fields of hand-assembled instructions, verdicts, lengths to skip; and
 * random instructions of every kind and mode against objdump, an independent disassembler.
 */
/* sources: kmod/decode.c */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "decode.h"

#define NONE	16
#define RIP	17

struct row {
	u8 bits;
	u8 code[15];
	struct vtr_insn want;
};

#define ROW(b, ...)	{ .bits = b, .code = { __VA_ARGS__ }
#define ONLY(o, l, s)	.op = o, .len = l, .size = s, .mem_size = s
#define REGMEM(o, l, s)	ONLY(o, l, s), .mem = true

static const struct row rows[] = {
	ROW(64, 0x89, 0x07), .want = { REGMEM(VTR_OP_MOV, 2, 4), .addr_size = 8, .store = true,
		.base = 7, .index = NONE, .seg = 3 } },
	ROW(64, 0x4c, 0x89, 0x5c, 0x88, 0xf0), .want = { REGMEM(VTR_OP_MOV, 5, 8), .addr_size = 8,
		.store = true, .rex = true, .reg = 11, .base = 0, .index = 1, .scale = 2,
		.disp = -16, .seg = 3 } },
	ROW(64, 0x8b, 0x05, 0x00, 0x01, 0x00, 0x80), .want = { REGMEM(VTR_OP_MOV, 6, 4),
		.addr_size = 8, .base = RIP, .index = NONE, .disp = (s32)0x80000100, .seg = 3 } },
	ROW(32, 0x8b, 0x05, 0x00, 0x01, 0x00, 0x00), .want = { REGMEM(VTR_OP_MOV, 6, 4),
		.addr_size = 4, .base = NONE, .index = NONE, .disp = 0x100, .seg = 3 } },
	ROW(16, 0x8b, 0x42, 0x7f), .want = { REGMEM(VTR_OP_MOV, 3, 2), .addr_size = 2, .base = 5,
		.index = 6, .disp = 0x7f, .seg = 2 } },
	ROW(16, 0x66, 0x67, 0xc7, 0x00, 1, 2, 3, 4), .want = { REGMEM(VTR_OP_MOV, 8, 4),
		.addr_size = 4, .store = true, .has_imm = true, .base = 0, .index = NONE,
		.imm = 0x04030201, .seg = 3 } },
	ROW(16, 0x89, 0x0e, 0xfe, 0xff), .want = { REGMEM(VTR_OP_MOV, 4, 2), .addr_size = 2,
		.store = true, .reg = 1, .base = NONE, .index = NONE, .disp = 0xfffe, .seg = 3 } },
	/* SIB without an index, R12 as an index, no base, R13 as a base. */
	ROW(64, 0x8a, 0x04, 0x24), .want = { REGMEM(VTR_OP_MOV, 3, 1), .addr_size = 8, .base = 4,
		.index = NONE, .seg = 2 } },
	ROW(64, 0x42, 0x8a, 0x04, 0xe0), .want = { REGMEM(VTR_OP_MOV, 4, 1), .addr_size = 8,
		.rex = true, .base = 0, .index = 12, .scale = 3, .seg = 3 } },
	ROW(64, 0x8a, 0x04, 0x25, 1, 0, 0, 0), .want = { REGMEM(VTR_OP_MOV, 7, 1), .addr_size = 8,
		.base = NONE, .index = NONE, .disp = 1, .seg = 3 } },
	ROW(64, 0x41, 0x8a, 0x45, 0x80), .want = { REGMEM(VTR_OP_MOV, 4, 1), .addr_size = 8,
		.rex = true, .base = 13, .index = NONE, .disp = -128, .seg = 3 } },
	/* Absolute addresses of the accumulator. */
	ROW(64, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8), .want = { REGMEM(VTR_OP_MOV, 9, 4), .addr_size = 8,
		.base = NONE, .index = NONE, .disp = 0x0807060504030201, .seg = 3 } },
	ROW(64, 0x67, 0xa2, 1, 2, 3, 4), .want = { REGMEM(VTR_OP_MOV, 6, 1), .addr_size = 4,
		.store = true, .base = NONE, .index = NONE, .disp = 0x04030201, .seg = 3 } },
	/* Sizes that differ between the two operands. */
	ROW(64, 0x0f, 0xb6, 0x00), .want = { .op = VTR_OP_MOV, .len = 3, .size = 4, .mem_size = 1,
		.addr_size = 8, .mem = true, .cond = 6, .base = 0, .index = NONE, .seg = 3 } },
	ROW(64, 0x48, 0x0f, 0xbf, 0x00), .want = { .op = VTR_OP_MOVSX, .len = 4, .size = 8,
		.mem_size = 2, .addr_size = 8, .mem = true, .rex = true, .cond = 15, .base = 0,
		.index = NONE, .seg = 3 } },
	ROW(64, 0x48, 0x63, 0x00), .want = { .op = VTR_OP_MOVSX, .len = 3, .size = 8, .mem_size = 4,
		.addr_size = 8, .mem = true, .rex = true, .base = 0, .index = NONE, .seg = 3 } },
	/* Immediates: sign-extended; a 64-bit operand has four bytes of it. */
	ROW(64, 0x48, 0xc7, 0x00, 0, 0, 0, 0x80), .want = { REGMEM(VTR_OP_MOV, 7, 8),
		.addr_size = 8, .store = true, .has_imm = true, .rex = true, .base = 0,
		.index = NONE, .imm = 0xffffffff80000000, .seg = 3 } },
	ROW(64, 0x83, 0x08, 0xff), .want = { REGMEM(VTR_OP_OR, 3, 4), .addr_size = 8, .store = true,
		.has_imm = true, .reg = 1, .base = 0, .index = NONE, .imm = ~0ULL, .seg = 3 } },
	ROW(64, 0xf0, 0x0f, 0xc1, 0x00), .want = { REGMEM(VTR_OP_XADD, 4, 4), .addr_size = 8,
		.store = true, .lock = true, .cond = 1, .base = 0, .index = NONE, .seg = 3 } },
	/* Strings and string ports. */
	ROW(64, 0xf3, 0x48, 0xa5), .want = { ONLY(VTR_OP_MOVS, 3, 8), .addr_size = 8, .rex = true,
		.rep = 0xf3, .base = NONE, .index = NONE, .seg = 3 } },
	ROW(64, 0x65, 0x67, 0xf3, 0x6e), .want = { ONLY(VTR_OP_OUTS, 4, 1), .addr_size = 4,
		.rep = 0xf3, .base = NONE, .index = NONE, .seg = 5 } },
	ROW(64, 0x48, 0x6d), .want = { ONLY(VTR_OP_INS, 2, 4), .addr_size = 8, .rex = true,
		.base = NONE, .index = NONE, .seg = 3 } },
	ROW(16, 0x26, 0x6f), .want = { ONLY(VTR_OP_OUTS, 2, 2), .addr_size = 2, .base = NONE,
		.index = NONE, .seg = 0 } },
	/* Control registers: LOCK is how AMD reaches CR8 without REX. */
	ROW(64, 0x44, 0x0f, 0x22, 0xc1), .want = { .op = VTR_OP_MOV_CR, .len = 4, .size = 8,
		.addr_size = 8, .rex = true, .reg = 8, .rm = 1, .cond = 2, .base = NONE,
		.index = NONE, .seg = 3 } },
	ROW(32, 0xf0, 0x0f, 0x20, 0xc2), .want = { .op = VTR_OP_MOV_CR, .len = 4, .size = 4,
		.addr_size = 4, .store = true, .lock = true, .reg = 8, .rm = 2, .base = NONE,
		.index = NONE, .seg = 3 } },
	ROW(64, 0x0f, 0x23, 0xf8), .want = { .op = VTR_OP_MOV_DR, .len = 3, .size = 8,
		.addr_size = 8, .reg = 7, .cond = 3, .base = NONE, .index = NONE, .seg = 3 } },
	/* REX counts only right before the opcode; FS and GS are the only segments in 64-bit mode. */
	ROW(64, 0x48, 0x66, 0x89, 0x00), .want = { REGMEM(VTR_OP_MOV, 4, 2), .addr_size = 8,
		.store = true, .base = 0, .index = NONE, .seg = 3 } },
	ROW(64, 0x65, 0x36, 0x89, 0x00), .want = { REGMEM(VTR_OP_MOV, 4, 4), .addr_size = 8,
		.store = true, .base = 0, .index = NONE, .seg = 5 } },
};

/* The name of a field that differs, or NULL. */
static const char *difference(const struct vtr_insn *a, const struct vtr_insn *b)
{
#define SAME(f)			\
	do {			\
		if (a->f != b->f)	\
			return #f;	\
	} while (0)
	SAME(op);
	SAME(len);
	SAME(size);
	SAME(mem_size);
	SAME(addr_size);
	SAME(store);
	SAME(mem);
	SAME(has_imm);
	SAME(rex);
	SAME(lock);
	SAME(rep);
	SAME(reg);
	SAME(rm);
	SAME(base);
	SAME(index);
	SAME(scale);
	SAME(seg);
	SAME(disp);
	SAME(imm);
	SAME(cond);
#undef SAME
	return NULL;
}

START_TEST(fields)
{
	const struct row *r = &rows[_i];
	struct vtr_insn i, want = r->want;

	ck_assert_int_eq(vtr_insn_decode(r->code, 15, r->bits, &i), VTR_DECODE_OK);
	/* Only CMOVcc and SETcc have a condition; for others the field is the opcode's low half. */
	want.cond = i.cond;
	if (want.op == VTR_OP_MOV_CR || want.op == VTR_OP_MOV_DR)
		want.mem_size = i.mem_size;
	ck_assert_ptr_null(difference(&i, &want));
}
END_TEST

/* Every beginning of an instruction asks for more, and is not read beyond. */
START_TEST(too_few_bytes)
{
	const struct row *r = &rows[_i];
	struct vtr_insn i;
	u8 n;

	for (n = 0; n < r->want.len; n++) {
		u8 *exact = malloc(n ? n : 1);	/* AddressSanitizer guards its end */

		memcpy(exact, r->code, n);
		ck_assert_int_eq(vtr_insn_decode(exact, n, r->bits, &i), VTR_DECODE_MORE);
		free(exact);
	}
}
END_TEST

static enum vtr_decode verdict(unsigned int bits, const u8 *code, unsigned int n)
{
	u8 full[15] = {};
	struct vtr_insn i;

	memcpy(full, code, n);
	return vtr_insn_decode(full, 15, bits, &i);
}

#define VERDICT(bits, ...)	verdict(bits, (u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }))

START_TEST(fifteen_bytes_and_no_more)
{
	u8 code[20];
	struct vtr_insn i;

	memset(code, 0x2e, sizeof(code));
	code[13] = 0x89;
	code[14] = 0x00;
	ck_assert_int_eq(vtr_insn_decode(code, 20, 32, &i), VTR_DECODE_OK);
	ck_assert_uint_eq(i.len, 15);
	code[14] = 0x40;	/* one byte of displacement too many */
	ck_assert_int_eq(vtr_insn_decode(code, 20, 32, &i), VTR_DECODE_BAD);
	memset(code, 0x66, sizeof(code));
	ck_assert_int_eq(vtr_insn_decode(code, 20, 64, &i), VTR_DECODE_BAD);
	ck_assert_int_eq(vtr_insn_decode(code, 14, 64, &i), VTR_DECODE_MORE);
}
END_TEST

START_TEST(lock_only_where_it_is_legal)
{
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x01, 0x00), VTR_DECODE_OK);
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x87, 0x00), VTR_DECODE_OK);
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x0f, 0xba, 0x28, 1), VTR_DECODE_OK);
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x0f, 0xc7, 0x08), VTR_DECODE_OK);
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x01, 0xc0), VTR_DECODE_BAD);	/* register */
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x03, 0x00), VTR_DECODE_BAD);	/* memory is the source */
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x39, 0x00), VTR_DECODE_BAD);	/* CMP */
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x83, 0x38, 1), VTR_DECODE_BAD);
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x85, 0x00), VTR_DECODE_BAD);	/* TEST */
	ck_assert_int_eq(VERDICT(64, 0xf0, 0xf7, 0x00, 1, 2, 3, 4), VTR_DECODE_BAD);
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x89, 0x00), VTR_DECODE_BAD);	/* MOV */
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x0f, 0xba, 0x20, 1), VTR_DECODE_BAD);	/* BT */
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x0f, 0x90, 0x00), VTR_DECODE_BAD);	/* SETO */
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x0f, 0x38, 0xf0, 0x00), VTR_DECODE_BAD);
	ck_assert_int_eq(VERDICT(64, 0xf0, 0xff, 0x30), VTR_DECODE_BAD);	/* PUSH */
	ck_assert_int_eq(VERDICT(64, 0xf0, 0xa4), VTR_DECODE_BAD);		/* MOVS */
	ck_assert_int_eq(VERDICT(64, 0xf0, 0x0f, 0x21, 0xc0), VTR_DECODE_BAD);	/* MOV DR */
}
END_TEST

START_TEST(what_is_not_ours)
{
	ck_assert_int_eq(VERDICT(64, 0xc6, 0x48, 0x01, 0x02), VTR_DECODE_UNKNOWN);
	ck_assert_int_eq(VERDICT(64, 0x8f, 0x48, 0x01), VTR_DECODE_UNKNOWN);	/* XOP */
	ck_assert_int_eq(VERDICT(64, 0x0f, 0xc3, 0xc0), VTR_DECODE_UNKNOWN);	/* MOVNTI register */
	ck_assert_int_eq(VERDICT(64, 0x0f, 0xc7, 0xc8), VTR_DECODE_UNKNOWN);
	ck_assert_int_eq(VERDICT(64, 0x0f, 0x6f, 0x00), VTR_DECODE_UNKNOWN);	/* MMX */
	ck_assert_int_eq(VERDICT(64, 0xf3, 0x0f, 0x2b, 0x00), VTR_DECODE_UNKNOWN); /* MOVNTSS */
	ck_assert_int_eq(VERDICT(64, 0xf3, 0x0f, 0xe7, 0x00), VTR_DECODE_UNKNOWN);
	ck_assert_int_eq(VERDICT(64, 0xf2, 0x0f, 0x38, 0xf0, 0x00), VTR_DECODE_UNKNOWN); /* CRC32 */
	ck_assert_int_eq(VERDICT(64, 0xc5, 0xfe, 0x6f, 0x00), VTR_DECODE_UNKNOWN); /* VEX */
	ck_assert_int_eq(VERDICT(32, 0x63, 0x00), VTR_DECODE_UNKNOWN);	/* ARPL */
	ck_assert_int_eq(VERDICT(32, 0x48), VTR_DECODE_UNKNOWN);	/* DEC, no prefix here */
	ck_assert_int_eq(VERDICT(64, 0xe8), VTR_DECODE_UNKNOWN);
}
END_TEST

START_TEST(lengths_to_skip)
{
	static const u8 cpuid[] = { 0x0f, 0xa2, 0x90 }, hlt[] = { 0xf4, 0x90, 0x90 };
	static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9 };
	static const u8 odd[] = { 0x66, 0xf3, 0x2e, 0x48, 0x0f, 0xa2 };

	ck_assert_uint_eq(vtr_insn_skip_len(cpuid, 3, 64, 0x0fa2, false), 2);
	ck_assert_uint_eq(vtr_insn_skip_len(cpuid, 2, 64, 0x0fa2, false), 2);
	ck_assert_uint_eq(vtr_insn_skip_len(cpuid, 1, 64, 0x0fa2, false), 0);
	ck_assert_uint_eq(vtr_insn_skip_len(cpuid, 0, 64, 0x0fa2, false), 0);
	ck_assert_uint_eq(vtr_insn_skip_len(cpuid, 3, 64, 0x0f30, false), 0);
	ck_assert_uint_eq(vtr_insn_skip_len(hlt, 3, 16, 0xf4, false), 1);
	ck_assert_uint_eq(vtr_insn_skip_len(hlt, 1, 16, 0xf4, false), 1);
	ck_assert_uint_eq(vtr_insn_skip_len(vmmcall, 3, 32, 0x0f01, true), 3);
	ck_assert_uint_eq(vtr_insn_skip_len(vmmcall, 2, 32, 0x0f01, true), 0);
	ck_assert_uint_eq(vtr_insn_skip_len(odd, 6, 64, 0x0fa2, false), 6);
	ck_assert_uint_eq(vtr_insn_skip_len(odd, 5, 64, 0x0fa2, false), 0);
	/* 48 is DEC outside 64-bit mode. */
	ck_assert_uint_eq(vtr_insn_skip_len(odd, 6, 32, 0x0fa2, false), 0);
}
END_TEST

/* --- Against objdump --- */

#define SLOTS	6000
#define SLOT	32	/* an instruction, then NOPs: the disassembler falls into step again */

static u8 image[SLOTS * SLOT];
static struct vtr_insn decoded[SLOTS];

static u32 rnd(void)
{
	static u32 s = 0x2545f491;

	s ^= s << 13;
	s ^= s >> 17;
	s ^= s << 5;
	return s;
}

/* Prefixes in an order and number that objdump shows with their instruction. */
static unsigned int random_prefixes(u8 *code, unsigned int bits)
{
	static const u8 seg[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	unsigned int n = 0;

	if (rnd() % 6 == 0)
		code[n++] = bits == 64 ? 0x64 + rnd() % 2 : seg[rnd() % 6];
	if (rnd() % 5 == 0)
		code[n++] = 0x66;
	if (rnd() % 5 == 0)
		code[n++] = 0x67;
	if (rnd() % 8 == 0)
		code[n++] = 0xf0;
	else if (rnd() % 4 == 0)
		code[n++] = 0xf2 + rnd() % 2;
	if (bits == 64 && rnd() % 2)
		code[n++] = 0x40 + rnd() % 16;
	return n;
}

static bool is_prefix(u8 b, unsigned int bits)
{
	return (b & 0xe7) == 0x26 || (b & 0xfc) == 0x64 || b == 0xf0 || (b & 0xfe) == 0xf2 ||
	       (bits == 64 && (b & 0xf0) == 0x40);
}

static void fill_slots(unsigned int bits)
{
	unsigned int slot = 0, k, n;
	u8 code[16];

	memset(image, 0x90, sizeof(image));
	while (slot < SLOTS) {
		struct vtr_insn *i = &decoded[slot];

		for (k = 0; k < sizeof(code); k++)
			code[k] = rnd();
		n = random_prefixes(code, bits);
		if (rnd() % 2)
			code[n] = 0x0f;
		/* Of a REX prefix before another prefix objdump makes a line of its own. */
		if (is_prefix(code[n], bits))
			continue;
		if (vtr_insn_decode(code, 15, bits, i) != VTR_DECODE_OK)
			continue;
		/* Prefixes mean nothing to these, and objdump then lists them by themselves. */
		if (i->op == VTR_OP_OTHER && n)
			continue;
		memcpy(image + slot++ * SLOT, code, i->len);
	}
}

static const char *mnemonic(const struct vtr_insn *i)
{
	static const char *const names[] = {
		[VTR_OP_MOV] = "mov", [VTR_OP_MOVSX] = "movs", [VTR_OP_ADD] = "add",
		[VTR_OP_OR] = "or", [VTR_OP_ADC] = "adc", [VTR_OP_SBB] = "sbb",
		[VTR_OP_AND] = "and", [VTR_OP_SUB] = "sub", [VTR_OP_XOR] = "xor",
		[VTR_OP_CMP] = "cmp", [VTR_OP_TEST] = "test", [VTR_OP_INC] = "inc",
		[VTR_OP_DEC] = "dec", [VTR_OP_NOT] = "not", [VTR_OP_NEG] = "neg",
		[VTR_OP_XCHG] = "xchg", [VTR_OP_XADD] = "xadd", [VTR_OP_CMPXCHG] = "cmpxchg",
		[VTR_OP_CMPXCHG8B] = "cmpxchg", [VTR_OP_BT] = "bt", [VTR_OP_BTS] = "bts",
		[VTR_OP_BTR] = "btr", [VTR_OP_BTC] = "btc", [VTR_OP_SETCC] = "set",
		[VTR_OP_CMOVCC] = "cmov", [VTR_OP_MOVBE] = "movbe", [VTR_OP_VMOV] = "mov",
		[VTR_OP_PUSH] = "push", [VTR_OP_POP] = "pop", [VTR_OP_MOVS] = "movs",
		[VTR_OP_STOS] = "stos", [VTR_OP_LODS] = "lods", [VTR_OP_CMPS] = "cmps",
		[VTR_OP_SCAS] = "scas", [VTR_OP_INS] = "ins", [VTR_OP_OUTS] = "outs",
		[VTR_OP_MOV_CR] = "mov", [VTR_OP_MOV_DR] = "mov", [VTR_OP_OTHER] = "",
	};

	return names[i->op];
}

/* One line of objdump: "  1a0:\t48 89 07\tmov %rax,(%rdi)". Returns whether it began a slot. */
static bool check_line(const char *line, unsigned int bits)
{
	const struct vtr_insn *i;
	unsigned long at;
	unsigned int len = 0;
	char *p;

	at = strtoul(line, &p, 16);
	if (p == line || *p != ':' || at % SLOT || at / SLOT >= SLOTS)
		return false;
	i = &decoded[at / SLOT];
	for (p++; *p == '\t' || *p == ' '; p++)
		;
	while (p[0] && p[1] && p[2] == ' ' && strspn(p, "0123456789abcdef") == 2) {
		len++;
		p += 3;
	}
	if (i->op == VTR_OP_OTHER && strstr(p, "(bad)"))
		return true;
	ck_assert_msg(len == i->len, "%u bits: %s: decoded as op %d, %u bytes", bits, line, i->op,
		      i->len);
	ck_assert_msg(strstr(p, mnemonic(i)), "%u bits: %s: decoded as op %d", bits, line, i->op);
	return true;
}

START_TEST(lengths_as_objdump_has_them)
{
	static const struct {
		unsigned int bits;
		const char *machine;
	} mode[] = { { 16, "i8086" }, { 32, "i386" }, { 64, "i386:x86-64" } };
	char path[] = "/tmp/test_decode.XXXXXX", command[200], line[300];
	unsigned int seen = 0;
	int fd = mkstemp(path);
	FILE *out;

	fill_slots(mode[_i].bits);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, image, sizeof(image)), sizeof(image));
	close(fd);
	snprintf(command, sizeof(command), "objdump -D -z -b binary -m %s --insn-width=16 %s",
		 mode[_i].machine, path);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	while (fgets(line, sizeof(line), out))
		seen += check_line(line, mode[_i].bits);
	pclose(out);
	unlink(path);
	ck_assert_uint_eq(seen, SLOTS);
}
END_TEST

/* Random bytes in a buffer whose end is guarded: no verdict is wrong about how much it read. */
START_TEST(random_bytes)
{
	static const u8 movs[] = { 0x66, 0x41, 0x46, 0x49, 0x88, 0x89, 0x8a, 0x8b, 0xc6, 0xc7 };
	static const unsigned int bits[] = { 16, 32, 64 };
	struct vtr_insn i, again;
	unsigned int k, n, b;
	int round;

	for (round = 0; round < 200000; round++) {
		u8 code[15];

		for (k = 0; k < sizeof(code); k++)
			code[k] = rnd();
		b = bits[rnd() % 3];
		n = rnd() % 16;
		if (round & 1) {
			code[0] = movs[rnd() % sizeof(movs)];
			code[1 + rnd() % 2] = movs[rnd() % sizeof(movs)];
		}
		if (vtr_insn_decode(code, n, b, &i) != VTR_DECODE_OK)
			continue;
		/* Bytes behind it change nothing; neither does the short way for a MOV. */
		if (i.len > n || vtr_insn_decode(code, 15, b, &again) != VTR_DECODE_OK ||
		    difference(&i, &again))
			ck_abort_msg("%u bits: %02x %02x %02x %02x: %s, %u of %u bytes", b, code[0],
				     code[1], code[2], code[3], difference(&i, &again), i.len, n);
		if (i.base > RIP || i.index > NONE || i.reg > 15 || i.rm > 15 || i.seg > 5)
			ck_abort_msg("%02x %02x %02x: field out of range", code[0], code[1],
				     code[2]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decode");
	TCase *t = tcase_create("decode");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, fields, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(t, too_few_bytes, 0, ARRAY_SIZE(rows));
	tcase_add_test(t, fifteen_bytes_and_no_more);
	tcase_add_test(t, lock_only_where_it_is_legal);
	tcase_add_test(t, what_is_not_ours);
	tcase_add_test(t, lengths_to_skip);
	tcase_add_loop_test(t, lengths_as_objdump_has_them, 0, 3);
	tcase_add_test(t, random_bytes);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
