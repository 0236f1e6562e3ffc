// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_STATS_FD, where capability BINARY_STATS_FD is set: header, descriptors, moving values.
 */
#include "abi.h"

GUEST(exits, 16,
      "mov $50, %cx; 1: push %cx; xor %eax, %eax; cpuid; pop %cx; loop 1b; out %al, $0xf4");

static void check_stats(int fd)
{
	struct kvm_stats_header header;
	char id[256] = "";
	uint32_t i;

	NEED(fd >= 0);
	NEED(pread(fd, &header, sizeof(header), 0) == sizeof(header));
	EXPECT(header.num_desc > 0);
	EXPECT(header.name_size > 0 && header.name_size <= 256);
	NEED(pread(fd, id, sizeof(id) - 1, header.id_offset) > 0);
	EXPECT(strchr(id, '-')); /* a name, then the process */
	for (i = 0; i < header.num_desc; i++) {
		size_t size = sizeof(struct kvm_stats_desc) + header.name_size;
		struct kvm_stats_desc *desc = calloc(1, size + 1);
		uint64_t value;

		NEED(pread(fd, desc, size, header.desc_offset + i * size) == (ssize_t)size);
		EXPECT(desc->name[0]);
		EXPECT(desc->size >= 1);
		EXPECT_EQ(pread(fd, &value, 8, header.data_offset + desc->offset), 8);
		free(desc);
	}
}

ABI_TEST("header and descriptors of the VM's and the vCPU's statistics hold together")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, 0);

	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, (long)KVM_CAP_BINARY_STATS_FD) <= 0)
		abi_skip("no capability BINARY_STATS_FD");
	check_stats(ioctl(vm->fd, KVM_GET_STATS_FD, NULL));
	check_stats(ioctl(vcpu->fd, KVM_GET_STATS_FD, NULL));
}

/*
 * The guest's exits: 50 CPUIDs and a port write. Stock KVM has the sum of all kinds; ours has each kind, and counts one when it
 * is over, which for the port write is at the next entry.
 */
ABI_TEST("exits are counted")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	const char *exits_of = abi_stock() ? "exits" : "exit_cpuid", *user_of = abi_stock() ? "io_exits" : "user_exits";
	int64_t exits_before, user_before;

	if (ioctl(vcpu->vm->fd, KVM_CHECK_EXTENSION, (long)KVM_CAP_BINARY_STATS_FD) <= 0)
		abi_skip("no capability BINARY_STATS_FD");
	vcpu_load16(vcpu, exits, exits_end);
	exits_before = vcpu_stat(vcpu, exits_of);
	user_before = vcpu_stat(vcpu, user_of);
	NEED(exits_before >= 0 && user_before >= 0);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_stat(vcpu, user_of), user_before + 1);
	if (abi_stock())
		EXPECT(vcpu_stat(vcpu, exits_of) >= exits_before + 51);
	else
		EXPECT_EQ(vcpu_stat(vcpu, exits_of), exits_before + 50);
}
