/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sample.h - what the module and /proc say about all VMs at one moment: a sample, counters as they stand; two
 * of them make rates. Nothing here prints, and nothing knows where samples come from: collect.h does.
 */
#ifndef TELEMETRY_SAMPLE_H
#define TELEMETRY_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TEL_NAME	64
#define TEL_WORD	32
#define TEL_BUCKETS	65	/* bucket n: 2^(n-1) to 2^n - 1 cycles */

/**
 * struct tel_exit - one reason of one vCPU's exits
 * @reason: index into the sample's reasons
 * @count: exits
 * @cycles: time in the host, TSC cycles
 * @hist: of that time
 */
struct tel_exit {
	uint32_t reason;
	uint64_t count, cycles, hist[TEL_BUCKETS];
};

/**
 * struct tel_vcpu - one vCPU; times in TSC cycles unless said
 * @id: its number
 * @cpu: host CPU it was on last, or -1
 * @state: what it does: user, guest, host, halted, paused
 * @guest: in the guest
 * @host: from exits to entries; the next three are of it
 * @halt: asleep after HLT
 * @user: outside of KVM_RUN
 * @pause: held by vm-pause
 * @steal_ns: nanoseconds it was ready and had no host CPU
 * @user_exits: exits that went to user space
 * @injected: interrupts and exceptions given to the guest
 * @faults: of nested paging that mapped memory
 * @dirty: pages entered in the dirty log
 * @flushes: of the TLB
 * @exits: by reason, those that occurred
 * @nexits: their number
 */
struct tel_vcpu {
	uint32_t id;
	int32_t cpu;
	char state[TEL_WORD];
	uint64_t guest, host, halt, user, pause, steal_ns, user_exits, injected, faults, dirty, flushes;
	struct tel_exit *exits;
	uint32_t nexits;
};

/**
 * struct tel_vm - one VM
 * @id: never given to another VM of this module
 * @parent: id of the VM it was forked from, or 0
 * @pid: of its process
 * @created: milliseconds since 1970
 * @name: as its process gave it, or made from the program's
 * @owner: user
 * @state: created, running, paused, failed
 * @memory: bytes its guest has
 * @tables: bytes of nested page tables
 * @resident: bytes in host memory
 * @shared: bytes of @resident that other processes have too
 * @disk_read: bytes its process had from disks; so the next three
 * @disk_write: bytes
 * @net_receive: bytes
 * @net_send: bytes
 * @vcpus: its vCPUs
 * @nvcpus: their number
 */
struct tel_vm {
	uint64_t id, parent;
	pid_t pid;
	int64_t created;
	char name[TEL_NAME], owner[TEL_WORD], state[TEL_WORD];
	uint64_t memory, tables, resident, shared, disk_read, disk_write, net_receive, net_send;
	struct tel_vcpu *vcpus;
	uint32_t nvcpus;
};

/**
 * struct tel_event - something that happened
 * @time: milliseconds since 1970
 * @vm: id
 * @name: of the VM then
 * @kind: one word
 * @text: details, may be empty
 */
struct tel_event {
	int64_t time;
	uint64_t vm;
	char name[TEL_NAME], kind[TEL_WORD], text[160];
};

/**
 * struct tel_sample - everything at one moment
 * @time: milliseconds since 1970
 * @clock: nanoseconds of a clock that never jumps
 * @khz: TSC cycles in a millisecond
 * @cpus: of the host
 * @lost: events that were missed since the sample before
 * @vms: by id, ascending
 * @nvms: their number
 * @events: since the sample before, in order
 * @nevents: their number
 * @reasons: names of exits
 * @nreasons: their number
 */
struct tel_sample {
	int64_t time;
	uint64_t clock, khz, lost;
	uint32_t cpus;
	struct tel_vm *vms;
	struct tel_event *events;
	char (*reasons)[TEL_WORD];
	uint32_t nvms, nevents, nreasons;
};

/* sample.c */
struct tel_sample *sample_new(void);
void sample_free(struct tel_sample *s);
struct tel_vm *sample_add_vm(struct tel_sample *s);
struct tel_vcpu *sample_add_vcpu(struct tel_vm *vm);
struct tel_exit *sample_add_exit(struct tel_vcpu *v);
struct tel_event *sample_add_event(struct tel_sample *s);
int sample_reason(struct tel_sample *s, const char *name);
struct tel_vm *sample_find(const struct tel_sample *s, uint64_t id);
void sample_sort(struct tel_sample *s);

/**
 * struct tel_row - a VM's line
 * @vm: in the newer sample
 * @cpu: percent of one host CPU, guest and host together; so the next two
 * @guest: percent
 * @host: percent
 * @exits: a second
 * @disk_read: bytes a second; so the next three
 * @disk_write: bytes a second
 * @net_receive: bytes a second
 * @net_send: bytes a second
 * @age: seconds
 * @reason: the most frequent exit, as index, or -1
 * @depth: in the tree of forks
 */
struct tel_row {
	const struct tel_vm *vm;
	double cpu, guest, host, exits, disk_read, disk_write, net_receive, net_send;
	int64_t age;
	int reason;
	unsigned int depth;
};

/**
 * struct tel_vcpu_row - a vCPU's line; times in percent, counts a second
 * @vcpu: in the newer sample
 * @guest: in the guest
 * @host: exits were handled
 * @halt: asleep
 * @user: outside of KVM_RUN
 * @steal: without a host CPU
 * @exits: of all reasons
 * @user_exits: that went to user space
 * @injected: interrupts and exceptions
 * @faults: of nested paging
 * @dirty: pages
 * @flushes: of the TLB
 * @reason: the most frequent exit, as index, or -1
 */
struct tel_vcpu_row {
	const struct tel_vcpu *vcpu;
	double guest, host, halt, user, steal, exits, user_exits, injected, faults, dirty, flushes;
	int reason;
};

/**
 * struct tel_exit_row - an exit reason's line, of a VM or of one of its vCPUs
 * @reason: index
 * @rate: a second
 * @mean: nanoseconds in the host
 * @p99: nanoseconds that 99 of 100 do not exceed: the upper end of their bucket
 * @share: percent of the host's time
 * @count: in the interval
 * @cycles: in the interval
 * @hist: in the interval
 */
struct tel_exit_row {
	uint32_t reason;
	double rate, mean, p99, share;
	uint64_t count, cycles, hist[TEL_BUCKETS];
};

/* rates.c */
void rates_of_vm(const struct tel_sample *old, const struct tel_sample *new, const struct tel_vm *vm,
		 struct tel_row *row);
void rates_of_vcpu(const struct tel_sample *old, const struct tel_sample *new, const struct tel_vm *vm,
		   const struct tel_vcpu *v, struct tel_vcpu_row *row);
uint32_t rates_of_exits(const struct tel_sample *old, const struct tel_sample *new, const struct tel_vm *vm,
			int64_t vcpu, struct tel_exit_row *rows, uint32_t room);
double rates_quantile(const uint64_t *hist, double q, uint64_t khz);

#endif /* TELEMETRY_SAMPLE_H */
