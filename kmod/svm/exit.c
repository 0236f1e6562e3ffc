// SPDX-License-Identifier: GPL-2.0-only
/*
 * exit.c - decoding of an SVM exit into struct vtr_exit. Acts on nothing; a failed entry it has explained.
 *
 * Source: APM2 "SVM Intercept Exit Codes" and the sections of the single intercepts.
 */
#include "svm.h"
#include "../mmu.h"

/* Exit codes that say all by themselves. A zero entry is one that needs more, or is unknown. */
static const u8 svm_plain_exit[0x90] = {
	[SVM_EXIT_INTR]		= VTR_EXIT_HOST_IRQ + 1,
	[SVM_EXIT_NMI]		= VTR_EXIT_HOST_NMI + 1,
	[SVM_EXIT_SMI]		= VTR_EXIT_HOST_IRQ + 1,
	[SVM_EXIT_INIT]		= VTR_EXIT_INIT + 1,
	[SVM_EXIT_VINTR]	= VTR_EXIT_IRQ_WINDOW + 1,
	[SVM_EXIT_RDPMC]	= VTR_EXIT_RDPMC + 1,
	[SVM_EXIT_CPUID]	= VTR_EXIT_CPUID + 1,
	[SVM_EXIT_RSM]		= VTR_EXIT_UNDEFINED + 1,
	[SVM_EXIT_IRET]		= VTR_EXIT_IRET + 1,
	[SVM_EXIT_INVD]		= VTR_EXIT_INVD + 1,
	[SVM_EXIT_PAUSE]	= VTR_EXIT_PAUSE + 1,
	[SVM_EXIT_HLT]		= VTR_EXIT_HLT + 1,
	[SVM_EXIT_INVLPGA]	= VTR_EXIT_UNDEFINED + 1,
	[SVM_EXIT_FERR]		= VTR_EXIT_HOST_IRQ + 1,
	[SVM_EXIT_SHUTDOWN]	= VTR_EXIT_TRIPLE_FAULT + 1,
	[SVM_EXIT_VMRUN]	= VTR_EXIT_UNDEFINED + 1,
	[SVM_EXIT_VMMCALL]	= VTR_EXIT_VMCALL + 1,
	[SVM_EXIT_VMLOAD]	= VTR_EXIT_UNDEFINED + 1,
	[SVM_EXIT_VMSAVE]	= VTR_EXIT_UNDEFINED + 1,
	[SVM_EXIT_STGI]		= VTR_EXIT_UNDEFINED + 1,
	[SVM_EXIT_CLGI]		= VTR_EXIT_UNDEFINED + 1,
	[SVM_EXIT_SKINIT]	= VTR_EXIT_UNDEFINED + 1,
	[SVM_EXIT_WBINVD]	= VTR_EXIT_WBINVD + 1,
	[SVM_EXIT_MONITOR]	= VTR_EXIT_MONITOR + 1,
	[SVM_EXIT_MWAIT]	= VTR_EXIT_MWAIT + 1,
	[SVM_EXIT_MWAIT_ARMED]	= VTR_EXIT_MWAIT + 1,
	[SVM_EXIT_XSETBV]	= VTR_EXIT_XSETBV + 1,
	[SVM_EXIT_RDPRU]	= VTR_EXIT_UNDEFINED + 1,
};

static void svm_decode_io(const struct vmcb *b, struct vtr_exit *e)
{
	u32 info = b->exit_info1;

	e->kind = VTR_EXIT_IO;
	e->io.port = info >> SVM_IO_PORT_SHIFT;
	e->io.size = (info >> SVM_IO_SIZE_SHIFT) & 7;
	e->io.in = info & SVM_IO_IN;
	e->io.string = info & SVM_IO_STRING;
	e->io.rep = info & SVM_IO_REP;
	e->io.next_rip = b->exit_info2;
}

static void svm_decode_fault(const struct vmcb *b, struct vtr_exit *e)
{
	u64 info = b->exit_info1;

	e->kind = VTR_EXIT_TDP_FAULT;
	e->fault.gpa = b->exit_info2;
	e->fault.why = (info & SVM_NPF_WRITE ? VTR_FAULT_WRITE : 0) |
		       (info & SVM_NPF_FETCH ? VTR_FAULT_FETCH : 0) |
		       (info & SVM_NPF_WALK ? VTR_FAULT_WALK : 0);
}

static void svm_decode_rest(struct vtr_vcpu *v, struct vtr_exit *e)
{
	const struct vmcb *b = v->hw->vmcb;
	u64 code = b->exit_code;

	e->hw_reason = code;
	e->raw.info[0] = b->exit_info1;
	e->raw.info[1] = b->exit_info2;
	if (code < SVM_EXIT_DR_READ) {
		e->kind = code < SVM_EXIT_CR_WRITE ? VTR_EXIT_CR_READ : VTR_EXIT_CR_WRITE;
		e->reg.nr = code & 0xf;
		if (e->reg.nr == 8)
			e->kind = VTR_EXIT_CR8_WRITE;
	} else if (code < SVM_EXIT_EXCP) {
		e->kind = VTR_EXIT_DR_ACCESS;
		e->reg.nr = code & 0xf;
		e->reg.write = code >= SVM_EXIT_DR_WRITE;
	} else if (code < SVM_EXIT_EXCP + 32) {
		e->kind = VTR_EXIT_EXCEPTION;
		e->exc.vector = code - SVM_EXIT_EXCP;
		/* Of those intercepted only #AC pushes one. */
		e->exc.has_error = e->exc.vector == 17;
		e->exc.error = b->exit_info1;
		e->exc.dr6 = b->dr6;
		/* INT1 has an intercept of its own. */
		e->insn_len = 0;
	} else if (code >= SVM_EXIT_INVLPGB && code <= SVM_EXIT_TLBSYNC) {
		e->kind = VTR_EXIT_UNDEFINED;
	} else if ((u32)code == (u32)SVM_EXIT_INVALID) {
		/* Emulators write the lower half only. */
		e->kind = VTR_EXIT_ENTRY_FAILED;
		svm_explain_failure(v);
	} else {
		e->kind = VTR_EXIT_UNKNOWN;
	}
}

/**
 * svm_last_exit() - the last exit as the VMCB has it
 * @v: the vCPU
 * @e: filled
 */
void svm_last_exit(struct vtr_vcpu *v, struct vtr_hw_exit *e)
{
	const struct vmcb *b = v->hw->vmcb;

	e->reason = b->exit_code;
	e->info1 = b->exit_info1;
	e->info2 = b->exit_info2;
	e->event = b->exit_int_info;
}

/**
 * svm_decode() - what was the last exit?
 * @v: after svm_enter()
 * @e: filled; the union's part that belongs to e->kind
 *
 * Context: loaded, interrupts off or on.
 */
void svm_decode(struct vtr_vcpu *v, struct vtr_exit *e)
{
	const struct vmcb *b = v->hw->vmcb;
	u64 code = b->exit_code;

	e->insn_len = 0;
	if (static_branch_likely(&svm_nrips) && b->next_rip) {
		u64 len = b->next_rip - v->rip;

		e->insn_len = len <= 15 ? len : 0;
	}
	if (code == SVM_EXIT_MSR)
		e->kind = b->exit_info1 ? VTR_EXIT_MSR_WRITE : VTR_EXIT_MSR_READ;
	else if (code == SVM_EXIT_NPF)
		svm_decode_fault(b, e);
	else if (code == SVM_EXIT_IOIO)
		svm_decode_io(b, e);
	else if (code < ARRAY_SIZE(svm_plain_exit) && svm_plain_exit[code])
		e->kind = svm_plain_exit[code] - 1;
	else
		svm_decode_rest(v, e);
}
