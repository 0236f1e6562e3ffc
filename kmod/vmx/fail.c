// SPDX-License-Identifier: GPL-2.0-only
/*
 * fail.c - a VM entry failed: say why, once, where an administrator looks, and in v->why for the event.
 *
 * The VM stops with KVM_EXIT_FAIL_ENTRY and can be inspected; the host goes on. check.c knows the checks.
 */
#include <asm/processor.h>
#include "check.h"
#include "vmx.h"

static u64 vmx_check_read(void *hw, u32 field)
{
	const struct vtr_backend_vcpu *h = hw;

	/* The event was taken back after the failure. */
	if (field == VMCS_ENTRY_INTR_INFO && h->exit_reason == VMX_EXIT_NO_ENTRY)
		return h->failed_event;
	return vmcs_read(field);
}

/* Fills c->what in if a check is known that fails. */
static void vmx_find_culprit(const struct vtr_backend_vcpu *hw, struct vmx_check *c)
{
	if (hw->exit_reason != VMX_EXIT_NO_ENTRY)
		vmx_check_guest(c);
	else if (hw->insn_error == VMX_ERROR_CONTROLS)
		vmx_check_controls(c);
	else if (hw->insn_error == VMX_ERROR_HOST_STATE)
		vmx_check_host(c);
}

/**
 * vmx_explain_failure() - name the check that the last entry failed; a machine check goes to the host
 * @v: loaded, its VMCS is current
 *
 * Context: interrupts off.
 */
void vmx_explain_failure(struct vtr_vcpu *v)
{
	struct vmx_check c = {
		.read = vmx_check_read, .ctx = v->hw, .allowed = vmx_caps.allowed,
		.phys_bits = boot_cpu_data.x86_phys_bits,
		.cr0_fixed0 = vmx_caps.cr0_fixed0, .cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = vmx_caps.cr4_fixed0, .cr4_fixed1 = vmx_caps.cr4_fixed1,
	};
	const char *what = "guest state that no known check refuses";
	u32 reason = v->hw->exit_reason;

	if (reason == VMX_EXIT_NO_ENTRY)
		what = vmx_insn_error(v->hw->insn_error);
	if ((reason & VMX_EXIT_BASIC) == VMX_EXIT_MACHINE_CHECK) {
		what = "the host had a machine check during the entry";
		vtr_host_machine_check();
	} else {
		vmx_find_culprit(v->hw, &c);
	}
	if (c.what)
		snprintf(v->why, sizeof(v->why), "%s %s: %#llx", c.name, c.what, c.value);
	else
		snprintf(v->why, sizeof(v->why), "reason %#x: %s", reason, what);
	pr_info_ratelimited("vitrine: VM %u, vCPU %u: entry failed: %s\n", v->vm->vm_id, v->id,
			    v->why);
}
