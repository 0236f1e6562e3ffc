// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioapic.c - the I/O APIC's redirection table, line states and remote IRR (Intel 82093AA data sheet).
 *
 * Leaves delivery, acknowledgement listeners and the pace of level re-delivery to irqchip.c.
 */
#include "ioapic.h"

#define REG_ID		0x00
#define REG_VERSION	0x01
#define REG_ARB		0x02
#define REG_REDIR	0x10

#define OFF_SELECT	0x00
#define OFF_WINDOW	0x10

#define VERSION_VALUE	((VTR_IOAPIC_PINS - 1) << 16 | 0x11)

#define RTE_LOGICAL	BIT_ULL(11)
#define RTE_STATUS	BIT_ULL(12)
#define RTE_REMOTE_IRR	BIT_ULL(14)
#define RTE_LEVEL	BIT_ULL(15)
#define RTE_MASKED	BIT_ULL(16)
#define RTE_LOW_RO	(RTE_STATUS | RTE_REMOTE_IRR)
#define RTE_LOW_BITS	0x1ffffULL
#define RTE_HIGH_BITS	(0xffULL << 56)

/**
 * vtr_ioapic_reset() - power-up state: every pin masked
 * @io: the chip
 */
void vtr_ioapic_reset(struct vtr_ioapic *io)
{
	int pin;

	memset(io, 0, sizeof(*io));
	for (pin = 0; pin < VTR_IOAPIC_PINS; pin++)
		io->redir[pin] = RTE_MASKED;
}

/** vtr_ioapic_masked() - is @pin of @io masked? */
bool vtr_ioapic_masked(const struct vtr_ioapic *io, u32 pin)
{
	return io->redir[pin] & RTE_MASKED;
}

/** vtr_ioapic_level() - is @pin of @io level-triggered? */
bool vtr_ioapic_level(const struct vtr_ioapic *io, u32 pin)
{
	return io->redir[pin] & RTE_LEVEL;
}

/**
 * vtr_ioapic_must_fire() - is there an interrupt on the pin that has to be sent now?
 * @io: the chip
 * @pin: 0..23
 *
 * A level pin fires while asserted and not in service, an edge pin once for each rise; the rise of
 * a masked edge pin is lost when the mask goes, as on the real chip, unless the state is restored.
 */
bool vtr_ioapic_must_fire(const struct vtr_ioapic *io, u32 pin)
{
	u32 bit = 1U << pin;

	if ((io->redir[pin] & RTE_MASKED) || !(io->irr & bit))
		return false;
	return vtr_ioapic_level(io, pin) ? !(io->redir[pin] & RTE_REMOTE_IRR) : !(io->delivered & bit);
}

/**
 * vtr_ioapic_set_line() - a source asserts or releases a pin
 * @io: the chip
 * @pin: 0..23
 * @source: source id, 0..31; the pin is the OR of all
 * @level: asserted
 *
 * Return: VTR_LINE_FIRE: send vtr_ioapic_message(), then report to vtr_ioapic_fired();
 * VTR_LINE_IGNORED: masked; VTR_LINE_COALESCED: nothing new; VTR_LINE_LOWERED: nobody asserts it.
 */
int vtr_ioapic_set_line(struct vtr_ioapic *io, u32 pin, u32 source, bool level)
{
	u32 bit = 1U << pin, old = io->irr;

	if (level)
		io->sources[pin] |= 1U << source;
	else
		io->sources[pin] &= ~(1U << source);

	if (!io->sources[pin]) {
		io->irr &= ~bit;
		io->delivered &= ~bit;
		return VTR_LINE_LOWERED;
	}
	io->irr |= bit;
	if (!vtr_ioapic_level(io, pin) && (old & bit))
		return VTR_LINE_COALESCED;
	if (vtr_ioapic_masked(io, pin))
		return VTR_LINE_IGNORED;
	return vtr_ioapic_must_fire(io, pin) ? VTR_LINE_FIRE : VTR_LINE_COALESCED;
}

/**
 * vtr_ioapic_message() - what a pin sends
 * @io: the chip
 * @pin: 0..23
 * @m: filled in
 */
void vtr_ioapic_message(const struct vtr_ioapic *io, u32 pin, struct vtr_lapic_message *m)
{
	u64 rte = io->redir[pin];

	m->dest = rte >> 56;
	m->vector = rte & 0xff;
	m->mode = rte >> 8 & 7;
	m->shorthand = LAPIC_DEST;
	m->logical = rte & RTE_LOGICAL;
	m->level = rte & RTE_LEVEL;
	m->assert = true;
	m->lowest = m->mode == LAPIC_LOWEST;
	m->x2apic = false;
}

/**
 * vtr_ioapic_fired() - the pin's message was sent
 * @io: the chip
 * @pin: 0..23
 * @accepted: some APIC took it
 */
void vtr_ioapic_fired(struct vtr_ioapic *io, u32 pin, bool accepted)
{
	if (!vtr_ioapic_level(io, pin))
		io->delivered |= 1U << pin;
	else if (accepted)
		io->redir[pin] |= RTE_REMOTE_IRR;
}

/**
 * vtr_ioapic_eoi() - an EOI of a vector was broadcast
 * @io: the chip
 * @vector: the vector
 *
 * Return: the pins with that vector, edge-triggered ones too. Level pins among them are out of
 * service and may have to fire again.
 */
u32 vtr_ioapic_eoi(struct vtr_ioapic *io, u8 vector)
{
	u32 pin, pins = 0;

	for (pin = 0; pin < VTR_IOAPIC_PINS; pin++) {
		if ((io->redir[pin] & 0xff) != vector)
			continue;
		if (vtr_ioapic_level(io, pin)) {
			if (!(io->redir[pin] & RTE_REMOTE_IRR))
				continue;
			io->redir[pin] &= ~RTE_REMOTE_IRR;
		}
		pins |= 1U << pin;
	}
	return pins;
}

static u32 read_window(const struct vtr_ioapic *io)
{
	u32 pin = (io->regsel - REG_REDIR) / 2;

	switch (io->regsel) {
	case REG_ID:
	case REG_ARB:
		return (u32)io->id << 24;
	case REG_VERSION:
		return VERSION_VALUE;
	default:
		if (io->regsel < REG_REDIR || pin >= VTR_IOAPIC_PINS)
			return 0;
		return io->redir[pin] >> (io->regsel & 1 ? 32 : 0);
	}
}

/**
 * vtr_ioapic_read() - reads the MMIO window
 * @io: the chip
 * @off: offset, a multiple of 16 below VTR_IOAPIC_LEN
 *
 * Return: the register's value, 0 where there is none.
 */
u32 vtr_ioapic_read(const struct vtr_ioapic *io, u32 off)
{
	if (off == OFF_SELECT)
		return io->regsel;
	return off == OFF_WINDOW ? read_window(io) : 0;
}

/*
 * Switching a pin to edge-triggered drops its remote IRR: without an EOI register that is how
 * systems end a level interrupt by hand.
 */
static void write_redir(struct vtr_ioapic *io, u32 pin, bool high, u32 val)
{
	u64 rte = io->redir[pin];

	if (high)
		rte = (rte & ~RTE_HIGH_BITS) | ((u64)val << 32 & RTE_HIGH_BITS);
	else
		rte = (rte & (RTE_HIGH_BITS | RTE_LOW_RO)) | (val & RTE_LOW_BITS & ~RTE_LOW_RO);
	if (!(rte & RTE_LEVEL))
		rte &= ~RTE_REMOTE_IRR;
	io->redir[pin] = rte;
	if (rte & RTE_LEVEL)
		io->delivered &= ~(1U << pin);
	else if (!high)
		io->delivered |= io->irr & 1U << pin;
}

/**
 * vtr_ioapic_write() - writes the MMIO window
 * @io: the chip
 * @off: offset, a multiple of 16 below VTR_IOAPIC_LEN
 * @val: the value
 *
 * Return: the pin whose redirection entry was written (it may have to fire now), or -1.
 */
int vtr_ioapic_write(struct vtr_ioapic *io, u32 off, u32 val)
{
	u32 pin = (io->regsel - REG_REDIR) / 2;

	if (off == OFF_SELECT) {
		io->regsel = val;
		return -1;
	}
	if (off != OFF_WINDOW)
		return -1;
	if (io->regsel == REG_ID) {
		io->id = val >> 24 & 0xf;
		return -1;
	}
	if (io->regsel < REG_REDIR || pin >= VTR_IOAPIC_PINS)
		return -1;
	write_redir(io, pin, io->regsel & 1, val);
	return pin;
}

/**
 * vtr_ioapic_restore() - takes over the state of KVM_SET_IRQCHIP
 * @io: the chip
 * @redir: 24 redirection entries, from the caller: reserved bits are dropped
 * @irr: pins asserted; an edge-triggered one among them was not sent yet and has to fire
 * @regsel: index register
 * @id: identification
 */
void vtr_ioapic_restore(struct vtr_ioapic *io, const u64 *redir, u32 irr, u8 regsel, u8 id)
{
	int pin;

	for (pin = 0; pin < VTR_IOAPIC_PINS; pin++) {
		u64 rte = redir[pin] & (RTE_LOW_BITS | RTE_HIGH_BITS);

		io->redir[pin] = rte & RTE_LEVEL ? rte : rte & ~RTE_REMOTE_IRR;
	}
	io->irr = irr & ((1U << VTR_IOAPIC_PINS) - 1);
	io->delivered = 0;
	io->regsel = regsel;
	io->id = id & 0xf;
}
