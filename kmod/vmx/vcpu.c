// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu.c - a vCPU on VMX: its VMCS, loading it on a CPU, one entry.
 */
#include <linux/hw_breakpoint.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <asm/cpu_entry_area.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/msr.h>
#include <asm/mmu_context.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/spec-ctrl.h>
#include <asm/tlbflush.h>
#include "vmx.h"

#define VMX_EPTP_WB		6
#define VMX_EPTP_LEVELS_SHIFT	3
#define VMX_EPTP_AD		BIT_ULL(6)

/* MSRs that entries and exits exchange, or that nobody else uses while the vCPU is loaded. */
static const u32 vmx_free_msrs[] = {
	MSR_KERNEL_GS_BASE, MSR_FS_BASE, MSR_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

static u64 vmx_eptp(struct vtr_vcpu *v)
{
	return v->vm->mmu.root | VMX_EPTP_WB | (v->vm->mmu.pt.levels - 1) << VMX_EPTP_LEVELS_SHIFT |
	       (vmx_ept_accessed() ? VMX_EPTP_AD : 0);
}

/* What of the host is the same on every CPU and at all times. */
static void vmx_init_host(void)
{
	u64 efer, pat, sysenter_cs, sysenter_eip;

	rdmsrl(MSR_EFER, efer);
	rdmsrl(MSR_IA32_CR_PAT, pat);
	vmcs_write(VMCS_HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmcs_write(VMCS_HOST_CS, __KERNEL_CS);
	vmcs_write(VMCS_HOST_SS, __KERNEL_DS);
	vmcs_write(VMCS_HOST_DS, 0);
	vmcs_write(VMCS_HOST_ES, 0);
	vmcs_write(VMCS_HOST_FS, 0);
	vmcs_write(VMCS_HOST_GS, 0);
	vmcs_write(VMCS_HOST_TR, GDT_ENTRY_TSS * 8);
	vmcs_write(VMCS_HOST_EFER, efer);
	vmcs_write(VMCS_HOST_PAT, pat);
	rdmsrl(MSR_IA32_SYSENTER_CS, sysenter_cs);
	vmcs_write(VMCS_HOST_SYSENTER_CS, sysenter_cs);
	/* Every process may execute SYSENTER; those of 32 bits make their system calls by it. */
	rdmsrl(MSR_IA32_SYSENTER_EIP, sysenter_eip);
	vmcs_write(VMCS_HOST_SYSENTER_EIP, sysenter_eip);
	vmcs_write(VMCS_HOST_RIP, (unsigned long)vmx_exit_point);
}

static void vmx_init_controls(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;

	hw->controls = vmx_caps.cpu;
	if (!(vmx_caps.cpu & VMX_CPU_TPR_SHADOW))
		hw->controls |= VMX_CPU_CR8_LOAD | VMX_CPU_CR8_STORE;
	vmcs_write(VMCS_PIN_CONTROLS, vmx_caps.pin & ~VMX_PIN_POSTED);
	vmcs_write(VMCS_CPU_CONTROLS, hw->controls);
	/* The local APIC begins in xAPIC mode, and nothing is logged. */
	hw->controls2 = vmx_caps.cpu2 & ~(u32)(VMX_CPU2_VID_ALL | VMX_CPU2_PML);
	if (!hw->vpid)
		hw->controls2 &= ~VMX_CPU2_VPID;
	vmcs_write(VMCS_CPU_CONTROLS2, hw->controls2);
	vmcs_write(VMCS_EXIT_CONTROLS, vmx_caps.exit);
	vmcs_write(VMCS_ENTRY_CONTROLS, vmx_caps.entry);
	/*
	 * #MC belongs to the host. #AC and #DB can be raised without end by a guest's descriptor
	 * or stack tricks, and the CPU takes no interrupt between them: they must exit.
	 */
	vmcs_write(VMCS_EXCEPTION_BITMAP,
		   BIT(X86_TRAP_MC) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_DB));
	vmcs_write(VMCS_PF_ERROR_MASK, 0);
	vmcs_write(VMCS_PF_ERROR_MATCH, 0);
	vmcs_write(VMCS_CR3_TARGETS, 0);
	vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, 0);
	vmx_perf_init(v);
	vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
	vmcs_write(VMCS_MSR_BITMAP, __pa(hw->msr_bitmap));
	vmcs_write(VMCS_GUEST_RSP, 0);
	vmcs_write(VMCS_LINK_POINTER, ~0ULL);
	vmcs_write(VMCS_EPTP, vmx_eptp(v));
	if (hw->vpid)
		vmcs_write(VMCS_VPID, hw->vpid);
	if (vmx_caps.cpu & VMX_CPU_TPR_SHADOW) {
		vmcs_write(VMCS_VIRTUAL_APIC, __pa(hw->vapic));
		vmcs_write(VMCS_TPR_THRESHOLD, 0);
	}
	if (vmx_caps.cpu2 & VMX_CPU2_PAUSE_LOOP) {
		vmcs_write(VMCS_PLE_GAP, 128);
		vmcs_write(VMCS_PLE_WINDOW, 4096);
	}
	if (vmx_scales_tsc())
		vmx_set_tsc_ratio(v, 0);
	if (vmx_exit_timer())
		vmcs_write(VMCS_GUEST_TIMER, U32_MAX);
	if (hw->pml)
		vmx_log_init(v);
	/* Nothing that the guest's XSAVES could reach: IA32_XSS is 0 while it runs. */
	if (vmx_caps.cpu2 & VMX_CPU2_XSAVES)
		vmcs_write(VMCS_XSS_EXIT_BITMAP, 0);
	/*
	 * The CPU insists on some bits of CR0 and CR4, and caching is not the guest's to switch off;
	 * writes of CR4 all exit, as it has bits that guest and host need different values of.
	 */
	vmcs_write(VMCS_CR0_MASK, vmx_caps.cr0_fixed0 | X86_CR0_CD | X86_CR0_NW);
	vmcs_write(VMCS_CR4_MASK, ~0ULL);
}

/**
 * vmx_vcpu_create() - allocate the hardware part of a vCPU
 * @v: the vCPU, its VM's page table exists
 *
 * Return: 0 or -ENOMEM.
 */
int vmx_vcpu_create(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw;
	int i;

	hw = kzalloc(sizeof(*hw), GFP_KERNEL_ACCOUNT);
	if (!hw)
		return -ENOMEM;
	v->hw = hw;
	hw->vcpu = v;
	INIT_LIST_HEAD(&hw->active);
	hw->vmcs_cpu = -1;
	hw->host_cpu = -1;
	hw->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	hw->own_vapic = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	hw->vapic = hw->own_vapic;
	hw->msr_bitmap = vmx_msr_bitmap_create();
	hw->perf = vmx_perf_create();
	if (!hw->vmcs || !hw->vapic || !hw->msr_bitmap || !hw->perf || vmx_log_create(v) ||
	    vmx_check_create(v)) {
		vmx_vcpu_destroy(v);
		return -ENOMEM;
	}
	hw->vpid = vmx_vpid_get();
	for (i = 0; i < ARRAY_SIZE(vmx_free_msrs); i++)
		vmx_msr_bitmap_allow(hw->msr_bitmap, vmx_free_msrs[i]);
	hw->entry.regs = v->regs;
	preempt_disable();
	vmx_vmcs_init(v);
	vmx_init_controls(v);
	vmx_init_host();
	preempt_enable();
	return 0;
}

/**
 * vmx_vcpu_destroy() - free what vmx_vcpu_create() allocated, also half of it
 * @v: not loaded
 */
void vmx_vcpu_destroy(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	int cpu;

	if (!hw)
		return;
	vmx_vcpu_recall(v);
	/* The address may come back as another vCPU: it must not pass for this one. */
	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu_ptr(&vmx_cpus, cpu)->last_vcpu, v, NULL);
	vmx_vpid_put(hw->vpid);
	vmx_msr_bitmap_destroy(hw->msr_bitmap);
	vmx_log_destroy(v);
	kfree(hw->perf);
	kfree(hw->check);
	free_page((unsigned long)hw->own_vapic);
	free_page((unsigned long)hw->vmcs);
	kfree(hw);
	v->hw = NULL;
}

static void vmx_segment_reset(struct vtr_vcpu *v, int seg, u16 sel, u8 type, u64 base)
{
	struct kvm_segment s = {
		.selector = sel, .base = base, .limit = 0xffff, .type = type, .present = 1,
		.s = seg != VTR_SEG_TR && seg != VTR_SEG_LDTR,
	};

	vmx_set_segment(v, seg, &s);
}

/**
 * vmx_vcpu_reset() - registers as after RESET or INIT
 * @v: the vCPU, not loaded
 * @init: INIT: MSRs of the system-call and PAT kind keep their values
 *
 * Source: SDM 3A "Processor State After Reset".
 */
void vmx_vcpu_reset(struct vtr_vcpu *v, bool init)
{
	static const struct kvm_dtable table = { .limit = 0xffff };
	struct vtr_backend_vcpu *hw = v->hw;
	int seg;

	vmx_use(v);
	vmx_segment_reset(v, VTR_SEG_CS, 0xf000, 0xb, 0xffff0000);
	for (seg = 0; seg < VTR_SEG_TR; seg++)
		if (seg != VTR_SEG_CS)
			vmx_segment_reset(v, seg, 0, 3, 0);
	vmx_segment_reset(v, VTR_SEG_LDTR, 0, 2, 0);
	vmx_segment_reset(v, VTR_SEG_TR, 0, 0xb, 0);
	vmx_set_table(v, false, &table);
	vmx_set_table(v, true, &table);
	vmx_set_msr(v, MSR_EFER, 0);
	vmx_set_cr(v, 3, 0);
	vmx_set_cr(v, 2, 0);
	vmx_set_cr(v, 0, (init ? hw->cr0 & (X86_CR0_CD | X86_CR0_NW) : X86_CR0_CD | X86_CR0_NW) |
			 X86_CR0_ET);
	vmx_set_cr(v, 4, 0);
	vmcs_write(VMCS_GUEST_DR7, 0x400);
	vmcs_write(VMCS_GUEST_DEBUGCTL, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY, 0);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
	hw->interruptibility = 0;
	hw->nmi_blocked = false;
	hw->rare &= ~VMX_RARE_EVENT;
	vmx_control(v, VMX_CPU_INTR_WINDOW | VMX_CPU_NMI_WINDOW, false);
	if (!init) {
		vmcs_write(VMCS_GUEST_PAT, 0x0007040600070406ULL);
		vmcs_write(VMCS_GUEST_SYSENTER_CS, 0);
		vmcs_write(VMCS_GUEST_SYSENTER_ESP, 0);
		vmcs_write(VMCS_GUEST_SYSENTER_EIP, 0);
		memset(hw->msr, 0, sizeof(hw->msr));
		hw->spec_ctrl = 0;
		hw->tsc_aux = 0;
	}
	vmx_unuse();
	vmx_flush_tlb(v);
}

/* What of the host belongs to the CPU. */
static void vmx_load_cpu(struct vtr_vcpu *v, int cpu)
{
	u64 gs, esp;

	rdmsrl(MSR_GS_BASE, gs);
	rdmsrl(MSR_IA32_SYSENTER_ESP, esp);
	vmcs_write(VMCS_HOST_GS_BASE, gs);
	vmcs_write(VMCS_HOST_SYSENTER_ESP, esp);
	vmcs_write(VMCS_HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_write(VMCS_HOST_GDTR_BASE, (unsigned long)get_cpu_gdt_ro(cpu));
	vmcs_write(VMCS_HOST_IDTR_BASE, CPU_ENTRY_AREA_RO_IDT);
	v->hw->host.gdt.address = (unsigned long)get_cpu_gdt_ro(cpu);
	v->hw->host.gdt.size = GDT_SIZE - 1;
	v->hw->host_cpu = cpu;
	/* What was flushed while the vCPU was elsewhere was not flushed here. */
	v->hw->rare |= VMX_RARE_FLUSH;
}

/*
 * What of the host belongs to the thread. Selectors that an exit could not load (user space's) are
 * put back by vmx_put_thread(); exits load null ones.
 */
static __always_inline void vmx_load_thread(struct vtr_backend_vcpu *hw)
{
	struct vmx_host_state *h = &hw->host;
	u64 fs_base, cr3 = __read_cr3();

	savesegment(ds, h->ds);
	savesegment(es, h->es);
	savesegment(fs, h->fs);
	savesegment(gs, h->gs);
	store_ldt(h->ldt);
	fs_base = static_cpu_has(X86_FEATURE_FSGSBASE) ? rdfsbase() : vmx_rdmsr(MSR_FS_BASE);
	if (fs_base != h->fs_base) {
		h->fs_base = fs_base;
		vmcs_write(VMCS_HOST_FS_BASE, fs_base);
	}
	if (cr3 != h->cr3) {
		h->cr3 = cr3;
		vmcs_write(VMCS_HOST_CR3, cr3);
	}
}

static noinline void vmx_put_selectors(const struct vmx_host_state *h)
{
	if (h->ldt)
		asm volatile("lldt %0" : : "m"(h->ldt));
	loadsegment(ds, h->ds);
	loadsegment(es, h->es);
	if (h->fs) {
		loadsegment(fs, h->fs);
		vmx_wrmsr(MSR_FS_BASE, h->fs_base);
	}
	if (h->gs)
		load_gs_index(h->gs);	/* vmx_put_msrs() writes the base after this */
}

/* A thread that may use I/O ports needs its bitmap at once. */
static noinline void vmx_put_io_bitmap(void)
{
	invalidate_tss_limit();
}

static __always_inline void vmx_put_thread(struct vtr_backend_vcpu *hw)
{
	const struct vmx_host_state *h = &hw->host;

	/* Exits leave limits of 64 KiB for GDTR and of 0x67 for TR, which hides the I/O bitmap. */
	native_load_gdt(&h->gdt);
	if (unlikely(test_thread_flag(TIF_IO_BITMAP)))
		vmx_put_io_bitmap();
	else
		this_cpu_write(__tss_limit_invalid, true);
	if (unlikely(h->ds | h->es | h->fs | h->gs | h->ldt))
		vmx_put_selectors(h);
}

/* KERNEL_GS_BASE changes with SWAPGS, at any time; no entry or exit exchanges it. */
static __always_inline void vmx_load_msrs(struct vtr_backend_vcpu *hw)
{
	hw->host_msr[VMX_KERNEL_GS] = vmx_rdmsr(MSR_KERNEL_GS_BASE);
	vmx_wrmsr(MSR_KERNEL_GS_BASE, hw->msr[VMX_KERNEL_GS]);
	hw->msrs_loaded = hw->efer & EFER_SCE;
	if (hw->msrs_loaded)
		vmx_load_syscall_msrs(hw->vcpu);
}

/* Before a selector of the thread's is loaded into GS: that writes KERNEL_GS_BASE, too. */
static __always_inline void vmx_take_kernel_gs(struct vtr_backend_vcpu *hw)
{
	hw->msr[VMX_KERNEL_GS] = vmx_rdmsr(MSR_KERNEL_GS_BASE);
}

static __always_inline void vmx_put_msrs(struct vtr_backend_vcpu *hw)
{
	vmx_wrmsr(MSR_KERNEL_GS_BASE, hw->host_msr[VMX_KERNEL_GS]);
	if (hw->msrs_loaded)
		vmx_put_syscall_msrs(hw->vcpu);
}

/* Another vCPU was here, or this one elsewhere. */
static noinline void vmx_load_anew(struct vtr_vcpu *v)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpus);

	if (c->current_vmcs != v)
		vmx_make_current(v);
	if (c->last_vcpu != v) {
		c->last_vcpu = v;
		indirect_branch_prediction_barrier();
	}
	if (v->hw->host_cpu != v->cpu)
		vmx_load_cpu(v, v->cpu);
}

/**
 * vmx_vcpu_load() - make the CPU ready for entries of this vCPU
 * @v: preemption is off until vmx_vcpu_put(); v->cpu is this CPU; no other CPU holds its VMCS
 *
 * A change of vCPU on a CPU gets an indirect-branch prediction barrier: one guest's training must
 * not steer another's branches (SDM, "Speculative Execution Side Channel Mitigations").
 */
void vmx_vcpu_load(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;

	if (unlikely(this_cpu_read(vmx_cpus.last_vcpu) != v || this_cpu_read(vmx_cpus.current_vmcs) != v ||
		     hw->host_cpu != v->cpu))
		vmx_load_anew(v);
	vmx_load_thread(hw);
	vmx_load_msrs(hw);
	/* Whatever ran since the last load may have brought secrets into the cache. */
	if (static_branch_unlikely(&vmx_flush_l1d))
		hw->rare |= VMX_RARE_L1D;
	vmx_perf_look(hw);
	if (static_cpu_has(X86_FEATURE_RDTSCP)) {
		/* The host's value names the CPU and never changes. */
		if (this_cpu_read(vmx_cpus.tsc_aux) != hw->tsc_aux)
			vmx_wrmsr(MSR_TSC_AUX, hw->tsc_aux);
	}
	if (unlikely(v->dr7 & (DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK) || v->guest_debug))
		vmx_update_debug(v);
}

static noinline void vmx_put_debug(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;

	if (hw->dr_lent)
		vmx_take_debug(v);
	hw->dr_loaded = false;
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

/* The host's are in force between two entries, too; what was in DR0..3 goes in again before the next. */
static noinline void vmx_put_breakpoints(struct vtr_vcpu *v)
{
	if (v->hw->dr_lent || v->hw->dr_loaded)
		v->hw->rare |= VMX_RARE_DEBUG;
	vmx_put_debug(v);
}

/**
 * vmx_vcpu_put() - put the host's state back
 * @v: loaded on this CPU
 */
void vmx_vcpu_put(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	u64 tsc_aux = this_cpu_read(vmx_cpus.tsc_aux);

	if (static_cpu_has(X86_FEATURE_RDTSCP) && tsc_aux != hw->tsc_aux)
		vmx_wrmsr(MSR_TSC_AUX, tsc_aux);
	vmx_take_kernel_gs(hw);
	vmx_put_thread(hw);
	vmx_put_msrs(hw);
	if (unlikely(hw->dr_lent || hw->dr_loaded))
		vmx_put_debug(v);
}

/**
 * vmx_flush_tlb() - forget this guest's cached translations before its next entry
 * @v: the vCPU, by its own thread
 */
void vmx_flush_tlb(struct vtr_vcpu *v)
{
	v->hw->rare |= VMX_RARE_FLUSH;
}

/*
 * Exchanged also where both values are the same: of a guest that may write its own nobody knows what it is after the exit; and where
 * the host relies on IBRS in its kernel alone, it is the write after the guest that makes it hold.
 */
static __always_inline void vmx_spec_ctrl_prepare(struct vtr_backend_vcpu *hw)
{
	u32 host;

	if (!static_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		return;
	host = spec_ctrl_current();
	hw->entry.host_spec = host;
	hw->entry.guest_spec = hw->spec_ctrl;
	hw->entry.switch_spec = hw->spec_ctrl_open || hw->spec_ctrl != host ||
				static_cpu_has(X86_FEATURE_KERNEL_IBRS);
}

static __always_inline void vmx_spec_ctrl_finish(struct vtr_backend_vcpu *hw)
{
	if (static_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) && unlikely(hw->entry.switch_spec))
		hw->spec_ctrl = hw->entry.guest_spec;
}

/**
 * vmx_set_timer() - when shall the guest's turn end?
 * @v: the vCPU, by its own thread
 * @now: host TSC
 * @cycles: after that many more of its cycles; VTR_NO_TIMER: no matter when
 *
 * The control stays on: a timer of U32_MAX ticks costs nothing but an exit at the end of them.
 */
void vmx_set_timer(struct vtr_vcpu *v, u64 now, u64 cycles)
{
	struct vtr_backend_vcpu *hw = v->hw;
	u8 shift = vmx_caps.timer_shift;

	if (cycles == VTR_NO_TIMER) {
		if (hw->timer_at)
			hw->rare |= VMX_RARE_TIMER;
		hw->timer_at = 0;
		return;
	}
	/* Rounded up: ticks are changes of a bit of the TSC, and the timer must not come early. */
	hw->timer_at = ((now + min_t(u64, cycles, (u64)S32_MAX << shift)) >> shift) + 1;
}

/* The CPU counts from the entry on, the deadline stands still: what is left changes with each. */
static __always_inline void vmx_start_timer(struct vtr_vcpu *v)
{
	/* The statistics' is taken just now; the instructions in between make the exit late, not early. */
	u64 now = vtr_telemetry ? v->stats.entered : rdtsc();
	s64 left = v->hw->timer_at - (now >> vmx_caps.timer_shift);

	vmcs_write(VMCS_GUEST_TIMER, left > 0 ? left : 0);
}

/* The guest's blocking of NMIs was set from outside. */
static noinline void vmx_block_nmis(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;

	hw->nmi_blocked = v->nmi_masked;
	if (v->nmi_injected)
		return;		/* the entry will block them */
	hw->interruptibility = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~(u64)VMX_BLOCKED_NMI;
	if (v->nmi_masked)
		hw->interruptibility |= VMX_BLOCKED_NMI;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, hw->interruptibility);
}

/* What has to be done before a few of the entries. */
static noinline void vmx_enter_rare(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;

	if (hw->rare & VMX_RARE_DEBUG)
		vmx_update_debug(v);
	if (hw->rare & VMX_RARE_CONTROL) {
		vmcs_write(VMCS_CPU_CONTROLS, hw->controls);
		vmcs_write(VMCS_CPU_CONTROLS2, hw->controls2);
	}
	if (hw->rare & VMX_RARE_TIMER)
		vmcs_write(VMCS_GUEST_TIMER, U32_MAX);
	if (hw->rare & VMX_RARE_PDPTE)
		vmx_load_pdptes(v);
	if (hw->rare & VMX_RARE_FLUSH)
		vmx_flush_now(v);
	if (hw->rare & VMX_RARE_PERF)
		vmx_perf_look(hw);
	if (hw->rare & VMX_RARE_L1D)
		vmx_wrmsr(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	if (hw->rare & VMX_RARE_STEP) {
		hw->guest_tf = v->rflags & X86_EFLAGS_TF;
		hw->rflags = v->rflags | X86_EFLAGS_TF;
		vmcs_write(VMCS_GUEST_RFLAGS, hw->rflags);
		/* The CPU wants the trap pending that a shadow put off: SDM 3C "Checks on Guest Non-Register State". */
		if (v->shadow)
			vmcs_write(VMCS_GUEST_PENDING_DEBUG, VTR_DR6_BS);
	}
	hw->rare &= ~VMX_RARE_ONCE;
	if (hw->rare & VMX_RARE_CHECK) {
		if (v->nmi_masked != hw->nmi_blocked)
			vmx_block_nmis(v);
		vmx_check_before(v);
	}
}

/* The entry did not take place: why, for vmx_decode(). */
static noinline void vmx_entry_failed(struct vtr_vcpu *v)
{
	v->hw->exit_reason = VMX_EXIT_NO_ENTRY;
	v->hw->insn_error = vmcs_read(VMCS_INSN_ERROR);
	v->hw->failed_event = vmcs_read(VMCS_ENTRY_INTR_INFO);
}

/* What has to be looked at after a few of the exits. Returns VTR_ENTERED_* bits. */
static noinline int vmx_leave_rare(struct vtr_vcpu *v, u32 vectoring)
{
	struct vtr_backend_vcpu *hw = v->hw;
	u8 tpr = hw->vapic[VMX_VAPIC_TPR] >> 4;
	int what = 0;

	if (hw->rare & VMX_RARE_CHECK)
		vmx_check_after(v);
	if (hw->rare & VMX_RARE_DEBUGCTL) {
		update_debugctlmsr(hw->host_debugctl);
		if (!hw->host_debugctl)
			hw->rare &= ~VMX_RARE_DEBUGCTL;
	}
	if (vmx_caps.cpu & VMX_CPU_TPR_SHADOW && v->cr8 != tpr) {
		v->cr8 = tpr;
		what = VTR_ENTERED_TPR;
	}
	if (hw->rare & VMX_RARE_STEP)
		v->rflags = (v->rflags & ~X86_EFLAGS_TF) | hw->guest_tf;
	if (hw->rare & VMX_RARE_LOG)
		vmx_log_collect(v);
	if (hw->exit_reason == VMX_EXIT_EXCEPTION) {
		hw->intr_info = vmcs_read(VMCS_EXIT_INTR_INFO);
		/* The host's NMI: its handler runs here, and its IRET opens NMIs again. */
		if ((hw->intr_info & VMX_INTR_TYPE) == VMX_INTR_NMI)
			asm volatile("int $2");
	} else if (hw->exit_reason == VMX_EXIT_EXT_INTR && vmx_caps.exit & VMX_EXIT_ACK_INTR) {
		hw->intr_info = vmcs_read(VMCS_EXIT_INTR_INFO);
		what |= VTR_ENTERED_IRQ;
	}
	hw->nmi_blocked = hw->interruptibility & VMX_BLOCKED_NMI;
	if (v->nmi_masked && !hw->nmi_blocked) {
		v->nmi_masked = false;
		what |= VTR_ENTERED_EVENT;
	}
	return what | vmx_take_back_event(v, vectoring);
}

/**
 * vmx_take_irq() - call the host's handler of the interrupt that ended the guest
 * @v: loaded, at an exit by an interrupt, which acknowledged it
 *
 * Context: interrupts off.
 */
void vmx_take_irq(struct vtr_vcpu *v)
{
	vmx_raise_irq(v->hw->intr_info & VMX_INTR_VECTOR);
}

/**
 * vmx_enter() - run the guest until its next exit
 * @v: loaded on this CPU, events injected
 *
 * Host interrupts that arrived meanwhile are pending when this returns, and taken when the caller
 * enables them, but for one that ended the guest, if the CPU acknowledges those: it is left to
 * vmx_take_irq(). An NMI that ended the guest was taken here.
 *
 * Return: VTR_ENTERED_* bits. VTR_ENTERED_EVENT: the delivery of an event was cut short and it has to
 * be injected again (it is back in v->exc, v->irq_injected or v->nmi_injected).
 * Context: interrupts off.
 */
int vmx_enter(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	unsigned long cr4 = cr4_read_shadow();
	u32 vectoring;

	vmcs_write(VMCS_GUEST_RIP, v->rip);
	if (v->regs[4] != hw->rsp)
		vmcs_write(VMCS_GUEST_RSP, v->regs[4]);
	if (v->rflags != hw->rflags)
		vmcs_write(VMCS_GUEST_RFLAGS, v->rflags);
	/* An IPI may change it at any time. */
	if (unlikely(cr4 != hw->host.cr4)) {
		hw->host.cr4 = cr4;
		vmcs_write(VMCS_HOST_CR4, cr4);
	}
	vmx_spec_ctrl_prepare(hw);
	/* The host's interrupts come between the exits of one turn, too. */
	if (unlikely(vtr_interrupted()))
		hw->rare |= static_branch_unlikely(&vmx_flush_l1d) ? VMX_RARE_L1D | VMX_RARE_PERF : VMX_RARE_PERF;
	if (unlikely(hw->rare & VMX_RARE_BEFORE))
		vmx_enter_rare(v);
	if (hw->timer_at)
		vmx_start_timer(v);
	if (unlikely(v->nmi_masked != hw->nmi_blocked))
		vmx_block_nmis(v);
	if (hw->cr2 != native_read_cr2())
		native_write_cr2(hw->cr2);

	if (unlikely(vmx_enter_guest(&hw->entry))) {
		vmx_entry_failed(v);
		return vmx_take_back_event(v, 0);
	}
	/* DR7 was cleared by the exit; the host's breakpoints come back before anything is traced. */
	if (unlikely(hw_breakpoint_active()))
		vmx_put_breakpoints(v);

	vmx_spec_ctrl_finish(hw);
	hw->cr2 = native_read_cr2();
	v->rip = vmcs_read(VMCS_GUEST_RIP);
	hw->rsp = vmcs_read(VMCS_GUEST_RSP);
	v->regs[4] = hw->rsp;
	hw->rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	v->rflags = hw->rflags;
	hw->interruptibility = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	v->shadow = hw->interruptibility & (VMX_BLOCKED_STI | VMX_BLOCKED_MOV_SS);
	hw->exit_reason = vmcs_read(VMCS_EXIT_REASON);
	vectoring = vmcs_read(VMCS_IDT_VECTORING_INFO);
	/* A launch that the guest's state made fail was none. */
	if (unlikely(!hw->entry.launched))
		hw->entry.launched = !(hw->exit_reason & VMX_EXIT_ENTRY_FAILED);
	/* NMIs get blocked by an injection only, so their opening matters where one is masked. */
	if (unlikely(hw->rare || vectoring & VMX_INTR_VALID || hw->exit_reason <= VMX_EXIT_EXT_INTR ||
		     hw->vapic[VMX_VAPIC_TPR] >> 4 != v->cr8 || v->nmi_masked))
		return vmx_leave_rare(v, vectoring);
	return 0;
}
