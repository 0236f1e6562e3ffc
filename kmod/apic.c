// SPDX-License-Identifier: GPL-2.0-only
/*
 * apic.c - the local APIC of a vCPU: messages between APICs, INIT and start-up, and the way in from the
 * guest's registers and MSRs.
 *
 * The registers themselves are lapic.c's, the time that its timer takes is apic_timer.c's. Anything
 * here may set bits of a foreign APIC's IRR; every other part of an APIC is touched by its vCPU's
 * thread (or under vcpu->mutex) alone.
 */
#include <linux/ktime.h>
#include <linux/slab.h>
#include "backend.h"
#include "irqchip.h"
#include "vcpu.h"

#define X2APIC_MSR(off)	(0x800 + ((off) >> 4))
#define X2APIC_OFF(msr)	(((msr) - 0x800) << 4)

/* An ICR write that is a fixed interrupt to itself without reserved bits: bits to look at, their value. */
#define ICR_SELF_MASK	(GENMASK_ULL(31, 16) | BIT_ULL(13) | GENMASK_ULL(10, 8))
#define ICR_SELF	((u64)LAPIC_DEST_SELF << 18)

#define CPUID_X2APIC	BIT(21)	/* leaf 1, ECX */

DEFINE_STATIC_KEY_FALSE(vtr_vid);

static void apic_queue_nmi(struct vtr_vcpu *v)
{
	/* One in service, one waiting: the CPU remembers no more. */
	atomic_add_unless(&v->nmi_queued, 1, 2);
	vtr_vcpu_request(v, VTR_REQ_EVENT);
}

/* An interrupt was posted: its vCPU shall take it soon. */
static void apic_tell(struct vtr_vcpu *v)
{
	struct vtr_lapic *l = &v->apic->l;

	if (!READ_ONCE(l->hw))
		vtr_vcpu_request(v, VTR_REQ_EVENT);
	else if (vtr_lapic_tell(l))
		vtr_vcpu_notify(v);
}

/* What a change of an APIC by somebody else asks of its vCPU. */
static void apic_do_remote(struct vtr_vcpu *v, u32 effects)
{
	if (effects & LAPIC_DO_NMI)
		apic_queue_nmi(v);
	else if (effects & LAPIC_DO_EVENT)
		apic_tell(v);
}

/* --- messages --- */

static int apic_accept_fixed(struct vtr_vcpu *v, const struct vtr_lapic_message *m)
{
	struct vtr_lapic *l = &v->apic->l;

	if (!vtr_lapic_enabled(l))
		return 0;
	if (unlikely(m->vector < 16)) {
		apic_do_remote(v, vtr_lapic_error(l, LAPIC_ESR_RECV_ILLEGAL));
		return 0;
	}
	if (vtr_lapic_post(l, m->vector, m->level))
		apic_tell(v);
	return 1;
}

/* 1 if the APIC took the message, 0 if it ignores it. */
static int apic_accept(struct vtr_vcpu *v, const struct vtr_lapic_message *m)
{
	struct vtr_apic *a = v->apic;

	switch (m->mode) {
	case LAPIC_FIXED:
	case LAPIC_LOWEST:
		return apic_accept_fixed(v, m);
	case LAPIC_NMI:
		apic_queue_nmi(v);
		return 1;
	case LAPIC_INIT:
		if (!m->assert)
			return 1;
		/* INIT overtakes a start-up that was not accepted yet. */
		xchg(&a->mp_events, BIT(VTR_APIC_INIT));
		vtr_vcpu_request(v, VTR_REQ_MP);
		return 1;
	case LAPIC_STARTUP:
		WRITE_ONCE(a->sipi_vector, m->vector);
		smp_wmb();	/* vector before event: pairs with vtr_apic_accept_mp() */
		set_bit(VTR_APIC_SIPI, &a->mp_events);
		vtr_vcpu_request(v, VTR_REQ_MP);
		return 1;
	default:
		return 0;
	}
}

static bool apic_addressed(struct vtr_vcpu *v, const struct vtr_lapic_message *m,
			   const struct vtr_vcpu *src)
{
	switch (m->shorthand) {
	case LAPIC_DEST_SELF:
		return v == src;
	case LAPIC_DEST_ALL:
		return vtr_lapic_hw_enabled(&v->apic->l);
	case LAPIC_DEST_OTHERS:
		return v != src && vtr_lapic_hw_enabled(&v->apic->l);
	default:
		return vtr_lapic_matches(&v->apic->l, m);
	}
}

static int apic_send_lowest(struct vtr_vm *vm, const struct vtr_lapic_message *m,
			    const struct vtr_vcpu *src)
{
	struct vtr_vcpu *v, *best = NULL;
	u32 i;

	vtr_for_each_vcpu(i, v, vm) {
		if (!v->apic || !apic_addressed(v, m, src) || !vtr_lapic_enabled(&v->apic->l))
			continue;
		if (!best || vtr_lapic_less_busy(&v->apic->l, &best->apic->l, m->vector))
			best = v;
	}
	if (!best)
		return -1;
	WRITE_ONCE(best->apic->l.arb, best->apic->l.arb + 1);
	return apic_accept(best, m);
}

/**
 * vtr_apic_send() - deliver a message to the APICs it addresses
 * @vm: the VM
 * @m: the message
 * @src: the vCPU that sends it, NULL for a device; matters for shorthands only
 *
 * Context: any.
 * Return: the number of APICs that took it, -1 if it addresses none.
 */
int vtr_apic_send(struct vtr_vm *vm, const struct vtr_lapic_message *m, struct vtr_vcpu *src)
{
	struct vtr_vcpu *v;
	int sum = -1;
	u32 i;

	if (m->lowest)
		return apic_send_lowest(vm, m, src);
	if (m->shorthand == LAPIC_DEST && !m->logical && m->dest != (m->x2apic ? ~0U : 0xff)) {
		v = vtr_vcpu_by_id(vm, m->dest);
		if (!v || !v->apic || !vtr_lapic_matches(&v->apic->l, m))
			return -1;
		return apic_accept(v, m);
	}
	vtr_for_each_vcpu(i, v, vm) {
		if (v->apic && apic_addressed(v, m, src))
			sum = max(sum, 0) + apic_accept(v, m);
	}
	return sum;
}

/**
 * vtr_apic_pic_raised() - the PIC's output went up
 * @vm: the VM
 *
 * It is wired to LINT0 of every APIC: what that entry says happens there. Context: any.
 */
void vtr_apic_pic_raised(struct vtr_vm *vm)
{
	struct vtr_vcpu *v;
	u32 i;

	vtr_for_each_vcpu(i, v, vm) {
		if (!v->apic)
			continue;
		if (vtr_lapic_accepts_extint(&v->apic->l))
			vtr_vcpu_request(v, VTR_REQ_EVENT);
		else
			apic_do_remote(v, vtr_lapic_local(&v->apic->l, LAPIC_LVT0));
	}
}

/* --- effects of register accesses by the APIC's own vCPU --- */

/* The vectors whose EOI somebody wants to hear of. */
static const u64 *apic_eoi_map(const struct vtr_vm *vm)
{
	return vm->irqchip ? vm->irqchip->eoi_map : vm->router.split_eoi_map;
}

static void apic_eoi_broadcast(struct vtr_vcpu *v, u8 vector)
{
	struct vtr_irqchip *chip = v->vm->irqchip;
	const u64 *map = apic_eoi_map(v->vm);

	if (likely(!(READ_ONCE(map[vector >> 6]) & BIT_ULL(vector & 63))))
		return;
	if (chip) {
		vtr_irqchip_eoi(chip, vector);
	} else {
		v->eoi_vector = vector;
		vtr_request_set(v, VTR_REQ_EOI_EXIT);
	}
}

static bool apic_pic_asserted(struct vtr_vcpu *v)
{
	struct vtr_irqchip *chip = v->vm->irqchip;

	return chip && unlikely(READ_ONCE(chip->pic.output)) &&
	       vtr_lapic_accepts_extint(&v->apic->l);
}

/**
 * vtr_apic_do() - what an access of an APIC's registers asks for
 * @v: by its own thread
 * @effects: LAPIC_DO_*
 */
void vtr_apic_do(struct vtr_vcpu *v, u32 effects)
{
	struct vtr_apic *a = v->apic;

	if (effects & LAPIC_DO_EVENT)
		vtr_request_set(v, VTR_REQ_EVENT);
	if (effects & LAPIC_DO_EOI)
		apic_eoi_broadcast(v, a->l.eoi_vector);
	if (effects & LAPIC_DO_IPI) {
		struct vtr_lapic_message m;

		vtr_lapic_icr_message(&a->l, &m);
		vtr_apic_send(v->vm, &m, v);
	}
	if (effects & LAPIC_DO_TIMER)
		vtr_apic_timer_set(v);
	if (effects & LAPIC_DO_NMI)
		apic_queue_nmi(v);
	if ((effects & LAPIC_DO_LVT0) && apic_pic_asserted(v))
		vtr_request_set(v, VTR_REQ_EVENT);
}

/**
 * vtr_apic_choose_delivery() - who delivers interrupts?
 * @v: by its own thread
 *
 * The CPU in x2APIC mode with the APIC enabled, where it can and no debugger holds interrupts up;
 * otherwise we. In xAPIC mode every access is an exit anyway, and a page the CPU knows would have to
 * stand at one address for all vCPUs: guests that care for speed use x2APIC mode.
 */
void vtr_apic_choose_delivery(struct vtr_vcpu *v)
{
	struct vtr_lapic *l = &v->apic->l;
	bool hw = vtr_lapic_x2apic(l) && vtr_lapic_enabled(l) &&
		  !(v->guest_debug & KVM_GUESTDBG_BLOCKIRQ);

	if (!static_branch_unlikely(&vtr_vid))
		return;
	if (hw != l->hw) {
		vtr_lapic_resync(l);
		WRITE_ONCE(l->hw, hw);
		vtr_hw(virtual_apic)(v, hw ? l->regs : NULL);
		vtr_request_set(v, VTR_REQ_EOI_MAP);
	}
	v->apic->reload = true;
	vtr_request_set(v, VTR_REQ_EVENT);
}

/* The virtual TPR that the guest reaches through CR8 follows the register. */
static void apic_publish_tpr(struct vtr_vcpu *v)
{
	vtr_hw(set_cr)(v, 8, vtr_apic_cr8(v));
}

static u64 apic_now(u32 off)
{
	switch (off) {
	case LAPIC_TMICT:
	case LAPIC_TMCCT:
	case LAPIC_TDCR:
		return ktime_get_ns();
	default:
		return 0;
	}
}

/* --- what the run loop asks --- */

/**
 * vtr_apic_pending() - what may interrupt the guest, whatever RFLAGS.IF says
 * @v: by its own thread
 *
 * Return: the vector; 0 for one of the PIC's; -1 for nothing.
 */
int vtr_apic_pending(struct vtr_vcpu *v)
{
	if (apic_pic_asserted(v))
		return 0;
	if (static_branch_unlikely(&vtr_vid))
		vtr_lapic_collect(&v->apic->l);
	return vtr_lapic_hw_enabled(&v->apic->l) ? vtr_lapic_pending(&v->apic->l) : -1;
}

/**
 * vtr_apic_to_inject() - what we have to deliver, whatever RFLAGS.IF says
 * @v: by its own thread
 *
 * Return: the vector; 0 for one of the PIC's; -1 for nothing, or nothing that the CPU does not deliver.
 */
int vtr_apic_to_inject(struct vtr_vcpu *v)
{
	if (static_branch_unlikely(&vtr_vid) && v->apic->l.hw)
		return apic_pic_asserted(v) ? 0 : -1;
	return vtr_apic_pending(v);
}

/**
 * vtr_apic_publish() - before an entry: the CPU hears of what was posted
 * @v: loaded
 */
void vtr_apic_publish(struct vtr_vcpu *v)
{
	struct vtr_apic *a = v->apic;

	vtr_lapic_collect(&a->l);
	if (!a->l.hw)
		return;
	vtr_hw(virtual_irqs)(v, vtr_lapic_highest_irr(&a->l),
			     a->reload ? vtr_lapic_highest_isr(&a->l) : VTR_KEEP_ISR);
	a->reload = false;
}

/**
 * vtr_apic_load_eoi_map() - for VTR_REQ_EOI_MAP: which EOIs shall exit
 * @v: by its own thread
 */
void vtr_apic_load_eoi_map(struct vtr_vcpu *v)
{
	if (v->apic->l.hw)
		vtr_hw(virtual_eois)(v, apic_eoi_map(v->vm));
}

/**
 * vtr_apic_ended() - the CPU ended the service of a vector whose EOI exits
 * @v: by its own thread
 * @vector: the vector
 */
void vtr_apic_ended(struct vtr_vcpu *v, u8 vector)
{
	apic_eoi_broadcast(v, vector);
}

/**
 * vtr_apic_ack() - take that interrupt
 * @v: by its own thread
 *
 * Return: the vector, -1 if it went away.
 */
int vtr_apic_ack(struct vtr_vcpu *v)
{
	if (apic_pic_asserted(v)) {
		int vector = vtr_irqchip_pic_ack(v->vm->irqchip);

		if (vector >= 0)
			return vector;
	}
	if (static_branch_unlikely(&vtr_vid) && v->apic->l.hw)
		return -1;
	return vtr_lapic_hw_enabled(&v->apic->l) ? vtr_lapic_ack(&v->apic->l) : -1;
}

/**
 * vtr_apic_highest_irr() - highest requested vector whatever the TPR, for the CR8 window
 * @v: by its own thread
 *
 * Return: the vector or -1, also where the CPU minds the TPR itself.
 */
int vtr_apic_highest_irr(struct vtr_vcpu *v)
{
	if (static_branch_unlikely(&vtr_vid) && v->apic->l.hw)
		return -1;
	return vtr_lapic_highest_irr(&v->apic->l);
}

/**
 * vtr_apic_cr8() - the task priority as CR8 shows it
 * @v: by its own thread
 *
 * Return: 0..15.
 */
u64 vtr_apic_cr8(struct vtr_vcpu *v)
{
	return vtr_lapic_reg(&v->apic->l, LAPIC_TPR) >> 4;
}

/**
 * vtr_apic_set_cr8() - the guest wrote CR8
 * @v: by its own thread
 * @cr8: 0..15
 *
 * Called after every exit, so a value that has not changed costs next to nothing, and leaves the
 * low bits of a TPR that was written as a register.
 */
void vtr_apic_set_cr8(struct vtr_vcpu *v, u64 cr8)
{
	struct vtr_lapic *l = &v->apic->l;

	if (likely(vtr_lapic_reg(l, LAPIC_TPR) >> 4 == cr8))
		return;
	if (l->hw)
		vtr_lapic_resync(l);
	vtr_apic_do(v, vtr_lapic_set_tpr(l, (cr8 & 0xf) << 4));
}

/**
 * vtr_apic_base() - reads IA32_APIC_BASE
 * @v: by its own thread
 *
 * Return: the value; 0 without an in-kernel APIC.
 */
u64 vtr_apic_base(struct vtr_vcpu *v)
{
	return v->apic ? v->apic->l.base : 0;
}

/* --- the guest's way in --- */

static bool apic_has_x2apic(const struct vtr_cpuid *c)
{
	u32 i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == 1)
			return c->entries[i].ecx & CPUID_X2APIC;
	return false;
}

/* Bits that this guest's CPU has not: physical addresses, x2APIC. */
static u64 apic_base_reserved(const struct vtr_vcpu *v)
{
	const struct vtr_cpuid *c = &v->cpuid;
	u64 reserved = ~GENMASK_ULL(c->phys_bits ? c->phys_bits - 1 : 51, 0);

	return apic_has_x2apic(c) ? reserved : reserved | LAPIC_BASE_EXTD;
}

/**
 * vtr_apic_set_base() - writes IA32_APIC_BASE
 * @v: by its own thread
 * @val: the value
 * @host: by an ioctl
 *
 * Return: 0, or -EINVAL for reserved bits or a change of mode that SDM 3A "x2APIC State Transitions"
 * forbids. Without an in-kernel APIC any value passes and is forgotten.
 */
int vtr_apic_set_base(struct vtr_vcpu *v, u64 val, bool host)
{
	int err;

	if (!v->apic)
		return 0;
	err = vtr_lapic_set_base(&v->apic->l, val, apic_base_reserved(v), host);
	if (err)
		return err;
	vtr_apic_choose_delivery(v);
	vtr_request_set(v, VTR_REQ_EVENT);
	return 0;
}

/**
 * vtr_apic_mmio_covers() - is the address in the APIC's page?
 * @v: by its own thread
 * @gpa: guest-physical address
 */
bool vtr_apic_mmio_covers(struct vtr_vcpu *v, gpa_t gpa)
{
	return v->apic && !((gpa ^ v->apic->l.base) & LAPIC_BASE_ADDR);
}

static bool apic_xapic_mode(const struct vtr_lapic *l)
{
	return (l->base & (LAPIC_BASE_EN | LAPIC_BASE_EXTD)) == LAPIC_BASE_EN;
}

/**
 * vtr_apic_mmio_read() - reads the APIC's page
 * @v: by its own thread
 * @gpa: covered by the APIC
 * @len: bytes, 1..8
 * @val: filled in; all ones where no APIC answers; parts of a register may be read within its word
 *
 * Return: 0.
 */
int vtr_apic_mmio_read(struct vtr_vcpu *v, gpa_t gpa, int len, void *val)
{
	struct vtr_lapic *l = &v->apic->l;
	u32 off = gpa & ~VTR_PAGE_MASK & ~0xfUL, at = gpa & 0xf, reg, effects;

	memset(val, 0xff, len);
	if (!apic_xapic_mode(l) || at + len > sizeof(reg))
		return 0;
	reg = vtr_lapic_read(l, off, apic_now(off), &effects);
	memcpy(val, (u8 *)&reg + at, len);
	vtr_apic_do(v, effects);
	return 0;
}

/**
 * vtr_apic_mmio_write() - writes the APIC's page
 * @v: by its own thread
 * @gpa: covered by the APIC
 * @len: bytes; anything but an aligned word is dropped
 * @val: the value
 *
 * Return: 0.
 */
int vtr_apic_mmio_write(struct vtr_vcpu *v, gpa_t gpa, int len, const void *val)
{
	struct vtr_lapic *l = &v->apic->l;
	u32 off = gpa & ~VTR_PAGE_MASK, reg;

	if (!apic_xapic_mode(l) || len != sizeof(reg) || (off & 0xf))
		return 0;
	memcpy(&reg, val, sizeof(reg));
	vtr_apic_do(v, vtr_lapic_write(l, off, reg, apic_now(off)));
	if (off == LAPIC_TPR)
		apic_publish_tpr(v);
	return 0;
}

/**
 * vtr_apic_msr_read() - RDMSR of 0x800..0x8ff
 * @v: by its own thread
 * @msr: the MSR
 * @val: the value
 *
 * Return: 0, or -EINVAL: #GP(0).
 */
int vtr_apic_msr_read(struct vtr_vcpu *v, u32 msr, u64 *val)
{
	u32 off = X2APIC_OFF(msr);

	if (!v->apic)
		return -EINVAL;
	return vtr_lapic_read_msr(&v->apic->l, off, apic_now(off), val);
}

static noinline int apic_msr_write_slow(struct vtr_vcpu *v, u32 msr, u64 val)
{
	u32 off = X2APIC_OFF(msr), effects;
	int err;

	err = vtr_lapic_write_msr(&v->apic->l, off, val, apic_now(off), &effects);
	if (err)
		return err;
	vtr_apic_do(v, effects);
	if (off == LAPIC_TPR)
		apic_publish_tpr(v);
	if (off == LAPIC_SVR)
		vtr_apic_choose_delivery(v);
	return 0;
}

/**
 * vtr_apic_written() - the guest wrote a register in the page, and what it asks is left to us
 * @v: by its own thread
 * @off: offset in the page: of the self-IPI register, when the vector is none a guest may send
 */
void vtr_apic_written(struct vtr_vcpu *v, u32 off)
{
	apic_msr_write_slow(v, X2APIC_MSR(off), vtr_lapic_reg(&v->apic->l, off));
}

static int apic_self_ipi(struct vtr_vcpu *v, u8 vector)
{
	if (vtr_lapic_post(&v->apic->l, vector, false))
		vtr_request_set(v, VTR_REQ_EVENT);
	return 0;
}

/**
 * vtr_apic_msr_write() - WRMSR of 0x800..0x8ff
 * @v: by its own thread
 * @msr: the MSR
 * @val: the value
 *
 * EOI and interrupts to itself, the most frequent of all exits, are told apart first.
 * Return: 0, or -EINVAL: #GP(0).
 */
int vtr_apic_msr_write(struct vtr_vcpu *v, u32 msr, u64 val)
{
	struct vtr_apic *a = v->apic;

	if (unlikely(!vtr_lapic_x2apic(&a->l)))
		return -EINVAL;
	if (msr == X2APIC_MSR(LAPIC_EOI) && likely(!val)) {
		u32 effects = vtr_lapic_eoi(&a->l);

		if (effects & LAPIC_DO_EVENT)
			vtr_request_set(v, VTR_REQ_EVENT);
		if (likely(effects & LAPIC_DO_EOI))
			apic_eoi_broadcast(v, a->l.eoi_vector);
		return 0;
	}
	if (msr == X2APIC_MSR(LAPIC_SELF_IPI) && val - 16 < 240)
		return vtr_lapic_enabled(&a->l) ? apic_self_ipi(v, val) : 0;
	if (unlikely(!vtr_lapic_enabled(&a->l)))
		return apic_msr_write_slow(v, msr, val);
	if (msr == X2APIC_MSR(LAPIC_ICR) && (val & ICR_SELF_MASK) == ICR_SELF && (u8)val >= 16) {
		vtr_lapic_set_reg(&a->l, LAPIC_ICR, val & ~BIT_ULL(12));
		vtr_lapic_set_reg(&a->l, LAPIC_ICR2, val >> 32);
		return apic_self_ipi(v, val);
	}
	return apic_msr_write_slow(v, msr, val);
}

/* --- life --- */

/**
 * vtr_apic_create() - give a vCPU its local APIC
 * @v: not visible yet
 *
 * Return: 0 or -ENOMEM. Context: may sleep.
 */
int vtr_apic_create(struct vtr_vcpu *v)
{
	struct vtr_apic *a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
	void *page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (!a || !page) {
		free_page((unsigned long)page);
		kfree(a);
		return -ENOMEM;
	}
	a->vcpu = v;
	vtr_apic_timer_init(a);
	vtr_lapic_init(&a->l, page, v->id);
	a->l.aside = static_key_enabled(&vtr_vid);
	vtr_lapic_reset(&a->l, !v->id, false);
	v->apic = a;
	return 0;
}

/**
 * vtr_apic_destroy() - free it
 * @v: out of everybody's reach
 */
void vtr_apic_destroy(struct vtr_vcpu *v)
{
	struct vtr_apic *a = v->apic;

	if (!a)
		return;
	vtr_apic_timer_cancel(a);
	v->apic = NULL;
	free_page((unsigned long)a->l.regs);
	kfree(a);
}

/**
 * vtr_apic_reset() - power-up or INIT
 * @v: by its own thread
 * @init_event: INIT
 */
void vtr_apic_reset(struct vtr_vcpu *v, bool init_event)
{
	vtr_lapic_reset(&v->apic->l, !v->id, init_event);
	vtr_apic_choose_delivery(v);
	apic_publish_tpr(v);
}

/**
 * vtr_apic_accept_mp() - act on INIT and SIPI
 * @v: by its own thread, not loaded
 *
 * SDM 3A "MP Initialization Protocol Algorithm for MP Systems"; v->mp_state as in KVM api.rst
 * KVM_GET_MP_STATE. A SIPI reaches only a vCPU that waits for it.
 * Return: true if the vCPU became runnable.
 */
bool vtr_apic_accept_mp(struct vtr_vcpu *v)
{
	struct vtr_apic *a = v->apic;
	bool was_runnable = v->mp_state == KVM_MP_STATE_RUNNABLE;

	if (test_and_clear_bit(VTR_APIC_INIT, &a->mp_events)) {
		vtr_vcpu_reset(v, true);
		v->mp_state = a->l.base & LAPIC_BASE_BSP ? KVM_MP_STATE_RUNNABLE :
							   KVM_MP_STATE_INIT_RECEIVED;
	}
	if (test_and_clear_bit(VTR_APIC_SIPI, &a->mp_events) &&
	    v->mp_state == KVM_MP_STATE_INIT_RECEIVED) {
		smp_rmb();	/* event before vector: pairs with apic_accept() */
		vtr_vcpu_start_at(v, READ_ONCE(a->sipi_vector));
		v->mp_state = KVM_MP_STATE_RUNNABLE;
	}
	return v->mp_state == KVM_MP_STATE_RUNNABLE && !was_runnable;
}

/**
 * vtr_apic_latch_sipi() - KVM_SET_MP_STATE with KVM_MP_STATE_SIPI_RECEIVED
 * @v: under its mutex
 *
 * The vCPU waits for a SIPI, and one, to the vector of the last, is there to be accepted.
 */
void vtr_apic_latch_sipi(struct vtr_vcpu *v)
{
	v->mp_state = KVM_MP_STATE_INIT_RECEIVED;
	set_bit(VTR_APIC_SIPI, &v->apic->mp_events);
	vtr_request_set(v, VTR_REQ_MP);
}

/**
 * vtr_apic_get_state() - KVM_GET_LAPIC
 * @v: under its mutex
 * @s: filled in
 *
 * Return: 0, or -EINVAL without an in-kernel APIC.
 */
int vtr_apic_get_state(struct vtr_vcpu *v, struct kvm_lapic_state *s)
{
	if (!v->apic)
		return -EINVAL;
	vtr_apic_timer_poll(v);
	if (v->apic->l.aside)
		vtr_lapic_collect(&v->apic->l);
	vtr_lapic_save(&v->apic->l, (u32 *)s->regs, ktime_get_ns());
	return 0;
}

/**
 * vtr_apic_set_state() - KVM_SET_LAPIC
 * @v: under its mutex
 * @s: from the caller; what no APIC can have is dropped
 *
 * Return: 0, or -EINVAL without an in-kernel APIC.
 */
int vtr_apic_set_state(struct vtr_vcpu *v, const struct kvm_lapic_state *s)
{
	if (!v->apic)
		return -EINVAL;
	vtr_lapic_restore(&v->apic->l, (const u32 *)s->regs, ktime_get_ns());
	vtr_apic_timer_set(v);
	vtr_apic_choose_delivery(v);
	apic_publish_tpr(v);
	vtr_request_set(v, VTR_REQ_EVENT);
	return 0;
}
