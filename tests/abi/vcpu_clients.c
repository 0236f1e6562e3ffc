// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that clients make at every start and expect to succeed, or to fail with one errno.
 */
#include "abi.h"

GUEST(two_ports, 16, "out %al, $0x80; out %al, $0xf4");
GUEST(read_port, 16, "in $0x80, %al; out %al, $0xf4");
GUEST(elsewhere, 16, "out %al, $0x90");

ABI_TEST("the machine-check features that can be set up are told, and those can be")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t cap = 0;

	EXPECT_OK(ioctl(abi_open(), KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	EXPECT_EQ(cap & (1 << 24 | 1 << 8), 1 << 24 | 1 << 8);
	EXPECT(abi_cap(KVM_CAP_MCE) >= 10);
	cap |= 10;
	EXPECT_OK(ioctl(vcpu->fd, KVM_X86_SETUP_MCE, &cap));
}

ABI_TEST("a place for the virtual APIC is taken, TPR reports are switched")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_vapic_addr none = {0};
	struct kvm_tpr_access_ctl on = {.enabled = 1}, flags = {.flags = 1};

	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_VAPIC_ADDR, &none));
	EXPECT_OK(ioctl(vcpu->fd, KVM_TPR_ACCESS_REPORTING, &on));
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_TPR_ACCESS_REPORTING, &flags), EINVAL);
}

ABI_TEST("the virtual APIC's place needs a local APIC")
{
	struct kvm_vapic_addr none = {0};

	EXPECT_ERRNO(ioctl(vcpu_create(vm_create(0), 0)->fd, KVM_SET_VAPIC_ADDR, &none), EINVAL);
}

/* Stock KVM answers EINVAL where it was loaded with nested=0; its state has guests of guests in it else. */
ABI_TEST("the nested state of a guest that has none is a header, and may be set again")
{
	struct kvm_nested_state state = {.size = sizeof(state)};
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	if (abi_cap(KVM_CAP_NESTED_STATE))
		abi_skip("this device has guests of guests");
	if (ioctl(vcpu->fd, KVM_GET_NESTED_STATE, &state) && errno == EINVAL)
		abi_skip("not offered");
	EXPECT_EQ(state.size, sizeof(state));
	EXPECT_EQ(state.flags, 0);
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_NESTED_STATE, &state));
	state.size = 8;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_GET_NESTED_STATE, &state), E2BIG);
}

static bool goes_elsewhere(const uint8_t *code, const uint8_t *end)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_regs regs;

	vcpu_load16(vcpu, code, end);
	vcpu_place(vcpu, 0x3000, elsewhere, elsewhere_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	regs = vcpu_regs(vcpu);
	regs.rip = 0x3000;
	NEED(ioctl(vcpu->fd, KVM_SET_REGS, &regs) == 0);
	return vcpu_runs_to_port(vcpu, 0x90);
}

ABI_TEST("a new RIP between a port access and the next run is where the guest goes on")
{
	EXPECT(goes_elsewhere(two_ports, two_ports_end));
	EXPECT(goes_elsewhere(read_port, read_port_end));
}
