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

/* Ticks until none comes for a while; MOST: they do not end. */
enum { MOST = 5 };

static int ticks_left(struct vcpu *vcpu)
{
	int ticks;

	for (ticks = 0; ticks < MOST; ticks++) {
		vcpu_start(vcpu);
		if (!vcpu_returns_within(vcpu, 300)) {
			vcpu_kick(vcpu);
			NEED(vcpu_returns_within(vcpu, 5000));
			break;
		}
		NEED(vcpu->run->exit_reason == KVM_EXIT_IO && vcpu->run->io.port == DONE_PORT);
	}
	return ticks;
}

static struct vcpu *ticking(void)
{
	struct kvm_reinject_control control = {.pit_reinject = 0};
	struct vcpu *vcpu = vcpu_create(with_pit(0), 0);

	/* What has come and was not taken yet is one tick then, however slow the host. */
	NEED(ioctl(vcpu->vm->fd, KVM_REINJECT_CONTROL, &control) == 0);
	vcpu_load16(vcpu, tick, tick_end);
	vcpu_place(vcpu, HANDLER_GPA, on_tick, on_tick_end);
	guest_handler16(vcpu, 0x20, HANDLER_GPA);
	NEED(ticks_left(vcpu) == MOST);
	return vcpu;
}

ABI_TEST("HPET_LEGACY stops its interrupts, and without it they go on")
{
	struct vcpu *vcpu = ticking();
	struct kvm_pit_state2 state;

	NEED(ioctl(vcpu->vm->fd, KVM_GET_PIT2, &state) == 0);
	state.flags |= KVM_PIT_FLAGS_HPET_LEGACY;
	EXPECT_OK(ioctl(vcpu->vm->fd, KVM_SET_PIT2, &state));
	EXPECT(ticks_left(vcpu) < MOST);
	EXPECT_EQ(ticks_left(vcpu), 0);
	state.flags &= ~KVM_PIT_FLAGS_HPET_LEGACY;
	EXPECT_OK(ioctl(vcpu->vm->fd, KVM_SET_PIT2, &state));
	EXPECT_EQ(ticks_left(vcpu), MOST);
}

static void route_ticks(struct vm *vm, bool to_pic)
{
	struct kvm_irq_routing_entry ticks = route_chip(0, KVM_IRQCHIP_PIC_MASTER, 0);
	struct kvm_irq_routing_entry other = route_chip(5, KVM_IRQCHIP_IOAPIC, 5);

	NEED(set_routes(vm, to_pic ? &ticks : &other, 1) == 0);
}

ABI_TEST("its interrupts end with a table without GSI 0, and go on with one that has it")
{
	struct vcpu *vcpu = ticking();

	route_ticks(vcpu->vm, false);
	EXPECT(ticks_left(vcpu) < MOST);
	EXPECT_EQ(ticks_left(vcpu), 0);
	route_ticks(vcpu->vm, true);
	EXPECT_EQ(ticks_left(vcpu), MOST);
}

/* The tick that is in service when the table changes. */
GUEST(before_eoi, 16, "out %al, $0xf4; mov $0x20, %al; out %al, $0x20; iret");

ABI_TEST("they go on where a tick's end fell into the time without GSI 0, with reinjection, too")
{
	struct vcpu *vcpu = vcpu_create(with_pit(0), 0);

	vcpu_load16(vcpu, tick, tick_end);
	vcpu_place(vcpu, HANDLER_GPA, before_eoi, before_eoi_end);
	guest_handler16(vcpu, 0x20, HANDLER_GPA);
	NEED(vcpu_done(vcpu));
	route_ticks(vcpu->vm, false);
	EXPECT(ticks_left(vcpu) <= 1);
	route_ticks(vcpu->vm, true);
	if (abi_stock())
		abi_skip("KVM waits for that end for ever");
	EXPECT_EQ(ticks_left(vcpu), MOST);
}

ABI_TEST("reinjection can be switched")
{
	struct kvm_reinject_control control = {.pit_reinject = 0};
	struct vm *vm = with_pit(0);

	EXPECT_OK(ioctl(vm->fd, KVM_REINJECT_CONTROL, &control));
	EXPECT_ERRNO(ioctl(vm_create(VM_IRQCHIP)->fd, KVM_REINJECT_CONTROL, &control), ENXIO);
}
