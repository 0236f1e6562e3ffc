// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stops a machine: triple faults, impossible states, instructions no one can execute.
 */
#include "abi.h"

GUEST(triple, 16, "lidtw 0x5000; int3");
GUEST(done, 16, "out %al, $0xf4");

ABI_TEST("a triple fault is KVM_EXIT_SHUTDOWN")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, triple, triple_end);
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_SHUTDOWN));
}

ABI_TEST("after KVM_EXIT_SHUTDOWN the machine can be set up again and runs")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct kvm_sregs reset = vcpu_sregs(vcpu);
	struct kvm_vcpu_events events;

	NEED(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) == 0);
	vcpu_load16(vcpu, triple, triple_end);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_SHUTDOWN));
	NEED(ioctl(vcpu->fd, KVM_SET_SREGS, &reset) == 0);
	NEED(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events) == 0);
	NEED(ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable) == 0);
	vcpu_load16(vcpu, done, done_end);
	vcpu_start(vcpu);
	if (!vcpu_returns_within(vcpu, 3000)) {
		if (!strcmp(abi_device, "/dev/kvm"))
			abi_skip("stock kvm-amd spins here on QEMU 7.2's emulated SVM");
		NEED(!"KVM_RUN returns");
	}
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
}

ABI_TEST("code fetched from a hole ends the run with an internal error or a shutdown")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_sregs sregs;
	int error;

	vcpu_load16(vcpu, done, done_end);
	sregs = vcpu_sregs(vcpu);
	sregs.cs.base = HOLE_GPA;
	NEED(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) == 0);
	vcpu_start(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
	error = vcpu->result;
	EXPECT_EQ(error, 0);
	EXPECT(vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR ||
	       vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN);
}
