// SPDX-License-Identifier: GPL-2.0-only
/*
 * maps.c - the MSR bitmap: MSRs exit but for those the guest may touch itself. Every port exits without
 * a map, by a control of its own.
 *
 * Source: SDM 3C "MSR-Bitmap Address".
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include "vmx.h"

/**
 * vmx_msr_bitmap_create() - a bitmap in which every access exits
 *
 * Return: its page or NULL.
 */
unsigned long *vmx_msr_bitmap_create(void)
{
	void *map = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);

	if (map)
		memset(map, 0xff, PAGE_SIZE);
	return map;
}

/**
 * vmx_msr_bitmap_destroy() - free it; NULL is fine
 * @map: from vmx_msr_bitmap_create()
 */
void vmx_msr_bitmap_destroy(unsigned long *map)
{
	free_page((unsigned long)map);
}

/**
 * vmx_msr_bitmap_allow() - let the guest read and write an MSR without an exit
 * @map: the guest's bitmap
 * @msr: in one of the two ranges it covers; others are left alone
 */
void vmx_msr_bitmap_allow(unsigned long *map, u32 msr)
{
	vmx_msr_bitmap_set(map, msr, false, false);
}

/**
 * vmx_msr_bitmap_set() - which accesses of an MSR exit
 * @map: the guest's bitmap
 * @msr: in one of the two ranges it covers; others are left alone
 * @read_exits: whether RDMSR does
 * @write_exits: whether WRMSR does
 */
void vmx_msr_bitmap_set(unsigned long *map, u32 msr, bool read_exits, bool write_exits)
{
	/* A KiB each: reads of low MSRs, reads of high ones, writes of low ones, writes of high ones. */
	static const u32 base[] = { 0, 0xc0000000 };
	int i;

	for (i = 0; i < ARRAY_SIZE(base); i++) {
		u32 n = msr - base[i];

		if (n < 0x2000) {
			__assign_bit(i * 0x2000 + n, map, read_exits);
			__assign_bit(0x4000 + i * 0x2000 + n, map, write_exits);
			return;
		}
	}
}
