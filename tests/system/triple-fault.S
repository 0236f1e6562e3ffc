/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * triple-fault.S - a guest of five instructions: says one character, takes away its interrupt table
 * and faults.
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
	lidt nothing
	ud2

nothing:
	.word 0
	.long 0
