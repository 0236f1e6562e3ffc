/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * devices.h - the machine's devices on the PCI bus: how each is made and taken away, and what others ask of it.
 */
#ifndef VMM_DEVICES_H
#define VMM_DEVICES_H

struct vmm;

int vmm_net_create(struct vmm *m);
void vmm_net_destroy(struct vmm *m);
int vmm_rng_create(struct vmm *m);
void vmm_rng_destroy(struct vmm *m);

#endif /* VMM_DEVICES_H */
