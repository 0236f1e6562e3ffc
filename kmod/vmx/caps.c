// SPDX-License-Identifier: GPL-2.0-only
/*
 * caps.c - what this CPU's VMX can do: the capability MSRs, the controls that follow from them, and the
 * module parameters that hide a feature.
 *
 * Source: SDM 3D "VMX Capability Reporting Facility".
 */
#include <linux/moduleparam.h>
#include <asm/msr.h>
#include "vmx.h"

/* IA32_VMX_BASIC */
#define BASIC_REVISION		GENMASK_ULL(30, 0)
#define BASIC_TRUE_CONTROLS	BIT_ULL(55)
#define BASIC_MEMTYPE_SHIFT	50
#define BASIC_MEMTYPE_WB	6

/* IA32_VMX_MISC */
#define MISC_TIMER_SHIFT	GENMASK_ULL(4, 0)
#define MISC_STORES_LMA		BIT_ULL(5)

/* IA32_VMX_EPT_VPID_CAP */
#define EPT_WALK_4		BIT_ULL(6)
#define EPT_WALK_5		BIT_ULL(7)
#define EPT_WB			BIT_ULL(14)
#define EPT_2M			BIT_ULL(16)
#define EPT_1G			BIT_ULL(17)
#define EPT_INVEPT		BIT_ULL(20)
#define EPT_AD			BIT_ULL(21)
#define EPT_INVEPT_GLOBAL	BIT_ULL(26)

struct vmx_caps vmx_caps;

/**
 * struct vmx_control_set - one field of controls
 * @msr: its capability MSR: bits 31:0 must be 1, those clear in 63:32 must be 0
 * @true_msr: the one to use instead where IA32_VMX_BASIC says so; 0: there is none
 * @need: nothing works without these
 * @want: used where they are there
 * @out: where the result goes
 */
struct vmx_control_set {
	u32 msr, true_msr;
	u32 need, want;
	u32 *out;
};

/* In the order of enum vmx_control_field. */
static const struct vmx_control_set vmx_control_sets[VMX_CONTROL_FIELDS] = {
	{
		.msr = MSR_IA32_VMX_PINBASED_CTLS, .true_msr = MSR_IA32_VMX_TRUE_PINBASED_CTLS,
		.need = VMX_PIN_EXT_INTR | VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI,
		.want = VMX_PIN_TIMER | (VTR_NOTIFICATION_VECTOR ? VMX_PIN_POSTED : 0),
		.out = &vmx_caps.pin,
	}, {
		.msr = MSR_IA32_VMX_PROCBASED_CTLS, .true_msr = MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
		.need = VMX_CPU_TSC_OFFSET | VMX_CPU_HLT | VMX_CPU_MWAIT | VMX_CPU_RDPMC |
			VMX_CPU_MOV_DR | VMX_CPU_IO | VMX_CPU_MSR_BITMAPS | VMX_CPU_MONITOR |
			VMX_CPU_SECONDARY,
		.want = VMX_CPU_TPR_SHADOW,
		.out = &vmx_caps.cpu,
	}, {
		.msr = MSR_IA32_VMX_PROCBASED_CTLS2,
		.need = VMX_CPU2_EPT | VMX_CPU2_UNRESTRICTED | VMX_CPU2_WBINVD,
		.want = VMX_CPU2_RDTSCP | VMX_CPU2_VPID | VMX_CPU2_PAUSE_LOOP |
			VMX_CPU2_INVPCID | VMX_CPU2_XSAVES | VMX_CPU2_VID_ALL |
			VMX_CPU2_PML | VMX_CPU2_TSC_SCALING,
		.out = &vmx_caps.cpu2,
	}, {
		.msr = MSR_IA32_VMX_EXIT_CTLS, .true_msr = MSR_IA32_VMX_TRUE_EXIT_CTLS,
		.need = VMX_EXIT_SAVE_DEBUG | VMX_EXIT_HOST_64 | VMX_EXIT_SAVE_PAT |
			VMX_EXIT_LOAD_PAT | VMX_EXIT_SAVE_EFER | VMX_EXIT_LOAD_EFER,
		.want = VMX_EXIT_ACK_INTR,
		.out = &vmx_caps.exit,
	}, {
		.msr = MSR_IA32_VMX_ENTRY_CTLS, .true_msr = MSR_IA32_VMX_TRUE_ENTRY_CTLS,
		.need = VMX_ENTRY_LOAD_DEBUG | VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER,
		.out = &vmx_caps.entry,
	},
};

/*
 * Each feature that has a software fallback can be hidden. After the load a parameter says whether the
 * feature is in use; on another vendor's CPU it says nothing.
 */
#define VMX_PARAM(name, what) \
	static bool vmx_param_##name = true; \
	module_param_named(name, vmx_param_##name, bool, 0444); \
	MODULE_PARM_DESC(name, "Intel: " what)

VMX_PARAM(ept_ad, "accessed and dirty bits in the extended page tables");
VMX_PARAM(ept_1g, "1 GiB pages in the extended page tables");
VMX_PARAM(pml, "the dirty log from the CPU, not by write protection (needs ept_ad)");
VMX_PARAM(vpid, "cached translations tagged by vCPU");
VMX_PARAM(tpr_shadow, "the guest's CR8 without exits");
VMX_PARAM(vid, "interrupts, EOIs and self-IPIs in x2APIC mode without exits (needs tpr_shadow)");
VMX_PARAM(ack_interrupt, "exits that acknowledge the interrupt of the host that caused them");
VMX_PARAM(posted_interrupts, "interrupts from elsewhere without an exit of a running guest (needs vid and ack_interrupt)");
VMX_PARAM(preemption_timer, "a running guest's timers without interrupts of the host");
VMX_PARAM(tsc_scaling, "TSCs of guests at a frequency of their own");
VMX_PARAM(ple, "exits from loops of PAUSE");
VMX_PARAM(mtf, "single steps by the monitor trap");

/* Not a feature of the CPU but a defence: -1 leaves it to the host's kernel; after the load 0 or 1. */
static int vmx_param_nx_huge_pages = -1;
module_param_named(nx_huge_pages, vmx_param_nx_huge_pages, int, 0444);
MODULE_PARM_DESC(nx_huge_pages, "Intel: guests execute from 4 KiB pages alone (-1: where code on huge pages can stop the host)");

/**
 * struct vmx_feature - what a parameter hides
 * @on: the parameter
 * @controls: a field of controls, or NULL
 * @caps: a word of capabilities, if not
 * @bits: of either: the feature, which is there if all of them are
 * @needs: the features it is built on, further up in the table
 */
struct vmx_feature {
	bool *on;
	u32 *controls;
	u64 *caps;
	u64 bits;
	const bool *needs[2];
};

static const struct vmx_feature vmx_features[] = {
	{ &vmx_param_ept_ad, NULL, &vmx_caps.ept_vpid, EPT_AD },
	{ &vmx_param_ept_1g, NULL, &vmx_caps.ept_vpid, EPT_1G },
	{ &vmx_param_pml, &vmx_caps.cpu2, NULL, VMX_CPU2_PML, { &vmx_param_ept_ad } },
	{ &vmx_param_vpid, &vmx_caps.cpu2, NULL, VMX_CPU2_VPID },
	{ &vmx_param_tpr_shadow, &vmx_caps.cpu, NULL, VMX_CPU_TPR_SHADOW },
	{ &vmx_param_vid, &vmx_caps.cpu2, NULL, VMX_CPU2_VID_ALL, { &vmx_param_tpr_shadow } },
	{ &vmx_param_ack_interrupt, &vmx_caps.exit, NULL, VMX_EXIT_ACK_INTR },
	{ &vmx_param_posted_interrupts, &vmx_caps.pin, NULL, VMX_PIN_POSTED,
	  { &vmx_param_vid, &vmx_param_ack_interrupt } },
	{ &vmx_param_preemption_timer, &vmx_caps.pin, NULL, VMX_PIN_TIMER },
	{ &vmx_param_tsc_scaling, &vmx_caps.cpu2, NULL, VMX_CPU2_TSC_SCALING },
	{ &vmx_param_ple, &vmx_caps.cpu2, NULL, VMX_CPU2_PAUSE_LOOP },
	{ &vmx_param_mtf, &vmx_caps.cpu_may, NULL, VMX_CPU_MONITOR_TRAP },
};

/*
 * The generations whose specification updates say "VMX-Preemption Timer Does Not Count Down at the Rate
 * Specified". Some of their steppings were mended; a host's timer serves all of them as well.
 */
static bool vmx_timer_broken(void)
{
	static const u8 westmere[] = { 0x25, 0x2c, 0x2f };
	size_t i;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL || boot_cpu_data.x86 != 6)
		return false;
	for (i = 0; i < ARRAY_SIZE(westmere); i++)
		if (boot_cpu_data.x86_model == westmere[i])
			return true;
	/* Ivy Bridge, in the Xeon E3-1200 v2 among others. */
	return boot_cpu_data.x86_model == 0x3a && boot_cpu_data.x86_stepping == 8;
}

static void vmx_hide_features(void)
{
	const struct vmx_feature *f;

	for (f = vmx_features; f < vmx_features + ARRAY_SIZE(vmx_features); f++) {
		u64 has = f->controls ? *f->controls : *f->caps;

		*f->on = *f->on && (has & f->bits) == f->bits &&
			 (!f->needs[0] || *f->needs[0]) && (!f->needs[1] || *f->needs[1]);
		if (*f->on)
			continue;
		if (f->controls)
			*f->controls &= ~(u32)f->bits;
		else
			*f->caps &= ~f->bits;
	}
}

/* Controls that exit where nobody asked for it must be allowed to be 0. */
#define VMX_CPU_NEVER	(VMX_CPU_CR3_LOAD | VMX_CPU_CR3_STORE)

/* Returns false if a control that is needed is not there. */
static bool vmx_adjust(enum vmx_control_field field, bool has_true)
{
	const struct vmx_control_set *s = &vmx_control_sets[field];
	struct vmx_allowed *a = &vmx_caps.allowed[field];
	u64 allowed;

	rdmsrl(has_true && s->true_msr ? s->true_msr : s->msr, allowed);
	a->must = allowed;
	a->may = allowed >> 32;
	*s->out = a->must | ((s->need | s->want) & a->may);
	return !(s->need & ~a->may);
}

/**
 * vmx_leaf_levels() - the largest pages that EPT maps here
 *
 * Return: 2: 2 MiB, 3: 1 GiB.
 */
u8 vmx_leaf_levels(void)
{
	return vmx_caps.ept_vpid & EPT_1G ? 3 : 2;
}

/**
 * vmx_virtual_interrupts() - does the CPU deliver interrupts from a virtual-APIC page?
 */
bool vmx_virtual_interrupts(void)
{
	return vmx_caps.cpu2 & VMX_CPU2_VIRTUAL_INTR;
}

/**
 * vmx_exit_timer() - does the CPU end a guest's turn at a given time?
 */
bool vmx_exit_timer(void)
{
	return vmx_caps.pin & VMX_PIN_TIMER;
}

/**
 * vmx_scales_tsc() - does the CPU scale the guest's TSC?
 */
bool vmx_scales_tsc(void)
{
	return vmx_caps.cpu2 & VMX_CPU2_TSC_SCALING;
}

/**
 * vmx_tsc_ratio_form() - the TSC multiplier
 *
 * Return: its form, 0 where the CPU has none. Source: SDM 3C "TSC-Multiplier".
 */
struct vtr_tsc_ratio_form vmx_tsc_ratio_form(void)
{
	static const struct vtr_tsc_ratio_form form = { 16, 48 }, none;

	return vmx_scales_tsc() ? form : none;
}

/**
 * vmx_ept_accessed() - does the CPU set accessed and dirty bits in the tables?
 */
bool vmx_ept_accessed(void)
{
	return vmx_caps.ept_vpid & EPT_AD;
}

/**
 * vmx_cpu_logs() - does the CPU log the writes that set dirty bits?
 */
bool vmx_cpu_logs(void)
{
	return vmx_caps.cpu2 & VMX_CPU2_PML;
}

/**
 * vmx_small_code() - must guests not execute from large pages?
 *
 * CPUs of many generations end in a machine check, which takes the host down, when they find the same code in the instruction TLB
 * under two sizes of page, and a guest can see to it where EPT has large leaves. Source: Intel, "Machine Check Error on Page Size
 * Change" (CVE-2018-12207); which they are the host's kernel knows. Nobody could try the machine check itself in the emulated host.
 */
bool vmx_small_code(void)
{
	return vmx_param_nx_huge_pages;
}

/**
 * vmx_caps_read() - fill vmx_caps
 * @err: filled with the errno for the load when the CPU will not do
 *
 * Return: NULL, or what is missing and what to do about it, one sentence.
 */
const char *vmx_caps_read(int *err)
{
	u64 basic, misc, controls;
	size_t i;

	*err = -ENODEV;
	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	vmx_caps.revision = basic & BASIC_REVISION;
	if (((basic >> BASIC_MEMTYPE_SHIFT) & 0xf) != BASIC_MEMTYPE_WB)
		return "the CPU wants its VMX structures in uncached memory: no such CPU is supported";
	rdmsrl(MSR_IA32_VMX_PROCBASED_CTLS, controls);
	if (!(controls >> 32 & VMX_CPU_SECONDARY))
		return "the CPU has VT-x but no extended page tables (EPT), which are required: use a CPU of the Westmere generation or later";
	rdmsrl(MSR_IA32_VMX_PROCBASED_CTLS2, controls);
	if (!(controls >> 32 & VMX_CPU2_EPT))
		return "the CPU has VT-x but no extended page tables (EPT), which are required: use a CPU of the Westmere generation or later";
	if (!(controls >> 32 & VMX_CPU2_UNRESTRICTED))
		return "the CPU has VT-x but no unrestricted guests, which are required: use a CPU of the Westmere generation or later";
	for (i = 0; i < ARRAY_SIZE(vmx_control_sets); i++)
		if (!vmx_adjust(i, basic & BASIC_TRUE_CONTROLS))
			return "the CPU's VT-x lacks a control that is required (EFER or PAT switching, virtual NMIs): use another machine, or enable it in the hypervisor below";
	if (vmx_caps.cpu & VMX_CPU_NEVER)
		return "the CPU's VT-x exits on every load of CR3: use another machine";
	vmx_caps.cpu_may = vmx_caps.allowed[VMX_CPU].may;
	rdmsrl(MSR_IA32_VMX_MISC, misc);
	rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, vmx_caps.ept_vpid);
	if (!(misc & MISC_STORES_LMA) || !(vmx_caps.ept_vpid & EPT_WB) ||
	    !(vmx_caps.ept_vpid & EPT_2M) || !(vmx_caps.ept_vpid & EPT_INVEPT) ||
	    !(vmx_caps.ept_vpid & EPT_INVEPT_GLOBAL) || !(vmx_caps.ept_vpid & EPT_WALK_4))
		return "the CPU's EPT lacks write-back tables, 2 MiB pages, four levels or INVEPT: use another machine";
	vmx_caps.timer_shift = misc & MISC_TIMER_SHIFT;
	vmx_param_preemption_timer &= !vmx_timer_broken();
	vmx_hide_features();
	if (vmx_param_nx_huge_pages < 0)
		vmx_param_nx_huge_pages = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
	vmx_param_nx_huge_pages = !!vmx_param_nx_huge_pages;
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, vmx_caps.cr0_fixed0);
	vmx_caps.cr0_fixed0 &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, vmx_caps.cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, vmx_caps.cr4_fixed1);
	return NULL;
}
