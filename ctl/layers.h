/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layers.h - the disks of VMs that share layers.
 */
#ifndef VMCTL_LAYERS_H
#define VMCTL_LAYERS_H

#include "store/store.h"

#define LAYER_NAME	40	/* bytes of the name of a layer in a VM's folder */

int layers_share(const struct vm *from, const struct vm *to, const char *file);
int layers_over(const struct vm *vm, const struct config_disk *d, char name[LAYER_NAME]);
int layers_open(const struct vm *vm, const char *name);

#endif /* VMCTL_LAYERS_H */
