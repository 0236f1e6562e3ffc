// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GSI_ROUTING: limits, duplicates, replacement under a live irqfd.
 */
#include "abi.h"

ABI_TEST("an empty table is accepted")
{
	EXPECT_OK(set_routes(vm_create(VM_IRQCHIP), NULL, 0));
}

ABI_TEST("a GSI of 4096 and more entries than 4096 are EINVAL")
{
	struct kvm_irq_routing_entry *many = calloc(4097, sizeof(*many));
	struct kvm_irq_routing_entry high = route_msi(4096, LAPIC_GPA, 0x41);
	struct kvm_irq_routing_entry last = route_msi(4095, LAPIC_GPA, 0x41);
	struct vm *vm = vm_create(VM_IRQCHIP);

	EXPECT_ERRNO(set_routes(vm, &high, 1), EINVAL);
	EXPECT_OK(set_routes(vm, &last, 1));
	EXPECT_ERRNO(set_routes(vm, many, 4097), EINVAL);
}

ABI_TEST("one GSI may go to different chips, not twice to one, not also to a message")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_irq_routing_entry both[] = {route_chip(5, KVM_IRQCHIP_PIC_MASTER, 5),
					       route_chip(5, KVM_IRQCHIP_IOAPIC, 5)};
	struct kvm_irq_routing_entry twice[] = {route_chip(5, KVM_IRQCHIP_IOAPIC, 5),
						route_chip(5, KVM_IRQCHIP_IOAPIC, 6)};
	struct kvm_irq_routing_entry mixed[] = {route_chip(5, KVM_IRQCHIP_IOAPIC, 5),
						route_msi(5, LAPIC_GPA, 0x41)};
	struct kvm_irq_routing_entry messages[] = {route_msi(5, LAPIC_GPA, 0x41),
						   route_msi(5, LAPIC_GPA, 0x42)};

	EXPECT_OK(set_routes(vm, both, 2));
	EXPECT_ERRNO(set_routes(vm, twice, 2), EINVAL);
	EXPECT_ERRNO(set_routes(vm, mixed, 2), EINVAL);
	EXPECT_ERRNO(set_routes(vm, messages, 2), EINVAL);
}

ABI_TEST("pins and chips that do not exist, unknown types and flags are EINVAL")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_irq_routing_entry pin = route_chip(5, KVM_IRQCHIP_IOAPIC, 24);
	struct kvm_irq_routing_entry pic = route_chip(5, KVM_IRQCHIP_PIC_MASTER, 8);
	struct kvm_irq_routing_entry chip = route_chip(5, 3, 0);
	struct kvm_irq_routing_entry type = {.gsi = 5, .type = 99};
	struct kvm_irq_routing_entry flags = route_msi(5, LAPIC_GPA, 0x41);

	flags.flags = 2;
	EXPECT_ERRNO(set_routes(vm, &pin, 1), EINVAL);
	EXPECT_ERRNO(set_routes(vm, &pic, 1), EINVAL);
	EXPECT_ERRNO(set_routes(vm, &chip, 1), EINVAL);
	EXPECT_ERRNO(set_routes(vm, &type, 1), EINVAL);
	EXPECT_ERRNO(set_routes(vm, &flags, 1), EINVAL);
}

ABI_TEST("flags of the table itself are EINVAL")
{
	struct kvm_irq_routing table = {.nr = 0, .flags = 1};

	EXPECT_ERRNO(ioctl(vm_create(VM_IRQCHIP)->fd, KVM_SET_GSI_ROUTING, &table), EINVAL);
}

ABI_TEST("a refused table leaves the old one in force")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, 0);
	struct kvm_irq_routing_entry good = route_msi(40, LAPIC_GPA, 0x41);
	struct kvm_irq_routing_entry bad = route_msi(5000, LAPIC_GPA, 0x42);

	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(set_routes(vm, &good, 1) == 0);
	EXPECT_ERRNO(set_routes(vm, &bad, 1), EINVAL);
	EXPECT_EQ(irq_line(vm, 40, 1), 1);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1);
}

GUEST(unharmed, 16, "sti; nop; nop; nop; out %al, $0xf4");

/* Stock KVM sets bit 0 of IRR, which no processor ever takes. */
ABI_TEST("a zero message route is accepted and harmless")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, 0);
	struct kvm_irq_routing_entry zero = route_msi(40, 0, 0);
	struct kvm_irq_level line = {.irq = 40, .level = 1};
	unsigned int reg;

	lapic_write(vcpu, 0xf0, 0x1ff);
	EXPECT_OK(set_routes(vm, &zero, 1));
	EXPECT_OK(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line));
	for (reg = 0x200; reg < 0x280; reg += 0x10)
		EXPECT_EQ(lapic_read(vcpu, reg) & (reg == 0x200 ? ~1U : ~0U), 0);
	vcpu_load16(vcpu, unharmed, unharmed_end);
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("a replaced route moves a live irqfd")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, 0);
	struct kvm_irq_routing_entry first = route_msi(40, LAPIC_GPA, 0x41);
	struct kvm_irq_routing_entry second = route_msi(40, LAPIC_GPA, 0x42);
	struct kvm_irqfd irqfd = {.fd = event_fd(), .gsi = 40};
	uint64_t one = 1;

	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(set_routes(vm, &first, 1) == 0);
	NEED(ioctl(vm->fd, KVM_IRQFD, &irqfd) == 0);
	NEED(write(irqfd.fd, &one, 8) == 8);
	sleep_ms(50);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1);
	NEED(set_routes(vm, &second, 1) == 0);
	NEED(write(irqfd.fd, &one, 8) == 8);
	sleep_ms(50);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1 | 1 << 2);
}

static struct kvm_irqchip chip_of(struct vm *vm, uint32_t id)
{
	struct kvm_irqchip chip = {.chip_id = id};

	NEED(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip) == 0);
	return chip;
}

/*
 * GSI n goes to I/O APIC pin n and, below 16, to the PIC: no swap of 0 and 2. The master's input 2 is not compared: it is the
 * slave's, and stock KVM lets GSI 2 drive it, too.
 */
enum { CASCADE = 1 << 2 };

ABI_TEST("before any table GSI n is I/O APIC pin n and PIC pin n, and nothing else")
{
	struct kvm_irq_level line = {.level = 1};

	for (line.irq = 0; line.irq < 24; line.irq++) {
		struct vm *vm = vm_create(VM_IRQCHIP);
		uint32_t pic = line.irq < 16 ? 1 << line.irq : 0, irr;
		struct kvm_irq_level again = line; /* the status takes the number's place */

		NEED(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &again) == 0);
		irr = chip_of(vm, KVM_IRQCHIP_PIC_MASTER).chip.pic.irr |
		      chip_of(vm, KVM_IRQCHIP_PIC_SLAVE).chip.pic.irr << 8;
		if ((irr ^ pic) & ~CASCADE || chip_of(vm, KVM_IRQCHIP_IOAPIC).chip.ioapic.irr != 1U << line.irq)
			abi_fail(__FILE__, __LINE__, "GSI %u: PIC %#x, I/O APIC %#x", line.irq, irr,
				 chip_of(vm, KVM_IRQCHIP_IOAPIC).chip.ioapic.irr);
	}
}
