// SPDX-License-Identifier: GPL-2.0-only
/*
 * decode.c - the decoder. Source: SDM 2 "Instruction Format", APM3 "Instruction Encoding".
 *
 * Two tables say for each opcode byte how its operands are encoded; the rest follows from the
 * prefixes. What has no row is VTR_DECODE_UNKNOWN: a guest does not use it on device memory.
 */
#include "decode.h"

#define NO_REG	16
#define RIP_REG	17

/* How an opcode's operands stand. */
#define T_MODRM		BIT(0)
#define T_BYTE		BIT(1)	/* byte operands; else by operand size */
#define T_STORE		BIT(2)	/* r/m is the destination */
#define T_IMM		BIT(3)	/* immediate of operand size (at most 4 bytes) or a byte with T_BYTE */
#define T_IMM8		BIT(4)	/* immediate byte */
#define T_MOFFS		BIT(5)
#define T_SRC8		BIT(6)	/* r/m is a byte whatever the other operand is */
#define T_SRC16		BIT(7)
#define T_STRING	BIT(8)
#define T_GROUP		BIT(9)	/* ModRM.reg selects the operation */
#define T_64		BIT(10)	/* operand size 64 in 64-bit mode */
#define T_CR		BIT(11)
#define T_MEM		BIT(12)	/* r/m must be memory */
#define T_PREFIX	BIT(13)
#define T_REX		BIT(14)	/* a prefix in 64-bit mode */

struct vtr_opcode {
	u8 op;
	u16 how;
};

#define ALU(n, o) \
	[8 * (n) + 0] = { o, T_MODRM | T_BYTE | T_STORE }, \
	[8 * (n) + 1] = { o, T_MODRM | T_STORE }, \
	[8 * (n) + 2] = { o, T_MODRM | T_BYTE }, \
	[8 * (n) + 3] = { o, T_MODRM }

static const struct vtr_opcode vtr_one_byte[256] = {
	ALU(0, VTR_OP_ADD), ALU(1, VTR_OP_OR), ALU(2, VTR_OP_ADC), ALU(3, VTR_OP_SBB),
	ALU(4, VTR_OP_AND), ALU(5, VTR_OP_SUB), ALU(6, VTR_OP_XOR), ALU(7, VTR_OP_CMP),
	[0x26] = { VTR_OP_NONE, T_PREFIX }, [0x2e] = { VTR_OP_NONE, T_PREFIX },
	[0x36] = { VTR_OP_NONE, T_PREFIX }, [0x3e] = { VTR_OP_NONE, T_PREFIX },
	[0x40 ... 0x4f] = { VTR_OP_NONE, T_REX },
	[0x63] = { VTR_OP_MOVSX, T_MODRM },
	[0x64 ... 0x67] = { VTR_OP_NONE, T_PREFIX },
	[0x6c] = { VTR_OP_INS, T_STRING | T_BYTE }, [0x6d] = { VTR_OP_INS, T_STRING },
	[0x6e] = { VTR_OP_OUTS, T_STRING | T_BYTE }, [0x6f] = { VTR_OP_OUTS, T_STRING },
	[0x80] = { VTR_OP_ADD, T_MODRM | T_BYTE | T_STORE | T_IMM8 | T_GROUP },
	[0x81] = { VTR_OP_ADD, T_MODRM | T_STORE | T_IMM | T_GROUP },
	[0x83] = { VTR_OP_ADD, T_MODRM | T_STORE | T_IMM8 | T_GROUP },
	[0x84] = { VTR_OP_TEST, T_MODRM | T_BYTE }, [0x85] = { VTR_OP_TEST, T_MODRM },
	[0x86] = { VTR_OP_XCHG, T_MODRM | T_BYTE | T_STORE },
	[0x87] = { VTR_OP_XCHG, T_MODRM | T_STORE },
	[0x88] = { VTR_OP_MOV, T_MODRM | T_BYTE | T_STORE },
	[0x89] = { VTR_OP_MOV, T_MODRM | T_STORE },
	[0x8a] = { VTR_OP_MOV, T_MODRM | T_BYTE }, [0x8b] = { VTR_OP_MOV, T_MODRM },
	[0x8f] = { VTR_OP_POP, T_MODRM | T_STORE | T_64 | T_GROUP },
	[0x90] = { VTR_OP_OTHER, 0 },
	[0x9c] = { VTR_OP_OTHER, 0 }, [0x9d] = { VTR_OP_OTHER, 0 },
	[0xa0] = { VTR_OP_MOV, T_MOFFS | T_BYTE }, [0xa1] = { VTR_OP_MOV, T_MOFFS },
	[0xa2] = { VTR_OP_MOV, T_MOFFS | T_BYTE | T_STORE },
	[0xa3] = { VTR_OP_MOV, T_MOFFS | T_STORE },
	[0xa4] = { VTR_OP_MOVS, T_STRING | T_BYTE }, [0xa5] = { VTR_OP_MOVS, T_STRING },
	[0xa6] = { VTR_OP_CMPS, T_STRING | T_BYTE }, [0xa7] = { VTR_OP_CMPS, T_STRING },
	[0xaa] = { VTR_OP_STOS, T_STRING | T_BYTE }, [0xab] = { VTR_OP_STOS, T_STRING },
	[0xac] = { VTR_OP_LODS, T_STRING | T_BYTE }, [0xad] = { VTR_OP_LODS, T_STRING },
	[0xae] = { VTR_OP_SCAS, T_STRING | T_BYTE }, [0xaf] = { VTR_OP_SCAS, T_STRING },
	[0xc6] = { VTR_OP_MOV, T_MODRM | T_BYTE | T_STORE | T_IMM8 | T_GROUP },
	[0xc7] = { VTR_OP_MOV, T_MODRM | T_STORE | T_IMM | T_GROUP },
	[0xcc] = { VTR_OP_OTHER, 0 }, [0xcf] = { VTR_OP_OTHER, 0 },
	[0xcd] = { VTR_OP_OTHER, T_IMM8 | T_BYTE },
	[0xe4] = { VTR_OP_OTHER, T_IMM8 | T_BYTE }, [0xe5] = { VTR_OP_OTHER, T_IMM8 },
	[0xe6] = { VTR_OP_OTHER, T_IMM8 | T_BYTE }, [0xe7] = { VTR_OP_OTHER, T_IMM8 },
	[0xec] = { VTR_OP_OTHER, 0 }, [0xed] = { VTR_OP_OTHER, 0 },
	[0xee] = { VTR_OP_OTHER, 0 }, [0xef] = { VTR_OP_OTHER, 0 },
	[0xf0] = { VTR_OP_NONE, T_PREFIX }, [0xf1] = { VTR_OP_OTHER, 0 },
	[0xf2 ... 0xf3] = { VTR_OP_NONE, T_PREFIX },
	[0xf4] = { VTR_OP_OTHER, 0 }, [0xfa] = { VTR_OP_OTHER, 0 }, [0xfb] = { VTR_OP_OTHER, 0 },
	[0xf6] = { VTR_OP_TEST, T_MODRM | T_BYTE | T_STORE | T_GROUP },
	[0xf7] = { VTR_OP_TEST, T_MODRM | T_STORE | T_GROUP },
	[0xfe] = { VTR_OP_INC, T_MODRM | T_BYTE | T_STORE | T_GROUP },
	[0xff] = { VTR_OP_INC, T_MODRM | T_STORE | T_GROUP },
};

#define V	(T_MODRM | T_MEM)

static const struct vtr_opcode vtr_two_byte[256] = {
	[0x00] = { VTR_OP_OTHER, T_MODRM }, [0x01] = { VTR_OP_OTHER, T_MODRM },
	[0x06] = { VTR_OP_OTHER, 0 }, [0x08] = { VTR_OP_OTHER, 0 }, [0x09] = { VTR_OP_OTHER, 0 },
	[0x10] = { VTR_OP_VMOV, V }, [0x11] = { VTR_OP_VMOV, V | T_STORE },
	[0x20] = { VTR_OP_MOV_CR, T_CR | T_STORE }, [0x21] = { VTR_OP_MOV_DR, T_CR | T_STORE },
	[0x22] = { VTR_OP_MOV_CR, T_CR }, [0x23] = { VTR_OP_MOV_DR, T_CR },
	[0x28] = { VTR_OP_VMOV, V }, [0x29] = { VTR_OP_VMOV, V | T_STORE },
	[0x2b] = { VTR_OP_VMOV, V | T_STORE },
	[0x30] = { VTR_OP_OTHER, 0 }, [0x31] = { VTR_OP_OTHER, 0 }, [0x32] = { VTR_OP_OTHER, 0 },
	[0x33] = { VTR_OP_OTHER, 0 },
	[0x40 ... 0x4f] = { VTR_OP_CMOVCC, T_MODRM },
	[0x6e] = { VTR_OP_VMOV, V }, [0x6f] = { VTR_OP_VMOV, V },
	[0x7e] = { VTR_OP_VMOV, V | T_STORE }, [0x7f] = { VTR_OP_VMOV, V | T_STORE },
	[0x90 ... 0x9f] = { VTR_OP_SETCC, T_MODRM | T_BYTE | T_STORE },
	[0xa2] = { VTR_OP_OTHER, 0 },
	[0xa3] = { VTR_OP_BT, T_MODRM | T_STORE },
	[0xaa] = { VTR_OP_OTHER, 0 }, [0xab] = { VTR_OP_BTS, T_MODRM | T_STORE },
	[0xb0] = { VTR_OP_CMPXCHG, T_MODRM | T_BYTE | T_STORE },
	[0xb1] = { VTR_OP_CMPXCHG, T_MODRM | T_STORE },
	[0xb3] = { VTR_OP_BTR, T_MODRM | T_STORE },
	[0xb6] = { VTR_OP_MOV, T_MODRM | T_SRC8 }, [0xb7] = { VTR_OP_MOV, T_MODRM | T_SRC16 },
	[0xba] = { VTR_OP_BT, T_MODRM | T_STORE | T_IMM8 | T_GROUP },
	[0xbb] = { VTR_OP_BTC, T_MODRM | T_STORE },
	[0xbe] = { VTR_OP_MOVSX, T_MODRM | T_SRC8 }, [0xbf] = { VTR_OP_MOVSX, T_MODRM | T_SRC16 },
	[0xc0] = { VTR_OP_XADD, T_MODRM | T_BYTE | T_STORE },
	[0xc1] = { VTR_OP_XADD, T_MODRM | T_STORE },
	[0xc3] = { VTR_OP_MOV, T_MODRM | T_STORE | T_MEM },
	[0xc7] = { VTR_OP_CMPXCHG8B, T_MODRM | T_STORE | T_GROUP | T_MEM },
	[0xd6] = { VTR_OP_VMOV, V | T_STORE }, [0xe7] = { VTR_OP_VMOV, V | T_STORE },
};

struct vtr_cursor {
	const u8 *bytes;
	unsigned int n, at;
	bool short_of;
};

static __always_inline u8 vtr_next(struct vtr_cursor *c)
{
	if (likely(c->at < c->n))
		return c->bytes[c->at++];
	c->short_of = true;
	return 0;
}

/* 1, 2, 4 or 8 bytes, zero-extended; x86 is the only host, so its byte order is the instruction's. */
static u64 vtr_next_n(struct vtr_cursor *c, unsigned int bytes)
{
	const u8 *from = c->bytes + c->at;
	u32 val32;
	u16 val16;
	u64 val;

	if (unlikely(c->n - c->at < bytes)) {
		c->short_of = true;
		return 0;
	}
	c->at += bytes;
	switch (bytes) {
	case 1:
		return *from;
	case 2:
		memcpy(&val16, from, 2);
		return val16;
	case 4:
		memcpy(&val32, from, 4);
		return val32;
	default:
		memcpy(&val, from, 8);
		return val;
	}
}

static s64 vtr_next_signed(struct vtr_cursor *c, unsigned int bytes)
{
	u64 val = vtr_next_n(c, bytes);

	return bytes == 1 ? (s64)(s8)val : bytes == 2 ? (s64)(s16)val : (s64)(s32)val;
}

struct vtr_prefixes {
	bool opsize, addrsize, lock;
	u8 rep, rex, seg;
};

static void vtr_take_prefix(struct vtr_prefixes *p, u8 b, unsigned int bits)
{
	switch (b) {
	case 0x66:
		p->opsize = true;
		break;
	case 0x67:
		p->addrsize = true;
		break;
	case 0xf0:
		p->lock = true;
		break;
	case 0xf2:
	case 0xf3:
		p->rep = b;
		break;
	case 0x64:
	case 0x65:
		p->seg = b - 0x60;
		break;
	default:
		/* ES, CS, SS and DS: 64-bit mode ignores them, also behind FS or GS. */
		if (bits != 64)
			p->seg = (b >> 3) & 3;
		break;
	}
}

/* Returns the first byte that is no prefix. */
static u8 vtr_read_prefixes(struct vtr_cursor *c, unsigned int bits, struct vtr_prefixes *p)
{
	for (;;) {
		u8 b = vtr_next(c);
		u16 how = vtr_one_byte[b].how;

		if (how & T_REX && bits == 64) {
			p->rex = b;
		} else if (how & T_PREFIX) {
			/* A REX prefix counts only right before the opcode. */
			p->rex = 0;
			vtr_take_prefix(p, b, bits);
		} else {
			return b;
		}
		if (c->short_of)
			return 0;
	}
}

/* 16-bit addressing: SDM 2A "16-Bit Addressing Forms with the ModR/M Byte". */
static void vtr_modrm16(struct vtr_cursor *c, struct vtr_insn *i, u8 mod, u8 rm)
{
	static const u8 base[8] = { 3, 3, 5, 5, NO_REG, NO_REG, 5, 3 };
	static const u8 index[8] = { 6, 7, 6, 7, 6, 7, NO_REG, NO_REG };

	i->base = base[rm];
	i->index = index[rm];
	if (rm == 6 && mod == 0) {
		i->base = NO_REG;
		i->disp = vtr_next_n(c, 2);
	} else if (mod) {
		i->disp = vtr_next_signed(c, mod);
	}
	if (i->base == 5 && i->seg == VTR_SEG_DEFAULT)
		i->seg = 2;
}

static void vtr_modrm32(struct vtr_cursor *c, struct vtr_insn *i, u8 mod, u8 rm, u8 rex,
			unsigned int bits)
{
	if (rm == 4) {
		u8 sib = vtr_next(c);

		i->scale = sib >> 6;
		i->index = ((sib >> 3) & 7) | (rex & 2 ? 8 : 0);
		if (i->index == 4)
			i->index = NO_REG;
		rm = sib & 7;
		i->base = rm | (rex & 1 ? 8 : 0);
		if (rm == 5 && mod == 0) {
			i->base = NO_REG;
			i->disp = vtr_next_signed(c, 4);
		}
	} else {
		i->base = rm | (rex & 1 ? 8 : 0);
		if (rm == 5 && mod == 0) {
			i->base = bits == 64 ? RIP_REG : NO_REG;
			i->disp = vtr_next_signed(c, 4);
		}
	}
	if (mod == 1)
		i->disp = vtr_next_signed(c, 1);
	else if (mod == 2)
		i->disp = vtr_next_signed(c, 4);
	if ((i->base == 4 || i->base == 5) && i->seg == VTR_SEG_DEFAULT)
		i->seg = 2;
}

static u8 vtr_read_modrm(struct vtr_cursor *c, struct vtr_insn *i, u8 rex, unsigned int bits)
{
	u8 modrm = vtr_next(c), mod = modrm >> 6, rm = modrm & 7;

	i->reg = ((modrm >> 3) & 7) | (rex & 4 ? 8 : 0);
	if (mod == 3) {
		i->rm = rm | (rex & 1 ? 8 : 0);
		return modrm;
	}
	i->mem = true;
	if (i->addr_size == 2)
		vtr_modrm16(c, i, mod, rm);
	else
		vtr_modrm32(c, i, mod, rm, rex, bits);
	return modrm;
}

/* ModRM.reg chooses within a group. Returns false for a member that is not ours. */
static bool vtr_resolve_group(struct vtr_insn *i, u8 opcode, bool two, u8 ext, u16 *how)
{
	static const u8 f6[8] = { VTR_OP_TEST, VTR_OP_TEST, VTR_OP_NOT, VTR_OP_NEG };
	static const u8 fe[8] = { VTR_OP_INC, VTR_OP_DEC };
	static const u8 ff[8] = { VTR_OP_INC, VTR_OP_DEC, 0, 0, 0, 0, VTR_OP_PUSH };
	static const u8 ba[8] = { 0, 0, 0, 0, VTR_OP_BT, VTR_OP_BTS, VTR_OP_BTR, VTR_OP_BTC };

	if (two && opcode == 0xba)
		i->op = ba[ext];
	else if (two)
		i->op = ext == 1 ? VTR_OP_CMPXCHG8B : VTR_OP_NONE;
	else if (opcode < 0x84)
		i->op = VTR_OP_ADD + ext;
	else if (opcode < 0xc8)	/* 8F, C6, C7: one member, named by the table */
		i->op = ext ? VTR_OP_NONE : i->op;
	else if (opcode == 0xfe)
		i->op = fe[ext];
	else if (opcode == 0xff)
		i->op = ff[ext];
	else
		i->op = f6[ext];
	if ((opcode & 0xfe) == 0xf6 && !two && ext < 2)
		*how |= opcode & 1 ? T_IMM : T_IMM8;
	if (i->op == VTR_OP_PUSH)
		*how |= T_64;
	return i->op != VTR_OP_NONE;
}

/* Vector moves: the mandatory prefix chooses the width, or an instruction that is not ours (MMX). */
static bool vtr_resolve_vector(struct vtr_insn *i, u8 opcode, const struct vtr_prefixes *p)
{
	bool ours = p->opsize && !p->rep;
	u8 size = 16;

	switch (opcode) {
	case 0x10:
	case 0x11:
		size = p->rep == 0xf3 ? 4 : p->rep == 0xf2 ? 8 : 16;
		ours = true;
		break;
	case 0x28:
	case 0x29:
	case 0x2b:
		ours = !p->rep;
		break;
	case 0x6f:
	case 0x7f:
		ours |= p->rep == 0xf3;
		break;
	case 0x6e:
		size = p->rex & 8 ? 8 : 4;
		break;
	case 0x7e:
		size = p->rex & 8 ? 8 : 4;
		if (p->rep != 0xf3)
			break;
		i->store = false;
		size = 8;
		ours = true;
		break;
	case 0xd6:
		size = 8;
		break;
	}
	i->size = size;
	return ours;
}

static __always_inline void vtr_operand_sizes(struct vtr_insn *i, u16 how, unsigned int bits,
			      const struct vtr_prefixes *p)
{
	unsigned int size = bits == 16 ? 2 : 4;

	if (p->opsize)
		size = 6 - size;
	if (p->rex & 8)
		size = 8;
	else if (how & T_64 && bits == 64 && !p->opsize)
		size = 8;
	if (how & T_BYTE)
		size = 1;
	else if (size == 8 && (i->op == VTR_OP_INS || i->op == VTR_OP_OUTS))
		size = 4;
	i->size = size;
	i->mem_size = how & T_SRC8 ? 1 : how & T_SRC16 ? 2 : size;
}

static void vtr_read_imm(struct vtr_cursor *c, struct vtr_insn *i, u16 how)
{
	if (how & T_IMM8) {
		i->imm = vtr_next_signed(c, 1);
		i->has_imm = true;
	} else if (how & T_IMM) {
		i->imm = vtr_next_signed(c, min_t(unsigned int, i->size, 4));
		i->has_imm = true;
	}
}

static bool vtr_decode_0f38(struct vtr_cursor *c, struct vtr_insn *i, const struct vtr_prefixes *p,
			    unsigned int bits)
{
	u8 opcode = vtr_next(c);

	if ((opcode & 0xfe) != 0xf0 || p->rep)
		return false;	/* with F2: CRC32 */
	i->op = VTR_OP_MOVBE;
	i->store = opcode == 0xf1;
	vtr_operand_sizes(i, 0, bits, p);
	vtr_read_modrm(c, i, p->rex, bits);
	return i->mem;
}

/* MOV to and from control and debug registers: the mod field is ignored, it is always a register. */
static enum vtr_decode vtr_decode_cr(struct vtr_cursor *c, struct vtr_insn *i,
				     const struct vtr_prefixes *p, unsigned int bits)
{
	u8 modrm = vtr_next(c);

	i->reg = ((modrm >> 3) & 7) | (p->rex & 4 ? 8 : 0);
	i->rm = (modrm & 7) | (p->rex & 1 ? 8 : 0);
	i->size = bits == 64 ? 8 : 4;
	/* APM3 "MOV CRn": LOCK reaches CR8 where there is no REX prefix. */
	if (p->lock && i->op == VTR_OP_MOV_CR)
		i->reg |= 8;
	else if (p->lock)
		return VTR_DECODE_BAD;
	return VTR_DECODE_OK;
}

static bool vtr_insn_lockable(const struct vtr_insn *i)
{
	return i->mem && i->store &&
	       ((i->op >= VTR_OP_ADD && i->op <= VTR_OP_XOR) ||
		(i->op >= VTR_OP_INC && i->op <= VTR_OP_CMPXCHG8B) ||
		(i->op >= VTR_OP_BTS && i->op <= VTR_OP_BTC));
}

static enum vtr_decode vtr_decode_body(struct vtr_cursor *c, struct vtr_insn *i, u8 opcode,
				       const struct vtr_prefixes *p, unsigned int bits)
{
	const struct vtr_opcode *o = &vtr_one_byte[opcode];
	bool two = false;
	u8 modrm;
	u16 how;

	if (opcode == 0x0f) {
		opcode = vtr_next(c);
		if (opcode == 0x38)
			return vtr_decode_0f38(c, i, p, bits) ? VTR_DECODE_OK : VTR_DECODE_UNKNOWN;
		two = true;
		o = &vtr_two_byte[opcode];
		i->cond = opcode & 0xf;
	} else if (opcode == 0x63 && bits != 64) {
		return VTR_DECODE_UNKNOWN;	/* ARPL */
	}
	i->op = o->op;
	how = o->how;
	if (i->op == VTR_OP_NONE)
		return VTR_DECODE_UNKNOWN;
	i->store = how & T_STORE;
	if (how & T_CR)
		return vtr_decode_cr(c, i, p, bits);
	vtr_operand_sizes(i, how, bits, p);
	if (how & T_MODRM) {
		modrm = vtr_read_modrm(c, i, p->rex, bits);
		if (how & T_GROUP) {
			if (!vtr_resolve_group(i, opcode, two, (modrm >> 3) & 7, &how))
				return VTR_DECODE_UNKNOWN;
			vtr_operand_sizes(i, how, bits, p);
		}
		if (how & T_MEM && !i->mem)
			return VTR_DECODE_UNKNOWN;
	}
	if (i->op == VTR_OP_VMOV) {
		if (!vtr_resolve_vector(i, opcode, p))
			return VTR_DECODE_UNKNOWN;
		i->mem_size = i->size;
	}
	if (two && opcode == 0xc3 && (p->opsize || p->rep))
		return VTR_DECODE_UNKNOWN;	/* MOVNTI has no other forms */
	if (opcode == 0x63 && !two)
		i->mem_size = min_t(u8, i->size, 4);
	if (how & T_MOFFS) {
		i->mem = true;
		i->disp = vtr_next_n(c, i->addr_size);
	}
	vtr_read_imm(c, i, how);
	return VTR_DECODE_OK;
}

static noinline enum vtr_decode vtr_decode_any(const u8 *bytes, unsigned int n, unsigned int bits,
					       struct vtr_insn *insn)
{
	struct vtr_cursor c = { .bytes = bytes, .n = min_t(unsigned int, n, VTR_INSN_MAX) };
	struct vtr_prefixes p = { .seg = VTR_SEG_DEFAULT };
	enum vtr_decode ret;
	u8 opcode;

	memset(insn, 0, sizeof(*insn));
	insn->base = NO_REG;
	insn->index = NO_REG;
	opcode = vtr_read_prefixes(&c, bits, &p);
	insn->seg = p.seg;
	insn->lock = p.lock;
	insn->rep = p.rep;
	insn->rex = p.rex;
	insn->addr_size = bits == 64 ? (p.addrsize ? 4 : 8) :
			  (bits == 32) != p.addrsize ? 4 : 2;
	ret = vtr_decode_body(&c, insn, opcode, &p, bits);
	if (unlikely(c.short_of))
		return n >= VTR_INSN_MAX ? VTR_DECODE_BAD : VTR_DECODE_MORE;
	if (unlikely(p.lock) && ret == VTR_DECODE_OK && insn->op != VTR_OP_MOV_CR &&
	    !vtr_insn_lockable(insn))
		return VTR_DECODE_BAD;
	if (insn->seg == VTR_SEG_DEFAULT)
		insn->seg = 3;
	insn->len = c.at;
	return ret;
}

static __always_inline s32 vtr_get_s32(const u8 *from)
{
	s32 val;

	memcpy(&val, from, 4);
	return val;
}

/*
 * MOV between memory and a register or an immediate, as drivers access their devices: the general way
 * would take four times as many instructions, in the hottest of MMIO exits. Says exactly what the
 * general way says, or false for it to be asked. There must be VTR_INSN_MAX bytes.
 */
static __always_inline bool vtr_decode_mov(const u8 *from, unsigned int bits, struct vtr_insn *insn)
{
	const u8 *at = from;
	u8 size = 4, rex = 0, opcode, modrm, base;

	if (*at == 0x66) {
		size = 2;
		at++;
	}
	if (bits == 64 && (*at & 0xf0) == 0x40) {
		rex = *at++;
		size = rex & 8 ? 8 : size;
	}
	opcode = at[0];
	modrm = at[1];
	at += 2;
	if (bits == 16 || modrm >= 0xc0 ||
	    ((opcode & 0xfc) != 0x88 && !((opcode & 0xfe) == 0xc6 && !(modrm & 0x38))))
		return false;
	size = opcode & 1 ? size : 1;
	/* Field by field, as they become known: few values stay in registers. */
	*insn = (struct vtr_insn){ .op = VTR_OP_MOV, .mem = true, .index = NO_REG };
	insn->size = size;
	insn->mem_size = size;
	insn->addr_size = bits / 8;
	insn->rex = rex;
	insn->reg = ((modrm >> 3) & 7) | (rex & 4) << 1;
	base = modrm & 7;
	if (base == 4) {
		u8 sib = *at++, index = ((sib >> 3) & 7) | (rex & 2) << 2;

		insn->scale = sib >> 6;
		insn->index = index == 4 ? NO_REG : index;
		base = sib & 7;
	}
	if (base == 5 && modrm < 0x40) {
		base = bits == 64 && (modrm & 7) == 5 ? RIP_REG : NO_REG;
		insn->disp = vtr_get_s32(at);
		at += 4;
	} else {
		base |= (rex & 1) << 3;
		if (modrm >= 0x80) {
			insn->disp = vtr_get_s32(at);
			at += 4;
		} else if (modrm >= 0x40) {
			insn->disp = (s8)*at++;
		}
	}
	insn->base = base;
	insn->seg = (base & ~1) == 4 ? 2 : 3;
	insn->store = !(opcode & 2);
	if (opcode & 0x40) {
		insn->store = true;
		insn->has_imm = true;
		insn->imm = size == 1 ? (s64)(s8)*at : size == 2 ? (s64)(s16)vtr_get_s32(at) :
			    (s64)vtr_get_s32(at);
		at += min_t(u8, size, 4);
	}
	insn->len = at - from;
	return true;
}

/**
 * vtr_insn_decode() - decode one instruction
 * @bytes: at RIP
 * @n: how many there are, at most 15 are looked at
 * @bits: 16, 32 or 64: the code segment's default
 * @insn: filled
 *
 * Return: VTR_DECODE_*.
 */
enum vtr_decode vtr_insn_decode(const u8 *bytes, unsigned int n, unsigned int bits,
				struct vtr_insn *insn)
{
	if (likely(n >= VTR_INSN_MAX && vtr_decode_mov(bytes, bits, insn)))
		return VTR_DECODE_OK;
	return vtr_decode_any(bytes, n, bits, insn);
}

/**
 * vtr_insn_skip_prefixed() - vtr_insn_skip_len() where prefixes or the end of a page are in the way
 * @bytes: at RIP
 * @n: how many, at most 15 are looked at
 * @bits: 16, 32 or 64
 * @op: one opcode byte, or 0x0f00 | the second one
 * @modrm: a third byte follows
 *
 * Return: the length; 0 if the bytes are something else or too few.
 */
unsigned int vtr_insn_skip_prefixed(const u8 *bytes, unsigned int n, unsigned int bits, u16 op,
				    bool modrm)
{
	struct vtr_cursor c = { .bytes = bytes, .n = min_t(unsigned int, n, VTR_INSN_MAX) };
	struct vtr_prefixes p = {};
	u16 found = vtr_read_prefixes(&c, bits, &p);

	if (found == 0x0f)
		found = 0x0f00 | vtr_next(&c);
	if (op >= 0x0f00 && modrm)
		vtr_next(&c);
	return found == op && !c.short_of ? c.at : 0;
}
