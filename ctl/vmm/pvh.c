// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvh.c - boot of an ELF kernel (vmlinux) through its PVH entry, in 32-bit protected mode.
 *
 * Source: Xen docs/misc/pvh "x86/HVM direct boot ABI"; System V ABI "Note Section". The file is
 * hostile: every number in it is checked against the file and against guest memory before use.
 */
#include <elf.h>
#include <string.h>

#include "vmm.h"

#define NOTE_PHYS32_ENTRY	18	/* XEN_ELFNOTE_PHYS32_ENTRY */
#define NOTES_MAX		4096	/* a kernel's notes take some hundred bytes */
#define SEGMENTS_MAX		64

#define START_INFO_MAGIC	0x336ec578
#define START_INFO		0x6000
#define START_MODULES		0x6100
#define START_MEMMAP		0x6200

#define MEMMAP_RAM		1
#define MEMMAP_RESERVED		2

#define CR0_PE			0x00000001UL
#define CR0_NW_CD		0x60000000UL

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp, memmap;
	uint32_t nr_memmap, reserved;
};

struct module {
	uint64_t addr, size, cmdline, reserved;
};

struct memmap {
	uint64_t addr, size;
	uint32_t type, reserved;
};

static int bad(const struct vmm_image *k, const char *what)
{
	vmm_error(k->path, what, "name a 64-bit vmlinux built with CONFIG_PVH");
	return -1;
}

/* The PVH entry among the notes; 0 if it is not there. */
static uint32_t find_entry(const uint8_t *p, size_t n)
{
	while (n >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		uint64_t name, desc;
		uint32_t entry;

		memcpy(&h, p, sizeof(h));
		p += sizeof(h);
		n -= sizeof(h);
		name = (h.n_namesz + 3ULL) & ~3ULL;
		desc = (h.n_descsz + 3ULL) & ~3ULL;
		if (name > n || desc > n - name)
			return 0;
		if (h.n_type == NOTE_PHYS32_ENTRY && h.n_namesz == 4 && !memcmp(p, "Xen", 4) &&
		    h.n_descsz >= sizeof(entry)) {
			memcpy(&entry, p + name, sizeof(entry));
			return entry;
		}
		p += name + desc;
		n -= name + desc;
	}
	return 0;
}

static int read_notes(const struct vmm_image *k, const Elf64_Phdr *p, uint32_t *entry)
{
	uint64_t n = p->p_filesz < NOTES_MAX ? p->p_filesz : NOTES_MAX;
	uint8_t notes[NOTES_MAX];

	if (vmm_image_read(k, p->p_offset, notes, n))
		return -1;
	*entry = find_entry(notes, n);
	return 0;
}

static int load_segment(struct vmm *m, const struct vmm_image *k, const Elf64_Phdr *p)
{
	if (p->p_filesz > p->p_memsz)
		return bad(k, "has a segment larger than its memory");
	if (p->p_paddr < VMM_KERNEL || p->p_paddr > m->low || p->p_memsz > m->low - p->p_paddr) {
		vmm_error(k->path, "does not fit into guest memory",
			  "give the guest more memory with --memory");
		return -1;
	}
	/* What the file leaves out is zero already: guest memory is fresh. */
	return vmm_image_read(k, p->p_offset, m->ram + p->p_paddr, p->p_filesz);
}

static int load_segments(struct vmm *m, const struct vmm_image *k, const Elf64_Ehdr *e,
			 uint32_t *entry, uint64_t *end)
{
	Elf64_Phdr p[SEGMENTS_MAX];
	unsigned int i;

	if (e->e_phnum > SEGMENTS_MAX)
		return bad(k, "has more segments than any kernel");
	if (vmm_image_read(k, e->e_phoff, p, e->e_phnum * sizeof(p[0])))
		return -1;
	*end = VMM_KERNEL;
	*entry = 0;
	for (i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type == PT_NOTE && !*entry && read_notes(k, &p[i], entry))
			return -1;
		if (p[i].p_type != PT_LOAD || !p[i].p_memsz)
			continue;
		if (load_segment(m, k, &p[i]))
			return -1;
		if (p[i].p_paddr + p[i].p_memsz > *end)
			*end = p[i].p_paddr + p[i].p_memsz;
	}
	if (!*entry)
		return bad(k, "has no PVH entry");
	if (*entry < VMM_KERNEL || *entry >= *end)
		return bad(k, "has its PVH entry outside its segments");
	return 0;
}

static void fill_start_info(struct vmm *m, uint64_t initrd, uint64_t initrd_size)
{
	const struct memmap map[] = {
		{ 0, VMM_EBDA, MEMMAP_RAM, 0 },
		{ VMM_EBDA, 0x100000 - VMM_EBDA, MEMMAP_RESERVED, 0 },
		{ 0x100000, m->low - 0x100000, MEMMAP_RAM, 0 },
		{ 0xfec00000, 0x1000, MEMMAP_RESERVED, 0 },
		{ 0xfee00000, 0x1000, MEMMAP_RESERVED, 0 },
		{ VMM_TSS - 0x1000, 0x4000, MEMMAP_RESERVED, 0 },
		{ VMM_HIGH_START, m->high, MEMMAP_RAM, 0 },
	};
	const struct module module = { .addr = initrd, .size = initrd_size };
	const struct start_info s = {
		.magic = START_INFO_MAGIC, .version = 1, .nr_modules = initrd ? 1 : 0,
		.modules = initrd ? START_MODULES : 0, .cmdline = VMM_CMDLINE, .rsdp = VMM_ACPI,
		.memmap = START_MEMMAP, .nr_memmap = m->high ? 7 : 6,
	};

	memcpy(m->ram + START_INFO, &s, sizeof(s));
	memcpy(m->ram + START_MODULES, &module, sizeof(module));
	memcpy(m->ram + START_MEMMAP, map, sizeof(map));
}

/* Flat 32-bit segments without a descriptor table, paging off. */
static void set_segments(struct kvm_sregs *s)
{
	struct kvm_segment code = { .limit = ~0U, .selector = 0x10, .type = 0xb, .present = 1,
				    .s = 1, .db = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0U, .selector = 0x18, .type = 3, .present = 1,
				    .s = 1, .db = 1, .g = 1 };
	struct kvm_segment task = { .limit = 0x67, .type = 0xb, .present = 1 };

	s->cs = code;
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->tr = task;
	s->cr0 = (s->cr0 & ~CR0_NW_CD) | CR0_PE;
}

/**
 * vmm_pvh_load() - load an ELF kernel
 * @m: the machine, its memory is there
 * @k: the file, it has ELF's magic number
 * @regs: filled for the boot CPU
 * @sregs: changed for the boot CPU
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_pvh_load(struct vmm *m, const struct vmm_image *k, struct kvm_regs *regs,
		 struct kvm_sregs *sregs)
{
	uint64_t end, initrd, initrd_size;
	uint32_t entry;
	Elf64_Ehdr e;

	if (vmm_image_read(k, 0, &e, sizeof(e)))
		return -1;
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_ident[EI_DATA] != ELFDATA2LSB ||
	    e.e_machine != EM_X86_64 || e.e_phentsize != sizeof(Elf64_Phdr))
		return bad(k, "is no 64-bit x86 ELF file");
	if (load_segments(m, k, &e, &entry, &end) || vmm_cmdline_load(m, VMM_CMDLINE_MAX) ||
	    vmm_initrd_load(m, end, UINT32_MAX, &initrd, &initrd_size))
		return -1;
	fill_start_info(m, initrd, initrd_size);
	set_segments(sregs);
	regs->rip = entry;
	regs->rbx = START_INFO;
	return 0;
}
