/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * halt.S - a guest that says one character and sleeps for ever: for scenarios that are about vmctl alone.
 */
#include "pvh.h"

1:
	cli
	hlt
	jmp 1b
