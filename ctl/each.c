// SPDX-License-Identifier: GPL-2.0-only
/*
 * each.c - a verb's work on each VM that the command line names.
 */
#include "client.h"

/**
 * each_vm() - open the VMs one after the other and work on each
 * @a: the command line: names, and where the store is
 * @locked: the folder's lock is wanted
 * @work: gives VMCTL_OK, or VMCTL_FAILED with the error told; may close the VM
 * @arg: its argument
 *
 * Return: VMCTL_OK, or VMCTL_FAILED when any of them failed; the others were worked on all the same.
 */
int each_vm(const struct vmctl_args *a, bool locked, int (*work)(struct vm *vm, void *arg), void *arg)
{
	int status = VMCTL_OK;
	struct store s;
	unsigned int i;

	if (store_open(&s, a->store))
		return VMCTL_FAILED;
	for (i = 0; i < a->n; i++) {
		struct vm vm;

		if (locked ? vm_open_locked(&vm, &s, a->names[i]) : vm_open(&vm, &s, a->names[i])) {
			status = VMCTL_FAILED;
			continue;
		}
		if (work(&vm, arg))
			status = VMCTL_FAILED;
		vm_close(&vm);
	}
	store_close(&s);
	return status;
}
