/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emulate.h - executing a decoded instruction for the guest. Pure.
 */
#ifndef VITRINE_EMULATE_H
#define VITRINE_EMULATE_H

#include "decode.h"
#include "pure.h"

/**
 * struct vtr_emul - what an instruction works on
 * @regs: general registers in the encoding's order
 * @rip: instruction pointer, advanced on success
 * @rflags: flags
 * @bits: 16, 32 or 64
 * @ctx: argument of the callbacks
 * @linear: offset in segment to linear address for an access of @len bytes; -EFAULT: exception queued
 * @mem: reads or writes linear memory, up to 16 bytes. 0; -EAGAIN: the access waits for user space, and
 *	the instruction is executed again from its start once it was answered; -EFAULT: exception queued
 * @xmm: where a vector register is, 16 bytes
 */
struct vtr_emul {
	u64 *regs;
	u64 *rip;
	u64 *rflags;
	unsigned int bits;
	void *ctx;
	int (*linear)(void *ctx, u8 seg, u64 offset, u32 len, bool write, u64 *addr);
	int (*mem)(void *ctx, u64 addr, void *data, u32 len, bool write);
	void *(*xmm)(void *ctx, unsigned int nr);
};

int vtr_emulate(struct vtr_emul *e, const struct vtr_insn *i);
u64 vtr_reg_read(const u64 *regs, const struct vtr_insn *i, u8 reg, u8 size);
void vtr_reg_write(u64 *regs, const struct vtr_insn *i, u8 reg, u8 size, u64 val);
u64 vtr_insn_offset(const struct vtr_emul *e, const struct vtr_insn *i);

#endif /* VITRINE_EMULATE_H */
