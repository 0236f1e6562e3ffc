// SPDX-License-Identifier: GPL-2.0-only
/*
 * pci.c - the PCI bus: configuration mechanism 1, configuration space, which function answers an address, INTx lines.
 *
 * Every BAR has an address from the start, as after firmware, so that a kernel that is booted directly can use it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pci.h"
#include "vmm.h"

#define PORT_ADDRESS	0xcf8
#define PORT_DATA	0xcfc
#define ADDRESS_ENABLE	0x80000000U

/* Intel's i440FX host bridge: what SeaBIOS and old guests know; nothing of the chip but its number is here. */
#define HOST_BRIDGE	0x12378086U
#define SUBSYSTEM_HOST	0x11001af4U	/* by which SeaBIOS knows a virtual machine */
#define CLASS_HOST	0x06000000U

/* The i440FX's registers that say what is RAM below 1 MiB: all is, and they are kept for who reads them. */
#define HOST_PAM	0x59
#define HOST_PAMS	7

struct vmm_pci {
	struct vmm *m;
	pthread_mutex_t lock;
	pthread_mutex_t line_lock;	/* for pci_line(), from any thread; taken last */
	unsigned int raised[PCI_LINES];	/* functions that assert it */
	uint32_t address;
	uint32_t next_mmio, next_port;
	struct pci_function *slot[PCI_SLOTS];
	struct pci_function host;
};

uint16_t pci_get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

uint32_t pci_get32(const uint8_t *p)
{
	return pci_get16(p) | (uint32_t)pci_get16(p + 2) << 16;
}

void pci_put16(uint8_t *p, uint16_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

void pci_put32(uint8_t *p, uint32_t v)
{
	pci_put16(p, v);
	pci_put16(p + 2, v >> 16);
}

/**
 * pci_lock() - keep vCPUs out of all functions
 * @m: the machine
 */
void pci_lock(struct vmm *m)
{
	pthread_mutex_lock(&m->pci->lock);
}

/**
 * pci_unlock() - the opposite
 * @m: the machine
 */
void pci_unlock(struct vmm *m)
{
	pthread_mutex_unlock(&m->pci->lock);
}

/**
 * pci_line() - assert or release a function's INTx; any thread
 * @f: the function
 * @level: asserted
 *
 * Functions share lines: one is low when nobody asserts it.
 */
void pci_line(struct pci_function *f, bool level)
{
	struct vmm_pci *bus = f->m->pci;
	unsigned int *raised = &bus->raised[f->slot % PCI_LINES];

	pthread_mutex_lock(&bus->line_lock);
	if (f->line != level) {
		f->line = level;
		f->config[PCI_STATUS] ^= PCI_STATUS_INTX;
		*raised += level ? 1 : -1;
		if (*raised == level)
			vmm_irq(f->m, PCI_LINE(f->slot), level);
	}
	pthread_mutex_unlock(&bus->line_lock);
}

/* A BAR gets the address that it has from the start. */
static void place(struct pci_function *f, unsigned int n)
{
	const struct pci_bar *b = &f->bar[n];

	pci_put32(f->config + PCI_BAR(n), b->home | b->port);
	f->config[PCI_COMMAND] |= b->port ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
}

/* Addresses of the BARs as configuration space has them; true if one changed. */
static bool decode(struct pci_function *f)
{
	uint16_t command = pci_get16(f->config + PCI_COMMAND);
	bool changed = false;
	unsigned int i;

	for (i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *b = &f->bar[i];
		uint32_t at = pci_get32(f->config + PCI_BAR(i)) & -b->size;

		if (!(command & (b->port ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
			at = 0;
		/* What a guest cannot mean: ports that do not exist, as while a BAR is sized. */
		if (b->port && at > PCI_PORT_END - b->size)
			at = 0;
		changed |= at != f->decoding[i];
		f->decoding[i] = at;
	}
	return changed;
}

/**
 * pci_function_loaded() - configuration space came from a snapshot
 * @f: the function
 */
void pci_function_loaded(struct pci_function *f)
{
	decode(f);
	if (f->moved)
		f->moved(f->opaque);
}

/**
 * pci_function_reset() - configuration space is as at power-on
 * @f: the function; the bus is locked
 */
void pci_function_reset(struct pci_function *f)
{
	unsigned int i;

	for (i = 0; i < PCI_CONFIG; i++)
		f->config[i] &= ~f->writable[i];
	for (i = 0; i < PCI_BARS; i++)
		if (f->bar[i].size)
			place(f, i);
	if (f->msix.n)
		msix_reset(f);
	pci_function_loaded(f);
}

static void config_write(struct pci_function *f, unsigned int at, unsigned int size, uint32_t val)
{
	unsigned int i;

	for (i = 0; i < size && at + i < PCI_CONFIG; i++) {
		uint8_t w = f->writable[at + i];

		f->config[at + i] = (f->config[at + i] & ~w) | (val >> 8 * i & w);
	}
	if (decode(f) && f->moved)
		f->moved(f->opaque);
	msix_update(f);
	if (f->config_written)
		f->config_written(f->opaque, at, size);
}

static uint32_t config_read(struct pci_function *f, unsigned int at, unsigned int size)
{
	uint32_t val = 0;
	unsigned int i;

	if (f->config_read)
		f->config_read(f->opaque, at, size);
	for (i = 0; i < size && at + i < PCI_CONFIG; i++)
		val |= (uint32_t)f->config[at + i] << 8 * i;
	return val;
}

/* The function that the address register names, NULL if none. */
static struct pci_function *selected(const struct vmm_pci *bus)
{
	uint32_t a = bus->address;

	/* Bus 0, function 0. */
	if (!(a & ADDRESS_ENABLE) || (a & 0x00ff0700))
		return NULL;
	return bus->slot[a >> 11 & 31];
}

static uint32_t address_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm_pci *bus = opaque;

	(void)port;
	return size == 4 ? bus->address : ~0U;
}

/* Only whole words: 0xcf9 is the reset register. */
static void address_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_pci *bus = opaque;

	(void)port;
	if (size != 4)
		return;
	pthread_mutex_lock(&bus->lock);
	bus->address = val;
	pthread_mutex_unlock(&bus->lock);
}

static uint32_t data_in(void *opaque, uint16_t port, unsigned int size)
{
	struct vmm_pci *bus = opaque;
	struct pci_function *f;
	uint32_t val = ~0U;

	pthread_mutex_lock(&bus->lock);
	f = selected(bus);
	if (f)
		val = config_read(f, (bus->address & 0xfc) + (port - PORT_DATA), size);
	pthread_mutex_unlock(&bus->lock);
	return val;
}

static void data_out(void *opaque, uint16_t port, unsigned int size, uint32_t val)
{
	struct vmm_pci *bus = opaque;
	struct pci_function *f;

	pthread_mutex_lock(&bus->lock);
	f = selected(bus);
	if (f)
		config_write(f, (bus->address & 0xfc) + (port - PORT_DATA), size, val);
	pthread_mutex_unlock(&bus->lock);
}

/* The function and BAR that answer at an address; accesses that leave the range are nobody's. */
static struct pci_function *answers(struct vmm_pci *bus, uint64_t at, unsigned int size, bool port,
				    unsigned int *bar)
{
	struct pci_function *f;
	unsigned int i, n;

	for (i = 0; i < PCI_SLOTS; i++) {
		f = bus->slot[i];
		for (n = 0; f && n < PCI_BARS; n++) {
			const struct pci_bar *b = &f->bar[n];

			if (!f->decoding[n] || b->port != port || at < f->decoding[n] ||
			    at - f->decoding[n] + size > b->size)
				continue;
			*bar = n;
			return f;
		}
	}
	return NULL;
}

static bool access_bar(struct vmm *m, uint64_t at, unsigned int size, bool port, bool write, void *data)
{
	struct vmm_pci *bus = m->pci;
	struct pci_function *f;
	unsigned int n;

	if (!bus)
		return false;
	pthread_mutex_lock(&bus->lock);
	f = answers(bus, at, size, port, &n);
	if (f && write) {
		f->bar[n].write(f->opaque, at - f->decoding[n], size, data);
	} else if (f) {
		memset(data, 0, size);
		f->bar[n].read(f->opaque, at - f->decoding[n], size, data);
	}
	pthread_mutex_unlock(&bus->lock);
	return f;
}

/**
 * vmm_pci_mmio() - an access to memory that is not RAM; vCPU thread
 * @m: the machine
 * @address: guest-physical
 * @size: 1 to 8 bytes
 * @write: the guest writes
 * @data: the bytes
 *
 * Return: true if a function answered.
 */
bool vmm_pci_mmio(struct vmm *m, uint64_t address, unsigned int size, bool write, void *data)
{
	return access_bar(m, address, size, false, write, data);
}

/**
 * vmm_pci_port() - an access to a port that is no other device's; vCPU thread
 * @m: the machine
 * @port: port
 * @size: 1, 2 or 4 bytes
 * @write: the guest writes
 * @data: the bytes
 *
 * Return: true if a function answered.
 */
bool vmm_pci_port(struct vmm *m, uint16_t port, unsigned int size, bool write, void *data)
{
	return access_bar(m, port, size, true, write, data);
}

/**
 * pci_function_init() - configuration space of a function that has nothing yet
 * @f: the function, all zero
 * @id: device and vendor
 * @class: class code and revision
 * @subsystem: device and vendor
 */
void pci_function_init(struct pci_function *f, uint32_t id, uint32_t class, uint32_t subsystem)
{
	pci_put32(f->config + PCI_ID, id);
	pci_put32(f->config + PCI_CLASS, class);
	pci_put32(f->config + PCI_SUBSYSTEM, subsystem);
	pci_put16(f->writable + PCI_COMMAND,
		  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
	f->writable[0x0c] = 0xff;		/* cache line size: kept for who writes it */
	f->writable[PCI_INTERRUPT] = 0xff;	/* the line, as firmware tells the kernel */
	f->capability = PCI_FIRST_CAPABILITY;
}

/**
 * pci_function_add() - put a function into the next free slot; before the CPUs start
 * @m: the machine
 * @f: initialised
 *
 * Return: 0, or -1 when the bus is full.
 */
int pci_function_add(struct vmm *m, struct pci_function *f)
{
	struct vmm_pci *bus = m->pci;
	unsigned int i;

	for (i = 0; i < PCI_SLOTS && bus->slot[i]; i++)
		;
	if (i == PCI_SLOTS)
		return -1;
	f->m = m;
	f->slot = i;
	bus->slot[i] = f;
	return 0;
}

/**
 * pci_function_remove() - take it off the bus; the CPUs are gone
 * @f: the function
 */
void pci_function_remove(struct pci_function *f)
{
	if (f->m && f->m->pci && f->m->pci->slot[f->slot] == f)
		f->m->pci->slot[f->slot] = NULL;
}

/**
 * pci_bar_add() - a range, with an address of its own
 * @f: on the bus
 * @n: number of the BAR
 * @bar: copied
 *
 * Return: 0, or -1 when there are no more addresses.
 */
int pci_bar_add(struct pci_function *f, unsigned int n, const struct pci_bar *bar)
{
	struct vmm_pci *bus = f->m->pci;
	uint32_t *next = bar->port ? &bus->next_port : &bus->next_mmio;
	uint32_t end = bar->port ? PCI_PORT_END : PCI_MMIO_END;
	uint32_t at = (*next + bar->size - 1) & -bar->size;

	if (at > end - bar->size)
		return -1;
	*next = at + bar->size;
	f->bar[n] = *bar;
	f->bar[n].home = at;
	/* All 32 bits of ports, too: SeaBIOS takes the size from the whole word. */
	pci_put32(f->writable + PCI_BAR(n), -bar->size);
	place(f, n);
	decode(f);
	return 0;
}

/**
 * pci_capability_add() - an entry at the end of the list of capabilities
 * @f: the function
 * @id: of the capability
 * @size: bytes, with its header
 *
 * Return: its offset in configuration space; there is room for all that a function of ours has.
 */
unsigned int pci_capability_add(struct pci_function *f, uint8_t id, unsigned int size)
{
	unsigned int at = f->capability;

	f->config[f->last ? f->last + 1 : PCI_CAPABILITIES] = at;
	f->config[at] = id;
	f->config[PCI_STATUS] |= PCI_STATUS_LIST;
	f->last = at;
	f->capability = (at + size + 3) & ~3U;
	return at;
}

static const struct vmm_field bus_fields[] = {
	VMM_FIELD(struct vmm_pci, address),
};

static void reset_bus(void *opaque)
{
	struct vmm_pci *bus = opaque;

	bus->address = 0;
	pci_function_reset(&bus->host);
}

/**
 * vmm_pci_create() - the bus with its host bridge
 * @m: the machine, with interrupt controllers
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_pci_create(struct vmm *m)
{
	static struct vmm_part part = {
		.name = "pci", .version = 1, .fields = bus_fields, .nfields = 1, .reset = reset_bus,
	};
	struct vmm_pci *bus = calloc(1, sizeof(*bus));

	if (!bus) {
		vmm_error("PCI bus", strerror(errno), "free some memory");
		return -1;
	}
	bus->m = m;
	pthread_mutex_init(&bus->lock, NULL);
	pthread_mutex_init(&bus->line_lock, NULL);
	bus->next_mmio = PCI_MMIO_BASE;
	bus->next_port = PCI_PORT_BASE;
	m->pci = bus;
	vmm_bus_add(m, PORT_ADDRESS, 1, bus, address_in, address_out);
	vmm_bus_add(m, PORT_DATA, 4, bus, data_in, data_out);
	pci_function_init(&bus->host, HOST_BRIDGE, CLASS_HOST, SUBSYSTEM_HOST);
	memset(bus->host.writable + HOST_PAM, 0xff, HOST_PAMS);
	part.state = part.opaque = bus;
	vmm_part_add(m, &part);
	return pci_function_add(m, &bus->host);
}

/**
 * vmm_pci_destroy() - free the bus; its functions are off it
 * @m: the machine, its CPUs are gone
 */
void vmm_pci_destroy(struct vmm *m)
{
	if (!m->pci)
		return;
	pthread_mutex_destroy(&m->pci->lock);
	pthread_mutex_destroy(&m->pci->line_lock);
	free(m->pci);
	m->pci = NULL;
}
