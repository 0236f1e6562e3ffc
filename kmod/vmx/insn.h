/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * insn.h - the instructions of VMX, but for those that begin and end its operation and enter guests.
 */
#ifndef VITRINE_VMX_INSN_H
#define VITRINE_VMX_INSN_H

#include <asm/asm.h>
#include "vmcs.h"

/*
 * An instruction of VMX with one operand in memory, and what else it takes. A reboot switches VMX off while
 * threads of vCPUs still run (host.c): then each of these faults, and has done nothing.
 */
#define vmx_insn(insn, operand, ...)						\
	({									\
		asm volatile("1: " insn "\n2:\n" _ASM_EXTABLE(1b, 2b)		\
			     : : "m"(operand), ##__VA_ARGS__ : "cc", "memory");	\
	})

/*
 * Accessors. The VMCS is current on this CPU. A field that does not exist is a fault of this module. With VMX
 * switched off a field reads as 0.
 */
static __always_inline u64 vmcs_read(enum vmcs_field field)
{
	unsigned long val;

	asm volatile("1: vmread %1, %0\n2:\n"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_ZERO_REG, %0)
		     : "=r"(val) : "r"((unsigned long)field) : "cc");
	return val;
}

static __always_inline void vmcs_write(enum vmcs_field field, u64 val)
{
	asm volatile("1: vmwrite %1, %0\n2:\n" _ASM_EXTABLE(1b, 2b)
		     : : "r"((unsigned long)field), "rm"(val) : "cc");
}

#endif /* VITRINE_VMX_INSN_H */
