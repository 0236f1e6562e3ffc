// SPDX-License-Identifier: GPL-2.0-only
/*
 * raw.c - a file or block device that is the disk, byte by byte.
 */
#include <errno.h>
#include <unistd.h>

#include "layer.h"

static int raw_open(struct layer *l, struct disk_error *e)
{
	(void)e;
	l->size = l->file_size;
	return 0;
}

/* Holes are told as data but for whole-file copies, which ask for them: a look-up stays free of system calls. */
static int raw_lookup(struct layer *l, uint64_t offset, uint64_t length, struct extent *x)
{
	*x = (struct extent){ .place = PLACE_FILE, .offset = offset, .length = length,
			      .writable = !l->read_only };
	/* A guest must not turn its disk, whose format nobody named, into another one's image. */
	if (l->probed && offset < DISK_BLOCK) {
		x->writable = false;
		if (length > DISK_BLOCK - offset)
			x->length = DISK_BLOCK - offset;
	}
	return 0;
}

static int raw_write(struct layer *l, const void *from, uint64_t offset, uint64_t length)
{
	if (l->probed && disk_format_probe(from, length, l->size) != DISK_RAW && !offset)
		return -EPERM;
	return io_write(l->fd, from, length, offset);
}

static int raw_zero(struct layer *l, uint64_t offset, uint64_t length, uint64_t *done)
{
	*done = length;
	return io_zero(l->fd, offset, length, false);
}

static int raw_discard(struct layer *l, uint64_t offset, uint64_t length)
{
	return io_zero(l->fd, offset, length, true);
}

static int raw_sync(struct layer *l)
{
	return fdatasync(l->fd) ? -errno : 0;
}

const struct layer_ops raw_ops = {
	.open = raw_open,
	.lookup = raw_lookup,
	.write = raw_write,
	.zero = raw_zero,
	.discard = raw_discard,
	.sync = raw_sync,
};
