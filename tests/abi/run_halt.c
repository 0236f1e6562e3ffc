// SPDX-License-Identifier: GPL-2.0-only
/*
 * HLT blocks in the kernel while the local APIC is there, and leaves to user space without.
 */
#include "abi.h"

GUEST(halt, 16, "sti; hlt; out %al, $0xf4");
GUEST(halt_cli, 16, "cli; hlt; out %al, $0xf4");
GUEST(handler, 16, "iret");

static struct vcpu *halting(const uint8_t *code, const uint8_t *end)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, code, end);
	vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
	guest_handler16(vcpu, 0x41, HANDLER_GPA);
	lapic_write(vcpu, 0xf0, 0x1ff);
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
	return vcpu;
}

static void expect_done(struct vcpu *vcpu)
{
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->result, 0);
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
}

ABI_TEST("an interrupt wakes it")
{
	struct kvm_msi msi = {.address_lo = LAPIC_GPA, .data = 0x41};
	struct vcpu *vcpu = halting(halt, halt_end);

	EXPECT_EQ(ioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	expect_done(vcpu);
}

ABI_TEST("with interrupts off an NMI wakes it, an interrupt does not")
{
	struct kvm_msi msi = {.address_lo = LAPIC_GPA, .data = 0x41};
	struct kvm_msi nmi = {.address_lo = LAPIC_GPA, .data = 0x400};
	struct vcpu *vcpu = halting(halt_cli, halt_cli_end);

	guest_handler16(vcpu, 2, HANDLER_GPA);
	EXPECT_EQ(ioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	EXPECT(!vcpu_returns_within(vcpu, 200));
	EXPECT_EQ(ioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &nmi), 1);
	expect_done(vcpu);
}

ABI_TEST("HLT leaves with KVM_EXIT_HLT when there is no local APIC in the kernel")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);

	vcpu_load16(vcpu, halt, halt_end);
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_HLT));
	EXPECT_EQ(vcpu_regs(vcpu).rip, CODE_GPA + 2);
}

ABI_TEST("a kicked halt is still halted when it runs again")
{
	struct vcpu *vcpu = halting(halt, halt_end);

	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->error, EINTR);
	EXPECT_EQ(vcpu_mp_state(vcpu), KVM_MP_STATE_HALTED);
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
}
