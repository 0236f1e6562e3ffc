// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unknown requests: ENOTTY on the VM fd, EINVAL on the system and the vCPU fd (a quirk of stock
 * KVM), and requests of one fd type on another are unknown there.
 */
#include "abi.h"

#define UNKNOWN _IOW(KVMIO, 0xfe, uint32_t)

ABI_TEST("an unknown request is EINVAL on the system fd")
{
	EXPECT_ERRNO(ioctl(abi_open(), UNKNOWN, 0UL), EINVAL);
}

ABI_TEST("an unknown request is ENOTTY on the VM fd")
{
	EXPECT_ERRNO(ioctl(vm_create(0)->fd, UNKNOWN, 0UL), ENOTTY);
}

ABI_TEST("an unknown request is EINVAL on the vCPU fd")
{
	EXPECT_ERRNO(ioctl(vcpu_create_bare(vm_create(0), 0)->fd, UNKNOWN, 0UL), EINVAL);
}

ABI_TEST("a request of another fd type is unknown")
{
	struct vm *vm = vm_create(0);

	EXPECT_ERRNO(ioctl(abi_open(), KVM_RUN, 0UL), EINVAL);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_RUN, 0UL), ENOTTY);
	EXPECT_ERRNO(ioctl(vcpu_create_bare(vm, 0)->fd, KVM_CREATE_VM, 0UL), EINVAL);
}
