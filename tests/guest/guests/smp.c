// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp.c - start-up of the other CPUs, interrupts between them in xAPIC and x2APIC mode, the TSC across them.
 * Sources: SDM 3A "MP Initialization", "Issuing Interprocessor Interrupts".
 */
#include "guest.h"

static volatile unsigned int taken[16], nmis[16];
static unsigned int n;
static bool x2apic;

static void on_ipi(struct frame *f)
{
	(void)f;
	__atomic_add_fetch(&taken[cpu_index()], 1, __ATOMIC_SEQ_CST);
	if (x2apic)
		wrmsr(0x80b, 0);
	else
		APIC(APIC_EOI) = 0;
}

static void on_nmi(struct frame *f)
{
	(void)f;
	nmis[cpu_index()]++;
}

static volatile bool stop;

static void listen(void *arg)
{
	(void)arg;
	sti();
	while (!stop)
		pause();
	cli();
}

static void sleep_once(void *arg)
{
	(void)arg;
	sti_hlt_cli();
}

static unsigned int total(void)
{
	unsigned int i, sum = 0;

	for (i = 0; i < n; i++)
		sum += taken[i];
	return sum;
}

static void clear(void)
{
	memset((void *)taken, 0, sizeof(taken));
}

static void send(uint32_t dest, uint32_t low)
{
	if (x2apic)
		wrmsr(0x830, (uint64_t)dest << 32 | low);
	else
		ipi(dest, low);
}

static unsigned int bits(unsigned int mask)
{
	unsigned int sum;

	for (sum = 0; mask; mask &= mask - 1)
		sum++;
	return sum;
}

static void expect(uint32_t dest, uint32_t low, unsigned int mask, const char *name)
{
	unsigned int i, got = 0;

	clear();
	send(dest, low);
	sti();
	(void)wait_for(total() >= bits(mask));
	cli();
	for (i = 0; i < n; i++)
		got |= (taken[i] != 0) << i;
	check(got == mask && total() == bits(mask), name,
	      "CPUs %x instead of %x, %u in all", got, mask, total());
}

static void set_logical(void *arg)
{
	(void)arg;
	APIC(APIC_DFR) = 0xffffffff;
	APIC(APIC_LDR) = 1u << (24 + cpu_index() % 8);
}

static void set_cluster(void *arg)
{
	unsigned int i = cpu_index();

	(void)arg;
	APIC(APIC_DFR) = 0x0fffffff;
	APIC(APIC_LDR) = (i / 4) << 28 | 1u << (24 + i % 4);
}

static void set_x2apic(void *arg)
{
	(void)arg;
	wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
}

static void everywhere(void (*fn)(void *))
{
	unsigned int i;

	fn(NULL);
	for (i = 1; i < n; i++)
		cpu_call(i, fn, NULL);
	for (i = 1; i < n; i++)
		(void)cpu_wait(i);
}

static void listeners(bool on)
{
	unsigned int i;

	stop = !on;
	for (i = 1; i < n; i++)
		if (on)
			cpu_call(i, listen, NULL);
		else
			(void)cpu_wait(i);
}

static void xapic(void)
{
	unsigned int all = (1u << n) - 1, i;

	everywhere(set_logical);
	listeners(true);
	expect(1, 0x4041, 2, "fixed, physical");
	expect(0, 0x44041, 1, "shorthand self");
	expect(0, 0x84041, all, "shorthand all");
	expect(0, 0xc4041, all & ~1u, "shorthand others");
	expect(0xff, 0x4041, all, "physical broadcast");
	if (n <= 8)
		expect(0x6, 0x4841, 6, "logical, flat");
	clear();
	send(n <= 8 ? 0x6 : 2, n <= 8 ? 0x4941 : 0x4141);
	check(wait_for(total() == 1) && taken[1] + taken[2] == 1, "lowest priority reaches one", "%u", total());
	send(1, 0x4400);
	check(wait_for(nmis[1] == 1), "NMI to another CPU", "%u", nmis[1]);
	listeners(false);
	everywhere(set_cluster);
	listeners(true);
	expect(0x0c, 0x4841, 0xc & all, "logical, cluster");
	listeners(false);
	for (i = 1; i < n; i++)
		cpu_call(i, sleep_once, NULL);
	request(REQ_SLEEP, 5000, 0, 0, 0, 0);
	send(0, 0xc4041);
	for (i = 1; i < n && cpu_wait(i); i++)
		;
	check_eq(i, n, "an IPI wakes halted CPUs");
}

static void x2apic_mode(void)
{
	unsigned int all = (1u << n) - 1;

	everywhere(set_x2apic);
	x2apic = true;
	check_eq(rdmsr(0x802), 0, "x2APIC id");
	check_eq(rdmsr(0x80d), 1, "x2APIC logical id");
	listeners(true);
	expect(1, 0x4041, 2, "x2APIC physical");
	expect(0x6, 0x4841, 6, "x2APIC logical");
	expect(0, 0x84041, all, "x2APIC shorthand all");
	expect(~0u, 0x4041, all, "x2APIC broadcast");
	clear();
	wrmsr(0x83f, 0x41);
	sti();
	cli();
	check_eq(taken[0], 1, "x2APIC self IPI register");
	listeners(false);
}

static volatile uint64_t stamp, back;
static volatile unsigned int turn;

static void stamps(void *arg)
{
	unsigned int me = cpu_index(), i;
	uint64_t now;

	(void)arg;
	/* Each turn costs the host a switch between threads where it has fewer CPUs. */
	for (i = 0; i < (n <= 4 ? 40u : 4u); i++) {
		while (turn % n != me)
			pause();
		now = rdtsc();
		if (now < stamp)
			back++;
		stamp = now;
		turn++;
	}
}

static void tsc(void)
{
	unsigned int i;

	for (i = 1; i < n; i++)
		cpu_call(i, stamps, NULL);
	stamps(NULL);
	for (i = 1; i < n; i++)
		(void)cpu_wait(i);
	check_eq(back, 0, "the TSC never goes back from CPU to CPU");
}

static volatile unsigned int counter;

static void count(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < 100000; i++)
		__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
}

void test_main(void)
{
	extern volatile uint32_t started;

	set_handler(0x41, on_ipi);
	set_handler(NMI, on_nmi);
	n = cpus_start();
	check_eq(started, n, "INIT and SIPI start every CPU");
	everywhere(count);
	check_eq(counter, n * 100000, "locked operations are atomic");
	xapic();
	tsc();
	x2apic_mode();
}
