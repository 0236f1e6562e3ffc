/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * map.h - where the RAM of a snapshot is: for each chunk the file that holds it and its checksum. What stands in the
 * files is described in docs/snapshot-format.md.
 *
 * A chunk lies in its file where it lies in RAM, so RAM is mapped from the files, and what no file holds is zero.
 */
#ifndef SNAPSHOT_MAP_H
#define SNAPSHOT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state.h"

#define MAP_FILES	32		/* a snapshot has its RAM in at most as many files */
#define MAP_CHUNKS	16384		/* and in as many chunks, or a few more */
#define MAP_CHUNK_MIN	16		/* log2 of the smallest chunk's bytes */
#define MAP_MAX		(8 << 20)	/* bytes of the file `map` */
#define MAP_ZERO	0xffffffffU	/* `file` of a chunk of zeroes */
#define MAP_RAM_MAX	(1ULL << 44)

/**
 * struct map_chunk - one chunk
 * @file: which file holds it, or MAP_ZERO
 * @zero: zero
 * @sum: XXH3, 64 bits, of its bytes; 0 of a chunk of zeroes
 */
struct map_chunk {
	uint32_t file, zero;
	uint64_t sum;
};

/**
 * struct ram_map - the file `map`
 * @generation: of the snapshot
 * @ram: bytes
 * @shift: log2 of a chunk's bytes
 * @nfiles: number of @file
 * @file: their generations, which are their names; the first is the snapshot's own
 * @nchunks: number of @chunk; the last may be cut short by the end of RAM
 * @chunk: in @memory
 * @memory: malloc()ed
 */
struct ram_map {
	char generation[GENERATION];
	uint64_t ram;
	uint32_t shift, nfiles;
	char file[MAP_FILES][GENERATION];
	uint32_t nchunks;
	struct map_chunk *chunk;
	void *memory;
};

int map_init(struct ram_map *m, const char *generation, uint64_t ram);
void map_fini(struct ram_map *m);
const char *map_parse(struct ram_map *m, void *data, size_t n);
void *map_print(const struct ram_map *m, size_t *n);
uint64_t map_chunk_bytes(const struct ram_map *m, uint32_t chunk);
uint64_t map_sum(const void *data, size_t n);
bool map_is_zero(const void *data, size_t n);
int map_apply(const struct ram_map *m, void *base, const int *fd, int prot, int flags);
int map_file_end(int fd, const char *generation, uint64_t ram);
const char *map_file_check(int fd, const char *generation, uint64_t ram);

#endif /* SNAPSHOT_MAP_H */
