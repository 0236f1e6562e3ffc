/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decode.h - x86 instructions that a hypervisor must finish for its guest: accesses to MMIO, string
 * port accesses, and the length of those that exit by themselves. Pure.
 */
#ifndef VITRINE_DECODE_H
#define VITRINE_DECODE_H

#include "pure.h"

#define VTR_INSN_MAX	15

enum vtr_op {
	VTR_OP_NONE,
	VTR_OP_MOV,		/* memory or register to the other, zero-extended */
	VTR_OP_MOVSX,
	VTR_OP_ADD, VTR_OP_OR, VTR_OP_ADC, VTR_OP_SBB, VTR_OP_AND, VTR_OP_SUB, VTR_OP_XOR,
	VTR_OP_CMP,		/* these eight in the encoding's order */
	VTR_OP_TEST,
	VTR_OP_INC, VTR_OP_DEC, VTR_OP_NOT, VTR_OP_NEG,
	VTR_OP_XCHG, VTR_OP_XADD, VTR_OP_CMPXCHG, VTR_OP_CMPXCHG8B,
	VTR_OP_BT, VTR_OP_BTS, VTR_OP_BTR, VTR_OP_BTC,
	VTR_OP_SETCC,
	VTR_OP_CMOVCC,
	VTR_OP_MOVBE,
	VTR_OP_VMOV,		/* vector register and memory, 4 to 16 bytes */
	VTR_OP_PUSH, VTR_OP_POP,
	VTR_OP_MOVS, VTR_OP_STOS, VTR_OP_LODS, VTR_OP_CMPS, VTR_OP_SCAS,
	VTR_OP_INS, VTR_OP_OUTS,
	VTR_OP_MOV_CR, VTR_OP_MOV_DR,	/* to or from: .store says "to the general register" */
	VTR_OP_OTHER,		/* known length, nothing we execute */
};

enum vtr_decode {
	VTR_DECODE_OK,
	VTR_DECODE_MORE,	/* the instruction goes on behind the bytes given */
	VTR_DECODE_BAD,		/* longer than 15 bytes, or no instruction: #UD or #GP on a CPU */
	VTR_DECODE_UNKNOWN,	/* may be valid, but not one of ours */
};

enum vtr_seg_override { VTR_SEG_DEFAULT = 0xff };

/**
 * struct vtr_insn - a decoded instruction
 * @op: what it does
 * @len: bytes
 * @size: operand size in bytes: 1, 2, 4, 8 (vector moves also 16)
 * @mem_size: size of the memory operand where it differs (MOVZX, MOVSX)
 * @addr_size: 2, 4 or 8
 * @store: memory (or r/m) is the destination
 * @mem: there is a memory operand described by base, index, scale, disp
 * @has_imm: the other operand is imm
 * @rex: a REX prefix was there (selects SPL..DIL instead of AH..BH)
 * @lock: LOCK prefix
 * @rep: 0, 0xf2 or 0xf3
 * @reg: register operand, 0..15; for MOV CR/DR the control register
 * @rm: register number of the r/m operand when @mem is false
 * @base: 0..15, 16: none, 17: RIP
 * @index: 0..15, 16: none
 * @scale: shift
 * @seg: ES CS SS DS FS GS (0..5)
 * @cond: condition code of SETcc and CMOVcc
 * @disp: displacement, sign-extended
 * @imm: immediate, sign-extended
 */
struct vtr_insn {
	enum vtr_op op;
	u8 len;
	u8 size;
	u8 mem_size;
	u8 addr_size;
	bool store, mem, has_imm, rex, lock;
	u8 rep;
	u8 reg, rm;
	u8 base, index, scale;
	u8 seg;
	u8 cond;
	s64 disp;
	u64 imm;
};

enum vtr_decode vtr_insn_decode(const u8 *bytes, unsigned int n, unsigned int bits,
				struct vtr_insn *insn);

unsigned int vtr_insn_skip_prefixed(const u8 *bytes, unsigned int n, unsigned int bits, u16 op,
				    bool modrm);

/**
 * vtr_insn_skip_len() - length of an instruction of which only the opcode is known
 * @bytes: up to 15 bytes at RIP
 * @n: how many
 * @bits: 16, 32 or 64
 * @op: one opcode byte, or 0x0f00 | the second one
 * @modrm: it has a ModRM byte without memory operand, or a fixed third byte
 *
 * Return: the length; 0 if the bytes are something else.
 */
static __always_inline unsigned int vtr_insn_skip_len(const u8 *bytes, unsigned int n,
						      unsigned int bits, u16 op, bool modrm)
{
	if (likely(n >= 3)) {
		if (op < 0x0f00 && bytes[0] == op)
			return 1;
		if (op >= 0x0f00 && bytes[0] == 0x0f && bytes[1] == (u8)op)
			return 2 + modrm;
	}
	return vtr_insn_skip_prefixed(bytes, n, bits, op, modrm);
}

#endif /* VITRINE_DECODE_H */
