// SPDX-License-Identifier: GPL-2.0-only
/*
 * perf.c - the host's performance monitoring and tracing stay out of guests, and go on after them.
 *
 * Counters that the host wants of itself alone stop with the entry. Those that write records of what they sampled (PEBS) have to: the
 * CPU would write them through the guest's page tables, to whatever the guest has there. Both change in the very moment of the entry
 * and of the exit, by the lists of MSRs, since an NMI may come until then. An exit leaves MSR DEBUGCTL zero, with what of the host's
 * is on in it: branch records and traces.
 *
 * perf changes both by IPIs, and so they are looked at anew after every interrupt. No emulated host has such counters: what stands
 * here has not been exercised, but for a list that is empty.
 *
 * AMD's counters tell guest from host by themselves, and an exit there leaves DEBUGCTL alone: kmod/svm/ has nothing of this.
 *
 * Source: SDM 3C "Loading MSRs" (of VM entries and VM exits), SDM 3B "Processor Event Based Sampling (PEBS)".
 */
#include <linux/slab.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include "vmx.h"

#define VMX_PERF_MSRS	4

struct vmx_msr_entry {
	u32 msr, reserved;
	u64 value;
};

/* Aligned to its size, as kzalloc() aligns what is a power of two: the CPU asks for 16 bytes. */
struct vmx_perf {
	struct vmx_msr_entry guest[VMX_PERF_MSRS], host[VMX_PERF_MSRS];
};

static_assert(sizeof(struct vmx_perf) == 128);

/* This host has counters that entries and exits may have to exchange. */
DEFINE_STATIC_KEY_FALSE(vmx_counters);

/**
 * vmx_perf_setup() - learn whether the host has counters of that kind, which does not change
 *
 * Context: module load.
 */
void vmx_perf_setup(void)
{
	int nr;

	if (perf_guest_get_msrs(&nr, NULL))
		static_branch_enable(&vmx_counters);
}

/**
 * vmx_perf_create() - room for a vCPU's lists
 *
 * Return: the lists or NULL.
 */
struct vmx_perf *vmx_perf_create(void)
{
	return kzalloc(sizeof(struct vmx_perf), GFP_KERNEL_ACCOUNT);
}

/**
 * vmx_perf_init() - tell a new VMCS where the lists are
 * @v: its VMCS is current
 */
void vmx_perf_init(struct vtr_vcpu *v)
{
	struct vmx_perf *p = v->hw->perf;

	vmcs_write(VMCS_ENTRY_MSR_LOAD, __pa(p->guest));
	vmcs_write(VMCS_EXIT_MSR_LOAD, __pa(p->host));
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, 0);
}

/**
 * vmx_perf_lists() - how does the host have its counters now?
 * @v: loaded, before an entry
 */
void vmx_perf_lists(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	const struct perf_guest_switch_msr *msr;
	int i, nr;
	u32 n = 0;

	msr = perf_guest_get_msrs(&nr, NULL);
	for (i = 0; msr && i < nr; i++) {
		if (msr[i].host == msr[i].guest || WARN_ON_ONCE(n == VMX_PERF_MSRS))
			continue;
		hw->perf->guest[n] = (struct vmx_msr_entry){ .msr = msr[i].msr, .value = msr[i].guest };
		hw->perf->host[n++] = (struct vmx_msr_entry){ .msr = msr[i].msr, .value = msr[i].host };
	}
	if (n == hw->perf_msrs)
		return;
	hw->perf_msrs = n;
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, n);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, n);
}
