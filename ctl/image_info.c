// SPDX-License-Identifier: GPL-2.0-only
/*
 * image_info.c - vmctl image info: what images are.
 */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "compiler.h"
#include "image.h"

static const struct argp argp = {
	.args_doc = "FILE...",
	.doc = "Tells what images are; also of those in use.\v"
	       "Examples:\n"
	       "  vmctl image info web.qcow2\n"
	       "  vmctl image info --format json *.qcow2",
};

static const struct output_column columns[] = {
	{ "file", "FILE", OUTPUT_TEXT },
	{ "format", "FORMAT", OUTPUT_TEXT },
	{ "size", "SIZE", OUTPUT_SIZE },
	{ "file_size", "ON DISK", OUTPUT_SIZE },
	{ "cluster", "CLUSTER", OUTPUT_SIZE },
	{ "snapshots", "SNAPSHOTS", OUTPUT_TEXT },
	{ "dirty", "DIRTY", OUTPUT_TEXT },
	{ "damaged", "DAMAGED", OUTPUT_TEXT },
	{ "backing", "BACKING", OUTPUT_TEXT },
};

/* The backing file is named and not opened: it may be missing, which is worth knowing. */
static json_t *row_of(const char *path)
{
	struct disk_error e;
	struct disk_info i;
	struct disk *d = disk_open(path, DISK_AUTO, DISK_UNLOCKED | DISK_NO_BACKING, &e);
	int err;

	if (!d) {
		image_tell(&e);
		return NULL;
	}
	err = disk_info(d, &i);
	disk_close(d);
	if (err) {
		errno = -err;
		vmctl_errno(path, "see whether its disk works");
		return NULL;
	}
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:i, s:b, s:b, s:s, s:s}", "file", path, "format",
			 disk_format_name(i.format), "size", (json_int_t)i.size, "file_size",
			 (json_int_t)i.file_size, "cluster", (json_int_t)i.cluster, "snapshots",
			 (int)i.snapshots, "dirty", i.dirty, "damaged", i.corrupt, "backing", i.backing,
			 "backing_format", i.backing[0] ? disk_format_name(i.backing_format) : "");
}

int image_info(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .reads = true, .no_store = true, .min = 1 };
	json_t *rows = json_array(), *row;
	int status = VMCTL_OK;
	unsigned int i;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	for (i = 0; i < a.n; i++) {
		row = row_of(a.names[i]);
		if (!row || json_array_append_new(rows, row))
			status = VMCTL_FAILED;
	}
	if (!json_array_size(rows)) {
		json_decref(rows);
		return status;
	}
	return output_rows(a.format, columns, ARRAY_SIZE(columns), rows) ? VMCTL_FAILED : status;
}
