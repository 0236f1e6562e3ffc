// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read-only slots: reads and fetches are direct, writes become MMIO exits and change nothing.
 */
#include "abi.h"

enum { ROM_GPA = 0x1000000 };

GUEST(write_rom, 16,
      "mov $0x1000010, %esi; addr32 mov (%esi), %al\n"
      "addr32 movb $0x99, (%esi); addr32 mov (%esi), %bl; out %al, $0xf4");
GUEST(run_rom, 16, "mov $3, %cl; out %al, $0xf4");

static struct vcpu *with_rom(uint8_t **rom, uint64_t gpa)
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	*rom = host_pages(4096);
	if (gpa < RAM_SIZE) {
		NEED(vm_slot(vm, 0, 0, 0, 0, NULL) == 0);
		NEED(vm_slot(vm, 0, 0, 0, gpa, vm->ram) == 0);
	}
	NEED(vm_slot(vm, 1, KVM_MEM_READONLY, gpa, 4096, *rom) == 0);
	return vcpu_create(vm, 0);
}

ABI_TEST("a write is an MMIO exit that leaves the memory as it was")
{
	uint8_t *rom;
	struct vcpu *vcpu = with_rom(&rom, ROM_GPA);

	rom[0x10] = 0x42;
	vcpu_load16(vcpu, write_rom, write_rom_end);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.phys_addr, ROM_GPA + 0x10);
	EXPECT_EQ(vcpu->run->mmio.is_write, 1);
	EXPECT_EQ(vcpu->run->mmio.len, 1);
	EXPECT_EQ(vcpu->run->mmio.data[0], 0x99);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rax & 0xff, 0x42);
	EXPECT_EQ(vcpu_regs(vcpu).rbx & 0xff, 0x42);
	EXPECT_EQ(rom[0x10], 0x42);
}

ABI_TEST("code runs from it")
{
	enum { LOW_ROM_GPA = 0x40000 };
	uint8_t *rom;
	struct vcpu *vcpu = with_rom(&rom, LOW_ROM_GPA);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	vcpu_load16(vcpu, run_rom, run_rom_end);
	memcpy(rom, run_rom, run_rom_end - run_rom);
	sregs = vcpu_sregs(vcpu);
	sregs.cs.base = LOW_ROM_GPA;
	sregs.cs.selector = LOW_ROM_GPA >> 4;
	NEED(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) == 0);
	regs = vcpu_regs(vcpu);
	regs.rip = 0;
	NEED(ioctl(vcpu->fd, KVM_SET_REGS, &regs) == 0);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rcx, 3);
}

ABI_TEST("read-only host memory works under it")
{
	uint8_t *rom;
	struct vcpu *vcpu = with_rom(&rom, ROM_GPA);

	rom[0x10] = 0x43;
	NEED(mprotect(rom, 4096, PROT_READ) == 0);
	vcpu_load16(vcpu, write_rom, write_rom_end);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.is_write, 1);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rbx & 0xff, 0x43);
}

/* Two stores through a page table that stands in the read-only slot, and one read back. */
GUEST(store_by_rom, 64,
      "mov $0x300000, %esi; movl $0x55aa55aa, (%rsi); movl $0x66bb66bb, 0x1000(%rsi)\n"
      "mov (%rsi), %ebx; mov 0x1000(%rsi), %ecx; out %al, $0xf4; hlt");

/* AMD's CPUs count every access to a guest's page tables as a write (APM2 "Nested versus Guest Page Faults"). */
ABI_TEST("page tables in it: accesses go where they lead, not to the entry's place")
{
	enum { ACCESSED_DIRTY = 0x63, PAGES = 512, LARGE = 2 << 20 };
	uint8_t *rom;
	struct vcpu *vcpu;
	uint64_t *table;
	int i;

	if (!abi_vmx() && !strcmp(abi_device, "/dev/kvm"))
		abi_skip("stock KVM on AMD enters the guest again and again");
	vcpu = with_rom(&rom, ROM_GPA);
	vcpu_load64(vcpu, store_by_rom, store_by_rom_end);
	for (i = 0; i < PAGES; i++)
		((uint64_t *)rom)[i] = (LARGE + i * 4096) | ACCESSED_DIRTY;
	table = (uint64_t *)(vcpu->vm->ram + TABLES_GPA + 2 * 4096);
	NEED(table[1] >> 21 == 1);
	table[1] = ROM_GPA | ACCESSED_DIRTY;
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 0x55aa55aa);
	EXPECT_EQ(vcpu_regs(vcpu).rcx, 0x66bb66bb);
	EXPECT_EQ(*(uint32_t *)(vcpu->vm->ram + 0x300000), 0x55aa55aa);
	EXPECT_EQ(*(uint32_t *)(vcpu->vm->ram + 0x301000), 0x66bb66bb);
}
