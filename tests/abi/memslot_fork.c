// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork(2) of a VM's process: the child's memory is the moment's, the guest goes on; what it only reads costs it nothing.
 */
#include "abi.h"

#include <sys/wait.h>

enum { SLOT_GPA = 0x1000000, PAGES = 256, SIZE = PAGES * 4096 };

/* Port 0x80 after each round over all pages: one is added to each, then they are only read. */
GUEST(rounds, 16,
      "1: mov $0x1000000, %esi; mov $256, %cx\n"
      "2: addr32 addl $1, (%esi); add $4096, %esi; loop 2b\n"
      "out %al, $0x80\n"
      "mov $0x1000000, %esi; mov $256, %cx; xor %eax, %eax\n"
      "3: addr32 add (%esi), %eax; add $4096, %esi; loop 3b\n"
      "out %al, $0x80; jmp 1b");

static int64_t faults_of(struct vcpu *vcpu)
{
	int64_t reads = vcpu_stat(vcpu, "faults_read"), writes = vcpu_stat(vcpu, "faults_write");

	return reads < 0 || writes < 0 ? -1 : reads + writes;
}

static struct vcpu *touched(uint8_t **host, bool huge)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu;

	*host = host_huge(huge);
	NEED(vm_slot(vm, 1, 0, SLOT_GPA, HUGE_SIZE, *host) == 0);
	vcpu = vcpu_create(vm, 0);
	vcpu_load16(vcpu, rounds, rounds_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	return vcpu;
}

/* A child that waits for a byte, then says whether its memory is as it was: the value in each page. */
static pid_t fork_watcher(const uint8_t *host, uint32_t value, int *go)
{
	int pipe_fd[2];
	pid_t child;
	char byte;
	int i;

	NEED(pipe(pipe_fd) == 0);
	child = fork();
	if (!child) {
		close(pipe_fd[1]);
		if (read(pipe_fd[0], &byte, 1) < 0)
			_exit(2);
		for (i = 0; i < PAGES; i++)
			if (*(const uint32_t *)(host + i * 4096) != value)
				_exit(1);
		_exit(0);
	}
	close(pipe_fd[0]);
	*go = pipe_fd[1];
	return child;
}

static void moment_stays(bool huge)
{
	uint8_t *host;
	struct vcpu *vcpu = touched(&host, huge);
	int go, status = -1;
	pid_t child = fork_watcher(host, 1, &go);

	NEED(vcpu_runs_to_port(vcpu, 0x80));
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(*(uint32_t *)(host + 5 * 4096), 2);
	close(go);
	NEED(waitpid(child, &status, 0) == child);
	EXPECT_EQ(status, 0);
}

ABI_TEST("what the guest writes after a fork the child does not see")
{
	moment_stays(false);
}

ABI_TEST("what the guest writes after a fork the child does not see, with huge pages")
{
	moment_stays(true);
}

static void reads_are_free(bool huge)
{
	uint8_t *host;
	struct vcpu *vcpu = touched(&host, huge);
	int64_t before = faults_of(vcpu), reads, writes;
	pid_t child;
	int go;

	if (before < 0)
		abi_skip("no statistics faults_*: stock KVM zaps on a fork");
	child = fork_watcher(host, 1, &go);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	reads = faults_of(vcpu) - before;
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	writes = faults_of(vcpu) - before - reads;
	/* The code's own page and those that the emulation of the port needs may be among them. */
	EXPECT(reads <= 4);
	EXPECT(writes >= 1 && writes <= PAGES + 4);
	if (!huge)
		EXPECT(writes >= PAGES);
	close(go);
	waitpid(child, NULL, 0);
}

ABI_TEST("after a fork reads cost no exit, each page's first write one")
{
	reads_are_free(false);
}

ABI_TEST("after a fork reads cost no exit, with huge pages, which are split by writes")
{
	reads_are_free(true);
}
