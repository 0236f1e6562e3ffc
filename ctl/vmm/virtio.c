// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio.c - what all virtio devices have: the status field and its order, features, queues, interrupts, saved state.
 * Source: virtio 1.2 "Device Status Field", "Device Initialization", "Notification of Driver".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "virtio.h"

#define ISR_QUEUE	1
#define ISR_CONFIG	2

/**
 * virtio_has() - was a feature accepted?
 * @dev: the device
 * @feature: its bit's value
 *
 * Return: true if so.
 */
bool virtio_has(const struct virtio_device *dev, uint64_t feature)
{
	return dev->accepted & feature;
}

/**
 * virtio_kick() - as if the driver had notified; any thread
 * @vq: queue
 */
void virtio_kick(struct virtio_queue *vq)
{
	uint64_t one = 1;

	if (write(vq->kick, &one, sizeof(one)) < 0)
		return;	/* the counter is at its maximum: it is awake */
}

static void interrupt(struct virtio_device *dev, uint16_t vector, uint8_t isr)
{
	if (msix_enabled(&dev->pci)) {
		msix_fire(&dev->pci.msix, vector);
		return;
	}
	atomic_fetch_or(&dev->isr, isr);
	pci_line(&dev->pci, true);
}

/**
 * virtio_tell() - interrupt the driver if it wants to know of what was given back; any thread
 * @vq: queue
 */
void virtio_tell(struct virtio_queue *vq)
{
	if (virtq_shall_tell(&vq->q))
		interrupt(vq->dev, vq->vector, ISR_QUEUE);
}

/**
 * virtio_config_changed() - tell the driver to read the configuration anew; any thread
 * @dev: the device; its configuration is changed already
 */
void virtio_config_changed(struct virtio_device *dev)
{
	atomic_store(&dev->config_seen, false);
	atomic_fetch_add(&dev->generation, 1);
	if (atomic_load(&dev->status) & VIRTIO_STATUS_DRIVER_OK)
		interrupt(dev, dev->config_vector, ISR_CONFIG);
}

/**
 * virtio_check_broken() - a queue that broke takes the device with it; any thread
 * @vq: queue that was just served
 */
void virtio_check_broken(struct virtio_queue *vq)
{
	struct virtio_device *dev = vq->dev;

	if (!vq->q.broken || atomic_fetch_or(&dev->status, VIRTIO_STATUS_NEEDS_RESET) & VIRTIO_STATUS_NEEDS_RESET)
		return;
	fprintf(stderr, "%s: queue %u: the guest's driver wrote what cannot be: the device waits for a reset\n",
		dev->name, vq->index);
	virtio_config_changed(dev);
}

static void map_queue(struct virtio_queue *vq)
{
	vq->q = (struct virtq){ .m = vq->dev->m, .size = vq->size,
				.event_idx = virtio_has(vq->dev, VIRTIO_F_EVENT_IDX) };
	virtq_map(&vq->q, vq->desc, vq->avail, vq->used);
}

static void start(struct virtio_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		if (dev->queue[i].enabled)
			map_queue(&dev->queue[i]);
	virtio_pci_listen(dev, true);
	dev->running = true;
	dev->ops->start(dev);
}

static void reset_queue(struct virtio_queue *vq)
{
	vq->size = vq->max;
	vq->vector = VIRTIO_NO_VECTOR;
	vq->enabled = false;
	vq->desc = vq->avail = vq->used = 0;
	memset(&vq->q, 0, sizeof(vq->q));
	vq->q.broken = true;	/* until it is mapped */
}

static void reset(struct virtio_device *dev)
{
	unsigned int i;

	if (dev->running) {
		virtio_pci_listen(dev, false);
		dev->ops->stop(dev);
		dev->running = false;
	}
	for (i = 0; i < dev->nqueues; i++)
		reset_queue(&dev->queue[i]);
	dev->accepted = 0;
	dev->config_vector = VIRTIO_NO_VECTOR;
	atomic_store(&dev->status, 0);
	atomic_store(&dev->isr, 0);
	pci_line(&dev->pci, false);
	if (dev->ops->reset)
		dev->ops->reset(dev);
}

/**
 * virtio_set_status() - the driver writes the status field
 * @dev: the device; the bus is locked
 * @status: what it wrote; 0 resets
 */
void virtio_set_status(struct virtio_device *dev, uint8_t status)
{
	uint8_t old = atomic_load(&dev->status);

	if (!status) {
		reset(dev);
		return;
	}
	if (status & VIRTIO_STATUS_FEATURES_OK && !(old & VIRTIO_STATUS_FEATURES_OK) &&
	    (dev->accepted & ~dev->offered || !virtio_has(dev, VIRTIO_F_1)))
		status &= ~VIRTIO_STATUS_FEATURES_OK;
	if (!(status & VIRTIO_STATUS_FEATURES_OK))
		status &= ~VIRTIO_STATUS_DRIVER_OK;
	/* Bits go by a reset only. */
	atomic_fetch_or(&dev->status, status);
	if (status & VIRTIO_STATUS_DRIVER_OK && !dev->running)
		start(dev);
}

static const struct vmm_field fields[] = {
	VMM_FIELD(struct virtio_state, accepted),
	VMM_FIELD(struct virtio_state, device_select),
	VMM_FIELD(struct virtio_state, driver_select),
	VMM_FIELD(struct virtio_state, status),
	VMM_FIELD(struct virtio_state, isr),
	VMM_FIELD(struct virtio_state, generation),
	VMM_FIELD(struct virtio_state, config_vector),
	VMM_FIELD(struct virtio_state, queue_select),
	VMM_FIELD_ARRAY(struct virtio_state, pci),
	VMM_FIELD_ARRAY(struct virtio_state, message_address),
	VMM_FIELD_ARRAY(struct virtio_state, message_data),
	VMM_FIELD_ARRAY(struct virtio_state, message_control),
	VMM_FIELD_ARRAY(struct virtio_state, size),
	VMM_FIELD_ARRAY(struct virtio_state, vector),
	VMM_FIELD_ARRAY(struct virtio_state, enabled),
	VMM_FIELD_ARRAY(struct virtio_state, desc),
	VMM_FIELD_ARRAY(struct virtio_state, avail),
	VMM_FIELD_ARRAY(struct virtio_state, used),
	VMM_FIELD_ARRAY(struct virtio_state, next),
	VMM_FIELD_ARRAY(struct virtio_state, done),
	VMM_FIELD_ARRAY(struct virtio_state, told),
};

static void save_queue(const struct virtio_queue *vq, struct virtio_state *s)
{
	unsigned int i = vq->index;

	s->size[i] = vq->size;
	s->vector[i] = vq->vector;
	s->enabled[i] = vq->enabled;
	s->desc[i] = vq->desc;
	s->avail[i] = vq->avail;
	s->used[i] = vq->used;
	s->next[i] = vq->q.next;
	s->done[i] = vq->q.done;
	s->told[i] = vq->q.told;
}

static void save(void *opaque)
{
	struct virtio_device *dev = opaque;
	struct virtio_state *s = dev->state;
	unsigned int i;

	s->accepted = dev->accepted;
	s->device_select = dev->device_select;
	s->driver_select = dev->driver_select;
	s->status = atomic_load(&dev->status);
	s->isr = atomic_load(&dev->isr);
	s->generation = atomic_load(&dev->generation);
	s->config_vector = dev->config_vector;
	s->queue_select = dev->queue_select;
	memcpy(s->pci, dev->pci.config, sizeof(s->pci));
	for (i = 0; i < dev->pci.msix.n; i++) {
		s->message_address[i] = dev->pci.msix.vector[i].address;
		s->message_data[i] = dev->pci.msix.vector[i].data;
		s->message_control[i] = dev->pci.msix.vector[i].control;
	}
	for (i = 0; i < dev->nqueues; i++)
		save_queue(&dev->queue[i], s);
}

static int load_queue(struct virtio_queue *vq, const struct virtio_state *s)
{
	unsigned int i = vq->index;

	if (!s->size[i] || s->size[i] > vq->max || s->size[i] & (s->size[i] - 1))
		return -1;
	vq->size = s->size[i];
	vq->vector = s->vector[i];
	vq->enabled = s->enabled[i];
	vq->desc = s->desc[i];
	vq->avail = s->avail[i];
	vq->used = s->used[i];
	return 0;
}

/* Only what a guest can write comes from the snapshot. */
static void load_pci(struct virtio_device *dev)
{
	const struct virtio_state *s = dev->state;
	struct pci_function *f = &dev->pci;
	unsigned int i;

	for (i = 0; i < PCI_CONFIG; i++)
		f->config[i] = (f->config[i] & ~f->writable[i]) | (s->pci[i] & f->writable[i]);
	for (i = 0; i < f->msix.n; i++) {
		f->msix.vector[i].address = s->message_address[i] & ~3ULL;
		f->msix.vector[i].data = s->message_data[i];
		f->msix.vector[i].control = s->message_control[i] & 1;
	}
	pci_function_loaded(f);
	msix_update(f);
}

/* The device goes on where it was; an interrupt too many is better than one that got lost on the way. */
static void restart(struct virtio_device *dev)
{
	const struct virtio_state *s = dev->state;
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		struct virtio_queue *vq = &dev->queue[i];

		if (!vq->enabled)
			continue;
		map_queue(vq);
		vq->q.next = s->next[i];
		vq->q.done = s->done[i];
		vq->q.told = s->told[i];
		virtio_kick(vq);
		interrupt(dev, vq->vector, ISR_QUEUE);
	}
	virtio_pci_listen(dev, true);
	dev->running = true;
	dev->ops->start(dev);
}

static int load(void *opaque)
{
	struct virtio_device *dev = opaque;
	const struct virtio_state *s = dev->state;
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		if (load_queue(&dev->queue[i], s))
			break;
	if (i < dev->nqueues || s->accepted & ~dev->offered) {
		vmm_error(dev->name, "its saved state is of another device",
			  "restore with the configuration that the snapshot was made with");
		return -1;
	}
	dev->accepted = s->accepted;
	dev->device_select = s->device_select;
	dev->driver_select = s->driver_select;
	dev->config_vector = s->config_vector;
	dev->queue_select = s->queue_select;
	atomic_store(&dev->status, s->status);
	atomic_store(&dev->isr, s->isr);
	atomic_store(&dev->generation, s->generation);
	load_pci(dev);
	if (s->isr)
		pci_line(&dev->pci, true);
	if (s->status & VIRTIO_STATUS_DRIVER_OK && s->status & VIRTIO_STATUS_FEATURES_OK)
		restart(dev);
	return 0;
}

static void quiesce(void *opaque)
{
	struct virtio_device *dev = opaque;

	if (dev->running && dev->ops->quiesce)
		dev->ops->quiesce(dev);
}

static void resume(void *opaque)
{
	struct virtio_device *dev = opaque;

	if (dev->running && dev->ops->resume)
		dev->ops->resume(dev);
}

static void power_on(void *opaque)
{
	struct virtio_device *dev = opaque;

	pci_lock(dev->m);
	reset(dev);
	dev->device_select = dev->driver_select = 0;
	dev->queue_select = 0;
	pci_function_reset(&dev->pci);
	pci_unlock(dev->m);
}

static int open_kicks(struct virtio_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		dev->queue[i].kick = eventfd(0, EFD_CLOEXEC);
		if (dev->queue[i].kick < 0)
			return -1;
	}
	return 0;
}

static void close_kicks(struct virtio_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		if (dev->queue[i].kick >= 0)
			close(dev->queue[i].kick);
}

/* Interrupts and notifications that were under way went to the parent: send them again. */
static int forked(void *opaque)
{
	struct virtio_device *dev = opaque;
	unsigned int i;

	close_kicks(dev);
	for (i = 0; i < dev->nqueues; i++)
		dev->queue[i].port = 0;
	if (open_kicks(dev) || msix_forked(&dev->pci)) {
		vmm_error(dev->name, strerror(errno), "raise the limit on open files");
		return -1;
	}
	if (dev->source && virtio_loop_forked(dev))
		return -1;
	if (!dev->running)
		return 0;
	virtio_pci_listen(dev, true);
	for (i = 0; i < dev->nqueues; i++) {
		if (!dev->queue[i].enabled)
			continue;
		virtio_kick(&dev->queue[i]);
		interrupt(dev, dev->queue[i].vector, ISR_QUEUE);
	}
	return dev->ops->forked ? dev->ops->forked(dev) : 0;
}

static void init_part(struct virtio_device *dev)
{
	dev->part = (struct vmm_part){
		.name = dev->name, .version = 1, .fields = fields,
		.nfields = sizeof(fields) / sizeof(fields[0]), .state = dev->state, .opaque = dev,
		.quiesce = quiesce, .resume = resume, .save = save, .load = load, .reset = power_on, .forked = forked,
	};
	vmm_part_add(dev->m, &dev->part);
}

/**
 * virtio_add() - put a device on the bus; before the CPUs start
 * @m: the machine
 * @dev: @name, @ops, @offered, @config, @config_size, @nqueues and each queue's @max are set, all else is zero
 *
 * Return: 0, or -1 with the error printed; then virtio_remove() is to be called all the same.
 */
int virtio_add(struct vmm *m, struct virtio_device *dev)
{
	unsigned int i;

	dev->m = m;
	dev->offered |= VIRTIO_F_1 | VIRTIO_F_INDIRECT | VIRTIO_F_EVENT_IDX;
	pthread_mutex_init(&dev->lock, NULL);
	for (i = 0; i < dev->nqueues; i++) {
		dev->queue[i].dev = dev;
		dev->queue[i].index = i;
		dev->queue[i].kick = -1;
		reset_queue(&dev->queue[i]);
	}
	dev->config_vector = VIRTIO_NO_VECTOR;
	dev->state = calloc(1, sizeof(*dev->state));
	if (!dev->state || open_kicks(dev)) {
		vmm_error(dev->name, strerror(errno), "raise the limit on open files, or free memory");
		return -1;
	}
	if (virtio_pci_create(dev))
		return -1;
	init_part(dev);
	return 0;
}

/**
 * virtio_remove() - stop a device and take it off the bus; the CPUs are gone
 * @dev: from virtio_add()
 */
void virtio_remove(struct virtio_device *dev)
{
	if (!dev->m)
		return;
	if (dev->running)
		dev->ops->stop(dev);
	dev->running = false;
	pci_function_remove(&dev->pci);
	msix_destroy(&dev->pci.msix);
	virtio_loop_remove(dev);
	close_kicks(dev);
	pthread_mutex_destroy(&dev->lock);
	free(dev->state);
	dev->state = NULL;
}
