// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill.c - vmctl kill: end a VM's process, whatever it does.
 */
#include <errno.h>
#include <signal.h>

#include "client.h"

#define TIMEOUT_MS	20000

static const struct argp argp = {
	.args_doc = "NAME...",
	.doc = "Kills the processes of VMs, also of those that do not answer or are being started. "
	       "`vmctl stop --force` is for the others.\v"
	       "Examples:\n"
	       "  vmctl kill web",
};

const struct vmctl_args vmctl_kill_args = { .argp = &argp, .min = 1 };

/* Without the folder's lock: whoever holds it may wait for the very process. */
static int work(struct vm *vm, void *arg)
{
	struct vm_status status;

	(void)arg;
	if (run_status(vm->fd, &status))
		return vmctl_errno(vm->name, "check that the VM is yours");
	if (!status.pid)
		return VMCTL_OK;
	if (kill(status.pid, SIGKILL) && errno != ESRCH)
		return vmctl_errno(vm->name, "check that the VM is yours");
	if (run_wait(vm->fd, 1U << VM_STOPPED | 1U << VM_CRASHED, TIMEOUT_MS, &status))
		return vmctl_errno(vm->name, "its process does not die: see the kernel's log");
	return VMCTL_OK;
}

int vmctl_kill(int argc, char **argv)
{
	struct vmctl_args a = vmctl_kill_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, false, work, NULL);
}
