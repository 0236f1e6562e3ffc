// SPDX-License-Identifier: GPL-2.0-only
/*
 * dirty.c - the dirty log: one bit a page, set before a page becomes writable or is written by us.
 *
 * Where the CPU keeps a log of its own (vtr_pt.cpu_logs) pages stay writable, and the bit is set when a
 * vCPU leaves the guest. A leaf that the CPU has marked dirty is in the bitmap or in a vCPU's log, since
 * the mark is taken away after the bit is.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vitrine.h"

/**
 * struct vtr_dirty - the log of one slot
 * @users: generations of the slot table that hold it
 * @nbits: pages, rounded up to whole longs
 * @bits: the bitmap; a bit is set atomically from any context
 */
struct vtr_dirty {
	refcount_t users;
	u64 nbits;
	unsigned long bits[];
};

/**
 * vtr_dirty_create() - a log with no page dirty
 * @npages: of the slot
 *
 * Return: the log with one user, or NULL.
 */
struct vtr_dirty *vtr_dirty_create(u64 npages)
{
	u64 nbits = round_up(npages, BITS_PER_LONG);
	struct vtr_dirty *d = kvzalloc(sizeof(*d) + nbits / 8, GFP_KERNEL_ACCOUNT);

	if (d) {
		refcount_set(&d->users, 1);
		d->nbits = nbits;
	}
	return d;
}

/**
 * vtr_dirty_get() - one more user
 * @d: the log
 *
 * Return: @d.
 */
struct vtr_dirty *vtr_dirty_get(struct vtr_dirty *d)
{
	refcount_inc(&d->users);
	return d;
}

/**
 * vtr_dirty_put() - one user less
 * @d: the log, or NULL
 */
void vtr_dirty_put(struct vtr_dirty *d)
{
	if (d && refcount_dec_and_test(&d->users))
		kvfree(d);
}

/**
 * vtr_dirty_set() - a page is written
 * @d: the log
 * @page: number within the slot
 */
void vtr_dirty_set(struct vtr_dirty *d, u64 page)
{
	/*
	 * Set even if it is set: the barrier orders our write to the page before it. A test alone could
	 * see a bit that a reader takes away before the write is visible to it.
	 */
	smp_mb__before_atomic();
	set_bit(page, d->bits);
}

/* Move the bits into copy, to hear of the next write to what they name. mmu.lock held. True: flush. */
static bool vtr_dirty_collect(struct vtr_vm *vm, const struct vtr_slot *s, unsigned long *copy)
{
	bool flush = false;
	u64 i, n = s->dirty->nbits / BITS_PER_LONG;

	for (i = 0; i < n; i++) {
		unsigned long word;

		if (!READ_ONCE(s->dirty->bits[i]))
			continue;
		word = xchg(&s->dirty->bits[i], 0);
		copy[i] = word;
		flush |= vtr_pt_log_mask(&vm->mmu.pt, s->gfn + i * BITS_PER_LONG, word);
	}
	return flush;
}

static int vtr_dirty_get_slot(struct vtr_vm *vm, const struct vtr_slot *s, void __user *user)
{
	u64 bytes = s->dirty->nbits / 8, i;
	unsigned long *copy = kvzalloc(bytes, GFP_KERNEL);
	int err = 0;

	if (!copy)
		return -ENOMEM;
	/* What the CPUs have logged goes into the bitmap when they leave the guest. */
	if (vm->mmu.pt.cpu_logs)
		vtr_vm_request(vm, VTR_REQ_EVENT, true);
	spin_lock(&vm->mmu.lock);
	if (vtr_dirty_collect(vm, s, copy))
		vtr_vm_flush_tlbs(vm);
	spin_unlock(&vm->mmu.lock);
	if (copy_to_user(user, copy, bytes)) {
		/* The caller has not got them: they stay dirty. */
		for (i = 0; i < bytes * 8; i++)
			if (test_bit(i, copy))
				vtr_dirty_set(s->dirty, i);
		err = -EFAULT;
	}
	kvfree(copy);
	return err;
}

/**
 * vtr_dirty_log_get() - KVM_GET_DIRTY_LOG: the pages written since the last call
 * @vm: the VM
 * @log: slot and the caller's bitmap, rounded up to 64 bits
 *
 * Return: 0; -EINVAL for a slot number out of range; -ENOENT for a slot that is absent or not logged;
 * -EFAULT (then nothing is lost); -ENOMEM. Context: may sleep.
 */
int vtr_dirty_log_get(struct vtr_vm *vm, const struct kvm_dirty_log *log)
{
	struct vtr_slots *s;
	int err = -ENOENT;
	u32 i;

	if (log->slot >= VTR_MAX_SLOTS)
		return -EINVAL;
	mutex_lock(&vm->lock);
	s = vm->mmu.slots;
	for (i = 0; i < s->nr; i++)
		if (s->slot[i].id == log->slot && s->slot[i].dirty)
			err = vtr_dirty_get_slot(vm, &s->slot[i], log->dirty_bitmap);
	mutex_unlock(&vm->lock);
	return err;
}
