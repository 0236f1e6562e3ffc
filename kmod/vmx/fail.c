// SPDX-License-Identifier: GPL-2.0-only
/*
 * fail.c - a VM entry failed: say why, once, where an administrator looks, and in v->why for the event.
 *
 * The VM stops with KVM_EXIT_FAIL_ENTRY and can be inspected; the host goes on. check.c knows the checks.
 */
#include <asm/processor.h>
#include "check.h"
#include "vmx.h"

static u64 vmx_check_read(void *unused, u32 field)
{
	return vmcs_read(field);
}

/**
 * vmx_explain_failure() - name the check that the last entry failed
 * @v: loaded, its VMCS is current
 *
 * Control fields are this module's own, so of those only the CPU's verdict is passed on.
 */
void vmx_explain_failure(struct vtr_vcpu *v)
{
	struct vmx_check c = {
		.read = vmx_check_read, .phys_bits = boot_cpu_data.x86_phys_bits,
		.cr0_fixed0 = vmx_caps.cr0_fixed0, .cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = vmx_caps.cr4_fixed0, .cr4_fixed1 = vmx_caps.cr4_fixed1,
	};
	bool host = v->hw->exit_reason == VMX_EXIT_NO_ENTRY;

	if (host ? vmx_check_host(&c) : vmx_check_guest(&c))
		c.what = NULL;
	if (c.what)
		snprintf(v->why, sizeof(v->why), "%s %s: %#llx", c.name, c.what, c.value);
	else
		snprintf(v->why, sizeof(v->why), "reason %#x: %s", v->hw->exit_reason,
			 host ? vmx_insn_error(v->hw->insn_error) :
				"guest state that no known check refuses");
	pr_info_ratelimited("vitrine: VM %u, vCPU %u: entry failed: %s\n", v->vm->vm_id, v->id,
			    v->why);
}
