/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * subverbs.h - verbs of verbs, as in `vmctl image create`; and the progress that long ones show.
 */
#ifndef VMCTL_SUBVERBS_H
#define VMCTL_SUBVERBS_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct subverb - a verb of a verb
 * @name: the second word
 * @full: both words, for errors
 * @run: argv[0] is the second word; returns the exit status
 */
struct subverb {
	const char *name, *full;
	int (*run)(int argc, char **argv);
};

/**
 * struct subverbs - the verbs of a verb
 * @verb: the first word
 * @v: the second ones
 * @n: their number
 */
struct subverbs {
	const char *verb;
	const struct subverb *v;
	size_t n;
};

extern const struct subverbs image_verbs, net_verbs, snapshot_verbs;

int subverbs_run(const struct subverbs *s, const char *help, int argc, char **argv);
void progress_show(uint64_t done, uint64_t all);

#endif /* VMCTL_SUBVERBS_H */
