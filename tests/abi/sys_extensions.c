// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CHECK_EXTENSION: the values clients start on, the same on system and VM fd.
 */
#include "abi.h"

static const struct {
	const char *name;
	int cap;
	int value; /* 0: anything positive */
} required[] = {
	{"IRQCHIP", KVM_CAP_IRQCHIP, 1},
	{"HLT", KVM_CAP_HLT, 1},
	{"USER_MEMORY", KVM_CAP_USER_MEMORY, 1},
	{"SET_TSS_ADDR", KVM_CAP_SET_TSS_ADDR, 1},
	{"EXT_CPUID", KVM_CAP_EXT_CPUID, 1},
	{"NR_VCPUS", KVM_CAP_NR_VCPUS, 0},
	{"NR_MEMSLOTS", KVM_CAP_NR_MEMSLOTS, 0},
	{"MP_STATE", KVM_CAP_MP_STATE, 1},
	{"COALESCED_MMIO", KVM_CAP_COALESCED_MMIO, 2},
	{"DESTROY_MEMORY_REGION_WORKS", KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1},
	{"USER_NMI", KVM_CAP_USER_NMI, 1},
	{"SET_GUEST_DEBUG", KVM_CAP_SET_GUEST_DEBUG, 1},
	{"IRQ_ROUTING", KVM_CAP_IRQ_ROUTING, 4096},
	{"IRQ_INJECT_STATUS", KVM_CAP_IRQ_INJECT_STATUS, 1},
	{"JOIN_MEMORY_REGIONS_WORKS", KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1},
	{"IRQFD", KVM_CAP_IRQFD, 1},
	{"PIT2", KVM_CAP_PIT2, 1},
	{"PIT_STATE2", KVM_CAP_PIT_STATE2, 1},
	{"IOEVENTFD", KVM_CAP_IOEVENTFD, 1},
	{"SET_IDENTITY_MAP_ADDR", KVM_CAP_SET_IDENTITY_MAP_ADDR, 1},
	{"ADJUST_CLOCK", KVM_CAP_ADJUST_CLOCK, 0},
	{"VCPU_EVENTS", KVM_CAP_VCPU_EVENTS, 1},
	{"DEBUGREGS", KVM_CAP_DEBUGREGS, 1},
	{"XSAVE", KVM_CAP_XSAVE, 1},
	{"XCRS", KVM_CAP_XCRS, 1},
	{"GET_TSC_KHZ", KVM_CAP_GET_TSC_KHZ, 1},
	{"MAX_VCPUS", KVM_CAP_MAX_VCPUS, 0},
	{"TSC_DEADLINE_TIMER", KVM_CAP_TSC_DEADLINE_TIMER, 1},
	{"SIGNAL_MSI", KVM_CAP_SIGNAL_MSI, 1},
	{"READONLY_MEM", KVM_CAP_READONLY_MEM, 1},
	{"IRQFD_RESAMPLE", KVM_CAP_IRQFD_RESAMPLE, 1},
	{"CHECK_EXTENSION_VM", KVM_CAP_CHECK_EXTENSION_VM, 1},
	{"IOEVENTFD_ANY_LENGTH", KVM_CAP_IOEVENTFD_ANY_LENGTH, 1},
	{"MAX_VCPU_ID", KVM_CAP_MAX_VCPU_ID, 0},
	{"IMMEDIATE_EXIT", KVM_CAP_IMMEDIATE_EXIT, 1},
};

ABI_TEST("the capabilities clients need have the values they need")
{
	int sys = abi_open(), vm = vm_create(0)->fd;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(required); i++) {
		int on_sys = ioctl(sys, KVM_CHECK_EXTENSION, (long)required[i].cap);
		int on_vm = ioctl(vm, KVM_CHECK_EXTENSION, (long)required[i].cap);

		if (on_sys <= 0 || (required[i].value && on_sys != required[i].value))
			abi_fail(__FILE__, __LINE__, "%s: system fd says %d", required[i].name,
				 on_sys);
		if (on_vm != on_sys)
			abi_fail(__FILE__, __LINE__, "%s: system fd says %d, VM fd %d",
				 required[i].name, on_sys, on_vm);
	}
}

ABI_TEST("an unknown capability is 0, never an error")
{
	int sys = abi_open(), vm = vm_create(0)->fd;

	EXPECT_EQ(ioctl(sys, KVM_CHECK_EXTENSION, 100000L), 0);
	EXPECT_EQ(ioctl(vm, KVM_CHECK_EXTENSION, 100000L), 0);
	EXPECT_EQ(ioctl(sys, KVM_CHECK_EXTENSION, -1L), 0);
}

ABI_TEST("MSI_DEVID is absent on x86")
{
	EXPECT_EQ(abi_cap(KVM_CAP_MSI_DEVID), 0);
}

ABI_TEST("ADJUST_CLOCK has TSC_STABLE")
{
	EXPECT(abi_cap(KVM_CAP_ADJUST_CLOCK) & KVM_CLOCK_TSC_STABLE);
}

ABI_TEST("XSAVE2 is 0 or at least 4096, never negative")
{
	int size = ioctl(vm_create(0)->fd, KVM_CHECK_EXTENSION, (long)KVM_CAP_XSAVE2);

	EXPECT(size == 0 || size >= 4096);
}

ABI_TEST("vCPU limits: NR_VCPUS <= MAX_VCPUS <= MAX_VCPU_ID")
{
	EXPECT(abi_cap(KVM_CAP_NR_VCPUS) <= abi_cap(KVM_CAP_MAX_VCPUS));
	EXPECT(abi_cap(KVM_CAP_MAX_VCPUS) <= abi_cap(KVM_CAP_MAX_VCPU_ID));
	EXPECT(abi_cap(KVM_CAP_MAX_VCPUS) >= 16);
}
