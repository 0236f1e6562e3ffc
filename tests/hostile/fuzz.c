// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random requests with random arguments, from a printed seed, a bounded number of them.
 */
#include "hostile.h"
#include "../../include/uapi/vitrine.h"

enum { PROCESSES = 30, REQUESTS = 400, BUFFER = 65536 };

/**
 * struct fuzz - one process's target
 * @random: the sequence
 * @fds: one of each kind
 * @buffer: argument, BUFFER bytes
 * @memory: what slots may point to
 * @vm_id: of the VM, on ours
 */
struct fuzz {
	uint64_t random;
	int fds[FD_KINDS];
	uint8_t *buffer;
	uint8_t *memory;
	uint32_t vm_id;
};

/* Values that mean something somewhere: small counts, ids, addresses, all ones. */
static uint64_t interesting(struct fuzz *fuzz)
{
	uint64_t number = hostile_random(&fuzz->random);
	uint64_t value = hostile_random(&fuzz->random);

	switch (number % 10) {
	case 0:
		return 0;
	case 1:
		return value % 32;
	case 2:
		return value % 4096;
	case 3:
		return (value % 1024) << 12;
	case 4:
		return ~0ULL;
	case 5:
		return 1ULL << (value % 64);
	case 6:
		return (uintptr_t)fuzz->memory + ((value % 64) << 12);
	case 7:
		return LAPIC_GPA | (value & 0xfffff);
	case 8:
		return (uint32_t)value;
	default:
		return value;
	}
}

static void fill(struct fuzz *fuzz, unsigned int size)
{
	unsigned int at, step = hostile_random(&fuzz->random) % 2 ? 8 : 4;

	for (at = 0; at + step <= size; at += step) {
		uint64_t value = interesting(fuzz);

		memcpy(fuzz->buffer + at, &value, step);
	}
}

static bool makes_fd(unsigned long number)
{
	return number == KVM_CREATE_VM || number == KVM_CREATE_VCPU || number == KVM_GET_STATS_FD;
}

/* A slot of unbounded size would only test how much memory a bitmap may take. */
static void bound_slot(struct fuzz *fuzz)
{
	struct kvm_userspace_memory_region *region = (void *)fuzz->buffer;

	region->memory_size %= 1ULL << 32;
	if (hostile_random(&fuzz->random) % 4) {
		region->slot %= 8;
		region->flags &= 3;
		region->guest_phys_addr &= 0xfffff000;
		region->memory_size &= 0xff000;
		region->userspace_addr = (uintptr_t)fuzz->memory;
	}
}

/* What ours has beyond KVM is refused at once unless most of it is right. A trace stays open: a VM has one. */
static void bound_ours(struct fuzz *fuzz, unsigned long number)
{
	struct vitrine_trace_open *trace = (void *)fuzz->buffer;
	struct vitrine_vm_note *note = (void *)fuzz->buffer;
	struct vitrine_vm_name *name = (void *)fuzz->buffer;
	uint64_t value = hostile_random(&fuzz->random);

	if (value % 4 == 0)
		return;
	value /= 4;
	if (number == VITRINE_TRACE_OPEN) {
		trace->vm_id = fuzz->vm_id;
		trace->records = 64U << value % 11;
		trace->flags = 0;
	} else if (number == VITRINE_VM_NOTE) {
		note->type = value % 16;
		note->parent %= 64;
		snprintf(note->text, sizeof(note->text), "%s", value & 16 ? "fuzz" : "");
	} else if (number == VITRINE_VM_SET_NAME) {
		snprintf(name->name, sizeof(name->name), "fuzz %u", (uint32_t)value);
	}
}

static void one_request(struct fuzz *fuzz)
{
	const struct request *request = &requests[hostile_random(&fuzz->random) % request_count];
	unsigned int size = _IOC_SIZE(request->number);
	int result;

	fill(fuzz, size < 4096 ? 4096 : size);
	if (request->number == KVM_SET_USER_MEMORY_REGION)
		bound_slot(fuzz);
	bound_ours(fuzz, request->number);
	if (size || hostile_random(&fuzz->random) % 8 == 0)
		result = ioctl(fuzz->fds[request->kind], request->number, fuzz->buffer);
	else if (request->number == KVM_RUN || request->number == KVM_CREATE_VM)
		result = ioctl(fuzz->fds[request->kind], request->number, 0UL);
	else
		result = ioctl(fuzz->fds[request->kind], request->number, interesting(fuzz));
	if (result > 2 && makes_fd(request->number))
		close(result);
}

static void fuzz_process(void *argument)
{
	struct fuzz fuzz = {.random = *(uint64_t *)argument};
	struct vm *vm = vm_create(fuzz.random & 1 ? VM_PIT : 0);
	struct vcpu *vcpu = vcpu_create(vm, 0);
	uint64_t random = fuzz.random;
	int i;

	fuzz.fds[FD_SYSTEM] = abi_open();
	fuzz.fds[FD_VM] = vm->fd;
	fuzz.fds[FD_VCPU] = vcpu->fd;
	fuzz.buffer = host_pages(BUFFER);
	fuzz.memory = host_pages(1 << 20);
	ioctl(vm->fd, VITRINE_VM_GET_ID, &fuzz.vm_id);
	for (i = 0; i < RAM_SIZE / 64; i++) {
		hostile_random(&random);
		memcpy(vm->ram + i * 64, &random, 8);
	}
	signal_every_ms(5);
	die_after_s(5); /* a random signal mask may keep KVM_RUN from ending */
	for (i = 0; i < REQUESTS; i++)
		one_request(&fuzz);
}

ABI_TEST("random requests leave the host whole")
{
	uint64_t seed = hostile_seed();
	int process;

	for (process = 0; process < PROCESSES; process++) {
		uint64_t random = seed + process;

		/* A guest may have scribbled over its own process: how that ends is its affair. */
		in_child(fuzz_process, &random);
	}
	expect_device_works();
}
