/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bios.h - what the guests share that a BIOS loads to 0x7c00. Each has `drive`, `buffer`, the text `fails`, and between `expected` and
 * `expected_end` what is to be read.
 */

/* The drive's number comes in DL, and stays there. */
	.macro bios_start
	cli
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7c00, %sp
	sti
	cld
	ljmp $0, $1f
1:
	.endm

	.macro bios_functions
disk:
	mov drive, %dl
	int $0x13
	jc failed
	ret

compare:
	mov $buffer, %si
	mov $expected, %di
	mov $expected_end - expected, %cx
	repe cmpsb
	jne failed
	ret

say:
	lodsb
	test %al, %al
	jz 1f
	call put
	jmp say
1:	ret

put:
	mov $0x0e, %ah
	mov $7, %bx
	int $0x10
	ret

/* SeaBIOS keeps the last character until its clock ticks. */
settle:
	hlt
	hlt
	hlt
	ret

power_off:
	mov $0x604, %dx
	mov $0x2000, %ax
	out %ax, %dx
	jmp stop

failed:
	mov $fails, %si
	call say
stop:
	hlt
	jmp stop
	.endm
