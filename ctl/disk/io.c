// SPDX-License-Identifier: GPL-2.0-only
/*
 * io.c - whole reads, writes and zeroings of files.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>

#include "layer.h"

/**
 * io_read() - read; what is behind the end of the file reads as zeros
 * @fd: file
 * @to: for @n bytes
 * @n: bytes
 * @offset: in the file
 *
 * Return: 0 or -errno.
 */
int io_read(int fd, void *to, uint64_t n, uint64_t offset)
{
	char *p = to;
	ssize_t got;

	while (n) {
		got = pread(fd, p, n, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got) {
			memset(p, 0, n);
			return 0;
		}
		p += got;
		offset += got;
		n -= got;
	}
	return 0;
}

/**
 * io_write() - write all
 * @fd: file
 * @from: bytes
 * @n: how many
 * @offset: in the file
 *
 * Return: 0 or -errno.
 */
int io_write(int fd, const void *from, uint64_t n, uint64_t offset)
{
	const char *p = from;
	ssize_t done;

	while (n) {
		done = pwrite(fd, p, n, offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (!done)
			return -EIO;
		p += done;
		offset += done;
		n -= done;
	}
	return 0;
}

/**
 * io_zero() - zeros into a part of a file
 * @fd: file
 * @offset: in the file, inside it
 * @n: bytes
 * @punch: give the space back
 *
 * Return: 0 or -errno.
 */
int io_zero(int fd, uint64_t offset, uint64_t n, bool punch)
{
	static const char zeros[65536];
	uint64_t part;
	int mode = punch ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE, err = 0;

	if (!n || !fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, offset, n))
		return 0;
	while (n && !err) {
		part = n < sizeof(zeros) ? n : sizeof(zeros);
		err = io_write(fd, zeros, part, offset);
		offset += part;
		n -= part;
	}
	return err;
}
