/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtq.h - a split virtqueue, seen from the device. Source: virtio 1.2 "Split Virtqueues".
 *
 * Everything in guest memory may change under us and means harm: what is used is read once and checked. A queue that is wrong breaks,
 * which the driver can only mend by a reset.
 *
 * Not locked: a queue has one user at a time.
 */
#ifndef VMM_VIRTQ_H
#define VMM_VIRTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct vmm;

#define VIRTQ_SIZE_MAX	1024
#define VIRTQ_IOV	260	/* pieces of a chain: a block request of 256 pages and its ends */

/**
 * struct virtq - a queue
 * @m: whose memory
 * @size: entries, a power of two, 1..VIRTQ_SIZE_MAX
 * @event_idx: VIRTIO_F_EVENT_IDX was accepted
 * @broken: the driver wrote nonsense; nothing is done any more
 * @desc: descriptors
 * @avail: flags, index, ring, used_event
 * @used: flags, index, ring, avail_event
 * @next: available index to look at
 * @done: used index
 * @told: used index when the driver was last interrupted
 */
struct virtq {
	const struct vmm *m;
	uint16_t size;
	bool event_idx, broken;
	uint8_t *desc, *avail, *used;
	uint16_t next, done, told;
};

/**
 * struct virtq_chain - a request: buffers that the device reads, then buffers that it writes
 * @head: first descriptor, names the chain in virtq_push()
 * @nout: buffers to read, the first in @iov
 * @nin: buffers to write
 * @out: bytes to read
 * @in: bytes to write
 * @iov: the buffers, in the VM process's memory, all inside guest RAM
 */
struct virtq_chain {
	uint16_t head;
	unsigned int nout, nin;
	uint64_t out, in;
	struct iovec iov[VIRTQ_IOV];
};

int virtq_map(struct virtq *q, uint64_t desc, uint64_t avail, uint64_t used);
int virtq_pop(struct virtq *q, struct virtq_chain *c);
void virtq_unpop(struct virtq *q);
void virtq_push(struct virtq *q, uint16_t head, uint32_t written);
bool virtq_more(struct virtq *q);
void virtq_quiet(struct virtq *q);
bool virtq_shall_tell(struct virtq *q);

size_t virtq_copy_out(const struct virtq_chain *c, uint64_t offset, void *to, size_t n);
size_t virtq_copy_in(const struct virtq_chain *c, uint64_t offset, const void *from, size_t n);
int virtq_data(const struct iovec *iov, unsigned int n, uint64_t skip, uint64_t leave, struct iovec *to);

#endif /* VMM_VIRTQ_H */
