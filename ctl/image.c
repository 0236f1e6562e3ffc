// SPDX-License-Identifier: GPL-2.0-only
/*
 * image.c - vmctl image: find the verb of image files and run it.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "image.h"
#include "subverbs.h"

static const struct subverb verbs[] = {
	{ "create", "image create", image_create },
	{ "info", "image info", image_info },
	{ "convert", "image convert", image_convert },
	{ "import", "image import", image_import },
	{ "check", "image check", image_check },
};

const struct subverbs image_verbs = { "image", verbs, ARRAY_SIZE(verbs) };

const char vmctl_image_help[] =
	"usage: vmctl image create|info|convert|import|check [OPTIONS] FILE...\n"
	"\n"
	"Works on disk images: raw and qcow2; reads vmdk, vhd, vhdx and vdi through qemu-nbd.\n"
	"\n"
	"  create     make an empty image, or one over another\n"
	"  info       what images are\n"
	"  convert    copy an image, with all that backs it, into a new one\n"
	"  import     the same, into a qcow2 image\n"
	"  check      whether an image contradicts itself\n"
	"\n"
	"Examples:\n"
	"  vmctl image create web.qcow2 20G\n"
	"  vmctl image create --backing debian.qcow2 web.qcow2\n"
	"  vmctl image info --format json web.qcow2\n"
	"  vmctl image convert --to raw web.qcow2 web.img\n"
	"  vmctl image import appliance.vmdk\n"
	"  vmctl image check --repair-leaks web.qcow2\n"
	"\n"
	"`vmctl image VERB --help` shows a verb's options.\n";

/**
 * image_tell() - tell an error of the disks
 * @e: error
 *
 * Return: VMCTL_FAILED.
 */
int image_tell(const struct disk_error *e)
{
	return vmctl_error(e->object, e->what, e->remedy);
}

/**
 * image_format() - in a verb's parser: the name of a format
 * @name: what the user gave
 * @f: filled
 *
 * Return: what the parser shall return.
 */
error_t image_format(const char *name, enum disk_format *f)
{
	*f = disk_format_named(name);
	return *f == DISK_FORMATS ?
	       vmctl_bad_value(name, "a format is raw, qcow2, vmdk, vhd, vhdx or vdi") : 0;
}

int vmctl_image(int argc, char **argv)
{
	/* A limit on files is an error to tell, and no reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	return subverbs_run(&image_verbs, vmctl_image_help, argc, argv);
}
