/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmu.h - guest-physical memory: slots, two-dimensional page tables, dirty log, access helpers.
 *
 * slots.c owns the slot table, tdp.c the faults and the tables, notifier.c the host's invalidations,
 * dirty.c the log, guestmem.c reads and writes of guest memory by the module itself.
 *
 * mmu.lock guards the tables, the sequence and the dirty bits' re-protection. It is taken with
 * interrupts on and held across TLB-flush IPIs, so no code with interrupts off may wait for it.
 */
#ifndef VITRINE_MMU_H
#define VITRINE_MMU_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "pure.h"

struct vtr_vm;
struct vtr_vcpu;
struct vtr_mm;
struct vtr_dirty;

#define VTR_MAX_SLOTS	512
#define VTR_TDP_LEVELS_MAX	5

/**
 * struct vtr_slot - a piece of guest-physical memory and the host memory behind it
 * @gfn: first frame
 * @npages: length
 * @hva: of the first byte, in vm->mm
 * @id: the caller's slot number
 * @flags: KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES
 * @dirty: with LOG_DIRTY_PAGES: one bit a page, shared by the generations of the table
 */
struct vtr_slot {
	gfn_t gfn;
	u64 npages;
	hva_t hva;
	u32 id;
	u32 flags;
	struct vtr_dirty *dirty;
};

/* An immutable table, sorted by gfn. vCPUs hold the one they use in vcpu->slots (a hazard pointer). */
struct vtr_slots {
	u32 nr;
	u32 last;		/* hint: where the last search ended; any value is safe */
	struct vtr_slot slot[];
};

struct vtr_mmu {
	spinlock_t lock;
	hpa_t root;			/* physical address of the top table */
	u64 *root_pt;
	u64 seq;			/* [lock] goes up with each finished change under faults' feet */
	long active;			/* [lock] host invalidations under way */
	hva_t inv_start, inv_end;	/* [lock] hull of those under way */
	struct vtr_slots *slots;	/* published with release; writers hold vm->lock */
	wait_queue_head_t slots_released;
	struct vtr_mm *owner;		/* shared by the VMs of one process */
	struct list_head owner_link;	/* under the owner's lock */
	atomic64_t pt_pages;		/* tables in use */
};

/* Why a mapping is wanted; bits. */
#define VTR_FAULT_WRITE		BIT(0)
#define VTR_FAULT_FETCH		BIT(1)
#define VTR_FAULT_PRESENT	BIT(2)	/* rights missing on a present entry */

enum vtr_fault_verdict {
	VTR_FAULT_FIXED,	/* mapped: enter again */
	VTR_FAULT_MMIO,		/* no slot there, or a write to a read-only slot: emulate */
	VTR_FAULT_RETRY,	/* lost a race or a signal is pending: look at requests, try again */
	VTR_FAULT_BAD,		/* the hva is no memory: exit with KVM's -EFAULT */
};

/* A page-table format: NPT's and EPT's entries differ in their bits only. */
struct vtr_tdp_format {
	u64 table;		/* bits of an entry that points to a table */
	u64 leaf;		/* bits of every leaf */
	u64 large;		/* further bit of a 2 MiB or 1 GiB leaf */
	u64 write;		/* right to write, with its dirty bit preset */
	u64 write_only;		/* the right alone */
	u64 accessed;
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
void vtr_tdp_vcpu_fini(struct vtr_vcpu *v);
bool vtr_tdp_zap(struct vtr_vm *vm, gfn_t start, gfn_t end, struct list_head *freed);
bool vtr_tdp_protect(struct vtr_vm *vm, gfn_t start, gfn_t end);
bool vtr_tdp_age(struct vtr_vm *vm, gfn_t start, gfn_t end, bool clear);
void vtr_tdp_free_list(struct vtr_vm *vm, struct list_head *freed);

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
int vtr_gpa_cmpxchg(struct vtr_vcpu *v, gpa_t gpa, u64 *old, u64 new, u32 len);
void vtr_mark_dirty(struct vtr_vcpu *v, gfn_t gfn);

/* The slot that holds gfn, or NULL. */
static __always_inline struct vtr_slot *vtr_slot_find(struct vtr_slots *s, gfn_t gfn)
{
	u32 lo = 0, hi = s->nr, hint = READ_ONCE(s->last);

	if (likely(hint < hi && gfn - s->slot[hint].gfn < s->slot[hint].npages))
		return &s->slot[hint];
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (gfn < s->slot[mid].gfn) {
			hi = mid;
		} else if (gfn - s->slot[mid].gfn < s->slot[mid].npages) {
			WRITE_ONCE(s->last, mid);
			return &s->slot[mid];
		} else {
			lo = mid + 1;
		}
	}
	return NULL;
}

#endif /* VITRINE_MMU_H */
