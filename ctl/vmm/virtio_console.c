// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_console.c - a second console, hvc0 in a Linux guest: a page instead of a byte for each exit, none at all for the bytes
 * themselves. Source: virtio 1.2 "Console Device", with one port and without control queues.
 *
 * Between the driver's buffers and the hub (hub.c) nothing is kept: output stays in its queue until the hub takes it, input
 * comes when the driver has a buffer for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "devices.h"
#include "virtio.h"

#define QUEUE_SIZE	64
#define ROUND		65536	/* bytes of output before others have their turn */

enum {
	RECEIVE,	/* by the driver */
	TRANSMIT,
	QUEUES,
};

/**
 * struct vmm_hvc - the device
 * @dev: what the guest sees
 * @part: what of it is saved beside all that virtio devices save
 * @taken: bytes of the oldest output that the hub has got already
 * @round: bytes that it got since the loop had its turn
 */
struct vmm_hvc {
	struct virtio_device dev;
	struct vmm_part part;
	uint64_t taken;
	size_t round;
};

/* The queue's oldest request, which stays there. False if there is none. */
static bool look(struct virtio_queue *vq, struct virtq_chain *c)
{
	do {
		if (virtq_pop(&vq->q, c) > 0) {
			virtq_unpop(&vq->q);
			return true;
		}
	} while (virtq_more(&vq->q));
	virtio_check_broken(vq);
	return false;
}

static bool usable(const struct vmm_hvc *h, unsigned int queue)
{
	return h->dev.running && h->dev.queue[queue].enabled;
}

static void finish(struct virtio_queue *vq, uint16_t head, uint32_t written)
{
	struct virtq_chain c;

	if (virtq_pop(&vq->q, &c) > 0)
		virtq_push(&vq->q, head, written);
	virtio_tell(vq);
	virtio_check_broken(vq);
}

/**
 * vmm_hvc_room() - how much the guest can take; main thread
 * @m: the machine
 *
 * Return: bytes.
 */
size_t vmm_hvc_room(struct vmm *m)
{
	struct vmm_hvc *h = m->hvc;
	struct virtq_chain c = { 0 };

	pthread_mutex_lock(&h->dev.lock);
	if (!usable(h, RECEIVE) || !look(&h->dev.queue[RECEIVE], &c))
		c.in = 0;
	pthread_mutex_unlock(&h->dev.lock);
	return c.in;
}

/**
 * vmm_hvc_input() - type; main thread
 * @m: the machine
 * @data: bytes
 * @n: how many, at most vmm_hvc_room(); of a guest that changed its mind some are lost
 */
void vmm_hvc_input(struct vmm *m, const uint8_t *data, size_t n)
{
	struct vmm_hvc *h = m->hvc;
	struct virtq_chain c;

	pthread_mutex_lock(&h->dev.lock);
	if (usable(h, RECEIVE) && look(&h->dev.queue[RECEIVE], &c))
		finish(&h->dev.queue[RECEIVE], c.head, virtq_copy_in(&c, 0, data, n));
	pthread_mutex_unlock(&h->dev.lock);
}

/* Requests without anything in them are done with. */
static size_t peek(struct vmm_hvc *h, uint8_t *data, size_t max)
{
	struct virtio_queue *vq = &h->dev.queue[TRANSMIT];
	struct virtq_chain c;
	unsigned int i;
	size_t n;

	for (i = 0; i < QUEUE_SIZE && usable(h, TRANSMIT) && look(vq, &c); i++) {
		n = virtq_copy_out(&c, h->taken, data, max);
		if (n)
			return n;
		h->taken = 0;
		finish(vq, c.head, 0);
	}
	return 0;
}

/**
 * vmm_hvc_peek() - what the guest says; main thread
 * @m: the machine
 * @data: for @max bytes
 * @max: its size
 *
 * Return: bytes copied, 0 also when the loop shall have its turn.
 */
size_t vmm_hvc_peek(struct vmm *m, uint8_t *data, size_t max)
{
	struct vmm_hvc *h = m->hvc;
	size_t n = 0;

	pthread_mutex_lock(&h->dev.lock);
	if (h->round < ROUND)
		n = peek(h, data, max);
	else
		virtio_kick(&h->dev.queue[TRANSMIT]);
	if (!n)
		h->round = 0;
	pthread_mutex_unlock(&h->dev.lock);
	return n;
}

/**
 * vmm_hvc_drop() - it was taken; main thread
 * @m: the machine
 * @n: bytes, what vmm_hvc_peek() returned
 */
void vmm_hvc_drop(struct vmm *m, size_t n)
{
	struct vmm_hvc *h = m->hvc;
	struct virtio_queue *vq = &h->dev.queue[TRANSMIT];
	struct virtq_chain c;

	pthread_mutex_lock(&h->dev.lock);
	h->taken += n;
	h->round += n;
	if (usable(h, TRANSMIT) && look(vq, &c) && h->taken >= c.out) {
		h->taken = 0;
		finish(vq, c.head, 0);
	}
	pthread_mutex_unlock(&h->dev.lock);
}

/* The hub comes round; it takes the device's lock itself. */
static void kicked(struct virtio_queue *vq)
{
	vmm_wake(vq->dev->m);
}

static void stop(struct virtio_device *dev)
{
	struct vmm_hvc *h = (struct vmm_hvc *)((char *)dev - offsetof(struct vmm_hvc, dev));

	virtio_loop_stop(dev);
	pthread_mutex_lock(&dev->lock);
	h->taken = 0;
	pthread_mutex_unlock(&dev->lock);
}

static const struct virtio_ops ops = {
	.type = VIRTIO_CONSOLE, .class = 0x078000, .start = virtio_loop_start, .stop = stop,
};

static const struct vmm_field fields[] = {
	VMM_FIELD(struct vmm_hvc, taken),
};

/**
 * vmm_hvc_create() - give the guest the device
 * @m: the machine, with a PCI bus; one without an owner has the terminal alone
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_hvc_create(struct vmm *m)
{
	struct vmm_hvc *h;
	unsigned int i;

	if (!m->config->owner)
		return 0;
	h = calloc(1, sizeof(*h));
	if (!h) {
		vmm_error("virtio console", strerror(errno), "free some memory");
		return -1;
	}
	m->hvc = h;
	strcpy(h->dev.name, "virtio-console");
	h->dev.ops = &ops;
	h->dev.nqueues = QUEUES;
	for (i = 0; i < QUEUES; i++)
		h->dev.queue[i].max = QUEUE_SIZE;
	if (virtio_add(m, &h->dev) || virtio_loop_add(&h->dev, kicked))
		return -1;
	h->part = (struct vmm_part){
		.name = "virtio-console-output", .version = 1, .fields = fields, .nfields = ARRAY_SIZE(fields),
		.state = h,
	};
	vmm_part_add(m, &h->part);
	return 0;
}

/**
 * vmm_hvc_destroy() - take it away
 * @m: the machine, its CPUs are gone and its hubs
 */
void vmm_hvc_destroy(struct vmm *m)
{
	if (!m->hvc)
		return;
	virtio_remove(&m->hvc->dev);
	free(m->hvc);
	m->hvc = NULL;
}
