/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * save.h - the machine's parts and RAM to and from the files of a snapshot.
 */
#ifndef VMM_SAVE_H
#define VMM_SAVE_H

#include <stdint.h>

#include "snapshot/map.h"
#include "snapshot/state.h"

struct vmm;
struct vmm_part;

/* Descriptors of a request for a snapshot, in this order; then a fresh layer for each writable disk; then the parent's RAM files. */
enum {
	VMM_SAVE_STATUS,	/* pipe: "P us" from the VM; "M bytes done", then "D" or "E error" from who writes */
	VMM_SAVE_STATE,
	VMM_SAVE_MAP,
	VMM_SAVE_RAM,
	VMM_SAVE_PARENT,	/* the parent's map; anything empty where there is none */
	VMM_SAVE_FIXED,
};

/**
 * struct vmm_restore - a machine that goes on where a snapshot was made
 * @state: the file `state`, looked at by state_open()
 * @state_size: its bytes
 * @map: of the RAM
 * @fd: the RAM files, in the order of @map
 * @prefault: read all of the RAM ahead
 */
struct vmm_restore {
	const void *state;
	size_t state_size;
	struct ram_map map;
	int fd[MAP_FILES];
	bool prefault;
};

/* save.c */
void vmm_save_write(struct vmm *m, const char *generation, const int *fd, const int *files, unsigned int nfiles);

/* restore.c */
const char *vmm_parts_fill(struct vmm_part *parts, struct state_reader *r, char *object, size_t room);
int vmm_restore_memory(struct vmm *m);
void vmm_restore_prefault(struct vmm *m);
int vmm_restore_state(struct vmm *m);
int vmm_restore_load(struct vmm *m);

/* restore_cpu.c */
int vmm_restore_cpu(const char *device, const void *state, size_t size);

#endif /* VMM_SAVE_H */
