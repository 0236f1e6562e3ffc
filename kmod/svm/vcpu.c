// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu.c - a vCPU on SVM: its VMCB, loading it on a CPU, one entry.
 */
#include <linux/hw_breakpoint.h>
#include <linux/slab.h>
#include <asm/asm.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/spec-ctrl.h>
#include "svm.h"

/* MSRs that VMLOAD and VMSAVE exchange, or that are the guest's own in the save area. */
static const u32 svm_free_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_KERNEL_GS_BASE, MSR_FS_BASE,
	MSR_GS_BASE, MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

static void svm_init_controls(struct vtr_vcpu *v)
{
	struct vmcb *b = v->hw->vmcb;

	/* CR4 holds bits that guest and host need different values of; DRs are lent on demand. */
	b->cr_read = BIT(4);
	b->cr_write = BIT(4);
	b->dr_read = 0xffff;
	b->dr_write = 0xffff;
	/*
	 * #MC belongs to the host. #AC and #DB can be raised without end by a guest's descriptor
	 * or stack tricks, and the CPU takes no interrupt between them: they must exit.
	 */
	b->exceptions = BIT(X86_TRAP_MC) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_DB);
	b->misc1 = VMCB_INT_INTR | VMCB_INT_NMI | VMCB_INT_SMI | VMCB_INT_INIT | VMCB_INT_RDPMC |
		   VMCB_INT_CPUID | VMCB_INT_RSM | VMCB_INT_INVD | VMCB_INT_HLT |
		   VMCB_INT_INVLPGA | VMCB_INT_IOIO | VMCB_INT_MSR | VMCB_INT_FERR |
		   VMCB_INT_SHUTDOWN;
	b->misc2 = VMCB_INT_VMRUN | VMCB_INT_VMMCALL | VMCB_INT_VMLOAD | VMCB_INT_VMSAVE |
		   VMCB_INT_STGI | VMCB_INT_CLGI | VMCB_INT_SKINIT | VMCB_INT_WBINVD |
		   VMCB_INT_MONITOR | VMCB_INT_MWAIT | VMCB_INT_MWAIT_ARMED | VMCB_INT_XSETBV |
		   VMCB_INT_RDPRU;
	b->misc3 = VMCB_INT_INVLPGB | VMCB_INT_INVLPGB_ILL | VMCB_INT_MCOMMIT | VMCB_INT_TLBSYNC;
	if (svm_has_pause_filter) {
		b->misc1 |= VMCB_INT_PAUSE;
		b->pause_count = 3000;
	}
	b->iopm_pa = svm_iopm_pa;
	b->msrpm_pa = page_to_phys(v->hw->msrpm);
	b->int_ctl = VMCB_V_INTR_MASKING;
	b->nested_ctl = VMCB_NP_ENABLE;
	b->nested_cr3 = v->vm->mmu.root;
}

/**
 * svm_vcpu_create() - allocate the hardware part of a vCPU
 * @v: the vCPU, its VM's page table exists
 *
 * Return: 0 or -ENOMEM.
 */
int svm_vcpu_create(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw;
	int i;

	hw = kzalloc(sizeof(*hw), GFP_KERNEL_ACCOUNT);
	if (!hw)
		return -ENOMEM;
	v->hw = hw;
	hw->vmcb = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	hw->msrpm = svm_msrpm_create();
	if (!hw->vmcb || !hw->msrpm || svm_check_create(v)) {
		svm_vcpu_destroy(v);
		return -ENOMEM;
	}
	for (i = 0; i < ARRAY_SIZE(svm_free_msrs); i++)
		svm_msrpm_allow(hw->msrpm, svm_free_msrs[i]);
	hw->asid_cpu = -1;
	hw->tsc_ratio = svm_has_tsc_scaling ? SVM_TSC_RATIO_ONE : 0;
	hw->entry.regs = v->regs;
	hw->entry.vmcb = hw->vmcb;
	hw->entry.vmcb_pa = __pa(hw->vmcb);
	svm_init_controls(v);
	return 0;
}

/**
 * svm_vcpu_destroy() - free what svm_vcpu_create() allocated, also half of it
 * @v: not loaded
 */
void svm_vcpu_destroy(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	int cpu;

	if (!hw)
		return;
	/* The address may come back as another vCPU: it must not pass for this one. */
	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu_ptr(&svm_cpus, cpu)->last_vcpu, v, NULL);
	svm_check_destroy(v);
	svm_msrpm_destroy(hw->msrpm);
	free_page((unsigned long)hw->vmcb);
	kfree(hw);
	v->hw = NULL;
}

static void svm_segment_reset(struct vmcb_seg *s, u16 sel, u16 attrib, u64 base)
{
	s->selector = sel;
	s->attrib = attrib;
	s->limit = 0xffff;
	s->base = base;
}

/**
 * svm_vcpu_reset() - registers as after RESET or INIT
 * @v: the vCPU, not loaded
 * @init: INIT: MSRs of the system-call and PAT kind keep their values
 *
 * Source: APM2 "Processor Initialization State".
 */
void svm_vcpu_reset(struct vtr_vcpu *v, bool init)
{
	struct vmcb *b = v->hw->vmcb;

	svm_segment_reset(&b->cs, 0xf000, 0x09b, 0xffff0000);
	svm_segment_reset(&b->ds, 0, 0x093, 0);
	svm_segment_reset(&b->es, 0, 0x093, 0);
	svm_segment_reset(&b->fs, 0, 0x093, 0);
	svm_segment_reset(&b->gs, 0, 0x093, 0);
	svm_segment_reset(&b->ss, 0, 0x093, 0);
	svm_segment_reset(&b->ldtr, 0, 0x082, 0);
	svm_segment_reset(&b->tr, 0, 0x08b, 0);
	svm_segment_reset(&b->gdtr, 0, 0, 0);
	svm_segment_reset(&b->idtr, 0, 0, 0);
	b->cpl = 0;
	b->cr3 = 0;
	b->cr2 = 0;
	b->cr0 = (init ? b->cr0 & (X86_CR0_CD | X86_CR0_NW) : X86_CR0_CD | X86_CR0_NW) |
		 X86_CR0_ET;
	svm_set_cr(v, 4, 0);
	b->efer = EFER_SVME;
	b->dr6 = VTR_DR6_ONES;
	b->dr7 = 0x400;
	b->int_state = 0;
	b->event_inj = 0;
	v->hw->rare &= SVM_RARE_STEP | SVM_RARE_FLUSH | SVM_RARE_ASID | SVM_RARE_DEBUG |
		       SVM_RARE_CHECK;
	v->hw->iret_seen = false;
	b->misc1 &= ~(VMCB_INT_IRET | VMCB_INT_VINTR);
	b->int_ctl &= ~(VMCB_V_IRQ | VMCB_V_TPR_MASK);
	if (!init) {
		b->g_pat = 0x0007040600070406ULL;
		b->star = 0;
		b->lstar = 0;
		b->cstar = 0;
		b->sfmask = 0;
		b->kernel_gs_base = 0;
		b->sysenter_cs = 0;
		b->sysenter_esp = 0;
		b->sysenter_eip = 0;
		b->dbgctl = 0;
		v->hw->spec_ctrl = 0;
		b->spec_ctrl = 0;
		v->hw->tsc_aux = 0;
	}
	b->clean = 0;
	svm_flush_tlb(v);
}

/**
 * svm_vcpu_held() - does another CPU hold state of the vCPU?
 * @v: the vCPU
 *
 * Return: false: what a CPU keeps of a VMCB it need not give back, the clean bits tell it what to drop.
 */
bool svm_vcpu_held(struct vtr_vcpu *v)
{
	return false;
}

/**
 * svm_vcpu_recall() - have all state in memory
 * @v: the vCPU
 *
 * It always is.
 */
void svm_vcpu_recall(struct vtr_vcpu *v)
{
}

/**
 * svm_vcpu_load() - make the CPU ready for entries of this vCPU
 * @v: preemption is off until svm_vcpu_put(); v->cpu is this CPU
 *
 * A change of vCPU on a CPU gets an indirect-branch prediction barrier: one guest's training must
 * not steer another's branches (APM2 "Predictive Barriers").
 */
void svm_vcpu_load(struct vtr_vcpu *v)
{
	struct svm_cpu *c = this_cpu_ptr(&svm_cpus);
	struct vtr_backend_vcpu *hw = v->hw;

	/* Faults where a reboot has switched SVM off meanwhile (host.c): the guest is not entered then. */
	asm volatile("1: vmsave %%rax\n2:\n" _ASM_EXTABLE(1b, 2b)
		     : : "a"(c->host_vmsave_pa) : "memory");
	if (c->last_vcpu != v) {
		c->last_vcpu = v;
		indirect_branch_prediction_barrier();
		/* The VMCB may be cached by address and CPU: nothing of it counts as clean here. */
		hw->vmcb->clean = 0;
	}
	if (hw->asid_cpu != v->cpu) {
		hw->asid_cpu = v->cpu;
		hw->asid_generation = 0;
		hw->vmcb->clean = 0;
		hw->entry.host_pa = c->host_vmsave_pa;
	}
	/* No other vCPU begins a generation here while this one is loaded. */
	if (hw->asid_generation != c->asid_generation)
		hw->rare |= SVM_RARE_ASID;
	if (static_cpu_has(X86_FEATURE_RDTSCP)) {
		/* The host's value names the CPU and never changes. */
		if (c->tsc_aux != hw->tsc_aux)
			wrmsrl(MSR_TSC_AUX, hw->tsc_aux);
	}
	/* The host's RDTSC minds it not: it stays until a guest with another comes. */
	if (unlikely(c->tsc_ratio != hw->tsc_ratio)) {
		c->tsc_ratio = hw->tsc_ratio;
		wrmsrl(MSR_AMD64_TSC_RATIO, hw->tsc_ratio);
	}
	if (unlikely(v->dr7 & (DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK) || v->guest_debug))
		svm_update_debug(v);
}

static noinline void svm_put_debug(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;

	if (hw->dr_lent)
		svm_take_debug(v);
	hw->dr_loaded = false;
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

/* The host's are in force between two entries, too; what was in DR0..3 goes in again before the next. */
static noinline void svm_put_breakpoints(struct vtr_vcpu *v)
{
	if (v->hw->dr_lent || v->hw->dr_loaded)
		v->hw->rare |= SVM_RARE_DEBUG;
	svm_put_debug(v);
}

/**
 * svm_vcpu_put() - put the host's state back
 * @v: loaded on this CPU
 */
void svm_vcpu_put(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	u64 tsc_aux = this_cpu_read(svm_cpus.tsc_aux);

	if (static_cpu_has(X86_FEATURE_RDTSCP) && tsc_aux != hw->tsc_aux)
		wrmsrl(MSR_TSC_AUX, tsc_aux);
	/* An exit leaves the guest's in the CPU, which never clears it: the host's next #DB would be of both. */
	if (unlikely(hw->vmcb->dr6 != DR6_RESERVED))
		set_debugreg(DR6_RESERVED, 6);
	if (unlikely(hw->dr_lent || hw->dr_loaded))
		svm_put_debug(v);
}

/**
 * svm_flush_tlb() - forget this guest's cached translations before its next entry
 * @v: the vCPU, by its own thread
 */
void svm_flush_tlb(struct vtr_vcpu *v)
{
	if (svm_has_flush_asid) {
		v->hw->vmcb->tlb_control = VMCB_TLB_FLUSH_ASID;
		v->hw->rare |= SVM_RARE_FLUSH;
	} else {
		v->hw->rare |= SVM_RARE_ASID;
	}
}

/*
 * Exchanged also where both values are the same: of a guest that may write its own nobody knows what it is after the exit; and where
 * the host relies on IBRS in its kernel alone, it is the write after the guest that makes it hold.
 */
static __always_inline void svm_spec_ctrl_prepare(struct vtr_backend_vcpu *hw)
{
	u32 host;

	if (!static_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) || svm_has_v_spec_ctrl)
		return;
	host = spec_ctrl_current();
	hw->entry.host_spec = host;
	hw->entry.guest_spec = hw->spec_ctrl;
	hw->entry.switch_spec = hw->spec_ctrl_open || hw->spec_ctrl != host ||
				static_cpu_has(X86_FEATURE_KERNEL_IBRS);
}

static __always_inline void svm_spec_ctrl_finish(struct vtr_backend_vcpu *hw)
{
	if (static_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) && unlikely(hw->entry.switch_spec))
		hw->spec_ctrl = hw->entry.guest_spec;
}

/* What has to be done before a few of the entries. */
static noinline void svm_enter_rare(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;

	if (hw->rare & SVM_RARE_DEBUG) {
		hw->rare &= ~SVM_RARE_DEBUG;
		svm_update_debug(v);
	}
	if (hw->rare & SVM_RARE_ASID)
		svm_asid_new(v, this_cpu_ptr(&svm_cpus));
	if (hw->rare & (SVM_RARE_NMI | SVM_RARE_STEP)) {
		hw->guest_tf = v->rflags & X86_EFLAGS_TF;
		hw->guest_dr6 = hw->vmcb->dr6;
		hw->vmcb->rflags |= X86_EFLAGS_TF;
	}
	/* What the handler returns to is NextRIP on a CPU that has it: APM2 "Event Injection". */
	if (hw->rare & SVM_RARE_TRAP) {
		hw->trap_rip = v->rip + 1;
		hw->vmcb->rip = hw->trap_rip;
		hw->vmcb->next_rip = hw->trap_rip;
	}
	if (hw->rare & SVM_RARE_CHECK)
		svm_check_before(v);
}

/* What has to be looked at after a few of the exits. Returns VTR_ENTERED_* bits. */
static noinline int svm_leave_rare(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	struct vmcb *b = hw->vmcb;
	u8 tpr = b->int_ctl & VMCB_V_TPR_MASK;
	int what = 0;

	if (hw->rare & SVM_RARE_CHECK)
		svm_check_after(v);
	if (hw->rare & (SVM_RARE_NMI | SVM_RARE_STEP))
		v->rflags = (v->rflags & ~X86_EFLAGS_TF) | hw->guest_tf;
	b->tlb_control = VMCB_TLB_NONE;
	hw->rare &= ~SVM_RARE_FLUSH;
	if (v->cr8 != tpr) {
		v->cr8 = tpr;
		what = VTR_ENTERED_TPR;
	}
	return what | svm_take_back_event(v);
}

/**
 * svm_enter() - run the guest until its next exit
 * @v: loaded on this CPU, events injected
 *
 * Host interrupts and NMIs that arrived meanwhile are pending when this returns; NMIs are taken by
 * the STGI here, interrupts when the caller enables them.
 *
 * Return: VTR_ENTERED_* bits. VTR_ENTERED_EVENT: the delivery of an event was cut short and it has to
 * be injected again (it is back in v->exc, v->irq_injected or v->nmi_injected).
 * Context: interrupts off.
 */
int svm_enter(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	struct vmcb *b = hw->vmcb;

	b->rax = v->regs[0];
	b->rsp = v->regs[4];
	b->rip = v->rip;
	b->rflags = v->rflags;
	svm_spec_ctrl_prepare(hw);
	if (unlikely(hw->rare & SVM_RARE_BEFORE))
		svm_enter_rare(v);

	asm volatile("clgi" ::: "memory");
	svm_enter_guest(&hw->entry);
	b->clean = svm_clean_after_exit;
	/* DR7 was cleared by the exit; the host's breakpoints come back before anything is traced. */
	if (unlikely(hw_breakpoint_active()))
		svm_put_breakpoints(v);
	asm volatile("stgi" ::: "memory");

	svm_spec_ctrl_finish(hw);
	v->regs[0] = b->rax;
	v->regs[4] = b->rsp;
	v->rip = b->rip;
	v->rflags = b->rflags;
	v->shadow = b->int_state & VMCB_SHADOW;
	if (unlikely(hw->rare || b->exit_int_info & VMCB_EV_VALID ||
		     ((u8)b->int_ctl & VMCB_V_TPR_MASK) != v->cr8))
		return svm_leave_rare(v);
	return 0;
}
