// SPDX-License-Identifier: GPL-2.0-only
/*
 * disk.c - requests on a disk: cut into pieces by where the bytes are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layer.h"

#define BOUNCE	(1U << 20)	/* bytes written at a time if they come in pieces */

/**
 * disk_open() - open an image and all that backs it
 * @path: name
 * @format: or DISK_AUTO: a raw disk whose format was guessed refuses writes that would make it look otherwise
 * @flags: DISK_READ_ONLY, DISK_NO_BACKING, DISK_UNLOCKED
 * @e: filled on failure
 *
 * Return: the disk, or NULL.
 */
struct disk *disk_open(const char *path, enum disk_format format, unsigned int flags, struct disk_error *e)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d) {
		disk_error_errno(e, path, -ENOMEM, "free some memory");
		return NULL;
	}
	d->top = layer_open_chain(path, format, flags, e);
	if (!d->top) {
		free(d);
		return NULL;
	}
	gate_init(&d->gate);
	return d;
}

/**
 * disk_close() - flush and close; a flush that must succeed is the caller's, before
 * @d: disk that no request is in; or NULL
 */
void disk_close(struct disk *d)
{
	if (!d)
		return;
	if (!disk_is_read_only(d))
		disk_flush(d);
	layer_close_chain(d->top);
	gate_fini(&d->gate);
	free(d);
}

/**
 * disk_size() - bytes of the disk
 * @d: disk
 *
 * Return: bytes, rounded down to a DISK_BLOCK.
 */
uint64_t disk_size(const struct disk *d)
{
	return d->top->size & ~(uint64_t)(DISK_BLOCK - 1);
}

/**
 * disk_is_read_only() - writes will be refused
 * @d: disk
 *
 * Return: true if it was opened so or is frozen.
 */
bool disk_is_read_only(const struct disk *d)
{
	return d->top->read_only || d->frozen;
}

/**
 * disk_cluster() - the size whose multiples are written and discarded best
 * @d: disk
 *
 * Return: bytes, at least DISK_BLOCK.
 */
uint32_t disk_cluster(const struct disk *d)
{
	return d->top->cluster ? d->top->cluster : DISK_BLOCK;
}

/**
 * disk_info() - what an image is
 * @d: disk
 * @info: filled
 *
 * Return: 0 or -errno.
 */
int disk_info(struct disk *d, struct disk_info *info)
{
	const struct layer *l;
	struct stat st;

	if (fstat(d->top->fd, &st))
		return -errno;
	*info = (struct disk_info){ .format = d->top->format, .size = disk_size(d),
				    .file_size = st.st_blocks * 512ULL, .cluster = d->top->cluster,
				    .backing_format = d->top->backing_format };
	snprintf(info->backing, sizeof(info->backing), "%s", d->top->backing ? d->top->backing : "");
	for (l = d->top; l; l = l->below)
		info->layers++;
	if (d->top->ops->info)
		d->top->ops->info(d->top, info);
	return 0;
}

static ssize_t total(const struct disk *d, const struct iovec *iov, int n, uint64_t offset)
{
	uint64_t bytes = 0, size = disk_size(d);
	int i;

	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > INT32_MAX - bytes)
			return -EINVAL;
		bytes += iov[i].iov_len;
	}
	return offset <= size && bytes <= size - offset ? (ssize_t)bytes : -EINVAL;
}

/**
 * disk_preadv() - read
 * @d: disk
 * @iov: where to
 * @n: pieces
 * @offset: in the disk; the request must end inside it
 *
 * Return: bytes, always all; or -errno.
 */
ssize_t disk_preadv(struct disk *d, const struct iovec *iov, int n, uint64_t offset)
{
	ssize_t bytes = total(d, iov, n, offset);
	int i, err = 0;

	if (bytes < 0)
		return bytes;
	gate_enter(&d->gate);
	for (i = 0; i < n && !err; i++) {
		err = layer_read_chain(d->top, iov[i].iov_base, offset, iov[i].iov_len);
		offset += iov[i].iov_len;
	}
	gate_leave(&d->gate);
	return err ? err : bytes;
}

/* As much as can be overwritten where it is; *done bytes of it. */
static int write_in_place(struct disk *d, const char *from, uint64_t offset, uint64_t length, uint64_t *done)
{
	struct layer *l = d->top;
	struct extent x;
	int err = 0;

	*done = 0;
	gate_enter(&d->gate);
	if (d->frozen)
		err = -EROFS;
	while (!err && *done < length) {
		err = l->ops->lookup(l, offset + *done, length - *done, &x);
		if (err || x.place != PLACE_FILE || !x.writable)
			break;
		err = io_write(l->fd, from + *done, x.length, x.offset);
		if (!err)
			*done += x.length;
	}
	gate_leave(&d->gate);
	return err;
}

static int write_flat(struct disk *d, const void *from, uint64_t offset, uint64_t length)
{
	uint64_t done;
	int err = write_in_place(d, from, offset, length, &done);

	if (err || done == length)
		return err;
	gate_change(&d->gate);
	err = d->frozen ? -EROFS :
	      d->top->ops->write(d->top, (const char *)from + done, offset + done, length - done);
	gate_changed(&d->gate);
	return err;
}

static int write_pieces(struct disk *d, const struct iovec *iov, int n, uint64_t offset, uint64_t bytes)
{
	size_t room = bytes < BOUNCE ? bytes : BOUNCE, filled = 0, used = 0, part;
	char *bounce = malloc(room ? room : 1);
	int i = 0, err = bounce ? 0 : -ENOMEM;

	while (i < n && !err) {
		part = iov[i].iov_len - used;
		if (part > room - filled)
			part = room - filled;
		memcpy(bounce + filled, (char *)iov[i].iov_base + used, part);
		filled += part;
		used += part;
		if (used == iov[i].iov_len) {
			i++;
			used = 0;
		}
		if (filled < room && i < n)
			continue;
		err = write_flat(d, bounce, offset, filled);
		offset += filled;
		filled = 0;
	}
	free(bounce);
	return err;
}

/**
 * disk_pwritev() - write
 * @d: disk
 * @iov: bytes
 * @n: pieces
 * @offset: in the disk; the request must end inside it
 *
 * Return: bytes, always all; or -errno, and an unknown part is written: -EROFS, -ENOSPC, -EFBIG, -EPERM (disk_open()),
 * -EIO also for an image that turned out to be damaged.
 */
ssize_t disk_pwritev(struct disk *d, const struct iovec *iov, int n, uint64_t offset)
{
	ssize_t bytes = total(d, iov, n, offset);
	int err;

	if (bytes < 0)
		return bytes;
	if (disk_is_read_only(d))
		return -EROFS;
	err = n == 1 ? write_flat(d, iov->iov_base, offset, bytes) : write_pieces(d, iov, n, offset, bytes);
	return err ? err : bytes;
}

/**
 * disk_flush() - what completed is permanent
 * @d: disk
 *
 * Return: 0 or -errno; what is not permanent yet stays to be flushed.
 */
int disk_flush(struct disk *d)
{
	struct layer *l = d->top;
	int err;

	if (disk_is_read_only(d))
		return 0;
	if (l->ops->is_dirty && l->ops->is_dirty(l)) {
		gate_change(&d->gate);
		err = l->ops->sync(l);
		gate_changed(&d->gate);
		return err;
	}
	if (!l->ops->is_dirty)
		return l->ops->sync(l);
	gate_enter(&d->gate);
	err = fdatasync(l->fd) ? -errno : 0;
	gate_leave(&d->gate);
	return err;
}

static bool is_inside(const struct disk *d, uint64_t offset, uint64_t length)
{
	return offset <= disk_size(d) && length <= disk_size(d) - offset;
}

/**
 * disk_discard() - the guest does not need a range any more
 * @d: disk
 * @offset: in the disk
 * @length: bytes
 *
 * What is not a whole cluster stays as it is; the rest reads as zeros. It is advice: nothing may happen.
 * Return: 0 or -errno.
 */
int disk_discard(struct disk *d, uint64_t offset, uint64_t length)
{
	int err;

	if (!is_inside(d, offset, length))
		return -EINVAL;
	if (disk_is_read_only(d))
		return -EROFS;
	if (!d->top->ops->discard)
		return 0;
	gate_change(&d->gate);
	err = d->top->ops->discard(d->top, offset, length);
	gate_changed(&d->gate);
	return err;
}

static int zero_some(struct disk *d, uint64_t offset, uint64_t length, bool may_unmap, uint64_t *done)
{
	static const char zeros[65536];
	uint64_t part = d->top->cluster ? d->top->cluster - offset % d->top->cluster : length;
	int err = 0;

	*done = 0;
	gate_change(&d->gate);
	if (d->frozen)
		err = -EROFS;
	else if (may_unmap && !d->top->cluster && d->top->ops->discard)
		err = d->top->ops->discard(d->top, offset, *done = length);
	else if (d->top->ops->zero)
		err = d->top->ops->zero(d->top, offset, length, done);
	gate_changed(&d->gate);
	if (err || *done)
		return err;
	if (part > length)
		part = length;
	*done = part < sizeof(zeros) ? part : sizeof(zeros);
	return write_flat(d, zeros, offset, *done);
}

/**
 * disk_write_zeroes() - zeros without sending them
 * @d: disk
 * @offset: in the disk
 * @length: bytes
 * @may_unmap: the space may be given back; formats with clusters always do
 *
 * Return: 0 or -errno.
 */
int disk_write_zeroes(struct disk *d, uint64_t offset, uint64_t length, bool may_unmap)
{
	uint64_t done;
	int err = 0;

	if (!is_inside(d, offset, length))
		return -EINVAL;
	if (disk_is_read_only(d))
		return -EROFS;
	for (; length && !err; offset += done, length -= done)
		err = zero_some(d, offset, length, may_unmap, &done);
	return err;
}

/* What a layer says, with holes of files taken as zeros. */
static void look_for_hole(struct layer *l, struct extent *x)
{
	off_t data = lseek(l->fd, x->offset, SEEK_DATA), hole;

	if (data < 0 && errno == ENXIO) {
		x->place = PLACE_ZERO;
	} else if (data > (off_t)x->offset) {
		x->place = PLACE_ZERO;
		if ((uint64_t)data - x->offset < x->length)
			x->length = data - x->offset;
	} else if (data >= 0) {
		hole = lseek(l->fd, x->offset, SEEK_HOLE);
		if (hole > data && (uint64_t)(hole - data) < x->length)
			x->length = hole - data;
	}
}

/**
 * disk_extent() - whether the beginning of a range is data or zeros
 * @d: disk
 * @offset: in the disk
 * @length: bytes of the range, inside the disk; returned: bytes that are alike
 * @kind: filled
 *
 * Return: 0 or -errno.
 */
int disk_extent(struct disk *d, uint64_t offset, uint64_t *length, enum disk_extent *kind)
{
	struct extent x = { .place = PLACE_BELOW, .length = *length };
	struct layer *l;
	int err = 0;

	if (!*length || !is_inside(d, offset, *length))
		return -EINVAL;
	gate_enter(&d->gate);
	for (l = d->top; l && !err && x.place == PLACE_BELOW; l = l->below) {
		if (offset >= l->size)
			break;
		if (x.length > l->size - offset)
			x.length = l->size - offset;
		err = l->ops->lookup(l, offset, x.length, &x);
		if (!err && x.place == PLACE_FILE)
			look_for_hole(l, &x);
	}
	gate_leave(&d->gate);
	*length = x.length;
	*kind = x.place == PLACE_FILE || x.place == PLACE_FORMAT ? DISK_EXTENT_DATA : DISK_EXTENT_ZERO;
	return err;
}

/**
 * disk_map() - where bytes are, for I/O that goes around this code
 * @d: disk
 * @offset: in the disk
 * @length: bytes wanted
 * @write: they will be overwritten
 * @m: filled
 *
 * While a map is held nothing changes the mapping, so hold it for a request, not longer, and make no other call
 * on this disk that writes from a thread that must end the request. disk_flush() covers what was written.
 * Return: true if mapped: disk_unmap() is due, in any thread. False if the bytes have no place of their own or a change
 * waits: use disk_preadv() or disk_pwritev().
 */
bool disk_map(struct disk *d, uint64_t offset, uint64_t length, bool write, struct disk_map *m)
{
	struct layer *l = d->top;
	struct extent x = { .place = PLACE_BELOW, .length = length };

	if (!length || !is_inside(d, offset, length) || !gate_try_enter(&d->gate))
		return false;
	for (l = d->top; l && offset < l->size; l = l->below) {
		if (x.length > l->size - offset)
			x.length = l->size - offset;
		if (l->ops->lookup(l, offset, x.length, &x) || x.place != PLACE_BELOW || write)
			break;
	}
	if (l && x.place == PLACE_FILE && (!write || (l == d->top && x.writable && !d->frozen))) {
		*m = (struct disk_map){ .fd = l->fd, .offset = x.offset, .length = x.length };
		return true;
	}
	gate_leave(&d->gate);
	return false;
}

/**
 * disk_unmap() - the I/O of a disk_map() is over
 * @d: disk
 */
void disk_unmap(struct disk *d)
{
	gate_leave(&d->gate);
}
