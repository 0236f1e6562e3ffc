// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_emulate.c - the emulator against the CPU that runs the test: random instructions of every kind
 * are executed natively and emulated, once straight on and once with every access interrupted and
 * taken up again; registers, flags and memory must be the same. Then what a CPU in user mode cannot
 * show: faults that leave no trace, PUSH and POP, vector moves, 16-bit addressing.
 */
/* sources: kmod/emulate.c kmod/decode.c */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "emulate.h"

#define ARITH		0x8d5ULL
#define CF_ONLY		0x001ULL
#define NO_AF		0x8c5ULL
#define AREA		256
#define LOG_MAX		64

/* Encoding order, then the flags. RSP, R11 and R15 belong to the test. */
struct cpu {
	u64 regs[16];
	u64 flags;
};

void run_native(struct cpu *cpu, const void *code);

__asm__(".text\n"
	".globl run_native\n"
	"run_native:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rdi, %r15; mov %rsi, %r11\n"
	"	mov 0(%r15), %rax; mov 8(%r15), %rcx; mov 16(%r15), %rdx; mov 24(%r15), %rbx\n"
	"	mov 40(%r15), %rbp; mov 48(%r15), %rsi; mov 56(%r15), %rdi\n"
	"	mov 64(%r15), %r8; mov 72(%r15), %r9; mov 80(%r15), %r10\n"
	"	mov 96(%r15), %r12; mov 104(%r15), %r13; mov 112(%r15), %r14\n"
	"	pushq 128(%r15); popfq\n"
	"	call *%r11\n"
	"	pushfq; popq 128(%r15)\n"
	"	cld\n"
	"	mov %rax, 0(%r15); mov %rcx, 8(%r15); mov %rdx, 16(%r15); mov %rbx, 24(%r15)\n"
	"	mov %rbp, 40(%r15); mov %rsi, 48(%r15); mov %rdi, 56(%r15)\n"
	"	mov %r8, 64(%r15); mov %r9, 72(%r15); mov %r10, 80(%r15)\n"
	"	mov %r12, 96(%r15); mov %r13, 104(%r15); mov %r14, 112(%r15)\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");

static u8 area[AREA] __aligned(64);	/* what the CPU works on */

/* The emulator's world: a copy of the area at the same addresses, and a log as in io.c. */
struct world {
	u8 *mem;
	u64 base;
	bool interrupt;		/* every new access waits once */
	unsigned int accesses, at, nlog;
	int fault_at;		/* this access faults; -1: none */
	u8 xmm[16][16];
	u8 log[LOG_MAX][16];
	u8 seg;			/* segment of the last access */
};

static int world_linear(void *ctx, u8 seg, u64 offset, u32 len, bool write, u64 *addr)
{
	struct world *w = ctx;

	(void)len;
	(void)write;
	w->seg = seg;
	*addr = offset;
	return 0;
}

static int world_mem(void *ctx, u64 addr, void *data, u32 len, bool write)
{
	struct world *w = ctx;

	if (addr - w->base > AREA - len)
		ck_abort_msg("access of %u bytes outside the area: %#llx", len,
			     (unsigned long long)(addr - w->base));
	if (w->fault_at >= 0 && w->accesses++ == (unsigned int)w->fault_at)
		return -EFAULT;
	if (w->at < w->nlog) {
		if (!write)
			memcpy(data, w->log[w->at], len);
		w->at++;
		return 0;
	}
	ck_assert_uint_lt(w->nlog, LOG_MAX);
	if (write)
		memcpy(w->mem + (addr - w->base), data, len);
	else
		memcpy(data, w->mem + (addr - w->base), len);
	if (!w->interrupt)
		return 0;
	if (!write)
		memcpy(w->log[w->nlog], data, len);
	w->nlog++;
	return -EAGAIN;
}

static void *world_xmm(void *ctx, unsigned int nr)
{
	return ((struct world *)ctx)->xmm[nr];
}

static u64 rnd64(void)
{
	static u64 s = 0x9e3779b97f4a7c15ULL;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

/* Random, with the values where carries and signs turn over seen often. */
static u64 rnd_operand(void)
{
	static const u64 edge[] = { 0, 1, ~0ULL, 0x7f, 0x80, 0x7fff, 0x8000, 0x7fffffff, 0x80000000,
				    0x7fffffffffffffffULL, 0x8000000000000000ULL, 0xff, 0xffff };
	u64 r = rnd64();

	return r & 1 ? rnd64() : edge[(r >> 8) % ARRAY_SIZE(edge)];
}

static void print_failure(const u8 *code, const struct vtr_insn *i, const struct cpu *before,
			  const struct cpu *native, const struct cpu *emulated)
{
	int k;

	fprintf(stderr, "code:");
	for (k = 0; k < i->len; k++)
		fprintf(stderr, " %02x", code[k]);
	fprintf(stderr, "  op %d size %d\n", i->op, i->size);
	for (k = 0; k < 16; k++)
		fprintf(stderr, "%2d: %016llx native %016llx emulated %016llx\n", k,
			(unsigned long long)before->regs[k], (unsigned long long)native->regs[k],
			(unsigned long long)emulated->regs[k]);
	fprintf(stderr, "flags %llx native %llx emulated %llx\n", (unsigned long long)before->flags,
		(unsigned long long)native->flags, (unsigned long long)emulated->flags);
}

static void emulate(struct world *w, struct cpu *cpu, const struct vtr_insn *i)
{
	u64 rip = 0x1000;
	struct vtr_emul e = {
		.regs = cpu->regs, .rip = &rip, .rflags = &cpu->flags, .bits = 64, .ctx = w,
		.linear = world_linear, .mem = world_mem, .xmm = world_xmm,
	};
	struct cpu before;
	int err;

	while (rip == 0x1000) {
		before = *cpu;
		w->at = 0;
		err = vtr_emulate(&e, i);
		if (err == -EAGAIN) {
			if (memcmp(&before, cpu, sizeof(before)) || rip != 0x1000)
				ck_abort_msg("registers changed by an access that waits");
			continue;
		}
		if (err)
			ck_abort_msg("op %d: error %d", i->op, err);
		w->nlog = 0;
	}
	ck_assert_uint_eq(rip, 0x1000 + i->len);
}

static u8 *code_page;

static void compare(const u8 *code, const struct cpu *start, u64 flag_mask, bool interrupt)
{
	struct cpu native = *start, emulated = *start;
	u8 mem[AREA];
	struct world w = { .mem = mem, .base = (u64)area, .interrupt = interrupt, .fault_at = -1 };
	struct vtr_insn i;

	memcpy(mem, area, AREA);
	if (vtr_insn_decode(code, 15, 64, &i) != VTR_DECODE_OK)
		ck_abort_msg("%02x %02x %02x %02x does not decode", code[0], code[1], code[2],
			     code[3]);
	memcpy(code_page, code, i.len);
	code_page[i.len] = 0xc3;
	run_native(&native, code_page);
	emulate(&w, &emulated, &i);
	native.flags &= flag_mask;
	emulated.flags &= flag_mask;
	if (memcmp(&native, &emulated, sizeof(native))) {
		print_failure(code, &i, start, &native, &emulated);
		ck_abort_msg("registers or flags differ");
	}
	if (memcmp(area, mem, AREA)) {
		print_failure(code, &i, start, &native, &emulated);
		ck_abort_msg("memory differs");
	}
}

static void random_cpu(struct cpu *cpu)
{
	unsigned int k;

	for (k = 0; k < 16; k++)
		cpu->regs[k] = rnd_operand();
	cpu->regs[4] = cpu->regs[11] = cpu->regs[15] = 0;
	cpu->flags = 0x202 | (rnd64() & ARITH);
	for (k = 0; k < AREA; k += 8) {
		u64 val = rnd_operand();

		memcpy(area + k, &val, 8);
	}
}

/* A kind of instruction: opcode bytes, ModRM.reg for a group (-1: a register), immediate bytes. */
struct kind {
	u8 two, opcode;
	s8 ext;
	u8 imm;		/* bytes, at most */
	u64 flags;
	bool byte, mem_only;
};

#define K(t, op, e, i, f, ...) \
	{ .two = t, .opcode = op, .ext = e, .imm = i, .flags = f, ##__VA_ARGS__ }
#define ALU_KINDS(n, f) \
	K(0, 8 * (n), -1, 0, f, .byte = true), K(0, 8 * (n) + 1, -1, 0, f), \
	K(0, 8 * (n) + 2, -1, 0, f, .byte = true), K(0, 8 * (n) + 3, -1, 0, f), \
	K(0, 0x80, n, 1, f, .byte = true), K(0, 0x81, n, 4, f), K(0, 0x83, n, 1, f)

static const struct kind kinds[] = {
	ALU_KINDS(0, ARITH), ALU_KINDS(1, NO_AF), ALU_KINDS(2, ARITH), ALU_KINDS(3, ARITH),
	ALU_KINDS(4, NO_AF), ALU_KINDS(5, ARITH), ALU_KINDS(6, NO_AF), ALU_KINDS(7, ARITH),
	K(0, 0x63, -1, 0, ARITH),
	K(0, 0x84, -1, 0, NO_AF, .byte = true), K(0, 0x85, -1, 0, NO_AF),
	K(0, 0x86, -1, 0, ARITH, .byte = true), K(0, 0x87, -1, 0, ARITH),
	K(0, 0x88, -1, 0, ARITH, .byte = true), K(0, 0x89, -1, 0, ARITH),
	K(0, 0x8a, -1, 0, ARITH, .byte = true), K(0, 0x8b, -1, 0, ARITH),
	K(0, 0xc6, 0, 1, ARITH, .byte = true), K(0, 0xc7, 0, 4, ARITH),
	K(0, 0xf6, 0, 1, NO_AF, .byte = true), K(0, 0xf7, 0, 4, NO_AF),
	K(0, 0xf6, 2, 0, ARITH, .byte = true), K(0, 0xf7, 2, 0, ARITH),
	K(0, 0xf6, 3, 0, ARITH, .byte = true), K(0, 0xf7, 3, 0, ARITH),
	K(0, 0xfe, 0, 0, ARITH, .byte = true), K(0, 0xff, 0, 0, ARITH),
	K(0, 0xfe, 1, 0, ARITH, .byte = true), K(0, 0xff, 1, 0, ARITH),
	K(1, 0xb0, -1, 0, ARITH, .byte = true), K(1, 0xb1, -1, 0, ARITH),
	K(1, 0xb6, -1, 0, ARITH, .byte = true), K(1, 0xb7, -1, 0, ARITH),
	K(1, 0xbe, -1, 0, ARITH, .byte = true), K(1, 0xbf, -1, 0, ARITH),
	K(1, 0xc0, -1, 0, ARITH, .byte = true), K(1, 0xc1, -1, 0, ARITH),
	K(1, 0xc3, -1, 0, ARITH, .mem_only = true),
	K(1, 0xc7, 1, 0, ARITH, .mem_only = true),
	K(1, 0xba, 4, 1, CF_ONLY), K(1, 0xba, 5, 1, CF_ONLY),
	K(1, 0xba, 6, 1, CF_ONLY), K(1, 0xba, 7, 1, CF_ONLY),
};

static unsigned int put_imm(u8 *to, unsigned int bytes)
{
	u64 val = rnd_operand();

	memcpy(to, &val, bytes);
	return bytes;
}

/* Registers a random instruction may name: not RSP, R11, R15; AH to BH are fine. */
static bool reg_allowed(unsigned int reg, bool byte, bool rex)
{
	return (reg != 4 || (byte && !rex)) && reg != 11 && reg != 15;
}

/*
 * Byte operands of MOVZX and MOVSX have a register of another size at the other end, so their register
 * must never be RSP.
 */
static void random_insn(const struct kind *k, u8 *code)
{
	bool mem = k->mem_only || rnd64() & 1, op16 = !(rnd64() & 3) && k->opcode != 0xc3;
	bool byte = k->byte && !(k->two && (k->opcode & 0xf6) == 0xb6);
	u8 rex = rnd64() & 1 ? 0x40 | (rnd64() & (mem ? 0xc : 0xd)) : 0;
	unsigned int n = 0, reg, rm;

	/* CMPXCHG16B has a test of its own: it wants 16-byte alignment and CX8's is the same code. */
	if (k->two && k->opcode == 0xc7)
		op16 = false;
	do {
		reg = (k->ext >= 0 ? (unsigned int)k->ext : rnd64() & 7) | (rex & 4 ? 8 : 0);
	} while (k->ext < 0 && !reg_allowed(reg, byte, rex));
	do {
		rm = (rnd64() & 7) | (rex & 1 ? 8 : 0);
	} while (!mem && !reg_allowed(rm, k->byte, rex));
	if (op16)
		code[n++] = 0x66;
	if (rex)
		code[n++] = rex;
	if (k->two)
		code[n++] = 0x0f;
	code[n++] = k->opcode;
	code[n++] = (mem ? 0x40 | 7 : 0xc0 | (rm & 7)) | (reg & 7) << 3;
	if (mem)
		code[n++] = rnd64() & 0x70;	/* aligned displacement */
	if (k->imm == 1)
		put_imm(code + n, 1);
	else if (k->imm == 4)
		put_imm(code + n, 4);
}

START_TEST(random_instructions_as_on_the_cpu)
{
	const struct kind *k = &kinds[_i];
	struct cpu cpu;
	u8 code[16];
	int round;

	for (round = 0; round < 1000; round++) {
		memset(code, 0x90, sizeof(code));
		random_cpu(&cpu);
		cpu.regs[7] = (u64)area;
		random_insn(k, code);
		/* Let CMPXCHG and CMPXCHG8B succeed half of the time. */
		if (round & 1) {
			memcpy(&cpu.regs[0], area + (rnd64() & 0x70), 8);
			for (int at = 0; at < AREA; at += 16) {
				memcpy(area + at, &cpu.regs[0], 4);
				memcpy(area + at + 4, &cpu.regs[2], 4);
			}
		}
		compare(code, &cpu, k->flags, round & 2);
	}
}
END_TEST

START_TEST(setcc_and_cmov_know_every_condition)
{
	struct cpu cpu;
	int round;

	for (round = 0; round < 500; round++) {
		u8 set[16] = { 0x0f, 0x90 | _i, 0x47, 0x10 };
		u8 cmov[16] = { 0x66, 0x0f, 0x40 | _i, 0x4f, 0x10 };
		u8 cmov32[16] = { 0x0f, 0x40 | _i, 0x4f, 0x10 };

		random_cpu(&cpu);
		cpu.regs[7] = (u64)area;
		compare(set, &cpu, ARITH, round & 1);
		compare(cmov, &cpu, ARITH, round & 1);
		compare(cmov32, &cpu, ARITH, round & 1);
	}
}
END_TEST

/* The bit number in a register is signed and reaches beyond the operand. */
START_TEST(bit_strings_reach_both_ways)
{
	static const u8 opcode[] = { 0xa3, 0xab, 0xb3, 0xbb };
	struct cpu cpu;
	int round;

	for (round = 0; round < 1000; round++) {
		u8 mem[16] = { [0 ... 15] = 0x90 }, reg[16] = { [0 ... 15] = 0x90 };
		u8 pre = round % 3 == 0 ? 0x66 : round % 3 == 1 ? 0x40 : 0x48;

		memcpy(mem, (u8[]){ pre, 0x0f, opcode[_i], 0x0f }, 4);	/* [rdi], ecx */
		memcpy(reg, (u8[]){ pre, 0x0f, opcode[_i], 0xca }, 4);	/* edx, ecx */
		random_cpu(&cpu);
		cpu.regs[7] = (u64)area + 128;
		cpu.regs[1] = (s64)(rnd64() % 1800) - 900;
		compare(mem, &cpu, CF_ONLY, round & 1);
		compare(reg, &cpu, CF_ONLY, round & 1);
	}
}
END_TEST

START_TEST(string_instructions_as_on_the_cpu)
{
	static const u8 opcode[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf };
	struct cpu cpu;
	int round;

	for (round = 0; round < 800; round++) {
		u8 code[16] = { [0 ... 15] = 0x90 };
		unsigned int n = 0;

		random_cpu(&cpu);
		cpu.flags |= rnd64() & 1 ? 0x400 : 0;	/* DF */
		cpu.regs[6] = (u64)area + 120;
		cpu.regs[7] = (u64)area + 128;
		cpu.regs[1] = rnd64() % 8;
		if (round & 1)		/* equal runs for CMPS and SCAS */
			memset(area + 64, 0x11 * (round & 0xf), 150);
		if (rnd64() % 3 == 0)
			memset(&cpu.regs[0], area[128], 8);
		if (rnd64() & 1)
			code[n++] = rnd64() & 1 ? 0xf3 : 0xf2;
		if (rnd64() % 3 == 0)
			code[n++] = 0x66;
		if (rnd64() & 1)
			code[n++] = 0x48;
		code[n++] = opcode[_i];
		compare(code, &cpu, ARITH | 0x400, round & 2);
	}
}
END_TEST

static bool cpu_has_movbe(void)
{
	u32 eax = 1, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ecx & BIT(22);
}

START_TEST(movbe_as_on_the_cpu)
{
	static const u8 pre[] = { 0x66, 0x40, 0x48 };
	struct cpu cpu;
	int round;

	if (!cpu_has_movbe())
		return;
	for (round = 0; round < 600; round++) {
		u8 code[16] = { pre[round % 3], 0x0f, 0x38, 0xf0 | (round & 1), 0x4f, 0x20 };

		random_cpu(&cpu);
		cpu.regs[7] = (u64)area;
		compare(code, &cpu, ARITH, round & 2);
	}
}
END_TEST

START_TEST(cmpxchg16b_as_on_the_cpu)
{
	static const u8 code[16] = { 0xf0, 0x48, 0x0f, 0xc7, 0x4f, 0x20 };
	struct cpu cpu;
	int round;

	for (round = 0; round < 500; round++) {
		random_cpu(&cpu);
		cpu.regs[7] = (u64)area;
		if (round & 1) {
			memcpy(&cpu.regs[0], area + 0x20, 8);
			memcpy(&cpu.regs[2], area + 0x28, 8);
		}
		compare(code, &cpu, ARITH, round & 2);
	}
}
END_TEST

/* --- Without a CPU to ask --- */

static u8 shadow[AREA];
static struct world plain;
static u64 rip, rflags, regs[16];

static int run_bytes(unsigned int bits, const u8 *code, unsigned int n)
{
	struct vtr_emul e = {
		.regs = regs, .rip = &rip, .rflags = &rflags, .bits = bits, .ctx = &plain,
		.linear = world_linear, .mem = world_mem, .xmm = world_xmm,
	};
	struct vtr_insn i;

	ck_assert_int_eq(vtr_insn_decode(code, n, bits, &i), VTR_DECODE_OK);
	ck_assert_uint_eq(i.len, n);
	plain.at = 0;
	plain.nlog = 0;
	plain.accesses = 0;
	return vtr_emulate(&e, &i);
}

#define RUN(bits, ...)	run_bytes(bits, (u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }))

static void setup(void)
{
	unsigned int k;

	memset(&plain, 0, sizeof(plain));
	plain.mem = shadow;
	plain.base = 0x2000;
	plain.fault_at = -1;
	rip = 0x1000;
	rflags = 2;
	for (k = 0; k < AREA; k++)
		shadow[k] = k;
	for (k = 0; k < 16; k++)
		regs[k] = 0x1111111111111111ULL * k;
}

/* Whatever access of an instruction faults: no register, no flag and not RIP has changed. */
START_TEST(faults_leave_no_trace)
{
	static const u8 codes[][4] = {
		{ 0x01, 0x07 }, { 0x03, 0x07 }, { 0x86, 0x07 }, { 0x87, 0x07 }, { 0x89, 0x07 },
		{ 0x8b, 0x07 }, { 0xf7, 0x1f }, { 0xff, 0x07 }, { 0x0f, 0xb1, 0x07 },
		{ 0x0f, 0xc1, 0x07 }, { 0x0f, 0xc7, 0x0f }, { 0x0f, 0xab, 0x07 }, { 0xa4 },
		{ 0xa5 }, { 0xa7 }, { 0xab }, { 0xad }, { 0xaf }, { 0xff, 0x37 }, { 0x8f, 0x07 },
		{ 0x0f, 0x94, 0x07 }, { 0x0f, 0x44, 0x07 },
	};
	struct vtr_insn i;
	unsigned int k;
	int at;

	for (k = 0; k < ARRAY_SIZE(codes); k++) {
		ck_assert_int_eq(vtr_insn_decode(codes[k], 4, 64, &i), VTR_DECODE_OK);
		for (at = 0; at < 3; at++) {
			u64 before[16];
			int err;

			setup();
			regs[0] = 0;
			regs[4] = regs[6] = regs[7] = 0x2080;
			memcpy(before, regs, sizeof(regs));
			plain.fault_at = at;
			err = run_bytes(64, codes[k], i.len);
			if (!err)
				break;
			ck_assert_int_eq(err, -EFAULT);
			ck_assert_mem_eq(before, regs, sizeof(regs));
			ck_assert_uint_eq(rip, 0x1000);
			ck_assert_uint_eq(rflags, 2);
		}
		ck_assert_int_ge(at, 1);
	}
}
END_TEST

START_TEST(push_and_pop_move_the_stack)
{
	u64 val;

	regs[4] = 0x2080;
	regs[0] = 0x2010;
	ck_assert_int_eq(RUN(64, 0xff, 0x30), 0);	/* push qword [rax] */
	ck_assert_uint_eq(regs[4], 0x2078);
	memcpy(&val, shadow + 0x78, 8);
	ck_assert_uint_eq(val, 0x1716151413121110ULL);
	ck_assert_int_eq(RUN(64, 0x8f, 0x40, 0x20), 0);	/* pop qword [rax+0x20] */
	ck_assert_uint_eq(regs[4], 0x2080);
	ck_assert_mem_eq(shadow + 0x30, shadow + 0x10, 8);
	ck_assert_int_eq(RUN(64, 0x66, 0xff, 0x30), 0);
	ck_assert_uint_eq(regs[4], 0x207e);
	ck_assert_int_eq(RUN(32, 0xff, 0x30), 0);
	ck_assert_uint_eq(regs[4], 0x207a);
}
END_TEST

START_TEST(pop_addresses_with_the_new_stack_pointer)
{
	regs[4] = 0x2040;
	ck_assert_int_eq(RUN(64, 0x8f, 0x44, 0x24, 0x10), 0);	/* pop qword [rsp+0x10] */
	ck_assert_mem_eq(shadow + 0x58, shadow + 0x40, 8);
	ck_assert_uint_eq(shadow[0x50], 0x50);
	ck_assert_uint_eq(regs[4], 0x2048);
}
END_TEST

START_TEST(vector_moves_clear_what_they_do_not_load)
{
	memset(plain.xmm, 0xaa, sizeof(plain.xmm));
	regs[0] = 0x2000;
	ck_assert_int_eq(RUN(64, 0xf3, 0x0f, 0x10, 0x48, 0x04), 0);	/* movss xmm1, [rax+4] */
	ck_assert_mem_eq(plain.xmm[1], "\x04\x05\x06\x07\0\0\0\0\0\0\0\0\0\0\0", 16);
	ck_assert_int_eq(RUN(64, 0xf3, 0x0f, 0x7e, 0x50, 0x08), 0);	/* movq xmm2, [rax+8] */
	ck_assert_mem_eq(plain.xmm[2], "\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\0\0\0\0\0\0\0", 16);
	ck_assert_int_eq(RUN(64, 0xf3, 0x44, 0x0f, 0x6f, 0x48, 0x11), 0);	/* movdqu xmm9 */
	ck_assert_mem_eq(plain.xmm[9], shadow + 0x11, 16);
	ck_assert_int_eq(RUN(64, 0x66, 0x44, 0x0f, 0xe7, 0x48, 0x40), 0);	/* movntdq xmm9 */
	ck_assert_mem_eq(shadow + 0x40, shadow + 0x11, 16);
	ck_assert_int_eq(RUN(64, 0x66, 0x48, 0x0f, 0x7e, 0x50, 0x60), 0);	/* movq [rax+0x60] */
	ck_assert_mem_eq(shadow + 0x60, shadow + 0x08, 8);
	ck_assert_uint_eq(shadow[0x68], 0x68);
}
END_TEST

START_TEST(addresses_of_16_and_32_bits_wrap)
{
	regs[3] = 0x12342ff0;
	regs[6] = 0xabcdf020;
	ck_assert_int_eq(RUN(16, 0x8a, 0x00), 0);	/* mov al, [bx+si] = 0x2010 */
	ck_assert_uint_eq(regs[0] & 0xff, 0x10);
	ck_assert_uint_eq(plain.seg, 3);
	regs[5] = 0x2000;
	ck_assert_int_eq(RUN(16, 0x8a, 0x46, 0x22), 0);	/* mov al, [bp+0x22] */
	ck_assert_uint_eq(regs[0] & 0xff, 0x22);
	ck_assert_uint_eq(plain.seg, 2);
	ck_assert_int_eq(RUN(16, 0x26, 0xa0, 0x33, 0x20), 0);	/* mov al, es:[0x2033] */
	ck_assert_uint_eq(regs[0] & 0xff, 0x33);
	ck_assert_uint_eq(plain.seg, 0);
	regs[0] = 0xffffffff00002044ULL;
	ck_assert_int_eq(RUN(64, 0x67, 0x8a, 0x08), 0);	/* mov cl, [eax] */
	ck_assert_uint_eq(regs[1] & 0xff, 0x44);
	ck_assert_int_eq(RUN(64, 0x64, 0x2e, 0x67, 0x8a, 0x08), 0);	/* FS counts, CS does not */
	ck_assert_uint_eq(plain.seg, 4);
}
END_TEST

/* RIP-relative addresses count from the next instruction, behind the immediate. */
START_TEST(rip_relative)
{
	ck_assert_int_eq(RUN(64, 0xc7, 0x05, 0x36, 0x10, 0, 0, 1, 2, 3, 4), 0);
	ck_assert_mem_eq(shadow + 0x40, "\1\2\3\4\x44", 5);
	ck_assert_uint_eq(rip, 0x100a);
}
END_TEST

START_TEST(rip_wraps_outside_64_bit_mode)
{
	regs[0] = 0x2000;
	rip = 0xfffffffe;
	ck_assert_int_eq(RUN(32, 0x8a, 0x08), 0);
	ck_assert_uint_eq(rip, 0);
}
END_TEST

START_TEST(a_rep_goes_one_element_at_a_time)
{
	regs[1] = 2;
	regs[7] = 0x2000;
	ck_assert_int_eq(RUN(64, 0xf3, 0xaa), 0);
	ck_assert_uint_eq(rip, 0x1000);
	ck_assert_uint_eq(regs[1], 1);
	ck_assert_uint_eq(regs[7], 0x2001);
	ck_assert_int_eq(RUN(64, 0xf3, 0xaa), 0);
	ck_assert_uint_eq(rip, 0x1002);
	ck_assert_int_eq(RUN(64, 0xf3, 0xaa), 0);
	ck_assert_uint_eq(rip, 0x1004);
	ck_assert_uint_eq(regs[1], 0);
	ck_assert_uint_eq(regs[7], 0x2002);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("emulate");
	TCase *native = tcase_create("native"), *alone = tcase_create("alone");
	SRunner *r = srunner_create(s);
	int failed;

	code_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code_page == MAP_FAILED)
		return EXIT_FAILURE;
	tcase_add_loop_test(native, random_instructions_as_on_the_cpu, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(native, setcc_and_cmov_know_every_condition, 0, 16);
	tcase_add_loop_test(native, bit_strings_reach_both_ways, 0, 4);
	tcase_add_loop_test(native, string_instructions_as_on_the_cpu, 0, 10);
	tcase_add_test(native, movbe_as_on_the_cpu);
	tcase_add_test(native, cmpxchg16b_as_on_the_cpu);
	tcase_set_timeout(native, 60);
	suite_add_tcase(s, native);
	tcase_add_checked_fixture(alone, setup, NULL);
	tcase_add_test(alone, faults_leave_no_trace);
	tcase_add_test(alone, push_and_pop_move_the_stack);
	tcase_add_test(alone, pop_addresses_with_the_new_stack_pointer);
	tcase_add_test(alone, vector_moves_clear_what_they_do_not_load);
	tcase_add_test(alone, addresses_of_16_and_32_bits_wrap);
	tcase_add_test(alone, rip_relative);
	tcase_add_test(alone, rip_wraps_outside_64_bit_mode);
	tcase_add_test(alone, a_rep_goes_one_element_at_a_time);
	suite_add_tcase(s, alone);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
