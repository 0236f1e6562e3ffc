// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots that change under a running vCPU: deletion and moves are complete on return.
 */
#include "abi.h"

#include <stdatomic.h>
#include <sys/wait.h>

enum { SLOT_GPA = 0x1000000, OTHER_GPA = 0x2000000 };

/* Counts in the slot's first word. */
GUEST(count, 16, "sti; mov $0x1000000, %esi; 1: addr32 incl (%esi); jmp 1b");
/* Reads both places: the hole exits. */
GUEST(read_both, 16,
      "mov $0x1000000, %esi; addr32 mov (%esi), %eax; out %al, $0x80\n"
      "mov $0x2000000, %esi; addr32 mov (%esi), %eax; out %al, $0xf4");
GUEST(watch, 16, "sti; mov $0x1000000, %esi; 1: addr32 mov (%esi), %eax; jmp 1b");
GUEST(read_write, 16,
      "mov $0x1000000, %esi; 1: addr32 mov (%esi), %eax; out %al, $0x80\n"
      "addr32 incl (%esi); out %al, $0x81; jmp 1b");
GUEST(read_slot, 16, "mov $0x1000000, %esi; 1: addr32 mov (%esi), %eax; out %al, $0x80; jmp 1b");

static struct vcpu *with_slot(uint8_t **host)
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	*host = host_pages(8192);
	NEED(vm_slot(vm, 1, 0, SLOT_GPA, 4096, *host) == 0);
	return vcpu_create(vm, 0);
}

ABI_TEST("after deletion no write reaches the old memory")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);
	_Atomic uint32_t *word = (void *)host;
	uint32_t after;

	vcpu_load16(vcpu, count, count_end);
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 100));
	NEED(vm_slot(vcpu->vm, 1, 0, 0, 0, NULL) == 0);
	after = atomic_load(word);
	EXPECT(after > 0);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(atomic_load(word), after);
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_MMIO);
	EXPECT_EQ(vcpu->run->mmio.phys_addr, SLOT_GPA);
}

ABI_TEST("a moved slot is at the new address only")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);

	memcpy(host, "\x78\x56\x34\x12", 4);
	vcpu_load16(vcpu, read_both, read_both_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu_regs(vcpu).rax, 0x12345678);
	NEED(vm_slot(vcpu->vm, 1, 0, OTHER_GPA, 4096, host) == 0);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rax, 0x12345678);
	vcpu_load16(vcpu, read_both, read_both_end);
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
}

ABI_TEST("deleted and made again with other memory, the other memory is seen")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);

	host[0] = 1;
	host[4096] = 2;
	vcpu_load16(vcpu, read_slot, read_slot_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(run_port_data(vcpu), 1);
	NEED(vm_slot(vcpu->vm, 1, 0, 0, 0, NULL) == 0);
	NEED(vm_slot(vcpu->vm, 1, 0, SLOT_GPA, 4096, host + 4096) == 0);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(run_port_data(vcpu), 2);
}

ABI_TEST("the slot that holds the running code may go and come back")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct vm *vm = vcpu->vm;
	int round;

	vcpu_load16(vcpu, read_slot, read_slot_end);
	for (round = 0; round < 50; round++) {
		NEED(vcpu_runs_to(vcpu, round & 1 ? KVM_EXIT_IO : KVM_EXIT_MMIO));
		NEED(vm_slot(vm, 0, 0, 0, 0, NULL) == 0);
		NEED(vm_slot(vm, 0, 0, 0, RAM_SIZE, vm->ram) == 0);
	}
}

ABI_TEST("host memory that is replaced under the slot is seen at once")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);

	host[0] = 1;
	vcpu_load16(vcpu, read_slot, read_slot_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(run_port_data(vcpu), 1);
	NEED(madvise(host, 4096, MADV_DONTNEED) == 0);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(run_port_data(vcpu), 0);
	host[0] = 3;
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(run_port_data(vcpu), 3);
}

ABI_TEST("after fork the parent's guest keeps writing to the parent's memory")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);
	_Atomic uint32_t *word = (void *)host;
	uint32_t before;
	int status;
	pid_t child;

	vcpu_load16(vcpu, count, count_end);
	vcpu_start(vcpu);
	sleep_ms(100);
	child = fork();
	NEED(child >= 0);
	if (!child) {
		before = atomic_load(word);
		sleep_ms(200);
		_exit(atomic_load(word) != before);
	}
	sleep_ms(50);
	before = atomic_load(word);
	sleep_ms(100);
	EXPECT(atomic_load(word) != before);
	NEED(waitpid(child, &status, 0) == child);
	EXPECT_EQ(status, 0);
}

ABI_TEST("KVM_RUN on a slot whose host memory is unmapped is EFAULT")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);

	NEED(munmap(host, 8192) == 0);
	vcpu_load16(vcpu, read_slot, read_slot_end);
	EXPECT_EQ(vcpu_run(vcpu), EFAULT);
}

ABI_TEST("host memory that may no longer be written is read, a write is EFAULT until it may again")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);

	vcpu_load16(vcpu, read_write, read_write_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	NEED(vcpu_runs_to_port(vcpu, 0x81));
	NEED(mprotect(host, 4096, PROT_READ) == 0);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(run_port_data(vcpu), 1);
	EXPECT_EQ(vcpu_run(vcpu), EFAULT);
	EXPECT_EQ(vcpu_run(vcpu), EFAULT);
	EXPECT_EQ(*(uint32_t *)host, 1);
	NEED(mprotect(host, 4096, PROT_READ | PROT_WRITE) == 0);
	NEED(vcpu_runs_to_port(vcpu, 0x81));
	EXPECT_EQ(*(uint32_t *)host, 2);
}

ABI_TEST("host memory that may not be accessed is EFAULT until it may again")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);

	vcpu_load16(vcpu, read_write, read_write_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	NEED(vcpu_runs_to_port(vcpu, 0x81));
	NEED(mprotect(host, 4096, PROT_NONE) == 0);
	EXPECT_EQ(vcpu_run(vcpu), EFAULT);
	NEED(mprotect(host, 4096, PROT_READ) == 0);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(run_port_data(vcpu), 1);
}

ABI_TEST("a running guest's writes end with mprotect to PROT_READ, and no later one arrives")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);
	_Atomic uint32_t *word = (void *)host;
	uint32_t after;

	vcpu_load16(vcpu, count, count_end);
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 100));
	NEED(mprotect(host, 4096, PROT_READ) == 0);
	after = atomic_load(word);
	EXPECT(after > 0);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->error, EFAULT);
	EXPECT_EQ(atomic_load(word), after);
}

ABI_TEST("a running guest's reads go on after mprotect to PROT_READ and end with PROT_NONE")
{
	uint8_t *host;
	struct vcpu *vcpu = with_slot(&host);

	host[0] = 1;
	vcpu_load16(vcpu, watch, watch_end);
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 100));
	NEED(mprotect(host, 4096, PROT_READ) == 0);
	EXPECT(!vcpu_returns_within(vcpu, 200));
	NEED(mprotect(host, 4096, PROT_NONE) == 0);
	NEED(vcpu_returns_within(vcpu, 5000));
	EXPECT_EQ(vcpu->error, EFAULT);
}
