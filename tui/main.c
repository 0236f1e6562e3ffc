// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - vmtop: the options, and the loop between samples and keys.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bad_option.h"
#include "recording.h"
#include "ui.h"

#define FAILED	1
#define USAGE	2

#define KEY_REPLAY	0x100
#define KEY_RECORD	0x101
#define KEY_COLOUR	0x102
#define KEY_FILTER	0x103

/**
 * struct settings - the command line
 */
static struct {
	double delay;
	unsigned int iterations;
	const char *batch, *record, *replay, *filter;
	bool plain, tree, pane;
} set = { .delay = -1, .filter = "" };

static const struct argp_option options[] = {
	{ "delay", 'd', "SECONDS", 0, "Between samples, 0.1 to 3600 (default: 2, or as recorded)", 0 },
	{ "iterations", 'n', "N", 0, "End after so many samples", 0 },
	{ "batch", 'b', "FORMAT", OPTION_ARG_OPTIONAL, "No screen: print csv (default) or json", 0 },
	{ "record", KEY_RECORD, "FILE", 0, "Append every sample to FILE", 0 },
	{ "replay", KEY_REPLAY, "FILE", 0, "Show a recording instead of this host", 0 },
	{ "filter", KEY_FILTER, "WORDS", 0, "Show only VMs with these words in name, owner or state", 0 },
	{ "tree", 't', NULL, 0, "Begin with the tree of forks", 0 },
	{ "events", 'e', NULL, 0, "Begin with the pane of events", 0 },
	{ "no-color", KEY_COLOUR, NULL, 0, "No colours, as with NO_COLOR in the environment", 0 },
	{ "help", 'h', NULL, 0, "Show this text", 1 },
	{ "version", 'V', NULL, 0, "Show the version", 1 },
	{ 0 },
};

/* argp's place in the command line when it found something wrong. */
static int stopped_at;

static error_t usage(const char *object, const char *what)
{
	fprintf(stderr, "vmtop: %s: %s: see `vmtop --help`\n", object, what);
	exit(USAGE);
}

static error_t parse_number(int key, char *arg)
{
	char *end;

	if (key == 'd') {
		set.delay = strtod(arg, &end);
		if (end == arg || *end || !(set.delay >= 0.1 && set.delay <= 3600))
			return usage(arg, "--delay takes 0.1 to 3600 seconds");
		return 0;
	}
	set.iterations = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || !set.iterations)
		return usage(arg, "--iterations takes a number from 1 on");
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'h':
		argp_help(state->root_argp, stdout, ARGP_HELP_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, "vmtop");
		exit(0);
	case 'V':
		puts("vmtop " VITRINE_VERSION);
		exit(0);
	case 'd':
	case 'n':
		return parse_number(key, arg);
	case 'b':
		set.batch = arg ? arg : "csv";
		if (strcmp(set.batch, "csv") && strcmp(set.batch, "json"))
			return usage(set.batch, "--batch takes csv or json");
		return 0;
	case KEY_RECORD:
		set.record = arg;
		return 0;
	case KEY_REPLAY:
		set.replay = arg;
		return 0;
	case KEY_FILTER:
		set.filter = arg;
		return 0;
	case 't':
		set.tree = true;
		return 0;
	case 'e':
		set.pane = true;
		return 0;
	case KEY_COLOUR:
		set.plain = true;
		return 0;
	case ARGP_KEY_ARG:
		return usage(arg, "not expected here");
	case ARGP_KEY_ERROR:
		stopped_at = state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse,
	.doc = "Shows the VMs of this host's module as they run, whoever runs them. F1 shows the keys.\v"
	       "Examples:\n"
	       "  vmtop\n"
	       "  vmtop --tree --filter 'web running'\n"
	       "  vmtop --batch=json -n 1 | jq '.vms[] | select(.cpu > 50)'\n"
	       "  vmtop --record monday.jsonl; vmtop --replay monday.jsonl",
};

static int fail(const char *object, const char *what, const char *remedy)
{
	fprintf(stderr, "vmtop: %s: %s: %s\n", object, what, remedy);
	return FAILED;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool take_sample(struct ui *ui)
{
	struct tel_sample *s = ui->source->next(ui->source);

	if (!s) {
		snprintf(ui->message, sizeof(ui->message), "%.150s", ui->source->error);
		return false;
	}
	if (ui->record && recording_write(ui->record, s))
		snprintf(ui->message, sizeof(ui->message), "%.64s: %s", set.record, strerror(errno));
	ui_take(ui, s);
	return true;
}

static void loop(struct ui *ui)
{
	int64_t due = now_ms(), left;
	int wait, key;

	while (!ui->quit) {
		if (now_ms() >= due) {
			take_sample(ui);
			if (set.iterations && ui->count > set.iterations)
				break;
			wait = ui->source->wait(ui->source);
			due = wait < 0 ? INT64_MAX : now_ms() + wait;
			if (wait < 0 && ui->source->error[0])
				snprintf(ui->message, sizeof(ui->message), "%s", ui->source->error);
		}
		ui_draw(ui);
		left = due - now_ms();
		timeout(due == INT64_MAX ? -1 : left > 0 ? left : 0);
		key = getch();
		if (key != ERR)
			keys_press(ui, key);
		else if (due == INT64_MAX)
			break;	/* the terminal is gone */
	}
}

static int run_screen(struct top_source *source, FILE *record)
{
	static struct ui ui;
	const char *no_colour = getenv("NO_COLOR");

	ui = (struct ui){ .source = source, .record = record, .key = TOP_BY_CPU, .vcpu = -1,
			  .tree = set.tree, .pane = set.pane };
	snprintf(ui.filter, sizeof(ui.filter), "%s", set.filter);
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return fail("terminal", "standard input or output is none", "use --batch");
	if (screen_open(!set.plain && !(no_colour && *no_colour)))
		return fail("terminal", "TERM names none that has a screen", "set it, or use --batch");
	loop(&ui);
	screen_close();
	sample_free(ui.old);
	sample_free(ui.new);
	free(ui.rows);
	return 0;
}

static int run_batch(struct top_source *source, FILE *record)
{
	const struct batch batch = { .json = !strcmp(set.batch, "json"), .iterations = set.iterations,
				     .filter = set.filter, .record = record };

	switch (batch_run(source, &batch)) {
	case BATCH_SOURCE:
		return fail(source->object, source->error, source->remedy);
	case BATCH_OUTPUT:
		return fail("standard output", strerror(errno), "write it elsewhere");
	case BATCH_RECORD:
		return fail(set.record, strerror(errno), "name another file with --record");
	default:
		return 0;
	}
}

int main(int argc, char **argv)
{
	struct top_source *source;
	struct family_trouble trouble = { 0 };
	const char *word, *what;
	FILE *record = NULL;
	int ms, ret;

	if (argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, NULL)) {
		word = bad_option_word(argc, argv, stopped_at);
		what = bad_option_what(options, word);
		usage(word, what ? what : "is no option");
	}
	if (set.record && set.replay)
		usage("--record", "a recording that is replayed is there already");
	ms = set.delay < 0 ? set.replay ? -1 : 2000 : (int)(set.delay * 1000);
	source = set.replay ? replay_open(set.replay, ms, &trouble) : live_open(ms, &trouble);
	if (!source)
		return fail(set.replay ? set.replay : "/dev/vitrine", trouble.what, trouble.remedy);
	if (set.record)
		record = fopen(set.record, "ae");
	if (set.record && !record)
		return fail(set.record, strerror(errno), "name another file with --record");
	ret = set.batch ? run_batch(source, record) : run_screen(source, record);
	if (record)
		fclose(record);
	source->close(source);
	return ret;
}
