// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_balloon.c - memory that the guest can do without goes back to the host: as much as the user asks for, and
 * without being asked whatever its kernel reports as free. Statistics on the guest's memory. Source: virtio 1.2
 * "Traditional Memory Balloon Device".
 *
 * Memory that was given back is there again, with any content, as soon as the guest touches it: a driver that
 * lies hurts its own guest alone.
 *
 * The buffer for statistics stays in its queue: what the driver wrote is read there, and the buffer is given back
 * when somebody wants newer ones, which is all that the driver waits for. So nothing is in flight when it is saved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "balloon.h"
#include "compiler.h"
#include "virtio.h"

#define QUEUE_SIZE	128
#define PAGE		4096ULL
#define CHUNK		1024	/* page numbers looked at together */
#define CHUNKS		16	/* of a request: what is beyond stays with the guest's process, which is no fault */
#define BATCH		32	/* requests before others have their turn */

#define F_STATS		(1ULL << 1)
#define F_OOM		(1ULL << 2)
#define F_REPORTING	(1ULL << 5)

enum {
	INFLATE,
	DEFLATE,
	STATS,		/* if that feature was accepted, else what is behind it */
	QUEUES = 5,
};

struct config {
	uint32_t num_pages, actual, free_page_hint_cmd_id, poison_val;
};

struct stat {
	uint16_t tag;
	uint64_t val;
} __attribute__((packed));

/**
 * struct vmm_balloon - the balloon
 * @dev: what the guest sees
 * @config: its configuration; @actual is written by the driver
 * @part: what of it is saved beside all that virtio devices save
 * @stats: what the guest told last; under the device's lock
 */
struct vmm_balloon {
	struct virtio_device dev;
	struct config config;
	struct vmm_part part;
	struct vmm_balloon_stats stats;
};

static struct vmm_balloon *balloon_of(struct virtio_device *dev)
{
	return (struct vmm_balloon *)((char *)dev - offsetof(struct vmm_balloon, dev));
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Pages that follow each other go together: it is one call, and huge pages are not split without need. */
static void inflate_pages(struct vmm *m, uint32_t *pfn, size_t n)
{
	size_t i, k;
	void *at;

	qsort(pfn, n, sizeof(*pfn), by_number);
	for (i = 0; i < n; i = k) {
		for (k = i + 1; k < n && pfn[k] == pfn[k - 1] + 1; k++)
			;
		at = vmm_guest(m, pfn[i] * PAGE, (k - i) * PAGE);
		if (at)
			vmm_memory_give_back(m, at, (k - i) * PAGE);
	}
}

static void inflate(struct vmm_balloon *b, const struct virtq_chain *c)
{
	uint32_t pfn[CHUNK];
	unsigned int i;
	size_t n;

	for (i = 0; i < CHUNKS; i++) {
		n = virtq_copy_out(c, i * sizeof(pfn), pfn, sizeof(pfn));
		inflate_pages(b->dev.m, pfn, n / sizeof(pfn[0]));
		if (n < sizeof(pfn))
			break;
	}
}

/* Its pages come back by being touched. */
static void deflate(struct vmm_balloon *b)
{
	if (!__atomic_load_n(&b->config.num_pages, __ATOMIC_RELAXED))
		vmm_memory_taken_back(b->dev.m);
}

static void report(struct vmm_balloon *b, const struct virtq_chain *c)
{
	unsigned int i;

	for (i = c->nout; i < c->nout + c->nin; i++)
		vmm_memory_give_back(b->dev.m, c->iov[i].iov_base, c->iov[i].iov_len);
}

static void take_stats(struct vmm_balloon *b, const struct virtq_chain *c)
{
	struct stat s;
	unsigned int i;

	for (i = 0; i < VMM_BALLOON_TAGS; i++) {
		if (virtq_copy_out(c, i * sizeof(s), &s, sizeof(s)) < sizeof(s))
			break;
		if (s.tag >= VMM_BALLOON_TAGS)
			continue;
		b->stats.value[s.tag] = s.val;
		b->stats.known |= 1U << s.tag;
	}
	b->stats.round++;
}

/* The buffer is looked at and stays. */
static void serve_stats(struct vmm_balloon *b, struct virtio_queue *vq)
{
	struct virtq_chain c;

	if (virtq_pop(&vq->q, &c) > 0) {
		take_stats(b, &c);
		virtq_unpop(&vq->q);
	}
	virtio_check_broken(vq);
}

/*
 * The standard's numbers of queues have gaps where a feature was not accepted, drivers' numbers have none: the one
 * for reports is any behind the others.
 */
static void kicked(struct virtio_queue *vq)
{
	struct vmm_balloon *b = balloon_of(vq->dev);
	struct virtq_chain c;
	unsigned int n = 0;

	if (vq->index == STATS && virtio_has(vq->dev, F_STATS)) {
		serve_stats(b, vq);
		return;
	}
	do {
		while (n < BATCH && virtq_pop(&vq->q, &c) > 0) {
			if (vq->index == INFLATE)
				inflate(b, &c);
			else if (vq->index == DEFLATE)
				deflate(b);
			else
				report(b, &c);
			virtq_push(&vq->q, c.head, 0);
			n++;
		}
	} while (n < BATCH && virtq_more(&vq->q));
	if (n == BATCH)
		virtio_kick(vq);
	virtio_tell(vq);
	virtio_check_broken(vq);
}

/* The driver says how many pages it gave up. */
static void config_write(struct virtio_device *dev, uint32_t offset, unsigned int size, const void *data)
{
	struct vmm_balloon *b = balloon_of(dev);

	if (offset == offsetof(struct config, actual) && size == sizeof(b->config.actual))
		__atomic_store_n(&b->config.actual, *(const uint32_t *)data, __ATOMIC_RELAXED);
}

/* Without a driver no page is given up, and nothing is known of the guest. */
static void stop(struct virtio_device *dev)
{
	struct vmm_balloon *b = balloon_of(dev);

	virtio_loop_stop(dev);
	pthread_mutex_lock(&dev->lock);
	memset(&b->stats, 0, sizeof(b->stats));
	pthread_mutex_unlock(&dev->lock);
	__atomic_store_n(&b->config.actual, 0, __ATOMIC_RELAXED);
}

static const struct virtio_ops ops = {
	.type = VIRTIO_BALLOON, .class = 0xff0000, .start = virtio_loop_start, .stop = stop,
	.config_write = config_write,
};

static const struct vmm_field fields[] = {
	VMM_FIELD(struct config, num_pages),
	VMM_FIELD(struct config, actual),
};

static void init_part(struct vmm_balloon *b)
{
	b->part = (struct vmm_part){
		.name = "virtio-balloon-size", .version = 1, .fields = fields,
		.nfields = ARRAY_SIZE(fields), .state = &b->config,
	};
	vmm_part_add(b->dev.m, &b->part);
}

/**
 * vmm_balloon_set() - ask the guest for memory, or give it back; main thread
 * @m: the machine
 * @bytes: that the guest shall do without, 0..the machine's memory
 *
 * Return: 0, or -1 with errno: ERANGE for more than the machine has.
 */
int vmm_balloon_set(struct vmm *m, uint64_t bytes)
{
	struct vmm_balloon *b = m->balloon;

	if (bytes > m->low + m->high) {
		errno = ERANGE;
		return -1;
	}
	__atomic_store_n(&b->config.num_pages, bytes / PAGE, __ATOMIC_RELAXED);
	virtio_config_changed(&b->dev);
	return 0;
}

/* Have the driver fill the buffer anew. */
static void refresh(struct vmm_balloon *b)
{
	struct virtio_queue *vq = &b->dev.queue[STATS];
	struct virtq_chain c;

	if (!b->dev.running || !vq->enabled || !virtio_has(&b->dev, F_STATS) || virtq_pop(&vq->q, &c) <= 0)
		return;
	virtq_push(&vq->q, c.head, 0);
	/* It may be so quick that its notification is not needed. */
	if (virtq_more(&vq->q))
		virtio_kick(vq);
	virtio_tell(vq);
}

/**
 * vmm_balloon_stats() - what the guest told last of its memory; main thread
 * @m: the machine
 * @stats: filled
 * @again: ask it for newer statistics: they come with a higher round
 */
void vmm_balloon_stats(struct vmm *m, struct vmm_balloon_stats *stats, bool again)
{
	struct vmm_balloon *b = m->balloon;

	pthread_mutex_lock(&b->dev.lock);
	*stats = b->stats;
	if (again)
		refresh(b);
	pthread_mutex_unlock(&b->dev.lock);
	stats->target = __atomic_load_n(&b->config.num_pages, __ATOMIC_RELAXED) * PAGE;
	stats->actual = __atomic_load_n(&b->config.actual, __ATOMIC_RELAXED) * PAGE;
}

/**
 * vmm_balloon_create() - give the guest the device
 * @m: the machine, with a PCI bus
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_balloon_create(struct vmm *m)
{
	struct vmm_balloon *b = calloc(1, sizeof(*b));
	unsigned int i;

	if (!b) {
		vmm_error("balloon", strerror(errno), "free some memory");
		return -1;
	}
	m->balloon = b;
	strcpy(b->dev.name, "virtio-balloon");
	b->config.num_pages = m->config->balloon / PAGE;
	b->dev.ops = &ops;
	b->dev.offered = F_STATS | F_OOM | F_REPORTING;
	b->dev.config = &b->config;
	b->dev.config_size = sizeof(b->config);
	b->dev.nqueues = QUEUES;
	for (i = 0; i < QUEUES; i++)
		b->dev.queue[i].max = QUEUE_SIZE;
	if (virtio_add(m, &b->dev) || virtio_loop_add(&b->dev, kicked))
		return -1;
	init_part(b);
	return 0;
}

/**
 * vmm_balloon_destroy() - take it away
 * @m: the machine, its CPUs are gone
 */
void vmm_balloon_destroy(struct vmm *m)
{
	if (!m->balloon)
		return;
	virtio_remove(&m->balloon->dev);
	free(m->balloon);
	m->balloon = NULL;
}
