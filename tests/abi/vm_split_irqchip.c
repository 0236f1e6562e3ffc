// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_SPLIT_IRQCHIP: local APICs in the kernel, PIC and I/O APIC in user space.
 */
#include "abi.h"

enum { PINS = 24, LEVEL = 1 << 15, VECTOR = 0x41, SVR = 0xf0, LVT0 = 0x350 };

/* The handler ends its interrupt, then says so; the APIC is at its usual address. */
GUEST(wait_irq, 16, "sti; 1: hlt; jmp 1b");
GUEST(spin_irq, 16, "sti; out %al, $0x80; 1: jmp 1b");
GUEST(handler_eoi, 16, "mov $0xfee000b0, %ebx; movl $0, (%ebx); out %al, $0xf4; iret");
GUEST(handler_ext, 16, "out %al, $0xf4; iret");

static int split(struct vm *vm, uint64_t pins)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {pins}};

	return ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

static struct vm *split_vm(void)
{
	struct vm *vm = vm_create(0);

	NEED(split(vm, PINS) == 0);
	return vm;
}

/* A vCPU with its local APIC on, that takes VECTOR. */
static struct vcpu *taker(struct vm *vm, const uint8_t *code, const uint8_t *end)
{
	struct vcpu *vcpu = vcpu_create(vm, 0);

	lapic_write(vcpu, SVR, 0x1ff);
	vcpu_load16(vcpu, code, end);
	vcpu_place(vcpu, HANDLER_GPA, handler_eoi, handler_eoi_end);
	guest_handler16(vcpu, VECTOR, HANDLER_GPA);
	return vcpu;
}

ABI_TEST("it is offered, and enabled once, before vCPUs")
{
	struct vm *vm = vm_create(0);

	EXPECT_EQ(abi_cap(KVM_CAP_SPLIT_IRQCHIP), 1);
	EXPECT_ERRNO(split(vm, 4097), EINVAL);
	EXPECT_OK(split(vm, PINS));
	EXPECT_ERRNO(split(vm, PINS), EEXIST);
	vm = vm_create(0);
	NEED(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL) >= 0);
	EXPECT_ERRNO(split(vm, PINS), EEXIST);
}

ABI_TEST("it and KVM_CREATE_IRQCHIP exclude each other")
{
	EXPECT_ERRNO(split(vm_create(VM_IRQCHIP), PINS), EEXIST);
	EXPECT_ERRNO(ioctl(split_vm()->fd, KVM_CREATE_IRQCHIP), EEXIST);
}

/* Debian's 6.1 makes a PIT that has nowhere to interrupt; newer kernels refuse. */
ABI_TEST("there is no chip to read or set, and no PIT, or one of no use")
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_pit_config pit = {0};
	struct vm *vm = split_vm();

	EXPECT_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	EXPECT_ERRNO(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), ENXIO);
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		EXPECT_EQ(errno, ENOENT);
}

ABI_TEST("vCPUs have a local APIC, and wait for a start-up but for the first")
{
	struct vm *vm = split_vm();
	struct vcpu *first = vcpu_create(vm, 0), *second = vcpu_create(vm, 1);

	EXPECT_EQ(lapic_read(second, 0x20), 1 << 24);
	EXPECT_EQ(vcpu_mp_state(first), KVM_MP_STATE_RUNNABLE);
	EXPECT_EQ(vcpu_mp_state(second), KVM_MP_STATE_UNINITIALIZED);
}

ABI_TEST("routes are MSIs: pins are EINVAL")
{
	struct kvm_irq_routing_entry pin = route_chip(4, KVM_IRQCHIP_IOAPIC, 4);
	struct kvm_irq_routing_entry msi = route_msi(4, LAPIC_GPA, VECTOR);
	struct kvm_irq_routing_entry none = route_msi(4, 0, 0);
	struct vm *vm = split_vm();

	EXPECT_ERRNO(set_routes(vm, &pin, 1), EINVAL);
	EXPECT_OK(set_routes(vm, &msi, 1));
	EXPECT_OK(set_routes(vm, &none, 1));
	EXPECT_OK(set_routes(vm, NULL, 0));
}

ABI_TEST("the table is empty at first: a GSI goes nowhere")
{
	struct vm *vm = split_vm();
	struct vcpu *vcpu = vcpu_create(vm, 0);

	lapic_write(vcpu, SVR, 0x1ff);
	irq_line(vm, 4, 1);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 0);
}

ABI_TEST("KVM_SIGNAL_MSI, KVM_IRQ_LINE and an irqfd reach the local APIC")
{
	struct kvm_irq_routing_entry routes[] = {route_msi(4, LAPIC_GPA, 0x42),
						 route_msi(5, LAPIC_GPA, 0x43)};
	struct kvm_msi msi = {.address_lo = LAPIC_GPA, .data = VECTOR};
	struct kvm_irqfd irqfd = {.fd = event_fd(), .gsi = 5};
	struct vm *vm = split_vm();
	struct vcpu *vcpu = vcpu_create(vm, 0);
	uint64_t one = 1;

	lapic_write(vcpu, SVR, 0x1ff);
	EXPECT_EQ(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	NEED(set_routes(vm, routes, 2) == 0);
	EXPECT_EQ(irq_line(vm, 4, 1), 1);
	EXPECT_OK(ioctl(vm->fd, KVM_IRQFD, &irqfd));
	NEED(write(irqfd.fd, &one, sizeof(one)) == sizeof(one));
	sleep_ms(50);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1 | 1 << 2 | 1 << 3);
}

ABI_TEST("an irqfd that resamples has nobody to hear from: EINVAL")
{
	struct kvm_irqfd irqfd = {.fd = event_fd(), .gsi = 5, .flags = KVM_IRQFD_FLAG_RESAMPLE};

	irqfd.resamplefd = event_fd();
	EXPECT_ERRNO(ioctl(split_vm()->fd, KVM_IRQFD, &irqfd), EINVAL);
}

ABI_TEST("the EOI of a level-triggered pin's vector exits with it")
{
	struct kvm_irq_routing_entry route = route_msi(4, LAPIC_GPA, LEVEL | VECTOR);
	struct vm *vm = split_vm();
	struct vcpu *vcpu = taker(vm, wait_irq, wait_irq_end);

	NEED(set_routes(vm, &route, 1) == 0);
	EXPECT_EQ(irq_line(vm, 4, 1), 1);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_IOAPIC_EOI));
	EXPECT_EQ(vcpu->run->eoi.vector, VECTOR);
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("an edge-triggered pin's EOI does not exit, nor one of a GSI that is no pin")
{
	struct kvm_irq_routing_entry routes[] = {route_msi(4, LAPIC_GPA, VECTOR),
						 route_msi(PINS, LAPIC_GPA, LEVEL | VECTOR)};
	struct vm *vm = split_vm();
	struct vcpu *vcpu = taker(vm, wait_irq, wait_irq_end);

	NEED(set_routes(vm, routes, 2) == 0);
	EXPECT_EQ(irq_line(vm, 4, 1), 1);
	EXPECT(vcpu_done(vcpu));
	EXPECT_EQ(irq_line(vm, PINS, 1), 1);
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("KVM_INTERRUPT is user space's PIC: one at a time")
{
	struct vcpu *vcpu = taker(split_vm(), wait_irq, wait_irq_end);
	struct kvm_interrupt interrupt = {.irq = 0x30};

	vcpu_place(vcpu, HANDLER_GPA, handler_ext, handler_ext_end);
	guest_handler16(vcpu, 0x30, HANDLER_GPA);
	EXPECT_OK(ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt));
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt), EEXIST);
	EXPECT(vcpu_done(vcpu));
	EXPECT_OK(ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt));
}

ABI_TEST("LINT0 closed keeps KVM_INTERRUPT's vector out, and says so")
{
	struct vcpu *vcpu = taker(split_vm(), spin_irq, spin_irq_end);
	struct kvm_interrupt interrupt = {.irq = 0x30};

	vcpu_place(vcpu, HANDLER_GPA, handler_ext, handler_ext_end);
	guest_handler16(vcpu, 0x30, HANDLER_GPA);
	lapic_write(vcpu, LVT0, 0x10700);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu->run->ready_for_interrupt_injection, 0);
	EXPECT_OK(ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt));
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
	lapic_write(vcpu, LVT0, 0x700);
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("a window that was asked for opens with LINT0 and the guest's flag")
{
	struct vcpu *vcpu = taker(split_vm(), spin_irq, spin_irq_end);

	vcpu->run->request_interrupt_window = 1;
	lapic_write(vcpu, LVT0, 0x700);
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_IO) || vcpu->run->exit_reason == KVM_EXIT_IRQ_WINDOW_OPEN);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN) || vcpu->run->exit_reason == KVM_EXIT_IO);
	EXPECT_EQ(vcpu->run->ready_for_interrupt_injection, 1);
}
