/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot-sector.S - a disk of a boot sector and two more, for a BIOS: says over INT 10h that it runs, reads the
 * second sector by LBA (INT 13h, 42h) and by cylinder, head and sector (02h), compares both with what it
 * expects, waits for the clock's periodic interrupt (INT 15h, 86h), counts its starts in the third sector
 * (INT 13h, 43h), and resets the machine through port 0xcf9 until it has started
 * three times; then it powers off through ACPI's PM1 control register.
 *
 * Each step that succeeds says its line; one that fails says FAILED and the CPU halts.
 */
#include "bios.h"

	.code16
	.globl _start
_start:
	bios_start
	mov %dl, drive
	mov $runs, %si
	call say

	mov $0x42, %ah
	mov $packet, %si
	call disk
	call compare
	mov $by_lba, %si
	call say

	mov $0x0201, %ax
	mov $buffer, %bx
	mov $0x0002, %cx
	xor %dh, %dh
	call disk
	call compare
	mov $by_chs, %si
	call say

	mov $0x86, %ah
	xor %cx, %cx
	mov $50000, %dx		/* microseconds */
	int $0x15
	jc failed
	mov $waits, %si
	call say

	movb $2, packet_lba
	mov $0x42, %ah
	mov $packet, %si
	call disk
	incb buffer
	mov $0x4300, %ax
	mov $packet, %si
	call disk
	mov $start, %si
	call say
	mov buffer, %al
	add $'0', %al
	call put
	mov $line, %si
	call say

	call settle
	cmpb $3, buffer
	jae power_off
	mov $0xcf9, %dx
	mov $0x06, %al
	out %al, %dx
	jmp stop

	bios_functions

drive:	.byte 0
	.balign 4
packet:	.byte 16, 0
	.word 1, buffer, 0
packet_lba:
	.quad 1
runs:	.asciz "sector: runs\r\n"
by_lba:	.asciz "sector: reads by LBA\r\n"
by_chs:	.asciz "sector: reads by CHS\r\n"
waits:	.asciz "sector: waits\r\n"
start:	.asciz "sector: start "
line:	.asciz "\r\n"
fails:	.asciz "sector: FAILED\r\n"
expected:
	.ascii "vitrine"
expected_end:

	.org 510
	.word 0xaa55

	.org 512
	.ascii "vitrine"
	.org 1536
	.set buffer, 0x8000
