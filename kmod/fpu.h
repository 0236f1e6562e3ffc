/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fpu.h - the guest's floating-point and vector state.
 */
#ifndef VITRINE_FPU_H
#define VITRINE_FPU_H

#include <linux/kvm.h>
#include "pure.h"

struct vtr_vcpu;
struct vtr_fpu;

void vtr_fpu_setup(void);
struct vtr_fpu *vtr_fpu_create(void);
void vtr_fpu_destroy(struct vtr_fpu *fpu);
void vtr_fpu_reset(struct vtr_vcpu *v);
void vtr_fpu_load(struct vtr_vcpu *v);
void vtr_fpu_put(struct vtr_vcpu *v);
bool vtr_fpu_has_xsave(void);
u32 vtr_fpu_user_size(void);
u64 vtr_fpu_xcr0(void);
int vtr_fpu_get(struct vtr_vcpu *v, struct kvm_fpu *f);
int vtr_fpu_set(struct vtr_vcpu *v, const struct kvm_fpu *f);
int vtr_fpu_get_xsave(struct vtr_vcpu *v, void *area, u32 size);
int vtr_fpu_set_xsave(struct vtr_vcpu *v, const void *area, u32 size);
int vtr_fpu_get_xcrs(struct vtr_vcpu *v, struct kvm_xcrs *x);
int vtr_fpu_set_xcrs(struct vtr_vcpu *v, const struct kvm_xcrs *x);
void vtr_fpu_sync_xcr0(struct vtr_vcpu *v);
int vtr_fpu_xsetbv(struct vtr_vcpu *v, u32 index, u64 val);
void *vtr_fpu_xmm(struct vtr_vcpu *v, unsigned int nr);

#endif /* VITRINE_FPU_H */
