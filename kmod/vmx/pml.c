// SPDX-License-Identifier: GPL-2.0-only
/*
 * pml.c - page-modification logging: the CPU notes the address of each page whose dirty bit it sets, and
 * the notes are entered in the dirty log after every exit.
 *
 * So a vCPU that is out of the guest has an empty log; ../dirty.c asks for that. Source: SDM 3C
 * "Page-Modification Logging".
 */
#include <linux/mm.h>
#include "vmx.h"

#define PML_ENTRIES	512

/**
 * vmx_log_create() - the log's page, where the CPU can log
 * @v: new vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int vmx_log_create(struct vtr_vcpu *v)
{
	if (!vmx_cpu_logs())
		return 0;
	v->hw->pml = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return v->hw->pml ? 0 : -ENOMEM;
}

/**
 * vmx_log_destroy() - free it
 * @v: dying vCPU
 */
void vmx_log_destroy(struct vtr_vcpu *v)
{
	free_page((unsigned long)v->hw->pml);
}

/**
 * vmx_log_init() - tell the VMCS of an empty log
 * @v: new, its VMCS is current, with a log
 */
void vmx_log_init(struct vtr_vcpu *v)
{
	vmcs_write(VMCS_PML_ADDRESS, __pa(v->hw->pml));
	vmcs_write(VMCS_PML_INDEX, PML_ENTRIES - 1);
}

/**
 * vmx_log_writes() - from the next entry on writes are logged, or no more
 * @v: by its own thread, with a log
 * @on: which
 */
void vmx_log_writes(struct vtr_vcpu *v, bool on)
{
	vmx_control2(v, VMX_CPU2_PML, on);
	if (on)
		v->hw->rare |= VMX_RARE_LOG;
	else
		v->hw->rare &= ~VMX_RARE_LOG;
}

/**
 * vmx_log_collect() - enter what the CPU logged in the dirty log
 * @v: loaded, after an exit, v->slots loaded
 *
 * The CPU fills the log from the last entry to the first; when it is full the index wraps.
 */
void vmx_log_collect(struct vtr_vcpu *v)
{
	const u64 *pml = v->hw->pml;
	u16 free = vmcs_read(VMCS_PML_INDEX) + 1;
	u32 i;

	if (free == PML_ENTRIES)
		return;
	for (i = free; i < PML_ENTRIES; i++)
		vtr_mark_dirty(v, pml[i] >> VTR_PAGE_SHIFT);
	vmcs_write(VMCS_PML_INDEX, PML_ENTRIES - 1);
}
