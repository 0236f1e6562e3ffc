// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid_table.c - the logic of a guest's CPUID table. Pure.
 *
 * Source: SDM 2A "CPUID", APM3 "CPUID Specification".
 */
#include "cpuid_table.h"

#define F(bit)	(1U << (bit))

#define XSAVE_LEGACY_SIZE	576	/* x87, SSE and the header */

#define LEAF1_EDX_APIC		F(9)
#define LEAF1_ECX_XSAVE		F(26)
#define LEAF1_ECX_OSXSAVE	F(27)
#define LEAFD1_EAX_XSAVEC	F(1)
#define LEAFD_ECX_ALIGNED	F(1)

#define CR4_OSXSAVE	BIT_ULL(18)

/* A register of a leaf (index 0) that tells of a feature, and the bits of CR4 it brings. */
struct vtr_feature_bits {
	u32 leaf;
	u8 reg;
	u8 bit;
	u64 bits;
};

static const struct vtr_feature_bits vtr_cr4_features[] = {
	{ 1, VTR_EDX, 1, BIT_ULL(0) | BIT_ULL(1) },	/* VME: VME, PVI */
	{ 1, VTR_EDX, 2, BIT_ULL(3) },			/* DE */
	{ 1, VTR_EDX, 3, BIT_ULL(4) },			/* PSE */
	{ 1, VTR_EDX, 4, BIT_ULL(2) },			/* TSC: TSD */
	{ 1, VTR_EDX, 6, BIT_ULL(5) },			/* PAE */
	{ 1, VTR_EDX, 7, BIT_ULL(6) },			/* MCE */
	{ 1, VTR_EDX, 13, BIT_ULL(7) },			/* PGE */
	{ 1, VTR_EDX, 24, BIT_ULL(9) },			/* FXSR: OSFXSR */
	{ 1, VTR_EDX, 25, BIT_ULL(10) },		/* SSE: OSXMMEXCPT */
	{ 1, VTR_ECX, 17, BIT_ULL(17) },		/* PCID: PCIDE */
	{ 1, VTR_ECX, 26, CR4_OSXSAVE },		/* XSAVE */
	{ 7, VTR_EBX, 0, BIT_ULL(16) },			/* FSGSBASE */
	{ 7, VTR_EBX, 7, BIT_ULL(20) },			/* SMEP */
	{ 7, VTR_EBX, 20, BIT_ULL(21) },		/* SMAP */
	{ 7, VTR_ECX, 2, BIT_ULL(11) },			/* UMIP */
};

#define CR4_PCE	BIT_ULL(8)	/* no feature of its own */

static const struct vtr_feature_bits vtr_efer_features[] = {
	{ 0x80000001, VTR_EDX, 11, BIT_ULL(0) },	/* SYSCALL: SCE */
	{ 0x80000001, VTR_EDX, 20, BIT_ULL(11) },	/* NX */
	{ 0x80000001, VTR_EDX, 25, BIT_ULL(14) },	/* FFXSR */
	{ 0x80000001, VTR_EDX, 29, BIT_ULL(8) },	/* long mode: LME */
};

/* IBRS, STIBP, SSBD: Intel's bits, then AMD's. */
static const struct vtr_feature_bits vtr_spec_ctrl_features[] = {
	{ 7, VTR_EDX, 26, BIT_ULL(0) },
	{ 7, VTR_EDX, 27, BIT_ULL(1) },
	{ 7, VTR_EDX, 31, BIT_ULL(2) },
	{ 0x80000008, VTR_EBX, 14, BIT_ULL(0) },
	{ 0x80000008, VTR_EBX, 15, BIT_ULL(1) },
	{ 0x80000008, VTR_EBX, 24, BIT_ULL(2) },
};

static u32 vtr_cpuid_reg(const struct vtr_cpuid *c, u32 leaf, enum vtr_cpuid_reg reg)
{
	const struct kvm_cpuid_entry2 *e = vtr_cpuid_find(c, leaf, 0);

	if (!e)
		return 0;
	switch (reg) {
	case VTR_EAX:
		return e->eax;
	case VTR_EBX:
		return e->ebx;
	case VTR_ECX:
		return e->ecx;
	case VTR_EDX:
		return e->edx;
	}
	return 0;
}

static u64 vtr_cpuid_bits(const struct vtr_cpuid *c, const struct vtr_feature_bits *f, u32 n)
{
	u64 bits = 0;
	u32 i;

	for (i = 0; i < n; i++)
		if (vtr_cpuid_reg(c, f[i].leaf, f[i].reg) & F(f[i].bit))
			bits |= f[i].bits;
	return bits;
}

/**
 * vtr_cpuid_index() - note where each leaf starts
 * @c: with @entries and @nent; at most VTR_CPUID_MAX of them
 */
void vtr_cpuid_index(struct vtr_cpuid *c)
{
	u32 i;

	memset(c->basic, 0, sizeof(c->basic));
	memset(c->hyper, 0, sizeof(c->hyper));
	memset(c->ext, 0, sizeof(c->ext));
	for (i = c->nent; i-- > 0;) {
		u16 *slot = (u16 *)vtr_cpuid_slot(c, c->entries[i].function);

		if (!slot)
			continue;
		*slot = i + 1;
		/* Leaf 0xd depends on state even where it has no index. */
		if (!(c->entries[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) &&
		    c->entries[i].function != 0xd)
			*slot |= VTR_CPUID_PLAIN;
	}
}

/**
 * vtr_cpuid_derive() - work out what the guest may do
 * @c: indexed table
 * @h: what the host bounds, whatever the table says
 */
void vtr_cpuid_derive(struct vtr_cpuid *c, const struct vtr_cpuid_host *h)
{
	u32 phys_bits = vtr_cpuid_reg(c, 0x80000008, VTR_EAX) & 0xff;

	/* A CPU without the leaf has 36. */
	phys_bits = min_t(u32, max_t(u32, phys_bits ? phys_bits : 36, 32), h->phys_bits);
	c->phys_bits = phys_bits;
	c->intel = vtr_cpuid_reg(c, 0, VTR_EBX) == 0x756e6547;	/* "Genu" */
	c->cr4_allowed = CR4_PCE | vtr_cpuid_bits(c, vtr_cr4_features,
						  ARRAY_SIZE(vtr_cr4_features));
	c->efer_allowed = vtr_cpuid_bits(c, vtr_efer_features, ARRAY_SIZE(vtr_efer_features));
	c->spec_ctrl_allowed = vtr_cpuid_bits(c, vtr_spec_ctrl_features,
					      ARRAY_SIZE(vtr_spec_ctrl_features)) & h->spec_ctrl;
	c->xcr0_allowed = 0;
	if (vtr_cpuid_reg(c, 1, VTR_ECX) & LEAF1_ECX_XSAVE)
		c->xcr0_allowed = (vtr_cpuid_reg(c, 0xd, VTR_EAX) |
				   (u64)vtr_cpuid_reg(c, 0xd, VTR_EDX) << 32) & h->xcr0;
	c->has_pred_cmd = vtr_cpuid_reg(c, 7, VTR_EDX) & F(26) ||
			  vtr_cpuid_reg(c, 0x80000008, VTR_EBX) & F(12);
	c->has_rdtscp = vtr_cpuid_reg(c, 0x80000001, VTR_EDX) & F(27) ||
			vtr_cpuid_reg(c, 7, VTR_ECX) & F(22);
	c->has_arch_capabilities = vtr_cpuid_reg(c, 7, VTR_EDX) & F(29);
}

/**
 * vtr_cpuid_xsave_size() - bytes of an XSAVE area
 * @c: indexed table: sizes and offsets of the components are its
 * @xcr0: components
 * @compacted: as XSAVEC writes it, else in the standard format
 *
 * Source: SDM 1 "Standard Format of Extended Region", "Compacted Format of Extended Region".
 *
 * Return: bytes, header and legacy region included.
 */
u32 vtr_cpuid_xsave_size(const struct vtr_cpuid *c, u64 xcr0, bool compacted)
{
	u32 size = XSAVE_LEGACY_SIZE, i;

	for (i = 2; i < 63; i++) {
		const struct kvm_cpuid_entry2 *e;

		e = xcr0 & BIT_ULL(i) ? vtr_cpuid_find(c, 0xd, i) : NULL;
		if (!e)
			continue;
		if (!compacted) {
			size = max_t(u32, size, e->eax + e->ebx);
		} else {
			if (e->ecx & LEAFD_ECX_ALIGNED)
				size = (size + 63) & ~63U;
			size += e->eax;
		}
	}
	return size;
}

/**
 * vtr_cpuid_apply_state() - write the bits that follow the CPU's state into the table
 * @c: indexed table
 * @cr4: CR4.OSXSAVE shows in leaf 1
 * @xcr0: the enabled components give leaf 0xd's sizes
 * @apic_enabled: by its base MSR; shows in leaf 1
 */
void vtr_cpuid_apply_state(struct vtr_cpuid *c, u64 cr4, u64 xcr0, bool apic_enabled)
{
	struct kvm_cpuid_entry2 *e = vtr_cpuid_find(c, 1, 0);

	if (e) {
		e->ecx &= ~LEAF1_ECX_OSXSAVE;
		if (e->ecx & LEAF1_ECX_XSAVE && cr4 & CR4_OSXSAVE)
			e->ecx |= LEAF1_ECX_OSXSAVE;
		e->edx &= ~LEAF1_EDX_APIC;
		if (apic_enabled)
			e->edx |= LEAF1_EDX_APIC;
	}
	e = vtr_cpuid_find(c, 0xd, 0);
	if (e)
		e->ebx = vtr_cpuid_xsave_size(c, xcr0, false);
	e = vtr_cpuid_find(c, 0xd, 1);
	if (e && e->eax & LEAFD1_EAX_XSAVEC)
		e->ebx = vtr_cpuid_xsave_size(c, xcr0, true);
}

/* Is the leaf past the highest one of its class, or of a class that is not there? */
static bool vtr_cpuid_beyond(const struct vtr_cpuid *c, u32 leaf)
{
	u32 base = leaf >> 28 == 4 ? leaf & ~0xffU : leaf & 0x80000000;
	const struct kvm_cpuid_entry2 *e = vtr_cpuid_find(c, base, 0);

	return !e || leaf > e->eax;
}

/**
 * vtr_cpuid_answer_absent() - what CPUID gives for a leaf or index the table has not
 * @c: indexed table
 * @leaf: EAX
 * @index: ECX
 * @regs: filled, in the order of enum vtr_cpuid_reg
 *
 * Past the highest leaf an Intel CPU answers as its highest basic one, AMD's with zeros. Past the
 * last level of the topology leaves the index and the APIC id stay. Source: SDM 2A "CPUID".
 */
void vtr_cpuid_answer_absent(const struct vtr_cpuid *c, u32 leaf, u32 index, u32 regs[4])
{
	const struct kvm_cpuid_entry2 *e = NULL;

	memset(regs, 0, 4 * sizeof(*regs));
	if (c->intel && vtr_cpuid_beyond(c, leaf))
		leaf = vtr_cpuid_reg(c, 0, VTR_EAX);
	e = vtr_cpuid_find(c, leaf, index);
	if (e) {
		regs[VTR_EAX] = e->eax;
		regs[VTR_EBX] = e->ebx;
		regs[VTR_ECX] = e->ecx;
		regs[VTR_EDX] = e->edx;
	} else if (leaf == 0xb || leaf == 0x1f) {
		regs[VTR_ECX] = index & 0xff;
		regs[VTR_EDX] = vtr_cpuid_reg(c, leaf, VTR_EDX);
	}
}
