/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - into the guest and back.
 *
 * The VMCS exchanges RSP, RIP, RFLAGS, the control and segment registers, EFER and PAT. The general
 * registers are exchanged here. Source: SDM 3C "VM Entries", "VM Exits".
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>
#include "entry.h"

/* Where the 64-bit registers stand in vcpu->regs: the instruction encoding's order. */
#define R_RAX	(0 * 8)
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

#define VMX_IRQ_STUB_SHIFT	4
#define VMX_IRQ_STUB_SIZE	(1 << VMX_IRQ_STUB_SHIFT)

.section .noinstr.text, "ax"

/*
 * int vmx_enter_guest(struct vmx_entry *e): struct vmx_entry is described in entry.h.
 *
 * Called with interrupts off; returns the same way, an exit clears IF.
 *
 * MSR SPEC_CTRL changes as late and is put back as early as possible, and there is no RET, indirect
 * branch or memory-dependent branch between the guest and the end of the return-stack refill: what
 * the guest trained must not steer the host.
 */
SYM_FUNC_START(vmx_enter_guest)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	/* The stack is as deep as at the last entry, as a rule. */
	cmp	%rsp, VMX_ENTRY_HOST_RSP(%rdi)
	je	1f
	mov	$VMX_FIELD_HOST_RSP, %eax
	vmwrite	%rsp, %rax
	mov	%rsp, VMX_ENTRY_HOST_RSP(%rdi)
1:
	ALTERNATIVE "jmp 2f", "", X86_FEATURE_MSR_SPEC_CTRL
	cmpl	$0, VMX_ENTRY_SWITCH_SPEC(%rdi)
	je	2f
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	VMX_ENTRY_GUEST_SPEC(%rdi), %eax
	xor	%edx, %edx
	wrmsr
2:
	/* In CF: the last of the code below changes the other flags. */
	btl	$0, VMX_ENTRY_LAUNCHED(%rdi)
	mov	VMX_ENTRY_REGS(%rdi), %rdi
	mov	R_RAX(%rdi), %rax
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

	/* VERW touches ZF only. */
#ifdef X86_FEATURE_CLEAR_CPU_BUF
	CLEAR_CPU_BUFFERS	/* not VM_CLEAR_CPU_BUFFERS, which is for AMD's weakness (TSA) and empty here */
#endif
	/* Exits arrive with the stack as it is here, by no jump that objtool sees. */
	UNWIND_HINT_SAVE
	jnc	3f
4:	vmresume
	jmp	6f
3:
5:	vmlaunch
6:
	/*
	 * Here only if the instruction failed. The guest's registers are still in place; the general
	 * ones need no saving.
	 */
	pop	%rdi
	mov	$1, %ebx
	jmp	7f

SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ANNOTATE_NOENDBR
	/* RSP is the host's; everything else is the guest's. */
	push	%rdi
	mov	8(%rsp), %rdi
	mov	VMX_ENTRY_REGS(%rdi), %rdi
	mov	%rax, R_RAX(%rdi)
	mov	%rcx, R_RCX(%rdi)
	mov	%rdx, R_RDX(%rdi)
	mov	%rbx, R_RBX(%rdi)
	mov	%rbp, R_RBP(%rdi)
	mov	%rsi, R_RSI(%rdi)
	mov	%r8, R_R8(%rdi)
	mov	%r9, R_R9(%rdi)
	mov	%r10, R_R10(%rdi)
	mov	%r11, R_R11(%rdi)
	mov	%r12, R_R12(%rdi)
	mov	%r13, R_R13(%rdi)
	mov	%r14, R_R14(%rdi)
	mov	%r15, R_R15(%rdi)
	pop	%rcx
	mov	%rcx, R_RDI(%rdi)
	pop	%rdi
	xor	%ebx, %ebx
7:
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, X86_FEATURE_RSB_VMEXIT_LITE

	ALTERNATIVE "jmp 9f", "", X86_FEATURE_MSR_SPEC_CTRL
	cmpl	$0, VMX_ENTRY_SWITCH_SPEC(%rdi)
	je	8f
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	rdmsr
	mov	%eax, VMX_ENTRY_GUEST_SPEC(%rdi)
	mov	VMX_ENTRY_HOST_SPEC(%rdi), %eax
	xor	%edx, %edx
	wrmsr
8:
	/* The branch above must not be passed speculatively with the guest's SPEC_CTRL in force. */
	lfence
9:
	/* The branch history is the guest's, and with it which branch of the host's is predicted by which of the guest's. */
#ifdef X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
	CLEAR_BRANCH_HISTORY_VMEXIT
#endif
	mov	%ebx, %eax
	/* Nothing of the guest stays in a register the host's code might use before writing it. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

	/* Either faults if VMX was switched off under us: that is an instruction that failed. */
	_ASM_EXTABLE(4b, 6b)
	_ASM_EXTABLE(5b, 6b)
SYM_FUNC_END(vmx_enter_guest)

.text

/*
 * void vmx_raise_irq(u8 vector)
 *
 * The CPU has acknowledged the interrupt, and its handler ends it: all that is left is to go through its
 * gate, which INT does the same way. One stub for each vector.
 */
SYM_FUNC_START(vmx_raise_irq)
	movzbl	%dil, %edi
	shl	$VMX_IRQ_STUB_SHIFT, %rdi
	lea	vmx_irq_stubs(%rip), %rax
	add	%rax, %rdi
	JMP_NOSPEC rdi
SYM_FUNC_END(vmx_raise_irq)

	.balign	VMX_IRQ_STUB_SIZE
SYM_CODE_START_NOALIGN(vmx_irq_stubs)
	.set	vector, 0
	.rept	256
	UNWIND_HINT_FUNC
	ENDBR
	.byte	0xcd, vector	/* int $vector */
	RET
	.balign	VMX_IRQ_STUB_SIZE, 0xcc
	.set	vector, vector + 1
	.endr
SYM_CODE_END(vmx_irq_stubs)
