// SPDX-License-Identifier: GPL-2.0-only
/*
 * guestmem.c - the module's own reads and writes of guest memory, through the VM process's mapping.
 *
 * All run in a vCPU's thread with v->slots loaded, so current->mm is the VM's.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>
#include "guestmem.h"

/**
 * vtr_mark_dirty() - a page was written by the module
 * @v: v->slots loaded
 * @gfn: its frame
 */
void vtr_mark_dirty(struct vtr_vcpu *v, gfn_t gfn)
{
	struct vtr_slot *s = vtr_slot_find(v->slots, gfn);

	if (s && s->dirty) {
		vtr_dirty_set(s->dirty, gfn - s->gfn);
		vtr_stats_count(v->stats.dirty_pages);
	}
}

/**
 * vtr_gpa_read() - read guest-physical memory
 * @v: v->slots loaded
 * @gpa: address
 * @buf: filled
 * @len: bytes; may cross pages
 *
 * Return: 0, or -EFAULT where there is no memory; @buf may be half filled then. Context: may sleep,
 * but with page faults disabled it fails instead.
 */
int vtr_gpa_read(struct vtr_vcpu *v, gpa_t gpa, void *buf, u32 len)
{
	while (len) {
		u32 n = min_t(u32, len, PAGE_SIZE - offset_in_page(gpa));
		hva_t hva = vtr_gpa_to_hva(v, gpa, false);

		if (!hva || copy_from_user(buf, (void __user *)hva, n))
			return -EFAULT;
		gpa += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/**
 * vtr_gpa_write() - write guest-physical memory; the dirty log hears of it
 * @v: v->slots loaded
 * @gpa: address
 * @buf: data
 * @len: bytes; may cross pages
 *
 * Return: 0, or -EFAULT where there is no writable memory; what comes before may be written then.
 * Context: may sleep.
 */
int vtr_gpa_write(struct vtr_vcpu *v, gpa_t gpa, const void *buf, u32 len)
{
	while (len) {
		u32 n = min_t(u32, len, PAGE_SIZE - offset_in_page(gpa));
		hva_t hva = vtr_gpa_to_hva(v, gpa, true);

		if (!hva || copy_to_user((void __user *)hva, buf, n))
			return -EFAULT;
		vtr_mark_dirty(v, gpa >> PAGE_SHIFT);
		gpa += n;
		buf += n;
		len -= n;
	}
	return 0;
}
