/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slots_table.h - the sorted table of memory slots as a data structure. Pure.
 */
#ifndef VITRINE_SLOTS_TABLE_H
#define VITRINE_SLOTS_TABLE_H

#include "pure.h"

struct vtr_dirty;

/**
 * struct vtr_slot - a piece of guest-physical memory and the host memory behind it
 * @gfn: first frame
 * @npages: length
 * @hva: of the first byte, in vm->mm
 * @id: the caller's slot number
 * @flags: KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES
 * @dirty: with LOG_DIRTY_PAGES: one bit a page, shared by the generations of the table
 */
struct vtr_slot {
	gfn_t gfn;
	u64 npages;
	hva_t hva;
	u32 id;
	u32 flags;
	struct vtr_dirty *dirty;
};

/**
 * struct vtr_slots - an immutable table, sorted by gfn
 * @nr: slots in it
 * @last: hint: where the last search ended; any value is safe
 * @logged: writes to one of its slots are logged
 * @generation: tells tables apart whose addresses may be the same, one after the other
 * @slot: the slots
 *
 * vCPUs hold the one they use in vcpu->slots (a hazard pointer).
 */
struct vtr_slots {
	u32 nr;
	u32 last;
	bool logged;
	u64 generation;
	struct vtr_slot slot[];
};

/* The slot that holds gfn, or NULL. */
static __always_inline struct vtr_slot *vtr_slot_find(struct vtr_slots *s, gfn_t gfn)
{
	u32 lo = 0, hi = s->nr, hint = READ_ONCE(s->last);

	if (likely(hint < hi && gfn - s->slot[hint].gfn < s->slot[hint].npages))
		return &s->slot[hint];
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (gfn < s->slot[mid].gfn) {
			hi = mid;
		} else if (gfn - s->slot[mid].gfn < s->slot[mid].npages) {
			WRITE_ONCE(s->last, mid);
			return &s->slot[mid];
		} else {
			lo = mid + 1;
		}
	}
	return NULL;
}

struct vtr_slot *vtr_slot_by_id(struct vtr_slots *s, u32 id);
bool vtr_slots_overlap(const struct vtr_slots *s, const struct vtr_slot *new,
		       const struct vtr_slot *except);
void vtr_slots_build(struct vtr_slots *n, const struct vtr_slots *s, const struct vtr_slot *without,
		     const struct vtr_slot *with);
bool vtr_slot_frames(const struct vtr_slot *s, hva_t start, hva_t end, gfn_t *first, gfn_t *beyond);

#endif /* VITRINE_SLOTS_TABLE_H */
