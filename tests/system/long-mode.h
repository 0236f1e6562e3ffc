/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * long-mode.h - for the guests of one page: from the PVH entry to 64-bit mode, the first 4 MiB mapped one to one, a
 * GDT, and an IDT whose 32 gates halt. For the assembler.
 */
#include "pvh.h"

	.macro long_mode
	movl $pdpt + 3, pml4
	movl $pd + 3, pdpt
	movl $0x83, pd
	movl $0x200083, pd + 8
	mov $pml4, %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x20, %eax			/* PAE */
	mov %eax, %cr4
	mov $0xc0000080, %ecx		/* EFER.LME */
	rdmsr
	or $0x100, %eax
	wrmsr
	mov %cr0, %eax
	or $0x80000001, %eax		/* PG, PE */
	mov %eax, %cr0
	mov $idt, %edi
	mov $32, %ecx
1:	movl $halt, (%edi)
	movw $8, 2(%edi)
	movl $0x8e00, 4(%edi)
	movw $halt_high, 6(%edi)
	add $16, %edi
	loop 1b
	lgdt gdtr
	ljmp $8, $2f
	.code64
2:	mov $16, %eax
	mov %eax, %ss
	mov %eax, %ds
	lidt idtr
	.endm

	.macro tables
halt:	cli
	hlt
	halt_high = 0x20		/* the image is at 2 MiB */

	.balign 8
gdt:	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr:	.word 23
	.long gdt, 0
idtr:	.word 32 * 16 - 1
	.long idt, 0

	.bss
	.balign 4096
pml4:	.skip 4096
pdpt:	.skip 4096
pd:	.skip 4096
idt:	.skip 4096
	.endm
