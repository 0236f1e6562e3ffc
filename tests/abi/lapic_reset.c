// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC after reset.  LVT0 of the boot processor is ExtINT and unmasked (stock KVM's
 * LINT0_REENABLED), which clients rely on for the PIC's interrupts before they touch it.
 */
#include "abi.h"

static void common(struct vcpu *vcpu, uint32_t id)
{
	EXPECT_EQ(lapic_read(vcpu, 0x20), id << 24);
	EXPECT_EQ(lapic_read(vcpu, 0x30), 0x50014);
	EXPECT_EQ(lapic_read(vcpu, 0x80), 0);
	EXPECT_EQ(lapic_read(vcpu, 0xe0), ~0U);
	EXPECT_EQ(lapic_read(vcpu, 0xf0), 0xff);
	EXPECT_EQ(lapic_read(vcpu, 0x320), 0x10000);
	EXPECT_EQ(lapic_read(vcpu, 0x360), 0x10000);
	EXPECT_EQ(lapic_read(vcpu, 0x370), 0x10000);
}

ABI_TEST("registers of the boot processor")
{
	struct vcpu *vcpu = vcpu_create_bare(vm_create(VM_IRQCHIP), 0);

	common(vcpu, 0);
	EXPECT_EQ(lapic_read(vcpu, 0x350), 0x700);
}

ABI_TEST("registers of another processor")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu;

	vcpu_create_bare(vm, 0);
	vcpu = vcpu_create_bare(vm, 5);
	common(vcpu, 5);
	EXPECT_EQ(lapic_read(vcpu, 0x350), 0x10000);
}
