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
void vmm_blk_flush(struct vmm *m);
int vmm_blk_freeze(struct vmm *m);
int vmm_blk_push(struct vmm *m, const int *fd);
unsigned int vmm_blk_writable(const struct vmm *m);
struct disk *vmm_blk_disk(struct vmm *m, unsigned int number);

#endif /* VMM_BLK_H */
