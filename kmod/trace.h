/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - every exit of a VM as a record: to a ring that its owner maps, to Linux's tracepoint.
 *
 * One branch that is patched out while nobody traces anything.
 */
#ifndef VITRINE_TRACE_H
#define VITRINE_TRACE_H

#include <linux/jump_label.h>
#include <uapi/vitrine.h>
#include "pure.h"
#include "stats.h"

struct vtr_vm;
struct vtr_vcpu;
struct vtr_exit;
struct vtr_trace;

/**
 * struct vtr_trace_ring - one vCPU's ring, as the module sees it
 * @shared: the header that the reader maps; nothing in it is believed but the reader's own count
 * @record: the records behind it
 * @head: records written
 * @lost: records there was no room for
 * @mask: room - 1
 */
struct vtr_trace_ring {
	struct vitrine_trace_ring *shared;
	struct vitrine_trace_record *record;
	u64 head;
	u64 lost;
	u32 mask;
};

/**
 * struct vtr_trace_vcpu - a vCPU's part; its thread's, but @ring
 * @ring: where to, or NULL; RCU
 * @open: @now is of an exit that is not over yet
 * @now: its record
 */
struct vtr_trace_vcpu {
	struct vtr_trace_ring __rcu *ring;
	bool open;
	struct vitrine_trace_record now;
};

DECLARE_STATIC_KEY_FALSE(vtr_tracing);

long vtr_trace_open(struct vitrine_trace_open __user *user);
void vtr_trace_vm_gone(struct vtr_vm *vm);
void vtr_trace_begin_slow(struct vtr_vcpu *v, const struct vtr_exit *e);
void vtr_trace_end_slow(struct vtr_vcpu *v);
void vtr_trace_outcome_slow(struct vtr_vcpu *v, u8 outcome);
void vtr_trace_return_slow(struct vtr_vcpu *v, int ret);

/* An exit was decoded; nothing was done about it yet. */
static __always_inline void vtr_trace_begin(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	if (vtr_telemetry && static_branch_unlikely(&vtr_tracing))
		vtr_trace_begin_slow(v, e);
}

/* The guest is about to be entered. */
static __always_inline void vtr_trace_end(struct vtr_vcpu *v)
{
	if (vtr_telemetry && static_branch_unlikely(&vtr_tracing))
		vtr_trace_end_slow(v);
}

/* KVM_RUN is about to return @ret. */
static __always_inline void vtr_trace_return(struct vtr_vcpu *v, int ret)
{
	if (vtr_telemetry && static_branch_unlikely(&vtr_tracing))
		vtr_trace_return_slow(v, ret);
}

/* What becomes of the exit: enum vitrine_outcome; KVM_RUN's return has the last word. */
static __always_inline void vtr_trace_outcome(struct vtr_vcpu *v, u8 outcome)
{
	if (vtr_telemetry && static_branch_unlikely(&vtr_tracing))
		vtr_trace_outcome_slow(v, outcome);
}

#endif /* VITRINE_TRACE_H */
