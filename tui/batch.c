// SPDX-License-Identifier: GPL-2.0-only
/*
 * batch.c - vmtop without a screen: CSV or JSON on standard output, for programs.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "recording.h"
#include "ui.h"

/*
 * A field with a comma or a quote stands in quotes; names have no line ends. Spreadsheets take what begins like a
 * formula for one: it gets an apostrophe.
 */
static void put_field(const char *s)
{
	bool quoted = strpbrk(s, ",\"");

	if (quoted)
		putchar('"');
	if (s[0] && strchr("=+-@", s[0]))
		putchar('\'');
	for (; *s; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	if (quoted)
		putchar('"');
}

static void print_csv_row(const struct tel_sample *s, const struct tel_row *r)
{
	printf("%.3f,%llu,", s->time / 1000.0, (unsigned long long)r->vm->id);
	put_field(r->vm->name);
	putchar(',');
	put_field(r->vm->owner);
	printf(",%s,%llu,%d,%u,%.2f,%.2f,%.2f,%.1f,%s,%llu,%llu,%llu,%.0f,%.0f,%.0f,%.0f,%lld\n",
	       r->vm->state, (unsigned long long)r->vm->parent, (int)r->vm->pid, r->vm->nvcpus, r->cpu,
	       r->guest, r->host, r->exits, r->reason < 0 ? "" : s->reasons[r->reason],
	       (unsigned long long)r->vm->memory, (unsigned long long)r->vm->resident,
	       (unsigned long long)r->vm->shared, r->disk_read, r->disk_write, r->net_receive,
	       r->net_send, (long long)r->age);
}

/* In the JSON, to the thousandth. */
struct real {
	const char *key;
	double value;
};

static json_t *json_row(const struct tel_sample *s, const struct tel_row *r)
{
	const struct real reals[] = {
		{ "cpu", r->cpu }, { "guest", r->guest }, { "host", r->host }, { "exits", r->exits },
		{ "disk_read", r->disk_read }, { "disk_write", r->disk_write },
		{ "net_receive", r->net_receive }, { "net_send", r->net_send },
	};
	const struct tel_vm *vm = r->vm;
	json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:I, s:i, s:i, s:I, s:I, s:I, s:I, s:I}",
			      "id", (json_int_t)vm->id, "name", vm->name, "owner", vm->owner,
			      "state", vm->state, "parent", (json_int_t)vm->parent, "pid", (int)vm->pid,
			      "vcpus", (int)vm->nvcpus, "age", (json_int_t)r->age,
			      "memory", (json_int_t)vm->memory, "page_tables", (json_int_t)vm->tables,
			      "resident", (json_int_t)vm->resident, "shared", (json_int_t)vm->shared);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reals); i++)
		json_object_set_new(o, reals[i].key, json_real(round(reals[i].value * 1000) / 1000));
	if (r->reason >= 0)
		json_object_set_new(o, "top_exit", json_string(s->reasons[r->reason]));
	return o;
}

static void print_json(const struct tel_sample *old, const struct tel_sample *s, const char *filter)
{
	json_t *o = json_pack("{s:f}", "time", s->time / 1000.0), *vms = json_array();
	struct tel_row row;
	uint32_t i;

	for (i = 0; i < s->nvms; i++) {
		if (!order_matches(&s->vms[i], filter))
			continue;
		rates_of_vm(old, s, &s->vms[i], &row);
		json_array_append_new(vms, json_row(s, &row));
	}
	json_object_set_new(o, "vms", vms);
	json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	putchar('\n');
	json_decref(o);
}

static void print_csv(const struct tel_sample *old, const struct tel_sample *s, const char *filter)
{
	struct tel_row row;
	uint32_t i;

	for (i = 0; i < s->nvms; i++) {
		if (!order_matches(&s->vms[i], filter))
			continue;
		rates_of_vm(old, s, &s->vms[i], &row);
		print_csv_row(s, &row);
	}
}

static void pause_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/**
 * batch_run() - print samples' rates
 * @source: of the samples; the first one only begins the first interval
 * @b: what is printed
 *
 * Return: BATCH_OK, or what failed: the source with the reason in its error, the others with errno.
 */
enum batch_end batch_run(struct top_source *source, const struct batch *b)
{
	enum batch_end end = BATCH_OK;
	struct tel_sample *old = NULL, *s;
	unsigned int n;
	int wait;

	if (!b->json)
		puts("time,id,name,owner,state,parent,pid,vcpus,cpu,guest,host,exits,top_exit,memory,resident,shared,disk_read,disk_write,net_receive,net_send,age");
	for (n = 0; end == BATCH_OK && (!b->iterations || n <= b->iterations); n++) {
		wait = source->wait(source);
		if (wait < 0)
			break;
		if (!source->recorded)
			pause_ms(wait);
		s = source->next(source);
		if (!s)
			break;
		if (b->record && recording_write(b->record, s))
			end = BATCH_RECORD;
		else if (n && b->json)
			print_json(old, s, b->filter);
		else if (n)
			print_csv(old, s, b->filter);
		if (end == BATCH_OK && (fflush(stdout) || ferror(stdout)))
			end = BATCH_OUTPUT;
		sample_free(old);
		old = s;
	}
	sample_free(old);
	return end == BATCH_OK && source->error[0] ? BATCH_SOURCE : end;
}
