/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ring.h - the reading side of an exit trace's rings, include/uapi/vitrine.h.
 */
#ifndef TELEMETRY_RING_H
#define TELEMETRY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/vitrine.h"

/**
 * struct ring - a vCPU's ring, mapped
 * @page: its first page
 * @vcpu: the vCPU's id
 * @records: room for so many
 * @record_size: bytes of one
 * @data: the first one
 * @tail: read so far
 */
struct ring {
	struct vitrine_trace_ring *page;
	uint32_t vcpu, records, record_size;
	const uint8_t *data;
	uint64_t tail;
};

bool ring_open(struct ring *r, void *map, size_t size);
bool ring_next(struct ring *r, struct vitrine_trace_record *record);
void ring_release(const struct ring *r);
uint64_t ring_lost(const struct ring *r);
uint64_t ring_ns(const struct ring *r, uint64_t tsc);

#endif /* TELEMETRY_RING_H */
