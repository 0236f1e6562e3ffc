/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_machine.h - a machine of RAM, a PCI bus and the devices that a test puts there, without a hypervisor: the
 * test is the guest's driver. Eventfds that the kernel would listen to are looked at instead.
 *
 * Included once by a test or a fuzzer. Sources that it needs: ctl/vmm/bus.c ctl/vmm/memory.c ctl/vmm/msix.c
 * ctl/vmm/part.c ctl/vmm/pci.c ctl/vmm/route.c ctl/vmm/virtio.c ctl/vmm/virtio_loop.c ctl/vmm/virtio_pci.c
 * ctl/vmm/virtq.c
 */
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include <linux/kvm.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "route.h"
#include "virtio.h"

#define FAKE_RAM	(1UL << 20)

static struct vmm fake;
static struct vmm_config fake_config;
static unsigned int fake_crashes;
static bool fake_may_fail;	/* errors are part of the test */

int ioctl(int fd, unsigned long request, ...)
{
	(void)fd;
	(void)request;
	return 0;
}

void vmm_error(const char *object, const char *what, const char *remedy)
{
	if (fake_may_fail)
		return;
	fprintf(stderr, "%s: %s: %s\n", object, what, remedy);
	abort();
}

void vmm_crash(struct vmm *m, const char *object, const char *what, const char *remedy)
{
	(void)m;
	(void)object;
	(void)what;
	(void)remedy;
	fake_crashes++;
}

void vmm_irq(struct vmm *m, unsigned int gsi, bool level)
{
	(void)m;
	(void)gsi;
	(void)level;
}

int vmm_loop_add(struct vmm *m, struct vmm_source *s, uint32_t events)
{
	(void)m;
	s->events = events;
	return 0;
}

void vmm_loop_change(struct vmm *m, struct vmm_source *s, uint32_t events)
{
	(void)m;
	s->events = events;
}

/* What the loop would do with a source, once. */
static inline void fake_turn(struct vmm_source *s)
{
	struct pollfd p = { .fd = s->fd, .events = s->events };

	/* The bits of poll and epoll are the same. */
	if (s->fd >= 0 && s->events && poll(&p, 1, 0) > 0)
		s->ready(s->opaque, p.revents);
}

static inline void fake_create(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.config = &fake_config;
	fake.low = FAKE_RAM;
	fake.ram = calloc(1, FAKE_RAM);
	if (!fake.ram || vmm_routes_create(&fake) || vmm_pci_create(&fake))
		abort();
	fake_crashes = 0;
}

static inline void fake_destroy(void)
{
	vmm_pci_destroy(&fake);
	vmm_routes_destroy(&fake);
	free(fake.ram);
}

/* ---- configuration space ---- */

static inline uint32_t fake_config_read(unsigned int slot, unsigned int at, unsigned int size)
{
	uint32_t address = 0x80000000U | slot << 11 | (at & 0xfc), val = 0;

	vmm_bus_access(&fake, 0xcf8, 4, true, &address);
	vmm_bus_access(&fake, 0xcfc + (at & 3), size, false, &val);
	return val;
}

static inline void fake_config_write(unsigned int slot, unsigned int at, unsigned int size, uint32_t val)
{
	uint32_t address = 0x80000000U | slot << 11 | (at & 0xfc);

	vmm_bus_access(&fake, 0xcf8, 4, true, &address);
	vmm_bus_access(&fake, 0xcfc + (at & 3), size, true, &val);
}

/* ---- registers of a virtio device; the common structure is at the start of BAR 0 ---- */

static inline uint64_t fake_bar(unsigned int slot)
{
	return fake_config_read(slot, PCI_BAR(0), 4) & ~15U;
}

static inline uint64_t fake_read(unsigned int slot, uint32_t at, unsigned int size)
{
	uint64_t val = 0;

	vmm_pci_mmio(&fake, fake_bar(slot) + at, size, false, &val);
	return val;
}

static inline void fake_write(unsigned int slot, uint32_t at, unsigned int size, uint64_t val)
{
	vmm_pci_mmio(&fake, fake_bar(slot) + at, size, true, &val);
}

/* ---- a driver's side of a queue ---- */

/**
 * struct fake_queue - a queue of the driver
 * @size: entries
 * @desc: guest-physical address
 * @avail: the same
 * @used: the same
 * @next: index for avail
 * @seen: index in used
 */
struct fake_queue {
	uint16_t size;
	uint64_t desc, avail, used;
	uint16_t next, seen;
};

static inline void fake_put16(uint64_t at, uint16_t v)
{
	memcpy(fake.ram + at, &v, sizeof(v));
}

static inline uint16_t fake_get16(uint64_t at)
{
	uint16_t v;

	memcpy(&v, fake.ram + at, sizeof(v));
	return v;
}

static inline uint32_t fake_get32(uint64_t at)
{
	uint32_t v;

	memcpy(&v, fake.ram + at, sizeof(v));
	return v;
}

/* A queue of up to 256 entries takes 8 KiB of RAM. */
static inline void fake_queue_at(struct fake_queue *q, uint64_t at, uint16_t size)
{
	*q = (struct fake_queue){ .size = size, .desc = at, .avail = at + 0x1000, .used = at + 0x1800 };
	memset(fake.ram + at, 0, 0x2400);
}

/* Offsets in the common structure. */
enum {
	FAKE_DRIVER_SELECT = 8, FAKE_DRIVER_FEATURES = 12, FAKE_STATUS = 20, FAKE_QUEUE_SELECT = 22, FAKE_QUEUE_SIZE = 24,
	FAKE_QUEUE_ENABLE = 28, FAKE_QUEUE_DESC = 32, FAKE_QUEUE_AVAIL = 40, FAKE_QUEUE_USED = 48,
};

/*
 * What a driver does to use a device: queues of @size entries, which begin at @at. The status field that it
 * reads last comes back.
 */
static inline uint8_t fake_driver(unsigned int slot, uint64_t features, struct fake_queue *q, unsigned int n, uint64_t at,
				  uint16_t size)
{
	unsigned int i;

	fake_write(slot, FAKE_STATUS, 1, 0);
	fake_write(slot, FAKE_STATUS, 1, 1);
	fake_write(slot, FAKE_STATUS, 1, 3);
	for (i = 0; i < 2; i++) {
		fake_write(slot, FAKE_DRIVER_SELECT, 4, i);
		fake_write(slot, FAKE_DRIVER_FEATURES, 4, (uint32_t)(features >> 32 * i));
	}
	fake_write(slot, FAKE_STATUS, 1, 11);
	for (i = 0; i < n; i++) {
		fake_queue_at(&q[i], at + 0x2400 * i, size);
		fake_write(slot, FAKE_QUEUE_SELECT, 2, i);
		fake_write(slot, FAKE_QUEUE_SIZE, 2, size);
		fake_write(slot, FAKE_QUEUE_DESC, 8, q[i].desc);
		fake_write(slot, FAKE_QUEUE_AVAIL, 8, q[i].avail);
		fake_write(slot, FAKE_QUEUE_USED, 8, q[i].used);
		fake_write(slot, FAKE_QUEUE_ENABLE, 2, 1);
	}
	fake_write(slot, FAKE_STATUS, 1, 15);
	return fake_read(slot, FAKE_STATUS, 1);
}

static inline void fake_desc(uint64_t table, unsigned int i, uint64_t addr, uint32_t len, uint16_t flags,
			     uint16_t next)
{
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} d = { addr, len, flags, next };

	memcpy(fake.ram + table + 16 * i, &d, sizeof(d));
}

static inline void fake_offer(struct fake_queue *q, uint16_t head)
{
	fake_put16(q->avail + 4 + 2 * (q->next % q->size), head);
	fake_put16(q->avail + 2, ++q->next);
}

/* What the device gave back: 1 with the chain's head and length, 0 if nothing. */
static inline int fake_take(struct fake_queue *q, uint32_t *head, uint32_t *length)
{
	if (fake_get16(q->used + 2) == q->seen)
		return 0;
	*head = fake_get32(q->used + 4 + 8 * (q->seen % q->size));
	*length = fake_get32(q->used + 8 + 8 * (q->seen % q->size));
	q->seen++;
	return 1;
}

#endif /* FAKE_MACHINE_H */
