// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts faster than any guest can take them.
 */
#include "hostile.h"

#include <time.h>

enum { STORM_MS = 1500 };

/* x2APIC would be faster; xAPIC exits more. IPIs of vector 0x41 to all, for ever. */
GUEST(ipi_storm, 16,
      "sti; mov $0xfee00300, %esi; 1: addr32 movl $0x00084041, (%esi); jmp 1b");
GUEST(halt, 16, "sti; 1: hlt; jmp 1b");
GUEST(acknowledge, 16, "push %esi; mov $0xfee000b0, %esi; addr32 movl $0, (%esi); pop %esi; iret");

static struct vcpu *machine(struct vm *vm, unsigned long id, const uint8_t *code,
			    const uint8_t *end)
{
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct vcpu *vcpu = vcpu_create(vm, id);

	vcpu_load16(vcpu, code, end);
	vcpu_place(vcpu, HANDLER_GPA, acknowledge, acknowledge_end);
	guest_handler16(vcpu, 0x41, HANDLER_GPA);
	guest_handler16(vcpu, 2, HANDLER_GPA);
	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable) == 0);
	return vcpu;
}

static bool storm_goes_on(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000 <
	       STORM_MS;
}

static struct vm *halted_pair(struct vcpu *vcpus[2])
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	int id;

	for (id = 0; id < 2; id++) {
		vcpus[id] = machine(vm, id, halt, halt_end);
		vcpu_start(vcpus[id]);
	}
	return vm;
}

static void expect_still_there(struct vcpu *vcpus[2])
{
	int id;

	for (id = 0; id < 2; id++) {
		EXPECT(!vcpu_returns_within(vcpus[id], 50));
		vcpu_kick(vcpus[id]);
		EXPECT(vcpu_returns_within(vcpus[id], 5000));
		EXPECT_EQ(vcpus[id]->error, EINTR);
	}
	expect_device_works();
}

ABI_TEST("a storm of messages")
{
	struct kvm_msi msi = {.address_lo = LAPIC_GPA | 0xff << 12, .data = 0x41};
	struct timespec start;
	struct vcpu *vcpus[2];
	struct vm *vm = halted_pair(vcpus);

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (storm_goes_on(&start))
		EXPECT(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) > 0);
	expect_still_there(vcpus);
}

ABI_TEST("a storm of irqfd signals while routes change")
{
	struct kvm_irq_routing_entry route = route_msi(40, LAPIC_GPA | 0xff << 12, 0x41);
	struct kvm_irqfd irqfd = {.fd = event_fd(), .gsi = 40};
	struct timespec start;
	struct vcpu *vcpus[2];
	struct vm *vm = halted_pair(vcpus);
	uint64_t one = 1;
	int round = 0;

	NEED(ioctl(vm->fd, KVM_IRQFD, &irqfd) == 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (storm_goes_on(&start)) {
		if (round++ % 16 == 0)
			NEED(set_routes(vm, &route, round & 16 ? 1 : 0) == 0);
		NEED(write(irqfd.fd, &one, 8) == 8);
	}
	expect_still_there(vcpus);
}

ABI_TEST("a storm of interprocessor interrupts")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpus[2];
	int id;

	for (id = 0; id < 2; id++) {
		vcpus[id] = machine(vm, id, ipi_storm, ipi_storm_end);
		vcpu_start(vcpus[id]);
	}
	sleep_ms(STORM_MS);
	expect_still_there(vcpus);
}

ABI_TEST("a storm of NMIs")
{
	struct kvm_msi nmi = {.address_lo = LAPIC_GPA | 0xff << 12, .data = 0x400};
	struct timespec start;
	struct vcpu *vcpus[2];
	struct vm *vm = halted_pair(vcpus);

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (storm_goes_on(&start))
		ioctl(vm->fd, KVM_SIGNAL_MSI, &nmi);
	expect_still_there(vcpus);
}

ABI_TEST("INIT and SIPI storms")
{
	struct kvm_msi init = {.address_lo = LAPIC_GPA | 1 << 12, .data = 0x4500};
	struct kvm_msi sipi = {.address_lo = LAPIC_GPA | 1 << 12, .data = 0x4601};
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct timespec start;
	struct vcpu *ap;

	vcpu_load16(machine(vm, 0, halt, halt_end), halt, halt_end);
	ap = machine(vm, 1, halt, halt_end);
	clock_gettime(CLOCK_MONOTONIC, &start);
	vcpu_start(ap);
	while (storm_goes_on(&start)) {
		ioctl(vm->fd, KVM_SIGNAL_MSI, &init);
		ioctl(vm->fd, KVM_SIGNAL_MSI, &sipi);
		if (vcpu_returns_within(ap, 1))
			vcpu_start(ap);
	}
	expect_device_works();
}
