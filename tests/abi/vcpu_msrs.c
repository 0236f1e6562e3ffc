// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_MSRS and KVM_SET_MSRS: counting, limits, and the values clients write at start.
 */
#include "abi.h"

static const struct kvm_msr_entry at_boot[] = {
	{.index = 0x174, .data = 0},	    {.index = 0x175, .data = 0},
	{.index = 0x176, .data = 0},	    {.index = 0xc0000081, .data = 0},
	{.index = 0xc0000082, .data = 0},   {.index = 0xc0000083, .data = 0},
	{.index = 0xc0000084, .data = 0},   {.index = 0xc0000102, .data = 0},
	{.index = 0x10, .data = 0},	    {.index = 0x1a0, .data = 1},
	{.index = 0x2ff, .data = 0xc06},    {.index = 0x1b, .data = 0xfee00900},
	{.index = 0x277, .data = 0x7040600070406},
};

static struct kvm_msrs *list_of(const struct kvm_msr_entry *entries, uint32_t count)
{
	struct kvm_msrs *list = calloc(1, sizeof(*list) + count * sizeof(*entries));

	NEED(list);
	list->nmsrs = count;
	memcpy(list->entries, entries, count * sizeof(*entries));
	return list;
}

ABI_TEST("the MSRs clients write at start are all accepted")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_msrs *list = list_of(at_boot, ARRAY_SIZE(at_boot));

	EXPECT_EQ(ioctl(vcpu->fd, KVM_SET_MSRS, list), ARRAY_SIZE(at_boot));
}

ABI_TEST("the result counts the entries before the first that is refused")
{
	static const struct kvm_msr_entry entries[] = {
		{.index = 0x174}, {.index = 0x175}, {.index = 0xdeadbeef}, {.index = 0x176}};
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);

	EXPECT_EQ(ioctl(vcpu->fd, KVM_SET_MSRS, list_of(entries, 4)), 2);
	EXPECT_EQ(ioctl(vcpu->fd, KVM_GET_MSRS, list_of(entries, 4)), 2);
}

/* Stock KVM ends at 255; clients chunk by 256, so a device may take that as well. */
ABI_TEST("255 entries are accepted, 10000 are E2BIG")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	struct kvm_msr_entry entries[10000];
	int i;

	for (i = 0; i < 10000; i++)
		entries[i] = (struct kvm_msr_entry){.index = 0x174};
	EXPECT_EQ(ioctl(vcpu->fd, KVM_SET_MSRS, list_of(entries, 255)), 255);
	EXPECT_EQ(ioctl(vcpu->fd, KVM_GET_MSRS, list_of(entries, 255)), 255);
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_MSRS, list_of(entries, 10000)), E2BIG);
}

ABI_TEST("the values after a reset are the architecture's")
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} reset[] = {{0x277, 0x7040600070406}, {0x174, 0}, {0xc0000102, 0}, {0x1b, 0xfee00900},
		     {0xfe, 0x508}};
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reset); i++) {
		EXPECT_EQ(msr_get(vcpu, reset[i].index, &value), 1);
		if (value != reset[i].value)
			abi_fail(__FILE__, __LINE__, "MSR %#x is %#llx", reset[i].index,
				 (unsigned long long)value);
	}
}

ABI_TEST("32 machine-check banks, each readable")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t value;
	uint32_t index;

	EXPECT_EQ(msr_get(vcpu, 0x179, &value), 1);
	EXPECT_EQ(value & 0xff, 32);
	for (index = 0x400; index < 0x480; index++) {
		if (msr_get(vcpu, index, &value) != 1)
			abi_fail(__FILE__, __LINE__, "MSR %#x", index);
	}
}

ABI_TEST("every MTRR is readable and takes its value back")
{
	static const uint32_t fixed[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c,
		0x26d, 0x26e, 0x26f, 0x2ff};
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t value;
	uint32_t i;

	for (i = 0; i < 16; i++) {
		EXPECT_EQ(msr_get(vcpu, 0x200 + i, &value), 1);
		EXPECT_EQ(msr_set(vcpu, 0x200 + i, value), 1);
	}
	for (i = 0; i < ARRAY_SIZE(fixed); i++) {
		EXPECT_EQ(msr_get(vcpu, fixed[i], &value), 1);
		EXPECT_EQ(msr_set(vcpu, fixed[i], value), 1);
	}
}

ABI_TEST("a PAT with a reserved type and a non-canonical SYSENTER_EIP are refused or kept sane")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	uint64_t value;

	EXPECT_EQ(msr_set(vcpu, 0x277, 0x0202020202020202), 0);
	EXPECT_EQ(msr_get(vcpu, 0x277, &value), 1);
	EXPECT_EQ(value, 0x7040600070406);
	EXPECT_EQ(msr_set(vcpu, 0xc0000102, 1ULL << 63), 0);
}
