// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - direct boot of a bzImage by the 64-bit boot protocol.
 *
 * Source: Linux Documentation/arch/x86/boot.rst, zero-page.rst. The kernel file is hostile: every
 * number in it is checked against the file and against guest memory before use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm.h"

#define HDR		0x1f1		/* of the setup header in file and boot_params */
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
#define OFF_RELOCATABLE	0x234
#define OFF_XLOADFLAGS	0x236
#define OFF_CMDLINE_SZ	0x238
#define OFF_INIT_SIZE	0x260
#define BP_ACPI_RSDP	0x070
#define BP_E820_N	0x1e8
#define BP_E820		0x2d0

#define E820_RAM	1
#define E820_RESERVED	2

static uint16_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

/**
 * vmm_file_map() - map a whole file for reading
 * @path: file
 * @data: filled
 * @size: filled
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_file_map(const char *path, const uint8_t **data, size_t *size)
{
	struct stat st;
	void *p;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		vmm_error(path, strerror(errno), "name a file that can be read");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode) || !st.st_size) {
		close(fd);
		vmm_error(path, "is empty or no regular file", "name a kernel or initrd file");
		return -1;
	}
	p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED) {
		vmm_error(path, strerror(errno), "name a file that can be mapped");
		return -1;
	}
	*data = p;
	*size = st.st_size;
	return 0;
}

/**
 * vmm_initrd_load() - copy the initrd as high as it may lie
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
	const uint8_t *data;
	size_t n;
	uint64_t top = m->low < limit + 1 ? m->low : limit + 1;

	*addr = 0;
	*size = 0;
	if (!m->config->initrd)
		return 0;
	if (vmm_file_map(m->config->initrd, &data, &n))
		return -1;
	if (n > top || ((top - n) & ~0xfffULL) < floor) {
		vmm_error(m->config->initrd, "does not fit into guest memory beside the kernel",
			  "give the guest more memory with --memory");
		munmap((void *)data, n);
		return -1;
	}
	*addr = (top - n) & ~0xfffULL;
	*size = n;
	memcpy(m->ram + *addr, data, n);
	munmap((void *)data, n);
	return 0;
}

static void add_e820(uint8_t *bp, uint64_t start, uint64_t len, uint32_t type)
{
	uint8_t *e = bp + BP_E820 + 20 * bp[BP_E820_N];

	if (!len)
		return;
	memcpy(e, &start, 8);
	memcpy(e + 8, &len, 8);
	memcpy(e + 16, &type, 4);
	bp[BP_E820_N]++;
}

static void fill_e820(struct vmm *m, uint8_t *bp)
{
	add_e820(bp, 0, VMM_EBDA, E820_RAM);
	add_e820(bp, VMM_EBDA, 0x100000 - VMM_EBDA, E820_RESERVED);
	add_e820(bp, 0x100000, m->low - 0x100000, E820_RAM);
	add_e820(bp, 0xfec00000, 0x1000, E820_RESERVED);
	add_e820(bp, 0xfee00000, 0x1000, E820_RESERVED);
	add_e820(bp, VMM_HIGH_START, m->high, E820_RAM);
}

/* The 64-bit entry wants the low memory mapped one to one: 1 GiB in 2 MiB pages serves. */
static void page_tables(struct vmm *m)
{
	uint64_t *pml4 = (uint64_t *)(m->ram + VMM_PAGE_TABLES);
	uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512;
	unsigned int i;

	memset(pml4, 0, 3 * 4096);
	pml4[0] = (VMM_PAGE_TABLES + 0x1000) | 3;
	pdpt[0] = (VMM_PAGE_TABLES + 0x2000) | 3;
	for (i = 0; i < 512; i++)
		pd[i] = (uint64_t)i << 21 | 0x83;
}

static void flat_segments(struct vmm *m, struct kvm_sregs *s)
{
	/* Null, null, 64-bit code 0x10, data 0x18: what boot.rst asks for. */
	static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffffULL, 0x00cf93000000ffffULL };
	struct kvm_segment code = { .limit = ~0U, .selector = 0x10, .type = 0xb, .present = 1,
				    .s = 1, .l = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0U, .selector = 0x18, .type = 3, .present = 1,
				    .s = 1, .db = 1, .g = 1 };

	memcpy(m->ram + VMM_GDT, gdt, sizeof(gdt));
	s->gdt.base = VMM_GDT;
	s->gdt.limit = sizeof(gdt) - 1;
	s->idt.base = 0;
	s->idt.limit = 0;
	s->cs = code;
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->cr3 = VMM_PAGE_TABLES;
	s->cr4 |= 1 << 5;			/* PAE */
	s->cr0 |= 1U << 31 | 1;			/* PG, PE */
	s->efer |= 1 << 8 | 1 << 10;		/* LME, LMA */
}

static const char *check_header(const uint8_t *k, size_t size)
{
	size_t setup;

	if (size < 0x1000 || get16(k + OFF_BOOT_FLAG) != 0xaa55 ||
	    memcmp(k + OFF_MAGIC, "HdrS", 4))
		return "is neither a bzImage nor an ELF kernel with a PVH entry";
	if (get16(k + OFF_VERSION) < 0x020c)
		return "is a kernel older than 3.8 (boot protocol before 2.12)";
	if (!(get16(k + OFF_XLOADFLAGS) & 1) || !(k[OFF_LOADFLAGS] & 1))
		return "has no 64-bit entry";
	setup = (k[OFF_SETUP_SECTS] ? k[OFF_SETUP_SECTS] : 4) * 512UL + 512;
	if (setup >= size || OFF_JUMP + 2 + k[OFF_JUMP + 1] > 0x290)
		return "is cut short";
	return NULL;
}

static int load_bzimage(struct vmm *m, const uint8_t *k, size_t size, struct kvm_regs *regs,
			struct kvm_sregs *sregs)
{
	const char *name = m->config->kernel, *why = check_header(k, size);
	uint8_t *bp = m->ram + VMM_BOOT_PARAMS;
	uint64_t setup, body, need, initrd, initrd_size;
	size_t cmdline = strlen(m->config->append);

	if (why) {
		vmm_error(name, why, "name a 64-bit Linux kernel image");
		return -1;
	}
	setup = (k[OFF_SETUP_SECTS] ? k[OFF_SETUP_SECTS] : 4) * 512UL + 512;
	body = size - setup;
	need = get32(k + OFF_INIT_SIZE) > body ? get32(k + OFF_INIT_SIZE) : body;
	if (VMM_KERNEL + need > m->low) {
		vmm_error(name, "does not fit into guest memory",
			  "give the guest more memory with --memory");
		return -1;
	}
	if (cmdline > VMM_CMDLINE_MAX || cmdline > get32(k + OFF_CMDLINE_SZ)) {
		vmm_error("--append", "is longer than the kernel takes", "shorten it");
		return -1;
	}
	if (vmm_initrd_load(m, VMM_KERNEL + need, get32(k + OFF_INITRD_MAX), &initrd, &initrd_size))
		return -1;

	memset(bp, 0, 4096);
	memcpy(bp + HDR, k + HDR, OFF_JUMP + 2 + k[OFF_JUMP + 1] - HDR);
	bp[OFF_LOADER] = 0xff;
	put32(bp + OFF_RAMDISK, initrd);
	put32(bp + OFF_RAMDISK + 4, initrd_size);
	put32(bp + OFF_CMDLINE, VMM_CMDLINE);
	put32(bp + BP_ACPI_RSDP, VMM_ACPI);
	fill_e820(m, bp);
	memcpy(m->ram + VMM_CMDLINE, m->config->append, cmdline + 1);
	memcpy(m->ram + VMM_KERNEL, k + setup, body);

	page_tables(m);
	flat_segments(m, sregs);
	regs->rip = VMM_KERNEL + 0x200;
	regs->rsi = VMM_BOOT_PARAMS;
	regs->rflags = 2;
	return 0;
}

/**
 * vmm_boot_load() - load the kernel, its command line and initrd
 * @m: the machine, its memory is there
 * @regs: filled for the boot CPU
 * @sregs: changed for the boot CPU
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_boot_load(struct vmm *m, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
	const uint8_t *data;
	size_t size;
	int ret;

	if (!vmm_acpi_build(m->ram + VMM_ACPI, VMM_ACPI_SIZE, VMM_ACPI, m->config->cpus)) {
		vmm_error("--cpus", "the ACPI tables do not fit", "use fewer CPUs");
		return -1;
	}
	if (vmm_file_map(m->config->kernel, &data, &size))
		return -1;
	memset(regs, 0, sizeof(*regs));
	if (vmm_is_elf(data, size))
		ret = vmm_pvh_load(m, data, size, regs, sregs);
	else
		ret = load_bzimage(m, data, size, regs, sregs);
	munmap((void *)data, size);
	return ret;
}
