/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * triple-fault.S - a guest of five instructions: says one character, takes away its interrupt table
 * and faults.
 */
#include "pvh.h"

	lidt nothing
	ud2

nothing:
	.word 0
	.long 0
