// SPDX-License-Identifier: GPL-2.0-only
/*
 * image_check.c - vmctl image check: whether an image contradicts itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "image.h"

static bool repair;

static const struct argp_option options[] = {
	{ "repair-leaks", 'r', NULL, 0, "Free clusters that nobody uses", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	if (key != 'r')
		return ARGP_ERR_UNKNOWN;
	repair = true;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "FILE",
	.doc = "Checks a qcow2 image that is not in use. Leaks are lost space, as a crash may leave; errors are "
	       "damage. The status is 1 if there are errors.\v"
	       "Examples:\n"
	       "  vmctl image check web.qcow2\n"
	       "  vmctl image check --repair-leaks web.qcow2",
};

static int tell_result(const char *path, const struct disk_check *c)
{
	printf("%s: %" PRIu64 " of %" PRIu64 " clusters used, %" PRIu64 " leaks, %" PRIu64 " errors",
	       path, c->used, c->clusters, c->leaks, c->errors);
	if (c->repaired)
		printf(", %" PRIu64 " repaired", c->repaired);
	puts("");
	if (!c->errors)
		return VMCTL_OK;
	return vmctl_error(path, "it is damaged", "restore it from a copy, or see `qemu-img check -r all`");
}

int image_check(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .no_store = true, .min = 1, .max = 1 };
	struct disk_check c;
	struct disk_error e;
	struct disk *d;
	int err;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	d = disk_open(a.names[0], DISK_AUTO, DISK_NO_BACKING | (repair ? 0 : DISK_READ_ONLY), &e);
	if (!d)
		return image_tell(&e);
	err = disk_check(d, repair, &c);
	disk_close(d);
	if (!err)
		return tell_result(a.names[0], &c);
	if (err == -EOPNOTSUPP)
		return vmctl_error(a.names[0], "is no qcow2 image, or one with bitmaps",
				   "use `qemu-img check`");
	errno = -err;
	return vmctl_errno(a.names[0], "see whether its disk works");
}
