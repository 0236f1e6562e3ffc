// SPDX-License-Identifier: GPL-2.0-only
/*
 * layers.c - the layers of a VM's disks in its folder: each has a name of its own for ever, names the one under it by that name
 * alone, and stands in the folder of every VM that uses it, as one file with several links. So a layer lives as long as somebody
 * uses it, whoever goes first, and nobody has to count.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/disk.h"
#include "layers.h"
#include "vmctl.h"

static int tell(const struct disk_error *e)
{
	vmctl_error(e->object, e->what, e->remedy);
	return -1;
}

/**
 * layers_path() - a name for a layer that can be opened
 * @path: filled
 * @n: its room
 * @vm: in whose folder
 * @file: as the configuration has it
 */
void layers_path(char *path, size_t n, const struct vm *vm, const char *file)
{
	if (*file == '/')
		snprintf(path, n, "%s", file);
	else
		snprintf(path, n, "/proc/self/fd/%d/%s", vm->fd, file);
}

/* What a file of a VM is, without taking it from who uses it. */
static int look(const struct vm *vm, const char *file, enum disk_format format, struct disk_info *info)
{
	struct disk_error e;
	char path[4200];
	struct disk *d;
	int err;

	layers_path(path, sizeof(path), vm, file);
	d = disk_open(path, format, DISK_UNLOCKED | DISK_NO_BACKING, &e);
	if (!d)
		return tell(&e);
	err = disk_info(d, info);
	disk_close(d);
	return err ? vmctl_error(file, "cannot be looked into", "see `vmctl image check`"), -1 : 0;
}

static enum disk_format format_of(const struct config_disk *d)
{
	return d->format ? disk_format_named(d->format) : disk_format_of_name(d->file);
}

/**
 * layers_first() - begin with a disk's top layer
 * @w: filled
 * @vm: in whose folder
 * @d: the disk
 *
 * Return: 0, or -1 with the error told.
 */
int layers_first(struct layer_walk *w, const struct vm *vm, const struct config_disk *d)
{
	w->vm = vm;
	w->format = format_of(d);
	snprintf(w->name, sizeof(w->name), "%s", d->file);
	return look(vm, w->name, w->format, &w->info);
}

/**
 * layers_next() - the layer below
 * @w: from layers_first(), which @vm's folder has or not
 *
 * What lies under an image outside of the folder is not this VM's concern. A guest can write into the lowest layer whatever it
 * wants, so that one's format is never found out by looking, and no layer names one in another folder.
 * Return: 1, 0 if there is none, or -1 with the error told.
 */
int layers_next(struct layer_walk *w)
{
	const char *below = w->info.backing;

	if (*w->name == '/' || !*below)
		return 0;
	if (*below != '/' && strchr(below, '/')) {
		vmctl_error(w->name, "names a layer in another folder", "see `vmctl image info`");
		return -1;
	}
	w->format = w->info.backing_format;
	snprintf(w->name, sizeof(w->name), "%s%s", *below == '/' ? "" : "disks/", below);
	return look(w->vm, w->name, w->format, &w->info) ? -1 : 1;
}

/**
 * layers_share() - a disk of one VM's folder, all its layers, shall be in another's, too
 * @from: the VM that has them
 * @to: the VM that gets them, in the same store
 * @d: the disk; images that are in no folder need no sharing
 *
 * Return: 0, or -1 with the error told.
 */
int layers_share(const struct vm *from, const struct vm *to, const struct config_disk *d)
{
	struct layer_walk w;
	unsigned int n = 0;
	int more;

	if (layers_first(&w, from, d))
		return -1;
	do {
		/* One more than there are would be more than can be opened. */
		if (++n == DISK_CHAIN_MAX)
			return vmctl_error(d->file, "has as many layers as a disk can have",
					   "stop the VM and start it again: that merges them"), -1;
		if (*w.name != '/' && linkat(from->fd, w.name, to->fd, w.name, 0) && errno != EEXIST)
			return vmctl_errno(w.name, "check that the store is on one file system"), -1;
		more = layers_next(&w);
	} while (more > 0);
	return more < 0 ? -1 : 0;
}

/**
 * layers_over() - make an empty layer over a disk
 * @vm: in whose folder; the layer under it is there, or has an absolute name
 * @d: the disk
 * @name: filled with the layer's name
 *
 * Return: 0, or -1 with the error told.
 */
int layers_over(const struct vm *vm, const struct config_disk *d, char name[LAYER_NAME])
{
	enum disk_format format = format_of(d);
	const char *below = strncmp(d->file, "disks/", 6) ? d->file : d->file + 6;
	struct disk_info info;
	struct disk_error e;
	char uuid[37], path[100];

	if (*d->file != '/' && below == d->file) {
		vmctl_error(d->file, "is not in the folder `disks`", "move it there, or name it with its whole path");
		return -1;
	}
	if (look(vm, d->file, format, &info) || identity_uuid(uuid))
		return -1;
	snprintf(name, LAYER_NAME, "disks/%.8s%.4s%.4s.qcow2", uuid, uuid + 9, uuid + 24);
	layers_path(path, sizeof(path), vm, name);
	return disk_create(path, DISK_QCOW2, info.size, below, format, &e) ? tell(&e) : 0;
}

/**
 * layers_set() - a disk is a layer from now on
 * @d: the disk
 * @name: of the layer
 *
 * Return: 0, or -1 with the error told.
 */
int layers_set(struct config_disk *d, const char *name)
{
	char *file = strdup(name), *format = strdup("qcow2");

	if (!file || !format) {
		free(file);
		free(format);
		return vmctl_errno("memory", "free some"), -1;
	}
	free(d->file);
	free(d->format);
	d->file = file;
	d->format = format;
	return 0;
}

/* What the user called a file himself is his. */
static bool is_ours(const char *name)
{
	return strspn(name, "0123456789abcdef") == 16 && !strcmp(name + 16, ".qcow2");
}

/**
 * layers_made() - did layers_over() make a layer?
 * @name: of it, as the configuration has it
 *
 * Return: whether.
 */
bool layers_made(const char *name)
{
	return !strncmp(name, "disks/", 6) && is_ours(name + 6);
}

/**
 * struct names - the layers of a VM in its folder
 * @name: of each
 * @n: their number
 */
struct names {
	char (*name)[LAYER_NAME];
	size_t n;
};

static int add_name(struct names *all, const char *name)
{
	char (*more)[LAYER_NAME];

	if (!layers_made(name))
		return 0;
	more = realloc(all->name, (all->n + 1) * sizeof(*more));
	if (!more)
		return -1;
	all->name = more;
	snprintf(more[all->n++], LAYER_NAME, "%.*s", LAYER_NAME - 1, name + 6);
	return 0;
}

static int add_chain(struct names *all, const struct vm *vm, const struct config_disk *d)
{
	struct layer_walk w;
	int more = layers_first(&w, vm, d) ? -1 : 1;

	while (more > 0)
		more = add_name(all, w.name) ? -1 : layers_next(&w);
	return more;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* One in the making, by disk_create(); whoever made it is gone, as the VM's lock is ours. */
static bool is_debris(const char *name)
{
	size_t digits;

	if (strspn(name, "0123456789abcdef") != 16 || strncmp(name + 16, ".qcow2.", 7))
		return false;
	digits = strspn(name + 23, "0123456789");
	return digits && !strcmp(name + 23 + digits, ".new");
}

static void remove_others(const struct vm *vm, const struct names *used)
{
	int fd = openat(vm->fd, "disks", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (is_debris(e->d_name) ||
		    (is_ours(e->d_name) && (!used->n || !bsearch(e->d_name, used->name, used->n, LAYER_NAME, compare_names))))
			unlinkat(fd, e->d_name, 0);
	closedir(dir);
}

/**
 * layers_collect() - remove the layers that a VM does not use any more
 * @vm: locked
 * @c: what it uses
 *
 * Where a snapshot or another VM uses one, that has a link of its own. Of a running VM, too: what its process uses is in the
 * chains of its configuration. A layer that cannot be looked into may be over anything: then none is removed.
 */
void layers_collect(const struct vm *vm, const struct config *c)
{
	struct names used = { 0 };
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < c->ndisks; i++)
		err = add_chain(&used, vm, &c->disks[i]);
	if (used.n)
		qsort(used.name, used.n, LAYER_NAME, compare_names);
	if (!err)
		remove_others(vm, &used);
	free(used.name);
}

/**
 * layers_open() - a layer's file, for a VM process that cannot open it itself
 * @vm: in whose folder
 * @name: of the layer
 *
 * Return: a descriptor, or -1 with the error told.
 */
int layers_open(const struct vm *vm, const char *name)
{
	int fd = openat(vm->fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		vmctl_errno(name, "check the VM's folder");
	return fd;
}
