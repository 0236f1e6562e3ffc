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

#endif /* VITRINE_COMPAT_H */
