// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - what happened to VMs: numbers it, keeps the last of it, hands it to netlink.
 *
 * One mutex orders the events: their numbers, their places in the log and their delivery. It is the innermost
 * lock. A failed vCPU is described by its own thread before that.
 */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <asm/msr-index.h>
#include <asm/trapnr.h>
#include "backend.h"
#include "event.h"
#include "netlink.h"
#include "vcpu.h"

static DEFINE_MUTEX(vtr_events_lock);
static struct vtr_vm_event *vtr_events;		/* event n is at n % VITRINE_EVENTS_KEPT */
static u64 vtr_last_event;

/**
 * vtr_event_init() - the log
 *
 * Return: 0 or -ENOMEM.
 */
int vtr_event_init(void)
{
	vtr_events = kvcalloc(VITRINE_EVENTS_KEPT, sizeof(*vtr_events), GFP_KERNEL);
	return vtr_events ? 0 : -ENOMEM;
}

static void vtr_event_forget(struct vtr_vm_event *e)
{
	put_pid(e->pid);
	kfree(e->failure);
}

/**
 * vtr_event_fini() - free the log; no VM is left
 */
void vtr_event_fini(void)
{
	u32 i;

	for (i = 0; i < VITRINE_EVENTS_KEPT; i++)
		vtr_event_forget(&vtr_events[i]);
	kvfree(vtr_events);
}

/**
 * vtr_event_lock() - keep the log as it is
 */
void vtr_event_lock(void)
{
	mutex_lock(&vtr_events_lock);
}

/**
 * vtr_event_unlock() - let it go on
 */
void vtr_event_unlock(void)
{
	mutex_unlock(&vtr_events_lock);
}

/**
 * vtr_event_last() - the number of the newest event
 *
 * Return: 0 before the first. Context: any; exact under vtr_event_lock().
 */
u64 vtr_event_last(void)
{
	return READ_ONCE(vtr_last_event);
}

/**
 * vtr_event_after() - the oldest event kept whose number is greater
 * @id: a number
 *
 * Return: the event, or NULL. Context: between vtr_event_lock() and _unlock().
 */
const struct vtr_vm_event *vtr_event_after(u64 id)
{
	lockdep_assert_held(&vtr_events_lock);
	if (id >= vtr_last_event)
		return NULL;
	if (vtr_last_event > VITRINE_EVENTS_KEPT)
		id = max(id, vtr_last_event - VITRINE_EVENTS_KEPT);
	return &vtr_events[(id + 1) % VITRINE_EVENTS_KEPT];
}

static void vtr_event_emit(struct vtr_vm *vm, u32 type, const char *note, struct vtr_failure *f)
{
	const struct vtr_ident *id = &vm->ident;
	struct vtr_vm_event *e;

	mutex_lock(&vtr_events_lock);
	e = &vtr_events[(vtr_last_event + 1) % VITRINE_EVENTS_KEPT];
	vtr_event_forget(e);
	*e = (struct vtr_vm_event) {
		.id = vtr_last_event + 1, .time = ktime_get_real_ns(), .type = type,
		.vm_id = vm->vm_id, .parent = id->parent, .uid = id->uid, .net = id->net,
		.pid = get_pid(id->pid), .failure = f,
	};
	strscpy(e->name, id->name, sizeof(e->name));
	if (note)
		strscpy(e->note, note, sizeof(e->note));
	WRITE_ONCE(vtr_last_event, e->id);
	vtr_netlink_event(e);
	mutex_unlock(&vtr_events_lock);
}

/**
 * vtr_vm_event() - something happened to a VM
 * @vm: listed; vtr_vms_lock held, so that its name stays
 * @type: enum vitrine_event_type
 * @note: text of at most VITRINE_NAME_SIZE - 1 bytes, or NULL
 *
 * Context: may sleep.
 */
void vtr_vm_event(struct vtr_vm *vm, u32 type, const char *note)
{
	lockdep_assert_held(&vtr_vms_lock);
	vtr_event_emit(vm, type, note, NULL);
}

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

/**
 * vtr_event_failed() - a vCPU cannot go on
 * @v: by its own thread, put, v->slots loaded; its registers as they were at the failure
 * @type: VITRINE_EVENT_TRIPLE_FAULT, _ENTRY_FAILURE or _INTERNAL_ERROR
 *
 * Context: may sleep. Without memory the event comes without details.
 */
void vtr_event_failed(struct vtr_vcpu *v, u32 type)
{
	struct vtr_failure *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	WRITE_ONCE(v->failed, true);
	v->unreported = true;
	if (f) {
		f->vcpu = v->id;
		f->has_suberror = type == VITRINE_EVENT_INTERNAL_ERROR;
		f->suberror = f->has_suberror ? v->run->internal.suberror : 0;
		vtr_hw(last_exit)(v, &f->hw);
		vtr_failure_regs(v, f->regs);
		vtr_failure_faults(&v->faults, f);
		vtr_failure_code(v, f);
		if (type == VITRINE_EVENT_ENTRY_FAILURE)
			strscpy(f->text, v->why, sizeof(f->text));
	}
	mutex_lock(&vtr_vms_lock);
	vtr_event_emit(v->vm, type, NULL, f);
	mutex_unlock(&vtr_vms_lock);
}

/**
 * vtr_event_runs() - a vCPU runs for the first time, or again after it failed
 * @v: by its own thread; v->unreported was set
 *
 * Context: may sleep.
 */
void vtr_event_runs(struct vtr_vcpu *v)
{
	v->unreported = false;
	WRITE_ONCE(v->failed, false);
	if (READ_ONCE(v->vm->started))
		return;
	mutex_lock(&vtr_vms_lock);
	if (!v->vm->started) {
		WRITE_ONCE(v->vm->started, true);
		vtr_event_emit(v->vm, VITRINE_EVENT_STARTED, NULL, NULL);
	}
	mutex_unlock(&vtr_vms_lock);
}

/**
 * vtr_fault_note() - remember the exception in v->exc
 * @v: by its own thread
 * @source: enum vitrine_fault_source
 *
 * Context: any, loaded or put.
 */
void vtr_fault_note(struct vtr_vcpu *v, u8 source)
{
	const struct vtr_event *x = &v->exc;
	/* A page fault's address is in CR2 from the moment its delivery begins. */
	bool in_cr2 = source == VITRINE_FAULT_INTERRUPTED;

	v->faults.fault[v->faults.nr++ % VTR_FAULTS_KEPT] = (struct vtr_guest_fault) {
		.tsc = vtr_stats_clock(), .rip = v->rip, .vector = x->vector,
		.has_error = x->has_error, .error = x->error, .source = source,
		.has_address = x->vector == X86_TRAP_PF && (in_cr2 || x->has_payload),
		.address = in_cr2 ? vtr_hw(get_cr)(v, 2) : x->payload,
	};
}
