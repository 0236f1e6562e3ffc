// SPDX-License-Identifier: GPL-2.0-only
/*
 * flush.c - cached translations: INVEPT and INVVPID, done only where the manual asks.
 *
 * Mappings cached under an EPT pointer are void when the tables lose rights, and on a CPU the vCPU has
 * been away from: what was flushed elsewhere meanwhile was not flushed here. Linear mappings are
 * tagged by VPID and EPT pointer and go with INVEPT too; only CR3, CR4 and paging set from outside ask
 * for INVVPID. Source: SDM 3C "Caching Translation Information".
 */
#include "vmx.h"

#define INVEPT_CONTEXT	1
#define INVEPT_GLOBAL	2
#define INVVPID_CONTEXT	1
#define INVVPID_ALL	2

/* SDM 3D "IA32_VMX_EPT_VPID_CAP" */
#define CAP_INVEPT_CONTEXT	BIT_ULL(25)
#define CAP_INVVPID_CONTEXT	BIT_ULL(41)
#define CAP_INVVPID_ALL		BIT_ULL(42)

struct vmx_descriptor {
	u64 first, second;
};

static void vmx_invept(unsigned long type, u64 eptp)
{
	struct vmx_descriptor d = { eptp, 0 };

	vmx_insn("invept %0, %1", d, "r"(type));
}

static void vmx_invvpid(unsigned long type, u16 vpid)
{
	struct vmx_descriptor d = { vpid, 0 };

	vmx_insn("invvpid %0, %1", d, "r"(type));
}

/**
 * vmx_flush_now() - forget everything cached of this guest on this CPU
 * @v: its VMCS is current
 */
void vmx_flush_now(struct vtr_vcpu *v)
{
	if (vmx_caps.ept_vpid & CAP_INVEPT_CONTEXT)
		vmx_invept(INVEPT_CONTEXT, vmcs_read(VMCS_EPTP));
	else
		vmx_invept(INVEPT_GLOBAL, 0);
	/* With VPID 0 every entry and exit flushes linear mappings by itself. */
	if (!v->hw->vpid)
		return;
	if (vmx_caps.ept_vpid & CAP_INVVPID_CONTEXT)
		vmx_invvpid(INVVPID_CONTEXT, v->hw->vpid);
	else if (vmx_caps.ept_vpid & CAP_INVVPID_ALL)
		vmx_invvpid(INVVPID_ALL, 0);
}

/**
 * vmx_flush_cpu() - forget what was cached on this CPU of any guest; after VMXON
 */
void vmx_flush_cpu(void)
{
	vmx_invept(INVEPT_GLOBAL, 0);
	if (vmx_caps.ept_vpid & CAP_INVVPID_ALL)
		vmx_invvpid(INVVPID_ALL, 0);
}
