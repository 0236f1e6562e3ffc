/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - the file `state` of a snapshot: what the parts of a machine saved, as a flat list of fields. What
 * stands in it is described in docs/snapshot-format.md.
 *
 * The file comes from outside: nothing of it is used before state_open() has walked the whole of it.
 */
#ifndef SNAPSHOT_STATE_H
#define SNAPSHOT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GENERATION	40		/* room for a snapshot's generation: a UUID as text, zeroes behind it */
#define STATE_MAX	(64 << 20)	/* bytes of the file */
#define STATE_NAME_MAX	63		/* bytes of a name in it */

/**
 * struct state_field - one field of the file
 * @part: name of its part
 * @name: of the field
 * @version: of the part's fields
 * @size: bytes of an element: 1, 2, 4 or 8
 * @count: elements
 * @data: little-endian, not aligned
 */
struct state_field {
	char part[STATE_NAME_MAX + 1], name[STATE_NAME_MAX + 1];
	uint32_t version, size, count;
	const uint8_t *data;
};

/**
 * struct state_writer - the file in the making
 * @data: malloc()ed
 * @n: bytes
 * @room: of @data
 * @failed: no memory, or a field that no file can have
 */
struct state_writer {
	uint8_t *data;
	size_t n, room;
	bool failed;
};

/**
 * struct state_reader - the file being read
 * @data: all of it; the caller's
 * @n: bytes
 * @at: of the next field
 * @generation: of the snapshot
 */
struct state_reader {
	const uint8_t *data;
	size_t n, at;
	char generation[GENERATION];
};

void state_begin(struct state_writer *w, const char *generation);
void state_put(struct state_writer *w, const char *part, uint32_t version, const char *name, uint32_t size,
	       uint32_t count, const void *data);
const char *state_open(struct state_reader *r, const void *data, size_t n);
bool state_next(struct state_reader *r, struct state_field *f);

#endif /* SNAPSHOT_STATE_H */
