// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CREATE_IRQCHIP and KVM_CREATE_PIT2: what must come first, what comes once.
 */
#include "abi.h"

static int create_pit(struct vm *vm, uint32_t flags)
{
	struct kvm_pit_config config = {.flags = flags};

	return ioctl(vm->fd, KVM_CREATE_PIT2, &config);
}

ABI_TEST("a second interrupt controller set is EEXIST")
{
	EXPECT_ERRNO(ioctl(vm_create(VM_IRQCHIP)->fd, KVM_CREATE_IRQCHIP), EEXIST);
}

ABI_TEST("interrupt controllers after a vCPU are EINVAL")
{
	struct vm *vm = vm_create(0);

	NEED(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL) >= 0);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_CREATE_IRQCHIP), EINVAL);
}

/* Debian's 6.1 makes one that has nowhere to interrupt; newer kernels refuse. */
ABI_TEST("a PIT without interrupt controllers is ENOENT, or of no use")
{
	if (create_pit(vm_create(0), 0))
		EXPECT_EQ(errno, ENOENT);
}

ABI_TEST("a second PIT is EEXIST")
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	EXPECT_OK(create_pit(vm, KVM_PIT_SPEAKER_DUMMY));
	EXPECT_ERRNO(create_pit(vm, 0), EEXIST);
}

ABI_TEST("a PIT may come after a vCPU")
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	NEED(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL) >= 0);
	EXPECT_OK(create_pit(vm, 0));
}

ABI_TEST("what needs interrupt controllers is ENXIO without them")
{
	struct kvm_irq_level line = {.irq = 4, .level = 1};
	struct kvm_irqchip chip = {.chip_id = 0};
	struct kvm_pit_state2 pit;
	struct vm *vm = vm_create(0);

	EXPECT_ERRNO(ioctl(vm->fd, KVM_IRQ_LINE, &line), ENXIO);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line), ENXIO);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), ENXIO);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_GET_PIT2, &pit), ENXIO);
}

ABI_TEST("KVM_INTERRUPT is ENXIO with interrupt controllers in the kernel")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_interrupt interrupt = {.irq = 32};

	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt), ENXIO);
}

ABI_TEST("the local APIC's state is EINVAL without one")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	struct kvm_lapic_state state = {0};

	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_GET_LAPIC, &state), EINVAL);
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_LAPIC, &state), EINVAL);
}
