// SPDX-License-Identifier: GPL-2.0-only
/*
 * error.c - the form of every error: `vmctl VERB: OBJECT: WHAT WENT WRONG: WHAT TO DO`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmctl.h"

static const char *current = "";

/**
 * vmctl_set_verb() - whose errors will be told
 * @verb: its name; stays the caller's
 */
void vmctl_set_verb(const char *verb)
{
	current = verb;
}

/**
 * vmctl_verb_name() - the verb that runs
 *
 * Return: its name.
 */
const char *vmctl_verb_name(void)
{
	return current;
}

/**
 * vmctl_error() - tell an error
 * @object: what it is about
 * @what: went wrong
 * @remedy: what to do
 *
 * Return: VMCTL_FAILED, for `return vmctl_error(...)`.
 */
int vmctl_error(const char *object, const char *what, const char *remedy)
{
	fprintf(stderr, "vmctl %s: %s: %s: %s\n", current, object, what, remedy);
	return VMCTL_FAILED;
}

/**
 * vmctl_errno() - tell an error that errno names
 * @object: what it is about
 * @remedy: what to do
 *
 * Return: VMCTL_FAILED.
 */
int vmctl_errno(const char *object, const char *remedy)
{
	return vmctl_error(object, strerror(errno), remedy);
}

/**
 * vmctl_usage() - tell that the command line is wrong
 * @object: which word
 * @what: is wrong with it
 *
 * Return: VMCTL_USAGE.
 */
int vmctl_usage(const char *object, const char *what)
{
	fprintf(stderr, "vmctl %s: %s: %s: see `vmctl help %s`\n", current, object, what, current);
	return VMCTL_USAGE;
}
