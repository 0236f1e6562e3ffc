// SPDX-License-Identifier: GPL-2.0-only
/*
 * Application processors: KVM_RUN waits for INIT and SIPI; a wake is EAGAIN, a signal EINTR.
 */
#include "abi.h"

/*
 * Stock KVM finds the others only once some processor has enabled its local APIC.
 * The boot processor sends INIT and SIPI (page 2) to processor 1 by ICR, then is done.
 */
GUEST(boot, 16,
      "mov $0xfee000f0, %esi\n"
      "addr32 movl $0x1ff, (%esi)\n"
      "mov $0xfee00310, %esi\n"
      "addr32 movl $0x01000000, (%esi)\n"
      "mov $0xfee00300, %esi\n"
      "addr32 movl $0x00004500, (%esi)\n"
      "addr32 movl $0x00004602, (%esi)\n"
      "out %al, $0xf4");
GUEST(started, 16, "mov %cs, %bx; out %al, $0xf4");

static void place_started(struct vcpu *vcpu)
{
	vcpu_place(vcpu, 0x2000, started, started_end);
}

ABI_TEST("a signal ends the wait with EINTR and INTR")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *ap;

	vcpu_create(vm, 0);
	ap = vcpu_create(vm, 1);
	vcpu_start(ap);
	EXPECT(!vcpu_returns_within(ap, 200));
	vcpu_kick(ap);
	NEED(vcpu_returns_within(ap, 5000));
	EXPECT_EQ(ap->result, -1);
	EXPECT_EQ(ap->error, EINTR);
	EXPECT_EQ(ap->run->exit_reason, KVM_EXIT_INTR);
	EXPECT_EQ(vcpu_mp_state(ap), KVM_MP_STATE_UNINITIALIZED);
}

ABI_TEST("INIT and SIPI start a waiting processor at the vector's page")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *bsp = vcpu_create(vm, 0), *ap = vcpu_create(vm, 1);
	int tries;

	place_started(ap);
	vcpu_load16(bsp, boot, boot_end);
	vcpu_start(ap);
	sleep_ms(100);
	NEED(vcpu_done(bsp));
	for (tries = 0; tries < 5; tries++) {
		NEED(vcpu_returns_within(ap, 5000));
		if (!ap->result)
			break;
		EXPECT_EQ(ap->error, EAGAIN);
		vcpu_start(ap);
	}
	EXPECT_EQ(ap->result, 0);
	EXPECT_EQ(ap->run->exit_reason, KVM_EXIT_IO);
	EXPECT_EQ(vcpu_regs(ap).rbx, 0x200);
}

ABI_TEST("INIT discards what was loaded into the waiting processor")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *bsp = vcpu_create(vm, 0), *ap = vcpu_create(vm, 1);
	struct kvm_regs regs = {.rax = 0x1234, .rip = 0x5000, .rflags = 2};

	NEED(ioctl(ap->fd, KVM_SET_REGS, &regs) == 0);
	place_started(ap);
	vcpu_load16(bsp, boot, boot_end);
	NEED(vcpu_done(bsp));
	EXPECT_EQ(vcpu_mp_state(ap), KVM_MP_STATE_RUNNABLE);
	EXPECT_EQ(vcpu_sregs(ap).cs.selector, 0x200);
	EXPECT_EQ(vcpu_sregs(ap).cs.base, 0x2000);
	regs = vcpu_regs(ap);
	EXPECT_EQ(regs.rip, 0);
	EXPECT_EQ(regs.rax, 0);
	EXPECT(regs.rdx); /* family, model and stepping: 0x600 or CPUID's */
}

ABI_TEST("SIPI without INIT does nothing to an uninitialized processor")
{
	struct kvm_msi sipi = {.address_lo = LAPIC_GPA | 1 << 12, .data = 0x602};
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *ap;

	vcpu_create(vm, 0);
	ap = vcpu_create(vm, 1);
	ioctl(vm->fd, KVM_SIGNAL_MSI, &sipi);
	EXPECT_EQ(vcpu_mp_state(ap), KVM_MP_STATE_UNINITIALIZED);
}
