// SPDX-License-Identifier: GPL-2.0-only
/*
 * bus.c - who in the kernel answers at a port or an MMIO address.
 *
 * A table has a few ranges of devices and, sorted by address, the events of ioeventfds, which want
 * one exact address each. It is immutable; a change publishes a copy. ioeventfd.c owns what an event
 * stands for.
 */
#include <linux/eventfd.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "vitrine.h"

#define MAX_RANGES	8
#define MAX_EVENTS	1000

struct vtr_bus_range {
	gpa_t addr;
	u32 len;
	struct vtr_iodev *dev;
};

struct vtr_bus_table {
	struct rcu_head rcu;
	u32 nr_ranges;
	u32 nr_events;
	struct vtr_bus_range range[MAX_RANGES];
	struct vtr_bus_event event[];
};

/**
 * vtr_bus_init() - empty buses
 * @vm: not visible yet
 */
void vtr_bus_init(struct vtr_vm *vm)
{
	int i;

	for (i = 0; i < VTR_BUS_NR; i++) {
		RCU_INIT_POINTER(vm->bus[i].table, NULL);
		vm->bus[i].kind = i;
		bitmap_zero(vm->bus[i].filter, VTR_BUS_FILTER);
		mutex_init(&vm->bus[i].lock);
	}
}

/**
 * vtr_bus_fini() - free the tables
 * @vm: at its end, without readers; its devices and ioeventfds are gone
 */
void vtr_bus_fini(struct vtr_vm *vm)
{
	int i;

	for (i = 0; i < VTR_BUS_NR; i++) {
		kvfree(rcu_dereference_protected(vm->bus[i].table, true));
		RCU_INIT_POINTER(vm->bus[i].table, NULL);
	}
}

static struct vtr_bus_table *bus_table(struct vtr_bus *bus)
{
	return rcu_dereference_protected(bus->table, lockdep_is_held(&bus->lock));
}

/* A copy of the table with room for @events. */
static struct vtr_bus_table *bus_copy(struct vtr_bus *bus, u32 events)
{
	const struct vtr_bus_table *old = bus_table(bus);
	struct vtr_bus_table *new = kvzalloc(struct_size(new, event, events), GFP_KERNEL_ACCOUNT);

	if (!new || !old)
		return new;
	new->nr_ranges = old->nr_ranges;
	memcpy(new->range, old->range, sizeof(new->range));
	new->nr_events = min(old->nr_events, events);
	memcpy(new->event, old->event, new->nr_events * sizeof(new->event[0]));
	return new;
}

/* Before what it stands for is published. Bits stay when somebody goes: a needless question at most. */
static void bus_filter_add(struct vtr_bus *bus, gpa_t addr, u32 len)
{
	gpa_t unit = bus->kind == VTR_BUS_PIO ? 1 : VTR_BUS_MMIO_UNIT;
	gpa_t first = addr / unit, last = (addr + len - 1) / unit;
	u32 n;

	for (n = 0; first + n <= last && n < VTR_BUS_FILTER; n++)
		set_bit(vtr_bus_hash(bus->kind, (first + n) * unit), bus->filter);
}

static void bus_publish(struct vtr_bus *bus, struct vtr_bus_table *new)
{
	struct vtr_bus_table *old = bus_table(bus);

	rcu_assign_pointer(bus->table, new);
	if (old)
		kvfree_rcu(old, rcu);
}

static u32 bus_nr_events(struct vtr_bus *bus)
{
	const struct vtr_bus_table *t = bus_table(bus);

	return t ? t->nr_events : 0;
}

/**
 * vtr_bus_register() - a device answers in a range
 * @vm: the VM
 * @kind: which bus
 * @addr: first address
 * @len: bytes; accesses must lie within
 * @dev: the device
 *
 * Return: 0, -ENOSPC, -ENOMEM. Context: may sleep.
 */
int vtr_bus_register(struct vtr_vm *vm, enum vtr_bus_kind kind, gpa_t addr, u32 len,
		     struct vtr_iodev *dev)
{
	struct vtr_bus *bus = &vm->bus[kind];
	struct vtr_bus_table *new;
	int err = 0;

	mutex_lock(&bus->lock);
	new = bus_copy(bus, bus_nr_events(bus));
	if (!new) {
		err = -ENOMEM;
	} else if (new->nr_ranges == MAX_RANGES) {
		kvfree(new);
		err = -ENOSPC;
	} else {
		new->range[new->nr_ranges++] = (struct vtr_bus_range){ addr, len, dev };
		bus_filter_add(bus, addr, len);
		bus_publish(bus, new);
	}
	mutex_unlock(&bus->lock);
	return err;
}

/**
 * vtr_bus_unregister() - a device no longer answers
 * @vm: the VM
 * @kind: which bus
 * @dev: the device; unknown ones are ignored
 *
 * A reader that began before may use it for a grace period more. The entry is emptied in place, so
 * this cannot fail. Context: may sleep.
 */
void vtr_bus_unregister(struct vtr_vm *vm, enum vtr_bus_kind kind, struct vtr_iodev *dev)
{
	struct vtr_bus *bus = &vm->bus[kind];
	struct vtr_bus_table *t;
	u32 i;

	mutex_lock(&bus->lock);
	t = bus_table(bus);
	for (i = 0; t && i < t->nr_ranges; i++)
		if (t->range[i].dev == dev)
			WRITE_ONCE(t->range[i].len, 0);
	mutex_unlock(&bus->lock);
}

/* Index of the first event at or above an address. */
static u32 first_event(const struct vtr_bus_table *t, gpa_t addr)
{
	u32 low = 0, high = t->nr_events;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (t->event[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool event_collides(const struct vtr_bus_event *a, const struct vtr_bus_event *b)
{
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (a->wildcard || b->wildcard || a->datamatch == b->datamatch);
}

static bool event_equals(const struct vtr_bus_event *a, const struct vtr_bus_event *b)
{
	return a->len == b->len && a->ctx == b->ctx && a->wildcard == b->wildcard &&
	       (a->wildcard || a->datamatch == b->datamatch);
}

/**
 * vtr_bus_add_event() - writes at an address signal an eventfd
 * @bus: its lock held
 * @e: the event, copied
 *
 * Return: 0, -EEXIST if some write would match another one as well, -ENOSPC, -ENOMEM.
 */
int vtr_bus_add_event(struct vtr_bus *bus, const struct vtr_bus_event *e)
{
	const struct vtr_bus_table *old = bus_table(bus);
	u32 i, at = 0, nr = bus_nr_events(bus);
	struct vtr_bus_table *new;

	lockdep_assert_held(&bus->lock);
	if (nr >= MAX_EVENTS)
		return -ENOSPC;
	if (old)
		at = first_event(old, e->addr);
	for (i = at; i < nr && old->event[i].addr == e->addr; i++)
		if (event_collides(&old->event[i], e))
			return -EEXIST;

	new = bus_copy(bus, nr + 1);
	if (!new)
		return -ENOMEM;
	memmove(&new->event[at + 1], &new->event[at], (nr - at) * sizeof(new->event[0]));
	new->event[at] = *e;
	new->nr_events = nr + 1;
	bus_filter_add(bus, e->addr, 1);
	bus_publish(bus, new);
	return 0;
}

/**
 * vtr_bus_del_event() - writes no longer signal
 * @bus: its lock held
 * @e: address, width, value and eventfd as they were added
 * @owner: the event's; readers may signal its eventfd for a grace period more
 *
 * Return: 0, -ENOENT, -ENOMEM.
 */
int vtr_bus_del_event(struct vtr_bus *bus, const struct vtr_bus_event *e,
		      struct vtr_ioeventfd **owner)
{
	const struct vtr_bus_table *old = bus_table(bus);
	struct vtr_bus_table *new;
	u32 at;

	lockdep_assert_held(&bus->lock);
	if (!old)
		return -ENOENT;
	at = first_event(old, e->addr);
	while (at < old->nr_events && old->event[at].addr == e->addr &&
	       !event_equals(&old->event[at], e))
		at++;
	if (at == old->nr_events || old->event[at].addr != e->addr)
		return -ENOENT;

	new = bus_copy(bus, old->nr_events);
	if (!new)
		return -ENOMEM;
	*owner = new->event[at].owner;
	new->nr_events--;
	memmove(&new->event[at], &new->event[at + 1],
		(new->nr_events - at) * sizeof(new->event[0]));
	bus_publish(bus, new);
	return 0;
}

/**
 * vtr_bus_drain_events() - take all events off a bus without readers
 * @bus: of a VM at its end
 * @fn: called for each
 */
void vtr_bus_drain_events(struct vtr_bus *bus, void (*fn)(struct vtr_bus_event *e))
{
	struct vtr_bus_table *t = rcu_dereference_protected(bus->table, true);
	u32 i;

	if (!t)
		return;
	for (i = 0; i < t->nr_events; i++)
		fn(&t->event[i]);
	t->nr_events = 0;
}

static bool event_matches(const struct vtr_bus_event *e, int len, const void *val)
{
	if (e->len && e->len != len)
		return false;
	if (e->wildcard)
		return true;
	switch (len) {
	case 1:
		return *(const u8 *)val == e->datamatch;
	case 2:
		return *(const u16 *)val == e->datamatch;
	case 4:
		return *(const u32 *)val == e->datamatch;
	default:
		return *(const u64 *)val == e->datamatch;
	}
}

static bool bus_signal(const struct vtr_bus_table *t, gpa_t addr, int len, const void *val)
{
	u32 i;

	for (i = first_event(t, addr); i < t->nr_events && t->event[i].addr == addr; i++) {
		if (event_matches(&t->event[i], len, val)) {
			vtr_eventfd_signal(t->event[i].ctx);
			return true;
		}
	}
	return false;
}

static const struct vtr_bus_range *bus_range(const struct vtr_bus_table *t, gpa_t addr, int len)
{
	u32 i;

	for (i = 0; i < t->nr_ranges; i++) {
		const struct vtr_bus_range *r = &t->range[i];
		u32 size = READ_ONCE(r->len);

		if (addr - r->addr < size && addr - r->addr + len <= size)
			return r;
	}
	return NULL;
}

/* Readers keep preemption off, which holds back grace periods as well and is cheaper than a call. */
static const struct vtr_bus_table *bus_read_lock(const struct vtr_vm *vm, enum vtr_bus_kind kind)
{
	preempt_disable();
	return rcu_dereference_sched(vm->bus[kind].table);
}

static void bus_read_unlock(void)
{
	preempt_enable();
}

/**
 * vtr_bus_read() - an access by the guest
 * @v: by its own thread
 * @kind: which bus
 * @addr: first address
 * @len: bytes, 1..8
 * @val: filled in if somebody answers
 *
 * Context: any; does not sleep. Return: 0, or -EOPNOTSUPP: nobody in the kernel.
 */
int vtr_bus_read(struct vtr_vcpu *v, enum vtr_bus_kind kind, gpa_t addr, int len, void *val)
{
	const struct vtr_bus_table *t = bus_read_lock(v->vm, kind);
	const struct vtr_bus_range *r = t ? bus_range(t, addr, len) : NULL;
	int ret = r ? r->dev->ops->read(v, r->dev, addr, len, val) : -EOPNOTSUPP;

	bus_read_unlock();
	return ret;
}

static int bus_write(const struct vtr_bus_table *t, struct vtr_vcpu *v, gpa_t addr, int len,
		     const void *val)
{
	const struct vtr_bus_range *r;

	if (!t)
		return -EOPNOTSUPP;
	if (bus_signal(t, addr, len, val))
		return 0;
	r = bus_range(t, addr, len);
	return r ? r->dev->ops->write(v, r->dev, addr, len, val) : -EOPNOTSUPP;
}

/**
 * vtr_bus_write() - an access by the guest
 * @v: by its own thread
 * @kind: which bus
 * @addr: first address
 * @len: bytes, 1..8
 * @val: the value
 *
 * Context: any; does not sleep. Return: 0, or -EOPNOTSUPP: nobody in the kernel.
 */
int vtr_bus_write(struct vtr_vcpu *v, enum vtr_bus_kind kind, gpa_t addr, int len, const void *val)
{
	int ret = bus_write(bus_read_lock(v->vm, kind), v, addr, len, val);

	bus_read_unlock();
	return ret;
}
