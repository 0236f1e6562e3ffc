// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlay.c - the first disk of a VM that begins as an image: an empty qcow2 layer over it. The image stays as
 * it is, shared by all VMs that began with it, and must stay where it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "disk/disk.h"
#include "overlay.h"
#include "vmctl.h"

static int tell(const struct disk_error *e)
{
	return vmctl_error(e->object, e->what, e->remedy);
}

static int look(const char *image, struct disk_info *info)
{
	struct disk_error e;
	struct disk *d = disk_open(image, DISK_AUTO, DISK_READ_ONLY, &e);
	int err;

	if (!d)
		return tell(&e);
	err = disk_info(d, info);
	disk_close(d);
	return err ? vmctl_error(image, "cannot be looked into", "see `vmctl image check`") : VMCTL_OK;
}

/**
 * overlay_create() - make the layer
 * @folder: of the VM
 * @name: of the layer's file in it
 * @image: absolute path
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int overlay_create(int folder, const char *name, const char *image)
{
	struct disk_info info;
	struct disk_error e;
	char path[96];

	if (look(image, &info))
		return VMCTL_FAILED;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", folder, name);
	if (disk_create(path, DISK_QCOW2, info.size, image, info.format, &e))
		return tell(&e);
	return VMCTL_OK;
}
