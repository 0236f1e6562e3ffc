// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_serial.c - the 16550: its registers as a driver sees them, interrupts and their priorities,
 * the ring towards the console, and who is woken when.
 */
/* sources: ctl/vmm/serial.c ctl/vmm/bus.c ctl/vmm/part.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "vmm.h"

#define BASE	0x3f8
#define RING	16384
#define FIFO	64

static struct vmm m;
static bool line;
static unsigned int wakes;

void vmm_error(const char *object, const char *what, const char *remedy)
{
	ck_abort_msg("%s: %s: %s", object, what, remedy);
}

void vmm_irq(struct vmm *machine, unsigned int gsi, bool level)
{
	ck_assert_ptr_eq(machine, &m);
	ck_assert_uint_eq(gsi, VMM_IRQ_SERIAL);
	ck_assert_int_ne(line, level);
	line = level;
}

void vmm_wake(struct vmm *machine)
{
	ck_assert_ptr_eq(machine, &m);
	wakes++;
}

static uint8_t in(unsigned int reg)
{
	uint8_t val;

	vmm_bus_access(&m, BASE + reg, 1, false, &val);
	return val;
}

static void out(unsigned int reg, uint8_t val)
{
	vmm_bus_access(&m, BASE + reg, 1, true, &val);
}

static bool sent_something(void)
{
	uint8_t byte;

	return vmm_serial_peek(&m, &byte, 1);
}

static void setup(void)
{
	memset(&m, 0, sizeof(m));
	line = false;
	wakes = 0;
	ck_assert_int_eq(vmm_serial_create(&m), 0);
	out(4, 0x0b);	/* DTR, RTS, OUT2 */
}

static void teardown(void)
{
	vmm_serial_destroy(&m);
}

START_TEST(divisor_hides_data)
{
	out(3, 0x83);
	out(0, 0x0c);
	out(1, 0x01);
	ck_assert_uint_eq(in(0), 0x0c);
	ck_assert_uint_eq(in(1), 0x01);
	out(3, 0x03);
	ck_assert_uint_eq(in(1), 0);
	ck_assert_uint_eq(in(3), 0x03);
	ck_assert(!sent_something());
	out(7, 0x5a);
	ck_assert_uint_eq(in(7), 0x5a);
}
END_TEST

START_TEST(fifo_shows)
{
	ck_assert_uint_eq(in(2), 0x01);
	out(2, 0x01);
	ck_assert_uint_eq(in(2), 0xc1);
}
END_TEST

START_TEST(loopback)
{
	out(4, 0x1a);	/* what a driver's probe writes and expects */
	ck_assert_uint_eq(in(6) & 0xf0, 0x90);
	out(0, 'x');
	ck_assert(!sent_something());
	ck_assert_uint_eq(in(5) & 1, 1);
	ck_assert_uint_eq(in(0), 'x');
}
END_TEST

START_TEST(input_interrupts_until_read)
{
	vmm_serial_input(&m, (const uint8_t *)"ab", 2);
	ck_assert(!line);
	out(1, 0x01);
	ck_assert(line);
	ck_assert_uint_eq(in(2), 0x04);
	ck_assert_uint_eq(in(5) & 1, 1);
	ck_assert_uint_eq(in(0), 'a');
	ck_assert(line);
	ck_assert_uint_eq(in(0), 'b');
	ck_assert(!line);
	ck_assert_uint_eq(in(2), 0x01);
	ck_assert_uint_eq(in(5) & 1, 0);
}
END_TEST

START_TEST(out2_gates_the_line)
{
	out(1, 0x01);
	vmm_serial_input(&m, (const uint8_t *)"a", 1);
	ck_assert(line);
	out(4, 0x03);
	ck_assert(!line);
	out(4, 0x0b);
	ck_assert(line);
}
END_TEST

START_TEST(transmitter_empty_interrupt)
{
	out(1, 0x02);
	ck_assert(line);
	ck_assert_uint_eq(in(2), 0x02);	/* reading acknowledges */
	ck_assert(!line);
	out(0, 'x');
	ck_assert(line);
	/* Input goes first. */
	out(1, 0x03);
	vmm_serial_input(&m, (const uint8_t *)"a", 1);
	ck_assert_uint_eq(in(2), 0x04);
	in(0);
	ck_assert_uint_eq(in(2), 0x02);
	ck_assert(!line);
}
END_TEST

START_TEST(output_that_is_watched_wakes_nobody)
{
	ck_assert(!vmm_serial_watch(&m));
	out(0, 'a');
	ck_assert_uint_eq(wakes, 1);
	vmm_serial_drop(&m, 1);
	ck_assert(vmm_serial_watch(&m));
	out(0, 'b');
	ck_assert_uint_eq(wakes, 1);
	/* Serviced in between or not: what came since the last look is looked for again. */
	ck_assert(vmm_serial_watch(&m));
	ck_assert(sent_something());
	vmm_serial_drop(&m, 1);
	ck_assert(!vmm_serial_watch(&m));
	out(0, 'c');
	ck_assert_uint_eq(wakes, 2);
}
END_TEST

START_TEST(output_wakes_once)
{
	uint8_t buf[8];

	out(0, 'a');
	out(0, 'b');
	out(0, 'c');
	ck_assert_uint_eq(wakes, 1);
	ck_assert_uint_eq(vmm_serial_peek(&m, buf, sizeof(buf)), 3);
	ck_assert_mem_eq(buf, "abc", 3);
	vmm_serial_drop(&m, 2);
	ck_assert_uint_eq(vmm_serial_peek(&m, buf, sizeof(buf)), 1);
	ck_assert_uint_eq(buf[0], 'c');
	vmm_serial_drop(&m, 1);
	out(0, 'd');
	ck_assert_uint_eq(wakes, 2);
}
END_TEST

START_TEST(full_ring_is_a_busy_transmitter)
{
	static uint8_t buf[RING + 1];
	unsigned int i;

	out(0, 0);
	vmm_serial_peek(&m, buf, 1);
	vmm_serial_drop(&m, 1);		/* so that it wraps */
	/* Firmware waits for both bits with each character, whenever the reader comes. */
	for (i = 0; i < RING; i++) {
		ck_assert_uint_eq(in(5) & 0x60, 0x60);
		out(0, i * 7);
	}
	ck_assert_uint_eq(in(5) & 0x60, 0);
	out(0, 0xee);			/* lost, as on a real one */
	out(1, 0x02);
	ck_assert(!line);
	ck_assert_uint_eq(vmm_serial_peek(&m, buf, sizeof(buf)), RING);
	for (i = 0; i < RING; i++)
		ck_assert_uint_eq(buf[i], (uint8_t)(i * 7));
	vmm_serial_drop(&m, 1);
	ck_assert(line);
	ck_assert_uint_eq(in(5) & 0x60, 0x60);
	vmm_serial_drop(&m, RING - 1);
	ck_assert_uint_eq(in(5) & 0x60, 0x60);
}
END_TEST

START_TEST(full_receiver)
{
	uint8_t buf[FIFO] = {};

	ck_assert_uint_eq(vmm_serial_room(&m), FIFO);
	vmm_serial_input(&m, buf, FIFO);
	in(0);
	ck_assert_uint_eq(wakes, 0);	/* nobody asked yet */
	vmm_serial_input(&m, buf, 1);
	ck_assert_uint_eq(vmm_serial_room(&m), 0);
	in(0);
	ck_assert_uint_eq(wakes, 1);
	in(0);
	ck_assert_uint_eq(wakes, 1);
	ck_assert_uint_eq(vmm_serial_room(&m), 2);
	vmm_serial_input(&m, buf, 2);
	ck_assert_uint_eq(vmm_serial_room(&m), 0);
	out(2, 0x03);			/* clears it */
	ck_assert_uint_eq(wakes, 2);
	ck_assert_uint_eq(in(5) & 1, 0);
}
END_TEST

START_TEST(overrun)
{
	uint8_t buf[FIFO + 1] = {};

	out(1, 0x04);
	vmm_serial_input(&m, buf, FIFO + 1);
	ck_assert(line);
	ck_assert_uint_eq(in(2), 0x06);
	ck_assert_uint_eq(in(5) & 0x03, 0x03);
	ck_assert(!line);
	ck_assert_uint_eq(in(5) & 0x02, 0);
}
END_TEST

START_TEST(unclaimed_ports_read_ones)
{
	uint32_t val = 0;

	vmm_bus_access(&m, 0x2f8, 4, false, &val);
	ck_assert_uint_eq(val, 0xffffffff);
	vmm_bus_access(&m, 0x2f8, 4, true, &val);
	val = 0;
	vmm_bus_access(&m, 0x400, 2, false, &val);
	ck_assert_uint_eq(val, 0xffff);
	vmm_bus_access(&m, BASE + 5, 4, false, &val);
	ck_assert_uint_eq(val, 0x60);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("serial");
	TCase *t = tcase_create("registers");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, divisor_hides_data);
	tcase_add_test(t, fifo_shows);
	tcase_add_test(t, loopback);
	tcase_add_test(t, input_interrupts_until_read);
	tcase_add_test(t, out2_gates_the_line);
	tcase_add_test(t, transmitter_empty_interrupt);
	tcase_add_test(t, output_wakes_once);
	tcase_add_test(t, output_that_is_watched_wakes_nobody);
	tcase_add_test(t, full_ring_is_a_busy_transmitter);
	tcase_add_test(t, full_receiver);
	tcase_add_test(t, overrun);
	tcase_add_test(t, unclaimed_ports_read_ones);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
