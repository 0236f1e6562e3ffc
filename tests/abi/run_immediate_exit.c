// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_run.immediate_exit: no guest instruction runs; the access in flight is completed first.
 */
#include "abi.h"

GUEST(count, 16, "sti; 1: inc %ecx; jmp 1b");
GUEST(in_byte, 16, "in $0x80, %al; mov $1, %bl; out %al, $0xf4");
GUEST(load_hole, 16, "mov $0x10000000, %esi; addr32 mov (%esi), %eax; mov $1, %bl; out %al, $0xf4");
GUEST(out_twice, 16, "out %al, $0x80; mov $1, %bl; out %al, $0xf4");

ABI_TEST("KVM_RUN returns EINTR, runs nothing and leaves the field and the exit reason")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, count, count_end);
	vcpu->run->immediate_exit = 1;
	vcpu->run->exit_reason = KVM_EXIT_IO;
	EXPECT_EQ(vcpu_run(vcpu), EINTR);
	EXPECT_EQ(vcpu_regs(vcpu).rcx, 0);
	EXPECT_EQ(vcpu_regs(vcpu).rip, CODE_GPA);
	EXPECT_EQ(vcpu->run->immediate_exit, 1);
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
}

ABI_TEST("a port read in flight is completed first")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_regs regs;

	vcpu_load16(vcpu, in_byte, in_byte_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_IN);
	((uint8_t *)vcpu->run)[vcpu->run->io.data_offset] = 0x77;
	vcpu->run->immediate_exit = 1;
	EXPECT_EQ(vcpu_run(vcpu), EINTR);
	regs = vcpu_regs(vcpu);
	EXPECT_EQ(regs.rax & 0xff, 0x77);
	EXPECT_EQ(regs.rip, CODE_GPA + 2);
	EXPECT_EQ(regs.rbx, 0);
	vcpu->run->immediate_exit = 0;
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("an MMIO read in flight is completed first")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_regs regs;

	vcpu_load16(vcpu, load_hole, load_hole_end);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.phys_addr, HOLE_GPA);
	EXPECT_EQ(vcpu->run->mmio.len, 4);
	EXPECT_EQ(vcpu->run->mmio.is_write, 0);
	memcpy(vcpu->run->mmio.data, "\x11\x22\x33\x44", 4);
	vcpu->run->immediate_exit = 1;
	EXPECT_EQ(vcpu_run(vcpu), EINTR);
	regs = vcpu_regs(vcpu);
	EXPECT_EQ(regs.rax, 0x44332211);
	EXPECT_EQ(regs.rbx, 0);
	vcpu->run->immediate_exit = 0;
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("a port write in flight moves past its instruction")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, out_twice, out_twice_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	vcpu->run->immediate_exit = 1;
	EXPECT_EQ(vcpu_run(vcpu), EINTR);
	EXPECT_EQ(vcpu_regs(vcpu).rip, CODE_GPA + 2);
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 0);
	vcpu->run->immediate_exit = 0;
	EXPECT(vcpu_done(vcpu));
}
