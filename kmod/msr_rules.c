// SPDX-License-Identifier: GPL-2.0-only
/*
 * msr_rules.c - which values an MSR takes. Pure.
 */
#include "msr_rules.h"

#define MTRR_DEF_TYPE	0x2ff
#define MTRR_VAR_FIRST	0x200
#define MTRR_VAR_LAST	0x20f

#define EFER_BIT_LME	BIT_ULL(8)
#define EFER_BIT_LMA	BIT_ULL(10)

/**
 * vtr_canonical() - is a linear address one the CPU can form?
 * @addr: the address
 * @bits: 48, or 57 with CR4.LA57
 *
 * Source: SDM 1 "Canonical Addressing".
 *
 * Return: true if all bits from @bits - 1 up are equal.
 */
bool vtr_canonical(u64 addr, unsigned int bits)
{
	u64 high = addr >> (bits - 1);

	return !high || high == ~0ULL >> (bits - 1);
}

/**
 * vtr_efer_valid() - may the guest write this to EFER?
 * @old: the present value
 * @val: the new one; LMA in it is ignored by the CPU
 * @allowed: bits the guest's CPU has
 * @paging: CR0.PG: LME must not change under it
 *
 * Source: APM2 "Extended Feature Enable Register (EFER)".
 *
 * Return: false: #GP(0).
 */
bool vtr_efer_valid(u64 old, u64 val, u64 allowed, bool paging)
{
	if (val & ~(allowed | EFER_BIT_LMA))
		return false;
	return !(paging && (val ^ old) & EFER_BIT_LME);
}

/* Memory types 0 to 7 that exist, as bits: UC, WC, WT, WP, WB; the PAT has UC- too. */
#define MTRR_TYPES	0x73
#define PAT_TYPES	0xf3

static bool vtr_types_valid(u64 val, u8 types)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = val >> i;

		if (type > 7 || !(types & 1 << type))
			return false;
	}
	return true;
}

/**
 * vtr_pat_valid() - is this a value for MSR PAT?
 * @val: eight memory types
 *
 * Source: SDM 3A "IA32_PAT MSR".
 *
 * Return: false: #GP(0).
 */
bool vtr_pat_valid(u64 val)
{
	return vtr_types_valid(val, PAT_TYPES);
}

/**
 * vtr_mtrr_valid() - is this a value for a memory type range register?
 * @msr: 0x200..0x20f (base, mask, base, ...), a fixed range, or 0x2ff, the default type
 * @val: the value
 * @phys_bits: the guest's physical address width
 *
 * Source: SDM 3A "Memory Type Range Registers (MTRRs)".
 *
 * Return: false: #GP(0).
 */
bool vtr_mtrr_valid(u32 msr, u64 val, unsigned int phys_bits)
{
	u64 beyond = ~0ULL << phys_bits;

	if (msr >= MTRR_VAR_FIRST && msr <= MTRR_VAR_LAST) {
		if (msr & 1)
			return !(val & (beyond | 0x7ff));
		return !(val & (beyond | 0xf00)) && vtr_types_valid((u8)val, MTRR_TYPES);
	}
	if (msr == MTRR_DEF_TYPE)
		return !(val & ~0xcffULL) && vtr_types_valid((u8)val, MTRR_TYPES);
	return vtr_types_valid(val, MTRR_TYPES);
}

/**
 * vtr_mce_valid() - is this a value for a register of a machine-check bank?
 * @reg: 0 to 3: CTL, STATUS, ADDR, MISC
 * @val: the value
 * @host: user space may restore any status
 * @status_writable: HWCR.McStatusWrEn: so may the guest
 *
 * CTL takes all ones or zeros, with bit 10 clear too (a BIOS does that); STATUS takes only zero from
 * the guest. Source: SDM 3B "Machine-Check MSRs", APM2 "Machine Check Architecture".
 *
 * Return: false: #GP(0).
 */
bool vtr_mce_valid(unsigned int reg, u64 val, bool host, bool status_writable)
{
	if (reg == 0)
		return !val || (val | BIT_ULL(10)) == ~0ULL;
	if (reg == 1)
		return host || status_writable || !val;
	return true;
}
