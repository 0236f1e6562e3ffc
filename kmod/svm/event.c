// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - events into the guest: injection, what came back of an interrupted one, and the windows.
 *
 * Source: APM2 "Event Injection", "Interrupt and Exception Handling with SVM".
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "svm.h"

static void svm_inject(struct vtr_vcpu *v, u64 event)
{
	v->hw->vmcb->event_inj = event | VMCB_EV_VALID;
	v->hw->rare = (v->hw->rare & ~SVM_RARE_TRAP) | SVM_RARE_EVENT;
}

/**
 * svm_inject_irq() - deliver an external interrupt with the next entry
 * @v: loaded, can take it (RFLAGS.IF, no shadow)
 * @vector: 0..255
 */
void svm_inject_irq(struct vtr_vcpu *v, u8 vector)
{
	svm_inject(v, VMCB_EV_INTR | vector);
}

/**
 * svm_inject_nmi() - deliver an NMI with the next entry; the guest's IRET will exit
 * @v: loaded, NMIs not masked
 */
void svm_inject_nmi(struct vtr_vcpu *v)
{
	svm_inject(v, VMCB_EV_NMI | X86_TRAP_NMI);
	v->hw->vmcb->misc1 |= VMCB_INT_IRET;
	v->hw->iret_seen = false;
	svm_touch(v, VMCB_CLEAN_INTERCEPTS);
}

/**
 * svm_inject_exception() - deliver an exception with the next entry
 * @v: loaded; CR2 or DR6 already hold the exception's payload
 * @ev: the exception
 *
 * #BP and #OF are traps of instructions one byte long.
 */
void svm_inject_exception(struct vtr_vcpu *v, const struct vtr_event *ev)
{
	u64 event = VMCB_EV_EXCEPTION | ev->vector;

	if (ev->has_error)
		event |= VMCB_EV_ERROR | (u64)ev->error << 32;
	svm_inject(v, event);
	if (ev->vector == X86_TRAP_BP || ev->vector == X86_TRAP_OF)
		v->hw->rare |= SVM_RARE_TRAP;
}

/**
 * svm_cancel_event() - the entry that an event was given to did not come, and it may be another's now
 * @v: not running; what is still to be injected stands in v->exc, v->irq_injected and v->nmi_injected
 */
void svm_cancel_event(struct vtr_vcpu *v)
{
	if (v->hw->rare & SVM_RARE_EVENT) {
		v->hw->rare &= ~(SVM_RARE_EVENT | SVM_RARE_TRAP);
		v->hw->vmcb->event_inj = 0;
	}
}

/**
 * svm_take_back_event() - after an exit: was what we injected, or the CPU delivered, cut short?
 * @v: loaded
 *
 * Software interrupts and exceptions (INT n, INT3, INTO) are not kept: RIP still stands at the
 * instruction, which raises them again. But one that we injected is, with RIP put back: nobody knows
 * what stands there.
 *
 * Return: VTR_ENTERED_EVENT if an event must be injected again, else 0.
 */
int svm_take_back_event(struct vtr_vcpu *v)
{
	struct vmcb *b = v->hw->vmcb;
	u64 info = b->exit_int_info;
	bool trap = v->hw->rare & SVM_RARE_TRAP && v->rip == v->hw->trap_rip;

	if (v->hw->rare & SVM_RARE_EVENT) {
		v->hw->rare &= ~(SVM_RARE_EVENT | SVM_RARE_TRAP);
		b->event_inj = 0;
		v->exc.pending = false;
		v->exc.injected = false;
		v->nmi_injected = false;
		v->irq_injected = -1;
	}
	if (!(info & VMCB_EV_VALID))
		return 0;
	switch (info & VMCB_EV_TYPE) {
	case VMCB_EV_INTR:
		v->irq_injected = info & VMCB_EV_VECTOR;
		return VTR_ENTERED_EVENT;
	case VMCB_EV_NMI:
		v->nmi_injected = true;
		return VTR_ENTERED_EVENT;
	case VMCB_EV_EXCEPTION:
		if ((info & VMCB_EV_VECTOR) == X86_TRAP_BP ||
		    (info & VMCB_EV_VECTOR) == X86_TRAP_OF) {
			if (!trap)
				return 0;
			v->rip--;
		}
		v->exc.pending = true;
		v->exc.injected = true;
		v->exc.vector = info & VMCB_EV_VECTOR;
		v->exc.has_error = info & VMCB_EV_ERROR;
		v->exc.error = info >> 32;
		v->exc.has_payload = false;
		return VTR_ENTERED_EVENT;
	}
	return 0;
}

/**
 * svm_irq_window() - exit as soon as the guest can take an interrupt, or stop doing so
 * @v: the vCPU
 * @on: whether
 *
 * A virtual interrupt of highest priority is made pending and intercepted before it is delivered.
 */
void svm_irq_window(struct vtr_vcpu *v, bool on)
{
	struct vmcb *b = v->hw->vmcb;
	bool is_on = b->int_ctl & VMCB_V_IRQ;

	if (is_on == on)
		return;
	if (on) {
		b->int_ctl |= VMCB_V_IRQ | VMCB_V_PRIO_MAX | VMCB_V_IGN_TPR;
		b->int_vector = 0;
		b->misc1 |= VMCB_INT_VINTR;
	} else {
		b->int_ctl &= ~(VMCB_V_IRQ | VMCB_V_PRIO_MAX | VMCB_V_IGN_TPR);
		b->misc1 &= ~VMCB_INT_VINTR;
	}
	svm_touch(v, VMCB_CLEAN_TPR | VMCB_CLEAN_INTERCEPTS);
}

/**
 * svm_nmi_window() - an NMI waits for the guest's IRET, or for the shadow to end
 * @v: the vCPU
 *
 * The IRET intercept comes before the instruction, which still has to run with NMIs masked: one
 * single step over it (or over the shadowed instruction) ends in a #DB exit.
 */
void svm_nmi_window(struct vtr_vcpu *v)
{
	if (v->nmi_masked && !v->hw->iret_seen)
		return;		/* the IRET intercept is still armed */
	v->hw->rare |= SVM_RARE_NMI;
}

/**
 * svm_stepped() - was this #DB exit the end of a step that svm_nmi_window() asked for?
 * @v: at a #DB exit
 *
 * Return: true if so, and the step is over; the exception is none of the guest's then unless it
 * steps itself.
 */
bool svm_stepped(struct vtr_vcpu *v)
{
	bool step = v->hw->rare & SVM_RARE_NMI;

	if (v->hw->rare & (SVM_RARE_NMI | SVM_RARE_STEP)) {
		v->hw->vmcb->dr6 = v->hw->guest_dr6;
		svm_touch(v, VMCB_CLEAN_DR);
	}
	v->hw->rare &= ~SVM_RARE_NMI;
	return step;
}

/**
 * svm_iret_seen() - the guest is about to execute the IRET that ends its NMI handler
 * @v: at an IRET exit; RIP stands at the instruction, which runs with the next entry
 */
void svm_iret_seen(struct vtr_vcpu *v)
{
	v->hw->iret_seen = true;
	v->hw->iret_rip = v->rip;
	v->hw->vmcb->misc1 &= ~VMCB_INT_IRET;
	svm_touch(v, VMCB_CLEAN_INTERCEPTS);
}

/**
 * svm_iret_done() - after IRET was intercepted: has it been executed by now?
 * @v: the vCPU, after an exit
 *
 * Return: true once NMIs are open again; v->nmi_masked is the caller's to clear.
 */
bool svm_iret_done(struct vtr_vcpu *v)
{
	return v->hw->iret_seen && v->rip != v->hw->iret_rip;
}

/**
 * svm_cr8_window() - exit on writes of CR8, since a lower TPR would open the way for an interrupt
 * @v: the vCPU
 * @on: whether
 */
void svm_cr8_window(struct vtr_vcpu *v, bool on)
{
	struct vmcb *b = v->hw->vmcb;
	u16 want = on ? b->cr_write | BIT(8) : b->cr_write & ~BIT(8);

	if (b->cr_write == want)
		return;
	b->cr_write = want;
	svm_touch(v, VMCB_CLEAN_INTERCEPTS);
}

/**
 * svm_get_shadow() - is the guest in the shadow of STI or MOV SS?
 * @v: the vCPU
 *
 * Return: KVM_X86_SHADOW_INT_* bits; SVM does not tell the two apart.
 */
u32 svm_get_shadow(struct vtr_vcpu *v)
{
	return v->hw->vmcb->int_state & VMCB_SHADOW ?
		KVM_X86_SHADOW_INT_STI | KVM_X86_SHADOW_INT_MOV_SS : 0;
}

/**
 * svm_set_shadow() - open or close that shadow
 * @v: the vCPU
 * @shadow: KVM_X86_SHADOW_INT_* bits
 */
void svm_set_shadow(struct vtr_vcpu *v, u32 shadow)
{
	v->shadow = shadow;
	if (shadow)
		v->hw->vmcb->int_state |= VMCB_SHADOW;
	else
		v->hw->vmcb->int_state &= ~VMCB_SHADOW;
}
