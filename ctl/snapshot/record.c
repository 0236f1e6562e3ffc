// SPDX-License-Identifier: GPL-2.0-only
/*
 * record.c - the snapshots of a VM: their names, their `info`, the one that the VM goes on from.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record.h"
#include "vmctl.h"

#define INFO_MAX	(1 << 20)

/**
 * snapshot_tell() - tell what is wrong with a snapshot
 * @s: the snapshot
 * @part: which part of it, or NULL
 * @what: went wrong
 * @remedy: what to do
 *
 * Return: -1.
 */
int snapshot_tell(const struct snapshot *s, const char *part, const char *what, const char *remedy)
{
	char object[300];

	snprintf(object, sizeof(object), "%s/%s%s%s", s->vm.name, s->name, part ? "/" : "", part ? part : "");
	vmctl_error(object, what, remedy);
	return -1;
}

/**
 * snapshot_info_write() - write the file `info`
 * @folder: of the snapshot
 * @info: what goes in
 *
 * Return: 0, or -1 with errno.
 */
int snapshot_info_write(int folder, json_t *info)
{
	size_t n;
	char *text = snapshot_info_print(info, &n);
	int err = text ? file_write(folder, "info", text, n) : -1;

	free(text);
	return err;
}

static int open_folder(struct snapshot *s, const struct vm *vm, const char *name)
{
	int all = openat(vm->fd, "snapshots", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	*s = (struct snapshot){ .vm = { .store = vm->store, .fd = -1, .lock = -1 } };
	memcpy(s->vm.name, vm->name, sizeof(vm->name));
	snprintf(s->name, sizeof(s->name), "%s", name);
	if (all < 0)
		return -1;
	s->vm.fd = openat(all, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	close(all);
	return s->vm.fd < 0 ? -1 : 0;
}

/* Says nothing: a damaged one shall be listed, too. */
static const char *read_info(struct snapshot *s)
{
	const char *wrong = "cannot be read";
	size_t n;
	char *text = file_read(s->vm.fd, "info", INFO_MAX, &n);

	if (text && !snapshot_info_parse(text, n, &s->info, &wrong)) {
		wrong = NULL;
		strcpy(s->generation, json_string_value(json_object_get(s->info, "generation")));
	}
	free(text);
	return wrong;
}

static int tell_missing(const struct snapshot *s, const struct vm *vm)
{
	const char *meant = NULL;
	char **names, remedy[160];
	size_t n;

	if (snapshot_names(vm, &names, &n))
		return -1;
	meant = text_nearest(s->name, (const char *const *)names, n);
	if (meant)
		snprintf(remedy, sizeof(remedy), "did you mean `%s`?", meant);
	else
		snprintf(remedy, sizeof(remedy), "`vmctl snapshot list %s` shows those there are", vm->name);
	snapshot_tell(s, NULL, "there is no such snapshot", remedy);
	store_free_names(names, n);
	return -1;
}

/**
 * snapshot_open() - open a VM's snapshot
 * @s: filled; to be closed, also after a failure
 * @vm: the VM, open
 * @name: of the snapshot
 *
 * Return: 0, or -1 with the error told.
 */
int snapshot_open(struct snapshot *s, const struct vm *vm, const char *name)
{
	const char *wrong;

	if (!config_name_ok(name)) {
		*s = (struct snapshot){ .vm.fd = -1, .vm.lock = -1 };
		vmctl_error(name, "is no name of a snapshot", "`vmctl snapshot list` shows those there are");
		return -1;
	}
	if (open_folder(s, vm, name)) {
		if (errno == ENOENT)
			return tell_missing(s, vm);
		vmctl_errno(name, "check the folder `snapshots` of the VM");
		return -1;
	}
	wrong = read_info(s);
	return wrong ? snapshot_tell(s, "info", wrong, "remove the snapshot, or use the vmctl that made it") : 0;
}

/**
 * snapshot_has_memory() - is it of a machine that ran?
 * @s: the snapshot, open
 *
 * Return: false if it is of disks alone.
 */
bool snapshot_has_memory(const struct snapshot *s)
{
	return snapshot_info_has_memory(s->info);
}

/**
 * snapshot_close() - done with it
 * @s: may be closed already
 */
void snapshot_close(struct snapshot *s)
{
	vm_close(&s->vm);
	json_decref(s->info);
	s->info = NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/**
 * snapshot_names() - the names of a VM's snapshots
 * @vm: the VM, open
 * @names: filled, in alphabetical order; to be freed with store_free_names()
 * @n: filled with their number
 *
 * Return: 0, or -1 with the error told.
 */
int snapshot_names(const struct vm *vm, char ***names, size_t *n)
{
	int fd = openat(vm->fd, "snapshots", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	char **more;

	*names = NULL;
	*n = 0;
	if (!dir)
		return errno == ENOENT ? 0 : (vmctl_errno(vm->name, "check that the VM is yours"), -1);
	while ((e = readdir(dir))) {
		if (!config_name_ok(e->d_name))
			continue;
		more = realloc(*names, (*n + 1) * sizeof(**names));
		if (more)
			*names = more;
		if (!more || !(more[*n] = strdup(e->d_name)))
			break;
		++*n;
	}
	closedir(dir);
	if (*n)
		qsort(*names, *n, sizeof(**names), compare_names);
	return 0;
}

static int compare_age(const void *a, const void *b)
{
	json_int_t x = snapshot_number(a, "created"), y = snapshot_number(b, "created");

	return x < y ? -1 : x > y ? 1 : strcmp(((const struct snapshot *)a)->name, ((const struct snapshot *)b)->name);
}

/**
 * snapshot_list() - all snapshots of a VM, the oldest first
 * @vm: the VM, open
 * @list: filled; of damaged ones @info is NULL; to be freed with snapshot_list_free()
 * @n: filled with their number
 *
 * Return: 0, or -1 with the error told.
 */
int snapshot_list(const struct vm *vm, struct snapshot **list, size_t *n)
{
	char **names;
	size_t i, all;

	*list = NULL;
	*n = 0;
	if (snapshot_names(vm, &names, &all))
		return -1;
	*list = calloc(all + 1, sizeof(**list));
	for (i = 0; *list && i < all; i++) {
		struct snapshot *s = &(*list)[*n];

		/* It may go in this moment. */
		if (open_folder(s, vm, names[i]))
			continue;
		read_info(s);
		++*n;
		/* A VM may have more of them than files can be open. */
		vm_close(&s->vm);
	}
	store_free_names(names, all);
	if (*list && *n)
		qsort(*list, *n, sizeof(**list), compare_age);
	return *list ? 0 : (vmctl_errno("memory", "free some"), -1);
}

/**
 * snapshot_list_free() - free the list
 * @list: from snapshot_list()
 * @n: their number
 */
void snapshot_list_free(struct snapshot *list, size_t n)
{
	while (n)
		snapshot_close(&list[--n]);
	free(list);
}

/**
 * snapshot_text() - a text of its `info`
 * @s: the snapshot
 * @key: which
 *
 * Return: the text, "" if there is none.
 */
const char *snapshot_text(const struct snapshot *s, const char *key)
{
	const char *text = json_string_value(json_object_get(s->info, key));

	return text ? text : "";
}

/**
 * snapshot_number() - a number of its `info`
 * @s: the snapshot
 * @key: which
 *
 * Return: the number, 0 if there is none.
 */
json_int_t snapshot_number(const struct snapshot *s, const char *key)
{
	return json_integer_value(json_object_get(s->info, key));
}

/**
 * snapshot_current() - which snapshot the VM goes on from
 * @vm: the VM, open
 * @generation: filled; empty: from none
 */
void snapshot_current(const struct vm *vm, char generation[GENERATION])
{
	size_t n;
	char *text = file_read(vm->fd, "snapshots/.current", GENERATION, &n);

	generation[0] = 0;
	if (text && n >= 36)
		text[36] = 0;
	if (text && snapshot_generation_ok(text))
		strcpy(generation, text);
	free(text);
}

/**
 * snapshot_set_current() - the VM goes on from this one
 * @vm: locked
 * @generation: of the snapshot
 *
 * Return: 0, or -1 with errno.
 */
int snapshot_set_current(const struct vm *vm, const char *generation)
{
	int fd = openat(vm->fd, "snapshots", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), err;

	if (fd < 0)
		return -1;
	err = file_write(fd, ".current", generation, strlen(generation));
	close(fd);
	return err;
}
