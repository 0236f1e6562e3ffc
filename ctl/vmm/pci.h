/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pci.h - the machine's one PCI bus. Source: PCI Local Bus 3.0 "Configuration Space", "MSI-X Capability and Table
 * Structures".
 *
 * Files: pci.c the bus, configuration space and decoding, msix.c a function's interrupts.
 *
 * One lock for the bus: handlers of functions are called under it, from vCPU threads, one at a time. Nothing that
 * holds it may wait for a vCPU.
 */
#ifndef VMM_PCI_H
#define VMM_PCI_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "part.h"

struct vmm;

#define PCI_SLOTS		32
#define PCI_CONFIG		256
#define PCI_BARS		6
#define PCI_MSIX_MAX		64	/* vectors of a function */

/* Where the guest finds BARs, and where we put them; ACPI tells the same. */
#define PCI_MMIO_BASE		0xe0000000U
#define PCI_MMIO_END		0xfec00000U
#define PCI_PORT_BASE		0x1000U
#define PCI_PORT_END		0x10000U

/* Interrupt lines of slots: four of the I/O APIC's, in turn. */
#define PCI_LINE(slot)		(16 + (slot) % 4)
#define PCI_LINES		4

/* Offsets in configuration space. */
#define PCI_ID			0x00
#define PCI_COMMAND		0x04
#define PCI_STATUS		0x06
#define PCI_CLASS		0x08	/* and revision */
#define PCI_BAR(n)		(0x10 + 4 * (n))
#define PCI_SUBSYSTEM		0x2c
#define PCI_CAPABILITIES	0x34
#define PCI_INTERRUPT		0x3c
#define PCI_FIRST_CAPABILITY	0x40

#define PCI_COMMAND_IO		0x0001
#define PCI_COMMAND_MEMORY	0x0002
#define PCI_COMMAND_MASTER	0x0004
#define PCI_COMMAND_NO_INTX	0x0400
#define PCI_STATUS_INTX		0x0008
#define PCI_STATUS_LIST		0x0010

#define PCI_CAP_MSIX		0x11
#define PCI_CAP_VENDOR		0x09

/**
 * struct pci_bar - a range of addresses of a function
 * @size: bytes, a power of two, 0 if there is none
 * @home: address at power-on; pci_bar_add() gives it
 * @port: I/O ports instead of memory
 * @read: an access to it, inside, 1 to 8 bytes; *@data is zero before
 * @write: the same
 */
struct pci_bar {
	uint32_t size, home;
	bool port;
	void (*read)(void *opaque, uint32_t offset, unsigned int size, void *data);
	void (*write)(void *opaque, uint32_t offset, unsigned int size, const void *data);
};

/**
 * struct msix_vector - an entry of the table, and the way into the kernel
 * @address: of the message
 * @data: of the message
 * @control: bit 0: masked
 * @gsi: number in the routing table
 * @fd: eventfd; writing it is the interrupt
 * @attached: the kernel listens to @fd
 */
struct msix_vector {
	uint64_t address;
	uint32_t data, control;
	unsigned int gsi;
	int fd;
	bool attached;
};

/**
 * struct msix - a function's message-signalled interrupts
 * @m: the machine
 * @n: vectors
 * @capability: offset in configuration space
 * @vector: the table
 */
struct msix {
	struct vmm *m;
	unsigned int n;
	uint8_t capability;
	struct msix_vector vector[PCI_MSIX_MAX];
};

/**
 * struct pci_function - a device
 * @m: the machine
 * @slot: its place on the bus
 * @config: what configuration space reads
 * @writable: bits of it that the guest can change
 * @bar: its ranges
 * @decoding: addresses at which the ranges answer, 0 if they do not
 * @capability: end of the list of capabilities
 * @last: offset of the last capability, 0 without one
 * @line: the INTx line is asserted
 * @msix: its interrupts
 * @opaque: argument of the handlers
 * @moved: @decoding changed, may be NULL
 * @config_read: before configuration space is read, may be NULL
 * @config_written: configuration space was written, may be NULL
 */
struct pci_function {
	struct vmm *m;
	unsigned int slot;
	uint8_t config[PCI_CONFIG], writable[PCI_CONFIG];
	struct pci_bar bar[PCI_BARS];
	uint32_t decoding[PCI_BARS];
	unsigned int capability, last;
	bool line;
	struct msix msix;
	void *opaque;
	void (*moved)(void *opaque);
	void (*config_read)(void *opaque, unsigned int offset, unsigned int size);
	void (*config_written)(void *opaque, unsigned int offset, unsigned int size);
};

/* pci.c */
int vmm_pci_create(struct vmm *m);
void vmm_pci_destroy(struct vmm *m);
int pci_function_add(struct vmm *m, struct pci_function *f);
void pci_function_remove(struct pci_function *f);
void pci_function_init(struct pci_function *f, uint32_t id, uint32_t class, uint32_t subsystem);
void pci_function_reset(struct pci_function *f);
void pci_function_loaded(struct pci_function *f);
int pci_bar_add(struct pci_function *f, unsigned int n, const struct pci_bar *bar);
unsigned int pci_capability_add(struct pci_function *f, uint8_t id, unsigned int size);
void pci_line(struct pci_function *f, bool level);
void pci_lock(struct vmm *m);
void pci_unlock(struct vmm *m);
bool vmm_pci_mmio(struct vmm *m, uint64_t address, unsigned int size, bool write, void *data);
bool vmm_pci_port(struct vmm *m, uint16_t port, unsigned int size, bool write, void *data);

uint16_t pci_get16(const uint8_t *p);
uint32_t pci_get32(const uint8_t *p);
void pci_put16(uint8_t *p, uint16_t v);
void pci_put32(uint8_t *p, uint32_t v);

/* msix.c */
int msix_create(struct pci_function *f, unsigned int n, unsigned int bar, uint32_t table, uint32_t pending);
void msix_destroy(struct msix *x);
bool msix_enabled(const struct pci_function *f);
void msix_read(struct msix *x, uint32_t offset, unsigned int size, void *data);
void msix_write(struct pci_function *f, uint32_t offset, unsigned int size, const void *data);
void msix_pending(const struct msix *x, uint32_t offset, unsigned int size, void *data);
void msix_update(struct pci_function *f);
void msix_reset(struct pci_function *f);
int msix_forked(struct pci_function *f);
void msix_fire(const struct msix *x, unsigned int vector);

#endif /* VMM_PCI_H */
