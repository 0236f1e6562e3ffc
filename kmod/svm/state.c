// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - registers that live in the VMCB: segments, tables, control and debug registers, MSRs.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include "svm.h"

#define SVM_ATTRIB_TYPE		0x00f
#define SVM_ATTRIB_S		BIT(4)
#define SVM_ATTRIB_DPL_SHIFT	5
#define SVM_ATTRIB_P		BIT(7)
#define SVM_ATTRIB_AVL		BIT(8)
#define SVM_ATTRIB_L		BIT(9)
#define SVM_ATTRIB_DB		BIT(10)
#define SVM_ATTRIB_G		BIT(11)

static struct vmcb_seg *svm_segment(struct vtr_vcpu *v, int seg)
{
	struct vmcb *b = v->hw->vmcb;

	switch (seg) {
	case VTR_SEG_CS:
		return &b->cs;
	case VTR_SEG_SS:
		return &b->ss;
	case VTR_SEG_DS:
		return &b->ds;
	case VTR_SEG_FS:
		return &b->fs;
	case VTR_SEG_GS:
		return &b->gs;
	case VTR_SEG_TR:
		return &b->tr;
	case VTR_SEG_LDTR:
		return &b->ldtr;
	default:
		return &b->es;
	}
}

/**
 * svm_code_state() - what a fetch or a page walk needs to know
 * @v: not running
 * @s: filled
 */
void svm_code_state(struct vtr_vcpu *v, struct vtr_code_state *s)
{
	const struct vmcb *b = v->hw->vmcb;

	s->cr0 = b->cr0;
	s->cr3 = b->cr3;
	s->cr4 = v->hw->cr4;
	s->efer = b->efer;
	s->cpl = b->cpl;
	s->cs_attrib = b->cs.attrib;
	if ((b->efer & EFER_LMA) && (b->cs.attrib & SVM_ATTRIB_L)) {
		s->bits = 64;
		s->cs_base = 0;
	} else {
		s->bits = b->cs.attrib & SVM_ATTRIB_DB ? 32 : 16;
		s->cs_base = b->cs.base;
	}
}

/**
 * svm_code_same() - does the guest execute under the state that a cached translation was made under?
 * @v: not running
 * @c: the cache, valid
 *
 * Return: true if so. Hot.
 */
bool svm_code_same(struct vtr_vcpu *v, const struct vtr_walk_cache *c)
{
	const struct vmcb *b = v->hw->vmcb;

	/* CR4 and EFER change through svm_set_cr() and svm_set_msr() only, which empty the cache. */
	return b->cr3 == c->cr3 && b->cr0 == c->cr0 && b->cs.attrib == c->cs_attrib &&
	       (c->bits == 64 || b->cs.base == c->cs_base);
}

/**
 * svm_get_segment() - a segment register in KVM's form
 * @v: not running
 * @seg: VTR_SEG_*
 * @s: filled
 */
void svm_get_segment(struct vtr_vcpu *v, int seg, struct kvm_segment *s)
{
	const struct vmcb_seg *h = svm_segment(v, seg);

	memset(s, 0, sizeof(*s));
	s->base = h->base;
	s->limit = h->limit;
	s->selector = h->selector;
	s->type = h->attrib & SVM_ATTRIB_TYPE;
	s->s = !!(h->attrib & SVM_ATTRIB_S);
	s->dpl = (h->attrib >> SVM_ATTRIB_DPL_SHIFT) & 3;
	s->present = !!(h->attrib & SVM_ATTRIB_P);
	s->avl = !!(h->attrib & SVM_ATTRIB_AVL);
	s->l = !!(h->attrib & SVM_ATTRIB_L);
	s->db = !!(h->attrib & SVM_ATTRIB_DB);
	s->g = !!(h->attrib & SVM_ATTRIB_G);
	s->unusable = !s->present;
	/* SVM keeps the privilege level apart; SS.DPL may be stale after SYSRET-like loads. */
	if (seg == VTR_SEG_SS)
		s->dpl = v->hw->vmcb->cpl;
	/* The CPU may clear the busy bit of a TR that was never loaded by LTR; it is always busy. */
	if (seg == VTR_SEG_TR)
		s->type |= 2;
}

/**
 * svm_set_segment() - load a segment register's hidden part
 * @v: not running
 * @seg: VTR_SEG_*
 * @s: the contents; SS also sets the current privilege level
 */
void svm_set_segment(struct vtr_vcpu *v, int seg, const struct kvm_segment *s)
{
	struct vmcb_seg *h = svm_segment(v, seg);

	h->base = s->base;
	h->limit = s->limit;
	h->selector = s->selector;
	h->attrib = 0;
	if (!s->unusable)
		h->attrib = (s->type & SVM_ATTRIB_TYPE) | (s->s ? SVM_ATTRIB_S : 0) |
			    (s->dpl & 3) << SVM_ATTRIB_DPL_SHIFT |
			    (s->present ? SVM_ATTRIB_P : 0) | (s->avl ? SVM_ATTRIB_AVL : 0) |
			    (s->l ? SVM_ATTRIB_L : 0) | (s->db ? SVM_ATTRIB_DB : 0) |
			    (s->g ? SVM_ATTRIB_G : 0);
	if (seg == VTR_SEG_SS)
		v->hw->vmcb->cpl = s->dpl & 3;
	svm_touch(v, VMCB_CLEAN_SEG);
}

/**
 * svm_get_table() - GDTR or IDTR
 * @v: not running
 * @idt: IDTR
 * @t: filled
 */
void svm_get_table(struct vtr_vcpu *v, bool idt, struct kvm_dtable *t)
{
	const struct vmcb_seg *h = idt ? &v->hw->vmcb->idtr : &v->hw->vmcb->gdtr;

	memset(t, 0, sizeof(*t));
	t->base = h->base;
	t->limit = h->limit;
}

/**
 * svm_set_table() - load GDTR or IDTR
 * @v: not running
 * @idt: IDTR
 * @t: the contents
 */
void svm_set_table(struct vtr_vcpu *v, bool idt, const struct kvm_dtable *t)
{
	struct vmcb_seg *h = idt ? &v->hw->vmcb->idtr : &v->hw->vmcb->gdtr;

	h->base = t->base;
	h->limit = t->limit;
	svm_touch(v, VMCB_CLEAN_DT);
}

/**
 * svm_get_cr() - a control register as the guest sees it
 * @v: not running
 * @nr: 0, 2, 3, 4 or 8
 *
 * Return: its value.
 */
u64 svm_get_cr(struct vtr_vcpu *v, int nr)
{
	const struct vmcb *b = v->hw->vmcb;

	switch (nr) {
	case 0:
		return b->cr0;
	case 2:
		return b->cr2;
	case 3:
		return b->cr3;
	case 4:
		return v->hw->cr4;
	default:
		return b->int_ctl & VMCB_V_TPR_MASK;
	}
}

/**
 * svm_set_cr() - set a control register; checks are the caller's
 * @v: not running
 * @nr: 0, 2, 3, 4 or 8
 * @val: new value
 *
 * Deviation: the guest runs with the host's CR4.MCE whatever it asked for. A machine check with
 * CR4.MCE clear would shut the host down, and the error may be anybody's.
 */
void svm_set_cr(struct vtr_vcpu *v, int nr, u64 val)
{
	struct vmcb *b = v->hw->vmcb;

	switch (nr) {
	case 0:
		b->cr0 = val | X86_CR0_ET;
		svm_touch(v, VMCB_CLEAN_CR);
		svm_flush_tlb(v);
		break;
	case 2:
		b->cr2 = val;
		svm_touch(v, VMCB_CLEAN_CR2);
		break;
	case 3:
		b->cr3 = val;
		svm_touch(v, VMCB_CLEAN_CR);
		svm_flush_tlb(v);
		break;
	case 4:
		v->hw->cr4 = val;
		v->fetch_cache.page = VTR_WALK_NO_PAGE;
		b->cr4 = val | (cr4_read_shadow() & X86_CR4_MCE);
		svm_touch(v, VMCB_CLEAN_CR);
		svm_flush_tlb(v);
		break;
	default:
		v->cr8 = val & VMCB_V_TPR_MASK;
		b->int_ctl = (b->int_ctl & ~VMCB_V_TPR_MASK) | v->cr8;
		svm_touch(v, VMCB_CLEAN_TPR);
		break;
	}
}

static u64 *svm_msr_field(struct vtr_vcpu *v, u32 msr)
{
	struct vmcb *b = v->hw->vmcb;

	switch (msr) {
	case MSR_STAR:
		return &b->star;
	case MSR_LSTAR:
		return &b->lstar;
	case MSR_CSTAR:
		return &b->cstar;
	case MSR_SYSCALL_MASK:
		return &b->sfmask;
	case MSR_KERNEL_GS_BASE:
		return &b->kernel_gs_base;
	case MSR_FS_BASE:
		return &b->fs.base;
	case MSR_GS_BASE:
		return &b->gs.base;
	case MSR_IA32_SYSENTER_CS:
		return &b->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:
		return &b->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:
		return &b->sysenter_eip;
	case MSR_IA32_CR_PAT:
		return &b->g_pat;
	case MSR_TSC_AUX:
		return &v->hw->tsc_aux;
	default:
		return NULL;
	}
}

/**
 * svm_get_msr() - an MSR that lives in the hardware's state
 * @v: not running
 * @msr: its number
 * @val: filled
 *
 * Return: 0, or -ENOENT for an MSR that is not kept here.
 */
int svm_get_msr(struct vtr_vcpu *v, u32 msr, u64 *val)
{
	u64 *field = svm_msr_field(v, msr);

	if (field)
		*val = *field;
	else if (msr == MSR_EFER)
		*val = v->hw->vmcb->efer & ~EFER_SVME;
	else if (msr == MSR_IA32_SPEC_CTRL)
		*val = svm_has_v_spec_ctrl ? v->hw->vmcb->spec_ctrl : v->hw->spec_ctrl;
	else if (msr == MSR_IA32_DEBUGCTLMSR)
		*val = 0;	/* no last-branch records for guests */
	else
		return -ENOENT;
	return 0;
}

/**
 * svm_set_msr() - set such an MSR; the value was validated
 * @v: not running; loaded or not
 * @msr: its number
 * @val: new value
 *
 * Return: 0, or -ENOENT.
 */
int svm_set_msr(struct vtr_vcpu *v, u32 msr, u64 val)
{
	u64 *field = svm_msr_field(v, msr);

	if (field) {
		*field = val;
		if (msr == MSR_IA32_CR_PAT)
			svm_touch(v, VMCB_CLEAN_NP);
		if (msr == MSR_TSC_AUX && v->loaded)
			wrmsrl(MSR_TSC_AUX, val);
	} else if (msr == MSR_EFER) {
		v->fetch_cache.page = VTR_WALK_NO_PAGE;
		v->hw->vmcb->efer = val | EFER_SVME;
		svm_touch(v, VMCB_CLEAN_CR);
		svm_flush_tlb(v);
	} else if (msr == MSR_IA32_SPEC_CTRL) {
		v->hw->spec_ctrl = val;
		v->hw->vmcb->spec_ctrl = val;
		/* Once the guest uses it, it may write it without an exit. */
		if (svm_has_v_spec_ctrl || boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL)) {
			svm_msrpm_allow(v->hw->msrpm, msr);
			v->hw->spec_ctrl_open = true;
		}
		svm_touch(v, VMCB_CLEAN_MAPS);
	} else if (msr != MSR_IA32_DEBUGCTLMSR) {
		return -ENOENT;
	}
	return 0;
}

/**
 * svm_update_debug() - bring debug registers and single step into force
 * @v: the guest's registers are v->dr, v->dr6, v->dr7; a debugger's in v->debug_dr, debug_dr7
 *
 * The guest gets DR0..3 only while some breakpoint is enabled; until then each access exits.
 * Loaded or not: when loaded, the registers are lent at once, else by svm_vcpu_load().
 */
void svm_update_debug(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	struct vmcb *b = hw->vmcb;
	bool debugger = v->guest_debug & KVM_GUESTDBG_USE_HW_BP;
	const u64 *dr = debugger ? v->debug_dr : v->dr;
	u64 dr7 = debugger ? v->debug_dr7 : v->dr7;

	b->dr7 = dr7;
	b->dr6 = v->dr6;
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		hw->rare |= SVM_RARE_STEP;
	else
		hw->rare &= ~SVM_RARE_STEP;
	if (v->guest_debug & KVM_GUESTDBG_USE_SW_BP)
		b->exceptions |= BIT(X86_TRAP_BP);
	else
		b->exceptions &= ~BIT(X86_TRAP_BP);
	svm_touch(v, VMCB_CLEAN_DR | VMCB_CLEAN_INTERCEPTS);
	if (!v->loaded || !(dr7 & (DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK)))
		return;
	if (!debugger) {
		svm_lend_debug(v);
		return;
	}
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
	hw->dr_loaded = true;
}

/**
 * svm_lend_debug() - let the guest use the debug registers itself until the vCPU is put
 * @v: loaded, no debugger uses them
 *
 * Its values go into the CPU, and accesses exit no more; svm_take_debug() reads them back.
 */
void svm_lend_debug(struct vtr_vcpu *v)
{
	struct vmcb *b = v->hw->vmcb;

	b->dr_read = 0;
	b->dr_write = 0;
	b->dr6 = v->dr6;
	b->dr7 = v->dr7;
	svm_touch(v, VMCB_CLEAN_DR | VMCB_CLEAN_INTERCEPTS);
	set_debugreg(v->dr[0], 0);
	set_debugreg(v->dr[1], 1);
	set_debugreg(v->dr[2], 2);
	set_debugreg(v->dr[3], 3);
	v->hw->dr_lent = true;
}

/**
 * svm_take_debug() - the debug registers come back
 * @v: loaded, svm_lend_debug() was called
 */
void svm_take_debug(struct vtr_vcpu *v)
{
	struct vmcb *b = v->hw->vmcb;
	unsigned long val;

	v->hw->dr_lent = false;
	b->dr_read = 0xffff;
	b->dr_write = 0xffff;
	svm_touch(v, VMCB_CLEAN_INTERCEPTS);
	get_debugreg(val, 0);
	v->dr[0] = val;
	get_debugreg(val, 1);
	v->dr[1] = val;
	get_debugreg(val, 2);
	v->dr[2] = val;
	get_debugreg(val, 3);
	v->dr[3] = val;
	v->dr6 = b->dr6;
	v->dr7 = b->dr7;
}

/**
 * svm_get_dr() - a debug register of the guest's, not of its debugger's
 * @v: by its own thread
 * @nr: 6 or 7
 *
 * Return: its value.
 */
u64 svm_get_dr(struct vtr_vcpu *v, int nr)
{
	const struct vmcb *b = v->hw->vmcb;

	if (nr == 7)
		return v->hw->dr_lent ? b->dr7 : v->dr7;
	return v->hw->dr_lent ? b->dr6 : v->dr6;
}

/**
 * svm_set_dr() - the same, written
 * @v: by its own thread
 * @nr: 6 or 7
 * @val: valid; breakpoints are enabled as before
 */
void svm_set_dr(struct vtr_vcpu *v, int nr, u64 val)
{
	struct vmcb *b = v->hw->vmcb;

	if (nr == 6) {
		v->dr6 = val;
		b->dr6 = val;
	} else {
		v->dr7 = val;
		if (!(v->guest_debug & KVM_GUESTDBG_USE_HW_BP))
			b->dr7 = val;
	}
	svm_touch(v, VMCB_CLEAN_DR);
}

/**
 * svm_set_tsc_offset() - guest TSC = host TSC + @offset
 * @v: not running
 * @offset: added modulo 2^64
 */
void svm_set_tsc_offset(struct vtr_vcpu *v, u64 offset)
{
	v->hw->vmcb->tsc_offset = offset;
	svm_touch(v, VMCB_CLEAN_INTERCEPTS);
}

/**
 * svm_set_tsc_ratio() - the rate of the guest's TSC
 * @v: not running
 * @ratio: guest's by host's frequency, as in struct vtr_tsc_rate
 */
void svm_set_tsc_ratio(struct vtr_vcpu *v, u64 ratio)
{
	u64 own = ratio >> (VTR_TSC_RATIO_BITS - SVM_TSC_RATIO_FRACTION);

	v->hw->tsc_ratio = ratio ? own : SVM_TSC_RATIO_ONE;
}
