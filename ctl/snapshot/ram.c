// SPDX-License-Identifier: GPL-2.0-only
/*
 * ram.c - writing the RAM of a snapshot. Pages of zeroes become holes of the file; chunks that the parent has are its.
 *
 * What changed is found by comparing with the parent's files, in a process that has all the time it wants: a dirty log would
 * let the guest pay for it while it runs, and checksums alone would be a promise, not a proof.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "disk/layer.h"
#include "ram.h"

#define PAGE		4096
#define PROGRESS	(16ULL << 20)	/* bytes between two calls */
#define BRIDGE		(256ULL << 10)	/* bytes */

/* The pages of a chunk that are not zero, those that touch in one piece. */
static int write_pages(const struct ram_writer *w, uint64_t at, uint64_t n)
{
	uint64_t end = at + n, from;

	while (at < end) {
		if (map_is_zero(w->ram + at, PAGE)) {
			at += PAGE;
			continue;
		}
		for (from = at; at < end && !map_is_zero(w->ram + at, PAGE); at += PAGE)
			;
		errno = -io_write(w->fd, w->ram + from, at - from, from);
		if (errno)
			return -1;
	}
	return 0;
}

static bool parent_has(const struct ram_writer *w, uint32_t i, uint64_t at, uint64_t n)
{
	return w->parent && w->parent->chunk[i].file != MAP_ZERO && !memcmp(w->ram + at, w->view + at, n);
}

static int write_chunk(const struct ram_writer *w, uint32_t i)
{
	uint64_t at = (uint64_t)i << w->map->shift, n = map_chunk_bytes(w->map, i);
	struct map_chunk *c = &w->map->chunk[i];
	bool zero = map_is_zero(w->ram + at, n);

	/* Zeroes stay in the parent's file where they bridge a gap of it, and nothing else keeps a file. */
	if (parent_has(w, i, at, n) && (!zero || (i && c[-1].file == w->parent->chunk[i].file + 1))) {
		*c = w->parent->chunk[i];
		c->file++;
		return 0;
	}
	if (zero)
		return 0;
	c->file = 0;
	c->sum = map_sum(w->ram + at, n);
	return write_pages(w, at, n);
}

/*
 * A restore pays for each piece that it maps, and most gaps between two pieces are small: the zeroes there become chunks of the
 * snapshot's own file, which has holes there. Longer gaps stay zeroes: what a guest takes into use comes cheaper from there.
 */
static void bridge_gaps(const struct ram_writer *w)
{
	struct ram_map *m = w->map;
	uint32_t last = m->nchunks, i, gap;
	uint64_t sum;

	for (i = 0; i < m->nchunks; i++) {
		if (m->chunk[i].file == MAP_ZERO)
			continue;
		if (last + 1 < i && !m->chunk[last].file && !m->chunk[i].file && (uint64_t)(i - last - 1) << m->shift <= BRIDGE) {
			sum = map_sum(w->ram + ((uint64_t)(last + 1) << m->shift), 1ULL << m->shift);
			for (gap = last + 1; gap < i; gap++)
				m->chunk[gap] = (struct map_chunk){ .file = 0, .sum = sum };
		}
		last = i;
	}
}

/* Files that nothing is left in are not the snapshot's any more. */
static void drop_unused(struct ram_map *m)
{
	uint32_t to[MAP_FILES] = { 0 }, used[MAP_FILES] = { 1 }, i, n = 0;

	for (i = 0; i < m->nchunks; i++)
		if (m->chunk[i].file != MAP_ZERO)
			used[m->chunk[i].file] = 1;
	for (i = 0; i < m->nfiles; i++) {
		if (!used[i])
			continue;
		to[i] = n;
		memmove(m->file[n++], m->file[i], GENERATION);
	}
	for (i = 0; i < m->nchunks; i++)
		if (m->chunk[i].file != MAP_ZERO)
			m->chunk[i].file = to[m->chunk[i].file];
	m->nfiles = n;
}

/**
 * ram_parent_fits() - can a snapshot share another one's files?
 * @map: of the new one
 * @parent: of the other
 *
 * Return: whether it can.
 */
bool ram_parent_fits(const struct ram_map *map, const struct ram_map *parent)
{
	return parent->ram == map->ram && parent->shift == map->shift && parent->nfiles < MAP_FILES;
}

/**
 * ram_write() - write it
 * @w: what and where; if there is a parent, ram_parent_fits() it
 *
 * Return: 0, or -1 with errno; ECANCELED when progress() said so.
 */
int ram_write(struct ram_writer *w)
{
	struct ram_map *m = w->map;
	uint64_t told = 0, done;
	uint32_t i;

	if (w->parent) {
		memcpy(m->file[1], w->parent->file, (size_t)w->parent->nfiles * GENERATION);
		m->nfiles = 1 + w->parent->nfiles;
	}
	for (i = 0; i < m->nchunks; i++) {
		if (write_chunk(w, i))
			return -1;
		done = (uint64_t)(i + 1) << m->shift;
		if (!w->progress || done - told < PROGRESS)
			continue;
		told = done;
		if (!w->progress(w->opaque, done)) {
			errno = ECANCELED;
			return -1;
		}
	}
	bridge_gaps(w);
	drop_unused(m);
	return map_file_end(w->fd, m->generation, m->ram);
}
