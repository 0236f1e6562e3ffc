/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - the guest's own page tables: linear to guest-physical. Pure.
 */
#ifndef VITRINE_WALK_H
#define VITRINE_WALK_H

#include "pure.h"

#define VTR_WALK_WRITE	BIT(0)
#define VTR_WALK_FETCH	BIT(1)
#define VTR_WALK_USER	BIT(2)	/* at privilege level 3 */

/* Page-fault error code: SDM 3A "Page-Fault Exceptions". */
#define VTR_PF_PRESENT	BIT(0)
#define VTR_PF_WRITE	BIT(1)
#define VTR_PF_USER	BIT(2)
#define VTR_PF_RSVD	BIT(3)
#define VTR_PF_FETCH	BIT(4)

/**
 * struct vtr_walk - parameters and result of a walk
 * @cr0: control registers and EFER in force
 * @rflags: for SMAP's override
 * @phys_bits: width of a guest-physical address
 * @read: reads a table entry of 4 or 8 bytes; 0 or -errno
 * @ctx: its argument
 * @gpa: result
 * @page_size: of the page @gpa is in, bytes
 * @error: page-fault error code when the walk fails
 * @nr: entries read
 * @where: guest-physical addresses of the entries
 * @entry: their contents
 */
struct vtr_walk {
	u64 cr0, cr3, cr4, efer, rflags;
	u8 phys_bits;
	int (*read)(void *ctx, gpa_t gpa, u64 *val, unsigned int size);
	void *ctx;
	gpa_t gpa;
	u64 page_size;
	u32 error;
	u8 nr;
	gpa_t where[5];
	u64 entry[5];
};

int vtr_walk(struct vtr_walk *w, gva_t addr, u32 access);

#define VTR_WALK_NARROW		0x80
#define VTR_WALK_NO_PAGE	1ULL	/* no page begins there */

/**
 * struct vtr_walk_cache - the last page that code was fetched from
 *
 * It holds where each table entry of its translation is and what was in it. Each use reads the
 * entries again and compares: a hit is as right as a walk and costs a tenth of it.
 *
 * @nr: entries; with VTR_WALK_NARROW if they are of 4 bytes, not 8
 * @bits: 16, 32 or 64
 * @cs_attrib: CS's attributes in the hardware's form
 * @cr0: the state of execution and paging it was made under, as the hardware holds it
 * @cr3: see @cr0
 * @cr4: see @cr0
 * @efer: see @cr0
 * @cs_base: base of the code segment, 0 in 64-bit mode
 * @page: linear address of the page, VTR_WALK_NO_PAGE while the cache is empty
 * @slots: generation of the slot table the host addresses come from
 * @hva: of the code page
 * @where: host addresses of the entries
 * @entry: their contents; an accessed or dirty bit set since is a miss like any other change
 */
struct vtr_walk_cache {
	u8 nr, bits;
	u16 cs_attrib;
	u64 cr0, cr3, cr4, efer, cs_base;
	gva_t page;
	u64 slots;
	hva_t hva;
	hva_t where[5];
	u64 entry[5];
};

#endif /* VITRINE_WALK_H */
