// SPDX-License-Identifier: GPL-2.0-only
/*
 * recording.c - samples as lines of JSON: docs/vmtop-recording.md. What is read may come from anybody.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"
#include "telemetry/figures.h"

#define VERSION		1
#define LINE_MAX	(256UL << 20)	/* a power of two */

/* A member of a struct as a member of its object. */
struct member {
	const char *key;
	size_t offset;
};

#define MEMBER(type, name)	{ #name, offsetof(struct type, name) }
#define END			{ NULL, 0 }

static const struct member vm_numbers[] = {
	MEMBER(tel_vm, id), MEMBER(tel_vm, parent), MEMBER(tel_vm, created), MEMBER(tel_vm, memory),
	MEMBER(tel_vm, tables),
	MEMBER(tel_vm, resident), MEMBER(tel_vm, shared), MEMBER(tel_vm, disk_read),
	MEMBER(tel_vm, disk_write), MEMBER(tel_vm, net_receive), MEMBER(tel_vm, net_send), END
};

static const struct member vcpu_numbers[] = {
	MEMBER(tel_vcpu, guest), MEMBER(tel_vcpu, host), MEMBER(tel_vcpu, halt),
	MEMBER(tel_vcpu, user), MEMBER(tel_vcpu, pause), MEMBER(tel_vcpu, steal_ns),
	MEMBER(tel_vcpu, user_exits), MEMBER(tel_vcpu, injected), MEMBER(tel_vcpu, faults),
	MEMBER(tel_vcpu, dirty), MEMBER(tel_vcpu, flushes), END
};

static const struct member sample_numbers[] = {
	MEMBER(tel_sample, time), MEMBER(tel_sample, clock), MEMBER(tel_sample, khz),
	MEMBER(tel_sample, lost), END
};

static void put_numbers(json_t *o, const void *from, const struct member *m)
{
	uint64_t v;

	for (; m->key; m++) {
		memcpy(&v, (const char *)from + m->offset, sizeof(v));
		if (v)
			json_object_set_new(o, m->key, json_integer(v));
	}
}

/* Absent and negative ones are zero. */
static int64_t number(const json_t *v)
{
	int64_t n = json_integer_value(v);

	return n < 0 ? 0 : n;
}

static void get_numbers(const json_t *o, void *to, const struct member *m)
{
	int64_t v;

	for (; m->key; m++) {
		v = number(json_object_get(o, m->key));
		memcpy((char *)to + m->offset, &v, sizeof(v));
	}
}

static void get_text(const json_t *o, const char *key, char *to, size_t room)
{
	const char *s = json_string_value(json_object_get(o, key));

	snprintf(to, room, "%s", s ? s : "");
	figure_clean(to);
}

static json_t *put_exit(const struct tel_exit *e)
{
	json_t *hist = json_object();
	char bucket[12];
	int i;

	for (i = 0; i < TEL_BUCKETS; i++) {
		if (!e->hist[i])
			continue;
		snprintf(bucket, sizeof(bucket), "%d", i);
		json_object_set_new(hist, bucket, json_integer(e->hist[i]));
	}
	return json_pack("[I, I, o]", (json_int_t)e->count, (json_int_t)e->cycles, hist);
}

static json_t *put_vcpu(const struct tel_sample *s, const struct tel_vcpu *v)
{
	json_t *o = json_pack("{s:i, s:i, s:s}", "id", v->id, "cpu", v->cpu, "state", v->state);
	json_t *exits = json_object();
	uint32_t i;

	put_numbers(o, v, vcpu_numbers);
	for (i = 0; i < v->nexits; i++)
		json_object_set_new(exits, s->reasons[v->exits[i].reason], put_exit(&v->exits[i]));
	json_object_set_new(o, "exits", exits);
	return o;
}

static json_t *put_vm(const struct tel_sample *s, const struct tel_vm *vm)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:i}", "name", vm->name, "owner", vm->owner, "state",
			      vm->state, "pid", (int)vm->pid), *vcpus = json_array();
	uint32_t i;

	put_numbers(o, vm, vm_numbers);
	for (i = 0; i < vm->nvcpus; i++)
		json_array_append_new(vcpus, put_vcpu(s, &vm->vcpus[i]));
	json_object_set_new(o, "vcpus", vcpus);
	return o;
}

/**
 * recording_write() - append a sample to a recording
 * @f: the recording
 * @s: the sample
 *
 * Return: 0, or -1 with errno.
 */
int recording_write(FILE *f, const struct tel_sample *s)
{
	json_t *o = json_pack("{s:i, s:i}", "version", VERSION, "cpus", s->cpus);
	json_t *vms = json_array(), *events = json_array();
	uint32_t i;
	int err;

	put_numbers(o, s, sample_numbers);
	for (i = 0; i < s->nvms; i++)
		json_array_append_new(vms, put_vm(s, &s->vms[i]));
	for (i = 0; i < s->nevents; i++) {
		const struct tel_event *e = &s->events[i];

		json_array_append_new(events, json_pack("{s:I, s:I, s:s, s:s, s:s}", "time",
			(json_int_t)e->time, "vm", (json_int_t)e->vm, "name", e->name, "event", e->kind,
			"text", e->text));
	}
	json_object_set_new(o, "vms", vms);
	json_object_set_new(o, "events", events);
	err = json_dumpf(o, f, JSON_COMPACT) || putc('\n', f) == EOF || fflush(f) ? -1 : 0;
	json_decref(o);
	return err;
}

static bool get_exit(struct tel_sample *s, struct tel_vcpu *v, const char *name, const json_t *value)
{
	struct tel_exit *e = sample_add_exit(v);
	int reason = sample_reason(s, name);
	const json_t *n;
	const char *key;
	long bucket;

	if (!e || reason < 0)
		return false;
	e->reason = reason;
	e->count = number(json_array_get(value, 0));
	e->cycles = number(json_array_get(value, 1));
	json_object_foreach(json_array_get(value, 2), key, n) {
		bucket = strtol(key, NULL, 10);
		if (bucket >= 0 && bucket < TEL_BUCKETS)
			e->hist[bucket] = number(n);
	}
	return true;
}

static bool get_vcpu(struct tel_sample *s, struct tel_vm *vm, const json_t *o)
{
	struct tel_vcpu *v = sample_add_vcpu(vm);
	json_t *value;
	const char *name;

	if (!v)
		return false;
	v->id = json_integer_value(json_object_get(o, "id"));
	v->cpu = json_integer_value(json_object_get(o, "cpu"));
	get_text(o, "state", v->state, sizeof(v->state));
	get_numbers(o, v, vcpu_numbers);
	json_object_foreach(json_object_get(o, "exits"), name, value)
		if (!get_exit(s, v, name, value))
			return false;
	return true;
}

static bool get_vm(struct tel_sample *s, const json_t *o)
{
	struct tel_vm *vm = sample_add_vm(s);
	const json_t *v;
	size_t i;

	if (!vm)
		return false;
	get_numbers(o, vm, vm_numbers);
	vm->pid = json_integer_value(json_object_get(o, "pid"));
	get_text(o, "name", vm->name, sizeof(vm->name));
	get_text(o, "owner", vm->owner, sizeof(vm->owner));
	get_text(o, "state", vm->state, sizeof(vm->state));
	json_array_foreach(json_object_get(o, "vcpus"), i, v)
		if (!get_vcpu(s, vm, v))
			return false;
	return true;
}

static bool get_event(struct tel_sample *s, const json_t *o)
{
	struct tel_event *e = sample_add_event(s);

	if (!e)
		return false;
	e->time = number(json_object_get(o, "time"));
	e->vm = number(json_object_get(o, "vm"));
	get_text(o, "name", e->name, sizeof(e->name));
	get_text(o, "event", e->kind, sizeof(e->kind));
	get_text(o, "text", e->text, sizeof(e->text));
	return true;
}

static struct tel_sample *get_sample(const json_t *o)
{
	struct tel_sample *s = sample_new();
	const json_t *item;
	bool ok = s;
	size_t i;

	if (!s)
		return NULL;
	get_numbers(o, s, sample_numbers);
	s->cpus = json_integer_value(json_object_get(o, "cpus"));
	json_array_foreach(json_object_get(o, "vms"), i, item)
		ok = ok && get_vm(s, item);
	json_array_foreach(json_object_get(o, "events"), i, item)
		ok = ok && get_event(s, item);
	sample_sort(s);
	if (ok)
		return s;
	sample_free(s);
	return NULL;
}

/* The next line of at most LINE_MAX bytes, without its end; NULL at the end of the file, or if it is longer. */
static char *read_line(FILE *f, size_t *n, bool *too_long)
{
	size_t room = 1 << 16;
	char *line = malloc(room), *more;
	int c;

	for (*n = 0; line && (c = getc_unlocked(f)) != EOF && c != '\n'; line[(*n)++] = c) {
		if (*n < room)
			continue;
		*too_long = room >= LINE_MAX;
		more = *too_long ? NULL : realloc(line, room *= 2);
		if (!more)
			free(line);
		line = more;
		if (!line)
			return NULL;
	}
	if (line && !*n && c == EOF) {
		free(line);
		line = NULL;
	}
	return line;
}

/**
 * recording_read() - the next sample of a recording
 * @f: the recording
 * @line: of it so far; empty ones are skipped
 * @error: what is wrong with that line, empty at the recording's end
 * @room: bytes in @error
 *
 * Return: the sample, or NULL.
 */
struct tel_sample *recording_read(FILE *f, unsigned int *line, char *error, size_t room)
{
	struct tel_sample *s = NULL;
	bool too_long = false;
	json_error_t e;
	json_t *o;
	size_t n;
	char *text;

	*error = 0;
	for (;;) {
		(*line)++;
		text = read_line(f, &n, &too_long);
		if (!text || n)
			break;
		free(text);
	}
	if (!text) {
		if (too_long || ferror(f))
			snprintf(error, room, too_long ? "is too long" : "cannot be read");
		return NULL;
	}
	o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
	free(text);
	if (!o)
		snprintf(error, room, "is no whole sample");
	else if (json_integer_value(json_object_get(o, "version")) != VERSION)
		snprintf(error, room, "is not of version %d", VERSION);
	else
		s = get_sample(o);
	if (!s && !*error)
		snprintf(error, room, "needs more memory than there is");
	json_decref(o);
	return s;
}
