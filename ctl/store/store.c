// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - find the store, list it, lock it.
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

static char *default_path(void)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	const char *given = getenv("VITRINE_STORE");
	char *path = NULL;

	if (given && *given)
		return strdup(given);
	if (!geteuid())
		return strdup("/var/lib/vitrine/vms");
	/* The base directory specification has relative paths ignored. */
	if (data && *data == '/')
		return asprintf(&path, "%s/vitrine", data) < 0 ? NULL : path;
	if (!home || *home != '/') {
		errno = ENOENT;
		return NULL;
	}
	return asprintf(&path, "%s/.local/share/vitrine", home) < 0 ? NULL : path;
}

/* Make the folder and those above it; only the last is ours alone. */
static int make_path(char *path)
{
	char *slash = path;
	int first = 0;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = 0;
		if (mkdir(path, 0755) && errno != EEXIST && !first)
			first = errno;
		*slash = '/';
	}
	if (!mkdir(path, 0700) || errno == EEXIST)
		return 0;
	if (first)
		errno = first;
	return -1;
}

/**
 * store_open() - open the store, make it if it is not there
 * @s: filled
 * @path: --store, or NULL for $VITRINE_STORE or the user's own
 *
 * Return: 0, or -1 with the error told.
 */
int store_open(struct store *s, const char *path)
{
	*s = (struct store){ .fd = -1, .path = path ? strdup(path) : default_path() };
	if (!s->path) {
		vmctl_errno("store", "name a folder with --store");
		return -1;
	}
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0 && errno == ENOENT && !make_path(s->path))
		s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd >= 0)
		return 0;
	vmctl_errno(s->path, "name a folder of your own with --store or $VITRINE_STORE");
	store_close(s);
	return -1;
}

/**
 * store_close() - done with the store
 * @s: the store
 */
void store_close(struct store *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	*s = (struct store){ .fd = -1 };
}

/**
 * store_lock() - keep folders from coming and going
 * @s: the store
 *
 * Return: a descriptor, closing it unlocks; or -1 with the error told.
 */
int store_lock(struct store *s)
{
	int fd = openat(s->fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	if (fd >= 0) {
		do {
			err = flock(fd, LOCK_EX);
		} while (err && errno == EINTR);
		if (!err)
			return fd;
		close(fd);
	}
	vmctl_errno(s->path, "check that the store is yours and its file system has locks");
	return -1;
}

static int compare(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(char ***names, size_t *n, const char *name)
{
	char **more = *n & (*n - 1) ? *names : realloc(*names, (*n ? 2 * *n : 1) * sizeof(**names));

	if (!more)
		return -1;
	*names = more;
	more[*n] = strdup(name);
	return more[*n] ? (*n)++, 0 : -1;
}

/**
 * store_names() - the VMs there are
 * @s: the store
 * @names: filled, in order; to be freed with store_free_names()
 * @n: filled with their number
 *
 * Return: 0, or -1 with the error told.
 */
int store_names(struct store *s, char ***names, size_t *n)
{
	int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	*names = NULL;
	*n = 0;
	if (!dir) {
		vmctl_errno(s->path, "check the store");
		return -1;
	}
	while (!err && (e = readdir(dir)))
		if (config_name_ok(e->d_name) && !fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISDIR(st.st_mode) && !vm_is_unborn(fd, e->d_name))
			err = add_name(names, n, e->d_name);
	closedir(dir);
	if (err) {
		vmctl_error(s->path, "not enough memory", "free some memory");
		store_free_names(*names, *n);
		return -1;
	}
	if (*n)
		qsort(*names, *n, sizeof(**names), compare);
	return 0;
}

/**
 * store_free_names() - free what store_names() filled
 * @names: the names
 * @n: their number
 */
void store_free_names(char **names, size_t n)
{
	while (n)
		free(names[--n]);
	free(names);
}
