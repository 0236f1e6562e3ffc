// SPDX-License-Identifier: GPL-2.0-only
/*
 * route.c - where interrupt lines and messages go: the VM's one routing table, and who has which number in it.
 *
 * The kernel takes the table as a whole (KVM api.rst KVM_SET_GSI_ROUTING): each change hands it over anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "route.h"
#include "vmm.h"

#define LINES		24	/* pins of the I/O APIC */
#define LINE_ENTRIES	40	/* at most: two for each line that both controllers have */
#define MESSAGES	1024

struct vmm_routes {
	pthread_mutex_t lock;
	unsigned int given;	/* messages, from number LINES up */
	struct {
		uint64_t address;
		uint32_t data;
		bool used;
	} message[MESSAGES];
};

/* The timer's IRQ 0 comes in at pin 2 of the I/O APIC, the others at their number. */
static void add_lines(struct kvm_irq_routing *r)
{
	struct kvm_irq_routing_entry *e;
	unsigned int gsi;

	for (gsi = 0; gsi < LINES; gsi++) {
		if (gsi == 2)
			continue;
		if (gsi < 16) {
			e = &r->entries[r->nr++];
			e->gsi = gsi;
			e->type = KVM_IRQ_ROUTING_IRQCHIP;
			e->u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER :
							 KVM_IRQCHIP_PIC_SLAVE;
			e->u.irqchip.pin = gsi % 8;
		}
		e = &r->entries[r->nr++];
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = gsi ? gsi : 2;
	}
}

static void add_messages(const struct vmm_routes *t, struct kvm_irq_routing *r)
{
	struct kvm_irq_routing_entry *e;
	unsigned int i;

	for (i = 0; i < t->given; i++) {
		if (!t->message[i].used)
			continue;
		e = &r->entries[r->nr++];
		e->gsi = LINES + i;
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = t->message[i].address;
		e->u.msi.address_hi = t->message[i].address >> 32;
		e->u.msi.data = t->message[i].data;
	}
}

/* The table as it stands goes to the kernel. */
static int hand_over(struct vmm *m)
{
	const struct vmm_routes *t = m->routes;
	struct kvm_irq_routing *r;
	int err;

	r = calloc(1, sizeof(*r) + (LINE_ENTRIES + t->given) * sizeof(r->entries[0]));
	if (!r)
		return -1;
	add_lines(r);
	add_messages(t, r);
	err = ioctl(m->vm, KVM_SET_GSI_ROUTING, r);
	free(r);
	return err;
}

/**
 * vmm_routes_create() - the lines of the interrupt controllers; or, in a fork's child, the whole table anew
 * @m: the machine, with interrupt controllers
 *
 * Return: 0, or -1 with errno.
 */
int vmm_routes_create(struct vmm *m)
{
	if (!m->routes) {
		m->routes = calloc(1, sizeof(*m->routes));
		if (!m->routes)
			return -1;
		pthread_mutex_init(&m->routes->lock, NULL);
	}
	return hand_over(m);
}

/**
 * vmm_routes_destroy() - free the table
 * @m: the machine, without devices
 */
void vmm_routes_destroy(struct vmm *m)
{
	if (!m->routes)
		return;
	pthread_mutex_destroy(&m->routes->lock);
	free(m->routes);
	m->routes = NULL;
}

/**
 * vmm_route_alloc() - numbers for messages; before the CPUs start
 * @m: the machine
 * @n: how many, consecutive
 *
 * Return: the first, or -1 when there are no more.
 */
int vmm_route_alloc(struct vmm *m, unsigned int n)
{
	struct vmm_routes *t = m->routes;
	int first = LINES + t->given;

	if (n > MESSAGES - t->given)
		return -1;
	t->given += n;
	return first;
}

/**
 * vmm_route_message() - what the signal of a number sends from now on; any thread
 * @m: the machine
 * @gsi: from vmm_route_alloc()
 * @address: of the message
 * @data: of the message
 *
 * Return: 0, or -1 with errno.
 */
int vmm_route_message(struct vmm *m, unsigned int gsi, uint64_t address, uint32_t data)
{
	struct vmm_routes *t = m->routes;
	unsigned int i = gsi - LINES;
	int err = 0;

	pthread_mutex_lock(&t->lock);
	if (!t->message[i].used || t->message[i].address != address || t->message[i].data != data) {
		t->message[i].address = address;
		t->message[i].data = data;
		t->message[i].used = true;
		err = hand_over(m);
	}
	pthread_mutex_unlock(&t->lock);
	return err;
}
