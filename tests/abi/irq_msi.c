// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SIGNAL_MSI: return values and destination modes.
 */
#include "abi.h"

static int signal_msi(struct vm *vm, uint32_t address, uint32_t data)
{
	struct kvm_msi msi = {.address_lo = address, .data = data};

	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

static struct vcpu *enabled(struct vm *vm, unsigned long id)
{
	struct vcpu *vcpu = vcpu_create(vm, id);

	lapic_write(vcpu, 0xf0, 0x1ff);
	return vcpu;
}

ABI_TEST("1 when delivered")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = enabled(vm, 0);

	EXPECT_EQ(signal_msi(vm, LAPIC_GPA, 0x41), 1);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1);
}

ABI_TEST("0 for a disabled and for an absent local APIC")
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	vcpu_create(vm, 0);
	EXPECT_EQ(signal_msi(vm, LAPIC_GPA, 0x41), 0);
	EXPECT(signal_msi(vm, LAPIC_GPA | 9 << 12, 0x41) <= 0);
}

ABI_TEST("physical destinations: one, and all with 0xff")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *first = enabled(vm, 0), *second = enabled(vm, 1);

	EXPECT(signal_msi(vm, LAPIC_GPA | 1 << 12, 0x41) > 0);
	EXPECT_EQ(lapic_read(first, 0x220), 0);
	EXPECT_EQ(lapic_read(second, 0x220), 1 << 1);
	EXPECT(signal_msi(vm, LAPIC_GPA | 0xff << 12, 0x42) > 0);
	EXPECT_EQ(lapic_read(first, 0x220), 1 << 2);
	EXPECT_EQ(lapic_read(second, 0x220), 1 << 2 | 1 << 1);
}

ABI_TEST("logical flat destinations reach the processors of the mask")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *first = enabled(vm, 0), *second = enabled(vm, 1);

	lapic_write(first, 0xd0, 1 << 24);
	lapic_write(second, 0xd0, 2 << 24);
	EXPECT(signal_msi(vm, LAPIC_GPA | 2 << 12 | 1 << 2, 0x41) > 0);
	EXPECT_EQ(lapic_read(first, 0x220), 0);
	EXPECT_EQ(lapic_read(second, 0x220), 1 << 1);
	EXPECT(signal_msi(vm, LAPIC_GPA | 3 << 12 | 1 << 2, 0x42) > 0);
	EXPECT_EQ(lapic_read(first, 0x220) & 1 << 2, 1 << 2);
	EXPECT_EQ(lapic_read(second, 0x220) & 1 << 2, 1 << 2);
}

ABI_TEST("lowest priority reaches exactly one")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *first = enabled(vm, 0), *second = enabled(vm, 1);

	lapic_write(first, 0xd0, 1 << 24);
	lapic_write(second, 0xd0, 2 << 24);
	EXPECT(signal_msi(vm, LAPIC_GPA | 3 << 12 | 3 << 2, 0x141) > 0);
	EXPECT_EQ(!!lapic_read(first, 0x220) + !!lapic_read(second, 0x220), 1);
}

ABI_TEST("a message through a route's GSI does the same")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = enabled(vm, 0);
	struct kvm_irq_routing_entry route = route_msi(100, LAPIC_GPA, 0x43);

	NEED(set_routes(vm, &route, 1) == 0);
	EXPECT_EQ(irq_line(vm, 100, 1), 1);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 3);
}

ABI_TEST("unknown flags are EINVAL, no interrupt controllers are an error")
{
	struct kvm_msi msi = {.address_lo = LAPIC_GPA, .data = 0x41, .flags = 1U << 31};

	EXPECT_ERRNO(ioctl(vm_create(VM_IRQCHIP)->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
	EXPECT(signal_msi(vm_create(0), LAPIC_GPA, 0x41) < 0);
}

ABI_TEST("the high half of the address means nothing while APIC ids have 8 bits")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *first = enabled(vm, 0), *second = enabled(vm, 1);
	struct kvm_msi msi = {.address_lo = LAPIC_GPA | 1 << 12, .address_hi = ~0U, .data = 0x41};
	struct kvm_irq_routing_entry route = route_msi(100, LAPIC_GPA | 1 << 12, 0x43);

	EXPECT_EQ(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	route.u.msi.address_hi = ~0U;
	EXPECT_OK(set_routes(vm, &route, 1));
	EXPECT_EQ(irq_line(vm, 100, 1), 1);
	EXPECT_EQ(lapic_read(first, 0x220), 0);
	EXPECT_EQ(lapic_read(second, 0x220), 1 << 1 | 1 << 3);
}
