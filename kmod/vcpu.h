/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vcpu.h - what the core's files (vcpu.c, vcpu_ioctl.c, run.c, act.c, io.c, state.c) share.
 */
#ifndef VITRINE_VCPU_H
#define VITRINE_VCPU_H

#include <asm/processor-flags.h>
#include "vitrine.h"

/* What became of an exit: act.c to run.c. */
enum vtr_act {
	VTR_ACT_RESUME,		/* enter again */
	VTR_ACT_SLEEP,		/* leave the loaded part of the loop and look at everything */
	VTR_ACT_SLOW,		/* call vtr_act_slow() with the vCPU put: it has to sleep */
	VTR_ACT_USER,		/* v->run is filled in: return 0 from KVM_RUN */
	VTR_ACT_FAULT,		/* return -EFAULT */
};

/* vcpu.c */
struct vtr_vcpu *vtr_vcpu_create(struct vtr_vm *vm, u32 id);
void vtr_vcpu_add(struct vtr_vcpu *v);
void vtr_vcpu_destroy(struct vtr_vcpu *v);
void vtr_vcpu_reset(struct vtr_vcpu *v, bool init);
void vtr_vcpu_start_at(struct vtr_vcpu *v, u8 sipi_vector);

/* vcpu_ioctl.c */
int vtr_vcpu_fd(struct vtr_vcpu *v);

/* run.c */
int vtr_run(struct vtr_vcpu *v);
void vtr_queue_exception(struct vtr_vcpu *v, u8 vector, bool has_error, u32 error);
void vtr_queue_gp(struct vtr_vcpu *v);
void vtr_queue_ud(struct vtr_vcpu *v);
void vtr_queue_pf(struct vtr_vcpu *v, u64 addr, u32 error);

/* act.c, beside act.h */
enum vtr_act vtr_act_slow(struct vtr_vcpu *v, struct vtr_exit *e);
enum vtr_act vtr_exit_debug(struct vtr_vcpu *v, u8 vector, u64 dr6);
enum vtr_act vtr_exit_internal(struct vtr_vcpu *v, u32 suberror);

/* insn.c */
#define VTR_FETCH_MAX	16	/* bytes of code read at once: one more than the longest instruction */
int vtr_fetch_atomic(struct vtr_vcpu *v, u8 *buf, u8 *bits);
int vtr_fetch_slow(struct vtr_vcpu *v, u8 *buf, u8 *bits);
unsigned int vtr_insn_len_fetch(struct vtr_vcpu *v, u16 op, bool third);
bool vtr_insn_at_rip(struct vtr_vcpu *v, u16 op);
unsigned int vtr_insn_len_slow(struct vtr_vcpu *v, u16 op, bool third);
int vtr_walk_linear(struct vtr_vcpu *v, gva_t addr, u32 access, struct vtr_walk *w);
int vtr_translate_linear(struct vtr_vcpu *v, gva_t addr, u32 access, gpa_t *gpa, u32 *error);
void vtr_advance_slow(struct vtr_vcpu *v);
int vtr_translate(struct vtr_vcpu *v, struct kvm_translation *t);

/* io.c */
enum vtr_act vtr_io_fast(struct vtr_vcpu *v, struct vtr_exit *e);
enum vtr_act vtr_io_slow(struct vtr_vcpu *v, struct vtr_exit *e);
enum vtr_act vtr_mmio_fast(struct vtr_vcpu *v, gpa_t gpa, u32 why);
enum vtr_act vtr_emulate_slow(struct vtr_vcpu *v);
const struct vtr_insn *vtr_decode_slow(struct vtr_vcpu *v, enum vtr_act *act);
enum vtr_act vtr_complete(struct vtr_vcpu *v);
int vtr_emul_create(struct vtr_vcpu *v);
void vtr_emul_destroy(struct vtr_vcpu *v);

/* task.c */
enum vtr_act vtr_task_slow(struct vtr_vcpu *v, const struct vtr_exit *e);

/* state.c */
int vtr_set_cr0(struct vtr_vcpu *v, u64 val);
int vtr_set_cr4(struct vtr_vcpu *v, u64 val);
void vtr_get_regs(struct vtr_vcpu *v, struct kvm_regs *r);
int vtr_set_regs(struct vtr_vcpu *v, const struct kvm_regs *r);
void vtr_get_sregs(struct vtr_vcpu *v, struct kvm_sregs *s);
int vtr_set_sregs(struct vtr_vcpu *v, const struct kvm_sregs *s);
void vtr_get_events(struct vtr_vcpu *v, struct kvm_vcpu_events *ev);
int vtr_set_events(struct vtr_vcpu *v, const struct kvm_vcpu_events *ev);
void vtr_get_debugregs(struct vtr_vcpu *v, struct kvm_debugregs *d);
int vtr_set_debugregs(struct vtr_vcpu *v, const struct kvm_debugregs *d);
int vtr_get_mp_state(struct vtr_vcpu *v, struct kvm_mp_state *s);
int vtr_set_mp_state(struct vtr_vcpu *v, const struct kvm_mp_state *s);
int vtr_set_guest_debug(struct vtr_vcpu *v, const struct kvm_guest_debug *d);

/*
 * Length of the instruction that exited: the CPU's word for it, or what stands at RIP. op is one byte,
 * or 0x0f00 | second byte; third: one more opcode byte follows. 0: not to be told without sleeping.
 */
static __always_inline unsigned int vtr_insn_len(struct vtr_vcpu *v, const struct vtr_exit *e,
						 u16 op, bool third)
{
	if (likely(e->insn_len))
		return e->insn_len;
	if (op >= 0x0f00 && likely(vtr_insn_at_rip(v, 0x0f | (op & 0xff) << 8)))
		return 2 + third;
	return vtr_insn_len_fetch(v, op, third);
}

/**
 * vtr_advance() - the instruction at RIP is done
 * @v: by its own thread
 * @next_rip: where the guest goes on
 */
static __always_inline void vtr_advance(struct vtr_vcpu *v, u64 next_rip)
{
	v->rip = next_rip;
	if (unlikely(v->shadow || v->rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF) ||
		     v->guest_debug & KVM_GUESTDBG_SINGLESTEP))
		vtr_advance_slow(v);
}

static inline bool vtr_irqs_open(struct vtr_vcpu *v)
{
	return v->rflags & X86_EFLAGS_IF;
}

#endif /* VITRINE_VCPU_H */
