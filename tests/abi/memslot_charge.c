// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page tables of a VM are memory of its process's cgroup: a guest cannot have the host pay for them.
 */
#include "abi.h"

#include <fcntl.h>
#include <sys/stat.h>

#define GROUP	"/sys/fs/cgroup/abi-charge"

enum { SLOT_GPA = 0x40000000, STRIDE = 2 << 20, TABLES = 512, PAGE = 4096 };
/* What a CPU takes from the cgroup ahead of need: 64 pages at a time, here of no more than two CPUs. */
enum { AHEAD = 2 * 64 * PAGE };

/* A byte of each 2 MiB is read: a table for each. */
GUEST(reader, 16,
      "mov $0x40000000, %esi; mov $512, %cx\n"
      "1: addr32 movb (%esi), %al; add $0x200000, %esi; loop 1b\n"
      "out %al, $0xf4; hlt");

static int64_t charged(void)
{
	char text[32] = "";
	int fd = open(GROUP "/memory.current", O_RDONLY);

	NEED(fd >= 0);
	NEED(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atoll(text);
}

static void join_group(void)
{
	if (!write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory"))
		abi_skip("no cgroup v2 with a memory controller");
	NEED(mkdir(GROUP, 0755) == 0 || errno == EEXIST);
	NEED(write_file(GROUP "/cgroup.procs", "0"));
}

static void leave_group(void)
{
	NEED(write_file("/sys/fs/cgroup/cgroup.procs", "0"));
	EXPECT_OK(rmdir(GROUP));
}

ABI_TEST("the page tables of a VM are charged to the cgroup of its process, and given back")
{
	size_t size = (size_t)STRIDE * TABLES, i;
	int64_t before, with;
	struct vcpu *vcpu;
	struct vm *vm;
	uint8_t *host;

	join_group();
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, 0);
	vcpu_load16(vcpu, reader, reader_end);
	host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	NEED(host != MAP_FAILED);
	madvise(host, size, MADV_NOHUGEPAGE);
	/* The process's own tables and pages are there before: they are not what is looked for. */
	for (i = 0; i < TABLES; i++)
		host[i * STRIDE] = 1;
	NEED(vm_slot(vm, 1, 0, SLOT_GPA, size, host) == 0);
	before = charged();
	NEED(vcpu_done(vcpu));
	with = charged();
	EXPECT(with - before >= TABLES * PAGE - AHEAD);
	EXPECT(with - before <= 2 * TABLES * PAGE + AHEAD);
	munmap(vcpu->run, ioctl(abi_open(), KVM_GET_VCPU_MMAP_SIZE, 0));
	close(vcpu->fd);
	close(vm->fd);
	/* The last of it goes after a grace period. */
	for (i = 0; i < 500 && with - charged() < TABLES * PAGE - AHEAD; i++)
		sleep_ms(10);
	EXPECT(with - charged() >= TABLES * PAGE - AHEAD);
	leave_group();
}
