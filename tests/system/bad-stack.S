// SPDX-License-Identifier: GPL-2.0-only
/*
 * bad-stack.S - a guest whose IDT is in order, and whose stack is in no page when it executes UD2.
 */
#include "long-mode.h"

	long_mode
	mov $0x40001000, %esp
	ud2

	tables
