/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - the state of the VM and its CPUs.
 */
#ifndef VMM_STATE_H
#define VMM_STATE_H

struct vmm;

int vmm_state_create(struct vmm *m);
int vmm_state_cpuid(struct vmm *m);
void vmm_state_destroy(struct vmm *m);

#endif /* VMM_STATE_H */
