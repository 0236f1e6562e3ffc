// SPDX-License-Identifier: GPL-2.0-only
/*
 * subverbs.c - verbs of verbs, as in `vmctl image create`; and the progress that long ones show.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "subverbs.h"
#include "vmctl.h"

#define MOST	16

static int no_such(const char *verb, const struct subverb *v, size_t n, const char *word)
{
	const char *names[MOST], *meant;
	size_t i;

	for (i = 0; i < n && i < MOST; i++)
		names[i] = v[i].name;
	meant = text_nearest(word, names, i);
	fprintf(stderr, "vmctl %s: %s: there is no such verb: ", verb, word);
	if (meant)
		fprintf(stderr, "did you mean `vmctl %s %s`?\n", verb, meant);
	else
		fprintf(stderr, "see `vmctl help %s`\n", verb);
	return VMCTL_USAGE;
}

/**
 * subverbs_run() - find the second word and run its verb
 * @s: the verbs that the first one has
 * @help: text for --help
 * @argc: of the first word
 * @argv: of the first word
 *
 * Return: the exit status.
 */
int subverbs_run(const struct subverbs *s, const char *help, int argc, char **argv)
{
	const struct subverb *v = s->v;
	size_t i;

	if (argc < 2)
		return vmctl_usage("VERB", "missing");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(help, stdout);
		return VMCTL_OK;
	}
	for (i = 0; i < s->n; i++) {
		if (strcmp(argv[1], v[i].name))
			continue;
		vmctl_set_verb(v[i].full);
		return v[i].run(argc - 1, argv + 1);
	}
	return no_such(s->verb, v, s->n, argv[1]);
}

/**
 * progress_show() - how far it is, on a terminal; else nothing
 * @done: bytes
 * @all: bytes; @done of that many ends it
 */
void progress_show(uint64_t done, uint64_t all)
{
	static int last = -1;
	int percent = all ? done * 100.0 / all : 100;

	if (percent == last || !isatty(STDERR_FILENO))
		return;
	last = percent;
	fprintf(stderr, "\r%3d %%%s", percent, done >= all ? "\r\033[K" : "");
}
