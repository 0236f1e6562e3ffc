/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * overlay.h - a VM's own layer over a disk image.
 */
#ifndef VMCTL_OVERLAY_H
#define VMCTL_OVERLAY_H

int overlay_create(int folder, const char *name, const char *image);

#endif /* VMCTL_OVERLAY_H */
