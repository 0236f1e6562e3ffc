/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record.h - the snapshots of a VM as they lie in its folder. The format is described in docs/snapshot-format.md.
 *
 *	snapshots/NAME/info	what it is, with the sizes and checksums of the rest
 *	snapshots/NAME/config	the VM's configuration of that moment
 *	snapshots/NAME/state	of the machine's parts
 *	snapshots/NAME/map	where its RAM is
 *	snapshots/NAME/UUID.ram	the RAM that changed since its parent; the parent's files are there by links
 *	snapshots/NAME/disks/	the layers of its disks, by links
 *	snapshots/.current	generation of the snapshot that the VM goes on from
 *	snapshots/.new-*	one in the making; debris once its `lock` is free
 *
 * A snapshot needs nothing that is not in its folder, but images with absolute names; each can go without the others.
 * One is there when its folder has its name, by a rename, and is complete then. One of a VM that did not run has no state, map and RAM.
 */
#ifndef SNAPSHOT_RECORD_H
#define SNAPSHOT_RECORD_H

#include "info.h"
#include "map.h"
#include "state.h"
#include "store/store.h"

#define SNAPSHOT_NAME	64

/**
 * struct snapshot - one, opened
 * @vm: whose; a snapshot's folder looks like a VM's to those who handle disks: .fd is the folder
 * @name: of the snapshot
 * @generation: its own
 * @info: the file `info`
 */
struct snapshot {
	struct vm vm;
	char name[SNAPSHOT_NAME], generation[GENERATION];
	json_t *info;
};

/**
 * struct snapshot_ram - its RAM
 * @map: where it is
 * @fd: its files
 */
struct snapshot_ram {
	struct ram_map map;
	int fd[MAP_FILES];
};

/**
 * struct snapshot_work - a long look at files
 * @progress: hears now and then how far it is; false: it ends here
 * @done: bytes so far
 * @all: bytes that there are
 */
struct snapshot_work {
	bool (*progress)(uint64_t done, uint64_t all);
	uint64_t done, all;
};

/* record.c */
bool snapshot_has_memory(const struct snapshot *s);
int snapshot_open(struct snapshot *s, const struct vm *vm, const char *name);
void snapshot_close(struct snapshot *s);
int snapshot_names(const struct vm *vm, char ***names, size_t *n);
int snapshot_list(const struct vm *vm, struct snapshot **list, size_t *n);
void snapshot_list_free(struct snapshot *list, size_t n);
const char *snapshot_text(const struct snapshot *s, const char *key);
json_int_t snapshot_number(const struct snapshot *s, const char *key);
int snapshot_tell(const struct snapshot *s, const char *part, const char *what, const char *remedy);
int snapshot_info_write(int folder, json_t *info);
void snapshot_current(const struct vm *vm, char generation[GENERATION]);
int snapshot_set_current(const struct vm *vm, const char *generation);

/* check.c */
int snapshot_sum_file(int folder, const char *name, uint64_t *size, char sum[17], struct snapshot_work *w);
int snapshot_check(const struct snapshot *s);
int snapshot_check_layers(const struct snapshot *s);
int snapshot_check_deep(const struct snapshot *s, bool (*progress)(uint64_t done, uint64_t all));
void *snapshot_state(const struct snapshot *s, size_t *n);
int snapshot_config(const struct snapshot *s, struct config *c);
int snapshot_ram_open(const struct snapshot *s, struct snapshot_ram *r);
void snapshot_ram_close(struct snapshot_ram *r);

/* folder.c: making one */
int snapshot_begin(const struct vm *vm, char temporary[112], struct vm *folder);
int snapshot_commit(const struct vm *vm, const char *temporary, const char *name);
void snapshot_cancel(const struct vm *vm, const char *temporary, struct vm *folder);
void snapshot_sweep(const struct vm *vm);
int snapshot_remove(const struct vm *vm, const char *name);

#endif /* SNAPSHOT_RECORD_H */
