/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bus.h - the port and MMIO ranges the kernel answers itself: I/O APIC, PIC, PIT, ioeventfds.
 *
 * Readers run in the exit path without locks (RCU, preemption off); writers hold vm->lock and
 * publish a new sorted array. The local APIC is not on the bus: each vCPU has its own (irq.h).
 */
#ifndef VITRINE_BUS_H
#define VITRINE_BUS_H

#include "pure.h"

enum vtr_bus_kind { VTR_BUS_PIO, VTR_BUS_MMIO, VTR_BUS_NR };

struct vtr_vcpu;
struct vtr_vm;
struct vtr_iodev;

/* Handlers: 0 if the device took the access, -EOPNOTSUPP if it is not its (goes on to user space). */
struct vtr_iodev_ops {
	int (*read)(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len, void *val);
	int (*write)(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len, const void *val);
};

struct vtr_iodev {
	const struct vtr_iodev_ops *ops;
};

struct vtr_bus_range {
	gpa_t addr;
	u32 len;			/* bytes; 0: matches at exactly addr, any width (ioeventfd) */
	struct vtr_iodev *dev;
};

struct vtr_bus_table;

struct vtr_bus {
	struct vtr_bus_table __rcu *table;
};

/* bus.c */
void vtr_bus_init(struct vtr_vm *vm);
void vtr_bus_fini(struct vtr_vm *vm);
int vtr_bus_register(struct vtr_vm *vm, enum vtr_bus_kind bus, gpa_t addr, u32 len,
		     struct vtr_iodev *dev);
/* After return no reader uses dev any more (waits for a grace period unless the caller defers it). */
void vtr_bus_unregister(struct vtr_vm *vm, enum vtr_bus_kind bus, struct vtr_iodev *dev);
/* 0 handled, -EOPNOTSUPP nobody took it. Preemption off or RCU read side. Does not sleep. */
int vtr_bus_read(struct vtr_vcpu *v, enum vtr_bus_kind bus, gpa_t addr, int len, void *val);
int vtr_bus_write(struct vtr_vcpu *v, enum vtr_bus_kind bus, gpa_t addr, int len, const void *val);
/* Is any in-kernel range at addr? (cheap negative test for the MMIO fast path) */
bool vtr_bus_covers(struct vtr_vm *vm, enum vtr_bus_kind bus, gpa_t addr);

/* ioeventfd.c */
int vtr_ioeventfd(struct vtr_vm *vm, const struct kvm_ioeventfd *args);
void vtr_ioeventfd_fini(struct vtr_vm *vm);

#endif /* VITRINE_BUS_H */
