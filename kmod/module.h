/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module.h - what exists once for the module: the device, the host's CPUs.
 */
#ifndef VITRINE_MODULE_H
#define VITRINE_MODULE_H

#include "vitrine.h"

/* device.c */
int vtr_device_init(void);
void vtr_device_fini(void);

/* host.c */
int vtr_host_init(void);
void vtr_host_fini(void);

/* vm.c */
struct vtr_vm *vtr_vm_create(void);
int vtr_vm_fd(struct vtr_vm *vm);
int vtr_check_extension(struct vtr_vm *vm, long cap);

/* irqfd.c, notifier.c */
void vtr_irq_module_exit(void);
void vtr_mmu_module_exit(void);

#endif /* VITRINE_MODULE_H */
