/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * halt.S - a guest that says one character and sleeps for ever: for scenarios that are about vmctl alone.
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
1:
	cli
	hlt
	jmp 1b
