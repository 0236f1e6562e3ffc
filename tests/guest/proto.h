/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proto.h - what the test guests and their launcher agree on: memory map, test devices, requests.
 *
 * A guest asks the launcher for something by putting a struct request into its memory and writing
 * the address to PORT_REQUEST; the answer stands in it when the OUT has completed.
 */
#ifndef PROTO_H
#define PROTO_H

#include <stdint.h>

#define RAM_SIZE	0x4000000ULL	/* slot 0, from guest physical 0 */
#define LOW_CODE	0x8000		/* start-up code, real mode, boot CPU and others */
#define IMAGE		0x100000
#define BACKING_SIZE	0x1010000ULL	/* memory that no slot shows until the guest asks for it */
#define BACKING_SHARED	0x1000000ULL	/* from here on it keeps its contents when dropped */

#define PORT_CHAR	0x600		/* one character of a report */
#define PORT_EXIT	0x604		/* the guest is done; 32 bits: how many cases it reported */
#define PORT_REQUEST	0x608		/* 32 bits: guest physical address of a struct request */
#define PORT_BLOCK	0x610		/* 16 ports that remember what was written */
#define PORT_QUEUE	0x620		/* remembers each write; reads count up from 1 */
#define MMIO_BASE	0xd0000000ULL	/* 64 KiB that remember what was written */
#define MMIO_SIZE	0x10000ULL

enum request_op {
	REQ_SLOT_SET,		/* slot, gpa, size, offset in the backing memory, KVM_MEM_ flags */
	REQ_DIRTY_LOG,		/* slot, address of the bitmap; clears */
	REQ_BACKING_READ,	/* offset; result: 64 bits there */
	REQ_BACKING_WRITE,	/* offset, 64 bits */
	REQ_BACKING_DROP,	/* offset, size: MADV_DONTNEED */
	REQ_IRQ_LINE,		/* gsi, level, delay in us (0: before the OUT completes) */
	REQ_MSI,		/* address, data, delay; data 0x400 is an NMI */
	REQ_NMI,		/* cpu; itself only, KVM_NMI waits for a running vCPU */
	REQ_EXCEPTION,		/* vector, has error code, error code: into this vCPU */
	REQ_QUEUE_GET,		/* index; result: size << 32 | value of that write to PORT_QUEUE */
	REQ_QUEUE_CLEAR,
	REQ_MMIO_COUNT,		/* result: MMIO exits so far, writes << 32 | reads */
	REQ_MIGRATE,		/* the vCPU's thread to host CPU n; result -1: there is none */
	REQ_CPUS,		/* result: number of vCPUs */
	REQ_SLEEP,		/* us */
};

struct request {
	uint32_t op, pad;
	uint64_t arg[5];
	int64_t result;		/* -errno when refused */
};

#endif /* PROTO_H */
