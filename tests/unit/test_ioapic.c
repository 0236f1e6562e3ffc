// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_ioapic.c - the I/O APIC's redirection table, edge and level pins, remote IRR, EOI, restore.
 */
/* sources: kmod/ioapic.c */
#include <check.h>
#include <stdlib.h>
#include "ioapic.h"

#define MASKED	0x10000
#define LEVEL	0x8000

static struct vtr_ioapic io;

static void setup(void)
{
	memset(&io, 0xaa, sizeof(io));
	vtr_ioapic_reset(&io);
}

static int write_reg(u32 reg, u32 val)
{
	vtr_ioapic_write(&io, 0, reg);
	return vtr_ioapic_write(&io, 0x10, val);
}

static u32 read_reg(u32 reg)
{
	vtr_ioapic_write(&io, 0, reg);
	return vtr_ioapic_read(&io, 0x10);
}

START_TEST(registers)
{
	ck_assert_uint_eq(read_reg(1), 0x170011);
	ck_assert_int_eq(write_reg(0, 0xff000000), -1);
	ck_assert_uint_eq(read_reg(0), 0x0f000000);
	ck_assert_uint_eq(read_reg(2), 0x0f000000);
	ck_assert_int_eq(write_reg(1, 0), -1);
	ck_assert_uint_eq(read_reg(1), 0x170011);
	ck_assert_uint_eq(read_reg(0x10), MASKED);
	ck_assert_uint_eq(read_reg(0x3f), 0);
	ck_assert_uint_eq(read_reg(0x40), 0);
	ck_assert_uint_eq(read_reg(0xff), 0);
	ck_assert_int_eq(write_reg(0x40, 0), -1);
	ck_assert_int_eq(write_reg(0x0f, 0), -1);
	ck_assert_int_eq(write_reg(0x3f, 0xffffffff), 23);
	ck_assert_uint_eq(read_reg(0x3f), 0xff000000);
	ck_assert_int_eq(write_reg(0x3e, 0xffffffff), 23);
	ck_assert_uint_eq(read_reg(0x3e), 0x1afff);
	vtr_ioapic_write(&io, 0, 0x15);
	ck_assert_uint_eq(vtr_ioapic_read(&io, 0), 0x15);
	ck_assert_uint_eq(vtr_ioapic_read(&io, 0x40), 0);
}
END_TEST

START_TEST(edge)
{
	write_reg(0x18, 0x31);
	ck_assert_int_eq(vtr_ioapic_set_line(&io, 4, 0, true), VTR_LINE_FIRE);
	vtr_ioapic_fired(&io, 4, true);
	ck_assert_int_eq(vtr_ioapic_set_line(&io, 4, 0, true), VTR_LINE_COALESCED);
	ck_assert_int_eq(vtr_ioapic_set_line(&io, 4, 0, false), VTR_LINE_LOWERED);
	ck_assert_int_eq(vtr_ioapic_set_line(&io, 4, 0, true), VTR_LINE_FIRE);
	vtr_ioapic_fired(&io, 4, true);
	ck_assert_uint_eq(read_reg(0x18), 0x31);
	ck_assert(!vtr_ioapic_must_fire(&io, 4));
	/* Listeners hear of the EOI of edge pins as well. */
	ck_assert_uint_eq(vtr_ioapic_eoi(&io, 0x31), 1 << 4);
	ck_assert(!vtr_ioapic_must_fire(&io, 4));
}
END_TEST

START_TEST(masked_edge_is_lost)
{
	write_reg(0x18, 0x31 | MASKED);
	ck_assert_int_eq(vtr_ioapic_set_line(&io, 4, 0, true), VTR_LINE_IGNORED);
	write_reg(0x18, 0x31);
	ck_assert(!vtr_ioapic_must_fire(&io, 4));
}
END_TEST

START_TEST(level)
{
	write_reg(0x1c, 0x51 | LEVEL);
	ck_assert_int_eq(vtr_ioapic_set_line(&io, 6, 0, true), VTR_LINE_FIRE);
	vtr_ioapic_fired(&io, 6, true);
	ck_assert_uint_eq(read_reg(0x1c), 0x51 | LEVEL | 0x4000);
	ck_assert_int_eq(vtr_ioapic_set_line(&io, 6, 0, true), VTR_LINE_COALESCED);
	/* Another vector's EOI is not this pin's. */
	ck_assert_uint_eq(vtr_ioapic_eoi(&io, 0x52), 0);
	ck_assert_uint_eq(vtr_ioapic_eoi(&io, 0x51), 1 << 6);
	ck_assert(vtr_ioapic_must_fire(&io, 6));
	vtr_ioapic_fired(&io, 6, true);
	vtr_ioapic_set_line(&io, 6, 0, false);
	ck_assert_uint_eq(vtr_ioapic_eoi(&io, 0x51), 1 << 6);
	ck_assert(!vtr_ioapic_must_fire(&io, 6));
	ck_assert_uint_eq(vtr_ioapic_eoi(&io, 0x51), 0);
}
END_TEST

START_TEST(masked_level_waits)
{
	write_reg(0x1c, 0x51 | LEVEL | MASKED);
	ck_assert_int_eq(vtr_ioapic_set_line(&io, 6, 0, true), VTR_LINE_IGNORED);
	ck_assert(!vtr_ioapic_must_fire(&io, 6));
	ck_assert_int_eq(write_reg(0x1c, 0x51 | LEVEL), 6);
	ck_assert(vtr_ioapic_must_fire(&io, 6));
	/* Nobody took it: it stays out of service. */
	vtr_ioapic_fired(&io, 6, false);
	ck_assert(vtr_ioapic_must_fire(&io, 6));
}
END_TEST

START_TEST(sources_are_ored)
{
	write_reg(0x1c, 0x51 | LEVEL);
	vtr_ioapic_set_line(&io, 6, 0, true);
	vtr_ioapic_fired(&io, 6, true);
	vtr_ioapic_set_line(&io, 6, 1, true);
	ck_assert_int_ne(vtr_ioapic_set_line(&io, 6, 0, false), VTR_LINE_LOWERED);
	vtr_ioapic_eoi(&io, 0x51);
	ck_assert(vtr_ioapic_must_fire(&io, 6));
	ck_assert_int_eq(vtr_ioapic_set_line(&io, 6, 1, false), VTR_LINE_LOWERED);
	ck_assert(!vtr_ioapic_must_fire(&io, 6));
}
END_TEST

START_TEST(edge_mode_drops_remote_irr)
{
	write_reg(0x1c, 0x51 | LEVEL);
	vtr_ioapic_set_line(&io, 6, 0, true);
	vtr_ioapic_fired(&io, 6, true);
	/* Software cannot write the bit. */
	write_reg(0x1c, 0x51 | LEVEL);
	ck_assert(read_reg(0x1c) & 0x4000);
	write_reg(0x1c, 0x51 | MASKED);
	write_reg(0x1c, 0x51 | LEVEL);
	ck_assert(!(read_reg(0x1c) & 0x4000));
	ck_assert(vtr_ioapic_must_fire(&io, 6));
}
END_TEST

START_TEST(message)
{
	struct vtr_lapic_message m;

	write_reg(0x13, 0x05000000);
	write_reg(0x12, 0x8941);
	vtr_ioapic_message(&io, 1, &m);
	ck_assert_uint_eq(m.dest, 5);
	ck_assert_uint_eq(m.vector, 0x41);
	ck_assert_uint_eq(m.mode, LAPIC_LOWEST);
	ck_assert(m.logical && m.level && m.lowest && m.assert && !m.x2apic);
	ck_assert_uint_eq(m.shorthand, LAPIC_DEST);
}
END_TEST

START_TEST(restore)
{
	u64 redir[VTR_IOAPIC_PINS];
	int i;

	for (i = 0; i < VTR_IOAPIC_PINS; i++)
		redir[i] = MASKED;
	redir[3] = 0x33;		/* edge, not sent before the save */
	redir[5] = 0x55 | LEVEL | 0x4000;
	redir[7] = ~0ULL;
	vtr_ioapic_restore(&io, redir, 0xff0000a8 | 1 << 3, 0x10, 0xff);
	ck_assert(vtr_ioapic_must_fire(&io, 3));
	ck_assert(!vtr_ioapic_must_fire(&io, 5));
	vtr_ioapic_eoi(&io, 0x55);
	ck_assert(vtr_ioapic_must_fire(&io, 5));
	ck_assert_uint_eq(io.redir[7], 0xff0000000001ffff);
	ck_assert_uint_eq(io.irr, 0xa8);
	ck_assert_uint_eq(io.id, 0xf);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ioapic");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, registers);
	tcase_add_test(t, edge);
	tcase_add_test(t, masked_edge_is_lost);
	tcase_add_test(t, level);
	tcase_add_test(t, masked_level_waits);
	tcase_add_test(t, sources_are_ored);
	tcase_add_test(t, edge_mode_drops_remote_irr);
	tcase_add_test(t, message);
	tcase_add_test(t, restore);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
