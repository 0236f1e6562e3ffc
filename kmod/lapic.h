/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lapic.h - the local APIC as a register machine.
 *
 * The state that software and hardware know is one page in the xAPIC layout of SDM 3A "Local APIC
 * Register Address Map" (what a virtual-APIC page has, too); beside it stand the base MSR, the
 * timer's state and two caches. A write returns what must happen outside as a set of effects; apic.c
 * does those. Time comes in as an argument.
 *
 * Who may write what: IRR, TMR, ->irr_words, ->errors, ->arb, ->posted belong to everybody and change by
 * atomic operations only. All the rest is the owning vCPU's; others read single words of it.
 *
 * Where a CPU can deliver interrupts from the page itself (->aside) nobody else may touch the IRR: what
 * is posted waits in ->posted until the owner, out of the guest, collects it.
 */
#ifndef VITRINE_LAPIC_H
#define VITRINE_LAPIC_H

#include "pure.h"

/* Offsets in the page. The x2APIC MSR of a register is 0x800 + offset / 16. */
enum {
	LAPIC_ID	= 0x020,
	LAPIC_VERSION	= 0x030,
	LAPIC_TPR	= 0x080,
	LAPIC_APR	= 0x090,
	LAPIC_PPR	= 0x0a0,
	LAPIC_EOI	= 0x0b0,
	LAPIC_RRD	= 0x0c0,
	LAPIC_LDR	= 0x0d0,
	LAPIC_DFR	= 0x0e0,
	LAPIC_SVR	= 0x0f0,
	LAPIC_ISR	= 0x100,
	LAPIC_TMR	= 0x180,
	LAPIC_IRR	= 0x200,
	LAPIC_ESR	= 0x280,
	LAPIC_ICR	= 0x300,
	LAPIC_ICR2	= 0x310,
	LAPIC_LVTT	= 0x320,
	LAPIC_LVTTHMR	= 0x330,
	LAPIC_LVTPC	= 0x340,
	LAPIC_LVT0	= 0x350,
	LAPIC_LVT1	= 0x360,
	LAPIC_LVTERR	= 0x370,
	LAPIC_TMICT	= 0x380,
	LAPIC_TMCCT	= 0x390,
	LAPIC_TDCR	= 0x3e0,
	LAPIC_SELF_IPI	= 0x3f0,
};

#define LAPIC_BASE_BSP		BIT_ULL(8)
#define LAPIC_BASE_EXTD		BIT_ULL(10)
#define LAPIC_BASE_EN		BIT_ULL(11)
#define LAPIC_BASE_ADDR		GENMASK_ULL(51, 12)
#define LAPIC_BASE_DEFAULT	0xfee00000ULL

#define LAPIC_SVR_ENABLE	BIT(8)
#define LAPIC_SVR_NO_FOCUS	BIT(9)
#define LAPIC_LVT_MASKED	BIT(16)
#define LAPIC_LVTT_PERIODIC	BIT(17)
#define LAPIC_LVTT_DEADLINE	BIT(18)
#define LAPIC_LVTT_MODE		(LAPIC_LVTT_PERIODIC | LAPIC_LVTT_DEADLINE)

/*
 * In the page beyond all registers, where no guest gets: posted vectors, 256 bits, then a word whose bit
 * 0 says that the CPU was told of them. A CPU that takes them reads this layout and clears both.
 */
#define LAPIC_POSTED		0x800
#define LAPIC_POSTED_TOLD	8	/* word */

#define LAPIC_VERSION_VALUE	0x00050014	/* integrated, six LVT entries */
#define LAPIC_BUS_NS		1		/* the timer's input clock: 1 GHz */
#define LAPIC_MIN_PERIOD_NS	200000		/* shortest period a guest may ask of the host */

/* Bits of the ESR. */
#define LAPIC_ESR_SEND_ILLEGAL	BIT(5)
#define LAPIC_ESR_RECV_ILLEGAL	BIT(6)
#define LAPIC_ESR_ILLEGAL_REG	BIT(7)

/* Delivery modes, as in the ICR, the LVT, a redirection entry and an MSI. */
enum vtr_lapic_mode {
	LAPIC_FIXED,
	LAPIC_LOWEST,
	LAPIC_SMI,
	LAPIC_RESERVED,
	LAPIC_NMI,
	LAPIC_INIT,
	LAPIC_STARTUP,
	LAPIC_EXTINT,
};

enum vtr_lapic_shorthand {
	LAPIC_DEST,
	LAPIC_DEST_SELF,
	LAPIC_DEST_ALL,
	LAPIC_DEST_OTHERS,
};

/* What a register access asks of the caller; a set. */
#define LAPIC_DO_EVENT		BIT(0)	/* something may be deliverable now: look again */
#define LAPIC_DO_IPI		BIT(1)	/* the ICR was written: send what vtr_lapic_icr_message() says */
#define LAPIC_DO_TIMER		BIT(2)	/* the timer's target moved: program the host's timer */
#define LAPIC_DO_EOI		BIT(3)	/* ->eoi_vector was ended */
#define LAPIC_DO_NMI		BIT(4)	/* a local NMI */
#define LAPIC_DO_LVT0		BIT(5)	/* LVT0 or the enable bit changed: the PIC's way in */

/**
 * struct vtr_lapic_message - an interrupt message on the way to one or more local APICs
 * @dest: destination, 8 bits unless @x2apic
 * @vector: vector; the start page for LAPIC_STARTUP
 * @mode: enum vtr_lapic_mode
 * @shorthand: enum vtr_lapic_shorthand
 * @logical: @dest is a logical one
 * @level: level-triggered
 * @assert: false only for the INIT level de-assert
 * @lowest: only the least busy of the matching APICs takes it
 * @x2apic: @dest has 32 bits, sent by an APIC in x2APIC mode
 */
struct vtr_lapic_message {
	u32 dest;
	u8 vector;
	u8 mode;
	u8 shorthand;
	bool logical;
	bool level;
	bool assert;
	bool lowest;
	bool x2apic;
};

/**
 * struct vtr_lapic - one local APIC
 * @regs: the page, 1024 words
 * @base: IA32_APIC_BASE
 * @id: x2APIC id; its low byte is the xAPIC id
 * @isr_top: highest vector in service, -1 if none
 * @isr_count: vectors in service
 * @irr_words: bit n: word n of the IRR may have bits (never too few)
 * @errors: ESR bits gathered since the last write of the ESR
 * @arb: lowest-priority messages accepted, breaks ties in arbitration
 * @eoi_vector: for LAPIC_DO_EOI
 * @tsc_deadline: guest TSC at which the timer fires, 0 if disarmed
 * @target_ns: time at which the count reaches 0, 0 if stopped
 * @period_ns: ns from TMICT to 0
 * @aside: interrupts are posted to @posted; constant
 * @hw: the CPU delivers and ends interrupts while the guest runs: ISR, IRR, PPR and TPR in the page are
 *	what holds, @isr_top, @isr_count and @irr_words are not kept; only with @aside
 * @posted: where vectors wait to be entered in the IRR: 64 bytes of the page, LAPIC_POSTED; with @hw a CPU
 *	that takes posted interrupts does so by itself
 */
struct vtr_lapic {
	u32 *regs;
	u64 base;
	u32 id;
	int isr_top;
	int isr_count;
	u32 irr_words;
	u32 errors;
	u32 arb;
	u8 eoi_vector;
	u64 tsc_deadline;
	u64 target_ns;
	u64 period_ns;
	bool aside;
	bool hw;
	u32 *posted;
};

static inline u32 vtr_lapic_reg(const struct vtr_lapic *l, u32 off)
{
	return READ_ONCE(l->regs[off >> 2]);
}

static inline void vtr_lapic_set_reg(struct vtr_lapic *l, u32 off, u32 val)
{
	WRITE_ONCE(l->regs[off >> 2], val);
}

static inline u32 *vtr_lapic_vector_word(const struct vtr_lapic *l, u32 base, u8 vector)
{
	return &l->regs[(base >> 2) + (vector >> 5) * 4];
}

static inline bool vtr_lapic_test_vector(const struct vtr_lapic *l, u32 base, u8 vector)
{
	return READ_ONCE(*vtr_lapic_vector_word(l, base, vector)) & BIT(vector & 31);
}

static inline bool vtr_lapic_hw_enabled(const struct vtr_lapic *l)
{
	return READ_ONCE(l->base) & LAPIC_BASE_EN;
}

static inline bool vtr_lapic_x2apic(const struct vtr_lapic *l)
{
	return READ_ONCE(l->base) & LAPIC_BASE_EXTD;
}

/* Hardware and software enabled: takes fixed interrupts. */
static inline bool vtr_lapic_enabled(const struct vtr_lapic *l)
{
	return vtr_lapic_hw_enabled(l) && (vtr_lapic_reg(l, LAPIC_SVR) & LAPIC_SVR_ENABLE);
}

static inline bool vtr_lapic_deadline_mode(const struct vtr_lapic *l)
{
	return (vtr_lapic_reg(l, LAPIC_LVTT) & LAPIC_LVTT_MODE) == LAPIC_LVTT_DEADLINE;
}

void vtr_lapic_init(struct vtr_lapic *l, u32 *page, u32 id);
void vtr_lapic_reset(struct vtr_lapic *l, bool bsp, bool init_event);

void vtr_lapic_collect(struct vtr_lapic *l);
void vtr_lapic_resync(struct vtr_lapic *l);
int vtr_lapic_highest_isr(const struct vtr_lapic *l);
bool vtr_lapic_post(struct vtr_lapic *l, u8 vector, bool level);
bool vtr_lapic_tell(struct vtr_lapic *l);
int vtr_lapic_highest_irr(struct vtr_lapic *l);
int vtr_lapic_pending(struct vtr_lapic *l);
int vtr_lapic_ack(struct vtr_lapic *l);
u32 vtr_lapic_eoi(struct vtr_lapic *l);
u32 vtr_lapic_set_tpr(struct vtr_lapic *l, u8 tpr);
u32 vtr_lapic_error(struct vtr_lapic *l, u32 bits);
u32 vtr_lapic_local(struct vtr_lapic *l, u32 lvt);
bool vtr_lapic_accepts_extint(const struct vtr_lapic *l);

u32 vtr_lapic_read(struct vtr_lapic *l, u32 off, u64 now_ns, u32 *effects);
u32 vtr_lapic_write(struct vtr_lapic *l, u32 off, u32 val, u64 now_ns);
bool vtr_lapic_plain_read(u32 off);
int vtr_lapic_read_msr(struct vtr_lapic *l, u32 off, u64 now_ns, u64 *val);
int vtr_lapic_write_msr(struct vtr_lapic *l, u32 off, u64 val, u64 now_ns, u32 *effects);
int vtr_lapic_set_base(struct vtr_lapic *l, u64 val, u64 reserved, bool host);

void vtr_lapic_icr_message(const struct vtr_lapic *l, struct vtr_lapic_message *m);
bool vtr_lapic_matches(const struct vtr_lapic *l, const struct vtr_lapic_message *m);
bool vtr_lapic_less_busy(struct vtr_lapic *l, struct vtr_lapic *best, u8 vector);

u32 vtr_lapic_timer_poll(struct vtr_lapic *l, u64 now_ns);
void vtr_lapic_save(struct vtr_lapic *l, u32 *image, u64 now_ns);
void vtr_lapic_restore(struct vtr_lapic *l, const u32 *image, u64 now_ns);

#endif /* VITRINE_LAPIC_H */
