// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_cache.c - parts of tables in memory, the least recently used ones given up first.
 */
#include <errno.h>
#include <stdlib.h>

#include "qcow2.h"

/**
 * qcow2_cache_init() - an empty cache
 * @c: cache
 * @n: slices
 * @size: bytes of each
 *
 * Memory is taken as slices are used.
 * Return: 0 or -ENOMEM.
 */
int qcow2_cache_init(struct qcow2_cache *c, unsigned int n, unsigned int size)
{
	*c = (struct qcow2_cache){ .slices = calloc(n, sizeof(*c->slices)), .n = n, .size = size };
	return c->slices ? 0 : -ENOMEM;
}

/**
 * qcow2_cache_fini() - free it; what is dirty is lost
 * @c: cache
 */
void qcow2_cache_fini(struct qcow2_cache *c)
{
	unsigned int i;

	for (i = 0; c->slices && i < c->n; i++)
		free(c->slices[i].data);
	free(c->slices);
	c->slices = NULL;
}

static int write_slice(struct qcow2 *q, struct qcow2_cache *c, struct qcow2_slice *s)
{
	int err = io_write(q->layer->fd, s->data, c->size, s->offset);

	if (err)
		return err;
	q->unsynced = true;
	s->dirty = false;
	return 0;
}

/* L2 tables reach the disk only in order; refcounts may do so at any time (qcow2.h). */
static int give_up(struct qcow2 *q, struct qcow2_cache *c, struct qcow2_slice *s)
{
	int err = 0;

	if (s->dirty)
		err = c == &q->l2s ? qcow2_sync(q) : write_slice(q, c, s);
	if (!err)
		s->offset = 0;
	return err;
}

/**
 * qcow2_cache_get() - a part of a table, read if need be
 * @q: image; its mutex is held, the gate for change as well if any slice may be dirty
 * @c: cache
 * @offset: a multiple of the slices' size
 * @s: filled; good until the next call on this cache
 *
 * Return: 0 or -errno.
 */
int qcow2_cache_get(struct qcow2 *q, struct qcow2_cache *c, uint64_t offset, struct qcow2_slice **s)
{
	struct qcow2_slice *oldest = NULL, *clean = NULL, *i;
	int err;

	for (i = c->slices; i < c->slices + c->n; i++) {
		if (i->offset == offset) {
			i->used = ++c->clock;
			*s = i;
			return 0;
		}
		if (!oldest || i->used < oldest->used)
			oldest = i;
		if (!i->dirty && (!clean || i->used < clean->used))
			clean = i;
	}
	i = clean ? clean : oldest;
	err = give_up(q, c, i);
	if (err)
		return err;
	if (!i->data)
		i->data = malloc(c->size);
	if (!i->data)
		return -ENOMEM;
	err = io_read(q->layer->fd, i->data, c->size, offset);
	if (err)
		return err;
	i->offset = offset;
	i->used = ++c->clock;
	*s = i;
	return 0;
}

/**
 * qcow2_cache_drop() - a range of the file is no table any more
 * @c: cache
 * @offset: of the range
 * @n: bytes
 */
void qcow2_cache_drop(struct qcow2_cache *c, uint64_t offset, uint64_t n)
{
	struct qcow2_slice *i;

	for (i = c->slices; i < c->slices + c->n; i++) {
		if (i->offset < offset || i->offset - offset >= n)
			continue;
		i->offset = 0;
		i->used = 0;
		i->dirty = false;
	}
}

/**
 * qcow2_cache_write() - write all that is dirty
 * @q: image
 * @c: cache
 *
 * Return: 0 or -errno; what could not be written stays dirty.
 */
int qcow2_cache_write(struct qcow2 *q, struct qcow2_cache *c)
{
	struct qcow2_slice *i;
	int err = 0;

	for (i = c->slices; c->dirty && i < c->slices + c->n && !err; i++)
		if (i->dirty)
			err = write_slice(q, c, i);
	if (!err)
		c->dirty = false;
	return err;
}
