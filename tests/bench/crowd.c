// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd.c - many VMs that are cheap to have, for what looks at VMs: crowd NODE NUMBER. Each is a process with as many
 * descriptors as a VM process of vmctl has, one vCPU, and exits of some kinds; all of them go on exiting now and then,
 * until standard input ends. The first is large. Says "there" when all are.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../include/uapi/vitrine.h"
#include "../checked.h"

#define MEMORY		0x10000
#define LARGE		(256UL << 20)	/* of the first VM, all of it there, in small pages */
#define CODE		0x1000
#define DESCRIPTORS	64
#define PAUSE_US	200000

/* CPUID, RDMSR of the PAT, a port, memory that is none; again. */
static const uint8_t code[] = {
	0x31, 0xc0, 0x0f, 0xa2, 0x66, 0xb9, 0x77, 2, 0, 0, 0x0f, 0x32, 0xe6, 0xf4, 0xa0, 0, 0, 0xeb, 0xed,
};

static int make_vm(const char *node, unsigned int number)
{
	struct kvm_userspace_memory_region r = { .memory_size = MEMORY };
	size_t size = number ? MEMORY : LARGE, at;
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	int dev = CHECK(open(node, O_RDWR | O_CLOEXEC)), vm = CHECK(ioctl(dev, KVM_CREATE_VM, 0)), vcpu;
	struct vitrine_vm_name name;
	struct kvm_sregs s;
	uint8_t *ram;

	snprintf(name.name, sizeof(name.name), "vm-%03u", number);
	CHECK(ioctl(vm, VITRINE_VM_SET_NAME, &name));
	ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		err(1, "mmap");
	madvise(ram, size, MADV_NOHUGEPAGE);
	for (at = 0; at < size; at += 4096)
		ram[at] = 1;
	memcpy(ram + CODE, code, sizeof(code));
	r.userspace_addr = (uintptr_t)ram;
	CHECK(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r));
	vcpu = CHECK(ioctl(vm, KVM_CREATE_VCPU, 0));
	CHECK(ioctl(vcpu, KVM_GET_SREGS, &s));
	s.cs.base = s.cs.selector = 0;
	s.ds.base = 0x20000;
	CHECK(ioctl(vcpu, KVM_SET_SREGS, &s));
	CHECK(ioctl(vcpu, KVM_SET_REGS, &regs));
	return vcpu;
}

static void live(const char *node, unsigned int number, int said)
{
	int vcpu = make_vm(node, number), i;

	for (i = 0; i < DESCRIPTORS; i++)
		CHECK(eventfd(0, EFD_CLOEXEC));
	for (i = 0;; i++) {
		CHECK(ioctl(vcpu, KVM_RUN, 0));
		if (i == 8)
			CHECK(write(said, "", 1));
		if (i > 8)
			usleep(PAUSE_US);
	}
}

int main(int argc, char **argv)
{
	unsigned int n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, i;
	int said[2];
	char byte;

	if (!n)
		errx(2, "usage: crowd NODE NUMBER");
	setpgid(0, 0);
	CHECK(pipe(said));
	for (i = 0; i < n; i++)
		if (!CHECK(fork()))
			live(argv[1], i, said[1]);
	for (i = 0; i < n; i++)
		CHECK(read(said[0], &byte, 1));
	puts("there");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return kill(0, SIGTERM);
}
