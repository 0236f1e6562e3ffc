// SPDX-License-Identifier: GPL-2.0-only
/*
 * acpi.c - the ACPI tables: RSDP, XSDT, FADT, MADT, FACS and a DSDT with the serial port, the clock, the PCI bus,
 * the VM's generation and \_S5. Source: ACPI 6.4 chapters "ACPI Software Programming Model", "ACPI Machine Language".
 */
#include <string.h>

#include "pci.h"
#include "vmm.h"

#define GENID_PAGE	4096

struct sdt {
	char sig[4];
	uint32_t len;
	uint8_t rev, sum;
	char oem[6], table[8];
	uint32_t oem_rev;
	char creator[4];
	uint32_t creator_rev;
};

_Static_assert(sizeof(struct sdt) == 36, "the header is laid out as in the specification");

/* Tables grow at `at`; what does not fit sets `full` and is not written. */
struct arena {
	uint8_t *base, *at, *end;
	uint32_t gpa;
	bool full;
};

static void put(struct arena *a, const void *data, size_t n)
{
	if ((size_t)(a->end - a->at) < n) {
		a->full = true;
		return;
	}
	memcpy(a->at, data, n);
	a->at += n;
}

static void put8(struct arena *a, uint8_t v)
{
	put(a, &v, 1);
}

static void put16(struct arena *a, uint16_t v)
{
	put(a, &v, 2);
}

static void put32(struct arena *a, uint32_t v)
{
	put(a, &v, 4);
}

static void put64(struct arena *a, uint64_t v)
{
	put(a, &v, 8);
}

static void zeros(struct arena *a, size_t n)
{
	while (n-- && !a->full)
		put8(a, 0);
}

static uint8_t checksum(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	while (n--)
		sum += *p++;
	return -sum;
}

static uint32_t address(const struct arena *a)
{
	return a->gpa + (a->at - a->base);
}

static void align(struct arena *a, unsigned int n)
{
	while ((a->at - a->base) % n && !a->full)
		put8(a, 0);
}

static uint8_t *table_begin(struct arena *a, const char *sig, uint8_t rev)
{
	struct sdt h = { .rev = rev, .oem_rev = 1, .creator_rev = 1 };
	uint8_t *at;

	align(a, 16);
	at = a->at;
	memcpy(h.sig, sig, 4);
	memcpy(h.oem, "VITRIN", 6);
	memcpy(h.table, "VITRINE ", 8);
	memcpy(h.creator, "VTRN", 4);
	put(a, &h, sizeof(h));
	return at;
}

static void table_end(struct arena *a, uint8_t *at)
{
	struct sdt *h = (struct sdt *)at;

	if (a->full)
		return;
	h->len = a->at - at;
	h->sum = checksum(at, h->len);
}

/*
 * DSDT, assembled by hand:
 *	Name (_S5, Package () { 5, 5, 0, 0 })
 *	Scope (_SB) {
 *		Device (COM1) { _HID PNP0501, _UID 1, _CRS IO 0x3f8..0x3ff, IRQ 4 }
 *		Device (RTC) { _HID PNP0B00, _CRS IO 0x70..0x71, IRQ 8 }
 *		Device (PEVT) { _HID "QEMU0001", _CRS IO 0x505 }: pvpanic
 *	}
 */
static const uint8_t dsdt_body[] = {
	0x08, '_', 'S', '5', '_', 0x12, 0x08, 0x04, 0x0a, 0x05, 0x0a, 0x05, 0x00, 0x00,
	0x10, 0x4a, 0x05, '_', 'S', 'B', '_',
	0x5b, 0x82, 0x2b, 'C', 'O', 'M', '1',
	0x08, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x05, 0x01,
	0x08, '_', 'U', 'I', 'D', 0x01,
	0x08, '_', 'C', 'R', 'S', 0x11, 0x10, 0x0a, 0x0d,
	0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08, 0x22, 0x10, 0x00, 0x79, 0x00,
	0x5b, 0x82, 0x25, 'R', 'T', 'C', '_',
	0x08, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0b, 0x00,
	0x08, '_', 'C', 'R', 'S', 0x11, 0x10, 0x0a, 0x0d,
	0x47, 0x01, 0x70, 0x00, 0x70, 0x00, 0x01, 0x02, 0x22, 0x00, 0x01, 0x79, 0x00,
	0x5b, 0x82, 0x27, 'P', 'E', 'V', 'T',
	0x08, '_', 'H', 'I', 'D', 0x0d, 'Q', 'E', 'M', 'U', '0', '0', '0', '1', 0x00,
	0x08, '_', 'C', 'R', 'S', 0x11, 0x0d, 0x0a, 0x0a,
	0x47, 0x01, 0x05, 0x05, 0x05, 0x05, 0x01, 0x01, 0x79, 0x00,
};

/* An object whose length stands before its contents, in two bytes: up to 4095. */
static uint8_t *object_begin(struct arena *a)
{
	uint8_t *at = a->at;

	put16(a, 0);
	return at;
}

static void object_end(struct arena *a, uint8_t *at)
{
	size_t n = a->at - at;

	if (a->full)
		return;
	at[0] = 0x40 | (n & 0xf);
	at[1] = n >> 4;
}

static void put_name(struct arena *a, const char *name)
{
	put8(a, 0x08);
	put(a, name, 4);
}

/* The bus's addresses, as pci.h has them, each a resource descriptor: "Address Space Resource Descriptors". */
static const uint8_t pci_resources[] = {
	/* Bus 0. */
	0x88, 0x0d, 0x00, 0x02, 0x0c, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
	/* Its configuration ports, and all but them. */
	0x47, 0x01, 0xf8, 0x0c, 0xf8, 0x0c, 0x01, 0x08,
	0x88, 0x0d, 0x00, 0x01, 0x0c, 0x03, 0, 0, 0, 0, 0xf7, 0x0c, 0, 0, 0xf8, 0x0c,
	0x88, 0x0d, 0x00, 0x01, 0x0c, 0x03, 0, 0, 0, PCI_PORT_BASE >> 8, 0xff, 0xff, 0, 0,
	0, (PCI_PORT_END - PCI_PORT_BASE) >> 8,
	/* Memory. */
	0x87, 0x17, 0x00, 0x00, 0x0c, 0x01, 0, 0, 0, 0, 0, 0, 0, PCI_MMIO_BASE >> 24,
	0xff, 0xff, (PCI_MMIO_END - 1) >> 16 & 0xff, (PCI_MMIO_END - 1) >> 24, 0, 0, 0, 0,
	0, 0, (PCI_MMIO_END - PCI_MMIO_BASE) >> 16 & 0xff, (PCI_MMIO_END - PCI_MMIO_BASE) >> 24,
	0x79, 0x00,
};

/* Package () { slot << 16 | 0xffff, INTA, 0, line } for each slot. */
static void put_lines(struct arena *a)
{
	unsigned int slot;
	uint8_t *list;

	put_name(a, "_PRT");
	put8(a, 0x12);
	list = object_begin(a);
	put8(a, PCI_SLOTS);
	for (slot = 0; slot < PCI_SLOTS; slot++) {
		static const uint8_t head[] = { 0x12, 0x0b, 0x04, 0x0c };

		put(a, head, sizeof(head));
		put32(a, slot << 16 | 0xffff);
		put8(a, 0x00);
		put8(a, 0x00);
		put8(a, 0x0a);
		put8(a, PCI_LINE(slot));
	}
	object_end(a, list);
}

/*
 * Scope (_SB) {
 *	Device (PCI0) { _HID PNP0A03, _UID 0, _CRS as above, _PRT }
 * }
 */
static void put_pci(struct arena *a)
{
	static const uint8_t hid[] = { 0x0c, 0x41, 0xd0, 0x0a, 0x03 };
	uint8_t *scope, *device, *crs;

	put8(a, 0x10);
	scope = object_begin(a);
	put(a, "_SB_", 4);
	put16(a, 0x825b);
	device = object_begin(a);
	put(a, "PCI0", 4);
	put_name(a, "_HID");
	put(a, hid, sizeof(hid));
	put_name(a, "_UID");
	put8(a, 0);
	put_name(a, "_CRS");
	put8(a, 0x11);
	crs = object_begin(a);
	put8(a, 0x0a);
	put8(a, sizeof(pci_resources));
	put(a, pci_resources, sizeof(pci_resources));
	object_end(a, crs);
	put_lines(a);
	object_end(a, device);
	object_end(a, scope);
}

/*
 * Scope (_SB) {
 *	Device (VGEN) { _HID "VTRN0001", _CID "VM_Gen_Counter", _DDN the same, Name (ADDR, Package () { low, high }) }
 * }
 * Scope (_GPE) { Method (_E00) { Notify (\_SB.VGEN, 0x80) } }
 */
static void put_genid(struct arena *a)
{
	static const char kind[] = "VM_Gen_Counter";
	static const uint8_t event[] = {
		0x10, 0x19, '_', 'G', 'P', 'E',
		0x14, 0x13, '_', 'E', '0', '0' + VMM_GPE_GENID, 0x00,
		0x86, 0x5c, 0x2e, '_', 'S', 'B', '_', 'V', 'G', 'E', 'N', 0x0a, 0x80,
	};
	uint8_t *scope, *device;

	put8(a, 0x10);
	scope = object_begin(a);
	put(a, "_SB_", 4);
	put16(a, 0x825b);
	device = object_begin(a);
	put(a, "VGEN", 4);
	put_name(a, "_HID");
	put(a, "\x0dVTRN0001", 10);
	put_name(a, "_CID");
	put8(a, 0x0d);
	put(a, kind, sizeof(kind));
	put_name(a, "_DDN");
	put8(a, 0x0d);
	put(a, kind, sizeof(kind));
	put_name(a, "ADDR");
	put(a, "\x12\x0c\x02\x0c", 4);
	put32(a, vmm_genid_address(a->gpa));
	put(a, "\x0c\0\0\0", 5);
	object_end(a, device);
	object_end(a, scope);
	put(a, event, sizeof(event));
}

static uint32_t put_dsdt(struct arena *a)
{
	uint8_t *t = table_begin(a, "DSDT", 2);

	put(a, dsdt_body, sizeof(dsdt_body));
	put_pci(a);
	put_genid(a);
	table_end(a, t);
	return a->gpa + (t - a->base);
}

static uint32_t put_facs(struct arena *a)
{
	uint32_t gpa;

	align(a, 64);
	gpa = address(a);
	put(a, "FACS", 4);
	put32(a, 64);
	zeros(a, 56);
	return gpa;
}

/* Generic address structure: system I/O space. */
static void put_gas(struct arena *a, uint8_t bits, uint64_t port)
{
	put8(a, 1);
	put8(a, bits);
	put8(a, 0);
	put8(a, 0);
	put64(a, port);
}

static void put_fadt_tail(struct arena *a, uint32_t dsdt)
{
	put64(a, 0);		/* the FACS has its address in 32 bits */
	put64(a, dsdt);
	put_gas(a, 32, VMM_PORT_PM);
	zeros(a, 12);
	put_gas(a, 16, VMM_PORT_PM + 4);
	zeros(a, 12 * 3);	/* PM1b control, PM2, PM timer */
	put_gas(a, 16, VMM_PORT_GPE);
	zeros(a, 12);		/* GPE block 1 */
	zeros(a, 12 * 2);	/* sleep registers */
	zeros(a, 8);		/* hypervisor identity */
}

static uint32_t put_fadt(struct arena *a, uint32_t facs, uint32_t dsdt)
{
	uint8_t *t = table_begin(a, "FACP", 6);

	put32(a, facs);
	put32(a, dsdt);
	put8(a, 0);
	put8(a, 4);			/* preferred profile: enterprise server */
	put16(a, VMM_IRQ_SCI);
	put32(a, 0);			/* SMI command: always in ACPI mode */
	zeros(a, 4);
	put32(a, VMM_PORT_PM);		/* PM1a event */
	put32(a, 0);
	put32(a, VMM_PORT_PM + 4);	/* PM1a control */
	put32(a, 0);
	put32(a, 0);			/* PM2 control */
	put32(a, 0);			/* PM timer */
	put32(a, VMM_PORT_GPE);
	put32(a, 0);
	put8(a, 4);			/* PM1 event length */
	put8(a, 2);
	zeros(a, 2);
	put8(a, 2);			/* GPE block 0: status and enable */
	zeros(a, 3);
	put16(a, 0xffff);		/* no C2, no C3 */
	put16(a, 0xffff);
	zeros(a, 4);
	zeros(a, 4);			/* duty cycle, day and month alarms */
	put8(a, 0x32);			/* century */
	put16(a, 0x0005);		/* legacy devices; no 8042 beyond its reset line, no VGA */
	put8(a, 0);
	/* WBINVD; the power button is the fixed one, no sleep button or alarm is; reset register. */
	put32(a, 1 << 0 | 1 << 5 | 1 << 6 | 1 << 10);
	put_gas(a, 8, 0xcf9);
	put8(a, 0x06);
	zeros(a, 2);
	put8(a, 4);			/* minor version */
	put_fadt_tail(a, dsdt);
	table_end(a, t);
	return a->gpa + (t - a->base);
}

static uint32_t put_madt(struct arena *a, unsigned int cpus)
{
	uint8_t *t = table_begin(a, "APIC", 4);
	unsigned int i;

	put32(a, 0xfee00000);
	put32(a, 1);			/* PC-AT: 8259s are there */
	for (i = 0; i < cpus; i++) {
		put8(a, 0);
		put8(a, 8);
		put8(a, i);
		put8(a, i);
		put32(a, 1);
	}
	put8(a, 1);			/* I/O APIC */
	put8(a, 12);
	put8(a, cpus);
	put8(a, 0);
	put32(a, 0xfec00000);
	put32(a, 0);
	put8(a, 2);			/* the timer's IRQ 0 is pin 2 */
	put8(a, 10);
	put8(a, 0);
	put8(a, 0);
	put32(a, 2);
	put16(a, 0);
	put8(a, 2);			/* SCI: level, active high */
	put8(a, 10);
	put8(a, 0);
	put8(a, VMM_IRQ_SCI);
	put32(a, VMM_IRQ_SCI);
	put16(a, 0x000d);
	put8(a, 4);			/* NMI at LINT1 of all */
	put8(a, 6);
	put8(a, 0xff);
	put16(a, 0);
	put8(a, 1);
	table_end(a, t);
	return a->gpa + (t - a->base);
}

static uint32_t put_xsdt(struct arena *a, uint32_t fadt, uint32_t madt)
{
	uint8_t *t = table_begin(a, "XSDT", 1);

	put64(a, fadt);
	put64(a, madt);
	table_end(a, t);
	return a->gpa + (t - a->base);
}

/**
 * vmm_acpi_load() - write the machine's tables to where m->acpi says
 * @m: the machine
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_acpi_load(struct vmm *m)
{
	if (vmm_acpi_build(m->ram + m->acpi, VMM_ACPI_SIZE, m->acpi, m->config->cpus))
		return 0;
	vmm_error("--cpus", "the ACPI tables do not fit", "use fewer CPUs");
	return -1;
}

/**
 * vmm_acpi_build() - write the tables, the RSDP first
 * @at: where
 * @room: bytes there, of which the last page is the generation ID's
 * @gpa: guest-physical address of @at
 * @cpus: virtual CPUs, their APIC ids from 0
 *
 * Return: bytes used, 0 if they do not fit.
 */
size_t vmm_acpi_build(uint8_t *at, size_t room, uint32_t gpa, unsigned int cpus)
{
	struct arena a = { at, at + 48, at + room - GENID_PAGE, gpa, false };
	uint32_t dsdt, facs, fadt, madt, xsdt, len = 36;
	uint64_t xsdt64;

	if (room < 48 + GENID_PAGE)
		return 0;
	dsdt = put_dsdt(&a);
	facs = put_facs(&a);
	fadt = put_fadt(&a, facs, dsdt);
	madt = put_madt(&a, cpus);
	xsdt = put_xsdt(&a, fadt, madt);
	if (a.full)
		return 0;
	xsdt64 = xsdt;
	memset(at, 0, 48);
	memcpy(at, "RSD PTR ", 8);
	memcpy(at + 9, "VITRIN", 6);
	at[15] = 2;
	memcpy(at + 20, &len, 4);
	memcpy(at + 24, &xsdt64, 8);
	at[8] = checksum(at, 20);
	at[32] = checksum(at, 36);
	return a.at - at;
}
