/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot-cd.S - what a BIOS loads of a CD without emulation of a disk (El Torito): says over INT 10h that it runs,
 * reads the block behind it on the CD (INT 13h, 42h: blocks of 2048 bytes) and compares it with what it expects, then it powers off
 * through ACPI's PM1 control register. xorriso writes the number of its own first block into it (-boot-info-table).
 *
 * Each step that succeeds says its line; one that fails says FAILED and the CPU halts.
 */
#include "bios.h"

	.code16
	.globl _start
_start:
	jmp start
	.org 8
primary:	.long 0		/* the boot information table */
self:		.long 0
length:		.long 0
checksum:	.long 0
	.org 64
start:
	bios_start
	mov %dl, drive
	mov $runs, %si
	call say

	mov self, %eax
	inc %eax
	mov %eax, packet_lba
	mov $0x42, %ah
	mov $packet, %si
	call disk
	call compare
	mov $reads, %si
	call say

	call settle
	jmp power_off

	bios_functions

drive:	.byte 0
	.balign 4
packet:	.byte 16, 0
	.word 1, buffer, 0
packet_lba:
	.quad 0
runs:	.asciz "cd: runs\r\n"
reads:	.asciz "cd: reads the next block\r\n"
fails:	.asciz "cd: FAILED\r\n"
expected:
	.ascii "vitrine"
expected_end:

	.org 2048
	.ascii "vitrine"
	.org 4096
	.set buffer, 0x9000
