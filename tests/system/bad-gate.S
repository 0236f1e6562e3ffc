// SPDX-License-Identifier: GPL-2.0-only
/*
 * bad-gate.S - a guest that reads where nothing is mapped; of its gates #PF's and #DF's were overwritten.
 */
#include "long-mode.h"

	long_mode
	mov $0x3ff000, %esp
	movq $0, idt + 14 * 16
	movq $0, idt + 8 * 16
	mov 0x12345678, %eax

	tables
