// SPDX-License-Identifier: GPL-2.0-only
/*
 * pic.c - the 8259A pair (Intel 8259A data sheet): priorities, nesting, rotation, polling, cascade.
 *
 * The slave's INT pin is the master's input 2, taken as a level, so that a request that goes away
 * before it is acknowledged leaves nothing behind in the master.
 */
#include "ioapic.h"
#include "pic.h"

#define CASCADE		2
#define SPURIOUS	7
#define NO_PRIORITY	8

/* Place of the highest request of @mask in the current order of priorities, 0 first. */
static int priority(const struct vtr_pic_chip *c, u8 mask)
{
	int p;

	for (p = 0; p < NO_PRIORITY; p++)
		if (mask & 1U << ((p + c->priority_add) & 7))
			return p;
	return NO_PRIORITY;
}

/* The input the chip asks for, -1 if none or only such as rank below what is in service. */
static int request(const struct vtr_pic *pic, int chip)
{
	const struct vtr_pic_chip *c = &pic->chip[chip];
	int p = priority(c, c->irr & ~c->imr);
	u8 serving = c->isr;

	if (p == NO_PRIORITY)
		return -1;
	if (c->special_mask)
		serving &= ~c->imr;
	if (c->special_fully_nested_mode && !chip)
		serving &= ~(1U << CASCADE);
	return p < priority(c, serving) ? (p + c->priority_add) & 7 : -1;
}

static void update(struct vtr_pic *pic)
{
	struct vtr_pic_chip *master = &pic->chip[0];

	if (request(pic, 1) >= 0)
		master->irr |= 1U << CASCADE;
	else
		master->irr &= ~(1U << CASCADE);
	WRITE_ONCE(pic->output, request(pic, 0) >= 0);
}

static void end_service(struct vtr_pic *pic, int chip, int irq)
{
	pic->chip[chip].isr &= ~(1U << irq);
	pic->acked |= 1U << (chip * 8 + irq);
}

/**
 * vtr_pic_reset() - power-up state
 * @pic: the pair
 */
void vtr_pic_reset(struct vtr_pic *pic)
{
	memset(pic, 0, sizeof(*pic));
	pic->chip[0].elcr_mask = 0xf8;
	pic->chip[1].elcr_mask = 0xde;
}

/**
 * vtr_pic_set_line() - a source asserts or releases an input
 * @pic: the pair
 * @pin: 0..15; 8..15 are the slave's
 * @source: source id, 0..31; the input is the OR of all
 * @level: asserted
 *
 * Return: VTR_LINE_FIRE a new request, VTR_LINE_COALESCED it was requested already,
 * VTR_LINE_IGNORED masked, VTR_LINE_LOWERED nobody asserts it and it is not masked.
 */
int vtr_pic_set_line(struct vtr_pic *pic, u32 pin, u32 source, bool level)
{
	struct vtr_pic_chip *c = &pic->chip[pin >> 3];
	u8 bit = 1U << (pin & 7);
	bool fresh;

	if (level)
		pic->sources[pin] |= 1U << source;
	else
		pic->sources[pin] &= ~(1U << source);

	if (!pic->sources[pin]) {
		c->last_irr &= ~bit;
		if (c->elcr & bit)
			c->irr &= ~bit;
		update(pic);
		return c->imr & bit ? VTR_LINE_IGNORED : VTR_LINE_LOWERED;
	}
	fresh = !(c->irr & bit) && ((c->elcr & bit) || !(c->last_irr & bit));
	c->last_irr |= bit;
	if (fresh)
		c->irr |= bit;
	update(pic);
	if (c->imr & bit)
		return VTR_LINE_IGNORED;
	return fresh ? VTR_LINE_FIRE : VTR_LINE_COALESCED;
}

static void take(struct vtr_pic *pic, int chip, int irq)
{
	struct vtr_pic_chip *c = &pic->chip[chip];
	u8 bit = 1U << irq;

	if (!(c->elcr & bit))
		c->irr &= ~bit;
	c->isr |= bit;
	if (!c->auto_eoi)
		return;
	end_service(pic, chip, irq);
	if (c->rotate_on_auto_eoi)
		c->priority_add = (irq + 1) & 7;
}

/**
 * vtr_pic_ack() - the processor's interrupt acknowledge cycle
 * @pic: the pair
 *
 * Return: the vector; that of input 7 if the request has gone away.
 */
u8 vtr_pic_ack(struct vtr_pic *pic)
{
	int irq = request(pic, 0), chip = 0;

	if (irq >= 0)
		take(pic, 0, irq);
	if (irq == CASCADE) {
		chip = 1;
		irq = request(pic, 1);
		if (irq >= 0)
			take(pic, 1, irq);
	}
	if (irq < 0)
		irq = SPURIOUS;
	update(pic);
	return pic->chip[chip].irq_base + irq;
}

static u8 poll(struct vtr_pic *pic, int chip)
{
	int irq = request(pic, chip);

	if (irq >= 0)
		take(pic, chip, irq);
	update(pic);
	return irq < 0 ? 0 : 0x80 | irq;
}

/**
 * vtr_pic_read() - IN from a chip
 * @pic: the pair
 * @chip: 0 master, 1 slave
 * @reg: 0 or 1, the port's low bit
 *
 * Return: the value.
 */
u8 vtr_pic_read(struct vtr_pic *pic, int chip, u32 reg)
{
	struct vtr_pic_chip *c = &pic->chip[chip];

	if (c->poll) {
		c->poll = 0;
		return poll(pic, chip);
	}
	if (reg)
		return c->imr;
	return c->read_reg_select ? c->isr : c->irr;
}

static u8 lines(const struct vtr_pic *pic, int chip)
{
	u8 high = 0;
	int i;

	for (i = 0; i < 8; i++)
		if (pic->sources[chip * 8 + i])
			high |= 1U << i;
	return high;
}

/*
 * ICW1. An input that is high now has to fall before it is an edge again. What was in service or an
 * unserved edge is forgotten, which ends it for who waits for that.
 */
static void init_word1(struct vtr_pic *pic, int chip, u8 val)
{
	struct vtr_pic_chip *c = &pic->chip[chip];

	pic->acked |= (u16)(c->isr | (c->irr & ~c->elcr)) << (chip * 8);
	c->last_irr = lines(pic, chip);
	c->irr &= c->elcr;
	c->imr = 0;
	c->isr = 0;
	c->priority_add = 0;
	c->special_mask = 0;
	c->read_reg_select = 0;
	c->poll = 0;
	c->auto_eoi = 0;
	c->rotate_on_auto_eoi = 0;
	c->special_fully_nested_mode = 0;
	c->init4 = val & 1;
	c->init_state = 1;
}

static void command_word3(struct vtr_pic_chip *c, u8 val)
{
	c->poll = !!(val & 4);
	if (val & 2)
		c->read_reg_select = val & 1;
	if (val & 0x40)
		c->special_mask = val >> 5 & 1;
}

/* OCW2: bit 5 EOI, bit 6 specific, bit 7 rotate. */
static void command_word2(struct vtr_pic *pic, int chip, u8 val)
{
	struct vtr_pic_chip *c = &pic->chip[chip];
	bool eoi = val & 0x20, specific = val & 0x40, rotate = val & 0x80;
	int irq = val & 7;

	if (!eoi && !specific) {
		c->rotate_on_auto_eoi = rotate;
		return;
	}
	if (!specific) {
		int p = priority(c, c->special_mask ? c->isr & ~c->imr : c->isr);

		if (p == NO_PRIORITY)
			return;
		irq = (p + c->priority_add) & 7;
	}
	if (eoi)
		end_service(pic, chip, irq);
	if (rotate)
		c->priority_add = (irq + 1) & 7;
}

static void write_data(struct vtr_pic_chip *c, u8 val)
{
	switch (c->init_state) {
	case 0:
		c->imr = val;
		break;
	case 1:
		c->irq_base = val & 0xf8;
		c->init_state = 2;
		break;
	case 2:
		c->init_state = c->init4 ? 3 : 0;
		break;
	default:
		c->special_fully_nested_mode = val >> 4 & 1;
		c->auto_eoi = val >> 1 & 1;
		c->init_state = 0;
		break;
	}
}

/**
 * vtr_pic_write() - OUT to a chip
 * @pic: the pair
 * @chip: 0 master, 1 slave
 * @reg: 0 or 1, the port's low bit
 * @val: the value
 */
void vtr_pic_write(struct vtr_pic *pic, int chip, u32 reg, u8 val)
{
	struct vtr_pic_chip *c = &pic->chip[chip];

	if (reg)
		write_data(c, val);
	else if (val & 0x10)
		init_word1(pic, chip, val);
	else if (val & 0x08)
		command_word3(c, val);
	else
		command_word2(pic, chip, val);
	update(pic);
}

/**
 * vtr_pic_write_elcr() - writes the edge/level control register
 * @pic: the pair
 * @chip: 0 master, 1 slave
 * @val: level-triggered inputs; those that cannot be are dropped
 */
void vtr_pic_write_elcr(struct vtr_pic *pic, int chip, u8 val)
{
	pic->chip[chip].elcr = val & pic->chip[chip].elcr_mask;
	update(pic);
}

/** vtr_pic_imr() - masks of all 16 inputs of @pic */
u16 vtr_pic_imr(const struct vtr_pic *pic)
{
	return pic->chip[0].imr | pic->chip[1].imr << 8;
}

/**
 * vtr_pic_restore() - takes over the state of one chip (KVM_SET_IRQCHIP)
 * @pic: the pair
 * @chip: 0 master, 1 slave
 * @state: anything; fields are reduced to values the chip can have
 */
void vtr_pic_restore(struct vtr_pic *pic, int chip, const struct vtr_pic_chip *state)
{
	struct vtr_pic_chip *c = &pic->chip[chip];
	u8 elcr_mask = c->elcr_mask;

	*c = *state;
	c->priority_add &= 7;
	c->irq_base &= 0xf8;
	c->read_reg_select &= 1;
	c->init_state &= 3;
	c->elcr_mask = elcr_mask;
	c->elcr &= elcr_mask;
	update(pic);
}
