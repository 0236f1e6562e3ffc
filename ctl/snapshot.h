/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshot.h - what the verbs of `vmctl snapshot` share.
 */
#ifndef VMCTL_SNAPSHOT_H
#define VMCTL_SNAPSHOT_H

#include "client.h"
#include "snapshot/record.h"
#include "vmm/save.h"
#include "vmm/vmm.h"

/**
 * struct start_restore - how a VM is to be started from a snapshot
 * @machine: for its process
 * @clock: what the guest sees of the time since
 * @paused: its CPUs wait for `vmctl resume`
 * @timing: its log shall tell when its first instruction came
 * @asked: when the user asked, microseconds of the monotonic clock
 */
struct start_restore {
	struct vmm_restore machine;
	enum vmm_clock clock;
	bool paused, timing;
	uint64_t asked;
};

/* snapshot.c */
int snapshot_with(const struct vmctl_args *a, bool locked, int (*work)(struct vm *vm, const struct vmctl_args *a));
const char *snapshot_cpu(void);

/* One file a verb: argv[0] is the verb, the exit status comes back. */
int snapshot_create(int argc, char **argv);
int snapshot_diff(int argc, char **argv);
int snapshot_export(int argc, char **argv);
int snapshot_import(int argc, char **argv);
int snapshot_info(int argc, char **argv);
int snapshot_ls(int argc, char **argv);
int snapshot_restore(int argc, char **argv);
int snapshot_rm(int argc, char **argv);
int snapshot_tree(int argc, char **argv);
int snapshot_verify(int argc, char **argv);

#endif /* VMCTL_SNAPSHOT_H */
