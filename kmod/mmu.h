/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmu.h - guest-physical memory: slots, two-dimensional page tables, dirty log, access helpers.
 *
 * slots.c owns the slot table, tdp.c the faults and mappings, tdp_pt.c (pure) the format and walker,
 * notifier.c the host's invalidations, dirty.c the log, guestmem.c reads and writes of guest memory.
 */
#ifndef VITRINE_MMU_H
#define VITRINE_MMU_H

#include <linux/kvm.h>
#include <linux/mmu_notifier.h>
#include <linux/rwlock_types.h>
#include "pure.h"

struct vtr_vm;
struct vtr_vcpu;
struct vtr_mm;

#define VTR_MAX_SLOTS	512

struct vtr_slot {
	gfn_t gfn;			/* first frame */
	u64 npages;
	hva_t hva;			/* of the first byte, in vm->mm */
	u32 id;				/* the caller's slot number */
	u32 flags;			/* KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES */
	unsigned long *dirty;		/* one bit a page, with LOG_DIRTY; shared by table generations */
};

/* An immutable table, sorted by gfn. vCPUs hold the one they use in vcpu->slots (a hazard pointer). */
struct vtr_slots {
	u64 generation;
	u32 nr;
	struct vtr_slot slot[];
};

struct vtr_mmu {
	rwlock_t lock;			/* page tables; taken inside notifier callbacks: never sleep */
	hpa_t root;			/* physical address of the top table */
	void *root_pt;
	u64 notifier_seq;		/* [m] counts finished invalidations */
	long notifier_active;		/* [m] invalidations under way */
	gfn_t inv_start, inv_end;	/* [m] hull of those under way (hva based: see notifier.c) */
	struct vtr_slots __rcu *slots;	/* published table; writers hold vm->lock */
	struct vtr_mm *owner;		/* shared by the VMs of one process, notifier.c */
	struct list_head owner_link;
	atomic64_t pt_pages;		/* table pages in use, for stats */
};

/* Why a mapping is wanted; bits. */
#define VTR_FAULT_WRITE		BIT(0)
#define VTR_FAULT_FETCH		BIT(1)
#define VTR_FAULT_PRESENT	BIT(2)	/* rights missing on a present entry */

enum vtr_fault_verdict {
	VTR_FAULT_FIXED,	/* mapped (or found mapped): enter again */
	VTR_FAULT_MMIO,		/* no slot there, or a write to a read-only slot: emulate */
	VTR_FAULT_RETRY,	/* lost a race or a signal is pending: look at requests, try again */
	VTR_FAULT_BAD,		/* the hva is no memory: exit with KVM's -EFAULT */
};

int vtr_mmu_init(struct vtr_vm *vm);			/* attaches to current->mm; -ENOMEM, -EINTR */
void vtr_mmu_fini(struct vtr_vm *vm);			/* frees every table and slot */
/* KVM_SET_USER_MEMORY_REGION; takes vm->lock. Errnos as in KVM-ABI.md, memslots. */
int vtr_slots_set(struct vtr_vm *vm, const struct kvm_userspace_memory_region *r);
/* Makes v->slots the current table (cheap when it is); call at loop top and after sleeping. */
void vtr_slots_load(struct vtr_vcpu *v);
/* Lets go of it before sleeping or leaving to user space. */
void vtr_slots_unload(struct vtr_vcpu *v);
/* Slot of gfn in the table in use, or NULL. Inline, remembers the last hit. */
const struct vtr_slot *vtr_slot_find(const struct vtr_slots *s, gfn_t gfn);

/* May sleep: takes mmap_lock, allocates. Preemption on, v->slots loaded. */
enum vtr_fault_verdict vtr_tdp_fault(struct vtr_vcpu *v, gpa_t gpa, u32 why);
/* The same for what needs no sleep (present page, table pages at hand): true if it was fixed. Called
 * with interrupts off or preemption off, before the slow one. */
bool vtr_tdp_fault_fast(struct vtr_vcpu *v, gpa_t gpa, u32 why);

/* Guest memory by guest-physical address, across pages. 0 or -EFAULT (no slot, read-only, hva bad).
 * Writes are entered in the dirty log. The atomic variants never sleep (page faults disabled):
 * -EFAULT then also means "not present now". */
int vtr_gpa_read(struct vtr_vcpu *v, gpa_t gpa, void *buf, u32 len);
int vtr_gpa_write(struct vtr_vcpu *v, gpa_t gpa, const void *buf, u32 len);
int vtr_gpa_read_atomic(struct vtr_vcpu *v, gpa_t gpa, void *buf, u32 len);
/* gpa -> hva of that byte through v->slots; 0 if none (write: or read-only). Inline, no checks of
 * what is at the hva. */
hva_t vtr_gpa_to_hva(struct vtr_vcpu *v, gpa_t gpa, bool write);
void vtr_mark_dirty(struct vtr_vcpu *v, gfn_t gfn);

int vtr_dirty_log_get(struct vtr_vm *vm, const struct kvm_dirty_log *log);	/* KVM_GET_DIRTY_LOG */

#endif /* VITRINE_MMU_H */
