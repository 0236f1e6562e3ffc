// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c - vmctl events: what happened to VMs, whoever runs them.
 *
 * To follow without a hole, events are watched first and those kept are asked for then; what comes twice is told by
 * its number.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "compiler.h"
#include "seen.h"

#define IDS_MAX	64
#define ASK_MS	2000	/* without an event: does the module still stand? */

static bool follow;

static const struct argp_option options[] = {
	{ "follow", 'f', NULL, 0, "Go on with what happens; JSON is an object a line then", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	if (key != 'f')
		return ARGP_ERR_UNKNOWN;
	follow = true;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "[VM]",
	.doc = "Prints what happened to VMs on the module, whoever runs them: those that the user may see, or one that "
	       "is given by its name, or by # and its number. The module keeps the last thousand events.\v"
	       "Examples:\n"
	       "  vmctl events\n"
	       "  vmctl events --follow web\n"
	       "  vmctl events -f --format json | jq -c 'select(.event == \"triple-fault\")'",
};

const struct vmctl_args vmctl_events_args = { .argp = &argp, .reads = true, .no_store = true, .max = 1 };

static const struct output_column columns[] = {
	{ "clock", "TIME", OUTPUT_TEXT },
	{ "vm", "ID", OUTPUT_TEXT },
	{ "name", "VM", OUTPUT_TEXT },
	{ "event", "EVENT", OUTPUT_TEXT },
	{ "text", "DETAILS", OUTPUT_TEXT },
};

/**
 * struct reader - what has been read
 * @name: of the VM that is asked for, or NULL
 * @ids: VMs that are asked for: names change, and VMs begin without
 * @nids: their number
 * @format: how to print
 * @rows: events so far, or NULL when they are printed as they come
 * @last: id of the last event
 * @seq: of the last event that came by itself
 * @missed: how many did not
 */
struct reader {
	const char *name;
	uint32_t ids[IDS_MAX];
	unsigned int nids;
	enum vmctl_format format;
	json_t *rows;
	uint64_t last, seq, missed;
};

static void write_clock(const struct event *e, char *s, size_t room)
{
	time_t t = e->time_ns / 1000000000;
	size_t n = 0;
	struct tm tm;

	if (localtime_r(&t, &tm))
		n = strftime(s, room, "%F %T", &tm);
	snprintf(s + n, room - n, ".%03u", (unsigned int)(e->time_ns / 1000000 % 1000));
}

static void print_line(const struct event *e)
{
	char clock[40], name[TEL_NAME], text[160];

	write_clock(e, clock, sizeof(clock));
	event_vm_name(e, name, sizeof(name));
	event_text(e, text, sizeof(text));
	printf("%s  %5u  %-20s  %-14s  %s\n", clock, e->vm, name, event_word(e->type), text);
}

static bool is_wanted(const struct reader *r, const struct event *e)
{
	unsigned int i;

	for (i = 0; i < r->nids && i < IDS_MAX; i++)
		if (r->ids[i] == e->vm)
			return true;
	return !r->name;
}

/* The last of those that ever had the name. */
static void learn(struct reader *r, const struct event *e)
{
	if (r->name && !strcmp(e->name, r->name) && !is_wanted(r, e))
		r->ids[r->nids++ % IDS_MAX] = e->vm;
}

static void take_names(const struct family_message *m, void *arg)
{
	struct event e;

	event_decode(m, &e);
	learn(arg, &e);
}

static void show(struct reader *r, const struct event *e)
{
	char clock[40];
	json_t *o;

	if (!r->rows && r->format == VMCTL_TABLE) {
		print_line(e);
		return;
	}
	o = seen_event(e);
	if (r->rows) {
		write_clock(e, clock, sizeof(clock));
		if (r->format == VMCTL_TABLE)
			json_object_set_new(o, "clock", json_string(clock));
		json_array_append_new(r->rows, o);
		return;
	}
	json_dumpf(o, stdout, JSON_COMPACT | OUTPUT_REALS);
	putchar('\n');
	json_decref(o);
}

static void take(const struct family_message *m, void *arg)
{
	struct reader *r = arg;
	struct event e;

	event_decode(m, &e);
	if (e.seq > r->seq + 1)
		r->missed += e.seq - r->seq - 1;
	if (e.seq)
		r->seq = e.seq;
	if (e.id <= r->last)
		return;
	r->last = e.id;
	learn(r, &e);
	if (is_wanted(r, &e))
		show(r, &e);
}

/* A group of events outlives the module and stays silent then; another module's has another number. */
static int go_on(struct family *f, struct family *watched, struct reader *r)
{
	struct pollfd p[] = { { .fd = family_descriptor(watched), .events = POLLIN }, { .fd = 1 } };
	int err = 0;

	while (!err && !fflush(stdout)) {
		if (!poll(p, ARRAY_SIZE(p), ASK_MS)) {
			if (family_do(f, VITRINE_CMD_HOST_GET, NULL, 0, NULL, NULL) != -ENOENT)
				continue;
			return vmctl_error("/dev/vitrine", "the module is gone", "load it and begin anew");
		}
		if (p[1].revents & (POLLERR | POLLHUP))
			return VMCTL_OK;	/* nobody reads */
		err = family_events(watched, take, r);
		if (r->missed)
			fprintf(stderr, "vmctl events: %" PRIu64 " events were missed\n", r->missed);
		r->missed = 0;
	}
	if (!err)
		return vmctl_errno("standard output", "see where it goes");
	return vmctl_error("/dev/vitrine", strerror(-err), "see `vmctl doctor`");
}

static int run(struct family *f, struct family *watched, struct reader *r)
{
	int err = watched ? family_watch(watched) : 0;

	r->rows = follow ? NULL : json_array();
	if (!err && r->name)
		err = family_dump(f, VITRINE_CMD_EVENT_GET, NULL, 0, take_names, r);
	if (!err)
		err = family_dump(f, VITRINE_CMD_EVENT_GET, NULL, 0, take, r);
	if (err) {
		json_decref(r->rows);
		return vmctl_error("/dev/vitrine", strerror(-err), "see `vmctl doctor`");
	}
	if (follow)
		return go_on(f, watched, r);
	if (r->name && !json_array_size(r->rows)) {
		json_decref(r->rows);
		return vmctl_error(r->name, "no event of such a VM of yours is known",
				   "`vmctl events` shows all; loading the module anew forgets them");
	}
	return output_rows(r->format, columns, ARRAY_SIZE(columns), r->rows);
}

int vmctl_events(int argc, char **argv)
{
	struct vmctl_args a = vmctl_events_args;
	struct family *f, *watched = NULL;
	struct family_trouble t;
	struct reader r = { 0 };
	int status;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	r.format = a.format;
	r.name = a.n ? a.names[0] : NULL;
	r.nids = r.name && seen_number(r.name, r.ids);
	f = family_open(&t);
	if (f && follow)
		watched = family_open(&t);
	if (!f || (follow && !watched))
		status = vmctl_error("/dev/vitrine", t.what, t.remedy);
	else
		status = run(f, watched, &r);
	if (watched)
		family_close(watched);
	if (f)
		family_close(f);
	return status;
}
