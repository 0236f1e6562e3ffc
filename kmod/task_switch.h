/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task_switch.h - a task switch as the CPU makes one, for CPUs that leave it to us. Pure.
 */
#ifndef VITRINE_TASK_SWITCH_H
#define VITRINE_TASK_SWITCH_H

#include "pure.h"

/* In the order of a 32-bit TSS, which is the instruction encoding's; then the system segments. */
enum vtr_task_segment_nr {
	VTR_TASK_ES, VTR_TASK_CS, VTR_TASK_SS, VTR_TASK_DS, VTR_TASK_FS, VTR_TASK_GS, VTR_TASK_TR,
	VTR_TASK_LDTR, VTR_TASK_SEGMENTS
};

enum vtr_task_source { VTR_TASK_CALL, VTR_TASK_IRET, VTR_TASK_JMP, VTR_TASK_GATE };

/* A segment's attributes: bits 40 to 55 of its descriptor, the limit's four among them zero. */
#define VTR_TASK_TYPE		0x000f
#define VTR_TASK_S		0x0010
#define VTR_TASK_DPL_SHIFT	5
#define VTR_TASK_P		0x0080
#define VTR_TASK_AVL		0x1000
#define VTR_TASK_DB		0x4000
#define VTR_TASK_G		0x8000

/**
 * struct vtr_task_segment - a segment register
 * @base: where it begins
 * @limit: in bytes, the last one that belongs to it
 * @selector: the visible part
 * @attrib: VTR_TASK_*; without VTR_TASK_P it cannot be used
 */
struct vtr_task_segment {
	u32 base;
	u32 limit;
	u16 selector;
	u16 attrib;
};

/**
 * struct vtr_task_switch - a switch: what was asked for, the state it changes, what came of it
 * @selector: of the new TSS
 * @source: enum vtr_task_source
 * @external: by an exception, NMI or external interrupt: its bit stands in error codes
 * @has_error: an exception's error code goes on the new stack
 * @error_code: that code
 * @regs: EAX to EDI in the encoding's order; old task's in, new task's out
 * @eip: of the instruction to go on at; likewise
 * @eflags: likewise
 * @cr3: likewise; changed by a 32-bit TSS under paging
 * @paging: CR0.PG
 * @seg: by enum vtr_task_segment_nr; likewise
 * @gdt_base: linear address
 * @gdt_limit: last byte
 * @read: linear memory with a supervisor's rights: 0, -EFAULT for a page fault that it has put into
 *	@vector, @error and @address, or another error where no memory is
 * @write: likewise
 * @load_cr3: from now on @read and @write go by this table; may be NULL without paging
 * @ctx: their first argument
 * @switched: result: the state is the new task's, also when it begins with an exception
 * @vector: result: exception to raise, or -1
 * @error: result: its error code
 * @address: result: of a page fault
 * @trap: result: the new task asks for a #DB before its first instruction
 */
struct vtr_task_switch {
	u16 selector;
	u8 source;
	bool external;
	bool has_error;
	u32 error_code;
	u32 regs[8];
	u32 eip, eflags, cr3;
	bool paging;
	struct vtr_task_segment seg[VTR_TASK_SEGMENTS];
	u32 gdt_base, gdt_limit;
	int (*read)(void *ctx, u32 addr, void *buf, u32 len);
	int (*write)(void *ctx, u32 addr, const void *buf, u32 len);
	void (*load_cr3)(void *ctx, u32 cr3);
	void *ctx;
	bool switched;
	int vector;
	u32 error;
	u32 address;
	bool trap;
};

int vtr_task_switch(struct vtr_task_switch *t);

#endif /* VITRINE_TASK_SWITCH_H */
