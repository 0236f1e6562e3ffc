// SPDX-License-Identifier: GPL-2.0-only
/*
 * ident.c - who a VM is, told to the module: its name, what it was forked from, its snapshots, whether it is held. Where the device has
 * no such extension, as KVM's has not, nothing is told and nothing is lost.
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "vitrine.h"
#include "vmm.h"

/**
 * vmm_ident_tell() - tell the VM's name
 * @m: the machine, its hypervisor is there
 * @name: printable ASCII; kept for a VM that takes this one's place, in a machine that starts again
 *
 * What shows VMs does without a name, too: a refusal is none of the VM's business.
 */
void vmm_ident_tell(struct vmm *m, const char *name)
{
	struct vitrine_vm_name n = { 0 };

	m->vm_id = 0;
	if (name != m->name)
		snprintf(m->name, sizeof(m->name), "%s", name);
	if (ioctl(m->vm, KVM_CHECK_EXTENSION, VITRINE_CAP_VM_NAME) <= 0)
		return;
	snprintf(n.name, sizeof(n.name), "%s", name);
	if (ioctl(m->vm, VITRINE_VM_SET_NAME, &n) || ioctl(m->vm, VITRINE_VM_GET_ID, &m->vm_id))
		m->vm_id = 0;
}

/**
 * vmm_ident_forked() - the same of a VM that was forked
 * @m: the machine: its number is still that of the VM it was forked from
 * @name: of the new VM
 */
void vmm_ident_forked(struct vmm *m, const char *name)
{
	struct vitrine_vm_note note = { .type = VITRINE_EVENT_FORKED, .parent = m->vm_id };

	vmm_ident_tell(m, name);
	if (note.parent && m->vm_id)
		ioctl(m->vm, VITRINE_VM_NOTE, &note);
}

/**
 * vmm_ident_snapshot() - tell that a snapshot of the VM is being written
 * @m: the machine
 * @name: of the snapshot
 */
void vmm_ident_snapshot(const struct vmm *m, const char *name)
{
	struct vitrine_vm_note note = { .type = VITRINE_EVENT_SNAPSHOT };

	snprintf(note.text, sizeof(note.text), "%s", name);
	if (m->vm_id)
		ioctl(m->vm, VITRINE_VM_NOTE, &note);
}

/**
 * vmm_ident_held() - tell that the VM's vCPUs are held by this process, as somebody asked, or are no more
 * @m: the machine
 * @held: which
 */
void vmm_ident_held(const struct vmm *m, bool held)
{
	struct vitrine_vm_note note = { .type = held ? VITRINE_EVENT_PAUSED : VITRINE_EVENT_RESUMED };

	if (m->vm_id)
		ioctl(m->vm, VITRINE_VM_NOTE, &note);
}
