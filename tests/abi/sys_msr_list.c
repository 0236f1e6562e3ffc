// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_MSR_INDEX_LIST: sizing protocol, and what listing an MSR promises.
 */
#include "abi.h"

static struct kvm_msr_list *msr_list(void)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 256 * sizeof(uint32_t));

	NEED(list);
	list->nmsrs = 256;
	NEED(ioctl(abi_open(), KVM_GET_MSR_INDEX_LIST, list) == 0);
	return list;
}

ABI_TEST("too small a list is E2BIG and says how many there are")
{
	struct kvm_msr_list none = {.nmsrs = 0};

	EXPECT_ERRNO(ioctl(abi_open(), KVM_GET_MSR_INDEX_LIST, &none), E2BIG);
	EXPECT_EQ(none.nmsrs, msr_list()->nmsrs);
}

ABI_TEST("the list has at most 228 entries")
{
	EXPECT(msr_list()->nmsrs <= 228);
}

ABI_TEST("the list has no index twice")
{
	struct kvm_msr_list *list = msr_list();
	uint32_t i, j;

	for (i = 0; i < list->nmsrs; i++) {
		for (j = 0; j < i; j++)
			EXPECT(list->indices[i] != list->indices[j]);
	}
}

ABI_TEST("the list has what a snapshot needs")
{
	static const uint32_t needed[] = {0x174, 0x175, 0x176, 0xc0000081, 0xc0000082, 0xc0000083,
		0xc0000084, 0xc0000102, 0x10, 0x277, 0x11, 0x12, 0x4b564d00, 0x4b564d01, 0x3b,
		0x6e0, 0x1a0, 0x17a, 0x17b};
	struct kvm_msr_list *list = msr_list();
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		for (j = 0; j < list->nmsrs && list->indices[j] != needed[i]; j++)
			;
		if (j == list->nmsrs)
			abi_fail(__FILE__, __LINE__, "MSR %#x is not listed", needed[i]);
	}
}

/* The capabilities of nested VMX are listed by kvm-intel, but not there for a vCPU without VMX. */
static bool nested_capability(uint32_t index)
{
	return index >= 0x480 && index <= 0x491;
}

/* Whether such an MSR can be touched depends on a feature the vCPU has or lacks. */
static void every_listed_msr(struct vcpu *vcpu)
{
	struct kvm_msr_list *list = msr_list();
	uint64_t value;
	uint32_t i;

	for (i = 0; i < list->nmsrs; i++) {
		uint32_t index = list->indices[i];

		if (nested_capability(index))
			continue;
		if (msr_get(vcpu, index, &value) != 1)
			abi_fail(__FILE__, __LINE__, "MSR %#x cannot be read", index);
		else if (msr_set(vcpu, index, value) != 1)
			abi_fail(__FILE__, __LINE__, "MSR %#x refuses its own value %#llx", index,
				 (unsigned long long)value);
	}
}

ABI_TEST("every listed MSR is read and takes its own value back")
{
	every_listed_msr(vcpu_create(vm_create(VM_IRQCHIP), 0));
}

ABI_TEST("so it is before KVM_SET_CPUID2: hidden MSRs read and take 0")
{
	every_listed_msr(vcpu_create_bare(vm_create(VM_IRQCHIP), 0));
}
