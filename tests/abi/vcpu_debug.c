// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers and KVM_SET_GUEST_DEBUG.
 */
#include "abi.h"

GUEST(nops, 64, "nop; nop; int3; nop; out %al, $0xf4");
GUEST(store, 64, "mov $0x20000, %esi; movb $1, (%rsi); nop; out %al, $0xf4");

static int guest_debug(struct vcpu *vcpu, uint32_t control, uint64_t dr7, uint64_t address)
{
	struct kvm_guest_debug debug = {.control = control};

	debug.arch.debugreg[7] = dr7;
	debug.arch.debugreg[0] = address;
	return ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
}

/*
 * QEMU's emulated SVM neither intercepts INT3 nor arms the breakpoints of DR7 that VMRUN loads: on
 * it the guest runs on, under stock KVM as well.
 */
static void need_debug_exit(struct vcpu *vcpu)
{
	uint32_t eax, ebx, ecx, edx;

	__asm__("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(0x40000000));
	if (ebx == 0x54474354) { /* TCGT */
		if (vcpu_run(vcpu) || vcpu->run->exit_reason != KVM_EXIT_DEBUG)
			abi_skip("the emulated CPU has no such breakpoint");
	} else {
		NEED(vcpu_runs_to(vcpu, KVM_EXIT_DEBUG));
	}
}

ABI_TEST("debug registers come back as they were set")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	struct kvm_debugregs set = {.db = {1, 2, 3, 4}, .dr6 = 0xffff0ff1, .dr7 = 0x401}, got;

	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &set));
	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &got));
	EXPECT_EQ(memcmp(set.db, got.db, sizeof(set.db)), 0);
	EXPECT_EQ(got.dr6, set.dr6);
	EXPECT_EQ(got.dr7, set.dr7);
}

ABI_TEST("high bits of DR6 and DR7, and flags, are EINVAL")
{
	struct vcpu *vcpu = vcpu_create(vm_create(0), 0);
	struct kvm_debugregs debug = {.dr6 = 1ULL << 40, .dr7 = 0x400};

	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &debug), EINVAL);
	debug.dr6 = 0xffff0ff0;
	debug.dr7 = 1ULL << 40;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &debug), EINVAL);
	debug.dr7 = 0x400;
	debug.flags = 1;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &debug), EINVAL);
}

ABI_TEST("single steps exit after each instruction")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int step;

	vcpu_load64(vcpu, nops, nops_end);
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, 0x400, 0) == 0);
	for (step = 1; step <= 2; step++) {
		NEED(vcpu_runs_to(vcpu, KVM_EXIT_DEBUG));
		if (abi_vmx() && vcpu->run->debug.arch.pc == CODE_GPA)
			abi_skip("Bochs 2.7 has no monitor trap, and traps before the first instruction of an entry with TF set");
		EXPECT_EQ(vcpu->run->debug.arch.exception, 1);
		EXPECT_EQ(vcpu->run->debug.arch.pc, CODE_GPA + step);
		EXPECT(vcpu->run->debug.arch.dr6 & 1 << 14);
	}
	EXPECT_EQ(vcpu_regs(vcpu).rflags & 0x100, 0);
}

ABI_TEST("a software breakpoint exits at its own address")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, nops, nops_end);
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, 0x400, 0) == 0);
	need_debug_exit(vcpu);
	EXPECT_EQ(vcpu->run->debug.arch.exception, 3);
	EXPECT_EQ(vcpu->run->debug.arch.pc, CODE_GPA + 2);
	EXPECT_EQ(vcpu_regs(vcpu).rip, CODE_GPA + 2);
}

ABI_TEST("a hardware breakpoint on an instruction exits before it")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, nops, nops_end);
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, 0x402,
			 CODE_GPA + 1) == 0);
	need_debug_exit(vcpu);
	EXPECT_EQ(vcpu->run->debug.arch.exception, 1);
	EXPECT_EQ(vcpu->run->debug.arch.pc, CODE_GPA + 1);
	EXPECT(vcpu->run->debug.arch.dr6 & 1);
}

ABI_TEST("a hardware watchpoint exits after the write")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, store, store_end);
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, 0x402 | 1 << 16,
			 DATA_GPA) == 0);
	need_debug_exit(vcpu);
	EXPECT_EQ(vcpu->run->debug.arch.exception, 1);
	EXPECT_EQ(vcpu->vm->ram[DATA_GPA], 1);
	EXPECT(vcpu->run->debug.arch.dr6 & 1);
}

ABI_TEST("debugging switched off, the guest runs through")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, store, store_end);
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, 0x400, 0) == 0);
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_DEBUG));
	NEED(guest_debug(vcpu, 0, 0, 0) == 0);
	EXPECT(vcpu_done(vcpu));
}
