/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * backend.h - the one table through which common code calls the vendor's half.
 *
 * Each row is bound by static_call when the module loads, so a call costs no indirect branch. A row
 * documents its context; "loaded" means between vcpu_load and vcpu_put on this CPU, preemption off.
 */
#ifndef VITRINE_BACKEND_H
#define VITRINE_BACKEND_H

#include <linux/static_call.h>
#include "vitrine.h"

/**
 * struct vtr_code_state - how the guest executes just now, for fetch and page walk
 * @cr0: control registers and EFER as in force
 * @cs_attrib: CS's attributes in the hardware's form, to be compared only
 * @cs_base: base of CS, 0 in 64-bit mode
 * @bits: 16, 32 or 64: the default operand and address size
 * @cpl: current privilege level
 */
struct vtr_code_state {
	u64 cr0, cr3, cr4, efer;
	u64 cs_base;
	u16 cs_attrib;
	u8 bits;
	u8 cpl;
};

/* For virtual_irqs: what is in service is as the CPU left it. */
#define VTR_KEEP_ISR	(-2)

/* For set_timer. */
#define VTR_NO_TIMER	U64_MAX

/* What enter() has to tell beside the exit. */
#define VTR_ENTERED_EVENT	BIT(0)	/* an interrupted event came back: v->exc, irq_injected, ... */
#define VTR_ENTERED_TPR		BIT(1)	/* the guest changed its TPR without an exit: v->cr8 */
#define VTR_ENTERED_IRQ		BIT(2)	/* the exit acknowledged a host's interrupt: take_irq() */

/*
 * name, result, parameters.
 *
 * vcpu_create: allocates v->hw. -ENOMEM. May sleep.
 * vcpu_reset: control and register state of a CPU after RESET (@init: after INIT). Not loaded.
 * vcpu_held: does another CPU hold state of it? Interrupts off. Then vcpu_recall brings it to memory first;
 *	interrupts on, not loaded, may wait for that CPU.
 * vcpu_load/put: host state the guest's run disturbs is saved/restored; v->cpu is this CPU.
 * enter: one entry and exit; interrupts off before and after; v->regs, rip, rflags, cr2 are exchanged.
 *	Returns VTR_ENTERED_* bits.
 * take_irq: call the host's handler of the interrupt that the exit acknowledged. Interrupts off;
 *	after VTR_ENTERED_IRQ only.
 * decode: fills *e from the last exit.
 * last_exit: the same exit in the CPU's own words. Loaded or not.
 * inject_*: the event goes in with the next entry; at most one per entry. Loaded.
 * irq_window, nmi_window, cr8_window: exit as soon as such an event could be taken / on CR8 writes.
 * set_shadow: KVM_X86_SHADOW_INT_* for the next instruction.
 * code_state: registers needed to fetch and walk.
 * code_same: are they what the cache holds?
 * get/set_segment, get/set_table: KVM's segment and table structs (VCPU_SREG_* order below).
 * get/set_cr: number 0, 2, 3, 4, 8; no checks, 8 goes to the virtual TPR and v->cr8.
 * get/set_msr: MSRs that live in the hardware's state; 0 or -ENOENT; values already validated.
 * get/set_dr: the guest's DR6 or DR7, wherever they are now; no checks, and nothing is armed. Loaded or not.
 * flush_tlb: cached translations of this guest are void before the next entry. Loaded or not.
 * lend_debug: the guest accesses its debug registers without exits until vcpu_put. Loaded.
 * update_debug: v->dr, dr7, guest_debug changed.
 * virtual_apic: from now on the CPU delivers and ends interrupts in this page (NULL: no more). Loaded or not.
 * virtual_irqs: highest vector requested, highest in service (-1: none, VTR_KEEP_ISR). Loaded.
 * virtual_eois: bitmap of the vectors whose EOIs exit. These three are called with vtr_vid on only.
 * set_timer: an exit (VTR_EXIT_TIMER) when the host's TSC is @cycles ahead of @now, or sooner if that is far
 *	away; VTR_NO_TIMER: none. Loaded or not; called with vtr_exit_timer on only.
 * log_writes: from the next entry on every write that sets a leaf's dirty bit is in the dirty log when
 *	enter() returns, or no more. Loaded or not; called with vtr_pt.cpu_logs only.
 * set_tsc_offset: host TSC, at the guest's rate, + offset = guest TSC.
 * set_tsc_ratio: that rate, as in struct vtr_tsc_rate. Not running; where
 *	tsc_ratio_form() has one only.
 * iret_seen, iret_done, stepped: the end of an NMI handler, see svm/event.c.
 */
#define VTR_BACKEND_OPS(OP) \
	OP(vcpu_create,		int,	(struct vtr_vcpu *v)) \
	OP(vcpu_destroy,	void,	(struct vtr_vcpu *v)) \
	OP(vcpu_reset,		void,	(struct vtr_vcpu *v, bool init)) \
	OP(vcpu_held,		bool,	(struct vtr_vcpu *v)) \
	OP(vcpu_recall,		void,	(struct vtr_vcpu *v)) \
	OP(vcpu_load,		void,	(struct vtr_vcpu *v)) \
	OP(vcpu_put,		void,	(struct vtr_vcpu *v)) \
	OP(enter,		int,	(struct vtr_vcpu *v)) \
	OP(take_irq,		void,	(struct vtr_vcpu *v)) \
	OP(decode,		void,	(struct vtr_vcpu *v, struct vtr_exit *e)) \
	OP(last_exit,		void,	(struct vtr_vcpu *v, struct vtr_hw_exit *e)) \
	OP(inject_irq,		void,	(struct vtr_vcpu *v, u8 vector)) \
	OP(inject_nmi,		void,	(struct vtr_vcpu *v)) \
	OP(inject_exception,	void,	(struct vtr_vcpu *v, const struct vtr_event *ev)) \
	OP(cancel_event,	void,	(struct vtr_vcpu *v)) \
	OP(irq_window,		void,	(struct vtr_vcpu *v, bool on)) \
	OP(nmi_window,		void,	(struct vtr_vcpu *v)) \
	OP(iret_seen,		void,	(struct vtr_vcpu *v)) \
	OP(iret_done,		bool,	(struct vtr_vcpu *v)) \
	OP(stepped,		bool,	(struct vtr_vcpu *v)) \
	OP(cr8_window,		void,	(struct vtr_vcpu *v, bool on)) \
	OP(get_shadow,		u32,	(struct vtr_vcpu *v)) \
	OP(set_shadow,		void,	(struct vtr_vcpu *v, u32 shadow)) \
	OP(code_state,		void,	(struct vtr_vcpu *v, struct vtr_code_state *s)) \
	OP(code_same,		bool,	(struct vtr_vcpu *v, const struct vtr_walk_cache *c)) \
	OP(get_segment,		void,	(struct vtr_vcpu *v, int seg, struct kvm_segment *s)) \
	OP(set_segment,		void,	(struct vtr_vcpu *v, int seg, const struct kvm_segment *s)) \
	OP(get_table,		void,	(struct vtr_vcpu *v, bool idt, struct kvm_dtable *t)) \
	OP(set_table,		void,	(struct vtr_vcpu *v, bool idt, const struct kvm_dtable *t)) \
	OP(get_cr,		u64,	(struct vtr_vcpu *v, int nr)) \
	OP(set_cr,		void,	(struct vtr_vcpu *v, int nr, u64 val)) \
	OP(get_msr,		int,	(struct vtr_vcpu *v, u32 msr, u64 *val)) \
	OP(set_msr,		int,	(struct vtr_vcpu *v, u32 msr, u64 val)) \
	OP(get_dr,		u64,	(struct vtr_vcpu *v, int nr)) \
	OP(set_dr,		void,	(struct vtr_vcpu *v, int nr, u64 val)) \
	OP(flush_tlb,		void,	(struct vtr_vcpu *v)) \
	OP(lend_debug,		void,	(struct vtr_vcpu *v)) \
	OP(update_debug,	void,	(struct vtr_vcpu *v)) \
	OP(virtual_apic,	void,	(struct vtr_vcpu *v, void *page)) \
	OP(virtual_irqs,	void,	(struct vtr_vcpu *v, int irr, int isr)) \
	OP(virtual_eois,	void,	(struct vtr_vcpu *v, const u64 *map)) \
	OP(set_timer,		void,	(struct vtr_vcpu *v, u64 now, u64 cycles)) \
	OP(log_writes,		void,	(struct vtr_vcpu *v, bool on)) \
	OP(set_tsc_offset,	void,	(struct vtr_vcpu *v, u64 offset)) \
	OP(set_tsc_ratio,	void,	(struct vtr_vcpu *v, u64 ratio)) \
	OP(cpu_enable,		int,	(void)) \
	OP(cpu_disable,		void,	(void))

struct vtr_backend {
	const char *name;
	/* How nested page tables look, and the most levels they may have. */
	const struct vtr_pt_format *pt_format;
	u8 pt_levels;
	/* The highest level that may hold leaves: 2: 2 MiB, 3: 1 GiB. */
	u8 (*leaf_levels)(void);
	/* NULL, or whether the CPU delivers interrupts by itself; after check(). */
	bool (*virtual_interrupts)(void);
	/* NULL, or whether the CPU can end the guest's turn at a given time; after check(). */
	bool (*exit_timer)(void);
	/* NULL, or the form of the ratio between guests' TSCs and the host's; after check(). */
	struct vtr_tsc_ratio_form (*tsc_ratio_form)(void);
	/* NULL, or whether the CPU logs the writes that set a leaf's dirty bit; after check(). */
	bool (*cpu_logs)(void);
	/* NULL, or whether guests must not execute from large pages; after check(). */
	bool (*small_code)(void);
	/* NULL or, at load, the sentence that says why this CPU will not do; *err its errno. */
	const char *(*check)(int *err);
	int (*setup)(void);
	void (*teardown)(void);
#define OP(op, ret, args) ret (*op) args;
	VTR_BACKEND_OPS(OP)
#undef OP
};

#define OP(op, ret, args) \
	typedef ret vtr_hw_##op##_fn args; \
	DECLARE_STATIC_CALL(vtr_hw_##op, vtr_hw_##op##_fn);
VTR_BACKEND_OPS(OP)
#undef OP

#define vtr_hw(op) static_call(vtr_hw_##op)

/* Segment numbers of get/set_segment: the instruction encoding's order, then TR and LDTR. */
enum vtr_segment {
	VTR_SEG_ES, VTR_SEG_CS, VTR_SEG_SS, VTR_SEG_DS, VTR_SEG_FS, VTR_SEG_GS, VTR_SEG_TR,
	VTR_SEG_LDTR, VTR_SEG_NR
};

static inline int vtr_hw_get_msr(struct vtr_vcpu *v, u32 msr, u64 *val)
{
	return vtr_hw(get_msr)(v, msr, val);
}

static inline int vtr_hw_set_msr(struct vtr_vcpu *v, u32 msr, u64 val)
{
	return vtr_hw(set_msr)(v, msr, val);
}

extern const struct vtr_backend vtr_svm_backend, vtr_vmx_backend;
extern const struct vtr_backend *vtr_backend;

/* Before each entry its checks are gone through in software: a backend keeps what it finds until after the exit. */
extern bool vtr_check_entries;

/* A machine check that ended a guest, or its entry, goes to the host's handler: it has to clear it, or the next one is the end. Interrupts off. */
static inline void vtr_host_machine_check(void)
{
	asm volatile("int $0x12");
}

#endif /* VITRINE_BACKEND_H */
