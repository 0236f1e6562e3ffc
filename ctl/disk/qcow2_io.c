// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_io.c - data in and out of clusters. The gate is held for change by all but qcow2_read().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2.h"

#define FREED_MOST	8192	/* clusters that wait for a sync to be free */

static int inflate_entry(struct qcow2 *q, uint64_t entry)
{
	uint64_t offset, length;
	unsigned char *from;
	int err;

	if (q->inflated_entry == entry)
		return 0;
	if (!q->inflated)
		q->inflated = malloc(q->cluster);
	qcow2_compressed(entry, q->h.cluster_bits, &offset, &length);
	from = malloc(length);
	err = from && q->inflated ? io_read(q->layer->fd, from, length, offset) : -ENOMEM;
	q->inflated_entry = 0;
	if (!err)
		err = qcow2_inflate(q->h.compression, q->inflated, q->cluster, from, length);
	if (!err)
		q->inflated_entry = entry;
	free(from);
	return err;
}

/**
 * qcow2_read() - read from a compressed cluster
 * @l: layer
 * @to: for @length bytes
 * @offset: in the disk
 * @length: bytes, all in one cluster
 *
 * Return: 0 or -errno.
 */
int qcow2_read(struct layer *l, void *to, uint64_t offset, uint64_t length)
{
	struct qcow2 *q = l->private;
	uint64_t entry;
	int err;

	pthread_mutex_lock(&q->mutex);
	err = qcow2_map_get(q, offset, &entry);
	if (!err && !(entry & QCOW2_COMPRESSED))
		err = -EIO;
	if (!err)
		err = inflate_entry(q, entry);
	if (!err)
		memcpy(to, q->inflated + (offset & (q->cluster - 1)), length);
	pthread_mutex_unlock(&q->mutex);
	return err;
}

static void free_entry(struct qcow2 *q, uint64_t entry)
{
	uint64_t offset, length;

	if (entry & QCOW2_COMPRESSED) {
		qcow2_compressed(entry, q->h.cluster_bits, &offset, &length);
		qcow2_free(q, offset, length);
		q->inflated_entry = 0;
	} else if (entry & QCOW2_OFFSET) {
		qcow2_free(q, entry & QCOW2_OFFSET, q->cluster);
	}
}

/* The whole cluster as it will be: what was there, and the new bytes. */
static int compose(struct layer *l, unsigned char *whole, const void *from, uint64_t offset,
		   uint64_t length)
{
	struct qcow2 *q = l->private;
	uint64_t in_cluster = offset & (q->cluster - 1);
	int err = 0;

	if (length < q->cluster)
		err = layer_read_chain(l, whole, offset - in_cluster, q->cluster);
	memcpy(whole + in_cluster, from, length);
	return err;
}

static int write_new(struct layer *l, const void *data, uint64_t offset, uint64_t old)
{
	struct qcow2 *q = l->private;
	uint64_t host;
	int err = qcow2_map_prepare(q, offset);

	if (!err)
		err = qcow2_alloc(q, &host);
	if (err)
		return err;
	err = io_write(l->fd, data, q->cluster, host);
	q->unsynced = true;
	if (!err)
		err = qcow2_map_set(q, offset, host | QCOW2_COPIED);
	if (err)
		qcow2_alloc_undo(q, host);
	else
		free_entry(q, old);
	return err;
}

static int write_cluster(struct layer *l, const void *from, uint64_t offset, uint64_t length)
{
	struct qcow2 *q = l->private;
	unsigned char *whole;
	struct extent x;
	uint64_t old;
	int err = qcow2_lookup(l, offset, length, &x);

	if (!err && x.place == PLACE_FILE && x.writable)
		return io_write(l->fd, from, length, x.offset);
	if (!err)
		err = qcow2_map_get(q, offset, &old);
	if (err)
		return err;
	if (length == q->cluster)
		return write_new(l, from, offset, old);
	whole = malloc(q->cluster);
	err = whole ? compose(l, whole, from, offset, length) : -ENOMEM;
	if (!err)
		err = write_new(l, whole, offset, old);
	free(whole);
	return err;
}

static int limit_freed(struct qcow2 *q)
{
	if (q->damaged)
		return -EIO;
	return q->nfreed > FREED_MOST ? qcow2_sync(q) : 0;
}

/**
 * qcow2_write() - write anywhere
 * @l: layer
 * @from: bytes
 * @offset: in the disk
 * @length: bytes
 *
 * Return: 0 or -errno.
 */
int qcow2_write(struct layer *l, const void *from, uint64_t offset, uint64_t length)
{
	struct qcow2 *q = l->private;
	const char *p = from;
	uint64_t part;
	int err = 0;

	for (; length && !err; p += part, offset += part, length -= part) {
		part = q->cluster - (offset & (q->cluster - 1));
		if (part > length)
			part = length;
		err = limit_freed(q);
		if (!err)
			err = write_cluster(l, p, offset, part);
	}
	return err;
}

/* A cluster that shall read as zeros keeps no place in the file. */
static int zero_cluster(struct layer *l, uint64_t offset)
{
	struct qcow2 *q = l->private;
	uint64_t old, entry = l->backing ? QCOW2_ZERO : 0;
	int err = limit_freed(q);

	if (!err)
		err = qcow2_map_get(q, offset, &old);
	if (err || old == entry)
		return err;
	err = qcow2_map_set(q, offset, entry);
	if (!err)
		free_entry(q, old);
	return err;
}

static bool can_zero(struct layer *l)
{
	struct qcow2 *q = l->private;

	/* A backing file that was left out must not show through later. */
	return q->h.version >= 3 ? true : !l->backing;
}

/**
 * qcow2_zero() - zeros without data
 * @l: layer
 * @offset: in the disk
 * @length: bytes
 * @done: filled with how many of them are done; the next ones up to a cluster's end want a write
 *
 * Return: 0 or -errno.
 */
int qcow2_zero(struct layer *l, uint64_t offset, uint64_t length, uint64_t *done)
{
	struct qcow2 *q = l->private;
	int err = 0;

	*done = 0;
	if (offset & (q->cluster - 1) || !can_zero(l))
		return 0;
	while (*done < length && !err) {
		if (length - *done < q->cluster && offset + length < l->size)
			break;
		err = zero_cluster(l, offset + *done);
		if (!err)
			*done += length - *done < q->cluster ? length - *done : q->cluster;
	}
	return err;
}

/**
 * qcow2_discard() - give whole clusters back; they read as zeros
 * @l: layer
 * @offset: in the disk
 * @length: bytes
 *
 * Return: 0 or -errno.
 */
int qcow2_discard(struct layer *l, uint64_t offset, uint64_t length)
{
	struct qcow2 *q = l->private;
	uint64_t end = offset + length, done;

	offset = (offset + q->cluster - 1) & ~(q->cluster - 1);
	return offset < end ? qcow2_zero(l, offset, end - offset, &done) : 0;
}
