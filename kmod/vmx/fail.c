// SPDX-License-Identifier: GPL-2.0-only
/*
 * fail.c - a VM entry failed: say why, once, where an administrator looks, and in v->why for the event.
 *
 * The VM stops with KVM_EXIT_FAIL_ENTRY and can be inspected; the host goes on. check.c knows the checks. With the module's parameter
 * check_entries the same is done before each entry: emulators leave checks out.
 */
#include <linux/slab.h>
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

static void vmx_check_init(struct vtr_vcpu *v, struct vmx_check *c)
{
	*c = (struct vmx_check){
		.read = vmx_check_read, .ctx = v->hw, .allowed = vmx_caps.allowed,
		.phys_bits = boot_cpu_data.x86_phys_bits,
		.cr0_fixed0 = vmx_caps.cr0_fixed0, .cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = vmx_caps.cr4_fixed0, .cr4_fixed1 = vmx_caps.cr4_fixed1,
	};
}

/**
 * vmx_check_create() - from now on each entry is checked in software, if the module's user wants that
 * @v: being created
 *
 * Return: 0 or -ENOMEM. vmx_vcpu_destroy() frees.
 */
int vmx_check_create(struct vtr_vcpu *v)
{
	if (!vtr_check_entries)
		return 0;
	v->hw->check = kmalloc(sizeof(*v->hw->check), GFP_KERNEL_ACCOUNT);
	if (!v->hw->check)
		return -ENOMEM;
	vmx_check_init(v, v->hw->check);
	v->hw->rare |= VMX_RARE_CHECK;
	return 0;
}

/**
 * vmx_check_before() - look at the VMCS as the entry will
 * @v: loaded, its VMCS is current and complete
 *
 * Context: interrupts off.
 */
void vmx_check_before(struct vtr_vcpu *v)
{
	struct vmx_check *c = v->hw->check;

	/* The last exit's must not answer for this entry: vmx_check_read(). */
	v->hw->exit_reason = 0;
	if (vmx_check_controls(c) && vmx_check_host(c))
		vmx_check_guest(c);
}

/**
 * vmx_check_after() - complain if that entry should have failed, and did not
 * @v: after an exit
 *
 * Context: interrupts off.
 */
void vmx_check_after(struct vtr_vcpu *v)
{
	const struct vmx_check *c = v->hw->check;

	WARN_RATELIMIT(c->what && !(v->hw->exit_reason & VMX_EXIT_ENTRY_FAILED),
		       "vitrine: VM %u, vCPU %u entered although %s %s: %#llx\n", v->vm->vm_id, v->id, c->name, c->what,
		       c->value);
}

/**
 * vmx_explain_failure() - name the check that the last entry failed; a machine check goes to the host
 * @v: loaded, its VMCS is current
 *
 * Context: interrupts off.
 */
void vmx_explain_failure(struct vtr_vcpu *v)
{
	const char *what = "guest state that no known check refuses";
	u32 reason = v->hw->exit_reason;
	struct vmx_check c;

	vmx_check_init(v, &c);
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
