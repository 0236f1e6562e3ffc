/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.h - what entry.S is given: offsets for the assembler, the struct for C.
 */
#ifndef VITRINE_VMX_ENTRY_H
#define VITRINE_VMX_ENTRY_H

#define VMX_ENTRY_REGS		0
#define VMX_ENTRY_HOST_RSP	8
#define VMX_ENTRY_LAUNCHED	16
#define VMX_ENTRY_SWITCH_SPEC	20
#define VMX_ENTRY_GUEST_SPEC	24
#define VMX_ENTRY_HOST_SPEC	28
#define VMX_FIELD_HOST_RSP	0x6c14

#ifndef __ASSEMBLY__

#include "../pure.h"

/**
 * struct vmx_entry - parameters of vmx_enter_guest()
 * @regs: the guest's general registers (vcpu->regs); RSP is the VMCS's
 * @host_rsp: what the VMCS holds as the host's stack pointer
 * @launched: the VMCS was launched since it was cleared
 * @switch_spec: nonzero: MSR SPEC_CTRL is exchanged between guest and host
 * @guest_spec: the guest's value, updated on exit
 * @host_spec: the host's value
 */
struct vmx_entry {
	u64 *regs;
	u64 host_rsp;
	u32 launched;
	u32 switch_spec;
	u32 guest_spec;
	u32 host_spec;
};

static_assert(offsetof(struct vmx_entry, regs) == VMX_ENTRY_REGS);
static_assert(offsetof(struct vmx_entry, host_rsp) == VMX_ENTRY_HOST_RSP);
static_assert(offsetof(struct vmx_entry, launched) == VMX_ENTRY_LAUNCHED);
static_assert(offsetof(struct vmx_entry, switch_spec) == VMX_ENTRY_SWITCH_SPEC);
static_assert(offsetof(struct vmx_entry, guest_spec) == VMX_ENTRY_GUEST_SPEC);
static_assert(offsetof(struct vmx_entry, host_spec) == VMX_ENTRY_HOST_SPEC);

/* Returns 0 after an exit, 1 when the entry failed before the guest's state was looked at. */
int vmx_enter_guest(struct vmx_entry *e);
/* Goes through the gate of an interrupt vector as if it arrived now. Interrupts off. */
void vmx_raise_irq(u8 vector);
/* Where exits arrive: the VMCS's host RIP. */
void vmx_exit_point(void);

#endif /* __ASSEMBLY__ */
#endif /* VITRINE_VMX_ENTRY_H */
