// SPDX-License-Identifier: GPL-2.0-only
/*
 * why_chain.c - the exceptions that led to a triple fault, worked out from what the guest's memory held: what the
 * instruction at RIP did, then for each exception what its delivery ran into, as the CPU goes through it. Pure.
 *
 * The CPU itself tells none of this: guests' exceptions are delivered without an exit, and of the last one it says
 * only that it could not be. RIP is still that of the first, since no handler ran.
 *
 * Sources: SDM 3A "Interrupt 8 - Double Fault Exception (#DF)" (the classes of exceptions), "IDT Descriptors", "64-Bit
 * Mode IDT", "Exception- or Interrupt-Handler Procedures".
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "telemetry/hw.h"
#include "why_chain.h"

#define CR0_PE		1ULL
#define CR4_LA57	(1ULL << 12)
#define EFER_LMA	(1ULL << 10)
#define CS_DEFAULT_32	(1ULL << 30)	/* D/B, in the segment attributes from bit 16 on */
#define CS_LONG		(1ULL << 29)	/* L */

/* A code segment's descriptor, in its upper half. */
#define SEG_CODE	(1U << 11)
#define SEG_S		(1U << 12)
#define SEG_P		(1U << 15)
#define SEG_L		(1U << 21)

enum { DE = 0, BP = 3, OF = 4, UD = 6, DF = 8, TS = 10, NP = 11, SS = 12, GP = 13, PF = 14 };

/* Results of a delivery beside the vector of the exception that it raises. */
#define DELIVERED	(-1)
#define UNREADABLE	(-2)

/**
 * why_bits() - how wide the code is that a vCPU executed
 * @e: a failure with registers
 *
 * Return: 16, 32 or 64. SDM 3A "Modes of Operation".
 */
unsigned int why_bits(const struct event *e)
{
	uint64_t cs = e->regs[VITRINE_A_REGS_CS];

	if (e->regs[VITRINE_A_REGS_EFER] & EFER_LMA && cs & CS_LONG)
		return 64;
	return e->regs[VITRINE_A_REGS_CR0] & CR0_PE && cs & CS_DEFAULT_32 ? 32 : 16;
}

static bool is_long(const struct event *e)
{
	return e->regs[VITRINE_A_REGS_EFER] & EFER_LMA;
}

static bool is_protected(const struct event *e)
{
	return e->regs[VITRINE_A_REGS_CR0] & CR0_PE;
}

static bool is_canonical(const struct event *e, uint64_t address)
{
	unsigned int unused = 64 - (e->regs[VITRINE_A_REGS_CR4] & CR4_LA57 ? 57 : 48);

	return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}

/**
 * why_gate_size() - bytes of an entry of the IDT
 * @e: a failure with registers
 *
 * Return: 4, 8 or 16. SDM 3A "Interrupt Descriptor Table (IDT)", "Real-Address Mode Exceptions".
 */
unsigned int why_gate_size(const struct event *e)
{
	return is_long(e) ? 16 : is_protected(e) ? 8 : 4;
}

/**
 * why_gate_read() - an entry of the IDT
 * @e: a failure with registers
 * @vector: 0 to 31
 * @g: filled
 *
 * Return: false if it is not in what could be read.
 */
bool why_gate_read(const struct event *e, unsigned int vector, struct why_gate *g)
{
	unsigned int size = why_gate_size(e), at = vector * size;
	uint32_t low, high, top = 0;

	*g = (struct why_gate){ .address = e->regs[VITRINE_A_REGS_IDT_BASE] + at };
	if (at + size > e->nidt)
		return false;
	memcpy(&low, e->idt + at, 4);
	g->selector = low >> 16;
	g->handler = low & 0xffff;
	g->present = true;
	if (!is_protected(e))
		return true;
	memcpy(&high, e->idt + at + 4, 4);
	if (is_long(e))
		memcpy(&top, e->idt + at + 8, 4);
	g->handler |= (high & 0xffff0000) | (uint64_t)top << 32;
	g->present = high >> 15 & 1;
	g->dpl = high >> 13 & 3;
	g->type = high >> 8 & 0x1f;
	g->ist = is_long(e) ? high & 7 : 0;
	return true;
}

/**
 * why_walk() - one of a failure's page-table walks
 * @e: the failure
 * @of: enum vitrine_walk_of
 *
 * Return: the walk, or NULL.
 */
const struct event_walk *why_walk(const struct event *e, uint32_t of)
{
	unsigned int i;

	for (i = 0; i < e->nwalks; i++)
		if (e->walks[i].of == of)
			return &e->walks[i];
	return NULL;
}

static bool is_faulted(const struct event *e, uint32_t of)
{
	const struct event_walk *w = why_walk(e, of);

	return w && w->faulted;
}

/**
 * struct delivery - an exception's, under examination
 * @e: the failure
 * @vector: of the exception
 * @how: what it ran into, in words
 * @cause: the same
 */
struct delivery {
	const struct event *e;
	int vector;
	char *how;
	enum why_cause cause;
};

/* It ran into something, and @raised with that. */
static int __printf(4, 5) runs_into(struct delivery *d, enum why_cause cause, int raised, const char *format, ...)
{
	va_list args;

	d->cause = cause;
	va_start(args, format);
	vsnprintf(d->how, WHY_HOW, format, args);
	va_end(args);
	return raised;
}

static int page_fault(struct delivery *d, enum why_cause cause, const char *what, uint64_t address,
		      const struct event_walk *w)
{
	char end[120];

	why_walk_end(d->e, w, end, sizeof(end));
	return runs_into(d, cause, PF, "%s, at 0x%" PRIx64 ", is not accessible: %s", what, address, end);
}

static int find_gate(struct delivery *d, struct why_gate *g)
{
	uint64_t limit = d->e->regs[VITRINE_A_REGS_IDT_LIMIT];
	uint64_t end = (uint64_t)(d->vector + 1) * why_gate_size(d->e) - 1;
	const char *name = hw_exception(d->vector);

	if (end > limit)
		return runs_into(d, WHY_IDT_SHORT, GP, "the IDT at 0x%" PRIx64 " ends at offset 0x%" PRIx64
				 ": it has no gate for %s, which needs 0x%" PRIx64,
				 d->e->regs[VITRINE_A_REGS_IDT_BASE], limit, name, end);
	if (why_gate_read(d->e, d->vector, g))
		return DELIVERED;
	if (is_long(d->e) && !is_canonical(d->e, g->address))
		return runs_into(d, WHY_IDT_UNMAPPED, GP, "the gate of %s would be at 0x%" PRIx64
				 ", which is no canonical address", name, g->address);
	if (is_faulted(d->e, VITRINE_WALK_IDT))
		return page_fault(d, WHY_IDT_UNMAPPED, "its gate", g->address, why_walk(d->e, VITRINE_WALK_IDT));
	return runs_into(d, WHY_UNREADABLE, UNREADABLE, "the gate of %s, at 0x%" PRIx64 ", could not be read", name,
			 g->address);
}

static int check_gate(struct delivery *d, const struct why_gate *g)
{
	const char *name = hw_exception(d->vector);
	unsigned int kind = g->type & 0xf;
	bool gate = is_long(d->e) ? kind >= 14 : kind == 5 || kind == 6 || kind == 7 || kind >= 14;

	if (g->type & 0x10 || !gate)
		return runs_into(d, WHY_GATE, GP, "the gate of %s, at 0x%" PRIx64 ", is no gate: its type is 0x%x", name,
				 g->address, g->type);
	if (!g->present)
		return runs_into(d, WHY_GATE, NP, "the gate of %s, at 0x%" PRIx64 ", is marked not present", name,
				 g->address);
	if (is_long(d->e) && !is_canonical(d->e, g->handler))
		return runs_into(d, WHY_GATE, GP, "the gate of %s leads to 0x%" PRIx64 ", which is no canonical address",
				 name, g->handler);
	return DELIVERED;
}

static int check_segment(struct delivery *d, const struct why_gate *g)
{
	unsigned int at = g->selector & ~7U;
	uint32_t high;

	if (!(g->selector & ~3U))
		return runs_into(d, WHY_SEGMENT, GP, "the gate of %s names the null segment", hw_exception(d->vector));
	/* A local table's descriptor was not read. */
	if (g->selector & 4)
		return DELIVERED;
	if (at + 7 > d->e->regs[VITRINE_A_REGS_GDT_LIMIT])
		return runs_into(d, WHY_SEGMENT, GP, "the gate of %s names segment 0x%x, but the GDT ends at 0x%" PRIx64,
				 hw_exception(d->vector), g->selector, d->e->regs[VITRINE_A_REGS_GDT_LIMIT]);
	if (is_faulted(d->e, VITRINE_WALK_GDT))
		return page_fault(d, WHY_SEGMENT, "the GDT", d->e->regs[VITRINE_A_REGS_GDT_BASE],
				  why_walk(d->e, VITRINE_WALK_GDT));
	if (at + 8 > d->e->ngdt)
		return DELIVERED;
	memcpy(&high, d->e->gdt + at + 4, 4);
	if ((high & (SEG_S | SEG_CODE)) != (SEG_S | SEG_CODE) || (is_long(d->e) && !(high & SEG_L)))
		return runs_into(d, WHY_SEGMENT, GP, "the gate of %s names segment 0x%x, which is none of %scode",
				 hw_exception(d->vector), g->selector, is_long(d->e) ? "64-bit " : "");
	if (!(high & SEG_P))
		return runs_into(d, WHY_SEGMENT, NP, "the gate of %s names segment 0x%x, which is marked not present",
				 hw_exception(d->vector), g->selector);
	return DELIVERED;
}

static int check_stack(struct delivery *d, const struct why_gate *g)
{
	const struct event_walk *w = why_walk(d->e, VITRINE_WALK_STACK);
	uint64_t rsp = d->e->regs[VITRINE_A_REGS_RSP];

	/* Of the TSS's stacks, #DF's alone was looked at. */
	if (g->ist)
		w = d->vector == DF ? why_walk(d->e, VITRINE_WALK_DF_STACK) : NULL;
	if (w && w->faulted)
		return page_fault(d, WHY_STACK, "the stack for its frame", w->address, w);
	if (!w && !g->ist && is_long(d->e) && !is_canonical(d->e, rsp))
		return runs_into(d, WHY_STACK, SS, "the stack for its frame would be at 0x%" PRIx64
				 ", which is no canonical address", rsp);
	return DELIVERED;
}

/* The vector of the exception that the delivery raises, DELIVERED if nothing was found against it, or UNREADABLE. */
static int deliver(struct delivery *d)
{
	struct why_gate g;
	int raised = find_gate(d, &g);

	if (raised != DELIVERED || !is_protected(d->e))
		return raised;
	raised = check_gate(d, &g);
	/* A task gate leads to another stack. */
	if (raised != DELIVERED || (g.type & 0xf) == 5)
		return raised;
	raised = check_segment(d, &g);
	return raised == DELIVERED ? check_stack(d, &g) : raised;
}

/* Bytes before the opcode: SDM 2A "Instruction Prefixes". */
static bool is_prefix(const struct event *e, uint8_t byte)
{
	static const uint8_t prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3 };

	return (why_bits(e) == 64 && (byte & 0xf0) == 0x40) || memchr(prefixes, byte, sizeof(prefixes));
}

/* What some instructions are there to raise; divisions, only if they went wrong. */
static int raised_by(const struct event *e)
{
	const uint8_t *code = e->code;
	unsigned int n = e->ncode;

	while (n && is_prefix(e, *code)) {
		code++;
		n--;
	}
	if (n && *code == 0xcc)
		return BP;
	if (n && *code == 0xce && why_bits(e) != 64)
		return OF;
	if (n < 2)
		return WHY_UNKNOWN;
	if (code[0] == 0x0f && (code[1] == 0x0b || code[1] == 0xb9 || code[1] == 0xff))
		return UD;
	/* DIV and IDIV of a register: one of memory may have been a page fault. */
	return (code[0] | 1) == 0xf7 && (code[1] & 0xf0) == 0xf0 ? DE : WHY_UNKNOWN;
}

/* CR2 holds what the instruction accessed, unless it holds what a delivery did. */
static bool is_operand(const struct event *e, uint64_t cr2)
{
	const struct event_walk *stack = why_walk(e, VITRINE_WALK_STACK);
	uint64_t idt = e->regs[VITRINE_A_REGS_IDT_BASE];

	return is_faulted(e, VITRINE_WALK_CR2) && !(cr2 >= idt && cr2 - idt <= e->regs[VITRINE_A_REGS_IDT_LIMIT]) &&
	       !(stack && stack->faulted && cr2 >> 12 == stack->address >> 12);
}

/* The oldest of the exceptions that the module saw at this very instruction; they are handed on one after the other. */
static const struct event_fault *seen_fault(const struct event *e)
{
	const struct event_fault *first = NULL;
	unsigned int i;

	for (i = e->nfaults; i-- && e->faults[i].rip == e->regs[VITRINE_A_REGS_RIP]; )
		if (e->faults[i].vector != DF)
			first = &e->faults[i];
	return first;
}

static void find_first(const struct event *e, struct why_step *s)
{
	uint64_t rip = e->regs[VITRINE_A_REGS_RIP], cr2 = e->regs[VITRINE_A_REGS_CR2];
	const struct event_fault *seen = seen_fault(e);
	char end[120];

	if (seen) {
		s->vector = seen->vector;
		snprintf(s->how, sizeof(s->how), "raised at RIP 0x%" PRIx64 ", as the module saw", rip);
	} else if (is_long(e) && !is_canonical(e, rip)) {
		s->vector = GP;
		snprintf(s->how, sizeof(s->how), "RIP 0x%" PRIx64 " is no canonical address", rip);
	} else if (is_faulted(e, VITRINE_WALK_CODE)) {
		s->vector = PF;
		why_walk_end(e, why_walk(e, VITRINE_WALK_CODE), end, sizeof(end));
		snprintf(s->how, sizeof(s->how), "the instruction at RIP 0x%" PRIx64 " cannot be fetched: %s", rip, end);
	} else if (raised_by(e) != WHY_UNKNOWN) {
		s->vector = raised_by(e);
		snprintf(s->how, sizeof(s->how), "the instruction at RIP 0x%" PRIx64 " raises it", rip);
	} else if (is_operand(e, cr2)) {
		s->vector = PF;
		why_walk_end(e, why_walk(e, VITRINE_WALK_CR2), end, sizeof(end));
		snprintf(s->how, sizeof(s->how), "CR2 is 0x%" PRIx64 ", which is not accessible: %s", cr2, end);
	} else {
		s->vector = WHY_UNKNOWN;
		snprintf(s->how, sizeof(s->how), "at RIP 0x%" PRIx64 "; the CPU does not say which", rip);
	}
}

static bool is_contributory(int vector)
{
	return vector == DE || (vector >= TS && vector <= GP);
}

static bool is_double(int first, int second)
{
	return (is_contributory(first) && is_contributory(second)) ||
	       (first == PF && (second == PF || is_contributory(second)));
}

/**
 * why_chain() - work the chain out
 * @e: a triple fault with registers
 * @c: filled
 */
void why_chain(const struct event *e, struct why_chain *c)
{
	struct delivery d = { .e = e };
	struct why_step *s = c->steps;
	char how[WHY_HOW];
	int raised;

	*c = (struct why_chain){ .n = 1 };
	find_first(e, s);
	while (c->n < WHY_STEPS) {
		/* Where the first is not known, the last one is. */
		d.vector = s->vector == WHY_UNKNOWN ? DF : s->vector;
		d.how = how;
		how[0] = 0;
		raised = deliver(&d);
		if (c->cause == WHY_NOTHING)
			c->cause = d.cause;
		if (raised == DELIVERED || raised == UNREADABLE || d.vector == DF) {
			c->whole = raised >= 0;
			snprintf(c->end, sizeof(c->end), "%s", how);
			return;
		}
		s++;
		c->n++;
		s->vector = is_double(d.vector, raised) ? DF : raised;
		if (s->vector == DF)
			snprintf(s->how, sizeof(s->how), "%s while %s was delivered: %.150s", hw_exception(raised),
				 hw_exception(d.vector), how);
		else
			snprintf(s->how, sizeof(s->how), "while %s was delivered: %.170s", hw_exception(d.vector), how);
	}
}
