// SPDX-License-Identifier: GPL-2.0-only
/*
 * msr.c - the MSR policy: one row an MSR or range, with what reading and writing it does.
 *
 * "host" is user space saving and restoring state: it may read every MSR that is listed and write
 * back what it read, whatever the guest's CPUID says. A guest gets #GP(0) for what is not here.
 */
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/kvm_para.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>
#include "backend.h"
#include "msr_rules.h"

struct vtr_msr_row;

typedef int vtr_msr_get_fn(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			   bool host);
typedef int vtr_msr_set_fn(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			   bool host);

/**
 * struct vtr_msr_row - a range of MSRs
 * @first: number of the first
 * @last: number of the last
 * @get: reads one
 * @set: writes one; NULL: read-only for the guest, the host may write back the same value
 * @value: the constant, or an offset into struct vtr_msrs
 */
struct vtr_msr_row {
	u32 first, last;
	vtr_msr_get_fn *get;
	vtr_msr_set_fn *set;
	u64 value;
};

static int vtr_get_const(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			 bool host)
{
	*val = r->value;
	return 0;
}

/* Writes are accepted and forgotten. */
static int vtr_set_ignore(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			  bool host)
{
	return 0;
}

/* Only zero: the feature behind it is not there. */
static int vtr_set_zero(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			bool host)
{
	return val ? -EINVAL : 0;
}

static u64 *vtr_kept(struct vtr_vcpu *v, const struct vtr_msr_row *r)
{
	return (u64 *)((u8 *)&v->msrs + r->value);
}

static int vtr_get_kept(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			bool host)
{
	*val = vtr_kept(v, r)[msr - r->first];
	return 0;
}

static int vtr_set_kept(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			bool host)
{
	vtr_kept(v, r)[msr - r->first] = val;
	return 0;
}

/* Kept, but the guest cannot write it: user space gives it. */
static int vtr_set_host(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			bool host)
{
	if (!host)
		return -EINVAL;
	vtr_kept(v, r)[msr - r->first] = val;
	return 0;
}

/* The same, but a guest writes before it reads, and the CPU takes it: SDM 3A "Determining the Signature". */
static int vtr_set_ucode_rev(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			     bool host)
{
	return host ? vtr_set_host(v, r, msr, val, host) : 0;
}

static int vtr_get_hw(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val, bool host)
{
	return vtr_hw_get_msr(v, msr, val) ? -EINVAL : 0;
}

static int vtr_set_hw(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val, bool host)
{
	return vtr_hw_set_msr(v, msr, val) ? -EINVAL : 0;
}

/* MSRs that hold linear addresses refuse others: SDM 3A "Canonical Addressing". */
static int vtr_set_addr(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val, bool host)
{
	if (!vtr_canonical(val, vtr_hw(get_cr)(v, 4) & X86_CR4_LA57 ? 57 : 48))
		return -EINVAL;
	return vtr_set_hw(v, r, msr, val, host);
}

static int vtr_set_efer(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val, bool host)
{
	u64 old;

	vtr_hw_get_msr(v, MSR_EFER, &old);
	if (host) {
		if (val & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX | EFER_FFXSR))
			return -EINVAL;
		vtr_hw_set_msr(v, MSR_EFER, val);
		return 0;
	}
	if (!vtr_efer_valid(old, val, v->cpuid.efer_allowed, vtr_hw(get_cr)(v, 0) & X86_CR0_PG))
		return -EINVAL;
	/* LMA is the CPU's to set. */
	vtr_hw_set_msr(v, MSR_EFER, (val & ~EFER_LMA) | (old & EFER_LMA));
	return 0;
}

static int vtr_set_pat(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val, bool host)
{
	if (!vtr_pat_valid(val))
		return -EINVAL;
	return vtr_set_hw(v, r, msr, val, host);
}

static int vtr_get_tsc(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val, bool host)
{
	*val = vtr_guest_tsc(v);
	return 0;
}

static int vtr_set_tsc(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val, bool host)
{
	vtr_tsc_write(v, val, host);
	return 0;
}

static int vtr_get_tsc_adjust(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			      bool host)
{
	*val = v->clock.tsc_adjust;
	return 0;
}

static int vtr_set_tsc_adjust(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			      bool host)
{
	vtr_tsc_adjust_write(v, val, host);
	return 0;
}

static int vtr_get_apic_base(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			     bool host)
{
	*val = vtr_apic_base(v);
	return 0;
}

static int vtr_set_apic_base(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			     bool host)
{
	int err = vtr_apic_set_base(v, val, host);

	if (!err)
		vtr_cpuid_refresh(v);
	return err;
}

static int vtr_get_x2apic(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			  bool host)
{
	return v->apic ? vtr_apic_msr_read(v, msr, val) : -EINVAL;
}

static int vtr_set_x2apic(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			  bool host)
{
	return v->apic ? vtr_apic_msr_write(v, msr, val) : -EINVAL;
}

static int vtr_get_deadline(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			    bool host)
{
	*val = v->apic ? vtr_apic_tsc_deadline(v) : 0;
	return 0;
}

static int vtr_set_deadline(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			    bool host)
{
	if (v->apic)
		vtr_apic_set_tsc_deadline(v, val);
	return 0;
}

static int vtr_get_clock_area(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			      bool host)
{
	*val = v->clock.area;
	return 0;
}

static int vtr_set_clock_area(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			      bool host)
{
	return vtr_clock_set_area(v, val);
}

static int vtr_get_wall(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			bool host)
{
	*val = v->clock.wall;
	return 0;
}

static int vtr_set_wall(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val, bool host)
{
	vtr_clock_set_wall(v, val);
	return 0;
}

static int vtr_get_mce(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val, bool host)
{
	u32 i = msr - r->first;

	if (i >= 4 * (v->msrs.mcg_cap & 0xff))
		return -EINVAL;
	/* A bank's control register starts with all errors enabled. */
	*val = v->msrs.mce ? v->msrs.mce[i] : i % 4 ? 0 : ~0ULL;
	return 0;
}

static int vtr_set_mce(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val, bool host)
{
	u32 i = msr - r->first, k;

	if (i >= 4 * (v->msrs.mcg_cap & 0xff))
		return -EINVAL;
	if (!vtr_mce_valid(i % 4, val, host, v->msrs.hwcr & BIT(18)))
		return -EINVAL;
	if (!v->msrs.mce) {
		if (i % 4 ? !val : val == ~0ULL)
			return 0;
		v->msrs.mce = kcalloc(4 * VTR_MCE_BANKS, sizeof(u64), GFP_ATOMIC | __GFP_ACCOUNT);
		if (!v->msrs.mce)
			return -EINVAL;
		for (k = 0; k < 4 * VTR_MCE_BANKS; k += 4)
			v->msrs.mce[k] = ~0ULL;
	}
	v->msrs.mce[i] = val;
	return 0;
}

static int vtr_set_mcg_status(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			      bool host)
{
	if (!host && val)
		return -EINVAL;
	v->msrs.mcg_status = val;
	return 0;
}

static int vtr_set_mcg_ctl(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			   bool host)
{
	if (!host && val && val != ~0ULL)
		return -EINVAL;
	v->msrs.mcg_ctl = val;
	return 0;
}

static int vtr_set_mtrr(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val, bool host)
{
	if (!vtr_mtrr_valid(msr, val, v->cpuid.phys_bits))
		return -EINVAL;
	return vtr_set_kept(v, r, msr, val, host);
}

static int vtr_get_spec_ctrl(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			     bool host)
{
	if (!host && !v->cpuid.spec_ctrl_allowed)
		return -EINVAL;
	return vtr_get_hw(v, r, msr, val, host);
}

static int vtr_set_spec_ctrl(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			     bool host)
{
	/* The value reaches the CPU right before the entry, where a #GP would be the host's. */
	if (val & ~v->cpuid.spec_ctrl_allowed)
		return -EINVAL;
	if (!v->cpuid.spec_ctrl_allowed)
		return host ? 0 : -EINVAL;
	return vtr_set_hw(v, r, msr, val, host);
}

static int vtr_set_pred_cmd(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			    bool host)
{
	if ((!host && !v->cpuid.has_pred_cmd) || val & ~1ULL)
		return -EINVAL;
	if (val && boot_cpu_has(X86_FEATURE_IBPB))
		wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	return 0;
}

static int vtr_get_tsc_aux(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 *val,
			   bool host)
{
	if (!host && !v->cpuid.has_rdtscp)
		return -EINVAL;
	return vtr_get_hw(v, r, msr, val, host);
}

static int vtr_set_tsc_aux(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			   bool host)
{
	if ((!host && !v->cpuid.has_rdtscp) || val >> 32)
		return -EINVAL;
	return vtr_set_hw(v, r, msr, val, host);
}

static int vtr_get_arch_capabilities(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr,
				     u64 *val, bool host)
{
	if (!host && !v->cpuid.has_arch_capabilities)
		return -EINVAL;
	return vtr_get_kept(v, r, msr, val, host);
}

/* A guest finds LFENCE serialising where it is, and may set what is set. */
static int vtr_set_de_cfg(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val,
			  bool host)
{
	u64 has;

	vtr_msr_feature(msr, &has);
	if (val & ~has)
		return -EINVAL;
	return vtr_set_kept(v, r, msr, val, host);
}

static int vtr_set_hwcr(struct vtr_vcpu *v, const struct vtr_msr_row *r, u32 msr, u64 val, bool host)
{
	/* Kept: McStatusWrEn, TscFreqSel. Ignored: FFDIS, monitor and cache bits a BIOS sets. */
	val &= ~(BIT_ULL(6) | BIT_ULL(3) | BIT_ULL(8));
	if (val & ~(BIT_ULL(18) | BIT_ULL(24)))
		return -EINVAL;
	v->msrs.hwcr = val;
	return 0;
}

#define KEPT(field)	offsetof(struct vtr_msrs, field)
#define HW(n)		{ n, n, vtr_get_hw, vtr_set_hw, 0 }
#define HW_ADDR(n)	{ n, n, vtr_get_hw, vtr_set_addr, 0 }
#define ZERO(a, b)	{ a, b, vtr_get_const, vtr_set_ignore, 0 }
#define CONST(n, val)	{ n, n, vtr_get_const, NULL, val }

/* Sorted by number: found by binary search. */
static const struct vtr_msr_row vtr_msr_rows[] = {
	{ 0x10, 0x10, vtr_get_tsc, vtr_set_tsc, 0 },
	{ 0x11, 0x11, vtr_get_wall, vtr_set_wall, 0 },
	{ 0x12, 0x12, vtr_get_clock_area, vtr_set_clock_area, 0 },
	CONST(0x17, 0),				/* PLATFORM_ID */
	{ 0x1b, 0x1b, vtr_get_apic_base, vtr_set_apic_base, 0 },
	CONST(0x2a, 0),				/* EBL_CR_POWERON */
	CONST(0x2c, 1 << 24),			/* EBC_FREQUENCY_ID */
	{ 0x3b, 0x3b, vtr_get_tsc_adjust, vtr_set_tsc_adjust, 0 },
	{ 0x48, 0x48, vtr_get_spec_ctrl, vtr_set_spec_ctrl, 0 },
	{ 0x49, 0x49, NULL, vtr_set_pred_cmd, 0 },
	ZERO(0x79, 0x79),			/* microcode update trigger */
	{ 0x8b, 0x8b, vtr_get_kept, vtr_set_ucode_rev, KEPT(ucode_rev) },
	ZERO(0xc1, 0xc4),			/* performance counters */
	CONST(0xcd, 3),				/* FSB_FREQ */
	{ 0xce, 0xce, vtr_get_kept, vtr_set_host, KEPT(platform_info) },
	CONST(0xfe, 0x500 | VTR_MTRR_VAR),	/* MTRRcap: WC, fixed ranges */
	{ 0x10a, 0x10a, vtr_get_arch_capabilities, vtr_set_host, KEPT(arch_capabilities) },
	CONST(0x11e, 0xbe702111),		/* BBL_CR_CTL3 */
	{ 0x140, 0x140, vtr_get_kept, vtr_set_zero, KEPT(misc_features) },
	HW(0x174), HW_ADDR(0x175), HW_ADDR(0x176),	/* SYSENTER */
	{ 0x179, 0x179, vtr_get_kept, NULL, KEPT(mcg_cap) },
	{ 0x17a, 0x17a, vtr_get_kept, vtr_set_mcg_status, KEPT(mcg_status) },
	{ 0x17b, 0x17b, vtr_get_kept, vtr_set_mcg_ctl, KEPT(mcg_ctl) },
	ZERO(0x186, 0x189),			/* event selects */
	CONST(0x198, 0x400000003e8ULL),		/* PERF_STATUS */
	ZERO(0x199, 0x199),			/* PERF_CTL */
	{ 0x1a0, 0x1a0, vtr_get_kept, vtr_set_kept, KEPT(misc_enable) },
	{ 0x1d9, 0x1d9, vtr_get_hw, vtr_set_zero, 0 },	/* DEBUGCTL */
	ZERO(0x1db, 0x1de),			/* last branch and interrupt */
	{ 0x200, 0x20f, vtr_get_kept, vtr_set_mtrr, KEPT(mtrr_var) },
	{ 0x250, 0x250, vtr_get_kept, vtr_set_mtrr, KEPT(mtrr_fixed[0]) },
	{ 0x258, 0x259, vtr_get_kept, vtr_set_mtrr, KEPT(mtrr_fixed[1]) },
	{ 0x268, 0x26f, vtr_get_kept, vtr_set_mtrr, KEPT(mtrr_fixed[3]) },
	{ 0x277, 0x277, vtr_get_hw, vtr_set_pat, 0 },
	{ 0x2ff, 0x2ff, vtr_get_kept, vtr_set_mtrr, KEPT(mtrr_def_type) },
	{ 0x345, 0x345, vtr_get_const, vtr_set_zero, 0 },	/* PERF_CAPABILITIES */
	{ 0x400, 0x400 + 4 * VTR_MCE_BANKS - 1, vtr_get_mce, vtr_set_mce, 0 },
	CONST(0x606, 0), CONST(0x611, 0), CONST(0x619, 0), CONST(0x639, 0), CONST(0x641, 0),
	{ 0x6e0, 0x6e0, vtr_get_deadline, vtr_set_deadline, 0 },
	{ 0x800, 0x8ff, vtr_get_x2apic, vtr_set_x2apic, 0 },
	{ 0x4b564d00, 0x4b564d00, vtr_get_wall, vtr_set_wall, 0 },
	{ 0x4b564d01, 0x4b564d01, vtr_get_clock_area, vtr_set_clock_area, 0 },
	{ MSR_EFER, MSR_EFER, vtr_get_hw, vtr_set_efer, 0 },
	HW(MSR_STAR), HW_ADDR(MSR_LSTAR), HW_ADDR(MSR_CSTAR), HW(MSR_SYSCALL_MASK),
	HW_ADDR(MSR_FS_BASE), HW_ADDR(MSR_GS_BASE), HW_ADDR(MSR_KERNEL_GS_BASE),
	{ MSR_TSC_AUX, MSR_TSC_AUX, vtr_get_tsc_aux, vtr_set_tsc_aux, 0 },
	ZERO(0xc0010000, 0xc0010007),		/* K7 event selects and counters */
	ZERO(0xc0010010, 0xc0010010),		/* SYSCFG */
	{ 0xc0010015, 0xc0010015, vtr_get_kept, vtr_set_hwcr, KEPT(hwcr) },
	CONST(0xc001001b, 0x20000000),		/* CLK_CTL */
	ZERO(0xc001001f, 0xc001001f),		/* NB_CFG */
	ZERO(0xc0010020, 0xc0010020),		/* PATCH_LOADER */
	ZERO(0xc0010055, 0xc0010055),		/* INT_PENDING */
	CONST(0xc0010058, 0),			/* MMIO_CONF_BASE */
	CONST(0xc0010112, 0), CONST(0xc0010113, 0),	/* TSEG */
	ZERO(0xc0010117, 0xc0010117),		/* VM_HSAVE_PA: kept at zero */
	ZERO(0xc0011022, 0xc0011023),		/* DC_CFG, BU_CFG */
	{ MSR_AMD64_DE_CFG, MSR_AMD64_DE_CFG, vtr_get_kept, vtr_set_de_cfg, KEPT(de_cfg) },
	ZERO(0xc001102a, 0xc001102a),		/* BU_CFG2 */
	ZERO(0xc001102c, 0xc001102c),		/* EX_CFG */
};

static const u32 vtr_listed[] = {
	0x174, 0x175, 0x176, MSR_STAR, MSR_CSTAR, MSR_KERNEL_GS_BASE, MSR_SYSCALL_MASK, MSR_LSTAR,
	0x10, 0x277, 0xc0010117, MSR_TSC_AUX, 0x48,
	0x12, 0x11, 0x4b564d01, 0x4b564d00, 0x3b, 0x6e0, 0x10a, 0x345, 0x1a0, 0x17a, 0x17b, 0xce,
	0x140, 0x8b, 0xc0010015,
};

static const u32 vtr_listed_features[] = { 0x8b, 0x10a, MSR_AMD64_DE_CFG };

/**
 * vtr_msr_list() - the MSRs of KVM_GET_MSR_INDEX_LIST, or of the feature list
 * @features: the latter
 * @n: filled with their number
 *
 * Return: constant array.
 */
const u32 *vtr_msr_list(bool features, u32 *n)
{
	*n = features ? ARRAY_SIZE(vtr_listed_features) : ARRAY_SIZE(vtr_listed);
	return features ? vtr_listed_features : vtr_listed;
}

/*
 * ARCH_CAPABILITIES: what a guest need not defend itself against, or can with what it has. The host's bits as far as all that they
 * promise holds in a guest, and what its kernel knows of CPUs that came before the bit or without it. Not there: what a guest would
 * have to switch on itself (TSX_CTRL, FB_CLEAR_CTRL, XAPIC_DISABLE), and SKIP_VMENTRY, since no guest is a hypervisor; that is why
 * the machine check on a change of the page size (bit 6) is none of its concerns either. Source: SDM 4 "IA32_ARCH_CAPABILITIES".
 */
#define ARCH_RDCL_NO		BIT_ULL(0)
#define ARCH_SSB_NO		BIT_ULL(4)
#define ARCH_MDS_NO		BIT_ULL(5)
#define ARCH_PSCHANGE_MC_NO	BIT_ULL(6)
#define ARCH_GDS_NO		BIT_ULL(26)
#define ARCH_RFDS_NO		BIT_ULL(27)
#define ARCH_ITS_NO		BIT_ULL(62)
/* IBRS_ALL, RSBA, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, FB_CLEAR, RRSBA, BHI_NO, PBRSB_NO, RFDS_CLEAR. */
#define ARCH_PASSED		(ARCH_RDCL_NO | ARCH_SSB_NO | ARCH_MDS_NO | ARCH_GDS_NO | ARCH_RFDS_NO | ARCH_ITS_NO | \
				 BIT_ULL(1) | BIT_ULL(2) | BIT_ULL(8) | BIT_ULL(13) | BIT_ULL(14) | BIT_ULL(15) | \
				 BIT_ULL(17) | BIT_ULL(19) | BIT_ULL(20) | BIT_ULL(24) | BIT_ULL(28))

static u64 vtr_arch_capabilities(void)
{
	static const struct {
		u32 bug;
		u64 no;
	} known[] = {
		{ X86_BUG_CPU_MELTDOWN, ARCH_RDCL_NO },
		{ X86_BUG_SPEC_STORE_BYPASS, ARCH_SSB_NO },
		{ X86_BUG_MDS, ARCH_MDS_NO },
#ifdef X86_BUG_GDS
		{ X86_BUG_GDS, ARCH_GDS_NO },
#endif
#ifdef X86_BUG_RFDS
		{ X86_BUG_RFDS, ARCH_RFDS_NO },
#endif
#ifdef X86_BUG_ITS
		{ X86_BUG_ITS, ARCH_ITS_NO },
#endif
	};
	u64 has = 0;
	size_t i;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL)
		return 0;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, has);
	has = (has & ARCH_PASSED) | ARCH_PSCHANGE_MC_NO;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!boot_cpu_has_bug(known[i].bug))
			has |= known[i].no;
	return has;
}

/**
 * vtr_msr_feature() - a feature MSR of the host, for KVM_GET_MSRS on the device
 * @msr: which
 * @val: filled
 *
 * Return: 0 or -EINVAL.
 */
int vtr_msr_feature(u32 msr, u64 *val)
{
	switch (msr) {
	case 0x8b:
		return rdmsrl_safe(0x8b, val) ? -EINVAL : 0;
	case 0x10a:
		*val = vtr_arch_capabilities();
		return 0;
	case MSR_AMD64_DE_CFG:
		/* LFENCE serialises: the only bit guests look for. */
		*val = boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ?
		       MSR_AMD64_DE_CFG_LFENCE_SERIALIZE : 0;
		return 0;
	}
	return -EINVAL;
}

/**
 * vtr_msrs_init() - power-up values
 * @v: new vCPU
 */
void vtr_msrs_init(struct vtr_vcpu *v)
{
	v->msrs.misc_enable = MSR_IA32_MISC_ENABLE_FAST_STRING;
	v->msrs.mcg_cap = VTR_MCE_BANKS;
	v->msrs.platform_info = BIT_ULL(31);
	v->msrs.ucode_rev = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ? 0x100000000ULL :
									   0x01000065;
	v->msrs.arch_capabilities = vtr_arch_capabilities();
	vtr_msr_feature(MSR_AMD64_DE_CFG, &v->msrs.de_cfg);
}

/**
 * vtr_msrs_fini() - free what was allocated on demand
 * @v: dying vCPU
 */
void vtr_msrs_fini(struct vtr_vcpu *v)
{
	kfree(v->msrs.mce);
}

/**
 * vtr_msr_setup_mce() - KVM_X86_SETUP_MCE
 * @v: the vCPU
 * @cap: MCG_CAP: bank count and features; MCG_CTL_P and SER_P are known
 *
 * Return: 0 or -EINVAL.
 */
int vtr_msr_setup_mce(struct vtr_vcpu *v, u64 cap)
{
	u32 banks = cap & 0xff;

	if (!banks || banks > VTR_MCE_BANKS || cap & ~(0xffULL | VTR_MCG_CAPS))
		return -EINVAL;
	v->msrs.mcg_cap = cap;
	v->msrs.mcg_ctl = cap & BIT(8) ? ~0ULL : 0;
	return 0;
}

static const struct vtr_msr_row *vtr_msr_row(u32 msr)
{
	u32 lo = 0, hi = ARRAY_SIZE(vtr_msr_rows);

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (msr < vtr_msr_rows[mid].first)
			hi = mid;
		else if (msr > vtr_msr_rows[mid].last)
			lo = mid + 1;
		else
			return &vtr_msr_rows[mid];
	}
	return NULL;
}

/**
 * vtr_msr_read() - read an MSR
 * @v: not running
 * @msr: number
 * @val: filled
 * @host: for user space
 *
 * Return: 0 or -EINVAL: the guest gets #GP(0).
 */
int vtr_msr_read(struct vtr_vcpu *v, u32 msr, u64 *val, bool host)
{
	const struct vtr_msr_row *r = vtr_msr_row(msr);

	if (!r || !r->get)
		return -EINVAL;
	return r->get(v, r, msr, val, host);
}

/**
 * vtr_msr_write() - write an MSR
 * @v: not running; v->slots loaded (kvmclock writes guest memory)
 * @msr: number
 * @val: new value
 * @host: for user space
 *
 * Return: 0 or -EINVAL: the guest gets #GP(0).
 */
int vtr_msr_write(struct vtr_vcpu *v, u32 msr, u64 val, bool host)
{
	const struct vtr_msr_row *r = vtr_msr_row(msr);
	u64 now;

	if (!r)
		return -EINVAL;
	if (r->set)
		return r->set(v, r, msr, val, host);
	/* Read-only: what was read may be written back by user space. */
	return host && !r->get(v, r, msr, &now, true) && now == val ? 0 : -EINVAL;
}
