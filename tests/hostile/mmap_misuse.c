// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of the vCPU fd that nobody needs.
 */
#include "hostile.h"

#include <signal.h>
#include <sys/wait.h>

GUEST(loop, 16, "1: out %al, $0x80; jmp 1b");

ABI_TEST("offsets, lengths and protections of every kind")
{
	static const int protections[] = {PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_EXEC,
		PROT_READ | PROT_WRITE};
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	long page, pages;
	size_t i;

	for (page = 0; page < 80; page += 7) {
		for (pages = 1; pages < 100; pages *= 3) {
			for (i = 0; i < ARRAY_SIZE(protections); i++) {
				long offset = page * 4096, length = pages * 4096;

				mmap(NULL, length, protections[i], MAP_SHARED, vcpu->fd, offset);
				mmap(NULL, length, protections[i], MAP_PRIVATE, vcpu->fd, offset);
			}
		}
	}
	mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->fd, 1L << 50);
	mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->vm->fd, 0);
	mmap(NULL, 4096, PROT_READ, MAP_SHARED, abi_open(), 0);
	expect_device_works();
}

static void touch_beyond(void *argument)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	volatile uint8_t *far = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd,
				     *(long *)argument * 4096);

	if (far == MAP_FAILED)
		raise(SIGBUS);
	far[0] = 1;
}

ABI_TEST("a page beyond the last is SIGBUS when touched, if it maps at all")
{
	static long pages[] = {3, 4, 64, 1000, 1L << 40};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		int status = in_child(touch_beyond, &pages[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGBUS)
			abi_fail(__FILE__, __LINE__, "page %ld: status %#x", pages[i], status);
	}
}

ABI_TEST("kvm_run full of random bytes before every KVM_RUN")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t random = hostile_seed();
	int round;
	size_t at;

	vcpu_load16(vcpu, loop, loop_end);
	signal_every_ms(10);
	for (round = 0; round < 500; round++) {
		for (at = 0; at < 3 * 4096; at += 8) {
			uint64_t value = hostile_random(&random);

			memcpy((uint8_t *)vcpu->run + at, &value, 8);
		}
		if (round & 1) {
			vcpu->run->immediate_exit = 0;
			vcpu->run->kvm_valid_regs = vcpu->run->kvm_dirty_regs = 0;
		}
		vcpu_run(vcpu);
	}
	expect_device_works();
}

static void *scribble(void *argument)
{
	struct vcpu *vcpu = argument;
	uint64_t random = 1;

	for (;;) {
		size_t at = hostile_random(&random) % (3 * 4096);

		((volatile uint8_t *)vcpu->run)[at] = hostile_random(&random);
	}
	return NULL;
}

ABI_TEST("kvm_run scribbled over while the vCPU runs")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	pthread_t scribbler;
	int round;

	vcpu_load16(vcpu, loop, loop_end);
	signal_every_ms(10);
	NEED(pthread_create(&scribbler, NULL, scribble, vcpu) == 0);
	for (round = 0; round < 2000; round++)
		vcpu_run(vcpu);
	expect_device_works();
}
