/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pic.h - the pair of 8259A interrupt controllers as a register machine.
 *
 * Ports: master 0x20, 0x21, slave 0xa0, 0xa1, edge/level control 0x4d0, 0x4d1. All calls under the
 * chips' lock.
 */
#ifndef VITRINE_PIC_H
#define VITRINE_PIC_H

#include "pure.h"

#define VTR_PIC_PINS	16

/**
 * struct vtr_pic_chip - one 8259A; the fields and their order are those of struct kvm_pic_state
 * @last_irr: input levels, to find edges
 * @irr: requests
 * @imr: masks
 * @isr: in service
 * @priority_add: input with the highest priority
 * @irq_base: vector of input 0
 * @read_reg_select: reads give the ISR rather than the IRR
 * @poll: the next read is a poll
 * @special_mask: special mask mode
 * @init_state: 0, or the initialisation word expected next, less one
 * @auto_eoi: automatic end of interrupt
 * @rotate_on_auto_eoi: and rotation with it
 * @special_fully_nested_mode: slave requests nest
 * @init4: ICW4 will follow
 * @elcr: level-triggered inputs
 * @elcr_mask: inputs that may be
 */
struct vtr_pic_chip {
	u8 last_irr;
	u8 irr;
	u8 imr;
	u8 isr;
	u8 priority_add;
	u8 irq_base;
	u8 read_reg_select;
	u8 poll;
	u8 special_mask;
	u8 init_state;
	u8 auto_eoi;
	u8 rotate_on_auto_eoi;
	u8 special_fully_nested_mode;
	u8 init4;
	u8 elcr;
	u8 elcr_mask;
};

/**
 * struct vtr_pic - the pair
 * @chip: master, slave
 * @sources: per input, which sources hold it asserted; bit = source id
 * @acked: inputs whose service ended since the caller last cleared this
 * @output: the master's INT pin
 */
struct vtr_pic {
	struct vtr_pic_chip chip[2];
	u32 sources[VTR_PIC_PINS];
	u16 acked;
	bool output;
};

void vtr_pic_reset(struct vtr_pic *pic);
int vtr_pic_set_line(struct vtr_pic *pic, u32 pin, u32 source, bool level);
u8 vtr_pic_ack(struct vtr_pic *pic);
u8 vtr_pic_read(struct vtr_pic *pic, int chip, u32 reg);
void vtr_pic_write(struct vtr_pic *pic, int chip, u32 reg, u8 val);
void vtr_pic_write_elcr(struct vtr_pic *pic, int chip, u8 val);
u16 vtr_pic_imr(const struct vtr_pic *pic);
void vtr_pic_restore(struct vtr_pic *pic, int chip, const struct vtr_pic_chip *state);

#endif /* VITRINE_PIC_H */
