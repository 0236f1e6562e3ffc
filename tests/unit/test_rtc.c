// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_rtc.c - the CMOS clock: the host's time in each form a guest may choose, a guest that sets its
 * own, and memory; the ways of pm.c and i8042.c to end a machine; general-purpose events and the generation
 * ID that raises one.
 */
/* sources: ctl/vmm/rtc.c ctl/vmm/rtc_event.c ctl/vmm/pm.c ctl/vmm/i8042.c ctl/vmm/genid.c ctl/vmm/bus.c ctl/vmm/part.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "part.h"
#include "vmm.h"

static struct vmm m;
static unsigned int stamps, crashes;
static bool sci, irq8;
static time_t now;
static long now_ns, passes_ns;
static unsigned int edges;
static struct vmm_source *timer;
static struct itimerspec armed;

int clock_gettime(clockid_t clock, struct timespec *t)
{
	if (clock != CLOCK_REALTIME)
		return syscall(SYS_clock_gettime, clock, t);
	*t = (struct timespec){ now, now_ns };
	now_ns += passes_ns;
	return 0;
}

/* A timer that goes off when the test says so. */
int timerfd_create(int clock, int flags)
{
	ck_assert_int_eq(clock, CLOCK_REALTIME);
	(void)flags;
	return eventfd(0, EFD_NONBLOCK);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *old)
{
	(void)old;
	ck_assert_int_eq(fd, timer->fd);
	ck_assert_int_eq(flags, TFD_TIMER_ABSTIME);
	armed = *to;
	return 0;
}

int vmm_loop_add(struct vmm *machine, struct vmm_source *s, uint32_t events)
{
	(void)events;
	ck_assert_ptr_eq(machine, &m);
	timer = s;
	return 0;
}

/* Time goes on to when the timer is set to, if it is. */
static bool passes(void)
{
	uint64_t one = 1;

	if (!armed.it_value.tv_sec && !armed.it_value.tv_nsec)
		return false;
	now = armed.it_value.tv_sec;
	now_ns = armed.it_value.tv_nsec;
	armed = (struct itimerspec){ 0 };
	ck_assert_int_eq(write(timer->fd, &one, sizeof(one)), sizeof(one));
	timer->ready(timer->opaque, 0);
	return true;
}

time_t time(time_t *t)
{
	if (t)
		*t = now;
	return now;
}

void vmm_error(const char *object, const char *what, const char *remedy)
{
	ck_abort_msg("%s: %s: %s", object, what, remedy);
}

void vmm_end(struct vmm *machine, enum vmm_end why)
{
	machine->end = why;
}

void vmm_reset(struct vmm *machine)
{
	machine->end = VMM_RESET;
}

void vmm_crash(struct vmm *machine, const char *object, const char *what, const char *remedy)
{
	(void)object;
	(void)what;
	(void)remedy;
	machine->end = VMM_CRASHED;
	crashes++;
}

void vmm_irq(struct vmm *machine, unsigned int gsi, bool level)
{
	ck_assert_ptr_eq(machine, &m);
	if (gsi == VMM_IRQ_RTC) {
		ck_assert_int_ne(irq8, level);
		edges += level;
		irq8 = level;
		return;
	}
	ck_assert_uint_eq(gsi, VMM_IRQ_SCI);
	ck_assert_int_ne(sci, level);
	sci = level;
}

void vmm_time_stamp(struct vmm *machine, enum vmm_moment moment)
{
	ck_assert_ptr_eq(machine, &m);
	ck_assert_int_eq(moment, VMM_INIT);
	stamps++;
}

static void out(uint16_t port, unsigned int size, uint32_t val)
{
	vmm_bus_access(&m, port, size, true, &val);
}

static uint32_t in(uint16_t port, unsigned int size)
{
	uint32_t val = 0;

	vmm_bus_access(&m, port, size, false, &val);
	return val;
}

static uint8_t cmos(uint8_t index)
{
	out(0x70, 1, index | 0x80);	/* with NMI off, as drivers do */
	return in(0x71, 1);
}

static void cmos_set(uint8_t index, uint8_t val)
{
	out(0x70, 1, index);
	out(0x71, 1, val);
}

static void setup(void)
{
	memset(&m, 0, sizeof(m));
	stamps = crashes = 0;
	sci = irq8 = false;
	now_ns = passes_ns = 0;
	armed = (struct itimerspec){ 0 };
	now = 1763683199;	/* Thursday 2025-11-20 23:59:59 UTC */
	ck_assert_int_eq(vmm_rtc_create(&m), 0);
	ck_assert_int_eq(vmm_pm_create(&m), 0);
	ck_assert_int_eq(vmm_i8042_create(&m), 0);
}

static void teardown(void)
{
	vmm_i8042_destroy(&m);
	vmm_pm_destroy(&m);
	vmm_rtc_destroy(&m);
}

START_TEST(bcd)
{
	ck_assert_uint_eq(cmos(0), 0x59);
	ck_assert_uint_eq(cmos(2), 0x59);
	ck_assert_uint_eq(cmos(4), 0x23);
	ck_assert_uint_eq(cmos(6), 5);
	ck_assert_uint_eq(cmos(7), 0x20);
	ck_assert_uint_eq(cmos(8), 0x11);
	ck_assert_uint_eq(cmos(9), 0x25);
	ck_assert_uint_eq(cmos(0x32), 0x20);
	ck_assert_uint_eq(cmos(0x0d), 0x80);
	ck_assert_uint_eq(cmos(0x0a) & 0x80, 0);
	now++;
	ck_assert_uint_eq(cmos(0), 0);
	ck_assert_uint_eq(cmos(4), 0);
	ck_assert_uint_eq(cmos(7), 0x21);
}
END_TEST

START_TEST(binary_and_twelve_hours)
{
	cmos_set(0xb, 0x06);
	ck_assert_uint_eq(cmos(0), 59);
	ck_assert_uint_eq(cmos(9), 25);
	cmos_set(0xb, 0x00);
	ck_assert_uint_eq(cmos(4), 0x80 | 0x11);
	now++;
	ck_assert_uint_eq(cmos(4), 0x12);	/* midnight */
	now += 12 * 3600;
	ck_assert_uint_eq(cmos(4), 0x80 | 0x12);
}
END_TEST

START_TEST(guest_sets_its_clock)
{
	cmos_set(0x32, 0x20);
	cmos_set(9, 0x31);
	cmos_set(8, 0x02);
	cmos_set(7, 0x03);
	cmos_set(4, 0x10);
	cmos_set(2, 0x20);
	cmos_set(0, 0x30);
	now += 61;
	ck_assert_uint_eq(cmos(0), 0x31);
	ck_assert_uint_eq(cmos(2), 0x21);
	ck_assert_uint_eq(cmos(4), 0x10);
	ck_assert_uint_eq(cmos(7), 0x03);
	ck_assert_uint_eq(cmos(8), 0x02);
	ck_assert_uint_eq(cmos(9), 0x31);
	cmos_set(0xb, 0x00);
	cmos_set(4, 0x80 | 0x12);
	cmos_set(0xb, 0x02);
	ck_assert_uint_eq(cmos(4), 0x12);
}
END_TEST

START_TEST(noise)
{
	unsigned int i;

	srand(_i);
	for (i = 0; i < 5000; i++) {
		cmos_set(rand(), rand());
		cmos(rand());
	}
}
END_TEST

START_TEST(interrupt_each_second)
{
	unsigned int i;

	cmos(0x0c);
	cmos_set(0xb, 0x12);
	for (i = 0; i < 3; i++) {
		time_t before = now;

		ck_assert(!irq8);
		ck_assert(passes());
		ck_assert_int_eq(now, before + 1);
		ck_assert(irq8);
		/* Who does not look is told once. */
		ck_assert(!passes());
		ck_assert_uint_eq(cmos(0x0c) & 0x90, 0x90);
		ck_assert(!irq8);
		ck_assert_uint_eq(cmos(0x0c), 0);
	}
	cmos_set(0xb, 0x02);
	ck_assert(!passes());
}
END_TEST

START_TEST(interrupt_at_the_alarm)
{
	cmos(0x0c);
	cmos_set(0x01, 0x03);
	cmos_set(0x03, 0x00);
	cmos_set(0x05, 0x00);
	cmos_set(0xb, 0x22);	/* it is 23:59:59 */
	ck_assert(passes());
	ck_assert_int_eq(now, 1763683199 + 4);
	ck_assert(irq8);
	ck_assert_uint_eq(cmos(0x0c) & 0xb0, 0xb0);
	ck_assert(passes());
	ck_assert_int_eq(now, 1763683199 + 4 + 86400);
	/* The guest's time is another one, and so is the host's moment. */
	cmos(0x0c);
	cmos_set(2, 0x00);
	cmos_set(0, 0x00);
	ck_assert_uint_eq(cmos(0), 0);
	ck_assert(passes());
	ck_assert_uint_eq(cmos(0), 0x03);
	ck_assert(irq8);
}
END_TEST

START_TEST(periodic_interrupt)
{
	unsigned int i;
	time_t first = now;

	cmos(0x0c);
	cmos_set(0xa, 0x26);	/* 1024 Hz */
	cmos_set(0xb, 0x42);
	for (i = 0; i < 2048; i++) {
		ck_assert(passes());
		ck_assert(irq8);
		ck_assert(cmos(0x0c) & 0x40);
	}
	ck_assert_int_eq(now, first + 2);
	cmos_set(0xa, 0x20);	/* none */
	ck_assert(!passes());
}
END_TEST

/*
 * The next event comes while register C is read, as it does where a VM's process is kept waiting: its interrupt is one of its own, and
 * the controller has to see it begin.
 */
START_TEST(event_while_the_last_is_read)
{
	cmos(0x0c);
	cmos_set(0xa, 0x26);	/* 1024 Hz */
	cmos_set(0xb, 0x42);
	ck_assert(passes());
	ck_assert(irq8);
	edges = 0;
	passes_ns = 1000000;
	ck_assert_uint_eq(cmos(0x0c), 0xc0);
	passes_ns = 0;
	ck_assert(irq8);
	ck_assert_uint_eq(edges, 1);
	ck_assert_uint_eq(cmos(0x0c), 0xc0);
	ck_assert(!irq8);
	ck_assert(passes());
	ck_assert(irq8);
}
END_TEST

START_TEST(memory)
{
	cmos_set(0x40, 0xa5);
	cmos_set(0x7f, 0x5a);
	ck_assert_uint_eq(cmos(0x40), 0xa5);
	ck_assert_uint_eq(cmos(0x7f), 0x5a);
	cmos_set(0x0d, 0);
	ck_assert_uint_eq(cmos(0x0d), 0x80);
}
END_TEST

START_TEST(power_off)
{
	ck_assert_uint_eq(in(VMM_PORT_PM + 4, 2), 1);
	out(VMM_PORT_PM + 4, 2, 5 << 10 | 1);
	ck_assert_int_eq(m.end, VMM_RUNNING);
	ck_assert_uint_eq(in(VMM_PORT_PM + 4, 2), 5 << 10 | 1);
	out(VMM_PORT_PM + 4, 2, 1 << 13 | 5 << 10);
	ck_assert_int_eq(m.end, VMM_POWERED_OFF);
}
END_TEST

START_TEST(pm1_events)
{
	out(VMM_PORT_PM + 2, 2, 0x0120);
	ck_assert_uint_eq(in(VMM_PORT_PM + 2, 2), 0x0120);
	ck_assert_uint_eq(in(VMM_PORT_PM, 4), 0x01200000);
	out(VMM_PORT_PM, 2, 0xffff);
	ck_assert_uint_eq(in(VMM_PORT_PM, 2), 0);
}
END_TEST

START_TEST(power_button)
{
	vmm_power_button(&m);
	ck_assert_uint_eq(in(VMM_PORT_PM, 2), 0x0100);
	ck_assert(!sci);
	out(VMM_PORT_PM + 2, 2, 0x0100);
	ck_assert(sci);
	vmm_power_button(&m);
	ck_assert(sci);
	out(VMM_PORT_PM, 2, 0x0001);
	ck_assert(sci);
	out(VMM_PORT_PM, 2, 0x0100);
	ck_assert(!sci);
	ck_assert_int_eq(m.end, VMM_RUNNING);
}
END_TEST

START_TEST(resets)
{
	static const struct {
		uint16_t port;
		uint8_t val;
		int end;
	} rows[] = {
		{ 0xcf9, 0x02, VMM_RUNNING }, { 0xcf9, 0x06, VMM_RESET }, { 0xcf9, 0x04, VMM_RESET },
		{ 0x64, 0xfe, VMM_RESET }, { 0x64, 0xf0, VMM_RESET }, { 0x64, 0xff, VMM_RUNNING },
		{ 0x64, 0xaa, VMM_RUNNING }, { 0x64, 0xee, VMM_RUNNING },
		{ 0x92, 0x02, VMM_RUNNING }, { 0x92, 0x03, VMM_RESET },
		{ VMM_PORT_PANIC, 0x01, VMM_CRASHED }, { VMM_PORT_PANIC, 0x02, VMM_RUNNING },
	};

	out(rows[_i].port, 1, rows[_i].val);
	ck_assert_int_eq(m.end, rows[_i].end);
	ck_assert_uint_eq(crashes, rows[_i].end == VMM_CRASHED);
}
END_TEST

START_TEST(events)
{
	ck_assert_uint_eq(in(VMM_PORT_GPE, 2), 0);
	vmm_gpe(&m, 3);
	ck_assert_uint_eq(in(VMM_PORT_GPE, 1), 8);
	ck_assert(!sci);
	out(VMM_PORT_GPE + 1, 1, 9);
	ck_assert(sci);
	ck_assert_uint_eq(in(VMM_PORT_GPE + 1, 1), 9);
	ck_assert_uint_eq(in(VMM_PORT_GPE, 2), 0x0908);
	out(VMM_PORT_GPE, 1, 1);
	ck_assert(sci);
	out(VMM_PORT_GPE, 2, 0x0108);
	ck_assert(!sci);
	ck_assert_uint_eq(in(VMM_PORT_GPE, 2), 0x0100);
}
END_TEST

START_TEST(generation)
{
	static const uint8_t none[16];
	uint8_t first[16];

	m.acpi = VMM_ACPI;
	m.ram = calloc(1, VMM_KERNEL);
	ck_assert_ptr_nonnull(m.ram);
	out(VMM_PORT_GPE + 1, 1, 1 << VMM_GPE_GENID);
	ck_assert_int_eq(vmm_genid_load(&m), 0);
	ck_assert(!sci);
	memcpy(first, m.ram + vmm_genid_address(m.acpi), sizeof(first));
	ck_assert_mem_ne(first, none, sizeof(first));
	ck_assert_int_eq(vmm_genid_load(&m), 0);
	ck_assert_mem_eq(first, m.ram + vmm_genid_address(m.acpi), sizeof(first));
	ck_assert_int_eq(vmm_genid_renew(&m), 0);
	ck_assert_mem_ne(first, m.ram + vmm_genid_address(m.acpi), sizeof(first));
	ck_assert(sci);
	free(m.ram);
}
END_TEST

/* What a boot loader asks of the controller, and what Linux does before it believes that there is none. */
START_TEST(keyboard_controller)
{
	ck_assert_uint_eq(in(0x64, 1), 0x10);
	out(0x64, 1, 0xaa);
	ck_assert_uint_eq(in(0x64, 1) & 1, 1);
	ck_assert_uint_eq(in(0x60, 1), 0x55);
	ck_assert_uint_eq(in(0x64, 1) & 5, 4);
	out(0x64, 1, 0x60);
	out(0x60, 1, 0x41);
	out(0x64, 1, 0x20);
	ck_assert_uint_eq(in(0x60, 1), 0x41);
	out(0x64, 1, 0xd0);
	ck_assert_uint_eq(in(0x60, 1), 3);
	out(0x64, 1, 0xd1);
	out(0x60, 1, 0xdf);
	ck_assert_int_eq(m.end, VMM_RUNNING);
	out(0x60, 1, 0xf4);	/* to a keyboard */
	ck_assert_uint_eq(in(0x64, 1) & 0x41, 0x41);
	ck_assert_uint_eq(in(0x60, 1), 0xfe);
	out(0x64, 1, 0xd1);
	out(0x60, 1, 0xde);
	ck_assert_int_eq(m.end, VMM_RESET);
}
END_TEST

static void *part_state(const char *name, struct vmm_part **part)
{
	for (*part = m.parts; *part && strcmp((*part)->name, name); )
		*part = (*part)->next;
	ck_assert_ptr_nonnull(*part);
	return (*part)->state;
}

/* State goes from one machine into another one field by field, as in a snapshot. */
static void carry(const char *name, const uint8_t *from)
{
	struct vmm_part *p;
	uint8_t *to = part_state(name, &p);
	uint32_t i;

	for (i = 0; i < p->nfields; i++)
		memcpy(to + p->fields[i].offset, from + p->fields[i].offset,
		       p->fields[i].size * p->fields[i].count);
	ck_assert(!p->load || !p->load(p->opaque));
}

static void reset_part(const char *name)
{
	struct vmm_part *p;

	part_state(name, &p);
	p->reset(p->opaque);
}

/* Time and memory of the clock have a battery, nothing else has. */
START_TEST(as_at_power_on)
{
	cmos_set(0x40, 0x77);
	cmos_set(0, 0x30);
	cmos_set(0xb, 0x72);
	out(VMM_PORT_PM + 2, 2, 0x0100);
	out(VMM_PORT_PM + 4, 2, 5 << 10 | 1);
	vmm_power_button(&m);
	vmm_gpe(&m, 1);
	out(0x64, 1, 0x20);
	sci = false;	/* the interrupt controllers are others afterwards */
	reset_part("rtc");
	reset_part("pm");
	reset_part("i8042");
	ck_assert_uint_eq(cmos(0x40), 0x77);
	ck_assert_uint_eq(cmos(0), 0x30);
	ck_assert_uint_eq(cmos(0xb), 0x02);
	ck_assert(!passes());
	ck_assert_uint_eq(in(VMM_PORT_PM, 4), 0);
	ck_assert_uint_eq(in(VMM_PORT_PM + 4, 2), 1);
	ck_assert_uint_eq(in(VMM_PORT_GPE, 2), 0);
	ck_assert_uint_eq(in(0x64, 1), 0x10);
	out(VMM_PORT_PM + 2, 2, 0x0100);
	vmm_power_button(&m);
	ck_assert(sci);
}
END_TEST

START_TEST(carried_over)
{
	static const char *const names[] = { "rtc", "pm", "i8042" };
	struct vmm first;
	struct vmm_part *p;
	uint8_t *state[3];
	unsigned int i;

	cmos_set(0x40, 0x77);
	cmos_set(0, 0x30);
	out(VMM_PORT_PM + 2, 2, 0x0100);
	vmm_power_button(&m);
	out(0x64, 1, 0x20);
	for (i = 0; i < 3; i++)
		state[i] = part_state(names[i], &p);
	first = m;
	setup();
	for (i = 0; i < 3; i++)
		carry(names[i], state[i]);
	ck_assert(sci);
	ck_assert_uint_eq(in(VMM_PORT_PM, 2), 0x0100);
	ck_assert_uint_eq(cmos(0x40), 0x77);
	ck_assert_uint_eq(cmos(0), 0x30);
	ck_assert_uint_eq(in(0x64, 1) & 1, 1);
	teardown();
	m = first;
}
END_TEST

static const struct {
	enum vmm_clock clock;
	int passes;		/* seconds between saving and loading */
	uint8_t minute;		/* what the guest sees then */
} restores[] = {
	{ VMM_CLOCK_REALTIME, 120, 0x32 }, { VMM_CLOCK_CONTINUE, 120, 0x30 }, { VMM_CLOCK_CONTINUE, -120, 0x30 },
};

/* A guest that is to see nothing of the time since its snapshot sees nothing of it here either, wherever the host's clock went. */
START_TEST(restored)
{
	struct vmm first;
	struct vmm_part *p;
	uint8_t *state;
	time_t then;

	cmos_set(2, 0x30);
	cmos_set(0, 0x10);
	now_ns = 400000000;
	state = part_state("rtc", &p);
	p->save(p->opaque);
	then = now;
	first = m;
	setup();
	now = then + restores[_i].passes;
	now_ns = 300000000;
	m.clock = restores[_i].clock;
	carry("rtc", state);
	ck_assert_uint_eq(cmos(2), restores[_i].minute);
	/* To the second, and never back: an event would come twice. */
	ck_assert_uint_eq(cmos(0), restores[_i].clock == VMM_CLOCK_CONTINUE ? 0x11 : 0x10);
	now += 60;
	ck_assert_uint_eq(cmos(2), restores[_i].minute + 1);
	teardown();
	m = first;
}
END_TEST

START_TEST(init_stamp)
{
	out(VMM_PORT_INIT, 1, 'i');
	ck_assert_uint_eq(stamps, 1);
	ck_assert_uint_eq(in(VMM_PORT_PANIC, 1), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rtc and pm");
	TCase *t = tcase_create("registers");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, bcd);
	tcase_add_test(t, binary_and_twelve_hours);
	tcase_add_test(t, guest_sets_its_clock);
	tcase_add_loop_test(t, noise, 0, 8);
	tcase_add_test(t, interrupt_each_second);
	tcase_add_test(t, interrupt_at_the_alarm);
	tcase_add_test(t, periodic_interrupt);
	tcase_add_test(t, event_while_the_last_is_read);
	tcase_add_test(t, memory);
	tcase_add_test(t, power_off);
	tcase_add_test(t, pm1_events);
	tcase_add_test(t, power_button);
	tcase_add_loop_test(t, resets, 0, 12);
	tcase_add_test(t, events);
	tcase_add_test(t, generation);
	tcase_add_test(t, keyboard_controller);
	tcase_add_test(t, as_at_power_on);
	tcase_add_test(t, carried_over);
	tcase_add_loop_test(t, restored, 0, 3);
	tcase_add_test(t, init_stamp);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
