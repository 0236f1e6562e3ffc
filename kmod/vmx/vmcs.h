/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmcs.h - the virtual-machine control structure: encodings of its fields, bits of its controls.
 *
 * Source: SDM 3C "Virtual Machine Control Structures", SDM 3D "Field Encoding in VMCS".
 */
#ifndef VITRINE_VMX_VMCS_H
#define VITRINE_VMX_VMCS_H

#include "../pure.h"

/* Field, number: the width is in bits 14:13. */
enum vmcs_field {
	/* 16 bits */
	VMCS_VPID			= 0x0000,
	VMCS_POSTED_VECTOR		= 0x0002,
	VMCS_GUEST_ES			= 0x0800,	/* + 2 * VTR_SEG_*, see vmx_seg_index() */
	VMCS_GUEST_CS			= 0x0802,
	VMCS_GUEST_SS			= 0x0804,
	VMCS_GUEST_DS			= 0x0806,
	VMCS_GUEST_FS			= 0x0808,
	VMCS_GUEST_GS			= 0x080a,
	VMCS_GUEST_LDTR			= 0x080c,
	VMCS_GUEST_TR			= 0x080e,
	VMCS_GUEST_INTR_STATUS		= 0x0810,
	VMCS_PML_INDEX			= 0x0812,
	VMCS_HOST_ES			= 0x0c00,
	VMCS_HOST_CS			= 0x0c02,
	VMCS_HOST_SS			= 0x0c04,
	VMCS_HOST_DS			= 0x0c06,
	VMCS_HOST_FS			= 0x0c08,
	VMCS_HOST_GS			= 0x0c0a,
	VMCS_HOST_TR			= 0x0c0c,

	/* 64 bits */
	VMCS_MSR_BITMAP			= 0x2004,
	VMCS_EXIT_MSR_LOAD		= 0x2008,
	VMCS_ENTRY_MSR_LOAD		= 0x200a,
	VMCS_PML_ADDRESS		= 0x200e,
	VMCS_TSC_OFFSET			= 0x2010,
	VMCS_VIRTUAL_APIC		= 0x2012,
	VMCS_POSTED_ADDRESS		= 0x2016,
	VMCS_EPTP			= 0x201a,
	VMCS_EOI_EXIT_BITMAP0		= 0x201c,	/* and three more, 2 apart */
	VMCS_XSS_EXIT_BITMAP		= 0x202c,
	VMCS_TSC_MULTIPLIER		= 0x2032,
	VMCS_GUEST_PHYSICAL		= 0x2400,
	VMCS_LINK_POINTER		= 0x2800,
	VMCS_GUEST_DEBUGCTL		= 0x2802,
	VMCS_GUEST_PAT			= 0x2804,
	VMCS_GUEST_EFER			= 0x2806,
	VMCS_GUEST_PDPTE0		= 0x280a,	/* and three more, 2 apart */
	VMCS_HOST_PAT			= 0x2c00,
	VMCS_HOST_EFER			= 0x2c02,

	/* 32 bits */
	VMCS_PIN_CONTROLS		= 0x4000,
	VMCS_CPU_CONTROLS		= 0x4002,
	VMCS_EXCEPTION_BITMAP		= 0x4004,
	VMCS_PF_ERROR_MASK		= 0x4006,
	VMCS_PF_ERROR_MATCH		= 0x4008,
	VMCS_CR3_TARGETS		= 0x400a,
	VMCS_EXIT_CONTROLS		= 0x400c,
	VMCS_EXIT_MSR_STORE_COUNT	= 0x400e,
	VMCS_EXIT_MSR_LOAD_COUNT	= 0x4010,
	VMCS_ENTRY_CONTROLS		= 0x4012,
	VMCS_ENTRY_MSR_LOAD_COUNT	= 0x4014,
	VMCS_ENTRY_INTR_INFO		= 0x4016,
	VMCS_ENTRY_ERROR_CODE		= 0x4018,
	VMCS_ENTRY_INSN_LEN		= 0x401a,
	VMCS_TPR_THRESHOLD		= 0x401c,
	VMCS_CPU_CONTROLS2		= 0x401e,
	VMCS_PLE_GAP			= 0x4020,
	VMCS_PLE_WINDOW			= 0x4022,
	VMCS_GUEST_TIMER		= 0x482e,	/* the preemption timer's value */
	VMCS_INSN_ERROR			= 0x4400,
	VMCS_EXIT_REASON		= 0x4402,
	VMCS_EXIT_INTR_INFO		= 0x4404,
	VMCS_EXIT_INTR_ERROR		= 0x4406,
	VMCS_IDT_VECTORING_INFO		= 0x4408,
	VMCS_IDT_VECTORING_ERROR	= 0x440a,
	VMCS_EXIT_INSN_LEN		= 0x440c,
	VMCS_GUEST_ES_LIMIT		= 0x4800,
	VMCS_GUEST_GDTR_LIMIT		= 0x4810,
	VMCS_GUEST_IDTR_LIMIT		= 0x4812,
	VMCS_GUEST_ES_RIGHTS		= 0x4814,
	VMCS_GUEST_CS_RIGHTS		= 0x4816,
	VMCS_GUEST_SS_RIGHTS		= 0x4818,
	VMCS_GUEST_INTERRUPTIBILITY	= 0x4824,
	VMCS_GUEST_ACTIVITY		= 0x4826,
	VMCS_GUEST_SYSENTER_CS		= 0x482a,
	VMCS_HOST_SYSENTER_CS		= 0x4c00,

	/* natural width */
	VMCS_CR0_MASK			= 0x6000,
	VMCS_CR4_MASK			= 0x6002,
	VMCS_CR0_SHADOW			= 0x6004,
	VMCS_CR4_SHADOW			= 0x6006,
	VMCS_EXIT_QUALIFICATION		= 0x6400,
	VMCS_GUEST_CR0			= 0x6800,
	VMCS_GUEST_CR3			= 0x6802,
	VMCS_GUEST_CR4			= 0x6804,
	VMCS_GUEST_ES_BASE		= 0x6806,
	VMCS_GUEST_CS_BASE		= 0x6808,
	VMCS_GUEST_FS_BASE		= 0x680e,
	VMCS_GUEST_GS_BASE		= 0x6810,
	VMCS_GUEST_GDTR_BASE		= 0x6816,
	VMCS_GUEST_IDTR_BASE		= 0x6818,
	VMCS_GUEST_DR7			= 0x681a,
	VMCS_GUEST_RSP			= 0x681c,
	VMCS_GUEST_RIP			= 0x681e,
	VMCS_GUEST_RFLAGS		= 0x6820,
	VMCS_GUEST_PENDING_DEBUG	= 0x6822,
	VMCS_GUEST_SYSENTER_ESP		= 0x6824,
	VMCS_GUEST_SYSENTER_EIP		= 0x6826,
	VMCS_HOST_CR0			= 0x6c00,
	VMCS_HOST_CR3			= 0x6c02,
	VMCS_HOST_CR4			= 0x6c04,
	VMCS_HOST_FS_BASE		= 0x6c06,
	VMCS_HOST_GS_BASE		= 0x6c08,
	VMCS_HOST_TR_BASE		= 0x6c0a,
	VMCS_HOST_GDTR_BASE		= 0x6c0c,
	VMCS_HOST_IDTR_BASE		= 0x6c0e,
	VMCS_HOST_SYSENTER_ESP		= 0x6c10,
	VMCS_HOST_SYSENTER_EIP		= 0x6c12,
	VMCS_HOST_RSP			= 0x6c14,
	VMCS_HOST_RIP			= 0x6c16,
};

/* Pin-based controls */
#define VMX_PIN_EXT_INTR		BIT(0)
#define VMX_PIN_NMI			BIT(3)
#define VMX_PIN_VIRTUAL_NMI		BIT(5)
#define VMX_PIN_TIMER			BIT(6)
#define VMX_PIN_POSTED			BIT(7)

/* Primary processor-based controls */
#define VMX_CPU_INTR_WINDOW		BIT(2)
#define VMX_CPU_TSC_OFFSET		BIT(3)
#define VMX_CPU_HLT			BIT(7)
#define VMX_CPU_MWAIT			BIT(10)
#define VMX_CPU_RDPMC			BIT(11)
#define VMX_CPU_CR3_LOAD		BIT(15)
#define VMX_CPU_CR3_STORE		BIT(16)
#define VMX_CPU_CR8_LOAD		BIT(19)
#define VMX_CPU_CR8_STORE		BIT(20)
#define VMX_CPU_TPR_SHADOW		BIT(21)
#define VMX_CPU_NMI_WINDOW		BIT(22)
#define VMX_CPU_MOV_DR			BIT(23)
#define VMX_CPU_IO			BIT(24)
#define VMX_CPU_MONITOR_TRAP		BIT(27)
#define VMX_CPU_MSR_BITMAPS		BIT(28)
#define VMX_CPU_MONITOR			BIT(29)
#define VMX_CPU_SECONDARY		BIT(31)

/* Secondary processor-based controls */
#define VMX_CPU2_EPT			BIT(1)
#define VMX_CPU2_RDTSCP			BIT(3)
#define VMX_CPU2_X2APIC			BIT(4)
#define VMX_CPU2_VPID			BIT(5)
#define VMX_CPU2_WBINVD			BIT(6)
#define VMX_CPU2_UNRESTRICTED		BIT(7)
#define VMX_CPU2_APIC_REGISTERS		BIT(8)
#define VMX_CPU2_VIRTUAL_INTR		BIT(9)
#define VMX_CPU2_VID_ALL \
	(VMX_CPU2_X2APIC | VMX_CPU2_APIC_REGISTERS | VMX_CPU2_VIRTUAL_INTR)
#define VMX_CPU2_PAUSE_LOOP		BIT(10)
#define VMX_CPU2_INVPCID		BIT(12)
#define VMX_CPU2_PML			BIT(17)
#define VMX_CPU2_XSAVES			BIT(20)
#define VMX_CPU2_TSC_SCALING		BIT(25)

/* VM-exit controls */
#define VMX_EXIT_SAVE_DEBUG		BIT(2)
#define VMX_EXIT_HOST_64		BIT(9)
#define VMX_EXIT_ACK_INTR		BIT(15)
#define VMX_EXIT_SAVE_PAT		BIT(18)
#define VMX_EXIT_LOAD_PAT		BIT(19)
#define VMX_EXIT_SAVE_EFER		BIT(20)
#define VMX_EXIT_LOAD_EFER		BIT(21)

/* VM-entry controls */
#define VMX_ENTRY_LOAD_DEBUG		BIT(2)
#define VMX_ENTRY_IA32E			BIT(9)
#define VMX_ENTRY_LOAD_PAT		BIT(14)
#define VMX_ENTRY_LOAD_EFER		BIT(15)

/* Interruption information: of entries, exits and IDT vectoring alike */
#define VMX_INTR_VECTOR			0xff
#define VMX_INTR_TYPE			(7 << 8)
#define VMX_INTR_EXTERNAL		(0 << 8)
#define VMX_INTR_RESERVED		(1 << 8)
#define VMX_INTR_NMI			(2 << 8)
#define VMX_INTR_HARD_EXCEPTION		(3 << 8)
#define VMX_INTR_SOFT			(4 << 8)
#define VMX_INTR_PRIVILEGED		(5 << 8)
#define VMX_INTR_SOFT_EXCEPTION		(6 << 8)
#define VMX_INTR_ERROR			BIT(11)
#define VMX_INTR_NMI_UNBLOCKED		BIT(12)	/* of exits: IRET had unblocked NMIs */
#define VMX_INTR_ENTRY_RESERVED		0x7ffff000	/* of entries */
#define VMX_INTR_VALID			BIT(31)

/* VM-instruction errors: SDM 3C "VM Instruction Error Numbers" */
#define VMX_ERROR_CONTROLS		7
#define VMX_ERROR_HOST_STATE		8

/* Interruptibility: SDM 3C "Guest Non-Register State" */
#define VMX_BLOCKED_STI			BIT(0)
#define VMX_BLOCKED_MOV_SS		BIT(1)
#define VMX_BLOCKED_NMI			BIT(3)

/* Basic exit reasons: SDM 3D "VMX Basic Exit Reasons" */
#define VMX_EXIT_EXCEPTION		0
#define VMX_EXIT_EXT_INTR		1
#define VMX_EXIT_TRIPLE_FAULT		2
#define VMX_EXIT_INIT			3
#define VMX_EXIT_SIPI			4
#define VMX_EXIT_IO_SMI			5
#define VMX_EXIT_OTHER_SMI		6
#define VMX_EXIT_INTR_WINDOW		7
#define VMX_EXIT_NMI_WINDOW		8
#define VMX_EXIT_TASK_SWITCH		9
#define VMX_EXIT_CPUID			10
#define VMX_EXIT_GETSEC			11
#define VMX_EXIT_HLT			12
#define VMX_EXIT_INVD			13
#define VMX_EXIT_INVLPG			14
#define VMX_EXIT_RDPMC			15
#define VMX_EXIT_RDTSC			16
#define VMX_EXIT_RSM			17
#define VMX_EXIT_VMCALL			18
#define VMX_EXIT_VMCLEAR		19
#define VMX_EXIT_VMXON			27
#define VMX_EXIT_CR			28
#define VMX_EXIT_MOV_DR			29
#define VMX_EXIT_IO			30
#define VMX_EXIT_RDMSR			31
#define VMX_EXIT_WRMSR			32
#define VMX_EXIT_BAD_GUEST_STATE	33
#define VMX_EXIT_BAD_MSR_LOAD		34
#define VMX_EXIT_MWAIT			36
#define VMX_EXIT_MONITOR_TRAP		37
#define VMX_EXIT_MONITOR		39
#define VMX_EXIT_PAUSE			40
#define VMX_EXIT_MACHINE_CHECK		41
#define VMX_EXIT_TPR_THRESHOLD		43
#define VMX_EXIT_APIC_ACCESS		44
#define VMX_EXIT_APIC_EOI		45
#define VMX_EXIT_EPT_VIOLATION		48
#define VMX_EXIT_EPT_MISCONFIG		49
#define VMX_EXIT_INVEPT			50
#define VMX_EXIT_TIMER			52
#define VMX_EXIT_INVVPID		53
#define VMX_EXIT_WBINVD			54
#define VMX_EXIT_XSETBV			55
#define VMX_EXIT_APIC_WRITE		56
#define VMX_EXIT_PML_FULL		62
#define VMX_EXIT_NR			70
#define VMX_EXIT_ENTRY_FAILED		BIT(31)	/* the exit is a failed entry */
#define VMX_EXIT_BASIC			0xffff
#define VMX_EXIT_NO_ENTRY		0x8000ffff	/* ours: VMLAUNCH or VMRESUME itself failed */

/* Exit qualification of a port access, an EPT violation, a control-register access */
#define VMX_IO_SIZE			7	/* bytes less one */
#define VMX_IO_IN			BIT(3)
#define VMX_IO_STRING			BIT(4)
#define VMX_IO_REP			BIT(5)
#define VMX_IO_PORT_SHIFT		16
#define VMX_EPT_READ			BIT(0)
#define VMX_EPT_WRITE			BIT(1)
#define VMX_EPT_FETCH			BIT(2)
#define VMX_EPT_PRESENT			(7 << 3)	/* the translation allowed something */
#define VMX_CR_NUMBER			0xf
#define VMX_CR_TYPE_SHIFT		4	/* 0 to CR, 1 from CR, 2 CLTS, 3 LMSW */
#define VMX_DR_FROM			BIT(4)
#define VMX_TASK_SOURCE_SHIFT		30	/* of a task switch: CALL, IRET, JMP, task gate */

#define VMX_RIGHTS_UNUSABLE		BIT(16)

/* Accessors. The VMCS is current on this CPU. A field that does not exist is a fault of this module. */
static __always_inline u64 vmcs_read(enum vmcs_field field)
{
	unsigned long val;

	asm volatile("vmread %1, %0" : "=rm"(val) : "r"((unsigned long)field) : "cc");
	return val;
}

static __always_inline void vmcs_write(enum vmcs_field field, u64 val)
{
	asm volatile("vmwrite %1, %0" : : "r"((unsigned long)field), "rm"(val) : "cc");
}

#endif /* VITRINE_VMX_VMCS_H */
