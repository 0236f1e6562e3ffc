/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * modes.h - assembler macros of guests that leave long mode and come back to the library's.
 */
#ifndef MODES_H
#define MODES_H

__asm__(
"	.macro	save_kept\n"			/* what a called function keeps */
"	pushq	%rbx\n"
"	pushq	%rbp\n"
"	pushq	%r12\n"
"	pushq	%r13\n"
"	pushq	%r14\n"
"	pushq	%r15\n"
"	.endm\n"
"	.macro	restore_kept\n"
"	popq	%r15\n"
"	popq	%r14\n"
"	popq	%r13\n"
"	popq	%r12\n"
"	popq	%rbp\n"
"	popq	%rbx\n"
"	.endm\n"
"	.macro	paging_off\n"
"	movl	%cr0, %eax\n"
"	andl	$0x7fffffff, %eax\n"
"	movl	%eax, %cr0\n"
"	.endm\n"
"	.macro	paging_on\n"
"	movl	%cr0, %eax\n"
"	orl	$0x80000000, %eax\n"
"	movl	%eax, %cr0\n"
"	.endm\n"
"	.macro	long_mode_off\n"		/* paging is off */
"	movl	$0xc0000080, %ecx\n"
"	rdmsr\n"
"	andl	$~0x100, %eax\n"
"	wrmsr\n"
"	.endm\n"
"	.macro	long_mode_on\n"			/* paging is off, and on after; a far jump is due */
"	movl	$0x620, %eax\n"
"	movl	%eax, %cr4\n"
"	movl	$boot_pml4, %eax\n"
"	movl	%eax, %cr3\n"
"	movl	$0xc0000080, %ecx\n"
"	rdmsr\n"
"	orl	$0x100, %eax\n"
"	wrmsr\n"
"	paging_on\n"
"	.endm\n");

#endif /* MODES_H */
