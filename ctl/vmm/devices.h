/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * devices.h - the machine's devices on the PCI bus: how each is made and taken away, and what others ask of it.
 */
#ifndef VMM_DEVICES_H
#define VMM_DEVICES_H

#include <stdint.h>

struct vmm;

int vmm_net_create(struct vmm *m);
void vmm_net_destroy(struct vmm *m);
unsigned int vmm_net_fds(const struct vmm *m);
void vmm_net_replug(struct vmm *m, const int *fd, const uint8_t (*mac)[6]);
int vmm_rng_create(struct vmm *m);
void vmm_rng_destroy(struct vmm *m);

#endif /* VMM_DEVICES_H */
