/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tracepoint.h - vitrine:vitrine_exit, for perf and bpftrace: the record of an exit when it is over.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vitrine

#if !defined(VITRINE_TRACEPOINT_H) || defined(TRACE_HEADER_MULTI_READ)
#define VITRINE_TRACEPOINT_H

#include <linux/tracepoint.h>
#include <uapi/vitrine.h>
#include "exit.h"

int vtr_tracepoint_on(void);
void vtr_tracepoint_off(void);

TRACE_EVENT_FN(vitrine_exit,
	TP_PROTO(u32 vm, u32 vcpu, const struct vitrine_trace_record *r),
	TP_ARGS(vm, vcpu, r),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u16, kind)
		__field(u8, outcome)
		__field(u32, hw_reason)
		__field(u64, rip)
		__field(u64, info1)
		__field(u64, info2)
		__field(u64, host_cycles)
		__field(u32, guest_cycles)
		__field(u32, user_reason)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->kind = r->kind;
		__entry->outcome = r->outcome;
		__entry->hw_reason = r->hw_reason;
		__entry->rip = r->rip;
		__entry->info1 = r->info1;
		__entry->info2 = r->info2;
		__entry->host_cycles = r->host_cycles;
		__entry->guest_cycles = r->guest_cycles;
		__entry->user_reason = r->user_reason;
	),
	TP_printk("vm %u vcpu %u %s reason %#x rip %#llx info %#llx %#llx host %llu guest %u %s",
		  __entry->vm, __entry->vcpu, vtr_exit_name(__entry->kind), __entry->hw_reason,
		  __entry->rip, __entry->info1, __entry->info2, __entry->host_cycles,
		  __entry->guest_cycles,
		  __print_symbolic(__entry->outcome,
				   { VITRINE_OUTCOME_RESUMED, "resumed" },
				   { VITRINE_OUTCOME_SLOW, "slow" },
				   { VITRINE_OUTCOME_SLEPT, "slept" },
				   { VITRINE_OUTCOME_USER, "user" },
				   { VITRINE_OUTCOME_FAULT, "fault" })),
	vtr_tracepoint_on, vtr_tracepoint_off
);

#endif /* VITRINE_TRACEPOINT_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE tracepoint
#include <trace/define_trace.h>
