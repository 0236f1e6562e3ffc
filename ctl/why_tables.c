// SPDX-License-Identifier: GPL-2.0-only
/*
 * why_tables.c - a failed guest's IDT entries and page-table walks, for people. Source: SDM 3A "IDT Descriptors",
 * "Paging".
 */
#include <inttypes.h>
#include <stdio.h>

#include "compiler.h"
#include "telemetry/hw.h"
#include "why_chain.h"

#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define CR4_LA57	(1ULL << 12)
#define EFER_LMA	(1ULL << 10)

#define PF_PRESENT	1U
#define PF_RESERVED	8U

/* Of an entry at a level of a walk, 0 the topmost; SDM 3A "Hierarchical Paging Structures: an Overview". */
static const char *level_name(const struct event *e, unsigned int level)
{
	static const char *const names[] = { "PML5E", "PML4E", "PDPTE", "PDE", "PTE" };
	unsigned int top = 3;

	if (e->regs[VITRINE_A_REGS_EFER] & EFER_LMA)
		top = e->regs[VITRINE_A_REGS_CR4] & CR4_LA57 ? 0 : 1;
	else if (e->regs[VITRINE_A_REGS_CR4] & CR4_PAE)
		top = 2;
	return top + level < ARRAY_SIZE(names) ? names[top + level] : "entry";
}

/**
 * why_walk_end() - where a page-table walk ended
 * @e: the failure it is of
 * @w: the walk
 * @s: filled
 * @room: bytes in @s
 */
void why_walk_end(const struct event *e, const struct event_walk *w, char *s, size_t room)
{
	const char *last = w->nentries ? level_name(e, w->nentries - 1) : "";

	if (w->mapped)
		snprintf(s, room, "guest-physical 0x%" PRIx64, w->gpa);
	else if (!w->faulted)
		snprintf(s, room, "the %s table is where the VM has no memory",
			 w->nentries ? level_name(e, w->nentries) : "topmost");
	else if (w->error & PF_RESERVED)
		snprintf(s, room, "its %s has reserved bits set", last);
	else if (w->error & PF_PRESENT)
		snprintf(s, room, "its page is mapped, but does not allow that access");
	else
		snprintf(s, room, "its %s is not present", last);
}

static void print_walk(const struct event *e, const struct event_walk *w, const char *what)
{
	char end[120];
	unsigned int i;

	printf("  %s 0x%" PRIx64 "\n", what, w->address);
	for (i = 0; i < w->nentries; i++)
		printf("    %-5s at 0x%-12" PRIx64 " %016" PRIx64 "%s%s%s%s%s\n", level_name(e, i), w->entries[i][0],
		       w->entries[i][1], w->entries[i][1] & 1 ? " P" : " not present",
		       w->entries[i][1] & 1 && w->entries[i][1] & 2 ? " W" : "",
		       w->entries[i][1] & 1 && w->entries[i][1] & 4 ? " U" : "",
		       w->entries[i][1] & 1 && w->entries[i][1] & 0x80 && i + 1 == w->nentries ? " PS" : "",
		       w->entries[i][1] & 1 && w->entries[i][1] >> 63 ? " NX" : "");
	why_walk_end(e, w, end, sizeof(end));
	printf("    %s\n", end);
}

/* Of tables that are as they should be, one is enough. */
static void print_walks(const struct event *e)
{
	static const struct {
		uint32_t of;
		const char *what;
		bool always;
	} walks[] = {
		{ VITRINE_WALK_CODE, "the code at", false },
		{ VITRINE_WALK_CR2, "CR2", false },
		{ VITRINE_WALK_IDT, "the IDT at", true },
		{ VITRINE_WALK_GDT, "the GDT at", false },
		{ VITRINE_WALK_TSS, "the TSS at", false },
		{ VITRINE_WALK_STACK, "the stack at", false },
		{ VITRINE_WALK_DF_STACK, "the stack of #DF at", false },
	};
	const struct event_walk *w;
	size_t i;

	if (!(e->regs[VITRINE_A_REGS_CR0] & CR0_PG) || !e->nwalks)
		return;
	puts("\nPage-table walks");
	for (i = 0; i < ARRAY_SIZE(walks); i++) {
		w = why_walk(e, walks[i].of);
		if (w && (walks[i].always || !w->mapped))
			print_walk(e, w, walks[i].what);
	}
}

/* Type, and where it leads. */
static void print_gate(const struct event *e, unsigned int vector)
{
	static const char *const types[32] = {
		[5] = "task gate", [6] = "16-bit interrupt gate", [7] = "16-bit trap gate",
		[14] = "interrupt gate", [15] = "trap gate",
	};
	struct why_gate g;

	printf("  %-4s at 0x%" PRIx64 ": ", hw_exception(vector),
	       e->regs[VITRINE_A_REGS_IDT_BASE] + vector * why_gate_size(e));
	if ((uint64_t)(vector + 1) * why_gate_size(e) - 1 > e->regs[VITRINE_A_REGS_IDT_LIMIT])
		puts("behind the table's end");
	else if (!why_gate_read(e, vector, &g))
		puts("not readable");
	else if (why_gate_size(e) == 4)
		printf("%04x:%04" PRIx64 "\n", g.selector, g.handler);
	else
		printf("%s, %s, DPL %u, to %04x:%" PRIx64 "%s%.0u\n", types[g.type] ? types[g.type] : "no gate",
		       g.present ? "present" : "not present", g.dpl, g.selector, g.handler, g.ist ? ", IST " : "", g.ist);
}

/**
 * why_tables_print() - the IDT's entries for the exceptions of a chain, and the walks
 * @e: the failure
 * @c: its chain
 */
void why_tables_print(const struct event *e, const struct why_chain *c)
{
	unsigned int i;

	puts("\nTheir entries in the IDT");
	for (i = 0; i < c->n; i++)
		if (c->steps[i].vector != WHY_UNKNOWN)
			print_gate(e, c->steps[i].vector);
	if (c->steps[c->n - 1].vector == WHY_UNKNOWN)
		print_gate(e, 8);
	print_walks(e);
}
