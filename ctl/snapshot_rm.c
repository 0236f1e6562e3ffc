// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot_rm.c - vmctl snapshot rm and verify: snapshots go; are they whole?
 */
#include "cancel.h"
#include "snapshot.h"
#include "subverbs.h"

static const struct argp rm_argp = {
	.args_doc = "VM NAME...",
	.doc = "Removes snapshots. Others that share memory or disk layers with them keep these. The VM, if it runs, goes on.\v"
	       "Examples:\n"
	       "  vmctl snapshot rm web before-upgrade",
};

static const struct argp verify_argp = {
	.args_doc = "VM [NAME...]",
	.doc = "Reads snapshots, all of them without NAME, and tells whether every byte is as it was written: the record, the "
	       "state, the memory, the disks' layers.\v"
	       "Examples:\n"
	       "  vmctl snapshot verify web\n"
	       "  vmctl snapshot verify web before-upgrade\n"
	       "  vmctl snapshot verify web --format json",
};

static int rm_work(struct vm *vm, const struct vmctl_args *a)
{
	int status = VMCTL_OK;
	struct snapshot s;
	unsigned int i;

	for (i = 1; i < a->n; i++) {
		/* A damaged one can be removed, too; of one that is not there all has been told. */
		snapshot_open(&s, vm, a->names[i]);
		if (s.vm.fd < 0)
			status = VMCTL_FAILED;
		else if (snapshot_remove(vm, a->names[i]))
			status = vmctl_errno(a->names[i], "check that the VM's folder is yours");
		snapshot_close(&s);
	}
	return status;
}

static int verify_one(const struct vm *vm, const char *name, json_t *rows)
{
	struct snapshot s;
	int err = snapshot_open(&s, vm, name) || snapshot_check_deep(&s, cancel_progress);

	if (!err)
		progress_show(1, 1);
	snapshot_close(&s);
	json_array_append_new(rows, json_pack("{s:s, s:b}", "name", name, "whole", !err));
	return err ? VMCTL_FAILED : VMCTL_OK;
}

static int verify_all(const struct vm *vm, json_t *rows)
{
	int status = VMCTL_OK;
	char **names;
	size_t i, n;

	if (snapshot_names(vm, &names, &n))
		return VMCTL_FAILED;
	for (i = 0; i < n; i++)
		if (verify_one(vm, names[i], rows))
			status = VMCTL_FAILED;
	store_free_names(names, n);
	return status;
}

/* What is wrong is told as errors are; people hear nothing of what is not. */
static int verify_work(struct vm *vm, const struct vmctl_args *a)
{
	int status = VMCTL_OK;
	json_t *rows = json_array();
	unsigned int i;

	if (a->n == 1)
		status = verify_all(vm, rows);
	for (i = 1; i < a->n; i++)
		if (verify_one(vm, a->names[i], rows))
			status = VMCTL_FAILED;
	if (a->format == VMCTL_JSON && output_rows(a->format, NULL, 0, json_incref(rows)))
		status = VMCTL_FAILED;
	json_decref(rows);
	return status;
}

int snapshot_rm(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &rm_argp, .min = 2 };

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return snapshot_with(&a, true, rm_work);
}

int snapshot_verify(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &verify_argp, .reads = true, .min = 1 };

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return snapshot_with(&a, false, verify_work);
}
