// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry.c - every VM by its id; its owner, name and parent; pausing it from outside.
 *
 * A VM is listed from the end of its creation to the beginning of its destruction. Who holds vtr_vms_lock may use
 * what it finds there: destruction waits. Ids only grow, so a walk in their order that is continued after a pause
 * neither misses nor meets twice a VM that was there all the time.
 */
#include <linux/cred.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include "event.h"
#include "vcpu.h"

DEFINE_MUTEX(vtr_vms_lock);

static DEFINE_XARRAY(vtr_vms);		/* under vtr_vms_lock */
static bool vtr_vms_stopped;		/* under vtr_vms_lock */

/**
 * vtr_registry_add() - list a new VM, which belongs to the caller from now on
 * @vm: complete; vm->vm_id set
 *
 * Return: 0, -ENOMEM, or -ENODEV once vtr_registry_stop() was called. Context: the creating process; may sleep.
 */
int vtr_registry_add(struct vtr_vm *vm)
{
	struct vtr_ident *id = &vm->ident;
	int err;

	id->uid = current_euid();
	id->net = current->nsproxy->net_ns->net_cookie;
	id->created = ktime_get_real_ns();
	get_task_comm(id->comm, current);
	id->pid = get_pid(task_tgid(current));
	mutex_lock(&vtr_vms_lock);
	err = vtr_vms_stopped ? -ENODEV : xa_insert(&vtr_vms, vm->vm_id, vm, GFP_KERNEL_ACCOUNT);
	if (!err)
		vtr_vm_event(vm, VITRINE_EVENT_CREATED, NULL);
	mutex_unlock(&vtr_vms_lock);
	if (err)
		vtr_ident_fini(id);
	return err;
}

/**
 * vtr_registry_remove() - the VM goes: nobody finds it any more
 * @vm: listed
 *
 * Context: may sleep.
 */
void vtr_registry_remove(struct vtr_vm *vm)
{
	mutex_lock(&vtr_vms_lock);
	xa_erase(&vtr_vms, vm->vm_id);
	vtr_trace_vm_gone(vm);
	vtr_vm_event(vm, VITRINE_EVENT_DESTROYED, NULL);
	mutex_unlock(&vtr_vms_lock);
}

/**
 * vtr_registry_stop() - from now on no vCPU enters its guest, and no VM comes
 *
 * Every VM is dead: KVM_RUN ends with -EIO. A vCPU that looked at its requests before they were set may be on its
 * way into the guest still, until its CPU has taken an interrupt.
 * Context: may sleep; does not wait for the vCPUs.
 */
void vtr_registry_stop(void)
{
	struct vtr_vm *vm;
	struct vtr_vcpu *v;
	unsigned long id;
	u32 i;

	mutex_lock(&vtr_vms_lock);
	vtr_vms_stopped = true;
	xa_for_each(&vtr_vms, id, vm) {
		WRITE_ONCE(vm->dead, true);
		smp_mb();	/* a vCPU that is added from here on finds its VM dead */
		vtr_for_each_vcpu(i, v, vm)
			vtr_vcpu_request(v, VTR_REQ_EXIT);
	}
	mutex_unlock(&vtr_vms_lock);
}

/**
 * vtr_ident_fini() - drop what an identity holds
 * @id: not listed
 */
void vtr_ident_fini(struct vtr_ident *id)
{
	put_pid(id->pid);
}

/**
 * vtr_registry_next() - the first VM from an id on
 * @id: lowest
 *
 * Return: the VM, or NULL. Context: vtr_vms_lock held.
 */
struct vtr_vm *vtr_registry_next(u32 id)
{
	unsigned long at = id;

	lockdep_assert_held(&vtr_vms_lock);
	return xa_find(&vtr_vms, &at, U32_MAX, XA_PRESENT);
}

/**
 * vtr_registry_find() - the VM with this id, if the caller may know of it
 * @id: its id
 * @who: the caller
 *
 * Return: the VM, or NULL. Context: vtr_vms_lock held.
 */
struct vtr_vm *vtr_registry_find(u32 id, const struct vtr_viewer *who)
{
	struct vtr_vm *vm = xa_load(&vtr_vms, id);

	lockdep_assert_held(&vtr_vms_lock);
	return vm && vtr_viewer_sees(who, vm->ident.uid, vm->ident.net) ? vm : NULL;
}

/**
 * vtr_viewer_sees() - the one rule of who may see and touch what
 * @who: asks
 * @uid: a VM's owner
 * @net: cookie of the network namespace it was created in
 *
 * Return: true if so.
 */
bool vtr_viewer_sees(const struct vtr_viewer *who, kuid_t uid, u64 net)
{
	return (who->initial || who->net == net) && (who->all || uid_eq(who->uid, uid));
}

/**
 * vtr_vm_state() - what a VM is doing
 * @vm: vtr_vms_lock held
 *
 * Return: enum vitrine_vm_state.
 */
u32 vtr_vm_state(struct vtr_vm *vm)
{
	struct vtr_vcpu *v;
	u32 i;

	vtr_for_each_vcpu(i, v, vm)
		if (READ_ONCE(v->failed))
			return VITRINE_VM_FAILED;
	if (READ_ONCE(vm->paused) || READ_ONCE(vm->held))
		return VITRINE_VM_PAUSED;
	return READ_ONCE(vm->started) ? VITRINE_VM_RUNNING : VITRINE_VM_CREATED;
}

/**
 * vtr_vm_pause() - keep a VM's vCPUs out of the guest, or let them in again
 * @vm: the VM; vtr_vms_lock held
 * @on: which
 *
 * A vCPU that finds the request waits until @vm is paused no more (run.c). vm->lock is not taken: its holder may
 * wait for the VM's own process, and everybody waits for vtr_vms_lock.
 * Does nothing if it is so already. Context: may sleep; does not wait for the vCPUs.
 */
void vtr_vm_pause(struct vtr_vm *vm, bool on)
{
	struct vtr_vcpu *v;
	u32 i;

	if (vm->paused == on)
		return;
	WRITE_ONCE(vm->paused, on);
	smp_mb();	/* pairs with the one in vtr_vcpu_create() */
	vtr_for_each_vcpu(i, v, vm) {
		if (on)
			vtr_vcpu_request(v, VTR_REQ_PAUSE);
		else
			rcuwait_wake_up(&v->wait);
	}
	vtr_vm_event(vm, on ? VITRINE_EVENT_PAUSED : VITRINE_EVENT_RESUMED, NULL);
}

/* Printable and ended within its room? */
static bool vtr_name_good(const char *name, bool may_be_empty)
{
	size_t i, n = strnlen(name, VITRINE_NAME_SIZE);

	if (n == VITRINE_NAME_SIZE || (!n && !may_be_empty))
		return false;
	for (i = 0; i < n; i++)
		if (name[i] < ' ' || name[i] > '~')
			return false;
	return true;
}

static long vtr_vm_set_name(struct vtr_vm *vm, const struct vitrine_vm_name __user *user)
{
	struct vitrine_vm_name n;

	if (copy_from_user(&n, user, sizeof(n)))
		return -EFAULT;
	if (!vtr_name_good(n.name, false))
		return -EINVAL;
	mutex_lock(&vtr_vms_lock);
	strscpy(vm->ident.name, n.name, sizeof(vm->ident.name));
	vtr_vm_event(vm, VITRINE_EVENT_NAMED, NULL);
	mutex_unlock(&vtr_vms_lock);
	return 0;
}

static long vtr_vm_forked(struct vtr_vm *vm, u32 parent)
{
	struct vtr_viewer who = { .uid = vm->ident.uid, .net = vm->ident.net };
	long ret = -ENOENT;

	mutex_lock(&vtr_vms_lock);
	if (parent != vm->vm_id && vtr_registry_find(parent, &who)) {
		vm->ident.parent = parent;
		vtr_vm_event(vm, VITRINE_EVENT_FORKED, NULL);
		ret = 0;
	}
	mutex_unlock(&vtr_vms_lock);
	return ret;
}

/* The module has no part in it: the process does not call KVM_RUN, or does again. */
static void vtr_vm_held(struct vtr_vm *vm, bool on)
{
	mutex_lock(&vtr_vms_lock);
	if (vm->held != on) {
		WRITE_ONCE(vm->held, on);
		vtr_vm_event(vm, on ? VITRINE_EVENT_PAUSED : VITRINE_EVENT_RESUMED, NULL);
	}
	mutex_unlock(&vtr_vms_lock);
}

static long vtr_vm_note(struct vtr_vm *vm, const struct vitrine_vm_note __user *user)
{
	struct vitrine_vm_note n;

	if (copy_from_user(&n, user, sizeof(n)))
		return -EFAULT;
	if (!vtr_name_good(n.text, true))
		return -EINVAL;
	if (n.type == VITRINE_EVENT_FORKED)
		return n.text[0] ? -EINVAL : vtr_vm_forked(vm, n.parent);
	if (n.parent)
		return -EINVAL;
	switch (n.type) {
	case VITRINE_EVENT_SNAPSHOT:
		mutex_lock(&vtr_vms_lock);
		vtr_vm_event(vm, VITRINE_EVENT_SNAPSHOT, n.text);
		mutex_unlock(&vtr_vms_lock);
		return 0;
	case VITRINE_EVENT_PAUSED:
	case VITRINE_EVENT_RESUMED:
		if (n.text[0])
			return -EINVAL;
		vtr_vm_held(vm, n.type == VITRINE_EVENT_PAUSED);
		return 0;
	default:
		return -EINVAL;
	}
}

/**
 * vtr_registry_ioctl() - the extension ioctls of a VM: uapi/vitrine.h
 * @vm: of the caller's process
 * @cmd: request
 * @user: its argument
 *
 * Return: as documented there; -ENOTTY for a request that is none of these.
 */
long vtr_registry_ioctl(struct vtr_vm *vm, unsigned int cmd, void __user *user)
{
	switch (cmd) {
	case VITRINE_VM_SET_NAME:
		return vtr_vm_set_name(vm, user);
	case VITRINE_VM_GET_ID:
		return put_user(vm->vm_id, (u32 __user *)user);
	case VITRINE_VM_NOTE:
		return vtr_vm_note(vm, user);
	default:
		return -ENOTTY;
	}
}
