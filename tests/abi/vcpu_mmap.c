// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU's mapping: kvm_run, the port data page, the coalesced ring.
 */
#include "abi.h"

GUEST(out_byte, 16, "mov $0x5a, %al; out %al, $0x80; hlt");

ABI_TEST("KVM_GET_VCPU_MMAP_SIZE is three pages")
{
	EXPECT_EQ(ioctl(abi_open(), KVM_GET_VCPU_MMAP_SIZE, 0UL), 3 * 4096);
}

ABI_TEST("port data is in the second page")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);

	vcpu_load16(vcpu, out_byte, out_byte_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu->run->io.data_offset, 4096);
	EXPECT_EQ(run_port_data(vcpu), 0x5a);
}

ABI_TEST("the ring page can be mapped by itself and is empty")
{
	struct vcpu *vcpu = vcpu_create_bare(vm_create(0), 0);
	uint32_t *ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 2 * 4096);

	NEED(ring != MAP_FAILED);
	EXPECT_EQ(ring[0], 0);
	EXPECT_EQ(ring[1], 0);
}

ABI_TEST("a second mapping shows the same kvm_run")
{
	struct vcpu *vcpu = vcpu_create_bare(vm_create(0), 0);
	struct kvm_run *again = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);

	NEED(again != MAP_FAILED);
	vcpu->run->immediate_exit = 1;
	EXPECT_EQ(again->immediate_exit, 1);
}

ABI_TEST("the mapping outlives the fds")
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create_bare(vm, 0);

	close(vcpu->fd);
	close(vm->fd);
	vcpu->run->immediate_exit = 1;
	EXPECT_EQ(vcpu->run->immediate_exit, 1);
}
