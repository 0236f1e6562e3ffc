// SPDX-License-Identifier: GPL-2.0-only
/*
 * routing.c - from a GSI to pins and messages, and back from an acknowledged pin to its listeners.
 *
 * One immutable table a VM, indexed by GSI, read under RCU; irqfds look their route up each time they
 * fire, so a new table takes effect everywhere at once.
 */
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "irqchip.h"

#define MSI_ROUTE	BIT(3)	/* beside BIT(chip) in struct vtr_route.to */

#define MSI_DATA_LEVEL	BIT(15)

/* Where a GSI goes: to a pin of each chip with its bit in @to, or, alone, to an MSI. */
struct vtr_route {
	u8 to;
	u8 pin[3];
	u32 msi_address;
	u32 msi_data;
};

struct vtr_irq_table {
	struct rcu_head rcu;
	u32 nr;
	s16 gsi_of[3][VTR_IOAPIC_PINS];	/* chip, pin; -1 if no GSI goes there */
	struct vtr_route route[];
};

/**
 * vtr_irq_router_init() - an empty table
 * @vm: the VM, not visible yet
 *
 * Return: 0.
 */
int vtr_irq_router_init(struct vtr_vm *vm)
{
	struct vtr_irq_router *r = &vm->router;

	RCU_INIT_POINTER(r->table, NULL);
	mutex_init(&r->lock);
	spin_lock_init(&r->irqfds_lock);
	INIT_LIST_HEAD(&r->irqfds);
	INIT_LIST_HEAD(&r->resamplers);
	atomic_set(&r->nr_irqfds, 0);
	return 0;
}

/**
 * vtr_irq_router_fini() - free the table
 * @vm: the VM at its end: no source of interrupts is left
 */
void vtr_irq_router_fini(struct vtr_vm *vm)
{
	kvfree(rcu_dereference_protected(vm->router.table, true));
	RCU_INIT_POINTER(vm->router.table, NULL);
}

/* SDM 3A "Message Signalled Interrupts". The high half of the address has no meaning for 8-bit ids. */
static void msi_message(u32 address, u32 data, struct vtr_lapic_message *m)
{
	m->dest = address >> 12 & 0xff;
	m->vector = data & 0xff;
	m->mode = data >> 8 & 7;
	m->shorthand = LAPIC_DEST;
	m->logical = address & BIT(2);
	m->level = data & MSI_DATA_LEVEL;
	m->assert = true;
	m->lowest = m->mode == LAPIC_LOWEST || (address & BIT(3));
	m->x2apic = false;
}

static int send_msi(struct vtr_vm *vm, u32 address, u32 data)
{
	struct vtr_lapic_message m;

	msi_message(address, data, &m);
	return vtr_apic_send(vm, &m, NULL);
}

static bool get_route(struct vtr_vm *vm, u32 gsi, struct vtr_route *route)
{
	const struct vtr_irq_table *t;
	bool found = false;

	rcu_read_lock();
	t = rcu_dereference(vm->router.table);
	if (t && gsi < t->nr) {
		*route = t->route[array_index_nospec(gsi, t->nr)];
		found = true;
	}
	rcu_read_unlock();
	return found;
}

/**
 * vtr_irq_set() - a source changes the level of a GSI
 * @vm: the VM
 * @source: enum vtr_irq_source
 * @gsi: any number
 * @level: 0 or not
 *
 * Context: any without locks of the chips. Return: <0 nothing took it (no route, masked), 0 it was
 * asserted already, >0 how many took it.
 */
int vtr_irq_set(struct vtr_vm *vm, int source, u32 gsi, int level)
{
	struct vtr_irqchip *chip = vtr_irqchip_of(vm);
	struct vtr_route route;
	int ret = -1, n;
	u32 id;

	if (!get_route(vm, gsi, &route))
		return -1;
	if (route.to & MSI_ROUTE)
		return level ? send_msi(vm, route.msi_address, route.msi_data) : -1;
	for (id = KVM_IRQCHIP_PIC_MASTER; chip && id <= KVM_IRQCHIP_IOAPIC; id++) {
		if (!(route.to & BIT(id)))
			continue;
		if (id == KVM_IRQCHIP_IOAPIC)
			n = vtr_irqchip_ioapic_line(chip, route.pin[id], source, level);
		else
			n = vtr_irqchip_pic_line(chip, id * 8 + route.pin[id], source, level);
		if (n >= 0)
			ret = max(ret, 0) + n;
	}
	return ret;
}

/**
 * vtr_irq_signal_msi() - KVM_SIGNAL_MSI
 * @vm: the VM
 * @msi: the message
 *
 * A device id is accepted and means nothing here. Return: how many APICs took it, -EINVAL for flags.
 */
int vtr_irq_signal_msi(struct vtr_vm *vm, const struct kvm_msi *msi)
{
	if (msi->flags & ~KVM_MSI_VALID_DEVID)
		return -EINVAL;
	return max(send_msi(vm, msi->address_lo, msi->data), 0);
}

static int add_pin(struct vtr_irq_table *t, u32 gsi, u32 chip, u32 pin)
{
	struct vtr_route *route = &t->route[gsi];

	if (chip > KVM_IRQCHIP_IOAPIC)
		return -EINVAL;
	if (pin >= (chip == KVM_IRQCHIP_IOAPIC ? VTR_IOAPIC_PINS : VTR_PIC_PINS / 2))
		return -EINVAL;
	if (route->to & (MSI_ROUTE | BIT(chip)))
		return -EINVAL;
	route->to |= BIT(chip);
	route->pin[chip] = pin;
	t->gsi_of[chip][pin] = gsi;
	return 0;
}

static int add_entry(struct vtr_vm *vm, struct vtr_irq_table *t,
		     const struct kvm_irq_routing_entry *e)
{
	struct vtr_route *route = &t->route[e->gsi];

	switch (e->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (e->flags || vm->split_irqchip)
			return -EINVAL;
		return add_pin(t, e->gsi, e->u.irqchip.irqchip, e->u.irqchip.pin);
	case KVM_IRQ_ROUTING_MSI:
		if ((e->flags & ~KVM_MSI_VALID_DEVID) || route->to)
			return -EINVAL;
		route->to = MSI_ROUTE;
		route->msi_address = e->u.msi.address_lo;
		route->msi_data = e->u.msi.data;
		return 0;
	default:
		return -EINVAL;
	}
}

static struct vtr_irq_table *table_alloc(u32 nr)
{
	struct vtr_irq_table *t = kvzalloc(struct_size(t, route, nr), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	t->nr = nr;
	memset(t->gsi_of, 0xff, sizeof(t->gsi_of));
	return t;
}

/* The pins of user space's I/O APIC are the first GSIs; of the level-triggered it wants the EOIs. */
static void update_split_eoi(struct vtr_vm *vm, const struct vtr_irq_table *t)
{
	u64 map[4] = {};
	u32 gsi, i;

	for (gsi = 0; gsi < min(t->nr, vm->split_pins); gsi++) {
		const struct vtr_route *r = &t->route[gsi];
		u8 vector = r->msi_data;

		if (r->to & MSI_ROUTE && r->msi_data & MSI_DATA_LEVEL)
			map[vector >> 6] |= BIT_ULL(vector & 63);
	}
	for (i = 0; i < ARRAY_SIZE(map); i++)
		WRITE_ONCE(vm->router.split_eoi_map[i], map[i]);
	if (static_branch_unlikely(&vtr_vid))
		vtr_vm_request(vm, VTR_REQ_EOI_MAP, false);
}

/* Where the PIT's GSI 0 goes. */
static struct vtr_route pit_route(const struct vtr_irq_table *t)
{
	return t && t->nr ? t->route[0] : (struct vtr_route){};
}

static void table_replace(struct vtr_vm *vm, struct vtr_irq_table *t)
{
	struct vtr_irqchip *chip = vtr_irqchip_of(vm);
	struct vtr_pit *pit = vtr_irqchip_pit(chip);
	struct vtr_route from, to = pit_route(t);
	struct vtr_irq_table *old;

	old = rcu_replace_pointer(vm->router.table, t, lockdep_is_held(&vm->router.lock));
	/* Nobody hears of the end of a tick in service at the old pin: the next must not wait. */
	from = pit_route(old);
	if (pit && memcmp(&from, &to, sizeof(to)))
		vtr_pit_unmasked(pit);
	if (old)
		kvfree_rcu(old, rcu);
	if (chip)
		vtr_irqchip_update_eoi(chip);
	else
		update_split_eoi(vm, t);
}

/**
 * vtr_irq_set_routing() - KVM_SET_GSI_ROUTING: a new table in place of the old
 * @vm: the VM
 * @e: entries, copied from the caller
 * @nr: how many; may be 0
 * @flags: none is known
 *
 * Return: 0; -EINVAL: flags, more than 4096 entries, a GSI beyond 4095, a chip or pin that is not
 * there (a split irqchip has none), two entries of a GSI for one chip or beside an MSI, another type;
 * -ENOMEM. The old table stays then. Context: may sleep.
 */
int vtr_irq_set_routing(struct vtr_vm *vm, const struct kvm_irq_routing_entry *e, u32 nr, u32 flags)
{
	struct vtr_irq_table *t;
	u32 i, gsis = 0;
	int err = 0;

	if (flags || nr > VTR_MAX_GSIS)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		if (e[i].gsi >= VTR_MAX_GSIS)
			return -EINVAL;
		gsis = max(gsis, e[i].gsi + 1);
	}
	t = table_alloc(gsis);
	if (!t)
		return -ENOMEM;
	for (i = 0; i < nr && !err; i++)
		err = add_entry(vm, t, &e[i]);
	if (err) {
		kvfree(t);
		return err;
	}
	mutex_lock(&vm->router.lock);
	table_replace(vm, t);
	mutex_unlock(&vm->router.lock);
	return 0;
}

/**
 * vtr_irq_set_default_routing() - the table after KVM_CREATE_IRQCHIP
 * @vm: the VM
 *
 * GSI n goes to pin n of the I/O APIC and, below 16, to input n of the PIC; GSI 0 is not moved to
 * pin 2 as on a PC, which callers do themselves. Return: 0 or -ENOMEM. Context: may sleep.
 */
int vtr_irq_set_default_routing(struct vtr_vm *vm)
{
	struct vtr_irq_table *t = table_alloc(VTR_IOAPIC_PINS);
	u32 gsi;

	if (!t)
		return -ENOMEM;
	for (gsi = 0; gsi < VTR_IOAPIC_PINS; gsi++) {
		add_pin(t, gsi, KVM_IRQCHIP_IOAPIC, gsi);
		if (gsi < VTR_PIC_PINS)
			add_pin(t, gsi, gsi / 8, gsi % 8);
	}
	mutex_lock(&vm->router.lock);
	table_replace(vm, t);
	mutex_unlock(&vm->router.lock);
	return 0;
}

static int gsi_of(struct vtr_vm *vm, u32 chip, u32 pin)
{
	const struct vtr_irq_table *t;
	int gsi = -1;

	rcu_read_lock();
	t = rcu_dereference(vm->router.table);
	if (t)
		gsi = t->gsi_of[chip][pin];
	rcu_read_unlock();
	return gsi;
}

/**
 * vtr_irq_pin_is_pit() - does the PIT drive this pin?
 * @vm: the VM
 * @chip: KVM_IRQCHIP_*
 * @pin: of that chip
 *
 * Context: any.
 */
bool vtr_irq_pin_is_pit(struct vtr_vm *vm, u32 chip, u32 pin)
{
	return gsi_of(vm, chip, pin) == 0;
}

/**
 * vtr_irq_has_listener() - does anybody wait for the end of this pin's interrupts?
 * @vm: the VM
 * @chip: KVM_IRQCHIP_*
 * @pin: of that chip
 *
 * Context: any.
 */
bool vtr_irq_has_listener(struct vtr_vm *vm, u32 chip, u32 pin)
{
	int gsi = gsi_of(vm, chip, pin);

	if (gsi < 0)
		return false;
	return (!gsi && vtr_irqchip_pit(vtr_irqchip_of(vm))) || vtr_irqfd_resamples(vm, gsi);
}

/**
 * vtr_irq_acked() - the guest ended the service of a pin's interrupt
 * @vm: the VM
 * @chip: KVM_IRQCHIP_*
 * @pin: of that chip
 *
 * Context: any without locks of the chips.
 */
void vtr_irq_acked(struct vtr_vm *vm, u32 chip, u32 pin)
{
	int gsi = gsi_of(vm, chip, pin);
	struct vtr_pit *pit;

	if (gsi < 0)
		return;
	pit = gsi ? NULL : vtr_irqchip_pit(vtr_irqchip_of(vm));
	if (pit)
		vtr_pit_acked(pit);
	vtr_irqfd_acked(vm, gsi);
}
