// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd.c - writes of the guest that signal an eventfd instead of leaving to user space
 * (KVM api.rst KVM_IOEVENTFD). Finding the one that matches is bus.c's.
 */
#include <linux/eventfd.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "vitrine.h"

#define FLAGS_KNOWN \
	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DEASSIGN)

/* Holds the eventfd until no reader of the bus can signal it. */
struct vtr_ioeventfd {
	struct eventfd_ctx *ctx;
	struct rcu_head rcu;
};

static void ioeventfd_free(struct vtr_ioeventfd *i)
{
	eventfd_ctx_put(i->ctx);
	kfree(i);
}

static void ioeventfd_free_rcu(struct rcu_head *rcu)
{
	ioeventfd_free(container_of(rcu, struct vtr_ioeventfd, rcu));
}

static int ioeventfd_check(const struct kvm_ioeventfd *args)
{
	switch (args->len) {
	case 0:
		if (args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH)
			return -EINVAL;
		break;
	case 1:
	case 2:
	case 4:
	case 8:
		break;
	default:
		return -EINVAL;
	}
	if (args->addr + args->len < args->addr)
		return -EINVAL;
	return args->flags & ~FLAGS_KNOWN ? -EINVAL : 0;
}

/* Takes over the reference to e->ctx if it succeeds. */
static int ioeventfd_assign(struct vtr_bus *bus, struct vtr_bus_event *e)
{
	struct vtr_ioeventfd *i = kmalloc(sizeof(*i), GFP_KERNEL_ACCOUNT);
	int err;

	if (!i)
		return -ENOMEM;
	i->ctx = e->ctx;
	e->owner = i;
	mutex_lock(&bus->lock);
	err = vtr_bus_add_event(bus, e);
	mutex_unlock(&bus->lock);
	if (err)
		kfree(i);
	return err;
}

static int ioeventfd_deassign(struct vtr_bus *bus, const struct vtr_bus_event *e)
{
	struct vtr_ioeventfd *i;
	int err;

	mutex_lock(&bus->lock);
	err = vtr_bus_del_event(bus, e, &i);
	mutex_unlock(&bus->lock);
	if (!err)
		call_rcu(&i->rcu, ioeventfd_free_rcu);
	return err;
}

/**
 * vtr_ioeventfd() - KVM_IOEVENTFD
 * @vm: the VM
 * @args: from the caller
 *
 * Return: 0; -EINVAL: flags, width, a value without a width, an address that wraps, not an eventfd;
 * -EBADF; -EEXIST: some write would match two; -ENOENT: nothing such to deassign; -ENOSPC: over 1000;
 * -ENOMEM. Context: may sleep.
 */
int vtr_ioeventfd(struct vtr_vm *vm, const struct kvm_ioeventfd *args)
{
	bool pio = args->flags & KVM_IOEVENTFD_FLAG_PIO;
	struct vtr_bus *bus = &vm->bus[pio ? VTR_BUS_PIO : VTR_BUS_MMIO];
	struct vtr_bus_event e = {
		.addr		= args->addr,
		.len		= args->len,
		.wildcard	= !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH),
		.datamatch	= args->datamatch,
	};
	int err = ioeventfd_check(args);

	if (err)
		return err;
	e.ctx = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(e.ctx))
		return PTR_ERR(e.ctx);
	if (args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN) {
		err = ioeventfd_deassign(bus, &e);
		eventfd_ctx_put(e.ctx);
		return err;
	}
	err = ioeventfd_assign(bus, &e);
	if (err)
		eventfd_ctx_put(e.ctx);
	return err;
}

static void ioeventfd_release(struct vtr_bus_event *e)
{
	ioeventfd_free(e->owner);
}

/**
 * vtr_ioeventfd_fini() - let go of all eventfds
 * @vm: at its end: no vCPU runs
 */
void vtr_ioeventfd_fini(struct vtr_vm *vm)
{
	int i;

	for (i = 0; i < VTR_BUS_NR; i++)
		vtr_bus_drain_events(&vm->bus[i], ioeventfd_release);
}
