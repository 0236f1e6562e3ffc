/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ram.h - writing the RAM of a snapshot: what is not zero, and not in the parent's files already.
 */
#ifndef SNAPSHOT_RAM_H
#define SNAPSHOT_RAM_H

#include "map.h"

/**
 * struct ram_writer - RAM to write
 * @ram: the RAM, which does not change
 * @fd: the file
 * @map: map_init()ed; filled
 * @parent: map of a snapshot that may hold some of it already, or NULL
 * @view: its RAM
 * @progress: called now and then with the bytes that are done; false cancels; may be NULL
 * @opaque: its argument
 */
struct ram_writer {
	const uint8_t *ram;
	int fd;
	struct ram_map *map;
	const struct ram_map *parent;
	const uint8_t *view;
	bool (*progress)(void *opaque, uint64_t done);
	void *opaque;
};

bool ram_parent_fits(const struct ram_map *map, const struct ram_map *parent);
int ram_write(struct ram_writer *w);

#endif /* SNAPSHOT_RAM_H */
