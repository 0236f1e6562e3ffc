// SPDX-License-Identifier: GPL-2.0-only
/*
 * tdp.c - two-dimensional page tables: resolving faults, mapping, zapping, protecting, aging.
 *
 * A fault finds the host page without a lock, then maps it under mmu.lock if no host invalidation of
 * that address came between (mmu.seq, mmu.active). No page reference is kept: the notifier promises to
 * tell before the host page goes.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include "vitrine.h"

#define VTR_PTES	512
#define VTR_PTE_ADDR	GENMASK_ULL(51, 12)

/* APM2 "Nested Paging": nested entries are ordinary long-mode entries; user access is required. */
static const struct vtr_tdp_format vtr_npt_format = {
	.table		= BIT(0) | BIT(1) | BIT(2) | BIT(5),
	.leaf		= BIT(0) | BIT(2) | BIT(5),
	.large		= BIT(7),
	.write		= BIT(1) | BIT(6),
	.write_only	= BIT(1),
	.accessed	= BIT(5),
};

static const struct vtr_tdp_format *const vtr_fmt = &vtr_npt_format;

/* The nested tables have as many levels as the host's own: APM2 "Nested Paging". */
static int vtr_tdp_levels(void)
{
	return pgtable_l5_enabled() ? 5 : 4;
}

static u64 *vtr_pt_of(u64 entry)
{
	return __va(entry & VTR_PTE_ADDR);
}

static unsigned int vtr_pt_index(gfn_t gfn, int level)
{
	return (gfn >> (9 * (level - 1))) & (VTR_PTES - 1);
}

static u64 vtr_level_pages(int level)
{
	return 1ULL << (9 * (level - 1));
}

static bool vtr_pte_leaf(u64 entry, int level)
{
	return level == 1 || entry & vtr_fmt->large;
}

/**
 * vtr_tdp_init() - the top table
 * @vm: new VM
 *
 * Return: 0 or -ENOMEM.
 */
int vtr_tdp_init(struct vtr_vm *vm)
{
	vm->mmu.root_pt = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vm->mmu.root_pt)
		return -ENOMEM;
	vm->mmu.root = __pa(vm->mmu.root_pt);
	atomic64_inc(&vm->mmu.pt_pages);
	return 0;
}

/* Unlink a table and all below it onto the list; freed after the flush. */
static void vtr_tdp_collect(u64 *pt, int level, struct list_head *freed)
{
	int i;

	if (level > 1)
		for (i = 0; i < VTR_PTES; i++)
			if (pt[i] && !vtr_pte_leaf(pt[i], level))
				vtr_tdp_collect(vtr_pt_of(pt[i]), level - 1, freed);
	list_add(&virt_to_page(pt)->lru, freed);
}

/**
 * vtr_tdp_free_list() - free tables that vtr_tdp_zap() unlinked, after the TLB flush
 * @vm: the VM
 * @freed: list of pages, empty afterwards
 */
void vtr_tdp_free_list(struct vtr_vm *vm, struct list_head *freed)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, freed, lru) {
		list_del(&page->lru);
		atomic64_dec(&vm->mmu.pt_pages);
		__free_page(page);
	}
}

/**
 * vtr_tdp_fini() - free every table; nothing uses them any more
 * @vm: dying VM
 */
void vtr_tdp_fini(struct vtr_vm *vm)
{
	LIST_HEAD(freed);

	vtr_tdp_collect(vm->mmu.root_pt, vtr_tdp_levels(), &freed);
	vtr_tdp_free_list(vm, &freed);
}

/* What a walk over a range does with the leaves and tables it meets. */
struct vtr_tdp_range {
	gfn_t start, end;
	enum { VTR_TDP_ZAP, VTR_TDP_PROTECT, VTR_TDP_YOUNG, VTR_TDP_CLEAR_YOUNG } what;
	struct list_head *freed;
	bool hit;		/* something was changed, or young */
};

static void vtr_tdp_leaf(u64 *entry, struct vtr_tdp_range *r)
{
	u64 old = *entry;

	switch (r->what) {
	case VTR_TDP_ZAP:
		WRITE_ONCE(*entry, 0);
		r->hit = true;
		break;
	case VTR_TDP_PROTECT:
		if (old & vtr_fmt->write_only) {
			/* The CPU may set A or D at the same time: only the right goes. */
			set_mask_bits((unsigned long *)entry, vtr_fmt->write_only, 0);
			r->hit = true;
		}
		break;
	case VTR_TDP_YOUNG:
		r->hit |= !!(old & vtr_fmt->accessed);
		break;
	case VTR_TDP_CLEAR_YOUNG:
		if (old & vtr_fmt->accessed) {
			set_mask_bits((unsigned long *)entry, vtr_fmt->accessed, 0);
			r->hit = true;
		}
		break;
	}
}

static void vtr_tdp_walk(u64 *pt, int level, gfn_t base, struct vtr_tdp_range *r)
{
	u64 span = vtr_level_pages(level);
	u64 first = r->start > base ? (r->start - base) / span : 0;
	u64 i;

	for (i = first; i < VTR_PTES && base + i * span < r->end; i++) {
		gfn_t gfn = base + i * span;

		if (!pt[i])
			continue;
		if (vtr_pte_leaf(pt[i], level)) {
			vtr_tdp_leaf(&pt[i], r);
		} else if (r->what == VTR_TDP_ZAP && gfn >= r->start && gfn + span <= r->end) {
			vtr_tdp_collect(vtr_pt_of(pt[i]), level - 1, r->freed);
			WRITE_ONCE(pt[i], 0);
			r->hit = true;
		} else {
			vtr_tdp_walk(vtr_pt_of(pt[i]), level - 1, gfn, r);
		}
	}
}

/**
 * vtr_tdp_zap() - unmap frames; large mappings that reach into the range go whole
 * @vm: the VM, mmu.lock held
 * @start: first frame
 * @end: first frame after
 * @freed: tables to free after the flush
 *
 * Return: true if TLBs have to be flushed.
 */
bool vtr_tdp_zap(struct vtr_vm *vm, gfn_t start, gfn_t end, struct list_head *freed)
{
	struct vtr_tdp_range r = { .start = start, .end = end, .what = VTR_TDP_ZAP,
				   .freed = freed };

	lockdep_assert_held(&vm->mmu.lock);
	vtr_tdp_walk(vm->mmu.root_pt, vtr_tdp_levels(), 0, &r);
	return r.hit;
}

/**
 * vtr_tdp_protect() - take the right to write from frames; they stay readable
 * @vm: the VM, mmu.lock held
 * @start: first frame
 * @end: first frame after
 *
 * Return: true if TLBs have to be flushed.
 */
bool vtr_tdp_protect(struct vtr_vm *vm, gfn_t start, gfn_t end)
{
	struct vtr_tdp_range r = { .start = start, .end = end, .what = VTR_TDP_PROTECT };

	lockdep_assert_held(&vm->mmu.lock);
	vtr_tdp_walk(vm->mmu.root_pt, vtr_tdp_levels(), 0, &r);
	return r.hit;
}

/**
 * vtr_tdp_age() - were frames used since their accessed bits were cleared?
 * @vm: the VM, mmu.lock held
 * @start: first frame
 * @end: first frame after
 * @clear: clear the bits too
 *
 * Return: true if one was.
 */
bool vtr_tdp_age(struct vtr_vm *vm, gfn_t start, gfn_t end, bool clear)
{
	struct vtr_tdp_range r = { .start = start, .end = end,
				   .what = clear ? VTR_TDP_CLEAR_YOUNG : VTR_TDP_YOUNG };

	lockdep_assert_held(&vm->mmu.lock);
	vtr_tdp_walk(vm->mmu.root_pt, vtr_tdp_levels(), 0, &r);
	return r.hit;
}

/* The vCPU keeps enough zeroed tables for one mapping, since none can be allocated under the lock. */
static bool vtr_tdp_topup(struct vtr_vcpu *v)
{
	while (v->nr_pt_cache < vtr_tdp_levels() - 1) {
		u64 *pt = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

		if (!pt)
			return false;
		v->pt_cache[v->nr_pt_cache++] = pt;
	}
	return true;
}

/**
 * vtr_tdp_vcpu_fini() - free the vCPU's spare tables
 * @v: dying vCPU
 */
void vtr_tdp_vcpu_fini(struct vtr_vcpu *v)
{
	while (v->nr_pt_cache)
		free_page((unsigned long)v->pt_cache[--v->nr_pt_cache]);
}

/*
 * Size of the host's mapping at hva as a level. Lockless: the host's tables are freed only after an
 * IPI or RCU grace period that interrupts-off holds up, as for get_user_pages_fast(). What was read is
 * confirmed by the sequence check under mmu.lock, since any change of it is announced first.
 */
static int vtr_host_level(struct mm_struct *mm, hva_t hva)
{
	unsigned long flags;
	int level = 1;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(mm, hva));
	if (pgd_none(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		level = 3;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_none(pmd) || !pmd_present(pmd))
		goto out;
	if (pmd_leaf(pmd))
		level = 2;
out:
	local_irq_restore(flags);
	return level;
}

/* The largest level at which guest and host addresses are congruent and the slot covers it all. */
static int vtr_slot_level(const struct vtr_slot *slot, gfn_t gfn, int level)
{
	for (; level > 1; level--) {
		u64 pages = vtr_level_pages(level);
		gfn_t base = gfn & ~(pages - 1);

		if (((slot->hva >> PAGE_SHIFT) ^ slot->gfn) & (pages - 1))
			continue;
		if (base >= slot->gfn && base + pages <= slot->gfn + slot->npages)
			break;
	}
	return level;
}

/* Put a leaf in, under mmu.lock. What was mapped there before goes; returns true to flush. */
static bool vtr_tdp_map(struct vtr_vcpu *v, gfn_t gfn, u64 pfn, int level, bool writable,
			struct list_head *freed)
{
	u64 *pt = v->vm->mmu.root_pt;
	bool flush = false;
	u64 *entry, leaf;
	int l;

	for (l = vtr_tdp_levels(); l > level; l--) {
		entry = &pt[vtr_pt_index(gfn, l)];
		if (*entry && vtr_pte_leaf(*entry, l)) {
			/* A large mapping gives way to smaller ones, which fault in one by one. */
			WRITE_ONCE(*entry, 0);
			flush = true;
		}
		if (!*entry) {
			u64 *table = v->pt_cache[--v->nr_pt_cache];

			atomic64_inc(&v->vm->mmu.pt_pages);
			/* The CPU's walker must see the table zeroed before it sees the table. */
			smp_store_release(entry, __pa(table) | vtr_fmt->table);
		}
		pt = vtr_pt_of(*entry);
	}
	entry = &pt[vtr_pt_index(gfn, level)];
	leaf = (pfn << PAGE_SHIFT) | vtr_fmt->leaf | (level > 1 ? vtr_fmt->large : 0) |
	       (writable ? vtr_fmt->write : 0);
	if (*entry && level > 1 && !vtr_pte_leaf(*entry, level)) {
		vtr_tdp_collect(vtr_pt_of(*entry), level - 1, freed);
		flush = true;
	} else if (*entry && ((*entry ^ leaf) & VTR_PTE_ADDR ||
			      (*entry & vtr_fmt->write_only && !writable))) {
		flush = true;
	}
	WRITE_ONCE(*entry, leaf);
	return flush;
}

/* mmu.lock held: did the host change something at hva since seq was read? */
static bool vtr_tdp_stale(const struct vtr_mmu *mmu, u64 seq, hva_t hva)
{
	if (mmu->active && hva >= mmu->inv_start && hva < mmu->inv_end)
		return true;
	return mmu->seq != seq;
}

/*
 * The host page behind hva. A read fault maps writable too where that costs nothing: the host's entry
 * is writable already. Returns the page with a reference, or NULL with *verdict.
 */
static struct page *vtr_host_page(const struct vtr_slot *slot, hva_t hva, bool write,
				  bool *writable, enum vtr_fault_verdict *verdict)
{
	struct page *page, *again;
	long n;

	n = get_user_pages_fast(hva, 1, write ? FOLL_WRITE : 0, &page);
	if (n != 1) {
		*verdict = n == -EHWPOISON || !signal_pending(current) ? VTR_FAULT_BAD :
									 VTR_FAULT_RETRY;
		return NULL;
	}
	*writable = write;
	if (!write && !(slot->flags & KVM_MEM_READONLY) && !slot->dirty &&
	    get_user_pages_fast_only(hva, 1, FOLL_WRITE, &again) == 1) {
		*writable = again == page;
		put_page(again);
	}
	return page;
}

/**
 * vtr_tdp_fault() - make a guest-physical address accessible
 * @v: by its own thread, put, v->slots loaded
 * @gpa: address
 * @why: VTR_FAULT_* bits
 *
 * Return: what became of it. Context: may sleep.
 */
enum vtr_fault_verdict vtr_tdp_fault(struct vtr_vcpu *v, gpa_t gpa, u32 why)
{
	struct vtr_mmu *mmu = &v->vm->mmu;
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct vtr_slot *slot = vtr_slot_find(v->slots, gfn);
	enum vtr_fault_verdict verdict = VTR_FAULT_FIXED;
	bool write = why & VTR_FAULT_WRITE, writable;
	LIST_HEAD(freed);
	struct page *page;
	u64 seq, pfn;
	int level;
	hva_t hva;

	if (!slot || (write && slot->flags & KVM_MEM_READONLY))
		return VTR_FAULT_MMIO;
	if (!vtr_tdp_topup(v))
		return VTR_FAULT_BAD;
	hva = slot->hva + ((gfn - slot->gfn) << PAGE_SHIFT);
	seq = smp_load_acquire(&mmu->seq);
	page = vtr_host_page(slot, hva, write, &writable, &verdict);
	if (!page)
		return verdict;
	pfn = page_to_pfn(page);
	level = slot->dirty || !PageCompound(page) ? 1 :
		vtr_slot_level(slot, gfn, vtr_host_level(v->vm->mm, hva));
	if (level > 1) {
		u64 mask = vtr_level_pages(level) - 1;

		pfn &= ~mask;
		gfn &= ~mask;
	}
	spin_lock(&mmu->lock);
	if (vtr_tdp_stale(mmu, seq, hva)) {
		verdict = VTR_FAULT_RETRY;
	} else {
		if (slot->dirty && write)
			vtr_dirty_set(slot->dirty, gfn - slot->gfn);
		if (vtr_tdp_map(v, gfn, pfn, level, writable, &freed))
			vtr_vm_flush_tlbs(v->vm);
		/* Written by the guest from now on, without the host's entry noticing. */
		if (writable)
			SetPageDirty(page);
	}
	spin_unlock(&mmu->lock);
	put_page(page);
	if (unlikely(!list_empty(&freed)))
		vtr_tdp_free_list(v->vm, &freed);
	v->stats.faults++;
	return verdict;
}
