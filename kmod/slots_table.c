// SPDX-License-Identifier: GPL-2.0-only
/*
 * slots_table.c - the sorted table of memory slots: searches and the making of a changed copy.
 */
#include "slots_table.h"

/**
 * vtr_slot_by_id() - a slot by the caller's number
 * @s: table
 * @id: slot number
 *
 * Return: the slot or NULL.
 */
struct vtr_slot *vtr_slot_by_id(struct vtr_slots *s, u32 id)
{
	u32 i;

	for (i = 0; i < s->nr; i++)
		if (s->slot[i].id == id)
			return &s->slot[i];
	return NULL;
}

/**
 * vtr_slots_overlap() - would a slot share frames with one in the table?
 * @s: table
 * @new: the slot
 * @except: a slot of the table that does not count, or NULL
 *
 * Return: true if it would.
 */
bool vtr_slots_overlap(const struct vtr_slots *s, const struct vtr_slot *new,
		       const struct vtr_slot *except)
{
	u32 i;

	for (i = 0; i < s->nr; i++) {
		const struct vtr_slot *o = &s->slot[i];

		if (o != except && new->gfn < o->gfn + o->npages && o->gfn < new->gfn + new->npages)
			return true;
	}
	return false;
}

/**
 * vtr_slots_build() - copy a table without one slot and with another
 * @n: zeroed, room for one slot more than @s has
 * @s: table to copy
 * @without: a slot of @s that is left out, or NULL
 * @with: a slot that is put in, or NULL; overlaps none that stays
 */
void vtr_slots_build(struct vtr_slots *n, const struct vtr_slots *s, const struct vtr_slot *without,
		     const struct vtr_slot *with)
{
	u32 i, at;

	n->generation = s->generation + 1;
	n->logged = with && with->dirty;
	for (i = 0; i < s->nr; i++) {
		if (&s->slot[i] == without)
			continue;
		n->logged |= s->slot[i].dirty != NULL;
		n->slot[n->nr++] = s->slot[i];
	}
	if (!with)
		return;
	for (at = n->nr; at > 0 && n->slot[at - 1].gfn > with->gfn; at--)
		n->slot[at] = n->slot[at - 1];
	n->slot[at] = *with;
	n->nr++;
}

/**
 * vtr_slot_frames() - the frames of a slot that a range of host addresses touches
 * @s: the slot
 * @start: first address
 * @end: first address after
 * @first: filled: first frame
 * @beyond: filled: first frame after
 *
 * Return: false if there are none.
 */
bool vtr_slot_frames(const struct vtr_slot *s, hva_t start, hva_t end, gfn_t *first, gfn_t *beyond)
{
	hva_t s_end = s->hva + (s->npages << VTR_PAGE_SHIFT);
	hva_t a = max(start, s->hva), b = min(end, s_end);

	if (a >= b)
		return false;
	*first = s->gfn + ((a - s->hva) >> VTR_PAGE_SHIFT);
	*beyond = s->gfn + ((b - s->hva + VTR_PAGE_SIZE - 1) >> VTR_PAGE_SHIFT);
	return true;
}
