// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers and KVM_SET_GUEST_DEBUG.
 */
#include "abi.h"

#include <signal.h>
#include <sys/time.h>

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
	if (abi_tcg()) {
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

static void need_steps(struct vcpu *vcpu)
{
	if (abi_vmx() && vcpu->run->debug.arch.pc == CODE_GPA)
		abi_skip("Bochs 2.7 has no monitor trap, and traps before the first instruction of an entry with TF set");
}

ABI_TEST("single steps exit after each instruction")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int step;

	vcpu_load64(vcpu, nops, nops_end);
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, 0x400, 0) == 0);
	for (step = 1; step <= 2; step++) {
		NEED(vcpu_runs_to(vcpu, KVM_EXIT_DEBUG));
		need_steps(vcpu);
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

/*
 * KVM_GUESTDBG_INJECT_*: what a debugger finds to be the guest's own goes back to it. The handler runs, though the debugger would get
 * every other exception of the kind.
 */
GUEST(int3, 16, "int3; out %al, $0x80");
GUEST(report, 16, "out %al, $0xf4; iret");

/* Real-mode code and the handler of one of its exceptions, by their labels. */
#define VCPU_WITH_HANDLER(code, handler, vector) \
	vcpu_with_handler(code, code##_end, handler, handler##_end, vector)

static struct vcpu *vcpu_with_handler(const uint8_t *code, const uint8_t *code_end, const uint8_t *handler,
				      const uint8_t *handler_end, unsigned int vector)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, code, code_end);
	vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
	guest_handler16(vcpu, vector, HANDLER_GPA);
	return vcpu;
}

/* The guest's own port, 0x80, instead of its handler's: the emulated CPU has no such exception. */
static void need_handler(struct vcpu *vcpu, const char *why_not)
{
	NEED(vcpu_runs_to(vcpu, KVM_EXIT_IO));
	if (abi_tcg() && vcpu->run->io.port == 0x80)
		abi_skip("%s", why_not);
	EXPECT_EQ(vcpu->run->io.port, DONE_PORT);
}

static unsigned int pushed_ip(struct vcpu *vcpu)
{
	uint16_t ip;

	memcpy(&ip, vcpu->vm->ram + STACK_GPA - 6, sizeof(ip));
	return ip;
}

ABI_TEST("an injected #DB goes to the guest's handler, from where the guest is")
{
	struct vcpu *vcpu = VCPU_WITH_HANDLER(int3, report, 1);

	EXPECT_OK(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB, 0x400, 0));
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(pushed_ip(vcpu), CODE_GPA);
}

ABI_TEST("an injected #BP goes to the guest's handler, from behind the INT3")
{
	struct vcpu *vcpu = VCPU_WITH_HANDLER(int3, report, 3);

	EXPECT_OK(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, 0x400, 0));
	/* QEMU's INT3 makes no exit; kvm-intel takes the instruction's length from it. */
	if (!abi_tcg())
		NEED(vcpu_runs_to(vcpu, KVM_EXIT_DEBUG));
	EXPECT_OK(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_INJECT_BP, 0x400, 0));
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(pushed_ip(vcpu), CODE_GPA + 1);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
}

ABI_TEST("nothing is injected onto an exception that waits: EBUSY")
{
	struct vcpu *vcpu = VCPU_WITH_HANDLER(int3, report, 1);

	EXPECT_OK(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB, 0x400, 0));
	EXPECT_ERRNO(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP, 0x400, 0), EBUSY);
	NEED(vcpu_done(vcpu));
}

/*
 * KVM_GUESTDBG_BLOCKIRQ: a debugger steps through the guest's code, not through the handlers of what happens to arrive. Stack and vectors
 * are touched first: what Bochs 2.7 says of a virtual interrupt whose delivery meets absent memory is what it said of the last event.
 */
GUEST(open_to_all, 16, "push %ax; pop %ax; mov 0, %bx; sti; nop; nop; nop; out %al, $0x80; 1: nop; jmp 1b");

static struct vcpu *vcpu_open(void)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, open_to_all, open_to_all_end);
	vcpu_place(vcpu, HANDLER_GPA, report, report_end);
	lapic_write(vcpu, 0xf0, 0x1ff);
	return vcpu;
}

static void send_msi(struct vcpu *vcpu, unsigned int vector)
{
	struct kvm_msi msi = {.address_lo = LAPIC_GPA, .data = vector};

	NEED(ioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi) == 1);
}

static void expect_blocked_until_released(struct vcpu *vcpu)
{
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_BLOCKIRQ, 0x400, 0) == 0);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	NEED(guest_debug(vcpu, 0, 0, 0) == 0);
	EXPECT(vcpu_done(vcpu));
}

ABI_TEST("a debugger may hold interrupts up, and is told that it may")
{
	struct vcpu *vcpu = vcpu_open();

	EXPECT(abi_cap(KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_BLOCKIRQ);
	guest_handler16(vcpu, 0x41, HANDLER_GPA);
	send_msi(vcpu, 0x41);
	expect_blocked_until_released(vcpu);
}

ABI_TEST("a debugger may hold NMIs up")
{
	struct vcpu *vcpu = vcpu_open();

	guest_handler16(vcpu, 2, HANDLER_GPA);
	NEED(ioctl(vcpu->fd, KVM_NMI) == 0);
	expect_blocked_until_released(vcpu);
}

ABI_TEST("a debugger may hold up interrupts that the CPU delivers in x2APIC mode")
{
	struct vcpu *vcpu = vcpu_open();

	guest_handler16(vcpu, 0x41, HANDLER_GPA);
	NEED(msr_set(vcpu, 0x1b, LAPIC_GPA | 0xd00) == 1);
	send_msi(vcpu, 0x41);
	expect_blocked_until_released(vcpu);
}

ABI_TEST("steps stay in the code while interrupts are held up")
{
	struct vcpu *vcpu = vcpu_open();
	int step;

	guest_handler16(vcpu, 0x41, HANDLER_GPA);
	send_msi(vcpu, 0x41);
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_BLOCKIRQ, 0x400, 0) == 0);
	for (step = 0; step < 3; step++) {
		NEED(vcpu_runs_to(vcpu, KVM_EXIT_DEBUG));
		need_steps(vcpu);
		EXPECT(vcpu->run->debug.arch.pc > CODE_GPA && vcpu->run->debug.arch.pc <= CODE_GPA + 16);
	}
	NEED(guest_debug(vcpu, 0, 0, 0) == 0);
	EXPECT(vcpu_done(vcpu));
}

/*
 * While breakpoints are enabled the guest has the debug registers for itself. A #DB that the hypervisor delivers has its bits in the
 * guest's DR6 nevertheless: of a write breakpoint's exit, whatever comes between it and the next entry, and of a step over an instruction
 * that the hypervisor carries out. The guests leave none enabled: QEMU 7.2 keeps it over a #VMEXIT, takes it for one of another kind when
 * the next guest writes DR7, and crashes.
 */
GUEST(watched, 16,
      "mov $0x6000, %eax; mov %eax, %dr0; mov $0xd0402, %eax; mov %eax, %dr7\n"
      "1: mov $0xffff0ff0, %eax; mov %eax, %dr6; mov %eax, 0x6000; incl 0x6010\n"
      "cmpl $20000, 0x6010; jne 1b; mov $0x400, %eax; mov %eax, %dr7; out %al, $0xf4");
GUEST(watcher, 16,
      "mov %dr6, %eax; and $0xf, %eax; cmp $1, %eax; jne 1f; incl 0x6014; iret\n"
      "1: incl 0x6018; iret");

static uint32_t guest_word(struct vcpu *vcpu, unsigned int gpa)
{
	uint32_t word;

	memcpy(&word, vcpu->vm->ram + gpa, sizeof(word));
	return word;
}

static void on_alarm(int signal)
{
	(void)signal;
}

ABI_TEST("DR6 names the breakpoint though signals come between its exit and the next entry")
{
	struct vcpu *vcpu = VCPU_WITH_HANDLER(watched, watcher, 1);
	struct itimerval every = {.it_interval.tv_usec = 500, .it_value.tv_usec = 500};
	struct sigaction act = {.sa_handler = on_alarm};
	unsigned int signals = 0;

	NEED(sigaction(SIGALRM, &act, NULL) == 0);
	NEED(setitimer(ITIMER_REAL, &every, NULL) == 0);
	while (vcpu_run(vcpu) == EINTR)
		signals++;
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
	printf("# %u signals, %u breakpoints\n", signals, guest_word(vcpu, 0x6014));
	EXPECT(signals > 20);
	EXPECT(guest_word(vcpu, 0x6014) > 0);
	EXPECT_EQ(guest_word(vcpu, 0x6018), 0);
}

/* DR6: B3 when the vCPU is put, cleared by the guest after that; then a step over CPUID. */
GUEST(stepped, 16,
      "mov $0x6000, %eax; mov %eax, %dr0; mov $0xd0402, %eax; mov %eax, %dr7\n"
      "mov $0xffff0ff8, %eax; mov %eax, %dr6; out %al, $0x80\n"
      "mov $0xffff0ff0, %eax; mov %eax, %dr6\n"
      "pushf; orw $0x100, %ss:0x7ffe; popf; cpuid; hlt");
GUEST(step_seen, 16, "mov %dr6, %eax; mov %eax, 0x6010; mov $0x400, %eax; mov %eax, %dr7; out %al, $0xf4");

ABI_TEST("DR6 says single step after an emulated instruction, and nothing that the guest has cleared")
{
	struct vcpu *vcpu = VCPU_WITH_HANDLER(stepped, step_seen, 1);

	NEED(vcpu_runs_to_port(vcpu, 0x80));
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(guest_word(vcpu, 0x6010), 0xffff4ff0);
}

/* DR7.GD: each access of a debug register is a #DB, less those of its handler: the CPU clears GD on the way there. */
GUEST(detected, 16, "mov $0x2400, %eax; mov %eax, %dr7; mov %dr0, %ebx; out %al, $0x80");
GUEST(detector, 16, "mov %dr6, %eax; mov %eax, 0x6010; mov %dr7, %eax; mov %eax, 0x6014; out %al, $0xf4");

ABI_TEST("the handler of a general-detect #DB has the debug registers to itself")
{
	struct vcpu *vcpu = VCPU_WITH_HANDLER(detected, detector, 1);

	need_handler(vcpu, "QEMU has no DR7.GD");
	EXPECT_EQ(guest_word(vcpu, 0x6010), 0xffff2ff0);
	EXPECT_EQ(guest_word(vcpu, 0x6014), 0x400);
}

/* A debugger's breakpoints make each MOV DR an exit, on Intel's CPUs before the check of the privilege level. */
GUEST(user_mov_dr, 64, "mov $0x1234, %eax; mov %rax, %dr0; out %al, $0xf4");

ABI_TEST("a guest's user mode has no debug registers, though a debugger is there")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_debugregs debug;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	vcpu_load64(vcpu, user_mov_dr, user_mov_dr_end);
	sregs = vcpu_sregs(vcpu);
	sregs.cs.dpl = 3;
	sregs.cs.selector |= 3;
	sregs.ss.dpl = 3;
	sregs.ss.selector |= 3;
	NEED(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) == 0);
	regs = vcpu_regs(vcpu);
	regs.rflags = 0x3002; /* IOPL 3: it may write to the port */
	NEED(ioctl(vcpu->fd, KVM_SET_REGS, &regs) == 0);
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, 0x400, 0) == 0);
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_SHUTDOWN));
	NEED(ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &debug) == 0);
	EXPECT_EQ(debug.db[0], 0);
}

ABI_TEST("a debugger's general detect exits before the guest's MOV DR")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	if (abi_tcg() && abi_stock())
		abi_skip("QEMU has no DR7.GD, and KVM's guest does not get past its access");
	vcpu_load16(vcpu, detected, detected_end);
	NEED(guest_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, 0x2400, 0) == 0);
	need_debug_exit(vcpu);
	EXPECT_EQ(vcpu->run->debug.arch.exception, 1);
	EXPECT_EQ(vcpu->run->debug.arch.pc, CODE_GPA + 6);
	EXPECT(vcpu->run->debug.arch.dr6 & 1 << 13);
}

/* ICEBP is no exception that its instruction has again: the handler returns behind it. */
GUEST(icebp, 16, ".byte 0xf1; out %al, $0x80");

ABI_TEST("the handler of INT1 returns behind it")
{
	struct vcpu *vcpu = VCPU_WITH_HANDLER(icebp, report, 1);

	need_handler(vcpu, "QEMU's ICEBP is none");
	EXPECT_EQ(pushed_ip(vcpu), CODE_GPA + 1);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
}

/* The trap comes inside STI's shadow, where an entry to a guest with TF set has to have a trap pending. */
GUEST(step_sti, 16, "pushf; orw $0x100, %ss:0x7ffe; popf; sti; out %al, $0x80");

ABI_TEST("a guest steps over STI")
{
	struct vcpu *vcpu = VCPU_WITH_HANDLER(step_sti, report, 1);

	need_handler(vcpu, "QEMU does not step over STI");
	EXPECT_EQ(pushed_ip(vcpu), CODE_GPA + step_sti_end - step_sti - 2);
}

/* The same from outside: what a guest is restored to that was saved at such a moment. */
GUEST(nop_out, 16, "nop; nop; out %al, $0x80");

static void goes_on_in_shadow(unsigned int shadow)
{
	struct vcpu *vcpu = VCPU_WITH_HANDLER(nop_out, report, 1);
	struct kvm_vcpu_events events;
	struct kvm_regs regs;

	regs = vcpu_regs(vcpu);
	regs.rflags = 0x302; /* TF and IF */
	NEED(ioctl(vcpu->fd, KVM_SET_REGS, &regs) == 0);
	NEED(ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) == 0);
	events.interrupt.shadow = shadow;
	events.flags = KVM_VCPUEVENT_VALID_SHADOW;
	NEED(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events) == 0);
	NEED(vcpu_done(vcpu));
	EXPECT(pushed_ip(vcpu) <= CODE_GPA + 2);
}

ABI_TEST("a guest goes on in STI's shadow with TF set")
{
	goes_on_in_shadow(KVM_X86_SHADOW_INT_STI);
}

ABI_TEST("a guest goes on in MOV SS's shadow with TF set")
{
	goes_on_in_shadow(KVM_X86_SHADOW_INT_MOV_SS);
}
