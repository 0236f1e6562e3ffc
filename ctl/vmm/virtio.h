/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio.h - virtio devices on the PCI bus. Source: virtio 1.2 "Virtio Over PCI Bus".
 *
 * Files: virtio.c what drivers and devices share: status, features, queues, interrupts, state; virtio_pci.c how a driver reaches it;
 * virtq.c a queue; virtio_worker.c a thread for a queue; virtio_loop.c queues served by the event loop; virtio_*.c the
 * devices.
 *
 * A driver's notifications come through an eventfd for each queue, its interrupts go through one for each vector:
 * in steady state no vCPU leaves the kernel. Registers are handled on vCPU threads under the bus's lock. start()
 * and stop() are called under it, too: stop() waits for the device, so the device's threads never take that lock.
 */
#ifndef VMM_VIRTIO_H
#define VMM_VIRTIO_H

#include <stdatomic.h>

#include "pci.h"
#include "virtq.h"
#include "vmm.h"

#define VIRTIO_QUEUES		33
#define VIRTIO_NO_VECTOR	0xffff

#define VIRTIO_F_INDIRECT	(1ULL << 28)
#define VIRTIO_F_EVENT_IDX	(1ULL << 29)
#define VIRTIO_F_1		(1ULL << 32)

#define VIRTIO_STATUS_DRIVER_OK		0x04
#define VIRTIO_STATUS_FEATURES_OK	0x08
#define VIRTIO_STATUS_NEEDS_RESET	0x40

/* "Device Types" */
enum virtio_type {
	VIRTIO_NET = 1,
	VIRTIO_BLK = 2,
	VIRTIO_CONSOLE = 3,
	VIRTIO_RNG = 4,
	VIRTIO_BALLOON = 5,
	VIRTIO_SCSI = 8,
	VIRTIO_VSOCK = 19,
};

struct virtio_device;

/**
 * struct virtio_queue - a queue and its two doorbells
 * @q: its memory, while the device runs
 * @dev: whose
 * @index: number
 * @size: entries
 * @max: entries that the device can do
 * @vector: MSI-X vector, or VIRTIO_NO_VECTOR
 * @enabled: by the driver
 * @desc: guest-physical address
 * @avail: guest-physical address
 * @used: guest-physical address
 * @kick: eventfd that the driver's notification writes
 * @port: where the kernel listens for it, 0 if it does not
 */
struct virtio_queue {
	struct virtq q;
	struct virtio_device *dev;
	unsigned int index;
	uint16_t size, max, vector;
	bool enabled;
	uint64_t desc, avail, used;
	int kick;
	uint16_t port;
};

/**
 * struct virtio_ops - a kind of device
 * @type: which
 * @class: PCI class code, without revision
 * @start: the driver is ready and the queues are mapped: work
 * @stop: the driver is gone: returns when nothing touches queues or guest memory any more
 * @quiesce: as struct vmm_part's, only while running
 * @resume: as struct vmm_part's, only while running
 * @forked: in a fork's child, after the doorbells were made again, only while running; 0, or -1 with the error printed
 * @config_write: the driver wrote configuration
 * @reset: the driver reset the device, or the machine is switched on; after @stop, if it ran
 *
 * All but @start and @stop may be NULL.
 */
struct virtio_ops {
	enum virtio_type type;
	uint32_t class;
	void (*start)(struct virtio_device *dev);
	void (*stop)(struct virtio_device *dev);
	void (*quiesce)(struct virtio_device *dev);
	void (*resume)(struct virtio_device *dev);
	int (*forked)(struct virtio_device *dev);
	void (*config_write)(struct virtio_device *dev, uint32_t offset, unsigned int size, const void *data);
	void (*reset)(struct virtio_device *dev);
};

/**
 * struct virtio_state - what of it is saved, see virtio.c
 */
struct virtio_state {
	uint64_t accepted;
	uint32_t device_select, driver_select;
	uint8_t status, isr, generation;
	uint16_t config_vector, queue_select;
	uint8_t pci[PCI_CONFIG];
	uint64_t message_address[PCI_MSIX_MAX];
	uint32_t message_data[PCI_MSIX_MAX], message_control[PCI_MSIX_MAX];
	uint16_t size[VIRTIO_QUEUES], vector[VIRTIO_QUEUES];
	uint8_t enabled[VIRTIO_QUEUES];
	uint64_t desc[VIRTIO_QUEUES], avail[VIRTIO_QUEUES], used[VIRTIO_QUEUES];
	uint16_t next[VIRTIO_QUEUES], done[VIRTIO_QUEUES], told[VIRTIO_QUEUES];
};

/**
 * struct virtio_device - a device; part of the struct of its kind
 * @name: of the part, "virtio-blk0"
 * @ops: its kind
 * @m: the machine
 * @offered: features
 * @accepted: by the driver
 * @config: device configuration, as the driver reads it
 * @config_size: bytes
 * @nqueues: queues
 * @queue: the queues
 * @status: device status field; read by any thread
 * @isr: ISR status; any thread
 * @generation: of @config
 * @config_seen: the driver has read of @config since it was told that it changed; any thread
 * @device_select: which half of @offered the driver reads
 * @driver_select: which half of @accepted it writes
 * @queue_select: which queue its registers are
 * @config_vector: MSI-X vector of configuration changes
 * @window: offset of the capability that reaches registers through configuration space
 * @running: between start() and stop()
 * @pci: its function
 * @part: its state
 * @state: its state, while it is saved or loaded
 * @lock: of queues that the event loop serves, see virtio_loop.c
 * @source: of those queues
 * @kicked: their handler
 */
struct virtio_device {
	char name[24];
	const struct virtio_ops *ops;
	struct vmm *m;
	uint64_t offered, accepted;
	const void *config;
	uint32_t config_size;
	unsigned int nqueues;
	struct virtio_queue queue[VIRTIO_QUEUES];
	_Atomic uint8_t status, isr, generation;
	_Atomic bool config_seen;
	uint32_t device_select, driver_select;
	uint16_t queue_select, config_vector;
	unsigned int window;
	bool running;
	struct pci_function pci;
	struct vmm_part part;
	struct virtio_state *state;
	pthread_mutex_t lock;
	struct vmm_source *source;
	void (*kicked)(struct virtio_queue *vq);
};

/* virtio.c */
int virtio_add(struct vmm *m, struct virtio_device *dev);
void virtio_remove(struct virtio_device *dev);
void virtio_set_status(struct virtio_device *dev, uint8_t status);
void virtio_kick(struct virtio_queue *vq);
void virtio_tell(struct virtio_queue *vq);
void virtio_config_changed(struct virtio_device *dev);
void virtio_check_broken(struct virtio_queue *vq);
bool virtio_has(const struct virtio_device *dev, uint64_t feature);

/* virtio_pci.c */
int virtio_pci_create(struct virtio_device *dev);
void virtio_pci_listen(struct virtio_device *dev, bool on);

/* virtio_loop.c */
int virtio_loop_add(struct virtio_device *dev, void (*kicked)(struct virtio_queue *vq));
void virtio_loop_remove(struct virtio_device *dev);
void virtio_loop_start(struct virtio_device *dev);
void virtio_loop_stop(struct virtio_device *dev);
int virtio_loop_forked(struct virtio_device *dev);

/**
 * struct virtio_worker - a thread that serves a queue
 * @vq: the queue
 * @work: called in the thread whenever the driver may have added something; serves all there is
 * @wait: returns when there may be something to do, and at every kick of @vq; NULL to wait for those alone
 * @opaque: for @work and @wait
 * @thread: the thread
 * @lock: for what follows
 * @changed: something of it changed
 * @parking: it shall wait
 * @parked: it waits
 * @quit: it shall end
 */
struct virtio_worker {
	struct virtio_queue *vq;
	void (*work)(struct virtio_worker *w);
	void (*wait)(struct virtio_worker *w);
	void *opaque;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	_Atomic bool parking;
	bool parked, quit;
};

/* virtio_worker.c */
void virtio_worker_start(struct virtio_worker *w);
void virtio_worker_stop(struct virtio_worker *w);
void virtio_worker_quiesce(struct virtio_worker *w);
void virtio_worker_resume(struct virtio_worker *w);
void virtio_worker_forked(struct virtio_worker *w);

struct virtio_turn;

/**
 * struct virtio_pool - threads that take turns at a queue
 * @vq: the queue
 * @serve: called in any of the threads, for several requests at once: serves one, calling virtio_pool_waits() before it
 *	waits; returns bytes written, or -1 for a request that no driver makes
 * @lock: for what follows, and @vq
 * @turn: spare threads wait for it
 * @changed: of parking and ending
 * @threads: that there are
 * @spare: of them, wait for their turn
 * @parked: of them, wait as @parking says
 * @led: one has the turn
 * @parking: they shall wait
 * @quit: they shall end; with @parking
 * @running: between start() and stop()
 */
struct virtio_pool {
	struct virtio_queue *vq;
	int64_t (*serve)(struct virtio_turn *t, struct virtio_queue *vq, const struct virtq_chain *c);
	pthread_mutex_t lock;
	pthread_cond_t turn, changed;
	unsigned int threads, spare, parked;
	bool led, parking, quit, running;
};

/* virtio_pool.c */
void virtio_pool_waits(struct virtio_turn *t);
void virtio_pool_start(struct virtio_pool *p);
void virtio_pool_stop(struct virtio_pool *p);
void virtio_pool_quiesce(struct virtio_pool *p);
void virtio_pool_resume(struct virtio_pool *p);
void virtio_pool_forked(struct virtio_pool *p);

#endif /* VMM_VIRTIO_H */
