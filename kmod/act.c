// SPDX-License-Identifier: GPL-2.0-only
/*
 * act.c - what is done about an exit. The backend has said what it was (exit.h).
 *
 * vtr_act() (act.h) runs loaded with interrupts off and does what needs no sleep; for the rest it answers
 * VTR_ACT_SLOW, and vtr_act_slow() goes on with the vCPU put.
 */
#include <linux/rcupdate.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "act.h"
#include "backend.h"
#include "fpu.h"
#include "guestmem.h"
#include "vcpu.h"

#define VTR_HYPERCALL_ENOSYS	(-1000)		/* KVM's documented -KVM_ENOSYS */

/**
 * vtr_exit_internal() - leave with KVM_EXIT_INTERNAL_ERROR and the bytes at RIP
 * @v: put
 * @suberror: KVM_INTERNAL_ERROR_*
 *
 * Return: VTR_ACT_USER.
 */
enum vtr_act vtr_exit_internal(struct vtr_vcpu *v, u32 suberror)
{
	struct kvm_run *run = v->run;

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = 2;
	run->internal.data[0] = v->rip;
	run->internal.data[1] = v->rflags;
	vtr_event_failed(v, VITRINE_EVENT_INTERNAL_ERROR);
	return VTR_ACT_USER;
}

/* MSRs that are written or read all the time and need no sleep. */
static bool vtr_msr_is_hot(struct vtr_vcpu *v, u32 msr)
{
	return v->apic && ((msr & ~0xffU) == 0x800 || msr == MSR_IA32_TSC_DEADLINE);
}

/**
 * vtr_act_wrmsr() - WRMSR
 * @v: as for vtr_act()
 * @e: its exit
 *
 * Return: what the run loop does next.
 */
enum vtr_act vtr_act_wrmsr(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	unsigned int len;
	u32 msr;
	u64 val;

	if (!vtr_msr_is_hot(v, v->regs[1]))
		return VTR_ACT_SLOW;
	len = vtr_insn_len(v, e, 0x0f30, false);
	if (unlikely(!len))
		return VTR_ACT_SLOW;
	/* Read now, not before the call: less to keep over it. */
	msr = v->regs[1];
	val = (u32)v->regs[0] | v->regs[2] << 32;
	if (msr == MSR_IA32_TSC_DEADLINE)
		vtr_apic_set_tsc_deadline(v, val);
	else if (unlikely(vtr_apic_msr_write(v, msr, val))) {
		vtr_queue_gp(v);
		return VTR_ACT_RESUME;
	}
	vtr_advance(v, v->rip + len);
	return VTR_ACT_RESUME;
}

static noinline enum vtr_act vtr_act_rdmsr(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	u32 msr = v->regs[1];
	unsigned int len;
	u64 val;

	if (!vtr_msr_is_hot(v, msr))
		return VTR_ACT_SLOW;
	len = vtr_insn_len(v, e, 0x0f32, false);
	if (unlikely(!len))
		return VTR_ACT_SLOW;
	if (unlikely(vtr_msr_read(v, msr, &val, false))) {
		vtr_queue_gp(v);
		return VTR_ACT_RESUME;
	}
	v->regs[0] = (u32)val;
	v->regs[2] = val >> 32;
	vtr_advance(v, v->rip + len);
	return VTR_ACT_RESUME;
}

/**
 * vtr_act_cpuid() - CPUID
 * @v: as for vtr_act()
 * @e: its exit
 *
 * Return: what the run loop does next.
 */
enum vtr_act vtr_act_cpuid(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	unsigned int len = vtr_insn_len(v, e, 0x0fa2, false);

	if (unlikely(!len))
		return VTR_ACT_SLOW;
	vtr_cpuid_exec(v);
	vtr_advance(v, v->rip + len);
	return VTR_ACT_RESUME;
}

/**
 * vtr_act_fault() - a guest-physical address that no translation, or one with too few rights, is for
 * @v: as for vtr_act()
 * @e: its exit
 *
 * It is MMIO where no slot is, or on a write to a read-only one; else memory to be mapped.
 *
 * Return: what the run loop does next.
 */
enum vtr_act vtr_act_fault(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	gfn_t gfn = e->fault.gpa >> PAGE_SHIFT;
	struct vtr_slot *s;

	if (likely(gfn == v->device.gfn && v->device.generation == v->slots->generation))
		return vtr_mmio_fast(v, e->fault.gpa, e->fault.why);
	s = vtr_slot_find(v->slots, gfn);
	if (!s) {
		v->device.gfn = gfn;
		v->device.generation = v->slots->generation;
	} else if (!(s->flags & KVM_MEM_READONLY && e->fault.why & VTR_FAULT_WRITE)) {
		return vtr_tdp_fault_fast(v, s, gfn, e->fault.why) ? VTR_ACT_RESUME : VTR_ACT_SLOW;
	}
	return vtr_mmio_fast(v, e->fault.gpa, e->fault.why);
}

/**
 * vtr_exit_debug() - leave with KVM_EXIT_DEBUG
 * @v: by its own thread
 * @vector: #DB or #BP
 * @dr6: what DR6 would say
 *
 * Return: VTR_ACT_USER.
 */
enum vtr_act vtr_exit_debug(struct vtr_vcpu *v, u8 vector, u64 dr6)
{
	struct kvm_run *run = v->run;
	struct vtr_code_state s;

	vtr_hw(code_state)(v, &s);
	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.exception = vector;
	run->debug.arch.pc = s.cs_base + v->rip;
	run->debug.arch.dr6 = dr6;
	run->debug.arch.dr7 = v->debug_dr7;
	return VTR_ACT_USER;
}

static noinline enum vtr_act vtr_act_db(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	bool stepped = vtr_hw(stepped)(v);

	if (v->guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP)) {
		/* What an AMD CPU has added to DR6 is the debugger's. */
		vtr_hw(set_dr)(v, 6, vtr_hw(get_dr)(v, 6));
		return vtr_exit_debug(v, X86_TRAP_DB, e->exc.dr6);
	}
	/* A step that was ours, to see an NMI handler's IRET through, is no business of the guest. */
	if (stepped && !(v->rflags & X86_EFLAGS_TF) && !(e->exc.dr6 & 0xf)) {
		vtr_request_set(v, VTR_REQ_EVENT);
		return VTR_ACT_RESUME;
	}
	/* INT1's handler returns behind it. */
	if (e->insn_len)
		vtr_advance(v, v->rip + e->insn_len);
	vtr_queue_exception(v, X86_TRAP_DB, false, 0);
	vtr_hw(set_dr)(v, 6, e->exc.dr6);
	v->exc.payload = 0;
	v->exc.has_payload = true;
	return VTR_ACT_RESUME;
}

static noinline enum vtr_act vtr_act_exception(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	switch (e->exc.vector) {
	case X86_TRAP_MC:
		/* The machine's, not the guest's. */
		vtr_host_machine_check();
		return VTR_ACT_RESUME;
	case X86_TRAP_DB:
		return vtr_act_db(v, e);
	case X86_TRAP_BP:
		return vtr_exit_debug(v, X86_TRAP_BP, 0);
	default:
		vtr_queue_exception(v, e->exc.vector, e->exc.has_error, e->exc.error);
		return VTR_ACT_RESUME;
	}
}

static noinline enum vtr_act vtr_act_hlt(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	unsigned int len = vtr_insn_len(v, e, 0xf4, false);

	if (unlikely(!len))
		return VTR_ACT_SLOW;
	vtr_advance(v, v->rip + len);
	if (!v->apic) {
		v->run->exit_reason = KVM_EXIT_HLT;
		return VTR_ACT_USER;
	}
	v->mp_state = KVM_MP_STATE_HALTED;
	return VTR_ACT_SLEEP;
}

/* Instructions of three opcode bytes that exit: VMMCALL and XSETBV, both 0F 01 xx. */
static noinline enum vtr_act vtr_act_0f01(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	unsigned int len = vtr_insn_len(v, e, 0x0f01, true);
	struct vtr_code_state s;

	if (unlikely(!len))
		return VTR_ACT_SLOW;
	vtr_hw(code_state)(v, &s);
	if (e->kind == VTR_EXIT_VMCALL) {
		v->regs[0] = s.bits == 64 ? (u64)VTR_HYPERCALL_ENOSYS : (u32)VTR_HYPERCALL_ENOSYS;
	} else if (s.cpl || vtr_fpu_xsetbv(v, v->regs[1], (u32)v->regs[0] | v->regs[2] << 32)) {
		vtr_queue_gp(v);
		return VTR_ACT_RESUME;
	}
	vtr_advance(v, v->rip + len);
	return VTR_ACT_RESUME;
}

static noinline enum vtr_act vtr_act_skip(struct vtr_vcpu *v, const struct vtr_exit *e, u16 op)
{
	unsigned int len = vtr_insn_len(v, e, op, false);

	if (unlikely(!len))
		return VTR_ACT_SLOW;
	vtr_advance(v, v->rip + len);
	return VTR_ACT_RESUME;
}

static enum vtr_act vtr_act_failed(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	struct kvm_run *run = v->run;

	if (e->kind == VTR_EXIT_ENTRY_FAILED) {
		run->exit_reason = KVM_EXIT_FAIL_ENTRY;
		run->fail_entry.hardware_entry_failure_reason = e->hw_reason;
		run->fail_entry.cpu = v->cpu;
		vtr_event_failed(v, VITRINE_EVENT_ENTRY_FAILURE);
		return VTR_ACT_USER;
	}
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON;
	run->internal.ndata = 2;
	run->internal.data[0] = e->hw_reason;
	run->internal.data[1] = v->cpu;
	vtr_event_failed(v, VITRINE_EVENT_INTERNAL_ERROR);
	return VTR_ACT_USER;
}

/**
 * vtr_act_other() - vtr_act() for all but the most frequent exits
 * @v: loaded, interrupts off, v->slots loaded
 * @e: the exit; kept for vtr_act_slow()
 *
 * Return: what the run loop does next.
 */
enum vtr_act vtr_act_other(struct vtr_vcpu *v, struct vtr_exit *e)
{
	switch (e->kind) {
	case VTR_EXIT_HOST_IRQ:
	case VTR_EXIT_HOST_NMI:
	case VTR_EXIT_INIT:
		/* Guest mode holds no RCU reference: once a tick RCU hears of it. */
		vtr_rcu_note_guest();
		return VTR_ACT_RESUME;
	case VTR_EXIT_HLT:
		return vtr_act_hlt(v, e);
	case VTR_EXIT_IRQ_WINDOW:
		vtr_request_set(v, VTR_REQ_EVENT);
		return !v->vm->irqchip && v->run->request_interrupt_window ? VTR_ACT_SLEEP :
									     VTR_ACT_RESUME;
	case VTR_EXIT_MSR_READ:
		return vtr_act_rdmsr(v, e);
	case VTR_EXIT_EXCEPTION:
		return vtr_act_exception(v, e);
	case VTR_EXIT_DR_ACCESS:
		if (v->guest_debug & KVM_GUESTDBG_USE_HW_BP)
			return VTR_ACT_SLOW;
		vtr_hw(lend_debug)(v);
		return VTR_ACT_RESUME;
	case VTR_EXIT_IRET:
		vtr_hw(iret_seen)(v);
		vtr_request_set(v, VTR_REQ_EVENT);
		return VTR_ACT_RESUME;
	case VTR_EXIT_PAUSE:
		return vtr_act_skip(v, e, 0x90);
	case VTR_EXIT_VMCALL:
	case VTR_EXIT_XSETBV:
		return vtr_act_0f01(v, e);
	case VTR_EXIT_INVD:
		return vtr_act_skip(v, e, 0x0f08);
	case VTR_EXIT_WBINVD:
		/* No device of ours sees memory behind the caches' back: nothing to write back. */
		return vtr_act_skip(v, e, 0x0f09);
	case VTR_EXIT_APIC_EOI:
		vtr_apic_ended(v, e->apic.vector);
		return VTR_ACT_RESUME;
	case VTR_EXIT_APIC_WRITE:
		vtr_apic_written(v, e->apic.off);
		return VTR_ACT_RESUME;
	case VTR_EXIT_TIMER:
		if (v->apic)
			vtr_apic_timer_poll(v);
		return VTR_ACT_RESUME;
	case VTR_EXIT_LOG_FULL:
		/* It was emptied on the way out. */
		return VTR_ACT_RESUME;
	case VTR_EXIT_RDPMC:
		vtr_queue_gp(v);
		return VTR_ACT_RESUME;
	case VTR_EXIT_MONITOR:
	case VTR_EXIT_MWAIT:
	case VTR_EXIT_UNDEFINED:
		vtr_queue_ud(v);
		return VTR_ACT_RESUME;
	default:
		return VTR_ACT_SLOW;
	}
}

/* The instruction crosses a page, or its page is not present in the host now. */
static enum vtr_act vtr_slow_skip(struct vtr_vcpu *v, struct vtr_exit *e, u16 op, bool third)
{
	e->insn_len = vtr_insn_len_slow(v, op, third);
	return e->insn_len ? vtr_act(v, e) : VTR_ACT_RESUME;
}

static enum vtr_act vtr_slow_msr(struct vtr_vcpu *v, struct vtr_exit *e)
{
	bool write = e->kind == VTR_EXIT_MSR_WRITE;
	u32 msr = v->regs[1];
	u64 val = (u32)v->regs[0] | v->regs[2] << 32;
	int err;

	if (!e->insn_len)
		e->insn_len = vtr_insn_len_slow(v, write ? 0x0f30 : 0x0f32, false);
	if (!e->insn_len)
		return VTR_ACT_RESUME;
	err = write ? vtr_msr_write(v, msr, val, false) : vtr_msr_read(v, msr, &val, false);
	if (err) {
		vtr_queue_gp(v);
		return VTR_ACT_RESUME;
	}
	if (!write) {
		v->regs[0] = (u32)val;
		v->regs[2] = val >> 32;
	}
	vtr_advance(v, v->rip + e->insn_len);
	return VTR_ACT_RESUME;
}

/* MOV to CR: those that a backend has exit. 0, or -EINVAL: #GP(0). */
static int vtr_cr_write(struct vtr_vcpu *v, u8 nr, u64 val)
{
	switch (nr) {
	case 0:
		return vtr_set_cr0(v, val);
	case 4:
		return vtr_set_cr4(v, val);
	case 8:
		if (val > 15)
			return -EINVAL;
		vtr_hw(set_cr)(v, 8, val);
		if (v->apic)
			vtr_apic_set_cr8(v, val);
		vtr_request_set(v, VTR_REQ_EVENT);
		return 0;
	default:
		return -EINVAL;
	}
}

static enum vtr_act vtr_slow_cr(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	enum vtr_act act;
	const struct vtr_insn *i = vtr_decode_slow(v, &act);
	u64 val;

	if (!i)
		return act;
	if (i->op != VTR_OP_MOV_CR)
		return VTR_ACT_RESUME;
	if (i->store) {
		val = i->reg == 8 && v->apic ? vtr_apic_cr8(v) : vtr_hw(get_cr)(v, i->reg);
		v->regs[i->rm] = i->size == 8 ? val : (u32)val;
	} else {
		val = i->size == 8 ? v->regs[i->rm] : (u32)v->regs[i->rm];
		if (vtr_cr_write(v, i->reg, val)) {
			vtr_queue_gp(v);
			return VTR_ACT_RESUME;
		}
	}
	vtr_advance(v, v->rip + i->len);
	return VTR_ACT_RESUME;
}

/*
 * MOV DR, while a debugger has the CPU's registers: SDM 3B "Debug Registers". DR4 and DR5 are DR6 and DR7 unless CR4.DE makes them
 * invalid. The exit comes before the CPU's check of the privilege level and before a general-detect #DB (the debugger's, its DR7 is in
 * force): SDM 3C "Instructions That Cause VM Exits Conditionally".
 */
static enum vtr_act vtr_slow_dr(struct vtr_vcpu *v)
{
	enum vtr_act act;
	const struct vtr_insn *i = vtr_decode_slow(v, &act);
	struct vtr_code_state s;
	u64 val;
	u8 nr;

	if (!i)
		return act;
	if (i->op != VTR_OP_MOV_DR)
		return VTR_ACT_RESUME;
	nr = i->reg;
	if (nr > 7 || ((nr == 4 || nr == 5) && vtr_hw(get_cr)(v, 4) & X86_CR4_DE)) {
		vtr_queue_ud(v);
		return VTR_ACT_RESUME;
	}
	vtr_hw(code_state)(v, &s);
	if (s.cpl) {
		vtr_queue_gp(v);
		return VTR_ACT_RESUME;
	}
	if (v->guest_debug & KVM_GUESTDBG_USE_HW_BP && v->debug_dr7 & VTR_DR7_GD)
		return vtr_exit_debug(v, X86_TRAP_DB, VTR_DR6_BD | VTR_DR6_ONES);
	if (nr == 4 || nr == 5)
		nr += 2;
	if (i->store) {
		val = nr < 4 ? v->dr[nr] : nr == 6 ? v->dr6 : v->dr7;
		v->regs[i->rm] = i->size == 8 ? val : (u32)val;
	} else {
		val = i->size == 8 ? v->regs[i->rm] : (u32)v->regs[i->rm];
		if (nr >= 6 && val >> 32) {
			vtr_queue_gp(v);
			return VTR_ACT_RESUME;
		}
		if (nr < 4)
			v->dr[nr] = val;
		else if (nr == 6)
			v->dr6 = (val & VTR_DR6_BITS) | VTR_DR6_ONES;
		else
			v->dr7 = (val & 0xffff2fffULL) | 0x400;
		vtr_hw(update_debug)(v);
	}
	vtr_advance(v, v->rip + i->len);
	return VTR_ACT_RESUME;
}

static enum vtr_act vtr_slow_fault(struct vtr_vcpu *v, const struct vtr_exit *e)
{
	switch (vtr_tdp_fault(v, e->fault.gpa, e->fault.why)) {
	case VTR_FAULT_MMIO:
		return vtr_emulate_slow(v);
	case VTR_FAULT_BAD:
		return VTR_ACT_FAULT;
	default:
		return VTR_ACT_RESUME;
	}
}

/**
 * vtr_act_slow() - handle the rest of an exit
 * @v: put, v->slots loaded
 * @e: the exit that vtr_act() answered VTR_ACT_SLOW to
 *
 * Return: what the run loop does next.
 */
enum vtr_act vtr_act_slow(struct vtr_vcpu *v, struct vtr_exit *e)
{
	switch (e->kind) {
	case VTR_EXIT_TDP_FAULT:
		return vtr_slow_fault(v, e);
	case VTR_EXIT_IO:
		return vtr_io_slow(v, e);
	case VTR_EXIT_MSR_READ:
	case VTR_EXIT_MSR_WRITE:
		return vtr_slow_msr(v, e);
	case VTR_EXIT_CPUID:
		return vtr_slow_skip(v, e, 0x0fa2, false);
	case VTR_EXIT_HLT:
		return vtr_slow_skip(v, e, 0xf4, false);
	case VTR_EXIT_PAUSE:
		return vtr_slow_skip(v, e, 0x90, false);
	case VTR_EXIT_INVD:
		return vtr_slow_skip(v, e, 0x0f08, false);
	case VTR_EXIT_WBINVD:
		return vtr_slow_skip(v, e, 0x0f09, false);
	case VTR_EXIT_VMCALL:
	case VTR_EXIT_XSETBV:
		return vtr_slow_skip(v, e, 0x0f01, true);
	case VTR_EXIT_CR_READ:
	case VTR_EXIT_CR_WRITE:
	case VTR_EXIT_CR8_WRITE:
		return vtr_slow_cr(v, e);
	case VTR_EXIT_DR_ACCESS:
		return vtr_slow_dr(v);
	case VTR_EXIT_TASK_SWITCH:
		return vtr_task_slow(v, e);
	case VTR_EXIT_TRIPLE_FAULT:
		vtr_event_failed(v, VITRINE_EVENT_TRIPLE_FAULT);
		/* The CPU's state is undefined now: leave one that can be inspected and reset. */
		vtr_vcpu_reset(v, true);
		v->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return VTR_ACT_USER;
	default:
		return vtr_act_failed(v, e);
	}
}
