/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pvh.h - for the guests of one page: the PVH entry, in 32-bit protected mode, which says one character first. The
 * guest's own code follows. For the assembler.
 */
	.section .note, "a", @note
	.long 4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long _start

	.text
	.code32
	.globl _start
_start:
	mov $0x3f8, %edx
	mov $'!', %al
	out %al, %dx
