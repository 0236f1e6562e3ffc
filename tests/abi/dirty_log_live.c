// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_DIRTY_LOG of more pages than a CPU's own log holds, and while the guest writes.
 */
#include "abi.h"

#include <time.h>

enum { SLOT_GPA = 0x1000000, PAGES = 2048, SIZE = PAGES * 4096, ROUNDS = 50, WRITERS = 4 };

/* Writes each page, says so, then every third page, says so, and so on. */
GUEST(sweep, 16,
      "1: mov $4096, %ebx; call 2f; mov $3 * 4096, %ebx; call 2f; jmp 1b\n"
      "2: mov $0x1000000, %esi\n"
      "3: addr32 incl (%esi); add %ebx, %esi; cmp $0x1800000, %esi; jb 3b\n"
      "out %al, $0xf4; ret");
/* Writes all over the slot, for ever. */
GUEST(scatter, 16,
      "1: imul $1664525, %ebx, %ebx; add $1013904223, %ebx\n"
      "mov %ebx, %esi; shr $9, %esi; and $0x7ffffc, %esi; addr32 mov %ebx, 0x1000000(%esi)\n"
      "jmp 1b");

static uint64_t bitmap[PAGES / 64];

static void get_log(struct vcpu *vcpu)
{
	struct kvm_dirty_log log = {.slot = 1, .dirty_bitmap = bitmap};

	NEED(ioctl(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log) == 0);
}

static bool dirty(unsigned int page)
{
	return bitmap[page / 64] >> page % 64 & 1;
}

static struct vcpu *logging(uint8_t *memory, uint32_t flags)
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	NEED(vm_slot(vm, 1, flags, SLOT_GPA, SIZE, memory) == 0);
	return vcpu_create(vm, 0);
}

static void expect_every(struct vcpu *vcpu, unsigned int step)
{
	unsigned int page, wrong = 0;

	NEED(vcpu_done(vcpu));
	get_log(vcpu);
	for (page = 0; page < PAGES; page++)
		wrong += dirty(page) != !(page % step);
	EXPECT_EQ(wrong, 0);
	get_log(vcpu);
	for (page = wrong = 0; page < PAGES; page++)
		wrong += dirty(page);
	EXPECT_EQ(wrong, 0);
}

static void sweep_logged(uint8_t *memory)
{
	struct vcpu *vcpu = logging(memory, KVM_MEM_LOG_DIRTY_PAGES);
	int round;

	vcpu_load16(vcpu, sweep, sweep_end);
	for (round = 0; round < 3; round++) {
		expect_every(vcpu, 1);
		expect_every(vcpu, 3);
	}
}

ABI_TEST("thousands of written pages are there, and no others")
{
	sweep_logged(host_pages(SIZE));
}

ABI_TEST("and so in memory that the host has filled before")
{
	sweep_logged(memset(host_pages(SIZE), 1, SIZE));
}

/* The vCPUs that write all over the slot, each its own values. */
static void start_writers(struct vcpu *writers[], unsigned int count)
{
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct kvm_regs regs;

		if (i)
			writers[i] = vcpu_create(writers[0]->vm, i);
		vcpu_load16(writers[i], scatter, scatter_end);
		regs = vcpu_regs(writers[i]);
		regs.rbx = i << 20;
		NEED(ioctl(writers[i]->fd, KVM_SET_REGS, &regs) == 0);
		NEED(ioctl(writers[i]->fd, KVM_SET_MP_STATE, &runnable) == 0);
		vcpu_start(writers[i]);
	}
}

static void stop_writers(struct vcpu *writers[], unsigned int count)
{
	while (count--) {
		vcpu_kick(writers[count]);
		NEED(vcpu_returns_within(writers[count], 5000));
		NEED(writers[count]->error == EINTR);
	}
}

/* Some rounds; fewer where the writers leave the host little time. */
static void copied_by_log(unsigned int count)
{
	uint8_t *memory = host_pages(SIZE), *copy = host_pages(SIZE);
	struct vcpu *writers[WRITERS] = {logging(memory, 0)};
	unsigned int round, page, copied = 0;
	time_t start = time(NULL);
	bool last = false;

	start_writers(writers, count);
	sleep_ms(20);
	NEED(vm_slot(writers[0]->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, SLOT_GPA, SIZE, memory) == 0);
	memcpy(copy, memory, SIZE);
	for (round = 1; !last; round++) {
		last = round >= ROUNDS || time(NULL) - start > 4;
		if (last)
			stop_writers(writers, count);
		get_log(writers[0]);
		for (page = 0; page < PAGES; page++) {
			if (!dirty(page))
				continue;
			memcpy(copy + page * 4096, memory + page * 4096, 4096);
			copied++;
		}
		sleep_ms(round % 4);
	}
	printf("# %u rounds, %u pages\n", round - 1, copied);
	EXPECT(round > 3 && copied > 0);
	EXPECT(memcmp(copy, memory, SIZE) == 0);
}

ABI_TEST("who copies what the log names ends with the guest's memory")
{
	copied_by_log(1);
}

ABI_TEST("and so where four vCPUs write")
{
	copied_by_log(WRITERS);
}
