// SPDX-License-Identifier: GPL-2.0-only
/*
 * tdp.c - faults on guest-physical memory: what the host has there goes into the tables (tdp_pt.c).
 *
 * The host's page table is read without a lock. Whoever takes a right away from a host entry tells the
 * notifier first, which needs mmu.lock, leaves mmu.active raised until it is done, and counts mmu.ended
 * then; so an entry is good if, with the lock held, no such change is under way and none has ended
 * since before it was read. No page reference is taken or kept. Nothing the host has not given its own
 * process is ever given to the guest.
 *
 * Host pages need no dirty marking by us: a guest page is writable only where the host's entry is
 * writable and dirty, and that dirty bit is carried to the page when the host takes the entry down.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include "backend.h"

/* Neighbours that are mapped along with a page the host has: an aligned window of host entries. */
#define VTR_AROUND_PAGES	8

/* The highest level at which this machine's CPUs take leaves. */
static u8 vtr_leaf_levels;

/* A table, zeroed, which the host shows among its own ("SecPageTables"), and charges to the caller. NULL without memory. */
static u64 *vtr_tdp_table_alloc(void)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (table)
		mod_lruvec_page_state(virt_to_page(table), NR_SECONDARY_PAGETABLE, 1);
	return table;
}

static void vtr_tdp_table_free(u64 *table)
{
	mod_lruvec_page_state(virt_to_page(table), NR_SECONDARY_PAGETABLE, -1);
	free_page((unsigned long)table);
}

/**
 * vtr_tdp_init() - the top table
 * @vm: new VM
 *
 * Return: 0 or -ENOMEM.
 */
int vtr_tdp_init(struct vtr_vm *vm)
{
	struct vtr_pt *pt = &vm->mmu.pt;

	pt->fmt = vtr_backend->pt_format;
	pt->va_offset = PAGE_OFFSET;
	/* As many levels as the host's own, which APM2 "Nested Paging" demands, but not more. */
	pt->levels = min_t(u8, pgtable_l5_enabled() ? 5 : 4, vtr_backend->pt_levels);
	vtr_leaf_levels = vtr_backend->leaf_levels();
	pt->cpu_logs = vtr_backend->cpu_logs && vtr_backend->cpu_logs();
	pt->small_code = vtr_backend->small_code && vtr_backend->small_code();
	pt->root = vtr_tdp_table_alloc();
	if (!pt->root)
		return -ENOMEM;
	vm->mmu.root = __pa(pt->root);
	atomic64_inc(&vm->mmu.pt_pages);
	return 0;
}

/**
 * vtr_tdp_free_list() - free tables that came out of the tree, after the TLB flush
 * @vm: the VM
 * @freed: the list
 */
void vtr_tdp_free_list(struct vtr_vm *vm, u64 *freed)
{
	while (freed) {
		u64 *next = vtr_pt_freed_next(freed);

		atomic64_dec(&vm->mmu.pt_pages);
		vtr_tdp_table_free(freed);
		freed = next;
	}
}

/**
 * vtr_tdp_fini() - free every table; nothing uses them any more
 * @vm: dying VM
 */
void vtr_tdp_fini(struct vtr_vm *vm)
{
	u64 *freed = NULL;

	vtr_pt_collect_all(&vm->mmu.pt, &freed);
	vtr_tdp_free_list(vm, freed);
}

/* The vCPU keeps enough zeroed tables for one mapping, since none can be allocated under the lock. */
static bool vtr_tdp_topup(struct vtr_vcpu *v)
{
	while (v->nr_pt_cache < v->vm->mmu.pt.levels - 1) {
		u64 *pt = vtr_tdp_table_alloc();

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
		vtr_tdp_table_free(v->pt_cache[--v->nr_pt_cache]);
}

/**
 * struct vtr_host_map - the host's entry for an address
 * @ended: mmu.ended before it was read
 * @val: the entry
 * @level: 1: 4 KiB, 2: 2 MiB, 3: 1 GiB
 * @table: the table it is in, usable while interrupts stay off
 */
struct vtr_host_map {
	unsigned long ended;
	u64 val;
	int level;
	const u64 *table;
};

static bool vtr_host_readable(u64 val)
{
	return (~val & (_PAGE_PRESENT | _PAGE_USER)) == 0;
}

static bool vtr_host_writable(u64 val)
{
	return (~val & (_PAGE_PRESENT | _PAGE_USER | _PAGE_RW | _PAGE_DIRTY)) == 0;
}

static __always_inline const u64 *vtr_host_entry(const u64 *table, hva_t hva, int level)
{
	return &table[(hva >> (PAGE_SHIFT + 9 * (level - 1))) & (PTRS_PER_PTE - 1)];
}

/* One level of the walk: *val is the entry for hva; true: *table is the one below it. */
static __always_inline bool vtr_host_down(const u64 **table, hva_t hva, int level, u64 *val)
{
	*val = READ_ONCE(*vtr_host_entry(*table, hva, level));
	if ((*val & (_PAGE_PRESENT | _PAGE_PSE)) != _PAGE_PRESENT)
		return false;
	*table = __va(*val & PTE_PFN_MASK);
	return true;
}

/*
 * Read the host's entry for hva. Interrupts off: as for get_user_pages_fast(), that holds up whoever
 * wants to free the tables. The entries' own bits are looked at rather than the pte_*() tests, which
 * count PROT_NONE as present and shadow stacks as writable; a kernel whose entries mean something else
 * than the CPU's (Xen's PV) has no CPU with our extensions. Returns false if the host has nothing that
 * will do: no page, or none that may be written.
 */
static __always_inline bool vtr_host_walk(const struct vtr_mmu *mmu, hva_t hva, u32 why,
					  struct vtr_host_map *h)
{
	const u64 *table = (const u64 *)current->mm->pgd;
	u64 val;

	lockdep_assert_irqs_disabled();
	h->ended = READ_ONCE(mmu->ended);
	smp_rmb();	/* the count before the entries: pairs with mmu.lock in the notifier */
	if (pgtable_l5_enabled() && !vtr_host_down(&table, hva, 5, &val))
		return false;
	if (!vtr_host_down(&table, hva, 4, &val))
		return false;
	if (!vtr_host_down(&table, hva, 3, &val)) {
		h->level = 3;
	} else if (!vtr_host_down(&table, hva, 2, &val)) {
		h->level = 2;
	} else {
		h->level = 1;
		val = READ_ONCE(*vtr_host_entry(table, hva, 1));
	}
	h->val = val;
	h->table = table;
	return why & VTR_FAULT_WRITE ? vtr_host_writable(val) : vtr_host_readable(val);
}

static hva_t vtr_slot_hva(const struct vtr_slot *slot, gfn_t gfn)
{
	return slot->hva + ((gfn - slot->gfn) << PAGE_SHIFT);
}

/* The largest level at which guest and host addresses are congruent and the slot covers it all. */
static int vtr_slot_level(const struct vtr_slot *slot, gfn_t gfn, int level)
{
	for (level = min_t(int, level, vtr_leaf_levels); level > 1; level--) {
		u64 pages = vtr_pt_pages(level);
		gfn_t base = gfn & ~(pages - 1);

		if (((slot->hva >> PAGE_SHIFT) ^ slot->gfn) & (pages - 1))
			continue;
		if (base >= slot->gfn && base + pages <= slot->gfn + slot->npages)
			break;
	}
	return level;
}

/* The part of a leaf that comes from the host's entry. */
static void vtr_leaf_of(const struct vtr_host_map *h, hva_t hva, struct vtr_pt_leaf *l)
{
	u64 pages = vtr_pt_pages(h->level);
	u64 pat = h->level > 1 ? _PAGE_PAT_LARGE : _PAGE_PAT;

	l->pfn = (((h->val & PTE_PFN_MASK) >> PAGE_SHIFT) & ~(pages - 1)) +
		 ((hva >> PAGE_SHIFT) & (pages - 1));
	l->pat = (h->val & pat ? 4 : 0) | (h->val & _PAGE_PCD ? 2 : 0) |
		 (h->val & _PAGE_PWT ? 1 : 0);
}

/* mmu.lock held: is the host changing something there just now, or has it since h was read? */
static bool vtr_host_changing(const struct vtr_mmu *mmu, const struct vtr_host_map *h, hva_t start,
			      u64 size)
{
	return unlikely(mmu->ended != h->ended) ||
	       (unlikely(mmu->active) && start < mmu->inv_end && start + size > mmu->inv_start);
}

/* May a leaf of the slot be writable before the guest writes? */
static bool vtr_slot_writable(const struct vtr_vm *vm, const struct vtr_slot *slot)
{
	return !(slot->flags & KVM_MEM_READONLY) && (!slot->dirty || vm->mmu.pt.cpu_logs);
}

/* Map what the host has next to hva, if it costs no table. Interrupts off, mmu.lock held. */
static void vtr_tdp_around(struct vtr_vm *vm, const struct vtr_slot *slot, gfn_t gfn, hva_t hva,
			   const struct vtr_host_map *h)
{
	const u64 size = VTR_AROUND_PAGES * PAGE_SIZE;
	hva_t start = hva & ~(size - 1), at;

	if (slot->dirty || vtr_host_changing(&vm->mmu, h, start, size))
		return;
	for (at = start; at < start + size; at += PAGE_SIZE) {
		struct vtr_host_map n = { .level = 1, .val = READ_ONCE(*vtr_host_entry(h->table, at, 1)) };
		struct vtr_pt_leaf l = { .level = 1 };

		if (at == hva || at < slot->hva ||
		    at >= slot->hva + (slot->npages << PAGE_SHIFT) || !vtr_host_readable(n.val))
			continue;
		vtr_leaf_of(&n, at, &l);
		l.gfn = slot->gfn + ((at - slot->hva) >> PAGE_SHIFT);
		l.writable = vtr_host_writable(n.val) && !(slot->flags & KVM_MEM_READONLY);
		vtr_pt_fill(&vm->mmu.pt, &l);
	}
}

enum vtr_try {
	VTR_TRY_MAPPED,
	VTR_TRY_ABSENT,		/* the host has no page there, or none that may be written */
	VTR_TRY_AGAIN,		/* the host or the slots are changing; or a table or flush is needed */
};

/*
 * Map gfn to what the host has there. mmu.lock held. With freed NULL: interrupts are off since h was
 * read, nothing may be flushed, and neighbours are mapped too; else interrupts are on.
 */
static enum vtr_try vtr_tdp_try(struct vtr_vcpu *v, const struct vtr_slot *slot, gfn_t gfn, u32 why,
				const struct vtr_host_map *h, u64 **freed)
{
	bool write = why & VTR_FAULT_WRITE;
	struct vtr_mmu *mmu = &v->vm->mmu;
	hva_t hva = vtr_slot_hva(slot, gfn);
	enum vtr_pt_result result;
	struct vtr_pt_leaf l;
	u32 spare = v->nr_pt_cache;
	u64 mask;

	/* A slot of an old table must not be mapped after what it mapped was taken out. */
	if (unlikely(v->slots != mmu->slots))
		return VTR_TRY_AGAIN;
	vtr_leaf_of(h, hva, &l);
	l.level = slot->dirty ? 1 : vtr_slot_level(slot, gfn, h->level);
	if (unlikely(mmu->pt.small_code))
		l.level = vtr_pt_level_for(&mmu->pt, gfn, l.level, why & VTR_FAULT_FETCH);
	/* A read maps writable too where the host has done its part already and no log is left out. */
	l.writable = write || (vtr_host_writable(h->val) && vtr_slot_writable(v->vm, slot));
	l.clean = slot->dirty && !write;
	mask = vtr_pt_pages(l.level) - 1;
	l.gfn = gfn & ~mask;
	l.pfn &= ~mask;
	if (vtr_host_changing(mmu, h, hva & ~(mask << PAGE_SHIFT | ~PAGE_MASK),
			      (mask + 1) << PAGE_SHIFT))
		return VTR_TRY_AGAIN;
	if (write && slot->dirty) {
		vtr_dirty_set(slot->dirty, gfn - slot->gfn);
		vtr_stats_count(v->stats.dirty_pages);
	}
	result = vtr_pt_map(&mmu->pt, &l, v->pt_cache, &v->nr_pt_cache, freed);
	if (unlikely(spare != v->nr_pt_cache))
		atomic64_add(spare - v->nr_pt_cache, &mmu->pt_pages);
	if (result == VTR_PT_REFUSED)
		return VTR_TRY_AGAIN;
	vtr_stats_mapped(&v->stats, why, l.level);
	if (result == VTR_PT_FLUSH)
		vtr_vm_flush_tlbs(v->vm);
	else if (!freed && h->level == 1)
		vtr_tdp_around(v->vm, slot, gfn, hva, h);
	return VTR_TRY_MAPPED;
}

/**
 * vtr_tdp_fault_fast() - make memory accessible that the host has at hand
 * @v: by its own thread, loaded, interrupts off, v->slots loaded
 * @slot: of v->slots
 * @gfn: frame in it
 * @why: VTR_FAULT_* bits; no write to a read-only slot
 *
 * The lock is only tried: its holder may wait for this CPU to take an IPI.
 *
 * Return: true if it is; false: vtr_tdp_fault() has to do it.
 */
bool vtr_tdp_fault_fast(struct vtr_vcpu *v, const struct vtr_slot *slot, gfn_t gfn, u32 why)
{
	struct vtr_mmu *mmu = &v->vm->mmu;
	struct vtr_host_map h;
	enum vtr_try done;

	if (!vtr_host_walk(mmu, vtr_slot_hva(slot, gfn), why, &h))
		return false;
	if (unlikely(!spin_trylock(&mmu->lock)))
		return false;
	done = vtr_tdp_try(v, slot, gfn, why, &h, NULL);
	spin_unlock(&mmu->lock);
	return done == VTR_TRY_MAPPED;
}

/* The same while put. The lock is waited for, tables may be replaced. */
static enum vtr_try vtr_tdp_fault_once(struct vtr_vcpu *v, const struct vtr_slot *slot, gfn_t gfn,
				       u32 why)
{
	struct vtr_mmu *mmu = &v->vm->mmu;
	struct vtr_host_map h;
	enum vtr_try done;
	u64 *freed = NULL;
	bool there;

	local_irq_disable();
	there = vtr_host_walk(mmu, vtr_slot_hva(slot, gfn), why, &h);
	local_irq_enable();
	if (!there)
		return VTR_TRY_ABSENT;
	spin_lock(&mmu->lock);
	done = vtr_tdp_try(v, slot, gfn, why, &h, &freed);
	spin_unlock(&mmu->lock);
	if (unlikely(freed))
		vtr_tdp_free_list(v->vm, freed);
	return done;
}

/* Let the host fault the page in as if its process had touched it. */
static enum vtr_fault_verdict vtr_host_fault(hva_t hva, bool write)
{
	unsigned int flags = FAULT_FLAG_DEFAULT | (write ? FAULT_FLAG_WRITE : 0);
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	vm_fault_t fault;

	for (;;) {
		if (mmap_read_lock_killable(mm))
			return VTR_FAULT_RETRY;
		vma = vma_lookup(mm, hva);
		if (!vma || !(vma->vm_flags & (write ? VM_WRITE : VM_READ))) {
			mmap_read_unlock(mm);
			return VTR_FAULT_BAD;
		}
		fault = handle_mm_fault(vma, hva, flags, NULL);
		/* With these two the lock has been dropped. */
		if (fault & VM_FAULT_COMPLETED)
			return VTR_FAULT_FIXED;
		if (!(fault & VM_FAULT_RETRY))
			break;
		/* It waited for a disk or userfaultfd: a signal, fatal or not, ends that. */
		if (signal_pending(current))
			return VTR_FAULT_RETRY;
		flags |= FAULT_FLAG_TRIED;
	}
	mmap_read_unlock(mm);
	return fault & VM_FAULT_ERROR ? VTR_FAULT_BAD : VTR_FAULT_FIXED;
}

/**
 * vtr_tdp_fault() - make a guest-physical address accessible
 * @v: by its own thread, put, v->slots loaded
 * @gpa: address
 * @why: VTR_FAULT_* bits
 *
 * Return: what became of it. Context: may sleep, interruptibly.
 */
enum vtr_fault_verdict vtr_tdp_fault(struct vtr_vcpu *v, gpa_t gpa, u32 why)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct vtr_slot *slot = vtr_slot_find(v->slots, gfn);
	bool write = why & VTR_FAULT_WRITE;
	enum vtr_fault_verdict verdict;
	enum vtr_try done;
	bool absent;

	if (!slot || (write && slot->flags & KVM_MEM_READONLY))
		return VTR_FAULT_MMIO;
	/* With tables at hand the fast attempt came to nothing because the host has no page. */
	absent = v->nr_pt_cache == v->vm->mmu.pt.levels - 1;
	if (!vtr_tdp_topup(v))
		return VTR_FAULT_BAD;
	for (;;) {
		if (absent) {
			verdict = vtr_host_fault(vtr_slot_hva(slot, gfn), write);
			if (verdict != VTR_FAULT_FIXED)
				return verdict;
		}
		done = vtr_tdp_fault_once(v, slot, gfn, why);
		if (done != VTR_TRY_ABSENT)
			break;
		if (unlikely(signal_pending(current)))
			return VTR_FAULT_RETRY;
		absent = true;
	}
	return done == VTR_TRY_MAPPED ? VTR_FAULT_FIXED : VTR_FAULT_RETRY;
}
