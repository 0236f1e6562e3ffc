// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm.c - the wiring: which function of this folder stands in which row of the backend's table.
 */
#include "svm.h"

const struct vtr_backend vtr_svm_backend = {
	.name			= "svm",
	.pt_format		= &vtr_pt_npt,
	.pt_levels		= 5,
	.leaf_levels		= svm_leaf_levels,
	.tsc_ratio_form		= svm_tsc_ratio_form,
	.check			= svm_check,
	.setup			= svm_setup,
	.teardown		= svm_teardown,
	.vcpu_create		= svm_vcpu_create,
	.vcpu_destroy		= svm_vcpu_destroy,
	.vcpu_reset		= svm_vcpu_reset,
	.vcpu_held		= svm_vcpu_held,
	.vcpu_recall		= svm_vcpu_recall,
	.vcpu_load		= svm_vcpu_load,
	.vcpu_put		= svm_vcpu_put,
	.enter			= svm_enter,
	.decode			= svm_decode,
	.last_exit		= svm_last_exit,
	.inject_irq		= svm_inject_irq,
	.inject_nmi		= svm_inject_nmi,
	.inject_exception	= svm_inject_exception,
	.cancel_event		= svm_cancel_event,
	.irq_window		= svm_irq_window,
	.nmi_window		= svm_nmi_window,
	.iret_seen		= svm_iret_seen,
	.iret_done		= svm_iret_done,
	.stepped		= svm_stepped,
	.cr8_window		= svm_cr8_window,
	.get_shadow		= svm_get_shadow,
	.set_shadow		= svm_set_shadow,
	.code_state		= svm_code_state,
	.code_same		= svm_code_same,
	.get_segment		= svm_get_segment,
	.set_segment		= svm_set_segment,
	.get_table		= svm_get_table,
	.set_table		= svm_set_table,
	.get_cr			= svm_get_cr,
	.set_cr			= svm_set_cr,
	.get_msr		= svm_get_msr,
	.set_msr		= svm_set_msr,
	.flush_tlb		= svm_flush_tlb,
	.lend_debug		= svm_lend_debug,
	.update_debug		= svm_update_debug,
	.get_dr			= svm_get_dr,
	.set_dr			= svm_set_dr,
	/*
	 * No AVIC: virtual_interrupts, virtual_apic, virtual_irqs and virtual_eois are not there. The
	 * CPU keeps no log of writes: cpu_logs and log_writes are not there either; nor does it end a
	 * guest's turn in time: exit_timer, set_timer. It does not acknowledge interrupts on exits:
	 * take_irq.
	 */
	.set_tsc_offset		= svm_set_tsc_offset,
	.set_tsc_ratio		= svm_set_tsc_ratio,
	.cpu_enable		= svm_cpu_enable,
	.cpu_disable		= svm_cpu_disable,
};
