// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_task_switch.c - task switches: what a TSS is given and gives, busy bits, links, checks before and after.
 */
/* sources: kmod/task_switch.c */
#include <check.h>
#include <stdlib.h>
#include "task_switch.h"

#define MEMORY	0x4000
#define GDT	0x100
#define TSS_A	0x1000		/* the task that runs */
#define TSS_B	0x2000		/* the other one */
#define STACK	0x3000

enum { CODE = 0x08, DATA = 0x10, A = 0x18, B = 0x20, LDT = 0x28, USER_CODE = 0x30, USER_DATA = 0x38,
	ABSENT = 0x40, GDT_END = 0x48 };

static uint8_t memory[MEMORY];
static uint32_t absent;		/* address whose page is not there; 0: none */
static uint32_t loaded_cr3;
static struct vtr_task_switch t;

static int access_memory(uint32_t addr, uint32_t len)
{
	if (absent && addr <= absent && addr + len > absent) {
		t.vector = 14;
		t.address = absent;
		return -EFAULT;
	}
	return addr + len > MEMORY ? -ENOENT : 0;
}

static int read_memory(void *ctx, u32 addr, void *buf, u32 len)
{
	int err = access_memory(addr, len);

	(void)ctx;
	if (!err)
		memcpy(buf, memory + addr, len);
	return err;
}

static int write_memory(void *ctx, u32 addr, const void *buf, u32 len)
{
	int err = access_memory(addr, len);

	(void)ctx;
	if (!err)
		memcpy(memory + addr, buf, len);
	return err;
}

static void load_cr3(void *ctx, u32 cr3)
{
	(void)ctx;
	loaded_cr3 = cr3;
}

static void put(uint32_t addr, int len, uint32_t val)
{
	memcpy(memory + addr, &val, len);
}

static uint32_t get(uint32_t addr, int len)
{
	uint32_t val = 0;

	memcpy(&val, memory + addr, len);
	return val;
}

static void descriptor(int selector, uint32_t base, uint32_t limit, uint8_t rights)
{
	uint64_t d = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)rights << 40 |
		     (uint64_t)(limit >> 16 & 0xf) << 48 | 1ULL << 54 | (uint64_t)(base >> 24) << 56;

	memcpy(memory + GDT + selector, &d, sizeof(d));
}

static uint8_t rights(int selector)
{
	return memory[GDT + selector + 5];
}

static void setup(void)
{
	int i;

	memset(memory, 0, sizeof(memory));
	memset(&t, 0, sizeof(t));
	absent = 0;
	loaded_cr3 = 0;
	descriptor(CODE, 0, 0xfffff, 0x9a);
	descriptor(DATA, 0, 0xfffff, 0x92);
	descriptor(A, TSS_A, 0x67, 0x8b);
	descriptor(B, TSS_B, 0x67, 0x89);
	descriptor(LDT, 0x3800, 0x7, 0x82);
	descriptor(USER_CODE, 0, 0xfffff, 0xfa);
	descriptor(USER_DATA, 0, 0xfffff, 0xf2);
	descriptor(ABSENT, 0, 0xfffff, 0x12);

	put(TSS_B + 0x1c, 4, 0x5000);
	put(TSS_B + 0x20, 4, 0x123);
	put(TSS_B + 0x24, 4, 0x202);
	for (i = 0; i < 8; i++)
		put(TSS_B + 0x28 + 4 * i, 4, 0xb0 + i);
	put(TSS_B + 0x38, 4, STACK);
	put(TSS_B + 0x48, 2, DATA);
	put(TSS_B + 0x4c, 2, CODE);
	put(TSS_B + 0x50, 2, DATA);
	put(TSS_B + 0x54, 2, DATA);

	for (i = 0; i < 8; i++)
		t.regs[i] = 0xa0 + i;
	t.eip = 0x777;
	t.eflags = 0x4246;		/* NT, IF */
	t.cr3 = 0x4000;
	t.paging = true;
	t.seg[VTR_TASK_CS] = (struct vtr_task_segment){ 0, ~0U, CODE, 0xc09b };
	t.seg[VTR_TASK_SS] = (struct vtr_task_segment){ 0, ~0U, DATA, 0xc093 };
	t.seg[VTR_TASK_DS] = t.seg[VTR_TASK_SS];
	t.seg[VTR_TASK_TR] = (struct vtr_task_segment){ TSS_A, 0x67, A, 0x8b };
	t.gdt_base = GDT;
	t.gdt_limit = GDT_END - 1;
	t.read = read_memory;
	t.write = write_memory;
	t.load_cr3 = load_cr3;
	t.selector = B;
}

static void expect(int ret, bool switched, int vector, uint32_t error)
{
	ck_assert_int_eq(vtr_task_switch(&t), ret);
	ck_assert_int_eq(t.switched, switched);
	ck_assert_int_eq(t.vector, vector);
	if (vector >= 0 && vector != 14)
		ck_assert_uint_eq(t.error, error);
}

START_TEST(jump)
{
	t.source = VTR_TASK_JMP;
	expect(0, true, -1, 0);
	ck_assert_uint_eq(get(TSS_A + 0x20, 4), 0x777);
	ck_assert_uint_eq(get(TSS_A + 0x24, 4), 0x4246);
	ck_assert_uint_eq(get(TSS_A + 0x28, 4), 0xa0);
	ck_assert_uint_eq(get(TSS_A + 0x44, 4), 0xa7);
	ck_assert_uint_eq(get(TSS_A + 0x4c, 4), CODE);
	ck_assert_uint_eq(get(TSS_A + 0x1c, 4), 0);
	ck_assert_uint_eq(rights(A), 0x89);
	ck_assert_uint_eq(rights(B), 0x8b);
	ck_assert_uint_eq(get(TSS_B, 2), 0);
	ck_assert_uint_eq(t.eip, 0x123);
	ck_assert_uint_eq(t.eflags, 0x202);
	ck_assert_uint_eq(t.regs[7], 0xb7);
	ck_assert_uint_eq(t.cr3, 0x5000);
	ck_assert_uint_eq(loaded_cr3, 0x5000);
	ck_assert_uint_eq(t.seg[VTR_TASK_TR].selector, B);
	ck_assert_uint_eq(t.seg[VTR_TASK_TR].attrib & 0xf, 0xb);
	ck_assert_uint_eq(t.seg[VTR_TASK_CS].limit, 0xfffff);
	/* Loaded, so accessed; GS is null. */
	ck_assert_uint_eq(rights(CODE), 0x9b);
	ck_assert_uint_eq(t.seg[VTR_TASK_GS].attrib & VTR_TASK_P, 0);
}
END_TEST

START_TEST(call_and_return)
{
	t.source = VTR_TASK_CALL;
	expect(0, true, -1, 0);
	ck_assert_uint_eq(t.eflags, 0x4202);
	ck_assert_uint_eq(get(TSS_B, 2), A);
	ck_assert_uint_eq(rights(A), 0x8b);
	ck_assert_uint_eq(rights(B), 0x8b);

	t.source = VTR_TASK_IRET;
	t.selector = A;
	put(TSS_A + 0x24, 4, 0x246);
	expect(0, true, -1, 0);
	ck_assert_uint_eq(get(TSS_B + 0x24, 4), 0x202);
	ck_assert_uint_eq(t.eflags, 0x246);
	ck_assert_uint_eq(t.eip, 0x777);
	ck_assert_uint_eq(rights(A), 0x8b);
	ck_assert_uint_eq(rights(B), 0x89);
}
END_TEST

START_TEST(old_task_in_16_bits)
{
	t.source = VTR_TASK_JMP;
	t.seg[VTR_TASK_TR].attrib = 0x83;
	t.seg[VTR_TASK_ES].selector = 0x55;
	expect(0, true, -1, 0);
	ck_assert_uint_eq(get(TSS_A + 0x0e, 2), 0x777);
	ck_assert_uint_eq(get(TSS_A + 0x10, 2), 0x4246);
	ck_assert_uint_eq(get(TSS_A + 0x12, 2), 0xa0);
	ck_assert_uint_eq(get(TSS_A + 0x22, 2), 0x55);
	ck_assert_uint_eq(get(TSS_A + 0x28, 2), DATA);
	ck_assert_uint_eq(get(TSS_A + 0x2a, 4), 0);
}
END_TEST

START_TEST(new_task_in_16_bits)
{
	descriptor(B, TSS_B, 0x2b, 0x81);
	memset(memory + TSS_B, 0, 0x68);
	put(TSS_B + 0x0e, 2, 0x99);
	put(TSS_B + 0x10, 2, 0x2);
	put(TSS_B + 0x12, 2, 0x1234);
	put(TSS_B + 0x24, 2, CODE);
	put(TSS_B + 0x26, 2, DATA);
	t.source = VTR_TASK_CALL;
	expect(0, true, -1, 0);
	ck_assert_uint_eq(t.eip, 0x99);
	ck_assert_uint_eq(t.regs[0] & 0xffff, 0x1234);
	ck_assert_uint_eq(t.eflags, 0x4002);
	ck_assert_uint_eq(t.cr3, 0x4000);
	ck_assert_uint_eq(loaded_cr3, 0);
	ck_assert_uint_eq(t.seg[VTR_TASK_TR].attrib & 0xf, 3);
	/* FS and GS are not a 16-bit task's. */
	ck_assert_uint_eq(t.seg[VTR_TASK_FS].selector, 0);
}
END_TEST

START_TEST(error_code)
{
	t.source = VTR_TASK_GATE;
	t.external = true;
	t.has_error = true;
	t.error_code = 0xabcd;
	expect(0, true, -1, 0);
	ck_assert_uint_eq(t.regs[4], STACK - 4);
	ck_assert_uint_eq(get(STACK - 4, 4), 0xabcd);
	ck_assert_uint_eq(t.eflags & 0x4000, 0x4000);
}
END_TEST

START_TEST(error_code_beyond_the_stack)
{
	descriptor(DATA, 0, 0, 0x92);
	memory[GDT + DATA + 6] = 0x40;	/* one byte */
	t.source = VTR_TASK_GATE;
	t.external = true;
	t.has_error = true;
	expect(0, true, 12, 1);
}
END_TEST

static const struct {
	int selector, vector;
	uint8_t source, rights;
	uint32_t limit;
} refused[] = {
	{ B, 13, VTR_TASK_JMP, 0x8b, 0x67 },		/* busy */
	{ B, 13, VTR_TASK_CALL, 0x8b, 0x67 },
	{ B, 10, VTR_TASK_IRET, 0x89, 0x67 },		/* not busy */
	{ B, 11, VTR_TASK_JMP, 0x09, 0x67 },		/* not present */
	{ B, 10, VTR_TASK_JMP, 0x89, 0x66 },		/* short */
	{ B, 10, VTR_TASK_JMP, 0x81, 0x2a },
	{ B, 13, VTR_TASK_JMP, 0x92, 0x67 },		/* no TSS */
	{ B, 13, VTR_TASK_GATE, 0x8c, 0x67 },
	{ B | 4, 13, VTR_TASK_JMP, 0x89, 0x67 },	/* in the LDT */
	{ 0, 13, VTR_TASK_JMP, 0x89, 0x67 },
	{ 0, 10, VTR_TASK_IRET, 0x8b, 0x67 },
	{ GDT_END, 13, VTR_TASK_JMP, 0x89, 0x67 },
};

/* Nothing has happened then. */
START_TEST(refused_before)
{
	uint8_t before[MEMORY];

	descriptor(B, TSS_B, refused[_i].limit, refused[_i].rights);
	memory[GDT + B + 6] &= 0x0f;
	memcpy(before, memory, sizeof(before));
	t.selector = refused[_i].selector;
	t.source = refused[_i].source;
	expect(0, false, refused[_i].vector, refused[_i].selector);
	ck_assert_mem_eq(before, memory, sizeof(before));
	ck_assert_uint_eq(t.regs[0], 0xa0);
}
END_TEST

static const struct {
	int at, selector, vector;
} spoiled[] = {
	{ 0x4c, 0, 10 },		/* CS: null */
	{ 0x4c, DATA, 10 },
	{ 0x4c, CODE | 3, 10 },
	{ 0x4c, GDT_END, 10 },
	{ 0x4c, 4, 10 },		/* in an LDT that there is not */
	{ 0x50, 0, 10 },		/* SS */
	{ 0x50, CODE, 10 },
	{ 0x50, USER_DATA | 3, 10 },
	{ 0x50, ABSENT, 12 },
	{ 0x54, A, 10 },		/* DS: a system segment */
	{ 0x54, ABSENT, 11 },
	{ 0x60, DATA, 10 },		/* LDTR */
	{ 0x60, LDT | 4, 10 },
};

/* The new task runs, and begins with an exception. */
START_TEST(refused_after)
{
	put(TSS_B + spoiled[_i].at, 2, spoiled[_i].selector);
	t.source = VTR_TASK_JMP;
	expect(0, true, spoiled[_i].vector, spoiled[_i].selector & ~3);
	ck_assert_uint_eq(t.eip, 0x123);
	ck_assert_uint_eq(t.seg[VTR_TASK_TR].selector, B);
	ck_assert_uint_eq(t.seg[VTR_TASK_CS].attrib & VTR_TASK_P, VTR_TASK_P);
}
END_TEST

START_TEST(entry_point_beyond_the_code)
{
	descriptor(CODE, 0, 0x100, 0x9a);
	memory[GDT + CODE + 6] = 0x40;
	put(TSS_B + 0x20, 4, 0x101);
	t.source = VTR_TASK_JMP;
	expect(0, true, 13, 0);
}
END_TEST

START_TEST(user_task)
{
	put(TSS_B + 0x4c, 2, USER_CODE | 3);
	put(TSS_B + 0x50, 2, USER_DATA | 3);
	put(TSS_B + 0x54, 2, USER_DATA | 3);
	put(TSS_B + 0x48, 2, 0);
	t.source = VTR_TASK_JMP;
	expect(0, true, -1, 0);
	/* A segment of the kernel's is none for it. */
	setup();
	put(TSS_B + 0x4c, 2, USER_CODE | 3);
	put(TSS_B + 0x50, 2, USER_DATA | 3);
	t.source = VTR_TASK_JMP;
	expect(0, true, 10, DATA);
	ck_assert_uint_eq(t.seg[VTR_TASK_SS].attrib >> VTR_TASK_DPL_SHIFT & 3, 3);
}
END_TEST

START_TEST(virtual_8086_task)
{
	put(TSS_B + 0x24, 4, 0x20202);
	put(TSS_B + 0x4c, 2, 0x1234);
	t.source = VTR_TASK_JMP;
	expect(0, true, -1, 0);
	ck_assert_uint_eq(t.seg[VTR_TASK_CS].base, 0x12340);
	ck_assert_uint_eq(t.seg[VTR_TASK_CS].limit, 0xffff);
	ck_assert_uint_eq(t.seg[VTR_TASK_CS].attrib, 0xf3);
}
END_TEST

START_TEST(ldt_and_trap)
{
	uint64_t d = 0x00cf92000000ffff;

	memcpy(memory + 0x3800, &d, sizeof(d));
	put(TSS_B + 0x60, 2, LDT);
	put(TSS_B + 0x54, 2, 4);
	put(TSS_B + 0x64, 1, 1);
	t.source = VTR_TASK_JMP;
	expect(0, true, -1, 0);
	ck_assert_uint_eq(t.seg[VTR_TASK_LDTR].base, 0x3800);
	ck_assert_uint_eq(t.seg[VTR_TASK_DS].selector, 4);
	ck_assert_uint_eq(memory[0x3800 + 5], 0x93);
	ck_assert(t.trap);
}
END_TEST

/* Memory that is not there: the old task's page fault, the new one's, or the end. */
START_TEST(faults)
{
	t.source = VTR_TASK_JMP;
	absent = TSS_A + 0x40;
	expect(0, false, 14, 0);
	ck_assert_uint_eq(t.address, absent);
	setup();
	t.source = VTR_TASK_JMP;
	absent = GDT + DATA;
	expect(0, true, 14, 0);
	setup();
	t.source = VTR_TASK_JMP;
	t.seg[VTR_TASK_TR].base = MEMORY;
	expect(-ENOENT, false, -1, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("task switches");
	TCase *c = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, jump);
	tcase_add_test(c, call_and_return);
	tcase_add_test(c, old_task_in_16_bits);
	tcase_add_test(c, new_task_in_16_bits);
	tcase_add_test(c, error_code);
	tcase_add_test(c, error_code_beyond_the_stack);
	tcase_add_loop_test(c, refused_before, 0, ARRAY_SIZE(refused));
	tcase_add_loop_test(c, refused_after, 0, ARRAY_SIZE(spoiled));
	tcase_add_test(c, entry_point_beyond_the_code);
	tcase_add_test(c, user_task);
	tcase_add_test(c, virtual_8086_task);
	tcase_add_test(c, ldt_and_trap);
	tcase_add_test(c, faults);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
