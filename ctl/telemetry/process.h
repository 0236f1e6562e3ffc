/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - what /proc and /sys say of a VM's process: memory, disks, networks. What the reader may not see is 0.
 */
#ifndef TELEMETRY_PROCESS_H
#define TELEMETRY_PROCESS_H

#include <net/if.h>

#include "telemetry/sample.h"

#define PROCESS_TAPS	8

/**
 * struct process - what is dear to ask for, and kept for some samples
 * @vm: id of the VM
 * @pid: its process
 * @shared: bytes that others have too
 * @taps: its tap interfaces
 * @ntaps: their number
 */
struct process {
	uint64_t vm;
	pid_t pid;
	uint64_t shared;
	char taps[PROCESS_TAPS][IFNAMSIZ];
	unsigned int ntaps;
};

void process_look(struct process *p);
void process_fill(const struct process *p, struct tel_vm *vm);

#endif /* TELEMETRY_PROCESS_H */
