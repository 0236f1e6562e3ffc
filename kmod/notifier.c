// SPDX-License-Identifier: GPL-2.0-only
/*
 * notifier.c - the host changes its mappings: zap, write-protect or age ours.
 *
 * One subscription serves all VMs of a process. It is freed some time after its last VM by the
 * notifier's own grace period, so destroying a VM waits for nothing.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include "module.h"
#include "notifier.h"

/* op on each piece of memory that [start, end) is behind. mmu.lock held. */
static bool vtr_hva_range(struct vtr_vm *vm, hva_t start, hva_t end, enum vtr_pt_op op, u64 **freed)
{
	const struct vtr_slots *s = vm->mmu.slots;
	bool hit = false;
	gfn_t first, beyond;
	u32 i;

	lockdep_assert_held(&vm->mmu.lock);
	for (i = 0; i < s->nr; i++)
		if (vtr_slot_frames(&s->slot[i], start, end, &first, &beyond))
			hit |= vtr_pt_range(&vm->mmu.pt, op, first, beyond, freed);
	return hit;
}

static void vtr_vm_invalidate(struct vtr_vm *vm, hva_t start, hva_t end, enum vtr_pt_op op)
{
	struct vtr_mmu *mmu = &vm->mmu;
	u64 *freed = NULL;

	spin_lock(&mmu->lock);
	if (!mmu->active++) {
		mmu->inv_start = start;
		mmu->inv_end = end;
	} else {
		mmu->inv_start = min(mmu->inv_start, start);
		mmu->inv_end = max(mmu->inv_end, end);
	}
	if (vtr_hva_range(vm, start, end, op, &freed))
		vtr_vm_flush_tlbs(vm);
	spin_unlock(&mmu->lock);
	vtr_tdp_free_list(vm, freed);
}

static int vtr_invalidate_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vtr_mm *o = container_of(mn, struct vtr_mm, mn);
	/*
	 * A page made read-only, by fork above all, keeps its frame: readers go on undisturbed.
	 * mprotect() says something else (PROTECTION_VMA), since it may take reading away too.
	 */
	enum vtr_pt_op op = range->event == MMU_NOTIFY_PROTECTION_PAGE ||
			    range->event == MMU_NOTIFY_SOFT_DIRTY ? VTR_PT_PROTECT : VTR_PT_ZAP;
	struct vtr_vm *vm;

	spin_lock(&o->lock);
	o->start = o->active ? min_t(hva_t, o->start, range->start) : range->start;
	o->end = o->active ? max_t(hva_t, o->end, range->end) : range->end;
	o->active++;
	list_for_each_entry(vm, &o->vms, mmu.owner_link)
		vtr_vm_invalidate(vm, range->start, range->end, op);
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
		vm->mmu.active--;
		WRITE_ONCE(vm->mmu.ended, vm->mmu.ended + 1);
		spin_unlock(&vm->mmu.lock);
	}
	spin_unlock(&o->lock);
}

static int vtr_age(struct mmu_notifier *mn, hva_t start, hva_t end, enum vtr_pt_op op)
{
	struct vtr_mm *o = container_of(mn, struct vtr_mm, mn);
	bool young = false;
	struct vtr_vm *vm;

	spin_lock(&o->lock);
	list_for_each_entry(vm, &o->vms, mmu.owner_link) {
		spin_lock(&vm->mmu.lock);
		young |= vtr_hva_range(vm, start, end, op, NULL);
		spin_unlock(&vm->mmu.lock);
	}
	spin_unlock(&o->lock);
	return young;
}

/*
 * Both clearing callbacks: no flush. What a TLB still holds makes a page look older than it is, which
 * costs less than the IPIs; the host's own page tables are aged so on x86 too.
 */
static int vtr_clear_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
			   unsigned long end)
{
	return vtr_age(mn, start, end, VTR_PT_CLEAR_YOUNG);
}

static int vtr_test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long addr)
{
	return vtr_age(mn, addr, addr + 1, VTR_PT_YOUNG);
}

/* The process is gone; its VMs linger while somebody holds their files. */
static void vtr_mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct vtr_mm *o = container_of(mn, struct vtr_mm, mn);
	struct vtr_vm *vm;

	spin_lock(&o->lock);
	list_for_each_entry(vm, &o->vms, mmu.owner_link) {
		u64 *freed = NULL;

		WRITE_ONCE(vm->dead, true);
		spin_lock(&vm->mmu.lock);
		if (vtr_pt_range(&vm->mmu.pt, VTR_PT_ZAP, 0, vtr_pt_limit(&vm->mmu.pt), &freed))
			vtr_vm_flush_tlbs(vm);
		spin_unlock(&vm->mmu.lock);
		vtr_tdp_free_list(vm, freed);
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
	.clear_flush_young	= vtr_clear_young,
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
