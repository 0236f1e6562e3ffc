// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - the checks of VMRUN, done again in software after one failed, to name the culprit.
 *
 * Source: APM2 "Canonicalization and Consistency Checks", "Event Injection", "Nested Paging". The CPU may
 * look in another order; what is named here is wrong all the same. Bits that the manual defines are taken
 * for good, also where this CPU does not have them.
 */
#include "check.h"

#define CR0_PE		BIT_ULL(0)
#define CR0_WP		BIT_ULL(16)
#define CR0_NW		BIT_ULL(29)
#define CR0_CD		BIT_ULL(30)
#define CR0_PG		BIT_ULL(31)
#define CR4_PAE		BIT_ULL(5)
#define CR4_CET		BIT_ULL(23)
#define CR4_BITS	0xf71fffULL
#define EFER_BIT_LME	BIT_ULL(8)
#define EFER_BIT_LMA	BIT_ULL(10)
#define EFER_BIT_SVME	BIT_ULL(12)
#define EFER_BITS	0x36fd01ULL
#define ATTRIB_L	BIT(9)
#define ATTRIB_D	BIT(10)

#define IOPM_SIZE	(3 * VTR_PAGE_SIZE)
#define MSRPM_SIZE	(2 * VTR_PAGE_SIZE)

/* Remembers a failure. Returns false, for its callers to return. */
static bool fail(struct svm_check *c, const char *what, u32 offset, const char *name, u64 value)
{
	c->what = what;
	c->offset = offset;
	c->name = name;
	c->value = value;
	return false;
}

#define FAIL(c, what, field, name) \
	fail(c, what, offsetof(struct vmcb, field), name, (c)->vmcb->field)

static bool pat_valid(u64 pat)
{
	int i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return false;
	return true;
}

static bool check_control_registers(struct svm_check *c)
{
	const struct vmcb *b = c->vmcb;

	if (b->cr0 & CR0_NW && !(b->cr0 & CR0_CD))
		return FAIL(c, "has NW without CD", cr0, "CR0");
	if (b->cr0 >> 32)
		return FAIL(c, "has an upper half", cr0, "CR0");
	if (b->efer & EFER_BIT_LMA && b->cr3 >> c->phys_bits)
		return FAIL(c, "is wider than physical addresses", cr3, "CR3");
	if (b->cr4 & ~CR4_BITS)
		return FAIL(c, "has reserved bits", cr4, "CR4");
	if (b->cr4 & CR4_CET && !(b->cr0 & CR0_WP))
		return FAIL(c, "has CET without CR0.WP", cr4, "CR4");
	if (b->dr6 >> 32)
		return FAIL(c, "has an upper half", dr6, "DR6");
	if (b->dr7 >> 32)
		return FAIL(c, "has an upper half", dr7, "DR7");
	return true;
}

static bool check_long_mode(struct svm_check *c)
{
	const struct vmcb *b = c->vmcb;

	if (!(b->efer & EFER_BIT_SVME))
		return FAIL(c, "lacks SVME", efer, "EFER");
	if (b->efer & ~EFER_BITS)
		return FAIL(c, "has reserved bits", efer, "EFER");
	if (!(b->efer & EFER_BIT_LME) || !(b->cr0 & CR0_PG))
		return true;
	if (!(b->cr4 & CR4_PAE))
		return FAIL(c, "has no PAE, which long mode needs", cr4, "CR4");
	if (!(b->cr0 & CR0_PE))
		return FAIL(c, "has paging without protection", cr0, "CR0");
	if (b->cs.attrib & ATTRIB_L && b->cs.attrib & ATTRIB_D)
		return FAIL(c, "is 64-bit and 32-bit code at once", cs.attrib, "CS");
	return true;
}

/**
 * svm_check_guest() - go through the checks on the guest's state
 * @c: @vmcb and @phys_bits filled in
 *
 * Return: true if all pass; else false with the result filled in.
 */
bool svm_check_guest(struct svm_check *c)
{
	c->what = NULL;
	return check_control_registers(c) && check_long_mode(c);
}

static bool check_event(struct svm_check *c)
{
	u64 event = c->vmcb->event_inj;
	u8 vector = event & VMCB_EV_VECTOR;

	if (!(event & VMCB_EV_VALID))
		return true;
	switch (event & VMCB_EV_TYPE) {
	case VMCB_EV_EXCEPTION:
		if (vector == 2 || vector > 31)
			return FAIL(c, "is an exception of a vector that has none", event_inj,
				    "EVENTINJ");
		return true;
	case VMCB_EV_INTR:
	case VMCB_EV_NMI:
	case VMCB_EV_SOFT:
		return true;
	default:
		return FAIL(c, "has a type that there is not", event_inj, "EVENTINJ");
	}
}

/**
 * svm_check_controls() - go through the checks on the control area
 * @c: @vmcb and @phys_bits filled in
 *
 * Return: true if all pass; else false with the result filled in. A failure is a fault of this module.
 */
bool svm_check_controls(struct svm_check *c)
{
	const struct vmcb *b = c->vmcb;
	u64 limit = BIT_ULL(c->phys_bits);

	c->what = NULL;
	if (!(b->misc2 & VMCB_INT_VMRUN))
		return FAIL(c, "lets VMRUN through", misc2, "intercepts");
	if (!b->asid)
		return FAIL(c, "is the host's", asid, "ASID");
	if (b->iopm_pa > limit - IOPM_SIZE)
		return FAIL(c, "is beyond physical memory", iopm_pa, "IOPM_BASE_PA");
	if (b->msrpm_pa > limit - MSRPM_SIZE)
		return FAIL(c, "is beyond physical memory", msrpm_pa, "MSRPM_BASE_PA");
	if (b->nested_ctl & VMCB_NP_ENABLE) {
		if (b->nested_cr3 >= limit)
			return FAIL(c, "is wider than physical addresses", nested_cr3, "N_CR3");
		if (!pat_valid(b->g_pat))
			return FAIL(c, "has a memory type that there is not", g_pat, "G_PAT");
	}
	return check_event(c);
}

/* What each clean bit is about: APM2 "VMCB Clean Field". */
static const struct part {
	u32 bit;
	u16 from, to;
	const char *name;
} parts[] = {
#define PART(bit, first, last, name) \
	{ VMCB_CLEAN_##bit, offsetof(struct vmcb, first), offsetofend(struct vmcb, last), name }
	PART(INTERCEPTS, cr_read, misc3, "an intercept"),
	PART(INTERCEPTS, pause_threshold, pause_count, "the pause filter"),
	PART(INTERCEPTS, tsc_offset, tsc_offset, "TSC_OFFSET"),
	PART(MAPS, iopm_pa, msrpm_pa, "a permission map's address"),
	PART(ASID, asid, asid, "the ASID"),
	PART(TPR, int_ctl, int_vector, "the virtual interrupt"),
	PART(NP, nested_cr3, nested_cr3, "N_CR3"),
	PART(NP, g_pat, g_pat, "G_PAT"),
	PART(CR, efer, efer, "EFER"),
	PART(CR, cr4, cr0, "a control register"),
	PART(DR, dr7, dr6, "a debug register"),
	PART(DT, gdtr, gdtr, "GDTR"),
	PART(DT, idtr, idtr, "IDTR"),
	PART(SEG, es, ds, "a segment"),
	PART(SEG, cpl, cpl, "the CPL"),
	PART(CR2, cr2, cr2, "CR2"),
	PART(LBR, dbgctl, last_excp_to, "a last-branch register"),
#undef PART
};

/**
 * svm_check_clean() - is what the VMCB declares clean as it was after the last exit?
 * @c: @vmcb filled in
 * @then: the VMCB at that moment; NULL: there was none, or it was on another CPU
 *
 * Return: true if so; else false with the result filled in. A failure is a fault of this module.
 */
bool svm_check_clean(struct svm_check *c, const struct vmcb *then)
{
	const u8 *now = (const u8 *)c->vmcb, *was = (const u8 *)then;
	const struct part *p;
	u32 i;

	c->what = NULL;
	if (c->vmcb->clean && !then)
		return FAIL(c, "are set though this CPU did not run it last", clean, "clean bits");
	for (p = parts; p < parts + ARRAY_SIZE(parts); p++)
		for (i = p->from; c->vmcb->clean & p->bit && i < p->to; i++)
			if (now[i] != was[i])
				return fail(c, "has changed and is declared clean", i, p->name, now[i]);
	return true;
}
