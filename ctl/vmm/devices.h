/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * devices.h - the machine's devices on the PCI bus: how each is made and taken away, and what others ask of it.
 */
#ifndef VMM_DEVICES_H
#define VMM_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmm;

int vmm_net_create(struct vmm *m);
void vmm_net_destroy(struct vmm *m);
void vmm_net_flap(struct vmm *m);
unsigned int vmm_net_fds(const struct vmm *m);
void vmm_net_replug(struct vmm *m, const int *fd, const uint8_t (*mac)[6], const bool *none);
int vmm_rng_create(struct vmm *m);
void vmm_rng_destroy(struct vmm *m);
int vmm_vsock_create(struct vmm *m);
void vmm_vsock_destroy(struct vmm *m);
int vmm_vsock_forked(struct vmm *m, int listener);
int vmm_hvc_create(struct vmm *m);
void vmm_hvc_destroy(struct vmm *m);
size_t vmm_hvc_room(struct vmm *m);
void vmm_hvc_input(struct vmm *m, const uint8_t *data, size_t n);
size_t vmm_hvc_peek(struct vmm *m, uint8_t *data, size_t max);
void vmm_hvc_drop(struct vmm *m, size_t n);

#endif /* VMM_DEVICES_H */
