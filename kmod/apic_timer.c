// SPDX-License-Identifier: GPL-2.0-only
/*
 * apic_timer.c - the time that a local APIC's timer takes: a deadline of the guest's TSC, or a count.
 *
 * Where the CPU can end the guest's turn at a given time by itself (vtr_exit_timer) it does so while the
 * guest runs, and a timer of the host stands in only while the vCPU sleeps: no interrupt of the host
 * for the guest's tick, and nothing to queue. Elsewhere it is the host's timer always. Either comes
 * early rather than late, and whoever hears of it looks at the APIC's state again.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <asm/tsc.h>
#include "backend.h"
#include "irqchip.h"

/* The host's timer is set at most so far ahead; it is set again then. Keeps products in 64 bits. */
#define MAX_SLEEP_MS	600000

#define NEVER		U64_MAX

DEFINE_STATIC_KEY_FALSE(vtr_exit_timer);

/* --- the host's timer --- */

static enum hrtimer_restart apic_timer_fn(struct hrtimer *t)
{
	struct vtr_apic *a = container_of(t, struct vtr_apic, timer);

	WRITE_ONCE(a->armed_tsc, NEVER);
	WRITE_ONCE(a->armed_ns, NEVER);
	/* Either we see a target set meanwhile, or its setter sees that nothing is queued. */
	smp_mb();
	if (READ_ONCE(a->l.tsc_deadline) || READ_ONCE(a->l.target_ns))
		vtr_vcpu_request(a->vcpu, VTR_REQ_TIMER);
	return HRTIMER_NORESTART;
}

static void apic_timer_start(struct vtr_apic *a, u64 expires_ns)
{
	WRITE_ONCE(a->armed_ns, expires_ns);
	hrtimer_start(&a->timer, ns_to_ktime(expires_ns), HRTIMER_MODE_ABS_PINNED_HARD);
}

static noinline void apic_arm_deadline(struct vtr_apic *a, u64 now_tsc, u64 deadline)
{
	u32 khz = a->vcpu->clock.rate.khz;
	u64 delta = min_t(u64, deadline - now_tsc, (u64)khz * MAX_SLEEP_MS);

	WRITE_ONCE(a->armed_tsc, now_tsc + delta);
	apic_timer_start(a, ktime_get_ns() + delta * NSEC_PER_MSEC / khz);
}

/* A timer of the host fires no later than the deadline. */
static void apic_host_deadline(struct vtr_apic *a, u64 now, u64 deadline)
{
	smp_mb();	/* deadline before armed_tsc: pairs with apic_timer_fn() */
	if (unlikely(READ_ONCE(a->armed_tsc) > deadline))
		apic_arm_deadline(a, now, deadline);
}

static void apic_host_count(struct vtr_apic *a, u64 target)
{
	smp_mb();	/* target before armed_ns: pairs with apic_timer_fn() */
	if (READ_ONCE(a->armed_ns) <= target)
		return;
	/* In this mode the host's timer stands for no guest TSC. */
	WRITE_ONCE(a->armed_tsc, NEVER);
	apic_timer_start(a, target);
}

/* --- the CPU's --- */

static void apic_run_count(struct vtr_vcpu *v, u64 target)
{
	u64 now = ktime_get_ns(), left = target > now ? target - now : 0;

	left = min_t(u64, left, (u64)MAX_SLEEP_MS * NSEC_PER_MSEC);
	vtr_hw(set_timer)(v, rdtsc(), left * tsc_khz / NSEC_PER_MSEC);
}

/* How long the guest's TSC takes for a span, in host cycles; a long one is cut short. */
static u64 apic_host_cycles(struct vtr_vcpu *v, u64 cycles)
{
	const struct vtr_tsc_rate *r = &v->clock.rate;

	if (likely(!r->ratio))
		return cycles;
	return vtr_tsc_unscaled(r, min_t(u64, cycles, (u64)r->khz * MAX_SLEEP_MS), tsc_khz);
}

/* The deadline is set: deliver, or see to it that somebody looks again when it comes. */
static void apic_check_deadline(struct vtr_apic *a, u64 deadline)
{
	struct vtr_vcpu *v = a->vcpu;
	u64 host = rdtsc(), now = vtr_guest_tsc_at(&v->clock, host);

	if (now >= deadline) {
		WRITE_ONCE(a->l.tsc_deadline, 0);
		if (vtr_lapic_local(&a->l, LAPIC_LVTT) & LAPIC_DO_EVENT)
			vtr_request_set(v, VTR_REQ_EVENT);
	} else if (static_branch_unlikely(&vtr_exit_timer)) {
		vtr_hw(set_timer)(v, host, apic_host_cycles(v, deadline - now));
	} else {
		apic_host_deadline(a, now, deadline);
	}
}

/**
 * vtr_apic_timer_set() - the count's target moved, or the timer was stopped
 * @v: by its own thread
 */
void vtr_apic_timer_set(struct vtr_vcpu *v)
{
	u64 target = v->apic->l.target_ns;

	if (static_branch_unlikely(&vtr_exit_timer)) {
		if (target)
			apic_run_count(v, target);
		else if (!v->apic->l.tsc_deadline)
			vtr_hw(set_timer)(v, 0, VTR_NO_TIMER);
	} else if (target) {
		apic_host_count(v->apic, target);
	}
}

/**
 * vtr_apic_timer_sleep() - the vCPU is about to sleep: the timer goes on without the CPU
 * @v: by its own thread, put
 *
 * One that has expired meanwhile raises its interrupt, and a request that keeps the vCPU awake.
 */
void vtr_apic_timer_sleep(struct vtr_vcpu *v)
{
	struct vtr_apic *a = v->apic;
	u64 now, deadline;

	if (!static_branch_unlikely(&vtr_exit_timer) || !a)
		return;
	deadline = a->l.tsc_deadline;
	if (deadline) {
		now = vtr_guest_tsc(v);
		if (now >= deadline)
			apic_check_deadline(a, deadline);
		else
			apic_host_deadline(a, now, deadline);
	} else if (a->l.target_ns) {
		apic_host_count(a, a->l.target_ns);
	}
}

/**
 * vtr_apic_timer_poll() - an expired timer raises its interrupt, another is set again
 * @v: by its own thread, for VTR_REQ_TIMER, or when the CPU ended the guest's turn in time
 */
void vtr_apic_timer_poll(struct vtr_vcpu *v)
{
	struct vtr_apic *a = v->apic;

	if (a->l.tsc_deadline)
		apic_check_deadline(a, a->l.tsc_deadline);
	else if (a->l.target_ns)
		vtr_apic_do(v, vtr_lapic_timer_poll(&a->l, ktime_get_ns()));
	if (static_branch_unlikely(&vtr_exit_timer) && !a->l.tsc_deadline && !a->l.target_ns)
		vtr_hw(set_timer)(v, 0, VTR_NO_TIMER);
}

/**
 * vtr_apic_tsc_deadline() - reads IA32_TSC_DEADLINE
 * @v: by its own thread
 *
 * Return: the deadline, 0 if disarmed, expired, or the timer is in another mode.
 */
u64 vtr_apic_tsc_deadline(struct vtr_vcpu *v)
{
	return v->apic ? v->apic->l.tsc_deadline : 0;
}

/**
 * vtr_apic_set_tsc_deadline() - writes IA32_TSC_DEADLINE
 * @v: by its own thread
 * @val: guest TSC; 0 disarms; one that has passed delivers at once
 *
 * SDM 3A "TSC-Deadline Mode": ignored in the other modes.
 */
void vtr_apic_set_tsc_deadline(struct vtr_vcpu *v, u64 val)
{
	struct vtr_apic *a = v->apic;

	if (!a || !vtr_lapic_deadline_mode(&a->l))
		return;
	WRITE_ONCE(a->l.tsc_deadline, val);
	if (val)
		apic_check_deadline(a, val);
	else if (static_branch_unlikely(&vtr_exit_timer))
		vtr_hw(set_timer)(v, 0, VTR_NO_TIMER);
}

/**
 * vtr_apic_tsc_changed() - the guest's TSC was set
 * @v: by its own thread
 */
void vtr_apic_tsc_changed(struct vtr_vcpu *v)
{
	struct vtr_apic *a = v->apic;

	if (!a)
		return;
	WRITE_ONCE(a->armed_tsc, NEVER);
	if (a->l.tsc_deadline)
		apic_check_deadline(a, a->l.tsc_deadline);
}

/**
 * vtr_apic_timer_init() - no timer is set
 * @a: new
 */
void vtr_apic_timer_init(struct vtr_apic *a)
{
	a->armed_tsc = NEVER;
	a->armed_ns = NEVER;
	hrtimer_init(&a->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	a->timer.function = apic_timer_fn;
}

/**
 * vtr_apic_timer_cancel() - nor will one fire any more
 * @a: out of everybody's reach
 */
void vtr_apic_timer_cancel(struct vtr_apic *a)
{
	hrtimer_cancel(&a->timer);
}
