// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - a VM's folder: open it, lock it, read its configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store.h"
#include "vmctl.h"

#define LOCK_NAP_MS	10

static int tell_missing(struct store *s, const char *name)
{
	const char *meant = NULL;
	char **names, remedy[160];
	size_t n;

	if (store_names(s, &names, &n))
		return -1;
	meant = text_nearest(name, (const char *const *)names, n);
	if (meant)
		snprintf(remedy, sizeof(remedy), "did you mean `%s`?", meant);
	else
		snprintf(remedy, sizeof(remedy), "`vmctl list` shows those there are");
	vmctl_error(name, "there is no such VM", remedy);
	store_free_names(names, n);
	return -1;
}

/**
 * vm_is_there() - does the store have that VM? Tells nothing where it has not.
 * @s: the store
 * @name: anything
 */
bool vm_is_there(struct store *s, const char *name)
{
	return config_name_ok(name) && !faccessat(s->fd, name, F_OK, 0) && !vm_is_unborn(s->fd, name);
}

/**
 * vm_open() - open a VM's folder
 * @vm: filled
 * @s: the store; stays the caller's and outlives @vm
 * @name: of the VM
 *
 * Return: 0, or -1 with the error told.
 */
int vm_open(struct vm *vm, struct store *s, const char *name)
{
	*vm = (struct vm){ .store = s, .fd = -1, .lock = -1 };
	if (!config_name_ok(name)) {
		vmctl_error(name, "is no name of a VM", "`vmctl list` shows those there are");
		return -1;
	}
	strcpy(vm->name, name);
	if (vm_is_unborn(s->fd, name))
		return tell_missing(s, name);
	vm->fd = openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (vm->fd >= 0)
		return 0;
	if (errno == ENOENT)
		return tell_missing(s, name);
	vmctl_errno(name, "check the VM's folder in the store");
	return -1;
}

/* Meanwhile the folder may have been removed, and another made with its name. */
static bool still_there(const struct vm *vm)
{
	struct stat ours, named;

	return !fstat(vm->fd, &ours) &&
	       !fstatat(vm->store->fd, vm->name, &named, AT_SYMLINK_NOFOLLOW) &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static int take_lock(struct vm *vm)
{
	int err;

	vm->lock = openat(vm->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (vm->lock < 0)
		return -1;
	do {
		err = flock(vm->lock, LOCK_EX);
	} while (err && errno == EINTR);
	return err;
}

/**
 * vm_open_locked() - open a VM's folder to change it or its state; waits for another vmctl that does
 * @vm: filled
 * @s: the store; stays the caller's and outlives @vm
 * @name: of the VM
 *
 * Return: 0, or -1 with the error told.
 */
int vm_open_locked(struct vm *vm, struct store *s, const char *name)
{
	for (;;) {
		if (vm_open(vm, s, name))
			return -1;
		if (take_lock(vm)) {
			vmctl_errno(name, "check that the VM is yours");
			vm_close(vm);
			return -1;
		}
		if (still_there(vm))
			return 0;
		vm_close(vm);
	}
}

/**
 * vm_lock() - take the lock of an open folder again; waits for another vmctl that has it
 * @vm: unlocked
 *
 * Return: 0, or -1 with the error told; that the VM is gone is one.
 */
int vm_lock(struct vm *vm)
{
	if (take_lock(vm)) {
		vmctl_errno(vm->name, "check that the VM is yours");
	} else if (still_there(vm)) {
		return 0;
	} else {
		vmctl_error(vm->name, "it was removed meanwhile", "`vmctl list` shows those there are");
	}
	vm_unlock(vm);
	return -1;
}

/**
 * vm_lock_within() - take the lock of an open folder again, unless somebody keeps it
 * @vm: unlocked
 * @ms: milliseconds to try for
 *
 * Return: 0, or -1, and nothing is told.
 */
int vm_lock_within(struct vm *vm, unsigned int ms)
{
	const struct timespec nap = { .tv_nsec = LOCK_NAP_MS * 1000000L };
	unsigned int i;

	vm->lock = openat(vm->fd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	for (i = 0; vm->lock >= 0 && flock(vm->lock, LOCK_EX | LOCK_NB) && i * LOCK_NAP_MS < ms; i++)
		nanosleep(&nap, NULL);
	if (vm->lock >= 0 && i * LOCK_NAP_MS < ms)
		return 0;
	vm_unlock(vm);
	return -1;
}

/**
 * vm_unlock() - let others change the folder; it stays open
 * @vm: the VM
 */
void vm_unlock(struct vm *vm)
{
	if (vm->lock >= 0)
		close(vm->lock);
	vm->lock = -1;
}

/**
 * vm_close() - done with the folder
 * @vm: may be closed already
 */
void vm_close(struct vm *vm)
{
	vm_unlock(vm);
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
}

/**
 * vm_config_text() - the file `config`
 * @vm: the VM
 *
 * Return: its text, to be freed, or NULL with the error told.
 */
char *vm_config_text(struct vm *vm)
{
	size_t n;
	char *text = file_read(vm->fd, "config", CONFIG_MAX, &n);

	if (!text) {
		vmctl_errno(vm->name, "its file `config` cannot be read: put it back, or remove the VM");
	} else if (memchr(text, 0, n)) {
		vmctl_error(vm->name, "its file `config` has a zero byte", "edit it");
		free(text);
		text = NULL;
	}
	return text;
}

/**
 * vm_config() - read the configuration
 * @vm: the VM
 * @c: filled; to be freed with config_fini(), also after a failure
 *
 * Return: 0, or -1 with the error told.
 */
int vm_config(struct vm *vm, struct config *c)
{
	char *text = vm_config_text(vm), object[128];
	struct config_error e = { 0 };
	int err;

	config_init(c);
	if (!text)
		return -1;
	err = config_parse(c, text, strlen(text), &e);
	free(text);
	if (!err)
		return 0;
	snprintf(object, sizeof(object), "%s: config line %u", vm->name, e.line);
	if (!e.line)
		snprintf(object, sizeof(object), "%s: config", vm->name);
	vmctl_error(object, e.what, "edit the file");
	return -1;
}

/**
 * vm_config_write() - the VM is configured otherwise from now on
 * @vm: locked
 * @c: how
 *
 * Return: 0, or -1 with the error told and the old configuration as it was.
 */
int vm_config_write(const struct vm *vm, const struct config *c)
{
	char *text = config_print(c);
	int err = text ? file_write(vm->fd, "config", text, strlen(text)) : -1;

	free(text);
	if (err)
		vmctl_errno(vm->name, "check that the store has room");
	return err;
}
