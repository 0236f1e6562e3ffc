// SPDX-License-Identifier: GPL-2.0-only
/*
 * format.c - names of formats, how a file shows its own, errors about files.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../compiler.h"
#include "layer.h"

static const char * const names[DISK_FORMATS] = {
	[DISK_AUTO] = "auto", [DISK_RAW] = "raw", [DISK_QCOW2] = "qcow2", [DISK_VMDK] = "vmdk",
	[DISK_VHD] = "vhd", [DISK_VHDX] = "vhdx", [DISK_VDI] = "vdi",
};

/* What a file begins with. VHD shows itself in its last sector as well; a fixed one only there. */
static const struct {
	enum disk_format format;
	unsigned int offset, n;
	const char *bytes;
} magics[] = {
	{ DISK_QCOW2, 0, 4, "QFI\xfb" },
	{ DISK_VMDK, 0, 4, "KDMV" },
	{ DISK_VMDK, 0, 4, "COWD" },
	{ DISK_VMDK, 0, 21, "# Disk DescriptorFile" },
	{ DISK_VHDX, 0, 8, "vhdxfile" },
	{ DISK_VHD, 0, 8, "conectix" },
	{ DISK_VDI, 0x40, 4, "\x7f\x10\xda\xbe" },
};

/**
 * disk_format_name() - as users write it
 * @f: format
 *
 * Return: the name.
 */
const char *disk_format_name(enum disk_format f)
{
	return names[f];
}

/**
 * disk_format_named() - the format of a name
 * @name: what the user wrote; also vpc, QEMU's word for vhd
 *
 * Return: the format, or DISK_FORMATS if there is none of that name.
 */
enum disk_format disk_format_named(const char *name)
{
	enum disk_format f;

	if (!strcmp(name, "vpc"))
		return DISK_VHD;
	for (f = DISK_AUTO; f < DISK_FORMATS; f++)
		if (!strcmp(name, names[f]))
			break;
	return f;
}

/**
 * disk_format_of_name() - the format that a file's name says it has
 * @path: name; nobody looks into the file
 *
 * Return: the format; DISK_RAW for every other ending.
 */
enum disk_format disk_format_of_name(const char *path)
{
	const char *dot = strrchr(path, '.');
	enum disk_format f = dot ? disk_format_named(dot + 1) : DISK_RAW;

	return f == DISK_AUTO || f == DISK_FORMATS ? DISK_RAW : f;
}

/**
 * disk_format_probe() - the format a file shows
 * @head: its beginning
 * @n: bytes there
 * @file_size: bytes in the whole file
 *
 * Return: the format; DISK_RAW if it is none of the others.
 */
enum disk_format disk_format_probe(const void *head, size_t n, uint64_t file_size)
{
	size_t i;

	(void)file_size;
	for (i = 0; i < ARRAY_SIZE(magics); i++)
		if (n >= magics[i].offset + magics[i].n &&
		    !memcmp((const char *)head + magics[i].offset, magics[i].bytes, magics[i].n))
			return magics[i].format;
	return DISK_RAW;
}

/**
 * disk_error_set() - fill an error
 * @e: error
 * @object: file
 * @what: went wrong
 * @remedy: what to do
 *
 * Return: -1.
 */
int disk_error_set(struct disk_error *e, const char *object, const char *what, const char *remedy)
{
	snprintf(e->object, sizeof(e->object), "%s", object);
	snprintf(e->what, sizeof(e->what), "%s", what);
	snprintf(e->remedy, sizeof(e->remedy), "%s", remedy);
	return -1;
}

/**
 * disk_error_errno() - fill an error that an errno names
 * @e: error
 * @object: file
 * @err: -errno
 * @remedy: what to do
 *
 * Return: -1.
 */
int disk_error_errno(struct disk_error *e, const char *object, int err, const char *remedy)
{
	return disk_error_set(e, object, strerror(-err), remedy);
}
