// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork.c - freezing a disk's top layer and putting a fresh one over it, before and after fork(2).
 *
 * No request is in the disk, and no other thread uses it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layer.h"

/**
 * disk_freeze() - the top layer is permanent and will not change any more
 * @d: disk
 *
 * Waits for requests. Writes fail with -EROFS until disk_overlay(). Other processes may read the layer now.
 * Return: 0, or -errno with the disk as it was.
 */
int disk_freeze(struct disk *d)
{
	int err = disk_flush(d);

	if (err || disk_is_read_only(d))
		return err;
	gate_change(&d->gate);
	err = d->top->ops->sync(d->top);
	if (!err)
		err = lock_downgrade(d->top->fd);
	d->frozen = !err;
	gate_changed(&d->gate);
	return err;
}

/**
 * disk_reopen() - in the child of a fork: descriptors and locks that are not the parent's
 * @d: disk, frozen
 * @e: filled on failure
 *
 * Through /proc/self/fd, so names may have changed meanwhile.
 * Return: 0 or -1.
 */
int disk_reopen(struct disk *d, struct disk_error *e)
{
	char name[32];
	struct layer *l;
	int fd, err;

	for (l = d->top; l; l = l->below) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", l->fd);
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return disk_error_errno(e, l->path, -errno, "make it readable");
		err = l->unlocked ? 0 : lock_file(fd, false);
		if (!err && dup3(fd, l->fd, O_CLOEXEC) < 0)
			err = -errno;
		close(fd);
		if (err)
			return disk_error_errno(e, l->path, err, "see who else uses it");
	}
	return 0;
}

static void push(struct disk *d, struct layer *l)
{
	gate_change(&d->gate);
	d->top->read_only = true;
	l->below = d->top;
	d->top = l;
	d->frozen = false;
	gate_changed(&d->gate);
}

/**
 * disk_push() - put an open, fresh qcow2 layer over a frozen disk
 * @d: disk, frozen
 * @fd: the new image, whose backing is the disk's top; the disk's from now on, also on failure
 * @path: its name
 * @e: filled on failure
 *
 * For processes that cannot open files any more.
 * Return: 0, or -1 with the disk still frozen.
 */
int disk_push(struct disk *d, int fd, const char *path, struct disk_error *e)
{
	struct layer *l = layer_adopt(fd, path, DISK_QCOW2, 0, e);

	if (!l)
		return -1;
	push(d, l);
	return 0;
}

/**
 * disk_overlay() - a fresh qcow2 layer over a frozen disk
 * @d: disk, frozen or read-only
 * @path: of the new image; nothing may be there; the layer under it is named by its absolute path
 * @e: filled on failure
 *
 * Return: 0, or -1 with the disk still frozen and no file left.
 */
int disk_overlay(struct disk *d, const char *path, struct disk_error *e)
{
	char *below = realpath(d->top->path, NULL);
	struct layer *l;
	int err;

	if (!below)
		return disk_error_errno(e, d->top->path, -errno, "do not move images of a running VM");
	err = disk_create(path, DISK_QCOW2, disk_size(d), below, d->top->format, e);
	free(below);
	if (err)
		return -1;
	l = layer_open(path, DISK_QCOW2, 0, e);
	if (!l) {
		unlink(path);
		return -1;
	}
	push(d, l);
	return 0;
}

/**
 * disk_freeze_and_overlay() - both, without a fork between
 * @d: disk
 * @path: of the new image
 * @e: filled on failure
 *
 * Return: 0 or -1; after a failure of the overlay the disk stays frozen.
 */
int disk_freeze_and_overlay(struct disk *d, const char *path, struct disk_error *e)
{
	int err = disk_freeze(d);

	if (err)
		return disk_error_errno(e, d->top->path, err, "see whether its disk works");
	return disk_overlay(d, path, e);
}
