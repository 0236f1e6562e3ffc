// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_MP_STATE and KVM_SET_MP_STATE.
 */
#include "abi.h"

static int set_state(struct vcpu *vcpu, uint32_t value)
{
	struct kvm_mp_state state = {.mp_state = value};

	return ioctl(vcpu->fd, KVM_SET_MP_STATE, &state);
}

ABI_TEST("the states 0 to 3 are taken and read back")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu;
	uint32_t state;

	vcpu_create(vm, 0);
	vcpu = vcpu_create(vm, 1);
	for (state = KVM_MP_STATE_RUNNABLE; state <= KVM_MP_STATE_HALTED; state++) {
		EXPECT_OK(set_state(vcpu, state));
		EXPECT_EQ(vcpu_mp_state(vcpu), state);
	}
}

/* Stock KVM turns SIPI_RECEIVED into INIT_RECEIVED with a pending SIPI, which a read accepts. */
ABI_TEST("SIPI_RECEIVED is taken")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu;

	vcpu_create(vm, 0);
	vcpu = vcpu_create(vm, 1);
	EXPECT_OK(set_state(vcpu, KVM_MP_STATE_SIPI_RECEIVED));
	EXPECT_EQ(vcpu_mp_state(vcpu), KVM_MP_STATE_RUNNABLE);
}

ABI_TEST("states of other architectures are EINVAL")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	EXPECT_ERRNO(set_state(vcpu, KVM_MP_STATE_STOPPED), EINVAL);
	EXPECT_ERRNO(set_state(vcpu, 1000), EINVAL);
}

ABI_TEST("without a local APIC only RUNNABLE is taken")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);

	EXPECT_OK(set_state(vcpu, KVM_MP_STATE_RUNNABLE));
	EXPECT_ERRNO(set_state(vcpu, KVM_MP_STATE_HALTED), EINVAL);
	EXPECT_ERRNO(set_state(vcpu, KVM_MP_STATE_UNINITIALIZED), EINVAL);
}

GUEST(done, 16, "sti; nop; out %al, $0xf4");
GUEST(handler, 16, "iret");

ABI_TEST("a vCPU set to HALTED blocks until an interrupt")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_msi msi = {.address_lo = LAPIC_GPA, .data = 0x41};

	vcpu_load16(vcpu, done, done_end);
	vcpu_allow_interrupts(vcpu);
	vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
	guest_handler16(vcpu, 0x41, HANDLER_GPA);
	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(set_state(vcpu, KVM_MP_STATE_HALTED) == 0);
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
	EXPECT_EQ(ioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->result, 0);
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
}
