/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h - what the verbs of `vmctl image` share.
 */
#ifndef VMCTL_IMAGE_H
#define VMCTL_IMAGE_H

#include "disk/disk.h"
#include "vmctl.h"

/* image.c */
int image_tell(const struct disk_error *e);
error_t image_format(const char *name, enum disk_format *f);

/* One file a verb: argv[0] is the verb, the exit status comes back. */
int image_check(int argc, char **argv);
int image_convert(int argc, char **argv);
int image_create(int argc, char **argv);
int image_import(int argc, char **argv);
int image_info(int argc, char **argv);

#endif /* VMCTL_IMAGE_H */
