/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * launcher.h - the launcher of the test guests: one VM of the KVM ABI with test devices.
 */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto.h"

#define MAX_CPUS	16
#define QUEUE_LENGTH	1024

struct vcpu {
	struct vm *vm;
	struct kvm_run *run;
	pthread_t thread;
	unsigned int id;
	int fd;
};

/**
 * struct vm - one VM and its test devices
 * @lock: guards the devices below it, and the report's characters
 */
struct vm {
	int dev, fd;
	unsigned int cpus;
	bool huge, scale, expect_shutdown;
	uint8_t *ram, *backing;
	struct vcpu vcpu[MAX_CPUS];
	pthread_mutex_t lock;
	uint8_t block[16];
	uint8_t mmio[MMIO_SIZE];
	uint32_t mmio_reads, mmio_writes;
	uint64_t queue[QUEUE_LENGTH];
	unsigned int queued;
	uint32_t counter;
};

/**
 * vm_run() - create the VM, run the guest to its end; does not return
 * @vm: device, number of CPUs and needs filled in
 * @image: path of the guest's ELF file
 */
void vm_run(struct vm *vm, const char *image) __attribute__((noreturn));

/**
 * request_handle() - do what a guest asked for
 * @v: the vCPU that asked, outside KVM_RUN, on its own thread
 * @gpa: where its struct request is; checked
 */
void request_handle(struct vcpu *v, uint32_t gpa);

/**
 * report_stop() - end this process with a failed case
 * @fmt: the reason
 */
void report_stop(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif /* LAUNCHER_H */
