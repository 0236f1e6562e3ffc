// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmclock.c - the clock page and the wall clock, through the new MSRs and the old; across CPUs; in memory that
 * cannot be written.  Source: KVM msr.rst MSR_KVM_SYSTEM_TIME_NEW, MSR_KVM_WALL_CLOCK_NEW.
 */
#include "guest.h"

#define READONLY_AT	0x10000000UL
#define HOLE	0x30000000UL
#define SIZE	0x2000UL
#define FILL	0x1212121212121212ULL

struct pvclock {
	uint32_t version, pad;
	uint64_t tsc, time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad2[2];
};

struct wall {
	uint32_t version, sec, nsec;
};

/* The MSRs' numbers, and the bit of CPUID that offers them. */
struct msrs {
	uint32_t wall, time, feature;
	const char *fills, *reads, *advances, *counts, *tells;
};

static const struct msrs new_msrs = {
	0x4b564d00, 0x4b564d01, 8, "kvmclock fills its page", "its MSR reads back",
	"kvmclock never goes back", "kvmclock counts nanoseconds", "the wall clock tells the time",
};

static const struct msrs old_msrs = {
	0x11, 0x12, 1, "the old MSR fills its page", "the old MSR reads back",
	"the old kvmclock never goes back", "the old kvmclock counts nanoseconds", "so does the old wall clock",
};

static volatile struct pvclock pages[16] __attribute__((aligned(64)));

static uint64_t kvmclock(void)
{
	volatile struct pvclock *p = &pages[cpu_index()];
	uint64_t delta, time;
	uint32_t version;

	do {
		version = p->version & ~1u;
		__asm__ volatile("" : : : "memory");
		delta = rdtsc() - p->tsc;
		delta = p->shift < 0 ? delta >> -p->shift : delta << p->shift;
		time = p->time + (uint64_t)((unsigned __int128)delta * p->mul >> 32);
		__asm__ volatile("" : : : "memory");
	} while (p->version != version);
	return time;
}

/* What the host does before the next entry is done after this. */
static void leave(void) { outb(PORT_BLOCK, 0); }

/* The second since when the clock's zero was, by the wall clock of these MSRs. */
static uint32_t one_clock(const struct msrs *m)
{
	static volatile struct wall wall __attribute__((aligned(16)));
	uint64_t last, now, back = 0, from;
	unsigned int i;

	if (!(cpuid(0x40000001, 0).a & m->feature)) {
		skip(m->fills, "not offered");
		return 0;
	}
	memset((void *)pages, 0, sizeof(pages));
	wrmsr(m->time, (uint64_t)&pages[0] | 1);
	leave();
	check(pages[0].version && !(pages[0].version & 1) && pages[0].mul, m->fills, "version %u", pages[0].version);
	check_eq(rdmsr(m->time), (uint64_t)&pages[0] | 1, m->reads);
	from = last = kvmclock();
	for (i = 0; i < 1000; i++, last = now) {
		now = kvmclock();
		back += now < last;
		if (i % 100 == 0)
			leave();
	}
	check_eq(back, 0, m->advances);
	request(REQ_SLEEP, 20000, 0, 0, 0, 0);
	now = kvmclock() - from;
	check(now >= 20000000 && now < 20000000000, m->counts, "%lu", now);
	wall = (struct wall){ 0 };
	wrmsr(m->wall, (uint64_t)&wall);
	leave();
	check(wall.version && !(wall.version & 1) && wall.sec && wall.nsec < 1000000000 &&
	      rdmsr(m->wall) == (uint64_t)&wall, m->tells, "version %u, %u.%u", wall.version, wall.sec, wall.nsec);
	wrmsr(m->time, 0);
	return wall.sec;
}

static volatile uint64_t stamp, back;
static volatile unsigned int turn, n;

static void enable(void *arg)
{
	(void)arg;
	wrmsr(0x4b564d01, (uint64_t)&pages[cpu_index()] | 1);
	leave();
}

static void stamps(void *arg)
{
	unsigned int me = cpu_index(), i;
	uint64_t now;

	(void)arg;
	sti();
	for (i = 0; i < 40; i++) {
		while (turn % n != me)
			pause();
		now = kvmclock();
		back += now < stamp;
		stamp = now;
		turn++;
	}
	cli();
}

static void everywhere(void (*fn)(void *))
{
	unsigned int i;

	for (i = 1; i < n; i++)
		cpu_call(i, fn, NULL);
	fn(NULL);
	for (i = 1; i < n; i++)
		(void)cpu_wait(i);
}

static void across_cpus(void)
{
	unsigned int i, stable = 0;

	n = cpus_start();
	if (n < 2) {
		skip("kvmclock across CPUs", "one CPU");
		return;
	}
	memset((void *)pages, 0, sizeof(pages));
	everywhere(enable);
	everywhere(stamps);
	for (i = 0; i < n; i++)
		stable += pages[i].flags & 1;
	check_eq(stable, n, "every CPU's page says that it may be used with the others'");
	check_eq(back, 0, "kvmclock never goes back from CPU to CPU");
	wrmsr(0x4b564d01, 0);
}

struct place {
	uint64_t at;
	const char *time, *wall;
};

static void set_msr(void *arg)
{
	wrmsr(((uint64_t *)arg)[0], ((uint64_t *)arg)[1]);
	leave();
}

/* An MSR with a bad address: whether it is refused is the hypervisor's to say, not that it harms. */
static void harmless(uint32_t msr, uint64_t value, const char *name)
{
	uint64_t arg[2] = { msr, value }, count = request(REQ_MMIO_COUNT, 0, 0, 0, 0, 0), changed = 0, at;

	(void)trap(set_msr, arg);
	request(REQ_SLEEP, 1000, 0, 0, 0, 0);
	for (at = 0; at < SIZE; at += 8)
		changed += *(volatile uint64_t *)(READONLY_AT + at) != FILL;
	count = request(REQ_MMIO_COUNT, 0, 0, 0, 0, 0) - count;
	check(!changed && !count, name, "%lu words changed, %lx MMIO", changed, count);
	arg[1] = 0;
	(void)trap(set_msr, arg);
}

static void bad_places(void)
{
	static const struct place places[] = {
		{ READONLY_AT, "a clock page in read-only memory", "a wall clock in read-only memory" },
		{ HOLE, "a clock page in a hole", "a wall clock in a hole" },
		{ READONLY_AT + SIZE - 4, "a clock page half in a hole", "a wall clock half in a hole" },
		{ 1ULL << 62, "a clock page beyond all memory", "a wall clock beyond all memory" },
	};
	unsigned int i;
	uint64_t at;

	for (at = 0; at < SIZE; at += 8)
		request(REQ_BACKING_WRITE, at, FILL, 0, 0, 0);
	check_eq(request(REQ_SLOT_SET, 1, READONLY_AT, SIZE, 0, 2), 0, "a read-only slot");
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		harmless(0x4b564d01, places[i].at | 1, places[i].time);
		harmless(0x4b564d00, places[i].at, places[i].wall);
	}
}

void test_main(void)
{
	uint32_t new = one_clock(&new_msrs), old = one_clock(&old_msrs);

	check(new - old + 1 <= 2, "and the same", "%u, %u", new, old);
	across_cpus();
	bad_places();
}
