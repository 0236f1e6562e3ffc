// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that execute random bytes, in real and in long mode.
 */
#include "hostile.h"

enum { GUESTS = 60, RUNS = 40 };

static void answer(struct vcpu *vcpu, uint64_t *random)
{
	uint64_t value = hostile_random(random);

	if (vcpu->run->exit_reason == KVM_EXIT_MMIO)
		memcpy(vcpu->run->mmio.data, &value, 8);
	else if (vcpu->run->exit_reason == KVM_EXIT_IO)
		memcpy((uint8_t *)vcpu->run + vcpu->run->io.data_offset, &value, 8);
}

static void random_guest(uint64_t seed, void (*load)(struct vcpu *, const uint8_t *,
						      const uint8_t *))
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_PIT), 0);
	uint8_t code[4096];
	uint64_t random = seed;
	size_t at;
	int runs;

	for (at = 0; at < RAM_SIZE; at += 8) {
		uint64_t value = hostile_random(&random);

		memcpy(vcpu->vm->ram + at, &value, 8);
	}
	for (at = 0; at < sizeof(code); at++)
		code[at] = hostile_random(&random);
	load(vcpu, code, code + sizeof(code));
	signal_every_ms(5);
	for (runs = 0; runs < RUNS; runs++) {
		int error = vcpu_run(vcpu);

		if (error && error != EINTR && error != EAGAIN)
			break;
		if (!error && vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN)
			break;
		answer(vcpu, &random);
	}
}

static void real_mode(void *seed)
{
	random_guest(*(uint64_t *)seed, vcpu_load16);
}

static void long_mode(void *seed)
{
	random_guest(*(uint64_t *)seed, vcpu_load64);
}

static void many(void (*body)(void *))
{
	uint64_t seed = hostile_seed();
	int guest;

	for (guest = 0; guest < GUESTS; guest++) {
		uint64_t one = seed * GUESTS + guest;
		int status = in_child(body, &one);

		if (status)
			abi_fail(__FILE__, __LINE__, "guest %d: status %#x", guest, status);
	}
	expect_device_works();
}

ABI_TEST("random bytes in real mode")
{
	many(real_mode);
}

ABI_TEST("random bytes in long mode")
{
	many(long_mode);
}
