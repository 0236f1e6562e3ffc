// SPDX-License-Identifier: GPL-2.0-only
/*
 * notifier.c - the host changes its mappings: zap, write-protect or age ours.
 *
 * One subscription serves all VMs of a process. It is freed some time after its last VM by the
 * notifier's own grace period, so destroying a VM waits for nothing.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include "module.h"

/**
 * struct vtr_mm - one process
 * @mn: the subscription; counted by mmu_notifier_get/put
 * @lock: guards @vms and @active; outside mmu.lock
 * @vms: its VMs
 * @active: invalidations under way, for a VM that is added meanwhile
 * @start: first address of their hull
 * @end: first address after it
 */
struct vtr_mm {
	struct mmu_notifier mn;
	spinlock_t lock;
	struct list_head vms;
	long active;
	hva_t start, end;
};

/* Calls fn for each piece of a slot inside [start, end). mmu.lock held. */
#define vtr_for_each_hva_range(vm, start_, end_, i, s, gs, ge) \
	for ((i) = 0; (i) < (vm)->mmu.slots->nr; (i)++) \
		if ((s) = &(vm)->mmu.slots->slot[i], \
		    vtr_hva_overlap((s), (start_), (end_), &(gs), &(ge)))

static bool vtr_hva_overlap(const struct vtr_slot *s, hva_t start, hva_t end, gfn_t *gs, gfn_t *ge)
{
	hva_t s_end = s->hva + (s->npages << PAGE_SHIFT);
	hva_t a = max(start, s->hva), b = min(end, s_end);

	if (a >= b)
		return false;
	*gs = s->gfn + ((a - s->hva) >> PAGE_SHIFT);
	*ge = s->gfn + ((b - s->hva + PAGE_SIZE - 1) >> PAGE_SHIFT);
	return true;
}

static void vtr_vm_invalidate(struct vtr_vm *vm, hva_t start, hva_t end, bool protect)
{
	struct vtr_mmu *mmu = &vm->mmu;
	bool flush = false;
	LIST_HEAD(freed);
	struct vtr_slot *s;
	gfn_t gs, ge;
	u32 i;

	spin_lock(&mmu->lock);
	if (!mmu->active++) {
		mmu->inv_start = start;
		mmu->inv_end = end;
	} else {
		mmu->inv_start = min(mmu->inv_start, start);
		mmu->inv_end = max(mmu->inv_end, end);
	}
	vtr_for_each_hva_range(vm, start, end, i, s, gs, ge)
		flush |= protect ? vtr_tdp_protect(vm, gs, ge) : vtr_tdp_zap(vm, gs, ge, &freed);
	if (flush)
		vtr_vm_flush_tlbs(vm);
	spin_unlock(&mmu->lock);
	vtr_tdp_free_list(vm, &freed);
}

static int vtr_invalidate_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vtr_mm *o = container_of(mn, struct vtr_mm, mn);
	/*
	 * A page made read-only, by fork above all, keeps its frame: readers go on undisturbed.
	 * mprotect() says something else (PROTECTION_VMA), since it may take reading away too.
	 */
	bool protect = range->event == MMU_NOTIFY_PROTECTION_PAGE;
	struct vtr_vm *vm;

	spin_lock(&o->lock);
	o->start = o->active ? min(o->start, (hva_t)range->start) : range->start;
	o->end = o->active ? max(o->end, (hva_t)range->end) : range->end;
	o->active++;
	list_for_each_entry(vm, &o->vms, mmu.owner_link)
		vtr_vm_invalidate(vm, range->start, range->end, protect);
	spin_unlock(&o->lock);
	return 0;
}

static void vtr_invalidate_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vtr_mm *o = container_of(mn, struct vtr_mm, mn);
	struct vtr_vm *vm;

	spin_lock(&o->lock);
	o->active--;
	list_for_each_entry(vm, &o->vms, mmu.owner_link) {
		spin_lock(&vm->mmu.lock);
		/* A fault that began before must not trust what it read. */
		vm->mmu.seq++;
		vm->mmu.active--;
		spin_unlock(&vm->mmu.lock);
	}
	spin_unlock(&o->lock);
}

static int vtr_age(struct mmu_notifier *mn, hva_t start, hva_t end, bool clear, bool flush)
{
	struct vtr_mm *o = container_of(mn, struct vtr_mm, mn);
	bool young = false;
	struct vtr_vm *vm;
	struct vtr_slot *s;
	gfn_t gs, ge;
	u32 i;

	spin_lock(&o->lock);
	list_for_each_entry(vm, &o->vms, mmu.owner_link) {
		bool hit = false;

		spin_lock(&vm->mmu.lock);
		vtr_for_each_hva_range(vm, start, end, i, s, gs, ge)
			hit |= vtr_tdp_age(vm, gs, ge, clear);
		if (hit && flush)
			vtr_vm_flush_tlbs(vm);
		spin_unlock(&vm->mmu.lock);
		young |= hit;
	}
	spin_unlock(&o->lock);
	return young;
}

static int vtr_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long start, unsigned long end)
{
	return vtr_age(mn, start, end, true, true);
}

static int vtr_clear_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
			   unsigned long end)
{
	return vtr_age(mn, start, end, true, false);
}

static int vtr_test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long addr)
{
	return vtr_age(mn, addr, addr + 1, false, false);
}

/* The process is gone; its VMs linger while somebody holds their files. */
static void vtr_mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct vtr_mm *o = container_of(mn, struct vtr_mm, mn);
	LIST_HEAD(freed);
	struct vtr_vm *vm;

	spin_lock(&o->lock);
	list_for_each_entry(vm, &o->vms, mmu.owner_link) {
		WRITE_ONCE(vm->dead, true);
		spin_lock(&vm->mmu.lock);
		vm->mmu.seq++;
		if (vtr_tdp_zap(vm, 0, BIT_ULL(36), &freed))
			vtr_vm_flush_tlbs(vm);
		spin_unlock(&vm->mmu.lock);
		vtr_tdp_free_list(vm, &freed);
	}
	spin_unlock(&o->lock);
}

static struct mmu_notifier *vtr_mm_alloc(struct mm_struct *mm)
{
	struct vtr_mm *o = kzalloc(sizeof(*o), GFP_KERNEL);

	if (!o)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&o->lock);
	INIT_LIST_HEAD(&o->vms);
	return &o->mn;
}

static void vtr_mm_free(struct mmu_notifier *mn)
{
	kfree(container_of(mn, struct vtr_mm, mn));
}

static const struct mmu_notifier_ops vtr_mm_ops = {
	.release		= vtr_mm_release,
	.clear_flush_young	= vtr_clear_flush_young,
	.clear_young		= vtr_clear_young,
	.test_young		= vtr_test_young,
	.invalidate_range_start	= vtr_invalidate_start,
	.invalidate_range_end	= vtr_invalidate_end,
	.alloc_notifier		= vtr_mm_alloc,
	.free_notifier		= vtr_mm_free,
};

/**
 * vtr_notifier_attach() - let the VM hear of changes in its process's memory
 * @vm: new VM; current is its process
 *
 * Return: 0, -ENOMEM, -EINTR.
 */
int vtr_notifier_attach(struct vtr_vm *vm)
{
	struct mmu_notifier *mn = mmu_notifier_get(&vtr_mm_ops, current->mm);
	struct vtr_mm *o;

	if (IS_ERR(mn))
		return PTR_ERR(mn);
	o = container_of(mn, struct vtr_mm, mn);
	vm->mmu.owner = o;
	spin_lock(&o->lock);
	/* Its end will be told to us, so its beginning counts. */
	vm->mmu.active = o->active;
	vm->mmu.inv_start = o->start;
	vm->mmu.inv_end = o->end;
	list_add(&vm->mmu.owner_link, &o->vms);
	spin_unlock(&o->lock);
	return 0;
}

/**
 * vtr_notifier_detach() - no callback uses the VM after this
 * @vm: dying VM
 */
void vtr_notifier_detach(struct vtr_vm *vm)
{
	struct vtr_mm *o = vm->mmu.owner;

	spin_lock(&o->lock);
	list_del(&vm->mmu.owner_link);
	spin_unlock(&o->lock);
	mmu_notifier_put(&o->mn);
}

/**
 * vtr_mmu_module_exit() - wait until the last subscription was freed by our code
 */
void vtr_mmu_module_exit(void)
{
	mmu_notifier_synchronize();
}
