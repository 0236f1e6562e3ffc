/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpuid.h - which CPU the guest sees.
 */
#ifndef VITRINE_CPUID_H
#define VITRINE_CPUID_H

#include <linux/kvm.h>
#include "pure.h"

struct vtr_vcpu;

#define VTR_CPUID_MAX	256

/**
 * struct vtr_cpuid - the caller's table and what follows from it
 * @entries: as set by KVM_SET_CPUID2
 * @nent: their number
 * @basic: place + 1 of the first entry of leaves 0..0x1f
 * @hyper: the same for 0x40000000..0x4000001f
 * @ext: the same for 0x80000000..0x8000001f
 * @max_basic: highest basic leaf
 * @phys_bits: guest-physical address width
 * @cr4_allowed: bits the guest may set in CR4
 * @efer_allowed: bits the guest may set in EFER
 * @xcr0_allowed: state components the guest may enable
 * @has_spec_ctrl: MSR SPEC_CTRL is there
 * @has_pred_cmd: MSR PRED_CMD is there
 * @has_mce: machine-check MSRs
 */
struct vtr_cpuid {
	struct kvm_cpuid_entry2 *entries;
	u32 nent;
	u8 basic[32], hyper[32], ext[32];
	u32 max_basic;
	u8 phys_bits;
	u64 cr4_allowed;
	u64 efer_allowed;
	u64 xcr0_allowed;
	bool has_spec_ctrl, has_pred_cmd, has_rdtscp, has_tsc_adjust;
};

void vtr_cpuid_setup(void);
int vtr_cpuid_supported(struct kvm_cpuid_entry2 *e, u32 *nent);
void vtr_cpuid_init(struct vtr_vcpu *v);
void vtr_cpuid_fini(struct vtr_vcpu *v);
int vtr_cpuid_set(struct vtr_vcpu *v, const struct kvm_cpuid_entry2 *e, u32 n);
void vtr_cpuid_refresh(struct vtr_vcpu *v);
void vtr_cpuid_exec(struct vtr_vcpu *v);

#endif /* VITRINE_CPUID_H */
