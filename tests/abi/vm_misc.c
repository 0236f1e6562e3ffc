// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plain VM requests: TSS and identity-map addresses, ENABLE_CAP refusals.
 */
#include "abi.h"

ABI_TEST("KVM_SET_TSS_ADDR takes the clients' values")
{
	struct vm *vm = vm_create(0);

	EXPECT_OK(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL));
	EXPECT_OK(ioctl(vm_create(0)->fd, KVM_SET_TSS_ADDR, 0xfeffd000UL));
}

ABI_TEST("KVM_SET_IDENTITY_MAP_ADDR takes an address and 0, before vCPUs only")
{
	struct vm *vm = vm_create(0);
	uint64_t address = 0xfeffc000, zero = 0;

	EXPECT_OK(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &address));
	EXPECT_OK(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &zero));
	NEED(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL) >= 0);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &address), EINVAL);
}

ABI_TEST("an unknown capability cannot be enabled, nor flags given")
{
	struct kvm_enable_cap unknown = {.cap = 100000};
	struct kvm_enable_cap flags = {.cap = KVM_CAP_SPLIT_IRQCHIP, .flags = 1, .args = {24}};
	struct vm *vm = vm_create(0);

	EXPECT_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &unknown), EINVAL);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &flags), EINVAL);
}
