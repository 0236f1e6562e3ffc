// SPDX-License-Identifier: GPL-2.0-only
/*
 * lapic.c - the local APIC's registers: priorities, service, local vectors, timer arithmetic, modes.
 *
 * Owns what SDM 3A "Advanced Programmable Interrupt Controller (APIC)" and APM2 "Advanced
 * Programmable Interrupt Controller (APIC)" say about one APIC by itself. Which APICs a message
 * reaches, host timers and wake-ups are apic.c's.
 */
#include "lapic.h"

#define IMAGE_WORDS	256	/* struct kvm_lapic_state */

#define REG_BIT(off)	BIT_ULL((off) >> 4)
#define REG_VECTORS(off) (0xffULL << ((off) >> 4))
#define REGS_LVT \
	(REG_BIT(LAPIC_LVTT) | REG_BIT(LAPIC_LVTTHMR) | REG_BIT(LAPIC_LVTPC) | REG_BIT(LAPIC_LVT0) | \
	 REG_BIT(LAPIC_LVT1) | REG_BIT(LAPIC_LVTERR))
#define REGS_BOTH_RW \
	(REG_BIT(LAPIC_TPR) | REG_BIT(LAPIC_SVR) | REG_BIT(LAPIC_ESR) | REG_BIT(LAPIC_ICR) | REGS_LVT | \
	 REG_BIT(LAPIC_TMICT) | REG_BIT(LAPIC_TDCR))
#define REGS_BOTH_RO \
	(REG_BIT(LAPIC_ID) | REG_BIT(LAPIC_VERSION) | REG_BIT(LAPIC_PPR) | REG_BIT(LAPIC_LDR) | \
	 REG_VECTORS(LAPIC_ISR) | REG_VECTORS(LAPIC_TMR) | REG_VECTORS(LAPIC_IRR) | \
	 REG_BIT(LAPIC_TMCCT))
#define REGS_XAPIC_RW	(REG_BIT(LAPIC_DFR) | REG_BIT(LAPIC_ICR2))
#define REGS_XAPIC_RO	(REG_BIT(LAPIC_APR) | REG_BIT(LAPIC_RRD))

/* ICR bits a write keeps: vector, mode, logical, level, trigger, shorthand. */
#define ICR_BITS	0x000ccfffU
#define ICR_X2_RESERVED	(GENMASK_ULL(31, 20) | GENMASK_ULL(17, 16) | BIT_ULL(13))
#define SVR_BITS	0x3ffU
#define TDCR_BITS	0xbU

#define LVT_ENTRIES	6
#define LVT_OFF(i)	(LAPIC_LVTT + ((i) << 4))
#define LVT_INDEX(off)	(((off) - LAPIC_LVTT) >> 4)

/* What a local vector entry keeps of a write, and the status bits a write ignores. */
static const struct {
	u32 bits;
	u32 read_only;
} lvt_layout[LVT_ENTRIES] = {
	[LVT_INDEX(LAPIC_LVTT)]		= { 0x700ff, BIT(12) },
	[LVT_INDEX(LAPIC_LVTTHMR)]	= { 0x107ff, BIT(12) },
	[LVT_INDEX(LAPIC_LVTPC)]	= { 0x107ff, BIT(12) },
	[LVT_INDEX(LAPIC_LVT0)]		= { 0x1a7ff, BIT(12) | BIT(14) },
	[LVT_INDEX(LAPIC_LVT1)]		= { 0x1a7ff, BIT(12) | BIT(14) },
	[LVT_INDEX(LAPIC_LVTERR)]	= { 0x100ff, BIT(12) },
};

/* Words other contexts change at the same time. Full barriers, as lapic.h's users expect. */
static inline u32 word_or(u32 *w, u32 bits)
{
	return __atomic_fetch_or(w, bits, __ATOMIC_SEQ_CST);
}

static inline void word_and(u32 *w, u32 bits)
{
	__atomic_fetch_and(w, bits, __ATOMIC_SEQ_CST);
}

static u32 x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | 1U << (id & 0xf);
}

static void update_ppr(struct vtr_lapic *l)
{
	u32 tpr = vtr_lapic_reg(l, LAPIC_TPR);
	u32 isrv = l->isr_top < 0 ? 0 : l->isr_top & 0xf0;

	vtr_lapic_set_reg(l, LAPIC_PPR, (tpr & 0xf0) >= isrv ? tpr : isrv);
}

/* Highest vector in one of the three 256-bit registers at or below word @from, -1 if none. */
static int highest_vector(const struct vtr_lapic *l, u32 base, int from)
{
	int word;

	for (word = from; word >= 0; word--) {
		u32 bits = READ_ONCE(l->regs[(base >> 2) + word * 4]);

		if (bits)
			return word * 32 + fls(bits) - 1;
	}
	return -1;
}

static void rescan_isr(struct vtr_lapic *l)
{
	int word;

	l->isr_count = 0;
	for (word = 0; word < 8; word++) {
		u32 bits = vtr_lapic_reg(l, LAPIC_ISR + word * 16);

		for (; bits; bits &= bits - 1)
			l->isr_count++;
	}
	l->isr_top = highest_vector(l, LAPIC_ISR, 7);
	update_ppr(l);
}

/**
 * vtr_lapic_init() - binds an APIC to its page and puts it in the power-up state
 * @l: the APIC
 * @page: 4 KiB, zeroed
 * @id: x2APIC id
 */
void vtr_lapic_init(struct vtr_lapic *l, u32 *page, u32 id)
{
	memset(l, 0, sizeof(*l));
	l->regs = page;
	l->posted = page + (LAPIC_POSTED >> 2);
	l->id = id;
	l->isr_top = -1;
}

static void set_ids(struct vtr_lapic *l)
{
	bool x2 = vtr_lapic_x2apic(l);

	vtr_lapic_set_reg(l, LAPIC_ID, x2 ? l->id : l->id << 24);
	vtr_lapic_set_reg(l, LAPIC_LDR, x2 ? x2apic_ldr(l->id) : 0);
}

static void clear_vectors(struct vtr_lapic *l)
{
	int word;

	for (word = 0; word < 8; word++) {
		vtr_lapic_set_reg(l, LAPIC_ISR + word * 16, 0);
		word_and(&l->regs[(LAPIC_TMR >> 2) + word * 4], 0);
		word_and(&l->regs[(LAPIC_IRR >> 2) + word * 4], 0);
		word_and(&l->posted[word], 0);
	}
	l->isr_top = -1;
	l->isr_count = 0;
}

/**
 * vtr_lapic_reset() - RESET or INIT
 * @l: the APIC
 * @bsp: the boot processor, whose LVT0 lets the PIC through from the start (KVM's
 *	KVM_X86_QUIRK_LINT0_REENABLED; callers rely on it)
 * @init_event: INIT: the mode and the base address stay
 *
 * SDM 3A "Local APIC State After Power-Up or Reset", "Local APIC State After It Receives an INIT-Reset
 * (Wait-for-SIPI) State". Owner only.
 */
void vtr_lapic_reset(struct vtr_lapic *l, bool bsp, bool init_event)
{
	u32 i;

	if (!init_event)
		WRITE_ONCE(l->base, LAPIC_BASE_DEFAULT | LAPIC_BASE_EN | (bsp ? LAPIC_BASE_BSP : 0));

	clear_vectors(l);
	set_ids(l);
	vtr_lapic_set_reg(l, LAPIC_VERSION, LAPIC_VERSION_VALUE);
	vtr_lapic_set_reg(l, LAPIC_DFR, ~0U);
	vtr_lapic_set_reg(l, LAPIC_SVR, 0xff);
	vtr_lapic_set_reg(l, LAPIC_TPR, 0);
	vtr_lapic_set_reg(l, LAPIC_ESR, 0);
	vtr_lapic_set_reg(l, LAPIC_ICR, 0);
	vtr_lapic_set_reg(l, LAPIC_ICR2, 0);
	vtr_lapic_set_reg(l, LAPIC_TDCR, 0);
	vtr_lapic_set_reg(l, LAPIC_TMICT, 0);
	for (i = 0; i < LVT_ENTRIES; i++)
		vtr_lapic_set_reg(l, LVT_OFF(i), LAPIC_LVT_MASKED);
	if (bsp)
		vtr_lapic_set_reg(l, LAPIC_LVT0, LAPIC_EXTINT << 8);
	word_and(&l->errors, 0);
	WRITE_ONCE(l->tsc_deadline, 0);
	WRITE_ONCE(l->target_ns, 0);
	l->period_ns = 0;
	update_ppr(l);
}

static bool post_aside(struct vtr_lapic *l, u8 vector)
{
	u32 bit = 1U << (vector & 31);

	return !(word_or(&l->posted[vector >> 5], bit) & bit);
}

/**
 * vtr_lapic_collect() - enters what was posted aside in the IRR
 * @l: the APIC, with ->aside
 *
 * Owner only, the guest does not run.
 */
void vtr_lapic_collect(struct vtr_lapic *l)
{
	u32 words = l->hw ? 0xff : 0;
	int i;

	/* Before the vectors: who posts sets it after them, and tells nobody if it was set. */
	if (READ_ONCE(l->posted[LAPIC_POSTED_TOLD]))
		word_and(&l->posted[LAPIC_POSTED_TOLD], 0);
	for (i = 0; i < 8; i++) {
		u32 bits = READ_ONCE(l->posted[i]);

		if (!bits)
			continue;
		bits = __atomic_exchange_n(&l->posted[i], 0, __ATOMIC_SEQ_CST);
		word_or(&l->regs[(LAPIC_IRR >> 2) + i * 4], bits);
		words |= 1U << i;
	}
	/* Interrupts that the guest sends itself enter the IRR without anybody's help. */
	if (words & ~READ_ONCE(l->irr_words))
		word_or(&l->irr_words, words);
}

/**
 * vtr_lapic_resync() - after the CPU changed the page: what is kept beside it
 * @l: the APIC
 *
 * Owner only, the guest does not run.
 */
void vtr_lapic_resync(struct vtr_lapic *l)
{
	word_or(&l->irr_words, 0xff);
	rescan_isr(l);
}

/**
 * vtr_lapic_highest_isr() - highest vector in service, as the page says
 * @l: the APIC
 *
 * Owner only. Return: the vector or -1.
 */
int vtr_lapic_highest_isr(const struct vtr_lapic *l)
{
	return highest_vector(l, LAPIC_ISR, 7);
}

/**
 * vtr_lapic_post() - enters a vector in the IRR
 * @l: the APIC
 * @vector: 16..255
 * @level: level-triggered: its EOI goes to the I/O APIC
 *
 * Any context. Return: true if the vector was not pending yet, so somebody must be told.
 */
bool vtr_lapic_post(struct vtr_lapic *l, u8 vector, bool level)
{
	u32 bit = 1U << (vector & 31);
	u32 *tmr = vtr_lapic_vector_word(l, LAPIC_TMR, vector);

	if (!!(READ_ONCE(*tmr) & bit) != level) {
		if (level)
			word_or(tmr, bit);
		else
			word_and(tmr, ~bit);
	}
	if (unlikely(l->aside))
		return post_aside(l, vector);
	if (word_or(vtr_lapic_vector_word(l, LAPIC_IRR, vector), bit) & bit)
		return false;
	if (!(READ_ONCE(l->irr_words) & 1U << (vector >> 5)))
		word_or(&l->irr_words, 1U << (vector >> 5));
	return true;
}

/**
 * vtr_lapic_tell() - must somebody be told of what was posted just now?
 * @l: the APIC, with ->aside, after vtr_lapic_post()
 *
 * Any context. Return: false if somebody was, or is about to be, and nothing was collected since.
 */
bool vtr_lapic_tell(struct vtr_lapic *l)
{
	return !(word_or(&l->posted[LAPIC_POSTED_TOLD], 1) & 1);
}

/*
 * An IRR word was seen empty: its bit in irr_words may go. A post between the look and the clearing
 * would be lost, hence the second look; vtr_lapic_post() writes in the opposite order.
 */
static void forget_irr_word(struct vtr_lapic *l, int word)
{
	word_and(&l->irr_words, ~(1U << word));
	if (READ_ONCE(l->regs[(LAPIC_IRR >> 2) + word * 4]))
		word_or(&l->irr_words, 1U << word);
}

static __always_inline int highest_irr(struct vtr_lapic *l)
{
	u32 words;

	while ((words = READ_ONCE(l->irr_words))) {
		int word = fls(words) - 1;
		u32 bits = READ_ONCE(l->regs[(LAPIC_IRR >> 2) + word * 4]);

		if (likely(bits))
			return word * 32 + fls(bits) - 1;
		forget_irr_word(l, word);
	}
	return -1;
}

static __always_inline int deliverable(struct vtr_lapic *l)
{
	int vector = highest_irr(l);

	return vector > (int)(vtr_lapic_reg(l, LAPIC_PPR) | 0xf) ? vector : -1;
}

/**
 * vtr_lapic_highest_irr() - highest requested vector, whatever the priorities
 * @l: the APIC
 *
 * Any context. Return: the vector or -1.
 */
int vtr_lapic_highest_irr(struct vtr_lapic *l)
{
	return highest_irr(l);
}

/**
 * vtr_lapic_pending() - highest vector the processor priority lets through
 * @l: the APIC
 *
 * SDM 3A "Task and Processor Priorities". Any context; only the owner gets an answer that stays true.
 * Return: the vector or -1.
 */
int vtr_lapic_pending(struct vtr_lapic *l)
{
	return deliverable(l);
}

/**
 * vtr_lapic_ack() - moves the deliverable vector from IRR to ISR
 * @l: the APIC
 *
 * Owner only. Return: the vector or -1.
 */
int vtr_lapic_ack(struct vtr_lapic *l)
{
	int vector = deliverable(l);
	u32 bit, *irr, *isr;

	if (vector < 0)
		return -1;
	bit = 1U << (vector & 31);
	irr = vtr_lapic_vector_word(l, LAPIC_IRR, vector);
	word_and(irr, ~bit);
	if (!READ_ONCE(*irr))
		forget_irr_word(l, vector >> 5);

	isr = vtr_lapic_vector_word(l, LAPIC_ISR, vector);
	WRITE_ONCE(*isr, *isr | bit);
	l->isr_count++;
	l->isr_top = vector;
	update_ppr(l);
	return vector;
}

/**
 * vtr_lapic_eoi() - ends the service of the highest vector
 * @l: the APIC
 *
 * Owner only. Return: effects; with LAPIC_DO_EOI the vector is in ->eoi_vector.
 */
u32 vtr_lapic_eoi(struct vtr_lapic *l)
{
	int vector = l->isr_top;
	u32 *isr;

	if (vector < 0)
		return 0;
	isr = vtr_lapic_vector_word(l, LAPIC_ISR, vector);
	WRITE_ONCE(*isr, *isr & ~(1U << (vector & 31)));
	l->isr_top = --l->isr_count ? highest_vector(l, LAPIC_ISR, vector >> 5) : -1;
	l->eoi_vector = vector;
	update_ppr(l);
	return READ_ONCE(l->irr_words) ? LAPIC_DO_EOI | LAPIC_DO_EVENT : LAPIC_DO_EOI;
}

/**
 * vtr_lapic_set_tpr() - writes the task priority (also by way of CR8)
 * @l: the APIC
 * @tpr: new value
 *
 * Owner only. Return: effects.
 */
u32 vtr_lapic_set_tpr(struct vtr_lapic *l, u8 tpr)
{
	vtr_lapic_set_reg(l, LAPIC_TPR, tpr);
	update_ppr(l);
	return READ_ONCE(l->irr_words) ? LAPIC_DO_EVENT : 0;
}

/**
 * vtr_lapic_local() - an event of a local source
 * @l: the APIC
 * @lvt: offset of its vector table entry
 *
 * SDM 3A "Local Vector Table". ExtINT is not delivered here: the PIC's level is looked at when the
 * vCPU is asked for interrupts. SMI and INIT through the LVT are ignored, as nothing raises them.
 * Any context. Return: effects, for the APIC's own vCPU.
 */
u32 vtr_lapic_local(struct vtr_lapic *l, u32 lvt)
{
	u32 entry = vtr_lapic_reg(l, lvt);
	u8 vector = entry & 0xff;
	u32 mode = lvt == LAPIC_LVTT || lvt == LAPIC_LVTERR ? LAPIC_FIXED : entry >> 8 & 7;

	if ((entry & LAPIC_LVT_MASKED) || !vtr_lapic_hw_enabled(l))
		return 0;
	if (lvt == LAPIC_LVTPC)
		vtr_lapic_set_reg(l, lvt, entry | LAPIC_LVT_MASKED);
	if (mode == LAPIC_NMI)
		return LAPIC_DO_NMI;
	if (mode != LAPIC_FIXED)
		return 0;
	if (vector < 16) {
		if (lvt == LAPIC_LVTERR) {
			word_or(&l->errors, LAPIC_ESR_RECV_ILLEGAL);
			return 0;
		}
		return vtr_lapic_error(l, LAPIC_ESR_RECV_ILLEGAL);
	}
	return vtr_lapic_post(l, vector, false) ? LAPIC_DO_EVENT : 0;
}

/**
 * vtr_lapic_error() - notes an error and raises the error interrupt
 * @l: the APIC
 * @bits: ESR bits
 *
 * SDM 3A "Error Handling". The bits show in the ESR after its next write. Any context.
 * Return: effects, for the APIC's own vCPU.
 */
u32 vtr_lapic_error(struct vtr_lapic *l, u32 bits)
{
	if (!(bits & ~word_or(&l->errors, bits)))
		return 0;
	return vtr_lapic_local(l, LAPIC_LVTERR);
}

/**
 * vtr_lapic_accepts_extint() - does the PIC reach the processor through this APIC?
 * @l: the APIC
 *
 * Any context. Return: LVT0 is open in ExtINT mode, or the APIC is off and the wire goes past it.
 */
bool vtr_lapic_accepts_extint(const struct vtr_lapic *l)
{
	u32 lvt0 = vtr_lapic_reg(l, LAPIC_LVT0);

	return (lvt0 & (LAPIC_LVT_MASKED | 0x700)) == LAPIC_EXTINT << 8 || !vtr_lapic_hw_enabled(l);
}

/* --- timer arithmetic: SDM 3A "APIC Timer" --- */

static u32 timer_tick_ns(u32 tdcr)
{
	return LAPIC_BUS_NS << (((tdcr & 3) + (tdcr >> 1 & 4) + 1) & 7);
}

static bool timer_periodic(const struct vtr_lapic *l)
{
	return (vtr_lapic_reg(l, LAPIC_LVTT) & LAPIC_LVTT_MODE) == LAPIC_LVTT_PERIODIC;
}

static u64 timer_period(const struct vtr_lapic *l)
{
	return timer_periodic(l) ? max_t(u64, l->period_ns, LAPIC_MIN_PERIOD_NS) : l->period_ns;
}

/* Starts counting with @ticks to go. */
static void timer_start(struct vtr_lapic *l, u32 ticks, u64 now_ns)
{
	u32 tick_ns = timer_tick_ns(vtr_lapic_reg(l, LAPIC_TDCR));
	u64 left = (u64)ticks * tick_ns;

	l->period_ns = (u64)vtr_lapic_reg(l, LAPIC_TMICT) * tick_ns;
	if (timer_periodic(l))
		left = max_t(u64, left, LAPIC_MIN_PERIOD_NS);
	WRITE_ONCE(l->target_ns, ticks ? now_ns + left : 0);
}

static u32 timer_count(const struct vtr_lapic *l, u64 now_ns)
{
	u64 left, target = l->target_ns;

	if (!target || vtr_lapic_deadline_mode(l))
		return 0;
	if (now_ns < target)
		left = target - now_ns;
	else if (timer_periodic(l))
		left = timer_period(l) - (now_ns - target) % timer_period(l);
	else
		left = 0;
	return left / timer_tick_ns(vtr_lapic_reg(l, LAPIC_TDCR));
}

/**
 * vtr_lapic_timer_poll() - a count that has reached 0 raises its interrupt
 * @l: the APIC
 * @now_ns: the time
 *
 * One-shot and periodic modes; the owner of the guest's TSC looks after the deadline. Owner only.
 * Return: effects; LAPIC_DO_TIMER while the timer goes on counting.
 */
u32 vtr_lapic_timer_poll(struct vtr_lapic *l, u64 now_ns)
{
	u64 period = timer_period(l), target = l->target_ns;
	u32 effects = 0;

	if (!target)
		return 0;
	if (now_ns >= target) {
		effects = vtr_lapic_local(l, LAPIC_LVTT);
		if (timer_periodic(l) && l->period_ns)
			target += (1 + (now_ns - target) / period) * period;
		else
			target = 0;
		WRITE_ONCE(l->target_ns, target);
	}
	return target ? effects | LAPIC_DO_TIMER : effects;
}

static u32 write_divisor(struct vtr_lapic *l, u32 val, u64 now_ns)
{
	u32 ticks = timer_count(l, now_ns);

	vtr_lapic_set_reg(l, LAPIC_TDCR, val & TDCR_BITS);
	if (!l->target_ns)
		return 0;
	timer_start(l, max_t(u32, ticks, 1), now_ns);
	return LAPIC_DO_TIMER;
}

static u32 write_count(struct vtr_lapic *l, u32 val, u64 now_ns)
{
	if (vtr_lapic_deadline_mode(l))
		return 0;
	vtr_lapic_set_reg(l, LAPIC_TMICT, val);
	timer_start(l, val, now_ns);
	return LAPIC_DO_TIMER;
}

/* Entering or leaving TSC-deadline mode disarms; between one-shot and periodic the count goes on. */
static u32 timer_mode_changed(struct vtr_lapic *l, u32 old)
{
	u32 new = vtr_lapic_reg(l, LAPIC_LVTT);

	if (!((old ^ new) & LAPIC_LVTT_MODE))
		return 0;
	if ((old ^ new) & LAPIC_LVTT_DEADLINE) {
		vtr_lapic_set_reg(l, LAPIC_TMICT, 0);
		WRITE_ONCE(l->target_ns, 0);
		WRITE_ONCE(l->tsc_deadline, 0);
		l->period_ns = 0;
	}
	return LAPIC_DO_TIMER;
}

/* --- register access --- */

static u32 write_lvt(struct vtr_lapic *l, u32 off, u32 val)
{
	u32 old = vtr_lapic_reg(l, off);

	val &= lvt_layout[LVT_INDEX(off)].bits;
	if (!(vtr_lapic_reg(l, LAPIC_SVR) & LAPIC_SVR_ENABLE))
		val |= LAPIC_LVT_MASKED;
	vtr_lapic_set_reg(l, off, val);
	if (off == LAPIC_LVTT)
		return timer_mode_changed(l, old);
	return off == LAPIC_LVT0 ? LAPIC_DO_LVT0 : 0;
}

/* SDM 3A "Local APIC State After It Has Been Software Disabled": every entry becomes masked. */
static u32 write_svr(struct vtr_lapic *l, u32 val)
{
	u32 i;

	vtr_lapic_set_reg(l, LAPIC_SVR, val & SVR_BITS);
	if (!(val & LAPIC_SVR_ENABLE))
		for (i = 0; i < LVT_ENTRIES; i++)
			vtr_lapic_set_reg(l, LVT_OFF(i),
					  vtr_lapic_reg(l, LVT_OFF(i)) | LAPIC_LVT_MASKED);
	return LAPIC_DO_LVT0;
}

static u32 write_icr(struct vtr_lapic *l, u32 val)
{
	u32 mode = val >> 8 & 7;

	vtr_lapic_set_reg(l, LAPIC_ICR, val & ICR_BITS & ~BIT(12));
	if ((mode == LAPIC_FIXED || mode == LAPIC_LOWEST) && (val & 0xff) < 16)
		return vtr_lapic_error(l, LAPIC_ESR_SEND_ILLEGAL);
	return LAPIC_DO_IPI;
}

static u32 arbitration_priority(struct vtr_lapic *l)
{
	int irr = vtr_lapic_highest_irr(l);
	u32 ppr = vtr_lapic_reg(l, LAPIC_PPR) & 0xff;

	return max_t(u32, ppr, irr < 0 ? 0 : irr & 0xf0);
}

static u32 read_reg(struct vtr_lapic *l, u32 off, u64 now_ns)
{
	switch (off) {
	case LAPIC_TMCCT:
		return timer_count(l, now_ns);
	case LAPIC_APR:
		return arbitration_priority(l);
	default:
		return vtr_lapic_reg(l, off);
	}
}

static u32 write_reg(struct vtr_lapic *l, u32 off, u32 val, u64 now_ns)
{
	switch (off) {
	case LAPIC_TPR:
		return vtr_lapic_set_tpr(l, val);
	case LAPIC_EOI:
		return vtr_lapic_eoi(l);
	case LAPIC_LDR:
		vtr_lapic_set_reg(l, off, val & 0xff000000);
		return 0;
	case LAPIC_DFR:
		vtr_lapic_set_reg(l, off, val | 0x0fffffff);
		return 0;
	case LAPIC_SVR:
		return write_svr(l, val);
	case LAPIC_ESR:
		vtr_lapic_set_reg(l, off, __atomic_exchange_n(&l->errors, 0, __ATOMIC_SEQ_CST));
		return 0;
	case LAPIC_ICR:
		return write_icr(l, val);
	case LAPIC_ICR2:
		vtr_lapic_set_reg(l, off, val & 0xff000000);
		return 0;
	case LAPIC_TMICT:
		return write_count(l, val, now_ns);
	case LAPIC_TDCR:
		return write_divisor(l, val, now_ns);
	default:
		return write_lvt(l, off, val);
	}
}

/**
 * vtr_lapic_read() - reads a register in xAPIC mode
 * @l: the APIC
 * @off: offset in the page, a multiple of 16 below 4096
 * @now_ns: the time
 * @effects: set to what must happen outside
 *
 * Owner only. Return: the value; 0 for a register that is not there, which is an error for the ESR.
 */
u32 vtr_lapic_read(struct vtr_lapic *l, u32 off, u64 now_ns, u32 *effects)
{
	*effects = 0;
	if (off == LAPIC_EOI)
		return 0;
	if (off >= 0x400 ||
	    !((REGS_BOTH_RW | REGS_BOTH_RO | REGS_XAPIC_RW | REGS_XAPIC_RO) & REG_BIT(off))) {
		*effects = vtr_lapic_error(l, LAPIC_ESR_ILLEGAL_REG);
		return 0;
	}
	return read_reg(l, off, now_ns);
}

/**
 * vtr_lapic_write() - writes a register in xAPIC mode
 * @l: the APIC
 * @off: offset in the page, a multiple of 16 below 4096
 * @val: the value; reserved bits are dropped
 * @now_ns: the time
 *
 * Writes of read-only registers do nothing. Deviation: the APIC id is read-only, as the SDM allows.
 * Owner only. Return: effects.
 */
u32 vtr_lapic_write(struct vtr_lapic *l, u32 off, u32 val, u64 now_ns)
{
	u64 bit = off < 0x400 ? REG_BIT(off) : 0;

	if ((REGS_BOTH_RW | REGS_XAPIC_RW | REG_BIT(LAPIC_EOI) | REG_BIT(LAPIC_LDR)) & bit)
		return write_reg(l, off, val, now_ns);
	if ((REGS_BOTH_RO | REGS_XAPIC_RO) & bit)
		return 0;
	return vtr_lapic_error(l, LAPIC_ESR_ILLEGAL_REG);
}

/**
 * vtr_lapic_read_msr() - reads a register in x2APIC mode
 * @l: the APIC
 * @off: 16 times (MSR - 0x800), below 4096
 * @now_ns: the time
 * @val: the value
 *
 * Owner only. Return: 0, or -EINVAL where the guest gets #GP: not in x2APIC mode, no such register.
 */
int vtr_lapic_read_msr(struct vtr_lapic *l, u32 off, u64 now_ns, u64 *val)
{
	if (!vtr_lapic_x2apic(l) || off >= 0x400 || !((REGS_BOTH_RW | REGS_BOTH_RO) & REG_BIT(off)))
		return -EINVAL;
	*val = read_reg(l, off, now_ns);
	if (off == LAPIC_ICR)
		*val |= (u64)vtr_lapic_reg(l, LAPIC_ICR2) << 32;
	return 0;
}

/**
 * vtr_lapic_plain_read() - does reading a register in x2APIC mode give what stands in the page?
 * @off: offset in the page, a multiple of 16 below 4096
 *
 * Not the current count, which is worked out, nor the ICR, whose upper half stands elsewhere.
 */
bool vtr_lapic_plain_read(u32 off)
{
	return off < 0x400 && (REGS_BOTH_RW | REGS_BOTH_RO) & REG_BIT(off) &&
	       off != LAPIC_TMCCT && off != LAPIC_ICR;
}

static bool msr_reserved_bits(u32 off, u64 val)
{
	u32 lvt = LVT_INDEX(off);

	switch (off) {
	case LAPIC_TPR:
	case LAPIC_SELF_IPI:
		return val & ~0xffULL;
	case LAPIC_EOI:
	case LAPIC_ESR:
		return val;
	case LAPIC_SVR:
		return val & ~(u64)SVR_BITS;
	case LAPIC_ICR:
		return val & ICR_X2_RESERVED;
	case LAPIC_TDCR:
		return val & ~(u64)TDCR_BITS;
	case LAPIC_LVTT ... LAPIC_LVTERR:
		return val & ~(u64)(lvt_layout[lvt].bits | lvt_layout[lvt].read_only);
	default:
		return val >> 32;
	}
}

/**
 * vtr_lapic_write_msr() - writes a register in x2APIC mode
 * @l: the APIC
 * @off: 16 times (MSR - 0x800), below 4096
 * @val: the value
 * @now_ns: the time
 * @effects: set to what must happen outside
 *
 * SDM 3A "x2APIC Register Address Space", "Reserved Bit Checking". Owner only.
 * Return: 0, or -EINVAL where the guest gets #GP; then nothing has changed.
 */
int vtr_lapic_write_msr(struct vtr_lapic *l, u32 off, u64 val, u64 now_ns, u32 *effects)
{
	*effects = 0;
	if (!vtr_lapic_x2apic(l) || off >= 0x400 ||
	    !((REGS_BOTH_RW | REG_BIT(LAPIC_EOI) | REG_BIT(LAPIC_SELF_IPI)) & REG_BIT(off)))
		return -EINVAL;
	if (msr_reserved_bits(off, val))
		return -EINVAL;
	if (off == LAPIC_SELF_IPI) {
		if (val < 16)
			*effects = vtr_lapic_error(l, LAPIC_ESR_SEND_ILLEGAL);
		else if (vtr_lapic_enabled(l) && vtr_lapic_post(l, val, false))
			*effects = LAPIC_DO_EVENT;
		return 0;
	}
	if (off == LAPIC_ICR)
		vtr_lapic_set_reg(l, LAPIC_ICR2, val >> 32);
	*effects = write_reg(l, off, val, now_ns);
	return 0;
}

/**
 * vtr_lapic_set_base() - writes IA32_APIC_BASE
 * @l: the APIC
 * @val: new value
 * @reserved: bits that must be 0 (beyond the guest's physical addresses, EXTD without x2APIC)
 * @host: by KVM_SET_MSRS or KVM_SET_SREGS: any valid mode is reachable from any other
 *
 * SDM 3A "x2APIC States". Owner only.
 * Return: 0, or -EINVAL for reserved bits, an invalid mode or a change of mode forbidden to the guest.
 */
int vtr_lapic_set_base(struct vtr_lapic *l, u64 val, u64 reserved, bool host)
{
	u64 old_mode = l->base & (LAPIC_BASE_EN | LAPIC_BASE_EXTD);
	u64 mode = val & (LAPIC_BASE_EN | LAPIC_BASE_EXTD);

	if ((val & (reserved | 0x2ff)) || mode == LAPIC_BASE_EXTD)
		return -EINVAL;
	if (!host && mode != old_mode) {
		if (!old_mode && (mode & LAPIC_BASE_EXTD))
			return -EINVAL;
		if ((old_mode & LAPIC_BASE_EXTD) && mode == LAPIC_BASE_EN)
			return -EINVAL;
	}
	WRITE_ONCE(l->base, val);
	if ((mode ^ old_mode) & LAPIC_BASE_EXTD)
		set_ids(l);
	return 0;
}

/* --- messages --- */

/**
 * vtr_lapic_icr_message() - the interrupt that the ICR describes
 * @l: the sending APIC
 * @m: filled in
 */
void vtr_lapic_icr_message(const struct vtr_lapic *l, struct vtr_lapic_message *m)
{
	u32 icr = vtr_lapic_reg(l, LAPIC_ICR), icr2 = vtr_lapic_reg(l, LAPIC_ICR2);
	bool trigger_level = icr & BIT(15);

	m->vector = icr & 0xff;
	m->mode = icr >> 8 & 7;
	m->logical = icr & BIT(11);
	m->assert = m->mode != LAPIC_INIT || !trigger_level || (icr & BIT(14));
	m->level = false;
	m->shorthand = icr >> 18 & 3;
	m->lowest = m->mode == LAPIC_LOWEST;
	m->x2apic = vtr_lapic_x2apic(l);
	m->dest = m->x2apic ? icr2 : icr2 >> 24;
}

static bool matches_logical(const struct vtr_lapic *l, u32 dest)
{
	u32 ldr = vtr_lapic_reg(l, LAPIC_LDR);

	if (vtr_lapic_x2apic(l))
		return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
	ldr >>= 24;
	if (dest > 0xff)
		return false;
	if (vtr_lapic_reg(l, LAPIC_DFR) >> 28 == 0xf)
		return ldr & dest;
	return ldr >> 4 == dest >> 4 && (ldr & dest & 0xf);
}

/**
 * vtr_lapic_matches() - is the message for this APIC?
 * @l: the APIC
 * @m: the message; its shorthand is not looked at
 *
 * SDM 3A "Determining IPI Destination". Any context.
 */
bool vtr_lapic_matches(const struct vtr_lapic *l, const struct vtr_lapic_message *m)
{
	if (!vtr_lapic_hw_enabled(l))
		return false;
	if (m->dest == (m->x2apic ? ~0U : 0xff))
		return true;
	return m->logical ? matches_logical(l, m->dest) : m->dest == l->id;
}

static u32 busyness(struct vtr_lapic *l, u8 vector)
{
	bool focus = vtr_lapic_test_vector(l, LAPIC_IRR, vector) ||
		     vtr_lapic_test_vector(l, LAPIC_ISR, vector);

	if (focus && !(vtr_lapic_reg(l, LAPIC_SVR) & LAPIC_SVR_NO_FOCUS))
		return 0;
	return 1 + arbitration_priority(l);
}

/**
 * vtr_lapic_less_busy() - arbitration of a lowest-priority message
 * @l: a candidate
 * @best: the best so far
 * @vector: the vector
 *
 * SDM 3A "Lowest Priority Delivery Mode". Among equals the one that took fewest such messages wins, so
 * they go round. Any context. Return: true if @l should take the message rather than @best.
 */
bool vtr_lapic_less_busy(struct vtr_lapic *l, struct vtr_lapic *best, u8 vector)
{
	u32 mine = busyness(l, vector), other = busyness(best, vector);

	if (mine != other)
		return mine < other;
	return (s32)(READ_ONCE(l->arb) - READ_ONCE(best->arb)) < 0;
}

/* --- KVM_GET_LAPIC, KVM_SET_LAPIC --- */

/**
 * vtr_lapic_save() - the image of KVM_GET_LAPIC
 * @l: the APIC
 * @image: 256 words, filled in
 * @now_ns: the time, for the current count
 *
 * KVM api.rst KVM_GET_LAPIC: the id stands in bits 31:24 also in x2APIC mode. Owner only.
 */
void vtr_lapic_save(struct vtr_lapic *l, u32 *image, u64 now_ns)
{
	memcpy(image, l->regs, IMAGE_WORDS * sizeof(u32));
	image[LAPIC_ID >> 2] = l->id << 24;
	image[LAPIC_TMCCT >> 2] = timer_count(l, now_ns);
}

static void restore_vectors(struct vtr_lapic *l, const u32 *image)
{
	u32 words = 0;
	int i;

	for (i = 0; i < 8; i++) {
		u32 keep = i ? ~0U : 0xffff0000U;
		u32 at = i * 4;

		vtr_lapic_set_reg(l, LAPIC_ISR + i * 16, image[(LAPIC_ISR >> 2) + at] & keep);
		vtr_lapic_set_reg(l, LAPIC_TMR + i * 16, image[(LAPIC_TMR >> 2) + at] & keep);
		vtr_lapic_set_reg(l, LAPIC_IRR + i * 16, image[(LAPIC_IRR >> 2) + at] & keep);
		word_and(&l->posted[i], 0);
		if (image[(LAPIC_IRR >> 2) + at] & keep)
			words |= 1U << i;
	}
	word_or(&l->irr_words, words);
	rescan_isr(l);
}

/**
 * vtr_lapic_restore() - takes over an image of KVM_SET_LAPIC
 * @l: the APIC, whose mode is set already
 * @image: 256 words from the caller: anything; bits that no APIC can have are dropped
 * @now_ns: the time, from which the current count goes on
 *
 * The id is not taken over: it is the vCPU's. Owner only. The caller looks for events and programs
 * the timer anew.
 */
void vtr_lapic_restore(struct vtr_lapic *l, const u32 *image, u64 now_ns)
{
	u32 ticks, old = vtr_lapic_reg(l, LAPIC_LVTT);
	bool x2 = vtr_lapic_x2apic(l);
	u32 i;

	vtr_lapic_set_reg(l, LAPIC_TPR, image[LAPIC_TPR >> 2] & 0xff);
	if (!x2) {
		vtr_lapic_set_reg(l, LAPIC_LDR, image[LAPIC_LDR >> 2] & 0xff000000);
		vtr_lapic_set_reg(l, LAPIC_DFR, image[LAPIC_DFR >> 2] | 0x0fffffff);
	}
	vtr_lapic_set_reg(l, LAPIC_SVR, image[LAPIC_SVR >> 2] & SVR_BITS);
	vtr_lapic_set_reg(l, LAPIC_ESR, image[LAPIC_ESR >> 2] & 0xff);
	vtr_lapic_set_reg(l, LAPIC_ICR, image[LAPIC_ICR >> 2] & ICR_BITS & ~BIT(12));
	vtr_lapic_set_reg(l, LAPIC_ICR2, image[LAPIC_ICR2 >> 2] & (x2 ? ~0U : 0xff000000));
	for (i = 0; i < LVT_ENTRIES; i++)
		vtr_lapic_set_reg(l, LVT_OFF(i), image[LVT_OFF(i) >> 2] & lvt_layout[i].bits);
	restore_vectors(l, image);

	timer_mode_changed(l, old);
	vtr_lapic_set_reg(l, LAPIC_TDCR, image[LAPIC_TDCR >> 2] & TDCR_BITS);
	vtr_lapic_set_reg(l, LAPIC_TMICT, image[LAPIC_TMICT >> 2]);
	ticks = image[LAPIC_TMCCT >> 2];
	if (!ticks && timer_periodic(l))
		ticks = image[LAPIC_TMICT >> 2];
	timer_start(l, vtr_lapic_deadline_mode(l) ? 0 : ticks, now_ns);
}
