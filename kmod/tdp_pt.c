// SPDX-License-Identifier: GPL-2.0-only
/*
 * tdp_pt.c - changes to two-dimensional page tables; see tdp_pt.h for who locks and flushes.
 */
#include "tdp_pt.h"

#ifdef __KERNEL__
#include <asm/barrier.h>
#define vtr_pte_clear(entry, bits)	set_mask_bits((unsigned long *)(entry), (bits), 0)
#define vtr_pte_set(entry, bits)	set_mask_bits((unsigned long *)(entry), 0, (bits))
#define vtr_pte_publish(entry, val)	smp_store_release(entry, val)
#else
#define vtr_pte_clear(entry, bits)	__atomic_fetch_and(entry, ~(bits), __ATOMIC_SEQ_CST)
#define vtr_pte_set(entry, bits)	__atomic_fetch_or(entry, bits, __ATOMIC_SEQ_CST)
#define vtr_pte_publish(entry, val)	__atomic_store_n(entry, val, __ATOMIC_RELEASE)
#endif

/*
 * APM2 "Nested Paging": nested entries are ordinary long-mode entries, and every access counts as one
 * of user mode. PAT indexes mean what they mean in the host: its own PAT types nested entries.
 */
#define NPT_TYPES(pat)	{ 0, BIT(3), BIT(4), BIT(3) | BIT(4), \
			  (pat), (pat) | BIT(3), (pat) | BIT(4), (pat) | BIT(3) | BIT(4) }

const struct vtr_pt_format vtr_pt_npt = {
	.table		= BIT(0) | BIT(1) | BIT(2) | BIT(5),
	.leaf		= BIT(0) | BIT(2),
	.large		= BIT(7),
	.write		= BIT(1),
	.dirty		= BIT(6),
	.accessed	= BIT(5),
	.memtype	= { NPT_TYPES(BIT(7)), NPT_TYPES(BIT(12)) },
};

/*
 * SDM 3C "EPT Translation Mechanism": read, write, execute; bits 5:3 are the memory type, bit 6 lets it
 * override the guest's PAT. The rows are Linux's PAT: WB WC UC- UC WB WP UC- WT.
 */
#define EPT_TYPE(t)	((t) << 3 | BIT(6))
#define EPT_TYPES	{ EPT_TYPE(6ULL), EPT_TYPE(1ULL), EPT_TYPE(0ULL), EPT_TYPE(0ULL), \
			  EPT_TYPE(6ULL), EPT_TYPE(5ULL), EPT_TYPE(0ULL), EPT_TYPE(4ULL) }

const struct vtr_pt_format vtr_pt_ept = {
	.table		= BIT(0) | BIT(1) | BIT(2),
	.leaf		= BIT(0) | BIT(2),
	.execute	= BIT(2),
	.large		= BIT(7),
	.write		= BIT(1),
	.dirty		= BIT(9),
	.accessed	= BIT(8),
	.memtype	= { EPT_TYPES, EPT_TYPES },
};

static u64 *vtr_pt_table(const struct vtr_pt *pt, u64 entry)
{
	return (u64 *)(unsigned long)((entry & VTR_PT_ADDR) + pt->va_offset);
}

static unsigned int vtr_pt_index(gfn_t gfn, unsigned int level)
{
	return (gfn >> (9 * (level - 1))) & (VTR_PT_ENTRIES - 1);
}

static bool vtr_pt_is_leaf(const struct vtr_pt *pt, u64 entry, unsigned int level)
{
	return level == 1 || entry & pt->fmt->large;
}

/* A table under which nothing may be written, whatever its entries say: the CPU takes the right away that one level lacks. */
static bool vtr_pt_is_protected(const struct vtr_pt *pt, u64 entry, unsigned int level)
{
	return entry && !(entry & pt->fmt->write) && !vtr_pt_is_leaf(pt, entry, level);
}

/* Unlinked already: put a table and all below it on the list. Entry 0 becomes one of no rights. */
static void vtr_pt_collect(const struct vtr_pt *pt, u64 *table, unsigned int level, u64 **freed)
{
	unsigned int i;

	for (i = 0; level > 1 && i < VTR_PT_ENTRIES; i++)
		if (table[i] && !vtr_pt_is_leaf(pt, table[i], level))
			vtr_pt_collect(pt, vtr_pt_table(pt, table[i]), level - 1, freed);
	WRITE_ONCE(table[0], (unsigned long)*freed);
	*freed = table;
}

/**
 * vtr_pt_collect_all() - take the whole tree down, the top table too
 * @pt: tables that no CPU uses any more
 * @freed: list that every table goes onto
 */
void vtr_pt_collect_all(struct vtr_pt *pt, u64 **freed)
{
	vtr_pt_collect(pt, pt->root, pt->levels, freed);
	pt->root = NULL;
}

static u64 vtr_pt_make(const struct vtr_pt *pt, const struct vtr_pt_leaf *l)
{
	const struct vtr_pt_format *fmt = pt->fmt;
	u64 rights = l->writable ? fmt->write | (l->clean ? 0 : fmt->dirty) : 0;
	bool large = l->level > 1;

	rights |= large && pt->small_code ? fmt->leaf & ~fmt->execute : fmt->leaf;
	return l->pfn << VTR_PAGE_SHIFT | fmt->memtype[large][l->pat] | (large ? fmt->large : 0) | rights;
}

/* Does the change from one present leaf to another leave something in a TLB that must go? */
static bool vtr_pt_contradicts(const struct vtr_pt_format *fmt, u64 old, u64 new)
{
	u64 ignore = fmt->write | fmt->dirty | fmt->accessed;

	return (old ^ new) & ~ignore;
}

/* The table of the next level below entry, made from a spare one if there is none yet. */
static u64 *vtr_pt_descend(struct vtr_pt *pt, u64 *entry, unsigned int level, u64 **spare,
			   u32 *nr_spare, enum vtr_pt_result *result)
{
	u64 *table;

	if (*entry && !vtr_pt_is_leaf(pt, *entry, level))
		return vtr_pt_table(pt, *entry);
	if (!*nr_spare)
		return NULL;
	/* A large leaf gives way to smaller ones, which fault in one by one. */
	if (*entry)
		*result = VTR_PT_FLUSH;
	table = spare[--*nr_spare];
	/* The CPU must see the table zeroed before it sees the table. */
	vtr_pte_publish(entry, ((unsigned long)table - pt->va_offset) | pt->fmt->table);
	return table;
}

/* A protected table: the protection moves from the entry that points to it to those in it. Flush afterwards. */
static void vtr_pt_push_down(const struct vtr_pt *pt, u64 *entry)
{
	u64 *table = vtr_pt_table(pt, *entry), bit = pt->fmt->write;
	unsigned int i;

	for (i = 0; i < VTR_PT_ENTRIES; i++)
		if (table[i] & bit)
			vtr_pte_clear(&table[i], bit);
	vtr_pte_set(entry, bit);
}

/**
 * vtr_pt_map() - put a leaf in
 * @pt: the tables
 * @l: what to map; what was mapped there before goes
 * @spare: zeroed tables, used from the end
 * @nr_spare: how many; @pt->levels - 1 always suffice
 * @freed: list for tables that the leaf replaces; NULL where no flush is possible
 *
 * A leaf for the same frame that is there already keeps its right to write: the host would have had
 * it taken away. Return: see the enum. Refused, tables may have been added, but no leaf changed.
 */
enum vtr_pt_result vtr_pt_map(struct vtr_pt *pt, const struct vtr_pt_leaf *l, u64 **spare,
			      u32 *nr_spare, u64 **freed)
{
	enum vtr_pt_result result = VTR_PT_MAPPED;
	u64 *table = pt->root, *entry, old, new;
	unsigned int level;

	for (level = pt->levels; level > l->level; level--) {
		entry = &table[vtr_pt_index(l->gfn, level)];
		if (unlikely(!freed && *entry && vtr_pt_is_leaf(pt, *entry, level)))
			return VTR_PT_REFUSED;
		if (unlikely(l->writable && vtr_pt_is_protected(pt, *entry, level))) {
			if (!freed)
				return VTR_PT_REFUSED;
			vtr_pt_push_down(pt, entry);
			result = VTR_PT_FLUSH;
		}
		table = vtr_pt_descend(pt, entry, level, spare, nr_spare, &result);
		if (unlikely(!table))
			return VTR_PT_REFUSED;
	}
	entry = &table[vtr_pt_index(l->gfn, level)];
	old = *entry;
	new = vtr_pt_make(pt, l) | pt->fmt->accessed;
	if (likely(!old)) {
		WRITE_ONCE(*entry, new);
		return result;
	}
	if (vtr_pt_is_leaf(pt, old, level) && !vtr_pt_contradicts(pt->fmt, old, new)) {
		/* The CPU may set accessed or dirty at the same time, which must not get lost. */
		if (l->writable)
			vtr_pte_set(entry, new);
		return result;
	}
	if (!freed)
		return VTR_PT_REFUSED;
	WRITE_ONCE(*entry, new);
	if (!vtr_pt_is_leaf(pt, old, level))
		vtr_pt_collect(pt, vtr_pt_table(pt, old), level - 1, freed);
	return VTR_PT_FLUSH;
}

/* The level-1 table that covers gfn, or NULL. */
static u64 *vtr_pt_last_table(const struct vtr_pt *pt, gfn_t gfn)
{
	u64 *table = pt->root, entry;
	unsigned int level;

	for (level = pt->levels; level > 1; level--) {
		entry = table[vtr_pt_index(gfn, level)];
		if (!entry || vtr_pt_is_leaf(pt, entry, level))
			return NULL;
		table = vtr_pt_table(pt, entry);
	}
	return table;
}

/**
 * vtr_pt_fill() - map a 4 KiB page where nothing is, and only if that needs no table
 * @pt: the tables
 * @l: what to map, level 1; not marked accessed: nobody asked for it yet
 */
void vtr_pt_fill(struct vtr_pt *pt, const struct vtr_pt_leaf *l)
{
	u64 *table = vtr_pt_last_table(pt, l->gfn);
	unsigned int i = vtr_pt_index(l->gfn, 1);

	if (table && !table[i])
		WRITE_ONCE(table[i], vtr_pt_make(pt, l));
}

static bool vtr_pt_leaf_op(const struct vtr_pt *pt, u64 *entry, unsigned int level,
			   enum vtr_pt_op op)
{
	u64 old = *entry, bit = pt->fmt->write;

	switch (op) {
	case VTR_PT_LOG:
		if (pt->cpu_logs)
			bit = pt->fmt->dirty;
		if (level == 1)
			break;
		fallthrough;
	case VTR_PT_ZAP:
		WRITE_ONCE(*entry, 0);
		return true;
	case VTR_PT_YOUNG:
		return old & pt->fmt->accessed;
	case VTR_PT_CLEAR_YOUNG:
		bit = pt->fmt->accessed;
		break;
	case VTR_PT_PROTECT:
		break;
	}
	if (!(old & bit))
		return false;
	/* The CPU may set accessed or dirty at the same time: only this bit goes. */
	vtr_pte_clear(entry, bit);
	return true;
}

static bool vtr_pt_walk(struct vtr_pt *pt, u64 *table, unsigned int level, gfn_t base,
			enum vtr_pt_op op, gfn_t start, gfn_t end, u64 **freed)
{
	u64 span = vtr_pt_pages(level), i = start > base ? (start - base) / span : 0;
	bool hit = false;

	for (; i < VTR_PT_ENTRIES && base + i * span < end; i++) {
		gfn_t gfn = base + i * span;
		u64 entry = table[i];

		if (!entry)
			continue;
		if (vtr_pt_is_leaf(pt, entry, level)) {
			hit |= vtr_pt_leaf_op(pt, &table[i], level, op);
		} else if (op == VTR_PT_PROTECT && gfn >= start && gfn + span <= end) {
			/* All of a large guest costs a handful of these; see vtr_pt_push_down(). */
			hit |= vtr_pt_leaf_op(pt, &table[i], level, op);
		} else if (op == VTR_PT_ZAP && gfn >= start && gfn + span <= end) {
			WRITE_ONCE(table[i], 0);
			vtr_pt_collect(pt, vtr_pt_table(pt, entry), level - 1, freed);
			hit = true;
		} else {
			hit |= vtr_pt_walk(pt, vtr_pt_table(pt, entry), level - 1, gfn, op, start,
					   end, freed);
		}
	}
	return hit;
}

/**
 * vtr_pt_range() - do something to every leaf in a range of frames
 * @pt: the tables
 * @op: what
 * @start: first frame
 * @end: first frame after
 * @freed: list for tables that go; only for VTR_PT_ZAP
 *
 * Return: something was changed (flush, unless only accessed bits were), or for VTR_PT_YOUNG found.
 */
bool vtr_pt_range(struct vtr_pt *pt, enum vtr_pt_op op, gfn_t start, gfn_t end, u64 **freed)
{
	return vtr_pt_walk(pt, pt->root, pt->levels, 0, op, start, end, freed);
}

/**
 * vtr_pt_log_mask() - hear of the next write to each of up to 64 frames
 * @pt: the tables
 * @base: first frame
 * @mask: bit n: frame @base + n
 *
 * Only 4 KiB leaves: a slot whose writes are logged has no others.
 *
 * Return: true to flush.
 */
bool vtr_pt_log_mask(struct vtr_pt *pt, gfn_t base, u64 mask)
{
	u64 *table = NULL;
	bool hit = false;
	gfn_t at = 0;

	for (; mask; mask &= mask - 1) {
		gfn_t gfn = base + (fls64(mask & -mask) - 1);

		if (!table || (gfn ^ at) >> 9) {
			table = vtr_pt_last_table(pt, gfn);
			at = gfn;
		}
		if (table && table[vtr_pt_index(gfn, 1)])
			hit |= vtr_pt_leaf_op(pt, &table[vtr_pt_index(gfn, 1)], 1, VTR_PT_LOG);
	}
	return hit;
}

/**
 * vtr_pt_entry() - the leaf that maps a frame
 * @pt: the tables
 * @gfn: the frame
 * @level: its level, or the one at which nothing is
 *
 * Return: the entry, without the right to write where its table is protected; 0 if there is none.
 */
u64 vtr_pt_entry(const struct vtr_pt *pt, gfn_t gfn, unsigned int *level)
{
	u64 *table = pt->root, entry, lacks = 0;

	for (*level = pt->levels;; (*level)--) {
		entry = table[vtr_pt_index(gfn, *level)];
		if (!entry || vtr_pt_is_leaf(pt, entry, *level))
			return entry & ~lacks;
		lacks |= ~entry & pt->fmt->write;
		table = vtr_pt_table(pt, entry);
	}
}

/**
 * vtr_pt_level_for() - how large a leaf may become where code needs small ones
 * @pt: the tables
 * @gfn: a frame in it
 * @level: at most
 * @fetch: it is to be executed
 *
 * Where a fetch has had a large leaf split, the tables stay: data beside the code would take them away again, and the code would
 * have them back, for ever.
 *
 * Return: the level.
 */
u8 vtr_pt_level_for(const struct vtr_pt *pt, gfn_t gfn, u8 level, bool fetch)
{
	unsigned int there;

	if (!pt->small_code || level == 1)
		return level;
	if (fetch)
		return 1;
	vtr_pt_entry(pt, gfn, &there);
	return there < level ? there : level;
}
