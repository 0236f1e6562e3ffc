// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - writing and reading the file `state` of a snapshot. Source: docs/snapshot-format.md "state".
 */
#include <stdlib.h>
#include <string.h>

#include "state.h"

#define MAGIC		"VTRNSTAT"
#define VERSION		1
#define HEADER		(8 + 4 + 4 + GENERATION)

static void put(struct state_writer *w, const void *data, size_t n)
{
	uint8_t *more;

	if (!n)
		return;
	if (w->failed || n > STATE_MAX - w->n) {
		w->failed = true;
		return;
	}
	if (n > w->room - w->n) {
		w->room = 2 * (w->n + n);
		more = realloc(w->data, w->room);
		if (!more) {
			w->failed = true;
			return;
		}
		w->data = more;
	}
	memcpy(w->data + w->n, data, n);
	w->n += n;
}

static void put32(struct state_writer *w, uint32_t v)
{
	uint8_t b[4] = { v, v >> 8, v >> 16, v >> 24 };

	put(w, b, sizeof(b));
}

static void put_name(struct state_writer *w, const char *name)
{
	size_t n = strlen(name);
	uint8_t len = n;

	if (!n || n > STATE_NAME_MAX)
		w->failed = true;
	put(w, &len, 1);
	put(w, name, n);
}

/**
 * state_begin() - begin the file
 * @w: filled; @w->data is to be freed by the caller
 * @generation: of the snapshot
 */
void state_begin(struct state_writer *w, const char *generation)
{
	char g[GENERATION] = "";

	*w = (struct state_writer){ 0 };
	strncpy(g, generation, sizeof(g) - 1);
	put(w, MAGIC, 8);
	put32(w, VERSION);
	put32(w, 0);
	put(w, g, sizeof(g));
}

/**
 * state_put() - add a field
 * @w: from state_begin(); @w->failed tells whether all of it went in
 * @part: name of its part
 * @version: of the part's fields
 * @name: of the field
 * @size: bytes of an element: 1, 2, 4 or 8
 * @count: elements
 * @data: in this machine's order, which is little-endian
 */
void state_put(struct state_writer *w, const char *part, uint32_t version, const char *name, uint32_t size,
	       uint32_t count, const void *data)
{
	put_name(w, part);
	put32(w, version);
	put_name(w, name);
	put32(w, size);
	put32(w, count);
	put(w, data, (size_t)size * count);
}

static uint32_t get32(const uint8_t *b)
{
	return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}

static bool get_name(struct state_reader *r, char to[STATE_NAME_MAX + 1])
{
	size_t n;

	if (r->at == r->n)
		return false;
	n = r->data[r->at++];
	if (!n || n > STATE_NAME_MAX || n > r->n - r->at || memchr(r->data + r->at, 0, n))
		return false;
	memcpy(to, r->data + r->at, n);
	to[n] = 0;
	r->at += n;
	return true;
}

static bool get_number(struct state_reader *r, uint32_t *v)
{
	if (r->n - r->at < 4)
		return false;
	*v = get32(r->data + r->at);
	r->at += 4;
	return true;
}

static bool get_field(struct state_reader *r, struct state_field *f)
{
	uint64_t bytes;

	if (!get_name(r, f->part) || !get_number(r, &f->version) || !get_name(r, f->name) ||
	    !get_number(r, &f->size) || !get_number(r, &f->count))
		return false;
	if (f->size != 1 && f->size != 2 && f->size != 4 && f->size != 8)
		return false;
	bytes = (uint64_t)f->size * f->count;
	if (bytes > r->n - r->at)
		return false;
	f->data = r->data + r->at;
	r->at += bytes;
	return true;
}

/**
 * state_open() - begin to read; the whole file is looked at
 * @r: filled; stands at the first field
 * @data: the file; stays the caller's
 * @n: bytes
 *
 * Return: NULL, or what is wrong with it.
 */
const char *state_open(struct state_reader *r, const void *data, size_t n)
{
	struct state_field f;
	uint32_t version;

	*r = (struct state_reader){ .data = data, .n = n };
	if (n < HEADER || memcmp(data, MAGIC, 8))
		return "is not the state of a machine";
	version = get32(r->data + 8);
	if (version != VERSION)
		return version > VERSION ? "was written by a newer vmctl" : "has a version that never was";
	memcpy(r->generation, r->data + 16, sizeof(r->generation));
	if (r->generation[GENERATION - 1])
		return "is damaged";
	r->at = HEADER;
	while (r->at < n)
		if (!get_field(r, &f))
			return "is damaged, or a part of it is missing";
	r->at = HEADER;
	return NULL;
}

/**
 * state_next() - the next field
 * @r: from a state_open() that found nothing wrong
 * @f: filled
 *
 * Return: whether there was one.
 */
bool state_next(struct state_reader *r, struct state_field *f)
{
	return r->at < r->n && get_field(r, f);
}
