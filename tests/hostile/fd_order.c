// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine's fds and mappings let go in every order.
 */
#include "hostile.h"

enum { SYSTEM, VM, FIRST, SECOND, MAPPING, EVENT, PIECES };

/**
 * struct pieces - what a machine consists of
 */
struct pieces {
	int fd[PIECES];
	struct kvm_run *run;
};

GUEST(spin, 16, "sti; 1: jmp 1b");

static void assemble(struct pieces *pieces)
{
	struct vm *vm = vm_create(VM_PIT);
	struct vcpu *first = vcpu_create(vm, 0), *second = vcpu_create(vm, 1);
	int event = event_fd();
	struct kvm_irqfd irqfd = {.fd = event, .gsi = 5};
	struct kvm_ioeventfd ioevent = {.fd = event, .addr = HOLE_GPA, .len = 4};

	NEED(ioctl(vm->fd, KVM_IRQFD, &irqfd) == 0);
	NEED(ioctl(vm->fd, KVM_IOEVENTFD, &ioevent) == 0);
	pieces->fd[SYSTEM] = abi_open();
	pieces->fd[VM] = vm->fd;
	pieces->fd[FIRST] = first->fd;
	pieces->fd[SECOND] = second->fd;
	pieces->fd[EVENT] = event;
	pieces->run = first->run;
	munmap(second->run, 3 * 4096);
	munmap(vm->ram, RAM_SIZE);
}

static void let_go(struct pieces *pieces, int piece)
{
	if (piece == MAPPING)
		munmap(pieces->run, 3 * 4096);
	else
		close(pieces->fd[piece]);
}

/* The orders one after another, by their number in the factorial base. */
static void one_order(unsigned int number)
{
	int left[PIECES] = {SYSTEM, VM, FIRST, SECOND, MAPPING, EVENT}, count;
	struct pieces pieces;

	assemble(&pieces);
	for (count = PIECES; count; count--) {
		unsigned int pick = number % count;

		number /= count;
		let_go(&pieces, left[pick]);
		left[pick] = left[count - 1];
	}
}

static void some_orders(void)
{
	unsigned int number;

	for (number = 0; number < 720; number += 7)
		one_order(number);
}

ABI_TEST("every order leaves nothing behind")
{
	int before = module_references();

	some_orders();
	sleep_ms(200);
	EXPECT_EQ(module_references(), before);
	expect_no_leak(some_orders, 1, 2);
	expect_device_works();
}

ABI_TEST("fds closed under a running vCPU")
{
	struct vm *vm = vm_create(VM_PIT);
	struct vcpu *vcpu = vcpu_create(vm, 0);

	vcpu_load16(vcpu, spin, spin_end);
	vcpu_start(vcpu);
	sleep_ms(50);
	close(vm->fd);
	close(vcpu->fd);
	munmap(vcpu->run, 3 * 4096);
	EXPECT(!vcpu_returns_within(vcpu, 100));
	vcpu_kick(vcpu);
	EXPECT(vcpu_returns_within(vcpu, 5000));
	expect_device_works();
}

ABI_TEST("an eventfd closed while it is being signalled")
{
	struct vm *vm = vm_create(VM_PIT);
	uint64_t one = 1;
	int round;

	vcpu_create(vm, 0);
	for (round = 0; round < 200; round++) {
		struct kvm_irqfd irqfd = {.fd = event_fd(), .gsi = 5};

		NEED(ioctl(vm->fd, KVM_IRQFD, &irqfd) == 0);
		NEED(write(irqfd.fd, &one, 8) == 8);
		close(irqfd.fd);
	}
	expect_device_works();
}
