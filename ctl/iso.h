/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iso.h - a small ISO 9660 image with Joliet names, made in memory.
 */
#ifndef VMCTL_ISO_H
#define VMCTL_ISO_H

#include <stddef.h>
#include <stdint.h>

#define ISO_FILES	8
#define ISO_NAME	32

/**
 * struct iso_file - a file in the image's only folder
 * @name: ASCII, up to ISO_NAME characters
 * @plain: its name for readers without Joliet: eight of A to Z, 0 to 9 and '_'
 * @data: its bytes
 * @n: their number
 */
struct iso_file {
	const char *name, *plain;
	const void *data;
	size_t n;
};

uint8_t *iso_build(const char *label, const struct iso_file *files, unsigned int nfiles, size_t *size);

#endif /* VMCTL_ISO_H */
