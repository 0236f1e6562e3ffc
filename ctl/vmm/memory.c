// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.c - guest RAM: its mapping, its slots, and the way from a guest-physical address to it.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm.h"

#define HUGE_PAGE	(2UL << 20)

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
	m->ram = map_aligned(size);
	if (m->ram) {
		madvise(m->ram, size, MADV_HUGEPAGE);	/* a hint: kernels without THP refuse it */
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
	madvise(p, m->low + m->high, MADV_HUGEPAGE);
	return 0;
}
