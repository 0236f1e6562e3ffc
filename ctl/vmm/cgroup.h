/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cgroup.h - what a VM process may take of its host.
 */
#ifndef VMM_CGROUP_H
#define VMM_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_DEVICES	16

/**
 * struct cgroup_io - limits on one block device
 * @device: of the whole disk
 * @iops: operations a second, 0 for no limit
 * @bandwidth: bytes a second, 0 for no limit
 */
struct cgroup_io {
	dev_t device;
	uint64_t iops, bandwidth;
};

/**
 * struct cgroup_limits - a VM's share; 0 and NULL mean none
 * @weight: of CPU time against others', 1..10000
 * @cap: CPU time in percent of one CPU
 * @memory: bytes of host memory
 * @pin: list of host CPUs, as in 0-3,6
 * @io: by device
 * @nio: their number
 */
struct cgroup_limits {
	uint64_t weight, cap, memory;
	const char *pin;
	struct cgroup_io io[CGROUP_DEVICES];
	unsigned int nio;
};

/**
 * struct cgroup_place - a group that a process shall enter which cannot open it itself
 * @procs: its list of processes, opened for writing: who writes 0 is in it; -1: none
 * @hold: keeps others from removing it while it is empty, -1: nothing does
 */
struct cgroup_place {
	int procs, hold;
};

int cgroup_prepare(const struct cgroup_limits *l, const char *name, pid_t from, struct cgroup_place *p);
int cgroup_enter(const struct cgroup_limits *l, const char *name, bool own);
int cgroup_change(const struct cgroup_limits *l, pid_t pid);
uint64_t cgroup_oom_kills(const char *name);
int cgroup_pin(const char *list, pid_t pid);
bool cgroup_disk_of(const char *file, dev_t *disk);

#endif /* VMM_CGROUP_H */
