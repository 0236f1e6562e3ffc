// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_CLOCK and KVM_SET_CLOCK.
 */
#include "abi.h"

#include <time.h>

#define SECOND 1000000000ULL

static struct kvm_clock_data now(struct vm *vm)
{
	struct kvm_clock_data clock = {0};

	NEED(ioctl(vm->fd, KVM_GET_CLOCK, &clock) == 0);
	return clock;
}

ABI_TEST("a new VM's clock starts near zero and moves")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	uint64_t first = now(vm).clock;

	EXPECT(first < 1000000000);
	sleep_ms(20);
	EXPECT(now(vm).clock >= first + 10000000);
}

ABI_TEST("a set clock goes on from there")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_clock_data clock = {.clock = 3600000000000};

	EXPECT_OK(ioctl(vm->fd, KVM_SET_CLOCK, &clock));
	EXPECT(now(vm).clock >= 3600000000000 && now(vm).clock < 3610000000000);
}

ABI_TEST("the flags that KVM_GET_CLOCK reports are taken back")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_clock_data clock;

	vcpu_create(vm, 0);
	clock = now(vm);
	EXPECT_EQ(clock.flags & ~0xeU, 0);
	EXPECT_OK(ioctl(vm->fd, KVM_SET_CLOCK, &clock));
}

ABI_TEST("the flag sets of the clients are taken: 0, REALTIME, all")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	static const uint32_t flags[] = {0, 2, 4, 8, 0xe};
	struct kvm_clock_data clock = now(vm);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		clock.flags = flags[i];
		EXPECT_OK(ioctl(vm->fd, KVM_SET_CLOCK, &clock));
	}
}

ABI_TEST("unknown flags are EINVAL")
{
	struct kvm_clock_data clock = {.flags = 1 << 10};

	EXPECT_ERRNO(ioctl(vm_create(0)->fd, KVM_SET_CLOCK, &clock), EINVAL);
}

static uint64_t time_of_day(void)
{
	struct timespec t;

	NEED(clock_gettime(CLOCK_REALTIME, &t) == 0);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* The clock after it was set to 1000 s with what was the time of day then. */
static uint64_t set_with(uint32_t flags, uint64_t realtime)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_clock_data clock = {.clock = 1000 * SECOND, .flags = flags, .realtime = realtime};

	EXPECT_OK(ioctl(vm->fd, KVM_SET_CLOCK, &clock));
	return now(vm).clock;
}

ABI_TEST("with REALTIME the clock goes on by what the time of day has since, and never back")
{
	uint64_t past = time_of_day() - 50 * SECOND, future = time_of_day() + 50 * SECOND, clock;

	clock = set_with(KVM_CLOCK_REALTIME, past);
	EXPECT(clock >= 1050 * SECOND && clock < 1070 * SECOND);
	clock = set_with(KVM_CLOCK_REALTIME, future);
	EXPECT(clock >= 1000 * SECOND && clock < 1020 * SECOND);
	clock = set_with(0, past);
	EXPECT(clock >= 1000 * SECOND && clock < 1020 * SECOND);
}

GUEST(done, 16, "out %al, $0xf4");

ABI_TEST("once a guest has run, KVM_GET_CLOCK says the time of day with its clock")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t before = time_of_day();
	struct kvm_clock_data clock;

	vcpu_load16(vcpu, done, done_end);
	NEED(vcpu_done(vcpu));
	clock = now(vcpu->vm);
	NEED(clock.flags & KVM_CLOCK_REALTIME);
	EXPECT(clock.realtime >= before && clock.realtime <= time_of_day());
}
