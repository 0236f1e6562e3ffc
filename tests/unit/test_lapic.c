// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_lapic.c - the local APIC's registers: reset, priorities, EOI, errors, IPI fields, destinations,
 * modes, timer arithmetic, save and restore.
 */
/* sources: kmod/lapic.c */
#include <check.h>
#include <stdlib.h>
#include "lapic.h"

static u32 page[1024], page2[1024];
static struct vtr_lapic l, l2;

static void setup(void)
{
	memset(page, 0, sizeof(page));
	memset(page2, 0, sizeof(page2));
	vtr_lapic_init(&l, page, 3);
	vtr_lapic_reset(&l, false, false);
	vtr_lapic_init(&l2, page2, 4);
	vtr_lapic_reset(&l2, false, false);
}

static void enable(struct vtr_lapic *a)
{
	vtr_lapic_write(a, LAPIC_SVR, 0x1ff, 0);
}

static void enable_x2apic(void)
{
	ck_assert_int_eq(vtr_lapic_set_base(&l, l.base | LAPIC_BASE_EXTD, 0, false), 0);
	enable(&l);
}

static u32 read_reg(struct vtr_lapic *a, u32 off)
{
	u32 effects;

	return vtr_lapic_read(a, off, 0, &effects);
}

START_TEST(reset_state)
{
	ck_assert_uint_eq(l.base, 0xfee00800);
	ck_assert_uint_eq(read_reg(&l, LAPIC_ID), 3 << 24);
	ck_assert_uint_eq(read_reg(&l, LAPIC_VERSION), 0x50014);
	ck_assert_uint_eq(read_reg(&l, LAPIC_SVR), 0xff);
	ck_assert_uint_eq(read_reg(&l, LAPIC_DFR), 0xffffffff);
	ck_assert_uint_eq(read_reg(&l, LAPIC_LVT0), 0x10000);
	ck_assert_uint_eq(read_reg(&l, LAPIC_LVT1), 0x10000);
	ck_assert(!vtr_lapic_accepts_extint(&l));

	vtr_lapic_reset(&l, true, false);
	ck_assert_uint_eq(l.base, 0xfee00900);
	ck_assert_uint_eq(read_reg(&l, LAPIC_LVT0), 0x700);
	ck_assert(vtr_lapic_accepts_extint(&l));
}
END_TEST

START_TEST(init_keeps_mode_and_base)
{
	enable_x2apic();
	vtr_lapic_post(&l, 0x41, false);
	vtr_lapic_reset(&l, false, true);
	ck_assert(vtr_lapic_x2apic(&l));
	ck_assert_uint_eq(vtr_lapic_reg(&l, LAPIC_ID), 3);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), -1);
	ck_assert_uint_eq(vtr_lapic_reg(&l, LAPIC_SVR), 0xff);
}
END_TEST

START_TEST(priorities)
{
	enable(&l);
	ck_assert_int_eq(vtr_lapic_pending(&l), -1);
	ck_assert(vtr_lapic_post(&l, 0x41, false));
	ck_assert(!vtr_lapic_post(&l, 0x41, false));
	ck_assert(vtr_lapic_post(&l, 0xe1, false));
	ck_assert_int_eq(vtr_lapic_pending(&l), 0xe1);
	ck_assert_int_eq(vtr_lapic_ack(&l), 0xe1);
	ck_assert_uint_eq(read_reg(&l, LAPIC_PPR), 0xe0);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), 0x41);
	ck_assert_int_eq(vtr_lapic_pending(&l), -1);
	ck_assert_int_eq(vtr_lapic_ack(&l), -1);

	/* The same class does not interrupt, the next one does. */
	vtr_lapic_post(&l, 0xef, false);
	ck_assert_int_eq(vtr_lapic_pending(&l), -1);
	vtr_lapic_post(&l, 0xf0, false);
	ck_assert_int_eq(vtr_lapic_ack(&l), 0xf0);
	ck_assert_int_eq(l.isr_count, 2);

	ck_assert_uint_eq(vtr_lapic_eoi(&l), LAPIC_DO_EOI | LAPIC_DO_EVENT);
	ck_assert_uint_eq(l.eoi_vector, 0xf0);
	ck_assert_int_eq(l.isr_top, 0xe1);
	vtr_lapic_eoi(&l);
	ck_assert_uint_eq(l.eoi_vector, 0xe1);
	ck_assert_int_eq(l.isr_top, -1);
	ck_assert_int_eq(vtr_lapic_pending(&l), 0xef);
	ck_assert_uint_eq(read_reg(&l, LAPIC_PPR), 0);
}
END_TEST

START_TEST(eoi_without_service)
{
	ck_assert_uint_eq(vtr_lapic_eoi(&l), 0);
}
END_TEST

START_TEST(every_vector)
{
	int v;

	enable(&l);
	for (v = 16; v < 256; v++)
		vtr_lapic_post(&l, v, false);
	for (v = 255; v >= 16; v--) {
		ck_assert_int_eq(vtr_lapic_ack(&l), v);
		ck_assert_int_eq(vtr_lapic_ack(&l), -1);
		ck_assert_uint_eq(vtr_lapic_eoi(&l), v > 16 ? LAPIC_DO_EOI | LAPIC_DO_EVENT :
							      LAPIC_DO_EOI);
		ck_assert_uint_eq(l.eoi_vector, v);
	}
	ck_assert_uint_eq(l.irr_words, 0);
}
END_TEST

START_TEST(tpr_masks)
{
	enable(&l);
	vtr_lapic_post(&l, 0x55, false);
	vtr_lapic_write(&l, LAPIC_TPR, 0x50, 0);
	ck_assert_int_eq(vtr_lapic_pending(&l), -1);
	ck_assert_uint_eq(vtr_lapic_write(&l, LAPIC_TPR, 0x4f, 0), LAPIC_DO_EVENT);
	ck_assert_int_eq(vtr_lapic_pending(&l), 0x55);
	ck_assert_uint_eq(read_reg(&l, LAPIC_PPR), 0x4f);
	ck_assert_uint_eq(read_reg(&l, LAPIC_APR), 0x50);
}
END_TEST

START_TEST(trigger_mode_register)
{
	vtr_lapic_post(&l, 0x61, true);
	ck_assert(vtr_lapic_test_vector(&l, LAPIC_TMR, 0x61));
	vtr_lapic_post(&l, 0x61, false);
	ck_assert(!vtr_lapic_test_vector(&l, LAPIC_TMR, 0x61));
}
END_TEST

START_TEST(software_disable_masks_lvt)
{
	enable(&l);
	vtr_lapic_write(&l, LAPIC_LVT1, 0x40, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_LVT1), 0x40);
	vtr_lapic_write(&l, LAPIC_SVR, 0xff, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_LVT1), 0x10040);
	vtr_lapic_write(&l, LAPIC_LVT1, 0x40, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_LVT1), 0x10040);
	ck_assert(!vtr_lapic_enabled(&l));
}
END_TEST

START_TEST(local_vectors)
{
	enable(&l);
	ck_assert_uint_eq(vtr_lapic_local(&l, LAPIC_LVT1), 0);
	vtr_lapic_write(&l, LAPIC_LVT1, 0x400, 0);
	ck_assert_uint_eq(vtr_lapic_local(&l, LAPIC_LVT1), LAPIC_DO_NMI);
	vtr_lapic_write(&l, LAPIC_LVT0, 0x44, 0);
	ck_assert_uint_eq(vtr_lapic_local(&l, LAPIC_LVT0), LAPIC_DO_EVENT);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), 0x44);
	ck_assert_uint_eq(vtr_lapic_write(&l, LAPIC_LVT0, 0x700, 0), LAPIC_DO_LVT0);
	ck_assert(vtr_lapic_accepts_extint(&l));
	ck_assert_uint_eq(vtr_lapic_local(&l, LAPIC_LVT0), 0);
	/* A performance counter's entry masks itself. */
	vtr_lapic_write(&l, LAPIC_LVTPC, 0x400, 0);
	ck_assert_uint_eq(vtr_lapic_local(&l, LAPIC_LVTPC), LAPIC_DO_NMI);
	ck_assert_uint_eq(read_reg(&l, LAPIC_LVTPC), 0x10400);
	ck_assert_uint_eq(vtr_lapic_local(&l, LAPIC_LVTPC), 0);
}
END_TEST

START_TEST(errors)
{
	u32 effects;

	enable(&l);
	vtr_lapic_write(&l, LAPIC_LVTERR, 0xfe, 0);
	ck_assert_uint_eq(vtr_lapic_write(&l, LAPIC_ICR, 0x0000000f, 0), LAPIC_DO_EVENT);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), 0xfe);
	ck_assert_uint_eq(read_reg(&l, LAPIC_ESR), 0);
	vtr_lapic_write(&l, LAPIC_ESR, 0, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_ESR), LAPIC_ESR_SEND_ILLEGAL);
	vtr_lapic_write(&l, LAPIC_ESR, 0, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_ESR), 0);

	ck_assert_uint_eq(vtr_lapic_read(&l, 0x40, 0, &effects), 0);
	vtr_lapic_write(&l, 0xff0, 0, 0);
	vtr_lapic_write(&l, LAPIC_ESR, 0, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_ESR), LAPIC_ESR_ILLEGAL_REG);
	/* An error entry with an illegal vector of its own does not recurse. */
	vtr_lapic_write(&l, LAPIC_LVTERR, 0x05, 0);
	vtr_lapic_error(&l, LAPIC_ESR_SEND_ILLEGAL);
	vtr_lapic_write(&l, LAPIC_ESR, 0, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_ESR), LAPIC_ESR_SEND_ILLEGAL | LAPIC_ESR_RECV_ILLEGAL);
}
END_TEST

START_TEST(read_only_registers)
{
	u32 effects;

	vtr_lapic_write(&l, LAPIC_ID, 0xff000000, 0);
	vtr_lapic_write(&l, LAPIC_VERSION, ~0U, 0);
	vtr_lapic_write(&l, LAPIC_IRR, ~0U, 0);
	vtr_lapic_write(&l, LAPIC_ISR, ~0U, 0);
	vtr_lapic_write(&l, LAPIC_PPR, ~0U, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_ID), 3 << 24);
	ck_assert_uint_eq(read_reg(&l, LAPIC_VERSION), 0x50014);
	ck_assert_uint_eq(vtr_lapic_read(&l, LAPIC_IRR, 0, &effects), 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_PPR), 0);
	vtr_lapic_write(&l, LAPIC_LDR, 0x12345678, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_LDR), 0x12000000);
	vtr_lapic_write(&l, LAPIC_DFR, 0x0, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_DFR), 0x0fffffff);
}
END_TEST

START_TEST(icr_fields)
{
	struct vtr_lapic_message m;

	enable(&l);
	vtr_lapic_write(&l, LAPIC_ICR2, 0x05000000, 0);
	ck_assert_uint_eq(vtr_lapic_write(&l, LAPIC_ICR, 0x000c4841, 0), LAPIC_DO_IPI);
	vtr_lapic_icr_message(&l, &m);
	ck_assert_uint_eq(m.dest, 5);
	ck_assert_uint_eq(m.vector, 0x41);
	ck_assert_uint_eq(m.mode, LAPIC_FIXED);
	ck_assert_uint_eq(m.shorthand, LAPIC_DEST_OTHERS);
	ck_assert(m.logical && !m.level && m.assert && !m.x2apic && !m.lowest);
	/* Busy reads 0. */
	vtr_lapic_write(&l, LAPIC_ICR, 0x1041, 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_ICR), 0x41);
	/* INIT level de-assert. */
	vtr_lapic_write(&l, LAPIC_ICR, 0x8500, 0);
	vtr_lapic_icr_message(&l, &m);
	ck_assert(m.mode == LAPIC_INIT && !m.assert);
	vtr_lapic_write(&l, LAPIC_ICR, 0xc500, 0);
	vtr_lapic_icr_message(&l, &m);
	ck_assert(m.assert);
	/* A start-up's page may be below 16. */
	ck_assert_uint_eq(vtr_lapic_write(&l, LAPIC_ICR, 0x608, 0), LAPIC_DO_IPI);
}
END_TEST

START_TEST(physical_destination)
{
	struct vtr_lapic_message m = { .dest = 3 };

	ck_assert(vtr_lapic_matches(&l, &m));
	ck_assert(!vtr_lapic_matches(&l2, &m));
	m.dest = 0xff;
	ck_assert(vtr_lapic_matches(&l, &m) && vtr_lapic_matches(&l2, &m));
	m.x2apic = true;
	ck_assert(!vtr_lapic_matches(&l, &m));
	m.dest = ~0U;
	ck_assert(vtr_lapic_matches(&l, &m));
	vtr_lapic_set_base(&l, 0xfee00000, 0, true);
	ck_assert(!vtr_lapic_matches(&l, &m));
}
END_TEST

START_TEST(flat_and_cluster)
{
	struct vtr_lapic_message m = { .dest = 0x06, .logical = true };

	vtr_lapic_write(&l, LAPIC_LDR, 0x02000000, 0);
	vtr_lapic_write(&l2, LAPIC_LDR, 0x08000000, 0);
	ck_assert(vtr_lapic_matches(&l, &m));
	ck_assert(!vtr_lapic_matches(&l2, &m));
	m.dest = 0;
	ck_assert(!vtr_lapic_matches(&l, &m));

	vtr_lapic_write(&l, LAPIC_DFR, 0, 0);
	vtr_lapic_write(&l, LAPIC_LDR, 0x12000000, 0);
	m.dest = 0x13;
	ck_assert(vtr_lapic_matches(&l, &m));
	m.dest = 0x23;
	ck_assert(!vtr_lapic_matches(&l, &m));
	m.dest = 0x14;
	ck_assert(!vtr_lapic_matches(&l, &m));
	m.dest = 0xff;
	ck_assert(vtr_lapic_matches(&l, &m));
}
END_TEST

START_TEST(x2apic_logical)
{
	struct vtr_lapic_message m = { .dest = 1U << 3, .logical = true, .x2apic = true };

	enable_x2apic();
	ck_assert_uint_eq(vtr_lapic_reg(&l, LAPIC_LDR), 1U << 3);
	ck_assert(vtr_lapic_matches(&l, &m));
	m.dest = 1U << 16 | 1U << 3;
	ck_assert(!vtr_lapic_matches(&l, &m));
	/* A device's 8-bit logical destination reaches cluster 0. */
	m.dest = 0x08;
	m.x2apic = false;
	ck_assert(vtr_lapic_matches(&l, &m));

	vtr_lapic_init(&l2, page2, 0x25);
	vtr_lapic_reset(&l2, false, false);
	ck_assert_int_eq(vtr_lapic_set_base(&l2, l2.base | LAPIC_BASE_EXTD, 0, false), 0);
	ck_assert_uint_eq(vtr_lapic_reg(&l2, LAPIC_LDR), 0x20020);
}
END_TEST

START_TEST(lowest_priority)
{
	enable(&l);
	enable(&l2);
	vtr_lapic_write(&l, LAPIC_TPR, 0x30, 0);
	ck_assert(vtr_lapic_less_busy(&l2, &l, 0x51));
	ck_assert(!vtr_lapic_less_busy(&l, &l2, 0x51));
	/* The focus processor takes it, busy or not, unless it says otherwise. */
	vtr_lapic_post(&l, 0x51, false);
	ck_assert(vtr_lapic_less_busy(&l, &l2, 0x51));
	vtr_lapic_write(&l, LAPIC_SVR, 0x3ff, 0);
	ck_assert(!vtr_lapic_less_busy(&l, &l2, 0x51));
	/* Equals take turns. */
	vtr_lapic_reset(&l, false, false);
	ck_assert(!vtr_lapic_less_busy(&l2, &l, 0x61));
	l.arb++;
	ck_assert(vtr_lapic_less_busy(&l2, &l, 0x61));
}
END_TEST

START_TEST(base_transitions)
{
	const u64 xapic = 0xfee00800, x2 = 0xfee00c00, off = 0xfee00000;

	ck_assert_int_eq(vtr_lapic_set_base(&l, off | LAPIC_BASE_EXTD, 0, true), -EINVAL);
	ck_assert_int_eq(vtr_lapic_set_base(&l, xapic | 1, 0, true), -EINVAL);
	ck_assert_int_eq(vtr_lapic_set_base(&l, xapic | BIT_ULL(9), 0, true), -EINVAL);
	ck_assert_int_eq(vtr_lapic_set_base(&l, xapic | BIT_ULL(40), BIT_ULL(40), true), -EINVAL);
	ck_assert_int_eq(vtr_lapic_set_base(&l, x2, LAPIC_BASE_EXTD, false), -EINVAL);
	ck_assert_uint_eq(l.base, xapic);
	ck_assert_int_eq(vtr_lapic_set_base(&l, x2, 0, false), 0);
	ck_assert_int_eq(vtr_lapic_set_base(&l, xapic, 0, false), -EINVAL);
	ck_assert_int_eq(vtr_lapic_set_base(&l, off, 0, false), 0);
	ck_assert_int_eq(vtr_lapic_set_base(&l, x2, 0, false), -EINVAL);
	ck_assert_int_eq(vtr_lapic_set_base(&l, x2, 0, true), 0);
	ck_assert_int_eq(vtr_lapic_set_base(&l, xapic, 0, true), 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_ID), 3 << 24);
}
END_TEST

START_TEST(msr_access)
{
	u32 effects;
	u64 val;

	ck_assert_int_eq(vtr_lapic_read_msr(&l, LAPIC_ID, 0, &val), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_TPR, 0, 0, &effects), -EINVAL);
	enable_x2apic();
	ck_assert_int_eq(vtr_lapic_read_msr(&l, LAPIC_ID, 0, &val), 0);
	ck_assert_uint_eq(val, 3);
	ck_assert_int_eq(vtr_lapic_read_msr(&l, LAPIC_DFR, 0, &val), -EINVAL);
	ck_assert_int_eq(vtr_lapic_read_msr(&l, LAPIC_APR, 0, &val), -EINVAL);
	ck_assert_int_eq(vtr_lapic_read_msr(&l, LAPIC_ICR2, 0, &val), -EINVAL);
	ck_assert_int_eq(vtr_lapic_read_msr(&l, LAPIC_EOI, 0, &val), -EINVAL);
	ck_assert_int_eq(vtr_lapic_read_msr(&l, LAPIC_SELF_IPI, 0, &val), -EINVAL);
	ck_assert_int_eq(vtr_lapic_read_msr(&l, 0xff0, 0, &val), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_ID, 1, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_LDR, 1, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_EOI, 1, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_ESR, 1, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_TPR, 0x100, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_TMICT, 1ULL << 32, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_SVR, 0x11ff, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_LVT1, 0x20000, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_ICR, 0x100041, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_LVT1, 0x11400, 0, &effects), 0);

	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_ICR, 0x1234567800000841, 0, &effects), 0);
	ck_assert_uint_eq(effects, LAPIC_DO_IPI);
	ck_assert_int_eq(vtr_lapic_read_msr(&l, LAPIC_ICR, 0, &val), 0);
	ck_assert_uint_eq(val, 0x1234567800000841);
}
END_TEST

START_TEST(self_ipi)
{
	u32 effects;

	enable_x2apic();
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_SELF_IPI, 0x52, 0, &effects), 0);
	ck_assert_uint_eq(effects, LAPIC_DO_EVENT);
	ck_assert_int_eq(vtr_lapic_pending(&l), 0x52);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_SELF_IPI, 0x152, 0, &effects), -EINVAL);
	ck_assert_int_eq(vtr_lapic_write_msr(&l, LAPIC_SELF_IPI, 0x0f, 0, &effects), 0);
	vtr_lapic_write_msr(&l, LAPIC_ESR, 0, 0, &effects);
	ck_assert_uint_eq(vtr_lapic_reg(&l, LAPIC_ESR), LAPIC_ESR_SEND_ILLEGAL);
}
END_TEST

/* Where the CPU may deliver, posted vectors wait until the owner is out of the guest. */
START_TEST(posted_aside)
{
	l.aside = true;
	enable_x2apic();
	ck_assert(vtr_lapic_post(&l, 0x51, false));
	ck_assert(!vtr_lapic_post(&l, 0x51, true));
	ck_assert(vtr_lapic_post(&l, 0x82, false));
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), -1);
	ck_assert_uint_eq(*vtr_lapic_vector_word(&l, LAPIC_TMR, 0x51), 1 << 17);
	vtr_lapic_collect(&l);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), 0x82);
	ck_assert_int_eq(vtr_lapic_ack(&l), 0x82);
	vtr_lapic_collect(&l);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), 0x51);
	ck_assert(vtr_lapic_post(&l, 0x51, true));

	/* A reset, or user space's registers, throw away what waits. */
	vtr_lapic_reset(&l, false, false);
	vtr_lapic_collect(&l);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), -1);
}
END_TEST

/* Who posts first tells; the others need not, until it is collected, here or by the CPU. */
START_TEST(told_once)
{
	l.aside = true;
	enable_x2apic();
	ck_assert(vtr_lapic_post(&l, 0x51, false));
	ck_assert(vtr_lapic_tell(&l));
	ck_assert(vtr_lapic_post(&l, 0x62, false));
	ck_assert(!vtr_lapic_tell(&l));
	vtr_lapic_collect(&l);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), 0x62);
	ck_assert(vtr_lapic_post(&l, 0x73, false));
	ck_assert(vtr_lapic_tell(&l));

	/* As the CPU's manual has a posted-interrupt descriptor. */
	ck_assert_uint_eq(l.posted[0x73 / 32], 1 << 0x73 % 32);
	ck_assert_uint_eq(l.posted[8], 1);
	ck_assert_uint_eq((u8 *)l.posted - (u8 *)l.regs, 0x800);
}
END_TEST

/* What the CPU did to the page while the guest ran is found again. */
START_TEST(page_changed_by_cpu)
{
	l.aside = true;
	enable_x2apic();
	l.hw = true;
	*vtr_lapic_vector_word(&l, LAPIC_IRR, 0x63) |= 1 << 3;
	*vtr_lapic_vector_word(&l, LAPIC_ISR, 0x42) |= 1 << 2;
	*vtr_lapic_vector_word(&l, LAPIC_ISR, 0x91) |= 1 << 17;
	vtr_lapic_collect(&l);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), 0x63);
	ck_assert_int_eq(vtr_lapic_highest_isr(&l), 0x91);
	vtr_lapic_resync(&l);
	l.hw = false;
	ck_assert_int_eq(vtr_lapic_pending(&l), -1);
	ck_assert_uint_eq(vtr_lapic_eoi(&l) & LAPIC_DO_EOI, LAPIC_DO_EOI);
	ck_assert_uint_eq(l.eoi_vector, 0x91);
	ck_assert_int_eq(vtr_lapic_ack(&l), 0x63);
	vtr_lapic_eoi(&l);
	vtr_lapic_eoi(&l);
	ck_assert_uint_eq(l.eoi_vector, 0x42);
	ck_assert_int_eq(vtr_lapic_highest_isr(&l), -1);
}
END_TEST

/* A read that the CPU may answer from the page gives what we would answer. */
START_TEST(plain_reads)
{
	u32 off, plain = 0;

	enable_x2apic();
	for (off = 0; off < 0x1000; off += 16) {
		u64 val;

		if (!vtr_lapic_plain_read(off))
			continue;
		plain++;
		vtr_lapic_set_reg(&l, off, off + 1);
		ck_assert_int_eq(vtr_lapic_read_msr(&l, off, 0, &val), 0);
		ck_assert_uint_eq(val, off + 1);
	}
	ck_assert_uint_gt(plain, 30);
	ck_assert(!vtr_lapic_plain_read(LAPIC_TMCCT));
	ck_assert(!vtr_lapic_plain_read(LAPIC_ICR));
	ck_assert(!vtr_lapic_plain_read(LAPIC_EOI));
}
END_TEST

START_TEST(timer_one_shot)
{
	u32 effects;

	enable(&l);
	vtr_lapic_write(&l, LAPIC_LVTT, 0x31, 0);
	vtr_lapic_write(&l, LAPIC_TDCR, 0x3, 0);	/* by 16 */
	ck_assert_uint_eq(vtr_lapic_write(&l, LAPIC_TMICT, 1000, 5000), LAPIC_DO_TIMER);
	ck_assert_uint_eq(l.target_ns, 5000 + 16000);
	ck_assert_uint_eq(vtr_lapic_read(&l, LAPIC_TMCCT, 5000 + 8000, &effects), 500);
	ck_assert_uint_eq(vtr_lapic_timer_poll(&l, 20999), LAPIC_DO_TIMER);
	ck_assert_uint_eq(vtr_lapic_timer_poll(&l, 21000), LAPIC_DO_EVENT);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), 0x31);
	ck_assert_uint_eq(vtr_lapic_timer_poll(&l, 30000), 0);
	ck_assert_uint_eq(vtr_lapic_read(&l, LAPIC_TMCCT, 30000, &effects), 0);
}
END_TEST

START_TEST(timer_periodic)
{
	u32 effects;

	enable(&l);
	vtr_lapic_write(&l, LAPIC_LVTT, 0x31 | LAPIC_LVTT_PERIODIC, 0);
	vtr_lapic_write(&l, LAPIC_TDCR, 0xb, 0);	/* by 1 */
	vtr_lapic_write(&l, LAPIC_TMICT, 1000000, 0);
	ck_assert_uint_eq(l.target_ns, 1000000);
	ck_assert_uint_eq(vtr_lapic_timer_poll(&l, 3500000), LAPIC_DO_EVENT | LAPIC_DO_TIMER);
	ck_assert_uint_eq(l.target_ns, 4000000);
	ck_assert_uint_eq(vtr_lapic_read(&l, LAPIC_TMCCT, 3500000, &effects), 500000);
	ck_assert_uint_eq(vtr_lapic_read(&l, LAPIC_TMCCT, 4500000, &effects), 500000);
	/* Stopped by a count of 0. */
	vtr_lapic_write(&l, LAPIC_TMICT, 0, 4600000);
	ck_assert_uint_eq(l.target_ns, 0);
	ck_assert_uint_eq(vtr_lapic_timer_poll(&l, 9000000), 0);
	/* The host is spared silly periods. */
	vtr_lapic_write(&l, LAPIC_TMICT, 1, 0);
	ck_assert_uint_eq(l.target_ns, LAPIC_MIN_PERIOD_NS);
}
END_TEST

START_TEST(timer_masked_goes_on)
{
	enable(&l);
	vtr_lapic_write(&l, LAPIC_LVTT, 0x31 | LAPIC_LVTT_PERIODIC | LAPIC_LVT_MASKED, 0);
	vtr_lapic_write(&l, LAPIC_TDCR, 0xb, 0);
	vtr_lapic_write(&l, LAPIC_TMICT, 1000000, 0);
	ck_assert_uint_eq(vtr_lapic_timer_poll(&l, 1000000), LAPIC_DO_TIMER);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), -1);
}
END_TEST

START_TEST(timer_divisor_change)
{
	u32 effects;

	enable(&l);
	vtr_lapic_write(&l, LAPIC_TDCR, 0x0, 0);	/* by 2 */
	vtr_lapic_write(&l, LAPIC_TMICT, 1000, 0);
	ck_assert_uint_eq(l.target_ns, 2000);
	vtr_lapic_write(&l, LAPIC_TDCR, 0x1, 1000);	/* by 4, 500 ticks to go */
	ck_assert_uint_eq(l.target_ns, 1000 + 2000);
	ck_assert_uint_eq(vtr_lapic_read(&l, LAPIC_TMCCT, 2000, &effects), 250);
}
END_TEST

START_TEST(timer_modes)
{
	enable(&l);
	vtr_lapic_write(&l, LAPIC_TMICT, 1000, 0);
	/* One-shot to periodic: the count goes on; to deadline: it stops. */
	vtr_lapic_write(&l, LAPIC_LVTT, 0x31 | LAPIC_LVTT_PERIODIC, 0);
	ck_assert_uint_ne(l.target_ns, 0);
	vtr_lapic_write(&l, LAPIC_LVTT, 0x31 | LAPIC_LVTT_DEADLINE, 0);
	ck_assert_uint_eq(l.target_ns, 0);
	ck_assert_uint_eq(vtr_lapic_write(&l, LAPIC_TMICT, 1000, 0), 0);
	ck_assert_uint_eq(read_reg(&l, LAPIC_TMICT), 0);
	l.tsc_deadline = 5;
	vtr_lapic_write(&l, LAPIC_LVTT, 0x31, 0);
	ck_assert_uint_eq(l.tsc_deadline, 0);
}
END_TEST

START_TEST(save_and_restore)
{
	u32 image[256];

	enable(&l);
	vtr_lapic_write(&l, LAPIC_LVTT, 0x31, 0);
	vtr_lapic_write(&l, LAPIC_LDR, 0x08000000, 0);
	vtr_lapic_write(&l, LAPIC_TDCR, 0xb, 0);
	vtr_lapic_write(&l, LAPIC_TMICT, 1000, 0);
	vtr_lapic_post(&l, 0x71, true);
	vtr_lapic_post(&l, 0x81, false);
	ck_assert_int_eq(vtr_lapic_ack(&l), 0x81);
	vtr_lapic_save(&l, image, 400);
	ck_assert_uint_eq(image[LAPIC_TMCCT >> 2], 600);
	ck_assert_uint_eq(image[LAPIC_ID >> 2], 3 << 24);

	vtr_lapic_restore(&l2, image, 10000);
	ck_assert_uint_eq(read_reg(&l2, LAPIC_ID), 4 << 24);
	ck_assert_uint_eq(l2.target_ns, 10600);
	ck_assert_int_eq(l2.isr_top, 0x81);
	ck_assert_int_eq(l2.isr_count, 1);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l2), 0x71);
	ck_assert(vtr_lapic_test_vector(&l2, LAPIC_TMR, 0x71));
	ck_assert_uint_eq(read_reg(&l2, LAPIC_PPR), 0x80);
	ck_assert_uint_eq(read_reg(&l2, LAPIC_LDR), 0x08000000);
}
END_TEST

START_TEST(restore_of_anything)
{
	u32 image[256];
	int i;

	memset(image, 0xff, sizeof(image));
	vtr_lapic_restore(&l, image, 0);
	ck_assert_uint_eq(vtr_lapic_reg(&l, LAPIC_IRR), 0xffff0000);
	ck_assert_uint_eq(vtr_lapic_reg(&l, LAPIC_ISR), 0xffff0000);
	ck_assert_uint_eq(vtr_lapic_reg(&l, LAPIC_SVR), 0x3ff);
	ck_assert_int_eq(l.isr_count, 240);
	for (i = 0; i < 300; i++)
		vtr_lapic_eoi(&l);
	ck_assert_int_eq(l.isr_top, -1);
	memset(image, 0, sizeof(image));
	vtr_lapic_restore(&l, image, 0);
	ck_assert_int_eq(vtr_lapic_highest_irr(&l), -1);
}
END_TEST

START_TEST(random_accesses)
{
	u32 effects, n;
	u64 val;

	srand(1);
	for (n = 0; n < 200000; n++) {
		u32 off = (rand() & 0xff) << 4;

		switch (rand() % 6) {
		case 0:
			vtr_lapic_write(&l, off, (u32)rand() << 1, n);
			break;
		case 1:
			vtr_lapic_read(&l, off, n, &effects);
			break;
		case 2:
			vtr_lapic_write_msr(&l, off, (u32)rand(), n, &effects);
			break;
		case 3:
			vtr_lapic_read_msr(&l, off, n, &val);
			break;
		case 4:
			vtr_lapic_post(&l, 16 + rand() % 240, rand() & 1);
			vtr_lapic_ack(&l);
			break;
		default:
			vtr_lapic_set_base(&l, (u32)rand() & 0xd00, 0, rand() & 1);
			vtr_lapic_timer_poll(&l, n);
			break;
		}
		ck_assert_int_ge(l.isr_count, 0);
		ck_assert((l.isr_count == 0) == (l.isr_top == -1));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lapic");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, reset_state);
	tcase_add_test(t, init_keeps_mode_and_base);
	tcase_add_test(t, priorities);
	tcase_add_test(t, eoi_without_service);
	tcase_add_test(t, every_vector);
	tcase_add_test(t, tpr_masks);
	tcase_add_test(t, trigger_mode_register);
	tcase_add_test(t, software_disable_masks_lvt);
	tcase_add_test(t, local_vectors);
	tcase_add_test(t, errors);
	tcase_add_test(t, read_only_registers);
	tcase_add_test(t, icr_fields);
	tcase_add_test(t, physical_destination);
	tcase_add_test(t, flat_and_cluster);
	tcase_add_test(t, x2apic_logical);
	tcase_add_test(t, lowest_priority);
	tcase_add_test(t, base_transitions);
	tcase_add_test(t, msr_access);
	tcase_add_test(t, self_ipi);
	tcase_add_test(t, posted_aside);
	tcase_add_test(t, told_once);
	tcase_add_test(t, page_changed_by_cpu);
	tcase_add_test(t, plain_reads);
	tcase_add_test(t, timer_one_shot);
	tcase_add_test(t, timer_periodic);
	tcase_add_test(t, timer_masked_goes_on);
	tcase_add_test(t, timer_divisor_change);
	tcase_add_test(t, timer_modes);
	tcase_add_test(t, save_and_restore);
	tcase_add_test(t, restore_of_anything);
	tcase_add_test(t, random_accesses);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
