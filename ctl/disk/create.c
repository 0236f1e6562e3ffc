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

#include "newfile.h"
#include "qcow2.h"

static int fill(int fd, enum disk_format format, uint64_t size, const char *backing,
		enum disk_format backing_format)
{
	if (format == DISK_QCOW2)
		return qcow2_create(fd, size, backing, backing_format);
	return ftruncate(fd, size) ? -errno : 0;
}

static int create(const char *path, enum disk_format format, uint64_t size, const char *backing,
		  enum disk_format backing_format)
{
	struct newfile f;
	int err;

	if (newfile_begin(&f, path))
		return -errno;
	err = fill(f.fd, format, size, backing, backing_format);
	if (!err && newfile_commit(&f, path))
		err = -errno;
	newfile_end(&f);
	return err;
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
	int err;

	if (format != DISK_RAW && format != DISK_QCOW2)
		return disk_error_set(e, path, "images of that format can only be read",
				      "make a qcow2 or a raw one");
	if (size & (DISK_BLOCK - 1) || size > INT64_MAX)
		return disk_error_set(e, path, "its size is no multiple of 512", "give another size");
	err = create(path, format, size, backing, backing_format);
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
