// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_boot.c - loading of kernels: what a good bzImage and a good ELF leave in guest memory and in
 * the boot CPU's registers, and that no header, however it lies, writes outside of guest memory.
 */
/* sources: ctl/vmm/boot.c ctl/vmm/pvh.c ctl/vmm/image.c ctl/vmm/acpi.c */
#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "vmm.h"

#define RAM		(8UL << 20)
#define PREF		0x200000UL
#define BODY		0x3000
#define ENTRY		0x300010UL

static struct vmm m;
static struct vmm_config config;
static struct kvm_regs regs;
static struct kvm_sregs sregs;
static char kernel_path[64], initrd_path[64];
static char error[256];
static uint8_t image[0x8000];
static size_t image_size;

void vmm_error(const char *object, const char *what, const char *remedy)
{
	(void)remedy;
	snprintf(error, sizeof(error), "%s: %s", object, what);
}

static void put16(size_t at, uint16_t v)
{
	memcpy(image + at, &v, 2);
}

static void put32(size_t at, uint32_t v)
{
	memcpy(image + at, &v, 4);
}

static void put64(size_t at, uint64_t v)
{
	memcpy(image + at, &v, 8);
}

static uint32_t get32(uint64_t gpa)
{
	uint32_t v;

	memcpy(&v, m.ram + gpa, 4);
	return v;
}

static uint64_t get64(uint64_t gpa)
{
	return get32(gpa) | (uint64_t)get32(gpa + 4) << 32;
}

static void write_file(const char *path, const void *data, size_t n)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, n, f), n);
	fclose(f);
}

/* One setup sector, then BODY bytes that say where they are. */
static void make_bzimage(void)
{
	size_t i;

	memset(image, 0, sizeof(image));
	image_size = 0x400 + BODY;
	for (i = 0x400; i < image_size; i += 4)
		put32(i, i);
	image[0x1f1] = 1;
	put16(0x1fe, 0xaa55);
	put16(0x200, 0x6aeb);
	memcpy(image + 0x202, "HdrS", 4);
	put16(0x206, 0x020f);
	image[0x211] = 1;
	put32(0x22c, 0x7fffffff);
	put16(0x236, 1);
	put32(0x238, 100);
	put64(0x258, PREF);
	put32(0x260, 0x100000);
}

/* A note with the entry and one segment of 0x100 bytes in the file, 0x2000 in memory. */
static void make_elf(void)
{
	Elf64_Ehdr e = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			 .e_machine = EM_X86_64, .e_phoff = 64, .e_phnum = 2,
			 .e_phentsize = sizeof(Elf64_Phdr) };
	Elf64_Phdr p[2] = {
		{ .p_type = PT_NOTE, .p_offset = 0x100, .p_filesz = 40 },
		{ .p_type = PT_LOAD, .p_offset = 0x200, .p_paddr = 0x300000, .p_filesz = 0x100,
		  .p_memsz = 0x2000 },
	};
	uint32_t notes[10] = { 4, 4, 7, 0x00554e47, 1, 4, 4, 18, 0x006e6558, ENTRY };

	memset(image, 0x77, sizeof(image));
	memcpy(image, &e, sizeof(e));
	memcpy(image + 64, p, sizeof(p));
	memcpy(image + 0x100, notes, sizeof(notes));
	image_size = 0x300;
}

static int load(void)
{
	error[0] = 0;
	write_file(kernel_path, image, image_size);
	memset(&sregs, 0, sizeof(sregs));
	sregs.cr0 = 0x60000010;
	vmm_boot_close(&m);
	return vmm_boot_load(&m, &regs, &sregs);
}

static void refused(const char *why)
{
	ck_assert_int_eq(load(), -1);
	ck_assert_msg(strstr(error, why), "'%s' does not say '%s'", error, why);
}

static void setup(void)
{
	memset(&m, 0, sizeof(m));
	config = (struct vmm_config){ .kernel = kernel_path, .append = "console=ttyS0", .cpus = 2 };
	m.config = &config;
	m.acpi = VMM_ACPI;
	m.low = RAM;
	/* Exactly so large, so that a byte too far is caught. */
	m.ram = calloc(1, RAM);
	ck_assert_ptr_nonnull(m.ram);
}

static void teardown(void)
{
	free(m.ram);
	unlink(kernel_path);
	unlink(initrd_path);
}

START_TEST(bzimage_registers)
{
	make_bzimage();
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(regs.rip, PREF + 0x200);
	ck_assert_uint_eq(regs.rsi, VMM_BOOT_PARAMS);
	ck_assert_uint_eq(regs.rflags, 2);
	ck_assert_uint_eq(sregs.cr0, 0x80000011);
	ck_assert_uint_eq(sregs.cr4, 0x20);
	ck_assert_uint_eq(sregs.efer, 0x500);
	ck_assert_uint_eq(sregs.cs.selector, 0x10);
	ck_assert_uint_eq(sregs.cs.l, 1);
	ck_assert_uint_eq(sregs.cs.db, 0);
	ck_assert_uint_eq(sregs.ds.selector, 0x18);
	ck_assert_uint_eq(sregs.tr.type, 0xb);
	ck_assert_mem_eq(m.ram + PREF, image + 0x400, BODY);
}
END_TEST

START_TEST(bzimage_boot_params)
{
	const uint8_t *bp;

	make_bzimage();
	ck_assert_int_eq(load(), 0);
	bp = m.ram + VMM_BOOT_PARAMS;
	ck_assert_mem_eq(bp + 0x202, "HdrS", 4);
	ck_assert_uint_eq(bp[0x210], 0xff);
	ck_assert_uint_eq(get32(VMM_BOOT_PARAMS + 0x218), 0);
	ck_assert_uint_eq(get32(VMM_BOOT_PARAMS + 0x228), VMM_CMDLINE);
	ck_assert_uint_eq(get64(VMM_BOOT_PARAMS + 0x070), VMM_ACPI);
	ck_assert_str_eq((char *)m.ram + VMM_CMDLINE, "console=ttyS0");
	ck_assert_mem_eq(m.ram + VMM_ACPI, "RSD PTR ", 8);
	/* The kernel wants what it does not know to be zero. */
	ck_assert_uint_eq(bp[0x1ef], 0);
	ck_assert_uint_eq(bp[0x26c + 0x20], 0);
}
END_TEST

/* E820: sorted, no overlap, and the RAM entries are the guest's RAM without the first hole. */
START_TEST(bzimage_memory_map)
{
	uint64_t end = 0, ram = 0;
	unsigned int i;

	make_bzimage();
	m.high = _i ? 2UL << 30 : 0;
	ck_assert_int_eq(load(), 0);
	for (i = 0; i < m.ram[VMM_BOOT_PARAMS + 0x1e8]; i++) {
		uint64_t at = VMM_BOOT_PARAMS + 0x2d0 + 20 * i, start = get64(at);

		ck_assert_uint_ge(start, end);
		end = start + get64(at + 8);
		if (get32(at + 16) == 1) {
			ram += get64(at + 8);
			ck_assert(end <= RAM || (start == VMM_HIGH_START && _i));
		}
	}
	ck_assert_uint_eq(ram, RAM + m.high - (0x100000 - VMM_EBDA));
}
END_TEST

START_TEST(bzimage_page_tables_reach_the_kernel)
{
	uint64_t gpa, pte;

	make_bzimage();
	ck_assert_int_eq(load(), 0);
	for (gpa = 0; gpa < RAM; gpa += 0x1ff000) {
		pte = get64((sregs.cr3 & ~0xfffUL) + (gpa >> 39) * 8);
		ck_assert_uint_eq(pte & 3, 3);
		pte = get64((pte & ~0xfffUL) + (gpa >> 30 & 511) * 8);
		ck_assert_uint_eq(pte & 3, 3);
		pte = get64((pte & ~0xfffUL) + (gpa >> 21 & 511) * 8);
		ck_assert_uint_eq(pte & 0x83, 0x83);
		ck_assert_uint_eq(pte & ~0x1fffffUL, gpa & ~0x1fffffUL);
	}
}
END_TEST

START_TEST(initrd_lies_high)
{
	uint8_t data[5000];
	uint64_t at;

	make_bzimage();
	memset(data, 0x3c, sizeof(data));
	write_file(initrd_path, data, sizeof(data));
	config.initrd = initrd_path;
	ck_assert_int_eq(load(), 0);
	at = get32(VMM_BOOT_PARAMS + 0x218);
	ck_assert_uint_eq(at, RAM - 0x2000);
	ck_assert_uint_eq(get32(VMM_BOOT_PARAMS + 0x21c), sizeof(data));
	ck_assert_mem_eq(m.ram + at, data, sizeof(data));
	/* The kernel sets a limit. */
	put32(0x22c, 0x4fffff);
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(get32(VMM_BOOT_PARAMS + 0x218), 0x500000 - 0x2000);
	put32(0x22c, PREF + 0x100000);
	refused("does not fit into guest memory beside the kernel");
	put32(0x22c, 0);
	refused("does not fit into guest memory beside the kernel");
}
END_TEST

START_TEST(command_line_limits)
{
	char line[VMM_CMDLINE_MAX + 2];

	make_bzimage();
	memset(line, 'x', sizeof(line));
	config.append = line;
	line[100] = 0;
	ck_assert_int_eq(load(), 0);
	line[100] = 'x';
	line[101] = 0;
	refused("is longer than 100");
	put32(0x238, 0xffffffff);
	line[101] = 'x';
	line[VMM_CMDLINE_MAX] = 0;
	ck_assert_int_eq(load(), 0);
	line[VMM_CMDLINE_MAX] = 'x';
	line[VMM_CMDLINE_MAX + 1] = 0;
	refused("is longer than 2047");
}
END_TEST

START_TEST(bzimage_lies)
{
	make_bzimage();
	put64(0x258, RAM - 0xfffff);
	refused("does not fit");
	put64(0x258, ~0UL - 0xfff);
	refused("does not fit");
	put64(0x258, 0x8000);
	refused("does not fit");
	make_bzimage();
	put32(0x260, 0xffffffff);
	refused("does not fit");
	make_bzimage();
	image[0x1f1] = 255;
	refused("is cut short");
	make_bzimage();
	image[0x201] = 0xff;
	refused("impossible length");
	image[0x201] = 0;
	refused("impossible length");
	make_bzimage();
	image[0x211] = 0;
	refused("no 64-bit entry");
	make_bzimage();
	put32(0x202, 0);
	refused("neither a bzImage nor an ELF");
}
END_TEST

START_TEST(every_length)
{
	size_t whole;

	make_bzimage();
	whole = image_size;
	for (image_size = 1; image_size < 0x600; image_size += 7)
		ck_assert_int_eq(load(), -1);
	image_size = whole;
	make_elf();
	for (; image_size; image_size -= 3) {
		int ret = load();

		ck_assert_int_eq(ret, image_size == 0x300 ? 0 : -1);
	}
}
END_TEST

START_TEST(elf_by_pvh)
{
	uint64_t map;
	uint32_t i, n;

	make_elf();
	memset(m.ram + 0x300000, 0, 0x2000);
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(regs.rip, ENTRY);
	ck_assert_uint_eq(sregs.cr0, 0x11);
	ck_assert_uint_eq(sregs.cs.db, 1);
	ck_assert_uint_eq(sregs.cs.l, 0);
	ck_assert_uint_eq(get32(regs.rbx), 0x336ec578);
	ck_assert_uint_eq(get32(regs.rbx + 12), 0);
	ck_assert_uint_eq(get64(regs.rbx + 24), VMM_CMDLINE);
	ck_assert_uint_eq(get64(regs.rbx + 32), VMM_ACPI);
	map = get64(regs.rbx + 40);
	n = get32(regs.rbx + 48);
	for (i = 1; i < n; i++)
		ck_assert_uint_ge(get64(map + 24 * i),
				  get64(map + 24 * (i - 1)) + get64(map + 24 * (i - 1) + 8));
	ck_assert_uint_eq(m.ram[0x300000], 0x77);
	ck_assert_uint_eq(m.ram[0x3000ff], 0x77);
	ck_assert_uint_eq(m.ram[0x300100], 0);
}
END_TEST

START_TEST(elf_lies)
{
	Elf64_Phdr *load_hdr = (Elf64_Phdr *)(image + 64) + 1;

	make_elf();
	load_hdr->p_paddr = RAM - 0x1fff;
	refused("does not fit");
	load_hdr->p_paddr = ~0UL - 0x1000;
	refused("does not fit");
	load_hdr->p_paddr = 0x1000;
	refused("does not fit");
	make_elf();
	load_hdr->p_memsz = ~0UL;
	refused("does not fit");
	make_elf();
	load_hdr->p_filesz = 0x4000;
	refused("larger than its memory");
	make_elf();
	load_hdr->p_offset = ~0UL - 0x80;
	refused("is cut short");
	make_elf();
	put32(0x100 + 36, 0x302000);
	refused("outside its segments");
	make_elf();
	put32(0x100 + 4, 0xffffffff);
	refused("no PVH entry");
	make_elf();
	put32(0x100, 0xfffffffd);
	refused("no PVH entry");
}
END_TEST

/* Whatever stands in a header: memory stays whole (ASan) and a refusal has a reason. */
START_TEST(noise)
{
	size_t hot = _i % 2 ? 0x300 : 0x80, base = _i % 2 ? 0 : 0x1f1, k;

	srand(_i);
	if (_i % 2)
		make_elf();
	else
		make_bzimage();
	for (k = 0; k < 4; k++)
		image[base + rand() % hot] = rand();
	if (load())
		ck_assert_int_ne(error[0], 0);
	else
		ck_assert_uint_lt(regs.rip, RAM);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("boot");
	TCase *t = tcase_create("load");
	SRunner *r;
	int failed;

	snprintf(kernel_path, sizeof(kernel_path), "/tmp/test_boot.%d.kernel", getpid());
	snprintf(initrd_path, sizeof(initrd_path), "/tmp/test_boot.%d.initrd", getpid());
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, bzimage_registers);
	tcase_add_test(t, bzimage_boot_params);
	tcase_add_loop_test(t, bzimage_memory_map, 0, 2);
	tcase_add_test(t, bzimage_page_tables_reach_the_kernel);
	tcase_add_test(t, initrd_lies_high);
	tcase_add_test(t, command_line_limits);
	tcase_add_test(t, bzimage_lies);
	tcase_add_test(t, every_length);
	tcase_add_test(t, elf_by_pvh);
	tcase_add_test(t, elf_lies);
	tcase_add_loop_test(t, noise, 0, 400);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
