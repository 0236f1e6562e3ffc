// SPDX-License-Identifier: GPL-2.0-only
/*
 * newfile.c - a file that is there whole or not at all, whoever is killed and whatever fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "newfile.h"

/* Where @path is: what is before its last slash, and with it. */
static int open_folder(const char *path, char folder[PATH_MAX], int flags, mode_t mode)
{
	const char *slash = strrchr(path, '/');

	snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	return open(folder, flags | O_CLOEXEC, mode);
}

/**
 * newfile_begin() - a file to be filled
 * @f: filled; newfile_end() ends it
 * @path: where the file will be
 *
 * It has no name; where the file system has none of these, or nothing is in /proc to link it from, it
 * has another name.
 *
 * Return: 0, or -1 with errno.
 */
int newfile_begin(struct newfile *f, const char *path)
{
	if (strlen(path) > PATH_MAX - 32) {
		errno = ENAMETOOLONG;
		return -1;
	}
	f->fd = open_folder(path, f->from, O_RDWR | O_TMPFILE, 0600);
	if (f->fd >= 0) {
		snprintf(f->from, sizeof(f->from), "/proc/self/fd/%d", f->fd);
		if (!access(f->from, F_OK))
			return 0;
		close(f->fd);
	}
	snprintf(f->from, sizeof(f->from), "%s.%d.new", path, getpid());
	f->fd = open(f->from, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return f->fd < 0 ? -1 : 0;
}

/**
 * newfile_commit() - the file gets its name, and keeps it after a loss of power
 * @f: filled
 * @path: as it was begun with; nothing may be there
 *
 * Return: 0, or -1 with errno and nothing there: EEXIST where something was, which is left as it was.
 */
int newfile_commit(struct newfile *f, const char *path)
{
	char folder[PATH_MAX];
	int fd, err;

	/* link() does not replace what is there. */
	if (fsync(f->fd) || linkat(AT_FDCWD, f->from, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
		return -1;
	fd = open_folder(path, folder, O_RDONLY | O_DIRECTORY, 0);
	err = fd < 0 || fsync(fd) ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (!err)
		return 0;
	unlink(path);
	errno = err;
	return -1;
}

/**
 * newfile_end() - forget what was not committed
 * @f: begun; errno is kept
 */
void newfile_end(struct newfile *f)
{
	int saved = errno;

	/* The one without a name has none to remove. */
	unlink(f->from);
	close(f->fd);
	errno = saved;
}
