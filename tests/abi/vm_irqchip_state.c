// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_IRQCHIP and KVM_SET_IRQCHIP for the two PICs and the I/O APIC.
 */
#include "abi.h"

ABI_TEST("the I/O APIC comes back as it was set")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_irqchip set = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_irqchip got = {.chip_id = KVM_IRQCHIP_IOAPIC};
	int pin;

	NEED(ioctl(vm->fd, KVM_GET_IRQCHIP, &set) == 0);
	EXPECT_EQ(set.chip.ioapic.base_address, 0xfec00000);
	for (pin = 0; pin < 24; pin++) {
		EXPECT_EQ(set.chip.ioapic.redirtbl[pin].fields.mask, 1);
		set.chip.ioapic.redirtbl[pin].bits = 0x0100000000010000 | (0x40 + pin);
	}
	set.chip.ioapic.ioregsel = 0x12;
	set.chip.ioapic.id = 3;
	EXPECT_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &set));
	EXPECT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &got));
	EXPECT_EQ(got.chip.ioapic.ioregsel, 0x12);
	EXPECT_EQ(got.chip.ioapic.id, 3);
	for (pin = 0; pin < 24; pin++)
		EXPECT_EQ(got.chip.ioapic.redirtbl[pin].bits, set.chip.ioapic.redirtbl[pin].bits);
}

ABI_TEST("the PICs come back as they were set")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	uint32_t id;

	for (id = KVM_IRQCHIP_PIC_MASTER; id <= KVM_IRQCHIP_PIC_SLAVE; id++) {
		struct kvm_irqchip set = {.chip_id = id}, got = {.chip_id = id};

		NEED(ioctl(vm->fd, KVM_GET_IRQCHIP, &set) == 0);
		set.chip.pic.irq_base = 0x30 + 8 * id;
		set.chip.pic.imr = 0xaa;
		set.chip.pic.elcr = id ? 0x0c : 0x20;
		set.chip.pic.init4 = 1;
		EXPECT_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &set));
		EXPECT_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &got));
		EXPECT_EQ(got.chip_id, id);
		EXPECT_EQ(memcmp(&got.chip.pic, &set.chip.pic, sizeof(got.chip.pic)), 0);
	}
}

ABI_TEST("an unknown chip is EINVAL")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_irqchip chip = {.chip_id = 3};

	EXPECT_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), EINVAL);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), EINVAL);
}
