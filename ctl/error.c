// SPDX-License-Identifier: GPL-2.0-only
/*
 * error.c - the form of every error: `vmctl VERB: OBJECT: WHAT WENT WRONG: WHAT TO DO`.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Names come out of files that anybody may have written: one line it is, and no escape. */
__attribute__((format(printf, 1, 2)))
static void print_line(const char *format, ...)
{
	char *line;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&line, format, args);
	va_end(args);
	if (n < 0)
		return;
	text_clean(line);
	fprintf(stderr, "%s\n", line);
	free(line);
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
	print_line("vmctl %s: %s: %s: %s", current, object, what, remedy);
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
	print_line("vmctl %s: %s: %s: see `vmctl help %s`", current, object, what, current);
	return VMCTL_USAGE;
}
