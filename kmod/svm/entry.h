/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.h - what entry.S is given: offsets for the assembler, the struct for C.
 */
#ifndef VITRINE_SVM_ENTRY_H
#define VITRINE_SVM_ENTRY_H

#define SVM_ENTRY_REGS		0
#define SVM_ENTRY_VMCB		8
#define SVM_ENTRY_HOST		16
#define SVM_ENTRY_SWITCH_SPEC	24
#define SVM_ENTRY_GUEST_SPEC	28
#define SVM_ENTRY_HOST_SPEC	32
#define SVM_ENTRY_VMCB_ADDRESS	40
#define SVM_VMCB_EXIT_CODE	0x70

#ifndef __ASSEMBLY__

#include "../pure.h"

/**
 * struct svm_entry - parameters of svm_enter_guest()
 * @regs: the guest's general registers (vcpu->regs)
 * @vmcb_pa: physical address of the guest's VMCB
 * @host_pa: physical address of this CPU's area for the host's VMSAVE state
 * @switch_spec: nonzero: MSR SPEC_CTRL is exchanged between guest and host
 * @guest_spec: the guest's value, updated on exit
 * @host_spec: the host's value
 * @vmcb: the VMCB, for the exit code of a VMRUN that faults
 */
struct svm_entry {
	u64 *regs;
	u64 vmcb_pa;
	u64 host_pa;
	u32 switch_spec;
	u32 guest_spec;
	u32 host_spec;
	void *vmcb;
};

static_assert(offsetof(struct svm_entry, regs) == SVM_ENTRY_REGS);
static_assert(offsetof(struct svm_entry, vmcb_pa) == SVM_ENTRY_VMCB);
static_assert(offsetof(struct svm_entry, host_pa) == SVM_ENTRY_HOST);
static_assert(offsetof(struct svm_entry, switch_spec) == SVM_ENTRY_SWITCH_SPEC);
static_assert(offsetof(struct svm_entry, guest_spec) == SVM_ENTRY_GUEST_SPEC);
static_assert(offsetof(struct svm_entry, host_spec) == SVM_ENTRY_HOST_SPEC);
static_assert(offsetof(struct svm_entry, vmcb) == SVM_ENTRY_VMCB_ADDRESS);

void svm_enter_guest(struct svm_entry *e);

#endif /* __ASSEMBLY__ */
#endif /* VITRINE_SVM_ENTRY_H */
