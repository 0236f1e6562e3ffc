// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_check.c - counts who refers to each cluster and compares with the refcounts.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "qcow2.h"

#define CLUSTERS_MAX	(1ULL << 30)	/* 2 GiB of counters: 64 TiB of file with usual clusters */
#define SNAPSHOT	40		/* bytes of a snapshot's fixed part */

/**
 * struct count - references found so far
 * @q: image
 * @result: of the check
 * @counts: of each cluster, stays at the highest value
 * @n: clusters
 * @table: room for a cluster
 */
struct count {
	struct qcow2 *q;
	struct qcow2_check *result;
	uint16_t *counts;
	uint64_t n;
	unsigned char *table;
};

static void refer(struct count *c, uint64_t offset, uint64_t length)
{
	uint64_t i = offset >> c->q->h.cluster_bits, end;

	if (!length)
		return;
	end = (offset + length - 1) >> c->q->h.cluster_bits;
	if (end >= c->n || end < i) {
		c->result->errors++;
		return;
	}
	for (; i <= end; i++)
		if (c->counts[i] != UINT16_MAX)
			c->counts[i]++;
}

static void refer_entry(struct count *c, uint64_t entry)
{
	uint64_t offset, length;

	if (entry & QCOW2_COMPRESSED) {
		qcow2_compressed(entry, c->q->h.cluster_bits, &offset, &length);
		/* The last sector may be cut off by the file's end. */
		if (offset < c->n << c->q->h.cluster_bits &&
		    offset + length > c->n << c->q->h.cluster_bits)
			length = (c->n << c->q->h.cluster_bits) - offset;
		refer(c, offset, length);
	} else if (entry & QCOW2_OFFSET) {
		if (entry & QCOW2_OFFSET & (c->q->cluster - 1))
			c->result->errors++;
		else
			refer(c, entry & QCOW2_OFFSET, c->q->cluster);
	}
}

static int refer_l2(struct count *c, uint64_t offset)
{
	uint64_t i, n = c->q->cluster / 8;
	int err;

	if (offset & (c->q->cluster - 1) || offset >> c->q->h.cluster_bits >= c->n) {
		c->result->errors++;
		return 0;
	}
	refer(c, offset, c->q->cluster);
	err = io_read(c->q->layer->fd, c->table, c->q->cluster, offset);
	for (i = 0; i < n && !err; i++)
		refer_entry(c, get64(c->table + 8 * i));
	return err;
}

static int refer_l1(struct count *c, uint64_t offset, uint64_t entries)
{
	unsigned char entry[8];
	uint64_t i;
	int err = 0;

	if (entries > QCOW2_L1_MAX / 8 || offset & (c->q->cluster - 1) ||
	    offset + entries * 8 > c->n << c->q->h.cluster_bits) {
		c->result->errors++;
		return 0;
	}
	refer(c, offset, entries * 8);
	for (i = 0; i < entries && !err; i++) {
		err = io_read(c->q->layer->fd, entry, 8, offset + 8 * i);
		if (!err && get64(entry) & QCOW2_OFFSET)
			err = refer_l2(c, get64(entry) & QCOW2_OFFSET);
	}
	return err;
}

static int refer_snapshots(struct count *c)
{
	const struct qcow2_header *h = &c->q->h;
	uint64_t at = h->snapshots_at;
	unsigned char s[SNAPSHOT];
	uint32_t i;
	int err = 0;

	for (i = 0; i < h->snapshots && !err; i++) {
		err = io_read(c->q->layer->fd, s, SNAPSHOT, at);
		if (!err)
			err = refer_l1(c, get64(s), get32(s + 8));
		at += SNAPSHOT + (uint64_t)get32(s + 36) + (s[12] << 8 | s[13]) + (s[14] << 8 | s[15]);
		at = (at + 7) & ~7ULL;
	}
	refer(c, h->snapshots_at, at - h->snapshots_at);
	return err;
}

static int refer_all(struct count *c)
{
	struct qcow2 *q = c->q;
	uint64_t i;
	int err;

	refer(c, 0, q->cluster);
	refer(c, q->h.reftable, q->h.reftable_clusters * q->cluster);
	for (i = 0; i < q->reftable_entries; i++)
		if (q->reftable[i])
			refer_entry(c, q->reftable[i] & ~QCOW2_COMPRESSED);
	err = refer_l1(c, q->h.l1, q->h.l1_entries);
	return err ? err : refer_snapshots(c);
}

static int compare(struct count *c, uint64_t i, bool repair_leaks, bool repair_all)
{
	uint64_t count, found = c->counts[i];
	int err = qcow2_refcount_of(c->q, i, &count);

	if (err || count == found || found == UINT16_MAX)
		return err;
	if (count > found ? repair_leaks : repair_all) {
		err = qcow2_refcount_put(c->q, i, found);
		c->result->repaired += !err;
		if (!err)
			return 0;
	}
	if (count > found)
		c->result->leaks++;
	else
		c->result->errors++;
	return err == -EIO ? 0 : err;
}

/**
 * qcow2_check() - count references and compare
 * @q: image; nobody else uses it
 * @repair_leaks: refcounts that are too high are lowered, unless there are errors
 * @repair_all: those that are too low are raised as well
 * @result: filled
 *
 * Return: 0, or -errno if the image could not be read or written or is too large.
 */
int qcow2_check(struct qcow2 *q, bool repair_leaks, bool repair_all, struct qcow2_check *result)
{
	struct count c = { .q = q, .result = result };
	off_t size = lseek(q->layer->fd, 0, SEEK_END);
	uint64_t i;
	int err;

	*result = (struct qcow2_check){ 0 };
	c.n = (size + q->cluster - 1) >> q->h.cluster_bits;
	if (size < 0 || c.n > CLUSTERS_MAX)
		return -EFBIG;
	c.counts = calloc(c.n, sizeof(*c.counts));
	c.table = malloc(q->cluster);
	err = c.counts && c.table ? refer_all(&c) : -ENOMEM;
	result->clusters = c.n;
	for (i = 0; i < c.n && !err; i++) {
		result->used += !!c.counts[i];
		err = compare(&c, i, repair_leaks && (repair_all || !result->errors), repair_all);
	}
	free(c.counts);
	free(c.table);
	return !err && result->repaired ? qcow2_sync(q) : err;
}
