// SPDX-License-Identifier: GPL-2.0-only
/*
 * triple.c - an exception that finds no handler, nor one for the double fault, shuts the vCPU down.
 */
#include "guest.h"

void test_main(void)
{
	static const struct __attribute__((packed)) { uint16_t limit; uint64_t base; } none;

	__asm__ volatile("lidt %0; ud2" : : "m"(none));
	check(false, "shuts down", "went on");
}
