/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * info.h - the file `info` of a snapshot: what it is, with the sizes and checksums of the rest.
 */
#ifndef SNAPSHOT_INFO_H
#define SNAPSHOT_INFO_H

#include <jansson.h>
#include <stdbool.h>

/* Versions of the format: the oldest vmctl that can do with a snapshot decides. */
enum {
	SNAPSHOT_FULL = 1,	/* of a machine that ran: memory, state, disks */
	SNAPSHOT_DISKS,		/* of a machine that was off: disks */
	SNAPSHOT_BOOT,		/* of either, with files that it boots from */
	SNAPSHOT_NEWEST = SNAPSHOT_BOOT,
};

bool snapshot_generation_ok(const char *g);
bool snapshot_info_has_memory(const json_t *info);
void snapshot_info_of_disks(json_t *info);
int snapshot_info_parse(const char *text, size_t n, json_t **info, const char **wrong);
char *snapshot_info_print(const json_t *info, size_t *n);

#endif /* SNAPSHOT_INFO_H */
