// SPDX-License-Identifier: GPL-2.0-only
/*
 * file.c - small files read and written as a whole, trees removed. Results are errno's; nothing is told.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

#define DEPTH_MAX	16

static ssize_t read_all(int fd, char *to, size_t n)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = read(fd, to + done, n - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		done += got;
	}
	return done;
}

static int write_all(int fd, const char *from, size_t n)
{
	ssize_t done;

	while (n) {
		done = write(fd, from, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		from += done;
		n -= done;
	}
	return 0;
}

/**
 * file_read() - the whole of a small regular file
 * @folder: where it is; AT_FDCWD for a path
 * @name: of the file
 * @max: bytes it may have
 * @n: filled with its size
 *
 * Return: its bytes and a zero, to be freed, or NULL with errno; EFBIG for a larger one, EINVAL for what
 * is no regular file.
 */
char *file_read(int folder, const char *name, size_t max, size_t *n)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;
	char *text = NULL;
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return NULL;
	err = EINVAL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		goto failed;
	err = ENOMEM;
	text = malloc(max + 2);
	if (!text)
		goto failed;
	got = read_all(fd, text, max + 1);
	err = got < 0 ? errno : EFBIG;
	if (got < 0 || (size_t)got > max)
		goto failed;
	close(fd);
	text[got] = 0;
	*n = got;
	return text;
failed:
	free(text);
	close(fd);
	errno = err;
	return NULL;
}

/**
 * file_write() - write a file so that at any moment either the old or the new one is there
 * @folder: where it is
 * @name: of the file
 * @text: its new content
 * @n: bytes
 *
 * Context: the caller holds the lock of the folder's VM: the temporary name is always the same.
 * Return: 0, or -1 with errno and the old file as it was.
 */
int file_write(int folder, const char *name, const char *text, size_t n)
{
	char temporary[80];
	int fd, err;

	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	err = write_all(fd, text, n) || fsync(fd) ? errno : 0;
	close(fd);
	if (!err && !renameat(folder, temporary, folder, name))
		return fsync(folder);
	err = err ? err : errno;
	unlinkat(folder, temporary, 0);
	errno = err;
	return -1;
}

static int sync_file(int folder, const char *name, int flags)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags), err;

	if (fd < 0)
		return -1;
	err = fsync(fd);
	close(fd);
	return err;
}

/**
 * folder_sync() - what is in a folder, by name, is there after a loss of power, too
 * @folder: where it is; AT_FDCWD for a path
 * @name: of the folder
 *
 * Return: 0, or -1 with errno.
 */
int folder_sync(int folder, const char *name)
{
	return sync_file(folder, name, O_DIRECTORY);
}

static int sync_entries(DIR *dir, unsigned int depth)
{
	struct dirent *e;
	struct stat st;
	DIR *below;
	int fd, err = 0;

	if (depth == DEPTH_MAX) {
		errno = ELOOP;
		return -1;
	}
	while (!err && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		err = fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW);
		if (!err && S_ISREG(st.st_mode)) {
			err = sync_file(dirfd(dir), e->d_name, 0);
		} else if (!err && S_ISDIR(st.st_mode)) {
			fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
			below = fd < 0 ? NULL : fdopendir(fd);
			err = below ? sync_entries(below, depth + 1) : -1;
			if (below)
				closedir(below);
		}
	}
	return err ? err : fsync(dirfd(dir));
}

/**
 * tree_sync() - a folder and everything in it is there after a loss of power, too
 * @folder: where it is
 * @name: of the folder
 *
 * Return: 0, or -1 with errno.
 */
int tree_sync(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), err;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return -1;
	err = sync_entries(dir, 0);
	closedir(dir);
	return err;
}

static int remove_entries(DIR *dir, unsigned int depth);

static int remove_entry(int folder, const char *name, unsigned int depth)
{
	DIR *dir;
	int fd, err;

	if (!unlinkat(folder, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	/* Somebody else may be removing the same tree: what is gone is gone. */
	if (depth == DEPTH_MAX) {
		errno = ELOOP;
		return -1;
	}
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return errno == ENOENT ? 0 : -1;
	err = remove_entries(dir, depth + 1);
	closedir(dir);
	if (err)
		return -1;
	return unlinkat(folder, name, AT_REMOVEDIR) && errno != ENOENT ? -1 : 0;
}

static int remove_entries(DIR *dir, unsigned int depth)
{
	struct dirent *e;

	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    remove_entry(dirfd(dir), e->d_name, depth))
			return -1;
	return 0;
}

/**
 * tree_remove() - remove a folder and everything in it; symbolic links are not followed
 * @folder: where it is
 * @name: of the folder
 *
 * Return: 0, or -1 with errno and a part left.
 */
int tree_remove(int folder, const char *name)
{
	return remove_entry(folder, name, 0);
}
