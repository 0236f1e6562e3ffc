// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port and MMIO exits: sizes, strings, page crossings.
 */
#include "abi.h"

GUEST(ports, 16,
      "mov $0x11223344, %eax; out %al, $0x80; out %ax, $0x80; out %eax, $0x80\n"
      "in $0x80, %al; in $0x80, %ax; in $0x80, %eax; out %al, $0xf4");
GUEST(string_out, 16, "mov $0x7ffe, %si; mov $4, %cx; mov $0x80, %dx; rep outsb; out %al, $0xf4");
GUEST(string_in, 16, "mov $0x2fff, %di; mov $3, %cx; mov $0x80, %dx; rep insw; out %al, $0xf4");
GUEST(mmio, 64,
      "mov $0x10000000, %rsi; mov $0x1122334455667788, %rax\n"
      "mov %al, (%rsi); mov %ax, 2(%rsi); mov %eax, 4(%rsi); mov %rax, 8(%rsi)\n"
      "movzbl (%rsi), %ebx; mov 8(%rsi), %rcx; out %al, $0xf4");
GUEST(crossing, 64,
      "mov $0x10000ffc, %rsi; mov $0x1122334455667788, %rax; mov %rax, (%rsi); out %al, $0xf4");
GUEST(read_write, 64, "mov $0x10000000, %rsi; addl $5, (%rsi); out %al, $0xf4");
GUEST(movs, 64,
      "mov $0x20000, %esi; mov $0x10000000, %edi; mov $3, %ecx; rep movsb; out %al, $0xf4");

static void expect_write(struct vcpu *vcpu, uint64_t address, uint32_t size, uint64_t value)
{
	uint64_t data = 0;

	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.is_write, 1);
	EXPECT_EQ(vcpu->run->mmio.phys_addr, address);
	EXPECT_EQ(vcpu->run->mmio.len, size);
	memcpy(&data, vcpu->run->mmio.data, size < 8 ? size : 8);
	EXPECT_EQ(data, value);
}

static void expect_read(struct vcpu *vcpu, uint64_t address, uint32_t size, uint64_t value)
{
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.is_write, 0);
	EXPECT_EQ(vcpu->run->mmio.phys_addr, address);
	EXPECT_EQ(vcpu->run->mmio.len, size);
	memcpy(vcpu->run->mmio.data, &value, sizeof(value));
}

ABI_TEST("port accesses of 1, 2 and 4 bytes")
{
	static const uint32_t written[] = {0x44, 0x3344, 0x11223344};
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int i;

	vcpu_load16(vcpu, ports, ports_end);
	for (i = 0; i < 3; i++) {
		NEED(vcpu_runs_to_port(vcpu, 0x80));
		EXPECT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_OUT);
		EXPECT_EQ(vcpu->run->io.size, 1 << i);
		EXPECT_EQ(vcpu->run->io.count, 1);
		EXPECT_EQ(run_port_data(vcpu), written[i]);
	}
	for (i = 0; i < 3; i++) {
		NEED(vcpu_runs_to_port(vcpu, 0x80));
		EXPECT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_IN);
		EXPECT_EQ(vcpu->run->io.size, 1 << i);
		memcpy((uint8_t *)vcpu->run + vcpu->run->io.data_offset, "\xaa\xbb\xcc\xdd", 4);
	}
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rax, 0xddccbbaa);
}

ABI_TEST("REP OUTS gives every element in order")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint8_t got[8];
	unsigned int count = 0;

	vcpu_load16(vcpu, string_out, string_out_end);
	memcpy(vcpu->vm->ram + 0x7ffe, "wxyz", 4);
	for (;;) {
		NEED(vcpu_runs_to(vcpu, KVM_EXIT_IO));
		if (vcpu->run->io.port == DONE_PORT)
			break;
		EXPECT_EQ(vcpu->run->io.size, 1);
		NEED(count + vcpu->run->io.count <= sizeof(got));
		memcpy(got + count, (uint8_t *)vcpu->run + vcpu->run->io.data_offset,
		       vcpu->run->io.count);
		count += vcpu->run->io.count;
	}
	EXPECT_EQ(count, 4);
	EXPECT_EQ(memcmp(got, "wxyz", 4), 0);
	EXPECT_EQ(vcpu_regs(vcpu).rcx, 0);
	EXPECT_EQ(vcpu_regs(vcpu).rsi, 0x8002);
}

ABI_TEST("REP INS fills memory across a page")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint8_t next = 1;

	vcpu_load16(vcpu, string_in, string_in_end);
	for (;;) {
		uint32_t i;

		NEED(vcpu_runs_to(vcpu, KVM_EXIT_IO));
		if (vcpu->run->io.port == DONE_PORT)
			break;
		for (i = 0; i < vcpu->run->io.count * 2; i++)
			((uint8_t *)vcpu->run)[vcpu->run->io.data_offset + i] = next++;
	}
	EXPECT_EQ(memcmp(vcpu->vm->ram + 0x2fff, "\1\2\3\4\5\6", 6), 0);
	EXPECT_EQ(vcpu_regs(vcpu).rdi, 0x3005);
	EXPECT_EQ(vcpu_regs(vcpu).rcx, 0);
}

ABI_TEST("MMIO of 1, 2, 4 and 8 bytes")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, mmio, mmio_end);
	expect_write(vcpu, HOLE_GPA, 1, 0x88);
	expect_write(vcpu, HOLE_GPA + 2, 2, 0x7788);
	expect_write(vcpu, HOLE_GPA + 4, 4, 0x55667788);
	expect_write(vcpu, HOLE_GPA + 8, 8, 0x1122334455667788);
	expect_read(vcpu, HOLE_GPA, 1, 0xfe);
	expect_read(vcpu, HOLE_GPA + 8, 8, 0xfedcba9876543210);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 0xfe);
	EXPECT_EQ(vcpu_regs(vcpu).rcx, 0xfedcba9876543210);
}

ABI_TEST("MMIO across a page is two accesses")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, crossing, crossing_end);
	expect_write(vcpu, HOLE_GPA + 0xffc, 4, 0x55667788);
	expect_write(vcpu, HOLE_GPA + 0x1000, 4, 0x11223344);
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("a read-modify-write is a read and a write")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, read_write, read_write_end);
	expect_read(vcpu, HOLE_GPA, 4, 37);
	expect_write(vcpu, HOLE_GPA, 4, 42);
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("REP MOVS to a device writes each element")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	memcpy(vcpu->vm->ram + DATA_GPA, "abc", 3);
	vcpu_load64(vcpu, movs, movs_end);
	expect_write(vcpu, HOLE_GPA, 1, 'a');
	expect_write(vcpu, HOLE_GPA + 1, 1, 'b');
	expect_write(vcpu, HOLE_GPA + 2, 1, 'c');
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rcx, 0);
}
