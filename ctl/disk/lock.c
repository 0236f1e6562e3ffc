// SPDX-License-Identifier: GPL-2.0-only
/*
 * lock.c - two VMs must not write one image, nor one read what another writes.
 *
 * The locks are byte ranges of open file descriptions, at the places where QEMU and its tools put theirs,
 * so that they keep each other out as well: byte BASE_HAS + n says "I do n", BASE_DENIES + n "nobody else
 * may do n". All of them are shared locks; who has placed his own looks for foreign ones that contradict.
 * They survive fork(2) and end with the last descriptor.
 */
#include <errno.h>
#include <fcntl.h>

#include "layer.h"

#define BASE_HAS	100
#define BASE_DENIES	200

enum act {
	ACT_READ = 0,
	ACT_WRITE = 1,
	ACT_RESIZE = 3,
};

#define READER		(1u << ACT_READ)
#define WRITER		(1u << ACT_READ | 1u << ACT_WRITE | 1u << ACT_RESIZE)
#define DENIED		(1u << ACT_WRITE | 1u << ACT_RESIZE)

static int place(int fd, short type, off_t byte)
{
	struct flock f = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &f) ? -errno : 0;
}

static bool is_foreign(int fd, off_t byte)
{
	struct flock f = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return !fcntl(fd, F_OFD_GETLK, &f) && f.l_type != F_UNLCK;
}

/**
 * lock_file() - keep others from writing, or from using what is written here
 * @fd: image file
 * @write: it will be written
 *
 * Return: 0, -EAGAIN if somebody else uses the file, or another -errno.
 */
int lock_file(int fd, bool write)
{
	unsigned int does = write ? WRITER : READER, n;
	int err = 0;

	for (n = 0; n <= ACT_RESIZE && !err; n++) {
		if (does & 1u << n)
			err = place(fd, F_RDLCK, BASE_HAS + n);
		if (!err && DENIED & 1u << n)
			err = place(fd, F_RDLCK, BASE_DENIES + n);
	}
	/* A file system without locks (some network ones) leaves the care to the user. */
	if (err == -EINVAL || err == -ENOLCK || err == -EOPNOTSUPP)
		return 0;
	for (n = 0; n <= ACT_RESIZE && !err; n++) {
		if (does & 1u << n && is_foreign(fd, BASE_DENIES + n))
			err = -EAGAIN;
		if (DENIED & 1u << n && is_foreign(fd, BASE_HAS + n))
			err = -EAGAIN;
	}
	return err;
}

/**
 * lock_downgrade() - from writing to reading, without a moment in between
 * @fd: image file
 *
 * Return: 0 or -errno.
 */
int lock_downgrade(int fd)
{
	int err = place(fd, F_UNLCK, BASE_HAS + ACT_WRITE);

	return err ? err : place(fd, F_UNLCK, BASE_HAS + ACT_RESIZE);
}
