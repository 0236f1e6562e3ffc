// SPDX-License-Identifier: GPL-2.0-only
/*
 * create.c - new image files, whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qcow2.h"

static int fill(int fd, enum disk_format format, uint64_t size, const char *backing,
		enum disk_format backing_format)
{
	if (format == DISK_QCOW2)
		return qcow2_create(fd, size, backing, backing_format);
	return ftruncate(fd, size) || fdatasync(fd) ? -errno : 0;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, slash - path + 1) : strdup(".");
}

static int sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * A file without a name first: whoever is killed leaves nothing. Where the file system has none of these, or nothing is in /proc, one with
 * another name. @temporary: filled with what to link from.
 */
static int open_new(const char *folder, const char *path, char *temporary, size_t room)
{
	int fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	snprintf(temporary, room, "/proc/self/fd/%d", fd);
	if (fd >= 0 && !access(temporary, F_OK))
		return fd;
	if (fd >= 0)
		close(fd);
	snprintf(temporary, room, "%s.%d.new", path, getpid());
	return open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/* link() does not replace what is there. */
static int create_in(const char *folder, const char *path, enum disk_format format, uint64_t size, const char *backing,
		     enum disk_format backing_format)
{
	size_t room = strlen(path) + 32;
	char *temporary = malloc(room);
	int fd = temporary ? open_new(folder, path, temporary, room) : -1, err;

	if (fd < 0) {
		err = -errno;
		free(temporary);
		return err;
	}
	err = fill(fd, format, size, backing, backing_format);
	if (!err && linkat(AT_FDCWD, temporary, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
		err = -errno;
	/* The one without a name has none to remove. */
	unlink(temporary);
	close(fd);
	free(temporary);
	return err ? err : sync_folder(folder);
}

/**
 * disk_create() - make an image
 * @path: name; nothing may be there
 * @format: DISK_RAW or DISK_QCOW2
 * @size: bytes, a multiple of DISK_BLOCK
 * @backing: DISK_QCOW2: name of the backing file as the image shall have it, or NULL
 * @backing_format: its format
 * @e: filled on failure
 *
 * Return: 0 or -1, and then no file is left.
 */
int disk_create(const char *path, enum disk_format format, uint64_t size, const char *backing,
		enum disk_format backing_format, struct disk_error *e)
{
	char *folder;
	int err;

	if (format != DISK_RAW && format != DISK_QCOW2)
		return disk_error_set(e, path, "images of that format can only be read",
				      "make a qcow2 or a raw one");
	if (size & (DISK_BLOCK - 1) || size > INT64_MAX)
		return disk_error_set(e, path, "its size is no multiple of 512", "give another size");
	folder = folder_of(path);
	if (!folder)
		return disk_error_errno(e, path, -ENOMEM, "free some memory");
	err = create_in(folder, path, format, size, backing, backing_format);
	free(folder);
	if (err)
		return disk_error_errno(e, path, err, err == -EEXIST ? "choose another name or remove it" :
					err == -EFBIG ? "give a smaller size" :
					"see whether its folder is writable and has room");
	return 0;
}

/**
 * disk_backing_path() - where an image's backing file is
 * @image: path of the image; need not exist
 * @backing: name as the image has it
 *
 * Return: the path, to be freed; NULL if it is no file.
 */
char *disk_backing_path(const char *image, const char *backing)
{
	struct disk_error e;

	return layer_resolve(image, backing, &e);
}
