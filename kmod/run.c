// SPDX-License-Identifier: GPL-2.0-only
/*
 * run.c - KVM_RUN: the loop around entry and exit.
 *
 * Read this first, then the backend's exit.c, then act.c. Three nested states:
 *
 *	put	preemption on, may sleep: faults, emulation, HLT, completions
 *	loaded	preemption and softirqs off, the guest's FPU and the backend's host state exchanged
 *	guest	interrupts off, v->mode is VTR_IN_GUEST
 *
 * An exit that needs no sleep is handled while loaded and the guest is entered again; only then does
 * the loop look at signals, rescheduling and requests, each by one test of a word.
 */
#include <linux/context_tracking.h>
#include <linux/interrupt.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/vtime.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "act.h"
#include "backend.h"
#include "fpu.h"
#include "guestmem.h"
#include "irqchip.h"
#include "vcpu.h"

/*
 * From put to loaded. @v: by its own thread, preemption on
 *
 * Context: interrupts are off afterwards. They go off before softirqs do, so that none is raised
 * unseen in between: vtr_run_loaded() looks for them after every exit.
 */
static __always_inline void vtr_vcpu_load(struct vtr_vcpu *v)
{
	local_irq_disable();
	while (unlikely(v->cpu != smp_processor_id() && vtr_hw(vcpu_held)(v))) {
		local_irq_enable();
		vtr_hw(vcpu_recall)(v);
		local_irq_disable();
	}
	vtr_fpu_load(v);	/* disables preemption and softirqs */
	WRITE_ONCE(v->cpu, smp_processor_id());
	v->loaded = true;
	vtr_hw(vcpu_load)(v);
}

/* From loaded to put. */
static __always_inline void vtr_vcpu_put(struct vtr_vcpu *v)
{
	v->loaded = false;
	vtr_guest_ran();
	vtr_hw(vcpu_put)(v);
	vtr_fpu_put(v);		/* enables preemption and softirqs */
}

/* Two contributory exceptions, or a page fault on the way to one: APM2 "#DF Double-Fault Exception". */
static bool vtr_is_contributory(u8 vector)
{
	return vector == X86_TRAP_DE || (vector >= X86_TRAP_TS && vector <= X86_TRAP_GP);
}

/**
 * vtr_queue_exception() - raise an exception in the guest with the next entry
 * @v: by its own thread
 * @vector: 0..31
 * @has_error: it pushes an error code
 * @error: that code
 *
 * An exception that meets one under delivery is merged by the rules of the double fault; a third one
 * is a triple fault.
 */
void vtr_queue_exception(struct vtr_vcpu *v, u8 vector, bool has_error, u32 error)
{
	struct vtr_event *x = &v->exc;

	if (x->pending) {
		if (x->vector == X86_TRAP_DF) {
			vtr_fault_note(v, VITRINE_FAULT_RAISED);
			v->triple_fault = true;
			vtr_request_set(v, VTR_REQ_EVENT);
			return;
		}
		if ((vtr_is_contributory(x->vector) && vtr_is_contributory(vector)) ||
		    (x->vector == X86_TRAP_PF && (vector == X86_TRAP_PF ||
						  vtr_is_contributory(vector)))) {
			vector = X86_TRAP_DF;
			has_error = true;
			error = 0;
		}
	}
	x->pending = true;
	x->injected = false;
	x->has_error = has_error;
	x->vector = vector;
	x->error = error;
	x->has_payload = false;
	vtr_request_set(v, VTR_REQ_EVENT);
}

/**
 * vtr_queue_gp() - raise #GP(0)
 * @v: by its own thread
 */
void vtr_queue_gp(struct vtr_vcpu *v)
{
	vtr_queue_exception(v, X86_TRAP_GP, true, 0);
}

/**
 * vtr_queue_ud() - raise #UD
 * @v: by its own thread
 */
void vtr_queue_ud(struct vtr_vcpu *v)
{
	vtr_queue_exception(v, X86_TRAP_UD, false, 0);
}

/**
 * vtr_queue_pf() - raise #PF
 * @v: by its own thread
 * @addr: faulting linear address, goes to CR2 when the fault is delivered
 * @error: error code
 */
void vtr_queue_pf(struct vtr_vcpu *v, u64 addr, u32 error)
{
	vtr_queue_exception(v, X86_TRAP_PF, true, error);
	if (v->exc.vector == X86_TRAP_PF) {
		v->exc.payload = addr;
		v->exc.has_payload = true;
	}
}

/* What the CPU does on the way to a #DB's handler, but not when the #DB is injected: SDM 3B "Debug Registers". */
static void vtr_prepare_db(struct vtr_vcpu *v, const struct vtr_event *x)
{
	u64 dr7 = vtr_hw(get_dr)(v, 7);

	if (x->has_payload && x->payload)
		vtr_hw(set_dr)(v, 6, vtr_hw(get_dr)(v, 6) | x->payload);
	if (dr7 & VTR_DR7_GD)
		vtr_hw(set_dr)(v, 7, dr7 & ~VTR_DR7_GD);
}

static void vtr_inject_exception(struct vtr_vcpu *v)
{
	struct vtr_event *x = &v->exc;

	if (!x->injected)
		vtr_fault_note(v, v->exit.kind == VTR_EXIT_EXCEPTION ? VITRINE_FAULT_INTERCEPTED :
								      VITRINE_FAULT_RAISED);
	if (x->vector == X86_TRAP_DB && !x->injected)
		vtr_prepare_db(v, x);
	else if (x->vector == X86_TRAP_PF && x->has_payload)
		vtr_hw(set_cr)(v, 2, x->payload);
	x->has_payload = false;
	/* A fault restarts its instruction with RF set, so that a breakpoint on it is not hit twice. */
	if (x->vector != X86_TRAP_DB && x->vector != X86_TRAP_BP && x->vector != X86_TRAP_OF &&
	    !x->injected)
		v->rflags |= X86_EFLAGS_RF;
	x->injected = true;
	vtr_hw(inject_exception)(v, x);
	vtr_stats_count(v->stats.injected_exceptions);
}

static bool vtr_shadowed(struct vtr_vcpu *v)
{
	return vtr_hw(get_shadow)(v);
}

/* KVM_INTERRUPT's come in by LINT0, where there is a local APIC (split irqchip). */
static bool vtr_user_irq_open(struct vtr_vcpu *v)
{
	return !v->apic || vtr_lapic_accepts_extint(&v->apic->l);
}

/* What may interrupt the guest: the local APIC's choice, or KVM_INTERRUPT's. -1: nothing. */
static int vtr_irq_pending(struct vtr_vcpu *v)
{
	if (v->user_irq >= 0 && vtr_user_irq_open(v))
		return v->user_irq;
	return v->apic ? vtr_apic_pending(v) : -1;
}

/* The same, less what the CPU delivers without us. */
static int vtr_irq_to_inject(struct vtr_vcpu *v)
{
	if (v->user_irq >= 0 && vtr_user_irq_open(v))
		return v->user_irq;
	return v->apic ? vtr_apic_to_inject(v) : -1;
}

static int vtr_irq_take(struct vtr_vcpu *v)
{
	int vector = v->user_irq;

	if (vector >= 0 && vtr_user_irq_open(v)) {
		v->user_irq = -1;
		return vector;
	}
	return vtr_apic_ack(v);
}

/* A lower CR8 would let something through that waits now: hear of it. */
static void vtr_update_cr8_window(struct vtr_vcpu *v)
{
	int irr = v->apic ? vtr_apic_highest_irr(v) : -1;

	vtr_hw(cr8_window)(v, irr >= 0 && (u64)irr >> 4 <= vtr_apic_cr8(v));
}

/* An IPI to this CPU ends the guest right after the event that goes in now; then we look again. */
static void vtr_exit_after_injection(struct vtr_vcpu *v)
{
	v->recheck = true;
	vtr_cpu_kick(v->cpu);
}

/* A CPU remembers one NMI while another is in its handler; more are lost: APM2 "NMI". */
static void vtr_collect_nmis(struct vtr_vcpu *v)
{
	u32 most = v->nmi_masked || v->nmi_injected ? 1 : 2;

	v->nmi_pending = min_t(u32, v->nmi_pending + atomic_xchg(&v->nmi_queued, 0), most);
}

/*
 * Give the CPU the event of highest rank, and ask for an exit when the next could be taken.
 * What was interrupted during delivery comes first, whatever else arrived: it has begun already.
 */
static void vtr_deliver_events(struct vtr_vcpu *v)
{
	bool busy = true;
	int vector;

	if (v->nmi_masked && vtr_hw(iret_done)(v))
		v->nmi_masked = false;
	if (unlikely(atomic_read(&v->nmi_queued)))
		vtr_collect_nmis(v);

	if (v->nmi_injected)
		vtr_hw(inject_nmi)(v);
	else if (v->irq_injected >= 0)
		vtr_hw(inject_irq)(v, v->irq_injected);
	else if (v->exc.pending)
		vtr_inject_exception(v);
	else
		busy = false;

	/* A debugger wants neither interrupts nor NMIs for now; the end of that is a look at the events. */
	if (unlikely(v->guest_debug & KVM_GUESTDBG_BLOCKIRQ)) {
		vtr_hw(irq_window)(v, false);
		return;
	}

	if (v->nmi_pending) {
		if (!busy && !v->nmi_masked && !vtr_shadowed(v)) {
			v->nmi_pending--;
			v->nmi_masked = true;
			v->nmi_injected = true;
			vtr_hw(inject_nmi)(v);
			vtr_stats_count(v->stats.injected_nmis);
			busy = true;
		} else if (!busy) {
			vtr_hw(nmi_window)(v);
		} else {
			vtr_exit_after_injection(v);
		}
	}

	if (static_branch_unlikely(&vtr_vid) && v->apic)
		vtr_apic_publish(v);
	vector = vtr_irq_to_inject(v);
	if (vector >= 0 && !busy && vtr_irqs_open(v) && !vtr_shadowed(v)) {
		vector = vtr_irq_take(v);
		if (vector >= 0) {
			v->irq_injected = vector;
			vtr_hw(inject_irq)(v, vector);
			vtr_stats_count(v->stats.injected_irqs);
		}
		vector = vtr_irq_to_inject(v);
	}
	vtr_hw(irq_window)(v, vector >= 0 ||
			   (v->run->request_interrupt_window && !v->vm->irqchip &&
			    vtr_user_irq_open(v)));
	if (v->apic)
		vtr_update_cr8_window(v);
}

/* Requests that are handled while loaded. Returns false if the loop has to be left for the rest. */
static bool vtr_handle_requests(struct vtr_vcpu *v)
{
	/* Nearly always it is an interrupt alone. */
	if (likely(READ_ONCE(v->requests) == BIT(VTR_REQ_EVENT)))
		goto event;
	if (test_and_clear_bit(VTR_REQ_TLB_FLUSH, &v->requests)) {
		vtr_hw(flush_tlb)(v);
		vtr_stats_count(v->stats.tlb_flushes);
	}
	if (test_and_clear_bit(VTR_REQ_TIMER, &v->requests) && v->apic)
		vtr_apic_timer_poll(v);
	if (test_and_clear_bit(VTR_REQ_EOI_MAP, &v->requests) && v->apic)
		vtr_apic_load_eoi_map(v);
	/* Before they are collected: who posts after that sets it again. */
	if (test_and_clear_bit(VTR_REQ_POSTED, &v->requests))
		vtr_request_set(v, VTR_REQ_EVENT);
	if (READ_ONCE(v->requests) & ~BIT(VTR_REQ_EVENT))
		return false;
event:
	if (test_and_clear_bit(VTR_REQ_EVENT, &v->requests)) {
		if (unlikely(v->triple_fault))
			return false;
		vtr_deliver_events(v);
	}
	return true;
}

static __always_inline void vtr_guest_context_enter(void)
{
	/* Nothing to tell RCU on ordinary CPUs: the quiescent state is noted at host interrupts. */
	vtime_account_guest_enter();
	context_tracking_guest_enter();
}

static __always_inline void vtr_guest_context_exit(void)
{
	context_tracking_guest_exit();
}

/* VTR_ENTERED_* bits after an entry, or a look at the events that was put off to its end. */
static noinline void vtr_entered_rare(struct vtr_vcpu *v, int what)
{
	if (what & VTR_ENTERED_EVENT && v->exc.injected)
		vtr_fault_note(v, VITRINE_FAULT_INTERRUPTED);
	if (what & VTR_ENTERED_EVENT || v->recheck) {
		v->recheck = false;
		vtr_request_set(v, VTR_REQ_EVENT);
	}
	/* The guest's APIC sees the TPR that was written through CR8 without an exit. */
	if (what & VTR_ENTERED_TPR && v->apic)
		vtr_apic_set_cr8(v, v->cr8);
	if (what & VTR_ENTERED_IRQ)
		vtr_hw(take_irq)(v);
}

/*
 * Enter once and take the host's interrupts. Called and returns with interrupts off.
 * Returns false if a request, a signal or the scheduler came first and the guest was not entered.
 */
static __always_inline bool vtr_enter_once(struct vtr_vcpu *v)
{
	int what;

	WRITE_ONCE(v->mode, VTR_IN_GUEST);
	smp_mb();	/* mode before requests: pairs with vtr_vcpu_kick() */
	if (unlikely(READ_ONCE(v->requests))) {
		WRITE_ONCE(v->mode, VTR_OUTSIDE);
		return false;
	}
	vtr_trace_end(v);
	vtr_stats_enter(&v->stats, v->exit.kind);
	vtr_guest_context_enter();
	what = vtr_hw(enter)(v);
	vtr_guest_context_exit();
	WRITE_ONCE(v->mode, VTR_OUTSIDE);
	vtr_stats_leave(&v->stats);
	if (unlikely(what | v->recheck))
		vtr_entered_rare(v, what);
	/* The host's interrupts that ended the guest, or came since, are taken here. */
	local_irq_enable();
	local_irq_disable();
	vtime_account_guest_exit();
	return true;
}

/* Thread flags for which the loaded part is left: the scheduler, signals, task work. */
#define VTR_LEAVE_FLAGS	(_TIF_NEED_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL)

/*
 * The loaded part of the loop: enter, act, again, until something needs more than that.
 *
 * Softirqs are off, so those raised meanwhile are a reason to leave, but only after an exit: where they
 * were left to ksoftirqd before, the guest still gets on. Called with interrupts off, returns with them
 * on and the vCPU still loaded: what to do next; v->exit holds the exit for VTR_ACT_SLOW.
 */
static __always_inline enum vtr_act vtr_run_loaded(struct vtr_vcpu *v, bool *again)
{
	struct vtr_exit *e = &v->exit;
	enum vtr_act act = VTR_ACT_RESUME;

	*again = true;
	/* The table stays while we are here: who replaces it asks us to leave (VTR_REQ_SLOTS). */
	vtr_slots_load(v);
	for (;;) {
		if (unlikely(read_thread_flags() & VTR_LEAVE_FLAGS))
			break;
		if (!vtr_enter_once(v)) {
			if (!vtr_handle_requests(v))
				break;
			continue;
		}
		vtr_hw(decode)(v, e);
		vtr_trace_begin(v, e);
		act = vtr_act(v, e);
		if (act != VTR_ACT_RESUME) {
			*again = false;
			break;
		}
		if (unlikely(local_softirq_pending()))
			break;
	}
	local_irq_enable();
	return act;
}

static bool vtr_runnable(struct vtr_vcpu *v)
{
	if (v->requests & ~(BIT(VTR_REQ_SLOTS) | BIT(VTR_REQ_TLB_FLUSH) | BIT(VTR_REQ_EOI_MAP) |
			    BIT(VTR_REQ_POSTED)))
		return true;
	if (v->mp_state != KVM_MP_STATE_HALTED)
		return false;
	return v->nmi_pending || atomic_read(&v->nmi_queued) ||
	       (vtr_irqs_open(v) && vtr_irq_pending(v) >= 0);
}

/*
 * Sleep until something happens. 0, or -EINTR for a signal. The caller re-examines everything: a
 * wake-up says only that there is a reason to look.
 */
static int vtr_block(struct vtr_vcpu *v)
{
	u64 start = vtr_stats_clock();
	int ret;

	WRITE_ONCE(v->mode, VTR_BLOCKED);
	vtr_slots_unload(v);
	smp_mb();	/* mode before requests: pairs with vtr_vcpu_kick() */
	ret = rcuwait_wait_event(&v->wait, vtr_runnable(v), TASK_INTERRUPTIBLE);
	WRITE_ONCE(v->mode, VTR_OUTSIDE);
	vtr_stats_halted(&v->stats, start);
	return ret;
}

/* While the VM is paused: wait. 0, or -EINTR for a signal. */
static int vtr_wait_paused(struct vtr_vcpu *v)
{
	u64 start = vtr_stats_clock();
	int ret;

	WRITE_ONCE(v->mode, VTR_BLOCKED);
	vtr_slots_unload(v);
	smp_mb();	/* mode before the VM's state: pairs with vtr_vcpu_kick() */
	ret = rcuwait_wait_event(&v->wait, !READ_ONCE(v->vm->paused) || READ_ONCE(v->vm->dead),
				 TASK_INTERRUPTIBLE);
	WRITE_ONCE(v->mode, VTR_OUTSIDE);
	vtr_stats_paused(&v->stats, start);
	return ret;
}

/* Requests that need the vCPU put. 0, or what KVM_RUN returns; *user set: v->run is filled in. */
static int vtr_handle_slow_requests(struct vtr_vcpu *v, bool *user)
{
	if (test_and_clear_bit(VTR_REQ_SLOTS, &v->requests))
		vtr_slots_unload(v);
	/* The request stays until the pause is over: a signal, and the next KVM_RUN waits again. */
	if (test_bit(VTR_REQ_PAUSE, &v->requests)) {
		if (READ_ONCE(v->vm->paused) && vtr_wait_paused(v))
			return -EINTR;
		clear_bit(VTR_REQ_PAUSE, &v->requests);
		/* A pause that began before the bit was cleared asked in vain: pairs with vtr_vm_pause(). */
		smp_mb__after_atomic();
		if (READ_ONCE(v->vm->paused))
			vtr_request_set(v, VTR_REQ_PAUSE);
	}
	if (READ_ONCE(v->vm->dead))
		return -EIO;
	if (test_and_clear_bit(VTR_REQ_TIMER, &v->requests) && v->apic)
		vtr_apic_timer_poll(v);
	if (test_and_clear_bit(VTR_REQ_CLOCK, &v->requests)) {
		vtr_slots_load(v);
		vtr_clock_update(v);
	}
	clear_bit(VTR_REQ_EXIT, &v->requests);
	if (test_and_clear_bit(VTR_REQ_MP, &v->requests) && v->apic)
		vtr_apic_accept_mp(v);
	if (v->triple_fault) {
		v->triple_fault = false;
		vtr_slots_load(v);
		vtr_event_failed(v, VITRINE_EVENT_TRIPLE_FAULT);
		v->run->exit_reason = KVM_EXIT_SHUTDOWN;
		*user = true;
	} else if (v->step_done) {
		v->step_done = false;
		vtr_exit_debug(v, X86_TRAP_DB, VTR_DR6_BS | VTR_DR6_ONES);
		*user = true;
	} else if (test_and_clear_bit(VTR_REQ_EOI_EXIT, &v->requests)) {
		v->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
		v->run->eoi.vector = v->eoi_vector;
		*user = true;
	}
	return 0;
}

/* A vCPU that is not runnable waits here. 0 to go on; else KVM_RUN's result. */
static int vtr_wait_runnable(struct vtr_vcpu *v)
{
	int state = v->mp_state;

	if (state == KVM_MP_STATE_HALTED) {
		if (vtr_runnable(v) && (v->nmi_pending || atomic_read(&v->nmi_queued) ||
					(vtr_irqs_open(v) && vtr_irq_pending(v) >= 0))) {
			v->mp_state = KVM_MP_STATE_RUNNABLE;
			vtr_request_set(v, VTR_REQ_EVENT);
			return 0;
		}
		/* An event that does not end HLT has been seen: only a new one wakes us. */
		clear_bit(VTR_REQ_EVENT, &v->requests);
		vtr_apic_timer_sleep(v);
		return vtr_block(v);
	}
	/* Waiting for INIT and SIPI: KVM's callers expect -EAGAIN when it came. */
	clear_bit(VTR_REQ_EVENT, &v->requests);
	if (vtr_block(v))
		return -EINTR;
	if (test_and_clear_bit(VTR_REQ_MP, &v->requests))
		vtr_apic_accept_mp(v);
	return v->mp_state == KVM_MP_STATE_RUNNABLE ? -EAGAIN : 0;
}

/* An irq window that user space asked for (no in-kernel PIC) is open. */
static bool vtr_user_window_open(struct vtr_vcpu *v)
{
	return v->run->request_interrupt_window && !v->vm->irqchip && vtr_irqs_open(v) &&
	       vtr_user_irq_open(v) && !vtr_shadowed(v) && v->user_irq < 0 &&
	       v->irq_injected < 0 && !v->exc.pending;
}

/* KVM_RUN returns with an exit reason. */
static __always_inline int vtr_to_user(struct vtr_vcpu *v)
{
	u64 *exits = &v->stats.user_exits;

	/* Where paths meet the compiler would load, add and store. */
	OPTIMIZER_HIDE_VAR(exits);
	vtr_stats_count(*exits);
	return 0;
}

static int vtr_run_loop(struct vtr_vcpu *v)
{
	enum vtr_act act;
	bool again, user = false;
	int ret;

	for (;;) {
		if (unlikely(v->requests)) {
			ret = vtr_handle_slow_requests(v, &user);
			if (ret)
				return ret;
			if (user)
				return vtr_to_user(v);
		}
		if (unlikely(v->mp_state != KVM_MP_STATE_RUNNABLE)) {
			ret = vtr_wait_runnable(v);
			if (ret)
				return ret;
			continue;
		}
		if (unlikely(vtr_user_window_open(v))) {
			v->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
			return vtr_to_user(v);
		}
		if (unlikely(v->unreported))
			vtr_event_runs(v);
		vtr_vcpu_load(v);
		act = vtr_run_loaded(v, &again);
		vtr_vcpu_put(v);
		if (act == VTR_ACT_SLEEP) {
			vtr_trace_outcome(v, VITRINE_OUTCOME_SLEPT);
		} else if (!again) {
			if (act == VTR_ACT_SLOW) {
				vtr_slots_load(v);
				vtr_trace_outcome(v, VITRINE_OUTCOME_SLOW);
				act = vtr_act_slow(v, &v->exit);
				if (act != VTR_ACT_RESUME)
					vtr_stats_waited(&v->stats);
			}
			if (act == VTR_ACT_USER)
				return vtr_to_user(v);
			if (act == VTR_ACT_FAULT)
				return -EFAULT;
		}
		/* Where one was pending from the start, the loop of the loaded part has come out at once. */
		if (unlikely(signal_pending(current)))
			return -EINTR;
		cond_resched();
		vtr_stats_waited(&v->stats);
	}
}

/* KVM_CAP_SYNC_REGS: registers that the caller changed in kvm_run. 0, or -EINVAL. */
static int vtr_sync_in(struct vtr_vcpu *v, u64 valid, u64 dirty)
{
	struct kvm_sync_regs *r = &v->run->s.regs;
	union {
		struct kvm_regs regs;
		struct kvm_sregs sregs;
		struct kvm_vcpu_events events;
	} copy;		/* the page is shared: what is checked must not change any more */

	if ((valid | dirty) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	if (dirty & KVM_SYNC_X86_REGS) {
		copy.regs = r->regs;
		vtr_set_regs(v, &copy.regs);
		v->run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_REGS;
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		copy.sregs = r->sregs;
		if (vtr_set_sregs(v, &copy.sregs))
			return -EINVAL;
		v->run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_SREGS;
	}
	if (dirty & KVM_SYNC_X86_EVENTS) {
		copy.events = r->events;
		if (vtr_set_events(v, &copy.events))
			return -EINVAL;
		v->run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_EVENTS;
	}
	return 0;
}

/* The other way, after the run. */
static void vtr_sync_out(struct vtr_vcpu *v, u64 valid)
{
	struct kvm_sync_regs *r = &v->run->s.regs;

	if (valid & KVM_SYNC_X86_REGS)
		vtr_get_regs(v, &r->regs);
	if (valid & KVM_SYNC_X86_SREGS)
		vtr_get_sregs(v, &r->sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		vtr_get_events(v, &r->events);
}

/* What user space reads in kvm_run after every return. */
static void vtr_publish(struct vtr_vcpu *v)
{
	struct kvm_run *run = v->run;

	run->if_flag = vtr_irqs_open(v);
	run->flags = 0;
	run->cr8 = v->cr8;
	run->apic_base = v->apic ? v->apic->l.base : 0;
	run->ready_for_interrupt_injection = v->vm->irqchip ||
		(run->if_flag && vtr_user_irq_open(v) && !vtr_shadowed(v) && !v->exc.pending &&
		 v->user_irq < 0 && v->irq_injected < 0);
}

/**
 * vtr_run() - KVM_RUN
 * @v: v->mutex held
 *
 * Return: 0 with v->run->exit_reason set; -EINTR for a signal or immediate_exit; -EAGAIN when a
 * waiting vCPU was started; -EIO on a VM that died meanwhile; -EFAULT for guest memory that is none;
 * -EINVAL for registers in kvm_run (KVM_CAP_SYNC_REGS) that cannot be. Source: KVM api.rst KVM_RUN.
 */
int vtr_run(struct vtr_vcpu *v)
{
	enum vtr_act act = VTR_ACT_RESUME;
	u64 valid = READ_ONCE(v->run->kvm_valid_regs), dirty = READ_ONCE(v->run->kvm_dirty_regs);
	int ret = 0;

	if (unlikely(valid | dirty)) {
		ret = vtr_sync_in(v, valid, dirty);
		if (ret)
			return ret;
	}
	WRITE_ONCE(v->task, current);
	vtr_stats_begin(&v->stats);
	vtr_slots_load(v);
	if (unlikely(!v->apic))
		vtr_hw(set_cr)(v, 8, v->run->cr8 & 0xf);
	/* The access that the caller answered is finished before anything else is looked at. */
	if (v->completion == VTR_COMPLETE_PIO_OUT) {
		v->completion = VTR_COMPLETE_NONE;
		vtr_advance(v, v->pio.next_rip);
	} else if (v->completion != VTR_COMPLETE_NONE) {
		act = vtr_complete(v);
	}
	if (act == VTR_ACT_FAULT) {
		ret = -EFAULT;
	} else if (act == VTR_ACT_USER) {
		vtr_stats_waited(&v->stats);
		ret = vtr_to_user(v);
	} else if (vtr_immediate_exit(v->run)) {
		ret = -EINTR;
	} else {
		ret = vtr_run_loop(v);
		if (ret == -EINTR)
			v->run->exit_reason = KVM_EXIT_INTR;
	}
	vtr_slots_unload(v);
	WRITE_ONCE(v->task, NULL);
	vtr_publish(v);
	if (unlikely(valid))
		vtr_sync_out(v, valid);
	vtr_trace_return(v, ret);
	vtr_stats_end(&v->stats);
	return ret;
}
