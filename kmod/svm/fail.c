// SPDX-License-Identifier: GPL-2.0-only
/*
 * fail.c - a VM entry failed: say why, once, where an administrator looks, and in v->why for the event.
 *
 * The VM stops with KVM_EXIT_FAIL_ENTRY and can be inspected; the host goes on. check.c knows the checks.
 */
#include <asm/processor.h>
#include "check.h"
#include "svm.h"

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
