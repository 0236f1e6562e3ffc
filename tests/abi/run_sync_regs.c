// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_SYNC_REGS: registers that travel in kvm_run.
 */
#include "abi.h"

GUEST(add, 64, "1: add $1, %rbx; out %al, $0xf4; jmp 1b");

static struct vcpu *adder(void)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, add, add_end);
	return vcpu;
}

ABI_TEST("general registers, segment registers and events are offered")
{
	EXPECT_EQ(abi_cap(KVM_CAP_SYNC_REGS), KVM_SYNC_X86_VALID_FIELDS);
}

ABI_TEST("what is asked for is there after the run")
{
	struct vcpu *vcpu = adder();
	struct kvm_sync_regs *s = &vcpu->run->s.regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;

	vcpu->run->kvm_valid_regs = KVM_SYNC_X86_VALID_FIELDS;
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(s->regs.rbx, 1);
	EXPECT_EQ(s->regs.rip, vcpu_regs(vcpu).rip);
	sregs = vcpu_sregs(vcpu);
	EXPECT(!memcmp(&sregs, &s->sregs, sizeof(sregs)));
	NEED(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) == 0);
	EXPECT(!memcmp(&events, &s->events, sizeof(events)));
}

ABI_TEST("what is not asked for is left alone")
{
	struct vcpu *vcpu = adder();

	vcpu->run->s.regs.regs.rbx = 0xbad;
	vcpu->run->kvm_valid_regs = KVM_SYNC_X86_SREGS;
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu->run->s.regs.regs.rbx, 0xbad);
}

ABI_TEST("dirty registers are taken, once")
{
	struct vcpu *vcpu = adder();
	struct kvm_sync_regs *s = &vcpu->run->s.regs;

	vcpu->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	NEED(vcpu_done(vcpu));
	s->regs.rbx = 100;
	s->sregs.cr2 = 0x5000;
	vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu->run->kvm_dirty_regs, 0);
	EXPECT_EQ(s->regs.rbx, 101);
	EXPECT_EQ(vcpu_sregs(vcpu).cr2, 0x5000);
	s->regs.rbx = 500;
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(s->regs.rbx, 102);
}

ABI_TEST("registers that cannot be are EINVAL, and the guest does not run")
{
	struct vcpu *vcpu = adder();

	vcpu->run->kvm_valid_regs = KVM_SYNC_X86_SREGS;
	NEED(vcpu_done(vcpu));
	vcpu->run->s.regs.sregs.cr0 = 0x80000000;
	vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	EXPECT_EQ(vcpu_run(vcpu), EINVAL);
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 1);
}

ABI_TEST("an unknown bit in either set is EINVAL")
{
	struct vcpu *vcpu = adder();

	vcpu->run->kvm_valid_regs = 1 << 3;
	EXPECT_EQ(vcpu_run(vcpu), EINVAL);
	vcpu->run->kvm_valid_regs = 0;
	vcpu->run->kvm_dirty_regs = 1ULL << 63;
	EXPECT_EQ(vcpu_run(vcpu), EINVAL);
	vcpu->run->kvm_dirty_regs = 0;
	EXPECT(vcpu_done(vcpu));
}
