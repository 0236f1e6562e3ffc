// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_map.c - from the disk to the file: the L1 table and the L2 tables.
 */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

static unsigned int l2_bits(const struct qcow2 *q)
{
	return q->h.cluster_bits - 3;
}

static uint64_t *l1_of(struct qcow2 *q, uint64_t offset)
{
	return &q->l1[offset >> (q->h.cluster_bits + l2_bits(q))];
}

/* The slice with the entry of an offset, whose L2 table is there; its index in the slice. */
static int slice_of(struct qcow2 *q, uint64_t offset, struct qcow2_slice **s, uint32_t *i)
{
	uint64_t table = *l1_of(q, offset) & QCOW2_OFFSET;
	uint64_t entry = offset >> q->h.cluster_bits & ((1ULL << l2_bits(q)) - 1);
	uint32_t per_slice = q->l2s.size / 8;

	if (table & (q->cluster - 1))
		return -EIO;
	*i = entry % per_slice;
	return qcow2_cache_get(q, &q->l2s, table + entry / per_slice * q->l2s.size, s);
}

/**
 * qcow2_map_get() - the entry of a cluster
 * @q: image; its mutex or the gate for change is held
 * @offset: in the disk
 * @entry: filled; 0 if there is no L2 table
 *
 * Return: 0 or -errno.
 */
int qcow2_map_get(struct qcow2 *q, uint64_t offset, uint64_t *entry)
{
	struct qcow2_slice *s;
	uint32_t i;
	int err;

	*entry = 0;
	if (!(*l1_of(q, offset) & QCOW2_OFFSET))
		return 0;
	err = slice_of(q, offset, &s, &i);
	if (!err)
		*entry = get64(s->data + 8 * i);
	return err;
}

/* A table of our own in the place of none or of one that snapshots share. */
static int own_table(struct qcow2 *q, uint64_t *l1)
{
	uint64_t old = *l1 & QCOW2_OFFSET, offset;
	unsigned char *table;
	int err;

	if (old & (q->cluster - 1))
		return qcow2_damaged(q);
	/* What is copied must be all there. */
	err = old && q->l2s.dirty ? qcow2_sync(q) : 0;
	if (err)
		return err;
	err = qcow2_alloc(q, &offset);
	if (err)
		return err;
	table = calloc(1, q->cluster);
	err = !table ? -ENOMEM : old ? io_read(q->layer->fd, table, q->cluster, old) : 0;
	if (!err)
		err = io_write(q->layer->fd, table, q->cluster, offset);
	free(table);
	if (err) {
		qcow2_alloc_undo(q, offset);
		return err;
	}
	q->unsynced = true;
	qcow2_cache_drop(&q->l2s, offset, q->cluster);
	*l1 = offset | QCOW2_COPIED;
	q->l1_dirty = true;
	if (old)
		qcow2_free(q, old, q->cluster);
	return 0;
}

/**
 * qcow2_map_prepare() - see that an entry can be changed
 * @q: image; the gate is held for change
 * @offset: in the disk
 *
 * Return: 0 or -errno.
 */
int qcow2_map_prepare(struct qcow2 *q, uint64_t offset)
{
	uint64_t *l1 = l1_of(q, offset);

	return *l1 & QCOW2_COPIED && *l1 & QCOW2_OFFSET ? 0 : own_table(q, l1);
}

/**
 * qcow2_map_set() - change an entry
 * @q: image; the gate is held for change
 * @offset: in the disk
 * @entry: new value
 *
 * Return: 0 or -errno.
 */
int qcow2_map_set(struct qcow2 *q, uint64_t offset, uint64_t entry)
{
	struct qcow2_slice *s;
	uint32_t i;
	int err = qcow2_map_prepare(q, offset);

	if (!err)
		err = slice_of(q, offset, &s, &i);
	if (err)
		return err;
	put64(s->data + 8 * i, entry);
	s->dirty = true;
	q->l2s.dirty = true;
	return 0;
}

static enum place place_of(const struct qcow2 *q, uint64_t entry)
{
	if (entry & QCOW2_COMPRESSED)
		return PLACE_FORMAT;
	if (q->h.version >= 3 && entry & QCOW2_ZERO)
		return PLACE_ZERO;
	return entry & QCOW2_OFFSET ? PLACE_FILE : PLACE_BELOW;
}

/* How many clusters from entry @i of the slice on are like the first, one behind the other. */
static uint64_t run_length(const struct qcow2 *q, const struct qcow2_slice *s, uint32_t i, uint64_t most)
{
	uint64_t first = get64(s->data + 8 * i), n, next;
	enum place place = place_of(q, first);

	for (n = 1; n < most && i + n < q->l2s.size / 8 && place != PLACE_FORMAT; n++) {
		next = get64(s->data + 8 * (i + n));
		if (place_of(q, next) != place)
			break;
		if (place == PLACE_FILE && next != first + n * q->cluster)
			break;
	}
	return n;
}

static int lookup(struct qcow2 *q, uint64_t offset, uint64_t length, struct extent *x)
{
	uint64_t in_cluster = offset & (q->cluster - 1), entry, n = 1, room;
	struct qcow2_slice *s;
	uint32_t i;
	int err;

	*x = (struct extent){ .place = PLACE_BELOW };
	if (!(*l1_of(q, offset) & QCOW2_OFFSET)) {
		n = (1ULL << l2_bits(q)) - (offset >> q->h.cluster_bits & ((1ULL << l2_bits(q)) - 1));
	} else {
		err = slice_of(q, offset, &s, &i);
		if (err)
			return err;
		entry = get64(s->data + 8 * i);
		n = run_length(q, s, i, (in_cluster + length + q->cluster - 1) >> q->h.cluster_bits);
		x->place = place_of(q, entry);
		x->offset = (entry & QCOW2_OFFSET) + in_cluster;
		x->writable = entry & QCOW2_COPIED && !q->layer->read_only && !q->damaged;
		if (x->place == PLACE_FILE && entry & QCOW2_OFFSET & (q->cluster - 1))
			return -EIO;
	}
	room = n * q->cluster - in_cluster;
	x->length = room < length ? room : length;
	return 0;
}

/**
 * qcow2_lookup() - where the beginning of a range is
 * @l: layer
 * @offset: in the disk
 * @length: bytes, inside the disk
 * @x: filled
 *
 * Return: 0 or -errno.
 */
int qcow2_lookup(struct layer *l, uint64_t offset, uint64_t length, struct extent *x)
{
	struct qcow2 *q = l->private;
	int err;

	pthread_mutex_lock(&q->mutex);
	err = lookup(q, offset, length, x);
	pthread_mutex_unlock(&q->mutex);
	return err;
}
