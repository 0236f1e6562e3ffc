// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_loop.c - queues that the main thread's event loop serves: devices that have little to do.
 *
 * The sources are there as long as the device; what is notified while it does not run is dropped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "virtio.h"

static void ready(void *opaque, uint32_t events)
{
	struct virtio_queue *vq = opaque;
	struct virtio_device *dev = vq->dev;
	uint64_t count;

	(void)events;
	if (read(vq->kick, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&dev->lock);
	if (dev->running && vq->enabled)
		dev->kicked(vq);
	pthread_mutex_unlock(&dev->lock);
}

static int add_sources(struct virtio_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		dev->source[i] = (struct vmm_source){ .fd = dev->queue[i].kick, .ready = ready,
						      .opaque = &dev->queue[i] };
		if (vmm_loop_add(dev->m, &dev->source[i], EPOLLIN)) {
			vmm_error(dev->name, strerror(errno), "raise the limit on open files");
			return -1;
		}
	}
	return 0;
}

/**
 * virtio_loop_add() - have the event loop serve a device's queues; after virtio_add()
 * @dev: the device, whose start, stop and forked are this file's or call it
 * @kicked: called with the device's lock held, while it runs: serve the queue
 *
 * Return: 0, or -1 with the error printed.
 */
int virtio_loop_add(struct virtio_device *dev, void (*kicked)(struct virtio_queue *vq))
{
	dev->kicked = kicked;
	dev->source = calloc(dev->nqueues, sizeof(*dev->source));
	if (!dev->source) {
		vmm_error(dev->name, strerror(errno), "free some memory");
		return -1;
	}
	return add_sources(dev);
}

/**
 * virtio_loop_remove() - free the sources; the loop has ended
 * @dev: the device
 */
void virtio_loop_remove(struct virtio_device *dev)
{
	free(dev->source);
	dev->source = NULL;
}

/**
 * virtio_loop_start() - a start() for such devices
 * @dev: the device
 */
void virtio_loop_start(struct virtio_device *dev)
{
	unsigned int i;

	pthread_mutex_lock(&dev->lock);
	dev->running = true;
	pthread_mutex_unlock(&dev->lock);
	for (i = 0; i < dev->nqueues; i++)
		virtio_kick(&dev->queue[i]);
}

/**
 * virtio_loop_stop() - a stop() for such devices
 * @dev: the device
 */
void virtio_loop_stop(struct virtio_device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->running = false;
	pthread_mutex_unlock(&dev->lock);
}

/**
 * virtio_loop_forked() - in the child of a fork: its loop waits for its eventfds
 * @dev: the device
 *
 * Return: 0, or -1 with the error printed.
 */
int virtio_loop_forked(struct virtio_device *dev)
{
	pthread_mutex_init(&dev->lock, NULL);
	return add_sources(dev);
}
