// SPDX-License-Identifier: GPL-2.0-only
/*
 * options.c - the command line of a verb: its own options, those that all verbs share, its arguments.
 *
 * argp parses; what it would say itself is said in the form of all errors instead.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bad_option.h"
#include "compiler.h"
#include "vmctl.h"

#define KEY_STORE	0x1000
#define KEY_FORMAT	0x1001

/* The parser has told what is wrong. */
#define TOLD		ECANCELED

#define FORMAT	{ "format", KEY_FORMAT, "FORMAT", 0, "Print a table or json (default: table)", 1 }
#define HELP	{ "help", 'h', NULL, 0, "Show this text", 3 }

static const struct argp_option common[] = {
	FORMAT,
	{ "store", KEY_STORE, "DIR", 0, "The folder of the VMs (default: $VITRINE_STORE; for root "
	  "/var/lib/vitrine/vms, else ~/.local/share/vitrine)", 2 },
	HELP,
	{ 0 },
};

static const struct argp_option storeless[] = { FORMAT, HELP, { 0 } };

/**
 * vmctl_common_options() - the options that a verb has beside its own
 * @a: the verb's command line
 *
 * Return: a terminated table.
 */
const struct argp_option *vmctl_common_options(const struct vmctl_args *a)
{
	if (a->no_store)
		return a->reads ? storeless : storeless + 1;
	return a->reads ? common : common + 1;
}

/**
 * vmctl_bad_value() - in a verb's parser: tell that an option's value is wrong
 * @value: what the user gave
 * @what: should have been given
 *
 * Return: what the parser shall return.
 */
error_t vmctl_bad_value(const char *value, const char *what)
{
	vmctl_usage(*value ? value : "''", what);
	return TOLD;
}

/* argp found something wrong and keeps silent about it. */
static void tell_bad_option(const struct vmctl_args *a, const char *word)
{
	const char *what = bad_option_what(a->argp->options, word);

	if (!what)
		what = bad_option_what(vmctl_common_options(a), word);
	vmctl_usage(word, what ? what : "is no option of this verb");
}

static error_t take_names(struct vmctl_args *a, struct argp_state *state)
{
	a->names = state->argv + state->next;
	a->n = state->argc - state->next;
	if (a->max && a->n > a->max) {
		vmctl_usage(a->names[a->max], "not expected here");
		return TOLD;
	}
	state->next = state->argc;
	return 0;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct vmctl_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = a->input;
		return 0;
	case KEY_STORE:
		a->store = arg;
		return *arg ? 0 : vmctl_bad_value(arg, "--store takes a folder");
	case KEY_FORMAT:
		if (strcmp(arg, "table") && strcmp(arg, "json"))
			return vmctl_bad_value(arg, "--format takes table or json");
		a->format = strcmp(arg, "json") ? VMCTL_TABLE : VMCTL_JSON;
		return 0;
	case 'h':
		vmctl_args_help(a, vmctl_verb_name());
		exit(VMCTL_OK);
	case ARGP_KEY_ARG:
		return ARGP_ERR_UNKNOWN;	/* all at once, as ARGP_KEY_ARGS */
	case ARGP_KEY_ARGS:
		return take_names(a, state);
	case ARGP_KEY_END:
		if (a->n >= a->min)
			return 0;
		vmctl_usage(a->argp->args_doc, "missing");
		return TOLD;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Options of both kinds under one parser; `children` has room for two. */
static struct argp compose(const struct vmctl_args *a, struct argp_child *children)
{
	children[0] = (struct argp_child){ .argp = a->argp };
	children[1] = (struct argp_child){ 0 };
	return (struct argp){ .options = vmctl_common_options(a), .parser = parse_common,
			      .children = children };
}

static int last_next;

static error_t parse_watched(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_ERROR)
		last_next = state->next;
	return parse_common(key, arg, state);
}

/**
 * vmctl_parse() - read a verb's command line
 * @a: what it takes; filled
 * @argc: of the verb
 * @argv: of the verb
 *
 * `--help` prints and exits.
 * Return: 0, or VMCTL_USAGE with the error told.
 */
int vmctl_parse(struct vmctl_args *a, int argc, char **argv)
{
	struct argp_child children[2];
	struct argp all = compose(a, children);
	error_t err;

	all.parser = parse_watched;
	last_next = 0;
	err = argp_parse(&all, argc, argv, ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP, NULL, a);
	if (!err)
		return 0;
	if (err != TOLD)
		tell_bad_option(a, bad_option_word(argc, argv, last_next));
	return VMCTL_USAGE;
}

/**
 * vmctl_args_help() - print how to use a verb
 * @a: its command line
 * @verb: its name
 */
void vmctl_args_help(const struct vmctl_args *a, const char *verb)
{
	struct argp_child children[2];
	struct argp all = compose(a, children);
	char name[64];

	snprintf(name, sizeof(name), "vmctl %s", verb);
	argp_help(&all, stdout, ARGP_HELP_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
}
