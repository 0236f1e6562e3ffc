// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - vmctl: find the verb and run it. Each verb is a file of its own.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "compiler.h"
#include "vmctl.h"

#define VERB(name, summary)	{ #name, summary, vmctl_##name, NULL, &vmctl_##name##_args }

static const struct vmctl_verb verbs[] = {
	VERB(create, "make a VM"),
	VERB(start, "start VMs"),
	VERB(stop, "shut VMs down"),
	VERB(restart, "shut VMs down and start them"),
	VERB(pause, "stop the CPUs of VMs"),
	VERB(resume, "let paused VMs go on"),
	VERB(fork, "make a running VM two, in milliseconds"),
	{ "snapshot", "memory and disks of a moment: make, restore, compare", vmctl_snapshot, vmctl_snapshot_help,
	  NULL },
	VERB(wait, "wait until VMs are in a state"),
	VERB(kill, "kill the processes of VMs"),
	VERB(rm, "remove VMs and all that belongs to them"),
	VERB(list, "the VMs and their states"),
	VERB(info, "what a VM is, how it is, what it takes"),
	VERB(set, "change a VM's configuration"),
	VERB(logs, "what a VM said on its console"),
	VERB(console, "connect to a VM's console"),
	VERB(vsock, "connect to a program in a VM"),
	{ "run", "boot a kernel in the foreground, its console on this terminal", vmctl_run,
	  vmctl_run_help, NULL },
	{ "image", "make, look at, copy and check disk images", vmctl_image, vmctl_image_help, NULL },
	{ "top", "a live table of the VMs on the module", vmctl_top, vmctl_top_help, NULL },
	VERB(stats, "where a VM's time goes"),
	VERB(events, "what happened to VMs"),
	VERB(trace, "a VM's exits one by one"),
	VERB(why, "the story of a VM that stopped or misbehaves"),
	VERB(metrics, "all counters as OpenMetrics text"),
	VERB(doctor, "what keeps VMs from running on this host, and what to do"),
	{ "net", "look at networks", vmctl_net, vmctl_net_help, NULL },
	VERB(completion, "a script that completes vmctl's words in bash"),
	{ "help", "this list, or how to use a verb", vmctl_help, NULL, NULL },
	{ "version", "the version of vmctl", vmctl_version, NULL, NULL },
};

const struct vmctl_verb *vmctl_verbs(size_t *n)
{
	*n = ARRAY_SIZE(verbs);
	return verbs;
}

static int no_such_verb(const char *word)
{
	const char *words[ARRAY_SIZE(verbs)], *meant;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		words[i] = verbs[i].name;
	meant = text_nearest(word, words, ARRAY_SIZE(verbs));
	fprintf(stderr, "vmctl: %s: there is no such verb: ", word);
	if (meant)
		fprintf(stderr, "did you mean `vmctl %s`?\n", meant);
	else
		fputs("`vmctl help` lists them\n", stderr);
	return VMCTL_USAGE;
}

int main(int argc, char **argv)
{
	size_t i;

	/* Who called us may ignore it, and that is inherited: then nobody learns how his children ended. */
	signal(SIGCHLD, SIG_DFL);
	title_init(argc, argv);
	if (argc < 2) {
		vmctl_help(1, argv);
		return VMCTL_USAGE;
	}
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		vmctl_set_verb(verbs[i].name);
		return verbs[i].run(argc - 1, argv + 1);
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return vmctl_help(1, argv);
	return no_such_verb(argv[1]);
}
