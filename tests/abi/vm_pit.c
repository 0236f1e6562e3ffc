// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PIT: state, port 0x61, interrupts.
 */
#include "abi.h"

static struct vm *with_pit(uint32_t flags)
{
	struct kvm_pit_config config = {.flags = flags};
	struct vm *vm = vm_create(VM_IRQCHIP);

	NEED(ioctl(vm->fd, KVM_CREATE_PIT2, &config) == 0);
	return vm;
}

ABI_TEST("the state comes back as it was set")
{
	struct vm *vm = with_pit(0);
	struct kvm_pit_state2 set, got;

	NEED(ioctl(vm->fd, KVM_GET_PIT2, &set) == 0);
	set.channels[0].mode = 2;
	set.channels[0].count = 0x1234;
	set.channels[0].bcd = 0;
	set.channels[0].rw_mode = 3;
	set.channels[1].count = 0x4321;
	set.channels[1].mode = 3;
	set.channels[2].gate = 1;
	EXPECT_OK(ioctl(vm->fd, KVM_SET_PIT2, &set));
	EXPECT_OK(ioctl(vm->fd, KVM_GET_PIT2, &got));
	EXPECT_EQ(got.channels[0].count, 0x1234);
	EXPECT_EQ(got.channels[0].mode, 2);
	EXPECT_EQ(got.channels[0].rw_mode, 3);
	EXPECT_EQ(got.channels[1].count, 0x4321);
	EXPECT_EQ(got.channels[2].gate, 1);
	EXPECT_EQ(got.flags & KVM_PIT_FLAGS_HPET_LEGACY, 0);
}

ABI_TEST("HPET_LEGACY is kept in the flags")
{
	struct vm *vm = with_pit(0);
	struct kvm_pit_state2 state;

	NEED(ioctl(vm->fd, KVM_GET_PIT2, &state) == 0);
	state.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	EXPECT_OK(ioctl(vm->fd, KVM_SET_PIT2, &state));
	state.flags = 0;
	EXPECT_OK(ioctl(vm->fd, KVM_GET_PIT2, &state));
	EXPECT(state.flags & KVM_PIT_FLAGS_HPET_LEGACY);
}

ABI_TEST("without a PIT the state is ENXIO")
{
	struct kvm_pit_state2 state;

	EXPECT_ERRNO(ioctl(vm_create(VM_IRQCHIP)->fd, KVM_GET_PIT2, &state), ENXIO);
}

GUEST(port61, 16, "in $0x61, %al; out %al, $0xf4");

ABI_TEST("port 0x61 exits with flags 0")
{
	struct vcpu *vcpu = vcpu_create(with_pit(0), 0);

	vcpu_load16(vcpu, port61, port61_end);
	EXPECT(vcpu_runs_to_port(vcpu, 0x61));
}

ABI_TEST("port 0x61 is in the kernel with SPEAKER_DUMMY")
{
	struct vcpu *vcpu = vcpu_create(with_pit(KVM_PIT_SPEAKER_DUMMY), 0);

	vcpu_load16(vcpu, port61, port61_end);
	EXPECT(vcpu_done(vcpu));
}

/* PIC vectors from 0x20; channel 0 in mode 2 with the count 1193 (1 kHz). */
GUEST(tick, 16,
      "mov $0x11, %al; out %al, $0x20; mov $0x20, %al; out %al, $0x21\n"
      "mov $4, %al; out %al, $0x21; mov $1, %al; out %al, $0x21\n"
      "xor %al, %al; out %al, $0x21\n"
      "mov $0x34, %al; out %al, $0x43; mov $0xa9, %al; out %al, $0x40\n"
      "mov $4, %al; out %al, $0x40\n"
      "sti; 1: hlt; jmp 1b");
GUEST(on_tick, 16, "mov $0x20, %al; out %al, $0x20; out %al, $0xf4; iret");

ABI_TEST("its interrupts arrive again and again at a halted guest")
{
	struct vcpu *vcpu = vcpu_create(with_pit(0), 0);
	int ticks;

	vcpu_load16(vcpu, tick, tick_end);
	vcpu_place(vcpu, HANDLER_GPA, on_tick, on_tick_end);
	guest_handler16(vcpu, 0x20, HANDLER_GPA);
	for (ticks = 0; ticks < 5; ticks++)
		NEED(vcpu_done(vcpu));
}

ABI_TEST("reinjection can be switched")
{
	struct kvm_reinject_control control = {.pit_reinject = 0};
	struct vm *vm = with_pit(0);

	EXPECT_OK(ioctl(vm->fd, KVM_REINJECT_CONTROL, &control));
	EXPECT_ERRNO(ioctl(vm_create(VM_IRQCHIP)->fd, KVM_REINJECT_CONTROL, &control), ENXIO);
}
