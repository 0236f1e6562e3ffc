// SPDX-License-Identifier: GPL-2.0-only
/*
 * exit.c - decoding of a VMX exit into struct vtr_exit. Acts on nothing but what the CPU asks for.
 *
 * Source: SDM 3D "VMX Basic Exit Reasons", SDM 3C "Exit Qualification".
 */
#include "vmx.h"
#include "../mmu.h"

/* Exit reasons that say all by themselves. A zero entry is one that needs more, or is unknown. */
static const u8 vmx_plain_exit[VMX_EXIT_NR] = {
	[VMX_EXIT_EXT_INTR]	= VTR_EXIT_HOST_IRQ + 1,
	[VMX_EXIT_TRIPLE_FAULT]	= VTR_EXIT_TRIPLE_FAULT + 1,
	[VMX_EXIT_INIT]		= VTR_EXIT_INIT + 1,
	[VMX_EXIT_IO_SMI]	= VTR_EXIT_HOST_IRQ + 1,
	[VMX_EXIT_OTHER_SMI]	= VTR_EXIT_HOST_IRQ + 1,
	[VMX_EXIT_INTR_WINDOW]	= VTR_EXIT_IRQ_WINDOW + 1,
	[VMX_EXIT_TPR_THRESHOLD] = VTR_EXIT_IRQ_WINDOW + 1,
	[VMX_EXIT_CPUID]	= VTR_EXIT_CPUID + 1,
	[VMX_EXIT_GETSEC]	= VTR_EXIT_UNDEFINED + 1,
	[VMX_EXIT_HLT]		= VTR_EXIT_HLT + 1,
	[VMX_EXIT_INVD]		= VTR_EXIT_INVD + 1,
	[VMX_EXIT_RDPMC]	= VTR_EXIT_RDPMC + 1,
	[VMX_EXIT_RSM]		= VTR_EXIT_UNDEFINED + 1,
	[VMX_EXIT_VMCALL]	= VTR_EXIT_VMCALL + 1,
	[VMX_EXIT_VMCLEAR ... VMX_EXIT_VMXON] = VTR_EXIT_UNDEFINED + 1,
	[VMX_EXIT_RDMSR]	= VTR_EXIT_MSR_READ + 1,
	[VMX_EXIT_WRMSR]	= VTR_EXIT_MSR_WRITE + 1,
	[VMX_EXIT_MWAIT]	= VTR_EXIT_MWAIT + 1,
	[VMX_EXIT_MONITOR]	= VTR_EXIT_MONITOR + 1,
	[VMX_EXIT_PAUSE]	= VTR_EXIT_PAUSE + 1,
	[VMX_EXIT_INVEPT]	= VTR_EXIT_UNDEFINED + 1,
	[VMX_EXIT_TIMER]	= VTR_EXIT_TIMER + 1,
	[VMX_EXIT_INVVPID]	= VTR_EXIT_UNDEFINED + 1,
	[VMX_EXIT_WBINVD]	= VTR_EXIT_WBINVD + 1,
	[VMX_EXIT_XSETBV]	= VTR_EXIT_XSETBV + 1,
};

static void vmx_decode_io(struct vtr_vcpu *v, struct vtr_exit *e)
{
	u32 info = vmcs_read(VMCS_EXIT_QUALIFICATION);

	e->kind = VTR_EXIT_IO;
	e->insn_len = vmcs_read(VMCS_EXIT_INSN_LEN);
	e->io.port = info >> VMX_IO_PORT_SHIFT;
	e->io.size = (info & VMX_IO_SIZE) + 1;
	e->io.in = info & VMX_IO_IN;
	e->io.string = info & VMX_IO_STRING;
	e->io.rep = info & VMX_IO_REP;
	e->io.next_rip = v->rip + e->insn_len;
}

/* IRET opened NMIs and then met this exit: executed again, it must find them blocked. */
static void vmx_block_nmis_again(struct vtr_vcpu *v)
{
	v->hw->interruptibility |= VMX_BLOCKED_NMI;
	v->hw->nmi_blocked = true;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, v->hw->interruptibility);
}

/* The qualification's word about that, of no meaning while an event was delivered. */
static void vmx_opened_nmis(struct vtr_vcpu *v, u64 info)
{
	if (unlikely(info & VMX_INTR_NMI_UNBLOCKED) && !v->nmi_injected && !v->exc.injected &&
	    v->irq_injected < 0)
		vmx_block_nmis_again(v);
}

static void vmx_decode_fault(struct vtr_vcpu *v, struct vtr_exit *e)
{
	u64 info = vmcs_read(VMCS_EXIT_QUALIFICATION);

	e->kind = VTR_EXIT_TDP_FAULT;
	e->fault.gpa = vmcs_read(VMCS_GUEST_PHYSICAL);
	e->fault.why = (info & VMX_EPT_WRITE ? VTR_FAULT_WRITE : 0) |
		       (info & VMX_EPT_FETCH ? VTR_FAULT_FETCH : 0) |
		       (info & VMX_EPT_OPERAND ? 0 : VTR_FAULT_WALK);
	vmx_opened_nmis(v, info);
}

static void vmx_decode_exception(struct vtr_vcpu *v, struct vtr_exit *e)
{
	u32 info = v->hw->intr_info;

	if ((info & VMX_INTR_TYPE) == VMX_INTR_NMI) {
		e->kind = VTR_EXIT_HOST_NMI;
		return;
	}
	e->kind = VTR_EXIT_EXCEPTION;
	e->exc.vector = info & VMX_INTR_VECTOR;
	e->exc.has_error = info & VMX_INTR_ERROR;
	e->exc.error = e->exc.has_error ? vmcs_read(VMCS_EXIT_INTR_ERROR) : 0;
	if (unlikely(info & VMX_INTR_NMI_UNBLOCKED) && e->exc.vector != X86_TRAP_DF &&
	    !v->exc.injected)
		vmx_block_nmis_again(v);
	/* The exit comes before DR6 is written: SDM 3C "Exit Qualification for Debug Exceptions". */
	if (e->exc.vector == X86_TRAP_DB) {
		/* B0..3 are this exception's alone, the others stay until the guest clears them. */
		e->insn_len = (info & VMX_INTR_TYPE) == VMX_INTR_PRIVILEGED ? vmcs_read(VMCS_EXIT_INSN_LEN) : 0;
		vmx_keep_trap(v);
		e->exc.dr6 = (vmx_get_dr(v, 6) & ~0xfULL) | VTR_DR6_ONES |
			     (vmcs_read(VMCS_EXIT_QUALIFICATION) & VTR_DR6_BITS);
	}
}

static void vmx_decode_cr(struct vtr_exit *e)
{
	u32 info = vmcs_read(VMCS_EXIT_QUALIFICATION);

	e->reg.nr = info & VMX_CR_NUMBER;
	e->kind = e->reg.nr == 8 ? VTR_EXIT_CR8_WRITE :
		  (info >> VMX_CR_TYPE_SHIFT & 3) == 1 ? VTR_EXIT_CR_READ : VTR_EXIT_CR_WRITE;
}

/* The qualification names the sources in the order of enum vtr_task_source. */
static void vmx_decode_task_switch(struct vtr_exit *e)
{
	u64 info = vmcs_read(VMCS_EXIT_QUALIFICATION);
	u32 vectoring = vmcs_read(VMCS_IDT_VECTORING_INFO), type = vectoring & VMX_INTR_TYPE;

	e->kind = VTR_EXIT_TASK_SWITCH;
	e->task.selector = info;
	e->task.source = info >> VMX_TASK_SOURCE_SHIFT & 3;
	e->task.insn = !(vectoring & VMX_INTR_VALID) || type == VMX_INTR_SOFT ||
		       type == VMX_INTR_PRIVILEGED || type == VMX_INTR_SOFT_EXCEPTION;
	if (e->task.insn)
		e->insn_len = vmcs_read(VMCS_EXIT_INSN_LEN);
}

static void vmx_decode_rest(struct vtr_vcpu *v, struct vtr_exit *e)
{
	u32 reason = v->hw->exit_reason;

	e->hw_reason = reason;
	if (unlikely(reason & VMX_EXIT_ENTRY_FAILED)) {
		e->kind = VTR_EXIT_ENTRY_FAILED;
		if (reason == VMX_EXIT_NO_ENTRY)
			e->hw_reason = v->hw->insn_error;
		vmx_explain_failure(v);
		return;
	}
	switch (reason & VMX_EXIT_BASIC) {
	case VMX_EXIT_EXCEPTION:
		vmx_decode_exception(v, e);
		break;
	case VMX_EXIT_NMI_WINDOW:
		e->kind = VTR_EXIT_IRQ_WINDOW;
		vmx_control(v, VMX_CPU_NMI_WINDOW, false);
		break;
	case VMX_EXIT_TASK_SWITCH:
		vmx_decode_task_switch(e);
		break;
	case VMX_EXIT_CR:
		vmx_decode_cr(e);
		break;
	case VMX_EXIT_MOV_DR:
		e->kind = VTR_EXIT_DR_ACCESS;
		e->reg.nr = vmcs_read(VMCS_EXIT_QUALIFICATION) & 7;
		e->reg.write = !(vmcs_read(VMCS_EXIT_QUALIFICATION) & VMX_DR_FROM);
		break;
	case VMX_EXIT_PML_FULL:
		e->kind = VTR_EXIT_LOG_FULL;
		vmx_opened_nmis(v, vmcs_read(VMCS_EXIT_QUALIFICATION));
		break;
	case VMX_EXIT_APIC_EOI:
		e->kind = VTR_EXIT_APIC_EOI;
		e->apic.vector = vmcs_read(VMCS_EXIT_QUALIFICATION);
		break;
	case VMX_EXIT_APIC_WRITE:
		e->kind = VTR_EXIT_APIC_WRITE;
		e->apic.off = vmcs_read(VMCS_EXIT_QUALIFICATION) & 0xff0;
		break;
	case VMX_EXIT_MONITOR_TRAP:
		/* A debugger's step: what the #DB of a single step looks like. */
		e->kind = VTR_EXIT_EXCEPTION;
		e->exc.vector = X86_TRAP_DB;
		e->exc.has_error = false;
		e->exc.dr6 = VTR_DR6_ONES | VTR_DR6_BS;
		break;
	default:
		e->kind = VTR_EXIT_UNKNOWN;
		e->raw.info[0] = vmcs_read(VMCS_EXIT_QUALIFICATION);
		e->raw.info[1] = 0;
	}
}

/**
 * vmx_last_exit() - the last exit as the VMCS has it
 * @v: under its mutex, or loaded
 * @e: filled
 */
void vmx_last_exit(struct vtr_vcpu *v, struct vtr_hw_exit *e)
{
	u32 basic = v->hw->exit_reason & VMX_EXIT_BASIC;

	vmx_use(v);
	e->reason = v->hw->exit_reason;
	e->info1 = vmcs_read(VMCS_EXIT_QUALIFICATION);
	e->info2 = basic == VMX_EXIT_EPT_VIOLATION || basic == VMX_EXIT_EPT_MISCONFIG ?
		   vmcs_read(VMCS_GUEST_PHYSICAL) : 0;
	e->event = (u32)vmcs_read(VMCS_IDT_VECTORING_INFO) |
		   vmcs_read(VMCS_IDT_VECTORING_ERROR) << 32;
	vmx_unuse();
}

/**
 * vmx_decode() - what was the last exit?
 * @v: after vmx_enter(), loaded
 * @e: filled; the union's part that belongs to e->kind
 *
 * Context: loaded, interrupts off.
 */
void vmx_decode(struct vtr_vcpu *v, struct vtr_exit *e)
{
	u32 reason = v->hw->exit_reason;

	if (reason == VMX_EXIT_EPT_VIOLATION) {
		e->insn_len = 0;
		vmx_decode_fault(v, e);
	} else if (reason == VMX_EXIT_IO) {
		vmx_decode_io(v, e);
	} else if (reason < VMX_EXIT_NR && vmx_plain_exit[reason]) {
		e->kind = vmx_plain_exit[reason] - 1;
		/* Defined for exits by an instruction, which are all that ask. */
		e->insn_len = vmcs_read(VMCS_EXIT_INSN_LEN);
	} else {
		e->insn_len = 0;
		vmx_decode_rest(v, e);
	}
}
