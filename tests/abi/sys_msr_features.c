// SPDX-License-Identifier: GPL-2.0-only
/*
 * Feature MSRs: if capability GET_MSR_FEATURES is set, the list is not empty and each can be read
 * on the system fd.
 */
#include "abi.h"

static struct kvm_msr_list *feature_list(int sys)
{
	struct kvm_msr_list *list = host_pages(8192);

	list->nmsrs = 500;
	NEED(ioctl(sys, KVM_GET_MSR_FEATURE_INDEX_LIST, list) == 0);
	return list;
}

ABI_TEST("every listed feature MSR is read on the system fd")
{
	struct kvm_msrs *msrs = host_pages(8192);
	struct kvm_msr_list *list;
	int sys = abi_open();
	uint32_t i;

	if (!abi_cap(KVM_CAP_GET_MSR_FEATURES))
		abi_skip("no capability GET_MSR_FEATURES");
	list = feature_list(sys);
	EXPECT(list->nmsrs > 0);
	for (i = 0; i < list->nmsrs; i++) {
		msrs->nmsrs = 1;
		msrs->entries[0].index = list->indices[i];
		if (ioctl(sys, KVM_GET_MSRS, msrs) != 1)
			abi_fail(__FILE__, __LINE__, "MSR %#x", list->indices[i]);
	}
}

/* Whoever lacks it takes itself for vulnerable to all there is. */
ABI_TEST("an Intel guest has ARCH_CAPABILITIES, with the value of the feature MSR from the start")
{
	struct kvm_cpuid2 *cpuid = supported_cpuid();
	const struct kvm_cpuid_entry2 *leaf = cpuid_leaf(cpuid, 7);
	struct kvm_msrs *msrs = host_pages(4096);
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_msr_list *list;
	int sys = abi_open();
	uint64_t offered;
	uint32_t i;

	if (!abi_vmx())
		abi_skip("only Intel's CPUs have it");
	NEED(leaf);
	EXPECT(leaf->edx & 1 << 29);
	list = feature_list(sys);
	for (i = 0; i < list->nmsrs && list->indices[i] != 0x10a; i++)
		;
	EXPECT(i < list->nmsrs);
	msrs->nmsrs = 1;
	msrs->entries[0].index = 0x10a;
	NEED(ioctl(sys, KVM_GET_MSRS, msrs) == 1);
	offered = msrs->entries[0].data;
	EXPECT(offered & 1 << 6);
	NEED(ioctl(vcpu->fd, KVM_GET_MSRS, msrs) == 1);
	EXPECT_EQ(msrs->entries[0].data, offered);
}

ABI_TEST("too small a feature list is E2BIG and says how many there are")
{
	struct kvm_msr_list none = {.nmsrs = 0};

	if (!abi_cap(KVM_CAP_GET_MSR_FEATURES))
		abi_skip("no capability GET_MSR_FEATURES");
	EXPECT_ERRNO(ioctl(abi_open(), KVM_GET_MSR_FEATURE_INDEX_LIST, &none), E2BIG);
	EXPECT(none.nmsrs > 0);
}
