// SPDX-License-Identifier: GPL-2.0-only
/*
 * modes.c - a tour through the modes: long, compatibility, protected without paging, with two and with three levels,
 * 16-bit protected, real; in each one port I/O, CPUID and, where it is reachable, MMIO; and back.
 * Sources: APM2 "Long-Mode Activation", "Leaving Long Mode"; SDM 3A "Mode Switching".
 */
#include "guest.h"
#include "modes.h"

#define TOUR 0x6000		/* one byte a station: what IN read there; see the assembly */

void mode_tour(void);

__asm__(
"	.macro	station n, value\n"
"	movw	$0x611, %dx\n"
"	movb	$\\value, %al\n"
"	outb	%al, %dx\n"
"	movb	$0, %al\n"
"	inb	%dx, %al\n"
"	movb	%al, 0x6000 + \\n\n"
"	xorl	%eax, %eax\n"
"	xorl	%ecx, %ecx\n"
"	cpuid\n"
"	movl	%ebx, 0x6040 + 4 * \\n\n"
"	.endm\n"
"	.macro	mmio n\n"
"	movl	$0x11110000 + \\n, 0xd0000500\n"
"	movl	0xd0000500, %eax\n"
"	movl	%eax, 0x6080 + 4 * \\n\n"
"	.endm\n"
"	.section .low, \"awx\"\n"
"	.globl	mode_tour\n"
"	.code64\n"
"mode_tour:\n"
"	save_kept\n"
"	movq	%rsp, tour_rsp\n"
"	sidt	tour_idt\n"
"	station	0, 0xa0\n"
"	ljmpl	*tour_compat\n"
"	.code32\n"
"1:	movl	$0x20, %eax\n"
"	movl	%eax, %ds\n"
"	movl	%eax, %es\n"
"	movl	%eax, %ss\n"
"	station	1, 0xa1\n"
"	mmio	1\n"
"	paging_off\n"
"	long_mode_off\n"
"	station	2, 0xa2\n"
"	mmio	2\n"
"	movl	$0x10, %eax\n"		/* CR4.PSE: 4 MiB pages */
"	movl	%eax, %cr4\n"
"	movl	$tour_pd, %eax\n"
"	movl	%eax, %cr3\n"
"	paging_on\n"
"	station	3, 0xa3\n"
"	mmio	3\n"
"	paging_off\n"
"	movl	$0x20, %eax\n"
"	movl	%eax, %cr4\n"
"	movl	$tour_pdpt, %eax\n"
"	movl	%eax, %cr3\n"
"	paging_on\n"
"	station	4, 0xa4\n"
"	mmio	4\n"
"	paging_off\n"
"	ljmpl	$0x28, $2f\n"
"	.code16\n"
"2:	movw	$0x30, %ax\n"
"	movw	%ax, %ds\n"
"	movw	%ax, %es\n"
"	movw	%ax, %ss\n"
"	station	5, 0xa5\n"
"	movl	%cr0, %eax\n"
"	andl	$~1, %eax\n"
"	movl	%eax, %cr0\n"
"	ljmpw	$0, $3f\n"
"3:	xorw	%ax, %ax\n"
"	movw	%ax, %ds\n"
"	movw	%ax, %es\n"
"	movw	%ax, %ss\n"
"	movw	$0x5000, %sp\n"
"	lidtl	tour_real_idt\n"
"	movw	$5f, 0x40 * 4\n"
"	movw	$0, 0x40 * 4 + 2\n"
"	station	6, 0xa6\n"
"	int	$0x40\n"
"	movw	$tour_text, %si\n"
"	movw	$3, %cx\n"
"	movw	$0x620, %dx\n"
"	rep outsb\n"
"	movw	%si, 0x6010\n"
"	movl	%cr0, %eax\n"
"	orl	$1, %eax\n"
"	movl	%eax, %cr0\n"
"	ljmpl	$0x18, $6f\n"
"5:	movb	$0x40, 0x6008\n"
"	iretw\n"
"	.code32\n"
"6:	movl	$0x20, %eax\n"
"	movl	%eax, %ds\n"
"	movl	%eax, %ss\n"
"	long_mode_on\n"
"	ljmpl	$0x08, $7f\n"
"	.code64\n"
"7:	movl	$0x10, %eax\n"
"	movl	%eax, %ds\n"
"	movl	%eax, %es\n"
"	movl	%eax, %ss\n"
"	movq	tour_rsp, %rsp\n"
"	lidt	tour_idt\n"
"	station	7, 0xa7\n"
"	restore_kept\n"
"	ret\n"
"	.balign	8\n"
"tour_compat: .long 1b, 0x18\n"
"tour_rsp: .quad 0\n"
"tour_idt: .skip 16\n"
"tour_real_idt: .word 0x3ff\n"
"	.long	0\n"
"tour_text: .ascii \"abc\"\n"
"	.globl	tour_text\n"
"	.data\n"
"	.balign	4096\n"
"tour_pd:\n"
"	.set	n, 0\n"
"	.rept	1024\n"
"	.long	n * 0x400000 + 0xe7\n"
"	.set	n, n + 1\n"
"	.endr\n"
"tour_pdpt:\n"
"	.quad	boot_pd + 1, boot_pd + 0x1001, boot_pd + 0x2001, boot_pd + 0x3001\n"
"	.text\n"
"	.code64\n");

static const char *const names[8] = {
	"long mode", "compatibility mode", "protected mode", "protected mode, two levels of paging",
	"protected mode, PAE paging", "16-bit protected mode", "real mode", "long mode again",
};

void test_main(void)
{
	const volatile uint8_t *in = (const volatile uint8_t *)TOUR;
	const volatile uint32_t *vendor = (const volatile uint32_t *)(TOUR + 0x40);
	const volatile uint32_t *mmio = (const volatile uint32_t *)(TOUR + 0x80);
	extern uint8_t tour_text[];
	unsigned int i;

	check(true, "started", "-");
	mode_tour();
	for (i = 0; i < 8; i++) {
		bool reach = i >= 1 && i <= 4;

		check(in[i] == 0xa0 + i && vendor[i] == vendor[0] && (!reach || mmio[i] == 0x11110000 + i),
		      names[i], "port %x, CPUID %x, MMIO %x", in[i], vendor[i], mmio[i]);
	}
	check_eq(in[8], 0x40, "INT n in real mode");
	check_eq(*(const volatile uint16_t *)(TOUR + 0x10), (uint16_t)(uint64_t)tour_text + 3,
		 "REP OUTSB in real mode");
	check_eq(request(REQ_QUEUE_GET, 1, 0, 0, 0, 0), 1LL << 32 | 'b', "and what it wrote");
}
