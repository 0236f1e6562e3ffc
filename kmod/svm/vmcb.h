/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmcb.h - the virtual machine control block and its codes, as the manual lays them out.
 *
 * Source: APM2 "VMCB Layout" (Appendix B) and "SVM Intercept Exit Codes" (Appendix C).
 */
#ifndef VITRINE_SVM_VMCB_H
#define VITRINE_SVM_VMCB_H

#include "../pure.h"

struct vmcb_seg {
	u16 selector;
	u16 attrib;		/* descriptor bits 55:52 and 47:40 packed into 12 bits */
	u32 limit;
	u64 base;
} __packed;

struct vmcb {
	/* Control area */
	u16 cr_read, cr_write;
	u16 dr_read, dr_write;
	u32 exceptions;
	u32 misc1;
	u32 misc2;
	u32 misc3;
	u8 rsvd_018[0x03c - 0x018];
	u16 pause_threshold;
	u16 pause_count;
	u64 iopm_pa;
	u64 msrpm_pa;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control;
	u8 rsvd_05d[3];
	u32 int_ctl;
	u32 int_vector;
	u64 int_state;
	u64 exit_code;
	u64 exit_info1;
	u64 exit_info2;
	u64 exit_int_info;
	u64 nested_ctl;
	u64 avic_bar;
	u64 ghcb_pa;
	u64 event_inj;
	u64 nested_cr3;
	u64 virt_ext;
	u32 clean;
	u32 rsvd_0c4;
	u64 next_rip;
	u8 insn_bytes_n;
	u8 insn_bytes[15];
	u8 rsvd_0e0[0x400 - 0x0e0];
	/* State save area */
	struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 rsvd_4a0[0x4cb - 0x4a0];
	u8 cpl;
	u32 rsvd_4cc;
	u64 efer;
	u8 rsvd_4d8[0x548 - 0x4d8];
	u64 cr4;
	u64 cr3;
	u64 cr0;
	u64 dr7;
	u64 dr6;
	u64 rflags;
	u64 rip;
	u8 rsvd_580[0x5d8 - 0x580];
	u64 rsp;
	u64 s_cet;
	u64 ssp;
	u64 isst;
	u64 rax;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 cr2;
	u8 rsvd_648[0x668 - 0x648];
	u64 g_pat;
	u64 dbgctl;
	u64 br_from;
	u64 br_to;
	u64 last_excp_from;
	u64 last_excp_to;
	u8 rsvd_698[0x6e0 - 0x698];
	u64 spec_ctrl;
	u8 rsvd_6e8[0x1000 - 0x6e8];
} __packed;

static_assert(sizeof(struct vmcb) == 4096);
static_assert(offsetof(struct vmcb, exit_code) == 0x070);
static_assert(offsetof(struct vmcb, clean) == 0x0c0);
static_assert(offsetof(struct vmcb, cpl) == 0x4cb);
static_assert(offsetof(struct vmcb, exit_code) == SVM_VMCB_EXIT_CODE);
static_assert(offsetof(struct vmcb, rip) == 0x578);
static_assert(offsetof(struct vmcb, rax) == 0x5f8);
static_assert(offsetof(struct vmcb, g_pat) == 0x668);

/* misc1 */
#define VMCB_INT_INTR		BIT(0)
#define VMCB_INT_NMI		BIT(1)
#define VMCB_INT_SMI		BIT(2)
#define VMCB_INT_INIT		BIT(3)
#define VMCB_INT_VINTR		BIT(4)
#define VMCB_INT_RDPMC		BIT(15)
#define VMCB_INT_CPUID		BIT(18)
#define VMCB_INT_RSM		BIT(19)
#define VMCB_INT_IRET		BIT(20)
#define VMCB_INT_INVD		BIT(22)
#define VMCB_INT_PAUSE		BIT(23)
#define VMCB_INT_HLT		BIT(24)
#define VMCB_INT_INVLPGA	BIT(26)
#define VMCB_INT_IOIO		BIT(27)
#define VMCB_INT_MSR		BIT(28)
#define VMCB_INT_FERR		BIT(30)
#define VMCB_INT_SHUTDOWN	BIT(31)

/* misc2 */
#define VMCB_INT_VMRUN		BIT(0)
#define VMCB_INT_VMMCALL	BIT(1)
#define VMCB_INT_VMLOAD		BIT(2)
#define VMCB_INT_VMSAVE		BIT(3)
#define VMCB_INT_STGI		BIT(4)
#define VMCB_INT_CLGI		BIT(5)
#define VMCB_INT_SKINIT		BIT(6)
#define VMCB_INT_WBINVD		BIT(9)
#define VMCB_INT_MONITOR	BIT(10)
#define VMCB_INT_MWAIT		BIT(11)
#define VMCB_INT_MWAIT_ARMED	BIT(12)
#define VMCB_INT_XSETBV		BIT(13)
#define VMCB_INT_RDPRU		BIT(14)

/* misc3 */
#define VMCB_INT_INVLPGB	BIT(0)
#define VMCB_INT_INVLPGB_ILL	BIT(1)
#define VMCB_INT_MCOMMIT	BIT(3)
#define VMCB_INT_TLBSYNC	BIT(4)

/* tlb_control: APM2 "TLB Flush" */
#define VMCB_TLB_NONE		0
#define VMCB_TLB_FLUSH_ALL	1
#define VMCB_TLB_FLUSH_ASID	3

/* int_ctl */
#define VMCB_V_TPR_MASK		0x0f
#define VMCB_V_IRQ		BIT(8)
#define VMCB_V_PRIO_MAX		(0xf << 16)
#define VMCB_V_IGN_TPR		BIT(20)
#define VMCB_V_INTR_MASKING	BIT(24)

#define VMCB_SHADOW		BIT(0)		/* int_state */
#define VMCB_NP_ENABLE		BIT(0)		/* nested_ctl */

/* event_inj and exit_int_info: APM2 "Event Injection" */
#define VMCB_EV_VECTOR		0xff
#define VMCB_EV_TYPE		(7 << 8)
#define VMCB_EV_INTR		(0 << 8)
#define VMCB_EV_NMI		(2 << 8)
#define VMCB_EV_EXCEPTION	(3 << 8)
#define VMCB_EV_SOFT		(4 << 8)
#define VMCB_EV_ERROR		BIT(11)
#define VMCB_EV_VALID		BIT(31)

/* clean: APM2 "VMCB Clean Field" */
#define VMCB_CLEAN_INTERCEPTS	BIT(0)
#define VMCB_CLEAN_MAPS		BIT(1)
#define VMCB_CLEAN_ASID		BIT(2)
#define VMCB_CLEAN_TPR		BIT(3)
#define VMCB_CLEAN_NP		BIT(4)
#define VMCB_CLEAN_CR		BIT(5)
#define VMCB_CLEAN_DR		BIT(6)
#define VMCB_CLEAN_DT		BIT(7)
#define VMCB_CLEAN_SEG		BIT(8)
#define VMCB_CLEAN_CR2		BIT(9)
#define VMCB_CLEAN_LBR		BIT(10)
#define VMCB_CLEAN_ALL		0x7ff

/* Exit codes */
#define SVM_EXIT_CR_READ	0x000		/* + number */
#define SVM_EXIT_CR_WRITE	0x010
#define SVM_EXIT_DR_READ	0x020
#define SVM_EXIT_DR_WRITE	0x030
#define SVM_EXIT_EXCP		0x040		/* + vector */
#define SVM_EXIT_INTR		0x060
#define SVM_EXIT_NMI		0x061
#define SVM_EXIT_SMI		0x062
#define SVM_EXIT_INIT		0x063
#define SVM_EXIT_VINTR		0x064
#define SVM_EXIT_RDPMC		0x06f
#define SVM_EXIT_CPUID		0x072
#define SVM_EXIT_RSM		0x073
#define SVM_EXIT_IRET		0x074
#define SVM_EXIT_INVD		0x076
#define SVM_EXIT_PAUSE		0x077
#define SVM_EXIT_HLT		0x078
#define SVM_EXIT_INVLPGA	0x07a
#define SVM_EXIT_IOIO		0x07b
#define SVM_EXIT_MSR		0x07c
#define SVM_EXIT_FERR		0x07e
#define SVM_EXIT_SHUTDOWN	0x07f
#define SVM_EXIT_VMRUN		0x080
#define SVM_EXIT_VMMCALL	0x081
#define SVM_EXIT_VMLOAD		0x082
#define SVM_EXIT_VMSAVE		0x083
#define SVM_EXIT_STGI		0x084
#define SVM_EXIT_CLGI		0x085
#define SVM_EXIT_SKINIT		0x086
#define SVM_EXIT_WBINVD		0x089
#define SVM_EXIT_MONITOR	0x08a
#define SVM_EXIT_MWAIT		0x08b
#define SVM_EXIT_MWAIT_ARMED	0x08c
#define SVM_EXIT_XSETBV		0x08d
#define SVM_EXIT_RDPRU		0x08e
#define SVM_EXIT_INVLPGB	0x0a0
#define SVM_EXIT_INVLPGB_ILL	0x0a1
#define SVM_EXIT_MCOMMIT	0x0a3
#define SVM_EXIT_TLBSYNC	0x0a4
#define SVM_EXIT_NPF		0x400
#define SVM_EXIT_INVALID	(~0ULL)

/* EXITINFO1 of a port access: APM2 "IOIO Intercepts" */
#define SVM_IO_IN		BIT(0)
#define SVM_IO_STRING		BIT(2)
#define SVM_IO_REP		BIT(3)
#define SVM_IO_SIZE_SHIFT	4		/* one of three bits: 1, 2, 4 bytes */
#define SVM_IO_PORT_SHIFT	16

/* EXITINFO1 of a nested page fault: APM2 "Nested versus Guest Page Faults" */
#define SVM_NPF_WRITE		BIT(1)
#define SVM_NPF_FETCH		BIT(4)
#define SVM_NPF_WALK		BIT_ULL(33)

#endif /* VITRINE_SVM_VMCB_H */
