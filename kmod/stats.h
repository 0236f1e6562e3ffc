/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stats.h - what is counted, always: per vCPU and exit kind a count, time in the host, a histogram.
 *
 * Written by the owning thread alone, so plain adds suffice; readers take what they see. The cost per
 * exit is two reads of the TSC and some twenty instructions. It is measured against a module that is built
 * with VITRINE_TELEMETRY=n and counts nothing: tests/bench/telemetry.
 */
#ifndef VITRINE_STATS_H
#define VITRINE_STATS_H

#include <linux/sched.h>
#include <asm/msr.h>
#include "exit.h"
#include "pure.h"

struct vtr_vm;
struct vtr_vcpu;

#ifdef VITRINE_NO_TELEMETRY
#define vtr_telemetry	false
#else
#define vtr_telemetry	true
#endif

#define VTR_HIST_BUCKETS	65	/* log2 of TSC cycles: one a bit, so that none is clamped */

struct vtr_exit_stats {
	u64 count;
	u64 cycles;			/* from the exit to the next entry, user space included */
	u64 hist[VTR_HIST_BUCKETS];
};

struct vtr_vcpu_stats {
	u64 left;			/* TSC at the last exit, 0 before the first */
	u64 entered;			/* TSC at the last entry */
	u64 returned;			/* TSC at the last return to user space, or when the vCPU was made */
	u64 waited;			/* the thread's run delay when it was last looked at, ns */
	u64 guest_cycles;
	u64 halt_cycles;
	u64 user_cycles;		/* between a return to user space and the next KVM_RUN */
	u64 pause_cycles;
	u64 steal_ns;
	u64 halts;
	u64 user_exits;
	u64 faults[3];			/* nested page faults that mapped memory: reads, writes, fetches */
	u64 mapped[3];			/* the same by size: 4 KiB, 2 MiB, 1 GiB */
	u64 mmio;
	u64 dirty_pages;
	u64 tlb_flushes;
	u64 injected_irqs;
	u64 injected_nmis;
	u64 injected_exceptions;
	struct vtr_exit_stats exit[VTR_EXIT_NR + 1];	/* by kind; the first entry adds to the last */
};

static __always_inline u64 vtr_stats_clock(void)
{
	return vtr_telemetry ? rdtsc() : 0;
}

/* One more of a plain counter. */
#define vtr_stats_count(counter)	((counter) += vtr_telemetry)

/* Memory grows by one difference: an instruction each, where the compiler would add first and subtract then. */
static __always_inline void vtr_stats_add(u64 *sum, u64 now, u64 then)
{
	now -= then;
	OPTIMIZER_HIDE_VAR(now);
	*sum += now;
}

/* Right before an entry: the time since the last exit belongs to that exit's kind, VTR_EXIT_NR before the first. */
static __always_inline void vtr_stats_enter(struct vtr_vcpu_stats *s, u32 kind)
{
	struct vtr_exit_stats *e = &s->exit[kind];
	u64 now, spent;

	/* That the guest was entered is more than a figure. */
	if (!vtr_telemetry) {
		s->entered = 1;
		return;
	}
	/* One base for the three sums: the compiler would work the last one's address out anew. */
	OPTIMIZER_HIDE_VAR(e);
	now = rdtsc();
	spent = now - s->left;
	s->entered = now;
	e->count++;
	e->cycles += spent;
	/* Bucket n: 2^(n-1) to 2^n - 1 cycles; none at all, which cannot be, would count as one. */
	e->hist[__fls(spent | 1) + 1]++;
}

/* Right after an exit. */
static __always_inline void vtr_stats_leave(struct vtr_vcpu_stats *s)
{
	u64 now;

	if (!vtr_telemetry)
		return;
	now = rdtsc();
	s->left = now;
	vtr_stats_add(&s->guest_cycles, now, s->entered);
}

/* Has the vCPU ever entered the guest? */
static inline bool vtr_stats_entered(const struct vtr_vcpu_stats *s)
{
	return s->entered;
}

/* ns that the calling thread has waited for a CPU since it exists; 0 where the kernel does not count. */
static inline u64 vtr_stats_run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

/*
 * The thread may have waited for a CPU since KVM_RUN began or this was called: after all that sleeps
 * or lets others run. What a preemptible kernel takes from it while it is on its way out of KVM_RUN
 * counts as user space's.
 */
static inline void vtr_stats_waited(struct vtr_vcpu_stats *s)
{
	u64 now = vtr_stats_run_delay();

	if (!vtr_telemetry)
		return;
	vtr_stats_add(&s->steal_ns, now, s->waited);
	s->waited = now;
}

/* The guest is about to be entered, perhaps for the first time: what was before is none of its life. */
static inline void vtr_stats_first_run(struct vtr_vcpu_stats *s)
{
	if (!vtr_stats_entered(s))
		s->user_cycles = 0;
}

static inline void vtr_stats_halted(struct vtr_vcpu_stats *s, u64 start)
{
	vtr_stats_count(s->halts);
	s->halt_cycles += vtr_stats_clock() - start;
	vtr_stats_waited(s);
}

static inline void vtr_stats_paused(struct vtr_vcpu_stats *s, u64 start)
{
	s->pause_cycles += vtr_stats_clock() - start;
	vtr_stats_waited(s);
}

/* A nested page fault (VTR_FAULT_WRITE and _FETCH of why) mapped memory, at a level of 1 to 3. */
static inline void vtr_stats_mapped(struct vtr_vcpu_stats *s, u32 why, u32 level)
{
	/* Not compared and branched: that is dearer than the counting. A walk that writes for a fetch is a write. */
	static const u8 kind[] = { 0, 1, 2, 1 };

	vtr_stats_count(s->faults[kind[why % ARRAY_SIZE(kind)]]);
	vtr_stats_count(s->mapped[level - 1]);
}

/* The thread comes into KVM_RUN. */
static inline void vtr_stats_begin(struct vtr_vcpu_stats *s)
{
	if (!vtr_telemetry)
		return;
	s->waited = vtr_stats_run_delay();
	vtr_stats_add(&s->user_cycles, rdtsc(), s->returned);
}

/* It goes back. */
static inline void vtr_stats_end(struct vtr_vcpu_stats *s)
{
	if (vtr_telemetry)
		s->returned = rdtsc();
}

int vtr_stats_vm_fd(struct vtr_vm *vm);
int vtr_stats_vcpu_fd(struct vtr_vcpu *v);

#endif /* VITRINE_STATS_H */
