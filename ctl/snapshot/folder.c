// SPDX-License-Identifier: GPL-2.0-only
/*
 * folder.c - a snapshot's folder comes and goes, by one rename each; what a crash left is swept up by whoever makes or removes
 * one next.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "record.h"
#include "vmctl.h"

static int open_all(const struct vm *vm)
{
	if (mkdirat(vm->fd, "snapshots", 0700) && errno != EEXIST)
		return -1;
	return openat(vm->fd, "snapshots", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool is_debris(int all, const char *name)
{
	bool debris = true;
	char path[300];
	int lock;

	if (strncmp(name, ".new-", 5) && strncmp(name, ".old-", 5))
		return false;
	snprintf(path, sizeof(path), "%s/lock", name);
	lock = openat(all, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (lock >= 0) {
		debris = !flock(lock, LOCK_EX | LOCK_NB);
		close(lock);
	}
	return debris;
}

/**
 * snapshot_sweep() - remove what a crash left
 * @vm: locked, so that whoever makes a folder has its lock already
 */
void snapshot_sweep(const struct vm *vm)
{
	int all = open_all(vm);
	DIR *dir = all < 0 ? NULL : fdopendir(all);
	struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (is_debris(all, e->d_name))
			tree_remove(all, e->d_name);
	closedir(dir);
}

static void temporary_name(char to[112], const char *kind)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	snprintf(to, 112, ".%s-%d-%lx", kind, getpid(), t.tv_nsec);
}

/**
 * snapshot_begin() - make the folder of a new snapshot, under a temporary name and locked
 * @vm: locked
 * @temporary: filled with the name
 * @folder: filled: the folder, as disks are handled in; its name in errors is the VM's
 *
 * Return: 0, to be followed by snapshot_commit() or snapshot_cancel(), or -1 with the error told.
 */
int snapshot_begin(const struct vm *vm, char temporary[112], struct vm *folder)
{
	int all;

	snapshot_sweep(vm);
	all = open_all(vm);
	*folder = (struct vm){ .store = vm->store, .fd = -1, .lock = -1 };
	memcpy(folder->name, vm->name, sizeof(vm->name));
	temporary_name(temporary, "new");
	if (all >= 0 && !mkdirat(all, temporary, 0700))
		folder->fd = openat(all, temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (all >= 0)
		close(all);
	if (folder->fd >= 0)
		folder->lock = openat(folder->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (folder->lock >= 0 && !flock(folder->lock, LOCK_EX) && !mkdirat(folder->fd, "disks", 0700))
		return 0;
	vmctl_errno(vm->name, "check that the VM's folder is yours and has room");
	snapshot_cancel(vm, temporary, folder);
	return -1;
}

/**
 * snapshot_commit() - the snapshot is complete: it appears
 * @vm: locked
 * @temporary: of snapshot_begin(); all in it is synced
 * @name: of the snapshot
 *
 * Return: 0, or -1 with the error told; snapshot_cancel() is to follow then.
 */
int snapshot_commit(const struct vm *vm, const char *temporary, const char *name)
{
	int all = open_all(vm), err;
	char path[160];

	snprintf(path, sizeof(path), "%s/lock", temporary);
	/* A folder is never empty, so this never replaces one. */
	err = all < 0 || renameat(all, temporary, all, name) ? -1 : fsync(all);
	if (!err) {
		snprintf(path, sizeof(path), "%s/lock", name);
		unlinkat(all, path, 0);
	} else if (errno == ENOTEMPTY || errno == EEXIST) {
		vmctl_error(name, "there is such a snapshot already", "choose another name");
	} else {
		vmctl_errno(name, "check that the VM's folder has room");
	}
	if (all >= 0)
		close(all);
	return err;
}

/**
 * snapshot_cancel() - the snapshot shall not be
 * @vm: its VM
 * @temporary: of snapshot_begin()
 * @folder: of snapshot_begin(); closed
 */
void snapshot_cancel(const struct vm *vm, const char *temporary, struct vm *folder)
{
	int all = open_all(vm);

	if (all >= 0) {
		tree_remove(all, temporary);
		close(all);
	}
	vm_close(folder);
}

/**
 * snapshot_remove() - remove one; the others keep what they need of it
 * @vm: locked
 * @name: of the snapshot
 *
 * Return: 0, or -1 with errno.
 */
int snapshot_remove(const struct vm *vm, const char *name)
{
	int all = open_all(vm), err;
	char temporary[112];

	if (all < 0)
		return -1;
	temporary_name(temporary, "old");
	err = renameat(all, name, all, temporary) || fsync(all) || tree_remove(all, temporary) ? -1 : 0;
	close(all);
	snapshot_sweep(vm);
	return err;
}
