/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - which of the manual's checks did a failed VM entry fail? Pure.
 */
#ifndef VITRINE_VMX_CHECK_H
#define VITRINE_VMX_CHECK_H

#include "vmcs.h"

/* The five fields of controls. */
enum vmx_control_field { VMX_PIN, VMX_CPU, VMX_CPU2, VMX_EXIT, VMX_ENTRY, VMX_CONTROL_FIELDS };

/**
 * struct vmx_allowed - what a capability MSR says of a field of controls
 * @must: bits that must be 1
 * @may: bits that may be
 */
struct vmx_allowed {
	u32 must, may;
};

/**
 * struct vmx_check - a VMCS to look at, and what the CPU allows
 * @read: a field's value
 * @ctx: its argument
 * @allowed: by enum vmx_control_field; for the checks on controls
 * @phys_bits: width of physical addresses
 * @cr0_fixed0: bits of the guest's CR0 that must be 1
 * @cr0_fixed1: bits that may be
 * @cr4_fixed0: the same of CR4
 * @cr4_fixed1: the same of CR4
 * @what: result: what is wrong, or NULL when every check that is known passes
 * @field: result: where
 * @name: result: its name
 * @value: result: what is in it
 */
struct vmx_check {
	u64 (*read)(void *ctx, u32 field);
	void *ctx;
	const struct vmx_allowed *allowed;
	u8 phys_bits;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	const char *what;
	u32 field;
	const char *name;
	u64 value;
};

bool vmx_check_controls(struct vmx_check *c);
bool vmx_check_guest(struct vmx_check *c);
bool vmx_check_host(struct vmx_check *c);
const char *vmx_insn_error(u32 error);

#endif /* VITRINE_VMX_CHECK_H */
