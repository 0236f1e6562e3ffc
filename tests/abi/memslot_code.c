// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code and data of a guest side by side in one huge page of the host. Where the module lets guests execute from 4 KiB pages alone
 * (parameter nx_huge_pages), the code's own become small, and that once: neither side takes the page away from the other again.
 */
#include "abi.h"

enum { SLOT_GPA = 0x1000000 };

/* Port 0x80 after a write beside the code, and then after each hundred calls of the code with one. */
GUEST(caller, 64,
      "push %rax; pop %rax; mov $0x1000000, %ebx; addl $1, 0x100000(%rbx); out %al, $0x80\n"
      "1: mov $100, %ecx\n"
      "2: lea 0x80000(%rbx), %eax; call *%rax; addl $1, 0x101000(%rbx); loop 2b\n"
      "out %al, $0x80; jmp 1b");
GUEST(called, 64, "addl $1, 0x100000(%rbx); ret");

static int64_t faults_of(struct vcpu *vcpu)
{
	return vcpu_stat(vcpu, "faults_read") + vcpu_stat(vcpu, "faults_write") + vcpu_stat(vcpu, "faults_fetch");
}

static bool small_code(void)
{
	FILE *f = fopen("/sys/module/vitrine/parameters/nx_huge_pages", "r");
	int on = 0;

	if (f && fscanf(f, "%d", &on) != 1)
		on = 0;
	if (f)
		fclose(f);
	return on == 1;
}

ABI_TEST("code in a huge page that data is written to costs its faults once")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	int64_t huge, small, faults;
	struct vcpu *vcpu;
	uint8_t *host = host_huge(true);
	bool given;

	NEED(vm_slot(vm, 1, 0, SLOT_GPA, HUGE_SIZE, host) == 0);
	memcpy(host + 0x80000, called, called_end - called);
	given = host_is_huge(host);
	vcpu = vcpu_create(vm, 0);
	vcpu_load64(vcpu, caller, caller_end);
	huge = vcpu_stat(vcpu, "mapped_2m");
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	huge = vcpu_stat(vcpu, "mapped_2m") - huge;
	small = vcpu_stat(vcpu, "mapped_4k");
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	small = vcpu_stat(vcpu, "mapped_4k") - small;
	faults = faults_of(vcpu);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(*(uint32_t *)(host + 0x100000), 201);
	EXPECT_EQ(*(uint32_t *)(host + 0x101000), 200);
	if (vcpu_stat(vcpu, "mapped_2m") < 0)
		abi_skip("no statistics mapped_*: the bytes are right");
	EXPECT_EQ(faults_of(vcpu), faults);
	if (!given)
		abi_skip("the host gave no huge page");
	EXPECT(huge >= 1);
	if (small_code())
		EXPECT(small >= 2);
	else
		EXPECT_EQ(small, 0);
}
