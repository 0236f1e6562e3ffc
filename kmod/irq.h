/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * irq.h - virtual interrupt delivery as the rest of the module sees it: local APIC, I/O APIC, PIC,
 * PIT, GSI routing, MSI, irqfd.
 *
 * The register machines are pure (lapic.c, ioapic.c, pic.c, pit.c); apic.c, irqchip.c, routing.c and
 * irqfd.c put locks, timers and kicks around them.
 */
#ifndef VITRINE_IRQ_H
#define VITRINE_IRQ_H

#include <linux/kvm.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include "pure.h"

#define VTR_MAX_GSIS	4096	/* what KVM_CAP_IRQ_ROUTING says */

struct vtr_vm;
struct vtr_vcpu;
struct vtr_apic;

/* The CPU delivers interrupts from a local APIC's page; set at load for good. */
DECLARE_STATIC_KEY_FALSE(vtr_vid);
/* Is the CPU the guest's timer while the guest runs? On from the load, or never. */
DECLARE_STATIC_KEY_FALSE(vtr_exit_timer);

struct vtr_irqchip;
struct vtr_irq_table;

/* Who holds a line asserted: a pin is the OR of its sources. */
enum vtr_irq_source {
	VTR_IRQ_SOURCE_USER,		/* KVM_IRQ_LINE, irqfds without resampling */
	VTR_IRQ_SOURCE_RESAMPLE,	/* irqfds with */
	VTR_IRQ_SOURCE_PIT,
};

/**
 * struct vtr_irq_router - from GSIs to chips and MSIs, and what feeds GSIs
 * @table: replaced as a whole under @lock; NULL: nothing is routed
 * @lock: changes of the table and of the set of irqfds; below vm->lock
 * @irqfds: those that may inject
 * @resamplers: those that hear of acknowledgements; readers under RCU
 * @irqfds_lock: both lists; taken inside eventfds' wake-ups
 * @nr_irqfds: irqfds not freed yet, also those on no list any more
 * @split_eoi_map: split irqchip: vectors of level-triggered pins, whose EOIs user space hears of
 */
struct vtr_irq_router {
	struct vtr_irq_table __rcu *table;
	struct mutex lock;
	struct list_head irqfds;
	struct list_head resamplers;
	spinlock_t irqfds_lock;
	atomic_t nr_irqfds;
	u64 split_eoi_map[4];
};

/* --- local APIC: apic.c. Called by the vCPU's own thread unless said otherwise. --- */

/* Creates the vCPU's APIC (VM with in-kernel irqchip only). -ENOMEM. May sleep. */
int vtr_apic_create(struct vtr_vcpu *v);
void vtr_apic_destroy(struct vtr_vcpu *v);
/* Power-up (init_event false) or INIT state. */
void vtr_apic_reset(struct vtr_vcpu *v, bool init_event);
void vtr_apic_choose_delivery(struct vtr_vcpu *v);
/*
 * Highest vector that may be delivered now (IRR above PPR), 0 if the PIC has one (its vector is known
 * only to vtr_apic_ack()), or -1. Does not look at RFLAGS.IF. Cheap: called before each entry with an
 * event.
 */
int vtr_apic_pending(struct vtr_vcpu *v);
/* The same, less what the CPU delivers by itself. */
int vtr_apic_to_inject(struct vtr_vcpu *v);
/* Takes that interrupt: IRR -> ISR (or PIC acknowledge). Returns the vector, -1 if it went away. */
int vtr_apic_ack(struct vtr_vcpu *v);
/*
 * Virtual-interrupt delivery, only with vtr_vid on. Before an entry: enter what was posted in the IRR and
 * tell the CPU; tell it which EOIs shall exit (VTR_REQ_EOI_MAP). After an exit: an EOI of such a
 * vector, a register that was written in the page.
 */
void vtr_apic_publish(struct vtr_vcpu *v);
void vtr_apic_load_eoi_map(struct vtr_vcpu *v);
void vtr_apic_ended(struct vtr_vcpu *v, u8 vector);
void vtr_apic_written(struct vtr_vcpu *v, u32 off);
/* Highest vector in IRR whatever TPR says, or -1: for the CR8 window. */
int vtr_apic_highest_irr(struct vtr_vcpu *v);
u64 vtr_apic_cr8(struct vtr_vcpu *v);
void vtr_apic_set_cr8(struct vtr_vcpu *v, u64 cr8);
u64 vtr_apic_base(struct vtr_vcpu *v);
/*
 * IA32_APIC_BASE write by guest or host; 0, or -EINVAL (guest: #GP) for reserved bits or a forbidden
 * mode change.
 */
int vtr_apic_set_base(struct vtr_vcpu *v, u64 val, bool host);
/*
 * Is gpa in this vCPU's xAPIC window? Also when the APIC is off or in x2APIC mode: reads then give all
 * ones, as on KVM.
 */
bool vtr_apic_mmio_covers(struct vtr_vcpu *v, gpa_t gpa);
int vtr_apic_mmio_read(struct vtr_vcpu *v, gpa_t gpa, int len, void *val);
int vtr_apic_mmio_write(struct vtr_vcpu *v, gpa_t gpa, int len, const void *val);
/* MSRs 0x800..0x8ff. 0, or -EINVAL: the caller injects #GP(0). EOI, self-IPI, ICR, TMICT are hot. */
int vtr_apic_msr_read(struct vtr_vcpu *v, u32 msr, u64 *val);
int vtr_apic_msr_write(struct vtr_vcpu *v, u32 msr, u64 val);
/* IA32_TSC_DEADLINE (0x6e0). */
u64 vtr_apic_tsc_deadline(struct vtr_vcpu *v);
void vtr_apic_set_tsc_deadline(struct vtr_vcpu *v, u64 val);
/* Guest TSC offset changed: re-arm the deadline timer. */
void vtr_apic_tsc_changed(struct vtr_vcpu *v);
/* VTR_REQ_TIMER: move an expired timer's interrupt into the IRR. */
void vtr_apic_timer_poll(struct vtr_vcpu *v);
/* Before the vCPU sleeps: its timer goes on. */
void vtr_apic_timer_sleep(struct vtr_vcpu *v);
/*
 * INIT/SIPI latched by others (VTR_REQ_MP): applies them, changes v->mp_state, resets or starts the
 * vCPU (vtr_vcpu_reset, vtr_vcpu_start_at). True if the vCPU became runnable.
 */
bool vtr_apic_accept_mp(struct vtr_vcpu *v);
/* KVM_MP_STATE_SIPI_RECEIVED set by user space: the next vtr_apic_accept_mp() starts the vCPU. */
void vtr_apic_latch_sipi(struct vtr_vcpu *v);
int vtr_apic_get_state(struct vtr_vcpu *v, struct kvm_lapic_state *s);	/* KVM_GET_LAPIC */
int vtr_apic_set_state(struct vtr_vcpu *v, const struct kvm_lapic_state *s);

/* --- chips: irqchip.c, pitdev.c. --- */
int vtr_irqchip_create(struct vtr_vm *vm);		/* KVM_CREATE_IRQCHIP; vm->lock held */
/* Stops its timers, so before the vCPUs go, after which nobody may look at them. */
void vtr_irqchip_destroy(struct vtr_vm *vm);
int vtr_irqchip_get(struct vtr_vm *vm, struct kvm_irqchip *chip);
int vtr_irqchip_set(struct vtr_vm *vm, const struct kvm_irqchip *chip);
int vtr_pit_create(struct vtr_vm *vm, const struct kvm_pit_config *cfg);	/* vm->lock held */
int vtr_pit_get(struct vtr_vm *vm, struct kvm_pit_state2 *s);
int vtr_pit_set(struct vtr_vm *vm, const struct kvm_pit_state2 *s);
int vtr_pit_reinject(struct vtr_vm *vm, const struct kvm_reinject_control *c);

/* --- routing and sources: routing.c, irqfd.c. Callable from any context (irqfd: hard irq). --- */
int vtr_irq_router_init(struct vtr_vm *vm);
void vtr_irq_router_fini(struct vtr_vm *vm);
/* Level change of a GSI by a source id. <0 masked/ignored, 0 coalesced, >0 delivered to that many. */
int vtr_irq_set(struct vtr_vm *vm, int source, u32 gsi, int level);
int vtr_irq_signal_msi(struct vtr_vm *vm, const struct kvm_msi *msi);
int vtr_irq_set_routing(struct vtr_vm *vm, const struct kvm_irq_routing_entry *e, u32 nr, u32 flags);
int vtr_irq_set_default_routing(struct vtr_vm *vm);
int vtr_irqfd(struct vtr_vm *vm, const struct kvm_irqfd *args);
/* Ends all irqfds and waits for those that end by themselves. May be called again. May sleep. */
void vtr_irqfd_fini(struct vtr_vm *vm);
/* Module exit: no VM exists any more. */
void vtr_irq_module_exit(void);

#endif /* VITRINE_IRQ_H */
