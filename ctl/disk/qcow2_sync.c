// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_sync.c - the tables reach the disk in an order that no crash can turn against the image (qcow2.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "qcow2.h"

/**
 * qcow2_damaged() - a contradiction in the image: it is not written any more
 * @q: image
 *
 * Return: -EIO.
 */
int qcow2_damaged(struct qcow2 *q)
{
	q->damaged = true;
	return -EIO;
}

/**
 * qcow2_barrier() - what was written is on the disk before what will be
 * @q: image
 *
 * After a failure nobody knows what is on the disk, so the image is not written any more.
 * Return: 0 or -errno.
 */
int qcow2_barrier(struct qcow2 *q)
{
	int err;

	if (!fdatasync(q->layer->fd)) {
		q->unsynced = false;
		return 0;
	}
	err = -errno;
	q->damaged = true;
	return err;
}

static int write_entries(struct qcow2 *q, const uint64_t *table, uint64_t n, uint64_t offset)
{
	unsigned char *t = malloc(n * 8 + 1);
	uint64_t i;
	int err;

	if (!t)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		put64(t + 8 * i, table[i]);
	err = io_write(q->layer->fd, t, n * 8, offset);
	free(t);
	q->unsynced = true;
	return err;
}

static int write_reftable(struct qcow2 *q)
{
	uint64_t n = q->h.reftable_clusters * q->cluster / 8;
	int err;

	if (n > q->reftable_entries)
		n = q->reftable_entries;
	err = write_entries(q, q->reftable, n, q->h.reftable);
	if (!err)
		err = qcow2_barrier(q);
	q->reftable_dirty = err;
	return err;
}

static int write_l1(struct qcow2 *q)
{
	int err = qcow2_barrier(q);

	if (!err)
		err = write_entries(q, q->l1, q->h.l1_entries, q->h.l1);
	q->l1_dirty = err;
	return err;
}

/**
 * qcow2_is_dirty() - tables in memory differ from the file
 * @q: image; its mutex is held
 *
 * Return: true if qcow2_sync() has something to do.
 */
bool qcow2_is_dirty(const struct qcow2 *q)
{
	return q->l2s.dirty || q->refcounts.dirty || q->reftable_dirty || q->l1_dirty || q->nfreed;
}

/**
 * qcow2_sync() - data and tables to the disk
 * @q: image; no other thread changes it
 *
 * Freed clusters are free afterwards in memory; that comes to the disk next time.
 * Return: 0 or -errno; what is not written yet stays to be written.
 */
int qcow2_sync(struct qcow2 *q)
{
	int err;

	if (q->damaged)
		return -EIO;
	err = qcow2_cache_write(q, &q->refcounts);
	if (!err && (q->reftable_dirty || q->l2s.dirty || q->l1_dirty))
		err = qcow2_barrier(q);
	if (!err && q->reftable_dirty)
		err = write_reftable(q);
	if (!err)
		err = qcow2_cache_write(q, &q->l2s);
	if (!err && q->l1_dirty)
		err = write_l1(q);
	if (!err)
		err = qcow2_barrier(q);
	return err ? err : qcow2_apply_freed(q);
}
