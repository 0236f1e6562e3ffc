// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_rng.c - entropy from the host's kernel. Source: virtio 1.2 "Entropy Device".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "devices.h"
#include "virtio.h"

#define QUEUE_SIZE	8
#define MOST		4096	/* bytes for one request: nobody shall keep the main thread busy */

struct vmm_rng {
	struct virtio_device dev;
};

static void kicked(struct virtio_queue *vq)
{
	uint8_t bytes[MOST];
	struct virtq_chain c;
	ssize_t got;

	do {
		while (virtq_pop(&vq->q, &c) > 0) {
			got = getrandom(bytes, c.in < MOST ? c.in : MOST, 0);
			virtq_push(&vq->q, c.head, got > 0 ? virtq_copy_in(&c, 0, bytes, got) : 0);
		}
	} while (virtq_more(&vq->q));
	explicit_bzero(bytes, sizeof(bytes));
	virtio_tell(vq);
	virtio_check_broken(vq);
}

static const struct virtio_ops ops = {
	.type = VIRTIO_RNG, .class = 0xff0000, .start = virtio_loop_start, .stop = virtio_loop_stop,
};

/**
 * vmm_rng_create() - give the guest the device
 * @m: the machine, with a PCI bus
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_rng_create(struct vmm *m)
{
	struct vmm_rng *r = calloc(1, sizeof(*r));

	if (!r) {
		vmm_error("entropy device", strerror(errno), "free some memory");
		return -1;
	}
	m->rng = r;
	strcpy(r->dev.name, "virtio-rng");
	r->dev.ops = &ops;
	r->dev.nqueues = 1;
	r->dev.queue[0].max = QUEUE_SIZE;
	return virtio_add(m, &r->dev) || virtio_loop_add(&r->dev, kicked) ? -1 : 0;
}

/**
 * vmm_rng_destroy() - take it away
 * @m: the machine, its CPUs are gone
 */
void vmm_rng_destroy(struct vmm *m)
{
	if (!m->rng)
		return;
	virtio_remove(&m->rng->dev);
	free(m->rng);
	m->rng = NULL;
}
