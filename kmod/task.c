// SPDX-License-Identifier: GPL-2.0-only
/*
 * task.c - hardware task switches: the guest's state to task_switch.c, which does what the CPU
 * would, and back. SVM switches tasks without our help, VMX does not.
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "backend.h"
#include "guestmem.h"
#include "task_switch.h"
#include "vcpu.h"

#define SAME_NUMBER(name) static_assert(!((int)VTR_TASK_##name - (int)VTR_SEG_##name))
SAME_NUMBER(ES);
SAME_NUMBER(CS);
SAME_NUMBER(SS);
SAME_NUMBER(DS);
SAME_NUMBER(FS);
SAME_NUMBER(GS);
SAME_NUMBER(TR);
SAME_NUMBER(LDTR);

#define DR7_LOCAL	0x155	/* L0 to L3 and LE: gone with the task that set them */

/* What a switch is about, and who switches. */
struct task {
	struct vtr_vcpu *v;
	struct vtr_task_switch t;
};

/* One page's part of a range. 0; -EFAULT: a page fault is in the result; -ENOENT: no memory. */
static int task_translate(struct task *task, u32 addr, u32 access, gpa_t *gpa)
{
	struct vtr_walk w;
	int err = vtr_walk_linear(task->v, addr, access, &w);

	*gpa = w.gpa;
	if (err != -EFAULT)
		return err;
	task->t.vector = X86_TRAP_PF;
	task->t.error = w.error;
	task->t.address = addr;
	return -EFAULT;
}

static u32 task_part(u32 addr, u32 len)
{
	return min_t(u32, len, PAGE_SIZE - offset_in_page(addr));
}

static int task_read(void *ctx, u32 addr, void *buf, u32 len)
{
	struct task *task = ctx;
	gpa_t gpa;
	u32 n;
	int err;

	for (; len; addr += n, buf += n, len -= n) {
		n = task_part(addr, len);
		err = task_translate(task, addr, 0, &gpa);
		if (err)
			return err;
		if (vtr_gpa_read(task->v, gpa, buf, n))
			return -ENOENT;
	}
	return 0;
}

static int task_write(void *ctx, u32 addr, const void *buf, u32 len)
{
	struct task *task = ctx;
	gpa_t gpa[2];
	u32 n = task_part(addr, len);
	int err = task_translate(task, addr, VTR_WALK_WRITE, &gpa[0]);

	/* All of it or nothing: a TSS's dynamic part lies in two pages at most. */
	if (!err && n < len)
		err = task_translate(task, addr + n, VTR_WALK_WRITE, &gpa[1]);
	if (err)
		return err;
	if (vtr_gpa_write(task->v, gpa[0], buf, n) ||
	    (n < len && vtr_gpa_write(task->v, gpa[1], buf + n, len - n)))
		return -ENOENT;
	return 0;
}

static void task_load_cr3(void *ctx, u32 cr3)
{
	struct task *task = ctx;

	vtr_hw(set_cr)(task->v, 3, cr3);
}

static void task_get_segment(struct vtr_vcpu *v, int nr, struct vtr_task_segment *out)
{
	struct kvm_segment s;

	vtr_hw(get_segment)(v, nr, &s);
	out->base = s.base;
	out->limit = s.limit;
	out->selector = s.selector;
	out->attrib = s.unusable ? 0 : (s.type & VTR_TASK_TYPE) | (s.s ? VTR_TASK_S : 0) |
			(s.present ? VTR_TASK_P : 0);
}

static void task_set_segment(struct vtr_vcpu *v, int nr, const struct vtr_task_segment *in)
{
	struct kvm_segment s = {
		.base = in->base, .limit = in->limit, .selector = in->selector,
		.type = in->attrib & VTR_TASK_TYPE, .s = !!(in->attrib & VTR_TASK_S),
		.dpl = in->attrib >> VTR_TASK_DPL_SHIFT & 3, .present = !!(in->attrib & VTR_TASK_P),
		.avl = !!(in->attrib & VTR_TASK_AVL), .db = !!(in->attrib & VTR_TASK_DB),
		.g = !!(in->attrib & VTR_TASK_G), .unusable = !(in->attrib & VTR_TASK_P),
	};

	vtr_hw(set_segment)(v, nr, &s);
}

static void task_gather(struct task *task, const struct vtr_exit *e)
{
	struct vtr_task_switch *t = &task->t;
	struct vtr_vcpu *v = task->v;
	struct kvm_dtable gdt;
	int i;

	t->selector = e->task.selector;
	t->source = e->task.source;
	t->external = !e->task.insn;
	t->has_error = t->external && v->exc.pending && v->exc.injected && v->exc.has_error;
	t->error_code = v->exc.error;
	for (i = 0; i < ARRAY_SIZE(t->regs); i++)
		t->regs[i] = v->regs[i];
	t->eip = v->rip + (e->task.insn ? e->insn_len : 0);
	t->eflags = v->rflags;
	t->cr3 = vtr_hw(get_cr)(v, 3);
	t->paging = vtr_hw(get_cr)(v, 0) & X86_CR0_PG;
	for (i = 0; i < VTR_TASK_SEGMENTS; i++)
		task_get_segment(v, i, &t->seg[i]);
	vtr_hw(get_table)(v, false, &gdt);
	t->gdt_base = gdt.base;
	t->gdt_limit = gdt.limit;
	t->read = task_read;
	t->write = task_write;
	t->load_cr3 = task_load_cr3;
	t->ctx = task;
}

/* What brought the guest to a task gate has been delivered by the switch. */
static void task_event_done(struct vtr_vcpu *v, const struct vtr_task_switch *t)
{
	if (t->source == VTR_TASK_IRET)
		v->nmi_masked = false;
	if (!t->external)
		return;
	if (v->nmi_injected)
		v->nmi_masked = true;
	v->nmi_injected = false;
	v->irq_injected = -1;
	v->exc.pending = false;
	v->exc.injected = false;
}

static void task_apply(struct vtr_vcpu *v, const struct vtr_task_switch *t)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(t->regs); i++)
		v->regs[i] = t->regs[i];
	v->rip = t->eip;
	v->rflags = t->eflags;
	for (i = 0; i < VTR_TASK_SEGMENTS; i++)
		task_set_segment(v, i, &t->seg[i]);
	vtr_hw(set_cr)(v, 0, vtr_hw(get_cr)(v, 0) | X86_CR0_TS);
	v->dr7 &= ~(u64)DR7_LOCAL;
	vtr_hw(update_debug)(v);
	v->shadow = false;
	vtr_hw(set_shadow)(v, 0);
	task_event_done(v, t);
}

/* The new task's: its own first, then a debug trap that it asks for. */
static void task_raise(struct vtr_vcpu *v, const struct vtr_task_switch *t)
{
	if (t->vector == X86_TRAP_PF) {
		vtr_queue_pf(v, t->address, t->error);
	} else if (t->vector >= 0) {
		vtr_queue_exception(v, t->vector, true, t->error);
	} else if (t->trap) {
		vtr_queue_exception(v, X86_TRAP_DB, false, 0);
		v->exc.payload = VTR_DR6_BT;
		v->exc.has_payload = true;
	}
}

/**
 * vtr_task_slow() - the guest switches tasks
 * @v: by its own thread, put, v->slots loaded
 * @e: the exit; what brought the guest to a task gate is in v->exc, irq_injected, nmi_injected
 *
 * Return: what the run loop does next.
 */
enum vtr_act vtr_task_slow(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	struct task task = { .v = v };

	task_gather(&task, e);
	if (vtr_task_switch(&task.t))
		return vtr_exit_internal(v, KVM_INTERNAL_ERROR_EMULATION);
	if (task.t.switched) {
		task_apply(v, &task.t);
		if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP) {
			v->step_done = true;
			vtr_request_set(v, VTR_REQ_EXIT);
		}
	}
	task_raise(v, &task.t);
	vtr_request_set(v, VTR_REQ_EVENT);
	return VTR_ACT_RESUME;
}
