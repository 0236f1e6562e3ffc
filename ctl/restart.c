// SPDX-License-Identifier: GPL-2.0-only
/*
 * restart.c - vmctl restart: stop, then start, with the lock held in between.
 */
#include "client.h"

static const struct argp argp = {
	.options = stop_options, .parser = stop_parse, .args_doc = "NAME...",
	.doc = "Shuts VMs down and starts them, those that do not run too. Changes of the "
	       "configuration count from then on.\v"
	       "Examples:\n"
	       "  vmctl restart web\n"
	       "  vmctl restart --force web",
};

const struct vmctl_args vmctl_restart_args = { .argp = &argp, .min = 1 };

static int work(struct vm *vm, void *arg)
{
	(void)arg;
	if (stop_vm(vm, stop_how.timeout_s, stop_how.force) || start_vm(vm, false))
		return VMCTL_FAILED;
	return VMCTL_OK;
}

int vmctl_restart(int argc, char **argv)
{
	struct vmctl_args a = vmctl_restart_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, true, work, NULL);
}
