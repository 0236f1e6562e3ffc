// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - what happened to VMs: numbers it, keeps the last of it, hands it to netlink.
 *
 * One mutex orders the events: their numbers, their places in the log and their delivery. It is the innermost
 * lock. A failed vCPU is described by its own thread before that (failure.c).
 */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <asm/trapnr.h>
#include "backend.h"
#include "event.h"
#include "netlink.h"
#include "vcpu.h"

static DEFINE_MUTEX(vtr_events_lock);
static struct vtr_vm_event *vtr_events;		/* event n is at n % VITRINE_EVENTS_KEPT */
static u64 vtr_last_event;
static u64 vtr_failures[VITRINE_FAILURES_KEPT];	/* ids of the last events with a description */
static u32 vtr_nr_failures;

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

/* A description is as large as ten events: fewer of them are kept. @e is in the log. */
static void vtr_event_keep_failure(const struct vtr_vm_event *e)
{
	u64 *oldest = &vtr_failures[vtr_nr_failures++ % VITRINE_FAILURES_KEPT];
	struct vtr_vm_event *was = &vtr_events[*oldest % VITRINE_EVENTS_KEPT];

	if (was->id == *oldest) {
		kfree(was->failure);
		was->failure = NULL;
	}
	*oldest = e->id;
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
	if (f)
		vtr_event_keep_failure(e);
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

/**
 * vtr_event_failed() - a vCPU cannot go on
 * @v: by its own thread, put, v->slots loaded; its registers as they were at the failure
 * @type: VITRINE_EVENT_TRIPLE_FAULT, _ENTRY_FAILURE or _INTERNAL_ERROR
 *
 * Context: may sleep. Without memory the event comes without details.
 */
void vtr_event_failed(struct vtr_vcpu *v, u32 type)
{
	struct vtr_failure *f = vtr_failure_describe(v, type);

	WRITE_ONCE(v->failed, true);
	v->unreported = true;
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
	vtr_stats_first_run(&v->stats);
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
