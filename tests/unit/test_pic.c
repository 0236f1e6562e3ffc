// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_pic.c - the 8259A pair: initialisation, priorities, cascade, EOI modes, rotation, polling,
 * special modes, edge and level inputs, restore.
 */
/* sources: kmod/pic.c */
#include <check.h>
#include <stdlib.h>
#include "ioapic.h"
#include "pic.h"

static struct vtr_pic pic;

static void init(int chip, u8 icw4)
{
	vtr_pic_write(&pic, chip, 0, 0x11);
	vtr_pic_write(&pic, chip, 1, chip ? 0x28 : 0x20);
	vtr_pic_write(&pic, chip, 1, chip ? 2 : 4);
	vtr_pic_write(&pic, chip, 1, icw4);
}

static void setup(void)
{
	memset(&pic, 0xaa, sizeof(pic));
	vtr_pic_reset(&pic);
	init(0, 1);
	init(1, 1);
}

static void pulse(u32 pin)
{
	vtr_pic_set_line(&pic, pin, 0, true);
	vtr_pic_set_line(&pic, pin, 0, false);
}

static u8 isr(int chip)
{
	vtr_pic_write(&pic, chip, 0, 0x0b);
	return vtr_pic_read(&pic, chip, 0);
}

static u8 irr(int chip)
{
	vtr_pic_write(&pic, chip, 0, 0x0a);
	return vtr_pic_read(&pic, chip, 0);
}

START_TEST(masks_read_back)
{
	vtr_pic_write(&pic, 0, 1, 0x5a);
	vtr_pic_write(&pic, 1, 1, 0xa5);
	ck_assert_uint_eq(vtr_pic_read(&pic, 0, 1), 0x5a);
	ck_assert_uint_eq(vtr_pic_read(&pic, 1, 1), 0xa5);
	ck_assert_uint_eq(vtr_pic_imr(&pic), 0xa55a);
	/* ICW1 clears the mask; without ICW4 three words are enough. */
	vtr_pic_write(&pic, 0, 0, 0x10);
	vtr_pic_write(&pic, 0, 1, 0x47);
	vtr_pic_write(&pic, 0, 1, 4);
	vtr_pic_write(&pic, 0, 1, 0xfe);
	ck_assert_uint_eq(vtr_pic_read(&pic, 0, 1), 0xfe);
	pulse(0);
	vtr_pic_write(&pic, 0, 1, 0);
	pulse(0);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x40);
}
END_TEST

START_TEST(priority_and_eoi)
{
	ck_assert_int_eq(vtr_pic_set_line(&pic, 5, 0, true), VTR_LINE_FIRE);
	ck_assert_int_eq(vtr_pic_set_line(&pic, 5, 0, true), VTR_LINE_COALESCED);
	ck_assert_int_eq(vtr_pic_set_line(&pic, 5, 0, false), VTR_LINE_LOWERED);
	pulse(3);
	ck_assert(pic.output);
	ck_assert_uint_eq(irr(0), 0x28);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x23);
	ck_assert(!pic.output);
	pulse(1);
	ck_assert(pic.output);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x21);
	ck_assert_uint_eq(isr(0), 0x0a);
	vtr_pic_write(&pic, 0, 0, 0x20);
	ck_assert_uint_eq(isr(0), 0x08);
	ck_assert_uint_eq(pic.acked, 1 << 1);
	vtr_pic_write(&pic, 0, 0, 0x63);
	ck_assert_uint_eq(isr(0), 0);
	ck_assert(pic.output);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x25);
	vtr_pic_write(&pic, 0, 0, 0x20);
	ck_assert(!pic.output);
}
END_TEST

START_TEST(masked_edge_is_kept)
{
	vtr_pic_write(&pic, 0, 1, 0x10);
	ck_assert_int_eq(vtr_pic_set_line(&pic, 4, 0, true), VTR_LINE_IGNORED);
	ck_assert(!pic.output);
	ck_assert_int_eq(vtr_pic_set_line(&pic, 4, 0, false), VTR_LINE_IGNORED);
	vtr_pic_write(&pic, 0, 1, 0);
	ck_assert(pic.output);
}
END_TEST

START_TEST(cascade)
{
	pulse(12);
	ck_assert(pic.output);
	ck_assert_uint_eq(irr(0), 0x04);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x2c);
	ck_assert_uint_eq(isr(0), 0x04);
	ck_assert_uint_eq(isr(1), 0x10);
	/* A higher input of the slave waits for the master's EOI: fully nested mode. */
	pulse(8);
	ck_assert(!pic.output);
	vtr_pic_write(&pic, 0, 0, 0x20);
	ck_assert(pic.output);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x28);
	vtr_pic_write(&pic, 1, 0, 0x20);
	ck_assert_uint_eq(pic.acked, 1 << 2 | 1 << 8);
	vtr_pic_write(&pic, 0, 0, 0x20);
	vtr_pic_write(&pic, 1, 0, 0x20);
	ck_assert_uint_eq(isr(1), 0);
	ck_assert(!pic.output);
}
END_TEST

START_TEST(cascade_request_withdrawn)
{
	vtr_pic_write_elcr(&pic, 1, 0x08);
	vtr_pic_set_line(&pic, 11, 0, true);
	ck_assert(pic.output);
	vtr_pic_set_line(&pic, 11, 0, false);
	ck_assert(!pic.output);
	ck_assert_uint_eq(irr(0), 0);
}
END_TEST

START_TEST(special_fully_nested)
{
	init(0, 0x11);
	pulse(12);
	vtr_pic_ack(&pic);
	pulse(8);
	ck_assert(pic.output);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x28);
}
END_TEST

START_TEST(auto_eoi)
{
	init(0, 3);
	pulse(3);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x23);
	ck_assert_uint_eq(isr(0), 0);
	ck_assert_uint_eq(pic.acked & 0xff, 1 << 3);
	/* With rotation the one served becomes the last. */
	vtr_pic_write(&pic, 0, 0, 0x80);
	pulse(3);
	vtr_pic_ack(&pic);
	pulse(3);
	pulse(4);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x24);
}
END_TEST

START_TEST(rotation)
{
	pulse(2 + 1);
	vtr_pic_ack(&pic);
	vtr_pic_write(&pic, 0, 0, 0xa0);	/* rotate on non-specific EOI: 4 is first now */
	pulse(0);
	pulse(4);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x24);
	vtr_pic_write(&pic, 0, 0, 0x20);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x20);
	vtr_pic_write(&pic, 0, 0, 0xe0);	/* specific EOI of 0 with rotation: 1 is first */
	ck_assert_uint_eq(isr(0), 0);
	ck_assert_uint_eq(pic.chip[0].priority_add, 1);
	vtr_pic_write(&pic, 0, 0, 0xc7);	/* set priority: 0 is first again */
	ck_assert_uint_eq(pic.chip[0].priority_add, 0);
	vtr_pic_write(&pic, 0, 0, 0x40);	/* no operation */
	ck_assert_uint_eq(pic.chip[0].priority_add, 0);
}
END_TEST

START_TEST(special_mask)
{
	pulse(1);
	vtr_pic_ack(&pic);
	pulse(5);
	ck_assert(!pic.output);
	vtr_pic_write(&pic, 0, 1, 0x02);
	ck_assert(!pic.output);
	vtr_pic_write(&pic, 0, 0, 0x68);
	ck_assert(pic.output);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x25);
	/* A non-specific EOI does not touch what is masked. */
	vtr_pic_write(&pic, 0, 0, 0x20);
	ck_assert_uint_eq(isr(0), 0x02);
	vtr_pic_write(&pic, 0, 0, 0x48);
	vtr_pic_write(&pic, 0, 0, 0x20);
	ck_assert_uint_eq(isr(0), 0);
}
END_TEST

START_TEST(polling)
{
	vtr_pic_write(&pic, 0, 0, 0x0c);
	ck_assert_uint_eq(vtr_pic_read(&pic, 0, 0), 0);
	pulse(6);
	vtr_pic_write(&pic, 0, 0, 0x0c);
	ck_assert_uint_eq(vtr_pic_read(&pic, 0, 0), 0x86);
	ck_assert_uint_eq(isr(0), 0x40);
	ck_assert(!pic.output);
}
END_TEST

START_TEST(spurious)
{
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x27);
	ck_assert_uint_eq(isr(0), 0);
}
END_TEST

START_TEST(level_input)
{
	vtr_pic_write_elcr(&pic, 0, 0xff);
	ck_assert_uint_eq(pic.chip[0].elcr, 0xf8);
	vtr_pic_write_elcr(&pic, 1, 0xff);
	ck_assert_uint_eq(pic.chip[1].elcr, 0xde);
	vtr_pic_set_line(&pic, 5, 0, true);
	vtr_pic_set_line(&pic, 5, 1, true);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x25);
	vtr_pic_write(&pic, 0, 0, 0x20);
	ck_assert(pic.output);
	vtr_pic_set_line(&pic, 5, 0, false);
	ck_assert(pic.output);
	vtr_pic_set_line(&pic, 5, 1, false);
	ck_assert(!pic.output);
}
END_TEST

START_TEST(initialisation_forgets)
{
	pulse(0);
	pulse(1);
	vtr_pic_ack(&pic);
	pic.acked = 0;
	vtr_pic_write(&pic, 0, 0, 0x11);
	/* Whoever waits for the end of 0 and 1 hears of it. */
	ck_assert_uint_eq(pic.acked, 3);
	ck_assert(!pic.output);
}
END_TEST

START_TEST(restore_of_anything)
{
	struct vtr_pic_chip c;

	memset(&c, 0xff, sizeof(c));
	vtr_pic_restore(&pic, 0, &c);
	vtr_pic_restore(&pic, 1, &c);
	ck_assert_uint_eq(pic.chip[0].elcr_mask, 0xf8);
	ck_assert_uint_eq(pic.chip[1].elcr_mask, 0xde);
	ck_assert_uint_eq(pic.chip[0].priority_add, 7);
	vtr_pic_write(&pic, 0, 1, 0);
	vtr_pic_ack(&pic);
}
END_TEST

START_TEST(random_accesses)
{
	int n, source;

	srand(2);
	for (n = 0; n < 200000; n++) {
		int chip = rand() & 1;

		switch (rand() % 5) {
		case 0:
			vtr_pic_write(&pic, chip, rand() & 1, rand());
			break;
		case 1:
			vtr_pic_read(&pic, chip, rand() & 1);
			break;
		case 2:
			vtr_pic_set_line(&pic, rand() & 15, rand() % 3, rand() & 1);
			break;
		case 3:
			if (pic.output)
				vtr_pic_ack(&pic);
			break;
		default:
			vtr_pic_write_elcr(&pic, chip, rand());
			break;
		}
	}
	/* However it was left, initialisation makes it work. */
	init(0, 1);
	init(1, 1);
	vtr_pic_write_elcr(&pic, 0, 0);
	vtr_pic_write_elcr(&pic, 1, 0);
	init(0, 1);
	init(1, 1);
	for (n = 0; n < 16; n++)
		for (source = 0; source < 3; source++)
			vtr_pic_set_line(&pic, n, source, false);
	ck_assert(!pic.output);
	pulse(4);
	ck_assert_uint_eq(vtr_pic_ack(&pic), 0x24);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pic");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, masks_read_back);
	tcase_add_test(t, priority_and_eoi);
	tcase_add_test(t, masked_edge_is_kept);
	tcase_add_test(t, cascade);
	tcase_add_test(t, cascade_request_withdrawn);
	tcase_add_test(t, special_fully_nested);
	tcase_add_test(t, auto_eoi);
	tcase_add_test(t, rotation);
	tcase_add_test(t, special_mask);
	tcase_add_test(t, polling);
	tcase_add_test(t, spurious);
	tcase_add_test(t, level_input);
	tcase_add_test(t, initialisation_forgets);
	tcase_add_test(t, restore_of_anything);
	tcase_add_test(t, random_accesses);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
