// SPDX-License-Identifier: GPL-2.0-only
/*
 * output.c - what verbs print: the same objects as a table for people or as JSON for programs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"

#define CELL	320

/* A size in the largest unit that leaves at least two digits, for people. */
static void write_size(uint64_t bytes, char *cell)
{
	static const char units[] = "BKMGT";
	unsigned int i = 0;

	while (i < 4 && (bytes >= 10240 || (bytes >= 1024 && !(bytes & 1023)))) {
		bytes = (bytes + 512) >> 10;
		i++;
	}
	snprintf(cell, CELL, "%" PRIu64 "%.*s", bytes, i ? 1 : 0, units + i);
}

static void write_time(time_t t, char *cell)
{
	struct tm tm;

	if (!t || !localtime_r(&t, &tm) || !strftime(cell, CELL, "%F %T", &tm))
		strcpy(cell, "-");
}

static void write_cell(const struct output_column *c, const json_t *row, char *cell)
{
	const json_t *v = json_object_get(row, c->key);

	if (json_is_integer(v) && c->kind == OUTPUT_SIZE)
		write_size(json_integer_value(v), cell);
	else if (json_is_integer(v) && c->kind == OUTPUT_TIME)
		write_time(json_integer_value(v), cell);
	else if (json_is_integer(v))
		snprintf(cell, CELL, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_string(v) && json_string_length(v))
		snprintf(cell, CELL, "%s", json_string_value(v));
	else
		strcpy(cell, json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "-");
	/* Nothing that came from a guest or a file reaches the terminal as a command to it. */
	text_clean(cell);
}

static int print_json(json_t *value)
{
	if (json_dumpf(value, stdout, JSON_INDENT(2) | OUTPUT_REALS) || putchar('\n') == EOF)
		return vmctl_errno("standard output", "see where it goes");
	return VMCTL_OK;
}

static int flushed(void)
{
	return fflush(stdout) ? vmctl_errno("standard output", "see where it goes") : VMCTL_OK;
}

static void print_line(const char *cell, size_t width, bool last)
{
	if (last)
		puts(cell);
	else
		printf("%-*s  ", (int)width, cell);
}

static void print_table(const struct output_column *columns, size_t n, const json_t *rows)
{
	size_t width[n], i, k;
	char cell[CELL];
	const json_t *row;

	for (k = 0; k < n; k++) {
		width[k] = strlen(columns[k].title);
		json_array_foreach(rows, i, row) {
			write_cell(&columns[k], row, cell);
			if (strlen(cell) > width[k])
				width[k] = strlen(cell);
		}
	}
	for (k = 0; k < n; k++)
		print_line(columns[k].title, width[k], k == n - 1);
	json_array_foreach(rows, i, row) {
		for (k = 0; k < n; k++) {
			write_cell(&columns[k], row, cell);
			print_line(cell, width[k], k == n - 1);
		}
	}
}

/**
 * output_rows() - print a list of objects
 * @format: a table with a line each, or a JSON array
 * @columns: of the table
 * @n: their number
 * @rows: array; its reference is taken over
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int output_rows(enum vmctl_format format, const struct output_column *columns, size_t n, json_t *rows)
{
	int status = VMCTL_OK;

	if (format == VMCTL_JSON)
		status = print_json(rows);
	else
		print_table(columns, n, rows);
	json_decref(rows);
	return status ? status : flushed();
}

/**
 * output_object() - print one object
 * @format: a line for each member, or JSON
 * @columns: the members for people; one that is not there is left out
 * @n: their number
 * @object: its reference is taken over
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int output_object(enum vmctl_format format, const struct output_column *columns, size_t n,
		  json_t *object)
{
	int status = VMCTL_OK;
	char cell[CELL];
	size_t k;

	if (format == VMCTL_JSON) {
		status = print_json(object);
	} else {
		for (k = 0; k < n; k++) {
			if (!json_object_get(object, columns[k].key))
				continue;
			write_cell(&columns[k], object, cell);
			printf("%-16s %s\n", columns[k].title, cell);
		}
	}
	json_decref(object);
	return status ? status : flushed();
}
