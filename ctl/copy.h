/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * copy.h - a disk image of a new VM's own.
 */
#ifndef VMCTL_COPY_H
#define VMCTL_COPY_H

int copy_image(int folder, const char *name, const char *path);

#endif /* VMCTL_COPY_H */
