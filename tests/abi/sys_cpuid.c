// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_SUPPORTED_CPUID: sizing protocol, order and the leaves clients do not start without.
 */
#include "abi.h"

enum { VENDOR_MAX = 100 };

ABI_TEST("too few entries are E2BIG")
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 room[3];
	} few = {.head.nent = 3};
	struct kvm_cpuid2 none = {.nent = 0};
	int sys = abi_open();

	EXPECT_ERRNO(ioctl(sys, KVM_GET_SUPPORTED_CPUID, &none), E2BIG);
	EXPECT_ERRNO(ioctl(sys, KVM_GET_SUPPORTED_CPUID, &few), E2BIG);
}

ABI_TEST("a huge nent is no error")
{
	struct kvm_cpuid2 *cpuid = host_pages(1 << 20);

	cpuid->nent = 1000;
	EXPECT_OK(ioctl(abi_open(), KVM_GET_SUPPORTED_CPUID, cpuid));
	EXPECT(cpuid->nent > 10 && cpuid->nent <= VENDOR_MAX);
}

ABI_TEST("the leaves clients need are there")
{
	static const uint32_t leaves[] = {0, 1, 7, 0xd, 0x40000000, 0x40000001, 0x80000000,
		0x80000001, 0x80000002, 0x80000003, 0x80000004, 0x80000005, 0x80000006, 0x80000008};
	struct kvm_cpuid2 *cpuid = supported_cpuid();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		if (!cpuid_leaf(cpuid, leaves[i]))
			abi_fail(__FILE__, __LINE__, "no leaf %#x", leaves[i]);
	}
}

/* What errata, microcode or the command line forbid goes from the kernel's own view, not from the CPU's answers. */
ABI_TEST("nothing is offered that the host's kernel does without")
{
	static const struct {
		const char *flag;
		uint32_t leaf, index;
		size_t reg;
		unsigned int bit;
	} some[] = {
		{" pcid ", 1, 0, offsetof(struct kvm_cpuid_entry2, ecx), 17},
		{" rdrand ", 1, 0, offsetof(struct kvm_cpuid_entry2, ecx), 30},
		{" erms ", 7, 0, offsetof(struct kvm_cpuid_entry2, ebx), 9},
		{" rdseed ", 7, 0, offsetof(struct kvm_cpuid_entry2, ebx), 18},
		{" clflushopt ", 7, 0, offsetof(struct kvm_cpuid_entry2, ebx), 23},
		{" xsavec ", 0xd, 1, offsetof(struct kvm_cpuid_entry2, eax), 1},
		{" xgetbv1 ", 0xd, 1, offsetof(struct kvm_cpuid_entry2, eax), 2},
	};
	struct kvm_cpuid2 *cpuid = supported_cpuid();
	FILE *in = fopen("/proc/cpuinfo", "r");
	char line[8192];
	size_t i, k;

	NEED(in);
	while (fgets(line, sizeof(line), in) && strncmp(line, "flags", 5))
		;
	NEED(!strncmp(line, "flags", 5));
	line[strcspn(line, "\n")] = ' ';
	for (i = 0; i < ARRAY_SIZE(some); i++)
		for (k = 0; k < cpuid->nent; k++) {
			const struct kvm_cpuid_entry2 *e = &cpuid->entries[k];

			if (e->function == some[i].leaf && e->index == some[i].index &&
			    *(const uint32_t *)((const char *)e + some[i].reg) & 1U << some[i].bit &&
			    !strstr(line, some[i].flag))
				abi_fail(__FILE__, __LINE__, "the host's kernel does without%s", some[i].flag);
		}
}

ABI_TEST("leaf 1 comes before leaf 0x80000001")
{
	struct kvm_cpuid2 *cpuid = supported_cpuid();

	NEED(cpuid_leaf(cpuid, 1) && cpuid_leaf(cpuid, 0x80000001));
	EXPECT(cpuid_leaf(cpuid, 1) < cpuid_leaf(cpuid, 0x80000001));
}

ABI_TEST("the vendor is the host's")
{
	const struct kvm_cpuid_entry2 *leaf = cpuid_leaf(supported_cpuid(), 0);
	uint32_t eax, ebx, ecx, edx;

	NEED(leaf);
	__asm__("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(0));
	EXPECT_EQ(leaf->ebx, ebx);
	EXPECT_EQ(leaf->ecx, ecx);
	EXPECT_EQ(leaf->edx, edx);
}

ABI_TEST("the hypervisor leaf says KVMKVMKVM and offers kvmclock")
{
	struct kvm_cpuid2 *cpuid = supported_cpuid();
	const struct kvm_cpuid_entry2 *signature = cpuid_leaf(cpuid, 0x40000000);
	const struct kvm_cpuid_entry2 *features = cpuid_leaf(cpuid, 0x40000001);
	uint32_t clocks = 1 << 0 | 1 << 3 | 1 << 24;

	NEED(signature && features);
	EXPECT_EQ(signature->ebx, 0x4b4d564b);
	EXPECT_EQ(signature->ecx, 0x564b4d56);
	EXPECT_EQ(signature->edx, 0x4d);
	EXPECT_EQ(features->eax & clocks, clocks);
}

ABI_TEST("leaf 1 has x2APIC and the hypervisor's own features")
{
	const struct kvm_cpuid_entry2 *leaf = cpuid_leaf(supported_cpuid(), 1);

	NEED(leaf);
	EXPECT(leaf->ecx & 1 << 21);
	EXPECT(leaf->edx & 1 << 9);
	EXPECT(leaf->edx & 1 << 4);
}

ABI_TEST("leaves with subleaves carry the significant-index flag")
{
	struct kvm_cpuid2 *cpuid = supported_cpuid();
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function != 7 && entry->function != 0xd && entry->function != 0xb)
			continue;
		if (!(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX))
			abi_fail(__FILE__, __LINE__, "leaf %#x.%u", entry->function, entry->index);
	}
}

ABI_TEST("the XSAVE area fits the buffer KVM_GET_XSAVE uses")
{
	const struct kvm_cpuid_entry2 *leaf = cpuid_leaf(supported_cpuid(), 0xd);
	int xsave2 = abi_cap(KVM_CAP_XSAVE2);

	NEED(leaf);
	EXPECT(leaf->ecx <= (uint32_t)(xsave2 ? xsave2 : 4096));
}
