/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * msr.h - which MSRs the guest has and what they do.
 */
#ifndef VITRINE_MSR_H
#define VITRINE_MSR_H

#include "pure.h"

struct vtr_vcpu;

#define VTR_MSRS_MAX	512	/* entries of one KVM_GET_MSRS or KVM_SET_MSRS */
#define VTR_MCE_BANKS	32
#define VTR_MCG_CAPS	(BIT(8) | BIT(24))	/* features of MCG_CAP: MCG_CTL_P, MCG_SER_P */
#define VTR_MTRR_VAR	8

/**
 * struct vtr_msrs - values that are kept for the guest and mean nothing to us
 */
struct vtr_msrs {
	u64 misc_enable;
	u64 ucode_rev;
	u64 arch_capabilities;
	u64 mtrr_def_type;
	u64 mtrr_fixed[11];
	u64 mtrr_var[2 * VTR_MTRR_VAR];
	u64 mcg_cap, mcg_status, mcg_ctl;
	u64 hwcr;
	u64 platform_info;
	u64 misc_features;
	u64 de_cfg;
	u64 *mce;		/* CTL, STATUS, ADDR, MISC of each bank; allocated on the first write */
};

void vtr_msrs_init(struct vtr_vcpu *v);
void vtr_msrs_fini(struct vtr_vcpu *v);
const u32 *vtr_msr_list(bool features, u32 *n);
int vtr_msr_feature(u32 msr, u64 *val);
int vtr_msr_read(struct vtr_vcpu *v, u32 msr, u64 *val, bool host);
int vtr_msr_write(struct vtr_vcpu *v, u32 msr, u64 val, bool host);
int vtr_msr_setup_mce(struct vtr_vcpu *v, u64 cap);

#endif /* VITRINE_MSR_H */
