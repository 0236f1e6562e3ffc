// SPDX-License-Identifier: GPL-2.0-only
/*
 * host.c - virtualization on the host's CPUs through its life: load, hotplug, suspend, reboot, crash.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/reboot.h>
#include "backend.h"
#include "module.h"
#include "registry.h"

static enum cpuhp_state vtr_cpuhp;
static bool vtr_host_stopped;

static int vtr_cpu_online(unsigned int cpu)
{
	int err;

	preempt_disable();
	err = vtr_hw(cpu_enable)();
	preempt_enable();
	if (err)
		pr_err("vitrine: CPU %u: virtualization is held by another hypervisor: unload it and bring the CPU online again\n",
		       cpu);
	return err;
}

static int vtr_cpu_offline(unsigned int cpu)
{
	preempt_disable();
	vtr_hw(cpu_disable)();
	preempt_enable();
	return 0;
}

static void vtr_cpu_disable_ipi(void *unused)
{
	vtr_hw(cpu_disable)();
}

/*
 * Firmware and the next kernel must find CPUs that take INIT. Processes live on until the CPUs are stopped: their
 * vCPUs are kept out of guests first. What such a thread, or a request about a vCPU, still does with the CPU's
 * virtualization faults then, and each instruction that it may meet has a fixup.
 */
static int vtr_reboot(struct notifier_block *nb, unsigned long action, void *unused)
{
	vtr_host_stopped = true;
	vtr_registry_stop();
	on_each_cpu(vtr_cpu_disable_ipi, NULL, 1);
	return NOTIFY_DONE;
}

static struct notifier_block vtr_reboot_nb = { .notifier_call = vtr_reboot };

/* The last CPU sleeps without going through hotplug. */
static int vtr_suspend(VTR_SYSCORE_ARGS)
{
	vtr_hw(cpu_disable)();
	return 0;
}

static void vtr_resume(VTR_SYSCORE_ARGS)
{
	if (!vtr_host_stopped)
		vtr_hw(cpu_enable)();
}

VTR_DEFINE_SYSCORE(vtr_syscore, vtr_suspend, vtr_resume);

#ifdef VTR_HAVE_EMERGENCY_CALLBACK
/* A crashing kernel stops the other CPUs by NMI and then needs them without virtualization. */
static void vtr_emergency(void)
{
	vtr_hw(cpu_disable)();
}
#endif

/**
 * vtr_host_init() - enable virtualization on every CPU, now and when one comes online
 *
 * Return: 0, -EBUSY if it is held by another hypervisor on some CPU, or an error of CPU hotplug.
 */
int vtr_host_init(void)
{
	int err;

	err = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "vitrine:online", vtr_cpu_online,
				vtr_cpu_offline);
	if (err < 0)
		return err;
	vtr_cpuhp = err;
	err = register_reboot_notifier(&vtr_reboot_nb);
	if (err) {
		cpuhp_remove_state(vtr_cpuhp);
		return err;
	}
	vtr_syscore_register(&vtr_syscore);
#ifdef VTR_HAVE_EMERGENCY_CALLBACK
	cpu_emergency_register_virt_callback(vtr_emergency);
#endif
	return 0;
}

/**
 * vtr_host_fini() - undo vtr_host_init(); no VM exists
 */
void vtr_host_fini(void)
{
#ifdef VTR_HAVE_EMERGENCY_CALLBACK
	cpu_emergency_unregister_virt_callback(vtr_emergency);
#endif
	vtr_syscore_unregister(&vtr_syscore);
	unregister_reboot_notifier(&vtr_reboot_nb);
	cpuhp_remove_state(vtr_cpuhp);
}
