/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * svm.h - the AMD backend's own objects.
 *
 * cpu.c owns the CPUs (EFER.SVME, host save area, ASIDs), vcpu.c creation, load and entry, exit.c the
 * decoding of an exit, event.c injection and windows, state.c registers, maps.c the permission maps.
 */
#ifndef VITRINE_SVM_SVM_H
#define VITRINE_SVM_SVM_H

#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/io.h>
#include <asm/trapnr.h>
#include "../backend.h"
#include "entry.h"
#include "vmcb.h"

/**
 * struct svm_cpu - what each host CPU keeps
 * @save_area: page whose address is in MSR VM_HSAVE_PA: the CPU's own use
 * @host_vmsave: page for the host's VMSAVE state while a guest's is loaded
 * @host_vmsave_pa: its physical address
 * @asid_generation: goes up each time the ASIDs were used up and the TLB was flushed
 * @next_asid: next one never used in this generation
 * @last_vcpu: whose guest code ran last: another one needs a prediction barrier
 * @tsc_aux: the host's MSR TSC_AUX
 * @tsc_ratio: what MSR TSC_RATIO holds; it is nobody's but guests'
 * @enabled: EFER.SVME was set by us
 */
struct svm_cpu {
	struct page *save_area;
	struct page *host_vmsave;
	u64 host_vmsave_pa;
	u64 asid_generation;
	u32 next_asid;
	const void *last_vcpu;
	u64 tsc_aux;
	u64 tsc_ratio;
	bool enabled;
};

/* Bits of vtr_backend_vcpu.rare: all of them are zero at most entries, which one test tells. */
enum svm_rare {
	SVM_RARE_EVENT	= BIT(0),	/* event_inj was filled for this entry */
	SVM_RARE_FLUSH	= BIT(1),	/* tlb_control was */
	SVM_RARE_NMI	= BIT(2),	/* single-stepping over the IRET of an NMI handler */
	SVM_RARE_STEP	= BIT(3),	/* a debugger's single step */
	SVM_RARE_ASID	= BIT(4),	/* the entry needs an ASID that nothing is cached under */
	SVM_RARE_TRAP	= BIT(5),	/* event_inj is the trap of an instruction, which it goes behind */
	SVM_RARE_DEBUG	= BIT(6),	/* the host's breakpoints displaced DR0..3 after the last exit */
	SVM_RARE_CHECK	= BIT(7),	/* entries are checked in software: hw->check is there */
	SVM_RARE_BEFORE	= SVM_RARE_NMI | SVM_RARE_STEP | SVM_RARE_ASID | SVM_RARE_TRAP | SVM_RARE_DEBUG |
			  SVM_RARE_CHECK,
};

struct vtr_backend_vcpu {
	struct vmcb *vmcb;
	struct svm_entry entry;
	u64 asid_generation;	/* of the CPU the ASID came from; 0: needs a new one */
	int asid_cpu;
	u32 rare;		/* enum svm_rare: what an entry has to look at beside the usual */
	bool dr_lent;		/* DR0..3 are the guest's and it may access them */
	bool dr_loaded;		/* a debugger's DR0..3 are in the CPU while loaded */
	bool iret_seen;		/* IRET was intercepted; done once RIP has moved on */
	u64 iret_rip;
	u64 trap_rip;		/* where the handler of the trap that went in last returns to */
	u64 guest_tf;		/* RFLAGS.TF as the guest has it, while single-stepping */
	u64 guest_dr6;		/* the VMCB's before a step, which leaves its mark there */
	u64 cr4;		/* the guest's view; the VMCB's has CR4.MCE of the host */
	u32 spec_ctrl;
	bool spec_ctrl_open;	/* the guest may write SPEC_CTRL without an exit */
	u64 tsc_aux;
	u64 tsc_ratio;		/* in MSR TSC_RATIO's form */
	struct page *msrpm;
	struct svm_entry_check *check; /* of the next entry, or NULL */
};

#define SVM_TSC_RATIO_FRACTION	32
#define SVM_TSC_RATIO_ONE	BIT_ULL(SVM_TSC_RATIO_FRACTION)

extern bool svm_has_flush_asid, svm_has_clean_bits, svm_has_pause_filter, svm_has_v_spec_ctrl;
extern bool svm_has_tsc_scaling;
extern u32 svm_max_asid, svm_clean_after_exit;

DECLARE_STATIC_KEY_FALSE(svm_nrips);
DECLARE_PER_CPU(struct svm_cpu, svm_cpus);

/* cpu.c */
const char *svm_check(int *err);
u8 svm_leaf_levels(void);
struct vtr_tsc_ratio_form svm_tsc_ratio_form(void);
int svm_setup(void);
void svm_teardown(void);
int svm_cpu_enable(void);
void svm_cpu_disable(void);
void svm_asid_new(struct vtr_vcpu *v, struct svm_cpu *c);

/* maps.c */
extern u64 svm_iopm_pa;
int svm_maps_setup(void);
void svm_maps_teardown(void);
struct page *svm_msrpm_create(void);
void svm_msrpm_destroy(struct page *map);
void svm_msrpm_allow(struct page *map, u32 msr);

/* vcpu.c */
int svm_vcpu_create(struct vtr_vcpu *v);
void svm_vcpu_destroy(struct vtr_vcpu *v);
void svm_vcpu_reset(struct vtr_vcpu *v, bool init);
bool svm_vcpu_held(struct vtr_vcpu *v);
void svm_vcpu_recall(struct vtr_vcpu *v);
void svm_vcpu_load(struct vtr_vcpu *v);
void svm_vcpu_put(struct vtr_vcpu *v);
int svm_enter(struct vtr_vcpu *v);
void svm_flush_tlb(struct vtr_vcpu *v);

/* exit.c */
void svm_decode(struct vtr_vcpu *v, struct vtr_exit *e);
void svm_last_exit(struct vtr_vcpu *v, struct vtr_hw_exit *e);

/* fail.c */
void svm_explain_failure(struct vtr_vcpu *v);
int svm_check_create(struct vtr_vcpu *v);
void svm_check_destroy(struct vtr_vcpu *v);
void svm_check_before(struct vtr_vcpu *v);
void svm_check_after(struct vtr_vcpu *v);

/* event.c */
void svm_inject_irq(struct vtr_vcpu *v, u8 vector);
void svm_inject_nmi(struct vtr_vcpu *v);
void svm_inject_exception(struct vtr_vcpu *v, const struct vtr_event *ev);
void svm_cancel_event(struct vtr_vcpu *v);
void svm_irq_window(struct vtr_vcpu *v, bool on);
void svm_nmi_window(struct vtr_vcpu *v);
void svm_iret_seen(struct vtr_vcpu *v);
bool svm_stepped(struct vtr_vcpu *v);
bool svm_iret_done(struct vtr_vcpu *v);
void svm_cr8_window(struct vtr_vcpu *v, bool on);
u32 svm_get_shadow(struct vtr_vcpu *v);
void svm_set_shadow(struct vtr_vcpu *v, u32 shadow);
int svm_take_back_event(struct vtr_vcpu *v);

/* state.c */
void svm_code_state(struct vtr_vcpu *v, struct vtr_code_state *s);
bool svm_code_same(struct vtr_vcpu *v, const struct vtr_walk_cache *c);
void svm_get_segment(struct vtr_vcpu *v, int seg, struct kvm_segment *s);
void svm_set_segment(struct vtr_vcpu *v, int seg, const struct kvm_segment *s);
void svm_get_table(struct vtr_vcpu *v, bool idt, struct kvm_dtable *t);
void svm_set_table(struct vtr_vcpu *v, bool idt, const struct kvm_dtable *t);
u64 svm_get_cr(struct vtr_vcpu *v, int nr);
void svm_set_cr(struct vtr_vcpu *v, int nr, u64 val);
int svm_get_msr(struct vtr_vcpu *v, u32 msr, u64 *val);
int svm_set_msr(struct vtr_vcpu *v, u32 msr, u64 val);
void svm_lend_debug(struct vtr_vcpu *v);
void svm_take_debug(struct vtr_vcpu *v);
void svm_update_debug(struct vtr_vcpu *v);
u64 svm_get_dr(struct vtr_vcpu *v, int nr);
void svm_set_dr(struct vtr_vcpu *v, int nr, u64 val);
void svm_set_tsc_offset(struct vtr_vcpu *v, u64 offset);
void svm_set_tsc_ratio(struct vtr_vcpu *v, u64 ratio);

/* A field of the VMCB behind the given clean bit changed. */
static inline void svm_touch(struct vtr_vcpu *v, u32 bit)
{
	v->hw->vmcb->clean &= ~bit;
}

#endif /* VITRINE_SVM_SVM_H */
