/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioapic.h - the I/O APIC as a register machine: 24 pins, version 0x11, no EOI register.
 *
 * The machine decides which pin has to send; irqchip.c sends, and tells it what became of that.
 * All calls under the chip's lock.
 */
#ifndef VITRINE_IOAPIC_H
#define VITRINE_IOAPIC_H

#include "lapic.h"
#include "pure.h"

#define VTR_IOAPIC_PINS		24
#define VTR_IOAPIC_BASE		0xfec00000ULL
#define VTR_IOAPIC_LEN		0x100

/* Answers of a line change; without VTR_LINE_LOWERED the values of KVM_IRQ_LINE_STATUS. */
#define VTR_LINE_IGNORED	(-1)
#define VTR_LINE_COALESCED	0
#define VTR_LINE_FIRE		1
#define VTR_LINE_LOWERED	2

/**
 * struct vtr_ioapic - one I/O APIC
 * @redir: redirection table
 * @sources: per pin, which sources hold it asserted; bit = source id
 * @irr: pins asserted
 * @delivered: edge-triggered pins of @irr whose edge was sent
 * @regsel: index register
 * @id: bits 27:24 of the identification register, shifted down
 */
struct vtr_ioapic {
	u64 redir[VTR_IOAPIC_PINS];
	u32 sources[VTR_IOAPIC_PINS];
	u32 irr;
	u32 delivered;
	u8 regsel;
	u8 id;
};

void vtr_ioapic_reset(struct vtr_ioapic *io);
int vtr_ioapic_set_line(struct vtr_ioapic *io, u32 pin, u32 source, bool level);
bool vtr_ioapic_must_fire(const struct vtr_ioapic *io, u32 pin);
void vtr_ioapic_message(const struct vtr_ioapic *io, u32 pin, struct vtr_lapic_message *m);
void vtr_ioapic_fired(struct vtr_ioapic *io, u32 pin, bool accepted);
u32 vtr_ioapic_eoi(struct vtr_ioapic *io, u8 vector);
u32 vtr_ioapic_read(const struct vtr_ioapic *io, u32 off);
int vtr_ioapic_write(struct vtr_ioapic *io, u32 off, u32 val);
void vtr_ioapic_restore(struct vtr_ioapic *io, const u64 *redir, u32 irr, u8 regsel, u8 id);
bool vtr_ioapic_masked(const struct vtr_ioapic *io, u32 pin);
bool vtr_ioapic_level(const struct vtr_ioapic *io, u32 pin);

#endif /* VITRINE_IOAPIC_H */
