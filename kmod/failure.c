// SPDX-License-Identifier: GPL-2.0-only
/*
 * failure.c - a vCPU that cannot go on, described while its guest's memory is still there: registers, the last
 * exceptions, code, and what delivering an exception needs: descriptor tables, and the page-table walks to them and
 * to the stacks. What follows from it is for user space to find.
 *
 * All of it is read as the guest left it, so nothing of it is believed: what cannot be read is absent.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include "backend.h"
#include "event.h"
#include "msr_rules.h"
#include "vcpu.h"

#define VTR_GATE_DF	8	/* the double fault's */
#define VTR_TSS_SP0	4	/* ESP0 or RSP0: SDM 3A "Task-State Segment (TSS)", "TSS in 64-bit Mode" */
#define VTR_TSS_IST1	36

/* The order of KVM's and the CPU's register numbers is that of VITRINE_A_REGS_RAX and the next. */
static void vtr_failure_regs(struct vtr_vcpu *v, u64 *r)
{
	static const u8 crs[] = { 0, 2, 3, 4 };
	static const struct { u8 seg, reg; } segs[] = {
		{ VTR_SEG_CS, VITRINE_A_REGS_CS }, { VTR_SEG_SS, VITRINE_A_REGS_SS },
		{ VTR_SEG_TR, VITRINE_A_REGS_TR },
	};
	struct kvm_dtable table;
	struct kvm_segment s;
	int i;

	for (i = 0; i < 16; i++)
		r[VITRINE_A_REGS_RAX + i] = v->regs[i];
	r[VITRINE_A_REGS_RIP] = v->rip;
	r[VITRINE_A_REGS_RFLAGS] = v->rflags;
	for (i = 0; i < ARRAY_SIZE(crs); i++)
		r[VITRINE_A_REGS_CR0 + i] = vtr_hw(get_cr)(v, crs[i]);
	vtr_hw_get_msr(v, MSR_EFER, &r[VITRINE_A_REGS_EFER]);
	for (i = 0; i < ARRAY_SIZE(segs); i++) {
		vtr_hw(get_segment)(v, segs[i].seg, &s);
		r[segs[i].reg] = s.selector |
			(u32)(s.type | s.s << 4 | s.dpl << 5 | s.present << 7 | s.avl << 12 |
			      s.l << 13 | s.db << 14 | s.g << 15) << 16;
		r[segs[i].reg + 1] = s.base;
	}
	for (i = 0; i < 2; i++) {
		vtr_hw(get_table)(v, i, &table);
		r[VITRINE_A_REGS_GDT_BASE + 2 * i] = table.base;
		r[VITRINE_A_REGS_GDT_LIMIT + 2 * i] = table.limit;
	}
}

/* As vtr_fetch_slow(), but the guest hears nothing of a page that is not there. */
static void vtr_failure_code(struct vtr_vcpu *v, struct vtr_failure *f)
{
	gva_t addr = f->regs[VITRINE_A_REGS_RIP];
	struct vtr_code_state s;
	u32 error, n;
	gpa_t gpa;

	vtr_hw(code_state)(v, &s);
	addr += s.cs_base;
	if (s.bits != 64)
		addr = (u32)addr;
	n = min_t(u32, sizeof(f->code), PAGE_SIZE - offset_in_page(addr));
	if (!vtr_translate_linear(v, addr, VTR_WALK_FETCH, &gpa, &error) &&
	    !vtr_gpa_read(v, gpa, f->code, n))
		f->code_len = n;
}

static void vtr_failure_faults(const struct vtr_fault_log *log, struct vtr_failure *f)
{
	u32 i;

	f->nr_faults = min_t(u32, log->nr, VTR_FAULTS_KEPT);
	for (i = 0; i < f->nr_faults; i++)
		f->faults[i] = log->fault[(log->nr - f->nr_faults + i) % VTR_FAULTS_KEPT];
}

/* No tables are walked for an address that cannot be formed. */
static bool vtr_failure_canonical(const struct vtr_failure *f, gva_t addr)
{
	return vtr_canonical(addr, f->regs[VITRINE_A_REGS_CR4] & X86_CR4_LA57 ? 57 : 48);
}

static void vtr_failure_walk(struct vtr_vcpu *v, struct vtr_failure *f, u32 of, gva_t addr, u32 access)
{
	struct vtr_failure_walk *r;
	struct vtr_walk w;
	u32 i;

	if (f->nr_walks == VTR_FAILURE_WALKS || !vtr_failure_canonical(f, addr))
		return;
	r = &f->walks[f->nr_walks++];
	r->of = of;
	r->address = addr;
	r->err = vtr_walk_linear(v, addr, access, &w);
	r->gpa = w.gpa;
	r->error = w.error;
	r->nr = w.nr;
	for (i = 0; i < w.nr; i++) {
		r->entry[i][0] = w.where[i];
		r->entry[i][1] = w.entry[i];
	}
}

/* As the CPU reads its tables; returns the bytes that could be read. */
static u32 vtr_failure_read(struct vtr_vcpu *v, const struct vtr_failure *f, gva_t addr, void *buf, u32 len)
{
	u32 done, n;

	for (done = 0; done < len; done += n) {
		struct vtr_walk w;

		n = min_t(u32, len - done, PAGE_SIZE - offset_in_page(addr + done));
		if (!vtr_failure_canonical(f, addr + done) ||
		    vtr_walk_linear(v, addr + done, 0, &w) ||
		    vtr_gpa_read(v, w.gpa, buf + done, n))
			break;
	}
	return done;
}

/* A stack pointer out of the TSS, 0 if there is none. */
static u64 vtr_failure_tss(struct vtr_vcpu *v, const struct vtr_failure *f, u32 offset, bool wide)
{
	u64 sp = 0;
	u32 n = wide ? 8 : 4;

	return vtr_failure_read(v, f, f->regs[VITRINE_A_REGS_TR_BASE] + offset, &sp, n) == n ? sp : 0;
}

/* The first word that is pushed: SDM 3A "64-Bit Mode Stack Frame" for the alignment. */
static gva_t vtr_failure_pushed(u64 sp, bool wide)
{
	return wide ? (sp & ~0xfULL) - 8 : (u32)(sp - 2);
}

static void vtr_failure_stacks(struct vtr_vcpu *v, struct vtr_failure *f, u8 cpl, bool wide)
{
	u64 sp = f->regs[VITRINE_A_REGS_RSP] + (wide ? 0 : f->regs[VITRINE_A_REGS_SS_BASE]);
	u32 ist = 0;

	if (cpl)
		sp = vtr_failure_tss(v, f, VTR_TSS_SP0, wide);
	if (sp)
		vtr_failure_walk(v, f, VITRINE_WALK_STACK, vtr_failure_pushed(sp, wide), VTR_WALK_WRITE);
	if (wide && f->idt_len >= (VTR_GATE_DF + 1) * 16)
		ist = f->idt[VTR_GATE_DF * 16 + 4] & 7;
	sp = ist ? vtr_failure_tss(v, f, VTR_TSS_IST1 + (ist - 1) * 8, true) : 0;
	if (sp)
		vtr_failure_walk(v, f, VITRINE_WALK_DF_STACK, vtr_failure_pushed(sp, true), VTR_WALK_WRITE);
}

/* Everything that the delivery of an exception touches. */
static void vtr_failure_tables(struct vtr_vcpu *v, struct vtr_failure *f)
{
	const u64 *r = f->regs;
	bool wide = r[VITRINE_A_REGS_EFER] & EFER_LMA, protected = r[VITRINE_A_REGS_CR0] & X86_CR0_PE;
	u64 idt_bytes = r[VITRINE_A_REGS_IDT_LIMIT] + 1, gdt_bytes = r[VITRINE_A_REGS_GDT_LIMIT] + 1;
	u32 gate = wide ? 16 : protected ? 8 : 4;
	u64 df = (u64)VTR_GATE_DF * gate;
	struct vtr_code_state s;

	vtr_hw(code_state)(v, &s);
	f->idt_len = vtr_failure_read(v, f, r[VITRINE_A_REGS_IDT_BASE], f->idt,
				      min_t(u64, idt_bytes, 32 * gate));
	vtr_failure_walk(v, f, VITRINE_WALK_CODE, s.cs_base + r[VITRINE_A_REGS_RIP],
			 VTR_WALK_FETCH | (s.cpl == 3 ? VTR_WALK_USER : 0));
	vtr_failure_walk(v, f, VITRINE_WALK_CR2, r[VITRINE_A_REGS_CR2], 0);
	vtr_failure_walk(v, f, VITRINE_WALK_IDT, r[VITRINE_A_REGS_IDT_BASE] + (df < idt_bytes ? df : 0), 0);
	if (!protected)
		return;
	f->gdt_len = vtr_failure_read(v, f, r[VITRINE_A_REGS_GDT_BASE], f->gdt,
				      min_t(u64, gdt_bytes, VTR_FAILURE_GDT));
	vtr_failure_walk(v, f, VITRINE_WALK_GDT, r[VITRINE_A_REGS_GDT_BASE], 0);
	vtr_failure_walk(v, f, VITRINE_WALK_TSS, r[VITRINE_A_REGS_TR_BASE], 0);
	vtr_failure_stacks(v, f, s.cpl, wide);
}

/**
 * vtr_failure_describe() - how a vCPU was when it failed
 * @v: by its own thread, put, v->slots loaded; its registers as they were at the failure
 * @type: enum vitrine_event_type
 *
 * Context: may sleep.
 * Return: the description, to be freed by kfree(), or NULL without memory.
 */
struct vtr_failure *vtr_failure_describe(struct vtr_vcpu *v, u32 type)
{
	struct vtr_failure *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return NULL;
	f->vcpu = v->id;
	f->has_suberror = type == VITRINE_EVENT_INTERNAL_ERROR;
	f->suberror = f->has_suberror ? v->run->internal.suberror : 0;
	vtr_hw(last_exit)(v, &f->hw);
	vtr_failure_regs(v, f->regs);
	vtr_failure_faults(&v->faults, f);
	vtr_failure_code(v, f);
	vtr_failure_tables(v, f);
	if (type == VITRINE_EVENT_ENTRY_FAILURE)
		strscpy(f->text, v->why, sizeof(f->text));
	return f;
}
