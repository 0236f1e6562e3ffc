// SPDX-License-Identifier: GPL-2.0-only
/*
 * msix.c - MSI-X of a PCI function: the table, and an eventfd for each vector that the kernel turns into the message.
 * Source: PCI Local Bus 3.0 "MSI-X Capability and Table Structures".
 *
 * While a vector is masked the kernel does not listen; what is signalled meanwhile stays in the eventfd's counter, which
 * is the pending bit, and is delivered when the kernel listens again.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pci.h"
#include "route.h"
#include "vmm.h"

#define ENTRY		16	/* bytes of the table */
#define CONTROL_ENABLE	0x8000
#define CONTROL_MASK	0x4000
#define VECTOR_MASKED	0x1

static uint16_t control(const struct pci_function *f)
{
	return pci_get16(f->config + f->msix.capability + 2);
}

/**
 * msix_enabled() - does the guest use messages instead of the INTx line?
 * @f: the function
 *
 * Return: true if so. Any thread; a guest that changes it while it is asked gets either.
 */
bool msix_enabled(const struct pci_function *f)
{
	return f->msix.n && control(f) & CONTROL_ENABLE;
}

static int attach(struct msix *x, struct msix_vector *v, bool on)
{
	struct kvm_irqfd irqfd = {
		.fd = v->fd, .gsi = v->gsi, .flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	if (ioctl(x->m->vm, KVM_IRQFD, &irqfd))
		return -1;
	v->attached = on;
	return 0;
}

static int update(struct msix *x, struct msix_vector *v, bool on)
{
	if (on && vmm_route_message(x->m, v->gsi, v->address, v->data))
		return -1;
	return on == v->attached ? 0 : attach(x, v, on);
}

/**
 * msix_update() - configuration space or the table changed: let the kernel listen to what is not masked
 * @f: the function
 */
void msix_update(struct pci_function *f)
{
	bool on = msix_enabled(f) && !(control(f) & CONTROL_MASK);
	struct msix *x = &f->msix;
	unsigned int i;

	for (i = 0; i < x->n; i++) {
		struct msix_vector *v = &x->vector[i];

		if (update(x, v, on && !(v->control & VECTOR_MASKED)))
			vmm_crash(x->m, "interrupt", strerror(errno), "see the kernel's log");
	}
}

static bool in_table(const struct msix *x, uint32_t offset, unsigned int size)
{
	return offset / ENTRY < x->n && (size == 4 || size == 8) && !(offset % size);
}

/**
 * msix_read() - read the table
 * @x: the function's
 * @offset: in the table
 * @size: 4 or 8 bytes; others read zero
 * @data: for the bytes
 */
void msix_read(struct msix *x, uint32_t offset, unsigned int size, void *data)
{
	const struct msix_vector *v;
	uint32_t word[4];

	if (!in_table(x, offset, size))
		return;
	v = &x->vector[offset / ENTRY];
	word[0] = v->address;
	word[1] = v->address >> 32;
	word[2] = v->data;
	word[3] = v->control;
	memcpy(data, (uint8_t *)word + offset % ENTRY, size);
}

/**
 * msix_write() - write the table
 * @f: the function
 * @offset: in the table
 * @size: 4 or 8 bytes; others change nothing
 * @data: the bytes
 */
void msix_write(struct pci_function *f, uint32_t offset, unsigned int size, const void *data)
{
	struct msix *x = &f->msix;
	struct msix_vector *v;
	uint32_t word[4];

	if (!in_table(x, offset, size))
		return;
	v = &x->vector[offset / ENTRY];
	word[0] = v->address;
	word[1] = v->address >> 32;
	word[2] = v->data;
	word[3] = v->control;
	memcpy((uint8_t *)word + offset % ENTRY, data, size);
	v->address = (word[0] & ~3U) | (uint64_t)word[1] << 32;
	v->data = word[2];
	v->control = word[3] & VECTOR_MASKED;
	msix_update(f);
}

/**
 * msix_pending() - read the pending bits
 * @x: the function's
 * @offset: in the array
 * @size: bytes
 * @data: for the bytes
 */
void msix_pending(const struct msix *x, uint32_t offset, unsigned int size, void *data)
{
	uint64_t bits = 0;
	unsigned int i;

	for (i = 0; i < x->n; i++) {
		struct pollfd p = { .fd = x->vector[i].fd, .events = POLLIN };

		if (!x->vector[i].attached && poll(&p, 1, 0) == 1)
			bits |= 1ULL << i;
	}
	if (offset + size <= sizeof(bits))
		memcpy(data, (uint8_t *)&bits + offset, size);
}

/**
 * msix_fire() - interrupt the guest; any thread
 * @x: the function's
 * @vector: number; one that is not there is no interrupt
 */
void msix_fire(const struct msix *x, unsigned int vector)
{
	uint64_t one = 1;

	if (vector < x->n && write(x->vector[vector].fd, &one, sizeof(one)) < 0)
		return;	/* the counter is at its maximum: it is pending */
}

static int open_vectors(struct msix *x)
{
	unsigned int i;

	for (i = 0; i < x->n; i++) {
		x->vector[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (x->vector[i].fd < 0)
			return -1;
	}
	return 0;
}

/**
 * msix_reset() - all vectors masked, none pending: as at power-on
 * @f: the function
 */
void msix_reset(struct pci_function *f)
{
	struct msix *x = &f->msix;
	uint64_t count;
	unsigned int i;

	pci_put16(f->config + x->capability + 2, x->n - 1);
	for (i = 0; i < x->n; i++) {
		x->vector[i].control = VECTOR_MASKED;
		x->vector[i].address = 0;
		x->vector[i].data = 0;
	}
	msix_update(f);
	for (i = 0; i < x->n; i++)
		if (read(x->vector[i].fd, &count, sizeof(count)) < 0)
			errno = 0;	/* nothing was pending */
}

/**
 * msix_forked() - in the child of a fork: eventfds of its own, in a new VM
 * @f: the function
 *
 * What was pending is lost; the device fires anew what its guest may wait for.
 * Return: 0, or -1 with errno.
 */
int msix_forked(struct pci_function *f)
{
	struct msix *x = &f->msix;
	unsigned int i;

	for (i = 0; i < x->n; i++) {
		close(x->vector[i].fd);
		x->vector[i].attached = false;
	}
	if (open_vectors(x))
		return -1;
	msix_update(f);
	return 0;
}

/**
 * msix_create() - give a function vectors
 * @f: on the bus
 * @n: vectors, 1..PCI_MSIX_MAX
 * @bar: where the table is
 * @table: offset of the table in it; the function's handlers call msix_read() and msix_write()
 * @pending: offset of the pending bits; msix_pending()
 *
 * Return: 0, or -1 with errno.
 */
int msix_create(struct pci_function *f, unsigned int n, unsigned int bar, uint32_t table, uint32_t pending)
{
	struct msix *x = &f->msix;
	unsigned int i;
	int gsi;

	x->m = f->m;
	gsi = vmm_route_alloc(f->m, n);
	if (gsi < 0) {
		errno = ENOSPC;
		return -1;
	}
	x->n = n;
	for (i = 0; i < n; i++)
		x->vector[i] = (struct msix_vector){ .gsi = gsi + i, .fd = -1,
						     .control = VECTOR_MASKED };
	if (open_vectors(x))
		return -1;
	x->capability = pci_capability_add(f, PCI_CAP_MSIX, 12);
	pci_put16(f->config + x->capability + 2, n - 1);
	pci_put16(f->writable + x->capability + 2, CONTROL_ENABLE | CONTROL_MASK);
	pci_put32(f->config + x->capability + 4, table | bar);
	pci_put32(f->config + x->capability + 8, pending | bar);
	return 0;
}

/**
 * msix_destroy() - close the eventfds
 * @x: the function's; nobody fires
 */
void msix_destroy(struct msix *x)
{
	unsigned int i;

	for (i = 0; i < x->n; i++)
		if (x->vector[i].fd >= 0)
			close(x->vector[i].fd);
	x->n = 0;
}
