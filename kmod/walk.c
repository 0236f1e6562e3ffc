// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.c - a walk of the guest's page tables. Source: SDM 3A "Paging".
 *
 * Deviation: accessed and dirty bits are not set. The CPU set them when it made the access that brought
 * us here; for the accesses it did not make (a second page of an operand) the guest sees them late.
 */
#include "walk.h"

#define CR0_WP		BIT_ULL(16)
#define CR0_PG		BIT_ULL(31)
#define CR4_PSE		BIT_ULL(4)
#define CR4_PAE		BIT_ULL(5)
#define CR4_LA57	BIT_ULL(12)
#define CR4_SMEP	BIT_ULL(20)
#define CR4_SMAP	BIT_ULL(21)
#define EFER_LMA_BIT	BIT_ULL(10)
#define EFER_NX_BIT	BIT_ULL(11)
#define RFLAGS_AC	BIT_ULL(18)

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_PS		BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)

struct vtr_paging {
	unsigned int levels, bits, size;
	u64 root_mask;
};

static struct vtr_paging vtr_paging_mode(const struct vtr_walk *w)
{
	if (w->efer & EFER_LMA_BIT)
		return (struct vtr_paging){ w->cr4 & CR4_LA57 ? 5 : 4, 9, 8,
					    GENMASK_ULL(51, 12) };
	if (w->cr4 & CR4_PAE)
		return (struct vtr_paging){ 3, 9, 8, GENMASK_ULL(31, 5) };
	return (struct vtr_paging){ 2, 10, 4, GENMASK_ULL(31, 12) };
}

static int vtr_walk_fault(struct vtr_walk *w, u32 access, u32 error)
{
	w->error = error | (access & VTR_WALK_WRITE ? VTR_PF_WRITE : 0) |
		   (access & VTR_WALK_USER ? VTR_PF_USER : 0);
	if (access & VTR_WALK_FETCH && (w->efer & EFER_NX_BIT || w->cr4 & CR4_SMEP))
		w->error |= VTR_PF_FETCH;
	return -EFAULT;
}

static bool vtr_walk_allowed(const struct vtr_walk *w, u64 rights, bool nx, u32 access)
{
	bool user = access & VTR_WALK_USER;

	if (user && !(rights & PTE_U))
		return false;
	if (access & VTR_WALK_WRITE && !(rights & PTE_W) && (user || w->cr0 & CR0_WP))
		return false;
	if (access & VTR_WALK_FETCH)
		return !nx && !(!user && rights & PTE_U && w->cr4 & CR4_SMEP);
	return user || !(rights & PTE_U) || !(w->cr4 & CR4_SMAP) || w->rflags & RFLAGS_AC;
}

static bool vtr_pte_reserved(const struct vtr_walk *w, u64 entry, const struct vtr_paging *p,
			     unsigned int level)
{
	u64 page = 1ULL << (12 + p->bits * (level - 1));

	if (p->size == 4)
		return false;
	/* Between the PAT bit of a large page and its frame number. */
	if (level > 1 && level < 4 && entry & PTE_PS && entry & (page - 1) & ~GENMASK_ULL(12, 0))
		return true;
	/* No width is known before user space has given the vCPU its CPUID. */
	if (w->phys_bits && entry & GENMASK_ULL(51, 0) & ~GENMASK_ULL(w->phys_bits - 1, 0))
		return true;
	if (level >= 4 && entry & PTE_PS)
		return true;
	/*
	 * A PAE pointer-table entry carries no rights, and none of their bits may be set. Bit 5 is let
	 * pass: under nested paging the entries are walked like any other, and the walker of an
	 * emulator marks them accessed.
	 */
	if (p->levels == 3 && level == 3)
		return entry & (0x1c6 | GENMASK_ULL(63, 52));
	if (p->levels == 3 && entry & GENMASK_ULL(62, 52))
		return true;
	return !(w->efer & EFER_NX_BIT) && entry & PTE_NX;
}

/**
 * vtr_walk() - translate a linear address
 * @w: parameters; result on return
 * @addr: linear address, canonical
 * @access: VTR_WALK_*
 *
 * Return: 0 with @w->gpa; -EFAULT with @w->error for a page fault of the guest; the reader's error
 * when a table is no memory.
 */
int vtr_walk(struct vtr_walk *w, gva_t addr, u32 access)
{
	struct vtr_paging p;
	u64 rights = PTE_W | PTE_U, table, entry;
	unsigned int level, shift;
	bool nx = false;
	int err;

	w->nr = 0;
	if (!(w->cr0 & CR0_PG)) {
		w->gpa = addr & 0xffffffffULL;
		w->page_size = VTR_PAGE_SIZE;
		return 0;
	}
	p = vtr_paging_mode(w);
	if (p.levels < 4)
		addr = (u32)addr;
	table = w->cr3 & p.root_mask;
	for (level = p.levels;; level--) {
		shift = 12 + p.bits * (level - 1);
		w->where[w->nr] = table + ((addr >> shift) & ((1U << p.bits) - 1)) * p.size;
		entry = 0;
		err = w->read(w->ctx, w->where[w->nr], &entry, p.size);
		if (err)
			return err == -EFAULT ? -ENOENT : err;
		w->entry[w->nr++] = entry;
		if (!(entry & PTE_P))
			return vtr_walk_fault(w, access, 0);
		if (vtr_pte_reserved(w, entry, &p, level))
			return vtr_walk_fault(w, access, VTR_PF_PRESENT | VTR_PF_RSVD);
		if (p.levels != 3 || level != 3)
			rights &= entry;
		nx |= p.size == 8 && entry & PTE_NX;
		if (level == 1 || (entry & PTE_PS && level <= 3 &&
				   (p.size == 8 || w->cr4 & CR4_PSE)))
			break;
		table = entry & (p.size == 8 ? GENMASK_ULL(51, 12) : GENMASK_ULL(31, 12));
	}
	if (!vtr_walk_allowed(w, rights, nx && w->efer & EFER_NX_BIT, access))
		return vtr_walk_fault(w, access, VTR_PF_PRESENT);
	w->page_size = 1ULL << shift;
	table = entry & GENMASK_ULL(51, 12) & ~(w->page_size - 1);
	if (p.size == 4) {
		table &= 0xffffffffULL;
		/* PSE-36: bits 20:13 of a 4 MiB entry are bits 39:32 of the address. */
		if (level == 2)
			table = (entry & 0xffc00000ULL) | (entry & 0x1fe000ULL) << 19;
	}
	w->gpa = table | (addr & (w->page_size - 1));
	return 0;
}
