// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring.c - the reading side of an exit trace's rings. The writer goes on meanwhile; a record is read after @head says
 * that it is there, and its room is given back by @tail.
 */
#include <string.h>

#include "telemetry/ring.h"

/**
 * ring_open() - look at a ring before it is read
 * @r: filled
 * @map: its first byte
 * @size: bytes mapped
 *
 * Return: whether it is one of this version, all of it inside of @size.
 */
bool ring_open(struct ring *r, void *map, size_t size)
{
	struct vitrine_trace_ring *page = map;

	if (size < sizeof(*page))
		return false;
	*r = (struct ring){ .page = page, .vcpu = page->vcpu, .records = page->records,
			    .record_size = page->record_size, .tail = page->tail };
	if (page->magic != VITRINE_TRACE_MAGIC || !r->records || r->records & (r->records - 1) ||
	    r->record_size < sizeof(struct vitrine_trace_record) || page->data < sizeof(*page) ||
	    page->data > size || r->records > (size - page->data) / r->record_size)
		return false;
	r->data = (const uint8_t *)map + page->data;
	return true;
}

/**
 * ring_next() - the next record, if there is one
 * @r: the ring
 * @record: filled
 *
 * Return: whether there was one.
 */
bool ring_next(struct ring *r, struct vitrine_trace_record *record)
{
	uint64_t head = __atomic_load_n(&r->page->head, __ATOMIC_ACQUIRE);

	if (r->tail == head)
		return false;
	memcpy(record, r->data + (size_t)(r->tail & (r->records - 1)) * r->record_size, sizeof(*record));
	r->tail++;
	return true;
}

/**
 * ring_release() - give the room of what has been read back to the writer
 * @r: the ring
 */
void ring_release(const struct ring *r)
{
	__atomic_store_n(&r->page->tail, r->tail, __ATOMIC_RELEASE);
}

/**
 * ring_lost() - exits that were not recorded
 * @r: the ring
 *
 * Return: how many so far.
 */
uint64_t ring_lost(const struct ring *r)
{
	return __atomic_load_n(&r->page->lost, __ATOMIC_RELAXED);
}

/**
 * ring_ns() - when a record was made
 * @r: its ring
 * @tsc: of the record
 *
 * Return: nanoseconds since 1970.
 */
uint64_t ring_ns(const struct ring *r, uint64_t tsc)
{
	const struct vitrine_trace_ring *page = r->page;
	double cycles = tsc >= page->base_tsc ? (double)(tsc - page->base_tsc) : -(double)(page->base_tsc - tsc);

	return page->base_ns + (int64_t)(page->tsc_khz ? cycles * 1e6 / page->tsc_khz : 0);
}
