// SPDX-License-Identifier: GPL-2.0-only
/*
 * A slot in one page of 1 GiB of the host's: one mapping, split where the dirty log or the slot's place demand it.
 */
#include "abi.h"

#include <linux/mman.h>

#define GIANT_SIZE (1UL << 30)
#define SLOT_GPA 0xc0000000UL	/* the guest's tables map it */

static const size_t touched[] = {0, 0x12345000, GIANT_SIZE - 8};

/* Adds one in each of the places above, after each look that the host takes. */
GUEST(far_apart, 64,
      "1: out %al, $0x80; mov $0xc0000000, %ebx; addq $1, (%rbx); addq $1, 0x12345000(%rbx)\n"
      "mov $0xfffffff8, %ebx; addq $1, (%rbx); jmp 1b");
/* The same, less two pages at the end. */
GUEST(less_far_apart, 64,
      "1: out %al, $0x80; mov $0xc0000000, %ebx; addq $1, (%rbx); addq $1, 0x12345000(%rbx); jmp 1b");

static uint8_t *giant_page(void)
{
	FILE *pool = fopen("/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "w");
	uint8_t *host;

	if (pool) {
		fputs("1", pool);
		fclose(pool);
	}
	host = mmap(NULL, GIANT_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);
	if (host == MAP_FAILED)
		abi_skip("the host has no page of 1 GiB to give");
	memset(host, 0, 4096);
	return host;
}

/* The place of a slot that big is over the local APIC's. */
static struct vcpu *over(uint8_t *host, size_t size, const uint8_t *code, const uint8_t *end)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu;

	NEED(vm_slot(vm, 1, 0, SLOT_GPA, size, host) == 0);
	vcpu = vcpu_create(vm, 0);
	vcpu_load64(vcpu, code, end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	return vcpu;
}

static void expect_at(const uint8_t *host, size_t offset, uint64_t expected)
{
	uint64_t value;

	memcpy(&value, host + offset, sizeof(value));
	EXPECT_EQ(value, expected);
}

static void expect_mapped(struct vcpu *vcpu, int64_t giant, bool huge)
{
	if (vcpu_stat(vcpu, "mapped_1g") < 0)
		abi_skip("no statistics mapped_*: the bytes are right");
	EXPECT_EQ(vcpu_stat(vcpu, "mapped_1g"), giant);
	EXPECT_EQ(vcpu_stat(vcpu, "mapped_2m") > 0, huge);
}

ABI_TEST("a page of 1 GiB is one mapping")
{
	uint8_t *host = giant_page();
	struct vcpu *vcpu = over(host, GIANT_SIZE, far_apart, far_apart_end);
	size_t i;

	NEED(vcpu_runs_to_port(vcpu, 0x80));
	for (i = 0; i < ARRAY_SIZE(touched); i++)
		expect_at(host, touched[i], 1);
	expect_mapped(vcpu, 1, false);
}

ABI_TEST("the dirty log splits it and is exact, and a slot without the log has it whole again")
{
	uint8_t *host = giant_page();
	struct vcpu *vcpu = over(host, GIANT_SIZE, far_apart, far_apart_end);
	static uint64_t bitmap[GIANT_SIZE / 4096 / 64], expected[GIANT_SIZE / 4096 / 64];
	struct kvm_dirty_log log = {.slot = 1, .dirty_bitmap = bitmap};
	size_t i;

	NEED(vcpu_runs_to_port(vcpu, 0x80));
	NEED(vm_slot(vcpu->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, SLOT_GPA, GIANT_SIZE, host) == 0);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_OK(ioctl(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log));
	for (i = 0; i < ARRAY_SIZE(touched); i++) {
		expected[touched[i] / 4096 / 64] |= 1ULL << touched[i] / 4096 % 64;
		expect_at(host, touched[i], 2);
	}
	EXPECT(!memcmp(bitmap, expected, sizeof(bitmap)));
	NEED(vm_slot(vcpu->vm, 1, 0, SLOT_GPA, GIANT_SIZE, host) == 0);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	for (i = 0; i < ARRAY_SIZE(touched); i++)
		expect_at(host, touched[i], 3);
}

ABI_TEST("a slot that is not all of it has smaller mappings")
{
	uint8_t *host = giant_page();
	struct vcpu *vcpu = over(host, GIANT_SIZE - 0x2000, less_far_apart, less_far_apart_end);

	NEED(vcpu_runs_to_port(vcpu, 0x80));
	expect_at(host, touched[0], 1);
	expect_at(host, touched[1], 1);
	expect_mapped(vcpu, 0, true);
}

ABI_TEST("a slot that is askew in it has the smallest")
{
	uint8_t *host = giant_page();
	struct vcpu *vcpu = over(host + 0x1000, GIANT_SIZE - 0x2000, less_far_apart, less_far_apart_end);

	NEED(vcpu_runs_to_port(vcpu, 0x80));
	expect_at(host + 0x1000, touched[0], 1);
	expect_at(host + 0x1000, touched[1], 1);
	expect_mapped(vcpu, 0, false);
}
