// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN completes the access in flight before it looks at signals and at immediate_exit, also one of several parts.
 */
#include "abi.h"

#include <signal.h>

/* BL says that the guest has gone on behind the access. */
GUEST(in_byte, 16, "in $0x80, %al; mov $1, %bl; out %al, $0xf4; mov $2, %bl; out %al, $0xf4");
GUEST(load, 16,
      "mov $0x10000000, %esi; addr32 mov (%esi), %eax; mov $1, %bl; out %al, $0xf4\n"
      "mov $2, %bl; out %al, $0xf4");
GUEST(add, 16,
      "mov $0x10000000, %esi; addr32 addl $5, (%esi); mov $1, %bl; out %al, $0xf4\n"
      "mov $2, %bl; out %al, $0xf4");
GUEST(string_in, 16,
      "mov $0x3000, %di; mov $4, %cx; mov $0x80, %dx; rep insb; mov $1, %bl; out %al, $0xf4\n"
      "mov $2, %bl; out %al, $0xf4");
GUEST(crossing, 64,
      "mov $0x10000ffc, %esi; mov $0x1122334455667788, %rax; mov %rax, (%rsi)\n"
      "mov $1, %bl; out %al, $0xf4");

enum { OTHER_WAY = 4 };	/* mov $2, %bl; out: bytes at the end of the code */

static struct vcpu *at_read(const uint8_t *code, const uint8_t *end)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, code, end);
	if (code == in_byte) {
		NEED(vcpu_runs_to_port(vcpu, 0x80));
		((uint8_t *)vcpu->run)[vcpu->run->io.data_offset] = 37;
	} else {
		uint32_t data = 37;

		NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
		NEED(!vcpu->run->mmio.is_write);
		memcpy(vcpu->run->mmio.data, &data, sizeof(data));
	}
	return vcpu;
}

/* A signal waits that only KVM_RUN lets in. */
static void completes_before_signal(struct vcpu *vcpu)
{
	struct {
		uint32_t len;
		uint8_t set[8];
	} __attribute__((packed)) mask = {.len = 8};
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	NEED(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0);
	raise(SIGUSR1);
	NEED(ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask) == 0);
	EXPECT_EQ(vcpu_run(vcpu), EINTR);
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_INTR);
	EXPECT_EQ(vcpu_regs(vcpu).rax & 0xff, 37);
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 0);
	NEED(ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, NULL) == 0);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rax & 0xff, 37);
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 1);
}

ABI_TEST("a port read is completed before a signal")
{
	completes_before_signal(at_read(in_byte, in_byte_end));
}

ABI_TEST("an MMIO read is completed before a signal")
{
	completes_before_signal(at_read(load, load_end));
}

/* The answered part is done, and then nothing more. */
static void interrupted(struct vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	EXPECT_EQ(vcpu_run(vcpu), EINTR);
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 0);
}

ABI_TEST("what a REP INS has read is in memory before immediate_exit")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint32_t count, done = 0;

	vcpu_load16(vcpu, string_in, string_in_end);
	while (done < 4) {
		vcpu->run->immediate_exit = 0;
		NEED(vcpu_runs_to_port(vcpu, 0x80));
		count = vcpu->run->io.count;
		NEED(count && done + count <= 4);
		memcpy((uint8_t *)vcpu->run + vcpu->run->io.data_offset, "wxyz" + done, count);
		done += count;
		interrupted(vcpu);
		EXPECT_EQ(memcmp(vcpu->vm->ram + 0x3000, "wxyz", done), 0);
		EXPECT_EQ(vcpu_regs(vcpu).rcx, 4 - done);
		EXPECT_EQ(vcpu_regs(vcpu).rdi, 0x3000 + done);
	}
	vcpu->run->immediate_exit = 0;
	EXPECT(vcpu_done(vcpu));
}

/* The next part of the access goes before immediate_exit, as it is no guest's instruction. */
static void next_part(struct vcpu *vcpu, uint64_t address, uint32_t value)
{
	vcpu->run->immediate_exit = 1;
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.is_write, 1);
	EXPECT_EQ(vcpu->run->mmio.phys_addr, address);
	EXPECT_EQ(vcpu->run->mmio.len, 4);
	EXPECT_EQ(memcmp(vcpu->run->mmio.data, &value, 4), 0);
	interrupted(vcpu);
	vcpu->run->immediate_exit = 0;
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 1);
}

ABI_TEST("both parts of a write across a page come before immediate_exit")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, crossing, crossing_end);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.phys_addr, HOLE_GPA + 0xffc);
	next_part(vcpu, HOLE_GPA + 0x1000, 0x11223344);
}

ABI_TEST("the write of a read-modify-write comes before immediate_exit")
{
	next_part(at_read(add, add_end), HOLE_GPA, 42);
}

static void go_elsewhere(struct vcpu *vcpu, const uint8_t *code, const uint8_t *end)
{
	struct kvm_regs regs = vcpu_regs(vcpu);

	regs.rip = CODE_GPA + (end - code) - OTHER_WAY;
	regs.r8 = 7;
	NEED(ioctl(vcpu->fd, KVM_SET_REGS, &regs) == 0);
}

ABI_TEST("a port read is not completed at another RIP")
{
	struct vcpu *vcpu = at_read(in_byte, in_byte_end);

	go_elsewhere(vcpu, in_byte, in_byte_end);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rax & 0xff, 0);
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 2);
	EXPECT_EQ(vcpu_regs(vcpu).r8, 7);
}

/* Stock KVM loses what was read with any KVM_SET_REGS. */
ABI_TEST("an MMIO read is completed, and the guest goes on behind it, whatever RIP was set")
{
	struct vcpu *vcpu = at_read(load, load_end);

	go_elsewhere(vcpu, load, load_end);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 1);
	EXPECT_EQ(vcpu_regs(vcpu).r8, 7);
	if (!abi_stock())
		EXPECT_EQ(vcpu_regs(vcpu).rax, 37);
}

ABI_TEST("a read-modify-write is completed, and the guest goes on behind it, whatever RIP was set")
{
	struct vcpu *vcpu = at_read(add, add_end);
	uint32_t value = 42;

	go_elsewhere(vcpu, add, add_end);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.is_write, 1);
	EXPECT_EQ(vcpu->run->mmio.phys_addr, HOLE_GPA);
	EXPECT_EQ(memcmp(vcpu->run->mmio.data, &value, 4), 0);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 1);
	EXPECT_EQ(vcpu_regs(vcpu).r8, 7);
}

ABI_TEST("a REP INS is completed, and the guest goes on behind it, whatever RIP was set")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, string_in, string_in_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	NEED(vcpu->run->io.count == 4);
	memcpy((uint8_t *)vcpu->run + vcpu->run->io.data_offset, "wxyz", 4);
	go_elsewhere(vcpu, string_in, string_in_end);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(memcmp(vcpu->vm->ram + 0x3000, "wxyz", 4), 0);
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 1);
	EXPECT_EQ(vcpu_regs(vcpu).r8, 7);
}
