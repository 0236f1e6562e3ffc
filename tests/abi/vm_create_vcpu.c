// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CREATE_VCPU: the argument is the APIC id.
 */
#include "abi.h"
#include <sys/resource.h>

ABI_TEST("an id that exists is EEXIST")
{
	struct vm *vm = vm_create(0);

	NEED(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL) >= 0);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL), EEXIST);
}

ABI_TEST("an id at or beyond MAX_VCPU_ID is EINVAL")
{
	struct vm *vm = vm_create(0);
	long max = abi_cap(KVM_CAP_MAX_VCPU_ID);

	EXPECT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, max), EINVAL);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, -1L), EINVAL);
}

ABI_TEST("ids may be sparse")
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	EXPECT(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL) >= 0);
	EXPECT(ioctl(vm->fd, KVM_CREATE_VCPU, 4UL) >= 0);
	EXPECT(ioctl(vm->fd, KVM_CREATE_VCPU, 2UL) >= 0);
}

ABI_TEST("sixteen vCPUs can be made")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	unsigned long id;

	for (id = 0; id < 16; id++)
		EXPECT(ioctl(vm->fd, KVM_CREATE_VCPU, id) >= 0);
}

ABI_TEST("a refused id is free afterwards and a closed vCPU's id stays taken")
{
	struct vm *vm = vm_create(0);
	int fd = ioctl(vm->fd, KVM_CREATE_VCPU, 3UL);

	NEED(fd >= 0);
	close(fd);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 3UL), EEXIST);
}

ABI_TEST("a vCPU for which there is no descriptor left is not made, and its id is free")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct rlimit all, none = {0};

	NEED(getrlimit(RLIMIT_NOFILE, &all) == 0);
	none.rlim_max = all.rlim_max;
	NEED(setrlimit(RLIMIT_NOFILE, &none) == 0);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL), EMFILE);
	NEED(setrlimit(RLIMIT_NOFILE, &all) == 0);
	EXPECT(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL) >= 0);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL), EEXIST);
}
