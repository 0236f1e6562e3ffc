/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blk.h - the machine's disks.
 */
#ifndef VMM_BLK_H
#define VMM_BLK_H

struct disk;
struct vmm;

int vmm_blk_create(struct vmm *m);
void vmm_blk_destroy(struct vmm *m);
struct disk *vmm_blk_disk(struct vmm *m, unsigned int number);

#endif /* VMM_BLK_H */
