/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stats.h - what is counted, always: per vCPU and exit kind a count, time in the host, a histogram.
 *
 * Written by the owning thread alone, so plain adds suffice; readers take what they see. The cost per
 * exit is two reads of the TSC and some twenty instructions.
 */
#ifndef VITRINE_STATS_H
#define VITRINE_STATS_H

#include <asm/msr.h>
#include "exit.h"
#include "pure.h"

struct vtr_vm;
struct vtr_vcpu;

#define VTR_HIST_BUCKETS	65	/* log2 of TSC cycles: one a bit, so that none is clamped */

struct vtr_exit_stats {
	u64 count;
	u64 cycles;			/* from the exit to the next entry, user space included */
	u64 hist[VTR_HIST_BUCKETS];
};

struct vtr_vcpu_stats {
	u64 left;			/* TSC at the last exit, 0 before the first */
	u64 entered;			/* TSC at the last entry */
	struct vtr_exit_stats *last;	/* of the last exit's kind; &exit[0] before the first */
	u64 guest_cycles;
	u64 halt_cycles;
	u64 halts;
	u64 user_exits;
	u64 faults;
	u64 tlb_flushes;
	u64 injected_irqs;
	u64 injected_nmis;
	u64 injected_exceptions;
	struct vtr_exit_stats exit[VTR_EXIT_NR + 1];	/* by kind + 1; the first entry adds to 0 */
};

static __always_inline u64 vtr_stats_clock(void)
{
	return rdtsc();
}

/* Right before an entry: the time since the last exit belongs to that exit's kind. */
static __always_inline void vtr_stats_enter(struct vtr_vcpu_stats *s)
{
	struct vtr_exit_stats *e = s->last;
	u64 now = rdtsc(), spent = now - s->left;

	s->entered = now;
	e->count++;
	e->cycles += spent;
	/* Bucket n: 2^(n-1) to 2^n - 1 cycles; none at all, which cannot be, would count as one. */
	e->hist[__fls(spent | 1) + 1]++;
}

/* Right after an exit. */
static __always_inline void vtr_stats_leave(struct vtr_vcpu_stats *s)
{
	s->left = rdtsc();
	s->guest_cycles += s->left - s->entered;
}

/* Has the vCPU ever entered the guest? */
static inline bool vtr_stats_entered(const struct vtr_vcpu_stats *s)
{
	return s->entered;
}

static __always_inline void vtr_stats_exit(struct vtr_vcpu_stats *s, enum vtr_exit_kind kind)
{
	s->last = &s->exit[kind + 1];
}

static inline void vtr_stats_halted(struct vtr_vcpu_stats *s, u64 start)
{
	s->halts++;
	s->halt_cycles += rdtsc() - start;
}

int vtr_stats_vm_fd(struct vtr_vm *vm);
int vtr_stats_vcpu_fd(struct vtr_vcpu *v);

#endif /* VITRINE_STATS_H */
