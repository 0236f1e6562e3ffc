// SPDX-License-Identifier: GPL-2.0-only
/*
 * tasks.c - hardware task switches in 32-bit protected mode with paging: by JMP, CALL, IRET, a task gate
 * in the GDT and in the IDT, an exception with an error code, a task of 16 bits, and TSSs that cannot
 * be entered.
 * Sources: SDM 3A "Task Switching"; APM2 "Hardware Task-Management".
 */
#include "guest.h"
#include "modes.h"

/* What the tasks found; see the assembly. */
struct found {
	uint32_t runs, eax, flags, cr0, esp;
	uint16_t tr, cs, ss, gs;
	uint32_t error;
};

struct tss32 {
	uint16_t link, zero;
	uint32_t stacks[6], cr3, eip, eflags, regs[8];
	struct { uint16_t selector, zero; } seg[6], ldt;
	uint16_t trap, iomap;
};

struct tss16 {
	uint16_t link, stacks[6], ip, flags, regs[8], seg[4], ldt;
};

/* Descriptors in task_gdt. */
enum { CODE64 = 0x08, DATA64 = 0x10, CODE = 0x18, DATA = 0x20, MAIN = 0x28, OTHER = 0x30,
	SMALL = 0x38, GATE = 0x40, ABSENT = 0x48, SHORT = 0x50, FAULT = 0x58, BUSY = 0x60,
	STACK16 = 0x68, ENTRIES = 14 };

void task_tour(void);
void task_other(void);
void task_small(void);
void task_fault(void);
void task_trap(void);

extern struct found task_found[3];	/* OTHER, SMALL, FAULT */
extern uint32_t task_traps[2][2];	/* TR, error code */
extern uint32_t task_ntraps, task_steps, task_tables[1024];
extern struct tss32 task_main;
uint64_t task_gdt[ENTRIES], task_idt[32];

static struct tss32 other, fault;
static struct tss16 small;
static uint8_t stacks[2][1024] __attribute__((aligned(16)));

__asm__(
"	.macro	record at\n"
"	incl	\\at\n"
"	movl	%eax, \\at + 4\n"
"	pushfl\n"
"	popl	\\at + 8\n"
"	movl	%cr0, %eax\n"
"	movl	%eax, \\at + 12\n"
"	movl	%esp, \\at + 16\n"
"	str	%ax\n"
"	movw	%ax, \\at + 20\n"
"	movw	%cs, \\at + 22\n"
"	movw	%ss, \\at + 24\n"
"	movw	%gs, \\at + 26\n"
"	clts\n"
"	.endm\n"
"	.section .low, \"awx\"\n"
"	.globl	task_tour, task_other, task_small, task_fault, task_trap\n"
"	.globl	task_found, task_traps, task_ntraps, task_steps, task_main\n"
"	.code64\n"
"task_tour:\n"
"	save_kept\n"
"	movq	%rsp, tasks_rsp\n"
"	sgdt	tasks_old_gdt\n"
"	sidt	tasks_old_idt\n"
"	lgdt	tasks_gdtr\n"
"	ljmpl	*tasks_compat\n"
"	.code32\n"
"1:	movl	$0x20, %eax\n"
"	movl	%eax, %ds\n"
"	movl	%eax, %es\n"
"	movl	%eax, %ss\n"
"	paging_off\n"
"	long_mode_off\n"
"	movl	$0x10, %eax\n"			/* CR4.PSE: 4 MiB pages */
"	movl	%eax, %cr4\n"
"	movl	$task_tables, %eax\n"
"	movl	%eax, %cr3\n"
"	paging_on\n"
"	lidt	tasks_idtr\n"
"	movw	$0x28, %ax\n"
"	ltr	%ax\n"
"	movl	$0x5eed, %ebx\n"
"	ljmpl	$0x30, $0\n"			/* 1: JMP there, and JMP back */
"	movl	$1, task_steps\n"
"	lcall	$0x30, $0\n"			/* 2: CALL, and IRET back */
"	movl	$2, task_steps\n"
"	lcall	$0x40, $0\n"			/* 3: by a task gate */
"	movl	$3, task_steps\n"
"	int	$0x1e\n"			/* 4: and in the IDT */
"	movl	$4, task_steps\n"
"	int	$0x1f\n"			/* 5: an absent gate: #NP, a task with an error code */
"	movl	$5, task_steps\n"
"	lcall	$0x38, $0\n"			/* 6: a task of 16 bits */
"	movl	$6, task_steps\n"
"	ljmpl	$0x60, $0\n"			/* 7: a busy one */
"	movl	$7, task_steps\n"
"	ljmpl	$0x50, $0\n"			/* 8: a short one */
"	movl	$8, task_steps\n"
"	cmpl	$0x5eed, %ebx\n"
"	jne	9f\n"
"	movl	$9, task_steps\n"
"9:	paging_off\n"
"	clts\n"				/* if a task left it */
"	long_mode_on\n"
"	ljmpl	$0x08, $2f\n"
"	.code64\n"
"2:	movl	$0x10, %eax\n"
"	movl	%eax, %ds\n"
"	movl	%eax, %es\n"
"	movl	%eax, %ss\n"
"	movq	tasks_rsp, %rsp\n"
"	lgdt	tasks_old_gdt\n"
"	lidt	tasks_old_idt\n"
"	andb	$~2, gdt + 0x58 + 5\n"		/* the library's TSS: available again */
"	movl	$0x58, %eax\n"
"	ltr	%ax\n"
"	restore_kept\n"
"	ret\n"
"	.code32\n"
"task_other:\n"
"	record	task_found\n"
"	ljmpl	$0x28, $0\n"
"3:	record	task_found\n"
"	iretl\n"
"	jmp	3b\n"
"task_small:\n"
"	record	task_found + 32\n"
"	iretl\n"
"	jmp	task_small\n"
"task_fault:\n"
"	record	task_found + 64\n"
"	popl	task_found + 64 + 28\n"
"	addl	$2, task_main + 0x20\n"		/* the caller goes on behind INT */
"	iretl\n"
"	jmp	task_fault\n"
/* An interrupt gate: notes the task and the error code, and goes on behind the JMP. */
"task_trap:\n"
"	pushl	%eax\n"
"	pushl	%ecx\n"
"	movl	task_ntraps, %ecx\n"
"	movl	8(%esp), %eax\n"
"	movl	%eax, task_traps + 4(,%ecx,8)\n"
"	str	%ax\n"
"	movzwl	%ax, %eax\n"
"	movl	%eax, task_traps(,%ecx,8)\n"
"	incl	task_ntraps\n"
"	popl	%ecx\n"
"	popl	%eax\n"
"	addl	$4, %esp\n"
"	addl	$7, (%esp)\n"
"	iretl\n"
"	.balign	8\n"
"tasks_compat: .long 1b, 0x18\n"
"tasks_rsp: .quad 0\n"
"tasks_old_gdt: .skip 16\n"
"tasks_old_idt: .skip 16\n"
"tasks_gdtr: .word 14 * 8 - 1\n"
"	.quad	task_gdt\n"
"tasks_idtr: .word 32 * 8 - 1\n"
"	.quad	task_idt\n"
"	.balign	8\n"
"task_found: .skip 3 * 32\n"
"task_traps: .skip 2 * 8\n"
"task_ntraps: .long 0\n"
"task_steps: .long 0\n"
"task_main: .skip 0x68\n"
"	.data\n"
"	.balign	4096\n"
"	.globl	task_tables\n"
"task_tables:\n"
"	.set	n, 0\n"
"	.rept	1024\n"
"	.long	n * 0x400000 + 0xe7\n"
"	.set	n, n + 1\n"
"	.endr\n"
"	.text\n"
"	.code64\n");

static void set_tss(unsigned int selector, void *base, uint32_t limit, uint64_t rights)
{
	uint64_t at = (uint64_t)base;

	task_gdt[selector / 8] = limit | (at & 0xffffff) << 16 | rights << 40 |
				 (at >> 24 & 0xff) << 56;
}

static uint64_t task_gate(unsigned int selector)
{
	return (uint64_t)selector << 16 | 0x85ULL << 40;
}

static uint64_t interrupt_gate(void (*entry)(void))
{
	uint64_t at = (uint64_t)entry;

	return (at & 0xffff) | CODE << 16 | 0x8eULL << 40 | at >> 16 << 48;
}

static void make_task(struct tss32 *t, void (*entry)(void), unsigned int stack, uint32_t eax)
{
	unsigned int i;

	t->cr3 = (uint32_t)(uint64_t)task_tables;
	t->eip = (uint32_t)(uint64_t)entry;
	t->eflags = 0x46;
	t->regs[0] = eax;
	t->regs[4] = (uint64_t)stacks[stack] + sizeof(stacks[stack]);
	for (i = 0; i < 4; i++)
		t->seg[i].selector = i == 1 ? CODE : DATA;
	t->iomap = sizeof(*t);
}

static void make_tables(void)
{
	static const unsigned int vectors[] = { TS, NP, GP };
	unsigned int i;

	task_gdt[CODE64 / 8] = 0x00af9b000000ffff;
	task_gdt[DATA64 / 8] = 0x00cf93000000ffff;
	task_gdt[CODE / 8] = 0x00cf9b000000ffff;
	task_gdt[DATA / 8] = 0x00cf93000000ffff;
	set_tss(MAIN, &task_main, sizeof(task_main) - 1, 0x89);
	set_tss(OTHER, &other, sizeof(other) - 1, 0x89);
	set_tss(SMALL, &small, sizeof(small) - 1, 0x81);
	task_gdt[GATE / 8] = task_gate(OTHER);
	set_tss(ABSENT, &other, sizeof(other) - 1, 0x09);
	set_tss(SHORT, &other, sizeof(other) - 2, 0x89);
	set_tss(FAULT, &fault, sizeof(fault) - 1, 0x89);
	set_tss(BUSY, &other, sizeof(other) - 1, 0x8b);
	task_gdt[STACK16 / 8] = 0x008f93000000ffff;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		task_idt[vectors[i]] = interrupt_gate(task_trap);
	task_idt[NP] = task_gate(FAULT);
	task_idt[0x1e] = task_gate(OTHER);
	task_idt[0x1f] = task_gate(OTHER) & ~(0x80ULL << 40);

	task_main.cr3 = (uint32_t)(uint64_t)task_tables;
	make_task(&other, task_other, 0, 0xb0001);
	make_task(&fault, task_fault, 1, 0xb0003);
	fault.seg[5].selector = DATA;
	small.ip = (uint64_t)task_small;
	small.flags = 0x46;
	small.regs[0] = 0xb002;
	small.regs[4] = 0x5000;
	for (i = 0; i < 4; i++)
		small.seg[i] = i == 1 ? CODE : i == 2 ? STACK16 : DATA;
}

static bool busy(unsigned int selector)
{
	return task_gdt[selector / 8] >> 41 & 1;
}

static void check_tasks(void)
{
	const struct found *o = &task_found[0], *s = &task_found[1], *f = &task_found[2];

	check(o->runs == 4 && o->tr == OTHER && o->cs == CODE && o->ss == DATA, "a 32-bit task",
	      "%u runs, TR %x, CS %x, SS %x", o->runs, o->tr, o->cs, o->ss);
	check_eq(o->flags & 0x4000, 0x4000, "NT in a task that was called");
	check_eq(o->cr0 & 8, 8, "CR0.TS after a switch");
	check_eq(other.link, MAIN, "the link to the caller");
	check_eq(other.eflags & 0x4000, 0, "no NT in a task that has returned");
	check(busy(MAIN) && !busy(OTHER) && !busy(SMALL), "the caller is busy, the others wait",
	      "%u %u %u", busy(MAIN), busy(OTHER), busy(SMALL));
	check_eq(f->error, 0x1f * 8 + 2, "an error code on a task's stack");
	check_eq(f->gs, DATA, "GS from a TSS");
	check_eq(f->esp, (uint32_t)(uint64_t)stacks[1] + sizeof(stacks[1]) - 4, "ESP below it");
	check(s->runs == 1 && s->tr == SMALL && (s->eax & 0xffff) == 0xb002, "a task of 16 bits",
	      "%u runs, TR %x, EAX %x", s->runs, s->tr, s->eax);
	check(s->gs == 0, "without GS", "%x", s->gs);
}

void test_main(void)
{
	check(true, "started", "-");
	make_tables();
	task_tour();
	check_eq(task_steps, 9, "the way there and back");
	check_tasks();
	check(task_traps[0][0] == MAIN && task_traps[0][1] == BUSY, "#GP from a JMP to a busy task",
	      "TR %x, error %x", task_traps[0][0], task_traps[0][1]);
	check(task_traps[1][0] == MAIN && task_traps[1][1] == SHORT,
	      "#TS from a JMP to a short TSS", "TR %x, error %x", task_traps[1][0], task_traps[1][1]);
}
