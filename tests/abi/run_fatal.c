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
		if (abi_stock())
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

/* The one state that the ABI lets through and AMD CPUs refuse: APM2 "Canonicalization and Consistency Checks". */
enum { SPOILED_CODE = 6, SPOILS };

/* One field of the segments or tables, made such that Intel CPUs refuse to enter: SDM 3C "VM Entries". */
static void spoil(struct kvm_sregs *s, int how)
{
	switch (how) {
	case 0:
		s->cs.type = 1;		/* a segment that cannot be executed */
		break;
	case 1:
		s->cs.dpl = 3;		/* code of another privilege level than the stack */
		break;
	case 2:
		s->ss.type = 1;		/* a stack that cannot be written */
		break;
	case 3:
		s->ds.limit = 0x12345;	/* not of whole pages, as its granularity says */
		s->ds.g = 1;
		break;
	case 4:
		s->tr.selector = 4;	/* a task state in the local table */
		break;
	case 5:
		s->gdt.base = 1ULL << 60;	/* not canonical */
		break;
	case SPOILED_CODE:
		s->cs.l = 1;		/* 64-bit and 32-bit code at once */
		s->cs.db = 1;
		break;
	}
}

ABI_TEST("an event that no CPU delivers ends the run, and it runs without it")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_vcpu_events good, bad;

	/* SVM takes an error code with any exception. */
	if (!abi_vmx())
		abi_skip("a check of VMX");
	vcpu_load64(vcpu, done, done_end);
	NEED(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &good) == 0);
	bad = good;
	bad.exception.injected = 1;
	bad.exception.nr = 6;
	bad.exception.has_error_code = 1;
	NEED(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &bad) == 0);
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_FAIL_ENTRY));
	/* VM-instruction error 7: SDM 3C "VM Instruction Error Numbers". */
	EXPECT_EQ(vcpu->run->fail_entry.hardware_entry_failure_reason, 7);
	EXPECT_EQ(vcpu_regs(vcpu).rip, CODE_GPA);
	NEED(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &good) == 0);
	/* Stock KVM of 6.1 leaves the event in the VMCS, and fails for good. */
	if (abi_stock_vmx())
		return;
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_IO));
}

ABI_TEST("state that no CPU enters ends the run, can be read, and runs once repaired")
{
	int how;

	for (how = abi_vmx() ? 0 : SPOILED_CODE; how < SPOILS; how++) {
		struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
		struct kvm_sregs good, bad;

		vcpu_load64(vcpu, done, done_end);
		good = bad = vcpu_sregs(vcpu);
		spoil(&bad, how);
		NEED(ioctl(vcpu->fd, KVM_SET_SREGS, &bad) == 0);
		EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_FAIL_ENTRY));
		EXPECT_EQ((uint32_t)vcpu->run->fail_entry.hardware_entry_failure_reason,
			  abi_vmx() ? 0x80000021 : 0xffffffff);
		/* QEMU's emulated SVM leaves some of the host's registers in the block it refused. */
		if (!abi_vmx())
			continue;
		EXPECT_EQ(vcpu_regs(vcpu).rip, CODE_GPA);
		EXPECT_EQ(vcpu_sregs(vcpu).cs.selector, bad.cs.selector);
		NEED(ioctl(vcpu->fd, KVM_SET_SREGS, &good) == 0);
		EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_IO));
	}
}
