/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * why_chain.h - which exceptions led to a triple fault, and what the delivery of each ran into.
 */
#ifndef VMCTL_WHY_CHAIN_H
#define VMCTL_WHY_CHAIN_H

#include "telemetry/event.h"

#define WHY_STEPS	6	/* more exceptions cannot meet before the CPU shuts down */
#define WHY_HOW		200

/* What the delivery of an exception ran into. */
enum why_cause {
	WHY_NOTHING,		/* nothing that could be found */
	WHY_UNREADABLE,		/* what would tell was not readable */
	WHY_IDT_SHORT,		/* the IDT ends before the gate */
	WHY_IDT_UNMAPPED,	/* the gate is in no page */
	WHY_GATE,		/* the gate is none, or leads nowhere */
	WHY_SEGMENT,		/* its segment is none of code, or not there */
	WHY_STACK,		/* the frame cannot be pushed */
};

/**
 * struct why_step - one exception
 * @vector: of it, or WHY_UNKNOWN
 * @how: why it was raised
 */
struct why_step {
	int vector;
	char how[WHY_HOW];
};

#define WHY_UNKNOWN	(-1)

/**
 * struct why_chain - from the first exception to the shutdown
 * @steps: oldest first
 * @n: their number
 * @end: why the last one was not delivered
 * @cause: of the first delivery that failed
 * @whole: the chain explains the shutdown
 */
struct why_chain {
	struct why_step steps[WHY_STEPS];
	unsigned int n;
	char end[WHY_HOW];
	enum why_cause cause;
	bool whole;
};

/**
 * struct why_gate - an entry of the IDT
 * @address: where it is
 * @handler: offset in its segment
 * @selector: of the code segment, or of a task
 * @type: SDM 3A "IDT Descriptors"
 * @dpl: privilege level from which software may use it
 * @ist: stack of the TSS, 0: none
 * @present: P
 */
struct why_gate {
	uint64_t address, handler;
	uint16_t selector;
	uint8_t type, dpl, ist;
	bool present;
};

/* why_chain.c */
void why_chain(const struct event *e, struct why_chain *c);
unsigned int why_bits(const struct event *e);
unsigned int why_gate_size(const struct event *e);
bool why_gate_read(const struct event *e, unsigned int vector, struct why_gate *g);
const struct event_walk *why_walk(const struct event *e, uint32_t of);

/* why_tables.c */
void why_walk_end(const struct event *e, const struct event_walk *w, char *s, size_t room);
void why_tables_print(const struct event *e, const struct why_chain *c);

#endif /* VMCTL_WHY_CHAIN_H */
