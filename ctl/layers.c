// SPDX-License-Identifier: GPL-2.0-only
/*
 * layers.c - the layers of a VM's disks in its folder: each has a name of its own for ever, names the one under it by that name
 * alone, and stands in the folder of every VM that uses it, as one file with several links. So a layer lives as long as somebody
 * uses it, whoever goes first, and nobody has to count.
 */
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

static void path_in(char *path, size_t n, const struct vm *vm, const char *file)
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

	path_in(path, sizeof(path), vm, file);
	d = disk_open(path, format, DISK_UNLOCKED | DISK_NO_BACKING, &e);
	if (!d)
		return tell(&e);
	err = disk_info(d, info);
	disk_close(d);
	return err ? vmctl_error(file, "cannot be looked into", "see `vmctl image check`"), -1 : 0;
}

/**
 * layers_share() - a file of one VM's folder, with the layers under it, shall be in another's, too
 * @from: the VM that has them
 * @to: the VM that gets them, in the same store
 * @file: name in the folder; others, which are in no folder, need no sharing
 *
 * Return: 0, or -1 with the error told.
 */
int layers_share(const struct vm *from, const struct vm *to, const char *file)
{
	struct disk_info info;
	char name[1100];
	unsigned int n;

	snprintf(name, sizeof(name), "%s", file);
	for (n = 0; *name != '/' && n < DISK_CHAIN_MAX; n++) {
		if (linkat(from->fd, name, to->fd, name, 0) && errno != EEXIST)
			return vmctl_errno(name, "check that the store is on one file system"), -1;
		if (strncmp(name, "disks/", 6) || look(from, name, DISK_AUTO, &info))
			return strncmp(name, "disks/", 6) ? 0 : -1;
		if (!info.backing[0])
			break;
		snprintf(name, sizeof(name), "%s%s", *info.backing == '/' ? "" : "disks/", info.backing);
	}
	return 0;
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
	enum disk_format format = d->format ? disk_format_named(d->format) : disk_format_of_name(d->file);
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
	path_in(path, sizeof(path), vm, name);
	return disk_create(path, DISK_QCOW2, info.size, below, format, &e) ? tell(&e) : 0;
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
