/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmx.h - the Intel backend's own objects.
 *
 * cpu.c owns the CPUs (VMXON, which VMCS is current, VPIDs), caps.c what they can do, vcpu.c creation,
 * load and entry, exit.c the decoding of an exit, event.c injection and windows, state.c registers,
 * maps.c the MSR bitmap, vapic.c the local APIC's page, pml.c the log of writes, flush.c cached
 * translations.
 */
#ifndef VITRINE_VMX_VMX_H
#define VITRINE_VMX_VMX_H

#include <linux/list.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/io.h>
#include <asm/trapnr.h>
#include "../backend.h"
#include "check.h"
#include "entry.h"
#include "insn.h"

/**
 * struct vmx_cpu - what each host CPU keeps
 * @vmxon: page of the VMXON region
 * @current_vmcs: whose VMCS is current here, NULL for none
 * @active: VMCSs that this CPU may hold state of
 * @last_vcpu: whose guest code ran last: another one needs a prediction barrier
 * @tsc_aux: the host's MSR TSC_AUX
 * @enabled: VMXON was executed by us
 */
struct vmx_cpu {
	struct page *vmxon;
	struct vtr_vcpu *current_vmcs;
	struct list_head active;
	const void *last_vcpu;
	u64 tsc_aux;
	bool enabled;
};

#define VMX_VAPIC_TPR	0x80	/* offset of the TPR in a virtual-APIC page */

/* Bits of vtr_backend_vcpu.rare: all of them are zero at most entries, which one test tells. */
enum vmx_rare {
	VMX_RARE_EVENT	= BIT(0),	/* an event was given to this entry */
	VMX_RARE_FLUSH	= BIT(1),	/* cached translations are void */
	VMX_RARE_CONTROL = BIT(2),	/* hw->controls or controls2 differs from the VMCS's */
	VMX_RARE_PDPTE	= BIT(3),	/* PAE paging began outside of the guest: load its four entries */
	VMX_RARE_L1D	= BIT(4),	/* the level-1 data cache may hold what the guest must not see */
	VMX_RARE_STEP	= BIT(5),	/* a debugger's single step, where the CPU has no monitor trap */
	VMX_RARE_LOG	= BIT(6),	/* the CPU logs writes: collect them */
	VMX_RARE_TIMER	= BIT(7),	/* the preemption timer is not wanted any more */
	VMX_RARE_PERF	= BIT(8),	/* the host may have changed what it measures */
	VMX_RARE_DEBUGCTL = BIT(9),	/* the host's MSR DEBUGCTL is not zero, as an exit leaves it */
	VMX_RARE_DEBUG	= BIT(10),	/* the host's breakpoints displaced DR0..3 after the last exit */
	VMX_RARE_CHECK	= BIT(11),	/* entries are checked in software: hw->check is there */
	VMX_RARE_ONCE	= VMX_RARE_FLUSH | VMX_RARE_CONTROL | VMX_RARE_PDPTE | VMX_RARE_L1D |
			  VMX_RARE_TIMER | VMX_RARE_PERF | VMX_RARE_DEBUG,
	VMX_RARE_BEFORE	= VMX_RARE_ONCE | VMX_RARE_STEP | VMX_RARE_CHECK,
};

/* MSRs that neither entries nor exits exchange; the order of vtr_backend_vcpu.msr. */
enum vmx_msr { VMX_STAR, VMX_LSTAR, VMX_CSTAR, VMX_SFMASK, VMX_KERNEL_GS, VMX_MSRS };

/**
 * struct vmx_host_state - what the VMCS holds of the host, to write only what changed
 */
struct vmx_host_state {
	u64 cr3, cr4, fs_base;
	u16 ds, es, fs, gs, ldt;
	struct desc_ptr gdt;	/* what exits leave a limit of 64 KiB of */
};

/* The kernel's rdmsrl() and wrmsrl() are calls, for hosts that are guests without VMX. */
static __always_inline u64 vmx_rdmsr(u32 msr)
{
	return __rdmsr(msr);
}

static __always_inline void vmx_wrmsr(u32 msr, u64 val)
{
	native_wrmsrl(msr, val);
}

struct vtr_backend_vcpu {
	struct vtr_vcpu *vcpu;
	void *vmcs;
	struct vmx_entry entry;
	int vmcs_cpu;		/* that may hold state of the VMCS, -1: none, it is in memory */
	struct list_head active; /* in vmx_cpu.active of that CPU */
	int host_cpu;		/* whose per-CPU host state the VMCS holds */
	struct vmx_host_state host;
	u32 rare;		/* enum vmx_rare */
	u32 controls;		/* primary processor-based controls as wanted */
	u32 controls2;		/* secondary ones */
	u32 entry_controls;
	u64 rsp, rflags;	/* what the VMCS holds */
	u64 timer_at;		/* host TSC for the preemption timer, in its ticks; 0: never */
	u64 guest_tf;		/* RFLAGS.TF as the guest has it, while single-stepping */
	u32 insn_error;		/* of an entry that failed as an instruction */
	u32 failed_event;	/* that it should have delivered */
	u32 exit_reason;	/* of the last exit */
	u32 intr_info;		/* of the last exit by an exception, NMI or interrupt */
	u32 interruptibility;	/* of the guest, at the last exit or since */
	u8 tpr_threshold;
	bool nmi_blocked;	/* the guest's blocking by NMI at the last exit or since */
	bool dr_lent;		/* DR0..3 and DR6 are the guest's and it may access them */
	bool dr_loaded;		/* a debugger's DR0..3 are in the CPU while loaded */
	bool msrs_loaded;	/* msr[] is in the CPU */
	u16 vpid;
	u64 cr4;		/* the guest's view */
	u64 cr0;
	u64 cr2;
	u64 efer;
	u64 msr[VMX_MSRS];
	u64 host_msr[VMX_MSRS];
	u64 tsc_aux;
	u32 spec_ctrl;
	bool spec_ctrl_open;	/* the guest may write SPEC_CTRL without an exit */
	u8 *vapic;		/* page of the virtual TPR: @own_vapic, or the local APIC's registers */
	u8 *own_vapic;
	unsigned long *msr_bitmap;
	u64 *pml;		/* the log of writes, or NULL */
	struct vmx_check *check; /* of the next entry, or NULL */
	struct vmx_perf *perf;	/* the MSRs that entries and exits load */
	u32 perf_msrs;		/* how many */
	u64 host_debugctl;	/* for after the exit, which leaves zero */
};

/**
 * struct vmx_caps - what the CPU can do, and the controls every guest begins with
 * @revision: of the VMCS
 * @pin: pin-based controls
 * @cpu: primary processor-based controls
 * @cpu_may: those that may be 1
 * @cpu2: secondary ones
 * @exit: VM-exit controls
 * @entry: VM-entry controls, without IA-32e mode
 * @allowed: what those fields may be, by enum vmx_control_field
 * @timer_shift: the preemption timer ticks when this bit of the TSC changes
 * @ept_vpid: MSR IA32_VMX_EPT_VPID_CAP
 * @cr0_fixed0: bits of CR0 that must be 1 in VMX operation; PE and PG are free for guests
 * @cr4_fixed0: the same of CR4
 * @cr4_fixed1: bits of CR4 that may be 1
 */
struct vmx_caps {
	u32 revision;
	u32 pin, cpu, cpu_may, cpu2, exit, entry;
	struct vmx_allowed allowed[VMX_CONTROL_FIELDS];
	u8 timer_shift;
	u64 ept_vpid;
	u64 cr0_fixed0, cr4_fixed0, cr4_fixed1;
};

extern struct vmx_caps vmx_caps;

/* Guests could read what is in the level-1 data cache (L1 Terminal Fault): it is flushed before the entries that follow others' use. */
DECLARE_STATIC_KEY_FALSE(vmx_flush_l1d);

DECLARE_PER_CPU(struct vmx_cpu, vmx_cpus);

/* caps.c */
const char *vmx_caps_read(int *err);
u8 vmx_leaf_levels(void);
bool vmx_virtual_interrupts(void);
bool vmx_exit_timer(void);
bool vmx_scales_tsc(void);
struct vtr_tsc_ratio_form vmx_tsc_ratio_form(void);
bool vmx_ept_accessed(void);
bool vmx_cpu_logs(void);
bool vmx_small_code(void);

/* perf.c */
struct vmx_perf *vmx_perf_create(void);
void vmx_perf_init(struct vtr_vcpu *v);
void vmx_perf_setup(void);
void vmx_perf_lists(struct vtr_vcpu *v);

DECLARE_STATIC_KEY_FALSE(vmx_counters);

/* How does the host have its counters, branch records and traces now? Loaded, before an entry. */
static __always_inline void vmx_perf_look(struct vtr_backend_vcpu *hw)
{
	hw->host_debugctl = vmx_rdmsr(MSR_IA32_DEBUGCTLMSR);
	if (unlikely(hw->host_debugctl))
		hw->rare |= VMX_RARE_DEBUGCTL;
	if (static_branch_unlikely(&vmx_counters))
		vmx_perf_lists(hw->vcpu);
}

/* cpu.c */
const char *vmx_check(int *err);
int vmx_setup(void);
void vmx_teardown(void);
int vmx_cpu_enable(void);
void vmx_cpu_disable(void);
bool vmx_vcpu_held(struct vtr_vcpu *v);
void vmx_vcpu_recall(struct vtr_vcpu *v);
void vmx_vmcs_init(struct vtr_vcpu *v);
void vmx_use(struct vtr_vcpu *v);
void vmx_unuse(void);
void vmx_make_current(struct vtr_vcpu *v);
u16 vmx_vpid_get(void);
void vmx_vpid_put(u16 vpid);

/* flush.c */
void vmx_flush_now(struct vtr_vcpu *v);
void vmx_flush_cpu(void);

/* maps.c */
unsigned long *vmx_msr_bitmap_create(void);
void vmx_msr_bitmap_destroy(unsigned long *map);
void vmx_msr_bitmap_allow(unsigned long *map, u32 msr);
void vmx_msr_bitmap_set(unsigned long *map, u32 msr, bool read_exits, bool write_exits);

/* vcpu.c */
int vmx_vcpu_create(struct vtr_vcpu *v);
void vmx_vcpu_destroy(struct vtr_vcpu *v);
void vmx_vcpu_reset(struct vtr_vcpu *v, bool init);
void vmx_vcpu_load(struct vtr_vcpu *v);
void vmx_vcpu_put(struct vtr_vcpu *v);
int vmx_enter(struct vtr_vcpu *v);
void vmx_take_irq(struct vtr_vcpu *v);
void vmx_flush_tlb(struct vtr_vcpu *v);
void vmx_set_timer(struct vtr_vcpu *v, u64 now, u64 cycles);

/* exit.c */
void vmx_decode(struct vtr_vcpu *v, struct vtr_exit *e);
void vmx_last_exit(struct vtr_vcpu *v, struct vtr_hw_exit *e);

/* fail.c */
void vmx_explain_failure(struct vtr_vcpu *v);
int vmx_check_create(struct vtr_vcpu *v);
void vmx_check_before(struct vtr_vcpu *v);
void vmx_check_after(struct vtr_vcpu *v);

/* event.c */
void vmx_inject_irq(struct vtr_vcpu *v, u8 vector);
void vmx_inject_nmi(struct vtr_vcpu *v);
void vmx_inject_exception(struct vtr_vcpu *v, const struct vtr_event *ev);
void vmx_cancel_event(struct vtr_vcpu *v);
void vmx_irq_window(struct vtr_vcpu *v, bool on);
void vmx_nmi_window(struct vtr_vcpu *v);
void vmx_iret_seen(struct vtr_vcpu *v);
bool vmx_stepped(struct vtr_vcpu *v);
bool vmx_iret_done(struct vtr_vcpu *v);
void vmx_cr8_window(struct vtr_vcpu *v, bool on);
void vmx_keep_trap(struct vtr_vcpu *v);
u32 vmx_get_shadow(struct vtr_vcpu *v);
void vmx_set_shadow(struct vtr_vcpu *v, u32 shadow);
int vmx_take_back_event(struct vtr_vcpu *v, u32 info);

/* vapic.c */
void vmx_virtual_apic(struct vtr_vcpu *v, void *page);
void vmx_virtual_irqs(struct vtr_vcpu *v, int irr, int isr);
void vmx_virtual_eois(struct vtr_vcpu *v, const u64 *map);

/* pml.c */
int vmx_log_create(struct vtr_vcpu *v);
void vmx_log_destroy(struct vtr_vcpu *v);
void vmx_log_init(struct vtr_vcpu *v);
void vmx_log_writes(struct vtr_vcpu *v, bool on);
void vmx_log_collect(struct vtr_vcpu *v);

/* state.c */
void vmx_code_state(struct vtr_vcpu *v, struct vtr_code_state *s);
bool vmx_code_same(struct vtr_vcpu *v, const struct vtr_walk_cache *c);
void vmx_get_segment(struct vtr_vcpu *v, int seg, struct kvm_segment *s);
void vmx_set_segment(struct vtr_vcpu *v, int seg, const struct kvm_segment *s);
void vmx_get_table(struct vtr_vcpu *v, bool idt, struct kvm_dtable *t);
void vmx_set_table(struct vtr_vcpu *v, bool idt, const struct kvm_dtable *t);
u64 vmx_get_cr(struct vtr_vcpu *v, int nr);
void vmx_set_cr(struct vtr_vcpu *v, int nr, u64 val);
int vmx_get_msr(struct vtr_vcpu *v, u32 msr, u64 *val);
int vmx_set_msr(struct vtr_vcpu *v, u32 msr, u64 val);
void vmx_load_pdptes(struct vtr_vcpu *v);
void vmx_load_syscall_msrs(struct vtr_vcpu *v);
void vmx_msrs_setup(void);
void vmx_put_syscall_msrs(struct vtr_vcpu *v);
void vmx_lend_debug(struct vtr_vcpu *v);
void vmx_take_debug(struct vtr_vcpu *v);
void vmx_update_debug(struct vtr_vcpu *v);
u64 vmx_get_dr(struct vtr_vcpu *v, int nr);
void vmx_set_dr(struct vtr_vcpu *v, int nr, u64 val);
void vmx_set_tsc_offset(struct vtr_vcpu *v, u64 offset);
void vmx_set_tsc_ratio(struct vtr_vcpu *v, u64 ratio);

/* Ask for a primary control, or no more; it reaches the VMCS before the next entry. */
static inline void vmx_control(struct vtr_vcpu *v, u32 bit, bool on)
{
	u32 want = on ? v->hw->controls | bit : v->hw->controls & ~bit;

	if (want == v->hw->controls)
		return;
	v->hw->controls = want;
	v->hw->rare |= VMX_RARE_CONTROL;
}

/* The same for a secondary one. */
static inline void vmx_control2(struct vtr_vcpu *v, u32 bits, bool on)
{
	v->hw->controls2 = on ? v->hw->controls2 | bits : v->hw->controls2 & ~bits;
	v->hw->rare |= VMX_RARE_CONTROL;
}

#endif /* VITRINE_VMX_VMX_H */
