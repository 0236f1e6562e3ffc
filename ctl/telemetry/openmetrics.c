// SPDX-License-Identifier: GPL-2.0-only
/*
 * openmetrics.c - a sample as OpenMetrics text. Source: the OpenMetrics specification 1.0, "Text format".
 *
 * VMs are labelled by number and name: numbers are never used twice, names are for people. The exits' histograms
 * have the same bounds in each VM and at any time, as who adds them up wants it.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "compiler.h"
#include "telemetry/openmetrics.h"

/* Bounds of the histograms: 2^FIRST cycles, then four times as much each. */
#define BOUND_FIRST	8
#define BOUND_STEP	2
#define BOUND_LAST	36

struct number {
	const char *name, *type, *unit, *help;
	size_t offset;
};

#define VM(member)	offsetof(struct tel_vm, member)
#define VCPU(member)	offsetof(struct tel_vcpu, member)

static const struct number vm_numbers[] = {
	{ "vitrine_vm_memory_bytes", "gauge", "bytes", "Memory the guest has.", VM(memory) },
	{ "vitrine_vm_page_table_bytes", "gauge", "bytes", "Nested page tables.", VM(tables) },
	{ "vitrine_vm_resident_bytes", "gauge", "bytes", "The process's pages in memory.", VM(resident) },
	{ "vitrine_vm_shared_bytes", "gauge", "bytes", "Of those, pages other processes have too.", VM(shared) },
	{ "vitrine_vm_disk_read_bytes", "counter", "bytes", "The process had from disks.", VM(disk_read) },
	{ "vitrine_vm_disk_written_bytes", "counter", "bytes", "The process gave to disks.", VM(disk_write) },
	{ "vitrine_vm_tap_received_bytes", "counter", "bytes", "The guest received by tap interfaces.",
	  VM(net_receive) },
	{ "vitrine_vm_tap_sent_bytes", "counter", "bytes", "The guest sent by tap interfaces.", VM(net_send) },
};

static const struct number vcpu_numbers[] = {
	{ "vitrine_vcpu_user_exits", "counter", NULL, "Exits to user space.", VCPU(user_exits) },
	{ "vitrine_vcpu_injected_events", "counter", NULL, "Interrupts and exceptions given to the guest.",
	  VCPU(injected) },
	{ "vitrine_vcpu_nested_faults", "counter", NULL, "Nested page faults that mapped memory.", VCPU(faults) },
	{ "vitrine_vcpu_dirty_pages", "counter", NULL, "Pages entered in the dirty log.", VCPU(dirty) },
	{ "vitrine_vcpu_tlb_flushes", "counter", NULL, "Flushes of the TLB.", VCPU(flushes) },
};

/* In cycles; shown in seconds. */
static const struct number vcpu_times[] = {
	{ "vitrine_vcpu_guest_seconds", "counter", "seconds", "In the guest.", VCPU(guest) },
	{ "vitrine_vcpu_outside_seconds", "counter", "seconds",
	  "From exits to the next entries; halted, user and paused time are of it.", VCPU(host) },
	{ "vitrine_vcpu_halted_seconds", "counter", "seconds", "Asleep in HLT.", VCPU(halt) },
	{ "vitrine_vcpu_user_seconds", "counter", "seconds", "Outside of KVM_RUN.", VCPU(user) },
	{ "vitrine_vcpu_paused_seconds", "counter", "seconds", "Held by a pause.", VCPU(pause) },
};

static uint64_t value_of(const void *object, size_t offset)
{
	uint64_t v;

	memcpy(&v, (const char *)object + offset, sizeof(v));
	return v;
}

static double in_seconds(const struct tel_sample *s, double cycles)
{
	return s->khz ? cycles / (s->khz * 1000.0) : 0;
}

/**
 * struct text - where metrics go
 * @f: the file
 * @prometheus: in Prometheus's text format, which is the older one: it has fewer types, no units, and gives counters
 *	and infos the names of their samples
 */
struct text {
	FILE *f;
	bool prometheus;
};

static void head(const struct text *t, const char *name, const char *type, const char *unit, const char *help)
{
	const char *suffix = "";

	if (t->prometheus) {
		suffix = !strcmp(type, "counter") ? "_total" : !strcmp(type, "info") ? "_info" : "";
		type = !strcmp(type, "info") || !strcmp(type, "stateset") ? "gauge" : type;
	}
	fprintf(t->f, "# TYPE %s%s %s\n", name, suffix, type);
	if (unit && !t->prometheus)
		fprintf(t->f, "# UNIT %s %s\n", name, unit);
	fprintf(t->f, "# HELP %s%s %s\n", name, suffix, help);
}

/* A label's value: printable ASCII that may have what ends it. */
static void quoted(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		putc(*s, f);
	}
	putc('"', f);
}

static void label(FILE *f, const struct tel_vm *vm)
{
	fprintf(f, "{vm=\"%" PRIu64 "\",name=", vm->id);
	quoted(f, vm->name);
}

static const char *suffix(const struct number *n)
{
	return strcmp(n->type, "counter") ? "" : "_total";
}

static void write_infos(const struct text *t, const struct tel_sample *s)
{
	FILE *f = t->f;
	uint32_t i;

	head(t, "vitrine_vm", "info", NULL, "A VM on the module.");
	for (i = 0; i < s->nvms; i++) {
		fputs("vitrine_vm_info", f);
		label(f, &s->vms[i]);
		fputs(",owner=", f);
		quoted(f, s->vms[i].owner);
		fprintf(f, ",pid=\"%d\",parent=\"%" PRIu64 "\"} 1\n", (int)s->vms[i].pid, s->vms[i].parent);
	}
}

static void write_states(const struct text *t, const struct tel_sample *s)
{
	FILE *f = t->f;
	static const char *const states[] = { "created", "running", "paused", "failed" };
	uint32_t i;
	size_t k;

	head(t, "vitrine_vm_state", "stateset", NULL, "What it does.");
	for (i = 0; i < s->nvms; i++) {
		for (k = 0; k < ARRAY_SIZE(states); k++) {
			fputs("vitrine_vm_state", f);
			label(f, &s->vms[i]);
			fprintf(f, ",vitrine_vm_state=\"%s\"} %d\n", states[k], !strcmp(s->vms[i].state, states[k]));
		}
	}
	head(t, "vitrine_vm_created_seconds", "gauge", "seconds", "When it was created, since 1970.");
	for (i = 0; i < s->nvms; i++) {
		fputs("vitrine_vm_created_seconds", f);
		label(f, &s->vms[i]);
		fprintf(f, "} %.3f\n", s->vms[i].created / 1e3);
	}
}

static void write_vm_number(const struct text *t, const struct tel_sample *s, const struct number *n)
{
	FILE *f = t->f;
	uint32_t i;

	head(t, n->name, n->type, n->unit, n->help);
	for (i = 0; i < s->nvms; i++) {
		fprintf(f, "%s%s", n->name, suffix(n));
		label(f, &s->vms[i]);
		fprintf(f, "} %" PRIu64 "\n", value_of(&s->vms[i], n->offset));
	}
}

static void write_vcpu_number(const struct text *t, const struct tel_sample *s, const struct number *n, bool cycles)
{
	FILE *f = t->f;
	uint32_t i, k;

	head(t, n->name, n->type, n->unit, n->help);
	for (i = 0; i < s->nvms; i++) {
		for (k = 0; k < s->vms[i].nvcpus; k++) {
			const struct tel_vcpu *v = &s->vms[i].vcpus[k];

			fprintf(f, "%s%s", n->name, suffix(n));
			label(f, &s->vms[i]);
			if (cycles)
				fprintf(f, ",vcpu=\"%u\"} %.6f\n", v->id, in_seconds(s, value_of(v, n->offset)));
			else
				fprintf(f, ",vcpu=\"%u\"} %" PRIu64 "\n", v->id, value_of(v, n->offset));
		}
	}
}

static void write_steal(const struct text *t, const struct tel_sample *s)
{
	FILE *f = t->f;
	uint32_t i, k;

	head(t, "vitrine_vcpu_steal_seconds", "counter", "seconds", "Ready to run, without a host CPU.");
	for (i = 0; i < s->nvms; i++) {
		for (k = 0; k < s->vms[i].nvcpus; k++) {
			fputs("vitrine_vcpu_steal_seconds_total", f);
			label(f, &s->vms[i]);
			fprintf(f, ",vcpu=\"%u\"} %.6f\n", s->vms[i].vcpus[k].id, s->vms[i].vcpus[k].steal_ns / 1e9);
		}
	}
}

/* A reason's exits of all the VM's vCPUs. */
static void sum_exits(const struct tel_vm *vm, uint32_t reason, struct tel_exit *sum)
{
	uint32_t i, k;
	int b;

	*sum = (struct tel_exit){ .reason = reason };
	for (i = 0; i < vm->nvcpus; i++) {
		for (k = 0; k < vm->vcpus[i].nexits; k++) {
			const struct tel_exit *e = &vm->vcpus[i].exits[k];

			if (e->reason != reason)
				continue;
			sum->count += e->count;
			sum->cycles += e->cycles;
			for (b = 0; b < TEL_BUCKETS; b++)
				sum->hist[b] += e->hist[b];
		}
	}
}

static void exit_line(FILE *f, const struct tel_sample *s, const struct tel_vm *vm, const char *what,
		      const struct tel_exit *e)
{
	fprintf(f, "vitrine_exit_seconds_%s", what);
	label(f, vm);
	fputs(",reason=", f);
	quoted(f, s->reasons[e->reason]);
}

/* Its count is that of the histogram: the two are read at different moments, and have to agree. */
static void write_exit(FILE *f, const struct tel_sample *s, const struct tel_vm *vm, const struct tel_exit *e)
{
	uint64_t n = 0;
	int b, bound;

	for (b = 0, bound = BOUND_FIRST; bound <= BOUND_LAST; bound += BOUND_STEP) {
		for (; b <= bound; b++)
			n += e->hist[b];
		exit_line(f, s, vm, "bucket", e);
		fprintf(f, ",le=\"%.9g\"} %" PRIu64 "\n", in_seconds(s, ldexp(1, bound)), n);
	}
	for (; b < TEL_BUCKETS; b++)
		n += e->hist[b];
	exit_line(f, s, vm, "bucket", e);
	fprintf(f, ",le=\"+Inf\"} %" PRIu64 "\n", n);
	exit_line(f, s, vm, "count", e);
	fprintf(f, "} %" PRIu64 "\n", n);
	exit_line(f, s, vm, "sum", e);
	fprintf(f, "} %.9f\n", in_seconds(s, e->cycles));
}

static void write_exits(const struct text *t, const struct tel_sample *s)
{
	FILE *f = t->f;
	struct tel_exit sum;
	uint32_t i, k;

	head(t, "vitrine_exit_seconds", "histogram", "seconds", "From exits to the guest's next entries, by reason.");
	for (i = 0; i < s->nvms; i++) {
		for (k = 0; k < s->nreasons; k++) {
			sum_exits(&s->vms[i], k, &sum);
			if (sum.count)
				write_exit(f, s, &s->vms[i], &sum);
		}
	}
}

/**
 * openmetrics_write() - a sample as OpenMetrics text
 * @f: where to; ferror() tells whether it could be written
 * @s: the sample
 * @prometheus: in Prometheus's text format 0.0.4 instead
 */
void openmetrics_write(FILE *f, const struct tel_sample *s, bool prometheus)
{
	const struct text t = { f, prometheus };
	size_t i;

	head(&t, "vitrine_host_cpus", "gauge", NULL, "CPUs of the host.");
	fprintf(f, "vitrine_host_cpus %u\n", s->cpus);
	write_infos(&t, s);
	write_states(&t, s);
	for (i = 0; i < ARRAY_SIZE(vm_numbers); i++)
		write_vm_number(&t, s, &vm_numbers[i]);
	for (i = 0; i < ARRAY_SIZE(vcpu_times); i++)
		write_vcpu_number(&t, s, &vcpu_times[i], true);
	for (i = 0; i < ARRAY_SIZE(vcpu_numbers); i++)
		write_vcpu_number(&t, s, &vcpu_numbers[i], false);
	write_steal(&t, s);
	write_exits(&t, s);
	if (!prometheus)
		fputs("# EOF\n", f);
}
