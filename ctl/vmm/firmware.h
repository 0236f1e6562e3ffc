/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * firmware.h - the BIOS of a machine that is given no kernel, and the interface through which the BIOS asks about
 * the machine.
 *
 * Files: firmware.c the ROM and what is told of the machine, fw_cfg.c the interface.
 */
#ifndef VMM_FIRMWARE_H
#define VMM_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

struct kvm_regs;
struct vmm;

#define VMM_FIRMWARE	"/usr/share/seabios/bios-256k.bin"	/* of Debian's package seabios */

/* firmware.c */
int vmm_firmware_create(struct vmm *m);
void vmm_firmware_destroy(struct vmm *m);
int vmm_firmware_load(struct vmm *m, struct kvm_regs *regs);

/* fw_cfg.c */
#define FW_CFG_CPUS	0x05	/* key: their number, 16 bits */

int fw_cfg_create(struct vmm *m);
void fw_cfg_destroy(struct vmm *m);
int fw_cfg_add(struct vmm *m, uint16_t key, const void *data, size_t size);
int fw_cfg_add_file(struct vmm *m, const char *name, const void *data, size_t size);

#endif /* VMM_FIRMWARE_H */
