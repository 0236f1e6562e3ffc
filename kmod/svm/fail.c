// SPDX-License-Identifier: GPL-2.0-only
/*
 * fail.c - a VM entry failed: say why, once, where an administrator looks, and in v->why for the event.
 *
 * The VM stops with KVM_EXIT_FAIL_ENTRY and can be inspected; the host goes on. check.c knows the checks. With the module's parameter
 * check_entries the same is done before each entry: emulators leave checks out, and read all of the VMCB at each VMRUN.
 */
#include <linux/slab.h>
#include <asm/processor.h>
#include "check.h"
#include "svm.h"

/**
 * struct svm_entry_check - a vCPU's next entry, checked in software
 * @check: what was found
 * @then: the VMCB as the last exit left it
 * @cpu: where that was, -1: there was none
 */
struct svm_entry_check {
	struct svm_check check;
	struct vmcb then;
	int cpu;
};

/**
 * svm_check_create() - from now on each entry is checked in software, if the module's user wants that
 * @v: being created
 *
 * Return: 0 or -ENOMEM. svm_check_destroy() frees.
 */
int svm_check_create(struct vtr_vcpu *v)
{
	struct svm_entry_check *e;

	if (!vtr_check_entries)
		return 0;
	e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	e->check.vmcb = v->hw->vmcb;
	e->check.phys_bits = boot_cpu_data.x86_phys_bits;
	e->cpu = -1;
	v->hw->check = e;
	v->hw->rare |= SVM_RARE_CHECK;
	return 0;
}

/**
 * svm_check_destroy() - free it
 * @v: not loaded
 */
void svm_check_destroy(struct vtr_vcpu *v)
{
	kfree(v->hw->check);
}

/**
 * svm_check_before() - look at the VMCB as the entry will
 * @v: loaded, its VMCB is complete
 *
 * Context: interrupts off.
 */
void svm_check_before(struct vtr_vcpu *v)
{
	struct svm_entry_check *e = v->hw->check;

	if (svm_check_guest(&e->check) && svm_check_controls(&e->check))
		svm_check_clean(&e->check, e->cpu == v->cpu ? &e->then : NULL);
	/* Kept for the check alone. */
	if (!svm_has_clean_bits)
		v->hw->vmcb->clean = 0;
}

/**
 * svm_check_after() - complain if that entry should have failed, or been of stale state, and did not
 * @v: after an exit, of which nothing in the VMCB has been changed yet
 *
 * Context: interrupts off.
 */
void svm_check_after(struct vtr_vcpu *v)
{
	struct svm_entry_check *e = v->hw->check;
	const struct svm_check *c = &e->check;

	/* Emulators write the lower half only. */
	WARN_RATELIMIT(c->what && (u32)v->hw->vmcb->exit_code != (u32)SVM_EXIT_INVALID,
		       "vitrine: VM %u, vCPU %u entered although %s %s: %#llx\n", v->vm->vm_id, v->id, c->name, c->what,
		       c->value);
	e->then = *v->hw->vmcb;
	e->cpu = v->cpu;
}

/**
 * svm_explain_failure() - name the check that the last entry failed
 * @v: after an exit with VMEXIT_INVALID
 */
void svm_explain_failure(struct vtr_vcpu *v)
{
	struct svm_check c = {
		.vmcb = v->hw->vmcb, .phys_bits = boot_cpu_data.x86_phys_bits,
	};

	if (!svm_check_guest(&c) || !svm_check_controls(&c))
		snprintf(v->why, sizeof(v->why), "%s %s: %#llx", c.name, c.what, c.value);
	else
		strscpy(v->why, "guest state that no known check refuses", sizeof(v->why));
	pr_info_ratelimited("vitrine: VM %u, vCPU %u: entry failed: %s\n", v->vm->vm_id, v->id,
			    v->why);
}
