// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - the VM of a test guest: memory, vCPUs and their threads, test devices.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launcher.h"

void report_stop(const char *fmt, ...)
{
	va_list args;

	printf("\nnot ok run: ");	/* a guest may be amid a line */
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_exit(1);
}

static long check(long ret, const char *what)
{
	if (ret < 0)
		report_stop("%s: %s", what, strerror(errno));
	return ret;
}

#define CHECK(x) check(x, #x)

static uint8_t *memory(size_t size, bool huge)
{
	uint8_t *p = mmap(NULL, size + (2 << 20), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		report_stop("no memory");
	p = (uint8_t *)(((uintptr_t)p + (2 << 20) - 1) & -(2UL << 20));
	madvise(p, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return p;
}

static void load(struct vm *vm, const char *path)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;
	int fd = CHECK(open(path, O_RDONLY)), i;

	if (pread(fd, &h, sizeof(h), 0) != sizeof(h) || memcmp(h.e_ident, ELFMAG, SELFMAG))
		report_stop("%s: not an ELF file", path);
	for (i = 0; i < h.e_phnum; i++) {
		off_t at = h.e_phoff + i * (off_t)sizeof(p);

		if (pread(fd, &p, sizeof(p), at) != sizeof(p) || p.p_type != PT_LOAD)
			continue;
		if (p.p_paddr >= RAM_SIZE || p.p_memsz > RAM_SIZE - p.p_paddr ||
		    pread(fd, vm->ram + p.p_paddr, p.p_filesz, p.p_offset) != (ssize_t)p.p_filesz)
			report_stop("%s: a segment does not fit", path);
	}
	close(fd);
}

static void set_cpuid(struct vm *vm, struct vcpu *v)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 256 * sizeof(c->entries[0]));
	unsigned int i;

	c->nent = 256;
	CHECK(ioctl(vm->dev, KVM_GET_SUPPORTED_CPUID, c));
	for (i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 1) {
			e->ebx = (e->ebx & 0xffffff) | v->id << 24;
			e->ecx |= 1u << 31 | 1 << 24 | 1 << 21;
		} else if (e->function == 0xb) {
			e->edx = v->id;
		}
	}
	CHECK(ioctl(v->fd, KVM_SET_CPUID2, c));
	free(c);
}

static void create_vcpu(struct vm *vm, unsigned int id)
{
	struct vcpu *v = &vm->vcpu[id];
	struct kvm_regs regs = { .rflags = 2 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry tsc;
	} tsc = { .head.nmsrs = 1, .tsc.index = 0x10 };	/* 0: in step with the others */
	struct kvm_sregs s;

	v->vm = vm;
	v->id = id;
	v->fd = CHECK(ioctl(vm->fd, KVM_CREATE_VCPU, id));
	v->run = mmap(NULL, CHECK(ioctl(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 0)),
		      PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED)
		report_stop("mmap of a vCPU");
	set_cpuid(vm, v);
	if (vm->scale)
		CHECK(ioctl(v->fd, KVM_SET_TSC_KHZ, CHECK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0)) * 3 / 2));
	CHECK(ioctl(v->fd, KVM_SET_MSRS, &tsc));
	if (id)
		return;
	CHECK(ioctl(v->fd, KVM_GET_SREGS, &s));
	s.cs.selector = LOW_CODE >> 4;
	s.cs.base = LOW_CODE;
	CHECK(ioctl(v->fd, KVM_SET_SREGS, &s));
	CHECK(ioctl(v->fd, KVM_SET_REGS, &regs));
}

static void create(struct vm *vm)
{
	struct kvm_userspace_memory_region r = { .memory_size = RAM_SIZE };
	struct kvm_pit_config pit = {};
	unsigned int i;

	vm->fd = CHECK(ioctl(vm->dev, KVM_CREATE_VM, 0));
	CHECK(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000));
	CHECK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	CHECK(ioctl(vm->fd, KVM_CREATE_PIT2, &pit));
	vm->ram = memory(RAM_SIZE, vm->huge);
	vm->backing = memory(BACKING_SIZE, vm->huge);
	if (mmap(vm->backing + BACKING_SHARED, BACKING_SIZE - BACKING_SHARED, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		report_stop("no shared memory");
	r.userspace_addr = (uintptr_t)vm->ram;
	CHECK(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r));
	for (i = 0; i < vm->cpus; i++)
		create_vcpu(vm, i);
}

/* The end mark: how many cases there were, by who ended it. */
static __attribute__((noreturn)) void finish(uint32_t reported)
{
	printf("end %u\n", reported);
	fflush(stdout);
	_exit(0);
}

static void port_write(struct vcpu *v, uint16_t port, const uint8_t *data, unsigned int size)
{
	struct vm *vm = v->vm;
	uint32_t value = 0;

	memcpy(&value, data, size);
	if (port == PORT_CHAR) {
		putchar(value);
	} else if (port == PORT_EXIT) {
		finish(value);
	} else if (port >= PORT_BLOCK && port + size <= PORT_BLOCK + sizeof(vm->block)) {
		memcpy(vm->block + port - PORT_BLOCK, data, size);
	} else if (port == PORT_QUEUE && vm->queued < QUEUE_LENGTH) {
		vm->queue[vm->queued++] = (uint64_t)size << 32 | value;
	}
}

static void port_read(struct vcpu *v, uint16_t port, uint8_t *data, unsigned int size)
{
	struct vm *vm = v->vm;

	memset(data, 0xff, size);
	if (port >= PORT_BLOCK && port + size <= PORT_BLOCK + sizeof(vm->block)) {
		memcpy(data, vm->block + port - PORT_BLOCK, size);
	} else if (port == PORT_QUEUE) {
		vm->counter++;
		memcpy(data, &vm->counter, size);
	}
}

static void handle_io(struct vcpu *v)
{
	uint8_t *data = (uint8_t *)v->run + v->run->io.data_offset;
	unsigned int size = v->run->io.size, i;
	uint32_t request;

	if (v->run->io.port == PORT_REQUEST && size == 4) {
		memcpy(&request, data, 4);
		request_handle(v, request);
		return;
	}
	pthread_mutex_lock(&v->vm->lock);
	for (i = 0; i < v->run->io.count; i++, data += size) {
		if (v->run->io.direction == KVM_EXIT_IO_OUT)
			port_write(v, v->run->io.port, data, size);
		else
			port_read(v, v->run->io.port, data, size);
	}
	pthread_mutex_unlock(&v->vm->lock);
}

static void handle_mmio(struct vcpu *v)
{
	uint64_t at = v->run->mmio.phys_addr - MMIO_BASE;
	uint32_t size = v->run->mmio.len;
	struct vm *vm = v->vm;
	bool ours;

	pthread_mutex_lock(&vm->lock);
	ours = at < MMIO_SIZE && size <= MMIO_SIZE - at;
	if (v->run->mmio.is_write) {
		vm->mmio_writes++;
		if (ours)
			memcpy(vm->mmio + at, v->run->mmio.data, size);
	} else {
		vm->mmio_reads++;
		memset(v->run->mmio.data, 0xff, sizeof(v->run->mmio.data));
		if (ours)
			memcpy(v->run->mmio.data, vm->mmio + at, size);
	}
	pthread_mutex_unlock(&vm->lock);
}

static __attribute__((noreturn)) void stopped(struct vcpu *v, const char *what, unsigned int detail)
{
	struct kvm_sregs s = {};
	struct kvm_regs r = {};

	ioctl(v->fd, KVM_GET_REGS, &r);
	ioctl(v->fd, KVM_GET_SREGS, &s);
	report_stop("vCPU %u: %s %u at %#llx:%#llx, CR0 %#llx CR3 %#llx CR4 %#llx EFER %#llx, port block %#x", v->id, what,
		    detail, (unsigned long long)s.cs.base, (unsigned long long)r.rip,
		    (unsigned long long)s.cr0, (unsigned long long)s.cr3, (unsigned long long)s.cr4,
		    (unsigned long long)s.efer, v->vm->block[1]);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;

	for (;;) {
		if (ioctl(v->fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			report_stop("KVM_RUN: %s", strerror(errno));
		}
		switch (v->run->exit_reason) {
		case KVM_EXIT_IO:
			handle_io(v);
			break;
		case KVM_EXIT_MMIO:
			handle_mmio(v);
			break;
		case KVM_EXIT_INTR:
			break;
		case KVM_EXIT_SHUTDOWN:
			if (!v->vm->expect_shutdown)
				stopped(v, "shutdown", 0);
			printf("ok shuts down\n");
			finish(1);
		case KVM_EXIT_INTERNAL_ERROR:
			stopped(v, "internal error", v->run->internal.suberror);
		default:
			stopped(v, "exit", v->run->exit_reason);
		}
	}
	return NULL;
}

void vm_run(struct vm *vm, const char *image)
{
	unsigned int i;

	pthread_mutex_init(&vm->lock, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	create(vm);
	load(vm, image);
	for (i = 0; i < vm->cpus; i++)
		if (pthread_create(&vm->vcpu[i].thread, NULL, vcpu_thread, &vm->vcpu[i]))
			report_stop("no thread");
	pthread_join(vm->vcpu[0].thread, NULL);
	_exit(1);
}
