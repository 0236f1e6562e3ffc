// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_pci.c - the registers of a virtio device on PCI. Source: virtio 1.2 "Virtio Structure PCI Capabilities",
 * "Common configuration structure layout", "Notification structure layout", "ISR status capability", "PCI
 * configuration access capability".
 *
 * BAR 0 is memory: the common structure, ISR, the device's configuration, MSI-X. BAR 1 is ports: the
 * notifications, two bytes for each queue, because a port write is the cheapest way out of a guest: the CPU says what was
 * written, no page table is walked and no instruction decoded.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "virtio.h"

#define VENDOR		0x1af4U
#define DEVICE_BASE	0x1040U

#define BAR_MEMORY	0
#define BAR_NOTIFY	1

/* Pages of BAR 0. */
#define AT_COMMON	0x0000
#define AT_ISR		0x1000
#define AT_CONFIG	0x2000
#define AT_TABLE	0x3000
#define AT_PENDING	0x3800
#define MEMORY_SIZE	0x4000
#define PAGE		0x1000

#define NOTIFY_STEP	2

enum capability {
	CAP_COMMON = 1,
	CAP_NOTIFY = 2,
	CAP_ISR = 3,
	CAP_CONFIG = 4,
	CAP_WINDOW = 5,
};

/* Common configuration structure. */
enum common {
	DEVICE_SELECT = 0, DEVICE_FEATURES = 4, DRIVER_SELECT = 8, DRIVER_FEATURES = 12, CONFIG_VECTOR = 16,
	NUM_QUEUES = 18, STATUS = 20, GENERATION = 21, QUEUE_SELECT = 22, QUEUE_SIZE = 24, QUEUE_VECTOR = 26,
	QUEUE_ENABLE = 28, QUEUE_NOTIFY = 30, QUEUE_DESC = 32, QUEUE_AVAIL = 40, QUEUE_USED = 48,
	COMMON_SIZE = 56,
};

static struct virtio_queue *selected(struct virtio_device *dev)
{
	return dev->queue_select < dev->nqueues ? &dev->queue[dev->queue_select] : NULL;
}

static uint64_t queue_read(const struct virtio_queue *vq, uint32_t at)
{
	if (!vq)
		return 0;
	switch (at) {
	case QUEUE_SIZE:
		return vq->size;
	case QUEUE_VECTOR:
		return vq->vector;
	case QUEUE_ENABLE:
		return vq->enabled;
	case QUEUE_NOTIFY:
		return vq->index;
	case QUEUE_DESC:
		return vq->desc;
	case QUEUE_DESC + 4:
		return vq->desc >> 32;
	case QUEUE_AVAIL:
		return vq->avail;
	case QUEUE_AVAIL + 4:
		return vq->avail >> 32;
	case QUEUE_USED:
		return vq->used;
	case QUEUE_USED + 4:
		return vq->used >> 32;
	default:
		return 0;
	}
}

static uint64_t common_read(struct virtio_device *dev, uint32_t at)
{
	switch (at) {
	case DEVICE_SELECT:
		return dev->device_select;
	case DEVICE_FEATURES:
		return dev->device_select < 2 ? dev->offered >> 32 * dev->device_select : 0;
	case DRIVER_SELECT:
		return dev->driver_select;
	case DRIVER_FEATURES:
		return dev->driver_select < 2 ? dev->accepted >> 32 * dev->driver_select : 0;
	case CONFIG_VECTOR:
		return dev->config_vector;
	case NUM_QUEUES:
		return dev->nqueues;
	case STATUS:
		return atomic_load(&dev->status);
	case GENERATION:
		return atomic_load(&dev->generation);
	case QUEUE_SELECT:
		return dev->queue_select;
	default:
		return queue_read(selected(dev), at);
	}
}

static uint16_t valid_vector(const struct virtio_device *dev, uint64_t val)
{
	return val < dev->pci.msix.n ? val : VIRTIO_NO_VECTOR;
}

static void set_low(uint64_t *to, uint32_t val)
{
	*to = (*to & ~0xffffffffULL) | val;
}

static void set_high(uint64_t *to, uint32_t val)
{
	*to = (uint32_t)*to | (uint64_t)val << 32;
}

/* An address is written whole, or in halves. */
static void set_address(uint64_t *to, uint32_t at, unsigned int size, uint64_t val)
{
	if (size == 8)
		*to = val;
	else if (at & 4)
		set_high(to, val);
	else
		set_low(to, val);
}

static void queue_write(struct virtio_device *dev, struct virtio_queue *vq, uint32_t at, unsigned int size,
			uint64_t val)
{
	/* What is enabled keeps its place until the device is reset. */
	if (!vq || (vq->enabled && at != QUEUE_VECTOR))
		return;
	switch (at) {
	case QUEUE_SIZE:
		if (val && val <= vq->max && !(val & (val - 1)))
			vq->size = val;
		break;
	case QUEUE_VECTOR:
		vq->vector = valid_vector(dev, val);
		break;
	case QUEUE_ENABLE:
		vq->enabled = val == 1 && !dev->running;
		break;
	case QUEUE_DESC:
	case QUEUE_DESC + 4:
		set_address(&vq->desc, at, size, val);
		break;
	case QUEUE_AVAIL:
	case QUEUE_AVAIL + 4:
		set_address(&vq->avail, at, size, val);
		break;
	case QUEUE_USED:
	case QUEUE_USED + 4:
		set_address(&vq->used, at, size, val);
		break;
	}
}

static void set_features(struct virtio_device *dev, uint32_t val)
{
	/* Once they are agreed on they stay. */
	if (atomic_load(&dev->status) & VIRTIO_STATUS_FEATURES_OK)
		return;
	if (dev->driver_select == 0)
		set_low(&dev->accepted, val);
	else if (dev->driver_select == 1)
		set_high(&dev->accepted, val);
}

static void common_write(struct virtio_device *dev, uint32_t at, unsigned int size, uint64_t val)
{
	switch (at) {
	case DEVICE_SELECT:
		dev->device_select = val;
		break;
	case DRIVER_SELECT:
		dev->driver_select = val;
		break;
	case DRIVER_FEATURES:
		set_features(dev, val);
		break;
	case CONFIG_VECTOR:
		dev->config_vector = valid_vector(dev, val);
		break;
	case STATUS:
		virtio_set_status(dev, val);
		break;
	case QUEUE_SELECT:
		dev->queue_select = val;
		break;
	default:
		queue_write(dev, selected(dev), at, size, val);
		break;
	}
}

static void config_read(struct virtio_device *dev, uint32_t at, unsigned int size, void *data)
{
	if (at < dev->config_size)
		memcpy(data, (const uint8_t *)dev->config + at,
		       size < dev->config_size - at ? size : dev->config_size - at);
	atomic_store(&dev->config_seen, true);
}

static void memory_read(void *opaque, uint32_t at, unsigned int size, void *data)
{
	struct virtio_device *dev = opaque;
	uint64_t val;

	if (at < AT_COMMON + COMMON_SIZE) {
		val = common_read(dev, at);
		memcpy(data, &val, size);
	} else if (at == AT_ISR) {
		val = atomic_exchange(&dev->isr, 0);
		memcpy(data, &val, size);
		pci_line(&dev->pci, false);
	} else if (at >= AT_CONFIG && at < AT_CONFIG + PAGE) {
		config_read(dev, at - AT_CONFIG, size, data);
	} else if (at >= AT_PENDING) {
		msix_pending(&dev->pci.msix, at - AT_PENDING, size, data);
	} else if (at >= AT_TABLE) {
		msix_read(&dev->pci.msix, at - AT_TABLE, size, data);
	}
}

static void memory_write(void *opaque, uint32_t at, unsigned int size, const void *data)
{
	struct virtio_device *dev = opaque;
	uint64_t val = 0;

	if (at < AT_COMMON + COMMON_SIZE) {
		memcpy(&val, data, size);
		common_write(dev, at, size, val);
	} else if (at >= AT_CONFIG && at < AT_CONFIG + PAGE) {
		at -= AT_CONFIG;
		if (dev->ops->config_write && at + size <= dev->config_size)
			dev->ops->config_write(dev, at, size, data);
	} else if (at >= AT_TABLE && at < AT_PENDING) {
		msix_write(&dev->pci, at - AT_TABLE, size, data);
	}
}

static void notify_read(void *opaque, uint32_t at, unsigned int size, void *data)
{
	(void)opaque;
	(void)at;
	(void)size;
	(void)data;	/* zero already */
}

/* Only for widths that the kernel was not asked to take. */
static void notify_write(void *opaque, uint32_t at, unsigned int size, const void *data)
{
	struct virtio_device *dev = opaque;
	uint32_t i = at / NOTIFY_STEP;

	(void)size;
	(void)data;
	if (i < dev->nqueues)
		virtio_kick(&dev->queue[i]);
}

static void listen_queue(struct virtio_queue *vq, uint16_t port)
{
	struct kvm_ioeventfd e = {
		.len = 2, .fd = vq->kick, .flags = KVM_IOEVENTFD_FLAG_PIO,
	};
	struct vmm *m = vq->dev->m;

	if (port == vq->port)
		return;
	if (vq->port) {
		e.addr = vq->port;
		e.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
		if (ioctl(m->vm, KVM_IOEVENTFD, &e))
			vmm_crash(m, vq->dev->name, strerror(errno), "see the kernel's log");
		e.flags &= ~KVM_IOEVENTFD_FLAG_DEASSIGN;
		vq->port = 0;
	}
	if (!port)
		return;
	e.addr = port;
	/* A guest that puts two devices at one place gets its notifications the slow way. */
	if (!ioctl(m->vm, KVM_IOEVENTFD, &e))
		vq->port = port;
	else if (errno != EEXIST)
		vmm_crash(m, vq->dev->name, strerror(errno), "see the kernel's log");
}

/**
 * virtio_pci_listen() - have the kernel take the driver's notifications, or not any more
 * @dev: the device; the bus is locked, or there are no vCPUs
 * @on: listen
 */
void virtio_pci_listen(struct virtio_device *dev, bool on)
{
	uint32_t at = dev->pci.decoding[BAR_NOTIFY];
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		listen_queue(&dev->queue[i], on && at && dev->queue[i].enabled ? at + NOTIFY_STEP * i : 0);
}

static void moved(void *opaque)
{
	struct virtio_device *dev = opaque;

	if (dev->running)
		virtio_pci_listen(dev, true);
}

/* The window: what the capability names, readable and writable through its last four bytes. */
static bool window(struct virtio_device *dev, bool write)
{
	uint8_t *cap = dev->pci.config + dev->window;
	uint32_t bar = cap[4], at = pci_get32(cap + 8), size = pci_get32(cap + 12);
	struct pci_bar *b = &dev->pci.bar[bar < PCI_BARS ? bar : 0];

	if (bar > BAR_NOTIFY || (size != 1 && size != 2 && size != 4) || at % size || at > b->size - size)
		return false;
	if (write)
		b->write(dev, at, size, cap + 16);
	else
		b->read(dev, at, size, memset(cap + 16, 0, 4));
	return true;
}

static bool touches_window(const struct virtio_device *dev, unsigned int at)
{
	return at >= dev->window + 16 && at < dev->window + 20;
}

static void before_config_read(void *opaque, unsigned int at, unsigned int size)
{
	struct virtio_device *dev = opaque;

	(void)size;
	if (touches_window(dev, at))
		window(dev, false);
}

static void after_config_write(void *opaque, unsigned int at, unsigned int size)
{
	struct virtio_device *dev = opaque;

	(void)size;
	if (touches_window(dev, at))
		window(dev, true);
}

static unsigned int add_capability(struct virtio_device *dev, enum capability type, unsigned int size,
				   unsigned int bar, uint32_t offset, uint32_t length)
{
	unsigned int at = pci_capability_add(&dev->pci, PCI_CAP_VENDOR, size);
	uint8_t *cap = dev->pci.config + at;

	cap[2] = size;
	cap[3] = type;
	cap[4] = bar;
	pci_put32(cap + 8, offset);
	pci_put32(cap + 12, length);
	return at;
}

static void add_capabilities(struct virtio_device *dev)
{
	struct pci_function *f = &dev->pci;
	unsigned int at;

	add_capability(dev, CAP_COMMON, 16, BAR_MEMORY, AT_COMMON, COMMON_SIZE);
	add_capability(dev, CAP_ISR, 16, BAR_MEMORY, AT_ISR, 1);
	if (dev->config_size)
		add_capability(dev, CAP_CONFIG, 16, BAR_MEMORY, AT_CONFIG, dev->config_size);
	at = add_capability(dev, CAP_NOTIFY, 20, BAR_NOTIFY, 0, NOTIFY_STEP * dev->nqueues);
	pci_put32(f->config + at + 16, NOTIFY_STEP);
	dev->window = add_capability(dev, CAP_WINDOW, 20, 0, 0, 0);
	f->writable[dev->window + 4] = 0xff;
	memset(f->writable + dev->window + 8, 0xff, 12);
}

/* The next power of two, at least 4: the smallest range of ports that a BAR can have. */
static uint32_t notify_size(const struct virtio_device *dev)
{
	uint32_t size = 4;

	while (size < NOTIFY_STEP * dev->nqueues)
		size *= 2;
	return size;
}

/**
 * virtio_pci_create() - the device's function on the bus
 * @dev: as for virtio_add()
 *
 * Return: 0, or -1 with the error printed.
 */
int virtio_pci_create(struct virtio_device *dev)
{
	const struct pci_bar memory = { .size = MEMORY_SIZE, .read = memory_read, .write = memory_write };
	const struct pci_bar notify = { .size = notify_size(dev), .port = true, .read = notify_read,
					.write = notify_write };
	uint32_t id = VENDOR | (DEVICE_BASE + dev->ops->type) << 16;
	struct pci_function *f = &dev->pci;

	/* Revision 1: not transitional. */
	pci_function_init(f, id, dev->ops->class << 8 | 1, id);
	f->config[PCI_INTERRUPT + 1] = 1;	/* INTA# */
	f->opaque = dev;
	if (pci_function_add(dev->m, f)) {
		vmm_error(dev->name, "the PCI bus is full", "use fewer devices");
		return -1;
	}
	if (pci_bar_add(f, BAR_MEMORY, &memory) || pci_bar_add(f, BAR_NOTIFY, &notify) ||
	    msix_create(f, dev->nqueues + 1, BAR_MEMORY, AT_TABLE, AT_PENDING)) {
		vmm_error(dev->name, "no room for its registers or interrupts", "use fewer devices");
		return -1;
	}
	add_capabilities(dev);
	f->moved = moved;
	f->config_read = before_config_read;
	f->config_written = after_config_write;
	return 0;
}
