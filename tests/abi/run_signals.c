// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN and signals: EINTR with exit reason INTR, from a running and from a halted guest.
 */
#include "abi.h"

#include <signal.h>

GUEST(spin, 16, "sti; 1: jmp 1b");
GUEST(halt, 16, "sti; 1: hlt; jmp 1b");

static void kicked(const uint8_t *code, const uint8_t *end)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, code, end);
	vcpu->run->exit_reason = 99;
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->result, -1);
	EXPECT_EQ(vcpu->error, EINTR);
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_INTR);
}

ABI_TEST("a running guest leaves with EINTR and INTR")
{
	kicked(spin, spin_end);
}

ABI_TEST("a halted guest leaves with EINTR and INTR")
{
	kicked(halt, halt_end);
}

ABI_TEST("a signal that is already pending is seen at entry")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	sigset_t usr1, none;

	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	vcpu_load16(vcpu, spin, spin_end);
	/* Blocked outside KVM_RUN, deliverable inside: only the vCPU's own mask can see to that. */
	NEED(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0);
	raise(SIGUSR1);
	struct {
		uint32_t len;
		uint8_t set[8];
	} __attribute__((packed)) mask = {.len = 8};
	NEED(ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask) == 0);
	EXPECT_EQ(vcpu_run(vcpu), EINTR);
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_INTR);
}

ABI_TEST("a signal the mask blocks does not end KVM_RUN")
{
	struct {
		uint32_t len;
		uint64_t set;
	} __attribute__((packed)) mask = {.len = 8, .set = 1ULL << (SIGUSR1 - 1)};
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, spin, spin_end);
	NEED(ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask) == 0);
	vcpu_start(vcpu);
	sleep_ms(100);
	vcpu_kick(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
}

ABI_TEST("a signal mask of another length is EINVAL, none takes the mask away")
{
	struct vcpu *vcpu = vcpu_create_bare(vm_create(VM_IRQCHIP), 0);
	struct {
		uint32_t len;
		uint64_t set;
	} __attribute__((packed)) mask = {.len = 4};

	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask), EINVAL);
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, NULL));
}
