/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * registry.h - every VM of the module by its id, and who it belongs to.
 */
#ifndef VITRINE_REGISTRY_H
#define VITRINE_REGISTRY_H

#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <uapi/vitrine.h>
#include "pure.h"

struct vtr_vm;
struct pid;

/**
 * struct vtr_ident - who a VM is
 * @uid: effective user of the creating process
 * @net: cookie of its network namespace
 * @pid: that process
 * @created: CLOCK_REALTIME in ns
 * @parent: id of the VM it was forked from, 0: none; under vtr_vms_lock
 * @comm: name of the creating thread
 * @name: given by VITRINE_VM_SET_NAME, empty before; under vtr_vms_lock
 */
struct vtr_ident {
	kuid_t uid;
	u64 net;
	struct pid *pid;
	u64 created;
	u32 parent;
	char comm[TASK_COMM_LEN];
	char name[VITRINE_NAME_SIZE];
};

/**
 * struct vtr_viewer - who asks
 * @uid: the user, INVALID_UID if opener and user of the socket differ
 * @net: cookie of the socket's network namespace
 * @initial: that is the initial one
 * @all: privileged there: sees other users' VMs
 */
struct vtr_viewer {
	kuid_t uid;
	u64 net;
	bool initial;
	bool all;
};

extern struct mutex vtr_vms_lock;

int vtr_registry_add(struct vtr_vm *vm);
void vtr_registry_remove(struct vtr_vm *vm);
void vtr_registry_stop(void);
void vtr_ident_fini(struct vtr_ident *id);
struct vtr_vm *vtr_registry_next(u32 id);
struct vtr_vm *vtr_registry_find(u32 id, const struct vtr_viewer *who);
bool vtr_viewer_sees(const struct vtr_viewer *who, kuid_t uid, u64 net);
u32 vtr_vm_state(struct vtr_vm *vm);
void vtr_vm_pause(struct vtr_vm *vm, bool on);
long vtr_registry_ioctl(struct vtr_vm *vm, unsigned int cmd, void __user *user);

#endif /* VITRINE_REGISTRY_H */
