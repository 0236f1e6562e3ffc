// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_SREGS, KVM_SET_SREGS, KVM_GET_REGS, KVM_SET_REGS.
 */
#include "abi.h"

GUEST(done, 64, "out %al, $0xf4");

ABI_TEST("general registers come back as they were set")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_regs set = {.rax = 1, .rbx = 2, .rcx = 3, .rdx = 4, .rsi = 5, .rdi = 6, .rsp = 7,
		.rbp = 8, .r8 = 9, .r9 = 10, .r10 = 11, .r11 = 12, .r12 = 13, .r13 = 14, .r14 = 15,
		.r15 = ~0ULL, .rip = 0x1234, .rflags = 0x246};
	struct kvm_regs got;

	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_REGS, &set));
	got = vcpu_regs(vcpu);
	EXPECT_EQ(memcmp(&set, &got, sizeof(set)), 0);
}

ABI_TEST("RFLAGS bit 1 is always set")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_regs regs = {.rflags = 0};

	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	EXPECT_EQ(vcpu_regs(vcpu).rflags & 2, 2);
}

ABI_TEST("system registers come back as they were set")
{
	static const uint8_t nothing[1];
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_sregs set, got;

	vcpu_load64(vcpu, nothing, nothing);
	set = vcpu_sregs(vcpu);
	set.gdt.base = 0x123000;
	set.gdt.limit = 0x7f;
	set.idt.base = 0x124000;
	set.idt.limit = 0xfff;
	set.cr2 = 0xdead000;
	set.cr8 = 3;
	set.fs.base = 0x1000;
	set.tr.base = 0x125000;
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &set));
	got = vcpu_sregs(vcpu);
	EXPECT_EQ(got.gdt.base, set.gdt.base);
	EXPECT_EQ(got.gdt.limit, set.gdt.limit);
	EXPECT_EQ(got.idt.base, set.idt.base);
	EXPECT_EQ(got.idt.limit, set.idt.limit);
	EXPECT_EQ(got.cr0, set.cr0);
	EXPECT_EQ(got.cr2, set.cr2);
	EXPECT_EQ(got.cr3, set.cr3);
	EXPECT_EQ(got.cr4, set.cr4);
	EXPECT_EQ(got.cr8, set.cr8);
	EXPECT_EQ(got.efer, set.efer);
	EXPECT_EQ(got.fs.base, set.fs.base);
	EXPECT_EQ(got.tr.base, set.tr.base);
	EXPECT_EQ(got.cs.l, 1);
}

static void refused(void (*spoil)(struct kvm_sregs *sregs), const char *what)
{
	static const uint8_t nothing[1];
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_sregs sregs, before, after;

	vcpu_load64(vcpu, nothing, nothing);
	before = sregs = vcpu_sregs(vcpu);
	spoil(&sregs);
	errno = 0;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) != -1 || errno != EINVAL)
		abi_fail(__FILE__, __LINE__, "%s: %s", what, strerror(errno));
	after = vcpu_sregs(vcpu);
	EXPECT_EQ(after.cr4, before.cr4);
	EXPECT_EQ(after.efer, before.efer);
}

static void reserved_cr4(struct kvm_sregs *sregs)
{
	sregs->cr4 |= 1ULL << 40;
}

static void long_without_pae(struct kvm_sregs *sregs)
{
	sregs->cr4 &= ~0x20ULL;
}

static void active_without_paging(struct kvm_sregs *sregs)
{
	sregs->cr0 &= ~0x80000000ULL;
}

static void long_without_active(struct kvm_sregs *sregs)
{
	sregs->efer &= ~0x400ULL;
}

static void high_cr0(struct kvm_sregs *sregs)
{
	sregs->cr0 |= 1ULL << 40;
}

static void wild_cr3(struct kvm_sregs *sregs)
{
	sregs->cr3 = 1ULL << 62;
}

ABI_TEST("states that no processor is in are EINVAL and change nothing")
{
	refused(reserved_cr4, "a reserved bit of CR4");
	refused(long_without_pae, "EFER.LMA without CR4.PAE");
	refused(active_without_paging, "EFER.LMA without CR0.PG");
	refused(long_without_active, "LME and PG without LMA");
	refused(high_cr0, "a high bit of CR0");
	refused(wild_cr3, "CR3 beyond the physical address width");
}

ABI_TEST("a boot processor put at the reset vector is runnable")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, 0);
	struct kvm_mp_state halted = {.mp_state = KVM_MP_STATE_HALTED};
	struct kvm_sregs sregs = vcpu_sregs(vcpu);

	NEED(ioctl(vcpu->fd, KVM_SET_MP_STATE, &halted) == 0);
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	EXPECT_EQ(vcpu_mp_state(vcpu), KVM_MP_STATE_RUNNABLE);
}

GUEST(take, 16, "sti; nop; nop; 1: jmp 1b");
GUEST(handler, 16, "out %al, $0xf4; iret");

ABI_TEST("the interrupt in the bitmap is injected once")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_sregs sregs;
	size_t i;

	vcpu_load16(vcpu, take, take_end);
	/* VMX refuses to inject an interrupt into a guest that takes none. */
	vcpu_allow_interrupts(vcpu);
	vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
	guest_handler16(vcpu, 0x61, HANDLER_GPA);
	sregs = vcpu_sregs(vcpu);
	for (i = 0; i < ARRAY_SIZE(sregs.interrupt_bitmap); i++)
		EXPECT_EQ(sregs.interrupt_bitmap[i], 0);
	sregs.interrupt_bitmap[1] = 1ULL << (0x61 - 64);
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	EXPECT_EQ(vcpu_sregs(vcpu).interrupt_bitmap[1], 1ULL << (0x61 - 64));
	NEED(vcpu_done(vcpu));
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
}

/* Of TSS and busy TSS the CPU runs with the busy one only: SDM 3C "Checks on Guest Segment Registers". */
ABI_TEST("a task register that is not busy is made busy")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_sregs sregs;

	if (abi_stock_vmx())
		abi_skip("kvm-intel enters with what it was given, which fails");
	vcpu_load64(vcpu, done, done_end);
	sregs = vcpu_sregs(vcpu);
	sregs.tr.type = 9;
	sregs.tr.limit = 0x67;
	sregs.tr.selector = 0x40;
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_sregs(vcpu).tr.type, 11);
}

/* A CPU may keep a guest's state from one run to the next: what is set in between is not what it keeps. */
GUEST(look, 16, "1: mov 0, %bl; out %al, $0x80; jmp 1b");

ABI_TEST("a segment set between two runs is the guest's")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_sregs sregs;

	vcpu_load16(vcpu, look, look_end);
	vcpu->vm->ram[0] = 0x11;
	vcpu->vm->ram[DATA_GPA] = 0x22;
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu_regs(vcpu).rbx & 0xff, 0x11);
	sregs = vcpu_sregs(vcpu);
	sregs.ds.base = DATA_GPA;
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_EQ(vcpu_regs(vcpu).rbx & 0xff, 0x22);
}
