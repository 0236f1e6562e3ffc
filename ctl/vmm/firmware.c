// SPDX-License-Identifier: GPL-2.0-only
/*
 * firmware.c - a machine without kernel starts as a PC does: at the reset vector in the BIOS, which boots
 * from the first disk, else from the CD, or the other way round. The BIOS is SeaBIOS; its screen and keyboard are the serial port.
 *
 * The ROM lies read-only below 4 GiB. Its last 128 KiB are also in the RAM below 1 MiB, where the real mode's code is:
 * SeaBIOS takes the host bridge for an i440FX, unlocks and copies itself there anyway. The ACPI tables are
 * ours, at the end of the RAM below 4 GiB; SeaBIOS only puts their RSDP where systems look for it.
 *
 * Source: QEMU docs/specs/fw_cfg; SeaBIOS docs/Runtime_config "Option File"; SDM 3A "First Instruction Executed".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "compiler.h"
#include "firmware.h"
#include "vmm.h"

#define ROM_UNIT	0x10000U
#define ROM_MAX		0x40000U	/* between the hypervisor's own pages and 4 GiB */
#define SHADOW_MAX	0x20000U
#define SHADOW_END	0x100000U

#define RESET_IP	0xfff0
#define RESET_DX	0x600		/* family 6 */
#define RFLAGS_ONE	2

#define E820_RAM	1
#define E820_RESERVED	2

#define RSDP_SIZE	36
#define SERIAL_PORT	0x3f8

/* The memory of the clock's chip, as PCs use it. */
#define CMOS_BASE	0x15	/* KiB below 1 MiB, 16 bits */
#define CMOS_EXTENDED	0x17	/* KiB above, 16 bits, and once more at 0x30 */
#define CMOS_EXTENDED_2	0x30
#define CMOS_ABOVE_16M	0x34	/* units of 64 KiB, 16 bits */
#define CMOS_BOOT_ORDER	0x3d	/* four bits each */
#define BOOT_DISK	2
#define BOOT_CD		3
#define CMOS_ABOVE_4G	0x5b	/* units of 64 KiB, 24 bits */
#define CMOS_CPUS	0x5f	/* beside the first */

/* An entry of etc/e820. */
struct range {
	uint64_t start, size;
	uint32_t type;
} __attribute__((packed));

/* A command of etc/table-loader. */
struct loader {
	uint32_t command;
	char file[56];
	uint32_t align;
	uint8_t zone;
	uint8_t pad[63];
} __attribute__((packed));

_Static_assert(sizeof(struct loader) == 128, "the command is laid out as in the specification");

#define LOADER_ALLOCATE	1
#define ZONE_F_SEGMENT	2

static int read_rom(struct vmm *m, const struct vmm_image *i)
{
	void *p;

	if (i->size > ROM_MAX || i->size % ROM_UNIT) {
		vmm_error(i->path, "is no BIOS: its size is not 64, 128, 192 or 256 KiB",
			  "name SeaBIOS's bios-256k.bin with --firmware");
		return -1;
	}
	p = mmap(NULL, i->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		vmm_error(i->path, strerror(errno), "free some memory");
		return -1;
	}
	m->rom = p;
	m->rom_size = i->size;
	return vmm_image_read(i, 0, m->rom, i->size);
}

static int open_rom(struct vmm *m)
{
	const char *path = m->config->firmware ? m->config->firmware : VMM_FIRMWARE;
	struct vmm_image i;
	int ret;

	if (vmm_image_open(&i, path, m->config->firmware ? "name a BIOS that can be read" :
			   "install the package seabios, or name a BIOS with --firmware"))
		return -1;
	ret = read_rom(m, &i);
	vmm_image_close(&i);
	if (!ret && vmm_memory_rom(m)) {
		vmm_error(path, strerror(errno), "name another node with --device");
		ret = -1;
	}
	return ret;
}

static int add_e820(struct vmm *m)
{
	struct range r[] = {
		{ 0, m->acpi, E820_RAM },
		{ m->acpi, VMM_ACPI_SIZE, E820_RESERVED },
		{ VMM_TSS - 0x1000, 0x4000, E820_RESERVED },	/* the hypervisor's own pages */
		{ VMM_HIGH_START, m->high, E820_RAM },
	};

	return fw_cfg_add_file(m, "etc/e820", r, m->high ? sizeof(r) : sizeof(r) - sizeof(r[0]));
}

/* The RSDP goes into the segment F000; the tables stay where they are. */
static int add_acpi(struct vmm *m)
{
	static const struct loader allocate = {
		.command = LOADER_ALLOCATE, .file = "etc/acpi/rsdp", .align = 16, .zone = ZONE_F_SEGMENT,
	};

	return fw_cfg_add_file(m, "etc/acpi/rsdp", m->ram + m->acpi, RSDP_SIZE) ||
	       fw_cfg_add_file(m, "etc/table-loader", &allocate, sizeof(allocate)) ? -1 : 0;
}

static int add_options(struct vmm *m)
{
	static const uint16_t serial = SERIAL_PORT;
	/* Who has nothing to boot from is not asked again each minute. */
	static const int32_t wait = -1;
	uint16_t cpus = m->config->cpus;

	return fw_cfg_add(m, FW_CFG_CPUS, &cpus, sizeof(cpus)) ||
	       fw_cfg_add_file(m, "etc/boot-cpus", &cpus, sizeof(cpus)) ||
	       fw_cfg_add_file(m, "etc/max-cpus", &cpus, sizeof(cpus)) ||
	       fw_cfg_add_file(m, "etc/sercon-port", &serial, sizeof(serial)) ||
	       fw_cfg_add_file(m, "etc/boot-fail-wait", &wait, sizeof(wait)) ? -1 : 0;
}

static void store(struct vmm *m, uint8_t at, unsigned int bytes, uint64_t val)
{
	uint64_t most = (1ULL << 8 * bytes) - 1;

	if (val > most)
		val = most;
	for (; bytes--; val >>= 8)
		vmm_rtc_store(m, at++, val);
}

static void fill_cmos(struct vmm *m)
{
	uint64_t extended = (m->acpi - SHADOW_END) >> 10;
	bool cd = m->config->boot_cd;

	store(m, CMOS_BASE, 2, 640);
	store(m, CMOS_EXTENDED, 2, extended);
	store(m, CMOS_EXTENDED_2, 2, extended);
	store(m, CMOS_ABOVE_16M, 2, m->acpi > 16 << 20 ? (m->acpi - (16 << 20)) >> 16 : 0);
	store(m, CMOS_ABOVE_4G, 3, m->high >> 16);
	store(m, CMOS_BOOT_ORDER, 1, cd ? BOOT_CD | BOOT_DISK << 4 : BOOT_DISK | BOOT_CD << 4);
	store(m, CMOS_CPUS, 1, m->config->cpus - 1);
}

/**
 * vmm_firmware_create() - give a machine without kernel its BIOS; one with a kernel gets none
 * @m: the machine, with memory and clock
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_firmware_create(struct vmm *m)
{
	m->acpi = VMM_ACPI;
	if (m->config->kernel)
		return 0;
	m->acpi = m->low - VMM_ACPI_SIZE;
	if (open_rom(m) || fw_cfg_create(m) || vmm_acpi_load(m) || add_e820(m) || add_acpi(m) ||
	    add_options(m))
		return -1;
	fill_cmos(m);
	return 0;
}

/**
 * vmm_firmware_destroy() - free it
 * @m: the machine, its CPUs are gone
 */
void vmm_firmware_destroy(struct vmm *m)
{
	fw_cfg_destroy(m);
	if (m->rom)
		munmap(m->rom, m->rom_size);
	m->rom = NULL;
}

/**
 * vmm_firmware_load() - the BIOS and the boot CPU as after a reset
 * @m: the machine, with a BIOS
 * @regs: filled for the boot CPU, whose other registers have to be as after a reset
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_firmware_load(struct vmm *m, struct kvm_regs *regs)
{
	size_t n = m->rom_size < SHADOW_MAX ? m->rom_size : SHADOW_MAX;

	memcpy(m->ram + SHADOW_END - n, m->rom + m->rom_size - n, n);
	*regs = (struct kvm_regs){ .rip = RESET_IP, .rdx = RESET_DX, .rflags = RFLAGS_ONE };
	return vmm_acpi_load(m);
}
