// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - registers that live in the VMCS: segments, tables, control and debug registers, MSRs.
 *
 * The VMCS is accessed on the CPU that holds it: each function brings it here if need be.
 */
#include <linux/uaccess.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include "../guestmem.h"
#include "vmx.h"

#define VMX_RIGHTS_TYPE		0x00f
#define VMX_RIGHTS_S		BIT(4)
#define VMX_RIGHTS_DPL_SHIFT	5
#define VMX_RIGHTS_P		BIT(7)
#define VMX_RIGHTS_AVL		BIT(12)
#define VMX_RIGHTS_L		BIT(13)
#define VMX_RIGHTS_DB		BIT(14)
#define VMX_RIGHTS_G		BIT(15)

/* The VMCS has its fields in the order of VTR_SEG_*, but for the last two. Two apart. */
static u32 vmx_segment(int seg)
{
	return 2 * (seg == VTR_SEG_TR ? VTR_SEG_LDTR : seg == VTR_SEG_LDTR ? VTR_SEG_TR : seg);
}

static u64 vmx_cr0(void)
{
	u64 mask = vmcs_read(VMCS_CR0_MASK);

	return (vmcs_read(VMCS_GUEST_CR0) & ~mask) | (vmcs_read(VMCS_CR0_SHADOW) & mask);
}

/**
 * vmx_code_state() - what a fetch or a page walk needs to know
 * @v: not running
 * @s: filled
 */
void vmx_code_state(struct vtr_vcpu *v, struct vtr_code_state *s)
{
	vmx_use(v);
	s->cr0 = vmx_cr0();
	s->cr3 = vmcs_read(VMCS_GUEST_CR3);
	s->cr4 = v->hw->cr4;
	s->efer = vmcs_read(VMCS_GUEST_EFER);
	s->cpl = vmcs_read(VMCS_GUEST_SS_RIGHTS) >> VMX_RIGHTS_DPL_SHIFT & 3;
	s->cs_attrib = vmcs_read(VMCS_GUEST_CS_RIGHTS);
	if ((s->efer & EFER_LMA) && (s->cs_attrib & VMX_RIGHTS_L)) {
		s->bits = 64;
		s->cs_base = 0;
	} else {
		s->bits = s->cs_attrib & VMX_RIGHTS_DB ? 32 : 16;
		s->cs_base = vmcs_read(VMCS_GUEST_CS_BASE);
	}
	vmx_unuse();
}

/**
 * vmx_code_same() - does the guest execute under the state that a cached translation was made under?
 * @v: loaded
 * @c: the cache, valid
 *
 * Return: true if so. Hot.
 */
bool vmx_code_same(struct vtr_vcpu *v, const struct vtr_walk_cache *c)
{
	/* CR4 and EFER change through vmx_set_cr() and vmx_set_msr() only, which empty the cache. */
	/* The bits of CR0 that paging depends on are the guest's own. */
	return vmcs_read(VMCS_GUEST_CR3) == c->cr3 &&
	       !((vmcs_read(VMCS_GUEST_CR0) ^ c->cr0) & (X86_CR0_PG | X86_CR0_PE | X86_CR0_WP)) &&
	       (u16)vmcs_read(VMCS_GUEST_CS_RIGHTS) == c->cs_attrib &&
	       (c->bits == 64 || vmcs_read(VMCS_GUEST_CS_BASE) == c->cs_base);
}

/**
 * vmx_get_segment() - a segment register in KVM's form
 * @v: not running
 * @seg: VTR_SEG_*
 * @s: filled
 */
void vmx_get_segment(struct vtr_vcpu *v, int seg, struct kvm_segment *s)
{
	u32 at = vmx_segment(seg), rights;

	memset(s, 0, sizeof(*s));
	vmx_use(v);
	s->base = vmcs_read(VMCS_GUEST_ES_BASE + at);
	s->limit = vmcs_read(VMCS_GUEST_ES_LIMIT + at);
	s->selector = vmcs_read(VMCS_GUEST_ES + at);
	rights = vmcs_read(VMCS_GUEST_ES_RIGHTS + at);
	vmx_unuse();
	s->unusable = !!(rights & VMX_RIGHTS_UNUSABLE);
	s->type = rights & VMX_RIGHTS_TYPE;
	s->s = !!(rights & VMX_RIGHTS_S);
	s->dpl = (rights >> VMX_RIGHTS_DPL_SHIFT) & 3;
	/* The CPU may leave the bit of an unusable one set. */
	s->present = !s->unusable && rights & VMX_RIGHTS_P;
	s->avl = !!(rights & VMX_RIGHTS_AVL);
	s->l = !!(rights & VMX_RIGHTS_L);
	s->db = !!(rights & VMX_RIGHTS_DB);
	s->g = !!(rights & VMX_RIGHTS_G);
}

/**
 * vmx_set_segment() - load a segment register's hidden part
 * @v: not running
 * @seg: VTR_SEG_*
 * @s: the contents; the privilege level of SS is the current one
 *
 * VM entry wants segments that can be used marked as accessed, and TR as busy, whatever the caller had
 * (SDM 3C "Checks on Guest Segment Registers").
 */
void vmx_set_segment(struct vtr_vcpu *v, int seg, const struct kvm_segment *s)
{
	u32 at = vmx_segment(seg), rights = VMX_RIGHTS_UNUSABLE;

	if (!s->unusable && s->present) {
		rights = (s->type & VMX_RIGHTS_TYPE) | (s->s ? VMX_RIGHTS_S : 0) |
			 VMX_RIGHTS_P | (s->avl ? VMX_RIGHTS_AVL : 0) |
			 (s->l ? VMX_RIGHTS_L : 0) | (s->db ? VMX_RIGHTS_DB : 0) |
			 (s->g ? VMX_RIGHTS_G : 0);
		if (s->s)
			rights |= 1;
		else if (seg == VTR_SEG_TR)
			rights |= 2;
	}
	rights |= (s->dpl & 3) << VMX_RIGHTS_DPL_SHIFT;
	vmx_use(v);
	vmcs_write(VMCS_GUEST_ES_BASE + at, s->base);
	vmcs_write(VMCS_GUEST_ES_LIMIT + at, s->limit);
	vmcs_write(VMCS_GUEST_ES + at, s->selector);
	vmcs_write(VMCS_GUEST_ES_RIGHTS + at, rights);
	vmx_unuse();
}

/**
 * vmx_get_table() - GDTR or IDTR
 * @v: not running
 * @idt: IDTR
 * @t: filled
 */
void vmx_get_table(struct vtr_vcpu *v, bool idt, struct kvm_dtable *t)
{
	memset(t, 0, sizeof(*t));
	vmx_use(v);
	t->base = vmcs_read(idt ? VMCS_GUEST_IDTR_BASE : VMCS_GUEST_GDTR_BASE);
	t->limit = vmcs_read(idt ? VMCS_GUEST_IDTR_LIMIT : VMCS_GUEST_GDTR_LIMIT);
	vmx_unuse();
}

/**
 * vmx_set_table() - load GDTR or IDTR
 * @v: not running
 * @idt: IDTR
 * @t: the contents
 */
void vmx_set_table(struct vtr_vcpu *v, bool idt, const struct kvm_dtable *t)
{
	vmx_use(v);
	vmcs_write(idt ? VMCS_GUEST_IDTR_BASE : VMCS_GUEST_GDTR_BASE, t->base);
	vmcs_write(idt ? VMCS_GUEST_IDTR_LIMIT : VMCS_GUEST_GDTR_LIMIT, t->limit);
	vmx_unuse();
}

/**
 * vmx_get_cr() - a control register as the guest sees it
 * @v: not running
 * @nr: 0, 2, 3, 4 or 8
 *
 * Return: its value.
 */
u64 vmx_get_cr(struct vtr_vcpu *v, int nr)
{
	u64 val;

	switch (nr) {
	case 2:
		return v->hw->cr2;
	case 4:
		return v->hw->cr4;
	case 8:
		return v->cr8;
	}
	vmx_use(v);
	val = nr ? vmcs_read(VMCS_GUEST_CR3) : vmx_cr0();
	vmx_unuse();
	return val;
}

/* EFER, and the entry control that has to agree with it. The VMCS is in use. */
static void vmx_write_efer(struct vtr_vcpu *v, u64 efer)
{
	u32 entry = vmcs_read(VMCS_ENTRY_CONTROLS);

	vmcs_write(VMCS_GUEST_EFER, efer);
	vmcs_write(VMCS_ENTRY_CONTROLS, efer & EFER_LMA ? entry | VMX_ENTRY_IA32E :
							   entry & ~VMX_ENTRY_IA32E);
	v->hw->efer = efer;
}

/* What MOV to CR0 does beside: long mode begins and ends with paging. The VMCS is in use. */
static void vmx_write_cr0(struct vtr_vcpu *v, u64 val)
{
	u64 efer = vmcs_read(VMCS_GUEST_EFER);
	bool lma = val & X86_CR0_PG && efer & EFER_LME;

	if (lma != !!(efer & EFER_LMA))
		vmx_write_efer(v, efer ^ EFER_LMA);
	v->hw->cr0 = val | X86_CR0_ET;
	vmcs_write(VMCS_CR0_SHADOW, v->hw->cr0);
	vmcs_write(VMCS_GUEST_CR0, (v->hw->cr0 | vmx_caps.cr0_fixed0) &
				   ~(u64)(X86_CR0_CD | X86_CR0_NW));
}

/* Outside of long mode PAE paging holds its top entries in registers. */
static void vmx_refresh_pdptes(struct vtr_vcpu *v)
{
	if (vmcs_read(VMCS_GUEST_CR0) & X86_CR0_PG && v->hw->cr4 & X86_CR4_PAE &&
	    !(vmcs_read(VMCS_GUEST_EFER) & EFER_LMA))
		v->hw->rare |= VMX_RARE_PDPTE;
}

/**
 * vmx_set_cr() - set a control register; checks are the caller's
 * @v: not running
 * @nr: 0, 2, 3, 4 or 8
 * @val: new value
 *
 * Deviation: the guest runs with the host's CR4.MCE whatever it asked for. A machine check with
 * CR4.MCE clear would shut the host down, and the error may be anybody's.
 */
void vmx_set_cr(struct vtr_vcpu *v, int nr, u64 val)
{
	struct vtr_backend_vcpu *hw = v->hw;

	vmx_use(v);
	switch (nr) {
	case 0:
		vmx_write_cr0(v, val);
		vmx_refresh_pdptes(v);
		vmx_flush_tlb(v);
		break;
	case 2:
		hw->cr2 = val;
		break;
	case 3:
		vmcs_write(VMCS_GUEST_CR3, val);
		vmx_refresh_pdptes(v);
		vmx_flush_tlb(v);
		break;
	case 4:
		hw->cr4 = val;
		v->fetch_cache.page = VTR_WALK_NO_PAGE;
		vmcs_write(VMCS_CR4_SHADOW, val);
		vmcs_write(VMCS_GUEST_CR4, val | vmx_caps.cr4_fixed0 |
					   (cr4_read_shadow() & X86_CR4_MCE));
		vmx_refresh_pdptes(v);
		vmx_flush_tlb(v);
		break;
	default:
		v->cr8 = val & 0xf;
		/* The local APIC's own register has four bits more. */
		if (hw->vapic[VMX_VAPIC_TPR] >> 4 != v->cr8)
			hw->vapic[VMX_VAPIC_TPR] = v->cr8 << 4;
		/* An entry wants a threshold that is not above the priority. */
		if (hw->tpr_threshold > v->cr8) {
			hw->tpr_threshold = 0;
			vmcs_write(VMCS_TPR_THRESHOLD, 0);
		}
		break;
	}
	vmx_unuse();
}

/**
 * vmx_load_pdptes() - the four top entries of PAE paging, from the guest's memory
 * @v: loaded, interrupts off, v->slots loaded
 *
 * The CPU does so itself when the guest loads CR3. Memory that is not there reads as not present.
 */
void vmx_load_pdptes(struct vtr_vcpu *v)
{
	gpa_t gpa = vmcs_read(VMCS_GUEST_CR3) & 0xffffffe0;
	hva_t hva = vtr_gpa_to_hva(v, gpa, false);
	u64 pdpte[4] = {};
	int i;

	if (hva) {
		pagefault_disable();
		if (copy_from_user(pdpte, (void __user *)hva, sizeof(pdpte)))
			memset(pdpte, 0, sizeof(pdpte));
		pagefault_enable();
	}
	for (i = 0; i < 4; i++)
		vmcs_write(VMCS_GUEST_PDPTE0 + 2 * i, pdpte[i]);
}

static const u32 vmx_msr_numbers[VMX_MSRS] = {
	[VMX_STAR] = MSR_STAR, [VMX_LSTAR] = MSR_LSTAR, [VMX_CSTAR] = MSR_CSTAR,
	[VMX_SFMASK] = MSR_SYSCALL_MASK, [VMX_KERNEL_GS] = MSR_KERNEL_GS_BASE,
};

static u64 vmx_host_msr[VMX_MSRS];

/**
 * vmx_load_syscall_msrs() - the guest's system-call MSRs into the CPU
 * @v: loading, interrupts off
 *
 * No entry or exit exchanges them, and they serve SYSCALL only: a guest that has not enabled that does without.
 */
void vmx_load_syscall_msrs(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	int i;

	for (i = 0; i < VMX_KERNEL_GS; i++)
		if (hw->msr[i] != vmx_host_msr[i])
			vmx_wrmsr(vmx_msr_numbers[i], hw->msr[i]);
}

/**
 * vmx_put_syscall_msrs() - the host's back
 * @v: loaded
 */
void vmx_put_syscall_msrs(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	int i;

	for (i = 0; i < VMX_KERNEL_GS; i++)
		if (hw->msr[i] != vmx_host_msr[i])
			vmx_wrmsr(vmx_msr_numbers[i], vmx_host_msr[i]);
}

/**
 * vmx_msrs_setup() - learn the host's system-call MSRs, which are the same on all CPUs and stay
 */
void vmx_msrs_setup(void)
{
	int i;

	for (i = 0; i < VMX_KERNEL_GS; i++)
		rdmsrl(vmx_msr_numbers[i], vmx_host_msr[i]);
}

/* The field an MSR is kept in, 0 if in none. */
static u32 vmx_msr_field(u32 msr)
{
	switch (msr) {
	case MSR_FS_BASE:
		return VMCS_GUEST_FS_BASE;
	case MSR_GS_BASE:
		return VMCS_GUEST_GS_BASE;
	case MSR_IA32_SYSENTER_CS:
		return VMCS_GUEST_SYSENTER_CS;
	case MSR_IA32_SYSENTER_ESP:
		return VMCS_GUEST_SYSENTER_ESP;
	case MSR_IA32_SYSENTER_EIP:
		return VMCS_GUEST_SYSENTER_EIP;
	case MSR_IA32_CR_PAT:
		return VMCS_GUEST_PAT;
	case MSR_EFER:
		return VMCS_GUEST_EFER;
	default:
		return 0;
	}
}

/* An MSR that is kept beside the VMCS, or NULL. */
static u64 *vmx_msr_kept(struct vtr_vcpu *v, u32 msr)
{
	int i;

	for (i = 0; i < VMX_MSRS; i++)
		if (vmx_msr_numbers[i] == msr)
			return &v->hw->msr[i];
	return msr == MSR_TSC_AUX ? &v->hw->tsc_aux : NULL;
}

/**
 * vmx_get_msr() - an MSR that lives in the hardware's state
 * @v: put
 * @msr: its number
 * @val: filled
 *
 * Return: 0, or -ENOENT for an MSR that is not kept here.
 */
int vmx_get_msr(struct vtr_vcpu *v, u32 msr, u64 *val)
{
	u32 field = vmx_msr_field(msr);
	const u64 *kept = vmx_msr_kept(v, msr);

	if (field) {
		vmx_use(v);
		*val = vmcs_read(field);
		vmx_unuse();
	} else if (kept) {
		*val = *kept;
	} else if (msr == MSR_IA32_SPEC_CTRL) {
		*val = v->hw->spec_ctrl;
	} else if (msr == MSR_IA32_DEBUGCTLMSR) {
		*val = 0;	/* no last-branch records for guests */
	} else {
		return -ENOENT;
	}
	return 0;
}

/**
 * vmx_set_msr() - set such an MSR; the value was validated
 * @v: put
 * @msr: its number
 * @val: new value
 *
 * Return: 0, or -ENOENT.
 */
int vmx_set_msr(struct vtr_vcpu *v, u32 msr, u64 val)
{
	u32 field = vmx_msr_field(msr);
	u64 *kept = vmx_msr_kept(v, msr);

	if (msr == MSR_EFER) {
		v->fetch_cache.page = VTR_WALK_NO_PAGE;
		vmx_use(v);
		vmx_write_efer(v, val);
		vmx_unuse();
		vmx_flush_tlb(v);
	} else if (field) {
		vmx_use(v);
		vmcs_write(field, val);
		vmx_unuse();
	} else if (kept) {
		*kept = val;
	} else if (msr == MSR_IA32_SPEC_CTRL) {
		v->hw->spec_ctrl = val;
		/* Once the guest uses it, it may write it without an exit. */
		if (boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL)) {
			vmx_msr_bitmap_allow(v->hw->msr_bitmap, msr);
			v->hw->spec_ctrl_open = true;
		}
	} else if (msr != MSR_IA32_DEBUGCTLMSR) {
		return -ENOENT;
	}
	return 0;
}

/* By the monitor trap, which the guest cannot see, or else by RFLAGS.TF. */
static void vmx_single_step(struct vtr_vcpu *v, bool on)
{
	if (vmx_caps.cpu_may & VMX_CPU_MONITOR_TRAP)
		vmx_control(v, VMX_CPU_MONITOR_TRAP, on);
	else if (on)
		v->hw->rare |= VMX_RARE_STEP;
	else
		v->hw->rare &= ~VMX_RARE_STEP;
}

/**
 * vmx_update_debug() - bring debug registers and single step into force
 * @v: the guest's registers are v->dr, v->dr6, v->dr7; a debugger's in v->debug_dr, debug_dr7
 *
 * The guest gets DR0..3 only while some breakpoint is enabled; until then each access exits.
 * Loaded or not: when loaded, the registers are lent at once, else by vmx_vcpu_load().
 */
void vmx_update_debug(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	bool debugger = v->guest_debug & KVM_GUESTDBG_USE_HW_BP;
	const u64 *dr = debugger ? v->debug_dr : v->dr;
	u64 dr7 = debugger ? v->debug_dr7 : v->dr7;
	u32 exceptions;

	vmx_use(v);
	vmcs_write(VMCS_GUEST_DR7, dr7);
	exceptions = vmcs_read(VMCS_EXCEPTION_BITMAP) & ~BIT(X86_TRAP_BP);
	if (v->guest_debug & KVM_GUESTDBG_USE_SW_BP)
		exceptions |= BIT(X86_TRAP_BP);
	vmcs_write(VMCS_EXCEPTION_BITMAP, exceptions);
	vmx_unuse();
	vmx_single_step(v, v->guest_debug & KVM_GUESTDBG_SINGLESTEP);
	if (!v->loaded || !(dr7 & (DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK)))
		return;
	if (!debugger) {
		vmx_lend_debug(v);
		return;
	}
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
	hw->dr_loaded = true;
}

/**
 * vmx_lend_debug() - let the guest use the debug registers itself until the vCPU is put
 * @v: loaded, no debugger uses them
 *
 * Its values go into the CPU, and accesses exit no more; vmx_take_debug() reads them back.
 */
void vmx_lend_debug(struct vtr_vcpu *v)
{
	vmx_control(v, VMX_CPU_MOV_DR, false);
	vmcs_write(VMCS_GUEST_DR7, v->dr7);
	set_debugreg(v->dr[0], 0);
	set_debugreg(v->dr[1], 1);
	set_debugreg(v->dr[2], 2);
	set_debugreg(v->dr[3], 3);
	set_debugreg(v->dr6, 6);
	v->hw->dr_lent = true;
}

/**
 * vmx_take_debug() - the debug registers come back
 * @v: loaded, vmx_lend_debug() was called
 */
void vmx_take_debug(struct vtr_vcpu *v)
{
	unsigned long val;

	v->hw->dr_lent = false;
	vmx_control(v, VMX_CPU_MOV_DR, true);
	get_debugreg(val, 0);
	v->dr[0] = val;
	get_debugreg(val, 1);
	v->dr[1] = val;
	get_debugreg(val, 2);
	v->dr[2] = val;
	get_debugreg(val, 3);
	v->dr[3] = val;
	get_debugreg(val, 6);
	v->dr6 = val;
	/* The host's #DB handler expects nothing of ours. */
	set_debugreg(DR6_RESERVED, 6);
	v->dr7 = vmcs_read(VMCS_GUEST_DR7);
}

/**
 * vmx_get_dr() - a debug register of the guest's, not of its debugger's
 * @v: by its own thread
 * @nr: 6 or 7
 *
 * Return: its value.
 */
u64 vmx_get_dr(struct vtr_vcpu *v, int nr)
{
	unsigned long dr6;

	if (nr == 7)
		return v->hw->dr_lent ? vmcs_read(VMCS_GUEST_DR7) : v->dr7;
	if (!v->hw->dr_lent)
		return v->dr6;
	get_debugreg(dr6, 6);
	return dr6;
}

/**
 * vmx_set_dr() - the same, written
 * @v: by its own thread
 * @nr: 6 or 7
 * @val: valid; breakpoints are enabled as before
 */
void vmx_set_dr(struct vtr_vcpu *v, int nr, u64 val)
{
	if (nr == 6) {
		v->dr6 = val;
		if (v->hw->dr_lent)
			set_debugreg(val, 6);
		return;
	}
	v->dr7 = val;
	if (v->guest_debug & KVM_GUESTDBG_USE_HW_BP)
		return;
	vmx_use(v);
	vmcs_write(VMCS_GUEST_DR7, val);
	vmx_unuse();
}

/**
 * vmx_set_tsc_offset() - guest TSC = host TSC + @offset
 * @v: not running
 * @offset: added modulo 2^64
 */
void vmx_set_tsc_offset(struct vtr_vcpu *v, u64 offset)
{
	vmx_use(v);
	vmcs_write(VMCS_TSC_OFFSET, offset);
	vmx_unuse();
}

/**
 * vmx_set_tsc_ratio() - the rate of the guest's TSC
 * @v: not running
 * @ratio: guest's by host's frequency, as in struct vtr_tsc_rate; the CPU's form, but for 0, the same
 */
void vmx_set_tsc_ratio(struct vtr_vcpu *v, u64 ratio)
{
	static_assert(VTR_TSC_RATIO_BITS == 48);

	vmx_use(v);
	vmcs_write(VMCS_TSC_MULTIPLIER, ratio ?: BIT_ULL(VTR_TSC_RATIO_BITS));
	vmx_unuse();
}
