/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flat-entry.S - takes the place of the kernel's decompressor: unpacking xz is as much work as the rest of a boot, and takes a CPU
 * of Bochs's most of a minute.
 *
 * flat-kernel puts the unpacked kernel behind this code and the bzImage's own setup code before
 * it.  All of it is loaded at 1 MiB.  The setup code comes here in 32-bit protected mode with the
 * address of boot_params in ESI (Linux Documentation/x86/boot.rst, "32-bit boot protocol"); the kernel
 * goes to its place at KERNEL_BASE and is entered at KERNEL_ENTRY as its decompressor would: 64-bit
 * mode, RSI, memory mapped as it is.
 */

#define KERNEL_BASE	0x1000000

#define CR0_PE_PG	0x80000001
#define CR4_PAE		0x20
#define MSR_EFER	0xc0000080
#define EFER_LME	0x100
#define PAGE_TABLE	0x07		/* present, writable, user */
#define PAGE_2M		0x83		/* present, writable, large */

	.code32
	.globl _start
_start:
	cli
	cld
	call	1f
1:	pop	%ebp
	sub	$(1b - _start), %ebp
	mov	%esi, %edx

	/* The destination may lie inside the source: from the end down. */
	lea	(payload - _start + 4 * (PAYLOAD_WORDS - 1))(%ebp), %esi
	mov	$(KERNEL_BASE + 4 * (PAYLOAD_WORDS - 1)), %edi
	mov	$PAYLOAD_WORDS, %ecx
	std
	rep movsl
	cld

	/* The first 4 GiB as they are, by pages of 2 MiB, which every CPU has. */
	lea	(tables - _start)(%ebp), %ebx
	lea	(0x1000 + PAGE_TABLE)(%ebx), %eax
	mov	%eax, (%ebx)
	lea	0x1000(%ebx), %edi
	lea	(0x2000 + PAGE_TABLE)(%ebx), %eax
	mov	$4, %ecx
2:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x1000, %eax
	loop	2b
	lea	0x2000(%ebx), %edi
	mov	$PAGE_2M, %eax
	mov	$2048, %ecx
2:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x200000, %eax
	loop	2b
	mov	%ebx, %cr3

	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	%edx, %esi
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	lea	(gdt - _start)(%ebp), %eax
	mov	%eax, (gdtr + 2 - _start)(%ebp)
	lgdt	(gdtr - _start)(%ebp)
	mov	%cr0, %eax
	or	$CR0_PE_PG, %eax
	mov	%eax, %cr0
	push	$0x10
	lea	(3f - _start)(%ebp), %eax
	push	%eax
	lret

	.code64
3:	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%esi, %esi
	mov	$KERNEL_ENTRY, %eax
	jmp	*%rax

	/* Where a loader that is in 64-bit mode already comes in ("64-bit boot protocol"): vmctl. */
	.org	_start + 0x200
	mov	%rsi, %rdx
	lea	(payload + 4 * (PAYLOAD_WORDS - 1))(%rip), %rsi
	mov	$(KERNEL_BASE + 4 * (PAYLOAD_WORDS - 1)), %edi
	mov	$PAYLOAD_WORDS, %ecx
	std
	rep movsl
	cld
	mov	%rdx, %rsi
	mov	$KERNEL_ENTRY, %eax
	jmp	*%rax

	.balign	8
gdt:	.quad	0, 0
	.quad	0x00af9a000000ffff	/* 0x10: code, 64 bits */
	.quad	0x00cf92000000ffff	/* 0x18: data */
gdtr:	.word	31
	.long	0

	.balign	4096
tables:	.fill	0x6000
payload:
