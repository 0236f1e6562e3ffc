// SPDX-License-Identifier: GPL-2.0-only
/*
 * help.c - vmctl help and vmctl version.
 */
#include <stdio.h>
#include <string.h>

#include "vmctl.h"

int vmctl_help(int argc, char **argv)
{
	const struct vmctl_verb *verbs;
	size_t n, i;

	verbs = vmctl_verbs(&n);
	if (argc < 2) {
		puts("usage: vmctl VERB [OPTIONS]\n");
		for (i = 0; i < n; i++)
			printf("  %-10s %s\n", verbs[i].name, verbs[i].summary);
		puts("\n`vmctl help VERB` shows a verb's options and examples.");
		return VMCTL_OK;
	}
	for (i = 0; i < n; i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		if (verbs[i].args)
			vmctl_args_help(verbs[i].args, verbs[i].name);
		else if (verbs[i].help)
			fputs(verbs[i].help, stdout);
		else
			printf("vmctl %s: %s\n", verbs[i].name, verbs[i].summary);
		return VMCTL_OK;
	}
	fprintf(stderr, "vmctl help: %s: there is no such verb: `vmctl help` lists them\n", argv[1]);
	return VMCTL_USAGE;
}

int vmctl_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("vmctl " VITRINE_VERSION);
	return VMCTL_OK;
}
