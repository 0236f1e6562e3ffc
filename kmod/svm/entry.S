/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - into the guest and back.
 *
 * VMRUN exchanges RAX, RSP, RIP, RFLAGS, CR0, CR3, CR4, EFER and CS..DS; VMLOAD and VMSAVE the rest
 * of the hidden state (FS, GS, TR, LDTR, KERNEL_GS_BASE, the system-call MSRs). The other general
 * registers are exchanged here. Source: APM2 "VMRUN Instruction", "VMSAVE and VMLOAD Instructions".
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include "entry.h"

/* Where the 64-bit registers stand in vcpu->regs: the instruction encoding's order. */
#define R_RCX	(1 * 8)
#define R_RDX	(2 * 8)
#define R_RBX	(3 * 8)
#define R_RBP	(5 * 8)
#define R_RSI	(6 * 8)
#define R_RDI	(7 * 8)
#define R_R8	(8 * 8)
#define R_R9	(9 * 8)
#define R_R10	(10 * 8)
#define R_R11	(11 * 8)
#define R_R12	(12 * 8)
#define R_R13	(13 * 8)
#define R_R14	(14 * 8)
#define R_R15	(15 * 8)

.section .noinstr.text, "ax"

/*
 * void svm_enter_guest(struct svm_entry *e): struct svm_entry is described in entry.h.
 *
 * Called with GIF 0 and interrupts off; returns the same way. IF is set for VMRUN: with V_INTR_MASKING
 * host interrupts then leave the guest, and stay pending until the caller's STGI.
 *
 * MSR SPEC_CTRL changes as late and is put back as early as possible, and there is no RET, indirect
 * branch or memory-dependent branch between the guest and the end of the return-stack refill: what
 * the guest trained must not steer the host.
 */
SYM_FUNC_START(svm_enter_guest)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	/*
	 * With GIF clear nothing is taken yet, so IF may be set this early; not right before VMRUN,
	 * where an emulator may carry the shadow of STI into the guest.
	 */
	sti
	mov	SVM_ENTRY_VMCB(%rdi), %rax
	vmload	%rax

	ALTERNATIVE "jmp 1f", "", X86_FEATURE_MSR_SPEC_CTRL
	cmpl	$0, SVM_ENTRY_SWITCH_SPEC(%rdi)
	je	1f
	mov	%rax, %r8
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	SVM_ENTRY_GUEST_SPEC(%rdi), %eax
	xor	%edx, %edx
	wrmsr
	mov	%r8, %rax
1:
	mov	SVM_ENTRY_REGS(%rdi), %rdi
	mov	R_RCX(%rdi), %rcx
	mov	R_RDX(%rdi), %rdx
	mov	R_RBX(%rdi), %rbx
	mov	R_RBP(%rdi), %rbp
	mov	R_RSI(%rdi), %rsi
	mov	R_R8(%rdi), %r8
	mov	R_R9(%rdi), %r9
	mov	R_R10(%rdi), %r10
	mov	R_R11(%rdi), %r11
	mov	R_R12(%rdi), %r12
	mov	R_R13(%rdi), %r13
	mov	R_R14(%rdi), %r14
	mov	R_R15(%rdi), %r15
	mov	R_RDI(%rdi), %rdi

#ifdef X86_FEATURE_CLEAR_CPU_BUF_VM
	VM_CLEAR_CPU_BUFFERS
#endif
2:	vmrun	%rax
3:	cli

	/* RAX is the VMCB again, RSP the host's; everything else is the guest's. */
	vmsave	%rax
	push	%rdi
	mov	8(%rsp), %rdi
	mov	SVM_ENTRY_REGS(%rdi), %rax
	mov	%rcx, R_RCX(%rax)
	mov	%rdx, R_RDX(%rax)
	mov	%rbx, R_RBX(%rax)
	mov	%rbp, R_RBP(%rax)
	mov	%rsi, R_RSI(%rax)
	mov	%r8, R_R8(%rax)
	mov	%r9, R_R9(%rax)
	mov	%r10, R_R10(%rax)
	mov	%r11, R_R11(%rax)
	mov	%r12, R_R12(%rax)
	mov	%r13, R_R13(%rax)
	mov	%r14, R_R14(%rax)
	mov	%r15, R_R15(%rax)
	pop	%rcx
	mov	%rcx, R_RDI(%rax)

	mov	SVM_ENTRY_HOST(%rdi), %rax
	vmload	%rax

	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT

	ALTERNATIVE "jmp 5f", "", X86_FEATURE_MSR_SPEC_CTRL
	cmpl	$0, SVM_ENTRY_SWITCH_SPEC(%rdi)
	je	4f
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	rdmsr
	mov	%eax, SVM_ENTRY_GUEST_SPEC(%rdi)
	mov	SVM_ENTRY_HOST_SPEC(%rdi), %eax
	xor	%edx, %edx
	wrmsr
	jmp	5f
4:
	/* The branch above must not be passed speculatively with the guest's SPEC_CTRL in force. */
	lfence
5:
#ifdef UNTRAIN_RET_VM
	UNTRAIN_RET_VM
#else
	UNTRAIN_RET
#ifdef X86_FEATURE_IBPB_ON_VMEXIT
	ALTERNATIVE "", "call entry_ibpb", X86_FEATURE_IBPB_ON_VMEXIT
#endif
#endif

	/* Nothing of the guest stays in a register the host's code might use before writing it. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

	/*
	 * VMRUN itself may fault if SVME was cleared under us (a crash kexec on another CPU does).
	 * That is an entry that failed: the exit code says so, and the rest is as after an exit.
	 */
6:	push	%rdi
	mov	8(%rsp), %rdi
	mov	SVM_ENTRY_VMCB_ADDRESS(%rdi), %rdi
	movq	$-1, SVM_VMCB_EXIT_CODE(%rdi)
	pop	%rdi
	jmp	3b
	_ASM_EXTABLE(2b, 6b)
SYM_FUNC_END(svm_enter_guest)
