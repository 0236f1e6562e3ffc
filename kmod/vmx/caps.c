// SPDX-License-Identifier: GPL-2.0-only
/*
 * caps.c - what this CPU's VMX can do: the capability MSRs, and the controls that follow from them.
 *
 * Source: SDM 3D "VMX Capability Reporting Facility".
 */
#include <asm/msr.h>
#include "vmx.h"

/* IA32_VMX_BASIC */
#define BASIC_REVISION		GENMASK_ULL(30, 0)
#define BASIC_TRUE_CONTROLS	BIT_ULL(55)
#define BASIC_MEMTYPE_SHIFT	50
#define BASIC_MEMTYPE_WB	6

/* IA32_VMX_MISC */
#define MISC_STORES_LMA		BIT_ULL(5)

/* IA32_VMX_EPT_VPID_CAP */
#define EPT_WALK_4		BIT_ULL(6)
#define EPT_WALK_5		BIT_ULL(7)
#define EPT_WB			BIT_ULL(14)
#define EPT_2M			BIT_ULL(16)
#define EPT_INVEPT		BIT_ULL(20)
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

static const struct vmx_control_set vmx_control_sets[] = {
	{
		.msr = MSR_IA32_VMX_PINBASED_CTLS, .true_msr = MSR_IA32_VMX_TRUE_PINBASED_CTLS,
		.need = VMX_PIN_EXT_INTR | VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI,
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
			VMX_CPU2_INVPCID | VMX_CPU2_XSAVES,
		.out = &vmx_caps.cpu2,
	}, {
		.msr = MSR_IA32_VMX_EXIT_CTLS, .true_msr = MSR_IA32_VMX_TRUE_EXIT_CTLS,
		.need = VMX_EXIT_SAVE_DEBUG | VMX_EXIT_HOST_64 | VMX_EXIT_SAVE_PAT |
			VMX_EXIT_LOAD_PAT | VMX_EXIT_SAVE_EFER | VMX_EXIT_LOAD_EFER,
		.out = &vmx_caps.exit,
	}, {
		.msr = MSR_IA32_VMX_ENTRY_CTLS, .true_msr = MSR_IA32_VMX_TRUE_ENTRY_CTLS,
		.need = VMX_ENTRY_LOAD_DEBUG | VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER,
		.out = &vmx_caps.entry,
	},
};

/* Controls that exit where nobody asked for it must be allowed to be 0. */
#define VMX_CPU_NEVER	(VMX_CPU_CR3_LOAD | VMX_CPU_CR3_STORE)

/* Returns false if a control that is needed is not there. */
static bool vmx_adjust(const struct vmx_control_set *s, bool has_true)
{
	u64 allowed;
	u32 must, may;

	rdmsrl(has_true && s->true_msr ? s->true_msr : s->msr, allowed);
	must = allowed;
	may = allowed >> 32;
	*s->out = must | ((s->need | s->want) & may);
	return !(s->need & ~may);
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
		if (!vmx_adjust(&vmx_control_sets[i], basic & BASIC_TRUE_CONTROLS))
			return "the CPU's VT-x lacks a control that is required (EFER or PAT switching, virtual NMIs): use another machine, or enable it in the hypervisor below";
	if (vmx_caps.cpu & VMX_CPU_NEVER)
		return "the CPU's VT-x exits on every load of CR3: use another machine";
	rdmsrl(basic & BASIC_TRUE_CONTROLS ? MSR_IA32_VMX_TRUE_PROCBASED_CTLS :
					     MSR_IA32_VMX_PROCBASED_CTLS, controls);
	vmx_caps.cpu_may = controls >> 32;
	rdmsrl(MSR_IA32_VMX_MISC, misc);
	rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, vmx_caps.ept_vpid);
	if (!(misc & MISC_STORES_LMA) || !(vmx_caps.ept_vpid & EPT_WB) ||
	    !(vmx_caps.ept_vpid & EPT_2M) || !(vmx_caps.ept_vpid & EPT_INVEPT) ||
	    !(vmx_caps.ept_vpid & EPT_INVEPT_GLOBAL) || !(vmx_caps.ept_vpid & EPT_WALK_4))
		return "the CPU's EPT lacks write-back tables, 2 MiB pages, four levels or INVEPT: use another machine";
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, vmx_caps.cr0_fixed0);
	vmx_caps.cr0_fixed0 &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, vmx_caps.cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, vmx_caps.cr4_fixed1);
	return NULL;
}
