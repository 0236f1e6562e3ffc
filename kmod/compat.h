/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - every difference between the kernels we build on, and none elsewhere.
 *
 * A probe that Kbuild or a header's own macro can make comes first; a version test is the last resort
 * and says what changed.
 */
#ifndef VITRINE_COMPAT_H
#define VITRINE_COMPAT_H

#include <linux/version.h>
#include <linux/eventfd.h>
#include <asm/cpufeatures.h>

/* Kernels whose reboot.h takes a callback for hypervisors switch SVM off in a crash through it. */
#include <asm/reboot.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define VTR_HAVE_EMERGENCY_CALLBACK
#endif

/* 6.8 dropped the count: every caller gave 1. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define vtr_eventfd_signal(ctx)	eventfd_signal(ctx)
#else
#define vtr_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#endif

/* RCU: this CPU holds no reference. Takes no CPU number any more since 6.2. */
#include <linux/rcupdate.h>
#include <linux/smp.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define vtr_rcu_note_guest()	rcu_virt_note_context_switch()
#else
#define vtr_rcu_note_guest()	rcu_virt_note_context_switch(smp_processor_id())
#endif

/*
 * Later kernels, and Debian's later 6.12, give suspend and resume callbacks a pointer they were
 * registered with; Kbuild looks for that in syscore_ops.h. Ours need none.
 */
#include <linux/syscore_ops.h>
#ifdef VTR_HAVE_SYSCORE_DATA
#define VTR_SYSCORE_ARGS	void *unused
#define VTR_DEFINE_SYSCORE(name, on_suspend, on_resume)						\
	static const struct syscore_ops name##_ops = {						\
		.suspend = on_suspend,								\
		.resume = on_resume,								\
	};											\
	static struct syscore name = { .ops = &name##_ops }
#define vtr_syscore_register	register_syscore
#define vtr_syscore_unregister	unregister_syscore
#else
#define VTR_SYSCORE_ARGS	void
#define VTR_DEFINE_SYSCORE(name, on_suspend, on_resume)						\
	static struct syscore_ops name = {							\
		.suspend = on_suspend,								\
		.resume = on_resume,								\
	}
#define vtr_syscore_register	register_syscore_ops
#define vtr_syscore_unregister	unregister_syscore_ops
#endif

/* Later headers give the fields of struct kvm_run that user space races with another name. */
#include <linux/kvm.h>
#ifdef HINT_UNSAFE_IN_KVM
#define vtr_immediate_exit(run)	READ_ONCE((run)->HINT_UNSAFE_IN_KVM(immediate_exit))
#else
#define vtr_immediate_exit(run)	READ_ONCE((run)->immediate_exit)
#endif

/* Where it is a macro it wraps the architecture's call in a tracepoint. */
#include <linux/smp.h>
#ifdef smp_send_reschedule
#define vtr_cpu_kick(cpu)	arch_smp_send_reschedule(cpu)
#else
#define vtr_cpu_kick(cpu)	smp_send_reschedule(cpu)
#endif

/*
 * A running guest is told of posted interrupts by a vector that kernels built for KVM keep for that:
 * its handler acknowledges it, nothing more. Whether modules may send it, the kernel's list of exports
 * tells.
 */
#include <asm/irq_vectors.h>
#if defined(VTR_HAVE_APIC) && defined(POSTED_INTR_VECTOR) && \
	(defined(CONFIG_HAVE_KVM) || IS_ENABLED(CONFIG_KVM))
#include <linux/cpumask.h>
#include <asm/apic.h>
#define VTR_NOTIFICATION_VECTOR	POSTED_INTR_VECTOR
#define vtr_cpu_notify(cpu)	apic->send_IPI_mask(cpumask_of(cpu), VTR_NOTIFICATION_VECTOR)
#else
#define VTR_NOTIFICATION_VECTOR	0
#define vtr_cpu_notify(cpu)	vtr_cpu_kick(cpu)
#endif

/* 6.6 moved a dump's attributes into what describes its request. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define vtr_dump_attrs(cb)	(genl_dumpit_info(cb)->info.attrs)
#else
#define vtr_dump_attrs(cb)	(genl_dumpit_info(cb)->attrs)
#endif

/*
 * Kernels that know of VMSCAPE: what a guest taught the branch predictors must not steer the process that runs it, once that is back
 * in its own code on this CPU, nor the next one. Preemption off since the guest ran.
 */
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>
static inline void vtr_guest_ran(void)
{
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (static_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
}

/*
 * Has this CPU taken an interrupt since it was last asked? Kernels built with KVM for Intel keep account of that, to know when the
 * level-1 data cache has been the host's. Interrupts off.
 */
#include <linux/hardirq.h>
static __always_inline bool vtr_interrupted(void)
{
#if IS_ENABLED(CONFIG_KVM_INTEL)
	if (likely(!kvm_get_cpu_l1tf_flush_l1d()))
		return false;
	kvm_clear_cpu_l1tf_flush_l1d();
#endif
	return true;
}

/* Kernels that can have events delivered by FRED, which has no gates for vmx_raise_irq() and INT to go through. */
static inline bool vtr_host_uses_fred(void)
{
#ifdef X86_FEATURE_FRED
	return boot_cpu_has(X86_FEATURE_FRED);
#else
	return false;
#endif
}

#endif /* VITRINE_COMPAT_H */
