/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmu.h - guest-physical memory: slots, two-dimensional page tables, dirty log, access helpers.
 *
 * slots.c owns the changes of slots (slots_table.c the table), tdp.c the faults (tdp_pt.c the page
 * tables), notifier.c the host's invalidations, dirty.c the log, guestmem.c reads and writes of guest
 * memory by the module itself.
 *
 * mmu.lock guards the page tables, the publication of the slot table, the host's changes under way and
 * the dirty bits' re-protection. It is held across TLB-flush IPIs, so code with interrupts off may try
 * it (vtr_tdp_fault_fast) but never wait for it.
 */
#ifndef VITRINE_MMU_H
#define VITRINE_MMU_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "pure.h"
#include "slots_table.h"
#include "tdp_pt.h"

struct vtr_vm;
struct vtr_vcpu;
struct vtr_mm;

#define VTR_MAX_SLOTS	512
#define VTR_TDP_LEVELS_MAX	5

struct vtr_mmu {
	spinlock_t lock;
	hpa_t root;			/* physical address of the top table */
	struct vtr_pt pt;		/* [lock] */
	long active;			/* [lock] host invalidations under way */
	hva_t inv_start, inv_end;	/* [lock] hull of those under way */
	unsigned long ended;		/* [lock to write] how many are over */
	struct vtr_slots *slots;	/* published with release; writers hold vm->lock */
	wait_queue_head_t slots_released;
	struct vtr_mm *owner;		/* shared by the VMs of one process */
	struct list_head owner_link;	/* under the owner's lock */
	atomic64_t pt_pages;		/* tables in use */
};

/* Why a mapping is wanted; bits. */
#define VTR_FAULT_WRITE		BIT(0)
#define VTR_FAULT_FETCH		BIT(1)
#define VTR_FAULT_WALK		BIT(2)	/* by the walk of the guest's page tables: no operand was accessed */

enum vtr_fault_verdict {
	VTR_FAULT_FIXED,	/* mapped: enter again */
	VTR_FAULT_MMIO,		/* no slot there, or a write to a read-only slot: emulate */
	VTR_FAULT_RETRY,	/* lost a race or a signal is pending: look at requests, try again */
	VTR_FAULT_BAD,		/* the hva is no memory: exit with KVM's -EFAULT */
};

/* slots.c */
int vtr_mmu_init(struct vtr_vm *vm);
void vtr_mmu_fini(struct vtr_vm *vm);
int vtr_slots_set(struct vtr_vm *vm, const struct kvm_userspace_memory_region *r);
void vtr_slots_reload(struct vtr_vcpu *v);
void vtr_slots_unload(struct vtr_vcpu *v);

/* tdp.c */
int vtr_tdp_init(struct vtr_vm *vm);
void vtr_tdp_fini(struct vtr_vm *vm);
enum vtr_fault_verdict vtr_tdp_fault(struct vtr_vcpu *v, gpa_t gpa, u32 why);
bool vtr_tdp_fault_fast(struct vtr_vcpu *v, const struct vtr_slot *slot, gfn_t gfn, u32 why);
void vtr_tdp_vcpu_fini(struct vtr_vcpu *v);
void vtr_tdp_free_list(struct vtr_vm *vm, u64 *freed);

/* notifier.c */
int vtr_notifier_attach(struct vtr_vm *vm);
void vtr_notifier_detach(struct vtr_vm *vm);

/* dirty.c */
struct vtr_dirty *vtr_dirty_create(u64 npages);
struct vtr_dirty *vtr_dirty_get(struct vtr_dirty *d);
void vtr_dirty_put(struct vtr_dirty *d);
void vtr_dirty_set(struct vtr_dirty *d, u64 page);
int vtr_dirty_log_get(struct vtr_vm *vm, const struct kvm_dirty_log *log);

/* guestmem.c: by the vCPU's thread, v->slots loaded. 0 or -EFAULT. */
int vtr_gpa_read(struct vtr_vcpu *v, gpa_t gpa, void *buf, u32 len);
int vtr_gpa_write(struct vtr_vcpu *v, gpa_t gpa, const void *buf, u32 len);
void vtr_mark_dirty(struct vtr_vcpu *v, gfn_t gfn);

#endif /* VITRINE_MMU_H */
