// SPDX-License-Identifier: GPL-2.0-only
/*
 * bad_option.c - what was wrong with a command line that argp stopped at in silence (ARGP_NO_ERRS).
 */
#include <string.h>

#include "bad_option.h"

/**
 * bad_option_word() - the word that argp stopped at: the first that is wrong
 * @argc: of the command line
 * @argv: of the command line
 * @next: of argp's state at ARGP_KEY_ERROR; 0 if it never came
 *
 * Return: one of @argv.
 */
const char *bad_option_word(int argc, char **argv, int next)
{
	return next > 1 && next <= argc ? argv[next - 1] : argv[argc - 1];
}

/**
 * bad_option_what() - what is wrong with it
 * @options: a terminated table, or NULL
 * @word: as it was written, with its dashes
 *
 * Return: the end of a sentence, or NULL: the option is not in the table.
 */
const char *bad_option_what(const struct argp_option *options, const char *word)
{
	const struct argp_option *o;
	size_t n;

	if (word[0] != '-' || !word[1])
		return NULL;
	for (o = options; o && (o->name || o->key || o->doc); o++) {
		n = strcspn(word + 1, "=") - 1;
		if (word[1] == '-' ? o->name && !strncmp(o->name, word + 2, n) && !o->name[n] : word[1] == o->key)
			return o->arg ? "wants a value" : "takes no value";
	}
	return NULL;
}
