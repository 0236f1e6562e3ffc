// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot.c - vmctl snapshot: find the verb of snapshots and run it.
 */
#include <cpuid.h>
#include <string.h>

#include "compiler.h"
#include "snapshot.h"
#include "subverbs.h"

static const struct subverb verbs[] = {
	{ "create", "snapshot create", snapshot_create },
	{ "list", "snapshot list", snapshot_ls },
	{ "tree", "snapshot tree", snapshot_tree },
	{ "info", "snapshot info", snapshot_info },
	{ "restore", "snapshot restore", snapshot_restore },
	{ "diff", "snapshot diff", snapshot_diff },
	{ "verify", "snapshot verify", snapshot_verify },
	{ "rm", "snapshot rm", snapshot_rm },
	{ "export", "snapshot export", snapshot_export },
	{ "import", "snapshot import", snapshot_import },
};

const struct subverbs snapshot_verbs = { "snapshot", verbs, ARRAY_SIZE(verbs) };

const char vmctl_snapshot_help[] =
	"usage: vmctl snapshot create|list|tree|info|restore|diff|verify|rm|export|import [OPTIONS] VM [NAME...]\n"
	"\n"
	"Works on snapshots: a VM's memory, CPUs, devices and disks of one moment, as one object. A snapshot is\n"
	"made by a fork of the VM, which stands still only for that; one whose parent is there stores what changed.\n"
	"\n"
	"  create     make one of a running or paused VM\n"
	"  list       the snapshots of a VM, the oldest first\n"
	"  tree       the same, by descent\n"
	"  info       what a snapshot is and takes\n"
	"  restore    let the VM, or a new one, go on where a snapshot was made\n"
	"  diff       what differs between two: memory, registers, disks\n"
	"  verify     whether every byte is as it was written\n"
	"  rm         remove snapshots; the others keep working\n"
	"  export     write a snapshot into one file that needs nothing else\n"
	"  import     make a VM of such a file\n"
	"\n"
	"Examples:\n"
	"  vmctl snapshot create web before-upgrade --message 'Debian 12.8'\n"
	"  vmctl snapshot tree web\n"
	"  vmctl stop web && vmctl snapshot restore web before-upgrade\n"
	"  vmctl snapshot restore web before-upgrade --as web-test\n"
	"\n"
	"`vmctl snapshot VERB --help` shows a verb's options.\n";

int vmctl_snapshot(int argc, char **argv)
{
	return subverbs_run(&snapshot_verbs, vmctl_snapshot_help, argc, argv);
}

/**
 * snapshot_with() - open the VM that is the first argument, and work on it
 * @a: parsed
 * @locked: take its lock
 * @work: returns the exit status; may unlock, but not close the VM
 *
 * Return: the exit status.
 */
int snapshot_with(const struct vmctl_args *a, bool locked, int (*work)(struct vm *vm, const struct vmctl_args *a))
{
	int status = VMCTL_FAILED;
	struct store s;
	struct vm vm;

	if (store_open(&s, a->store))
		return VMCTL_FAILED;
	if (!(locked ? vm_open_locked : vm_open)(&vm, &s, a->names[0])) {
		status = work(&vm, a);
		vm_close(&vm);
	}
	store_close(&s);
	return status;
}

/**
 * snapshot_cpu() - the vendor of this host's CPU
 *
 * Return: twelve letters, static.
 */
const char *snapshot_cpu(void)
{
	static char vendor[13];
	unsigned int a, b, c, d;

	if (__get_cpuid(0, &a, &b, &c, &d)) {
		memcpy(vendor, &b, 4);
		memcpy(vendor + 4, &d, 4);
		memcpy(vendor + 8, &c, 4);
	}
	return vendor;
}
