// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IRQ_LINE_STATUS: what the status says, and that nothing is an error.
 */
#include "abi.h"

ABI_TEST("an unrouted GSI is no error and reports nothing delivered")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_irq_level line = {.irq = 3000, .level = 1};

	EXPECT_OK(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line));
	EXPECT(line.status <= 0);
	line.irq = ~0U;
	line.level = 1;
	EXPECT_OK(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line));
	EXPECT_OK(ioctl(vm->fd, KVM_IRQ_LINE, &line));
}

ABI_TEST("raising a line that is high already is coalesced")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_irq_routing_entry route = route_chip(5, KVM_IRQCHIP_IOAPIC, 5);
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct vcpu *vcpu = vcpu_create(vm, 0);

	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(set_routes(vm, &route, 1) == 0);
	NEED(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip) == 0);
	chip.chip.ioapic.redirtbl[5].bits = 0x45;
	NEED(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip) == 0);
	EXPECT(irq_line(vm, 5, 1) > 0);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 5);
	EXPECT_EQ(irq_line(vm, 5, 1), 0);
	EXPECT(irq_line(vm, 5, 0) >= 0);
}

ABI_TEST("a masked I/O APIC pin delivers nothing")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_irq_routing_entry route = route_chip(5, KVM_IRQCHIP_IOAPIC, 5);
	struct vcpu *vcpu = vcpu_create(vm, 0);

	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(set_routes(vm, &route, 1) == 0);
	EXPECT(irq_line(vm, 5, 1) <= 0);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 0);
}

/* PIC set up by hand: vectors from 0x20, all unmasked; LVT0 of the reset lets it through. */
GUEST(pic_guest, 16,
      "mov $0x11, %al; out %al, $0x20; mov $0x20, %al; out %al, $0x21\n"
      "mov $4, %al; out %al, $0x21; mov $1, %al; out %al, $0x21\n"
      "xor %al, %al; out %al, $0x21; out %al, $0x80; sti; 1: hlt; jmp 1b");
GUEST(pic_handler, 16, "mov $0x20, %al; out %al, $0x20; out %al, $0xf4; iret");

ABI_TEST("a line through the PIC reaches a guest that never touched its local APIC")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, pic_guest, pic_guest_end);
	vcpu_place(vcpu, HANDLER_GPA, pic_handler, pic_handler_end);
	guest_handler16(vcpu, 0x24, HANDLER_GPA);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(irq_line(vcpu->vm, 4, 1), 1);
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("KVM_IRQ_LINE wakes a halted guest through the I/O APIC")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_irq_level line = {.irq = 5, .level = 1};
	struct vcpu *vcpu = vcpu_create(vm, 0);

	vcpu_load16(vcpu, pic_guest_end - 4, pic_guest_end); /* sti; hlt; jmp */
	vcpu_place(vcpu, HANDLER_GPA, pic_handler, pic_handler_end);
	guest_handler16(vcpu, 0x45, HANDLER_GPA);
	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip) == 0);
	chip.chip.ioapic.redirtbl[5].bits = 0x45;
	NEED(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip) == 0);
	lapic_write(vcpu, 0x350, 0x10000); /* the PIC has the line as well, unprogrammed */
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 100));
	EXPECT_OK(ioctl(vm->fd, KVM_IRQ_LINE, &line));
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->run->io.port, DONE_PORT);
}
