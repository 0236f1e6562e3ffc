// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats.c - vmctl stats: where a VM's time goes, by vCPU and by exit; of its whole life or of an interval.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "compiler.h"
#include "seen.h"
#include "telemetry/collect.h"
#include "telemetry/figures.h"

#define REASONS_MAX	256

static double seconds;
static int64_t vcpu = -1;

static const struct argp_option options[] = {
	{ "for", 'f', "SECONDS", 0, "What happens from now on, for so long (0.01 to 3600)", 0 },
	{ "vcpu", 'c', "N", 0, "The exits of this vCPU alone", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	uint64_t n;
	char *end;

	(void)state;
	switch (key) {
	case 'f':
		seconds = strtod(arg, &end);
		end += *end == 's';
		/* Written so that what is no number fails. */
		if (end == arg || *end || !(seconds >= 0.01 && seconds <= 3600))
			return vmctl_bad_value(arg, "--for takes 0.01 to 3600 seconds");
		return 0;
	case 'c':
		if (!text_to_uint(arg, 0, UINT32_MAX, &n))
			return vmctl_bad_value(arg, "--vcpu takes a vCPU's number");
		vcpu = n;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "VM",
	.doc = "Shows where a VM's time goes: each vCPU's, and each reason to leave the guest with its count, rate, mean "
	       "and 99th percentile of the time until the guest goes on, and share of that time. The VM is one of any "
	       "program on the module, by its name, or by # and its number.\v"
	       "Examples:\n"
	       "  vmctl stats web\n"
	       "  vmctl stats --for 5s --vcpu 0 web\n"
	       "  vmctl stats --format json '#7'",
};

const struct vmctl_args vmctl_stats_args = { .argp = &argp, .reads = true, .no_store = true, .min = 1, .max = 1 };

static const struct output_column columns[] = {
	{ "reason", "EXIT", OUTPUT_TEXT },
	{ "count", "COUNT", OUTPUT_TEXT },
	{ "rate_text", "PER SECOND", OUTPUT_TEXT },
	{ "mean_text", "MEAN", OUTPUT_TEXT },
	{ "p99_text", "P99", OUTPUT_TEXT },
	{ "share_text", "SHARE %", OUTPUT_TEXT },
};

static json_t *real(double v)
{
	return json_real(round(v * 1000) / 1000);
}

static json_t *histogram_of(const struct tel_exit_row *r)
{
	json_t *h = json_object();
	char bucket[12];
	int i;

	for (i = 0; i < TEL_BUCKETS; i++) {
		if (!r->hist[i])
			continue;
		snprintf(bucket, sizeof(bucket), "%d", i);
		json_object_set_new(h, bucket, json_integer(r->hist[i]));
	}
	return h;
}

static void add_texts(json_t *o, const struct tel_exit_row *r)
{
	char s[32];

	figure_count(r->rate, s, sizeof(s));
	json_object_set_new(o, "rate_text", json_string(s));
	figure_time(r->mean, s, sizeof(s));
	json_object_set_new(o, "mean_text", json_string(s));
	figure_time(r->p99, s, sizeof(s));
	json_object_set_new(o, "p99_text", json_string(s));
	snprintf(s, sizeof(s), "%.2f", r->share);
	json_object_set_new(o, "share_text", json_string(s));
}

static json_t *exits_of(const struct tel_sample *old, const struct tel_sample *new, const struct tel_vm *vm,
			enum vmctl_format format)
{
	static struct tel_exit_row rows[REASONS_MAX];
	uint32_t i, n = rates_of_exits(old, new, vm, vcpu, rows, REASONS_MAX);
	json_t *list = json_array(), *o;

	for (i = 0; i < n; i++) {
		const struct tel_exit_row *r = &rows[i];

		o = json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "reason", new->reasons[r->reason],
			      "count", (json_int_t)r->count, "cycles", (json_int_t)r->cycles, "rate",
			      real(r->rate), "mean_ns", real(r->mean), "p99_ns", real(r->p99), "share",
			      real(r->share), "histogram", histogram_of(r));
		if (format == VMCTL_TABLE)
			add_texts(o, r);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *vcpu_of(const struct tel_vcpu_row *r)
{
	const struct {
		const char *key;
		double value;
	} reals[] = {
		{ "guest", r->guest }, { "host", r->host }, { "halt", r->halt }, { "user", r->user },
		{ "steal", r->steal }, { "exits", r->exits }, { "user_exits", r->user_exits },
		{ "injected", r->injected }, { "faults", r->faults }, { "dirty", r->dirty },
		{ "tlb_flushes", r->flushes },
	};
	json_t *o = json_pack("{s:I, s:s, s:i}", "id", (json_int_t)r->vcpu->id, "state", r->vcpu->state, "cpu",
			      (int)r->vcpu->cpu);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reals); i++)
		json_object_set_new(o, reals[i].key, real(reals[i].value));
	return o;
}

static int print_json(const struct tel_sample *old, const struct tel_sample *new, const struct tel_vm *vm,
		      const struct tel_row *row)
{
	json_t *vcpus = json_array(), *o;
	struct tel_vcpu_row v;
	uint32_t i;

	for (i = 0; i < vm->nvcpus; i++) {
		rates_of_vcpu(old, new, vm, &vm->vcpus[i], &v);
		json_array_append_new(vcpus, vcpu_of(&v));
	}
	o = json_pack("{s:I, s:s, s:s, s:s, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}",
		      "id", (json_int_t)vm->id, "name", vm->name, "owner", vm->owner, "state", vm->state,
		      "parent", (json_int_t)vm->parent, "pid", (int)vm->pid, "age", (json_int_t)row->age,
		      "memory", (json_int_t)vm->memory, "page_tables", (json_int_t)vm->tables, "resident",
		      (json_int_t)vm->resident, "shared", (json_int_t)vm->shared, "guest", real(row->guest),
		      "host", real(row->host), "exits_per_second", real(row->exits), "vcpus", vcpus, "exits",
		      exits_of(old, new, vm, VMCTL_JSON));
	return output_object(VMCTL_JSON, NULL, 0, o);
}

static void print_head(const struct tel_vm *vm, const struct tel_row *row, bool whole_life)
{
	char age[16], memory[16], resident[16], exits[16];

	figure_age(row->age, age, sizeof(age));
	figure_bytes(vm->memory, memory, sizeof(memory));
	figure_bytes(vm->resident, resident, sizeof(resident));
	figure_count(row->exits, exits, sizeof(exits));
	printf("%s (#%llu): %s, process %d of %s, %s old, memory %s, %s resident\n", vm->name,
	       (unsigned long long)vm->id, vm->state, (int)vm->pid, vm->owner, age, memory, resident);
	printf("%s: guest %.1f %%, host %.1f %% of a CPU, %s exits a second\n\n",
	       whole_life ? "since it was created" : "in the interval", row->guest, row->host, exits);
}

static void print_vcpus(const struct tel_sample *old, const struct tel_sample *new, const struct tel_vm *vm)
{
	char exits[16], user[16], injected[16], faults[16];
	struct tel_vcpu_row r;
	uint32_t i;

	printf("VCPU  STATE   CPU  GUEST%%   HOST%%   HALT%%   USER%%  STEAL%%  EXIT/S  USER/S   INJ/S   FLT/S\n");
	for (i = 0; i < vm->nvcpus; i++) {
		rates_of_vcpu(old, new, vm, &vm->vcpus[i], &r);
		figure_count(r.exits, exits, sizeof(exits));
		figure_count(r.user_exits, user, sizeof(user));
		figure_count(r.injected, injected, sizeof(injected));
		figure_count(r.faults, faults, sizeof(faults));
		printf("%4u  %-6s %4d  %6.1f  %6.1f  %6.1f  %6.1f  %6.1f  %6s  %6s  %6s  %6s\n", r.vcpu->id,
		       r.vcpu->state, (int)r.vcpu->cpu, r.guest, r.host, r.halt, r.user, r.steal, exits, user,
		       injected, faults);
	}
	putchar('\n');
}

static bool has_vcpu(const struct tel_vm *vm)
{
	uint32_t i;

	for (i = 0; i < vm->nvcpus; i++)
		if (vm->vcpus[i].id == vcpu)
			return true;
	return vcpu < 0;
}

static int print(const struct vmctl_args *a, const struct tel_sample *old, const struct tel_sample *new)
{
	const struct tel_vm *vm = seen_vm(new, a->names[0]);
	struct tel_row row;

	if (!vm)
		return VMCTL_FAILED;
	if (!has_vcpu(vm))
		return vmctl_error(vm->name, "it has no such vCPU", "`vmctl stats` without --vcpu shows those it has");
	rates_of_vm(old, new, vm, &row);
	if (a->format == VMCTL_JSON)
		return print_json(old, new, vm, &row);
	print_head(vm, &row, !old);
	print_vcpus(old, new, vm);
	return output_rows(VMCTL_TABLE, columns, ARRAY_SIZE(columns), exits_of(old, new, vm, VMCTL_TABLE));
}

static int work(const struct vmctl_args *a, struct collector *c)
{
	struct timespec t = { seconds, fmod(seconds, 1) * 1e9 };
	struct tel_sample *old = NULL, *new;
	int status = VMCTL_FAILED;
	char error[160];

	new = collect_sample(c, -1, error, sizeof(error));
	/* A wrong name is told at once. */
	if (new && seconds > 0 && seen_vm(new, a->names[0])) {
		old = new;
		while (nanosleep(&t, &t) && errno == EINTR)
			;
		new = collect_sample(c, -1, error, sizeof(error));
	} else if (new && seconds > 0) {
		sample_free(new);
		return VMCTL_FAILED;
	}
	if (new)
		status = print(a, old, new);
	else
		vmctl_error("/dev/vitrine", error, "see `vmctl doctor`");
	sample_free(old);
	sample_free(new);
	return status;
}

int vmctl_stats(int argc, char **argv)
{
	struct vmctl_args a = vmctl_stats_args;
	struct family_trouble t;
	struct collector *c;
	int status;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	c = collect_open(&t);
	if (!c)
		return vmctl_error("/dev/vitrine", t.what, t.remedy);
	status = work(&a, c);
	collect_close(c);
	return status;
}
