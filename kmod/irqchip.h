/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * irqchip.h - what the interrupt files share among themselves. The rest of the module uses irq.h.
 *
 * Locks, outermost first: pit->lock; ioapic_lock and pic_lock (never both); then only vCPU requests.
 * Acknowledgements are reported with none of them held, because they signal eventfds, which may lead
 * straight back here.
 */
#ifndef VITRINE_IRQCHIP_H
#define VITRINE_IRQCHIP_H

#include <linux/hrtimer.h>
#include <linux/workqueue.h>
#include "ioapic.h"
#include "lapic.h"
#include "pic.h"
#include "vitrine.h"

/* Bits of vtr_apic.mp_events. */
enum { VTR_APIC_INIT, VTR_APIC_SIPI };

/**
 * struct vtr_apic - a vCPU's local APIC with its host timer
 * @l: the registers
 * @vcpu: its vCPU
 * @armed_tsc: guest TSC at or before which the queued host timer fires, U64_MAX if unknown
 * @armed_ns: CLOCK_MONOTONIC ns at which it fires, U64_MAX if none is queued
 * @timer: fires early rather than late: a later target leaves it alone, and it is set again then
 * @mp_events: INIT and SIPI not accepted yet
 * @sipi_vector: of the SIPI in @mp_events
 * @reload: with l.hw: the ISR was changed by us, the CPU must hear of it
 */
struct vtr_apic {
	struct vtr_lapic l;
	struct vtr_vcpu *vcpu;
	u64 armed_tsc;
	u64 armed_ns;
	struct hrtimer timer;
	unsigned long mp_events;
	u8 sipi_vector;
	bool reload;
};

struct vtr_pit;

/**
 * struct vtr_irqchip - the chips a VM shares among its vCPUs
 * @vm: the VM
 * @eoi_map: vectors whose EOI the I/O APIC wants to hear of; written under @ioapic_lock
 * @ioapic_lock: @ioapic, @eoi_streak, @storm_pins
 * @ioapic: the I/O APIC
 * @eoi_streak: per pin, EOIs in a row after which the line was still asserted
 * @storm_pins: pins whose next interrupt waits for @storm
 * @storm: delivers them
 * @pic_lock: @pic
 * @pic: the 8259A pair; its output is read without the lock
 * @pit: NULL until KVM_CREATE_PIT2
 */
struct vtr_irqchip {
	struct vtr_vm *vm;
	u64 eoi_map[4];
	raw_spinlock_t ioapic_lock;
	struct vtr_ioapic ioapic;
	u32 eoi_streak[VTR_IOAPIC_PINS];
	u32 storm_pins;
	struct delayed_work storm;
	raw_spinlock_t pic_lock;
	struct vtr_pic pic;
	struct vtr_iodev ioapic_dev;
	struct vtr_iodev pic_dev[2];
	struct vtr_iodev elcr_dev;
	struct vtr_pit *pit;
};

/* The VM's chips, NULL before KVM_CREATE_IRQCHIP. */
static inline struct vtr_irqchip *vtr_irqchip_of(struct vtr_vm *vm)
{
	return smp_load_acquire(&vm->irqchip);	/* pairs with vtr_irqchip_create() */
}

/* Their PIT, NULL before KVM_CREATE_PIT2. */
static inline struct vtr_pit *vtr_irqchip_pit(struct vtr_irqchip *chip)
{
	return chip ? smp_load_acquire(&chip->pit) : NULL;	/* pairs with vtr_pit_create() */
}

/* apic.c */
int vtr_apic_send(struct vtr_vm *vm, const struct vtr_lapic_message *m, struct vtr_vcpu *src);
void vtr_apic_pic_raised(struct vtr_vm *vm);
void vtr_apic_do(struct vtr_vcpu *v, u32 effects);

/* apic_timer.c */
void vtr_apic_timer_init(struct vtr_apic *a);
void vtr_apic_timer_cancel(struct vtr_apic *a);
void vtr_apic_timer_set(struct vtr_vcpu *v);

/* irqchip.c */
int vtr_irqchip_ioapic_line(struct vtr_irqchip *chip, u32 pin, u32 source, bool level);
int vtr_irqchip_pic_line(struct vtr_irqchip *chip, u32 pin, u32 source, bool level);
void vtr_irqchip_eoi(struct vtr_irqchip *chip, u8 vector);
int vtr_irqchip_pic_ack(struct vtr_irqchip *chip);
void vtr_irqchip_update_eoi(struct vtr_irqchip *chip);

/* routing.c */
void vtr_irq_acked(struct vtr_vm *vm, u32 chip, u32 pin);
bool vtr_irq_has_listener(struct vtr_vm *vm, u32 chip, u32 pin);
bool vtr_irq_pin_is_pit(struct vtr_vm *vm, u32 chip, u32 pin);

/* irqfd.c */
void vtr_irqfd_acked(struct vtr_vm *vm, u32 gsi);
bool vtr_irqfd_resamples(struct vtr_vm *vm, u32 gsi);

/* pitdev.c */
void vtr_pit_destroy(struct vtr_irqchip *chip);
void vtr_pit_acked(struct vtr_pit *pit);
void vtr_pit_unmasked(struct vtr_pit *pit);

#endif /* VITRINE_IRQCHIP_H */
