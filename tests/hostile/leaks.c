// SPDX-License-Identifier: GPL-2.0-only
/*
 * Honest machines made and let go: nothing stays behind, and one costs little.
 */
#include "hostile.h"

GUEST(touch, 16,
      "mov $0x20000, %esi; 1: addr32 movb $1, (%esi); add $0x1000, %esi\n"
      "cmp $0x400000, %esi; jb 1b; out %al, $0xf4");

static struct vcpu *lived(void)
{
	struct vm *vm = vm_create(VM_PIT);
	struct vcpu *vcpu = vcpu_create(vm, 0);

	vcpu_create(vm, 1);
	vcpu_load16(vcpu, touch, touch_end);
	NEED(vcpu_done(vcpu));
	return vcpu;
}

static void ten_lives(void)
{
	int round;

	for (round = 0; round < 10; round++)
		lived();
}

ABI_TEST("machines that lived leave nothing behind")
{
	expect_no_leak(ten_lives, 3, 10);
}

ABI_TEST("the module is in use while a machine lives and free after")
{
	int before = module_references();
	struct vcpu *vcpu;

	NEED(before >= 0);
	vcpu = lived();
	EXPECT(module_references() > before);
	close(vcpu->fd);
	munmap(vcpu->run, 3 * 4096);
	close(vcpu->vm->fd);
	EXPECT(module_references() > before); /* the second vCPU */
}
