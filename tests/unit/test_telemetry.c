// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_telemetry.c - samples and what is made of them: rates, percentiles, numbers in narrow columns, the order of
 * vmtop's rows and the widths of its columns, recordings whole and damaged, OpenMetrics text, exits in the manuals'
 * words, an exit trace's ring.
 */
/* sources: ctl/telemetry/sample.c ctl/telemetry/rates.c ctl/telemetry/figures.c ctl/telemetry/openmetrics.c ctl/telemetry/hw.c ctl/telemetry/ring.c tui/columns.c tui/order.c tui/recording.c */
/* libs: -lm */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "order.h"
#include "recording.h"
#include "telemetry/figures.h"
#include "telemetry/hw.h"
#include "telemetry/openmetrics.h"
#include "telemetry/ring.h"

#define KHZ	1000000ULL	/* a cycle is a nanosecond */
#define SECOND	1000000000ULL

static void add_exit(struct tel_sample *s, struct tel_vcpu *v, const char *reason, uint64_t count, int bucket)
{
	struct tel_exit *e = sample_add_exit(v);

	e->reason = sample_reason(s, reason);
	e->count = count;
	e->cycles = count * 1000;
	e->hist[bucket] = count;
}

/* One VM of two vCPUs at a moment; its counters are @n seconds' worth. */
static struct tel_sample *sample_at(uint64_t seconds, uint64_t n)
{
	struct tel_sample *s = sample_new();
	struct tel_vm *vm = sample_add_vm(s);
	struct tel_vcpu *v;
	uint32_t i;

	s->khz = KHZ;
	s->clock = seconds * SECOND;
	s->time = seconds * 1000;
	vm->id = 7;
	vm->created = 1000;
	vm->disk_read = n * 500;
	strcpy(vm->name, "web");
	strcpy(vm->state, "running");
	for (i = 0; i < 2; i++) {
		v = sample_add_vcpu(vm);
		v->id = i;
		v->guest = n * SECOND / 4;
		v->host = n * SECOND * 3 / 4;
		v->halt = n * SECOND / 2;
		v->user_exits = n * 10;
		/* Numbers of reasons differ from sample to sample. */
		if (n & 1)
			add_exit(s, v, "cpuid", n * 100, 9);
		add_exit(s, v, "hlt", n * 5, 20);
		if (!(n & 1))
			add_exit(s, v, "cpuid", n * 100, 9);
	}
	return s;
}

START_TEST(interval)
{
	struct tel_sample *old = sample_at(10, 9), *new = sample_at(12, 11);
	struct tel_exit_row exits[8];
	struct tel_vcpu_row v;
	struct tel_row r;

	rates_of_vm(old, new, &new->vms[0], &r);
	ck_assert_double_eq_tol(r.guest, 50, 0.01);
	ck_assert_double_eq_tol(r.host, 50, 0.01);
	ck_assert_double_eq_tol(r.cpu, 100, 0.01);
	ck_assert_double_eq_tol(r.exits, 210, 0.01);
	ck_assert_double_eq_tol(r.disk_read, 500, 0.01);
	ck_assert_int_eq(r.age, 11);
	ck_assert_str_eq(new->reasons[r.reason], "cpuid");
	rates_of_vcpu(old, new, &new->vms[0], &new->vms[0].vcpus[1], &v);
	ck_assert_double_eq_tol(v.halt, 50, 0.01);
	ck_assert_double_eq_tol(v.user_exits, 10, 0.01);
	new->vms[0].vcpus[1].steal_ns = SECOND / 2;
	rates_of_vcpu(old, new, &new->vms[0], &new->vms[0].vcpus[1], &v);
	ck_assert_double_eq_tol(v.steal, 25, 0.01);
	new->vms[0].vcpus[1].steal_ns = 3 * SECOND;
	rates_of_vcpu(old, new, &new->vms[0], &new->vms[0].vcpus[1], &v);
	ck_assert_double_eq_tol(v.steal, 100, 0.01);
	ck_assert_uint_eq(rates_of_exits(old, new, &new->vms[0], -1, exits, 8), 2);
	ck_assert_str_eq(new->reasons[exits[0].reason], "cpuid");
	ck_assert_double_eq_tol(exits[0].rate, 200, 0.01);
	ck_assert_double_eq_tol(exits[0].mean, 1000, 0.01);
	ck_assert_double_eq_tol(exits[0].share, 400 / 4.2, 0.01);
	ck_assert_uint_eq(exits[0].hist[9], 400);
	ck_assert_uint_eq(rates_of_exits(old, new, &new->vms[0], 1, exits, 8), 2);
	ck_assert_double_eq_tol(exits[0].rate, 100, 0.01);
	ck_assert_uint_eq(rates_of_exits(old, new, &new->vms[0], 5, exits, 8), 0);
	ck_assert_uint_eq(rates_of_exits(old, new, &new->vms[0], -1, exits, 1), 1);
	sample_free(old);
	sample_free(new);
}
END_TEST

START_TEST(reasons_renumbered)
{
	struct tel_sample *old = sample_at(10, 10), *new = sample_at(11, 11);
	struct tel_exit_row exits[8];

	ck_assert_str_ne(old->reasons[0], new->reasons[0]);
	ck_assert_uint_eq(rates_of_exits(old, new, &new->vms[0], 0, exits, 8), 2);
	ck_assert_uint_eq(exits[0].count, 100);
	ck_assert_uint_eq(exits[1].count, 5);
	sample_free(old);
	sample_free(new);
}
END_TEST

START_TEST(whole_life)
{
	struct tel_sample *new = sample_at(11, 10);
	struct tel_row r;

	/* It is ten seconds old. */
	rates_of_vm(NULL, new, &new->vms[0], &r);
	ck_assert_double_eq_tol(r.exits, 210, 0.01);
	ck_assert_double_eq_tol(r.guest, 50, 0.01);
	ck_assert_double_eq_tol(r.disk_read, 0, 0.01);
	sample_free(new);
}
END_TEST

START_TEST(counters_that_went_back)
{
	struct tel_sample *old = sample_at(10, 100), *new = sample_at(11, 1);
	struct tel_row r;

	rates_of_vm(old, new, &new->vms[0], &r);
	ck_assert_double_eq_tol(r.exits, 210, 0.01);
	/* A clock that stands still, or goes back, makes no endless rate. */
	new->clock = 0;
	rates_of_vm(old, new, &new->vms[0], &r);
	ck_assert_double_le(r.guest, 200);
	ck_assert_double_ge(r.guest, 0);
	new->khz = 0;
	rates_of_vm(old, new, &new->vms[0], &r);
	ck_assert_double_eq(r.guest, 0);
	sample_free(old);
	sample_free(new);
}
END_TEST

START_TEST(quantile)
{
	uint64_t hist[TEL_BUCKETS] = { 0 };

	ck_assert_double_eq(rates_quantile(hist, 0.99, KHZ), 0);
	hist[4] = 99;
	hist[30] = 1;
	ck_assert_double_eq_tol(rates_quantile(hist, 0.99, KHZ), 16, 0.01);
	ck_assert_double_eq_tol(rates_quantile(hist, 0.995, KHZ), 1 << 30, 1);
	hist[4] = 0;
	hist[30] = 0;
	hist[64] = UINT64_MAX;
	hist[63] = UINT64_MAX;
	ck_assert_double_gt(rates_quantile(hist, 0.99, KHZ), 1e19);
	ck_assert_double_eq(rates_quantile(hist, 0.99, 0), 0);
}
END_TEST

START_TEST(narrow_numbers)
{
	static const double values[] = { 0, 0.04, 1, 9.94, 9.95, 999.4, 999.5, 1023, 1048575, 1e6, 1e12, 1e18, 2e22 };
	char s[32];
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		figure_count(values[i], s, sizeof(s));
		ck_assert_msg(strlen(s) <= 5 || values[i] > 1e21, "%g: %s", values[i], s);
		figure_bytes(values[i], s, sizeof(s));
		ck_assert_msg(strlen(s) <= 5 || values[i] > 1e21, "%g: %s", values[i], s);
		figure_time(values[i], s, sizeof(s));
		ck_assert_msg(strlen(s) <= 5 || values[i] > 1e12, "%g: %s", values[i], s);
	}
	figure_age(-5, s, sizeof(s));
	ck_assert_str_eq(s, "0s");
	figure_age(5999, s, sizeof(s));
	ck_assert_str_eq(s, "99m");
	figure_age(7260, s, sizeof(s));
	ck_assert_str_eq(s, "2h01");
	strcpy(s, "a\033[2Jb\377");
	figure_clean(s);
	ck_assert_str_eq(s, "a?[2Jb?");
}
END_TEST

static struct tel_sample *family(const uint64_t (*ids)[2], uint32_t n)
{
	struct tel_sample *s = sample_new();
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct tel_vm *vm = sample_add_vm(s);

		vm->id = ids[i][0];
		vm->parent = ids[i][1];
		snprintf(vm->name, sizeof(vm->name), "vm%u", (unsigned int)ids[i][0]);
	}
	return s;
}

/* The rows' ids and depths as text. */
static const char *arranged(const struct tel_sample *s, enum top_key key, bool reverse, bool tree)
{
	static char text[256];
	struct tel_row rows[16] = { 0 };
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < s->nvms; i++)
		rows[i] = (struct tel_row){ .vm = &s->vms[i], .cpu = s->vms[i].id % 3, .reason = -1 };
	order_sort(rows, s->nvms, key, reverse, s);
	if (tree)
		order_tree(rows, s->nvms);
	for (i = 0; i < s->nvms; i++)
		n += snprintf(text + n, sizeof(text) - n, "%s%u/%u", i ? " " : "", (unsigned int)rows[i].vm->id,
			      rows[i].depth);
	return text;
}

START_TEST(order)
{
	static const uint64_t ids[][2] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 1 }, { 5, 99 } };
	struct tel_sample *s = family(ids, 5);

	ck_assert_str_eq(arranged(s, TOP_BY_NAME, false, false), "1/0 2/0 3/0 4/0 5/0");
	ck_assert_str_eq(arranged(s, TOP_BY_NAME, true, false), "5/0 4/0 3/0 2/0 1/0");
	/* Equal ones by their numbers. */
	ck_assert_str_eq(arranged(s, TOP_BY_CPU, false, false), "2/0 5/0 1/0 4/0 3/0");
	ck_assert_str_eq(arranged(s, TOP_BY_NAME, false, true), "1/0 2/1 3/2 4/1 5/0");
	ck_assert_str_eq(arranged(s, TOP_BY_NAME, true, true), "5/0 1/0 4/1 2/1 3/2");
	sample_free(s);
}
END_TEST

static const struct column_shape shapes[] = {
	{ "A", 4, 8, 12, false },
	{ "B", 4, 4, 5, true },
	{ "C", 3, 6, 6, false },
	{ "D", 4, 4, 4, true },
	{ "E", 5, 5, 5, true },
};

/* What the first three need with a mark is 21; all of them at their width need 31. */
START_TEST(columns)
{
	static const struct {
		int room, left, begins, hides;
		int x[5], width[5];
	} screens[] = {
		{ 40, 0, 0, 0, { 0, 13, 19, 26, 31 }, { 12, 5, 6, 4, 5 } },
		{ 31, 0, 0, 0, { 0, 9, 14, 21, 26 }, { 8, 4, 6, 4, 5 } },
		{ 30, 0, 0, 1, { 0, 12, 18, 25, -1 }, { 11, 5, 6, 4, 5 } },
		{ 26, 0, 0, 1, { 0, 9, 14, 21, -1 }, { 8, 4, 6, 4, 5 } },
		{ 25, 0, 0, 2, { 0, 12, 18, -1, -1 }, { 11, 5, 6, 4, 5 } },
		{ 18, 0, 0, 2, { 0, 7, 12, -1, -1 }, { 6, 4, 5, 4, 5 } },
		{ 14, 0, 0, 2, { 0, 5, 10, -1, -1 }, { 4, 4, 3, 4, 5 } },
		{ 13, 0, 0, 3, { 0, 8, -1, -1, -1 }, { 7, 4, 3, 4, 5 } },
		{ 3, 0, 0, 4, { 0, -1, -1, -1, -1 }, { 4, 4, 3, 4, 5 } },
		/* Moved: no further than until the last one is seen. */
		{ 26, 1, 1, 0, { 0, -1, 9, 16, 21 }, { 8, 4, 6, 4, 5 } },
		{ 26, 4, 1, 0, { 0, -1, 9, 16, 21 }, { 8, 4, 6, 4, 5 } },
		{ 31, 4, 0, 0, { 0, 9, 14, 21, 26 }, { 8, 4, 6, 4, 5 } },
		{ 18, 9, 3, 0, { 0, -1, -1, -1, 13 }, { 12, 4, 3, 4, 5 } },
	};
	struct columns_layout l;
	int i;

	columns_lay_out(shapes, 5, 3, screens[_i].room, screens[_i].left, &l);
	ck_assert_int_eq(l.left, screens[_i].begins);
	ck_assert_int_eq(l.hidden, screens[_i].hides);
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(l.x[i], screens[_i].x[i]);
		if (l.x[i] >= 0)
			ck_assert_int_eq(l.width[i], screens[_i].width[i]);
	}
}
END_TEST

/* Nothing is laid over another or beyond the screen, and each column can be brought into sight. */
START_TEST(columns_of_any_width)
{
	struct columns_layout l;
	int wanted, left, i, end;

	for (left = 0; left < 6; left++) {
		for (wanted = 0; wanted < 5; wanted++) {
			columns_lay_out(shapes, 5, 3, _i, columns_reveal(shapes, 5, 3, _i, left, wanted), &l);
			ck_assert(l.x[wanted] >= 0 || _i < 10);
			for (i = 0, end = -1; i < 5; i++) {
				ck_assert(l.x[i] < 0 || (l.x[i] == end + 1 && l.width[i] >= shapes[i].least));
				end = l.x[i] < 0 ? end : l.x[i] + l.width[i];
			}
			ck_assert(end <= _i - (l.hidden > 0) || _i < 10);
		}
	}
}
END_TEST

START_TEST(tree_of_liars)
{
	static const uint64_t ids[][2] = { { 1, 2 }, { 2, 1 }, { 3, 3 }, { 4, 0 } };
	struct tel_sample *s = family(ids, 4);
	const char *text = arranged(s, TOP_BY_NAME, false, true);

	/* Each once, whatever it says of its ancestors. */
	ck_assert_uint_eq(strlen(text), strlen("1/0 2/0 3/0 4/0"));
	ck_assert_ptr_nonnull(strstr(text, "1/"));
	ck_assert_ptr_nonnull(strstr(text, "2/"));
	ck_assert_ptr_nonnull(strstr(text, "3/"));
	ck_assert_ptr_nonnull(strstr(text, "4/"));
	sample_free(s);
}
END_TEST

START_TEST(filter)
{
	struct tel_vm vm = { .name = "db-Primary", .owner = "alice", .state = "running" };

	ck_assert(order_matches(&vm, ""));
	ck_assert(order_matches(&vm, "  "));
	ck_assert(order_matches(&vm, "PRIM ali"));
	ck_assert(order_matches(&vm, "run db"));
	ck_assert(!order_matches(&vm, "db bob"));
}
END_TEST

static char *recorded(const struct tel_sample *s, size_t *n)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, n);

	ck_assert_int_eq(recording_write(f, s), 0);
	fclose(f);
	return text;
}

static struct tel_sample *replayed(const char *text, size_t n, char *error, size_t room)
{
	FILE *f = fmemopen((char *)text, n, "r");
	unsigned int line = 0;
	struct tel_sample *s = recording_read(f, &line, error, room);

	fclose(f);
	return s;
}

START_TEST(recording)
{
	struct tel_sample *s = sample_at(10, 9), *t;
	struct tel_event *e = sample_add_event(s);
	char error[160];
	size_t n, m;
	char *a, *b;

	e->time = 77;
	e->vm = 7;
	strcpy(e->kind, "paused");
	strcpy(s->vms[0].vcpus[1].state, "halted");
	s->vms[0].vcpus[1].steal_ns = 5;
	s->lost = 3;
	a = recorded(s, &n);
	t = replayed(a, n, error, sizeof(error));
	ck_assert_ptr_nonnull(t);
	b = recorded(t, &m);
	ck_assert_uint_eq(n, m);
	ck_assert_mem_eq(a, b, n);
	ck_assert_uint_eq(t->vms[0].vcpus[1].exits[0].hist[9], 900);
	ck_assert_uint_eq(t->lost, 3);
	ck_assert_str_eq(t->events[0].kind, "paused");
	free(a);
	free(b);
	sample_free(s);
	sample_free(t);
}
END_TEST

START_TEST(recordings_that_are_none)
{
	static const char *const texts[] = {
		"[\n", "{}\n", "[]\n", "{\"version\":2}\n", "{\"version\":1", "null\n", "\"x\"\n", "{\"version\":1}}\n",
		"{\"version\":1,\"version\":1}\n",
	};
	char error[160];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_ptr_null(replayed(texts[i], strlen(texts[i]), error, sizeof(error)));
		ck_assert_str_ne(error, "");
	}
}
END_TEST

START_TEST(recordings_that_lie)
{
	static const char *const texts[] = {
		"{\"version\":1,\"vms\":3,\"events\":{}}\n",
		"{\"version\":1,\"vms\":[3,null,{\"vcpus\":[[]]}]}\n",
		"{\"version\":1,\"vms\":[{\"vcpus\":[{\"exits\":{\"\\u001b[2J\":[1,2,{\"-1\":4,\"65\":1,\"x\":2}]}}]}]}\n",
		"{\"version\":1,\"khz\":-5,\"time\":-9223372036854775808,\"vms\":[{\"created\":9223372036854775807}]}\n",
		"{\"version\":1,\"vms\":[{\"id\":1},{\"id\":1}],\"events\":[{\"text\":\"\\n\\r\"}]}\n",
	};
	struct tel_exit_row exits[4];
	struct tel_sample *s;
	struct tel_row r;
	char error[160];
	uint32_t k;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		s = replayed(texts[i], strlen(texts[i]), error, sizeof(error));
		ck_assert_ptr_nonnull(s);
		for (k = 0; k < s->nvms; k++) {
			rates_of_vm(NULL, s, &s->vms[k], &r);
			rates_of_exits(s, s, &s->vms[k], -1, exits, 4);
		}
		for (k = 0; k < s->nreasons; k++)
			ck_assert_ptr_null(strchr(s->reasons[k], '\033'));
		sample_free(s);
	}
}
END_TEST

/* Any byte of a recording may be another: it is read or refused, and nothing breaks. */
START_TEST(damage)
{
	struct tel_sample *s = sample_at(10, 9), *t;
	char error[160];
	size_t n, i;
	char *text = recorded(s, &n);

	srand(_i + 1);
	for (i = 0; i < 3; i++)
		text[rand() % n] = rand();
	t = replayed(text, n, error, sizeof(error));
	sample_free(t);
	sample_free(s);
	free(text);
}
END_TEST

START_TEST(metrics)
{
	struct tel_sample *s = sample_at(10, 9);
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	strcpy(s->vms[0].name, "a\"b\\c");
	openmetrics_write(f, s, false);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "vitrine_vm_info{vm=\"7\",name=\"a\\\"b\\\\c\",owner="));
	ck_assert_ptr_nonnull(strstr(text, "vitrine_vm_state=\"running\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "vitrine_vcpu_guest_seconds_total{vm=\"7\",name=\"a\\\"b\\\\c\",vcpu=\"1\"} 2.250000\n"));
	ck_assert_ptr_nonnull(strstr(text, "reason=\"cpuid\",le=\"2.56e-07\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "reason=\"cpuid\",le=\"1.024e-06\"} 1800\n"));
	ck_assert_ptr_nonnull(strstr(text, "reason=\"cpuid\",le=\"+Inf\"} 1800\n"));
	ck_assert_ptr_nonnull(strstr(text, "reason=\"cpuid\"} 1800\n"));
	ck_assert_str_eq(text + n - 6, "# EOF\n");
	free(text);
	sample_free(s);
}
END_TEST

/* The older format: four types, whose families are called as their samples are, and nothing else. */
START_TEST(metrics_for_prometheus)
{
	struct tel_sample *s = sample_at(10, 9);
	char *text = NULL, *line, *rest, name[64] = "", kind[16];
	size_t n, samples = 0;
	FILE *f = open_memstream(&text, &n);

	openmetrics_write(f, s, true);
	fclose(f);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "# TYPE %63s %15s", name, kind) == 2) {
			ck_assert(!strcmp(kind, "gauge") || !strcmp(kind, "counter") || !strcmp(kind, "histogram"));
		} else if (line[0] == '#') {
			ck_assert_int_eq(strncmp(line, "# HELP ", 7), 0);
			ck_assert_int_eq(strncmp(line + 7, name, strlen(name)), 0);
		} else {
			ck_assert_int_eq(strncmp(line, name, strlen(name)), 0);
			ck_assert(line[strlen(name)] == '{' || line[strlen(name)] == ' ' || !strcmp(kind, "histogram"));
			samples++;
		}
	}
	ck_assert_uint_gt(samples, 20);
	free(text);
	sample_free(s);
}
END_TEST

START_TEST(words)
{
	static const struct {
		struct hw_exit e;
		const char *name, *details;
	} table[] = {
		{ { true, 10, 0, 0, 0x80000001, 3 }, "CPUID", "leaf 0x80000001 subleaf 0x3" },
		{ { true, 28, 0x310, 0, 0, 0 }, "control-register access", "MOV from CR0 to RBX" },
		{ { true, 30, 0x3f80008, 0, 0, 0 }, "I/O instruction", "IN port 0x3f8, 1 byte" },
		{ { true, 30, 0x3f80033, 0, 0, 0 }, "I/O instruction", "REP OUTS port 0x3f8, 4 bytes" },
		{ { true, 32, 0, 0, 5, 0x10 }, "WRMSR", "MSR 0x10, low half 0x5" },
		{ { true, 48, 2, 0x1000, 0, 0 }, "EPT violation", "write at guest-physical 0x1000, not mapped" },
		{ { true, 0x80000021, 0, 0, 0, 0 }, "VM-entry failure due to invalid guest state", "" },
		{ { true, 35, 0, 0, 0, 0 }, "exit reason 35", "" },
		{ { false, 0x10, 0, 0, 0, 0 }, "CR0 write", "" },
		{ { false, 0x23, 0, 0, 0, 0 }, "DR3 read", "" },
		{ { false, 0x4e, 2, 0x1000, 0, 0 }, "exception #PF", "address 0x1000, error 0x2" },
		{ { false, 0x72, 0, 0, 7, 1 }, "CPUID", "leaf 0x7 subleaf 0x1" },
		{ { false, 0x7b, 0x3f80010, 0, 0, 0 }, "IN or OUT", "OUT port 0x3f8, 1 byte" },
		{ { false, 0x7c, 1, 0, 9, 0x1b }, "RDMSR or WRMSR", "WRMSR 0x1b, low half 0x9" },
		{ { false, 0x7f, 0, 0, 0, 0 }, "shutdown", "" },
		{ { false, 0x400, 0x10, 0xfee00000, 0, 0 }, "nested page fault",
		  "fetch at guest-physical 0xfee00000, not mapped" },
		{ { false, UINT64_MAX, 0, 0, 0, 0 }, "invalid guest state in the VMCB", "" },
		{ { false, 0xa5, 0, 0, 0, 0 }, "exit code 0xa5", "" },
	};
	char s[120];

	hw_exit_name(&table[_i].e, s, sizeof(s));
	ck_assert_str_eq(s, table[_i].name);
	hw_exit_details(&table[_i].e, s, sizeof(s));
	ck_assert_str_eq(s, table[_i].details);
}
END_TEST

START_TEST(names)
{
	ck_assert(hw_exit_named(true, "wrmsr"));
	ck_assert(hw_exit_named(true, "EPT"));
	ck_assert(!hw_exit_named(true, "nested"));
	ck_assert(hw_exit_named(false, "Nested page"));
	ck_assert(hw_exit_named(false, "#PF"));
	ck_assert(hw_exit_named(false, "invalid guest"));
	ck_assert(!hw_exit_named(false, "EPT violation"));
	ck_assert(!hw_exit_named(false, "nonsense"));
}
END_TEST

START_TEST(faults)
{
	char s[120];

	hw_vectoring(0x80000b0e, s, sizeof(s));
	ck_assert_str_eq(s, "exception #PF");
	hw_vectoring(0x80000030, s, sizeof(s));
	ck_assert_str_eq(s, "external interrupt 48");
	hw_vectoring(0x30e, s, sizeof(s));
	ck_assert_str_eq(s, "");
	hw_page_fault(0x17, s, sizeof(s));
	ck_assert_str_eq(s, "user fetch, page present: not allowed");
	hw_page_fault(2, s, sizeof(s));
	ck_assert_str_eq(s, "supervisor write, page not present");
	ck_assert_str_eq(hw_exception(9), "reserved");
	ck_assert_str_eq(hw_exception(255), "reserved");
	ck_assert_str_eq(hw_exception(14), "#PF");
}
END_TEST

#define RING_RECORDS	64
#define RING_RECORD	(sizeof(struct vitrine_trace_record) + 16)	/* of a later version: larger */
#define RING_BYTES	(4096 + RING_RECORDS * RING_RECORD)

static _Alignas(64) uint8_t ring_memory[RING_BYTES];

static struct vitrine_trace_ring *ring_page(void)
{
	struct vitrine_trace_ring *page = (void *)ring_memory;

	memset(ring_memory, 0, sizeof(ring_memory));
	page->magic = VITRINE_TRACE_MAGIC;
	page->vcpu = 3;
	page->records = RING_RECORDS;
	page->record_size = RING_RECORD;
	page->data = 4096;
	page->tsc_khz = KHZ;
	page->base_tsc = 1000;
	page->base_ns = SECOND;
	return page;
}

/* As the module does. */
static bool ring_write(struct vitrine_trace_ring *page, uint64_t tsc)
{
	struct vitrine_trace_record r = { .tsc = tsc, .rip = ~tsc };

	if (page->head - page->tail >= page->records) {
		page->lost++;
		return false;
	}
	memcpy(ring_memory + page->data + page->head % page->records * page->record_size, &r, sizeof(r));
	page->head++;
	return true;
}

START_TEST(ring)
{
	struct vitrine_trace_ring *page = ring_page();
	struct vitrine_trace_record r;
	uint64_t n = 0, seen = 0, i;
	struct ring ring;

	ck_assert(ring_open(&ring, page, RING_BYTES));
	ck_assert_uint_eq(ring.vcpu, 3);
	ck_assert(!ring_next(&ring, &r));
	for (i = 0; i < 20; i++) {
		while (ring_write(page, n))
			n++;
		/* Room comes back when it is released, not before. */
		while (ring_next(&ring, &r)) {
			ck_assert_uint_eq(r.tsc, seen);
			ck_assert_uint_eq(r.rip, ~seen);
			seen++;
		}
		ck_assert(!ring_write(page, n));
		ring_release(&ring);
	}
	ck_assert_uint_eq(seen, n);
	ck_assert_uint_eq(n, 20 * RING_RECORDS);
	ck_assert_uint_eq(ring_lost(&ring), 40);
	ck_assert_uint_eq(ring_ns(&ring, 1500), SECOND + 500);
	ck_assert_uint_eq(ring_ns(&ring, 500), SECOND - 500);
}
END_TEST

START_TEST(rings_that_are_none)
{
	struct vitrine_trace_ring *page = ring_page();
	struct ring ring;

	ck_assert(!ring_open(&ring, page, RING_BYTES - 1));
	ck_assert(!ring_open(&ring, page, 64));
	page->magic++;
	ck_assert(!ring_open(&ring, page, RING_BYTES));
	ring_page()->records = 48;
	ck_assert(!ring_open(&ring, page, RING_BYTES));
	ring_page()->records = 0;
	ck_assert(!ring_open(&ring, page, RING_BYTES));
	ring_page()->record_size = 8;
	ck_assert(!ring_open(&ring, page, RING_BYTES));
	ring_page()->record_size = UINT32_MAX;
	ck_assert(!ring_open(&ring, page, RING_BYTES));
	ring_page()->data = 0;
	ck_assert(!ring_open(&ring, page, RING_BYTES));
	ring_page()->data = UINT32_MAX;
	ck_assert(!ring_open(&ring, page, RING_BYTES));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("telemetry");
	TCase *rates = tcase_create("rates"), *rows = tcase_create("rows");
	TCase *files = tcase_create("recordings"), *text = tcase_create("text"), *trace = tcase_create("ring");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(rates, interval);
	tcase_add_test(rates, reasons_renumbered);
	tcase_add_test(rates, whole_life);
	tcase_add_test(rates, counters_that_went_back);
	tcase_add_test(rates, quantile);
	suite_add_tcase(s, rates);
	tcase_add_test(rows, order);
	tcase_add_test(rows, tree_of_liars);
	tcase_add_test(rows, filter);
	tcase_add_loop_test(rows, columns, 0, 13);
	tcase_add_loop_test(rows, columns_of_any_width, 1, 50);
	suite_add_tcase(s, rows);
	tcase_add_test(files, recording);
	tcase_add_test(files, recordings_that_are_none);
	tcase_add_test(files, recordings_that_lie);
	tcase_add_loop_test(files, damage, 0, 300);
	suite_add_tcase(s, files);
	tcase_add_test(text, narrow_numbers);
	tcase_add_test(text, metrics);
	tcase_add_test(text, metrics_for_prometheus);
	tcase_add_loop_test(text, words, 0, 18);
	tcase_add_test(text, names);
	tcase_add_test(text, faults);
	suite_add_tcase(s, text);
	tcase_add_test(trace, ring);
	tcase_add_test(trace, rings_that_are_none);
	suite_add_tcase(s, trace);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
