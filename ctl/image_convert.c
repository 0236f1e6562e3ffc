// SPDX-License-Identifier: GPL-2.0-only
/*
 * image_convert.c - vmctl image convert and import: a copy of an image, with all that backs it.
 *
 * It is written under another name and gets its own when all is on the disk.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"
#include "subverbs.h"

#define KEY_TO		0x200
#define KEY_FROM	0x201

static enum disk_format to = DISK_QCOW2, from;
static volatile sig_atomic_t stopped;

static const struct argp_option options[] = {
	{ "to", KEY_TO, "FORMAT", 0, "qcow2 (default) or raw", 0 },
	{ "from", KEY_FROM, "FORMAT", 0, "The source's format (default: what it shows)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case KEY_TO:
		return image_format(arg, &to);
	case KEY_FROM:
		return image_format(arg, &from);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp convert_argp = {
	.options = options, .parser = parse, .args_doc = "SOURCE FILE",
	.doc = "Copies an image, with all that backs it, into a new one that stands alone. Zeros take no space.\v"
	       "Examples:\n"
	       "  vmctl image convert --to raw web.qcow2 web.img\n"
	       "  vmctl image convert --from raw disk.img disk.qcow2",
};

static const struct argp import_argp = {
	.options = options + 1, .parser = parse, .args_doc = "SOURCE [FILE]",
	.doc = "Copies an image of another program into a qcow2 image, here and with the source's name if none "
	       "is given.\v"
	       "Examples:\n"
	       "  vmctl image import appliance.vmdk\n"
	       "  vmctl image import --from vhd server.img /srv/images/server.qcow2",
};

static void on_signal(int sig)
{
	stopped = sig;
}

static bool progress(uint64_t done, uint64_t size)
{
	progress_show(done, size);
	return !stopped;
}

static int copy_as(struct disk *source, const char *names[2], const char *temporary)
{
	const char *side = names[1];
	bool reading = false;
	struct disk_error e;
	struct disk *target;
	int err;

	if (disk_create(temporary, to, disk_size(source), NULL, DISK_AUTO, &e))
		return image_tell(&e);
	target = disk_open(temporary, to, 0, &e);
	if (!target) {
		unlink(temporary);
		return image_tell(&e);
	}
	err = disk_copy(source, target, progress, &reading);
	side = reading ? names[0] : names[1];
	disk_close(target);
	if (!err && link(temporary, names[1])) {
		err = -errno;
		side = names[1];
	}
	unlink(temporary);
	if (!err)
		return VMCTL_OK;
	errno = -err;
	return vmctl_errno(side, err == -EEXIST ? "choose another name or remove it" :
			   err == -EINTR ? "start it again" : "see whether its disk works and has room");
}

static int convert(const char *names[2])
{
	struct disk_error e;
	struct disk *source;
	char *temporary;
	int status;

	if (!access(names[1], F_OK))
		return vmctl_error(names[1], "it is there already", "choose another name or remove it");
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	source = disk_open(names[0], from, DISK_READ_ONLY, &e);
	if (!source)
		return image_tell(&e);
	if (asprintf(&temporary, "%s.%d.part", names[1], getpid()) < 0) {
		disk_close(source);
		return vmctl_errno(names[1], "free some memory");
	}
	status = copy_as(source, names, temporary);
	free(temporary);
	disk_close(source);
	return status;
}

int image_convert(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &convert_argp, .no_store = true, .min = 2, .max = 2 };

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (to != DISK_QCOW2 && to != DISK_RAW)
		return vmctl_usage(disk_format_name(to), "--to takes qcow2 or raw");
	return convert((const char *[]){ a.names[0], a.names[1] });
}

int image_import(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &import_argp, .no_store = true, .min = 1, .max = 2 };
	const char *slash, *dot;
	char *name = NULL;
	int status;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (a.n == 2)
		return convert((const char *[]){ a.names[0], a.names[1] });
	slash = strrchr(a.names[0], '/');
	slash = slash ? slash + 1 : a.names[0];
	dot = strrchr(slash, '.');
	if (asprintf(&name, "%.*s.qcow2", (int)(dot ? dot - slash : (long)strlen(slash)), slash) < 0)
		return vmctl_errno(a.names[0], "free some memory");
	status = convert((const char *[]){ a.names[0], name });
	free(name);
	return status;
}
