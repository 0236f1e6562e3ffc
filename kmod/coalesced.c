// SPDX-License-Identifier: GPL-2.0-only
/*
 * coalesced.c - writes that user space wants to hear of later: they go into a ring that all vCPUs of
 * a VM map, and the guest goes on (KVM api.rst KVM_REGISTER_COALESCED_MMIO).
 *
 * The zones are an immutable array under RCU; there is none in most VMs. The ring is user space's to
 * read and, being shared, to spoil: each index that comes from it is checked.
 */
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "vitrine.h"

#define MAX_ZONES	100

struct vtr_zones {
	struct rcu_head rcu;
	u32 nr;
	struct kvm_coalesced_mmio_zone zone[];
};

static bool zone_covers(const struct kvm_coalesced_mmio_zone *z, u32 pio, u64 addr, u32 len)
{
	return z->pio == pio && addr >= z->addr && len <= z->size && addr - z->addr <= z->size - len;
}

/* A new array without the zones that cover @drop, and with @add behind them; either may be NULL. */
static int zones_change(struct vtr_vm *vm, const struct kvm_coalesced_mmio_zone *drop,
			const struct kvm_coalesced_mmio_zone *add)
{
	struct vtr_zones *old, *new;
	u32 i, nr;

	lockdep_assert_held(&vm->lock);
	old = rcu_dereference_protected(vm->zones, lockdep_is_held(&vm->lock));
	nr = old ? old->nr : 0;
	if (add && nr >= MAX_ZONES)
		return -ENOSPC;
	new = kzalloc(struct_size(new, zone, nr + !!add), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		if (!drop || !zone_covers(&old->zone[i], drop->pio, drop->addr, drop->size))
			new->zone[new->nr++] = old->zone[i];
	if (add)
		new->zone[new->nr++] = *add;
	if (!new->nr) {
		kfree(new);
		new = NULL;
	}
	rcu_assign_pointer(vm->zones, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/**
 * vtr_coalesced_register() - KVM_REGISTER_COALESCED_MMIO
 * @vm: the VM
 * @z: the zone; ->pio says of which address space
 *
 * Return: 0; -EINVAL: neither MMIO nor ports; -ENOSPC: 100 zones are there; -ENOMEM.
 * Context: may sleep.
 */
int vtr_coalesced_register(struct vtr_vm *vm, const struct kvm_coalesced_mmio_zone *z)
{
	int err;

	if (z->pio > 1)
		return -EINVAL;
	mutex_lock(&vm->lock);
	err = zones_change(vm, NULL, z);
	mutex_unlock(&vm->lock);
	return err;
}

/**
 * vtr_coalesced_unregister() - KVM_UNREGISTER_COALESCED_MMIO: every zone that covers this one goes
 * @vm: the VM
 * @z: the zone; one that is not there is no error
 *
 * A write that is under way may still be put into the ring.
 * Return: 0; -EINVAL: neither MMIO nor ports; -ENOMEM. Context: may sleep.
 */
int vtr_coalesced_unregister(struct vtr_vm *vm, const struct kvm_coalesced_mmio_zone *z)
{
	int err = 0;

	if (z->pio > 1)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (rcu_access_pointer(vm->zones))
		err = zones_change(vm, z, NULL);
	mutex_unlock(&vm->lock);
	return err;
}

/**
 * vtr_coalesced_fini() - forget the zones
 * @vm: at its end
 */
void vtr_coalesced_fini(struct vtr_vm *vm)
{
	kfree(rcu_dereference_protected(vm->zones, true));
}

static bool in_zone(struct vtr_vm *vm, u32 pio, u64 addr, u32 len)
{
	const struct vtr_zones *t;
	bool found = false;
	u32 i;

	rcu_read_lock();
	t = rcu_dereference(vm->zones);
	for (i = 0; t && i < t->nr && !found; i++)
		found = zone_covers(&t->zone[i], pio, addr, len);
	rcu_read_unlock();
	return found;
}

/**
 * vtr_coalesced_write() - put a write nobody in the kernel took into the ring
 * @vm: the VM
 * @pio: it is a port's
 * @addr: first address
 * @len: bytes, 1..8
 * @val: the value
 *
 * Context: any. Return: 0, or -EOPNOTSUPP: in no zone, or the ring is full: user space has to come.
 */
int vtr_coalesced_write(struct vtr_vm *vm, bool pio, u64 addr, u32 len, const void *val)
{
	struct kvm_coalesced_mmio_ring *ring = page_address(vm->coalesced);
	struct kvm_coalesced_mmio *entry;
	unsigned long flags;
	int ret = -EOPNOTSUPP;
	u32 last, next;

	if (!in_zone(vm, pio, addr, len))
		return ret;
	spin_lock_irqsave(&vm->ring_lock, flags);
	last = READ_ONCE(ring->last);
	next = (last + 1) % KVM_COALESCED_MMIO_MAX;
	if (last < KVM_COALESCED_MMIO_MAX && next != READ_ONCE(ring->first)) {
		entry = &ring->coalesced_mmio[array_index_nospec(last, KVM_COALESCED_MMIO_MAX)];
		entry->phys_addr = addr;
		entry->len = len;
		entry->pio = pio;
		memcpy(entry->data, val, len);
		smp_store_release(&ring->last, next);	/* user space reads the entry after this */
		ret = 0;
	}
	spin_unlock_irqrestore(&vm->ring_lock, flags);
	return ret;
}
