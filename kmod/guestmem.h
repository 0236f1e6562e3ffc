/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guestmem.h - the inline part of access to guest memory, for the exit path.
 */
#ifndef VITRINE_GUESTMEM_H
#define VITRINE_GUESTMEM_H

#include "vitrine.h"

/* Where the byte at gpa is in the VM process, or 0: no slot, or a write to a read-only one. */
static __always_inline hva_t vtr_gpa_to_hva(struct vtr_vcpu *v, gpa_t gpa, bool write)
{
	struct vtr_slot *s = vtr_slot_find(v->slots, gpa >> PAGE_SHIFT);

	if (unlikely(!s || (write && s->flags & KVM_MEM_READONLY)))
		return 0;
	return s->hva + (gpa - (s->gfn << PAGE_SHIFT));
}

/* The published table is in use; one compare when it already was. By the vCPU's thread. */
static __always_inline void vtr_slots_load(struct vtr_vcpu *v)
{
	if (unlikely(v->slots != READ_ONCE(v->vm->mmu.slots)))
		vtr_slots_reload(v);
}

#endif /* VITRINE_GUESTMEM_H */
