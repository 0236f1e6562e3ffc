// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM_CREATE_VCPU leaves: the architecture's reset state (SDM 3A "Processor State After
 * Reset"), the boot processor runnable, the others waiting for INIT and SIPI.
 */
#include "abi.h"

ABI_TEST("general registers")
{
	struct kvm_regs regs = vcpu_regs(vcpu_create_bare(vm_create(VM_IRQCHIP), 0));

	EXPECT_EQ(regs.rip, 0xfff0);
	EXPECT_EQ(regs.rflags, 2);
	EXPECT_EQ(regs.rdx, 0x600);
	EXPECT_EQ(regs.rax | regs.rbx | regs.rcx | regs.rsi | regs.rdi | regs.rbp | regs.rsp, 0);
}

ABI_TEST("segments and tables")
{
	struct kvm_sregs sregs = vcpu_sregs(vcpu_create_bare(vm_create(VM_IRQCHIP), 0));

	EXPECT_EQ(sregs.cs.selector, 0xf000);
	EXPECT_EQ(sregs.cs.base, 0xffff0000);
	EXPECT_EQ(sregs.cs.limit, 0xffff);
	EXPECT_EQ(sregs.cs.present, 1);
	EXPECT_EQ(sregs.ds.base, 0);
	EXPECT_EQ(sregs.ds.limit, 0xffff);
	EXPECT_EQ(sregs.idt.base, 0);
	EXPECT_EQ(sregs.idt.limit, 0xffff);
	EXPECT_EQ(sregs.gdt.limit, 0xffff);
}

ABI_TEST("control registers")
{
	struct kvm_sregs sregs = vcpu_sregs(vcpu_create_bare(vm_create(VM_IRQCHIP), 0));

	EXPECT_EQ(sregs.cr0, 0x60000010);
	EXPECT_EQ(sregs.cr2 | sregs.cr3 | sregs.cr4 | sregs.cr8, 0);
	EXPECT_EQ(sregs.efer, 0);
}

ABI_TEST("the APIC base marks the boot processor")
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	EXPECT_EQ(vcpu_sregs(vcpu_create_bare(vm, 0)).apic_base, 0xfee00900);
	EXPECT_EQ(vcpu_sregs(vcpu_create_bare(vm, 1)).apic_base, 0xfee00800);
}

ABI_TEST("the boot processor is runnable, the others are not")
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	EXPECT_EQ(vcpu_mp_state(vcpu_create_bare(vm, 0)), KVM_MP_STATE_RUNNABLE);
	EXPECT_EQ(vcpu_mp_state(vcpu_create_bare(vm, 1)), KVM_MP_STATE_UNINITIALIZED);
}

ABI_TEST("debug registers")
{
	struct vcpu *vcpu = vcpu_create_bare(vm_create(0), 0);
	struct kvm_debugregs debug;

	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &debug));
	EXPECT_EQ(debug.dr6, 0xffff0ff0);
	EXPECT_EQ(debug.dr7, 0x400);
}

/* Stock KVM never fills mxcsr. */
ABI_TEST("FPU: control words of a reset")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	struct kvm_fpu fpu;

	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_FPU, &fpu));
	EXPECT_EQ(fpu.fcw, 0x37f);
	EXPECT(fpu.mxcsr == 0x1f80 || fpu.mxcsr == 0);
}
