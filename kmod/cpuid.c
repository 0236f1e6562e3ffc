// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid.c - the CPUID policy: what we can virtualise of the host's CPU, and each vCPU's table.
 *
 * What follows from a table is cpuid_table.c's.
 *
 * Source: SDM 2A "CPUID", APM3 "CPUID Specification"; the hypervisor leaves: KVM's cpuid.rst.
 */
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/apicdef.h>
#include <asm/kvm_para.h>
#include <asm/msr-index.h>
#include "backend.h"
#include "fpu.h"

#define F(bit)	(1U << (bit))

/* Leaf 1 ECX without MONITOR (exits), VMX, SMX, EST, TM2, PDCM, DCA, OSXSAVE (dynamic). */
#define LEAF1_ECX (F(0) | F(1) | F(9) | F(12) | F(13) | F(17) | F(19) | F(20) | F(22) | F(23) | \
		   F(25) | F(26) | F(28) | F(29) | F(30))
/* What we have whatever the host has: x2APIC, TSC deadline, "under a hypervisor". */
#define LEAF1_ECX_OURS (F(21) | F(24) | F(31))
/* The local APIC, too: it shows while its base MSR has it enabled. */
#define LEAF1_EDX_OURS F(9)
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

/*
 * What of a feature word the host's kernel uses, too: it takes from its own view what errata, microcode or its command line
 * forbid, and CPUID goes on to show.
 */
#define HOST(word)	(boot_cpu_data.x86_capability[word])

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
	/* An Intel CPU answers for another leaf when asked past its highest. */
	if (leaf <= cpuid_eax(leaf & 0x80000000))
		cpuid_count(leaf, index, &e->eax, &e->ebx, &e->ecx, &e->edx);
	else
		e->eax = e->ebx = e->ecx = e->edx = 0;
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
	struct kvm_cpuid_entry2 *main = vtr_add(0xd, 0, true), *e;
	struct vtr_cpuid table;
	u32 i;

	main->eax = xcr0;
	main->edx = xcr0 >> 32;
	e = vtr_add(0xd, 1, true);
	e->eax &= LEAFD_1_EAX & HOST(CPUID_D_1_EAX);
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
	for (i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		e = vtr_add(0xd, i, true);
		e->ecx &= F(1);		/* alignment in the compacted format */
		e->edx = 0;
	}
	/* Sizes for all that a guest may enable: EBX follows XCR0 at run time. */
	table = (struct vtr_cpuid){ .entries = vtr_supported, .nent = vtr_nsupported };
	vtr_cpuid_index(&table);
	main->ebx = vtr_cpuid_xsave_size(&table, xcr0, false);
	main->ecx = main->ebx;
}

static void vtr_add_leaf7(void)
{
	struct kvm_cpuid_entry2 *e = vtr_add(7, 0, true);
	bool avx512 = vtr_fpu_xcr0() & GENMASK_ULL(7, 5);

	e->eax = 0;
	e->ebx &= LEAF7_EBX & HOST(CPUID_7_0_EBX);
	e->ecx &= LEAF7_ECX & HOST(CPUID_7_ECX);
	e->edx &= LEAF7_EDX & HOST(CPUID_7_EDX);
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
	/* MSR ARCH_CAPABILITIES, also on a CPU from before it: vtr_arch_capabilities() knows what it would say. */
	if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL)
		e->edx |= F(29);
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
	e->ecx = (e->ecx & LEAF1_ECX & HOST(CPUID_1_ECX)) | LEAF1_ECX_OURS;
	e->edx = (e->edx & LEAF1_EDX & HOST(CPUID_1_EDX)) | LEAF1_EDX_OURS;
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
	e->ecx &= EXT1_ECX & HOST(CPUID_8000_0001_ECX);
	e->edx &= EXT1_EDX & HOST(CPUID_8000_0001_EDX);
	if (!(vtr_fpu_xcr0() & BIT(2)))
		e->ecx &= ~(F(11) | F(16));	/* XOP and FMA4 work on YMM registers */
	for (leaf = 0x80000002; leaf <= 0x80000006; leaf++)
		vtr_add(leaf, 0, false);
	e = vtr_add(0x80000007, 0, false);
	e->eax = 0;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = boot_cpu_has(X86_FEATURE_NONSTOP_TSC) ? F(8) : 0;
	e = vtr_add(0x80000008, 0, false);
	e->eax = (e->eax & 0xff00) | boot_cpu_data.x86_phys_bits;
	e->ebx &= amd ? EXT8_EBX & HOST(CPUID_8000_0008_EBX) : 0;
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

/* Bits of SPEC_CTRL this CPU knows, by the vendors' own flags: a write of others would fault here. */
static u64 vtr_host_spec_ctrl(void)
{
	u64 bits = 0;

	if (boot_cpu_has(X86_FEATURE_SPEC_CTRL) || boot_cpu_has(X86_FEATURE_AMD_IBRS))
		bits |= SPEC_CTRL_IBRS;
	if (boot_cpu_has(X86_FEATURE_INTEL_STIBP) || boot_cpu_has(X86_FEATURE_AMD_STIBP))
		bits |= SPEC_CTRL_STIBP;
	if (boot_cpu_has(X86_FEATURE_SPEC_CTRL_SSBD) || boot_cpu_has(X86_FEATURE_AMD_SSBD))
		bits |= SPEC_CTRL_SSBD;
	return bits;
}

static void vtr_cpuid_prepare(struct vtr_cpuid *c)
{
	const struct vtr_cpuid_host host = {
		.phys_bits	= boot_cpu_data.x86_phys_bits,
		.xcr0		= vtr_fpu_xcr0(),
		.spec_ctrl	= vtr_host_spec_ctrl(),
	};

	vtr_cpuid_index(c);
	vtr_cpuid_derive(c, &host);
}

/* What the vCPU may do before user space gave it a table. */
static struct vtr_cpuid vtr_cpuid_default;

/**
 * vtr_cpuid_setup() - make the table of what is supported; after vtr_fpu_setup()
 */
void vtr_cpuid_setup(void)
{
	vtr_nsupported = 0;
	vtr_add_basic();
	vtr_add_hypervisor();
	vtr_add_extended();

	vtr_cpuid_default.entries = vtr_supported;
	vtr_cpuid_default.nent = vtr_nsupported;
	vtr_cpuid_prepare(&vtr_cpuid_default);
	vtr_cpuid_default.entries = NULL;
	vtr_cpuid_default.nent = 0;
	vtr_cpuid_index(&vtr_cpuid_default);
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

/**
 * vtr_cpuid_init() - an empty table
 * @v: new vCPU
 *
 * Until user space sets one, the control registers accept what the host supports: old callers load
 * them before SET_CPUID2.
 */
void vtr_cpuid_init(struct vtr_vcpu *v)
{
	v->cpuid = vtr_cpuid_default;
}

/**
 * vtr_cpuid_fini() - free the table
 * @v: dying vCPU
 */
void vtr_cpuid_fini(struct vtr_vcpu *v)
{
	kfree(v->cpuid.entries);
}

static void vtr_cpuid_apply(struct vtr_vcpu *v, struct vtr_cpuid *c)
{
	vtr_cpuid_apply_state(c, vtr_hw(get_cr)(v, 4), v->xcr0,
			      !v->apic || vtr_apic_base(v) & MSR_IA32_APICBASE_ENABLE);
}

/**
 * vtr_cpuid_refresh() - state that CPUID shows has changed: CR4, XCR0, the APIC's base
 * @v: by its own thread
 */
void vtr_cpuid_refresh(struct vtr_vcpu *v)
{
	vtr_cpuid_apply(v, &v->cpuid);
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
	bool same;

	if (n) {
		c.entries = kmemdup(e, n * sizeof(*e), GFP_KERNEL_ACCOUNT);
		if (!c.entries)
			return -ENOMEM;
	}
	vtr_cpuid_prepare(&c);
	vtr_cpuid_apply(v, &c);
	if (vtr_stats_entered(&v->stats)) {
		/* The bits that follow state are in both tables by now, whoever wrote them. */
		same = n == v->cpuid.nent && !memcmp(c.entries, v->cpuid.entries, n * sizeof(*e));
		kfree(c.entries);
		return same ? 0 : -EINVAL;
	}
	kfree(v->cpuid.entries);
	v->cpuid = c;
	return 0;
}

/* A leaf that is not there, or one that follows XCR0. */
static noinline void vtr_cpuid_exec_rare(struct vtr_vcpu *v, const struct kvm_cpuid_entry2 *e)
{
	u32 leaf = v->regs[0], index = v->regs[1], regs[4];

	if (leaf == 0xd) {
		vtr_fpu_sync_xcr0(v);
		e = vtr_cpuid_find(&v->cpuid, leaf, index);
	}
	if (e) {
		regs[VTR_EAX] = e->eax;
		regs[VTR_EBX] = e->ebx;
		regs[VTR_ECX] = e->ecx;
		regs[VTR_EDX] = e->edx;
	} else {
		vtr_cpuid_answer_absent(&v->cpuid, leaf, index, regs);
	}
	v->regs[0] = regs[VTR_EAX];
	v->regs[3] = regs[VTR_EBX];
	v->regs[1] = regs[VTR_ECX];
	v->regs[2] = regs[VTR_EDX];
}

/**
 * vtr_cpuid_exec() - execute the guest's CPUID: leaf in EAX, index in ECX
 * @v: by its own thread
 */
void vtr_cpuid_exec(struct vtr_vcpu *v)
{
	const struct kvm_cpuid_entry2 *e;
	u32 leaf = v->regs[0];
	u16 slot = likely(leaf < VTR_CPUID_DIRECT) ? v->cpuid.basic[leaf] : 0;

	if (likely(slot & VTR_CPUID_PLAIN)) {
		e = &v->cpuid.entries[slot - VTR_CPUID_PLAIN - 1];
	} else {
		e = vtr_cpuid_find(&v->cpuid, leaf, v->regs[1]);
		if (unlikely(!e || leaf == 0xd)) {
			vtr_cpuid_exec_rare(v, e);
			return;
		}
	}
	v->regs[0] = e->eax;
	v->regs[3] = e->ebx;
	v->regs[1] = e->ecx;
	v->regs[2] = e->edx;
}
