// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may use a vCPU, and how long it lives.
 */
#include "abi.h"

#include <fcntl.h>
#include <sys/wait.h>

GUEST(done, 16, "out %al, $0xf4");
GUEST(spin, 16, "sti; 1: jmp 1b");

ABI_TEST("another process gets EIO from the VM's and the vCPU's fd")
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, 0);
	struct kvm_regs regs;
	int status;
	pid_t child = fork();

	NEED(child >= 0);
	if (!child) {
		EXPECT_ERRNO(ioctl(vcpu->fd, KVM_RUN, 0UL), EIO);
		EXPECT_ERRNO(ioctl(vcpu->fd, KVM_GET_REGS, &regs), EIO);
		EXPECT_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 1UL), EIO);
		EXPECT_ERRNO(ioctl(vm->fd, KVM_CHECK_EXTENSION, 0UL), EIO);
		abi_stop();
	}
	NEED(waitpid(child, &status, 0) == child);
	EXPECT_EQ(status, 0);
	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_REGS, &regs));
}

ABI_TEST("the vCPU fd keeps the VM alive")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, 0);

	vcpu_load16(vcpu, done, done_end);
	close(vm->fd);
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("the VM outlives the system fd")
{
	int sys = abi_open(), vm = ioctl(sys, KVM_CREATE_VM, 0UL);

	NEED(vm >= 0);
	close(sys);
	EXPECT(ioctl(vm, KVM_CREATE_VCPU, 0UL) >= 0);
}

static void *get_regs(void *argument)
{
	struct vcpu *vcpu = argument;

	vcpu_regs(vcpu);
	return NULL;
}

ABI_TEST("reading state from another thread waits while KVM_RUN is in progress")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct vcpu reader = {0};

	vcpu_load16(vcpu, spin, spin_end);
	vcpu_start(vcpu);
	sleep_ms(100);
	NEED(pthread_create(&reader.thread, NULL, get_regs, vcpu) == 0);
	EXPECT(!vcpu_returns_within(&reader, 300));
	vcpu_kick(vcpu);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT(vcpu_returns_within(&reader, 5000));
}

static void expect_name(int fd, const char *expected)
{
	char path[64], name[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	NEED(readlink(path, name, sizeof(name) - 1) > 0);
	EXPECT(!strcmp(name, expected));
}

ABI_TEST("the fds carry KVM's names")
{
	struct vm *vm = vm_create(0);

	expect_name(vm->fd, "anon_inode:kvm-vm");
	expect_name(vcpu_create(vm, 3)->fd, "anon_inode:kvm-vcpu:3");
}

ABI_TEST("the fds close on exec")
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, 3);

	EXPECT_EQ(fcntl(vm->fd, F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(fcntl(vcpu->fd, F_GETFD), FD_CLOEXEC);
	if (abi_stock())
		abi_skip("KVM's statistics stay open: the VM and the vCPU do not");
	EXPECT_EQ(fcntl(ioctl(vm->fd, KVM_GET_STATS_FD, NULL), F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(fcntl(ioctl(vcpu->fd, KVM_GET_STATS_FD, NULL), F_GETFD), FD_CLOEXEC);
}
