/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cdrom.h - the machine's CD drive, and what may be put into it.
 *
 * Files: cdrom.c images, virtio_scsi.c the drive as the guest reaches it, scsi_cd.c its commands.
 */
#ifndef VMM_CDROM_H
#define VMM_CDROM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct vmm;

#define CDROM_NONE	"none"	/* in place of an image: an empty drive */
#define CDROM_REMEDY	"name an ISO image with --cdrom, or `none`"

/* Is a medium named, rather than an empty drive or, with NULL, none? */
static inline bool cdrom_is_image(const char *name)
{
	return name && strcmp(name, CDROM_NONE);
}

/* cdrom.c */
int cdrom_open(const char *path, const char *remedy, uint32_t *blocks);
const char *cdrom_check(int fd, uint32_t *blocks);

/* virtio_scsi.c */
int vmm_cd_create(struct vmm *m);
void vmm_cd_destroy(struct vmm *m);
const char *vmm_cd_change(struct vmm *m, int fd);
void vmm_cd_state(struct vmm *m, bool *medium, bool *locked);

#endif /* VMM_CDROM_H */
