// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module cannot be removed while it is in use, and can be after.
 */
#include "hostile.h"

#include <fcntl.h>
#include <sys/syscall.h>

static int remove_module(void)
{
	return syscall(SYS_delete_module, device_module(), O_NONBLOCK);
}

static void expect_in_use(void)
{
	errno = 0;
	EXPECT_EQ(remove_module(), -1);
	EXPECT(errno == EBUSY || errno == EAGAIN || errno == EWOULDBLOCK);
}

GUEST(spin, 16, "sti; 1: jmp 1b");

ABI_TEST("refused while a system, VM or vCPU fd is open, or a vCPU runs")
{
	int sys = abi_open();
	struct vcpu *vcpu;

	expect_in_use();
	vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	close(sys);
	expect_in_use();
	close(vcpu->vm->fd);
	expect_in_use();
	vcpu_load16(vcpu, spin, spin_end);
	vcpu_start(vcpu);
	sleep_ms(100);
	expect_in_use();
	vcpu_kick(vcpu);
	EXPECT(vcpu_returns_within(vcpu, 5000));
}

static void hold_mapping(void *unused)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	(void)unused;
	close(vcpu->vm->fd);
	close(vcpu->fd);
	expect_in_use();
}

ABI_TEST("refused while only the mapping is left")
{
	EXPECT_EQ(in_child(hold_mapping, NULL), 0);
}

static void live(void *unused)
{
	(void)unused;
	expect_device_works();
}

ABI_TEST("works after, and the module loads and works again")
{
	const char *load = strstr(abi_device, "kvm") ? "use-kvm" : "use-vitrine";
	int round;

	for (round = 0; round < 3; round++) {
		EXPECT_EQ(in_child(live, NULL), 0);
		EXPECT_OK(remove_module());
		EXPECT_OK(system(load));
		EXPECT_EQ(in_child(live, NULL), 0);
	}
}
