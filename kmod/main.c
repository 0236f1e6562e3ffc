// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - loading and unloading: choose the backend, bind its operations, switch the CPUs on.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include "backend.h"
#include "fpu.h"
#include "module.h"
#include "netlink.h"

#define OP(op, ret, args) DEFINE_STATIC_CALL_NULL(vtr_hw_##op, vtr_hw_##op##_fn);
VTR_BACKEND_OPS(OP)
#undef OP

const struct vtr_backend *vtr_backend;

bool vtr_check_entries;
module_param_named(check_entries, vtr_check_entries, bool, 0444);
MODULE_PARM_DESC(check_entries, "for developers: go through the manual's checks before each entry, and warn where the CPU enters although one fails");

static void vtr_backend_bind(const struct vtr_backend *b)
{
	vtr_backend = b;
#define OP(op, ret, args) static_call_update(vtr_hw_##op, b->op);
	VTR_BACKEND_OPS(OP)
#undef OP
}

static int __init vtr_init(void)
{
	const struct vtr_backend *b = boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
				      boot_cpu_data.x86_vendor == X86_VENDOR_HYGON ?
				      &vtr_svm_backend : &vtr_vmx_backend;
	const char *why;
	int err;

	why = b->check(&err);
	if (!why && vtr_host_uses_fred()) {
		why = "the host's kernel has its events delivered by FRED, which is not supported yet: boot it with fred=off";
		err = -EOPNOTSUPP;
	}
	if (why) {
		pr_err("vitrine: %s\n", why);
		return err;
	}
	vtr_backend_bind(b);
	err = b->setup();
	if (err)
		return err;
	if (b->virtual_interrupts && b->virtual_interrupts())
		static_branch_enable(&vtr_vid);
	if (b->exit_timer && b->exit_timer())
		static_branch_enable(&vtr_exit_timer);
	err = vtr_clock_init();
	if (err)
		goto teardown;
	vtr_fpu_setup();
	vtr_cpuid_setup();
	err = vtr_host_init();
	if (err)
		goto clock;
	err = vtr_event_init();
	if (err)
		goto host;
	err = vtr_netlink_init();
	if (err)
		goto event;
	err = vtr_device_init();
	if (err)
		goto netlink;
	return 0;

netlink:
	vtr_netlink_fini();
event:
	vtr_event_fini();
host:
	vtr_host_fini();
clock:
	vtr_clock_fini();
teardown:
	b->teardown();
	return err;
}

static void __exit vtr_exit(void)
{
	vtr_device_fini();
	vtr_netlink_fini();
	vtr_event_fini();
	vtr_mmu_module_exit();
	vtr_irq_module_exit();
	/* Tables freed after a grace period, and notifiers, use our code. */
	rcu_barrier();
	vtr_host_fini();
	vtr_clock_fini();
	vtr_backend->teardown();
}

module_init(vtr_init);
module_exit(vtr_exit);

MODULE_DESCRIPTION("Vitrine hypervisor");
MODULE_VERSION("0.1");
MODULE_LICENSE("GPL");
