/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmctl.h - what the verbs share: the table's row, exit statuses, the form of an error.
 */
#ifndef VMCTL_H
#define VMCTL_H

#include <stddef.h>

#define VMCTL_OK	0
#define VMCTL_FAILED	1
#define VMCTL_USAGE	2

/**
 * struct vmctl_verb - one verb
 * @name: what the user types
 * @summary: one line for the list
 * @run: argv[0] is the verb; returns the exit status
 * @help: text of `vmctl help VERB`, or NULL
 */
struct vmctl_verb {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
	const char *help;
};

/**
 * vmctl_verbs() - the table of verbs
 * @n: filled with their number
 *
 * Return: the first, in the order of the list that `vmctl help` prints.
 */
const struct vmctl_verb *vmctl_verbs(size_t *n);

/* One file a verb: argv[0] is the verb, the exit status comes back. */
int vmctl_run(int argc, char **argv);
int vmctl_help(int argc, char **argv);
int vmctl_version(int argc, char **argv);

extern const char vmctl_run_help[];

#endif /* VMCTL_H */
