// SPDX-License-Identifier: GPL-2.0-only
/*
 * root.c - the host that is examined, as files below a folder; findings about it.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "doctor.h"
#include "store/store.h"

#define FILE_MAX	(8 << 20)	/* /proc/cpuinfo of the largest hosts */
#define LINE_MAX	(64 << 10)	/* sysctl files refuse reads of many megabytes */

/**
 * doctor_read() - a file of the host
 * @d: the examination
 * @path: without a slash at its beginning
 * @n: filled with its size
 *
 * Return: its bytes and a zero, to be freed, or NULL.
 */
char *doctor_read(struct doctor *d, const char *path, size_t *n)
{
	return file_read(d->root, path, FILE_MAX, n);
}

/**
 * doctor_line() - a file's first line
 * @d: the examination
 * @path: without a slash at its beginning
 * @line: filled, empty when there is none
 * @room: bytes in @line
 *
 * Return: false if the file cannot be read.
 */
bool doctor_line(struct doctor *d, const char *path, char *line, size_t room)
{
	size_t n;
	char *text = file_read(d->root, path, LINE_MAX, &n);

	*line = 0;
	if (!text)
		return false;
	text[strcspn(text, "\n")] = 0;
	snprintf(line, room, "%s", text);
	free(text);
	return true;
}

/**
 * doctor_has() - is there such a file?
 * @d: the examination
 * @path: without a slash at its beginning
 *
 * Return: whether.
 */
bool doctor_has(struct doctor *d, const char *path)
{
	return !faccessat(d->root, path, F_OK, 0);
}

/**
 * doctor_has_word() - is a word in a list?
 * @words: separated by white space or commas; NULL is an empty list
 * @word: which
 *
 * Return: whether.
 */
bool doctor_has_word(const char *words, const char *word)
{
	static const char ends[] = " \t\n,";
	size_t n;

	for (; words && *words; words += n + !!words[n]) {
		n = strcspn(words, ends);
		if (n == strlen(word) && !strncmp(words, word, n))
			return true;
	}
	return false;
}

/**
 * doctor_program() - can this program be run by its name?
 * @d: the examination
 * @name: of the program
 *
 * Return: whether; where programs of administrators are counts for all.
 */
bool doctor_program(struct doctor *d, const char *name)
{
	static const char *const folders[] = {
		"usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"
	};
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (!faccessat(d->root, path, X_OK, 0))
			return true;
	}
	return false;
}

/**
 * doctor_find() - the running check has found something
 * @d: the examination
 * @level: how bad it is
 * @remedy: what to do, best a line to type; NULL when all is well
 * @format: what was found, for printf
 */
void doctor_find(struct doctor *d, enum doctor_level level, const char *remedy, const char *format, ...)
{
	static const char *const names[DOCTOR_LEVELS] = { "ok", "unknown", "warning", "problem" };
	char text[512];
	json_t *row;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	row = json_pack("{s:s, s:s}", "check", d->check, "state", names[level]);
	/* What comes from a file of the host may be cut in the middle of a character, or none at all. */
	if (json_object_set_new(row, "finding", json_string(text)))
		json_object_set_new(row, "finding", json_string("(not UTF-8)"));
	if (remedy)
		json_object_set_new(row, "remedy", json_string(remedy));
	json_array_append_new(d->rows, row);
	if (level > d->worst)
		d->worst = level;
}
