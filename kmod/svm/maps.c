// SPDX-License-Identifier: GPL-2.0-only
/*
 * maps.c - the permission maps: every port exits, MSRs exit but for those the guest may touch itself.
 *
 * Source: APM2 "I/O Permissions Map", "MSR Permissions Map".
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <asm/msr-index.h>
#include "svm.h"

#define IOPM_ORDER	2	/* 12 KiB and three bits more than 65536 ports: four pages */
#define MSRPM_ORDER	1	/* 8 KiB */

u64 svm_iopm_pa;
static struct page *svm_iopm;

/**
 * svm_maps_setup() - the port map that all guests share
 *
 * Return: 0 or -ENOMEM.
 */
int svm_maps_setup(void)
{
	svm_iopm = alloc_pages(GFP_KERNEL, IOPM_ORDER);
	if (!svm_iopm)
		return -ENOMEM;
	memset(page_address(svm_iopm), 0xff, PAGE_SIZE << IOPM_ORDER);
	svm_iopm_pa = page_to_phys(svm_iopm);
	return 0;
}

/**
 * svm_maps_teardown() - free the port map
 */
void svm_maps_teardown(void)
{
	__free_pages(svm_iopm, IOPM_ORDER);
}

/**
 * svm_msrpm_create() - an MSR map in which every access exits
 *
 * Return: its first page or NULL.
 */
struct page *svm_msrpm_create(void)
{
	struct page *map = alloc_pages(GFP_KERNEL_ACCOUNT, MSRPM_ORDER);

	if (map)
		memset(page_address(map), 0xff, PAGE_SIZE << MSRPM_ORDER);
	return map;
}

/**
 * svm_msrpm_destroy() - free an MSR map; NULL is fine
 * @map: from svm_msrpm_create()
 */
void svm_msrpm_destroy(struct page *map)
{
	if (map)
		__free_pages(map, MSRPM_ORDER);
}

/**
 * svm_msrpm_allow() - let the guest read and write an MSR without an exit
 * @map: the guest's map
 * @msr: in one of the three ranges the map covers; others are left alone
 */
void svm_msrpm_allow(struct page *map, u32 msr)
{
	static const u32 base[] = { 0, 0xc0000000, 0xc0010000 };
	unsigned long *bits = page_address(map);
	int i;

	for (i = 0; i < ARRAY_SIZE(base); i++) {
		u32 n = msr - base[i];

		if (n < 0x2000) {
			bitmap_clear(bits, i * 0x4000 + 2 * n, 2);
			return;
		}
	}
}
