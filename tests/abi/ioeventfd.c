// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IOEVENTFD: registration rules, and what matches.
 */
#include "abi.h"

#define PIO   KVM_IOEVENTFD_FLAG_PIO
#define MATCH KVM_IOEVENTFD_FLAG_DATAMATCH
#define GONE  KVM_IOEVENTFD_FLAG_DEASSIGN

static int ioeventfd(struct vm *vm, int fd, uint64_t address, uint32_t len, uint32_t flags,
		     uint64_t match)
{
	struct kvm_ioeventfd request = {
		.fd = fd, .addr = address, .len = len, .flags = flags, .datamatch = match};

	return ioctl(vm->fd, KVM_IOEVENTFD, &request);
}

ABI_TEST("lengths 0, 1, 2, 4, 8 are accepted, others EINVAL")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	uint32_t len;

	for (len = 0; len <= 9; len++) {
		int result = ioeventfd(vm, event_fd(), HOLE_GPA + 16 * len, len, 0, 0);
		bool legal = !len || len == 1 || len == 2 || len == 4 || len == 8;

		if ((result == 0) != legal)
			abi_fail(__FILE__, __LINE__, "length %u: %d", len, result);
	}
}

ABI_TEST("length 0 with a data match is EINVAL")
{
	EXPECT_ERRNO(ioeventfd(vm_create(VM_IRQCHIP), event_fd(), HOLE_GPA, 0, MATCH, 1), EINVAL);
}

ABI_TEST("an address that wraps and unknown flags are EINVAL")
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	EXPECT_ERRNO(ioeventfd(vm, event_fd(), -2ULL, 4, 0, 0), EINVAL);
	EXPECT_ERRNO(ioeventfd(vm, event_fd(), HOLE_GPA, 4, 1 << 10, 0), EINVAL);
}

ABI_TEST("the same place and match is EEXIST, another match is not")
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	EXPECT_OK(ioeventfd(vm, event_fd(), HOLE_GPA, 4, MATCH, 1));
	EXPECT_ERRNO(ioeventfd(vm, event_fd(), HOLE_GPA, 4, MATCH, 1), EEXIST);
	EXPECT_OK(ioeventfd(vm, event_fd(), HOLE_GPA, 4, MATCH, 2));
	EXPECT_ERRNO(ioeventfd(vm, event_fd(), HOLE_GPA, 4, 0, 0), EEXIST);
}

ABI_TEST("taking away what is not there is ENOENT")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	int fd = event_fd();

	EXPECT_OK(ioeventfd(vm, fd, 0x300, 2, PIO | MATCH, 1));
	EXPECT_ERRNO(ioeventfd(vm, fd, 0x300, 2, PIO | MATCH | GONE, 2), ENOENT);
	EXPECT_ERRNO(ioeventfd(vm, event_fd(), 0x300, 2, PIO | MATCH | GONE, 1), ENOENT);
	EXPECT_OK(ioeventfd(vm, fd, 0x300, 2, PIO | MATCH | GONE, 1));
	EXPECT_ERRNO(ioeventfd(vm, fd, 0x300, 2, PIO | MATCH | GONE, 1), ENOENT);
}

ABI_TEST("seven port matches at port 0, as QEMU probes")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	int fd = event_fd(), i;

	for (i = 0; i < 7; i++)
		EXPECT_OK(ioeventfd(vm, fd, 0, 2, PIO | MATCH, i));
	for (i = 0; i < 7; i++)
		EXPECT_OK(ioeventfd(vm, fd, 0, 2, PIO | MATCH | GONE, i));
}

GUEST(port_words, 16,
      "mov $0x300, %dx; mov $1, %ax; out %ax, %dx; mov $2, %ax; out %ax, %dx\n"
      "mov $1, %al; out %al, %dx; out %al, $0xf4");

ABI_TEST("a port write of the right width and value signals without an exit")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int fd = event_fd();

	NEED(ioeventfd(vcpu->vm, fd, 0x300, 2, PIO | MATCH, 1) == 0);
	vcpu_load16(vcpu, port_words, port_words_end);
	NEED(vcpu_runs_to_port(vcpu, 0x300));
	EXPECT_EQ(run_port_data(vcpu), 2);
	NEED(vcpu_runs_to_port(vcpu, 0x300));
	EXPECT_EQ(vcpu->run->io.size, 1);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(event_count(fd), 1);
}

GUEST(port_string, 16,
      "mov $0x300, %dx; mov $0x8000, %si; mov $3, %cx; rep outsw; out %al, $0xf4");

ABI_TEST("a string write signals for each matching element")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int fd = event_fd();

	NEED(ioeventfd(vcpu->vm, fd, 0x300, 2, PIO | MATCH, 1) == 0);
	vcpu_load16(vcpu, port_string, port_string_end);
	memcpy(vcpu->vm->ram + 0x8000, "\1\0\1\0\1\0", 6);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(event_count(fd), 3);
}

GUEST(mmio_words, 64,
      "mov $0x10000000, %rsi; movb $1, (%rsi); movw $1, (%rsi); movl $1, (%rsi)\n"
      "movq $1, (%rsi); movl $7, 4(%rsi); mov (%rsi), %eax; out %al, $0xf4");

ABI_TEST("length 0 matches any width, at the exact address only, writes only")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int fd = event_fd();

	if (abi_stock_vmx())
		abi_skip("kvm-intel wants an instruction length in an EPT misconfiguration, Bochs gives none");
	NEED(ioeventfd(vcpu->vm, fd, HOLE_GPA, 0, 0, 0) == 0);
	vcpu_load64(vcpu, mmio_words, mmio_words_end);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.phys_addr, HOLE_GPA + 4);
	EXPECT_EQ(event_count(fd), 4);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.is_write, 0);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(event_count(fd), 0);
}

ABI_TEST("a length of 4 matches that width only")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int fd = event_fd();
	uint32_t widths[4], i;

	NEED(ioeventfd(vcpu->vm, fd, HOLE_GPA, 4, 0, 0) == 0);
	vcpu_load64(vcpu, mmio_words, mmio_words_end);
	for (i = 0; i < 4; i++) {
		NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
		widths[i] = vcpu->run->mmio.len;
	}
	EXPECT_EQ(widths[0], 1);
	EXPECT_EQ(widths[1], 2);
	EXPECT_EQ(widths[2], 8);
	EXPECT_EQ(vcpu->run->mmio.phys_addr, HOLE_GPA + 4);
	EXPECT_EQ(event_count(fd), 1);
}

ABI_TEST("taken away, the write exits again")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int fd = event_fd();

	NEED(ioeventfd(vcpu->vm, fd, HOLE_GPA, 0, 0, 0) == 0);
	NEED(ioeventfd(vcpu->vm, fd, HOLE_GPA, 0, GONE, 0) == 0);
	vcpu_load64(vcpu, mmio_words, mmio_words_end);
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(event_count(fd), 0);
}

ABI_TEST("memory under a slot is memory: no ioeventfd there fires")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int fd = event_fd();

	NEED(vm_slot(vcpu->vm, 1, 0, HOLE_GPA, 4096, host_pages(4096)) == 0);
	NEED(ioeventfd(vcpu->vm, fd, HOLE_GPA, 0, 0, 0) == 0);
	vcpu_load64(vcpu, mmio_words, mmio_words_end);
	EXPECT(vcpu_done(vcpu));
	EXPECT_EQ(event_count(fd), 0);
}
