// SPDX-License-Identifier: GPL-2.0-only
/*
 * emulate.c - executes one instruction. Registers change only when every access of it succeeded, so an
 * instruction that must wait for user space is simply executed again. Source: SDM 2, the instructions.
 */
#include "emulate.h"

#define CF	BIT_ULL(0)
#define PF	BIT_ULL(2)
#define AF	BIT_ULL(4)
#define ZF	BIT_ULL(6)
#define SF	BIT_ULL(7)
#define DF	BIT_ULL(10)
#define OF	BIT_ULL(11)
#define ARITH	(CF | PF | AF | ZF | SF | OF)

static u64 vtr_mask(unsigned int size)
{
	return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;
}

static u64 vtr_sign_bit(unsigned int size)
{
	return 1ULL << (8 * size - 1);
}

static s64 vtr_sign_extend(u64 val, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (s64)(val << shift) >> shift;
}

/**
 * vtr_reg_read() - a general register operand
 * @regs: the registers
 * @i: for REX, which decides between SPL..DIL and AH..BH
 * @reg: 0..15
 * @size: bytes
 *
 * Return: its value, zero-extended.
 */
u64 vtr_reg_read(const u64 *regs, const struct vtr_insn *i, u8 reg, u8 size)
{
	if (size == 1 && !i->rex && reg >= 4 && reg < 8)
		return (regs[reg - 4] >> 8) & 0xff;
	return regs[reg & 15] & vtr_mask(size);
}

/**
 * vtr_reg_write() - write a general register operand: 32 bits clear the upper half, fewer keep it
 * @regs: the registers
 * @i: for REX
 * @reg: 0..15
 * @size: bytes
 * @val: value
 */
void vtr_reg_write(u64 *regs, const struct vtr_insn *i, u8 reg, u8 size, u64 val)
{
	reg &= 15;
	if (size == 1 && !i->rex && reg >= 4 && reg < 8)
		regs[reg - 4] = (regs[reg - 4] & ~0xff00ULL) | (val & 0xff) << 8;
	else if (size == 4)
		regs[reg] = (u32)val;
	else
		regs[reg] = (regs[reg] & ~vtr_mask(size)) | (val & vtr_mask(size));
}

/**
 * vtr_insn_offset() - offset of the memory operand in its segment
 * @e: registers
 * @i: decoded instruction with a memory operand
 *
 * Return: the offset, cut to the address size.
 */
u64 vtr_insn_offset(const struct vtr_emul *e, const struct vtr_insn *i)
{
	u64 off = i->disp;

	if (i->base < 16)
		off += e->regs[i->base];
	else if (i->base == 17)
		off += *e->rip + i->len;
	if (i->index < 16)
		off += e->regs[i->index] << i->scale;
	return off & vtr_mask(i->addr_size);
}

static u64 vtr_flags_szp(u64 res, unsigned int size)
{
	u64 f = 0;

	res &= vtr_mask(size);
	if (!res)
		f |= ZF;
	if (res & vtr_sign_bit(size))
		f |= SF;
	if (!(__builtin_popcountll(res & 0xff) & 1))
		f |= PF;
	return f;
}

static u64 vtr_add(u64 a, u64 b, u64 carry, unsigned int size, u64 *f)
{
	u64 m = vtr_mask(size), res = (a + b + carry) & m;

	*f = vtr_flags_szp(res, size);
	if (res < (a & m) || (carry && res == (a & m)))
		*f |= CF;
	if ((a ^ res) & (b ^ res) & vtr_sign_bit(size))
		*f |= OF;
	*f |= (a ^ b ^ res) & AF;
	return res;
}

static u64 vtr_sub(u64 a, u64 b, u64 borrow, unsigned int size, u64 *f)
{
	u64 m = vtr_mask(size), res = (a - b - borrow) & m;

	a &= m;
	b &= m;
	*f = vtr_flags_szp(res, size);
	if (a < b || (borrow && a == b))
		*f |= CF;
	if ((a ^ b) & (a ^ res) & vtr_sign_bit(size))
		*f |= OF;
	*f |= (a ^ b ^ res) & AF;
	return res;
}

/* dst op src; the new flags among ARITH in *f. */
static u64 vtr_alu(enum vtr_op op, u64 dst, u64 src, unsigned int size, u64 flags, u64 *f)
{
	u64 res;

	switch (op) {
	case VTR_OP_ADD:
		return vtr_add(dst, src, 0, size, f);
	case VTR_OP_ADC:
		return vtr_add(dst, src, flags & CF, size, f);
	case VTR_OP_SBB:
		return vtr_sub(dst, src, flags & CF, size, f);
	case VTR_OP_SUB:
	case VTR_OP_CMP:
		return vtr_sub(dst, src, 0, size, f);
	case VTR_OP_OR:
		res = dst | src;
		break;
	case VTR_OP_XOR:
		res = dst ^ src;
		break;
	default:
		res = dst & src;
		break;
	}
	*f = vtr_flags_szp(res, size);
	return res & vtr_mask(size);
}

static void vtr_set_flags(struct vtr_emul *e, u64 mask, u64 f)
{
	*e->rflags = (*e->rflags & ~mask) | (f & mask);
}

static bool vtr_cond(u64 flags, u8 cond)
{
	bool r;

	switch (cond >> 1) {
	case 0:
		r = flags & OF;
		break;
	case 1:
		r = flags & CF;
		break;
	case 2:
		r = flags & ZF;
		break;
	case 3:
		r = flags & (CF | ZF);
		break;
	case 4:
		r = flags & SF;
		break;
	case 5:
		r = flags & PF;
		break;
	case 6:
		r = !(flags & SF) != !(flags & OF);
		break;
	default:
		r = flags & ZF || !(flags & SF) != !(flags & OF);
		break;
	}
	return r != (cond & 1);
}

struct vtr_operand {
	u64 addr;	/* linear */
	u64 val;
};

static int vtr_load_rm(struct vtr_emul *e, const struct vtr_insn *i, unsigned int size, bool write,
		       struct vtr_operand *o)
{
	int err;

	o->val = 0;
	if (!i->mem) {
		o->val = vtr_reg_read(e->regs, i, i->rm, size);
		return 0;
	}
	err = e->linear(e->ctx, i->seg, vtr_insn_offset(e, i), size, write, &o->addr);
	return err ?: e->mem(e->ctx, o->addr, &o->val, size, false);
}

static int vtr_store_rm(struct vtr_emul *e, const struct vtr_insn *i, unsigned int size,
			const struct vtr_operand *o, u64 val)
{
	if (!i->mem) {
		vtr_reg_write(e->regs, i, i->rm, size, val);
		return 0;
	}
	return e->mem(e->ctx, o->addr, &val, size, true);
}

static u64 vtr_source(struct vtr_emul *e, const struct vtr_insn *i)
{
	return i->has_imm ? i->imm & vtr_mask(i->size) : vtr_reg_read(e->regs, i, i->reg, i->size);
}

static int vtr_emulate_mov(struct vtr_emul *e, const struct vtr_insn *i)
{
	struct vtr_operand o = {};
	int err;

	if (i->store) {
		if (i->mem) {
			err = e->linear(e->ctx, i->seg, vtr_insn_offset(e, i), i->size, true,
					&o.addr);
			if (err)
				return err;
		}
		return vtr_store_rm(e, i, i->size, &o, vtr_source(e, i));
	}
	err = vtr_load_rm(e, i, i->mem_size, false, &o);
	if (err)
		return err;
	if (i->op == VTR_OP_MOVSX)
		o.val = vtr_sign_extend(o.val, i->mem_size);
	vtr_reg_write(e->regs, i, i->reg, i->size, o.val);
	return 0;
}

static int vtr_emulate_alu(struct vtr_emul *e, const struct vtr_insn *i)
{
	bool write_back = i->op != VTR_OP_CMP && i->op != VTR_OP_TEST;
	struct vtr_operand o;
	u64 f, res, reg = vtr_source(e, i);
	int err;

	err = vtr_load_rm(e, i, i->size, i->store && write_back, &o);
	if (err)
		return err;
	if (i->store) {
		res = vtr_alu(i->op, o.val, reg, i->size, *e->rflags, &f);
		if (write_back)
			err = vtr_store_rm(e, i, i->size, &o, res);
		if (err)
			return err;
	} else {
		res = vtr_alu(i->op, reg, o.val, i->size, *e->rflags, &f);
		if (write_back)
			vtr_reg_write(e->regs, i, i->reg, i->size, res);
	}
	vtr_set_flags(e, ARITH, f);
	return 0;
}

static int vtr_emulate_unary(struct vtr_emul *e, const struct vtr_insn *i)
{
	u64 f = 0, mask = ARITH, res;
	struct vtr_operand o;
	int err = vtr_load_rm(e, i, i->size, true, &o);

	if (err)
		return err;
	switch (i->op) {
	case VTR_OP_INC:
		res = vtr_add(o.val, 1, 0, i->size, &f);
		mask = ARITH & ~CF;
		break;
	case VTR_OP_DEC:
		res = vtr_sub(o.val, 1, 0, i->size, &f);
		mask = ARITH & ~CF;
		break;
	case VTR_OP_NEG:
		res = vtr_sub(0, o.val, 0, i->size, &f);
		break;
	default:
		res = ~o.val;
		mask = 0;
		break;
	}
	err = vtr_store_rm(e, i, i->size, &o, res);
	if (!err)
		vtr_set_flags(e, mask, f);
	return err;
}

static int vtr_emulate_exchange(struct vtr_emul *e, const struct vtr_insn *i)
{
	u64 reg = vtr_reg_read(e->regs, i, i->reg, i->size), f = 0, acc, res;
	struct vtr_operand o;
	int err = vtr_load_rm(e, i, i->size, true, &o);

	if (err)
		return err;
	switch (i->op) {
	case VTR_OP_XCHG:
		err = vtr_store_rm(e, i, i->size, &o, reg);
		if (!err)
			vtr_reg_write(e->regs, i, i->reg, i->size, o.val);
		return err;
	case VTR_OP_XADD:
		res = vtr_add(o.val, reg, 0, i->size, &f);
		if (i->mem) {
			err = vtr_store_rm(e, i, i->size, &o, res);
			if (err)
				return err;
			vtr_reg_write(e->regs, i, i->reg, i->size, o.val);
		} else {
			vtr_reg_write(e->regs, i, i->reg, i->size, o.val);
			vtr_reg_write(e->regs, i, i->rm, i->size, res);
		}
		break;
	default:	/* CMPXCHG: memory is written in either case, a register only when equal */
		acc = e->regs[0] & vtr_mask(i->size);
		vtr_sub(acc, o.val, 0, i->size, &f);
		if (i->mem || f & ZF)
			err = vtr_store_rm(e, i, i->size, &o, f & ZF ? reg : o.val);
		if (err)
			return err;
		if (!(f & ZF))
			vtr_reg_write(e->regs, i, 0, i->size, o.val);
		break;
	}
	vtr_set_flags(e, ARITH, f);
	return 0;
}

static int vtr_emulate_cmpxchg8b(struct vtr_emul *e, const struct vtr_insn *i)
{
	unsigned int half = i->size == 8 ? 8 : 4;
	u64 old[2] = {}, new[2], addr;
	u8 buf[16];
	int err;

	if (!i->mem)
		return -EINVAL;
	err = e->linear(e->ctx, i->seg, vtr_insn_offset(e, i), 2 * half, true, &addr);
	if (err)
		return err;
	err = e->mem(e->ctx, addr, buf, 2 * half, false);
	if (err)
		return err;
	memcpy(&old[0], buf, half);
	memcpy(&old[1], buf + half, half);
	if (old[0] == (e->regs[0] & vtr_mask(half)) && old[1] == (e->regs[2] & vtr_mask(half))) {
		new[0] = e->regs[3];
		new[1] = e->regs[1];
		memcpy(buf, &new[0], half);
		memcpy(buf + half, &new[1], half);
		err = e->mem(e->ctx, addr, buf, 2 * half, true);
		if (!err)
			vtr_set_flags(e, ZF, ZF);
		return err;
	}
	err = e->mem(e->ctx, addr, buf, 2 * half, true);
	if (err)
		return err;
	vtr_reg_write(e->regs, i, 0, half, old[0]);
	vtr_reg_write(e->regs, i, 2, half, old[1]);
	vtr_set_flags(e, ZF, 0);
	return 0;
}

/* A register bit number reaches beyond the operand: SDM 2A "BT-Bit Test". */
static int vtr_emulate_bit(struct vtr_emul *e, const struct vtr_insn *i)
{
	bool write = i->op != VTR_OP_BT;
	unsigned int width = 8 * i->size;
	struct vtr_operand o = {};
	u64 bit = vtr_source(e, i), off, one;
	int err = 0;

	if (i->mem) {
		off = vtr_insn_offset(e, i);
		if (!i->has_imm) {
			s64 units = vtr_sign_extend(bit, i->size) >> (fls64(width) - 1);

			off = (off + units * i->size) & vtr_mask(i->addr_size);
		}
		err = e->linear(e->ctx, i->seg, off, i->size, write, &o.addr);
		if (!err)
			err = e->mem(e->ctx, o.addr, &o.val, i->size, false);
	} else {
		o.val = vtr_reg_read(e->regs, i, i->rm, i->size);
	}
	if (err)
		return err;
	one = 1ULL << (bit & (width - 1));
	if (write) {
		u64 res = i->op == VTR_OP_BTS ? o.val | one :
			  i->op == VTR_OP_BTR ? o.val & ~one : o.val ^ one;

		err = vtr_store_rm(e, i, i->size, &o, res);
		if (err)
			return err;
	}
	vtr_set_flags(e, CF, o.val & one ? CF : 0);
	return 0;
}

static int vtr_emulate_movbe(struct vtr_emul *e, const struct vtr_insn *i)
{
	struct vtr_operand o;
	u64 swapped;
	int err;

	if (i->store) {
		swapped = __builtin_bswap64(vtr_reg_read(e->regs, i, i->reg, i->size)) >>
			  (64 - 8 * i->size);
		err = e->linear(e->ctx, i->seg, vtr_insn_offset(e, i), i->size, true, &o.addr);
		return err ?: e->mem(e->ctx, o.addr, &swapped, i->size, true);
	}
	err = vtr_load_rm(e, i, i->size, false, &o);
	if (!err)
		vtr_reg_write(e->regs, i, i->reg, i->size,
			      __builtin_bswap64(o.val) >> (64 - 8 * i->size));
	return err;
}

static int vtr_emulate_vmov(struct vtr_emul *e, const struct vtr_insn *i)
{
	u8 *xmm = e->xmm(e->ctx, i->reg);
	u8 buf[16] = {};
	u64 addr;
	int err;

	if (!i->mem)
		return -EINVAL;
	err = e->linear(e->ctx, i->seg, vtr_insn_offset(e, i), i->size, i->store, &addr);
	if (err)
		return err;
	if (i->store) {
		memcpy(buf, xmm, i->size);
		return e->mem(e->ctx, addr, buf, i->size, true);
	}
	err = e->mem(e->ctx, addr, buf, i->size, false);
	/* A load clears what it does not fill of the 16 bytes. */
	if (!err)
		memcpy(xmm, buf, 16);
	return err;
}

static int vtr_emulate_stack(struct vtr_emul *e, const struct vtr_insn *i)
{
	unsigned int width = e->bits == 64 ? 8 : e->bits / 8;
	u64 sp = e->regs[4], addr, off, val = 0;
	struct vtr_operand o;
	int err;

	if (i->op == VTR_OP_PUSH) {
		err = vtr_load_rm(e, i, i->size, false, &o);
		if (err)
			return err;
		sp = (sp - i->size) & vtr_mask(width);
		err = e->linear(e->ctx, 2, sp, i->size, true, &addr);
		if (!err)
			err = e->mem(e->ctx, addr, &o.val, i->size, true);
	} else {
		err = e->linear(e->ctx, 2, sp & vtr_mask(width), i->size, false, &addr);
		if (!err)
			err = e->mem(e->ctx, addr, &val, i->size, false);
		if (err)
			return err;
		sp = (sp + i->size) & vtr_mask(width);
		/* POP computes its operand's address with the new stack pointer. */
		off = vtr_insn_offset(e, i);
		if (i->base == 4)
			off = (off + i->size) & vtr_mask(i->addr_size);
		err = i->mem ? e->linear(e->ctx, i->seg, off, i->size, true, &o.addr) : 0;
		if (!err)
			err = vtr_store_rm(e, i, i->size, &o, val);
	}
	/* POP into the stack pointer itself leaves what was popped. */
	if (!err && (i->op == VTR_OP_PUSH || i->mem || i->rm != 4))
		vtr_reg_write(e->regs, i, 4, width, sp);
	return err;
}

static int vtr_string_mem(struct vtr_emul *e, const struct vtr_insn *i, u8 seg, u8 reg, u64 *val,
			  bool write)
{
	u64 off = e->regs[reg] & vtr_mask(i->addr_size), addr;
	int err = e->linear(e->ctx, seg, off, i->size, write, &addr);

	return err ?: e->mem(e->ctx, addr, val, i->size, write);
}

static int vtr_string_once(struct vtr_emul *e, const struct vtr_insn *i)
{
	s64 step = *e->rflags & DF ? -(s64)i->size : i->size;
	bool si = i->op != VTR_OP_STOS && i->op != VTR_OP_SCAS;
	bool di = i->op != VTR_OP_LODS;
	u64 a = 0, b = 0, f;
	int err = 0;

	if (si)
		err = vtr_string_mem(e, i, i->seg, 6, &a, false);
	else
		a = e->regs[0] & vtr_mask(i->size);
	if (err)
		return err;
	switch (i->op) {
	case VTR_OP_LODS:
		vtr_reg_write(e->regs, i, 0, i->size, a);
		break;
	case VTR_OP_MOVS:
	case VTR_OP_STOS:
		err = vtr_string_mem(e, i, 0, 7, &a, true);
		break;
	default:
		err = vtr_string_mem(e, i, 0, 7, &b, false);
		if (!err) {
			vtr_sub(a, b, 0, i->size, &f);
			vtr_set_flags(e, ARITH, f);
		}
		break;
	}
	if (err)
		return err;
	if (si)
		vtr_reg_write(e->regs, i, 6, i->addr_size, e->regs[6] + step);
	if (di)
		vtr_reg_write(e->regs, i, 7, i->addr_size, e->regs[7] + step);
	return 0;
}

static void vtr_next_insn(struct vtr_emul *e, const struct vtr_insn *i)
{
	*e->rip += i->len;
	if (e->bits != 64)
		*e->rip = (u32)*e->rip;
}

/*
 * One element a call: RIP stays while REP goes on, the guest executes the instruction again, and
 * interrupts are taken in between.
 */
static int vtr_emulate_string(struct vtr_emul *e, const struct vtr_insn *i)
{
	u64 mask = vtr_mask(i->addr_size), count = e->regs[1] & mask;
	bool compares = i->op == VTR_OP_CMPS || i->op == VTR_OP_SCAS;
	int err;

	if (i->rep && !count) {
		vtr_next_insn(e, i);
		return 0;
	}
	err = vtr_string_once(e, i);
	if (err)
		return err;
	if (i->rep) {
		vtr_reg_write(e->regs, i, 1, i->addr_size, --count);
		if (count && !(compares && !(*e->rflags & ZF) == (i->rep == 0xf3)))
			return 0;
	}
	vtr_next_insn(e, i);
	return 0;
}

static int vtr_emulate_setcc(struct vtr_emul *e, const struct vtr_insn *i)
{
	struct vtr_operand o = {};
	int err = 0;

	if (i->mem)
		err = e->linear(e->ctx, i->seg, vtr_insn_offset(e, i), 1, true, &o.addr);
	return err ?: vtr_store_rm(e, i, 1, &o, vtr_cond(*e->rflags, i->cond));
}

/* The operand is read, and a 32-bit register's upper half cleared, whatever the condition says. */
static int vtr_emulate_cmov(struct vtr_emul *e, const struct vtr_insn *i)
{
	struct vtr_operand o;
	int err = vtr_load_rm(e, i, i->size, false, &o);

	if (err)
		return err;
	if (!vtr_cond(*e->rflags, i->cond))
		o.val = vtr_reg_read(e->regs, i, i->reg, i->size);
	vtr_reg_write(e->regs, i, i->reg, i->size, o.val);
	return 0;
}

static int vtr_emulate_one(struct vtr_emul *e, const struct vtr_insn *i)
{
	switch (i->op) {
	case VTR_OP_MOV:
	case VTR_OP_MOVSX:
		return vtr_emulate_mov(e, i);
	case VTR_OP_ADD ... VTR_OP_TEST:
		return vtr_emulate_alu(e, i);
	case VTR_OP_INC ... VTR_OP_NEG:
		return vtr_emulate_unary(e, i);
	case VTR_OP_XCHG ... VTR_OP_CMPXCHG:
		return vtr_emulate_exchange(e, i);
	case VTR_OP_CMPXCHG8B:
		return vtr_emulate_cmpxchg8b(e, i);
	case VTR_OP_BT ... VTR_OP_BTC:
		return vtr_emulate_bit(e, i);
	case VTR_OP_SETCC:
		return vtr_emulate_setcc(e, i);
	case VTR_OP_CMOVCC:
		return vtr_emulate_cmov(e, i);
	case VTR_OP_MOVBE:
		return vtr_emulate_movbe(e, i);
	case VTR_OP_VMOV:
		return vtr_emulate_vmov(e, i);
	case VTR_OP_PUSH:
	case VTR_OP_POP:
		return vtr_emulate_stack(e, i);
	default:
		return -EINVAL;
	}
}

/**
 * vtr_emulate() - execute a decoded instruction
 * @e: what it works on
 * @i: the instruction
 *
 * Return: 0: done, RIP advanced (or not, while a REP goes on); -EAGAIN: an access waits, execute again
 * later, nothing changed; -EFAULT: an exception was queued by a callback; -EINVAL: not one of ours.
 */
int vtr_emulate(struct vtr_emul *e, const struct vtr_insn *i)
{
	int err;

	if (i->op >= VTR_OP_MOVS && i->op <= VTR_OP_SCAS)
		return vtr_emulate_string(e, i);
	err = vtr_emulate_one(e, i);
	if (!err)
		vtr_next_insn(e, i);
	return err;
}
