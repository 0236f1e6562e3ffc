// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2.c - the format's row in the table: open, close, what an image is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2.h"

#define L2_SLICES	128
#define REFCOUNT_SLICES	16

static int read_table(struct layer *l, uint64_t **table, uint64_t n, uint64_t offset)
{
	uint64_t i;
	int err;

	*table = calloc(n + 1, 8);
	if (!*table)
		return -ENOMEM;
	err = io_read(l->fd, *table, n * 8, offset);
	for (i = 0; i < n && !err; i++)
		(*table)[i] = get64(*table + i);
	return err;
}

static int read_header(struct layer *l, struct qcow2 *q, struct disk_error *e)
{
	size_t n = l->file_size < 65536 ? l->file_size : 65536;
	unsigned char *head = calloc(1, 65536);
	const char *wrong, *remedy;
	int err = head ? io_read(l->fd, head, n, 0) : -ENOMEM;

	if (err) {
		free(head);
		return disk_error_errno(e, l->path, err, "see whether its disk works");
	}
	wrong = qcow2_header_parse(&q->h, head, n, l->file_size, &remedy);
	if (!wrong && q->h.backing_length) {
		l->backing = strndup((char *)head + q->h.backing_at, q->h.backing_length);
		l->backing_format = q->h.backing_format;
	}
	free(head);
	return wrong ? disk_error_set(e, l->path, wrong, remedy) : 0;
}

static int load(struct layer *l, struct qcow2 *q)
{
	unsigned int slice = q->cluster < QCOW2_SLICE ? q->cluster : QCOW2_SLICE;
	int err;

	q->reftable_entries = q->h.reftable_clusters * q->cluster / 8;
	err = read_table(l, &q->l1, q->h.l1_entries, q->h.l1);
	if (!err)
		err = read_table(l, &q->reftable, q->reftable_entries, q->h.reftable);
	if (!err)
		err = qcow2_cache_init(&q->l2s, L2_SLICES, slice);
	if (!err)
		err = qcow2_cache_init(&q->refcounts, REFCOUNT_SLICES, slice);
	return err;
}

/* What other programs left half done, and what they would take as true after our writes. */
static int make_writable(struct layer *l, struct qcow2 *q, struct disk_error *e)
{
	static const unsigned char none[8];
	struct qcow2_check c;
	unsigned char flags[8];
	int err = 0;

	if (q->h.incompatible & QCOW2_CORRUPT)
		return disk_error_set(e, l->path, "it is marked as damaged",
				      "read what can be read, or see `qemu-img check -r all`");
	if (q->h.incompatible & QCOW2_DIRTY) {
		if (q->h.bitmaps || qcow2_check(q, true, true, &c) || c.errors)
			return disk_error_set(e, l->path, "its refcounts are not right and cannot be made so",
					      "use `qemu-img check -r all`");
		put64(flags, q->h.incompatible & ~QCOW2_DIRTY);
		err = io_write(l->fd, flags, 8, 72);
		q->h.incompatible &= ~QCOW2_DIRTY;
	}
	if (!err && q->h.autoclear)
		err = io_write(l->fd, none, 8, 88);
	if (!err && q->unsynced)
		err = qcow2_barrier(q);
	return err ? disk_error_errno(e, l->path, err, "see whether its disk works") : 0;
}

static void destroy(struct qcow2 *q)
{
	qcow2_cache_fini(&q->l2s);
	qcow2_cache_fini(&q->refcounts);
	pthread_mutex_destroy(&q->mutex);
	free(q->inflated);
	free(q->freed);
	free(q->reftable);
	free(q->l1);
	free(q);
}

static int qcow2_open(struct layer *l, struct disk_error *e)
{
	struct qcow2 *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return disk_error_errno(e, l->path, -ENOMEM, "free some memory");
	q->layer = l;
	pthread_mutex_init(&q->mutex, NULL);
	err = read_header(l, q, e);
	if (!err) {
		q->cluster = 1ULL << q->h.cluster_bits;
		err = load(l, q);
		if (err)
			err = disk_error_errno(e, l->path, err, "see whether its disk works");
	}
	l->private = q;
	if (!err && !l->read_only)
		err = make_writable(l, q, e);
	if (err) {
		destroy(q);
		l->private = NULL;
		return -1;
	}
	l->size = q->h.size;
	l->cluster = q->cluster;
	return 0;
}

static void qcow2_close(struct layer *l)
{
	destroy(l->private);
}

/* The second time brings what the first one freed. */
static int qcow2_sync_all(struct layer *l)
{
	struct qcow2 *q = l->private;
	bool again = q->nfreed;
	int err = qcow2_sync(q);

	return !err && again ? qcow2_sync(q) : err;
}

static bool qcow2_dirty(struct layer *l)
{
	struct qcow2 *q = l->private;
	bool dirty;

	pthread_mutex_lock(&q->mutex);
	dirty = qcow2_is_dirty(q) || q->damaged;
	pthread_mutex_unlock(&q->mutex);
	return dirty;
}

static void qcow2_info(struct layer *l, struct disk_info *info)
{
	const struct qcow2 *q = l->private;

	info->version = q->h.version;
	info->snapshots = q->h.snapshots;
	info->dirty = q->h.incompatible & QCOW2_DIRTY;
	info->corrupt = q->h.incompatible & QCOW2_CORRUPT;
}

const struct layer_ops qcow2_ops = {
	.open = qcow2_open,
	.close = qcow2_close,
	.lookup = qcow2_lookup,
	.read = qcow2_read,
	.write = qcow2_write,
	.zero = qcow2_zero,
	.discard = qcow2_discard,
	.sync = qcow2_sync_all,
	.is_dirty = qcow2_dirty,
	.info = qcow2_info,
};
