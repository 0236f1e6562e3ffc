// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot_list.c - vmctl snapshot list, tree, info: what snapshots there are.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler.h"
#include "snapshot.h"

static const struct argp list_argp = {
	.args_doc = "VM",
	.doc = "Lists a VM's snapshots, the oldest first. The one that the VM goes on from has a star.\v"
	       "Examples:\n"
	       "  vmctl snapshot list web\n"
	       "  vmctl snapshot list --format json web",
};

static const struct argp tree_argp = {
	.args_doc = "VM",
	.doc = "Shows a VM's snapshots by descent: each under the one it was made after, with its age, what its RAM takes on the disk, and "
	       "how long the VM stood still. The one that the VM goes on from has a star.\v"
	       "Examples:\n"
	       "  vmctl snapshot tree web",
};

static const struct argp info_argp = {
	.args_doc = "VM NAME",
	.doc = "Tells what a snapshot is.\v"
	       "Examples:\n"
	       "  vmctl snapshot info web before-upgrade",
};

static const struct output_column columns[] = {
	{ "name", "NAME", OUTPUT_TEXT },
	{ "current", "", OUTPUT_TEXT },
	{ "parent", "PARENT", OUTPUT_TEXT },
	{ "of", "OF", OUTPUT_TEXT },
	{ "created", "CREATED", OUTPUT_TIME },
	{ "memory", "MEMORY", OUTPUT_SIZE },
	{ "written", "WRITTEN", OUTPUT_SIZE },
	{ "pause_us", "PAUSE us", OUTPUT_TEXT },
	{ "message", "MESSAGE", OUTPUT_TEXT },
};

static const struct output_column members[] = {
	{ "name", "Name", OUTPUT_TEXT },
	{ "vm", "VM", OUTPUT_TEXT },
	{ "message", "Message", OUTPUT_TEXT },
	{ "of", "Of", OUTPUT_TEXT },
	{ "generation", "Generation", OUTPUT_TEXT },
	{ "parent", "Parent", OUTPUT_TEXT },
	{ "created", "Created", OUTPUT_TIME },
	{ "cpu", "CPU vendor", OUTPUT_TEXT },
	{ "pause_us", "Pause in us", OUTPUT_TEXT },
	{ "memory", "Memory", OUTPUT_SIZE },
	{ "written", "RAM written", OUTPUT_SIZE },
	{ "ram_files", "RAM files", OUTPUT_TEXT },
	{ "disk_layers", "Disk layers", OUTPUT_TEXT },
};

/* The nearest ancestor that is still there; -1 if none is. */
static ssize_t parent_of(const struct snapshot *list, size_t n, const struct snapshot *s)
{
	const json_t *item;
	size_t i, k;

	json_array_foreach(json_object_get(s->info, "ancestors"), i, item)
		for (k = 0; k < n; k++)
			if (!strcmp(list[k].generation, json_string_value(item)))
				return k;
	return -1;
}

/* In seconds; clocks are set. */
static json_int_t age_of(const struct snapshot *s)
{
	json_int_t age = time(NULL) - snapshot_number(s, "created");

	return age < 0 ? 0 : age;
}

static json_t *row_of(const struct snapshot *list, size_t n, const struct snapshot *s, const char *current)
{
	ssize_t parent;
	json_t *row;

	if (!s->info)
		return json_pack("{s:s, s:b, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:s, s:s}", "name", s->name, "damaged", 1, "generation",
				 "parent", "created", "age", "memory", "written", "pause_us", "of", "current", "", "message",
				 "(damaged: see `vmctl snapshot verify`)");
	parent = parent_of(list, n, s);
	row = json_pack("{s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "name", s->name, "damaged", 0, "generation", s->generation,
			"parent", parent < 0 ? "" : list[parent].name, "created", snapshot_number(s, "created"), "age", age_of(s), "memory",
			snapshot_number(s, "memory"), "written", snapshot_number(s, "written"), "pause_us",
			snapshot_number(s, "pause_us"), "message", snapshot_text(s, "message"));
	json_object_set_new(row, "of", json_string(snapshot_has_memory(s) ? "memory+disks" : "disks"));
	json_object_set_new(row, "current", json_string(strcmp(s->generation, current) ? "" : "*"));
	return row;
}

static int list_work(struct vm *vm, const struct vmctl_args *a)
{
	char current[GENERATION];
	struct snapshot *list;
	json_t *rows;
	size_t i, n;

	if (snapshot_list(vm, &list, &n))
		return VMCTL_FAILED;
	snapshot_current(vm, current);
	rows = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(rows, row_of(list, n, &list[i], current));
	snapshot_list_free(list, n);
	return output_rows(a->format, columns, ARRAY_SIZE(columns), rows);
}

/**
 * struct tree - while it is printed
 * @list: of snapshots
 * @n: their number
 * @parent: of each, -1 for none
 * @current: generation that the VM goes on from
 */
struct tree {
	const struct snapshot *list;
	size_t n;
	ssize_t *parent;
	char current[GENERATION];
};

/* In the largest unit of which there are two. */
static void write_age(json_int_t age, char *to, size_t room)
{
	static const struct {
		json_int_t seconds;
		const char *unit;
	} units[] = { { 86400, "days" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units) - 1 && age < 2 * units[i].seconds; i++)
		;
	snprintf(to, room, "%lld %s old", (long long)(age / units[i].seconds), units[i].unit);
}

static void print_one(const struct tree *t, const struct snapshot *s, const char *indent, const char *branch)
{
	char age[40], size[32], pause[80], *message;

	if (!s->info) {
		printf("%s%s%s  (damaged)\n", indent, branch, s->name);
		return;
	}
	message = strdup(snapshot_text(s, "message"));
	if (message)
		text_clean(message);
	write_age(age_of(s), age, sizeof(age));
	text_from_size(snapshot_number(s, "written"), size, sizeof(size));
	snprintf(pause, sizeof(pause), "%s  paused %lld us", size, (long long)snapshot_number(s, "pause_us"));
	printf("%s%s%s%s  %s  %s%s%s\n", indent, branch, s->name, strcmp(s->generation, t->current) ? "" : "*", age,
	       snapshot_has_memory(s) ? pause : "disks", message && *message ? "  " : "", message ? message : "");
	free(message);
}

static void print_below(const struct tree *t, ssize_t parent, const char *indent, unsigned int depth)
{
	char deeper[400];
	size_t i, last = t->n;

	for (i = 0; i < t->n; i++)
		if (t->parent[i] == parent)
			last = i;
	for (i = 0; i < t->n; i++) {
		if (t->parent[i] != parent)
			continue;
		print_one(t, &t->list[i], indent, parent < 0 ? "" : i == last ? "`- " : "|- ");
		/* A chain of hundreds does not move out of the screen. */
		snprintf(deeper, sizeof(deeper), "%s%s", indent, parent < 0 || depth > 40 ? "" : i == last ? "   " : "|  ");
		print_below(t, i, deeper, depth + 1);
	}
}

static int tree_work(struct vm *vm, const struct vmctl_args *a)
{
	struct tree t = { 0 };
	struct snapshot *list;
	size_t i;

	if (a->format == VMCTL_JSON)
		return list_work(vm, a);
	if (snapshot_list(vm, &list, &t.n))
		return VMCTL_FAILED;
	t.list = list;
	t.parent = calloc(t.n + 1, sizeof(*t.parent));
	snapshot_current(vm, t.current);
	for (i = 0; t.parent && i < t.n; i++)
		t.parent[i] = parent_of(list, t.n, &list[i]);
	if (t.parent)
		print_below(&t, -1, "", 0);
	free(t.parent);
	snapshot_list_free(list, t.n);
	return VMCTL_OK;
}

static int info_work(struct vm *vm, const struct vmctl_args *a)
{
	char current[GENERATION];
	struct snapshot_ram ram = { .map.nfiles = 0 };
	struct snapshot *list, s;
	int status = VMCTL_FAILED;
	json_t *row;
	size_t n;

	if (snapshot_open(&s, vm, a->names[1]) || snapshot_list(vm, &list, &n)) {
		snapshot_close(&s);
		return VMCTL_FAILED;
	}
	snapshot_current(vm, current);
	if (!snapshot_has_memory(&s) || !snapshot_ram_open(&s, &ram)) {
		row = row_of(list, n, &s, current);
		json_object_update_missing(row, s.info);
		json_object_set_new(row, "ram_files", json_integer(ram.map.nfiles));
		json_object_set_new(row, "disk_layers", json_integer(json_array_size(json_object_get(s.info, "layers"))));
		status = output_object(a->format, members, ARRAY_SIZE(members), row);
	}
	snapshot_ram_close(&ram);
	snapshot_list_free(list, n);
	snapshot_close(&s);
	return status;
}

static int run(const struct argp *argp, unsigned int names, int (*work)(struct vm *vm, const struct vmctl_args *a), int argc,
	       char **argv)
{
	struct vmctl_args a = { .argp = argp, .reads = true, .min = names, .max = names };

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return snapshot_with(&a, false, work);
}

int snapshot_ls(int argc, char **argv)
{
	return run(&list_argp, 1, list_work, argc, argv);
}

int snapshot_tree(int argc, char **argv)
{
	return run(&tree_argp, 1, tree_work, argc, argv);
}

int snapshot_info(int argc, char **argv)
{
	return run(&info_argp, 2, info_work, argc, argv);
}
