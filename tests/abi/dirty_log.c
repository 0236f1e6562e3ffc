// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_DIRTY_LOG: exact, get-and-clear, with the pages the kernel writes.
 */
#include "abi.h"

enum { SLOT_GPA = 0x1000000, PAGES = 70 };

/* Writes pages 3 and 65 of the slot, reads page 5. */
GUEST(touch, 16,
      "1: mov $0x1003000, %esi; addr32 incl (%esi)\n"
      "mov $0x1041000, %esi; addr32 movb $1, (%esi)\n"
      "mov $0x1005000, %esi; addr32 mov (%esi), %eax\n"
      "out %al, $0xf4; jmp 1b");
GUEST(string_in, 16,
      "mov $0x1007000, %edi; mov $8, %ecx; mov $0x80, %dx; addr32 rep insb; out %al, $0xf4");
GUEST(clock_msr, 16,
      "mov $0x4b564d01, %ecx; mov $0x1009001, %eax; xor %edx, %edx; wrmsr\n"
      "1: out %al, $0xf4; jmp 1b");

static int dirty_log(struct vcpu *vcpu, uint64_t bitmap[2])
{
	struct kvm_dirty_log log = {.slot = 1, .dirty_bitmap = bitmap};

	bitmap[0] = bitmap[1] = ~0ULL;
	return ioctl(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static struct vcpu *logging(uint32_t flags)
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	NEED(vm_slot(vm, 1, flags, SLOT_GPA, PAGES * 4096, host_pages(PAGES * 4096)) == 0);
	return vcpu_create(vm, 0);
}

static void expect_log(struct vcpu *vcpu, uint64_t low, uint64_t high)
{
	uint64_t bitmap[2];

	EXPECT_OK(dirty_log(vcpu, bitmap));
	EXPECT_EQ(bitmap[0], low);
	EXPECT_EQ(bitmap[1], high);
}

ABI_TEST("a slot without the flag, and no slot, are ENOENT")
{
	struct vcpu *vcpu = logging(0);
	struct kvm_dirty_log log = {.slot = 9};
	uint64_t bitmap[2];

	EXPECT_ERRNO(dirty_log(vcpu, bitmap), ENOENT);
	EXPECT_ERRNO(ioctl(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
}

ABI_TEST("a slot number out of range is EINVAL")
{
	struct kvm_dirty_log log = {.slot = 0xffff};

	EXPECT_ERRNO(ioctl(logging(0)->vm->fd, KVM_GET_DIRTY_LOG, &log), EINVAL);
}

ABI_TEST("the written pages are there once, again after they are written again")
{
	struct vcpu *vcpu = logging(KVM_MEM_LOG_DIRTY_PAGES);
	int round;

	expect_log(vcpu, 0, 0);
	vcpu_load16(vcpu, touch, touch_end);
	for (round = 0; round < 3; round++) {
		NEED(vcpu_done(vcpu));
		expect_log(vcpu, 1 << 3, 1 << 1);
		expect_log(vcpu, 0, 0);
	}
}

ABI_TEST("logging switched on later starts empty and is exact")
{
	struct vcpu *vcpu = logging(0);
	struct kvm_userspace_memory_region region = {.slot = 1};
	uint64_t bitmap[2];

	region.flags = KVM_MEM_LOG_DIRTY_PAGES;
	region.guest_phys_addr = SLOT_GPA;
	region.memory_size = PAGES * 4096;
	region.userspace_addr = (uintptr_t)host_pages(PAGES * 4096);
	NEED(vm_slot(vcpu->vm, 1, 0, 0, 0, NULL) == 0);
	region.flags = 0;
	NEED(ioctl(vcpu->vm->fd, KVM_SET_USER_MEMORY_REGION, &region) == 0);
	vcpu_load16(vcpu, touch, touch_end);
	NEED(vcpu_done(vcpu));
	region.flags = KVM_MEM_LOG_DIRTY_PAGES;
	EXPECT_OK(ioctl(vcpu->vm->fd, KVM_SET_USER_MEMORY_REGION, &region));
	expect_log(vcpu, 0, 0);
	NEED(vcpu_done(vcpu));
	expect_log(vcpu, 1 << 3, 1 << 1);
	region.flags = 0;
	EXPECT_OK(ioctl(vcpu->vm->fd, KVM_SET_USER_MEMORY_REGION, &region));
	EXPECT_ERRNO(dirty_log(vcpu, bitmap), ENOENT);
}

ABI_TEST("a string port read marks the page it fills")
{
	struct vcpu *vcpu = logging(KVM_MEM_LOG_DIRTY_PAGES);

	vcpu_load16(vcpu, string_in, string_in_end);
	for (;;) {
		NEED(vcpu_runs_to(vcpu, KVM_EXIT_IO));
		if (vcpu->run->io.port == DONE_PORT)
			break;
	}
	expect_log(vcpu, 1 << 7, 0);
}

ABI_TEST("the kvmclock page is marked when the kernel writes it")
{
	struct vcpu *vcpu = logging(KVM_MEM_LOG_DIRTY_PAGES);
	uint64_t bitmap[2];

	vcpu_load16(vcpu, clock_msr, clock_msr_end);
	NEED(vcpu_done(vcpu));
	NEED(vcpu_done(vcpu));
	EXPECT_OK(dirty_log(vcpu, bitmap));
	EXPECT(bitmap[0] & 1 << 9);
}

ABI_TEST("a bitmap that cannot be written is EFAULT and loses nothing")
{
	struct vcpu *vcpu = logging(KVM_MEM_LOG_DIRTY_PAGES);
	struct kvm_dirty_log log = {.slot = 1, .dirty_bitmap = (void *)8};

	vcpu_load16(vcpu, touch, touch_end);
	NEED(vcpu_done(vcpu));
	EXPECT_ERRNO(ioctl(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log), EFAULT);
	if (abi_stock())
		abi_skip("KVM has taken the bits away by then: the EFAULT is right");
	expect_log(vcpu, 1 << 3, 1 << 1);
	expect_log(vcpu, 0, 0);
}

/* Large host pages are split: the log's grain stays 4 KiB. */
ABI_TEST("the log is exact under transparent huge pages")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	uint8_t *host = host_huge(true);
	struct vcpu *vcpu = vcpu_create(vm, 0);
	uint64_t bitmap[HUGE_SIZE / 4096 / 64] = {0};
	struct kvm_dirty_log log = {.slot = 1, .dirty_bitmap = bitmap};
	size_t i;

	memset(host, 1, HUGE_SIZE);
	NEED(vm_slot(vm, 1, 0, SLOT_GPA, HUGE_SIZE, host) == 0);
	vcpu_load16(vcpu, touch, touch_end);
	NEED(vcpu_done(vcpu));
	NEED(vm_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, SLOT_GPA, HUGE_SIZE, host) == 0);
	NEED(vcpu_done(vcpu));
	EXPECT_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	EXPECT_EQ(bitmap[0], 1 << 3);
	EXPECT_EQ(bitmap[1], 1 << 1);
	for (i = 2; i < ARRAY_SIZE(bitmap); i++)
		EXPECT_EQ(bitmap[i], 0);
}
