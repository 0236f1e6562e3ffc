// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_refcount.c - who uses a cluster: giving clusters out and taking them back.
 *
 * All of it is under the gate, held for change.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2.h"

static uint64_t per_block(const struct qcow2 *q)
{
	return q->cluster * 8 >> q->h.refcount_order;
}

static uint64_t per_slice(const struct qcow2 *q)
{
	return (uint64_t)q->refcounts.size * 8 >> q->h.refcount_order;
}

/* The slice with a cluster's refcount, and its index there. */
static int slice_of(struct qcow2 *q, uint64_t cluster, struct qcow2_slice **s, uint64_t *i)
{
	uint64_t block = q->reftable[cluster / per_block(q)];
	uint64_t in_block = cluster % per_block(q);

	if (!block || block & (q->cluster - 1))
		return qcow2_damaged(q);
	*i = in_block % per_slice(q);
	return qcow2_cache_get(q, &q->refcounts, block + in_block / per_slice(q) * q->refcounts.size, s);
}

/**
 * qcow2_refcount_of() - references of a cluster
 * @q: image
 * @cluster: index
 * @count: filled; 0 where no refcount is kept
 *
 * Return: 0 or -errno.
 */
int qcow2_refcount_of(struct qcow2 *q, uint64_t cluster, uint64_t *count)
{
	uint64_t block = cluster / per_block(q), i;
	struct qcow2_slice *s;
	int err;

	*count = 0;
	if (block >= q->reftable_entries || !q->reftable[block])
		return 0;
	err = slice_of(q, cluster, &s, &i);
	if (!err)
		*count = qcow2_refcount_get(s->data, i, q->h.refcount_order);
	return err;
}

/**
 * qcow2_refcount_put() - set the references of a cluster that has a refcount
 * @q: image
 * @cluster: index
 * @count: fits the width
 *
 * Return: 0 or -errno.
 */
int qcow2_refcount_put(struct qcow2 *q, uint64_t cluster, uint64_t count)
{
	struct qcow2_slice *s;
	uint64_t i;
	int err = -EIO;

	if (cluster / per_block(q) < q->reftable_entries)
		err = slice_of(q, cluster, &s, &i);
	if (err)
		return err;
	qcow2_refcount_set(s->data, i, q->h.refcount_order, count);
	s->dirty = true;
	q->refcounts.dirty = true;
	if (!count && cluster < q->free_hint)
		q->free_hint = cluster;
	return 0;
}

static bool is_inside(uint64_t offset, uint64_t start, uint64_t n)
{
	return offset >= start && offset - start < n;
}

/* The refcounts of a damaged image may call its own tables free. */
static bool is_table(const struct qcow2 *q, uint64_t offset)
{
	uint64_t i;

	if (!offset || is_inside(offset, q->h.l1, q->h.l1_entries * 8ULL) ||
	    is_inside(offset, q->h.reftable, q->h.reftable_clusters * q->cluster))
		return true;
	for (i = 0; i < q->h.l1_entries; i++)
		if ((q->l1[i] & QCOW2_OFFSET) == offset)
			return true;
	for (i = 0; i < q->reftable_entries; i++)
		if (q->reftable[i] == offset)
			return true;
	return false;
}

/* A refcount block for a range that has none; its own first cluster takes it. */
static int add_block(struct qcow2 *q, uint64_t block, uint64_t used)
{
	uint64_t offset = block * per_block(q) * q->cluster, i;
	unsigned char *b;
	int err;

	if (is_table(q, offset))
		return qcow2_damaged(q);
	b = calloc(1, q->cluster);
	if (!b)
		return -ENOMEM;
	for (i = 0; i < used; i++)
		qcow2_refcount_set(b, i, q->h.refcount_order, 1);
	err = io_write(q->layer->fd, b, q->cluster, offset);
	free(b);
	if (err)
		return err;
	q->unsynced = true;
	q->reftable[block] = offset;
	q->reftable_dirty = true;
	return 0;
}

static int write_table(struct qcow2 *q, uint64_t offset, uint64_t clusters)
{
	uint64_t i, n = clusters * q->cluster / 8;
	unsigned char *t = calloc(n, 8), where[12];
	int err = t ? 0 : -ENOMEM;

	for (i = 0; t && i < n && i < q->reftable_entries; i++)
		put64(t + 8 * i, q->reftable[i]);
	if (!err)
		err = io_write(q->layer->fd, t, n * 8, offset);
	free(t);
	q->unsynced = true;
	if (!err)
		err = qcow2_barrier(q);
	put64(where, offset);
	put32(where + 8, clusters);
	if (!err)
		err = io_write(q->layer->fd, where, sizeof(where), 48);
	q->unsynced = true;
	return err ? err : qcow2_barrier(q);
}

/* Nothing behind the clusters that the table can describe is in use: the larger one goes there. */
static int grow_table(struct qcow2 *q)
{
	uint64_t old = q->reftable_entries, n = 2 * old, clusters = (n * 8 + q->cluster - 1) / q->cluster;
	uint64_t offset = (old * per_block(q) + 1) * q->cluster, *bigger;
	int err;

	if (clusters * q->cluster > QCOW2_REFTABLE_MAX || clusters + 1 > per_block(q))
		return -EFBIG;
	bigger = realloc(q->reftable, n * 8);
	if (!bigger)
		return -ENOMEM;
	q->reftable = bigger;
	memset(bigger + old, 0, (n - old) * 8);
	q->reftable_entries = n;
	err = add_block(q, old, clusters + 1);
	if (!err)
		err = write_table(q, offset, clusters);
	if (err) {
		q->reftable_entries = old;
		return err;
	}
	qcow2_free(q, q->h.reftable, q->h.reftable_clusters * q->cluster);
	q->h.reftable = offset;
	q->h.reftable_clusters = clusters;
	q->reftable_dirty = false;
	return 0;
}

static int take_from(struct qcow2 *q, uint64_t cluster, uint64_t *offset)
{
	unsigned int order = q->h.refcount_order;
	struct qcow2_slice *s;
	uint64_t i, n = per_slice(q);
	int err = slice_of(q, cluster, &s, &i);

	if (err)
		return err;
	for (; i < n && qcow2_refcount_get(s->data, i, order); i++)
		cluster++;
	q->free_hint = cluster;
	if (i == n)
		return -EAGAIN;
	*offset = cluster * q->cluster;
	if (is_table(q, *offset))
		return qcow2_damaged(q);
	qcow2_refcount_set(s->data, i, order, 1);
	s->dirty = true;
	q->refcounts.dirty = true;
	q->free_hint = cluster + 1;
	return 0;
}

/**
 * qcow2_alloc() - a cluster for new data or a new table
 * @q: image
 * @offset: filled with its place in the file
 *
 * Return: 0 or -errno.
 */
int qcow2_alloc(struct qcow2 *q, uint64_t *offset)
{
	uint64_t block;
	int err;

	do {
		block = q->free_hint / per_block(q);
		err = block >= q->reftable_entries ? grow_table(q) : 0;
		if (!err && !q->reftable[block])
			err = block ? add_block(q, block, 1) : qcow2_damaged(q);
		if (!err)
			err = take_from(q, q->free_hint, offset);
	} while (err == -EAGAIN);
	return err;
}

/**
 * qcow2_alloc_undo() - a cluster that was never referenced is free again
 * @q: image
 * @offset: from qcow2_alloc()
 *
 * If that fails the cluster is lost until a check.
 */
void qcow2_alloc_undo(struct qcow2 *q, uint64_t offset)
{
	qcow2_refcount_put(q, offset / q->cluster, 0);
}

/**
 * qcow2_free() - clusters lose a reference
 * @q: image
 * @offset: first byte in the file
 * @length: bytes
 *
 * Nothing happens until the tables that referred to them are on disk. Without memory for the list the clusters are
 * lost until a check.
 */
void qcow2_free(struct qcow2 *q, uint64_t offset, uint64_t length)
{
	uint64_t at = offset & ~(q->cluster - 1), *more;

	for (; at < offset + length; at += q->cluster) {
		if (q->nfreed == q->freed_room) {
			more = realloc(q->freed, (q->freed_room + 256) * sizeof(*more));
			if (!more)
				return;
			q->freed = more;
			q->freed_room += 256;
		}
		q->freed[q->nfreed++] = at;
	}
}

/**
 * qcow2_apply_freed() - what qcow2_free() announced, now that the tables are on disk
 * @q: image
 *
 * Space of clusters that nobody uses any more goes back to the file system.
 * Return: 0 or -errno.
 */
int qcow2_apply_freed(struct qcow2 *q)
{
	uint64_t count, at, run = 0, n = 0;
	int err = 0;

	while (q->nfreed && !err) {
		at = q->freed[--q->nfreed];
		err = qcow2_refcount_of(q, at / q->cluster, &count);
		if (!err && !count)
			err = qcow2_damaged(q);
		if (!err)
			err = qcow2_refcount_put(q, at / q->cluster, count - 1);
		if (err || count != 1)
			continue;
		qcow2_cache_drop(&q->l2s, at, q->cluster);
		if (n && at + q->cluster == run) {
			run = at;
			n += q->cluster;
			continue;
		}
		if (n)
			io_zero(q->layer->fd, run, n, true);
		run = at;
		n = q->cluster;
	}
	if (n)
		io_zero(q->layer->fd, run, n, true);
	return err;
}
