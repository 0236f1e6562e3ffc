// SPDX-License-Identifier: GPL-2.0-only
/*
 * rm.c - vmctl rm: a VM and all that belongs to it is removed.
 */
#include "client.h"

static bool forced;

static const struct argp_option options[] = {
	{ "force", 'f', NULL, 0, "End it first, if it runs", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	if (key != 'f')
		return ARGP_ERR_UNKNOWN;
	forced = true;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "NAME...",
	.doc = "Removes VMs with their disks, logs and snapshots. There is no way back.\v"
	       "Examples:\n"
	       "  vmctl rm web\n"
	       "  vmctl rm --force web db",
};

const struct vmctl_args vmctl_rm_args = { .argp = &argp, .min = 1 };

static int work(struct vm *vm, void *arg)
{
	struct vm_status status;

	(void)arg;
	if (forced && stop_vm(vm, 0, true))
		return VMCTL_FAILED;
	if (run_status(vm->fd, &status))
		return vmctl_errno(vm->name, "check that the VM is yours");
	if (status.pid)
		return vmctl_error(vm->name, "it runs", "stop it first, or use --force");
	return vm_remove(vm) ? VMCTL_FAILED : VMCTL_OK;
}

int vmctl_rm(int argc, char **argv)
{
	struct vmctl_args a = vmctl_rm_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, true, work, NULL);
}
