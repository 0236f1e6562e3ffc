// SPDX-License-Identifier: GPL-2.0-only
/*
 * insn.c - fetching the guest's instructions, and stepping over those that have been handled.
 *
 * CPUs that report the next RIP need no fetch to skip. For the others, and for MMIO, the bytes are read
 * through the guest's own page tables; the last code page's translation is kept and proved again by
 * comparing its table entries (walk.h), with page faults disabled, so this runs in the exit path.
 */
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "backend.h"
#include "guestmem.h"
#include "vcpu.h"

/* The reader of page walks that must not sleep. */
static int vtr_walk_read_atomic(void *ctx, gpa_t gpa, u64 *val, unsigned int size)
{
	struct vtr_vcpu *v = ctx;
	hva_t hva = vtr_gpa_to_hva(v, gpa, false);
	int err;

	if (!hva)
		return -ENOENT;
	pagefault_disable();
	err = copy_from_user(val, (void __user *)hva, size) ? -EAGAIN : 0;
	pagefault_enable();
	return err;
}

static int vtr_walk_read(void *ctx, gpa_t gpa, u64 *val, unsigned int size)
{
	return vtr_gpa_read(ctx, gpa, val, size) ? -ENOENT : 0;
}

static void vtr_walk_prepare(struct vtr_vcpu *v, const struct vtr_code_state *s, struct vtr_walk *w,
			     bool atomic)
{
	w->cr0 = s->cr0;
	w->cr3 = s->cr3;
	w->cr4 = s->cr4;
	w->efer = s->efer;
	w->rflags = v->rflags;
	w->phys_bits = v->cpuid.phys_bits;
	w->read = atomic ? vtr_walk_read_atomic : vtr_walk_read;
	w->ctx = v;
}

/* @level: the access is made at the guest's privilege level, not at what @access says. */
static int vtr_walk_now(struct vtr_vcpu *v, gva_t addr, u32 access, bool level, struct vtr_walk *w)
{
	struct vtr_code_state s;

	vtr_hw(code_state)(v, &s);
	vtr_walk_prepare(v, &s, w, false);
	return vtr_walk(w, addr, access | (level && s.cpl == 3 ? VTR_WALK_USER : 0));
}

/**
 * vtr_translate_linear() - linear to guest-physical address by the guest's tables
 * @v: by its own thread, put, v->slots loaded
 * @addr: linear address
 * @access: VTR_WALK_WRITE, VTR_WALK_FETCH; the privilege level is added
 * @gpa: result
 * @error: page-fault error code, when that is what it is
 *
 * Return: 0; -EFAULT: a page fault of the guest; another error: a table is no memory.
 */
int vtr_translate_linear(struct vtr_vcpu *v, gva_t addr, u32 access, gpa_t *gpa, u32 *error)
{
	struct vtr_walk w;
	int err = vtr_walk_now(v, addr, access, true, &w);

	*gpa = w.gpa;
	*error = w.error;
	return err;
}

/**
 * vtr_walk_linear() - the walk of the guest's tables for a linear address, entry by entry
 * @v: by its own thread, put, v->slots loaded
 * @addr: linear address, canonical
 * @access: VTR_WALK_*; nothing is added
 * @w: filled, as far as the walk came
 *
 * Return: as vtr_walk(). Context: may sleep.
 */
int vtr_walk_linear(struct vtr_vcpu *v, gva_t addr, u32 access, struct vtr_walk *w)
{
	memset(w, 0, sizeof(*w));
	return vtr_walk_now(v, addr, access, false, w);
}

/* Walk without sleeping and remember how it went. */
static bool vtr_fetch_fill(struct vtr_vcpu *v, const struct vtr_code_state *s, gva_t page)
{
	struct vtr_walk_cache *c = &v->fetch_cache;
	struct vtr_walk w;
	int i;

	c->page = VTR_WALK_NO_PAGE;
	vtr_walk_prepare(v, s, &w, true);
	if (vtr_walk(&w, page, VTR_WALK_FETCH | (s->cpl == 3 ? VTR_WALK_USER : 0)))
		return false;
	c->hva = vtr_gpa_to_hva(v, w.gpa, false);
	if (!c->hva)
		return false;
	c->nr = w.nr;
	for (i = 0; i < w.nr; i++) {
		c->where[i] = vtr_gpa_to_hva(v, w.where[i], false);
		c->entry[i] = w.entry[i];
	}
	if (!(s->efer & EFER_LMA || s->cr4 & X86_CR4_PAE))
		c->nr |= VTR_WALK_NARROW;
	c->bits = s->bits;
	c->cs_attrib = s->cs_attrib;
	c->cs_base = s->cs_base;
	c->cr0 = s->cr0;
	c->cr3 = s->cr3;
	c->cr4 = s->cr4;
	c->efer = s->efer;
	c->slots = v->slots->generation;
	c->page = page;
	return true;
}

static __always_inline bool vtr_fetch_in_page(struct vtr_vcpu *v, gva_t addr)
{
	const struct vtr_walk_cache *c = &v->fetch_cache;

	return (addr & PAGE_MASK) == c->page && c->slots == v->slots->generation;
}

/*
 * RIP is in the page of the cache, and nothing that the CPU holds has changed since it was filled.
 * The privilege level does not matter: the CPU has fetched this very instruction already.
 */
static __always_inline bool vtr_fetch_matches(struct vtr_vcpu *v, gva_t *addr)
{
	*addr = v->rip + v->fetch_cache.cs_base;
	return vtr_fetch_in_page(v, *addr) && vtr_hw(code_same)(v, &v->fetch_cache);
}

/* One entry of the cached translation still says the same. With user access open. */
#define vtr_prove_entry(c, i, fault) do { \
	u64 entry_; \
\
	unsafe_get_user(entry_, (u64 __user *)(c)->where[i], fault); \
	if (unlikely(entry_ != (c)->entry[i])) \
		goto fault; \
} while (0)

/*
 * All of them do; narrow ones never. Written out, by constant indices: no loop's overhead in the exit path, and no
 * sanitizer's check of an index while user access is open.
 */
#define vtr_prove_entries(c, fault) do { \
	switch ((c)->nr) { \
	default: \
		goto fault; \
	case 5: \
		vtr_prove_entry(c, 4, fault); \
		fallthrough; \
	case 4: \
		vtr_prove_entry(c, 3, fault); \
		fallthrough; \
	case 3: \
		vtr_prove_entry(c, 2, fault); \
		fallthrough; \
	case 2: \
		vtr_prove_entry(c, 1, fault); \
		fallthrough; \
	case 1: \
		vtr_prove_entry(c, 0, fault); \
		fallthrough; \
	case 0: \
		break; \
	} \
} while (0)

/* The same for tables of 4-byte entries, of which there are two levels at most. */
#define vtr_prove_entries_32(c, fault) do { \
	u32 entry_; \
\
	if ((c)->nr > VTR_WALK_NARROW) { \
		unsafe_get_user(entry_, (u32 __user *)(c)->where[0], fault); \
		if (entry_ != (u32)(c)->entry[0]) \
			goto fault; \
	} \
	if ((c)->nr > VTR_WALK_NARROW + 1) { \
		unsafe_get_user(entry_, (u32 __user *)(c)->where[1], fault); \
		if (entry_ != (u32)(c)->entry[1]) \
			goto fault; \
	} \
} while (0)

/*
 * Read code through the cached translation if its table entries still say the same. Returns the
 * number of bytes, up to the end of the page; 0 if an entry differs or memory is not present now.
 */
static __always_inline int vtr_fetch_cached(const struct vtr_walk_cache *c, u32 offset, u8 *buf)
{
	const u8 __user *code = (const u8 __user *)(c->hva + offset);
	int n = min_t(u32, VTR_FETCH_MAX, PAGE_SIZE - offset), i;

	if (!user_access_begin(code, n))
		return 0;
	if (likely(!(c->nr & VTR_WALK_NARROW)))
		vtr_prove_entries(c, fault);
	else
		vtr_prove_entries_32(c, fault);
	if (likely(n == VTR_FETCH_MAX)) {
		unsafe_get_user(((u64 *)buf)[0], (u64 __user *)code, fault);
		unsafe_get_user(((u64 *)buf)[1], (u64 __user *)(code + 8), fault);
	} else {
		for (i = 0; i < n; i++)
			unsafe_get_user(buf[i], code + i, fault);
	}
	user_access_end();
	return n;
fault:
	user_access_end();
	return 0;
}

/* Walk, remember, read. A function of its own: its locals are cleared at each call. */
static noinline int vtr_fetch_anew(struct vtr_vcpu *v, u8 *buf, u8 *bits)
{
	struct vtr_code_state s;
	gva_t addr;

	vtr_hw(code_state)(v, &s);
	*bits = s.bits;
	addr = s.cs_base + v->rip;
	if (s.bits != 64)
		addr = (u32)addr;
	if (!vtr_fetch_fill(v, &s, addr & PAGE_MASK))
		return 0;
	return vtr_fetch_cached(&v->fetch_cache, offset_in_page(addr), buf);
}

/**
 * vtr_fetch_atomic() - the bytes at RIP, without sleeping
 * @v: by its own thread, v->slots loaded; preemption off
 * @buf: VTR_FETCH_MAX bytes, 8-byte aligned
 * @bits: filled: 16, 32 or 64
 *
 * Return: how many bytes, at most to the end of the page; 0: try vtr_fetch_slow().
 */
int vtr_fetch_atomic(struct vtr_vcpu *v, u8 *buf, u8 *bits)
{
	gva_t addr;
	int n;

	if (unlikely(!vtr_fetch_matches(v, &addr)))
		return vtr_fetch_anew(v, buf, bits);
	*bits = v->fetch_cache.bits;
	n = vtr_fetch_cached(&v->fetch_cache, offset_in_page(addr), buf);
	return likely(n) ? n : vtr_fetch_anew(v, buf, bits);
}

/**
 * vtr_fetch_slow() - the bytes at RIP, across pages
 * @v: by its own thread, put, v->slots loaded
 * @buf: VTR_FETCH_MAX bytes
 * @bits: filled: 16, 32 or 64
 *
 * Return: how many bytes; 0 with a page fault queued for the guest.
 */
int vtr_fetch_slow(struct vtr_vcpu *v, u8 *buf, u8 *bits)
{
	struct vtr_code_state s;
	int n = 0;

	vtr_hw(code_state)(v, &s);
	*bits = s.bits;
	while (n < VTR_FETCH_MAX) {
		gva_t addr = s.cs_base + v->rip + n;
		u32 error, part;
		gpa_t gpa;
		int err;

		if (s.bits != 64)
			addr = (u32)addr;
		part = min_t(u32, VTR_FETCH_MAX - n, PAGE_SIZE - offset_in_page(addr));
		err = vtr_translate_linear(v, addr, VTR_WALK_FETCH, &gpa, &error);
		/* The bytes behind the page may not be needed: fail only on the first. */
		if (err == -EFAULT && !n)
			vtr_queue_pf(v, addr, error);
		if (err || vtr_gpa_read(v, gpa, buf + n, part))
			break;
		n += part;
	}
	return n;
}

/**
 * vtr_insn_len_fetch() - how long is the instruction that exited, on a CPU that does not say?
 * @v: by its own thread, v->slots loaded, preemption off
 * @op: the opcode it must have: one byte, or 0x0f00 | second byte
 * @third: there is a third opcode byte
 *
 * Return: bytes; 0 if that cannot be told without sleeping, or the guest changed the code meanwhile.
 */
unsigned int vtr_insn_len_fetch(struct vtr_vcpu *v, u16 op, bool third)
{
	u8 buf[VTR_FETCH_MAX] __aligned(8), bits;
	int n = vtr_fetch_atomic(v, buf, &bits);

	return vtr_insn_skip_len(buf, n, bits, op, third);
}

/**
 * vtr_insn_at_rip() - are these the two bytes at RIP? The usual, prefix-less case, hot
 * @v: by its own thread, v->slots loaded, preemption off
 * @op: second byte << 8 | first byte
 *
 * Return: true if they are; false says nothing.
 */
bool vtr_insn_at_rip(struct vtr_vcpu *v, u16 op)
{
	const struct vtr_walk_cache *c = &v->fetch_cache;
	gva_t addr;
	u16 bytes;

	/* The call comes first, so that little has to be kept over it. */
	if (unlikely(!vtr_hw(code_same)(v, c)))
		return false;
	addr = v->rip + c->cs_base;
	if (unlikely(!vtr_fetch_in_page(v, addr) || offset_in_page(addr) > PAGE_SIZE - 4))
		return false;
	/* Slots lie in user space as a whole: that was checked when they were made. */
	__uaccess_begin_nospec();
	vtr_prove_entries(c, fault);
	unsafe_get_user(bytes, (const u16 __user *)(c->hva + offset_in_page(addr)), fault);
	user_access_end();
	return bytes == op;
fault:
	user_access_end();
	return false;
}

/**
 * vtr_insn_len_slow() - the same, where sleeping is allowed
 * @v: by its own thread, put, v->slots loaded
 * @op: opcode
 * @third: third opcode byte
 *
 * Return: bytes, 0 if the guest changed the code meanwhile (or a fault was queued): enter again.
 */
unsigned int vtr_insn_len_slow(struct vtr_vcpu *v, u16 op, bool third)
{
	u8 buf[VTR_FETCH_MAX] __aligned(8), bits;
	int n = vtr_fetch_slow(v, buf, &bits);

	return vtr_insn_skip_len(buf, n, bits, op, third);
}

/**
 * vtr_advance_slow() - vtr_advance() where the end of an instruction has consequences
 * @v: by its own thread, v->rip stands behind the instruction
 *
 * As the CPU does at an instruction's end: the shadow of STI is over, RF is clear, and a single step
 * traps.
 */
void vtr_advance_slow(struct vtr_vcpu *v)
{
	if (v->shadow) {
		v->shadow = false;
		vtr_hw(set_shadow)(v, 0);
	}
	if (v->rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF)) {
		v->rflags &= ~X86_EFLAGS_RF;
		if (v->rflags & X86_EFLAGS_TF && !(v->guest_debug & KVM_GUESTDBG_SINGLESTEP)) {
			vtr_queue_exception(v, X86_TRAP_DB, false, 0);
			v->exc.payload = VTR_DR6_BS;
			v->exc.has_payload = true;
		}
	}
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP) {
		v->step_done = true;
		vtr_request_set(v, VTR_REQ_EXIT);
	}
}

/**
 * vtr_translate() - KVM_TRANSLATE
 * @v: v->mutex held
 * @t: linear address in, the rest out
 *
 * Return: 0.
 */
int vtr_translate(struct vtr_vcpu *v, struct kvm_translation *t)
{
	struct vtr_code_state s;
	struct vtr_walk w;

	vtr_slots_load(v);
	vtr_hw(code_state)(v, &s);
	vtr_walk_prepare(v, &s, &w, false);
	t->valid = !vtr_walk(&w, t->linear_address, 0);
	t->physical_address = t->valid ? w.gpa : ~0ULL;
	t->writeable = 1;
	t->usermode = 0;
	vtr_slots_unload(v);
	return 0;
}
