// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvh.c - boot of an ELF kernel (vmlinux) through its PVH entry, in 32-bit protected mode.
 *
 * Source: Xen's "x86/HVM direct boot ABI", Linux include/xen/interface/hvm/start_info.h. The file is
 * hostile: every offset is checked.
 */
#include <elf.h>
#include <string.h>

#include "vmm.h"

#define NOTE_PHYS32_ENTRY	18
#define START_INFO_MAGIC	0x336ec578
#define START_INFO		0x6000
#define START_MODULES		0x6100
#define START_MEMMAP		0x6200

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp, memmap;
	uint32_t nr_memmap, reserved;
};

struct memmap {
	uint64_t addr, size;
	uint32_t type, reserved;
};

/**
 * vmm_is_elf() - is it an ELF file?
 * @data: its bytes
 * @size: of it
 *
 * Return: true if so.
 */
bool vmm_is_elf(const uint8_t *data, size_t size)
{
	return size >= sizeof(Elf64_Ehdr) && !memcmp(data, ELFMAG, SELFMAG);
}

static int bad(struct vmm *m, const char *what)
{
	vmm_error(m->config->kernel, what, "name a 64-bit vmlinux built with CONFIG_PVH");
	return -1;
}

/* The PVH entry among the notes of one segment. */
static bool find_note(const uint8_t *p, size_t n, uint32_t *entry)
{
	while (n >= sizeof(Elf64_Nhdr)) {
		const Elf64_Nhdr *h = (const Elf64_Nhdr *)p;
		uint64_t name = (h->n_namesz + 3ULL) & ~3ULL, desc = (h->n_descsz + 3ULL) & ~3ULL;

		if (sizeof(*h) + name + desc > n)
			return false;
		if (h->n_type == NOTE_PHYS32_ENTRY && h->n_namesz == 4 && h->n_descsz >= 4 &&
		    !memcmp(p + sizeof(*h), "Xen", 4)) {
			memcpy(entry, p + sizeof(*h) + name, 4);
			return true;
		}
		p += sizeof(*h) + name + desc;
		n -= sizeof(*h) + name + desc;
	}
	return false;
}

static int load_segments(struct vmm *m, const uint8_t *data, size_t size, uint32_t *entry,
			 uint64_t *end)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)data;
	bool have_entry = false;
	unsigned int i;

	*end = VMM_KERNEL;
	for (i = 0; i < e->e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, data + e->e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_offset > size || p.p_filesz > size - p.p_offset)
			return bad(m, "is cut short");
		if (p.p_type == PT_NOTE && !have_entry)
			have_entry = find_note(data + p.p_offset, p.p_filesz, entry);
		if (p.p_type != PT_LOAD || !p.p_memsz)
			continue;
		if (p.p_filesz > p.p_memsz || p.p_paddr < VMM_KERNEL || p.p_paddr > m->low ||
		    p.p_memsz > m->low - p.p_paddr)
			return bad(m, "has a segment outside guest memory (more --memory may help)");
		memcpy(m->ram + p.p_paddr, data + p.p_offset, p.p_filesz);
		if (p.p_paddr + p.p_memsz > *end)
			*end = p.p_paddr + p.p_memsz;
	}
	return have_entry ? 0 : bad(m, "has no PVH entry");
}

static void fill_start_info(struct vmm *m, uint64_t initrd, uint64_t initrd_size)
{
	struct memmap map[] = {
		{ 0, VMM_EBDA, 1, 0 },
		{ VMM_EBDA, 0x100000 - VMM_EBDA, 2, 0 },
		{ 0x100000, m->low - 0x100000, 1, 0 },
		{ VMM_HIGH_START, m->high, 1, 0 },
	};
	struct start_info s = {
		.magic = START_INFO_MAGIC, .version = 1, .nr_modules = initrd ? 1 : 0,
		.modules = initrd ? START_MODULES : 0, .cmdline = VMM_CMDLINE, .rsdp = VMM_ACPI,
		.memmap = START_MEMMAP, .nr_memmap = m->high ? 4 : 3,
	};
	uint64_t module[4] = { initrd, initrd_size, 0, 0 };

	memcpy(m->ram + START_INFO, &s, sizeof(s));
	memcpy(m->ram + START_MODULES, module, sizeof(module));
	memcpy(m->ram + START_MEMMAP, map, sizeof(map));
}

/**
 * vmm_pvh_load() - load an ELF kernel
 * @m: the machine
 * @data: the file
 * @size: of it, at least an ELF header
 * @regs: filled
 * @sregs: changed
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_pvh_load(struct vmm *m, const uint8_t *data, size_t size, struct kvm_regs *regs,
		 struct kvm_sregs *sregs)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)data;
	struct kvm_segment code = { .limit = ~0U, .selector = 0x10, .type = 0xb, .present = 1,
				    .s = 1, .db = 1, .g = 1 };
	struct kvm_segment data_seg = { .limit = ~0U, .selector = 0x18, .type = 3, .present = 1,
					.s = 1, .db = 1, .g = 1 };
	size_t cmdline = strlen(m->config->append);
	uint64_t end, initrd, initrd_size;
	uint32_t entry = 0;

	if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_machine != EM_X86_64 ||
	    e->e_phentsize != sizeof(Elf64_Phdr))
		return bad(m, "is no 64-bit x86 ELF file");
	if (e->e_phoff > size || e->e_phnum > (size - e->e_phoff) / sizeof(Elf64_Phdr))
		return bad(m, "is cut short");
	if (load_segments(m, data, size, &entry, &end))
		return -1;
	if (entry < VMM_KERNEL || entry >= end)
		return bad(m, "has its PVH entry outside its segments");
	if (cmdline > VMM_CMDLINE_MAX) {
		vmm_error("--append", "is longer than the kernel takes", "shorten it");
		return -1;
	}
	if (vmm_initrd_load(m, end, 0xffffffff, &initrd, &initrd_size))
		return -1;
	memcpy(m->ram + VMM_CMDLINE, m->config->append, cmdline + 1);
	fill_start_info(m, initrd, initrd_size);
	sregs->cs = code;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data_seg;
	sregs->cr0 = (sregs->cr0 & ~0x60000000ULL) | 1;
	regs->rip = entry;
	regs->rbx = START_INFO;
	regs->rflags = 2;
	return 0;
}
