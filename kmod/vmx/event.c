// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - events into the guest: injection, what came back of an interrupted one, and the windows.
 *
 * Source: SDM 3C "Event Injection", "Information for VM Exits That Occur During Event Delivery".
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "vmx.h"

static void vmx_inject(struct vtr_vcpu *v, u32 event)
{
	vmcs_write(VMCS_ENTRY_INTR_INFO, event | VMX_INTR_VALID);
	v->hw->rare |= VMX_RARE_EVENT;
}

/**
 * vmx_inject_irq() - deliver an external interrupt with the next entry
 * @v: loaded, can take it (RFLAGS.IF, no shadow)
 * @vector: 0..255
 */
void vmx_inject_irq(struct vtr_vcpu *v, u8 vector)
{
	vmx_inject(v, VMX_INTR_EXTERNAL | vector);
}

/**
 * vmx_inject_nmi() - deliver an NMI with the next entry
 * @v: loaded, NMIs not masked
 *
 * The entry blocks further ones, with virtual NMIs; a blocking left by an interrupted delivery of this
 * very NMI would make it fail.
 */
void vmx_inject_nmi(struct vtr_vcpu *v)
{
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
		   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~(u64)VMX_BLOCKED_NMI);
	v->hw->nmi_blocked = true;
	vmx_inject(v, VMX_INTR_NMI | X86_TRAP_NMI);
}

/**
 * vmx_inject_exception() - deliver an exception with the next entry
 * @v: loaded; CR2 or DR6 already hold the exception's payload
 * @ev: the exception
 *
 * #BP and #OF are software exceptions, traps of instructions one byte long. In real mode none has an
 * error code.
 */
void vmx_inject_exception(struct vtr_vcpu *v, const struct vtr_event *ev)
{
	u32 event = ev->vector;

	if (ev->vector == X86_TRAP_BP || ev->vector == X86_TRAP_OF) {
		vmcs_write(VMCS_ENTRY_INSN_LEN, 1);
		event |= VMX_INTR_SOFT_EXCEPTION;
	} else {
		event |= VMX_INTR_HARD_EXCEPTION;
	}
	if (ev->has_error && vmcs_read(VMCS_GUEST_CR0) & X86_CR0_PE) {
		vmcs_write(VMCS_ENTRY_ERROR_CODE, ev->error);
		event |= VMX_INTR_ERROR;
	}
	vmx_inject(v, event);
}

/**
 * vmx_cancel_event() - the entry that an event was given to did not come, and it may be another's now
 * @v: not running; what is still to be injected stands in v->exc, v->irq_injected and v->nmi_injected
 */
void vmx_cancel_event(struct vtr_vcpu *v)
{
	if (v->hw->rare & VMX_RARE_EVENT) {
		v->hw->rare &= ~VMX_RARE_EVENT;
		vmx_use(v);
		vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
		vmx_unuse();
	}
}

/**
 * vmx_take_back_event() - after an exit: was what we injected, or the CPU delivered, cut short?
 * @v: loaded
 * @info: IDT-vectoring information
 *
 * Software interrupts and exceptions (INT n, INT3, INTO) are not kept: RIP still stands at the
 * instruction, which raises them again. But one that we injected is: nobody knows what stands there.
 *
 * Return: VTR_ENTERED_EVENT if an event must be injected again, else 0.
 */
int vmx_take_back_event(struct vtr_vcpu *v, u32 info)
{
	bool trap = v->hw->rare & VMX_RARE_EVENT && v->exc.pending &&
		    v->exc.vector == (info & VMX_INTR_VECTOR);

	if (v->hw->rare & VMX_RARE_EVENT) {
		v->hw->rare &= ~VMX_RARE_EVENT;
		/* The CPU clears the valid bit on exits, but not when the entry itself failed. */
		vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
		v->exc.pending = false;
		v->exc.injected = false;
		v->nmi_injected = false;
		v->irq_injected = -1;
	}
	if (!(info & VMX_INTR_VALID))
		return 0;
	switch (info & VMX_INTR_TYPE) {
	case VMX_INTR_EXTERNAL:
		v->irq_injected = info & VMX_INTR_VECTOR;
		return VTR_ENTERED_EVENT;
	case VMX_INTR_NMI:
		v->nmi_injected = true;
		return VTR_ENTERED_EVENT;
	case VMX_INTR_SOFT_EXCEPTION:
		if (!trap)
			return 0;
		fallthrough;
	case VMX_INTR_HARD_EXCEPTION:
		v->exc.pending = true;
		v->exc.injected = true;
		v->exc.vector = info & VMX_INTR_VECTOR;
		v->exc.has_error = info & VMX_INTR_ERROR;
		v->exc.error = v->exc.has_error ? vmcs_read(VMCS_IDT_VECTORING_ERROR) : 0;
		v->exc.has_payload = false;
		return VTR_ENTERED_EVENT;
	}
	return 0;
}

/**
 * vmx_irq_window() - exit as soon as the guest can take an interrupt, or stop doing so
 * @v: the vCPU
 * @on: whether
 */
void vmx_irq_window(struct vtr_vcpu *v, bool on)
{
	vmx_control(v, VMX_CPU_INTR_WINDOW, on);
}

/**
 * vmx_nmi_window() - exit as soon as the guest can take an NMI; the exit ends it
 * @v: the vCPU
 */
void vmx_nmi_window(struct vtr_vcpu *v)
{
	vmx_control(v, VMX_CPU_NMI_WINDOW, true);
}

/**
 * vmx_stepped() - was this #DB exit the end of a step that vmx_nmi_window() asked for?
 * @v: at a #DB exit
 *
 * Return: false: the CPU has a window of its own.
 */
bool vmx_stepped(struct vtr_vcpu *v)
{
	return false;
}

/**
 * vmx_iret_seen() - the guest is about to execute the IRET that ends its NMI handler
 * @v: the vCPU
 *
 * There is no such exit here: the CPU tracks the blocking of NMIs itself.
 */
void vmx_iret_seen(struct vtr_vcpu *v)
{
}

/**
 * vmx_iret_done() - has the IRET that ends an NMI handler been executed by now?
 * @v: the vCPU, loaded
 *
 * Return: true once NMIs are open again; v->nmi_masked is the caller's to clear.
 */
bool vmx_iret_done(struct vtr_vcpu *v)
{
	return !v->hw->nmi_blocked;
}

/**
 * vmx_cr8_window() - exit on writes of CR8, since a lower TPR would open the way for an interrupt
 * @v: the vCPU, loaded
 * @on: whether
 *
 * With the TPR shadow the threshold is the class that holds up now: anything lower exits. Without it
 * every access of CR8 exits.
 */
void vmx_cr8_window(struct vtr_vcpu *v, bool on)
{
	u8 want = on ? v->cr8 : 0;

	if (!(vmx_caps.cpu & VMX_CPU_TPR_SHADOW) || v->hw->tpr_threshold == want)
		return;
	v->hw->tpr_threshold = want;
	vmcs_write(VMCS_TPR_THRESHOLD, want);
}

/**
 * vmx_get_shadow() - is the guest in the shadow of STI or MOV SS?
 * @v: the vCPU
 *
 * Return: KVM_X86_SHADOW_INT_* bits.
 */
u32 vmx_get_shadow(struct vtr_vcpu *v)
{
	u32 state;

	/* As of the last exit; only set_shadow changes it since. */
	state = v->hw->interruptibility;
	return (state & VMX_BLOCKED_STI ? KVM_X86_SHADOW_INT_STI : 0) |
	       (state & VMX_BLOCKED_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
}

/**
 * vmx_keep_trap() - the trap of a guest's own single step waits while it is in a shadow
 * @v: its VMCS is current
 *
 * Where the guest has TF set in the shadow of STI or MOV SS the CPU wants that trap pending, else the entry fails: SDM 3C "Checks on
 * Guest Non-Register State". It sees to that at each exit but one for the #DB of the step itself, as over STI; what is injected then takes
 * the trap's place. Bochs 2.7 is not in the shadow any more when that exit comes.
 */
void vmx_keep_trap(struct vtr_vcpu *v)
{
	if (v->rflags & X86_EFLAGS_TF && v->hw->interruptibility & (VMX_BLOCKED_STI | VMX_BLOCKED_MOV_SS))
		vmcs_write(VMCS_GUEST_PENDING_DEBUG, vmcs_read(VMCS_GUEST_PENDING_DEBUG) | VTR_DR6_BS);
}

/**
 * vmx_set_shadow() - open or close that shadow
 * @v: the vCPU
 * @shadow: KVM_X86_SHADOW_INT_* bits; not both at once, the CPU knows no such state
 */
void vmx_set_shadow(struct vtr_vcpu *v, u32 shadow)
{
	u32 state;

	vmx_use(v);
	state = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~(VMX_BLOCKED_STI | VMX_BLOCKED_MOV_SS);
	if (shadow & KVM_X86_SHADOW_INT_MOV_SS)
		state |= VMX_BLOCKED_MOV_SS;
	else if (shadow & KVM_X86_SHADOW_INT_STI)
		state |= VMX_BLOCKED_STI;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, state);
	v->hw->interruptibility = state;
	vmx_keep_trap(v);
	vmx_unuse();
	v->shadow = shadow;
}
