// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid.c - the CPUID policy: what we can virtualise of the host's CPU, and the guest's own table.
 *
 * Source: SDM 2A "CPUID", APM3 "CPUID Specification"; the hypervisor leaves: KVM's cpuid.rst.
 */
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/kvm_para.h>
#include <asm/processor-flags.h>
#include "backend.h"
#include "fpu.h"

#define EAX	0
#define EBX	1
#define ECX	2
#define EDX	3

#define F(bit)	(1U << (bit))

/* Leaf 1 ECX without MONITOR (exits), VMX, SMX, EST, TM2, PDCM, DCA, OSXSAVE (dynamic). */
#define LEAF1_ECX (F(0) | F(1) | F(9) | F(12) | F(13) | F(17) | F(19) | F(20) | F(22) | F(23) | \
		   F(25) | F(26) | F(28) | F(29) | F(30))
/* What we have whatever the host has: x2APIC, TSC deadline, "under a hypervisor". */
#define LEAF1_ECX_OURS (F(21) | F(24) | F(31))
#define LEAF1_EDX (F(0) | F(1) | F(2) | F(3) | F(4) | F(5) | F(6) | F(7) | F(8) | F(9) | F(11) | \
		   F(12) | F(13) | F(14) | F(15) | F(16) | F(17) | F(19) | F(23) | F(24) | F(25) | \
		   F(26))
#define LEAF7_EBX (F(0) | F(1) | F(3) | F(5) | F(7) | F(8) | F(9) | F(10) | F(16) | F(17) | F(18) | \
		   F(19) | F(20) | F(21) | F(23) | F(24) | F(28) | F(29) | F(30) | F(31))
#define LEAF7_EBX_AVX512 (F(16) | F(17) | F(21) | F(28) | F(30) | F(31))
#define LEAF7_ECX (F(1) | F(2) | F(6) | F(8) | F(9) | F(10) | F(11) | F(12) | F(14) | F(22))
#define LEAF7_ECX_AVX512 (F(1) | F(6) | F(11) | F(12) | F(14))
#define LEAF7_EDX (F(4) | F(10) | F(26) | F(27) | F(31))
/* XSAVEOPT, XSAVEC, XGETBV with ECX 1; not XSAVES: no supervisor state is virtualised. */
#define LEAFD_1_EAX (F(0) | F(1) | F(2))
#define EXT1_ECX (F(0) | F(4) | F(5) | F(6) | F(7) | F(8) | F(11) | F(16) | F(21))
#define EXT1_EDX ((LEAF1_EDX & ~(F(11) | F(19) | F(25) | F(26))) | F(11) | F(20) | F(22) | F(24) | \
		  F(25) | F(26) | F(27) | F(29) | F(30) | F(31))
#define EXT8_EBX (F(0) | F(2) | F(9) | F(12) | F(14) | F(15) | F(17) | F(24))

#define VTR_PV_FEATURES (F(KVM_FEATURE_CLOCKSOURCE) | F(KVM_FEATURE_NOP_IO_DELAY) | \
			 F(KVM_FEATURE_CLOCKSOURCE2) | F(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT))

/* The supported table is made once, at load. */
static struct kvm_cpuid_entry2 vtr_supported[64];
static u32 vtr_nsupported;

static struct kvm_cpuid_entry2 *vtr_add(u32 leaf, u32 index, bool indexed)
{
	struct kvm_cpuid_entry2 *e = &vtr_supported[vtr_nsupported];

	if (vtr_nsupported + 1 < ARRAY_SIZE(vtr_supported))
		vtr_nsupported++;
	e->function = leaf;
	e->index = index;
	e->flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
	cpuid_count(leaf, index, &e->eax, &e->ebx, &e->ecx, &e->edx);
	return e;
}

static void vtr_add_zero(u32 leaf, u32 index, bool indexed)
{
	struct kvm_cpuid_entry2 *e = vtr_add(leaf, index, indexed);

	e->eax = 0;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
}

static void vtr_add_cache_leaves(u32 leaf)
{
	u32 i, eax, ebx, ecx, edx;

	for (i = 0; i < 8; i++) {
		cpuid_count(leaf, i, &eax, &ebx, &ecx, &edx);
		vtr_add(leaf, i, true);
		if (!(eax & 0x1f))
			break;
	}
}

static void vtr_add_xsave(void)
{
	u64 xcr0 = vtr_fpu_xcr0();
	struct kvm_cpuid_entry2 *e = vtr_add(0xd, 0, true);
	u32 size = 576, i;

	e->eax = xcr0;
	e->edx = xcr0 >> 32;
	e = vtr_add(0xd, 1, true);
	e->eax &= LEAFD_1_EAX;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
	for (i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		e = vtr_add(0xd, i, true);
		e->ecx = 0;
		e->edx = 0;
		size = max(size, e->eax + e->ebx);
	}
	/* Sizes for all that a guest may enable: EBX follows XCR0 at run time. */
	for (i = 0; i < vtr_nsupported; i++) {
		if (vtr_supported[i].function == 0xd && vtr_supported[i].index == 0) {
			vtr_supported[i].ebx = size;
			vtr_supported[i].ecx = size;
		}
	}
}

static void vtr_add_leaf7(void)
{
	struct kvm_cpuid_entry2 *e = vtr_add(7, 0, true);
	bool avx512 = vtr_fpu_xcr0() & GENMASK_ULL(7, 5);

	e->eax = 0;
	e->ebx &= LEAF7_EBX;
	e->ecx &= LEAF7_ECX;
	e->edx &= LEAF7_EDX;
	/* TSC_ADJUST is ours: an offset, whatever the host has. */
	e->ebx |= F(1);
	if (!avx512) {
		e->ebx &= ~LEAF7_EBX_AVX512;
		e->ecx &= ~LEAF7_ECX_AVX512;
	}
	if (!(vtr_fpu_xcr0() & BIT(2))) {
		e->ebx &= ~F(5);
		e->ecx &= ~(F(9) | F(10));
	}
	if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		e->edx &= ~(F(26) | F(27) | F(31));
}

static void vtr_add_basic(void)
{
	u32 max = min_t(u32, cpuid_eax(0), 0x1f), leaf;
	struct kvm_cpuid_entry2 *e;

	max = max_t(u32, max, 0xd);
	e = vtr_add(0, 0, false);
	e->eax = max;
	e = vtr_add(1, 0, false);
	e->ebx = (e->ebx & 0xff00) | 1 << 16;
	e->ecx = (e->ecx & LEAF1_ECX) | LEAF1_ECX_OURS;
	e->edx &= LEAF1_EDX;
	if (!vtr_fpu_xcr0())
		e->ecx &= ~(F(12) | F(26) | F(28) | F(29));
	else if (!(vtr_fpu_xcr0() & BIT(2)))
		e->ecx &= ~(F(12) | F(28) | F(29));
	if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL) {
		vtr_add(2, 0, false);
		vtr_add_cache_leaves(4);
	}
	e = vtr_add(6, 0, false);
	e->eax = F(2);		/* the APIC timer never stops */
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
	vtr_add_leaf7();
	vtr_add_zero(0xa, 0, false);
	for (leaf = 0; leaf < 2; leaf++) {
		vtr_add_zero(0xb, leaf, true);
		vtr_supported[vtr_nsupported - 1].ecx = leaf;
	}
	if (vtr_fpu_xcr0())
		vtr_add_xsave();
}

static void vtr_add_hypervisor(void)
{
	struct kvm_cpuid_entry2 *e = vtr_add(KVM_CPUID_SIGNATURE, 0, false);

	e->eax = KVM_CPUID_FEATURES;
	memcpy(&e->ebx, KVM_SIGNATURE, 4);
	memcpy(&e->ecx, KVM_SIGNATURE + 4, 4);
	memcpy(&e->edx, KVM_SIGNATURE + 8, 4);
	e = vtr_add(KVM_CPUID_FEATURES, 0, false);
	e->eax = VTR_PV_FEATURES;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
}

static void vtr_add_extended(void)
{
	u32 max = clamp_t(u32, cpuid_eax(0x80000000), 0x80000008, 0x8000001f), leaf;
	bool amd = boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
		   boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;
	struct kvm_cpuid_entry2 *e;

	e = vtr_add(0x80000000, 0, false);
	e->eax = amd ? max : min_t(u32, max, 0x80000008);
	e = vtr_add(0x80000001, 0, false);
	e->ecx &= EXT1_ECX;
	e->edx &= EXT1_EDX;
	for (leaf = 0x80000002; leaf <= 0x80000006; leaf++)
		vtr_add(leaf, 0, false);
	e = vtr_add(0x80000007, 0, false);
	e->eax = 0;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = boot_cpu_has(X86_FEATURE_NONSTOP_TSC) ? F(8) : 0;
	e = vtr_add(0x80000008, 0, false);
	e->eax = (e->eax & 0xff00) | boot_cpu_data.x86_phys_bits;
	e->ebx &= amd ? EXT8_EBX : 0;
	e->ecx = 0;
	e->edx = 0;
	if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		e->ebx &= ~(F(14) | F(15) | F(17) | F(24));
	if (!boot_cpu_has(X86_FEATURE_IBPB))
		e->ebx &= ~F(12);
	if (!amd)
		return;
	vtr_add_zero(0x8000000a, 0, false);
	if (max >= 0x8000001d)
		vtr_add_cache_leaves(0x8000001d);
	if (max >= 0x8000001e)
		vtr_add_zero(0x8000001e, 0, false);
}

/**
 * vtr_cpuid_setup() - make the table of what is supported; after vtr_fpu_setup()
 */
void vtr_cpuid_setup(void)
{
	vtr_nsupported = 0;
	vtr_add_basic();
	vtr_add_hypervisor();
	vtr_add_extended();
}

/**
 * vtr_cpuid_supported() - KVM_GET_SUPPORTED_CPUID
 * @e: room
 * @nent: in: entries of room; out: entries filled
 *
 * Return: 0 or -E2BIG.
 */
int vtr_cpuid_supported(struct kvm_cpuid_entry2 *e, u32 *nent)
{
	if (*nent < vtr_nsupported)
		return -E2BIG;
	memcpy(e, vtr_supported, vtr_nsupported * sizeof(*e));
	*nent = vtr_nsupported;
	return 0;
}

static u8 *vtr_cpuid_slot(struct vtr_cpuid *c, u32 leaf)
{
	u32 low = leaf & 0x1f;

	if (leaf == low)
		return &c->basic[low];
	if (leaf - 0x80000000 == low)
		return &c->ext[low];
	if (leaf - 0x40000000 == low)
		return &c->hyper[low];
	return NULL;
}

static struct kvm_cpuid_entry2 *vtr_cpuid_find(struct vtr_cpuid *c, u32 leaf, u32 index)
{
	u8 *first = vtr_cpuid_slot(c, leaf);
	u32 i;

	if (first && !*first)
		return NULL;
	for (i = first ? *first - 1 : 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == leaf && (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) ||
					    e->index == index))
			return e;
	}
	return NULL;
}

static u32 vtr_cpuid_reg(struct vtr_cpuid *c, u32 leaf, u32 index, int reg)
{
	struct kvm_cpuid_entry2 *e = vtr_cpuid_find(c, leaf, index);

	return e ? (&e->eax)[reg] : 0;
}

/* CPUID feature, and the CR4 bits it brings. */
static const struct {
	u32 leaf;
	u8 reg, bit;
	u64 cr4;
} vtr_cr4_features[] = {
	{ 1, EDX, 1, X86_CR4_VME | X86_CR4_PVI }, { 1, EDX, 4, X86_CR4_TSD },
	{ 1, EDX, 2, X86_CR4_DE }, { 1, EDX, 3, X86_CR4_PSE }, { 1, EDX, 6, X86_CR4_PAE },
	{ 1, EDX, 7, X86_CR4_MCE }, { 1, EDX, 13, X86_CR4_PGE },
	{ 1, EDX, 24, X86_CR4_OSFXSR }, { 1, EDX, 25, X86_CR4_OSXMMEXCPT },
	{ 1, ECX, 17, X86_CR4_PCIDE }, { 1, ECX, 26, X86_CR4_OSXSAVE },
	{ 7, EBX, 0, X86_CR4_FSGSBASE }, { 7, EBX, 7, X86_CR4_SMEP },
	{ 7, EBX, 20, X86_CR4_SMAP }, { 7, ECX, 2, X86_CR4_UMIP },
};

static void vtr_cpuid_derive(struct vtr_cpuid *c)
{
	u32 ext1 = vtr_cpuid_reg(c, 0x80000001, 0, EDX);
	u32 bits = vtr_cpuid_reg(c, 0x80000008, 0, EAX) & 0xff;
	int i;

	c->max_basic = vtr_cpuid_reg(c, 0, 0, EAX);
	c->phys_bits = clamp_t(u32, bits ?: 36, 32, boot_cpu_data.x86_phys_bits);
	c->cr4_allowed = X86_CR4_PCE;
	for (i = 0; i < ARRAY_SIZE(vtr_cr4_features); i++)
		if (vtr_cpuid_reg(c, vtr_cr4_features[i].leaf, 0, vtr_cr4_features[i].reg) &
		    F(vtr_cr4_features[i].bit))
			c->cr4_allowed |= vtr_cr4_features[i].cr4;
	c->efer_allowed = (ext1 & F(11) ? EFER_SCE : 0) | (ext1 & F(20) ? EFER_NX : 0) |
			  (ext1 & F(29) ? EFER_LME : 0) | (ext1 & F(25) ? EFER_FFXSR : 0);
	c->xcr0_allowed = vtr_cpuid_reg(c, 1, 0, ECX) & F(26) ?
		(vtr_cpuid_reg(c, 0xd, 0, EAX) |
		 (u64)vtr_cpuid_reg(c, 0xd, 0, EDX) << 32) & vtr_fpu_xcr0() : 0;
	c->has_spec_ctrl = vtr_cpuid_reg(c, 7, 0, EDX) & (F(26) | F(27) | F(31)) ||
			   vtr_cpuid_reg(c, 0x80000008, 0, EBX) & (F(14) | F(15) | F(24));
	c->has_pred_cmd = vtr_cpuid_reg(c, 7, 0, EDX) & F(26) ||
			  vtr_cpuid_reg(c, 0x80000008, 0, EBX) & F(12);
	c->has_rdtscp = ext1 & F(27) || vtr_cpuid_reg(c, 7, 0, ECX) & F(22);
	c->has_tsc_adjust = vtr_cpuid_reg(c, 7, 0, EBX) & F(1);
}

/**
 * vtr_cpuid_init() - an empty table
 * @v: new vCPU
 *
 * Until user space sets one, the control registers accept what the host supports: old callers load
 * them before SET_CPUID2.
 */
void vtr_cpuid_init(struct vtr_vcpu *v)
{
	struct vtr_cpuid all = { .entries = vtr_supported, .nent = vtr_nsupported };
	u32 i;

	for (i = all.nent; i-- > 0;)
		if (vtr_cpuid_slot(&all, all.entries[i].function))
			*vtr_cpuid_slot(&all, all.entries[i].function) = i + 1;
	vtr_cpuid_derive(&all);
	memset(all.basic, 0, sizeof(all.basic));
	memset(all.hyper, 0, sizeof(all.hyper));
	memset(all.ext, 0, sizeof(all.ext));
	all.entries = NULL;
	all.nent = 0;
	v->cpuid = all;
}

/**
 * vtr_cpuid_fini() - free the table
 * @v: dying vCPU
 */
void vtr_cpuid_fini(struct vtr_vcpu *v)
{
	kfree(v->cpuid.entries);
}

/**
 * vtr_cpuid_refresh() - state that CPUID shows has changed: CR4, XCR0, the APIC's base
 * @v: by its own thread
 */
void vtr_cpuid_refresh(struct vtr_vcpu *v)
{
	struct vtr_cpuid *c = &v->cpuid;
	struct kvm_cpuid_entry2 *e = vtr_cpuid_find(c, 1, 0);
	u32 size = 576, i;

	if (e) {
		e->ecx &= ~F(27);
		if (e->ecx & F(26) && vtr_hw(get_cr)(v, 4) & X86_CR4_OSXSAVE)
			e->ecx |= F(27);
		e->edx &= ~F(9);
		if (!v->apic || vtr_apic_base(v) & BIT(11))
			e->edx |= F(9);
	}
	e = vtr_cpuid_find(c, 0xd, 0);
	if (!e)
		return;
	for (i = 2; i < 63; i++) {
		struct kvm_cpuid_entry2 *d;

		if (!(v->xcr0 & BIT_ULL(i)))
			continue;
		d = vtr_cpuid_find(c, 0xd, i);
		if (d)
			size = max(size, d->eax + d->ebx);
	}
	e->ebx = size;
	e = vtr_cpuid_find(c, 0xd, 1);
	if (e && e->eax & F(1))
		e->ebx = size;
}

/**
 * vtr_cpuid_set() - KVM_SET_CPUID2
 * @v: the vCPU
 * @e: the table
 * @n: its entries, at most VTR_CPUID_MAX
 *
 * Return: 0; -EINVAL for a different table once the vCPU has run; -ENOMEM.
 */
int vtr_cpuid_set(struct vtr_vcpu *v, const struct kvm_cpuid_entry2 *e, u32 n)
{
	struct vtr_cpuid c = { .nent = n };
	u32 i;

	c.entries = kmemdup(e, n * sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (n && !c.entries)
		return -ENOMEM;
	for (i = n; i-- > 0;) {
		u8 *slot = vtr_cpuid_slot(&c, e[i].function);

		if (slot && i < 255)
			*slot = i + 1;
	}
	vtr_cpuid_derive(&c);
	kfree(v->cpuid.entries);
	v->cpuid = c;
	vtr_cpuid_refresh(v);
	return 0;
}

/**
 * vtr_cpuid_exec() - execute the guest's CPUID: leaf in EAX, index in ECX
 * @v: by its own thread
 *
 * A leaf past the highest one answers as the highest basic leaf on Intel CPUs, with zeros on AMD's.
 */
void vtr_cpuid_exec(struct vtr_vcpu *v)
{
	u32 leaf = v->regs[0], index = v->regs[1];
	struct kvm_cpuid_entry2 *e = vtr_cpuid_find(&v->cpuid, leaf, index);

	if (unlikely(!e) && leaf < 0x80000000 && leaf > v->cpuid.max_basic &&
	    (leaf & 0xf0000000) != 0x40000000 &&
	    boot_cpu_data.x86_vendor == X86_VENDOR_INTEL)
		e = vtr_cpuid_find(&v->cpuid, v->cpuid.max_basic, index);
	if (unlikely(!e)) {
		v->regs[0] = 0;
		v->regs[1] = leaf == 0xb || leaf == 0x1f ? index & 0xff : 0;
		v->regs[2] = 0;
		v->regs[3] = 0;
		return;
	}
	v->regs[0] = e->eax;
	v->regs[3] = e->ebx;
	v->regs[1] = e->ecx;
	v->regs[2] = e->edx;
}
