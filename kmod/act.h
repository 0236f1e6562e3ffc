/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * act.h - from an exit to what is done about it; for run.c and act.c.
 */
#ifndef VITRINE_ACT_H
#define VITRINE_ACT_H

#include "vcpu.h"

enum vtr_act vtr_act_wrmsr(struct vtr_vcpu *v, const struct vtr_exit *e);
enum vtr_act vtr_act_cpuid(struct vtr_vcpu *v, const struct vtr_exit *e);
enum vtr_act vtr_act_fault(struct vtr_vcpu *v, const struct vtr_exit *e);
enum vtr_act vtr_act_other(struct vtr_vcpu *v, struct vtr_exit *e);

/**
 * vtr_act() - handle an exit as far as that needs no sleep
 * @v: loaded, interrupts off, v->slots loaded
 * @e: the exit; kept for vtr_act_slow()
 *
 * The most frequent exits are told apart by comparisons: an indirect call costs more, and with
 * retpolines a table of jumps is one.
 *
 * Return: what the run loop does next.
 */
static __always_inline enum vtr_act vtr_act(struct vtr_vcpu *v, struct vtr_exit *e)
{
	if (e->kind == VTR_EXIT_MSR_WRITE)
		return vtr_act_wrmsr(v, e);
	if (e->kind == VTR_EXIT_IO)
		return vtr_io_fast(v, e);
	if (e->kind == VTR_EXIT_TDP_FAULT)
		return vtr_act_fault(v, e);
	if (e->kind == VTR_EXIT_CPUID)
		return vtr_act_cpuid(v, e);
	return vtr_act_other(v, e);
}

#endif /* VITRINE_ACT_H */
