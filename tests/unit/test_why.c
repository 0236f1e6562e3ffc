// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_why.c - the exceptions that led to a triple fault, worked out from registers, descriptor tables and walks; of
 * tables that say nothing, or anything.
 */
/* sources: ctl/why_chain.c ctl/why_tables.c ctl/telemetry/hw.c */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "why_chain.h"

#define IDT	0x5000ULL
#define GDT	0x6000ULL
#define RIP	0x200000ULL

/* A failure in 64-bit mode: tables whole, memory mapped, UD2. */
static struct event good(void)
{
	static const uint8_t gdt[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0 };
	struct event e = { .has_regs = true, .nidt = 512, .ngdt = 16, .ncode = 2, .code = { 0x0f, 0x0b } };
	unsigned int i;

	e.regs[VITRINE_A_REGS_EFER] = 0x500;
	e.regs[VITRINE_A_REGS_CR0] = 0x80000011;
	e.regs[VITRINE_A_REGS_CS] = 8 | 0xa09b0000ULL;
	e.regs[VITRINE_A_REGS_RIP] = RIP;
	e.regs[VITRINE_A_REGS_RSP] = 0x8000;
	e.regs[VITRINE_A_REGS_IDT_BASE] = IDT;
	e.regs[VITRINE_A_REGS_IDT_LIMIT] = 511;
	e.regs[VITRINE_A_REGS_GDT_BASE] = GDT;
	e.regs[VITRINE_A_REGS_GDT_LIMIT] = 15;
	memcpy(e.gdt, gdt, sizeof(gdt));
	for (i = 0; i < 32; i++) {
		e.idt[i * 16 + 1] = i + 1;	/* the handler's bits 8 to 15 */
		e.idt[i * 16 + 2] = 8;
		e.idt[i * 16 + 5] = 0x8e;
	}
	return e;
}

static void add_walk(struct event *e, uint32_t of, uint64_t address, bool mapped)
{
	struct event_walk *w = &e->walks[e->nwalks++];

	*w = (struct event_walk){ .of = of, .address = address, .nentries = 4, .mapped = mapped, .faulted = !mapped };
}

/* The chain is this, "?" for an exception that is not known. */
static void expect(const struct event *e, bool whole, enum why_cause cause, unsigned int n, const int *vectors)
{
	struct why_chain c;
	unsigned int i;

	why_chain(e, &c);
	ck_assert_uint_eq(c.n, n);
	for (i = 0; i < n; i++)
		ck_assert_int_eq(c.steps[i].vector, vectors[i]);
	ck_assert_int_eq(c.whole, whole);
	ck_assert_int_eq(c.cause, cause);
}

#define EXPECT(e, whole, cause, ...) do { \
	const int vectors_[] = { __VA_ARGS__ }; \
	expect(e, whole, cause, sizeof(vectors_) / sizeof(int), vectors_); \
} while (0)

START_TEST(first)
{
	struct event e = good();

	EXPECT(&e, false, WHY_NOTHING, 6);
	e.code[0] = 0x66;			/* a prefix before INT3 */
	e.code[1] = 0xcc;
	EXPECT(&e, false, WHY_NOTHING, 3);
	memcpy(e.code, "\x48\xf7\xf1", 3);	/* div rcx */
	e.ncode = 3;
	EXPECT(&e, false, WHY_NOTHING, 0);
	memcpy(e.code, "\xf7\x31", 2);		/* div (rcx) */
	e.ncode = 2;
	EXPECT(&e, false, WHY_NOTHING, WHY_UNKNOWN);
	e.ncode = 0;
	EXPECT(&e, false, WHY_NOTHING, WHY_UNKNOWN);
	add_walk(&e, VITRINE_WALK_CR2, 0x1234, false);
	EXPECT(&e, false, WHY_NOTHING, 14);
	e.nwalks = 0;
	add_walk(&e, VITRINE_WALK_CODE, RIP, false);
	EXPECT(&e, false, WHY_NOTHING, 14);
	e.regs[VITRINE_A_REGS_RIP] = 1ULL << 60;
	EXPECT(&e, false, WHY_NOTHING, 13);
	/* What the module saw comes before what follows from memory; older exceptions do not. */
	e.faults[0] = (struct event_fault){ .rip = 1, .vector = 1 };
	e.faults[1] = (struct event_fault){ .rip = 1ULL << 60, .vector = 0 };
	e.faults[2] = (struct event_fault){ .rip = 1ULL << 60, .vector = 8 };
	e.nfaults = 3;
	EXPECT(&e, false, WHY_NOTHING, 0);
}
END_TEST

START_TEST(idt)
{
	struct event e = good();

	e.regs[VITRINE_A_REGS_IDT_LIMIT] = 0;
	e.nidt = 1;
	EXPECT(&e, true, WHY_IDT_SHORT, 6, 13, 8);
	/* Gates up to #UD's alone. */
	e.regs[VITRINE_A_REGS_IDT_LIMIT] = 7 * 16 - 1;
	e.nidt = 7 * 16;
	EXPECT(&e, false, WHY_NOTHING, 6);
	/* Its page is not mapped. */
	e.regs[VITRINE_A_REGS_IDT_LIMIT] = 511;
	e.nidt = 0;
	EXPECT(&e, false, WHY_UNREADABLE, 6);
	add_walk(&e, VITRINE_WALK_IDT, IDT + 128, false);
	EXPECT(&e, true, WHY_IDT_UNMAPPED, 6, 14, 8);
	e.regs[VITRINE_A_REGS_IDT_BASE] = 1ULL << 50;
	EXPECT(&e, true, WHY_IDT_UNMAPPED, 6, 13, 8);
}
END_TEST

START_TEST(gates)
{
	struct event e = good();

	e.idt[6 * 16 + 5] = 0x0e;		/* #UD's not present; #NP's is good */
	EXPECT(&e, false, WHY_GATE, 6, 11);
	e.idt[11 * 16 + 5] = 0x85;		/* a task gate, which 64-bit mode has not */
	EXPECT(&e, false, WHY_GATE, 6, 11, 8);
	e.idt[8 * 16 + 11] = 0x40;		/* #DF's leads nowhere */
	EXPECT(&e, true, WHY_GATE, 6, 11, 8);
	e = good();
	e.idt[6 * 16 + 2] = 0;
	EXPECT(&e, false, WHY_SEGMENT, 6, 13);
	e.idt[6 * 16 + 2] = 0x10;
	EXPECT(&e, false, WHY_SEGMENT, 6, 13);
	e.idt[6 * 16 + 2] = 0x0c;		/* in a local table, which nobody has read */
	EXPECT(&e, false, WHY_NOTHING, 6);
	e = good();
	e.gdt[13] = 0x93;			/* data */
	EXPECT(&e, true, WHY_SEGMENT, 6, 13, 8);
	e.gdt[13] = 0x1b;			/* not present */
	EXPECT(&e, true, WHY_SEGMENT, 6, 11, 8);
}
END_TEST

START_TEST(stacks)
{
	struct event e = good();

	add_walk(&e, VITRINE_WALK_STACK, 0x7ff8, false);
	EXPECT(&e, true, WHY_STACK, 6, 14, 8);
	/* A stack of its own takes the double fault. */
	add_walk(&e, VITRINE_WALK_DF_STACK, 0x9ff8, true);
	e.idt[8 * 16 + 4] = 1;
	EXPECT(&e, false, WHY_STACK, 6, 14, 8);
	e.nwalks = 0;
	e.idt[8 * 16 + 4] = 0;
	e.regs[VITRINE_A_REGS_RSP] = 1ULL << 55;
	EXPECT(&e, true, WHY_STACK, 6, 12, 8);
}
END_TEST

START_TEST(other_modes)
{
	struct event e = good();

	/* Real mode: a table of four bytes each, no checks. */
	e.regs[VITRINE_A_REGS_EFER] = e.regs[VITRINE_A_REGS_CR0] = e.regs[VITRINE_A_REGS_CS] = 0;
	e.regs[VITRINE_A_REGS_IDT_LIMIT] = 0x3ff;
	EXPECT(&e, false, WHY_NOTHING, 6);
	e.regs[VITRINE_A_REGS_IDT_LIMIT] = 6 * 4 + 3;
	EXPECT(&e, false, WHY_NOTHING, 6);
	e.regs[VITRINE_A_REGS_IDT_LIMIT] = 6 * 4 + 2;
	EXPECT(&e, true, WHY_IDT_SHORT, 6, 13, 8);
	/* Protected mode. */
	e.regs[VITRINE_A_REGS_CR0] = 1;
	e.regs[VITRINE_A_REGS_CS] = 8 | 0xc09b0000ULL;
	e.regs[VITRINE_A_REGS_IDT_LIMIT] = 6 * 8 + 7;
	memset(e.idt, 0, sizeof(e.idt));
	e.idt[6 * 8 + 2] = 8;
	e.idt[6 * 8 + 5] = 0x8f;
	EXPECT(&e, false, WHY_NOTHING, 6);
	ck_assert_uint_eq(why_bits(&e), 32);
}
END_TEST

/* Nothing of a guest's is believed: whatever it left, the chain ends. */
START_TEST(anything)
{
	struct why_chain c;
	struct event e;
	uint8_t *bytes = (uint8_t *)&e;
	unsigned int i, k;
	char text[120];

	srand(1);
	for (i = 0; i < 20000; i++) {
		for (k = 0; k < sizeof(e); k++)
			bytes[k] = rand() >> 7;
		e.has_regs = true;
		e.nidt = rand() % (EVENT_IDT + 1);
		e.ngdt = rand() % (EVENT_GDT + 1);
		e.ncode = rand() % (EVENT_CODE + 1);
		e.nfaults = rand() % (EVENT_FAULTS + 1);
		e.nwalks = rand() % (EVENT_WALKS + 1);
		for (k = 0; k < e.nwalks; k++) {
			e.walks[k].of %= VITRINE_WALK_DF_STACK + 1;
			e.walks[k].nentries %= EVENT_LEVELS + 1;
			e.walks[k].mapped = rand() & 1;
			e.walks[k].faulted = rand() & 1;
			why_walk_end(&e, &e.walks[k], text, sizeof(text));
			ck_assert_uint_gt(strlen(text), 0);
		}
		if (rand() & 1)
			e.regs[VITRINE_A_REGS_IDT_LIMIT] = 511;
		why_chain(&e, &c);
		ck_assert(c.n >= 1 && c.n <= WHY_STEPS);
		ck_assert(!c.whole || c.end[0]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("why");
	TCase *t = tcase_create("chain");
	SRunner *r;
	int failed;

	tcase_add_test(t, first);
	tcase_add_test(t, idt);
	tcase_add_test(t, gates);
	tcase_add_test(t, stacks);
	tcase_add_test(t, other_modes);
	tcase_add_test(t, anything);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
