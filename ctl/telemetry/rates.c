// SPDX-License-Identifier: GPL-2.0-only
/*
 * rates.c - from two samples to what happened in between.
 *
 * What the older sample does not have began at zero when its VM was created; without an older sample, rates are
 * those of the VMs' whole lives. A counter that went back began anew.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/sample.h"

#define INTERVAL_MIN	0.001	/* seconds; whatever clocks say */

/**
 * struct interval - a VM between two samples
 * @old: the older sample, or NULL
 * @new: the newer one
 * @was: the VM in the older one, or NULL
 * @seconds: that passed, or since its creation
 */
struct interval {
	const struct tel_sample *old, *new;
	const struct tel_vm *was;
	double seconds;
};

static struct interval interval_of(const struct tel_sample *old, const struct tel_sample *new,
				   const struct tel_vm *vm)
{
	struct interval i = { .old = old, .new = new, .was = sample_find(old, vm->id) };

	if (i.was)
		i.seconds = (double)(int64_t)(new->clock - old->clock) / 1e9;
	else
		i.seconds = (new->time - vm->created) / 1e3;
	if (!(i.seconds >= INTERVAL_MIN))
		i.seconds = INTERVAL_MIN;
	return i;
}

static uint64_t since(uint64_t old, uint64_t new)
{
	return new >= old ? new - old : new;
}

/* Cycles in the interval as percent of one CPU. A sleep is counted when it ends: it may be longer than that. */
static double percent(const struct interval *i, uint64_t cycles)
{
	double p = i->new->khz ? cycles / (i->new->khz * 1000.0 * i->seconds) * 100 : 0;

	return p < 100 ? p : 100;
}

/* vCPUs and exits mostly stand where they stood in the sample before. */
static const struct tel_vcpu *find_vcpu(const struct tel_vm *vm, const struct tel_vm *now, const struct tel_vcpu *v)
{
	uint32_t i = v - now->vcpus;

	if (!vm)
		return NULL;
	if (i < vm->nvcpus && vm->vcpus[i].id == v->id)
		return &vm->vcpus[i];
	for (i = 0; i < vm->nvcpus; i++)
		if (vm->vcpus[i].id == v->id)
			return &vm->vcpus[i];
	return NULL;
}

static bool is_reason(const struct interval *in, const struct tel_exit *old, const struct tel_exit *new)
{
	return !strcmp(in->old->reasons[old->reason], in->new->reasons[new->reason]);
}

static const struct tel_exit *find_exit(const struct interval *in, const struct tel_vcpu *was,
					const struct tel_vcpu *is, const struct tel_exit *e)
{
	uint32_t i = e - is->exits;

	if (!was)
		return NULL;
	if (i < was->nexits && is_reason(in, &was->exits[i], e))
		return &was->exits[i];
	for (i = 0; i < was->nexits; i++)
		if (is_reason(in, &was->exits[i], e))
			return &was->exits[i];
	return NULL;
}

static void add_exits(const struct interval *in, const struct tel_vm *vm, const struct tel_vcpu *v,
		      struct tel_exit_row *rows)
{
	const struct tel_vcpu *was = find_vcpu(in->was, vm, v);
	uint32_t i, b;

	for (i = 0; i < v->nexits; i++) {
		const struct tel_exit *e = &v->exits[i], *o = find_exit(in, was, v, e);
		struct tel_exit_row *row = &rows[e->reason];

		row->count += since(o ? o->count : 0, e->count);
		row->cycles += since(o ? o->cycles : 0, e->cycles);
		for (b = 0; b < TEL_BUCKETS; b++)
			row->hist[b] += since(o ? o->hist[b] : 0, e->hist[b]);
	}
}

/**
 * rates_quantile() - a time that a share of the exits did not exceed
 * @hist: their histogram
 * @q: the share, 0 to 1
 * @khz: TSC cycles in a millisecond
 *
 * Return: nanoseconds: the upper end of the bucket it lies in; 0 for no exits.
 */
double rates_quantile(const uint64_t *hist, double q, uint64_t khz)
{
	double count = 0, seen = 0;
	int b;

	for (b = 0; b < TEL_BUCKETS; b++)
		count += hist[b];
	for (b = 0; b < TEL_BUCKETS && count > 0 && khz; b++) {
		seen += hist[b];
		if (seen > 0 && seen >= count * q)
			return ldexp(1, b) / khz * 1e6;
	}
	return 0;
}

static int by_cycles(const void *a, const void *b)
{
	const struct tel_exit_row *x = a, *y = b;

	if (x->cycles != y->cycles)
		return x->cycles < y->cycles ? 1 : -1;
	return x->reason < y->reason ? -1 : x->reason > y->reason;
}

static void finish_exit(struct tel_exit_row *e, double seconds, double total, uint64_t khz)
{
	e->rate = e->count / seconds;
	e->mean = khz ? e->cycles * 1e6 / khz / e->count : 0;
	e->p99 = rates_quantile(e->hist, 0.99, khz);
	e->share = total > 0 ? e->cycles / total * 100 : 0;
}

/**
 * rates_of_exits() - the exits of a VM by reason
 * @old: the older sample, or NULL
 * @new: the newer one
 * @vm: of the newer one
 * @vcpu: id of the vCPU that counts, or -1 for all
 * @rows: filled, what took the most time first
 * @room: number of @rows; reasons beyond it are left out
 *
 * Return: how many were filled: those that occurred.
 */
uint32_t rates_of_exits(const struct tel_sample *old, const struct tel_sample *new, const struct tel_vm *vm,
			int64_t vcpu, struct tel_exit_row *rows, uint32_t room)
{
	struct tel_exit_row *all = calloc(new->nreasons ? new->nreasons : 1, sizeof(*all));
	struct interval in = interval_of(old, new, vm);
	double total = 0;
	uint32_t i, n = 0;

	if (!all)
		return 0;
	for (i = 0; i < vm->nvcpus; i++)
		if (vcpu < 0 || vm->vcpus[i].id == vcpu)
			add_exits(&in, vm, &vm->vcpus[i], all);
	for (i = 0; i < new->nreasons; i++) {
		all[i].reason = i;
		total += all[i].cycles;
	}
	qsort(all, new->nreasons, sizeof(*all), by_cycles);
	for (i = 0; i < new->nreasons && n < room; i++) {
		if (!all[i].count)
			continue;
		finish_exit(&all[i], in.seconds, total, new->khz);
		rows[n++] = all[i];
	}
	free(all);
	return n;
}

/* Counts of @v's exits in the interval, added to those by reason, if the caller has them. */
static uint64_t count_exits(const struct interval *in, const struct tel_vcpu *was, const struct tel_vcpu *v,
			    uint64_t *by_reason)
{
	uint64_t n, sum = 0;
	uint32_t i;

	for (i = 0; i < v->nexits; i++) {
		const struct tel_exit *o = find_exit(in, was, v, &v->exits[i]);

		n = since(o ? o->count : 0, v->exits[i].count);
		sum += n;
		by_reason[v->exits[i].reason] += n;
	}
	return sum;
}

static int most(const uint64_t *by_reason, uint32_t n)
{
	uint64_t best = 0;
	int reason = -1;
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (by_reason[i] <= best)
			continue;
		best = by_reason[i];
		reason = i;
	}
	return reason;
}

static void fill_vcpu(const struct interval *in, const struct tel_vm *vm, const struct tel_vcpu *v,
		      uint64_t *by_reason, struct tel_vcpu_row *row)
{
	const struct tel_vcpu none = { 0 }, *was = find_vcpu(in->was, vm, v);
	uint64_t host, idle;

	*row = (struct tel_vcpu_row){ .vcpu = v, .reason = -1 };
	row->exits = count_exits(in, was, v, by_reason) / in->seconds;
	was = was ? was : &none;
	host = since(was->host, v->host);
	idle = since(was->halt, v->halt) + since(was->user, v->user) + since(was->pause, v->pause);
	row->guest = percent(in, since(was->guest, v->guest));
	row->host = percent(in, host > idle ? host - idle : 0);
	row->halt = percent(in, since(was->halt, v->halt));
	row->user = percent(in, since(was->user, v->user));
	/* The kernel's and the sample's clock are read one after the other. */
	row->steal = fmin(since(was->steal_ns, v->steal_ns) / (in->seconds * 1e9) * 100, 100);
	row->user_exits = since(was->user_exits, v->user_exits) / in->seconds;
	row->injected = since(was->injected, v->injected) / in->seconds;
	row->faults = since(was->faults, v->faults) / in->seconds;
	row->dirty = since(was->dirty, v->dirty) / in->seconds;
	row->flushes = since(was->flushes, v->flushes) / in->seconds;
}

/**
 * rates_of_vcpu() - a vCPU's line
 * @old: the older sample, or NULL
 * @new: the newer one
 * @vm: of the newer one
 * @v: of @vm
 * @row: filled
 */
void rates_of_vcpu(const struct tel_sample *old, const struct tel_sample *new, const struct tel_vm *vm,
		   const struct tel_vcpu *v, struct tel_vcpu_row *row)
{
	uint64_t *by_reason = calloc(new->nreasons ? new->nreasons : 1, sizeof(*by_reason));
	struct interval in = interval_of(old, new, vm);

	*row = (struct tel_vcpu_row){ .vcpu = v, .reason = -1 };
	if (!by_reason)
		return;
	fill_vcpu(&in, vm, v, by_reason, row);
	row->reason = most(by_reason, new->nreasons);
	free(by_reason);
}

/* What its process did with files and networks: without an older sample it is not known when. */
static void fill_io(const struct interval *in, const struct tel_vm *vm, struct tel_row *row)
{
	const struct tel_vm *was = in->was ? in->was : vm;

	row->disk_read = since(was->disk_read, vm->disk_read) / in->seconds;
	row->disk_write = since(was->disk_write, vm->disk_write) / in->seconds;
	row->net_receive = since(was->net_receive, vm->net_receive) / in->seconds;
	row->net_send = since(was->net_send, vm->net_send) / in->seconds;
}

/**
 * rates_of_vm() - a VM's line
 * @old: the older sample, or NULL
 * @new: the newer one
 * @vm: of the newer one
 * @row: filled
 */
void rates_of_vm(const struct tel_sample *old, const struct tel_sample *new, const struct tel_vm *vm,
		 struct tel_row *row)
{
	uint64_t *by_reason = calloc(new->nreasons ? new->nreasons : 1, sizeof(*by_reason));
	struct interval in = interval_of(old, new, vm);
	struct tel_vcpu_row v;
	uint32_t i;

	*row = (struct tel_row){ .vm = vm, .age = (new->time - vm->created) / 1000, .reason = -1 };
	for (i = 0; by_reason && i < vm->nvcpus; i++) {
		fill_vcpu(&in, vm, &vm->vcpus[i], by_reason, &v);
		row->guest += v.guest;
		row->host += v.host;
		row->exits += v.exits;
	}
	row->cpu = row->guest + row->host;
	row->reason = by_reason ? most(by_reason, new->nreasons) : -1;
	free(by_reason);
	fill_io(&in, vm, row);
}
