// SPDX-License-Identifier: GPL-2.0-only
/*
 * collect.c - a sample of this host: VMs, vCPUs, exits and events from the module, memory and bytes from the VMs'
 * processes.
 *
 * Answers come one after the other, and VMs come and go between them: what belongs to a VM that the first did not
 * name is left for the next sample.
 */
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler.h"
#include "telemetry/collect.h"
#include "telemetry/event.h"
#include "telemetry/figures.h"
#include "telemetry/process.h"
#include "uapi/vitrine.h"

#define KINDS_MAX	4096
#define LOOK_SHARE	200	/* what is dear of VMs' processes takes at most one part in so many of a CPU */

/**
 * struct collector - what samples are made with
 * @family: for requests
 * @events: for events
 * @processes: what is known of VMs' processes, by VM
 * @nprocesses: their number
 * @turn: id of the VM whose process was looked at last
 * @looked: when processes were looked at last, CLOCK_MONOTONIC, ns
 * @paid: what looks have cost up to then is paid for
 * @seq: number of the last event
 * @uid: whose name is in @owner
 * @owner: name
 * @sample: that is being filled, NULL after a lack of memory
 * @vm: index of the VM that the message before belonged to
 * @vcpu: index of its vCPU
 */
struct collector {
	struct family *family, *events;
	struct process *processes;
	uint32_t nprocesses;
	uint64_t turn, looked, paid, seq;
	uid_t uid;
	char owner[TEL_WORD];
	struct tel_sample *sample;
	uint32_t vm, vcpu;
};

static void out_of_memory(struct collector *c)
{
	sample_free(c->sample);
	c->sample = NULL;
}

static void take_kind(const struct family_message *m, void *arg)
{
	struct collector *c = arg;
	char name[TEL_WORD];

	family_text(m, VITRINE_A_KIND_NAME, name, sizeof(name));
	if (c->sample && sample_reason(c->sample, name) < 0)
		out_of_memory(c);
}

static void take_host(const struct family_message *m, void *arg)
{
	struct collector *c = arg;

	if (!c->sample)
		return;
	c->sample->khz = family_u32(m, VITRINE_A_HOST_TSC_KHZ);
	c->sample->cpus = family_u32(m, VITRINE_A_HOST_CPUS);
	family_nests(m, VITRINE_A_HOST_EXIT_KIND, take_kind, c);
}

static void write_owner(struct collector *c, uid_t uid, char *s)
{
	const struct passwd *p;

	if (!c->owner[0] || c->uid != uid) {
		p = getpwuid(uid);
		if (p)
			snprintf(c->owner, sizeof(c->owner), "%s", p->pw_name);
		else
			snprintf(c->owner, sizeof(c->owner), "%u", uid);
		figure_clean(c->owner);
		c->uid = uid;
	}
	memcpy(s, c->owner, sizeof(c->owner));
}

static void take_vm(const struct family_message *m, void *arg)
{
	static const char *const states[] = {
		[VITRINE_VM_CREATED] = "created", [VITRINE_VM_RUNNING] = "running",
		[VITRINE_VM_PAUSED] = "paused", [VITRINE_VM_FAILED] = "failed",
	};
	uint32_t state = family_u32(m, VITRINE_A_VM_STATE);
	struct collector *c = arg;
	struct tel_vm *vm = c->sample ? sample_add_vm(c->sample) : NULL;
	char comm[TEL_WORD];

	if (!vm) {
		out_of_memory(c);
		return;
	}
	vm->id = family_u32(m, VITRINE_A_VM_ID);
	vm->parent = family_u32(m, VITRINE_A_VM_PARENT);
	vm->pid = family_u32(m, VITRINE_A_VM_PID);
	vm->created = family_u64(m, VITRINE_A_VM_CREATED) / 1000000;
	vm->memory = family_u64(m, VITRINE_A_VM_MEMORY);
	vm->tables = family_u64(m, VITRINE_A_VM_PAGE_TABLES);
	snprintf(vm->state, sizeof(vm->state), "%s", state < ARRAY_SIZE(states) ? states[state] : "unknown");
	family_text(m, VITRINE_A_VM_NAME, vm->name, sizeof(vm->name));
	family_text(m, VITRINE_A_VM_COMM, comm, sizeof(comm));
	if (!vm->name[0])
		snprintf(vm->name, sizeof(vm->name), "%s/%d", comm, (int)vm->pid);
	if (family_has(m, VITRINE_A_VM_UID))
		write_owner(c, family_u32(m, VITRINE_A_VM_UID), vm->owner);
}

/* Messages come VM by VM: mostly it is the one of the message before, or the next. */
static struct tel_vm *find_vm(struct collector *c, uint32_t id)
{
	struct tel_sample *s = c->sample;
	struct tel_vm *vm;

	if (!s)
		return NULL;
	if (c->vm < s->nvms && s->vms[c->vm].id == id)
		return &s->vms[c->vm];
	vm = sample_find(s, id);
	if (vm)
		c->vm = vm - s->vms;
	return vm;
}

static uint64_t sum(const struct family_message *m, const int *types, int n)
{
	uint64_t v = 0;

	while (n--)
		v += family_u64(m, types[n]);
	return v;
}

static void fill_vcpu(const struct family_message *m, struct tel_vcpu *v)
{
	static const char *const states[] = {
		[VITRINE_VCPU_USER] = "user", [VITRINE_VCPU_GUEST] = "guest", [VITRINE_VCPU_HOST] = "host",
		[VITRINE_VCPU_HALTED] = "halted", [VITRINE_VCPU_PAUSED] = "paused",
	};
	static const int injected[] = {
		VITRINE_A_VCPU_IRQS, VITRINE_A_VCPU_NMIS, VITRINE_A_VCPU_EXCEPTIONS,
	};
	static const int faults[] = {
		VITRINE_A_VCPU_FAULTS_READ, VITRINE_A_VCPU_FAULTS_WRITE, VITRINE_A_VCPU_FAULTS_FETCH,
	};
	uint32_t state = family_u32(m, VITRINE_A_VCPU_STATE);

	v->id = family_u32(m, VITRINE_A_VCPU_ID);
	v->cpu = family_has(m, VITRINE_A_VCPU_CPU) ? (int32_t)family_u32(m, VITRINE_A_VCPU_CPU) : -1;
	snprintf(v->state, sizeof(v->state), "%s", state < ARRAY_SIZE(states) ? states[state] : "unknown");
	v->guest = family_u64(m, VITRINE_A_VCPU_GUEST_CYCLES);
	v->host = family_u64(m, VITRINE_A_VCPU_HOST_CYCLES);
	v->halt = family_u64(m, VITRINE_A_VCPU_HALT_CYCLES);
	v->user = family_u64(m, VITRINE_A_VCPU_USER_CYCLES);
	v->pause = family_u64(m, VITRINE_A_VCPU_PAUSE_CYCLES);
	v->steal_ns = family_u64(m, VITRINE_A_VCPU_STEAL_NS);
	v->user_exits = family_u64(m, VITRINE_A_VCPU_USER_EXITS);
	v->dirty = family_u64(m, VITRINE_A_VCPU_DIRTY_PAGES);
	v->flushes = family_u64(m, VITRINE_A_VCPU_TLB_FLUSHES);
	v->injected = sum(m, injected, ARRAY_SIZE(injected));
	v->faults = sum(m, faults, ARRAY_SIZE(faults));
}

static void take_vcpu(const struct family_message *m, void *arg)
{
	struct collector *c = arg;
	struct tel_vm *vm = find_vm(c, family_u32(m, VITRINE_A_VCPU_VM_ID));
	struct tel_vcpu *v = vm ? sample_add_vcpu(vm) : NULL;

	if (v)
		fill_vcpu(m, v);
	else if (vm)
		out_of_memory(c);
}

static struct tel_vcpu *find_vcpu(struct collector *c, struct tel_vm *vm, uint32_t id)
{
	uint32_t i;

	if (c->vcpu < vm->nvcpus && vm->vcpus[c->vcpu].id == id)
		return &vm->vcpus[c->vcpu];
	for (i = 0; i < vm->nvcpus; i++) {
		if (vm->vcpus[i].id != id)
			continue;
		c->vcpu = i;
		return &vm->vcpus[i];
	}
	return NULL;
}

/* Kinds of exits stand in the sample by their numbers, unless the module has others now. */
static int reason_of(struct tel_sample *s, const struct family_message *m)
{
	uint32_t kind = family_u32(m, VITRINE_A_EXIT_KIND);
	char name[TEL_WORD];

	family_text(m, VITRINE_A_EXIT_NAME, name, sizeof(name));
	if (kind < s->nreasons && !strcmp(s->reasons[kind], name))
		return kind;
	return s->nreasons < KINDS_MAX ? sample_reason(s, name) : -1;
}

static void take_exit(const struct family_message *m, void *arg)
{
	struct collector *c = arg;
	struct tel_vm *vm = find_vm(c, family_u32(m, VITRINE_A_EXIT_VM_ID));
	struct tel_vcpu *v = vm ? find_vcpu(c, vm, family_u32(m, VITRINE_A_EXIT_VCPU_ID)) : NULL;
	uint32_t first = family_u32(m, VITRINE_A_EXIT_HIST_FIRST);
	const void *hist;
	struct tel_exit *e;
	size_t n;
	int reason;

	if (!v)
		return;
	reason = reason_of(c->sample, m);
	e = reason < 0 ? NULL : sample_add_exit(v);
	if (!e) {
		out_of_memory(c);
		return;
	}
	e->reason = reason;
	e->count = family_u64(m, VITRINE_A_EXIT_COUNT);
	e->cycles = family_u64(m, VITRINE_A_EXIT_CYCLES);
	hist = family_bytes(m, VITRINE_A_EXIT_HIST, &n);
	n /= sizeof(uint64_t);
	if (hist && first < TEL_BUCKETS)
		memcpy(&e->hist[first], hist, (n < TEL_BUCKETS - first ? n : TEL_BUCKETS - first) * sizeof(uint64_t));
}

static void take_event(const struct family_message *m, void *arg)
{
	struct collector *c = arg;
	struct tel_event *e;
	struct event full;

	if (m->command != VITRINE_CMD_EVENT_NTF || !c->sample)
		return;
	event_decode(m, &full);
	if (full.seq > c->seq + 1)
		c->sample->lost += full.seq - c->seq - 1;
	c->seq = full.seq;
	e = sample_add_event(c->sample);
	if (!e) {
		out_of_memory(c);
		return;
	}
	e->time = full.time_ns / 1000000;
	e->vm = full.vm;
	snprintf(e->kind, sizeof(e->kind), "%s", event_word(full.type));
	event_vm_name(&full, e->name, sizeof(e->name));
	event_text(&full, e->text, sizeof(e->text));
}

static struct process *find_process(struct process *list, uint32_t n, const struct tel_vm *vm)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (list[i].vm == vm->id && list[i].pid == vm->pid)
			return &list[i];
	return NULL;
}

/* Those of VMs that are there; new ones have not been looked at. Both lists are in the order of ids. */
static int update_processes(struct collector *c)
{
	struct tel_sample *s = c->sample;
	struct process *list = calloc(s->nvms ? s->nvms : 1, sizeof(*list)), *was;
	uint32_t i;

	if (!list)
		return -1;
	for (i = 0; i < s->nvms; i++) {
		was = find_process(c->processes, c->nprocesses, &s->vms[i]);
		if (was)
			list[i] = *was;
		list[i].vm = s->vms[i].id;
		list[i].pid = s->vms[i].pid;
	}
	free(c->processes);
	c->processes = list;
	c->nprocesses = s->nvms;
	return 0;
}

static uint64_t clock_ns(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* A look at a large VM takes long: what was spent has to be waited for before the next. */
static void look_and_pay(struct collector *c, struct process *p)
{
	uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	process_look(p);
	c->paid += (clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) * LOOK_SHARE;
}

/* A few processes a sample, in turn, as far as their cost allows; or all. */
static void look_at_processes(struct collector *c, int looks)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	uint32_t i, n, from = 0;

	if (c->paid < c->looked)
		c->paid = c->looked;
	c->looked = now;
	while (from < c->nprocesses && c->processes[from].vm <= c->turn)
		from++;
	n = looks < 0 || (uint32_t)looks > c->nprocesses ? c->nprocesses : (uint32_t)looks;
	for (i = 0; i < n; i++) {
		struct process *p = &c->processes[(from + i) % c->nprocesses];

		if (looks >= 0 && c->paid > now)
			break;
		if (p->pid)
			look_and_pay(c, p);
		c->turn = p->vm;
	}
}

static void fill_processes(struct collector *c, int looks)
{
	uint32_t i;

	if (update_processes(c)) {
		out_of_memory(c);
		return;
	}
	look_at_processes(c, looks);
	for (i = 0; i < c->nprocesses; i++)
		if (c->processes[i].pid)
			process_fill(&c->processes[i], &c->sample->vms[i]);
}

static void stamp(struct tel_sample *s)
{
	s->time = clock_ns(CLOCK_REALTIME) / 1000000;
	s->clock = clock_ns(CLOCK_MONOTONIC);
}

static int ask_all(struct collector *c)
{
	int err = family_do(c->family, VITRINE_CMD_HOST_GET, NULL, 0, take_host, c);

	if (!err)
		err = family_dump(c->family, VITRINE_CMD_VM_GET, NULL, 0, take_vm, c);
	if (!c->sample || err)
		return err;
	sample_sort(c->sample);
	stamp(c->sample);
	c->vm = c->vcpu = 0;
	err = family_dump(c->family, VITRINE_CMD_VCPU_GET, NULL, 0, take_vcpu, c);
	if (!err)
		err = family_dump(c->family, VITRINE_CMD_EXIT_STATS_GET, NULL, 0, take_exit, c);
	if (!err)
		err = family_events(c->events, take_event, c);
	return err;
}

/**
 * collect_sample() - everything, now
 * @c: the collector
 * @looks: how many VMs' processes are asked for what is dear, in turn from sample to sample; -1: all
 * @error: filled with what went wrong
 * @room: bytes in @error
 *
 * Return: the sample, or NULL.
 */
struct tel_sample *collect_sample(struct collector *c, int looks, char *error, size_t room)
{
	struct tel_sample *s;
	int err;

	c->sample = sample_new();
	err = c->sample ? ask_all(c) : -ENOMEM;
	if (!err && c->sample)
		fill_processes(c, looks);
	if (!err && !c->sample)
		err = -ENOMEM;
	if (err) {
		out_of_memory(c);
		snprintf(error, room, "the module does not answer: %s", strerror(-err));
	}
	s = c->sample;
	c->sample = NULL;
	return s;
}

/**
 * collect_open() - connect to the module
 * @t: filled if that fails
 *
 * Return: the collector, or NULL.
 */
struct collector *collect_open(struct family_trouble *t)
{
	struct collector *c = calloc(1, sizeof(*c));
	int err = c ? 0 : -ENOMEM;

	if (c) {
		c->family = family_open(t);
		c->events = c->family ? family_open(t) : NULL;
		err = c->events ? family_watch(c->events) : 0;
	}
	if (err)
		*t = (struct family_trouble){ strerror(-err), "see `vmctl doctor`" };
	if (c && c->events && !err)
		return c;
	if (c)
		collect_close(c);
	return NULL;
}

/**
 * collect_close() - end it
 * @c: the collector
 */
void collect_close(struct collector *c)
{
	if (c->family)
		family_close(c->family);
	if (c->events)
		family_close(c->events);
	free(c->processes);
	free(c);
}

/**
 * collect_family() - for requests between samples
 * @c: the collector
 *
 * Return: its connection.
 */
struct family *collect_family(struct collector *c)
{
	return c->family;
}
