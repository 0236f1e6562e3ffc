// SPDX-License-Identifier: GPL-2.0-only
/*
 * completion.c - vmctl completion: a script that teaches bash the verbs, their options and the VMs' names.
 *
 * Made from the tables that parse the command line, so it knows what vmctl knows.
 */
#include <stdio.h>

#include "compiler.h"
#include "subverbs.h"
#include "vmctl.h"

static const struct argp argp = {
	.doc = "Prints a script for bash that completes verbs, options and names of VMs.\v"
	       "Examples:\n"
	       "  source <(vmctl completion)\n"
	       "  vmctl completion >/etc/bash_completion.d/vmctl",
};

const struct vmctl_args vmctl_completion_args = { .argp = &argp, .no_store = true };

static void print_options(const struct argp_option *o)
{
	for (; o && (o->name || o->key || o->doc); o++)
		if (o->name)
			printf(" --%s", o->name);
}

/* The second words of verbs that have them. */
static void print_subverbs(void)
{
	static const struct subverbs * const all[] = { &image_verbs, &net_verbs, &snapshot_verbs };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		printf("\t\t'2 %s') words='", all[i]->verb);
		for (k = 0; k < all[i]->n; k++)
			printf("%s%s", k ? " " : "", all[i]->v[k].name);
		puts("' ;;");
	}
}

int vmctl_completion(int argc, char **argv)
{
	struct vmctl_args a = vmctl_completion_args;
	const struct vmctl_verb *verbs;
	size_t n, i;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (a.n)
		return vmctl_usage(a.names[0], "not expected here");
	verbs = vmctl_verbs(&n);
	puts("# bash completion for vmctl, made by `vmctl completion`.\n"
	     "_vmctl() {\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
	     "\tif ((COMP_CWORD == 1)); then");
	printf("\t\twords='");
	for (i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", verbs[i].name);
	puts("'\n\telif [[ $before == --format ]]; then\n\t\twords='table json'\n"
	     "\telif [[ $word == -* ]]; then\n\t\tcase ${COMP_WORDS[1]} in");
	for (i = 0; i < n; i++) {
		if (!verbs[i].args)
			continue;
		printf("\t\t%s) words='", verbs[i].name);
		print_options(verbs[i].args->argp->options);
		print_options(vmctl_common_options(verbs[i].args));
		puts("' ;;");
	}
	puts("\t\tesac\n\telif [[ ${COMP_WORDS[1]} == help ]]; then");
	printf("\t\twords='");
	for (i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", verbs[i].name);
	puts("'\n\telse\n\t\tcase \"$COMP_CWORD ${COMP_WORDS[1]}\" in");
	print_subverbs();
	puts("\t\t*) words=$(vmctl list --names 2>/dev/null) ;;\n\t\tesac\n\tfi\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
	     "\t[[ -n ${COMPREPLY[*]} ]] || compopt -o default\n"
	     "}\n"
	     "complete -F _vmctl vmctl");
	return VMCTL_OK;
}
