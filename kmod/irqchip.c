// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqchip.c - the chips a VM has once: I/O APIC and PIC behind their locks and on the bus.
 *
 * The registers are ioapic.c's and pic.c's; here their interrupts are sent, EOIs come back and are
 * reported to those who wait for them. The PIT is pitdev.c's.
 */
#include <linux/slab.h>
#include "irqchip.h"

/* After so many EOIs in a row that left a line asserted, the next interrupt waits a while. */
#define STORM_LIMIT	10000
#define STORM_DELAY	(HZ / 100)

#define ELCR_PORT	0x4d0

static_assert(sizeof(struct vtr_pic_chip) == sizeof(struct kvm_pic_state));

/* --- I/O APIC --- */

static int ioapic_fire(struct vtr_irqchip *chip, u32 pin)
{
	struct vtr_lapic_message m;
	int n;

	lockdep_assert_held(&chip->ioapic_lock);
	vtr_ioapic_message(&chip->ioapic, pin, &m);
	n = vtr_apic_send(chip->vm, &m, NULL);
	vtr_ioapic_fired(&chip->ioapic, pin, n > 0);
	return n > 0 ? n : VTR_LINE_IGNORED;
}

/**
 * vtr_irqchip_ioapic_line() - a source asserts or releases a pin of the I/O APIC
 * @chip: the chips
 * @pin: 0..23
 * @source: enum vtr_irq_source
 * @level: asserted
 *
 * Context: any. Return: <0 ignored, 0 coalesced, >0 the number of APICs that took it.
 */
int vtr_irqchip_ioapic_line(struct vtr_irqchip *chip, u32 pin, u32 source, bool level)
{
	unsigned long flags;
	int ret;

	raw_spin_lock_irqsave(&chip->ioapic_lock, flags);
	ret = vtr_ioapic_set_line(&chip->ioapic, pin, source, level);
	if (ret == VTR_LINE_FIRE)
		ret = ioapic_fire(chip, pin);
	else if (ret == VTR_LINE_LOWERED)
		ret = 1;
	raw_spin_unlock_irqrestore(&chip->ioapic_lock, flags);
	return ret;
}

/* Level pins that are still asserted after their EOI fire again; at once, unless they never stop. */
static void ioapic_refire(struct vtr_irqchip *chip, u32 pins)
{
	unsigned long flags;
	u32 pin;

	raw_spin_lock_irqsave(&chip->ioapic_lock, flags);
	for (pin = 0; pin < VTR_IOAPIC_PINS; pin++) {
		if (!(pins & 1U << pin) || !vtr_ioapic_level(&chip->ioapic, pin))
			continue;
		if (!vtr_ioapic_must_fire(&chip->ioapic, pin)) {
			chip->eoi_streak[pin] = 0;
		} else if (++chip->eoi_streak[pin] < STORM_LIMIT) {
			ioapic_fire(chip, pin);
		} else {
			chip->eoi_streak[pin] = 0;
			chip->storm_pins |= 1U << pin;
			schedule_delayed_work(&chip->storm, STORM_DELAY);
		}
	}
	raw_spin_unlock_irqrestore(&chip->ioapic_lock, flags);
}

static void ioapic_storm_work(struct work_struct *work)
{
	struct vtr_irqchip *chip = container_of(to_delayed_work(work), struct vtr_irqchip, storm);
	unsigned long flags;
	u32 pins;

	raw_spin_lock_irqsave(&chip->ioapic_lock, flags);
	pins = chip->storm_pins;
	chip->storm_pins = 0;
	raw_spin_unlock_irqrestore(&chip->ioapic_lock, flags);
	ioapic_refire(chip, pins);
}

/**
 * vtr_irqchip_eoi() - an EOI that the I/O APIC wants to hear of
 * @chip: the chips
 * @vector: its vector
 *
 * Context: any without locks of this file or an eventfd.
 */
void vtr_irqchip_eoi(struct vtr_irqchip *chip, u8 vector)
{
	unsigned long flags, pins;
	u32 pin;

	raw_spin_lock_irqsave(&chip->ioapic_lock, flags);
	pins = vtr_ioapic_eoi(&chip->ioapic, vector);
	raw_spin_unlock_irqrestore(&chip->ioapic_lock, flags);

	/* Listeners may lower the line, so they come before the line is looked at again. */
	for_each_set_bit(pin, &pins, VTR_IOAPIC_PINS)
		vtr_irq_acked(chip->vm, KVM_IRQCHIP_IOAPIC, pin);
	ioapic_refire(chip, pins);
}

static void ioapic_update_eoi_locked(struct vtr_irqchip *chip)
{
	u64 map[4] = {};
	u32 pin, i;

	lockdep_assert_held(&chip->ioapic_lock);
	for (pin = 0; pin < VTR_IOAPIC_PINS; pin++) {
		u8 vector = chip->ioapic.redir[pin];

		if (vtr_ioapic_level(&chip->ioapic, pin) ||
		    vtr_irq_has_listener(chip->vm, KVM_IRQCHIP_IOAPIC, pin))
			map[vector >> 6] |= BIT_ULL(vector & 63);
	}
	if (!memcmp(map, chip->eoi_map, sizeof(map)))
		return;
	for (i = 0; i < ARRAY_SIZE(map); i++)
		WRITE_ONCE(chip->eoi_map[i], map[i]);
	if (static_branch_unlikely(&vtr_vid))
		vtr_vm_request(chip->vm, VTR_REQ_EOI_MAP, false);
}

/**
 * vtr_irqchip_update_eoi() - routes or listeners changed: which EOIs matter?
 * @chip: the chips
 *
 * Context: any without locks of this file.
 */
void vtr_irqchip_update_eoi(struct vtr_irqchip *chip)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->ioapic_lock, flags);
	ioapic_update_eoi_locked(chip);
	raw_spin_unlock_irqrestore(&chip->ioapic_lock, flags);
}

static int ioapic_read(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len, void *val)
{
	struct vtr_irqchip *chip = container_of(dev, struct vtr_irqchip, ioapic_dev);
	u32 off = addr - VTR_IOAPIC_BASE, reg;
	unsigned long flags;

	memset(val, 0, len);
	if (off & 0xf)
		return 0;
	raw_spin_lock_irqsave(&chip->ioapic_lock, flags);
	reg = vtr_ioapic_read(&chip->ioapic, off);
	raw_spin_unlock_irqrestore(&chip->ioapic_lock, flags);
	memcpy(val, &reg, min_t(int, len, sizeof(reg)));
	return 0;
}

static void pit_line_unmasked(struct vtr_irqchip *chip, u32 id, u32 pin)
{
	struct vtr_pit *pit = vtr_irqchip_pit(chip);

	if (pit && vtr_irq_pin_is_pit(chip->vm, id, pin))
		vtr_pit_unmasked(pit);
}

static int ioapic_write(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len,
			const void *val)
{
	struct vtr_irqchip *chip = container_of(dev, struct vtr_irqchip, ioapic_dev);
	u32 off = addr - VTR_IOAPIC_BASE, reg = 0;
	struct vtr_ioapic *io = &chip->ioapic;
	bool unmasked = false;
	unsigned long flags;
	u32 masks = 0;
	int pin;

	if (off & 0xf)
		return 0;
	memcpy(&reg, val, min_t(int, len, sizeof(reg)));
	raw_spin_lock_irqsave(&chip->ioapic_lock, flags);
	for (pin = 0; pin < VTR_IOAPIC_PINS; pin++)
		masks |= (u32)vtr_ioapic_masked(io, pin) << pin;
	pin = vtr_ioapic_write(io, off, reg);
	if (pin >= 0) {
		unmasked = (masks & 1U << pin) && !vtr_ioapic_masked(io, pin);
		ioapic_update_eoi_locked(chip);
		if (vtr_ioapic_must_fire(io, pin))
			ioapic_fire(chip, pin);
	}
	raw_spin_unlock_irqrestore(&chip->ioapic_lock, flags);
	if (unmasked)
		pit_line_unmasked(chip, KVM_IRQCHIP_IOAPIC, pin);
	return 0;
}

static const struct vtr_iodev_ops ioapic_ops = {
	.read	= ioapic_read,
	.write	= ioapic_write,
};

/* --- PIC --- */

/* What came of a change of the PIC; gathered under its lock, acted upon without. */
struct pic_change {
	unsigned long flags;
	unsigned long acked;
	u16 imr;
	bool output;
};

static void pic_begin(struct vtr_irqchip *chip, struct pic_change *c)
	__acquires(&chip->pic_lock)
{
	raw_spin_lock_irqsave(&chip->pic_lock, c->flags);
	c->output = chip->pic.output;
	c->imr = vtr_pic_imr(&chip->pic);
}

static void pic_end(struct vtr_irqchip *chip, struct pic_change *c)
	__releases(&chip->pic_lock)
{
	unsigned long unmasked = c->imr & ~vtr_pic_imr(&chip->pic) & 0xffff;
	bool raised = chip->pic.output && !c->output;
	u32 pin;

	c->acked = chip->pic.acked;
	chip->pic.acked = 0;
	raw_spin_unlock_irqrestore(&chip->pic_lock, c->flags);

	if (raised)
		vtr_apic_pic_raised(chip->vm);
	for_each_set_bit(pin, &c->acked, VTR_PIC_PINS)
		vtr_irq_acked(chip->vm, pin >> 3, pin & 7);
	for_each_set_bit(pin, &unmasked, VTR_PIC_PINS)
		pit_line_unmasked(chip, pin >> 3, pin & 7);
}

/**
 * vtr_irqchip_pic_line() - a source asserts or releases an input of the PIC
 * @chip: the chips
 * @pin: 0..15
 * @source: enum vtr_irq_source
 * @level: asserted
 *
 * Context: any. Return: <0 ignored, 0 coalesced, >0 requested.
 */
int vtr_irqchip_pic_line(struct vtr_irqchip *chip, u32 pin, u32 source, bool level)
{
	struct pic_change c;
	int ret;

	pic_begin(chip, &c);
	ret = vtr_pic_set_line(&chip->pic, pin, source, level);
	pic_end(chip, &c);
	return min(ret, 1);
}

/**
 * vtr_irqchip_pic_ack() - a processor acknowledges the PIC's interrupt
 * @chip: the chips
 *
 * Context: any without locks of this file. Return: the vector, -1 if the output went down meanwhile.
 */
int vtr_irqchip_pic_ack(struct vtr_irqchip *chip)
{
	struct pic_change c;
	int vector;

	pic_begin(chip, &c);
	vector = chip->pic.output ? vtr_pic_ack(&chip->pic) : -1;
	/* What remains asserted has been announced: nobody saw it go down between. */
	c.output = true;
	pic_end(chip, &c);
	return vector;
}

static int pic_read(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len, void *val)
{
	struct vtr_irqchip *chip = v->vm->irqchip;
	struct pic_change c;

	memset(val, 0, len);
	if (len != 1)
		return 0;
	pic_begin(chip, &c);
	*(u8 *)val = vtr_pic_read(&chip->pic, dev == &chip->pic_dev[1], addr & 1);
	pic_end(chip, &c);
	return 0;
}

static int pic_write(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len,
		     const void *val)
{
	struct vtr_irqchip *chip = v->vm->irqchip;
	struct pic_change c;

	if (len != 1)
		return 0;
	pic_begin(chip, &c);
	vtr_pic_write(&chip->pic, dev == &chip->pic_dev[1], addr & 1, *(const u8 *)val);
	pic_end(chip, &c);
	return 0;
}

static const struct vtr_iodev_ops pic_ops = {
	.read	= pic_read,
	.write	= pic_write,
};

static int elcr_read(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len, void *val)
{
	struct vtr_irqchip *chip = v->vm->irqchip;

	memset(val, 0, len);
	if (len == 1)
		*(u8 *)val = READ_ONCE(chip->pic.chip[addr & 1].elcr);
	return 0;
}

static int elcr_write(struct vtr_vcpu *v, struct vtr_iodev *dev, gpa_t addr, int len,
		      const void *val)
{
	struct vtr_irqchip *chip = v->vm->irqchip;
	struct pic_change c;

	if (len != 1)
		return 0;
	pic_begin(chip, &c);
	vtr_pic_write_elcr(&chip->pic, addr & 1, *(const u8 *)val);
	pic_end(chip, &c);
	return 0;
}

static const struct vtr_iodev_ops elcr_ops = {
	.read	= elcr_read,
	.write	= elcr_write,
};

/* --- life and state --- */

static void irqchip_unregister(struct vtr_irqchip *chip)
{
	vtr_bus_unregister(chip->vm, VTR_BUS_PIO, &chip->pic_dev[0]);
	vtr_bus_unregister(chip->vm, VTR_BUS_PIO, &chip->pic_dev[1]);
	vtr_bus_unregister(chip->vm, VTR_BUS_PIO, &chip->elcr_dev);
	vtr_bus_unregister(chip->vm, VTR_BUS_MMIO, &chip->ioapic_dev);
}

static int irqchip_register(struct vtr_irqchip *chip)
{
	struct vtr_vm *vm = chip->vm;
	int err;

	err = vtr_bus_register(vm, VTR_BUS_PIO, 0x20, 2, &chip->pic_dev[0]);
	err = err ?: vtr_bus_register(vm, VTR_BUS_PIO, 0xa0, 2, &chip->pic_dev[1]);
	err = err ?: vtr_bus_register(vm, VTR_BUS_PIO, ELCR_PORT, 2, &chip->elcr_dev);
	err = err ?: vtr_bus_register(vm, VTR_BUS_MMIO, VTR_IOAPIC_BASE, VTR_IOAPIC_LEN,
				      &chip->ioapic_dev);
	if (err)
		irqchip_unregister(chip);
	return err;
}

/**
 * vtr_irqchip_create() - KVM_CREATE_IRQCHIP
 * @vm: its lock held; no vCPU yet
 *
 * Return: 0, -EEXIST if there is one, -EINVAL if there are vCPUs, -ENOMEM.
 */
int vtr_irqchip_create(struct vtr_vm *vm)
{
	struct vtr_irqchip *chip;
	int err;

	lockdep_assert_held(&vm->lock);
	if (vm->irqchip)
		return -EEXIST;
	if (vm->nr_vcpus)
		return -EINVAL;
	chip = kzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);
	if (!chip)
		return -ENOMEM;
	chip->vm = vm;
	raw_spin_lock_init(&chip->ioapic_lock);
	raw_spin_lock_init(&chip->pic_lock);
	INIT_DELAYED_WORK(&chip->storm, ioapic_storm_work);
	vtr_ioapic_reset(&chip->ioapic);
	vtr_pic_reset(&chip->pic);
	chip->ioapic_dev.ops = &ioapic_ops;
	chip->pic_dev[0].ops = &pic_ops;
	chip->pic_dev[1].ops = &pic_ops;
	chip->elcr_dev.ops = &elcr_ops;

	err = irqchip_register(chip);
	if (err)
		goto free;
	err = vtr_irq_set_default_routing(vm);
	if (err)
		goto unregister;
	smp_store_release(&vm->irqchip, chip);	/* pairs with vtr_irqchip_of() */
	return 0;

unregister:
	irqchip_unregister(chip);
free:
	kfree(chip);
	return err;
}

/**
 * vtr_irqchip_destroy() - stop and free the chips
 * @vm: the VM at its end: its vCPUs still exist but no longer run, no irqfd is left
 *
 * Context: may sleep.
 */
void vtr_irqchip_destroy(struct vtr_vm *vm)
{
	struct vtr_irqchip *chip = vm->irqchip;

	if (!chip)
		return;
	vtr_pit_destroy(chip);
	cancel_delayed_work_sync(&chip->storm);
	vm->irqchip = NULL;
	kfree(chip);
}

static void ioapic_get(struct vtr_irqchip *chip, struct kvm_ioapic_state *s)
{
	struct vtr_ioapic *io = &chip->ioapic;
	unsigned long flags;
	int pin;

	raw_spin_lock_irqsave(&chip->ioapic_lock, flags);
	s->base_address = VTR_IOAPIC_BASE;
	s->ioregsel = io->regsel;
	s->id = io->id;
	s->irr = io->irr & ~io->delivered;
	for (pin = 0; pin < VTR_IOAPIC_PINS; pin++)
		s->redirtbl[pin].bits = io->redir[pin];
	raw_spin_unlock_irqrestore(&chip->ioapic_lock, flags);
}

/* Lines keep their sources: those assert or release them again by themselves. */
static void ioapic_set(struct vtr_irqchip *chip, const struct kvm_ioapic_state *s)
{
	u64 redir[VTR_IOAPIC_PINS];
	unsigned long flags;
	u32 pin;

	for (pin = 0; pin < VTR_IOAPIC_PINS; pin++)
		redir[pin] = s->redirtbl[pin].bits;
	raw_spin_lock_irqsave(&chip->ioapic_lock, flags);
	vtr_ioapic_restore(&chip->ioapic, redir, s->irr, s->ioregsel, s->id);
	ioapic_update_eoi_locked(chip);
	for (pin = 0; pin < VTR_IOAPIC_PINS; pin++)
		if (vtr_ioapic_must_fire(&chip->ioapic, pin))
			ioapic_fire(chip, pin);
	raw_spin_unlock_irqrestore(&chip->ioapic_lock, flags);
}

/**
 * vtr_irqchip_get() - KVM_GET_IRQCHIP
 * @vm: the VM
 * @chip: ->chip_id says which; filled in
 *
 * Return: 0, -ENXIO without in-kernel chips, -EINVAL for the id.
 */
int vtr_irqchip_get(struct vtr_vm *vm, struct kvm_irqchip *chip)
{
	struct vtr_irqchip *c = vtr_irqchip_of(vm);
	unsigned long flags;

	if (!c)
		return -ENXIO;
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		raw_spin_lock_irqsave(&c->pic_lock, flags);
		memcpy(&chip->chip.pic, &c->pic.chip[chip->chip_id], sizeof(chip->chip.pic));
		raw_spin_unlock_irqrestore(&c->pic_lock, flags);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_get(c, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

/**
 * vtr_irqchip_set() - KVM_SET_IRQCHIP
 * @vm: the VM
 * @chip: the state, from the caller; what a chip cannot have is dropped. The I/O APIC stays where it is.
 *
 * Return: 0, -ENXIO without in-kernel chips, -EINVAL for the id.
 */
int vtr_irqchip_set(struct vtr_vm *vm, const struct kvm_irqchip *chip)
{
	struct vtr_irqchip *c = vtr_irqchip_of(vm);
	struct vtr_pic_chip pic;
	struct pic_change change;

	if (!c)
		return -ENXIO;
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		memcpy(&pic, &chip->chip.pic, sizeof(pic));
		pic_begin(c, &change);
		vtr_pic_restore(&c->pic, chip->chip_id, &pic);
		change.output = false;
		pic_end(c, &change);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_set(c, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}
