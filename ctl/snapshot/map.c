// SPDX-License-Identifier: GPL-2.0-only
/*
 * map.c - the files `map` and *.ram of a snapshot. Source: docs/snapshot-format.md "map", "RAM files".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "map.h"

#define MAGIC		"VTRNMAP\n"
#define END_MAGIC	"VTRNRAM\n"
#define VERSION		1

/* All little-endian, as the machine is. */
struct header {
	char magic[8];
	uint32_t version, shift, nfiles, nchunks;
	uint64_t ram;
	char generation[GENERATION];
	uint64_t sum;		/* XXH3 of all that follows the header, with this header before it and 0 here */
};

/* Behind the RAM in each RAM file: a file that is cut short, or another's, has none or another. */
struct end {
	char magic[8];
	uint32_t version, zero;
	uint64_t ram;
	char generation[GENERATION];
	uint64_t sum;
};

/**
 * map_sum() - checksum of a chunk
 * @data: the chunk
 * @n: bytes
 *
 * Return: XXH3, 64 bits.
 */
uint64_t map_sum(const void *data, size_t n)
{
	return XXH3_64bits(data, n);
}

/**
 * map_is_zero() - nothing but zeroes
 * @data: aligned to 8
 * @n: bytes, a multiple of 8, not 0
 *
 * Return: whether it is.
 */
bool map_is_zero(const void *data, size_t n)
{
	return !*(const uint64_t *)data && !memcmp(data, (const char *)data + 8, n - 8);
}

/**
 * map_init() - a map of RAM that is all zero
 * @m: filled; map_fini() frees it
 * @generation: of the snapshot
 * @ram: bytes, a multiple of a page
 *
 * Return: 0, or -1 with errno.
 */
int map_init(struct ram_map *m, const char *generation, uint64_t ram)
{
	uint32_t i;

	*m = (struct ram_map){ .ram = ram, .shift = MAP_CHUNK_MIN, .nfiles = 1 };
	strncpy(m->generation, generation, GENERATION - 1);
	memcpy(m->file[0], m->generation, GENERATION);
	while (ram >> m->shift > MAP_CHUNKS)
		m->shift++;
	m->nchunks = (ram + (1ULL << m->shift) - 1) >> m->shift;
	m->memory = m->chunk = calloc(m->nchunks, sizeof(*m->chunk));
	if (!m->chunk)
		return -1;
	for (i = 0; i < m->nchunks; i++)
		m->chunk[i].file = MAP_ZERO;
	return 0;
}

/**
 * map_fini() - free it
 * @m: the map
 */
void map_fini(struct ram_map *m)
{
	free(m->memory);
	m->memory = m->chunk = NULL;
}

/**
 * map_chunk_bytes() - how long a chunk is
 * @m: the map
 * @chunk: its number
 *
 * Return: bytes.
 */
uint64_t map_chunk_bytes(const struct ram_map *m, uint32_t chunk)
{
	uint64_t at = (uint64_t)chunk << m->shift, size = 1ULL << m->shift;

	return size < m->ram - at ? size : m->ram - at;
}

static uint64_t sum_of(const struct header *h, const void *rest, size_t n)
{
	XXH3_state_t *state = XXH3_createState();
	uint64_t sum = 0;

	if (!state)
		return 0;
	XXH3_64bits_reset(state);
	XXH3_64bits_update(state, h, offsetof(struct header, sum));
	XXH3_64bits_update(state, rest, n);
	sum = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return sum;
}

/**
 * map_print() - the file
 * @m: the map
 * @n: filled with its size
 *
 * Return: its bytes, to be freed, or NULL.
 */
void *map_print(const struct ram_map *m, size_t *n)
{
	size_t files = (size_t)m->nfiles * GENERATION, chunks = m->nchunks * sizeof(*m->chunk);
	struct header *h;
	uint8_t *rest;

	*n = sizeof(*h) + files + chunks;
	h = calloc(1, *n);
	if (!h)
		return NULL;
	rest = (uint8_t *)(h + 1);
	memcpy(h->magic, MAGIC, 8);
	h->version = VERSION;
	h->shift = m->shift;
	h->nfiles = m->nfiles;
	h->nchunks = m->nchunks;
	h->ram = m->ram;
	memcpy(h->generation, m->generation, GENERATION);
	memcpy(rest, m->file, files);
	memcpy(rest + files, m->chunk, chunks);
	h->sum = sum_of(h, rest, files + chunks);
	return h;
}

static bool header_ok(const struct header *h, size_t n)
{
	return h->shift >= MAP_CHUNK_MIN && h->shift < 40 && h->nfiles >= 1 && h->nfiles <= MAP_FILES && h->ram &&
	       !(h->ram & 0xfff) && h->ram <= MAP_RAM_MAX && h->nchunks <= 2 * MAP_CHUNKS &&
	       h->nchunks == (h->ram + (1ULL << h->shift) - 1) >> h->shift && !h->generation[GENERATION - 1] &&
	       n == sizeof(*h) + (size_t)h->nfiles * GENERATION + h->nchunks * sizeof(struct map_chunk);
}

/* The name of a file comes out of it: nothing but a UUID may. */
static bool generation_ok(const char *g)
{
	size_t i;

	for (i = 0; i < 36; i++)
		if (!g[i] || !strchr("0123456789abcdef-", g[i]))
			return false;
	for (; i < GENERATION; i++)
		if (g[i])
			return false;
	return true;
}

static bool content_ok(const struct ram_map *m)
{
	uint32_t i;

	for (i = 0; i < m->nfiles; i++)
		if (!generation_ok(m->file[i]))
			return false;
	for (i = 0; i < m->nchunks; i++)
		if (m->chunk[i].file >= m->nfiles && m->chunk[i].file != MAP_ZERO)
			return false;
	return !memcmp(m->file[0], m->generation, GENERATION);
}

/**
 * map_parse() - read the file
 * @m: filled; map_fini() frees it, also after a failure
 * @data: the file, malloc()ed; it is the map's from here on, also after a failure: a restore pays for each page of a copy
 * @n: bytes
 *
 * Return: NULL, or what is wrong with it.
 */
const char *map_parse(struct ram_map *m, void *data, size_t n)
{
	struct header h;
	uint8_t *rest = (uint8_t *)data + sizeof(h);

	*m = (struct ram_map){ .memory = data };
	if (n < sizeof(h) || memcmp(data, MAGIC, 8))
		return "is not the map of a snapshot's RAM";
	memcpy(&h, data, sizeof(h));
	if (h.version != VERSION)
		return h.version > VERSION ? "was written by a newer vmctl" : "has a version that never was";
	if (!header_ok(&h, n) || h.sum != sum_of(&h, rest, n - sizeof(h)))
		return "is damaged, or a part of it is missing";
	m->ram = h.ram;
	m->shift = h.shift;
	m->nfiles = h.nfiles;
	m->nchunks = h.nchunks;
	memcpy(m->generation, h.generation, GENERATION);
	memcpy(m->file, rest, (size_t)h.nfiles * GENERATION);
	/* Aligned: header and generations are multiples of 8. */
	m->chunk = (void *)(rest + (size_t)h.nfiles * GENERATION);
	return content_ok(m) ? NULL : "contradicts itself";
}

/**
 * map_apply() - map the RAM of a snapshot over memory that is zero
 * @m: the map
 * @base: where; a multiple of a page; @m->ram bytes are there
 * @fd: the files, in the map's order, each looked at by map_file_check()
 * @prot: of mmap()
 * @flags: MAP_PRIVATE or MAP_SHARED
 *
 * Return: 0, or -1 with errno.
 */
int map_apply(const struct ram_map *m, void *base, const int *fd, int prot, int flags)
{
	uint32_t i, end;
	uint64_t at, to;

	for (i = 0; i < m->nchunks; i = end) {
		for (end = i + 1; end < m->nchunks && m->chunk[end].file == m->chunk[i].file; end++)
			;
		if (m->chunk[i].file == MAP_ZERO)
			continue;
		at = (uint64_t)i << m->shift;
		to = (uint64_t)(end - 1) << m->shift;
		to += map_chunk_bytes(m, end - 1);
		if (mmap((uint8_t *)base + at, to - at, prot, flags | MAP_FIXED | MAP_NORESERVE,
			 fd[m->chunk[i].file], at) == MAP_FAILED)
			return -1;
	}
	return 0;
}

static void make_end(struct end *e, const char *generation, uint64_t ram)
{
	memset(e, 0, sizeof(*e));
	memcpy(e->magic, END_MAGIC, 8);
	e->version = VERSION;
	e->ram = ram;
	strncpy(e->generation, generation, GENERATION - 1);
	e->sum = XXH3_64bits(e, offsetof(struct end, sum));
}

/**
 * map_file_end() - a RAM file is complete: write its end
 * @fd: the file
 * @generation: of its snapshot
 * @ram: bytes of RAM
 *
 * Return: 0, or -1 with errno.
 */
int map_file_end(int fd, const char *generation, uint64_t ram)
{
	struct end e;
	ssize_t n;

	make_end(&e, generation, ram);
	n = pwrite(fd, &e, sizeof(e), ram);
	if (n >= 0 && n != sizeof(e))
		errno = ENOSPC;
	return n == sizeof(e) ? 0 : -1;
}

/**
 * map_file_check() - is it the file that the map means, and all of it?
 * @fd: a RAM file
 * @generation: of its snapshot
 * @ram: bytes of RAM
 *
 * The RAM in it is not looked at.
 * Return: NULL, or what is wrong with it.
 */
const char *map_file_check(int fd, const char *generation, uint64_t ram)
{
	struct end e, is;
	struct stat st;

	make_end(&e, generation, ram);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size != (off_t)(ram + sizeof(e)))
		return "has not the size that it was written with";
	if (pread(fd, &is, sizeof(is), ram) != sizeof(is) || memcmp(&e, &is, sizeof(e)))
		return "is the RAM of another snapshot, or damaged";
	return NULL;
}
