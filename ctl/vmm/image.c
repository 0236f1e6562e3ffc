// SPDX-License-Identifier: GPL-2.0-only
/*
 * image.c - files that are loaded into the guest: kernels, initial RAM disks, firmware.
 *
 * They are read, not mapped: a file that is cut short meanwhile is an error and no signal, and the
 * bytes go straight to where the guest wants them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm.h"

/**
 * vmm_image_open() - open a regular, non-empty file
 * @i: filled
 * @path: its name; must outlive @i
 * @remedy: what to do if it cannot be opened
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_image_open(struct vmm_image *i, const char *path, const char *remedy)
{
	struct stat st;

	i->path = path;
	/* Without waiting for the other end, should it be a FIFO. */
	i->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (i->fd < 0 || fstat(i->fd, &st)) {
		vmm_error(path, strerror(errno), remedy);
		vmm_image_close(i);
		return -1;
	}
	if (!S_ISREG(st.st_mode) || !st.st_size) {
		vmm_error(path, "is empty or no regular file", remedy);
		vmm_image_close(i);
		return -1;
	}
	i->size = st.st_size;
	return 0;
}

/**
 * vmm_image_close() - done with the file
 * @i: may be closed already
 */
void vmm_image_close(struct vmm_image *i)
{
	if (i->fd >= 0)
		close(i->fd);
	i->fd = -1;
}

/**
 * vmm_image_read() - read a part of the file, all of it
 * @i: file
 * @offset: first byte
 * @to: for @n bytes
 * @n: bytes
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_image_read(const struct vmm_image *i, uint64_t offset, void *to, uint64_t n)
{
	uint8_t *p = to;
	ssize_t got;

	if (offset > i->size || n > i->size - offset) {
		vmm_error(i->path, "is cut short", "get a whole copy of the file");
		return -1;
	}
	while (n) {
		got = pread(i->fd, p, n, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			vmm_error(i->path, got ? strerror(errno) : "is cut short",
				  "get a whole copy of the file");
			return -1;
		}
		p += got;
		n -= got;
		offset += got;
	}
	return 0;
}
