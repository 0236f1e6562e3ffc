// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - direct boot: command line and initrd for every kernel, and the bzImage by the 64-bit boot
 * protocol. ELF kernels are pvh.c's.
 *
 * Source: Linux Documentation/arch/x86/boot.rst, zero-page.rst. The kernel file is hostile: every
 * number in it is checked against the file and against guest memory before use.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "vmm.h"

/* The setup header: at the same offsets in the file and in boot_params. */
#define HDR		0x1f1
#define HDR_END_MAX	0x290
#define OFF_SETUP_SECTS	0x1f1
#define OFF_BOOT_FLAG	0x1fe
#define OFF_JUMP	0x200
#define OFF_MAGIC	0x202
#define OFF_VERSION	0x206
#define OFF_LOADER	0x210
#define OFF_LOADFLAGS	0x211
#define OFF_RAMDISK	0x218
#define OFF_CMDLINE	0x228
#define OFF_INITRD_MAX	0x22c
#define OFF_XLOADFLAGS	0x236
#define OFF_CMDLINE_SZ	0x238
#define OFF_PREF	0x258
#define OFF_INIT_SIZE	0x260

#define VERSION_2_12	0x020c		/* the first with XLF_KERNEL_64 */
#define LOADED_HIGH	0x01
#define XLF_KERNEL_64	0x01
#define LOADER_OTHER	0xff
#define SECTOR		512
#define ENTRY_64	0x200

/* The rest of boot_params. */
#define BP_ACPI_RSDP	0x070
#define BP_E820_N	0x1e8
#define BP_E820		0x2d0
#define BP_SIZE		0x1000

#define E820_RAM	1
#define E820_RESERVED	2

#define PAGE_2M		0x200000UL
#define PTE_TABLE	0x03		/* present, writable */
#define PTE_LEAF	0x83		/* and large */

#define CR0_PE		0x00000001UL
#define CR0_PG		0x80000000UL
#define CR0_NW_CD	0x60000000UL
#define CR4_PAE		0x20UL
#define EFER_LME_LMA	0x500UL

static uint16_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

/**
 * vmm_cmdline_load() - copy the kernel's command line to VMM_CMDLINE
 * @m: the machine
 * @max: characters the kernel takes
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_cmdline_load(struct vmm *m, uint64_t max)
{
	size_t n = strlen(m->config->append);
	char what[64];

	if (max > VMM_CMDLINE_MAX)
		max = VMM_CMDLINE_MAX;
	if (n > max) {
		snprintf(what, sizeof(what), "is longer than %llu characters",
			 (unsigned long long)max);
		vmm_error("--append", what, "shorten it");
		return -1;
	}
	memcpy(m->ram + VMM_CMDLINE, m->config->append, n + 1);
	return 0;
}

/**
 * vmm_initrd_load() - read the initrd to where it lies as high as it may
 * @m: the machine
 * @floor: lowest address that is free
 * @limit: highest address the kernel accepts
 * @addr: filled, 0 without initrd
 * @size: filled
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_initrd_load(struct vmm *m, uint64_t floor, uint64_t limit, uint64_t *addr, uint64_t *size)
{
	uint64_t top = limit < m->low ? limit + 1 : m->low;
	const struct vmm_image *i = &m->initrd;

	*addr = 0;
	*size = 0;
	if (!m->config->initrd)
		return 0;
	if (i->size > top || ((top - i->size) & ~0xfffULL) < floor) {
		vmm_error(i->path, "does not fit into guest memory beside the kernel",
			  "give the guest more memory with --memory");
		return -1;
	}
	*addr = (top - i->size) & ~0xfffULL;
	*size = i->size;
	return vmm_image_read(i, 0, m->ram + *addr, i->size);
}

static void add_e820(uint8_t *bp, uint64_t start, uint64_t len, uint32_t type)
{
	uint8_t *e = bp + BP_E820 + 20 * bp[BP_E820_N];

	if (!len)
		return;
	memcpy(e, &start, sizeof(start));
	memcpy(e + 8, &len, sizeof(len));
	memcpy(e + 16, &type, sizeof(type));
	bp[BP_E820_N]++;
}

static void fill_e820(const struct vmm *m, uint8_t *bp)
{
	add_e820(bp, 0, VMM_EBDA, E820_RAM);
	add_e820(bp, VMM_EBDA, 0x100000 - VMM_EBDA, E820_RESERVED);
	add_e820(bp, 0x100000, m->low - 0x100000, E820_RAM);
	add_e820(bp, 0xfec00000, 0x1000, E820_RESERVED);	/* I/O APIC */
	add_e820(bp, 0xfee00000, 0x1000, E820_RESERVED);	/* local APICs */
	add_e820(bp, VMM_TSS - 0x1000, 0x4000, E820_RESERVED);	/* the hypervisor's own pages */
	add_e820(bp, VMM_HIGH_START, m->high, E820_RAM);
}

/* The 64-bit entry wants the kernel and what it is told of mapped one to one. */
static void fill_page_tables(struct vmm *m, uint64_t reach)
{
	uint64_t *pml4 = (uint64_t *)(m->ram + VMM_PAGE_TABLES);
	uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512;
	unsigned int i, j, gigabytes = (reach + (1 << 30) - 1) >> 30;

	memset(pml4, 0, (2 + gigabytes) * 4096);
	pml4[0] = (VMM_PAGE_TABLES + 0x1000) | PTE_TABLE;
	for (i = 0; i < gigabytes; i++) {
		pdpt[i] = (VMM_PAGE_TABLES + 0x2000 + i * 0x1000) | PTE_TABLE;
		for (j = 0; j < 512; j++)
			*pd++ = (i * 512UL + j) * PAGE_2M | PTE_LEAF;
	}
}

static void set_segments(struct vmm *m, struct kvm_sregs *s)
{
	/* Null, null, 64-bit code 0x10, data 0x18: what boot.rst asks for. */
	static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffffULL, 0x00cf93000000ffffULL };
	struct kvm_segment code = { .limit = ~0U, .selector = 0x10, .type = 0xb, .present = 1,
				    .s = 1, .l = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0U, .selector = 0x18, .type = 3, .present = 1,
				    .s = 1, .db = 1, .g = 1 };
	struct kvm_segment task = { .limit = 0x67, .type = 0xb, .present = 1 };

	memcpy(m->ram + VMM_GDT, gdt, sizeof(gdt));
	s->gdt.base = VMM_GDT;
	s->gdt.limit = sizeof(gdt) - 1;
	s->idt.base = 0;
	s->idt.limit = 0;
	s->cs = code;
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->tr = task;
	s->cr3 = VMM_PAGE_TABLES;
	s->cr4 |= CR4_PAE;
	s->cr0 = (s->cr0 & ~CR0_NW_CD) | CR0_PG | CR0_PE;
	s->efer |= EFER_LME_LMA;
}

/* Bytes before the 64-bit kernel: the boot sector and the setup sectors. */
static uint64_t setup_size(const uint8_t *hdr)
{
	return ((hdr[OFF_SETUP_SECTS] ? hdr[OFF_SETUP_SECTS] : 4) + 1) * SECTOR;
}

/* What is wrong with the header, or NULL. */
static const char *check_header(const uint8_t *hdr, uint64_t size)
{
	if (get16(hdr + OFF_BOOT_FLAG) != 0xaa55 || memcmp(hdr + OFF_MAGIC, "HdrS", 4))
		return "is neither a bzImage nor an ELF kernel";
	if (get16(hdr + OFF_VERSION) < VERSION_2_12)
		return "is a kernel older than 3.8";
	if (!(get16(hdr + OFF_XLOADFLAGS) & XLF_KERNEL_64) ||
	    !(hdr[OFF_LOADFLAGS] & LOADED_HIGH))
		return "has no 64-bit entry";
	if (OFF_JUMP + 2 + hdr[OFF_JUMP + 1] > HDR_END_MAX ||
	    OFF_JUMP + 2 + hdr[OFF_JUMP + 1] < OFF_INIT_SIZE + 4)
		return "has a setup header of impossible length";
	if (setup_size(hdr) + ENTRY_64 >= size)
		return "is cut short";
	return NULL;
}

static int check_room(const struct vmm *m, const struct vmm_image *k, uint64_t at, uint64_t need)
{
	if (at >= VMM_KERNEL && at <= m->low && need <= m->low - at)
		return 0;
	vmm_error(k->path, "does not fit into guest memory",
		  "give the guest more memory with --memory");
	return -1;
}

static void fill_boot_params(struct vmm *m, const uint8_t *hdr, uint64_t initrd,
			     uint64_t initrd_size)
{
	uint8_t *bp = m->ram + VMM_BOOT_PARAMS;

	memset(bp, 0, BP_SIZE);
	memcpy(bp + HDR, hdr + HDR, OFF_JUMP + 2 + hdr[OFF_JUMP + 1] - HDR);
	bp[OFF_LOADER] = LOADER_OTHER;
	put32(bp + OFF_RAMDISK, initrd);
	put32(bp + OFF_RAMDISK + 4, initrd_size);
	put32(bp + OFF_CMDLINE, VMM_CMDLINE);
	put32(bp + BP_ACPI_RSDP, m->acpi);
	fill_e820(m, bp);
}

static int load_bzimage(struct vmm *m, const struct vmm_image *k, struct kvm_regs *regs,
			struct kvm_sregs *sregs)
{
	uint64_t body, at, need, initrd, initrd_size;
	uint8_t hdr[HDR_END_MAX] = {};
	const char *why;

	if (vmm_image_read(k, 0, hdr, k->size < sizeof(hdr) ? k->size : sizeof(hdr)))
		return -1;
	why = check_header(hdr, k->size);
	if (why) {
		vmm_error(k->path, why, "name a 64-bit Linux kernel");
		return -1;
	}
	body = k->size - setup_size(hdr);
	at = get64(hdr + OFF_PREF);
	need = get32(hdr + OFF_INIT_SIZE) > body ? get32(hdr + OFF_INIT_SIZE) : body;
	if (check_room(m, k, at, need) || vmm_cmdline_load(m, get32(hdr + OFF_CMDLINE_SZ)) ||
	    vmm_initrd_load(m, at + need, get32(hdr + OFF_INITRD_MAX), &initrd, &initrd_size) ||
	    vmm_image_read(k, setup_size(hdr), m->ram + at, body))
		return -1;
	fill_boot_params(m, hdr, initrd, initrd_size);
	fill_page_tables(m, at + need);
	set_segments(m, sregs);
	regs->rip = at + ENTRY_64;
	regs->rsi = VMM_BOOT_PARAMS;
	return 0;
}

static bool is_elf(const struct vmm_image *k)
{
	uint8_t magic[SELFMAG];

	return k->size >= sizeof(magic) && !vmm_image_read(k, 0, magic, sizeof(magic)) &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

static int open_image(struct vmm_image *i, const char *path, const char *remedy)
{
	if (!path || i->path)
		return 0;
	if (!vmm_image_open(i, path, remedy))
		return 0;
	i->path = NULL;
	return -1;
}

/**
 * vmm_boot_open() - open the kernel and its initrd, which the machine keeps: it may start again when it can open
 * nothing any more
 * @m: the machine; what is open already stays
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_boot_open(struct vmm *m)
{
	return open_image(&m->kernel, m->config->kernel, "name a kernel that can be read") ||
	       open_image(&m->initrd, m->config->initrd, "name an initrd that can be read") ? -1 : 0;
}

/**
 * vmm_boot_close() - the machine will not start again
 * @m: the machine
 */
void vmm_boot_close(struct vmm *m)
{
	if (m->kernel.path)
		vmm_image_close(&m->kernel);
	if (m->initrd.path)
		vmm_image_close(&m->initrd);
	m->kernel.path = m->initrd.path = NULL;
}

/**
 * vmm_boot_load() - load the kernel, its command line and initrd, and the ACPI tables
 * @m: the machine, its memory is there
 * @regs: filled for the boot CPU
 * @sregs: as the CPU has them; changed for the boot CPU
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_boot_load(struct vmm *m, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
	const struct vmm_image *k = &m->kernel;

	if (vmm_acpi_load(m) || vmm_boot_open(m))
		return -1;
	memset(regs, 0, sizeof(*regs));
	regs->rflags = 2;
	return is_elf(k) ? vmm_pvh_load(m, k, regs, sregs) : load_bzimage(m, k, regs, sregs);
}
