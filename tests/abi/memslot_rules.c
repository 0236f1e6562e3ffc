// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_USER_MEMORY_REGION: what is accepted, and the errno of what is not.
 */
#include "abi.h"

enum { GPA = 0x1000000, SIZE = 0x10000 };

static struct vm *with_slot(void **host)
{
	struct vm *vm = vm_create(0);

	*host = host_pages(4 * SIZE);
	NEED(vm_slot(vm, 1, 0, GPA, SIZE, *host) == 0);
	return vm;
}

ABI_TEST("the same again is no change")
{
	void *host;
	struct vm *vm = with_slot(&host);

	EXPECT_OK(vm_slot(vm, 1, 0, GPA, SIZE, host));
}

ABI_TEST("an overlap with another slot is EEXIST")
{
	void *host;
	struct vm *vm = with_slot(&host);

	EXPECT_ERRNO(vm_slot(vm, 2, 0, GPA, SIZE, host), EEXIST);
	EXPECT_ERRNO(vm_slot(vm, 2, 0, GPA + SIZE - 4096, SIZE, host), EEXIST);
	EXPECT_ERRNO(vm_slot(vm, 2, 0, GPA - 4096, 4 * SIZE, host), EEXIST);
	EXPECT_OK(vm_slot(vm, 2, 0, GPA + SIZE, SIZE, host));
	EXPECT_OK(vm_slot(vm, 3, 0, GPA - SIZE, SIZE, host));
}

ABI_TEST("a new address moves the slot, unless it is taken")
{
	void *host;
	struct vm *vm = with_slot(&host);

	EXPECT_OK(vm_slot(vm, 1, 0, 2 * GPA, SIZE, host));
	EXPECT_OK(vm_slot(vm, 2, 0, GPA, SIZE, host));
	EXPECT_ERRNO(vm_slot(vm, 1, 0, GPA, SIZE, host), EEXIST);
}

ABI_TEST("a move onto its own old place is allowed")
{
	void *host;
	struct vm *vm = with_slot(&host);

	EXPECT_OK(vm_slot(vm, 1, 0, GPA + 4096, SIZE, host));
}

ABI_TEST("another size or host address in place is EINVAL")
{
	void *host;
	struct vm *vm = with_slot(&host);

	EXPECT_ERRNO(vm_slot(vm, 1, 0, GPA, 2 * SIZE, host), EINVAL);
	EXPECT_ERRNO(vm_slot(vm, 1, 0, GPA, SIZE, (uint8_t *)host + 4096), EINVAL);
}

ABI_TEST("READONLY toggled in place is EINVAL, LOG_DIRTY_PAGES is not")
{
	void *host;
	struct vm *vm = with_slot(&host);

	EXPECT_ERRNO(vm_slot(vm, 1, KVM_MEM_READONLY, GPA, SIZE, host), EINVAL);
	EXPECT_OK(vm_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, SIZE, host));
	EXPECT_OK(vm_slot(vm, 1, 0, GPA, SIZE, host));
}

ABI_TEST("READONLY with LOG_DIRTY_PAGES is accepted")
{
	struct vm *vm = vm_create(0);

	EXPECT_OK(vm_slot(vm, 1, KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES, GPA, SIZE,
			  host_pages(SIZE)));
}

ABI_TEST("deleting ignores address and flags, deleting nothing is EINVAL")
{
	void *host;
	struct vm *vm = with_slot(&host);

	EXPECT_OK(vm_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 0, 0, NULL));
	EXPECT_ERRNO(vm_slot(vm, 1, 0, GPA, 0, host), EINVAL);
	EXPECT_OK(vm_slot(vm, 1, 0, GPA, 2 * SIZE, host));
}

ABI_TEST("unaligned sizes and addresses are EINVAL")
{
	struct vm *vm = vm_create(0);
	uint8_t *host = host_pages(SIZE);

	EXPECT_ERRNO(vm_slot(vm, 1, 0, GPA, SIZE + 1, host), EINVAL);
	EXPECT_ERRNO(vm_slot(vm, 1, 0, GPA + 1, SIZE, host), EINVAL);
	EXPECT_ERRNO(vm_slot(vm, 1, 0, GPA, SIZE, host + 1), EINVAL);
}

ABI_TEST("unknown flags are EINVAL")
{
	EXPECT_ERRNO(vm_slot(vm_create(0), 1, 1U << 31, GPA, SIZE, host_pages(SIZE)), EINVAL);
}

ABI_TEST("slot numbers end at NR_MEMSLOTS, address spaces at one")
{
	struct vm *vm = vm_create(0);
	uint32_t slots = abi_cap(KVM_CAP_NR_MEMSLOTS);
	void *host = host_pages(SIZE);

	EXPECT_OK(vm_slot(vm, slots - 1, 0, GPA, SIZE, host));
	EXPECT_ERRNO(vm_slot(vm, slots, 0, 2 * GPA, SIZE, host), EINVAL);
	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, (long)KVM_CAP_MULTI_ADDRESS_SPACE) <= 1)
		EXPECT_ERRNO(vm_slot(vm, 1 << 16 | 1, 0, 2 * GPA, SIZE, host), EINVAL);
}

ABI_TEST("addresses that wrap or leave user space are EINVAL")
{
	struct vm *vm = vm_create(0);
	void *host = host_pages(SIZE);

	EXPECT_ERRNO(vm_slot(vm, 1, 0, -(uint64_t)SIZE, 2 * SIZE, host), EINVAL);
	EXPECT_ERRNO(vm_slot(vm, 1, 0, GPA, SIZE, (void *)0xffff800000000000), EINVAL);
	EXPECT_ERRNO(vm_slot(vm, 1, 0, GPA, SIZE, (void *)-4096L), EINVAL);
}

ABI_TEST("a host address where nothing is mapped is accepted")
{
	EXPECT_OK(vm_slot(vm_create(0), 1, 0, GPA, SIZE, (void *)0x10000));
}
