/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start.S - every vCPU's way from real mode at LOW_CODE, through 32-bit protected mode, to long mode; the
 * exception entries; and a call that an exception may end.
 *
 * Sources: APM2 "Long-Mode Initialization Example"; SDM 3A "MP Initialization".
 */
	.section .low, "awx"
	.code16
	.globl low_start
low_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	low_gdtr
	movl	%cr0, %eax
	andl	$0x9fffffff, %eax		/* caches on */
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$0x18, $1f
	.code32
1:	movw	$0x20, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	xorl	%eax, %eax
	movw	%ax, %fs
	movw	%ax, %gs
	movl	$0x620, %eax			/* PAE, OSFXSR, OSXMMEXCPT */
	movl	%eax, %cr4
	movl	$boot_pml4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x900, %eax			/* LME, NXE */
	wrmsr
	movl	%cr0, %eax
	andl	$~4, %eax
	orl	$0x80010022, %eax		/* PG, WP, NE, MP */
	movl	%eax, %cr0
	ljmpl	$0x08, $long_start
	.balign	8
low_gdtr:
	.word	gdt_end - gdt - 1
	.long	gdt

	.section .text
	.code64
long_start:
	lock incl started
	movl	$0xfee00020, %edi		/* the local APIC's id */
	movl	(%rdi), %edi
	shrl	$24, %edi
	cmpl	$16, %edi
	jae	2f
	movl	%edi, %eax
	incl	%eax
	shll	$14, %eax
	leaq	stacks(%rax), %rsp
	pushq	$0
	call	cpu_start
2:	hlt
	jmp	2b


/* 256 entries of 16 bytes: an error code on the stack in any case, then the vector. */
	.globl vectors
	.balign	16
vectors:
	.set	n, 0
	.rept	256
	.balign	16
	.if	n > 31
	pushq	$0
	.elseif	!(0x60227d00 >> n & 1)
	pushq	$0
	.endif
	pushq	$n
	jmp	common
	.set	n, n + 1
	.endr

common:
	pushq	%rax
	pushq	%rbx
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rbp
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdi
	movq	%rsp, %rbp
	andq	$-16, %rsp
	cld
	call	interrupt
	movq	%rbp, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rbp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rbx
	popq	%rax
	addq	$16, %rsp
	iretq

/* int guarded_call(void (*fn)(void *), void *arg, uint64_t *stack): 0, or what unwind() was given. */
	.globl guarded_call
guarded_call:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq
	movq	%rsp, (%rdx)
	movq	%rdi, %rax
	movq	%rsi, %rdi
	call	*%rax
	xorl	%eax, %eax
	jmp	3f

/* void unwind(uint64_t stack, int result) */
	.globl unwind
unwind:
	movq	%rdi, %rsp
	movl	%esi, %eax
3:	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.data
	.balign	8
	.globl started, gdt
started:
	.long	0, 0
gdt:	.quad	0
	.quad	0x00af9b000000ffff		/* 08: 64-bit code */
	.quad	0x00cf93000000ffff		/* 10: data */
	.quad	0x00cf9b000000ffff		/* 18: 32-bit code */
	.quad	0x00cf93000000ffff		/* 20: 32-bit data */
	.quad	0x008f9b000000ffff		/* 28: 16-bit code */
	.quad	0x008f93000000ffff		/* 30: 16-bit data */
	.quad	0x00cffb000000ffff		/* 38: 32-bit code, user */
	.quad	0x00cff3000000ffff		/* 40: data, user */
	.quad	0x00affb000000ffff		/* 48: 64-bit code, user */
	.quad	0x00cf13000000ffff		/* 50: data, not present */
	.fill	32, 8, 0			/* 58: one TSS for each CPU */
gdt_end:
	.balign	4096
	.globl boot_pml4, boot_pd
boot_pml4:
	.quad	boot_pdpt + 7
	.fill	511, 8, 0
boot_pdpt:
	.set	n, 0
	.rept	4
	.quad	boot_pd + n * 4096 + 7
	.set	n, n + 1
	.endr
	.fill	508, 8, 0
boot_pd:
	.set	n, 0
	.rept	2048
	.quad	n * 0x200000 + 0xe7
	.set	n, n + 1
	.endr
	.bss
	.balign	4096
stacks:	.skip	17 * 16384
	.section .note.GNU-stack, "", @progbits
