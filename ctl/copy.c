// SPDX-License-Identifier: GPL-2.0-only
/*
 * copy.c - a disk image of a new VM's own, as a copy: holes stay holes, and a file system that can share
 * blocks does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "progress.h"
#include "vmctl.h"

#define CHUNK	(16 << 20)

/* From one offset to another in both files. */
static int copy_range(int to, int from, off_t at, off_t end, off_t total)
{
	off_t in = at, out = at;
	ssize_t n;

	while (in < end) {
		progress_show("copying the image", in, total);
		n = copy_file_range(from, &in, to, &out, end - in < CHUNK ? end - in : CHUNK, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : EIO;
			return -1;
		}
	}
	return 0;
}

static int copy_data(int to, int from, off_t size)
{
	off_t data = 0, hole;

	if (!ioctl(to, FICLONE, from))
		return 0;
	if (ftruncate(to, size))
		return -1;
	while ((data = lseek(from, data, SEEK_DATA)) >= 0) {
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || copy_range(to, from, data, hole, size))
			return -1;
		data = hole;
	}
	return errno == ENXIO ? 0 : -1;	/* no data after this offset */
}

/**
 * copy_image() - copy an image into a VM's folder
 * @folder: of the VM
 * @name: of the copy
 * @path: of the image, a regular file
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int copy_image(int folder, const char *name, const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), to, err = -1;
	int status = VMCTL_OK;
	struct stat st;

	if (from < 0 || fstat(from, &st) || !S_ISREG(st.st_mode)) {
		if (from >= 0)
			close(from);
		return vmctl_error(path, "cannot be read, or is no regular file", "name a disk image");
	}
	to = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to >= 0)
		err = copy_data(to, from, st.st_size) || fsync(to) ? -1 : 0;
	progress_end();
	if (err)
		status = vmctl_errno(path, "check that the store has room for a copy");
	if (to >= 0)
		close(to);
	close(from);
	return status;
}
