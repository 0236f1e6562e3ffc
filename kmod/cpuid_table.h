/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpuid_table.h - a guest's CPUID table: lookup, and what follows from it for control registers, EFER,
 * XCR0 and SPEC_CTRL.
 *
 * Pure. The table user space is offered, and its installation in a vCPU, are cpuid.c's.
 */
#ifndef VITRINE_CPUID_TABLE_H
#define VITRINE_CPUID_TABLE_H

#include <linux/kvm.h>
#include "pure.h"

#define VTR_CPUID_MAX	256
#define VTR_CPUID_DIRECT	32	/* leaves of each class that are found without a search */

enum vtr_cpuid_reg { VTR_EAX, VTR_EBX, VTR_ECX, VTR_EDX };

/**
 * struct vtr_cpuid_host - what the host's CPU bounds
 * @phys_bits: physical address width
 * @xcr0: state components that may be enabled
 * @spec_ctrl: bits that MSR SPEC_CTRL takes without #GP
 */
struct vtr_cpuid_host {
	u8 phys_bits;
	u64 xcr0;
	u64 spec_ctrl;
};

#define VTR_CPUID_PLAIN	0x8000U	/* the leaf has no index, and its answer does not change */

/**
 * struct vtr_cpuid - the caller's table and what follows from it
 * @entries: as set by KVM_SET_CPUID2
 * @nent: their number
 * @basic: place + 1 of the first entry of leaves 0..0x1f; with VTR_CPUID_PLAIN if that entry is the answer
 * @hyper: the same for 0x40000000..0x4000001f
 * @ext: the same for 0x80000000..0x8000001f
 * @phys_bits: guest-physical address width
 * @intel: the guest's vendor is Intel: leaves past the highest answer as the highest
 * @cr4_allowed: bits the guest may set in CR4
 * @efer_allowed: bits the guest may set in EFER
 * @xcr0_allowed: state components the guest may enable
 * @spec_ctrl_allowed: bits the guest may set in MSR SPEC_CTRL; 0: it has none
 * @has_pred_cmd: MSR PRED_CMD is there
 * @has_rdtscp: MSR TSC_AUX is there
 * @has_arch_capabilities: MSR ARCH_CAPABILITIES is there
 */
struct vtr_cpuid {
	struct kvm_cpuid_entry2 *entries;
	u32 nent;
	u16 basic[VTR_CPUID_DIRECT], hyper[VTR_CPUID_DIRECT], ext[VTR_CPUID_DIRECT];
	u8 phys_bits;
	bool intel;
	u64 cr4_allowed;
	u64 efer_allowed;
	u64 xcr0_allowed;
	u64 spec_ctrl_allowed;
	bool has_pred_cmd, has_rdtscp, has_arch_capabilities;
};

void vtr_cpuid_index(struct vtr_cpuid *c);
void vtr_cpuid_derive(struct vtr_cpuid *c, const struct vtr_cpuid_host *h);
void vtr_cpuid_apply_state(struct vtr_cpuid *c, u64 cr4, u64 xcr0, bool apic_enabled);
u32 vtr_cpuid_xsave_size(const struct vtr_cpuid *c, u64 xcr0, bool compacted);
void vtr_cpuid_answer_absent(const struct vtr_cpuid *c, u32 leaf, u32 index, u32 regs[4]);

/* Where the place of a leaf's first entry is kept, or NULL. */
static __always_inline const u16 *vtr_cpuid_slot(const struct vtr_cpuid *c, u32 leaf)
{
	u32 low = leaf & (VTR_CPUID_DIRECT - 1);

	if (leaf == low)
		return &c->basic[low];
	if (leaf == (low | 0x80000000))
		return &c->ext[low];
	if (leaf == (low | 0x40000000))
		return &c->hyper[low];
	return NULL;
}

/**
 * vtr_cpuid_find() - the entry of a leaf and index
 * @c: indexed table
 * @leaf: EAX
 * @index: ECX; means nothing to leaves without indices
 *
 * Return: entry or NULL.
 */
static __always_inline struct kvm_cpuid_entry2 *vtr_cpuid_find(const struct vtr_cpuid *c, u32 leaf,
							       u32 index)
{
	const u16 *slot = vtr_cpuid_slot(c, leaf);
	u32 i;

	if (slot && !*slot)
		return NULL;
	for (i = slot ? (*slot & ~VTR_CPUID_PLAIN) - 1 : 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == leaf && (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) ||
					    e->index == index))
			return e;
	}
	return NULL;
}

#endif /* VITRINE_CPUID_TABLE_H */
