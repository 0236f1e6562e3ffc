/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bus.h - the port and MMIO ranges the kernel answers itself: I/O APIC, PIC, PIT, ioeventfds.
 *
 * Readers run in the exit path without locks (RCU, preemption off); writers hold the bus's lock and
 * publish a new table. The local APIC is not on the bus: each vCPU has its own (irq.h).
 */
#ifndef VITRINE_BUS_H
#define VITRINE_BUS_H

#include <linux/bitmap.h>
#include <linux/mutex.h>
#include "pure.h"

enum vtr_bus_kind { VTR_BUS_PIO, VTR_BUS_MMIO, VTR_BUS_NR };

struct vtr_vcpu;
struct vtr_vm;
struct vtr_iodev;
struct vtr_ioeventfd;

/* Handlers: 0 if the device took the access, -EOPNOTSUPP if it is not its (goes on to user space). */
struct vtr_iodev_ops {
	int (*read)(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len, void *val);
	int (*write)(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len, const void *val);
};

struct vtr_iodev {
	const struct vtr_iodev_ops *ops;
};

struct vtr_bus_table;
struct eventfd_ctx;

#define VTR_BUS_FILTER		512	/* bits */
#define VTR_BUS_MMIO_UNIT	8	/* bytes */

/**
 * struct vtr_bus - one address space of a VM
 * @kind: which one it is
 * @filter: a bit for each hash of an address that somebody may answer at, see vtr_bus_may_answer()
 * @table: immutable once published; NULL while empty
 * @lock: changes; below vm->lock
 */
struct vtr_bus {
	enum vtr_bus_kind kind;
	DECLARE_BITMAP(filter, VTR_BUS_FILTER);
	struct vtr_bus_table __rcu *table;
	struct mutex lock;
};

/* The filter's hash: low bits of a port, and of an MMIO address those that tell registers apart. */
static __always_inline u32 vtr_bus_hash(enum vtr_bus_kind kind, gpa_t addr)
{
	return (kind == VTR_BUS_PIO ? addr : addr / VTR_BUS_MMIO_UNIT) % VTR_BUS_FILTER;
}

/**
 * vtr_bus_may_answer() - is it worth asking the bus?
 * @bus: the bus
 * @kind: which
 * @addr: first address of an access
 *
 * Return: false if nobody in the kernel answers at an access that begins there; true says nothing.
 */
static __always_inline bool vtr_bus_may_answer(const struct vtr_bus *bus, enum vtr_bus_kind kind,
					       gpa_t addr)
{
	return test_bit(vtr_bus_hash(kind, addr), bus->filter);
}

/* bus.c */
void vtr_bus_init(struct vtr_vm *vm);
void vtr_bus_fini(struct vtr_vm *vm);
int vtr_bus_register(struct vtr_vm *vm, enum vtr_bus_kind bus, gpa_t addr, u32 len,
		     struct vtr_iodev *dev);
/* Readers that began before may still use dev: it must live for a grace period more. */
void vtr_bus_unregister(struct vtr_vm *vm, enum vtr_bus_kind bus, struct vtr_iodev *dev);
/* 0 handled, -EOPNOTSUPP nobody took it. Any context; does not sleep. */
int vtr_bus_read(struct vtr_vcpu *v, enum vtr_bus_kind bus, gpa_t addr, int len, void *val);
int vtr_bus_write(struct vtr_vcpu *v, enum vtr_bus_kind bus, gpa_t addr, int len, const void *val);

/**
 * struct vtr_bus_event - an address whose writes signal an eventfd
 * @addr: exact address of the access
 * @datamatch: value, zero-extended from @len bytes
 * @ctx: the eventfd
 * @owner: ioeventfd.c's object
 * @len: 1, 2, 4, 8, or 0 for any width
 * @wildcard: any value
 */
struct vtr_bus_event {
	gpa_t addr;
	u64 datamatch;
	struct eventfd_ctx *ctx;
	struct vtr_ioeventfd *owner;
	u8 len;
	bool wildcard;
};

/* Called with the bus's lock held. -EEXIST, -ENOSPC, -ENOMEM; -ENOENT or -ENOMEM, and the owner. */
int vtr_bus_add_event(struct vtr_bus *bus, const struct vtr_bus_event *e);
int vtr_bus_del_event(struct vtr_bus *bus, const struct vtr_bus_event *e,
		      struct vtr_ioeventfd **owner);
/* Calls fn for each event and forgets them; for the end of a VM. */
void vtr_bus_drain_events(struct vtr_bus *bus, void (*fn)(struct vtr_bus_event *e));

/* coalesced.c */
struct kvm_coalesced_mmio_zone;
int vtr_coalesced_register(struct vtr_vm *vm, const struct kvm_coalesced_mmio_zone *z);
int vtr_coalesced_unregister(struct vtr_vm *vm, const struct kvm_coalesced_mmio_zone *z);
void vtr_coalesced_fini(struct vtr_vm *vm);
int vtr_coalesced_write(struct vtr_vm *vm, bool pio, u64 addr, u32 len, const void *val);

/* ioeventfd.c */
int vtr_ioeventfd(struct vtr_vm *vm, const struct kvm_ioeventfd *args);
void vtr_ioeventfd_fini(struct vtr_vm *vm);

#endif /* VITRINE_BUS_H */
