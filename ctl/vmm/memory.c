// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.c - guest RAM: its mapping, its slots, the way from a guest-physical address to it, and the way back to the host.
 *
 * Huge pages make a guest quick and large: it keeps two megabytes for each page that it touches, and what it gives back in
 * smaller pieces the host's khugepaged fills again. So they are for guests that have many of them, and not for the
 * parts of these that came back in pieces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm.h"

#define PAGE		4096ULL
#define HUGE_PAGE	(2UL << 20)
#define SMALL_GUEST	(128UL << 20)	/* bytes; below it there are no huge pages */
#define PIECES_MAX	4096		/* mappings that pieces may cost a machine, of 65530 that a process has */
#define PIECES_BYTES(size)	((size) / HUGE_PAGE / 8 + 1)

/**
 * vmm_guest() - RAM at a guest-physical address
 * @m: the machine
 * @gpa: guest-physical address
 * @len: bytes, all of which have to be RAM
 *
 * Return: its place in this process, or NULL.
 */
void *vmm_guest(const struct vmm *m, uint64_t gpa, uint64_t len)
{
	if (gpa < m->low && len <= m->low - gpa)
		return m->ram + gpa;
	if (gpa >= VMM_HIGH_START && gpa - VMM_HIGH_START < m->high &&
	    len <= m->high - (gpa - VMM_HIGH_START))
		return m->ram + m->low + (gpa - VMM_HIGH_START);
	return NULL;
}

static int add_slot(struct vmm *m, unsigned int slot, uint64_t gpa, uint64_t size, void *host, uint32_t flags)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)host, .flags = flags,
	};

	return ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &r);
}

/* Like mmap(), at a huge page's boundary, so that guest and host agree where huge pages lie. */
static uint8_t *map_aligned(uint64_t size)
{
	uint8_t *p = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p & (HUGE_PAGE - 1);
	if (before)
		munmap(p, before);
	munmap(p + before + size, HUGE_PAGE - before);
	return p + before;
}

/**
 * vmm_memory_rom() - tell the hypervisor of the firmware, which ends at 4 GiB
 * @m: the machine, with a firmware
 *
 * Return: 0, or -1 with errno.
 */
int vmm_memory_rom(struct vmm *m)
{
	return add_slot(m, 2, VMM_HIGH_START - m->rom_size, m->rom_size, m->rom, KVM_MEM_READONLY);
}

/**
 * vmm_memory_slots() - tell the hypervisor of the RAM, and of the firmware where there is one
 * @m: the machine, whose VM has no slots
 *
 * Return: 0, or -1 with errno.
 */
int vmm_memory_slots(struct vmm *m)
{
	if (add_slot(m, 0, 0, m->low, m->ram, 0) ||
	    (m->high && add_slot(m, 1, VMM_HIGH_START, m->high, m->ram + m->low, 0)))
		return -1;
	return m->rom ? vmm_memory_rom(m) : 0;
}

/**
 * vmm_memory_advise() - tell the kernel how the RAM is used, after something was mapped there; it may not care
 * @m: the machine
 */
void vmm_memory_advise(struct vmm *m)
{
	uint64_t size = m->low + m->high;

	if (m->npieces)
		memset(m->pieces, 0, PIECES_BYTES(size));
	m->npieces = 0;
	m->huge = size >= SMALL_GUEST;
	madvise(m->ram, size, m->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	if (m->config->merge)
		madvise(m->ram, size, MADV_MERGEABLE);
}

/**
 * vmm_memory_create() - map the RAM that the configuration asks for
 * @m: the machine
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_memory_create(struct vmm *m)
{
	uint64_t size = m->config->memory & ~0xfffULL;

	m->low = size < VMM_LOW_END ? size : VMM_LOW_END;
	m->high = size - m->low;
	m->pieces = calloc(1, PIECES_BYTES(size));
	m->ram = m->pieces ? map_aligned(size) : NULL;
	if (m->ram) {
		vmm_memory_advise(m);
		return 0;
	}
	vmm_error("--memory", strerror(errno), "ask for less");
	return -1;
}

/**
 * vmm_memory_clear() - the RAM is as at power-on, whatever was mapped there
 * @m: the machine, without a VM
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_memory_clear(struct vmm *m)
{
	void *p = mmap(m->ram, m->low + m->high, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED) {
		vmm_error("memory", strerror(errno), "free some memory");
		return -1;
	}
	vmm_memory_advise(m);
	return 0;
}

/* A piece of the huge page around @at went: it shall be none any more. */
static void break_up(struct vmm *m, const uint8_t *at)
{
	uint64_t page = (at - m->ram) / HUGE_PAGE, offset = page * HUGE_PAGE, size = m->low + m->high;
	uint8_t bit = 1U << page % 8;

	if (!m->huge || m->pieces[page / 8] & bit)
		return;
	m->pieces[page / 8] |= bit;
	if (++m->npieces < PIECES_MAX) {
		madvise(m->ram + offset, size - offset < HUGE_PAGE ? size - offset : HUGE_PAGE, MADV_NOHUGEPAGE);
		return;
	}
	m->huge = false;
	madvise(m->ram, size, MADV_NOHUGEPAGE);
}

/**
 * vmm_memory_give_back() - the guest does without some of its RAM until it touches that again, with any content
 * @m: the machine
 * @at: in its RAM; whole pages of what follows go to the host
 * @size: bytes, all of them RAM
 *
 * Context: one thread at a time.
 */
void vmm_memory_give_back(struct vmm *m, uint8_t *at, uint64_t size)
{
	uint64_t before = -(uintptr_t)at & (PAGE - 1);

	if (size < before || size - before < PAGE)
		return;
	at += before;
	size = (size - before) & ~(PAGE - 1);
	/* Before khugepaged could look. */
	if ((at - m->ram) & (HUGE_PAGE - 1))
		break_up(m, at);
	if ((at + size - m->ram) & (HUGE_PAGE - 1))
		break_up(m, at + size - 1);
	/* Where it fails the memory stays, which is no fault. */
	madvise(at, size, MADV_DONTNEED);
}

/**
 * vmm_memory_taken_back() - the guest has all of its RAM: huge pages are worth their room again
 * @m: the machine
 *
 * Context: as vmm_memory_give_back().
 */
void vmm_memory_taken_back(struct vmm *m)
{
	if (m->npieces)
		vmm_memory_advise(m);
}
