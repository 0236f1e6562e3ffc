// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtq.c - split virtqueues: taking chains of buffers, giving them back, and who tells whom.
 */
#include <string.h>

#include "virtq.h"
#include "vmm.h"

#define DESC_SIZE	16
#define DESC_NEXT	1
#define DESC_WRITE	2
#define DESC_INDIRECT	4

#define NO_INTERRUPT	1	/* in avail's flags */
#define NO_NOTIFY	1	/* in used's flags */

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

_Static_assert(sizeof(struct desc) == DESC_SIZE, "as in guest memory");

static uint16_t load16(const void *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
}

static void store16(void *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, v, __ATOMIC_RELAXED);
}

static uint8_t *used_event(const struct virtq *q)
{
	return q->avail + 4 + 2 * q->size;
}

static uint8_t *avail_event(const struct virtq *q)
{
	return q->used + 4 + 8 * q->size;
}

/**
 * virtq_map() - find the queue's parts in guest memory
 * @q: @m and @size are set
 * @desc: guest-physical address of the descriptors
 * @avail: of the driver's area
 * @used: of the device's area
 *
 * Return: 0, or -1 and a broken queue.
 */
int virtq_map(struct virtq *q, uint64_t desc, uint64_t avail, uint64_t used)
{
	q->desc = vmm_guest(q->m, desc, DESC_SIZE * q->size);
	q->avail = vmm_guest(q->m, avail, 6 + 2 * q->size);
	q->used = vmm_guest(q->m, used, 6 + 8 * q->size);
	q->broken = !q->desc || !q->avail || !q->used || desc & 15 || avail & 1 || used & 3;
	return q->broken ? -1 : 0;
}

static int breaks(struct virtq *q)
{
	q->broken = true;
	return -1;
}

/* One descriptor's buffer goes to the end of the chain. */
static int add_buffer(const struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
	void *at = vmm_guest(q->m, d->addr, d->len);
	unsigned int n = c->nout + c->nin;

	if (!at || n == VIRTQ_IOV)
		return -1;
	c->iov[n] = (struct iovec){ at, d->len };
	if (d->flags & DESC_WRITE) {
		c->nin++;
		c->in += d->len;
	} else if (c->nin) {
		return -1;	/* what is read comes first */
	} else {
		c->nout++;
		c->out += d->len;
	}
	return 0;
}

/*
 * Buffers of a table of @n descriptors, from the one at @at. A chain visits none twice; an indirect table
 * stands in the queue's own only, as the chain's last descriptor.
 */
static int walk(const struct virtq *q, struct virtq_chain *c, const uint8_t *table, unsigned int n,
		unsigned int at, bool indirect)
{
	unsigned int seen;
	struct desc d;

	for (seen = 0; seen < n; seen++) {
		if (at >= n)
			return -1;
		memcpy(&d, table + DESC_SIZE * at, sizeof(d));
		if (d.flags & DESC_INDIRECT) {
			uint8_t *inner = vmm_guest(q->m, d.addr, d.len);
			unsigned int count = d.len / DESC_SIZE;

			if (indirect || d.flags & DESC_NEXT || !inner || !count || d.len % DESC_SIZE)
				return -1;
			return walk(q, c, inner, count, 0, true);
		}
		if (add_buffer(q, c, &d))
			return -1;
		if (!(d.flags & DESC_NEXT))
			return 0;
		at = d.next;
	}
	return -1;
}

/**
 * virtq_pop() - take the next request
 * @q: the queue
 * @c: filled
 *
 * Return: 1, 0 if there is none, -1 if the queue is broken.
 */
int virtq_pop(struct virtq *q, struct virtq_chain *c)
{
	uint16_t avail;

	if (q->broken)
		return -1;
	avail = load16(q->avail + 2);
	if (avail == q->next)
		return 0;
	if ((uint16_t)(avail - q->next) > q->size)
		return breaks(q);
	/* The ring's entries were written before its index. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	c->head = load16(q->avail + 4 + 2 * (q->next & (q->size - 1)));
	c->nout = c->nin = 0;
	c->out = c->in = 0;
	if (c->head >= q->size || walk(q, c, q->desc, q->size, c->head, false))
		return breaks(q);
	q->next++;
	return 1;
}

/**
 * virtq_unpop() - the request taken last is to be taken again
 * @q: the queue
 */
void virtq_unpop(struct virtq *q)
{
	q->next--;
}

/**
 * virtq_push() - give a request back
 * @q: the queue
 * @head: of the chain
 * @written: bytes of its writable buffers that are written, from the first on
 */
void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
	uint32_t element[2] = { head, written };

	memcpy(q->used + 4 + 8 * (q->done & (q->size - 1)), element, sizeof(element));
	q->done++;
	/* Data and element are there before the index says so. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store16(q->used + 2, q->done);
}

/**
 * virtq_quiet() - the driver need not notify: the device looks by itself
 * @q: the queue
 */
void virtq_quiet(struct virtq *q)
{
	/* With event indices the driver notifies when it passes the index given last: nothing to do. */
	if (!q->event_idx && !q->broken)
		store16(q->used, NO_NOTIFY);
}

/**
 * virtq_more() - the driver shall notify of what it adds from now on
 * @q: the queue
 *
 * Return: true if something came before it could know.
 */
bool virtq_more(struct virtq *q)
{
	if (q->broken)
		return false;
	if (q->event_idx)
		store16(avail_event(q), q->next);
	else
		store16(q->used, 0);
	/* The driver's index is read after ours is visible, as it does it the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load16(q->avail + 2) != q->next;
}

/**
 * virtq_shall_tell() - does the driver want an interrupt for what was given back since it last got one?
 * @q: the queue
 *
 * Return: true if so; it counts as given.
 */
bool virtq_shall_tell(struct virtq *q)
{
	uint16_t from = q->told, event;

	if (q->broken || from == q->done)
		return false;
	/* The used index is visible before the driver's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->told = q->done;
	if (!q->event_idx)
		return !(load16(q->avail) & NO_INTERRUPT);
	event = load16(used_event(q));
	return (uint16_t)(q->done - event - 1) < (uint16_t)(q->done - from);
}

static size_t copy(const struct iovec *iov, unsigned int n, uint64_t offset, void *data, size_t size, bool in)
{
	size_t done = 0, part;
	unsigned int i;

	for (i = 0; i < n && done < size; i++) {
		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		part = iov[i].iov_len - offset;
		part = part < size - done ? part : size - done;
		if (in)
			memcpy((uint8_t *)iov[i].iov_base + offset, (uint8_t *)data + done, part);
		else
			memcpy((uint8_t *)data + done, (uint8_t *)iov[i].iov_base + offset, part);
		done += part;
		offset = 0;
	}
	return done;
}

/**
 * virtq_copy_out() - read from a request
 * @c: the request
 * @offset: in the bytes that the device reads
 * @to: for @n bytes
 * @n: bytes
 *
 * Return: bytes copied, fewer at the end of the request.
 */
size_t virtq_copy_out(const struct virtq_chain *c, uint64_t offset, void *to, size_t n)
{
	return copy(c->iov, c->nout, offset, to, n, false);
}

/**
 * virtq_copy_in() - write to a request
 * @c: the request
 * @offset: in the bytes that the device writes
 * @from: bytes
 * @n: how many
 *
 * Return: bytes copied, fewer at the end of the request.
 */
size_t virtq_copy_in(const struct virtq_chain *c, uint64_t offset, const void *from, size_t n)
{
	return copy(c->iov + c->nout, c->nin, offset, (void *)from, n, true);
}

/**
 * virtq_data() - the part of a request's buffers where its data is
 * @iov: the buffers
 * @n: how many
 * @skip: bytes before the data
 * @leave: bytes after it
 * @to: filled; room for @n
 *
 * Return: how many of @to, or -1 if the buffers are smaller than @skip and @leave.
 */
int virtq_data(const struct iovec *iov, unsigned int n, uint64_t skip, uint64_t leave, struct iovec *to)
{
	uint64_t total = 0, at = 0, from, until;
	unsigned int i, k = 0;

	for (i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (total < skip + leave)
		return -1;
	for (i = 0; i < n; at += iov[i++].iov_len) {
		from = at > skip ? at : skip;
		until = at + iov[i].iov_len < total - leave ? at + iov[i].iov_len : total - leave;
		if (from < until)
			to[k++] = (struct iovec){ (char *)iov[i].iov_base + (from - at), until - from };
	}
	return k;
}
