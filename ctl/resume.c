// SPDX-License-Identifier: GPL-2.0-only
/*
 * resume.c - vmctl resume: the CPUs of a paused VM go on.
 */
#include "client.h"

static const struct argp argp = {
	.args_doc = "NAME...",
	.doc = "Lets VMs go on that `vmctl pause` stopped.\v"
	       "Examples:\n"
	       "  vmctl resume web",
};

const struct vmctl_args vmctl_resume_args = { .argp = &argp, .min = 1 };

static int work(struct vm *vm, void *arg)
{
	(void)arg;
	return client_command(vm, "resume");
}

int vmctl_resume(int argc, char **argv)
{
	struct vmctl_args a = vmctl_resume_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, true, work, NULL);
}
