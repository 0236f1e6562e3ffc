/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tdp_pt.h - two-dimensional page tables as a data structure: entries, walks, changes. Pure.
 *
 * The vendors' formats differ in their bits only, given as data (struct vtr_pt_format). Locks, TLB
 * flushes and where table pages come from belong to tdp.c: the caller of every function that changes
 * something holds mmu.lock, and flushes when told to before it lets go of it. The CPU reads the
 * tables, and sets accessed and dirty bits in them, at any time.
 */
#ifndef VITRINE_TDP_PT_H
#define VITRINE_TDP_PT_H

#include "pure.h"

#define VTR_PT_ENTRIES	512
#define VTR_PT_ADDR	GENMASK_ULL(51, 12)

/**
 * struct vtr_pt_format - bits of an entry
 * @table: of an entry that points to a table
 * @leaf: of every leaf: the right to read and execute
 * @execute: of these the right to execute, where it can be taken alone by clearing it
 * @large: further bit of a 2 MiB or 1 GiB leaf
 * @write: right to write
 * @dirty: set in advance with @write, and the CPU is spared setting it; only a log by the CPU reads it
 * @accessed: set in advance in the leaf that was faulted for
 * @memtype: by size (0: 4 KiB) and by PAT index of the host's own entry
 */
struct vtr_pt_format {
	u64 table;
	u64 leaf;
	u64 execute;
	u64 large;
	u64 write;
	u64 dirty;
	u64 accessed;
	u64 memtype[2][8];
};

extern const struct vtr_pt_format vtr_pt_npt;
extern const struct vtr_pt_format vtr_pt_ept;

/**
 * struct vtr_pt - the tables of one guest
 * @fmt: how entries look
 * @root: top table
 * @va_offset: a table's address less the physical address in its entry
 * @levels: 4 or 5
 * @cpu_logs: the CPU logs each 4 KiB leaf whose dirty bit it sets: leaves whose writes are to be heard
 *	of lose that bit rather than the right to write
 * @small_code: nothing is executed from large leaves
 */
struct vtr_pt {
	const struct vtr_pt_format *fmt;
	u64 *root;
	unsigned long va_offset;
	u8 levels;
	bool cpu_logs;
	bool small_code;
};

/**
 * struct vtr_pt_leaf - a mapping
 * @gfn: first guest frame, aligned to the level's size
 * @pfn: first host frame, likewise
 * @level: 1: 4 KiB, 2: 2 MiB, 3: 1 GiB
 * @pat: memory type: PAT index 0..7
 * @writable: the guest may write
 * @clean: with @writable: the CPU has to log the first write
 */
struct vtr_pt_leaf {
	gfn_t gfn;
	u64 pfn;
	u8 level;
	u8 pat;
	bool writable;
	bool clean;
};

enum vtr_pt_result {
	VTR_PT_MAPPED,		/* in place; no CPU can have cached anything that contradicts it */
	VTR_PT_FLUSH,		/* in place; flush before the lock is released */
	VTR_PT_REFUSED,		/* no spare table, or a flush would be needed where none is allowed */
};

enum vtr_pt_op {
	VTR_PT_ZAP,		/* unmap; a large leaf that reaches into the range goes whole */
	VTR_PT_PROTECT,		/* take the right to write, of a table that the range covers at once */
	VTR_PT_LOG,		/* hear of writes to 4 KiB leaves, ZAP large ones: they come back as 4 KiB */
	VTR_PT_YOUNG,		/* only look whether one was accessed */
	VTR_PT_CLEAR_YOUNG,	/* and clear that */
};

/* Frames that one entry of a table at this level covers. */
static inline u64 vtr_pt_pages(unsigned int level)
{
	return 1ULL << (9 * (level - 1));
}

/* First frame beyond what the tables can map. */
static inline gfn_t vtr_pt_limit(const struct vtr_pt *pt)
{
	return 1ULL << (9 * pt->levels);
}

enum vtr_pt_result vtr_pt_map(struct vtr_pt *pt, const struct vtr_pt_leaf *l, u64 **spare,
			      u32 *nr_spare, u64 **freed);
void vtr_pt_fill(struct vtr_pt *pt, const struct vtr_pt_leaf *l);
bool vtr_pt_range(struct vtr_pt *pt, enum vtr_pt_op op, gfn_t start, gfn_t end, u64 **freed);
bool vtr_pt_log_mask(struct vtr_pt *pt, gfn_t base, u64 mask);
void vtr_pt_collect_all(struct vtr_pt *pt, u64 **freed);
u64 vtr_pt_entry(const struct vtr_pt *pt, gfn_t gfn, unsigned int *level);
u8 vtr_pt_level_for(const struct vtr_pt *pt, gfn_t gfn, u8 level, bool fetch);

/* The list of tables that a change took out: each holds the address of the next in its entry 0. */
static inline u64 *vtr_pt_freed_next(const u64 *table)
{
	return (u64 *)(unsigned long)table[0];
}

#endif /* VITRINE_TDP_PT_H */
