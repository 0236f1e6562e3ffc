/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layers.h - the disks of VMs that share layers.
 */
#ifndef VMCTL_LAYERS_H
#define VMCTL_LAYERS_H

#include "disk/disk.h"
#include "store/store.h"

#define LAYER_NAME	40	/* bytes of the name of a layer in a VM's folder */

/**
 * struct layer_walk - a disk's layers, from the top
 * @vm: in whose folder
 * @name: of the layer: in the folder, or absolute
 * @format: of the layer, as the configuration or the layer over it has it
 * @info: what the layer is
 */
struct layer_walk {
	const struct vm *vm;
	char name[1100];
	enum disk_format format;
	struct disk_info info;
};

int layers_first(struct layer_walk *w, const struct vm *vm, const struct config_disk *d);
int layers_next(struct layer_walk *w);
int layers_share(const struct vm *from, const struct vm *to, const struct config_disk *d);
int layers_over(const struct vm *vm, const struct config_disk *d, char name[LAYER_NAME]);
int layers_set(struct config_disk *d, const char *name);
void layers_collect(const struct vm *vm, const struct config *c);
int layers_open(const struct vm *vm, const char *name);
void layers_path(char *path, size_t n, const struct vm *vm, const char *file);
bool layers_made(const char *name);

/* layers_merge.c */
void layers_tidy(const struct vm *vm, struct config *c);

#endif /* VMCTL_LAYERS_H */
