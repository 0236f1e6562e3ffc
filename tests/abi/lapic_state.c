// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_LAPIC and KVM_SET_LAPIC.
 */
#include "abi.h"

ABI_TEST("the state comes back as it was set")
{
	static const struct {
		unsigned int reg;
		uint32_t value;
	} set[] = {{0x80, 0x20}, {0xd0, 1 << 24}, {0xe0, ~0U}, {0xf0, 0x1ff}, {0x320, 0x300ef},
		   {0x350, 0x8700}, {0x360, 0x400}, {0x370, 0xfe}, {0x3e0, 0xb}};
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_lapic_state state;
	size_t i;

	NEED(ioctl(vcpu->fd, KVM_GET_LAPIC, &state) == 0);
	for (i = 0; i < ARRAY_SIZE(set); i++)
		memcpy(state.regs + set[i].reg, &set[i].value, 4);
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_LAPIC, &state));
	for (i = 0; i < ARRAY_SIZE(set); i++)
		EXPECT_EQ(lapic_read(vcpu, set[i].reg), set[i].value);
}

GUEST(take, 16, "sti; 1: hlt; jmp 1b");
GUEST(handler, 16, "out %al, $0xf4; iret");

ABI_TEST("a vector in the set IRR is delivered")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, take, take_end);
	vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
	guest_handler16(vcpu, 0x41, HANDLER_GPA);
	lapic_write(vcpu, 0xf0, 0x1ff);
	lapic_write(vcpu, 0x220, 1 << 1);
	EXPECT(vcpu_done(vcpu));
	EXPECT_EQ(lapic_read(vcpu, 0x120), 1 << 1);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 0);
}

ABI_TEST("cr8 and the task priority are one register")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	lapic_write(vcpu, 0x80, 0x50);
	EXPECT_EQ(vcpu_sregs(vcpu).cr8, 5);
}

ABI_TEST("in x2APIC mode the ID register reads id << 24")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu;

	vcpu_create(vm, 0);
	vcpu = vcpu_create(vm, 3);
	NEED(msr_set(vcpu, 0x1b, 0xfee00c00) == 1);
	EXPECT_EQ(lapic_read(vcpu, 0x20), 3 << 24);
}

ABI_TEST("an x2APIC base is refused from xAPIC-less CPUID and from reserved bits")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	EXPECT_EQ(msr_set(vcpu, 0x1b, 0xfee00500), 0);
	EXPECT_EQ(msr_set(vcpu, 0x1b, 0xfee00901), 0);
	EXPECT_EQ(msr_set(vcpu, 0x1b, 0xfee00900), 1);
}

/* Clients differ in the order in which they restore; the local APIC is there before CPUID says so. */
ABI_TEST("the state may be set before the vCPU has any CPUID, and stays")
{
	struct vcpu *vcpu = vcpu_create_bare(vm_create(VM_IRQCHIP), 0);
	struct kvm_cpuid2 *cpuid = supported_cpuid();

	lapic_write(vcpu, 0x80, 0x20);
	lapic_write(vcpu, 0xf0, 0x1ff);
	lapic_write(vcpu, 0x320, 0x300ef);
	lapic_write(vcpu, 0x220, 1 << 1);
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid));
	EXPECT_EQ(lapic_read(vcpu, 0x80), 0x20);
	EXPECT_EQ(lapic_read(vcpu, 0xf0), 0x1ff);
	EXPECT_EQ(lapic_read(vcpu, 0x320), 0x300ef);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1);
	vcpu_load16(vcpu, take, take_end);
	vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
	guest_handler16(vcpu, 0x41, HANDLER_GPA);
	EXPECT(vcpu_done(vcpu));
}
