// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - vmctl: find the verb and run it. Each verb is a file of its own.
 */
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "vmctl.h"

static const struct vmctl_verb verbs[] = {
	{ "run", "boot a kernel in the foreground, its console on this terminal", vmctl_run,
	  vmctl_run_help },
	{ "help", "this list, or how to use a verb", vmctl_help, NULL },
	{ "version", "the version of vmctl", vmctl_version, NULL },
};

const struct vmctl_verb *vmctl_verbs(size_t *n)
{
	*n = ARRAY_SIZE(verbs);
	return verbs;
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		vmctl_help(1, argv);
		return VMCTL_USAGE;
	}
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return vmctl_help(1, argv);
	fprintf(stderr, "vmctl: %s: there is no such verb: `vmctl help` lists them\n", argv[1]);
	return VMCTL_USAGE;
}
