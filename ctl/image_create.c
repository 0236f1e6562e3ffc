// SPDX-License-Identifier: GPL-2.0-only
/*
 * image_create.c - vmctl image create: an empty image, or one over another.
 */
#include <stdlib.h>

#include "image.h"

#define KEY_TO		0x200
#define KEY_BACKING_TO	0x201

static enum disk_format format = DISK_QCOW2, backing_format;
static const char *backing;

static const struct argp_option options[] = {
	{ "to", KEY_TO, "FORMAT", 0, "qcow2 (default) or raw", 0 },
	{ "backing", 'b', "FILE", 0, "The image under it; a relative name counts from the new image's folder", 0 },
	{ "backing-format", KEY_BACKING_TO, "FORMAT", 0, "Its format (default: what it shows)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case KEY_TO:
		return image_format(arg, &format);
	case KEY_BACKING_TO:
		return image_format(arg, &backing_format);
	case 'b':
		backing = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "FILE [SIZE]",
	.doc = "Makes an image. With --backing it begins with that image's contents, which must not change "
	       "any more, and its size unless another is given.\v"
	       "Examples:\n"
	       "  vmctl image create web.qcow2 20G\n"
	       "  vmctl image create --backing debian.qcow2 web.qcow2",
};

/* The chain as it will be opened later: whole, and its format known for good. */
static int look_at_backing(const char *path, uint64_t *size, bool sized)
{
	char *full = disk_backing_path(path, backing);
	struct disk_error e;
	struct disk_info info;
	struct disk *d = full ? disk_open(full, backing_format, DISK_READ_ONLY, &e) : NULL;

	free(full);
	if (!full)
		return vmctl_error(backing, "is no file's name", "name an image file");
	if (!d)
		return image_tell(&e);
	if (!sized)
		*size = disk_size(d);
	if (!disk_info(d, &info))
		backing_format = info.format;
	disk_close(d);
	return VMCTL_OK;
}

int image_create(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .no_store = true, .min = 1, .max = 2 };
	struct disk_error e;
	uint64_t size = 0;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (a.n < 2 && !backing)
		return vmctl_usage("SIZE", "missing");
	if (a.n == 2 && (!text_to_size(a.names[1], &size) || !size))
		return vmctl_usage(a.names[1], "is no size");
	if (backing && format != DISK_QCOW2)
		return vmctl_usage("--backing", "only qcow2 images have one");
	if (backing && look_at_backing(a.names[0], &size, a.n == 2))
		return VMCTL_FAILED;
	return disk_create(a.names[0], format, size, backing, backing_format, &e) ? image_tell(&e) :
	       VMCTL_OK;
}
