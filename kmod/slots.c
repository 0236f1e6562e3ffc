// SPDX-License-Identifier: GPL-2.0-only
/*
 * slots.c - the table of memory slots: KVM_SET_USER_MEMORY_REGION and who may still use an old table.
 *
 * A change builds a new table and publishes it; what the old one mapped is taken out of the page
 * tables; then each vCPU is asked to let the old table go (its hazard pointer v->slots), and only
 * when none holds it is it freed and the caller told. So after a delete returns neither the CPU nor
 * the module's own accesses can reach the old memory.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include "backend.h"

#define VTR_SLOT_FLAGS	(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)
#define VTR_SLOT_PAGES	((1ULL << 31) - 1)	/* KVM api.rst: at most 2^31 - 1 pages */

/**
 * vtr_mmu_init() - page tables, an empty slot table, the subscription to the host's changes
 * @vm: new VM
 *
 * Return: 0, -ENOMEM, or -EINTR. Context: the process that owns the VM.
 */
int vtr_mmu_init(struct vtr_vm *vm)
{
	int err;

	spin_lock_init(&vm->mmu.lock);
	init_waitqueue_head(&vm->mmu.slots_released);
	atomic64_set(&vm->mmu.pt_pages, 0);
	vm->mmu.slots = kzalloc(sizeof(struct vtr_slots), GFP_KERNEL_ACCOUNT);
	if (!vm->mmu.slots)
		return -ENOMEM;
	err = vtr_tdp_init(vm);
	if (err)
		goto free_slots;
	err = vtr_notifier_attach(vm);
	if (err)
		goto free_tdp;
	return 0;

free_tdp:
	vtr_tdp_fini(vm);
free_slots:
	kfree(vm->mmu.slots);
	return err;
}

/**
 * vtr_mmu_fini() - free all of it; no vCPU exists any more, and the notifier is detached
 * @vm: dying VM
 */
void vtr_mmu_fini(struct vtr_vm *vm)
{
	u32 i;

	vtr_tdp_fini(vm);
	for (i = 0; i < vm->mmu.slots->nr; i++)
		vtr_dirty_put(vm->mmu.slots->slot[i].dirty);
	kvfree(vm->mmu.slots);
}

/**
 * vtr_slots_reload() - take the published table into use
 * @v: by its own thread
 *
 * The pointer is announced before it is checked again: the writer publishes first and looks at the
 * announcements after, so either it sees ours or we see its new table.
 */
void vtr_slots_reload(struct vtr_vcpu *v)
{
	struct vtr_slots *s;

	do {
		s = READ_ONCE(v->vm->mmu.slots);
		WRITE_ONCE(v->slots, s);
		smp_mb();	/* announced before it is looked at again: pairs with the writer's */
	} while (unlikely(s != READ_ONCE(v->vm->mmu.slots)));
	/* The CPU logs writes from the first entry with a table that has a log, to the last. */
	if (unlikely(s->logged != v->logging) && v->vm->mmu.pt.cpu_logs) {
		v->logging = s->logged;
		vtr_hw(log_writes)(v, s->logged);
	}
}

/**
 * vtr_slots_unload() - let go of the table: before sleeping for long and before user space
 * @v: by its own thread
 */
void vtr_slots_unload(struct vtr_vcpu *v)
{
	/* Accesses through the table are done before a writer may see it released. */
	smp_store_release(&v->slots, NULL);
	smp_mb();	/* released before the look for waiters: pairs with wait_event()'s */
	/* One that comes after this look sees the release itself. */
	if (unlikely(waitqueue_active(&v->vm->mmu.slots_released)))
		wake_up_all(&v->vm->mmu.slots_released);
}

static bool vtr_slots_in_use(struct vtr_vm *vm, const struct vtr_slots *s)
{
	struct vtr_vcpu *v;
	u32 i;

	vtr_for_each_vcpu(i, v, vm)
		/* Its accesses are done: pairs with vtr_slots_unload(). */
		if (smp_load_acquire(&v->slots) == s)
			return true;
	return false;
}

/* Publish a table; when this returns the old one is unused. What was mapped in the range is zapped. */
static void vtr_slots_publish(struct vtr_vm *vm, struct vtr_slots *new, gfn_t start, gfn_t end)
{
	struct vtr_slots *old = vm->mmu.slots;
	u64 *freed = NULL;

	spin_lock(&vm->mmu.lock);
	/* A fault that looked a slot up before this sees under the lock that its table is old. */
	smp_store_release(&vm->mmu.slots, new);
	if (start < end && vtr_pt_range(&vm->mmu.pt, VTR_PT_ZAP, start, end, &freed))
		vtr_vm_flush_tlbs(vm);
	spin_unlock(&vm->mmu.lock);
	vtr_tdp_free_list(vm, freed);

	smp_mb();	/* pairs with vtr_slots_reload() */
	vtr_vm_request(vm, VTR_REQ_SLOTS, false);
	wait_event(vm->mmu.slots_released, !vtr_slots_in_use(vm, old));
	kvfree(old);
}

/* A copy of the table without one slot and with another, either may be NULL. */
static struct vtr_slots *vtr_slots_copy(const struct vtr_slots *s, const struct vtr_slot *without,
					const struct vtr_slot *with)
{
	struct vtr_slots *n = kvzalloc(struct_size(n, slot, s->nr + 1), GFP_KERNEL_ACCOUNT);

	if (n)
		vtr_slots_build(n, s, without, with);
	return n;
}

static int vtr_region_check(const struct vtr_vm *vm, const struct kvm_userspace_memory_region *r)
{
	/* A host with 52 address bits but four levels of tables can map 48 of them for a guest. */
	u64 limit = min_t(u64, BIT_ULL(boot_cpu_data.x86_phys_bits),
			  vtr_pt_limit(&vm->mmu.pt) << PAGE_SHIFT);

	if (r->flags & ~VTR_SLOT_FLAGS || r->slot >= VTR_MAX_SLOTS)
		return -EINVAL;
	if ((r->memory_size | r->guest_phys_addr | r->userspace_addr) & ~PAGE_MASK)
		return -EINVAL;
	if (r->guest_phys_addr + r->memory_size < r->guest_phys_addr ||
	    r->guest_phys_addr + r->memory_size > limit ||
	    r->memory_size >> PAGE_SHIFT > VTR_SLOT_PAGES)
		return -EINVAL;
	if (!access_ok((void __user *)(unsigned long)r->userspace_addr, r->memory_size) ||
	    r->userspace_addr != untagged_addr(r->userspace_addr))
		return -EINVAL;
	return 0;
}

static int vtr_slot_delete(struct vtr_vm *vm, struct vtr_slot *old)
{
	struct vtr_slots *n;
	struct vtr_slot gone;

	if (!old)
		return -EINVAL;
	n = vtr_slots_copy(vm->mmu.slots, old, NULL);
	if (!n)
		return -ENOMEM;
	gone = *old;
	vtr_slots_publish(vm, n, gone.gfn, gone.gfn + gone.npages);
	atomic64_sub(gone.npages, &vm->slot_pages);
	vtr_dirty_put(gone.dirty);
	return 0;
}

/* Every vCPU knows of the log: from here on each write is heard of, page by page. */
static void vtr_slot_begin_log(struct vtr_vm *vm, const struct vtr_slot *s)
{
	u64 *freed = NULL;

	spin_lock(&vm->mmu.lock);
	if (vtr_pt_range(&vm->mmu.pt, VTR_PT_LOG, s->gfn, s->gfn + s->npages, &freed))
		vtr_vm_flush_tlbs(vm);
	spin_unlock(&vm->mmu.lock);
	vtr_tdp_free_list(vm, freed);
}

/* Create (old NULL), move, or change the flags of a slot. */
static int vtr_slot_change(struct vtr_vm *vm, struct vtr_slot *old, struct vtr_slot *new)
{
	struct vtr_slots *s = vm->mmu.slots, *n;
	struct vtr_slot was = {};

	if (old) {
		if (old->npages != new->npages || old->hva != new->hva ||
		    (old->flags ^ new->flags) & KVM_MEM_READONLY)
			return -EINVAL;
		if (old->gfn == new->gfn && old->flags == new->flags)
			return 0;
		was = *old;
	}
	if (vtr_slots_overlap(s, new, old))
		return -EEXIST;
	if (new->flags & KVM_MEM_LOG_DIRTY_PAGES) {
		/* A moved slot keeps its log. */
		new->dirty = was.dirty ? vtr_dirty_get(was.dirty) : vtr_dirty_create(new->npages);
		if (!new->dirty)
			return -ENOMEM;
	}
	n = vtr_slots_copy(s, old, new);
	if (!n) {
		vtr_dirty_put(new->dirty);
		return -ENOMEM;
	}
	if (!old)
		atomic64_add(new->npages, &vm->slot_pages);
	if (was.gfn == new->gfn && new->dirty) {
		vtr_slots_publish(vm, n, 0, 0);
		vtr_slot_begin_log(vm, new);
	} else {
		/* Also when a log ends: large pages come back. */
		vtr_slots_publish(vm, n, was.gfn, was.gfn + was.npages);
	}
	vtr_dirty_put(was.dirty);
	return 0;
}

/**
 * vtr_slots_set() - KVM_SET_USER_MEMORY_REGION
 * @vm: the VM
 * @r: what the caller wants
 *
 * Return: 0; -EINVAL for flags, alignment, ranges, an absent slot to delete or a change in place of
 * size, host address or READONLY; -EEXIST for an overlap; -ENOMEM. Context: may sleep.
 * Source: KVM api.rst KVM_SET_USER_MEMORY_REGION.
 */
int vtr_slots_set(struct vtr_vm *vm, const struct kvm_userspace_memory_region *r)
{
	struct vtr_slot *old, new = {
		.gfn	= r->guest_phys_addr >> PAGE_SHIFT,
		.npages	= r->memory_size >> PAGE_SHIFT,
		.hva	= r->userspace_addr,
		.id	= r->slot,
		.flags	= r->flags,
	};
	int err = vtr_region_check(vm, r);

	if (err)
		return err;
	mutex_lock(&vm->lock);
	old = vtr_slot_by_id(vm->mmu.slots, r->slot);
	if (!new.npages)
		err = vtr_slot_delete(vm, old);
	else
		err = vtr_slot_change(vm, old, &new);
	mutex_unlock(&vm->lock);
	return err;
}
