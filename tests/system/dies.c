// SPDX-License-Identifier: GPL-2.0-only
/*
 * dies.c - VMs of a program that is not vmctl, and how they fail: dies NODE entry|internal. The VM is named after that,
 * and stays until standard input ends.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../include/uapi/vitrine.h"
#include "../checked.h"

#define MEMORY	0x10000
#define CODE	0x1000

/* Code that is 64 bits and 32 bits wide at once: every CPU refuses to enter that. */
static void spoil(int vcpu)
{
	struct kvm_segment code = { .limit = ~0U, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .db = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0U, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1 };
	struct kvm_sregs s;

	CHECK(ioctl(vcpu, KVM_GET_SREGS, &s));
	s.cr4 = 1 << 5;
	s.cr0 = 0x80000011;
	s.efer = 0x500;
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	CHECK(ioctl(vcpu, KVM_SET_SREGS, &s));
}

/* FSAVE, in the middle of whose area the memory ends: no device takes that. */
static void save_into_hole(int vcpu)
{
	struct kvm_sregs s;

	CHECK(ioctl(vcpu, KVM_GET_SREGS, &s));
	s.cs.base = s.cs.selector = 0;
	s.ds.base = 0x20000;
	s.ds.selector = 0x2000;
	CHECK(ioctl(vcpu, KVM_SET_SREGS, &s));
}

int main(int argc, char **argv)
{
	static const uint8_t code[] = { 0xdd, 0x36, 0x00, 0x00 };	/* fnsave 0x0 */
	struct kvm_userspace_memory_region r = { .memory_size = MEMORY };
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct vitrine_vm_name name = { 0 };
	int dev, vm, vcpu;
	uint8_t *ram;
	char byte;

	if (argc != 3 || (strcmp(argv[2], "entry") && strcmp(argv[2], "internal")))
		errx(2, "usage: dies NODE entry|internal");
	strcpy(name.name, argv[2]);
	dev = CHECK(open(argv[1], O_RDWR | O_CLOEXEC));
	vm = CHECK(ioctl(dev, KVM_CREATE_VM, 0));
	CHECK(ioctl(vm, VITRINE_VM_SET_NAME, &name));
	ram = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		err(1, "mmap");
	memcpy(ram + CODE, code, sizeof(code));
	r.userspace_addr = (uintptr_t)ram;
	CHECK(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r));
	vcpu = CHECK(ioctl(vm, KVM_CREATE_VCPU, 0));
	if (!strcmp(argv[2], "entry"))
		spoil(vcpu);
	else
		save_into_hole(vcpu);
	CHECK(ioctl(vcpu, KVM_SET_REGS, &regs));
	CHECK(ioctl(vcpu, KVM_RUN, 0));
	puts("it failed");
	fflush(stdout);
	return read(0, &byte, 1) < 0;
}
