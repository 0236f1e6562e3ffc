// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_run's output fields, saved on every return including EINTR.
 */
#include "abi.h"

GUEST(set_if, 16, "sti; nop; out %al, $0x80; cli; out %al, $0xf4");
GUEST(spin_sti, 16, "sti; 1: jmp 1b");
GUEST(set_cr8, 64, "mov $7, %eax; mov %rax, %cr8; out %al, $0xf4");

ABI_TEST("if_flag follows the guest's flag")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, set_if, set_if_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu->run->if_flag, 1);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu->run->if_flag, 0);
}

ABI_TEST("the fields are saved on EINTR too")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, spin_sti, spin_sti_end);
	vcpu->run->if_flag = 0;
	vcpu->run->apic_base = 0;
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->error, EINTR);
	EXPECT_EQ(vcpu->run->if_flag, 1);
	EXPECT_EQ(vcpu->run->apic_base, 0xfee00900);
}

ABI_TEST("apic_base is output only")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, set_if, set_if_end);
	vcpu->run->apic_base = 0x12345000;
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu->run->apic_base, 0xfee00900);
	EXPECT_EQ(vcpu_sregs(vcpu).apic_base, 0xfee00900);
}

ABI_TEST("cr8 is output, and its input ignored, with the local APIC in the kernel")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, set_cr8, set_cr8_end);
	vcpu->run->cr8 = 3;
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu->run->cr8, 7);
	EXPECT_EQ(lapic_read(vcpu, 0x80), 0x70);
}

ABI_TEST("ready_for_interrupt_injection is 1 with interrupt controllers in the kernel")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, set_if, set_if_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu->run->ready_for_interrupt_injection, 1);
}

ABI_TEST("flags are clear outside SMM")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, set_if, set_if_end);
	vcpu->run->flags = 0xffff;
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu->run->flags, 0);
}

ABI_TEST("KVM_RUN with unknown valid or dirty register sets is EINVAL")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, set_if, set_if_end);
	vcpu->run->kvm_valid_regs = 1ULL << 40;
	EXPECT_EQ(vcpu_run(vcpu), EINVAL);
	vcpu->run->kvm_valid_regs = 0;
	vcpu->run->kvm_dirty_regs = 1ULL << 40;
	EXPECT_EQ(vcpu_run(vcpu), EINVAL);
}
