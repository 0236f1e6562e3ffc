// SPDX-License-Identifier: GPL-2.0-only
/*
 * slots.c - memory slots that change while another CPU uses them; read-only slots; the dirty log. Source: KVM
 * api.rst KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG.
 */
#include "guest.h"

#define AT	0x10000000UL
#define ELSE	0x20000000UL
#define SIZE	0x400000UL
#define LOG	1
#define READONLY 2

static uint64_t bitmap[SIZE / 4096 / 64] __attribute__((aligned(4096)));

static int64_t slot(unsigned int n, uint64_t gpa, uint64_t size, uint64_t offset, uint32_t flags)
{
	return request(REQ_SLOT_SET, n, gpa, size, offset, flags);
}

static volatile uint64_t *word(uint64_t at) { return (volatile uint64_t *)at; }

static void come_and_go(void)
{
	check_eq(*word(AT), ~0ULL, "a hole reads as ones");
	check_eq(slot(1, AT, SIZE, 0, 0), 0, "add a slot");
	*word(AT + 8) = 0x1234;
	check_eq(request(REQ_BACKING_READ, 8, 0, 0, 0, 0), 0x1234, "the host sees the guest's write");
	request(REQ_BACKING_WRITE, 16, 0x5678, 0, 0, 0);
	check_eq(*word(AT + 16), 0x5678, "the guest sees the host's write");
	check_eq(slot(1, ELSE, SIZE, 0, 0), 0, "move the slot");
	check_eq(*word(ELSE + 8), 0x1234, "it is there");
	check_eq(*word(AT + 8), ~0ULL, "and no longer here");
	check_eq(slot(1, ELSE, 0, 0, 0), 0, "delete the slot");
	check_eq(*word(ELSE + 8), ~0ULL, "nothing is left of it");
	check_eq(slot(1, AT, SIZE, SIZE, 0), 0, "add it with other memory");
	check_eq(*word(AT + 8), 0, "which is what the guest sees");
	slot(1, AT, 0, 0, 0);
}

static void read_only(void)
{
	uint64_t before;

	request(REQ_BACKING_WRITE, 0, 0xc3c3c3c3c3c3c3c3, 0, 0, 0);
	slot(1, AT, SIZE, 0, READONLY);
	check_eq(*word(AT), 0xc3c3c3c3c3c3c3c3, "a read-only slot reads");
	((void (*)(void))AT)();
	check(true, "and executes", "-");
	before = request(REQ_MMIO_COUNT, 0, 0, 0, 0, 0) >> 32;
	*word(AT) = 1;
	check_eq((uint64_t)(request(REQ_MMIO_COUNT, 0, 0, 0, 0, 0) >> 32) - before, 1, "a write to it is MMIO");
	check_eq(*word(AT), 0xc3c3c3c3c3c3c3c3, "and changes nothing");
	request(REQ_BACKING_WRITE, 0, 7, 0, 0, 0);
	check_eq(*word(AT), 7, "the host may still write");
	slot(1, AT, 0, 0, 0);
}

static unsigned int dirty(void)
{
	unsigned int i, n = 0;

	request(REQ_DIRTY_LOG, 1, (uint64_t)bitmap, 0, 0, 0);
	for (i = 0; i < SIZE / 4096; i++)
		n += bitmap[i / 64] >> i % 64 & 1;
	return n;
}

static void dirty_log(void)
{
	unsigned int i;

	slot(1, AT, SIZE, 0, 0);
	for (i = 0; i < SIZE / 4096; i++)
		*word(AT + i * 4096) = i;
	check(request(REQ_DIRTY_LOG, 1, (uint64_t)bitmap, 0, 0, 0) < 0, "no log without the flag", "success");
	check_eq(slot(1, AT, SIZE, 0, LOG), 0, "log a live slot");
	(void)dirty();
	check_eq(dirty(), 0, "nothing written, nothing dirty");
	*word(AT + 3 * 4096) = 1;
	*word(AT + 700 * 4096) = 1;
	check_eq(*word(AT + 5 * 4096), 5, "a read");
	check(dirty() == 2 && bitmap[0] == 8 && bitmap[700 / 64] >> 700 % 64 & 1, "exactly the pages written",
	      "%lx", bitmap[0]);
	check_eq(dirty(), 0, "reading the log clears it");
	*word(AT + 3 * 4096) = 2;
	check(dirty() == 1 && bitmap[0] == 8, "the page is logged again", "%lx", bitmap[0]);
	__asm__ volatile("lock incq %0" : "+m"(*word(AT + 4 * 4096)));
	*(volatile uint64_t *)(AT + 9 * 4096 - 4) = 1;
	check(dirty() == 3 && bitmap[0] == 0x310, "a locked and a page-crossing write", "%lx", bitmap[0]);
	__asm__ volatile("rep insb" : : "D"(AT + 6 * 4096), "c"(8), "d"(PORT_QUEUE) : "memory");
	check(dirty() == 1 && bitmap[0] == 0x40, "a write the kernel makes (INS)", "%lx", bitmap[0]);
	check_eq(slot(1, AT, SIZE, 0, 0), 0, "stop logging");
	slot(1, AT, 0, 0, 0);
}

static volatile bool stop;
static volatile uint64_t rounds, bad;

static void hammer(void *arg)
{
	(void)arg;
	/* Bochs 2.7 keeps the host's interrupts out of a guest that is entered with IF clear. */
	sti();
	while (!stop) {
		uint64_t v = *word(AT + 64);

		/* Either memory's mark, or what a hole reads as; nothing else ever. */
		if (v != 0xaaaa && v != 0xbbbb && v != ~0ULL)
			bad++;
		rounds++;
	}
}

static void under_use(void)
{
	unsigned int n = cpus_start(), i, wrong = 0;

	if (n < 2) {
		skip("slots under a running CPU", "one CPU");
		return;
	}
	request(REQ_BACKING_WRITE, 64, 0xaaaa, 0, 0, 0);
	request(REQ_BACKING_WRITE, SIZE + 64, 0xbbbb, 0, 0, 0);
	for (i = 1; i < n; i++)
		cpu_call(i, hammer, NULL);
	for (i = 0; i < 50; i++) {
		slot(1, AT, SIZE, i % 2 * SIZE, 0);
		wrong += *word(AT + 64) != (i % 2 ? 0xbbbb : 0xaaaa);
		slot(1, AT, 0, 0, 0);
		wrong += *word(AT + 64) != ~0ULL;
	}
	stop = true;
	for (i = 1; i < n; i++)
		(void)cpu_wait(i);
	check_eq(wrong, 0, "each change is complete when the call returns");
	check(bad == 0 && rounds, "the other CPUs see the old or the new, never more", "%lu bad", bad);
}

/* Odd while the slot moves; half of it, whether the slot is at ELSE. */
static volatile unsigned int moves;
static volatile uint64_t both, wrong_place;

static void watch(void *arg)
{
	(void)arg;
	sti();
	while (!stop) {
		unsigned int before = moves, there;
		uint64_t from, to;

		/* Where it goes is read first: if the slot is there already, it has left the other place. */
		there = before / 2 % 2;
		to = *word((there ? AT : ELSE) + 64);
		from = *word((there ? ELSE : AT) + 64);
		rounds++;
		if ((from != 0xaaaa && from != ~0ULL) || (to != 0xaaaa && to != ~0ULL))
			bad++;
		__asm__ volatile("" : : : "memory");
		if (moves != before)
			continue;
		both += from == 0xaaaa && to == 0xaaaa;
		if (!(before & 1))
			wrong_place += from != 0xaaaa || to != ~0ULL;
	}
	cli();
}

static void moves_under_use(void)
{
	unsigned int n = cpus_start(), i, refused = 0, wrong = 0;

	if (n < 2) {
		skip("a slot that moves under a running CPU", "one CPU");
		return;
	}
	stop = false;
	rounds = bad = 0;
	slot(1, AT, SIZE, 0, 0);
	for (i = 1; i < n; i++)
		cpu_call(i, watch, NULL);
	for (i = 1; i <= 1000; i++) {
		moves++;
		refused += slot(1, i % 2 ? ELSE : AT, SIZE, 0, 0) != 0;
		moves++;
		wrong += *word((i % 2 ? ELSE : AT) + 64) != 0xaaaa || *word((i % 2 ? AT : ELSE) + 64) != ~0ULL;
	}
	(void)wait_for(rounds > 1000);
	stop = true;
	for (i = 1; i < n; i++)
		(void)cpu_wait(i);
	slot(1, AT, 0, 0, 0);
	check_eq(refused, 0, "a slot in use moves a thousand times");
	check_eq(wrong, 0, "each move is complete when the call returns");
	check(bad == 0 && rounds, "the other CPUs see its memory or a hole", "%lu bad of %lu", bad, rounds);
	check_eq(both, 0, "and never both places at once");
	check_eq(wrong_place, 0, "and between moves only the one");
}

void test_main(void)
{
	come_and_go();
	read_only();
	dirty_log();
	under_use();
	moves_under_use();
}
