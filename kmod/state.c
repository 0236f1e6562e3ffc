// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - vCPU state in KVM's structures: registers, events, debug registers, run state.
 *
 * Each set function checks everything first and then cannot fail. All are called with v->mutex held
 * and the vCPU put.
 */
#include <asm/processor-flags.h>
#include <asm/msr-index.h>
#include "backend.h"
#include "vcpu.h"

/* kvm_regs names the registers in another order than instructions do. */
static const u8 vtr_regs_order[16] = {
	0, 3, 1, 2, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15	/* rax rbx rcx rdx rsi rdi rsp rbp */
};

/* An event that the CPU was given, for an entry that a signal forestalled, must not go in for all that. */
static void events_changed(struct vtr_vcpu *v)
{
	vtr_hw(cancel_event)(v);
	vtr_request_set(v, VTR_REQ_EVENT);
}

/**
 * vtr_get_regs() - KVM_GET_REGS
 * @v: the vCPU
 * @r: filled
 */
void vtr_get_regs(struct vtr_vcpu *v, struct kvm_regs *r)
{
	__u64 *out = &r->rax;
	int i;

	for (i = 0; i < 16; i++)
		out[i] = v->regs[vtr_regs_order[i]];
	r->rip = v->rip;
	r->rflags = v->rflags;
}

/**
 * vtr_set_regs() - KVM_SET_REGS; drops a pending exception, as KVM does
 * @v: the vCPU
 * @r: the registers
 *
 * Return: 0.
 */
int vtr_set_regs(struct vtr_vcpu *v, const struct kvm_regs *r)
{
	const __u64 *in = &r->rax;
	int i;

	for (i = 0; i < 16; i++)
		v->regs[vtr_regs_order[i]] = in[i];
	/* The guest goes on elsewhere: nobody waits for the port's answer. */
	if (r->rip != v->rip &&
	    (v->completion == VTR_COMPLETE_PIO_OUT || v->completion == VTR_COMPLETE_PIO_IN))
		v->completion = VTR_COMPLETE_NONE;
	v->rip = r->rip;
	v->rflags = r->rflags | X86_EFLAGS_FIXED;
	v->exc.pending = false;
	events_changed(v);
	return 0;
}

/**
 * vtr_get_sregs() - KVM_GET_SREGS
 * @v: the vCPU
 * @s: filled
 */
void vtr_get_sregs(struct vtr_vcpu *v, struct kvm_sregs *s)
{
	vtr_hw(get_segment)(v, VTR_SEG_CS, &s->cs);
	vtr_hw(get_segment)(v, VTR_SEG_DS, &s->ds);
	vtr_hw(get_segment)(v, VTR_SEG_ES, &s->es);
	vtr_hw(get_segment)(v, VTR_SEG_FS, &s->fs);
	vtr_hw(get_segment)(v, VTR_SEG_GS, &s->gs);
	vtr_hw(get_segment)(v, VTR_SEG_SS, &s->ss);
	vtr_hw(get_segment)(v, VTR_SEG_TR, &s->tr);
	vtr_hw(get_segment)(v, VTR_SEG_LDTR, &s->ldt);
	vtr_hw(get_table)(v, false, &s->gdt);
	vtr_hw(get_table)(v, true, &s->idt);
	s->cr0 = vtr_hw(get_cr)(v, 0);
	s->cr2 = vtr_hw(get_cr)(v, 2);
	s->cr3 = vtr_hw(get_cr)(v, 3);
	s->cr4 = vtr_hw(get_cr)(v, 4);
	s->cr8 = v->apic ? vtr_apic_cr8(v) : vtr_hw(get_cr)(v, 8);
	vtr_hw_get_msr(v, MSR_EFER, &s->efer);
	s->apic_base = vtr_apic_base(v);
	memset(s->interrupt_bitmap, 0, sizeof(s->interrupt_bitmap));
	if (v->irq_injected >= 0)
		s->interrupt_bitmap[v->irq_injected / 64] |= BIT_ULL(v->irq_injected % 64);
}

static bool vtr_sregs_valid(struct vtr_vcpu *v, const struct kvm_sregs *s)
{
	bool lma = s->efer & EFER_LMA, lme = s->efer & EFER_LME;
	bool pg = s->cr0 & X86_CR0_PG;

	if (s->cr4 & ~v->cpuid.cr4_allowed || s->efer & ~(v->cpuid.efer_allowed | EFER_LMA))
		return false;
	if ((s->cr0 >> 32) || (pg && !(s->cr0 & X86_CR0_PE)) ||
	    ((s->cr0 & X86_CR0_NW) && !(s->cr0 & X86_CR0_CD)))
		return false;
	if (pg && lme)
		/* Long mode: PAE paging and the active bit belong to it (SDM 3A "IA-32e Mode"). */
		return lma && (s->cr4 & X86_CR4_PAE) && !(s->cr3 >> v->cpuid.phys_bits);
	return !lma && !(s->cs.l && lma);
}

/**
 * vtr_set_sregs() - KVM_SET_SREGS
 * @v: the vCPU
 * @s: the registers
 *
 * Return: 0, or -EINVAL for a combination no CPU can be in; then nothing changed.
 */
int vtr_set_sregs(struct vtr_vcpu *v, const struct kvm_sregs *s)
{
	int i, err;

	if (!vtr_sregs_valid(v, s))
		return -EINVAL;
	err = vtr_apic_set_base(v, s->apic_base, true);
	if (err)
		return err;
	vtr_hw(set_table)(v, false, &s->gdt);
	vtr_hw(set_table)(v, true, &s->idt);
	vtr_hw(set_cr)(v, 2, s->cr2);
	vtr_hw(set_cr)(v, 8, s->cr8 & 0xf);
	if (v->apic)
		vtr_apic_set_cr8(v, s->cr8 & 0xf);
	vtr_hw_set_msr(v, MSR_EFER, s->efer);
	vtr_hw(set_cr)(v, 0, s->cr0);
	vtr_hw(set_cr)(v, 4, s->cr4);
	vtr_hw(set_cr)(v, 3, s->cr3);
	vtr_hw(set_segment)(v, VTR_SEG_CS, &s->cs);
	vtr_hw(set_segment)(v, VTR_SEG_DS, &s->ds);
	vtr_hw(set_segment)(v, VTR_SEG_ES, &s->es);
	vtr_hw(set_segment)(v, VTR_SEG_FS, &s->fs);
	vtr_hw(set_segment)(v, VTR_SEG_GS, &s->gs);
	vtr_hw(set_segment)(v, VTR_SEG_SS, &s->ss);
	vtr_hw(set_segment)(v, VTR_SEG_TR, &s->tr);
	vtr_hw(set_segment)(v, VTR_SEG_LDTR, &s->ldt);
	v->irq_injected = -1;
	for (i = 0; i < 256; i++)
		if (s->interrupt_bitmap[i / 64] & BIT_ULL(i % 64))
			v->irq_injected = i;
	/* A boot CPU put back to the reset vector runs: old callers know no SET_MP_STATE. */
	if (v->id == 0 && v->rip == 0xfff0 && s->cs.selector == 0xf000 &&
	    s->cs.base == 0xffff0000 && !(s->cr0 & X86_CR0_PE))
		v->mp_state = KVM_MP_STATE_RUNNABLE;
	events_changed(v);
	return 0;
}

/**
 * vtr_set_cr0() - a guest's write of CR0
 * @v: the vCPU
 * @val: new value
 *
 * Return: 0, or -EINVAL: the guest gets #GP(0). Source: SDM 3A "Control Registers".
 */
int vtr_set_cr0(struct vtr_vcpu *v, u64 val)
{
	u64 old = vtr_hw(get_cr)(v, 0), cr4 = vtr_hw(get_cr)(v, 4), efer;
	struct vtr_code_state s;

	if (val >> 32 || (val & X86_CR0_PG && !(val & X86_CR0_PE)) ||
	    (val & X86_CR0_NW && !(val & X86_CR0_CD)))
		return -EINVAL;
	vtr_hw_get_msr(v, MSR_EFER, &efer);
	vtr_hw(code_state)(v, &s);
	if ((val ^ old) & X86_CR0_PG) {
		/* Long mode begins from 32-bit code with PAE and ends there. */
		if (val & X86_CR0_PG && efer & EFER_LME && !(cr4 & X86_CR4_PAE))
			return -EINVAL;
		if (!(val & X86_CR0_PG) && (s.bits == 64 || cr4 & X86_CR4_PCIDE))
			return -EINVAL;
	}
	vtr_hw(set_cr)(v, 0, val);
	return 0;
}

/**
 * vtr_set_cr4() - a guest's write of CR4
 * @v: the vCPU
 * @val: new value
 *
 * Return: 0, or -EINVAL: the guest gets #GP(0). Source: SDM 3A "Control Registers".
 */
int vtr_set_cr4(struct vtr_vcpu *v, u64 val)
{
	u64 old = vtr_hw(get_cr)(v, 4), efer;
	bool lma;

	if (val & ~v->cpuid.cr4_allowed)
		return -EINVAL;
	vtr_hw_get_msr(v, MSR_EFER, &efer);
	lma = efer & EFER_LMA;
	if (lma && (!(val & X86_CR4_PAE) || (val ^ old) & X86_CR4_LA57))
		return -EINVAL;
	if (!(old & X86_CR4_PCIDE) && val & X86_CR4_PCIDE &&
	    (!lma || vtr_hw(get_cr)(v, 3) & 0xfff))
		return -EINVAL;
	vtr_hw(set_cr)(v, 4, val);
	/* CPUID shows CR4.OSXSAVE and OSPKE. */
	if ((val ^ old) & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		vtr_cpuid_refresh(v);
	return 0;
}

/**
 * vtr_get_events() - KVM_GET_VCPU_EVENTS
 * @v: the vCPU
 * @ev: filled
 */
void vtr_get_events(struct vtr_vcpu *v, struct kvm_vcpu_events *ev)
{
	memset(ev, 0, sizeof(*ev));
	ev->exception.injected = v->exc.pending;
	ev->exception.nr = v->exc.vector;
	ev->exception.has_error_code = v->exc.has_error;
	ev->exception.error_code = v->exc.error;
	/* User space takes no payload: deliver its side effect into the register now. */
	if (v->exc.pending && v->exc.has_payload && v->exc.vector == 14)
		vtr_hw(set_cr)(v, 2, v->exc.payload);
	ev->interrupt.injected = v->irq_injected >= 0;
	ev->interrupt.nr = v->irq_injected >= 0 ? v->irq_injected : 0;
	ev->interrupt.shadow = vtr_hw(get_shadow)(v);
	ev->nmi.injected = v->nmi_injected;
	ev->nmi.pending = v->nmi_pending || atomic_read(&v->nmi_queued);
	ev->nmi.masked = v->nmi_masked;
	ev->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	if (v->apic && v->mp_state == KVM_MP_STATE_SIPI_RECEIVED)
		ev->flags |= KVM_VCPUEVENT_VALID_SIPI_VECTOR;
}

/**
 * vtr_set_events() - KVM_SET_VCPU_EVENTS
 * @v: the vCPU
 * @ev: events; only the parts whose flag is set
 *
 * Return: 0, or -EINVAL for flags or an exception number unknown.
 */
int vtr_set_events(struct vtr_vcpu *v, const struct kvm_vcpu_events *ev)
{
	const u32 known = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
			  KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM;

	if (ev->flags & ~known)
		return -EINVAL;
	if (ev->flags & KVM_VCPUEVENT_VALID_SMM && (ev->smi.smm || ev->smi.pending))
		return -EINVAL;
	if (ev->exception.injected && (ev->exception.nr > 31 || ev->exception.nr == 2))
		return -EINVAL;
	v->exc.pending = ev->exception.injected;
	v->exc.injected = ev->exception.injected;
	v->exc.vector = ev->exception.nr;
	v->exc.has_error = ev->exception.has_error_code;
	v->exc.error = ev->exception.error_code;
	v->exc.has_payload = false;
	v->irq_injected = ev->interrupt.injected ? ev->interrupt.nr : -1;
	if (ev->flags & KVM_VCPUEVENT_VALID_SHADOW)
		vtr_hw(set_shadow)(v, ev->interrupt.shadow);
	v->nmi_injected = ev->nmi.injected;
	if (ev->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		v->nmi_pending = !!ev->nmi.pending;
		atomic_set(&v->nmi_queued, 0);
	}
	v->nmi_masked = ev->nmi.masked;
	events_changed(v);
	return 0;
}

/**
 * vtr_get_debugregs() - KVM_GET_DEBUGREGS
 * @v: the vCPU
 * @d: filled
 */
void vtr_get_debugregs(struct vtr_vcpu *v, struct kvm_debugregs *d)
{
	memset(d, 0, sizeof(*d));
	memcpy(d->db, v->dr, sizeof(d->db));
	d->dr6 = v->dr6;
	d->dr7 = v->dr7;
}

/**
 * vtr_set_debugregs() - KVM_SET_DEBUGREGS
 * @v: the vCPU
 * @d: the registers
 *
 * Return: 0, or -EINVAL for flags or for DR6 and DR7 with upper halves.
 */
int vtr_set_debugregs(struct vtr_vcpu *v, const struct kvm_debugregs *d)
{
	if (d->flags || d->dr6 >> 32 || d->dr7 >> 32)
		return -EINVAL;
	memcpy(v->dr, d->db, sizeof(v->dr));
	v->dr6 = d->dr6 | VTR_DR6_ONES;
	v->dr7 = (d->dr7 & ~0xd000ULL) | 0x400;
	vtr_hw(update_debug)(v);
	return 0;
}

/**
 * vtr_get_mp_state() - KVM_GET_MP_STATE; INIT and SIPI that wait are taken first
 * @v: the vCPU
 * @s: filled
 *
 * Return: 0.
 */
int vtr_get_mp_state(struct vtr_vcpu *v, struct kvm_mp_state *s)
{
	if (v->apic && test_and_clear_bit(VTR_REQ_MP, &v->requests))
		vtr_apic_accept_mp(v);
	s->mp_state = v->mp_state;
	return 0;
}

/**
 * vtr_set_mp_state() - KVM_SET_MP_STATE
 * @v: the vCPU
 * @s: the state
 *
 * Return: 0, or -EINVAL for a state there is not, or one that needs an in-kernel APIC.
 */
int vtr_set_mp_state(struct vtr_vcpu *v, const struct kvm_mp_state *s)
{
	if (s->mp_state > KVM_MP_STATE_SIPI_RECEIVED ||
	    (!v->apic && s->mp_state != KVM_MP_STATE_RUNNABLE))
		return -EINVAL;
	if (s->mp_state == KVM_MP_STATE_SIPI_RECEIVED)
		vtr_apic_latch_sipi(v);
	else
		v->mp_state = s->mp_state;
	vtr_request_set(v, VTR_REQ_EVENT);
	return 0;
}

/**
 * vtr_set_guest_debug() - KVM_SET_GUEST_DEBUG
 * @v: the vCPU
 * @d: what a debugger wants
 *
 * Return: 0, -EINVAL for unknown bits, -EBUSY when an exception is to be injected onto another.
 */
int vtr_set_guest_debug(struct vtr_vcpu *v, const struct kvm_guest_debug *d)
{
	const u32 known = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |
			  KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP |
			  KVM_GUESTDBG_BLOCKIRQ;

	if (d->control & ~known)
		return -EINVAL;
	if (d->control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		if (v->exc.pending)
			return -EBUSY;
		vtr_queue_exception(v, d->control & KVM_GUESTDBG_INJECT_DB ? 1 : 3, false, 0);
	}
	v->guest_debug = d->control & KVM_GUESTDBG_ENABLE ? d->control : 0;
	if (v->guest_debug & KVM_GUESTDBG_USE_HW_BP) {
		memcpy(v->debug_dr, d->arch.debugreg, sizeof(v->debug_dr));
		v->debug_dr7 = (d->arch.debugreg[7] & 0xffff2fffULL) | 0x400;
	}
	vtr_hw(update_debug)(v);
	/* Interrupts that a debugger held up, or will. */
	if (v->apic)
		vtr_apic_choose_delivery(v);
	vtr_request_set(v, VTR_REQ_EVENT);
	return 0;
}
