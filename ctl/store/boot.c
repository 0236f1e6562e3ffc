// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - the files that a machine boots from, where they are in its VM's folder: kernel, initrd and firmware of a VM that was imported. As
 * layers of disks they stand in the folder of every VM and every snapshot that uses them, as one file with several links.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"
#include "vmctl.h"

static const char *const names[BOOT_FILES] = { "boot/kernel", "boot/initrd", "boot/firmware" };

/**
 * boot_name() - what such a file is called in the folder
 * @i: which, below BOOT_FILES
 *
 * Return: its name.
 */
const char *boot_name(unsigned int i)
{
	return names[i];
}

/**
 * boot_file() - what a configuration says of such a file
 * @c: the configuration
 * @i: which, below BOOT_FILES
 *
 * Return: where its name is; that may be NULL.
 */
char **boot_file(struct config *c, unsigned int i)
{
	char **const files[BOOT_FILES] = { &c->kernel, &c->initrd, &c->firmware };

	return files[i];
}

/**
 * boot_inside() - is such a file in the folder?
 * @c: the configuration
 * @i: which, below BOOT_FILES
 *
 * Return: false if there is none, or it is the host's.
 */
bool boot_inside(const struct config *c, unsigned int i)
{
	const char *file = *boot_file((struct config *)c, i);

	return file && !strcmp(file, names[i]);
}

/* What the folder has of that name is another's: the user put it there, or it is the same file. */
static int replace(int from, int to, const char *name)
{
	static const char temporary[] = "boot/.new";
	int err;

	unlinkat(to, temporary, 0);
	if (linkat(from, name, to, temporary, 0))
		return -1;
	err = renameat(to, temporary, to, name);
	/* Of two links to one file rename() leaves both. */
	unlinkat(to, temporary, 0);
	return err;
}

/**
 * boot_share() - what is in one VM's folder shall be in another's, too
 * @from: the VM that has the files
 * @to: the VM that gets them, in the same store
 * @c: the configuration that names them
 *
 * Return: 0, synced, or -1 with the error told.
 */
int boot_share(const struct vm *from, const struct vm *to, const struct config *c)
{
	bool any = false;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < BOOT_FILES; i++) {
		if (!boot_inside(c, i))
			continue;
		err = mkdirat(to->fd, "boot", 0700) && errno != EEXIST;
		if (!err && linkat(from->fd, names[i], to->fd, names[i], 0))
			err = errno != EEXIST || replace(from->fd, to->fd, names[i]);
		if (err)
			vmctl_errno(names[i], "put it back into the VM's folder, or name another file with `vmctl set`");
		any = true;
	}
	if (!err && any && folder_sync(to->fd, "boot"))
		err = vmctl_errno("boot", "see whether its disk works");
	return err ? -1 : 0;
}
