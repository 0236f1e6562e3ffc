// SPDX-License-Identifier: GPL-2.0-only
/*
 * list.c - vmctl list: the VMs of the store and how they are.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "compiler.h"

static bool only_names;

static const struct argp_option options[] = {
	{ "names", 'n', NULL, 0, "Print nothing but the names", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	if (key != 'n')
		return ARGP_ERR_UNKNOWN;
	only_names = true;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse,
	.doc = "Lists the VMs. The states are starting, running, paused, stopped and crashed.\v"
	       "Examples:\n"
	       "  vmctl list\n"
	       "  vmctl list --format json",
};

const struct vmctl_args vmctl_list_args = { .argp = &argp, .reads = true };

static const struct output_column columns[] = {
	{ "name", "NAME", OUTPUT_TEXT },
	{ "state", "STATE", OUTPUT_TEXT },
	{ "pid", "PID", OUTPUT_TEXT },
	{ "cpus", "CPUS", OUTPUT_TEXT },
	{ "memory", "MEMORY", OUTPUT_SIZE },
	{ "since", "SINCE", OUTPUT_TIME },
	{ "reason", "REASON", OUTPUT_TEXT },
};

/* A VM whose configuration is damaged is listed all the same. */
static json_t *row_of(struct vm *vm)
{
	struct vm_status status;
	struct config_error e;
	struct config c;
	json_t *row;
	char *text;
	size_t n;

	if (run_status(vm->fd, &status))
		return NULL;
	row = json_pack("{s:s, s:s, s:I, s:s}", "name", vm->name, "state", vm_state_name(status.state),
			"since", (json_int_t)status.since, "reason", status.reason);
	if (status.pid)
		json_object_set_new(row, "pid", json_integer(status.pid));
	config_init(&c);
	text = file_read(vm->fd, "config", CONFIG_MAX, &n);
	if (text && !config_parse(&c, text, n, &e)) {
		json_object_set_new(row, "cpus", json_integer(c.cpus));
		json_object_set_new(row, "memory", json_integer(c.memory));
	}
	free(text);
	config_fini(&c);
	return row;
}

static json_t *rows_of(struct store *s, char **names, size_t n)
{
	json_t *rows = json_array(), *row;
	struct vm vm = { .store = s, .lock = -1 };
	size_t i;

	for (i = 0; i < n; i++) {
		strcpy(vm.name, names[i]);
		vm.fd = openat(s->fd, names[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		/* Removed in between. */
		if (vm.fd < 0)
			continue;
		row = row_of(&vm);
		if (row)
			json_array_append_new(rows, row);
		vm_close(&vm);
	}
	return rows;
}

int vmctl_list(int argc, char **argv)
{
	struct vmctl_args a = vmctl_list_args;
	int status = VMCTL_OK;
	struct store s;
	char **names;
	size_t n, i;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (a.n)
		return vmctl_usage(a.names[0], "not expected here");
	if (store_open(&s, a.store))
		return VMCTL_FAILED;
	if (store_names(&s, &names, &n)) {
		store_close(&s);
		return VMCTL_FAILED;
	}
	if (only_names)
		for (i = 0; i < n; i++)
			puts(names[i]);
	else
		status = output_rows(a.format, columns, ARRAY_SIZE(columns), rows_of(&s, names, n));
	store_free_names(names, n);
	store_close(&s);
	return status;
}
