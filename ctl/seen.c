// SPDX-License-Identifier: GPL-2.0-only
/*
 * seen.c - VMs as the module knows them, by name or number; its events as JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "compiler.h"
#include "seen.h"
#include "telemetry/hw.h"

/**
 * seen_number() - is a VM named by its number?
 * @name: what the user gave: # and the number
 * @id: filled
 *
 * Return: whether.
 */
bool seen_number(const char *name, uint32_t *id)
{
	uint64_t n;

	if (name[0] != '#' || !text_to_uint(name + 1, 0, UINT32_MAX, &n))
		return false;
	*id = n;
	return true;
}

static const struct tel_vm *ambiguous(const struct tel_sample *s, const char *name)
{
	char remedy[200] = "say which:";
	size_t n = strlen(remedy);
	uint32_t i;

	for (i = 0; i < s->nvms && n < sizeof(remedy); i++)
		if (!strcmp(s->vms[i].name, name))
			n += snprintf(remedy + n, sizeof(remedy) - n, " '#%" PRIu64 "'", s->vms[i].id);
	vmctl_error(name, "several VMs have this name", remedy);
	return NULL;
}

/**
 * seen_vm() - a VM in a sample
 * @s: the sample
 * @name: of the VM, or # and its number
 *
 * Return: the VM, or NULL with the error told.
 */
const struct tel_vm *seen_vm(const struct tel_sample *s, const char *name)
{
	const struct tel_vm *found = NULL;
	uint32_t i, id;

	if (seen_number(name, &id))
		found = sample_find(s, id);
	for (i = 0; i < s->nvms && name[0] != '#'; i++) {
		if (strcmp(s->vms[i].name, name))
			continue;
		if (found)
			return ambiguous(s, name);
		found = &s->vms[i];
	}
	if (!found)
		vmctl_error(name, "no such VM of yours runs on the module", "`vmtop` shows those that do");
	return found;
}

static json_t *faults_of(const struct event *e)
{
	json_t *faults = json_array(), *o;
	unsigned int i;

	for (i = 0; i < e->nfaults; i++) {
		const struct event_fault *f = &e->faults[i];

		o = json_pack("{s:s, s:i, s:I}", "exception", hw_exception(f->vector), "vector",
			      (int)f->vector, "rip", (json_int_t)f->rip);
		if (f->has_error)
			json_object_set_new(o, "error", json_integer(f->error));
		if (f->has_address)
			json_object_set_new(o, "address", json_integer(f->address));
		json_array_append_new(faults, o);
	}
	return faults;
}

static void add_failure(json_t *o, const struct event *e)
{
	char code[2 * EVENT_CODE + 1] = "";
	unsigned int i;

	for (i = 0; i < e->ncode; i++)
		snprintf(code + 2 * i, 3, "%02x", e->code[i]);
	if (e->vcpu >= 0)
		json_object_set_new(o, "vcpu", json_integer(e->vcpu));
	if (e->detail[0])
		json_object_set_new(o, "detail", json_string(e->detail));
	if (e->has_exit)
		json_object_set_new(o, "exit", json_pack("{s:I, s:I, s:I, s:I}", "reason", (json_int_t)e->reason,
							 "info1", (json_int_t)e->info1, "info2",
							 (json_int_t)e->info2, "vectoring",
							 (json_int_t)e->vectoring));
	if (e->has_regs)
		json_object_set_new(o, "rip", json_integer(e->regs[VITRINE_A_REGS_RIP]));
	if (e->nfaults)
		json_object_set_new(o, "faults", faults_of(e));
	if (code[0])
		json_object_set_new(o, "code", json_string(code));
}

/**
 * seen_event() - an event as JSON
 * @e: the event
 *
 * Return: its object. Its time is in seconds, to the microsecond; addresses are signed numbers of 64 bits.
 */
json_t *seen_event(const struct event *e)
{
	char name[TEL_NAME], text[160];
	json_t *o;

	event_vm_name(e, name, sizeof(name));
	event_text(e, text, sizeof(text));
	o = json_pack("{s:I, s:f, s:s, s:I, s:s}", "id", (json_int_t)e->id, "time",
		      (double)(e->time_ns / 1000) / 1e6, "event", event_word(e->type), "vm", (json_int_t)e->vm,
		      "name", name);
	if (text[0])
		json_object_set_new(o, "text", json_string(text));
	if (e->parent)
		json_object_set_new(o, "parent", json_integer(e->parent));
	if (e->note[0])
		json_object_set_new(o, "note", json_string(e->note));
	if (event_is_failure(e->type))
		add_failure(o, e);
	return o;
}
