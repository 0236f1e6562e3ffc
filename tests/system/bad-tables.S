// SPDX-License-Identifier: GPL-2.0-only
/*
 * bad-tables.S - a guest that takes the first 2 MiB and then all of its page tables away from under itself.
 */
#include "long-mode.h"

	long_mode
	mov $0x3ff000, %esp
	movl $0, pdpt
	mov %cr3, %rax
	mov %rax, %cr3
	nop

	tables
