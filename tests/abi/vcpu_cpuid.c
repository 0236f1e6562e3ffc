// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_CPUID2 and KVM_GET_CPUID2.
 */
#include "abi.h"

GUEST(ask, 16, "mov $0x12345, %eax; cpuid; out %al, $0xf4");

/* Debian's 6.1 leaves nent as the caller set it; newer kernels write the count. */
ABI_TEST("what was set is read back")
{
	struct kvm_cpuid2 *wanted = supported_cpuid(), *got = host_pages(8192);
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	uint32_t i;

	got->nent = 100;
	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_CPUID2, got));
	EXPECT(got->nent == wanted->nent || got->nent == 100);
	for (i = 0; i < wanted->nent; i++)
		EXPECT_EQ(got->entries[i].function, wanted->entries[i].function);
}

ABI_TEST("a buffer too small for KVM_GET_CPUID2 is E2BIG")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	struct kvm_cpuid2 none = {.nent = 0};

	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_GET_CPUID2, &none), E2BIG);
}

ABI_TEST("more entries than KVM_MAX_CPUID_ENTRIES (256) are E2BIG")
{
	struct vcpu *vcpu = vcpu_create_bare(vm_create(0), 0);
	struct kvm_cpuid2 *list = host_pages(65536);

	list->nent = 257;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_CPUID2, list), E2BIG);
}

ABI_TEST("the guest sees what was set")
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 room[2];
	} list = {.head.nent = 2,
		  .room = {{.function = 0, .eax = 0x12345},
			   {.function = 0x12345, .eax = 1, .ebx = 2, .ecx = 3, .edx = 4}}};
	struct vcpu *vcpu = vcpu_create_bare(vm_create(0), 0);
	struct kvm_regs regs;

	NEED(ioctl(vcpu->fd, KVM_SET_CPUID2, &list) == 0);
	vcpu_load16(vcpu, ask, ask_end);
	NEED(vcpu_done(vcpu));
	regs = vcpu_regs(vcpu);
	EXPECT_EQ(regs.rax, 1);
	EXPECT_EQ(regs.rbx, 2);
	EXPECT_EQ(regs.rcx, 3);
	EXPECT_EQ(regs.rdx, 4);
}

ABI_TEST("after KVM_RUN the same CPUID is accepted again")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);

	vcpu_load16(vcpu, ask, ask_end);
	NEED(vcpu_done(vcpu));
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_CPUID2, supported_cpuid()));
}

ABI_TEST("after KVM_RUN another CPUID is refused")
{
	struct kvm_cpuid2 *other = supported_cpuid();
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);

	vcpu_load16(vcpu, ask, ask_end);
	NEED(vcpu_done(vcpu));
	other->nent--;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_CPUID2, other), EINVAL);
}
