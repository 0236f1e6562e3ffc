// SPDX-License-Identifier: GPL-2.0-only
/*
 * exits.c - the host side of the exit benchmark: runs guest.c on a KVM-ABI device node and prints one
 * line a row, "name count", where count is TSC cycles (under --icount: instructions) for one; and "exits-name count",
 * the exits that one took, by the device's own statistics.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../checked.h"
#include "bench.h"

static const char *const names[BENCH_NR] = {
	[BENCH_CPUID] = "cpuid", [BENCH_EOI] = "x2apic-eoi", [BENCH_SELF_IPI] = "x2apic-self-ipi",
	[BENCH_SELF_IPI_PENDING] = "x2apic-self-ipi-pending",
	[BENCH_DEADLINE] = "tsc-deadline", [BENCH_IOEVENTFD_PIO] = "ioeventfd-pio",
	[BENCH_IOEVENTFD_MMIO] = "ioeventfd-mmio", [BENCH_PIO_USER] = "pio-user",
	[BENCH_MMIO_USER] = "mmio-user", [BENCH_TOUCH] = "first-touch",
	[BENCH_TIMER] = "timer-interrupt",
};

struct vm {
	int dev, fd, vcpu;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *ram;
	uint64_t exits[BENCH_NR];	/* of each row */
};

static uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

static void create(struct vm *vm, size_t memory)
{
	struct kvm_userspace_memory_region r = { .memory_size = memory };

	vm->fd = CHECK(ioctl(vm->dev, KVM_CREATE_VM, 0));
	CHECK(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000));
	CHECK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	vm->ram = mmap(NULL, memory, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->ram == MAP_FAILED)
		err(1, "mmap");
	madvise(vm->ram, memory, MADV_NOHUGEPAGE);
	r.userspace_addr = (uintptr_t)vm->ram;
	CHECK(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r));
	vm->vcpu = CHECK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED)
		err(1, "mmap of the vCPU");
}

static void destroy(struct vm *vm, size_t memory)
{
	munmap(vm->run, vm->run_size);
	close(vm->vcpu);
	close(vm->fd);
	munmap(vm->ram, memory);
}

static void set_cpuid(struct vm *vm)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 256 * sizeof(c->entries[0]));
	unsigned int i;

	c->nent = 256;
	CHECK(ioctl(vm->dev, KVM_GET_SUPPORTED_CPUID, c));
	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == 1)
			c->entries[i].ecx |= 1 << 24 | 1 << 21;
	CHECK(ioctl(vm->vcpu, KVM_SET_CPUID2, c));
	free(c);
}

/* Long mode with the first GiB mapped one to one in 2 MiB pages; the cold region in 4 KiB ones too. */
static void long_mode(struct vm *vm)
{
	uint64_t *pml4 = (uint64_t *)(vm->ram + 0x9000), *pdpt = pml4 + 512, *pd = pdpt + 512;
	struct kvm_segment code = { .limit = ~0U, .selector = 0x10, .type = 0xb, .present = 1,
				    .s = 1, .l = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0U, .selector = 0x18, .type = 3, .present = 1,
				    .s = 1, .db = 1, .g = 1 };
	struct kvm_regs regs = { .rip = BENCH_CODE, .rsp = 0x1ff000, .rflags = 2 };
	struct kvm_sregs s;
	int i;

	pml4[0] = 0xa003;
	pdpt[0] = 0xb003;
	for (i = 0; i < 512; i++)
		pd[i] = (uint64_t)i << 21 | 0x83;
	CHECK(ioctl(vm->vcpu, KVM_GET_SREGS, &s));
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr3 = 0x9000;
	s.cr4 = 1 << 5;
	s.cr0 = 0x80000011;
	s.efer = 0x500;
	CHECK(ioctl(vm->vcpu, KVM_SET_SREGS, &s));
	CHECK(ioctl(vm->vcpu, KVM_SET_REGS, &regs));
}

static void add_ioeventfd(struct vm *vm, uint64_t addr, uint32_t len, uint32_t flags)
{
	struct kvm_ioeventfd e = { .addr = addr, .len = len, .flags = flags, .datamatch = 1 };

	e.fd = CHECK(eventfd(0, EFD_NONBLOCK));
	CHECK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
}

static void load_guest(struct vm *vm, const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f || !fread(vm->ram + BENCH_CODE, 1, 0x100000, f))
		err(1, "%s", path);
	fclose(f);
}

/* Is the statistic a count of exits? Ours has one a kind, stock KVM one of all. */
static bool counts_exits(const char *name)
{
	return !strcmp(name, "exits") || (!strncmp(name, "exit_", 5) && !strstr(name, "_cycles"));
}

/* All exits of the vCPU so far. Source: KVM api.rst KVM_GET_STATS_FD. */
static uint64_t count_exits(const struct vm *vm)
{
	static char image[1 << 18];
	const struct kvm_stats_header *h = (void *)image;
	const struct kvm_stats_desc *d;
	int fd = CHECK(ioctl(vm->vcpu, KVM_GET_STATS_FD, 0));
	uint64_t sum = 0, value;
	uint32_t i;

	CHECK(pread(fd, image, sizeof(image), 0));
	close(fd);
	for (i = 0; i < h->num_desc; i++) {
		d = (void *)(image + h->desc_offset + i * (sizeof(*d) + h->name_size));
		memcpy(&value, image + h->data_offset + d->offset, sizeof(value));
		if (counts_exits(d->name))
			sum += value;
	}
	return sum;
}

/* A row begins or ends. The exit that tells of its beginning is none of it. */
static void mark(struct vm *vm)
{
	uint8_t row = *((uint8_t *)vm->run + vm->run->io.data_offset);

	if (row < BENCH_NR)
		vm->exits[row] = count_exits(vm) - vm->exits[row] - !!vm->exits[row];
}

static void run_guest(struct vm *vm)
{
	for (;;) {
		CHECK(ioctl(vm->vcpu, KVM_RUN, 0));
		if (vm->run->exit_reason == KVM_EXIT_MMIO)
			continue;
		if (vm->run->exit_reason != KVM_EXIT_IO)
			errx(1, "unexpected exit %u", vm->run->exit_reason);
		if (vm->run->io.port == BENCH_PORT_DONE)
			return;
		if (vm->run->io.port == BENCH_PORT_MARK)
			mark(vm);
	}
}

/* How often the guest does what a row is about. */
static uint64_t rounds(int row)
{
	return row == BENCH_TOUCH ? BENCH_COLD_PAGES :
	       row == BENCH_TIMER ? BENCH_WARM + BENCH_TIMER_BATCHES * BENCH_TIMER_ROUNDS :
				    BENCH_WARM + BENCH_BATCHES * BENCH_ROUNDS;
}

static void measure_exits(struct vm *vm, const char *guest)
{
	const struct bench_results *r;
	int i;

	create(vm, BENCH_MEMORY);
	set_cpuid(vm);
	load_guest(vm, guest);
	long_mode(vm);
	add_ioeventfd(vm, BENCH_PORT_EVENT, 1, KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH);
	add_ioeventfd(vm, BENCH_MMIO + BENCH_MMIO_EVENT, 4, KVM_IOEVENTFD_FLAG_DATAMATCH);
	run_guest(vm);
	r = (void *)(vm->ram + BENCH_RESULTS);
	for (i = BENCH_CPUID; i < BENCH_NR; i++) {
		uint64_t n = i == BENCH_TOUCH ? BENCH_COLD_PAGES :
			     i == BENCH_TIMER ? BENCH_TIMER_ROUNDS : BENCH_ROUNDS;
		uint64_t empty = n == BENCH_ROUNDS ? r->cycles[BENCH_EMPTY] : 0;

		printf("%s %llu\n", names[i], (unsigned long long)((r->cycles[i] - empty) / n));
		printf("exits-%s %.2f\n", names[i], (double)vm->exits[i] / rounds(i));
	}
	destroy(vm, BENCH_MEMORY);
}

/* The host process's own touch of the same kind of memory, as the yardstick for the guest's. */
static void measure_host_touch(void)
{
	size_t size = BENCH_COLD_PAGES * 4096UL, i;
	volatile uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t start;

	if (p == MAP_FAILED)
		err(1, "mmap");
	madvise((void *)p, size, MADV_NOHUGEPAGE);
	start = rdtsc();
	for (i = 0; i < BENCH_COLD_PAGES; i++)
		p[i * 4096] = 1;
	printf("host-touch %llu\n", (unsigned long long)((rdtsc() - start) / BENCH_COLD_PAGES));
	munmap((void *)p, size);
}

/*
 * What no exit to user space can cost less than: a KVM_RUN that returns at once. The signal tests, the
 * security modules and the descriptor's lookup of the host's kernel are all in it.
 */
static void measure_ioctl(struct vm *vm)
{
	uint64_t start;
	int i;

	create(vm, 0x10000);
	vm->run->immediate_exit = 1;
	ioctl(vm->vcpu, KVM_RUN, 0);
	start = rdtsc();
	for (i = 0; i < 100; i++)
		ioctl(vm->vcpu, KVM_RUN, 0);
	printf("run-floor %llu\n", (unsigned long long)((rdtsc() - start) / 100));
	start = rdtsc();
	for (i = 0; i < 100; i++)
		ioctl(vm->vcpu, 0, 0);
	printf("ioctl-floor %llu\n", (unsigned long long)((rdtsc() - start) / 100));
	destroy(vm, 0x10000);
}

static void once(struct vm *vm)
{
	struct kvm_regs regs = { .rip = 0x1000, .rflags = 2 };
	struct kvm_sregs s;

	create(vm, 0x10000);
	vm->ram[0x1000] = 0xee;		/* out %al, (%dx) */
	CHECK(ioctl(vm->vcpu, KVM_GET_SREGS, &s));
	s.cs.base = 0;
	s.cs.selector = 0;
	CHECK(ioctl(vm->vcpu, KVM_SET_SREGS, &s));
	CHECK(ioctl(vm->vcpu, KVM_SET_REGS, &regs));
	CHECK(ioctl(vm->vcpu, KVM_RUN, 0));
	if (vm->run->exit_reason != KVM_EXIT_IO)
		errx(1, "unexpected exit %u", vm->run->exit_reason);
	destroy(vm, 0x10000);
}

static void measure_life(struct vm *vm)
{
	uint64_t start;
	int i;

	once(vm);
	start = rdtsc();
	for (i = 0; i < 8; i++)
		once(vm);
	printf("create-run-destroy %llu\n", (unsigned long long)((rdtsc() - start) / 8));
}

/* A line of /proc/meminfo, in KiB. */
static long meminfo(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long n = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			n = strtol(line + strlen(key) + 1, NULL, 10);
	if (f)
		fclose(f);
	return n;
}

/* All that is in use but files and processes' own pages: pages that the kernel takes whole are in no sum of their own. */
static long kernel_memory(void)
{
	/* What each CPU has counted is added up first. */
	int fd = CHECK(open("/proc/sys/vm/stat_refresh", O_WRONLY));

	CHECK(write(fd, "1", 1));
	close(fd);
	return meminfo("MemTotal") - meminfo("MemFree") - meminfo("Buffers") - meminfo("Cached") - meminfo("SwapCached") -
		meminfo("AnonPages");
}

/* Kernel memory of one VM whose guest has run and touched its pages: the mean of several at once. */
static void measure_memory(struct vm *vm, const char *guest)
{
	enum { VMS = 24 };
	static struct vm vms[VMS];
	long before = 0;
	int i;

	for (i = -1; i < VMS; i++) {
		struct vm *one = i < 0 ? vm : &vms[i];

		if (i == 0)
			before = kernel_memory();
		if (one != vm) {
			one->dev = vm->dev;
			one->run_size = vm->run_size;
		}
		create(one, BENCH_MEMORY);
		set_cpuid(one);
		load_guest(one, guest);
		long_mode(one);
		add_ioeventfd(one, BENCH_PORT_EVENT, 1,
			      KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH);
		run_guest(one);
	}
	printf("kernel-memory-kib %ld\n", (kernel_memory() - before) / VMS);
}

int main(int argc, char **argv)
{
	struct vm vm = {};

	if (argc != 3)
		errx(2, "usage: exits DEVICE GUEST");
	vm.dev = CHECK(open(argv[1], O_RDWR | O_CLOEXEC));
	vm.run_size = CHECK(ioctl(vm.dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	measure_exits(&vm, argv[2]);
	measure_host_touch();
	measure_ioctl(&vm);
	measure_life(&vm);
	measure_memory(&vm, argv[2]);
	return 0;
}
