// SPDX-License-Identifier: GPL-2.0-only
/*
 * reinject.c - events whose delivery is cut short by nested page faults and has to be made again: each arrives
 * once, with all that belongs to it.  Sources: APM2 "Event Injection" (EXITINTINFO), SDM 3C "Information for VM
 * Exits That Occur During Event Delivery".
 *
 * The stack, the IDT and the handler in turn, then all of them, stand in a slot that has no nested mapping: the
 * slot is new, or the host dropped what it mapped.  The guest prepares them through a second slot that shows the
 * same memory.
 */
#include "guest.h"

#define COLD	0x10000000UL	/* where the CPU meets them */
#define WARM	0x20000000UL	/* where the guest writes them */
#define SIZE	0x4000UL
#define CODE_AT	0x1000UL	/* after the IDT */
#define TOP_AT	0x3010UL	/* of the stack: what is pushed lies on two pages */
#define ABSENT	0x30000000UL	/* absent in the guest's own page tables */
#define MARK	0x123456000UL	/* CR2 before each event */
#define IRQ	0x41
#define SOFT	0x80
#define IST	3

enum { STACK = 1, IST_STACK = 2, IDT = 4, CODE = 8 };

struct __attribute__((packed)) pointer {
	uint16_t limit;
	uint64_t base;
};

struct call {
	uint64_t stack;
	uint64_t flags;		/* out: those at the event */
	uint64_t request;	/* for the launcher */
};

/* name_at: the RIP to be pushed; name_on: where to go on, whatever came. */
#define EVENT(name, code) \
	void name(struct call *c); \
	extern uint8_t name##_at[], name##_on[]; \
	__asm__( \
	#name ":\n" \
	"	pushq	%rbx\n" \
	"	pushq	%rbp\n" \
	"	pushfq\n" \
	"	movq	%rsp, %rbx\n" \
	"	movl	$0xff8, %ebp\n"			/* a selector beyond the GDT */ \
	"	movl	$0x30000000, %esi\n"		/* ABSENT */ \
	"	movl	$0xfee00000, %ecx\n" \
	"	movl	16(%rdi), %eax\n" \
	"	movl	$0x608, %edx\n"			/* PORT_REQUEST */ \
	"	stc\n" \
	"	std\n" \
	"	pushfq\n" \
	"	popq	8(%rdi)\n" \
	"	movq	(%rdi), %rsp\n" \
	code \
	#name "_on:\n" \
	"	movq	%rbx, %rsp\n" \
	"	popfq\n" \
	"	popq	%rbp\n" \
	"	popq	%rbx\n" \
	"	ret\n")

EVENT(raise_irq, "movl $0x40041, 0x300(%rcx); sti; nop; raise_irq_at:\n");
EVENT(raise_nmi, "movl $0, 0x310(%rcx); movl $0x4400, 0x300(%rcx); raise_nmi_at:\n");
EVENT(raise_pf, "raise_pf_at: movb %al, (%rsi)\n");
EVENT(raise_gp, "raise_gp_at: movl %ebp, %ds\n");
EVENT(raise_int, "int $0x80; raise_int_at:\n");
EVENT(raise_bp, "int3; raise_bp_at:\n");
EVENT(raise_host, "outl %eax, %dx; raise_host_at:\n");

static const struct event {
	const char *name;
	void (*raise)(struct call *c);
	uint8_t *at, *on;
	uint64_t vector, error, cr2, flags;
} events[] = {
	{ "IRQ", raise_irq, raise_irq_at, raise_irq_on, IRQ, 0, MARK, 0x200 },
	{ "NMI", raise_nmi, raise_nmi_at, raise_nmi_on, NMI, 0, MARK, 0 },
	{ "#PF", raise_pf, raise_pf_at, raise_pf_on, PF, 2, ABSENT, 0 },
	{ "#GP", raise_gp, raise_gp_at, raise_gp_on, GP, 0xff8, MARK, 0 },
	{ "INT n", raise_int, raise_int_at, raise_int_on, SOFT, 0, MARK, 0 },
	{ "#BP", raise_bp, raise_bp_at, raise_bp_on, BP, 0, MARK, 0 },
	{ "the host's #GP", raise_host, raise_host_at, raise_host_on, GP, 0x30, MARK, 0 },
};

static const struct {
	unsigned int what;
	const char *name;
} places[] = {
	{ STACK, "stack" }, { IST_STACK, "IST stack" }, { IDT, "IDT" }, { CODE, "handler" },
	{ IST_STACK | IDT | CODE, "all of them" },
};

static volatile struct request host_gp __attribute__((aligned(8))) = {
	.op = REQ_EXCEPTION, .arg = { GP, 1, 0x30 },
};

static uint8_t warm_stack[4096] __attribute__((aligned(16)));
static struct pointer warm_idt;

/* What came last, and how often anything did. */
static struct frame seen;
static uint64_t seen_cr2, seen_top;
static volatile unsigned int count;
static const struct event *volatile current;

static void on_event(struct frame *f)
{
	seen = *f;
	seen_cr2 = read_cr2();
	seen_top = (uint64_t)(f + 1);
	count++;
	if (f->vector == IRQ)
		APIC(APIC_EOI) = 0;
	if (current)
		f->rip = (uint64_t)current->on;
}

static void prepare(const struct event *e, unsigned int what)
{
	static const uint8_t jump[] = { 0xff, 0x25, 0, 0, 0, 0 };	/* to the address that follows */
	uint8_t *entry = vectors + e->vector * 16, *code = (uint8_t *)WARM + CODE_AT;

	memcpy(code, jump, sizeof(jump));
	memcpy(code + sizeof(jump), &entry, sizeof(entry));
	set_gate(e->vector, what & CODE ? (void *)(COLD + CODE_AT) : entry, 0, what & IST_STACK ? IST : 0);
	memcpy((void *)WARM, (void *)warm_idt.base, 4096);
}

static void cool(bool drop)
{
	uint64_t at;

	if (!drop) {
		request(REQ_SLOT_SET, 1, COLD, 0, BACKING_SHARED, 0);
		request(REQ_SLOT_SET, 1, COLD, SIZE, BACKING_SHARED, 0);
		return;
	}
	for (at = COLD; at < COLD + SIZE; at += 4096)
		*(volatile uint64_t *)(at + 0x18) = *(volatile uint64_t *)(at + 0x18);
	((void (*)(void))(COLD + SIZE - 16))();
	request(REQ_BACKING_DROP, BACKING_SHARED, SIZE, 0, 0, 0);
}

/* Whether the event arrives as it should, from memory that is cold in one of the two ways. */
static bool arrives(const struct event *e, unsigned int what, bool drop)
{
	struct pointer cold_idt = { 4095, COLD };
	uint64_t warm_top = (uint64_t)warm_stack + sizeof(warm_stack);
	struct call c = { .stack = what & STACK ? COLD + TOP_AT : warm_top, .request = (uint64_t)&host_gp };

	prepare(e, what);
	cool(drop);
	memset(&seen, 0, sizeof(seen));
	count = 0;
	write_cr2(MARK);
	if (what & IDT)
		__asm__ volatile("lidt %0" : : "m"(cold_idt));
	current = e;
	e->raise(&c);
	current = NULL;
	__asm__ volatile("lidt %0" : : "m"(warm_idt));
	set_gate(e->vector, vectors + e->vector * 16, 0, 0);
	/* One that is left over comes now. */
	sti();
	cli();
	return count == 1 && seen.vector == e->vector && seen.error == e->error && seen_cr2 == e->cr2 &&
		seen.rip == (uint64_t)e->at && seen.rsp == c.stack && seen.cs == 8 &&
		(seen.rflags & ~(1ULL << 16)) == (c.flags | e->flags) &&		/* but for RF */
		seen_top == (what & (STACK | IST_STACK) ? COLD + TOP_AT : warm_top);
}

static void cases(const struct event *e, unsigned int what, const char *where)
{
	char name[64], *p = name;
	const char *part[] = { e->name, ", cold ", where };
	bool fresh, dropped = false;
	unsigned int i;

	for (i = 0; i < 3; i++)
		while (*part[i])
			*p++ = *part[i]++;
	*p = 0;
	fresh = arrives(e, what, false);
	if (fresh)
		dropped = arrives(e, what, true);
	check(fresh && dropped, name, "%s: %u events; vector %lx error %lx cr2 %lx rip %lx rflags %lx, stack %lx from %lx",
	      fresh ? "dropped" : "new slot", count, seen.vector, seen.error, seen_cr2, seen.rip, seen.rflags,
	      seen_top, seen.rsp);
}

void test_main(void)
{
	unsigned int i, j;

	__asm__ volatile("sidt %0" : "=m"(warm_idt));
	set_ist(IST, COLD + TOP_AT);
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		set_handler(events[i].vector, on_event);
	*page_entry(ABSENT) = 0;
	invlpg((void *)ABSENT);
	check(!request(REQ_SLOT_SET, 1, COLD, SIZE, BACKING_SHARED, 0) &&
	      !request(REQ_SLOT_SET, 2, WARM, SIZE, BACKING_SHARED, 0), "two slots show the same memory", "refused");
	memset((void *)(WARM + SIZE - 16), 0xc3, 1);
	check_eq(*(volatile uint8_t *)(COLD + SIZE - 16), 0xc3, "what one writes the other has");
	check_eq(request(REQ_BACKING_DROP, BACKING_SHARED, SIZE, 0, 0, 0), 0, "the host drops it");
	check_eq(*(volatile uint8_t *)(COLD + SIZE - 16), 0xc3, "which does not change it");
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		for (j = 0; j < sizeof(places) / sizeof(places[0]); j++)
			cases(&events[i], places[j].what, places[j].name);
}
