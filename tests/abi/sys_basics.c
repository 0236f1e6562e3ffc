// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system fd's plain requests: version, VM types, arguments that must be zero.
 */
#include "abi.h"

ABI_TEST("KVM_GET_API_VERSION is 12")
{
	EXPECT_EQ(ioctl(abi_open(), KVM_GET_API_VERSION, 0UL), 12);
}

ABI_TEST("KVM_GET_API_VERSION and KVM_GET_VCPU_MMAP_SIZE refuse an argument")
{
	int sys = abi_open();

	EXPECT_ERRNO(ioctl(sys, KVM_GET_API_VERSION, 1UL), EINVAL);
	EXPECT_ERRNO(ioctl(sys, KVM_GET_VCPU_MMAP_SIZE, 1UL), EINVAL);
}

ABI_TEST("KVM_CREATE_VM knows type 0 only")
{
	int sys = abi_open();

	EXPECT(ioctl(sys, KVM_CREATE_VM, 0UL) >= 0);
	EXPECT_ERRNO(ioctl(sys, KVM_CREATE_VM, 77UL), EINVAL);
}

/* Clients written in int pass the request sign-extended: only its low 32 bits count. */
ABI_TEST("a request that arrives sign-extended is the same request")
{
	unsigned long request = (unsigned long)(long)(int)KVM_GET_SUPPORTED_CPUID;
	struct kvm_cpuid2 cpuid = {.nent = 0};

	EXPECT_ERRNO(ioctl(abi_open(), request, &cpuid), E2BIG);
}
