/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spin.S - a guest that never stops: it reads the clock of its chipset, an exit each, and counts between.
 */
#include "pvh.h"

1:	mov $0x608, %dx
	in %dx, %eax
	mov $1000, %ecx
2:	loop 2b
	jmp 1b
