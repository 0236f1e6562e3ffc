// SPDX-License-Identifier: GPL-2.0-only
/*
 * commit.c - what one layer says goes into a layer under it, which may then take its place.
 */
#include <errno.h>
#include <stdlib.h>

#include "layer.h"

#define PIECE	(1U << 20)	/* bytes copied at a time */

static int commit_piece(struct disk *from, struct disk *to, void *piece, uint64_t offset, const struct extent *x)
{
	struct iovec v = { piece, x->length };
	ssize_t n;

	if (x->place == PLACE_BELOW)
		return 0;
	if (x->place == PLACE_ZERO)
		return disk_write_zeroes(to, offset, x->length, true);
	n = disk_preadv(from, &v, 1, offset);
	if (n >= 0)
		n = disk_pwritev(to, &v, 1, offset);
	return n < 0 ? n : 0;
}

/**
 * disk_commit() - write what a layer has into a layer below it
 * @from: the layer alone: opened with DISK_NO_BACKING, and read-only
 * @to: a layer below @from, with what backs it; as large
 * @progress: called now and then; false ends it
 *
 * At each moment, also after a failure or a crash, a chain that has both reads as before: what changes in @to is hidden by @from.
 * Return: 0 and all of it is on the disk, or -errno; -EINTR when progress() said so, -EINVAL for another size.
 */
int disk_commit(struct disk *from, struct disk *to, bool (*progress)(uint64_t done, uint64_t size))
{
	uint64_t offset, size = disk_size(from);
	struct layer *l = from->top;
	struct extent x;
	void *piece;
	int err = 0;

	if (size != disk_size(to))
		return -EINVAL;
	piece = malloc(PIECE);
	if (!piece)
		return -ENOMEM;
	for (offset = 0; offset < size && !err; offset += x.length) {
		if (!progress(offset, size)) {
			err = -EINTR;
			break;
		}
		err = l->ops->lookup(l, offset, size - offset, &x);
		if (err)
			break;
		/* What has to be copied fits into the piece. */
		if (x.length > PIECE && (x.place == PLACE_FILE || x.place == PLACE_FORMAT))
			x.length = PIECE;
		err = commit_piece(from, to, piece, offset, &x);
	}
	free(piece);
	return err ? err : disk_flush(to);
}
