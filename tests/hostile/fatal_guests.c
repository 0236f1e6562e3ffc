// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that end at once: triple faults, states no CPU accepts, code where no memory is.
 */
#include "hostile.h"

GUEST(fault, 16, "lidtw 0x5000; int3");
GUEST(stray, 16, "ljmp $0xffff, $0x10");

ABI_TEST("a hundred triple faults")
{
	int round;

	for (round = 0; round < 100; round++) {
		struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

		vcpu_load16(vcpu, fault, fault_end);
		NEED(vcpu_runs_to(vcpu, KVM_EXIT_SHUTDOWN));
		close(vcpu->fd);
		munmap(vcpu->run, 3 * 4096);
		close(vcpu->vm->fd);
		munmap(vcpu->vm->ram, RAM_SIZE);
	}
	expect_device_works();
}

ABI_TEST("KVM_RUN after a triple fault, again and again")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int round;

	signal_every_ms(10);
	vcpu_load16(vcpu, fault, fault_end);
	for (round = 0; round < 50; round++)
		vcpu_run(vcpu);
	expect_device_works();
}

ABI_TEST("code fetched from where no memory is ends the run, not the host")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_sregs sregs;

	signal_every_ms(20);
	vcpu_load16(vcpu, stray, stray_end);
	sregs = vcpu_sregs(vcpu);
	sregs.cs.base = 0x10000000;
	NEED(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) == 0);
	vcpu_run(vcpu);
	expect_device_works();
}

ABI_TEST("random system registers")
{
	uint64_t random = hostile_seed();
	int round;

	signal_every_ms(5);
	for (round = 0; round < 200; round++) {
		struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
		struct kvm_sregs sregs;
		uint8_t *bytes = (uint8_t *)&sregs;
		int changes = hostile_random(&random) % 6 + 1;

		vcpu_load64(vcpu, stray, stray_end);
		sregs = vcpu_sregs(vcpu);
		while (changes--) {
			size_t at = hostile_random(&random) % sizeof(sregs);

			bytes[at] ^= 1 << hostile_random(&random) % 8;
		}
		ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
		vcpu_run(vcpu);
		vcpu_run(vcpu);
		close(vcpu->fd);
		munmap(vcpu->run, 3 * 4096);
		close(vcpu->vm->fd);
		munmap(vcpu->vm->ram, RAM_SIZE);
	}
	expect_device_works();
}
