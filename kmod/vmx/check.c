// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - the checks of a VM entry, done again in software after one failed, to name the culprit.
 *
 * In the manual's order: SDM 3C "Checks on VMX Controls", "Checks on the Host-State Area", "Checks on the Guest State Area". The
 * CPU may look in another order; what is named here is wrong all the same.
 */
#include "check.h"

#define CR0_PE		BIT_ULL(0)
#define CR0_PG		BIT_ULL(31)
#define CR4_PAE		BIT_ULL(5)
#define CR4_PCIDE	BIT_ULL(17)
#define EFER_BITS	(BIT_ULL(0) | BIT_ULL(8) | BIT_ULL(10) | BIT_ULL(11))
#define EFER_BIT_LME	BIT_ULL(8)
#define EFER_BIT_LMA	BIT_ULL(10)
#define FLAG_FIXED	BIT_ULL(1)
#define FLAG_TF		BIT_ULL(8)
#define FLAG_IF		BIT_ULL(9)
#define FLAG_VM		BIT_ULL(17)
#define FLAG_RESERVED	(~0x3fffffULL | BIT_ULL(15) | BIT_ULL(5) | BIT_ULL(3))

#define RIGHTS_TYPE	0xf
#define RIGHTS_S	BIT(4)
#define RIGHTS_P	BIT(7)
#define RIGHTS_L	BIT(13)
#define RIGHTS_DB	BIT(14)
#define RIGHTS_G	BIT(15)
#define RIGHTS_RESERVED	0xfffe0f00

/* In the order of the fields. */
enum { ES, CS, SS, DS, FS, GS, LDTR, TR, SEGMENTS };

static const char *const segment_names[SEGMENTS] = {
	"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"
};

/* What is asked again and again. */
struct guest {
	u64 cr0, cr4, rflags, efer;
	u32 entry;
	bool long_mode, v86;
};

static u64 get(struct vmx_check *c, u32 field)
{
	return c->read(c->ctx, field);
}

/* Remembers a failure. Returns false, for its callers to return. */
static bool fail(struct vmx_check *c, const char *what, u32 field, const char *name)
{
	c->what = what;
	c->field = field;
	c->name = name;
	c->value = get(c, field);
	return false;
}

static bool canonical(u64 addr)
{
	return (u64)((s64)(addr << 16) >> 16) == addr;
}

static bool pat_valid(u64 pat)
{
	int i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return false;
	return true;
}

/* In the order of enum vmx_control_field. */
static const struct {
	u32 field;
	const char *name;
} control_fields[VMX_CONTROL_FIELDS] = {
	{ VMCS_PIN_CONTROLS, "pin-based controls" },
	{ VMCS_CPU_CONTROLS, "primary processor-based controls" },
	{ VMCS_CPU_CONTROLS2, "secondary processor-based controls" },
	{ VMCS_EXIT_CONTROLS, "VM-exit controls" },
	{ VMCS_ENTRY_CONTROLS, "VM-entry controls" },
};

/* A control, the one it makes no sense without, and that one's field. */
static const struct {
	enum vmx_control_field field, of;
	u32 bit, needs;
	const char *what;
} control_needs[] = {
	{ VMX_PIN, VMX_PIN, VMX_PIN_VIRTUAL_NMI, VMX_PIN_NMI, "has virtual NMIs without NMI exiting" },
	{ VMX_CPU, VMX_PIN, VMX_CPU_NMI_WINDOW, VMX_PIN_VIRTUAL_NMI,
	  "has an NMI window without virtual NMIs" },
	{ VMX_CPU2, VMX_CPU, VMX_CPU2_VID_ALL, VMX_CPU_TPR_SHADOW,
	  "virtualizes the APIC without a TPR shadow" },
	{ VMX_CPU2, VMX_PIN, VMX_CPU2_VIRTUAL_INTR, VMX_PIN_EXT_INTR,
	  "delivers virtual interrupts without exits by external ones" },
	{ VMX_PIN, VMX_CPU2, VMX_PIN_POSTED, VMX_CPU2_VIRTUAL_INTR,
	  "takes posted interrupts without delivering virtual ones" },
	{ VMX_PIN, VMX_EXIT, VMX_PIN_POSTED, VMX_EXIT_ACK_INTR,
	  "takes posted interrupts without acknowledging others" },
	{ VMX_CPU2, VMX_CPU2, VMX_CPU2_UNRESTRICTED, VMX_CPU2_EPT,
	  "has an unrestricted guest without EPT" },
	{ VMX_CPU2, VMX_CPU2, VMX_CPU2_PML, VMX_CPU2_EPT, "logs page modifications without EPT" },
};

/* Pages that the CPU reads or writes, and the control that makes it do so. */
static const struct {
	enum vmx_control_field of;
	u32 bit, field;
	const char *name;
} control_pages[] = {
	{ VMX_CPU, VMX_CPU_MSR_BITMAPS, VMCS_MSR_BITMAP, "MSR bitmap" },
	{ VMX_CPU, VMX_CPU_TPR_SHADOW, VMCS_VIRTUAL_APIC, "virtual-APIC page" },
	{ VMX_CPU2, VMX_CPU2_PML, VMCS_PML_ADDRESS, "PML log" },
};

#define POSTED_ALIGN	64
#define EPTP_WB		6
#define EPTP_UC		0
#define EPTP_TYPE	7
#define EPTP_WALK_SHIFT	3
#define EPTP_RESERVED	0xf80

static bool check_control_bits(struct vmx_check *c, u32 *controls)
{
	size_t i;

	for (i = 0; i < VMX_CONTROL_FIELDS; i++) {
		const struct vmx_allowed *a = &c->allowed[i];

		controls[i] = get(c, control_fields[i].field);
		if (i == VMX_CPU2 && !(controls[VMX_CPU] & VMX_CPU_SECONDARY))
			controls[i] = 0;
		else if ((controls[i] & a->must) != a->must || controls[i] & ~a->may)
			return fail(c, "have bits that this CPU does not allow",
				    control_fields[i].field, control_fields[i].name);
	}
	for (i = 0; i < ARRAY_SIZE(control_needs); i++)
		if (controls[control_needs[i].field] & control_needs[i].bit &&
		    !(controls[control_needs[i].of] & control_needs[i].needs))
			return fail(c, control_needs[i].what,
				    control_fields[control_needs[i].field].field,
				    control_fields[control_needs[i].field].name);
	return true;
}

static bool check_control_addresses(struct vmx_check *c, const u32 *controls)
{
	u64 eptp = get(c, VMCS_EPTP), type = eptp & EPTP_TYPE, walk = eptp >> EPTP_WALK_SHIFT & 7;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(control_pages); i++) {
		u64 addr = get(c, control_pages[i].field);

		if (controls[control_pages[i].of] & control_pages[i].bit &&
		    (addr & ~VTR_PAGE_MASK || addr >> c->phys_bits))
			return fail(c, "is no address of a page", control_pages[i].field,
				    control_pages[i].name);
	}
	if (controls[VMX_PIN] & VMX_PIN_POSTED) {
		u64 addr = get(c, VMCS_POSTED_ADDRESS);

		if (get(c, VMCS_POSTED_VECTOR) >> 8)
			return fail(c, "is no vector", VMCS_POSTED_VECTOR, "notification vector");
		if (addr & (POSTED_ALIGN - 1) || addr >> c->phys_bits)
			return fail(c, "is no address of a descriptor", VMCS_POSTED_ADDRESS,
				    "posted-interrupt descriptor");
	}
	if (controls[VMX_CPU2] & VMX_CPU2_EPT &&
	    ((type != EPTP_WB && type != EPTP_UC) || walk < 3 || walk > 4 ||
	     eptp & EPTP_RESERVED || eptp >> c->phys_bits))
		return fail(c, "is not valid", VMCS_EPTP, "EPT pointer");
	if (controls[VMX_CPU2] & VMX_CPU2_VPID && !get(c, VMCS_VPID))
		return fail(c, "is the host's", VMCS_VPID, "VPID");
	if (controls[VMX_CPU] & VMX_CPU_TPR_SHADOW &&
	    !(controls[VMX_CPU2] & VMX_CPU2_VIRTUAL_INTR) && get(c, VMCS_TPR_THRESHOLD) & ~0xfULL)
		return fail(c, "has reserved bits", VMCS_TPR_THRESHOLD, "TPR threshold");
	return true;
}

/* #DF, #TS, #NP, #SS, #GP, #PF, #AC: those that push an error code, outside of real mode. */
#define ERROR_VECTORS	0x27d00UL

/* SDM 3C "VM-Entry Control Fields": the event that the entry delivers. */
static bool check_event(struct vmx_check *c)
{
	static const char name[] = "VM-entry interruption information";
	u32 info = get(c, VMCS_ENTRY_INTR_INFO), type = info & VMX_INTR_TYPE;
	u32 vector = info & VMX_INTR_VECTOR, length = get(c, VMCS_ENTRY_INSN_LEN);
	bool error;

	if (!(info & VMX_INTR_VALID))
		return true;
	if (info & VMX_INTR_ENTRY_RESERVED || type == VMX_INTR_RESERVED)
		return fail(c, "has reserved bits", VMCS_ENTRY_INTR_INFO, name);
	if ((type == VMX_INTR_NMI && vector != 2) ||
	    (type == VMX_INTR_HARD_EXCEPTION && vector > 31))
		return fail(c, "has a vector that its type has not", VMCS_ENTRY_INTR_INFO, name);
	error = type == VMX_INTR_HARD_EXCEPTION && get(c, VMCS_GUEST_CR0) & CR0_PE &&
		BIT(vector) & ERROR_VECTORS;
	if (error != !!(info & VMX_INTR_ERROR))
		return fail(c, error ? "lacks an error code" : "has an error code that there is not",
			    VMCS_ENTRY_INTR_INFO, name);
	if (error && get(c, VMCS_ENTRY_ERROR_CODE) >> 16)
		return fail(c, "has an upper half", VMCS_ENTRY_ERROR_CODE, "VM-entry error code");
	if ((type == VMX_INTR_SOFT || type == VMX_INTR_PRIVILEGED ||
	     type == VMX_INTR_SOFT_EXCEPTION) && (!length || length > 15))
		return fail(c, "is no instruction's", VMCS_ENTRY_INSN_LEN, "VM-entry instruction length");
	return true;
}

/**
 * vmx_check_controls() - go through the checks on the controls
 * @c: @read to @phys_bits filled in
 *
 * The event to deliver is what user space may have spoiled; any other failure is a fault of this module.
 *
 * Return: true if all pass; else false with the result filled in.
 */
bool vmx_check_controls(struct vmx_check *c)
{
	u32 controls[VMX_CONTROL_FIELDS];

	c->what = NULL;
	return check_control_bits(c, controls) && check_control_addresses(c, controls) &&
	       check_event(c);
}

static bool check_control_registers(struct vmx_check *c, const struct guest *g)
{
	u64 fixed0 = c->cr0_fixed0 & ~(CR0_PE | CR0_PG);

	if ((g->cr0 & fixed0) != fixed0 || g->cr0 & ~c->cr0_fixed1)
		return fail(c, "has bits that VMX operation does not allow", VMCS_GUEST_CR0, "CR0");
	if (g->cr0 & CR0_PG && !(g->cr0 & CR0_PE))
		return fail(c, "has paging without protection", VMCS_GUEST_CR0, "CR0");
	if ((g->cr4 & c->cr4_fixed0) != c->cr4_fixed0 || g->cr4 & ~c->cr4_fixed1)
		return fail(c, "has bits that VMX operation does not allow", VMCS_GUEST_CR4, "CR4");
	if (g->long_mode && !(g->cr0 & CR0_PG))
		return fail(c, "has no paging, which IA-32e mode needs", VMCS_GUEST_CR0, "CR0");
	if (g->long_mode && !(g->cr4 & CR4_PAE))
		return fail(c, "has no PAE, which IA-32e mode needs", VMCS_GUEST_CR4, "CR4");
	if (!g->long_mode && g->cr4 & CR4_PCIDE)
		return fail(c, "has PCIDE outside of IA-32e mode", VMCS_GUEST_CR4, "CR4");
	if (get(c, VMCS_GUEST_CR3) >> c->phys_bits)
		return fail(c, "is wider than physical addresses", VMCS_GUEST_CR3, "CR3");
	return true;
}

static bool check_msrs(struct vmx_check *c, const struct guest *g)
{
	if (get(c, VMCS_GUEST_DEBUGCTL) & ~0xffc3ULL)
		return fail(c, "has reserved bits", VMCS_GUEST_DEBUGCTL, "IA32_DEBUGCTL");
	if (get(c, VMCS_GUEST_DR7) >> 32)
		return fail(c, "has an upper half", VMCS_GUEST_DR7, "DR7");
	if (!canonical(get(c, VMCS_GUEST_SYSENTER_ESP)))
		return fail(c, "is not canonical", VMCS_GUEST_SYSENTER_ESP, "IA32_SYSENTER_ESP");
	if (!canonical(get(c, VMCS_GUEST_SYSENTER_EIP)))
		return fail(c, "is not canonical", VMCS_GUEST_SYSENTER_EIP, "IA32_SYSENTER_EIP");
	if (!pat_valid(get(c, VMCS_GUEST_PAT)))
		return fail(c, "has a memory type that there is not", VMCS_GUEST_PAT, "IA32_PAT");
	if (g->efer & ~EFER_BITS)
		return fail(c, "has reserved bits", VMCS_GUEST_EFER, "IA32_EFER");
	if (!(g->efer & EFER_BIT_LMA) == g->long_mode)
		return fail(c, "disagrees with the entry control for IA-32e mode in LMA",
			    VMCS_GUEST_EFER, "IA32_EFER");
	if (g->cr0 & CR0_PG && !(g->efer & EFER_BIT_LMA) != !(g->efer & EFER_BIT_LME))
		return fail(c, "has LMA without LME, or the reverse, under paging",
			    VMCS_GUEST_EFER, "IA32_EFER");
	return true;
}

static bool check_v86_segment(struct vmx_check *c, int seg)
{
	u32 at = 2 * seg;

	if (get(c, VMCS_GUEST_ES_BASE + at) != get(c, VMCS_GUEST_ES + at) << 4)
		return fail(c, "has a base that is not 16 times its selector in virtual-8086 mode",
			    VMCS_GUEST_ES_BASE + at, segment_names[seg]);
	if (get(c, VMCS_GUEST_ES_LIMIT + at) != 0xffff)
		return fail(c, "has a limit other than 0xffff in virtual-8086 mode",
			    VMCS_GUEST_ES_LIMIT + at, segment_names[seg]);
	if (get(c, VMCS_GUEST_ES_RIGHTS + at) != 0xf3)
		return fail(c, "has access rights other than 0xf3 in virtual-8086 mode",
			    VMCS_GUEST_ES_RIGHTS + at, segment_names[seg]);
	return true;
}

static bool check_type(struct vmx_check *c, int seg, u32 rights)
{
	u32 type = rights & RIGHTS_TYPE, field = VMCS_GUEST_ES_RIGHTS + 2 * seg;

	if (seg == CS) {
		/* Unrestricted guests may also have a writable data segment here. */
		if (type != 3 && (type & 9) != 9)
			return fail(c, "is no accessed code segment", field, "CS");
	} else if (seg == SS) {
		if (type != 3 && type != 7)
			return fail(c, "is no accessed, writable data segment", field, "SS");
	} else if (!(type & 1)) {
		return fail(c, "is not marked as accessed", field, segment_names[seg]);
	} else if (type & 8 && !(type & 2)) {
		return fail(c, "is code that cannot be read", field, segment_names[seg]);
	}
	return true;
}

static bool check_dpl(struct vmx_check *c, const struct guest *g, int seg, u32 rights)
{
	u32 dpl = rights >> 5 & 3, type = rights & RIGHTS_TYPE;
	u32 ss = get(c, VMCS_GUEST_SS_RIGHTS) >> 5 & 3, field = VMCS_GUEST_ES_RIGHTS + 2 * seg;

	if (seg == CS) {
		if (type == 3 && dpl)
			return fail(c, "is a data segment with a privilege level other than 0",
				    field, "CS");
		if ((type == 9 || type == 11) && dpl != ss)
			return fail(c, "has another privilege level than SS", field, "CS");
		if ((type == 13 || type == 15) && dpl > ss)
			return fail(c, "is conforming code with a higher privilege level than SS",
				    field, "CS");
	} else if (seg == SS) {
		if (dpl && (!(g->cr0 & CR0_PE) || (get(c, VMCS_GUEST_CS_RIGHTS) & RIGHTS_TYPE) == 3))
			return fail(c, "has a privilege level other than 0 in real mode", field,
				    "SS");
	}
	return true;
}

static bool check_limit(struct vmx_check *c, int seg, u32 rights)
{
	u32 limit = get(c, VMCS_GUEST_ES_LIMIT + 2 * seg);

	if ((limit & 0xfff) != 0xfff && rights & RIGHTS_G)
		return fail(c, "has a granularity that its limit does not fit",
			    VMCS_GUEST_ES_RIGHTS + 2 * seg, segment_names[seg]);
	if (limit >> 20 && !(rights & RIGHTS_G))
		return fail(c, "has a limit that needs a granularity of pages",
			    VMCS_GUEST_ES_RIGHTS + 2 * seg, segment_names[seg]);
	return true;
}

static bool check_segment(struct vmx_check *c, const struct guest *g, int seg)
{
	u32 at = 2 * seg, field = VMCS_GUEST_ES_RIGHTS + at, rights = get(c, field);
	u64 base = get(c, VMCS_GUEST_ES_BASE + at);

	if (g->v86)
		return check_v86_segment(c, seg);
	if ((seg == FS || seg == GS) && !canonical(base))
		return fail(c, "has a base that is not canonical", VMCS_GUEST_ES_BASE + at,
			    segment_names[seg]);
	if (rights & VMX_RIGHTS_UNUSABLE && seg != CS)
		return true;
	if (seg != FS && seg != GS && base >> 32)
		return fail(c, "has a base above 4 GiB", VMCS_GUEST_ES_BASE + at,
			    segment_names[seg]);
	if (!check_type(c, seg, rights))
		return false;
	if (!(rights & RIGHTS_S))
		return fail(c, "is a system segment", field, segment_names[seg]);
	if (!check_dpl(c, g, seg, rights))
		return false;
	if (!(rights & RIGHTS_P))
		return fail(c, "is not present", field, segment_names[seg]);
	if (rights & RIGHTS_RESERVED)
		return fail(c, "has reserved bits", field, segment_names[seg]);
	if (seg == CS && g->long_mode && rights & RIGHTS_L && rights & RIGHTS_DB)
		return fail(c, "is 64-bit and 32-bit code at once", field, "CS");
	return check_limit(c, seg, rights);
}

/* LDTR and TR. */
static bool check_system_segment(struct vmx_check *c, const struct guest *g, int seg)
{
	u32 at = 2 * seg, field = VMCS_GUEST_ES_RIGHTS + at, rights = get(c, field);
	u32 type = rights & RIGHTS_TYPE;

	if (rights & VMX_RIGHTS_UNUSABLE && seg == LDTR)
		return true;
	if (get(c, VMCS_GUEST_ES + at) & 4)
		return fail(c, "has a selector into the local table", VMCS_GUEST_ES + at,
			    segment_names[seg]);
	if (!canonical(get(c, VMCS_GUEST_ES_BASE + at)))
		return fail(c, "has a base that is not canonical", VMCS_GUEST_ES_BASE + at,
			    segment_names[seg]);
	if (seg == LDTR ? type != 2 : type != 11 && (type != 3 || g->long_mode))
		return fail(c, seg == LDTR ? "is no local table" : "is no busy task state", field,
			    segment_names[seg]);
	if (rights & RIGHTS_S)
		return fail(c, "is no system segment", field, segment_names[seg]);
	if (!(rights & RIGHTS_P))
		return fail(c, "is not present", field, segment_names[seg]);
	if (rights & (RIGHTS_RESERVED | VMX_RIGHTS_UNUSABLE))
		return fail(c, "has reserved bits, or is unusable", field, segment_names[seg]);
	return check_limit(c, seg, rights);
}

static bool check_tables(struct vmx_check *c)
{
	if (!canonical(get(c, VMCS_GUEST_GDTR_BASE)))
		return fail(c, "is not canonical", VMCS_GUEST_GDTR_BASE, "GDTR base");
	if (!canonical(get(c, VMCS_GUEST_IDTR_BASE)))
		return fail(c, "is not canonical", VMCS_GUEST_IDTR_BASE, "IDTR base");
	if (get(c, VMCS_GUEST_GDTR_LIMIT) >> 16)
		return fail(c, "is above 0xffff", VMCS_GUEST_GDTR_LIMIT, "GDTR limit");
	if (get(c, VMCS_GUEST_IDTR_LIMIT) >> 16)
		return fail(c, "is above 0xffff", VMCS_GUEST_IDTR_LIMIT, "IDTR limit");
	return true;
}

static bool check_flags(struct vmx_check *c, const struct guest *g)
{
	u64 rip = get(c, VMCS_GUEST_RIP);
	u32 event = get(c, VMCS_ENTRY_INTR_INFO);
	bool code64 = g->long_mode && get(c, VMCS_GUEST_CS_RIGHTS) & RIGHTS_L;

	if (code64 ? !canonical(rip) : rip >> 32)
		return fail(c, "is no address of its mode", VMCS_GUEST_RIP, "RIP");
	if (g->rflags & FLAG_RESERVED || !(g->rflags & FLAG_FIXED))
		return fail(c, "has reserved bits", VMCS_GUEST_RFLAGS, "RFLAGS");
	if (g->v86 && (g->long_mode || !(g->cr0 & CR0_PE)))
		return fail(c, "has VM set in IA-32e or real mode", VMCS_GUEST_RFLAGS, "RFLAGS");
	if (!(g->rflags & FLAG_IF) && event & VMX_INTR_VALID &&
	    (event & VMX_INTR_TYPE) == VMX_INTR_EXTERNAL)
		return fail(c, "has IF clear, and an interrupt is injected", VMCS_GUEST_RFLAGS,
			    "RFLAGS");
	return true;
}

static bool check_rest(struct vmx_check *c, const struct guest *g)
{
	u32 state = get(c, VMCS_GUEST_INTERRUPTIBILITY), event = get(c, VMCS_ENTRY_INTR_INFO);
	const char *name = "interruptibility";
	u32 field = VMCS_GUEST_INTERRUPTIBILITY;

	if (get(c, VMCS_GUEST_ACTIVITY) > 3)
		return fail(c, "is none that there is", VMCS_GUEST_ACTIVITY, "activity state");
	if (state & ~0x1fU)
		return fail(c, "has reserved bits", field, name);
	if (state & VMX_BLOCKED_STI && state & VMX_BLOCKED_MOV_SS)
		return fail(c, "is blocked by STI and by MOV SS at once", field, name);
	if (state & VMX_BLOCKED_STI && !(g->rflags & FLAG_IF))
		return fail(c, "is blocked by STI with IF clear", field, name);
	if (event & VMX_INTR_VALID && state & (VMX_BLOCKED_STI | VMX_BLOCKED_MOV_SS) &&
	    (event & VMX_INTR_TYPE) == VMX_INTR_EXTERNAL)
		return fail(c, "is blocked, and an interrupt is injected", field, name);
	if (event & VMX_INTR_VALID && (event & VMX_INTR_TYPE) == VMX_INTR_NMI &&
	    state & (VMX_BLOCKED_MOV_SS | VMX_BLOCKED_NMI))
		return fail(c, "is blocked, and an NMI is injected", field, name);
	if (state & (VMX_BLOCKED_STI | VMX_BLOCKED_MOV_SS) && g->rflags & FLAG_TF &&
	    !(get(c, VMCS_GUEST_DEBUGCTL) & BIT(1)) &&
	    !(get(c, VMCS_GUEST_PENDING_DEBUG) & BIT(14)))
		return fail(c, "lacks the single step that a shadow put off",
			    VMCS_GUEST_PENDING_DEBUG, "pending debug exceptions");
	if (get(c, VMCS_LINK_POINTER) != ~0ULL)
		return fail(c, "is in use", VMCS_LINK_POINTER, "VMCS link pointer");
	return true;
}

/**
 * vmx_check_guest() - go through the checks on the guest's state
 * @c: @read to @cr4_fixed1 filled in
 *
 * Return: true if all pass; else false with the result filled in.
 */
bool vmx_check_guest(struct vmx_check *c)
{
	struct guest g = {
		.cr0	= get(c, VMCS_GUEST_CR0),
		.cr4	= get(c, VMCS_GUEST_CR4),
		.rflags	= get(c, VMCS_GUEST_RFLAGS),
		.efer	= get(c, VMCS_GUEST_EFER),
		.entry	= get(c, VMCS_ENTRY_CONTROLS),
	};
	int seg;

	c->what = NULL;
	g.long_mode = g.entry & VMX_ENTRY_IA32E;
	g.v86 = g.rflags & FLAG_VM;
	if (!check_control_registers(c, &g) || !check_msrs(c, &g))
		return false;
	for (seg = ES; seg < LDTR; seg++)
		if (!check_segment(c, &g, seg))
			return false;
	return check_system_segment(c, &g, LDTR) && check_system_segment(c, &g, TR) &&
	       check_tables(c) && check_flags(c, &g) && check_rest(c, &g);
}

/* Host fields that hold linear addresses. */
static const struct {
	u32 field;
	const char *name;
} host_addresses[] = {
	{ VMCS_HOST_FS_BASE, "host FS base" }, { VMCS_HOST_GS_BASE, "host GS base" },
	{ VMCS_HOST_TR_BASE, "host TR base" }, { VMCS_HOST_GDTR_BASE, "host GDTR base" },
	{ VMCS_HOST_IDTR_BASE, "host IDTR base" }, { VMCS_HOST_RIP, "host RIP" },
	{ VMCS_HOST_SYSENTER_ESP, "host SYSENTER_ESP" },
	{ VMCS_HOST_SYSENTER_EIP, "host SYSENTER_EIP" },
}, host_selectors[] = {
	{ VMCS_HOST_ES, "host ES" }, { VMCS_HOST_CS, "host CS" }, { VMCS_HOST_SS, "host SS" },
	{ VMCS_HOST_DS, "host DS" }, { VMCS_HOST_FS, "host FS" }, { VMCS_HOST_GS, "host GS" },
	{ VMCS_HOST_TR, "host TR" },
};

/**
 * vmx_check_host() - go through the checks on the host's state
 * @c: @read to @cr4_fixed1 filled in
 *
 * Return: true if all pass; else false with the result filled in. A failure is a fault of this module.
 */
bool vmx_check_host(struct vmx_check *c)
{
	u64 cr0 = get(c, VMCS_HOST_CR0), cr4 = get(c, VMCS_HOST_CR4);
	size_t i;

	c->what = NULL;
	if ((cr0 & c->cr0_fixed0) != c->cr0_fixed0 || cr0 & ~c->cr0_fixed1)
		return fail(c, "has bits that VMX operation does not allow", VMCS_HOST_CR0,
			    "host CR0");
	if ((cr4 & c->cr4_fixed0) != c->cr4_fixed0 || cr4 & ~c->cr4_fixed1 || !(cr4 & CR4_PAE))
		return fail(c, "has bits that VMX operation does not allow", VMCS_HOST_CR4,
			    "host CR4");
	if (get(c, VMCS_HOST_CR3) >> c->phys_bits)
		return fail(c, "is wider than physical addresses", VMCS_HOST_CR3, "host CR3");
	for (i = 0; i < ARRAY_SIZE(host_addresses); i++)
		if (!canonical(get(c, host_addresses[i].field)))
			return fail(c, "is not canonical", host_addresses[i].field,
				    host_addresses[i].name);
	if (!pat_valid(get(c, VMCS_HOST_PAT)))
		return fail(c, "has a memory type that there is not", VMCS_HOST_PAT, "host PAT");
	if ((get(c, VMCS_HOST_EFER) & (EFER_BIT_LMA | EFER_BIT_LME)) !=
	    (EFER_BIT_LMA | EFER_BIT_LME))
		return fail(c, "is not in long mode", VMCS_HOST_EFER, "host EFER");
	for (i = 0; i < ARRAY_SIZE(host_selectors); i++)
		if (get(c, host_selectors[i].field) & 7)
			return fail(c, "has a privilege level or is of the local table",
				    host_selectors[i].field, host_selectors[i].name);
	if (!get(c, VMCS_HOST_CS))
		return fail(c, "is null", VMCS_HOST_CS, "host CS");
	if (!get(c, VMCS_HOST_TR))
		return fail(c, "is null", VMCS_HOST_TR, "host TR");
	return true;
}

/**
 * vmx_insn_error() - what an error number of a VM instruction means
 * @error: VM-instruction error field
 *
 * Return: a constant string. Source: SDM 3C "VM Instruction Error Numbers".
 */
const char *vmx_insn_error(u32 error)
{
	switch (error) {
	case 4:
		return "VMLAUNCH of a VMCS that was launched already";
	case 5:
		return "VMRESUME of a VMCS that was not launched";
	case VMX_ERROR_CONTROLS:
		return "control fields that do not fit together or this CPU";
	case VMX_ERROR_HOST_STATE:
		return "host state that cannot be loaded";
	case 26:
		return "events blocked by MOV SS";
	default:
		return "a VM instruction failed";
	}
}
