/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vitrine.h - the two objects of the module, VM and vCPU, and what the common files offer each other.
 *
 * Start reading here, then run.c (the run loop), svm/exit.c (the vendor's decoding of an exit) and
 * act.c (what is done about it). A letter in brackets after a field names the lock that guards it:
 *
 *	[c] constant after creation
 *	[v] owned by the vCPU's thread under vcpu->mutex
 *	[s] vm->lock
 *	[m] vm->mmu.lock
 *	[a] atomic or READ_ONCE/WRITE_ONCE from anywhere
 *	[r] RCU
 *
 * docs/locking.md has the order of the locks.
 */
#ifndef VITRINE_H
#define VITRINE_H

#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcuwait.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/swait.h>
#include "pure.h"
#include "compat.h"
#include "decode.h"
#include "emulate.h"
#include "walk.h"
#include "exit.h"
#include "irq.h"
#include "mmu.h"
#include "bus.h"
#include "cpuid.h"
#include "msr.h"
#include "clock.h"
#include "stats.h"
#include "event.h"
#include "trace.h"

#define VTR_MAX_VCPUS	255	/* xAPIC ids; 255 is the broadcast id */

/* Debug registers: SDM 3B "Debug Status Register (DR6)", "Debug Control Register (DR7)". */
#define VTR_DR6_ONES	0xffff0ff0ULL
#define VTR_DR6_BITS	0xe00fULL	/* what may change, without those of transactions and bus locks */
#define VTR_DR6_BD	BIT_ULL(13)
#define VTR_DR6_BS	BIT_ULL(14)
#define VTR_DR6_BT	BIT_ULL(15)
#define VTR_DR7_GD	BIT_ULL(13)

/* Bits of vcpu->requests: what the vCPU must do before it enters the guest again. */
enum vtr_request {
	VTR_REQ_EVENT,		/* look at interrupts, NMIs and exceptions again */
	VTR_REQ_POSTED,		/* interrupts were posted, of which the CPU may have taken some */
	VTR_REQ_TLB_FLUSH,	/* forget cached guest translations (tdp tables lost rights) */
	VTR_REQ_CLOCK,		/* write the kvmclock page */
	VTR_REQ_TIMER,		/* the local APIC timer may have expired */
	VTR_REQ_MP,		/* INIT or SIPI arrived */
	VTR_REQ_EXIT,		/* leave to the caller with -EINTR semantics checked (kick) */
	VTR_REQ_EOI_MAP,	/* other EOIs shall exit */
	VTR_REQ_SLOTS,		/* memory slots changed: reload the table */
	VTR_REQ_EOI_EXIT,	/* leave with KVM_EXIT_IOAPIC_EOI: user space's I/O APIC waits for it */
	VTR_REQ_PAUSE,		/* vm->paused was set: wait until it is not */
};

/* Where a vCPU is, for kicks. Written by its thread, read by kickers, ordered by full barriers. */
enum vtr_vcpu_mode {
	VTR_OUTSIDE,		/* not in the run loop's guest section: sees requests before entry */
	VTR_IN_GUEST,		/* may be executing guest code: needs an IPI to notice a request */
	VTR_BLOCKED,		/* asleep in HLT or waiting for SIPI: needs a wake-up */
};

/* An exception, software interrupt or NMI to be delivered at the next entry. */
struct vtr_event {
	bool pending;
	bool injected;		/* was given to the CPU already: finish it whatever came since */
	bool has_error;
	u8 vector;
	u32 error;
	u64 payload;		/* CR2 of a page fault, DR6 bits of a debug exception */
	bool has_payload;
};

/* What the next KVM_RUN must finish before the guest goes on. */
enum vtr_completion {
	VTR_COMPLETE_NONE,
	VTR_COMPLETE_PIO_IN,	/* IN: data page -> RAX */
	VTR_COMPLETE_PIO_OUT,	/* OUT: only RIP has to go on */
	VTR_COMPLETE_STRING_IN,	/* INS: data page -> memory */
	VTR_COMPLETE_EMUL,	/* run the emulator again over its access log */
	VTR_COMPLETE_MMIO_READ,	/* simple MMIO read: run->mmio.data -> register */
};

struct vtr_vm;
struct vtr_backend_vcpu;

struct vtr_vcpu {
	struct vtr_vm *vm;			/* [c] */
	struct vtr_backend_vcpu *hw;		/* [c] the backend's part */
	struct kvm_run *run;			/* [c] page 0 of the mapping */
	void *pio_data;				/* [c] page 1 */
	u32 id;					/* [c] the caller's id: the APIC id */
	u32 idx;				/* [c] place in vm->vcpus */

	/* The guest's registers in x86 encoding order; valid whenever the guest is not running. */
	u64 regs[16];				/* [v] */
	u64 rip;				/* [v] */
	u64 rflags;				/* [v] */
	u8 cr8;					/* [v] the virtual TPR, as the local APIC knows it */
	bool shadow;				/* [v] the last exit was in the shadow of STI or MOV SS */
	u64 xcr0;				/* [v] */
	u64 dr[4];				/* [v] the guest's own breakpoints */
	u64 dr6;				/* [v] */
	u64 dr7;				/* [v] */
	struct vtr_fpu *fpu;			/* [c] guest FPU state; loaded while ->loaded */

	unsigned long requests;			/* [a] bits of enum vtr_request */
	int mode;				/* [a] enum vtr_vcpu_mode */
	int cpu;				/* [a] host CPU it is loaded on, or the last one */
	bool loaded;				/* [v] between vtr_vcpu_load and _put */
	struct rcuwait wait;			/* [a] where the thread sleeps when the guest halts */
	struct task_struct *task;		/* [a] the thread inside KVM_RUN, or NULL */
	struct mutex mutex;			/* every vCPU ioctl */

	int mp_state;				/* [v] KVM_MP_STATE_* */
	struct vtr_exit exit;			/* [v] the last exit */
	struct vtr_event exc;			/* [v] exception under delivery */
	int irq_injected;			/* [v] vector under delivery, or -1 */
	bool step_done;				/* [v] a debugger's single step ended in the kernel */
	bool recheck;				/* [v] look at events again after the next exit */
	bool triple_fault;			/* [v] leave with KVM_EXIT_SHUTDOWN */
	int user_irq;				/* [v] vector queued by KVM_INTERRUPT, or -1 */
	u8 eoi_vector;				/* [v] for VTR_REQ_EOI_EXIT */
	bool logging;				/* [v] the CPU logs writes: v->slots, when last loaded, wants it */
	atomic_t nmi_queued;			/* [a] 0..2 */
	u8 nmi_pending;				/* [v] 0..2, of which one may be delivered at once */
	bool nmi_injected;			/* [v] */
	bool nmi_masked;			/* [v] between NMI delivery and IRET */
	u32 int_shadow;				/* [v] KVM_X86_SHADOW_INT_* after STI or MOV SS */

	enum vtr_completion completion;		/* [v] */
	struct vtr_pio pio;			/* [v] port access under way, exit.h */
	struct vtr_emul_ctx *emul;		/* [c] emulation under way, emulate.h */

	u32 guest_debug;			/* [v] KVM_GUESTDBG_* */
	u64 debug_dr[4];			/* [v] the debugger's breakpoints */
	u64 debug_dr7;				/* [v] */
	sigset_t sigmask;			/* [v] KVM_SET_SIGNAL_MASK */
	bool sigmask_set;			/* [v] */

	struct vtr_walk_cache fetch_cache;	/* [v] code translations, walk.h */
	struct vtr_apic *apic;			/* [c] local APIC, NULL without in-kernel irqchip */
	struct vtr_cpuid cpuid;			/* [v] cpuid.h */
	struct vtr_msrs msrs;			/* [v] msr.h */
	struct vtr_vcpu_clock clock;		/* [v] clock.h: TSC offset, kvmclock area */
	struct vtr_slots *slots;		/* [v] table in use (hazard pointer, slots.c) */
	struct {
		gfn_t gfn;
		u64 generation;
	} device;				/* [v] a frame that has no slot in tables of this generation */
	u64 *pt_cache[VTR_TDP_LEVELS_MAX - 1];	/* [v] zeroed table pages for the next mapping */
	u32 nr_pt_cache;			/* [v] */
	struct vtr_vcpu_stats stats;		/* written by the owning thread alone, stats.h */
	bool failed;				/* [a] cannot go on; until it runs again */
	bool unreported;			/* [v] the next entry is the first, or the first since it failed */
	char why[VTR_DETAIL_TEXT];		/* [v] of a failed entry: the check, from the backend */
	struct vtr_fault_log faults;		/* [v] event.h */
	struct vtr_trace_vcpu trace;		/* trace.h */
};

struct vtr_vm {
	refcount_t users;			/* VM fd, each vCPU fd, each irqfd, stats fds */
	struct mm_struct *mm;			/* [c] the creator's; mmgrab'd */
	struct vtr_backend_vm *hw;		/* [c] */
	struct mutex lock;			/* changes to the shape of the VM */
	u32 nr_vcpus;				/* [s], [a] for readers */
	struct vtr_vcpu *vcpus[VTR_MAX_VCPUS];	/* [s]; an entry, once set, stays until destruction */
	struct vtr_mmu mmu;			/* mmu.h */
	struct vtr_bus bus[VTR_BUS_NR];		/* bus.h */
	struct vtr_irqchip *irqchip;		/* [c] once created, irq.h */
	struct vtr_irq_router router;		/* irq.h */
	struct vtr_vm_clock clock;		/* clock.h */
	struct page *coalesced;			/* [c] page 2 of every vCPU mapping: a ring */
	struct vtr_zones __rcu *zones;		/* [s], [r]: writes there go into the ring; NULL: none */
	spinlock_t ring_lock;			/* the ring's producers */
	bool dead;				/* [a] */
	bool split_irqchip;			/* [c] local APICs here, PIC and I/O APIC in user space */
	u32 split_pins;				/* [c] so many GSIs are pins of that I/O APIC */
	u32 vm_id;				/* [c] unique since load */
	struct vtr_ident ident;			/* registry.h */
	struct vtr_trace *trace;		/* open, or NULL; under vtr_vms_lock */
	atomic64_t slot_pages;			/* [a] in memory slots */
	bool started;				/* [a] a vCPU has run; written under vtr_vms_lock */
	bool paused;				/* [a] from outside; written under vtr_vms_lock */
	bool held;				/* [a] by its own process, which said so; written under vtr_vms_lock */
};

/* vcpu.c */
struct vtr_vcpu *vtr_vcpu_by_id(struct vtr_vm *vm, u32 id);
/* Makes the vCPU notice vcpu->requests soon: IPI, wake-up or nothing. Any context, irqs on or off. */
void vtr_vcpu_kick(struct vtr_vcpu *v);
/* Sets a request bit and kicks. Any context. */
void vtr_vcpu_request(struct vtr_vcpu *v, enum vtr_request req);
/* Sets VTR_REQ_POSTED and tells the CPU, which may take what was posted without an exit. */
void vtr_vcpu_notify(struct vtr_vcpu *v);
/* The same for every vCPU. With wait: returns once none executes guest code begun before. May sleep. */
void vtr_vm_request(struct vtr_vm *vm, enum vtr_request req, bool wait);

/* Who is counted is there: pairs with vtr_vcpu_add(). */
#define vtr_for_each_vcpu(i, v, vm) \
	for ((i) = 0; (i) < smp_load_acquire(&(vm)->nr_vcpus) && ((v) = (vm)->vcpus[i], true); (i)++)

static inline void vtr_request_set(struct vtr_vcpu *v, enum vtr_request req)
{
	set_bit(req, &v->requests);
}

/* No CPU uses a guest translation cached before. Interrupts on; spinlocks may be held. */
void vtr_vm_flush_tlbs(struct vtr_vm *vm);

/* Are local APICs in the kernel? Then the vCPUs have v->apic. */
static inline bool vtr_vm_has_apics(struct vtr_vm *vm)
{
	return vm->irqchip || vm->split_irqchip;
}

/* vm.c */
void vtr_vm_get(struct vtr_vm *vm);
void vtr_vm_put(struct vtr_vm *vm);

#endif /* VITRINE_H */
