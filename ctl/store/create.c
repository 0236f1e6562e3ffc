// SPDX-License-Identifier: GPL-2.0-only
/*
 * create.c - a VM's folder comes and goes, by one rename each; what a crash left is swept up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"
#include "vmctl.h"

#define UNBORN	"unborn"

/**
 * vm_is_unborn() - is a VM's process to be made of another's or of a snapshot, and has not been yet?
 * @store: descriptor of the store
 * @name: of a folder in it
 *
 * Such a folder is no VM, or not yet. Asked of each VM there is: mostly one system call.
 * Return: whether it is so.
 */
bool vm_is_unborn(int store, const char *name)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/" UNBORN, name);
	if (*name == '.' || faccessat(store, path, F_OK, AT_SYMLINK_NOFOLLOW))
		return false;
	snprintf(path, sizeof(path), "%s/run", name);
	return !fstatat(store, path, &st, AT_SYMLINK_NOFOLLOW) && !st.st_size;
}

/* A folder in the making, or on its way out, or of a VM that was not born: nobody's, once its lock can be had. */
static bool is_debris(int store, const char *name)
{
	bool debris = true;
	int fd, lock;

	if (strncmp(name, ".new-", 5) && strncmp(name, ".old-", 5) && !vm_is_unborn(store, name))
		return false;
	fd = openat(store, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	lock = openat(fd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (lock >= 0) {
		debris = !flock(lock, LOCK_EX | LOCK_NB);
		close(lock);
	}
	close(fd);
	return debris;
}

/* Under the store's lock, so that each folder in the making has its own lock already. */
static void sweep(struct store *s)
{
	int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (is_debris(fd, e->d_name))
			tree_remove(fd, e->d_name);
	closedir(dir);
}

static void temporary_name(char *to, size_t room, const char *kind, const char *name)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	snprintf(to, room, ".%s-%s-%d-%lx", kind, name, getpid(), t.tv_nsec);
}

static int make_folder(struct vm *vm)
{
	int fd;

	if (mkdirat(vm->store->fd, vm->temporary, 0700))
		return -1;
	vm->fd = openat(vm->store->fd, vm->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (vm->fd < 0)
		return -1;
	vm->lock = openat(vm->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (vm->lock < 0 || flock(vm->lock, LOCK_EX))
		return -1;
	fd = openat(vm->fd, "run", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || close(fd))
		return -1;
	return mkdirat(vm->fd, "disks", 0700) || mkdirat(vm->fd, "snapshots", 0700) ? -1 : 0;
}

/**
 * vm_create_begin() - make the folder of a new VM, under a temporary name and locked
 * @vm: filled; what belongs to the VM can be put into its folder
 * @s: the store
 * @name: of the VM
 *
 * Return: 0, to be followed by vm_create_end() or vm_create_cancel(); or -1 with the error told.
 */
int vm_create_begin(struct vm *vm, struct store *s, const char *name)
{
	struct stat st;
	int lock, err;

	*vm = (struct vm){ .store = s, .fd = -1, .lock = -1 };
	if (!config_name_ok(name)) {
		vmctl_error(name, "is no name for a VM",
			    "use up to 63 letters, digits, '-', '_' and '.', a letter or digit first");
		return -1;
	}
	strcpy(vm->name, name);
	temporary_name(vm->temporary, sizeof(vm->temporary), "new", name);
	lock = store_lock(s);
	if (lock < 0)
		return -1;
	sweep(s);
	if (!fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		vmctl_error(name, "there is such a VM already", "choose another name");
		close(lock);
		return -1;
	}
	err = make_folder(vm);
	close(lock);
	if (!err)
		return 0;
	vmctl_errno(name, "check that the store is yours and has room");
	vm_create_cancel(vm);
	return -1;
}

/**
 * vm_create_end() - the VM is complete: it appears in the store
 * @vm: of vm_create_begin()
 * @c: what it is
 *
 * Return: 0, or -1 with the error told; the folder is gone then.
 */
int vm_create_end(struct vm *vm, const struct config *c)
{
	char *text = config_print(c);
	int err = text ? file_write(vm->fd, "config", text, strlen(text)) : -1;

	free(text);
	/* A folder is never empty, so this never replaces one. */
	if (!err && !renameat(vm->store->fd, vm->temporary, vm->store->fd, vm->name)) {
		vm->temporary[0] = 0;
		fsync(vm->store->fd);
		return 0;
	}
	if (errno == ENOTEMPTY || errno == EEXIST)
		vmctl_error(vm->name, "there is such a VM already", "choose another name");
	else
		vmctl_errno(vm->name, "check that the store has room");
	vm_create_cancel(vm);
	return -1;
}

/**
 * vm_create_unborn() - the VM's process is still to be made, of another VM or of a snapshot, before the VM is one
 * @vm: of vm_create_begin()
 *
 * From vm_create_end() to vm_create_born() the VM is debris if nobody has its lock and it never ran.
 *
 * Return: 0, or -1 with the error told.
 */
int vm_create_unborn(const struct vm *vm)
{
	int fd = openat(vm->fd, UNBORN, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return vmctl_errno(vm->name, "check that the store has room"), -1;
	close(fd);
	return 0;
}

/**
 * vm_create_born() - the VM's process runs
 * @vm: after vm_create_unborn() and vm_create_end()
 */
void vm_create_born(const struct vm *vm)
{
	/* Without success it says what nobody asks any more: the VM has run. After a loss of power that may be forgotten. */
	if (!unlinkat(vm->fd, UNBORN, 0))
		fsync(vm->fd);
}

/**
 * vm_create_cancel() - the VM shall not be
 * @vm: of vm_create_begin(); closed
 */
void vm_create_cancel(struct vm *vm)
{
	if (vm->temporary[0])
		tree_remove(vm->store->fd, vm->temporary);
	vm->temporary[0] = 0;
	vm_close(vm);
}

/**
 * vm_remove() - remove a VM's folder and all that is in it
 * @vm: locked, and its VM does not run; closed
 *
 * Return: 0, or -1 with the error told.
 */
int vm_remove(struct vm *vm)
{
	int lock, err;

	temporary_name(vm->temporary, sizeof(vm->temporary), "old", vm->name);
	err = renameat(vm->store->fd, vm->name, vm->store->fd, vm->temporary);
	if (!err)
		err = fsync(vm->store->fd) || tree_remove(vm->store->fd, vm->temporary) ? -1 : 0;
	if (err)
		vmctl_errno(vm->name, "check that the store is yours");
	vm_close(vm);
	lock = store_lock(vm->store);
	if (lock < 0)
		return -1;
	sweep(vm->store);
	close(lock);
	return err;
}
