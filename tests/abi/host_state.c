// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the thread that calls KVM_RUN finds afterwards: its own registers, whatever the guest did to its.
 *
 * Each case makes the host's state, runs a guest that changes its own copy, and compares; where the guest can see its copy it is
 * entered again and must find that.
 */
#include "abi.h"

#include <elf.h>
#include <signal.h>
#include <sched.h>
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define WRMSR(msr, low, high) "mov $" #msr ", %ecx; mov $" #low ", %eax; mov $" #high ", %edx; wrmsr\n"

/* What vcpu_runs_to_port() says, for those who called KVM_RUN themselves. */
static bool at_port(struct vcpu *vcpu, long result, unsigned int port)
{
	if (result == 0 && vcpu->run->exit_reason == KVM_EXIT_IO && vcpu->run->io.port == port)
		return true;
	printf("# KVM_RUN: %ld, exit reason %u, rip %#llx\n", result, vcpu->run->exit_reason,
	       (unsigned long long)vcpu_regs(vcpu).rip);
	return false;
}

/* ---- MSRs */

GUEST(own_tsc_aux, 64,
      WRMSR(0xc0000103, 0x12345, 0)
      "out %al, $0x80; rdtscp; mov %ecx, %ebx; out %al, $0x80; rdtscp; out %al, $0xf4");

static uint32_t host_tsc_aux(void)
{
	uint32_t a, d, c;

	__asm__ volatile("rdtscp" : "=a"(a), "=d"(d), "=c"(c));
	return c;
}

ABI_TEST("RDTSCP names the host's CPU and node, whatever the guest has in TSC_AUX")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	unsigned int cpu, node;
	cpu_set_t one;
	int i;

	NEED(syscall(SYS_getcpu, &cpu, &node, NULL) == 0);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	NEED(sched_setaffinity(0, sizeof(one), &one) == 0);
	vcpu_load64(vcpu, own_tsc_aux, own_tsc_aux_end);
	for (i = 0; i < 2; i++) {
		NEED(vcpu_runs_to_port(vcpu, 0x80));
		EXPECT_EQ(host_tsc_aux(), node << 12 | cpu);
	}
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 0x12345);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rcx, 0x12345);
	EXPECT_EQ(host_tsc_aux(), node << 12 | cpu);
}

GUEST(own_bases, 64,
      WRMSR(0xc0000100, 0x20000, 0) WRMSR(0xc0000101, 0x20100, 0) WRMSR(0xc0000102, 0x20200, 0)
      "out %al, $0x80; mov %fs:0, %rbx; mov %gs:0, %rsi; swapgs; mov %gs:0, %rdi; out %al, $0xf4");

/* The guest's three bases point at 1, 2 and 3. */
static struct vcpu *vcpu_with_bases(void)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, own_bases, own_bases_end);
	vcpu->vm->ram[DATA_GPA] = 1;
	vcpu->vm->ram[DATA_GPA + 0x100] = 2;
	vcpu->vm->ram[DATA_GPA + 0x200] = 3;
	return vcpu;
}

static void expect_guest_bases(struct vcpu *vcpu)
{
	struct kvm_regs regs = vcpu_regs(vcpu);

	EXPECT_EQ(regs.rbx, 1);
	EXPECT_EQ(regs.rsi, 2);
	EXPECT_EQ(regs.rdi, 3);
}

ABI_TEST("the thread's FS and GS bases stay")
{
	static uint64_t word = 0x1122334455667788;
	struct vcpu *vcpu = vcpu_with_bases();
	uint64_t fs, seen;
	int i;

	NEED(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs) == 0);
	NEED(syscall(SYS_arch_prctl, ARCH_SET_GS, &word) == 0);
	for (i = 0; i < 2; i++) {
		NEED(vcpu_runs_to_port(vcpu, i ? DONE_PORT : 0x80));
		__asm__ volatile("mov %%gs:0, %0" : "=r"(seen));
		EXPECT_EQ(seen, word);
		NEED(syscall(SYS_arch_prctl, ARCH_GET_GS, &seen) == 0);
		EXPECT_EQ(seen, (uintptr_t)&word);
		NEED(syscall(SYS_arch_prctl, ARCH_GET_FS, &seen) == 0);
		EXPECT_EQ(seen, fs);
	}
	expect_guest_bases(vcpu);
}

/* modify_ldt() takes 32 bits of a base: the binary is linked below 4 GiB. */
ABI_TEST("the thread's selectors and its LDT stay")
{
	static uint32_t word = 0x55667788;
	struct user_desc desc = {.base_addr = (uintptr_t)&word, .limit = 0xfffff, .seg_32bit = 1,
				 .limit_in_pages = 1, .useable = 1};
	uint16_t ldt = 7, data = 0x2b, ds, es, gs;	/* entry 0 of the LDT; the kernel's __USER_DS */
	struct vcpu *vcpu = vcpu_with_bases();
	uint32_t seen;
	int i;

	NEED(syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)) == 0);
	__asm__ volatile("mov %0, %%gs; mov %1, %%ds; mov %1, %%es" : : "r"(ldt), "r"(data));
	for (i = 0; i < 2; i++) {
		NEED(vcpu_runs_to_port(vcpu, i ? DONE_PORT : 0x80));
		__asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%gs, %2"
				 : "=r"(ds), "=r"(es), "=r"(gs));
		EXPECT_EQ(ds, data);
		EXPECT_EQ(es, data);
		EXPECT_EQ(gs, ldt);
		__asm__ volatile("mov %%gs:0, %0" : "=r"(seen));
		EXPECT_EQ(seen, word);
		/* Loaded anew it comes out of the table that LDTR names. */
		__asm__ volatile("mov %1, %%gs; mov %%gs:0, %0" : "=r"(seen) : "r"(ldt));
		EXPECT_EQ(seen, word);
	}
	expect_guest_bases(vcpu);
}

/*
 * Every MSR that system calls come in by; CR4 and EFER as they must be for SYSCALL. Nothing of it is to be executed here, so the
 * addresses need not exist.
 */
GUEST(own_syscalls, 64,
      "mov $0xc0000080, %ecx; rdmsr; or $1, %eax; wrmsr\n"
      WRMSR(0xc0000081, 0, 0x00330020) WRMSR(0xc0000082, 0x1000, 0) WRMSR(0xc0000083, 0x2000, 0)
      WRMSR(0xc0000084, 0x7, 0) WRMSR(0xc0000102, 0x3000, 0) WRMSR(0x174, 0x8, 0)
      WRMSR(0x175, 0x4000, 0) WRMSR(0x176, 0x5000, 0)
      "out %al, $0x80; mov $0xc0000082, %ecx; rdmsr; mov %eax, %ebx\n"
      "mov $0xc0000083, %ecx; rdmsr; mov %eax, %esi; mov $0x176, %ecx; rdmsr; mov %eax, %edi\n"
      "mov $0xc0000102, %ecx; rdmsr; out %al, $0xf4");

/*
 * A 32-bit process: exits with 42, by the system call that its kernel told it to use: SYSENTER on Intel's CPUs, SYSCALL on AMD's.
 * AT_SYSINFO, 32, is behind the arguments and the environment on its stack.
 */
GUEST(exit_with_42, 32,
      "pop %eax; lea 4(%esp,%eax,4), %esp\n"
      "1: pop %eax; test %eax, %eax; jnz 1b\n"
      "2: pop %ecx; pop %edx; test %ecx, %ecx; jz 3f; cmp $32, %ecx; jne 2b\n"
      "mov $42, %ebx; mov $1, %eax; call *%edx\n"
      "3: ud2");

enum { NOT_EXECUTED = 1 };

static int status_of_32bit_process(void)
{
	enum { BASE = 0x8048000 };
	struct {
		Elf32_Ehdr head;
		Elf32_Phdr text;
		uint8_t code[256];
	} file = {
		.head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
			 .e_type = ET_EXEC, .e_machine = EM_386, .e_version = EV_CURRENT,
			 .e_entry = BASE + offsetof(__typeof__(file), code),
			 .e_phoff = offsetof(__typeof__(file), text), .e_ehsize = sizeof(Elf32_Ehdr),
			 .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1},
		.text = {.p_type = PT_LOAD, .p_vaddr = BASE, .p_filesz = sizeof(file),
			 .p_memsz = sizeof(file), .p_flags = PF_R | PF_X, .p_align = 0x1000},
	};
	char *none[] = {NULL};
	int fd = memfd_create("exit_with_42", 0), status;
	pid_t child;

	memcpy(file.code, exit_with_42, exit_with_42_end - exit_with_42);
	NEED(fd >= 0 && write(fd, &file, sizeof(file)) == sizeof(file));
	child = fork();
	NEED(child >= 0);
	if (!child) {
		fexecve(fd, none, none);
		_exit(errno == ENOEXEC ? NOT_EXECUTED : 2);
	}
	NEED(waitpid(child, &status, 0) == child);
	close(fd);
	return status;
}

static long getpid_by_int80(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "r8", "r9", "r10", "r11", "memory");
	return result;
}

ABI_TEST("system calls go to the host's kernel, by every way there is, whatever the guest's MSRs say")
{
	struct vcpu *vcpu;
	struct kvm_regs regs;
	pid_t self = getpid();
	int i, status = status_of_32bit_process();

	if (status == NOT_EXECUTED << 8)
		abi_skip("the host's kernel has no 32-bit system calls");
	EXPECT_EQ(status, 42 << 8);
	vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	vcpu_load64(vcpu, own_syscalls, own_syscalls_end);
	for (i = 0; i < 2; i++) {
		NEED(vcpu_runs_to_port(vcpu, i ? DONE_PORT : 0x80));
		EXPECT_EQ(syscall(SYS_getpid), self);
		EXPECT_EQ(getpid_by_int80(), self);
		EXPECT_EQ(status_of_32bit_process(), 42 << 8);
	}
	regs = vcpu_regs(vcpu);
	EXPECT_EQ(regs.rbx, 0x1000);
	EXPECT_EQ(regs.rsi, 0x2000);
	EXPECT_EQ(regs.rdi, 0x5000);
	EXPECT_EQ(regs.rax, 0x3000);
}

/* ---- what the thread may do */

GUEST(one_exit, 64, "out %al, $0x80; out %al, $0xf4");

/* Exits cut the task-state segment short, and with it the bitmap of ports. */
ABI_TEST("the thread may use its I/O ports")
{
	struct vcpu *vcpu;
	int i;

	if (ioperm(0x80, 1, 1)) {
		NEED(errno == ENOSYS);
		abi_skip("the host's kernel gives no ports to threads");
	}
	vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	vcpu_load64(vcpu, one_exit, one_exit_end);
	for (i = 0; i < 2; i++) {
		NEED(vcpu_runs_to_port(vcpu, i ? DONE_PORT : 0x80));
		__asm__ volatile("out %%al, $0x80" : : "a"(0));
	}
}

static uint32_t rights(void)
{
	uint32_t eax, edx;

	__asm__ volatile("rdpkru" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax;
}

ABI_TEST("the thread's rights by protection key stay")
{
	struct vcpu *vcpu;
	uint32_t before;
	int i, key = pkey_alloc(0, PKEY_DISABLE_WRITE);

	if (key < 0)
		abi_skip("the CPU has no protection keys");
	before = rights();
	EXPECT(before & PKEY_DISABLE_WRITE << 2 * key);
	vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	vcpu_load64(vcpu, one_exit, one_exit_end);
	for (i = 0; i < 2; i++) {
		NEED(vcpu_runs_to_port(vcpu, i ? DONE_PORT : 0x80));
		EXPECT_EQ(rights(), before);
	}
}

/* ---- general registers and flags */

GUEST(other_registers, 64,
      "mov $-1, %rax; mov %rax, %rbx; mov %rax, %rcx; mov %rax, %rdx; mov %rax, %rsi; mov %rax, %rdi\n"
      "mov %rax, %rbp; mov %rax, %r8; mov %rax, %r9; mov %rax, %r10; mov %rax, %r11; mov %rax, %r12\n"
      "mov %rax, %r13; mov %rax, %r14; mov %rax, %r15; push $0x246; popf; out %al, $0xf4");

/*
 * Registers that a system call keeps, in the order of what they hold before and after; KVM_RUN's three arguments are among them.
 */
enum { RBX, RBP, R8, R9, R10, R12, R13, R14, R15, RDX, RSI, RDI, RFLAGS, KEPT };

/* int run_with(const uint64_t before[KEPT], uint64_t after[KEPT]): KVM_RUN's result. */
extern int run_with(const uint64_t *before, uint64_t *after);
__asm__(".pushsection .text\n run_with:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rsi; mov %rdi, %rax\n"
	"mov (%rax), %rbx; mov 8(%rax), %rbp; mov 16(%rax), %r8; mov 24(%rax), %r9; mov 32(%rax), %r10\n"
	"mov 40(%rax), %r12; mov 48(%rax), %r13; mov 56(%rax), %r14; mov 64(%rax), %r15\n"
	"mov 72(%rax), %rdx; mov 80(%rax), %rsi; mov 88(%rax), %rdi; pushq 96(%rax); popf\n"
	"mov $16, %eax; syscall; pop %rcx; pushf; popq 96(%rcx); cld\n"
	"mov %rbx, (%rcx); mov %rbp, 8(%rcx); mov %r8, 16(%rcx); mov %r9, 24(%rcx); mov %r10, 32(%rcx)\n"
	"mov %r12, 40(%rcx); mov %r13, 48(%rcx); mov %r14, 56(%rcx); mov %r15, 64(%rcx)\n"
	"mov %rdx, 72(%rcx); mov %rsi, 80(%rcx); mov %rdi, 88(%rcx)\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
	".popsection");

ABI_TEST("the general registers and flags of user space stay")
{
	enum { CF_IF_DF_OF_ID = 0x200e03 };
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t before[KEPT], after[KEPT] = {0};
	unsigned int i;

	vcpu_load64(vcpu, other_registers, other_registers_end);
	for (i = 0; i < KEPT; i++)
		before[i] = 0x1010101010101010ULL * (i + 1);
	before[RDI] = vcpu->fd;
	before[RSI] = KVM_RUN;
	before[RDX] = 0;
	before[RFLAGS] = CF_IF_DF_OF_ID;
	EXPECT(at_port(vcpu, run_with(before, after), DONE_PORT));
	for (i = 0; i < KEPT; i++)
		EXPECT_EQ(after[i], before[i]);
}

/* ---- FPU */

/*
 * The guest has YMM0 and YMM15 all ones with XCR0 7, then changes XCR0 to 1, then back. Bits of CR4: OSFXSR, OSXMMEXCPT, OSXSAVE.
 */
GUEST(own_xcr0, 64,
      "mov %cr4, %rax; or $0x40600, %eax; mov %rax, %cr4; xor %ecx, %ecx; xor %edx, %edx\n"
      "mov $7, %eax; xsetbv; vpcmpeqd %xmm0, %xmm0, %xmm0; vinsertf128 $1, %xmm0, %ymm0, %ymm0\n"
      "vmovups %ymm0, %ymm15; out %al, $0x80\n"
      "mov $1, %eax; xsetbv; out %al, $0x80\n"
      "xgetbv; mov %eax, %ebx; mov $7, %eax; xsetbv; mov $0x20000, %edi\n"
      "vmovups %ymm0, (%rdi); vmovups %ymm15, 32(%rdi); vzeroall; out %al, $0xf4");

static bool host_has_avx(void)
{
	return __builtin_cpu_supports("avx");
}

/* QEMU 7.2 gives stock KVM's guests #UD for AVX, in one run and not in the next; ours never yet. */
static bool guest_has_avx(void)
{
	return host_has_avx() && !(abi_tcg() && abi_stock());
}

static uint64_t host_xcr0(void)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

/* KVM_RUN with YMM0 and YMM15 in @ymm, before and after. */
static long run_with_ymm(struct vcpu *vcpu, uint8_t ymm[2][32])
{
	long result;

	__asm__ volatile("vmovups (%[ymm]), %%ymm0; vmovups 32(%[ymm]), %%ymm15; syscall\n"
			 "vmovups %%ymm0, (%[ymm]); vmovups %%ymm15, 32(%[ymm]); vzeroupper"
			 : "=a"(result)
			 : "a"(16L), "D"((long)vcpu->fd), "S"((long)KVM_RUN), "d"(0L), [ymm] "b"(ymm)
			 : "rcx", "r11", "xmm0", "xmm15", "memory");
	return result;
}

static void fill_pattern(void *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		((uint8_t *)bytes)[i] = 0x80 + i;
}

ABI_TEST("the thread's YMM registers and XCR0 stay, whatever the guest's XCR0 is")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint8_t before[2][32], after[2][32], ones[64];
	uint64_t xcr0;
	int i;

	if (!guest_has_avx())
		abi_skip("the CPU has no AVX, or not for this guest");
	xcr0 = host_xcr0();
	fill_pattern(before, sizeof(before));
	vcpu_load64(vcpu, own_xcr0, own_xcr0_end);
	for (i = 0; i < 3; i++) {
		memcpy(after, before, sizeof(after));
		NEED(at_port(vcpu, run_with_ymm(vcpu, after), i < 2 ? 0x80 : DONE_PORT));
		EXPECT(!memcmp(after, before, sizeof(after)));
		EXPECT_EQ(host_xcr0(), xcr0);
	}
	EXPECT_EQ(vcpu_regs(vcpu).rbx, 1);
	memset(ones, 0xff, sizeof(ones));
	EXPECT(!memcmp(vcpu->vm->ram + DATA_GPA, ones, sizeof(ones)));
}

/* Control words that neither the host has set nor a reset leaves, and something on the stack. */
GUEST(own_fpu, 64,
      "fninit; mov $0x20000, %edi; movl $0x9f80, (%rdi); ldmxcsr (%rdi); movw $0x027f, (%rdi); fldcw (%rdi)\n"
      "fldz; out %al, $0x80; stmxcsr (%rdi); fnstcw 4(%rdi); fistpl 8(%rdi); out %al, $0xf4");

ABI_TEST("the thread's MXCSR, x87 control word and x87 stack stay")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	const uint32_t mxcsr = 0x7f80;
	const uint16_t control = 0x0f7f;
	uint32_t mxcsr_after, top = 0;
	uint16_t control_after, status_after;
	long result;
	int i;

	vcpu_load64(vcpu, own_fpu, own_fpu_end);
	for (i = 0; i < 2; i++) {
		__asm__ volatile("fninit; fldcw %[control]; fld1; ldmxcsr %[mxcsr]; syscall\n"
				 "stmxcsr %[mxcsr_after]; fnstcw %[control_after]\n"
				 "fnstsw %[status_after]; fistpl %[top]; fninit"
				 : "=a"(result), [mxcsr_after] "=m"(mxcsr_after), [top] "+m"(top),
				   [control_after] "=m"(control_after), [status_after] "=m"(status_after)
				 : "a"(16L), "D"((long)vcpu->fd), "S"((long)KVM_RUN), "d"(0L),
				   [mxcsr] "m"(mxcsr), [control] "m"(control)
				 : "rcx", "r11", "memory");
		__asm__ volatile("ldmxcsr %0" : : "m"((const uint32_t){0x1f80}));
		NEED(at_port(vcpu, result, i ? DONE_PORT : 0x80));
		EXPECT_EQ(mxcsr_after, mxcsr);
		EXPECT_EQ(control_after, control);
		EXPECT_EQ(status_after >> 11 & 7, 7);
		EXPECT_EQ(top, 1);
	}
	memcpy(&mxcsr_after, vcpu->vm->ram + DATA_GPA, sizeof(mxcsr_after));
	memcpy(&control_after, vcpu->vm->ram + DATA_GPA + 4, sizeof(control_after));
	EXPECT_EQ(mxcsr_after, 0x9f80);
	EXPECT_EQ(control_after, 0x027f);
}

/* ---- debug registers */

/* All four registers, the first two in force; then once more what is in them. */
GUEST(own_debug, 64,
      "mov $0x30000, %eax; mov %rax, %dr0; inc %eax; mov %rax, %dr1; inc %eax; mov %rax, %dr2; inc %eax\n"
      "mov %rax, %dr3; mov $0x0011040f, %eax; mov %rax, %dr7; out %al, $0x80\n"
      "mov %dr0, %rbx; mov %dr3, %rsi; mov %dr7, %rdi; out %al, $0xf4");

static int breakpoint_on_write(const volatile void *address)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr),
				       .bp_type = HW_BREAKPOINT_W, .bp_addr = (uintptr_t)address,
				       .bp_len = HW_BREAKPOINT_LEN_4, .exclude_kernel = 1,
				       .exclude_hv = 1, .sample_period = 1 << 30};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);

	NEED(fd >= 0);
	return fd;
}

/*
 * QEMU 7.2 keeps a list of breakpoints in force beside DR7, which VMRUN and the exit change without it: with one of the host's in force it
 * dies of it, under stock KVM as well.
 */
static void need_breakpoints(void)
{
	if (abi_tcg())
		abi_skip("the emulator bears no breakpoints in force at an entry");
}

ABI_TEST("the thread's hardware breakpoint stays while the guest uses all debug registers")
{
	static volatile uint32_t watched;
	struct vcpu *vcpu;
	struct kvm_regs regs;
	int i, fd;

	need_breakpoints();
	fd = breakpoint_on_write(&watched);
	vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	vcpu_load64(vcpu, own_debug, own_debug_end);
	watched = 1;
	NEED(event_count(fd) == 1);
	for (i = 0; i < 2; i++) {
		NEED(vcpu_runs_to_port(vcpu, i ? DONE_PORT : 0x80));
		watched = 2;
		EXPECT_EQ(event_count(fd), 2 + i);
	}
	regs = vcpu_regs(vcpu);
	EXPECT_EQ(regs.rbx, 0x30000);
	EXPECT_EQ(regs.rsi, 0x30003);
	EXPECT_EQ(regs.rdi, 0x0011040f);
}

/* What the CPU reports in DR6 it never clears: BS, as of a single step, left by the guest. */
GUEST(own_dr6, 64,
      "mov $0x30000, %eax; mov %rax, %dr0\n"
      "mov $0xffff4fff, %eax; mov %rax, %dr6; out %al, $0x80; mov %dr6, %rbx; out %al, $0xf4");

/* If it were still in the register, the host would see a single step in its next breakpoint, and send SIGTRAP. */
ABI_TEST("the guest's DR6 is not the host's")
{
	static volatile uint32_t watched;
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int i, fd;

	vcpu_load64(vcpu, own_dr6, own_dr6_end);
	for (i = 0; i < 2; i++) {
		NEED(vcpu_runs_to_port(vcpu, i ? DONE_PORT : 0x80));
		fd = breakpoint_on_write(&watched);
		watched = 1;
		EXPECT_EQ(event_count(fd), 1);
		close(fd);
	}
	EXPECT_EQ(vcpu_regs(vcpu).rbx & 0xffff, 0x4fff);
}

/* ---- what a new guest finds */

/*
 * General registers first, while they are as they came, then XMM and x87, the debug registers, the MSRs that guests have without
 * exits or that change with the vCPU, and with AVX the upper halves.
 */
GUEST(look_around, 64,
      "push %rdi; mov $0x20000, %edi; mov %rax, (%rdi); mov %rbx, 8(%rdi); mov %rcx, 16(%rdi)\n"
      "mov %rdx, 24(%rdi); mov %rsi, 32(%rdi); mov %rbp, 40(%rdi); mov %r8, 48(%rdi); mov %r9, 56(%rdi)\n"
      "mov %r10, 64(%rdi); mov %r11, 72(%rdi); mov %r12, 80(%rdi); mov %r13, 88(%rdi); mov %r14, 96(%rdi)\n"
      "mov %r15, 104(%rdi); pop 112(%rdi)\n"
      "mov %dr0, %rax; mov %rax, 120(%rdi); mov %dr1, %rax; mov %rax, 128(%rdi); mov %dr2, %rax\n"
      "mov %rax, 136(%rdi); mov %dr3, %rax; mov %rax, 144(%rdi); mov %cr2, %rax; mov %rax, 152(%rdi)\n"
      "lea 160(%rdi), %rsi; lea 1f(%rip), %rbx\n"
      "2: mov (%rbx), %ecx; test %ecx, %ecx; jz 3f; rdmsr; mov %eax, (%rsi); mov %edx, 4(%rsi)\n"
      "add $8, %rsi; add $4, %rbx; jmp 2b\n"
      "1: .long 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102\n"
      ".long 0xc0000103, 0x174, 0x175, 0x176, 0\n"
      "3: mov $0x20200, %edi; fxsave64 (%rdi); out %al, $0x80\n"
      "mov %cr4, %rax; or $0x40600, %eax; mov %rax, %cr4; xor %ecx, %ecx; xor %edx, %edx\n"
      "mov $7, %eax; xsetbv; mov $0x20400, %edi; vmovups %ymm0, (%rdi); vmovups %ymm15, 32(%rdi)\n"
      "out %al, $0xf4");

enum { LOOKED_ZEROS = 31 };	/* of eight bytes */

/* Everything the one above looks at, all ones or the address of nothing. */
GUEST(leave_traces, 64,
      "mov $0x20000, %eax; mov %rax, %dr0; mov %rax, %dr1; mov %rax, %dr2; mov %rax, %dr3; mov %rax, %cr2\n"
      "mov $0xc0000080, %ecx; rdmsr; or $1, %eax; wrmsr\n"
      WRMSR(0xc0000081, 0x777, 0x777) WRMSR(0xc0000082, 0x777, 0) WRMSR(0xc0000083, 0x777, 0)
      WRMSR(0xc0000084, 0x777, 0) WRMSR(0xc0000100, 0x777, 0) WRMSR(0xc0000101, 0x777, 0)
      WRMSR(0xc0000102, 0x777, 0) WRMSR(0xc0000103, 0x777, 0) WRMSR(0x174, 0x777, 0)
      WRMSR(0x175, 0x777, 0) WRMSR(0x176, 0x777, 0)
      "fninit; fld1; fldpi; fldl2e; pcmpeqd %xmm0, %xmm0; movaps %xmm0, %xmm1; movaps %xmm0, %xmm7\n"
      "movaps %xmm0, %xmm8; movaps %xmm0, %xmm15; mov $-1, %rax; mov %rax, %rbx; mov %rax, %rcx\n"
      "mov %rax, %rdx; mov %rax, %rsi; mov %rax, %rdi; mov %rax, %rbp; mov %rax, %r8; mov %rax, %r9\n"
      "mov %rax, %r10; mov %rax, %r11; mov %rax, %r12; mov %rax, %r13; mov %rax, %r14; mov %rax, %r15\n"
      "out %al, $0x80; out %al, $0xf4");

static uint64_t looked(struct vcpu *vcpu, unsigned int which)
{
	uint64_t value;

	memcpy(&value, vcpu->vm->ram + DATA_GPA + 8 * which, sizeof(value));
	return value;
}

/* FXSAVE's image: control words as after reset, and beyond MXCSR's mask nothing but zeros. */
static void expect_fresh_fpu(const uint8_t *image)
{
	uint32_t mxcsr;
	int i;

	memcpy(&mxcsr, image + 24, sizeof(mxcsr));
	EXPECT_EQ(mxcsr, 0x1f80);
	EXPECT_EQ(image[4], 0);
	for (i = 6; i < 24; i++)
		EXPECT_EQ(image[i], 0);
	for (i = 32; i < 160 + 256; i++)
		EXPECT_EQ(image[i], 0);
}

/* KVM_RUN from a thread whose vector and x87 registers are full. */
static bool full_thread_runs_to_port(struct vcpu *vcpu, unsigned int port)
{
	uint8_t ymm[2][32];
	long result;

	fill_pattern(ymm, sizeof(ymm));
	__asm__ volatile("fninit; fldpi; fldpi; fldpi; fldpi; fldpi; fldpi; fldpi; fldpi");
	if (host_has_avx()) {
		result = run_with_ymm(vcpu, ymm);
	} else {
		__asm__ volatile("movups %[ymm], %%xmm0; movups %[ymm], %%xmm15; syscall"
				 : "=a"(result)
				 : "a"(16L), "D"((long)vcpu->fd), "S"((long)KVM_RUN), "d"(0L),
				   [ymm] "m"(ymm)
				 : "rcx", "r11", "xmm0", "xmm15", "memory");
	}
	__asm__ volatile("fninit");
	return at_port(vcpu, result, port);
}

static void expect_nothing_of_others(struct vcpu *vcpu)
{
	unsigned int i;

	memset(vcpu->vm->ram + DATA_GPA, 0xee, 0x1000);
	/* FXSAVE leaves out what it has nothing for. */
	memset(vcpu->vm->ram + DATA_GPA + 0x200, 0, 512);
	vcpu_load64(vcpu, look_around, look_around_end);
	NEED(full_thread_runs_to_port(vcpu, 0x80));
	for (i = 0; i < LOOKED_ZEROS; i++) {
		if (looked(vcpu, i))
			abi_fail(__FILE__, __LINE__, "word %u is %#llx", i,
				 (unsigned long long)looked(vcpu, i));
	}
	expect_fresh_fpu(vcpu->vm->ram + DATA_GPA + 0x200);
	if (!guest_has_avx())
		return;
	NEED(full_thread_runs_to_port(vcpu, DONE_PORT));
	for (i = 0x400 / 8; i < 0x440 / 8; i++)
		EXPECT_EQ(looked(vcpu, i), 0);
}

ABI_TEST("a new guest finds nothing of its host's registers")
{
	static volatile uint32_t watched;

	if (!abi_tcg())		/* need_breakpoints() */
		breakpoint_on_write(&watched);
	expect_nothing_of_others(vcpu_create(vm_create(VM_IRQCHIP), 0));
}

ABI_TEST("a new guest finds nothing of another guest's registers, on the same thread")
{
	struct vcpu *other = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(other, leave_traces, leave_traces_end);
	NEED(vcpu_runs_to_port(other, 0x80));
	expect_nothing_of_others(vcpu_create(vm_create(VM_IRQCHIP), 0));
	NEED(vcpu_done(other));
}
