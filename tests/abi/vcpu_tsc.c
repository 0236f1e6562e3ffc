// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time-stamp counter, its frequency, the TSC deadline, kvmclock.
 */
#include "abi.h"

GUEST(rdtsc, 64, "rdtsc; shl $32, %rdx; or %rdx, %rax; out %al, $0xf4");

static uint64_t tsc(struct vcpu *vcpu)
{
	uint64_t value;

	EXPECT_EQ(msr_get(vcpu, 0x10, &value), 1);
	return value;
}

static uint64_t host_tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

ABI_TEST("a TSC written to 0 on several vCPUs is one TSC")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *first = vcpu_create(vm, 0), *second = vcpu_create(vm, 1);
	uint64_t before, between, after;

	EXPECT_EQ(msr_set(first, 0x10, 0), 1);
	sleep_ms(30);
	EXPECT_EQ(msr_set(second, 0x10, 0), 1);
	before = tsc(first);
	between = tsc(second);
	after = tsc(first);
	EXPECT(before <= between);
	EXPECT(between <= after);
}

/* The first value that user space writes is one that was saved; what comes within a second of it is the same TSC. */
ABI_TEST("a TSC written on several vCPUs within a second is one TSC, one that is farther off another")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *first = vcpu_create(vm, 0), *second = vcpu_create(vm, 1);
	uint64_t second_long = ioctl(first->fd, KVM_GET_TSC_KHZ, 0UL) * 1000ULL, saved = 1ULL << 50;
	uint64_t before, between;

	EXPECT_EQ(msr_set(first, 0x10, saved), 1);
	sleep_ms(30);
	EXPECT_EQ(msr_set(second, 0x10, saved), 1);
	before = tsc(first);
	between = tsc(second);
	EXPECT(before >= saved);
	EXPECT(before <= between);
	EXPECT(between <= tsc(first));
	EXPECT_EQ(msr_set(second, 0x10, saved + 100 * second_long), 1);
	EXPECT(tsc(second) >= saved + 100 * second_long);
	EXPECT(tsc(first) < saved + 100 * second_long);
}

static int tsc_offset(struct vcpu *vcpu, unsigned long request, uint64_t *offset)
{
	struct kvm_device_attr attribute = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)offset};

	return ioctl(vcpu->fd, request, &attribute);
}

ABI_TEST("KVM_VCPU_TSC_OFFSET is the TSC's distance from the host's, for the guest and in the MSR")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t offset, got, ahead = 1ULL << 50, from, to, seen;

	EXPECT_OK(tsc_offset(vcpu, KVM_HAS_DEVICE_ATTR, NULL));
	NEED(tsc_offset(vcpu, KVM_GET_DEVICE_ATTR, &offset) == 0);
	from = host_tsc();
	seen = tsc(vcpu);
	to = host_tsc();
	EXPECT(seen - offset >= from && seen - offset <= to);
	offset += ahead;
	EXPECT_OK(tsc_offset(vcpu, KVM_SET_DEVICE_ATTR, &offset));
	EXPECT_OK(tsc_offset(vcpu, KVM_GET_DEVICE_ATTR, &got));
	EXPECT_EQ(got, offset);
	from = host_tsc();
	seen = tsc(vcpu);
	to = host_tsc();
	EXPECT(seen - offset >= from && seen - offset <= to);
	vcpu_load64(vcpu, rdtsc, rdtsc_end);
	NEED(vcpu_done(vcpu));
	seen = vcpu_regs(vcpu).rax;
	EXPECT(seen - offset >= to && seen - offset <= host_tsc());
}

ABI_TEST("the guest's RDTSC is what the MSR says")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t before = tsc(vcpu), seen;

	vcpu_load64(vcpu, rdtsc, rdtsc_end);
	NEED(vcpu_done(vcpu));
	seen = vcpu_regs(vcpu).rax;
	EXPECT(seen >= before);
	EXPECT(seen <= tsc(vcpu));
}

ABI_TEST("KVM_GET_TSC_KHZ is positive, and that frequency and 0 are accepted")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	long khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0UL);

	EXPECT(khz > 0);
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz));
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_TSC_KHZ, 0UL));
	EXPECT_EQ(ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0UL), khz);
}

/* A vCPU whose TSC runs at 3/2 of the host's; NULL where it cannot. */
static struct vcpu *scaled(struct vm *vm, unsigned int id, long *khz)
{
	struct vcpu *vcpu = vcpu_create(vm, id);

	*khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0UL) * 3 / 2;
	return ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) > 0 &&
	       !ioctl(vcpu->fd, KVM_SET_TSC_KHZ, *khz) ? vcpu : NULL;
}

ABI_TEST("half the host's frequency is accepted where TSCs are scaled, else EINVAL")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	long khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0UL);

	if (ioctl(vcpu->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) > 0) {
		EXPECT_OK(ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz / 2));
		EXPECT_EQ(ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0UL), khz / 2);
		EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_TSC_KHZ, 0xffffffffUL), EINVAL);
	} else {
		/* What KVM_GET_TSC_KHZ says now is not asked: stock KVM remembers what it refused. A faster one it takes. */
		EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz / 2), EINVAL);
	}
}

ABI_TEST("a scaled TSC runs at its frequency, for the guest and in the MSR")
{
	long khz;
	struct vcpu *vcpu = scaled(vm_create(VM_IRQCHIP), 0, &khz);
	uint64_t from[3], to[3], seen;

	if (!vcpu)
		abi_skip("no TSC scaling");
	EXPECT_EQ(ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0UL), khz);
	from[0] = host_tsc();
	from[1] = tsc(vcpu);
	from[2] = host_tsc();
	sleep_ms(20);
	vcpu_load64(vcpu, rdtsc, rdtsc_end);
	NEED(vcpu_done(vcpu));
	seen = vcpu_regs(vcpu).rax;
	to[0] = host_tsc();
	to[1] = tsc(vcpu);
	to[2] = host_tsc();
	EXPECT(seen >= from[1]);
	EXPECT(seen <= to[1]);
	EXPECT((to[1] - from[1]) * 2 >= (to[0] - from[2]) * 3 - 6);
	EXPECT((to[1] - from[1]) * 2 <= (to[2] - from[0]) * 3 + 6);
}

ABI_TEST("scaled TSCs written to 0 on several vCPUs are one TSC")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	long khz;
	struct vcpu *first = scaled(vm, 0, &khz), *second = scaled(vm, 1, &khz);
	uint64_t before, between;

	if (!first || !second)
		abi_skip("no TSC scaling");
	EXPECT_EQ(msr_set(first, 0x10, 0), 1);
	sleep_ms(30);
	EXPECT_EQ(msr_set(second, 0x10, 0), 1);
	before = tsc(first);
	between = tsc(second);
	EXPECT(before <= between);
	EXPECT(between <= tsc(first));
}

ABI_TEST("KVM_KVMCLOCK_CTRL is EINVAL while the guest has no clock page")
{
	EXPECT_ERRNO(ioctl(vcpu_create(vm_create(VM_IRQCHIP), 0)->fd, KVM_KVMCLOCK_CTRL), EINVAL);
}

GUEST(clock_on, 16,
      "mov $0x4b564d00, %ecx; mov $0x30000, %eax; xor %edx, %edx; wrmsr\n"
      "mov $0x4b564d01, %ecx; mov $0x31001, %eax; xor %edx, %edx; wrmsr\n"
      "1: out %al, $0xf4; jmp 1b");

/**
 * struct clock_page - pvclock_vcpu_time_info of the ABI
 */
struct clock_page {
	uint32_t version, pad;
	uint64_t tsc_timestamp, system_time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags;
};

ABI_TEST("the clock page holds an even version, a scale and a time; the wall clock is written")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	const struct clock_page *page = (void *)(vcpu->vm->ram + 0x31000);
	const uint32_t *wall = (void *)(vcpu->vm->ram + 0x30000);

	vcpu_load16(vcpu, clock_on, clock_on_end);
	NEED(vcpu_done(vcpu));
	NEED(vcpu_done(vcpu));
	EXPECT(page->version && !(page->version & 1));
	EXPECT(page->mul);
	EXPECT(page->tsc_timestamp);
	EXPECT_EQ(page->flags, 1); /* all vCPUs' pages give one time */
	EXPECT(wall[0] && !(wall[0] & 1));
	EXPECT(wall[1] > 1500000000);
}

ABI_TEST("the clock page is not called stable where the vCPUs' TSCs differ")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *first = vcpu_create(vm, 0), *second = vcpu_create(vm, 1);
	const struct clock_page *page = (void *)(vm->ram + 0x31000);

	EXPECT_EQ(msr_set(first, 0x10, 1ULL << 50), 1);
	EXPECT_EQ(msr_set(second, 0x10, 1ULL << 51), 1);
	vcpu_load16(first, clock_on, clock_on_end);
	NEED(vcpu_done(first));
	NEED(vcpu_done(first));
	EXPECT(page->version && !(page->version & 1));
	EXPECT_EQ(page->flags, 0);
}

ABI_TEST("the clock page of a scaled TSC has its scale")
{
	long khz;
	struct vcpu *vcpu = scaled(vm_create(VM_IRQCHIP), 0, &khz);
	const struct clock_page *page;
	uint64_t cycles;

	if (!vcpu)
		abi_skip("no TSC scaling");
	page = (void *)(vcpu->vm->ram + 0x31000);
	vcpu_load16(vcpu, clock_on, clock_on_end);
	NEED(vcpu_done(vcpu));
	NEED(vcpu_done(vcpu));
	cycles = khz * 1000;
	cycles = page->shift < 0 ? cycles >> -page->shift : cycles << page->shift;
	cycles = (unsigned __int128)cycles * page->mul >> 32;
	EXPECT(cycles > 999999000 && cycles < 1000001000);
}

ABI_TEST("KVM_KVMCLOCK_CTRL tells the guest that it was stopped")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	const struct clock_page *page = (void *)(vcpu->vm->ram + 0x31000);

	vcpu_load16(vcpu, clock_on, clock_on_end);
	NEED(vcpu_done(vcpu));
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(page->flags & 2, 0);
	EXPECT_OK(ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL));
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(page->flags & 2, 2);
}

/* LVT timer in TSC-deadline mode, vector 0x41; the deadline 1 is long past. */
GUEST(deadline, 16,
      "mov $0xfee00320, %esi; addr32 movl $0x40041, (%esi)\n"
      "mov $0x6e0, %ecx; mov $1, %eax; xor %edx, %edx; wrmsr; sti; 1: hlt; jmp 1b");
GUEST(handler, 16, "out %al, $0xf4; iret");

ABI_TEST("a TSC deadline in the past interrupts at once")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t value;

	vcpu_load16(vcpu, deadline, deadline_end);
	vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
	guest_handler16(vcpu, 0x41, HANDLER_GPA);
	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(msr_get(vcpu, 0x6e0, &value), 1);
	EXPECT_EQ(value, 0);
}
