// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, KVM_NMI.
 */
#include "abi.h"

GUEST(spin, 16, "sti; 1: jmp 1b");
GUEST(handler, 16, "out %al, $0xf4; iret");

ABI_TEST("what was read is accepted, and read again")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_vcpu_events first, second;

	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &first));
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &first));
	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &second));
	EXPECT_EQ(memcmp(&first, &second, sizeof(first)), 0);
	EXPECT(first.flags & KVM_VCPUEVENT_VALID_SHADOW);
}

ABI_TEST("unknown flags and a payload that is not enabled are EINVAL")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_vcpu_events events = {.flags = 1U << 20};

	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), EINVAL);
	events.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), EINVAL);
}

ABI_TEST("an exception that is none (above 31, or NMI's) is EINVAL")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_vcpu_events events = {0};

	events.exception.injected = 1;
	events.exception.nr = 32;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), EINVAL);
	events.exception.nr = 2;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), EINVAL);
}

ABI_TEST("an injected exception is delivered")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_vcpu_events events;

	vcpu_load16(vcpu, spin, spin_end);
	vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
	guest_handler16(vcpu, 6, HANDLER_GPA);
	NEED(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) == 0);
	events.exception.injected = 1;
	events.exception.nr = 6;
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events));
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("KVM_SET_REGS takes a pending exception away")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_vcpu_events events;
	struct kvm_regs regs;

	vcpu_load16(vcpu, spin, spin_end);
	NEED(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) == 0);
	events.exception.injected = 1;
	events.exception.nr = 6;
	NEED(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events) == 0);
	regs = vcpu_regs(vcpu);
	NEED(ioctl(vcpu->fd, KVM_SET_REGS, &regs) == 0);
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
}

ABI_TEST("KVM_NMI is pending, then delivered, and blocks the next until IRET")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_vcpu_events events;

	vcpu_load16(vcpu, spin, spin_end);
	vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
	guest_handler16(vcpu, 2, HANDLER_GPA);
	EXPECT_OK(ioctl(vcpu->fd, KVM_NMI));
	NEED(vcpu_done(vcpu));
	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events));
	EXPECT_EQ(events.nmi.masked, 1);
	EXPECT_OK(ioctl(vcpu->fd, KVM_NMI));
	NEED(vcpu_done(vcpu)); /* after IRET */
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
}

/* Counts what arrives, and reports at the end of a while of its own. */
GUEST(count_window, 16, "mov $1000, %cx; 1: loop 1b; out %al, $0xf4");
GUEST(counter, 16, "inc %bx; iret");

/* Clients restore both: KVM_SET_SREGS and KVM_SET_VCPU_EVENTS tell of the same interrupt, whose delivery was cut short. */
ABI_TEST("an interrupt that both the system registers and the events restore is delivered once")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;

	vcpu_load16(vcpu, count_window, count_window_end);
	vcpu_allow_interrupts(vcpu);
	vcpu_place(vcpu, HANDLER_GPA, counter, counter_end);
	guest_handler16(vcpu, 0x51, HANDLER_GPA);
	sregs = vcpu_sregs(vcpu);
	sregs.interrupt_bitmap[0x51 / 64] = 1ULL << 0x51 % 64;
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	NEED(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) == 0);
	EXPECT_EQ(events.interrupt.injected, 1);
	EXPECT_EQ(events.interrupt.nr, 0x51);
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events));
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rbx & 0xffff, 1);
}
