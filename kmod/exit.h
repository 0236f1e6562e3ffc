/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exit.h - what an exit is, in neutral terms.
 *
 * The backend decodes the hardware's exit into struct vtr_exit (svm/exit.c); act.c acts on it.
 * Nothing here names a VMCB or VMCS field.
 */
#ifndef VITRINE_EXIT_H
#define VITRINE_EXIT_H

#include "pure.h"

/* Kind, name shown to people, in one row. The order is part of the statistics' order. */
#define VTR_EXIT_KINDS(X) \
	X(HOST_IRQ,	"host_interrupt") \
	X(HOST_NMI,	"host_nmi") \
	X(CPUID,	"cpuid") \
	X(MSR_READ,	"rdmsr") \
	X(MSR_WRITE,	"wrmsr") \
	X(IO,		"port_io") \
	X(TDP_FAULT,	"nested_page_fault") \
	X(HLT,		"hlt") \
	X(IRQ_WINDOW,	"interrupt_window") \
	X(CR8_WRITE,	"cr8_write") \
	X(CR_READ,	"cr_read") \
	X(CR_WRITE,	"cr_write") \
	X(DR_ACCESS,	"dr_access") \
	X(EXCEPTION,	"exception") \
	X(IRET,		"iret") \
	X(PAUSE,	"pause") \
	X(VMCALL,	"hypercall") \
	X(XSETBV,	"xsetbv") \
	X(INVD,		"invd") \
	X(WBINVD,	"wbinvd") \
	X(MONITOR,	"monitor") \
	X(MWAIT,	"mwait") \
	X(RDPMC,	"rdpmc") \
	X(UNDEFINED,	"undefined_instruction") \
	X(TRIPLE_FAULT,	"triple_fault") \
	X(INIT,		"init") \
	X(TASK_SWITCH,	"task_switch") \
	X(APIC_EOI,	"apic_eoi") \
	X(APIC_WRITE,	"apic_write") \
	X(LOG_FULL,	"log_full") \
	X(TIMER,	"timer") \
	X(ENTRY_FAILED,	"entry_failed") \
	X(UNKNOWN,	"unknown")

enum vtr_exit_kind {
#define X(kind, name) VTR_EXIT_##kind,
	VTR_EXIT_KINDS(X)
#undef X
	VTR_EXIT_NR
};

/**
 * struct vtr_pio - a port access by the guest
 * @port: first port
 * @size: bytes of one element: 1, 2 or 4
 * @in: the guest reads
 * @string: INS or OUTS: the instruction has to be decoded for its segment and address size
 * @rep: with a REP prefix (implies @string)
 * @count: elements of INS that user space was asked for in one exit; filled in by io.c
 * @next_rip: where the guest goes on; 0 where the CPU did not say
 */
struct vtr_pio {
	u16 port;
	u8 size;
	bool in;
	bool string;
	bool rep;
	u32 count;
	u64 next_rip;
};

/**
 * struct vtr_exit - one exit, decoded by the backend
 * @kind: what it was
 * @insn_len: length of the instruction that caused it in bytes, 0 where the CPU did not say; of a #DB: of INT1, 0 where it was none
 * @hw_reason: the CPU's own code, for user space when nothing else can be said: with ENTRY_FAILED and
 *	UNKNOWN
 */
struct vtr_exit {
	enum vtr_exit_kind kind;
	u8 insn_len;
	u64 hw_reason;
	union {
		struct vtr_pio io;
		struct {
			gpa_t gpa;
			u32 why;		/* VTR_FAULT_* of mmu.h */
		} fault;
		struct {
			u8 vector;
			bool has_error;
			u32 error;
			u64 dr6;		/* #DB: bits the CPU would have set */
		} exc;
		struct {
			u8 nr;
			bool write;		/* MOV DR: direction */
		} reg;
		struct {
			u16 selector;		/* of the TSS */
			u8 source;		/* enum vtr_task_source */
			bool insn;		/* an instruction did it, INT among them */
		} task;
		struct {
			u8 vector;		/* APIC_EOI: whose service ended */
			u16 off;		/* APIC_WRITE: register in the page */
		} apic;
		struct {
			u64 info[2];
		} raw;
	};
};

/**
 * struct vtr_hw_exit - the last exit in the CPU's own words
 * @reason: exit reason (SDM) or exit code (APM2)
 * @info1: exit qualification, or EXITINFO1
 * @info2: guest-physical address of an EPT violation or misconfiguration, else 0; or EXITINFO2
 * @event: IDT-vectoring information with its error code in the upper half, or EXITINTINFO
 */
struct vtr_hw_exit {
	u64 reason;
	u64 info1;
	u64 info2;
	u64 event;
};

const char *vtr_exit_name(enum vtr_exit_kind kind);

#endif /* VITRINE_EXIT_H */
