// SPDX-License-Identifier: GPL-2.0-only
/*
 * pause.c - vmctl pause: the CPUs of a VM stand still; all else stays as it is.
 */
#include "client.h"

static const struct argp argp = {
	.args_doc = "NAME...",
	.doc = "Stops the CPUs of VMs until `vmctl resume`. Memory stays, consoles can be read.\v"
	       "Examples:\n"
	       "  vmctl pause web",
};

const struct vmctl_args vmctl_pause_args = { .argp = &argp, .min = 1 };

static int work(struct vm *vm, void *arg)
{
	(void)arg;
	return client_command(vm, "pause");
}

int vmctl_pause(int argc, char **argv)
{
	struct vmctl_args a = vmctl_pause_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, true, work, NULL);
}
