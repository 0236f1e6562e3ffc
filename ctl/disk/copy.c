// SPDX-License-Identifier: GPL-2.0-only
/*
 * copy.c - what a guest would read of one disk becomes what it would read of another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"

#define PIECE	(1U << 20)	/* bytes copied at a time */
#define GRAIN	65536U		/* bytes of zeros that are left out */

static bool is_zero(const char *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

static int write_grains(struct disk *d, char *p, uint64_t n, uint64_t offset)
{
	struct iovec v;
	uint64_t part;
	ssize_t done;

	for (; n; p += part, offset += part, n -= part) {
		part = GRAIN - offset % GRAIN;
		if (part > n)
			part = n;
		v = (struct iovec){ p, part };
		done = is_zero(p, part) ? 0 : disk_pwritev(d, &v, 1, offset);
		if (done < 0)
			return done;
	}
	return 0;
}

/**
 * disk_copy() - copy all of a disk
 * @source: from here
 * @target: to here, which reads as zeros and is as large
 * @progress: called now and then; false ends the copy
 * @reading: filled on failure: it was the source's
 *
 * Return: 0 and all is on the disk, or -errno; -EINTR when progress() said so.
 */
int disk_copy(struct disk *source, struct disk *target, bool (*progress)(uint64_t done, uint64_t size), bool *reading)
{
	uint64_t offset, n, size = disk_size(source);
	char *piece = malloc(PIECE);
	enum disk_extent kind;
	struct iovec v;
	int err = piece ? 0 : -ENOMEM;

	*reading = false;
	for (offset = 0; offset < size && !err; offset += n) {
		n = size - offset;
		*reading = true;
		err = progress(offset, size) ? disk_extent(source, offset, &n, &kind) : -EINTR;
		if (err || kind == DISK_EXTENT_ZERO)
			continue;
		if (n > PIECE)
			n = PIECE;
		v = (struct iovec){ piece, n };
		err = disk_preadv(source, &v, 1, offset) < 0 ? -EIO : 0;
		if (err)
			break;
		*reading = false;
		err = write_grains(target, piece, n, offset);
	}
	free(piece);
	if (err)
		return err;
	*reading = false;
	progress(size, size);
	return disk_flush(target);
}
