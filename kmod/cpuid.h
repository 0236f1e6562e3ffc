/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpuid.h - which CPU the guest sees: the host's side of it. The table's own logic: cpuid_table.h.
 */
#ifndef VITRINE_CPUID_H
#define VITRINE_CPUID_H

#include "cpuid_table.h"

struct vtr_vcpu;

void vtr_cpuid_setup(void);
int vtr_cpuid_supported(struct kvm_cpuid_entry2 *e, u32 *nent);
void vtr_cpuid_init(struct vtr_vcpu *v);
void vtr_cpuid_fini(struct vtr_vcpu *v);
int vtr_cpuid_set(struct vtr_vcpu *v, const struct kvm_cpuid_entry2 *e, u32 n);
void vtr_cpuid_refresh(struct vtr_vcpu *v);
void vtr_cpuid_exec(struct vtr_vcpu *v);

#endif /* VITRINE_CPUID_H */
