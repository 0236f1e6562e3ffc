// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - the module's events, decoded and in words.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "telemetry/event.h"
#include "telemetry/hw.h"

static const char *const words[] = {
	[VITRINE_EVENT_CREATED] = "created",
	[VITRINE_EVENT_NAMED] = "named",
	[VITRINE_EVENT_STARTED] = "started",
	[VITRINE_EVENT_PAUSED] = "paused",
	[VITRINE_EVENT_RESUMED] = "resumed",
	[VITRINE_EVENT_TRIPLE_FAULT] = "triple-fault",
	[VITRINE_EVENT_ENTRY_FAILURE] = "entry-failure",
	[VITRINE_EVENT_INTERNAL_ERROR] = "internal-error",
	[VITRINE_EVENT_SNAPSHOT] = "snapshot",
	[VITRINE_EVENT_FORKED] = "forked",
	[VITRINE_EVENT_DESTROYED] = "destroyed",
};

/**
 * event_word() - an event's type in a word
 * @type: enum vitrine_event_type
 *
 * Return: the word.
 */
const char *event_word(uint32_t type)
{
	return type < ARRAY_SIZE(words) && words[type] ? words[type] : "unknown";
}

/**
 * event_is_failure() - did a VM fail?
 * @type: enum vitrine_event_type
 *
 * Return: whether.
 */
bool event_is_failure(uint32_t type)
{
	return type == VITRINE_EVENT_TRIPLE_FAULT || type == VITRINE_EVENT_ENTRY_FAILURE ||
	       type == VITRINE_EVENT_INTERNAL_ERROR;
}

static void take_fault(const struct family_message *m, void *arg)
{
	struct event *e = arg;
	struct event_fault *f;

	if (e->nfaults == EVENT_FAULTS)
		return;
	f = &e->faults[e->nfaults++];
	f->tsc = family_u64(m, VITRINE_A_FAULT_TSC);
	f->rip = family_u64(m, VITRINE_A_FAULT_RIP);
	f->address = family_u64(m, VITRINE_A_FAULT_ADDRESS);
	f->vector = family_u32(m, VITRINE_A_FAULT_VECTOR);
	f->error = family_u32(m, VITRINE_A_FAULT_ERROR);
	f->source = family_u32(m, VITRINE_A_FAULT_SOURCE);
	f->has_error = family_has(m, VITRINE_A_FAULT_ERROR);
	f->has_address = family_has(m, VITRINE_A_FAULT_ADDRESS);
}

static void take_regs(const struct family_message *m, void *arg)
{
	struct event *e = arg;
	int i;

	e->has_regs = true;
	for (i = VITRINE_A_REGS_RAX; i <= VITRINE_A_REGS_MAX; i++)
		e->regs[i] = family_u64(m, i);
}

static void take_walk(const struct family_message *m, void *arg)
{
	struct event *e = arg;
	struct event_walk *w;
	const void *entries;
	size_t n;

	if (e->nwalks == EVENT_WALKS)
		return;
	w = &e->walks[e->nwalks++];
	w->of = family_u32(m, VITRINE_A_WALK_OF);
	w->address = family_u64(m, VITRINE_A_WALK_ADDRESS);
	w->mapped = family_has(m, VITRINE_A_WALK_GPA);
	w->gpa = family_u64(m, VITRINE_A_WALK_GPA);
	w->faulted = family_has(m, VITRINE_A_WALK_ERROR);
	w->error = family_u32(m, VITRINE_A_WALK_ERROR);
	entries = family_bytes(m, VITRINE_A_WALK_ENTRIES, &n);
	n /= sizeof(w->entries[0]);
	w->nentries = !entries ? 0 : n < EVENT_LEVELS ? n : EVENT_LEVELS;
	if (entries)
		memcpy(w->entries, entries, w->nentries * sizeof(w->entries[0]));
}

/* As many bytes as there are, and room for. */
static unsigned int take_bytes(const struct family_message *m, int type, uint8_t *to, size_t room)
{
	size_t n;
	const void *from = family_bytes(m, type, &n);

	if (!from)
		return 0;
	n = n < room ? n : room;
	memcpy(to, from, n);
	return n;
}

static void decode_failure(const struct family_message *m, struct event *e)
{
	e->has_exit = family_has(m, VITRINE_A_EVENT_HW_REASON);
	e->reason = family_u64(m, VITRINE_A_EVENT_HW_REASON);
	e->info1 = family_u64(m, VITRINE_A_EVENT_HW_INFO1);
	e->info2 = family_u64(m, VITRINE_A_EVENT_HW_INFO2);
	e->vectoring = family_u64(m, VITRINE_A_EVENT_HW_EVENT);
	e->suberror = family_u32(m, VITRINE_A_EVENT_SUBERROR);
	family_text(m, VITRINE_A_EVENT_DETAIL, e->detail, sizeof(e->detail));
	family_nests(m, VITRINE_A_EVENT_REGS, take_regs, e);
	family_nests(m, VITRINE_A_EVENT_FAULT, take_fault, e);
	family_nests(m, VITRINE_A_EVENT_WALK, take_walk, e);
	e->ncode = take_bytes(m, VITRINE_A_EVENT_CODE, e->code, sizeof(e->code));
	e->nidt = take_bytes(m, VITRINE_A_EVENT_IDT, e->idt, sizeof(e->idt));
	e->ngdt = take_bytes(m, VITRINE_A_EVENT_GDT, e->gdt, sizeof(e->gdt));
}

/**
 * event_decode() - an event out of its message
 * @m: the message
 * @e: filled
 */
void event_decode(const struct family_message *m, struct event *e)
{
	*e = (struct event){
		.id = family_u64(m, VITRINE_A_EVENT_ID),
		.seq = family_u64(m, VITRINE_A_EVENT_SEQ),
		.time_ns = family_u64(m, VITRINE_A_EVENT_TIME),
		.type = family_u32(m, VITRINE_A_EVENT_TYPE),
		.vm = family_u32(m, VITRINE_A_EVENT_VM_ID),
		.uid = family_u32(m, VITRINE_A_EVENT_UID),
		.pid = family_u32(m, VITRINE_A_EVENT_PID),
		.parent = family_u32(m, VITRINE_A_EVENT_PARENT),
		.vcpu = family_has(m, VITRINE_A_EVENT_VCPU_ID) ? (int64_t)family_u32(m, VITRINE_A_EVENT_VCPU_ID) : -1,
	};
	family_text(m, VITRINE_A_EVENT_NAME, e->name, sizeof(e->name));
	family_text(m, VITRINE_A_EVENT_NOTE, e->note, sizeof(e->note));
	decode_failure(m, e);
}

/**
 * event_vm_name() - what the event's VM is called
 * @e: the event
 * @s: filled with its name, or with its number
 * @room: bytes in @s
 */
void event_vm_name(const struct event *e, char *s, size_t room)
{
	if (e->name[0])
		snprintf(s, room, "%s", e->name);
	else
		snprintf(s, room, "#%u", e->vm);
}

static void write_failure(const struct event *e, char *s, size_t room)
{
	const struct event_fault *f = e->nfaults ? &e->faults[e->nfaults - 1] : NULL;
	size_t n = 0;

	if (e->vcpu >= 0)
		n += snprintf(s, room, "vCPU %" PRId64 ": ", e->vcpu);
	if (n < room && e->has_regs)
		n += snprintf(s + n, room - n, "RIP 0x%" PRIx64, e->regs[VITRINE_A_REGS_RIP]);
	if (n < room && f && e->type == VITRINE_EVENT_TRIPLE_FAULT)
		n += snprintf(s + n, room - n, ", last %s at 0x%" PRIx64, hw_exception(f->vector), f->rip);
	if (n < room && e->detail[0])
		snprintf(s + n, room - n, "%s%s", e->has_regs ? ", " : "", e->detail);
}

/**
 * event_text() - an event's details in a line
 * @e: the event
 * @s: filled, with nothing if its type says all
 * @room: bytes in @s
 */
void event_text(const struct event *e, char *s, size_t room)
{
	*s = 0;
	if (event_is_failure(e->type))
		write_failure(e, s, room);
	else if (e->note[0])
		snprintf(s, room, "%s", e->note);
	else if (e->type == VITRINE_EVENT_FORKED)
		snprintf(s, room, "from #%u", e->parent);
}
