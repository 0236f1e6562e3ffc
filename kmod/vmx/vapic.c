// SPDX-License-Identifier: GPL-2.0-only
/*
 * vapic.c - virtual-interrupt delivery: the CPU takes interrupts from the local APIC's register page,
 * which is the virtual-APIC page then, and ends them there.
 *
 * Only in x2APIC mode; ../apic.c says when. EOIs, self-IPIs, writes of the TPR and most reads make no
 * exit. An interrupt from elsewhere is posted aside, and the CPU of a running guest is sent a vector.
 * With posted interrupts it then enters what was posted in the page, without an exit; without, it exits,
 * and the vCPU publishes it here.
 *
 * Source: SDM 3C "APIC Virtualization and Virtual Interrupts", "Posted-Interrupt Processing".
 */
#include "../lapic.h"
#include "vmx.h"

#define X2APIC_MSRS	0x800
#define X2APIC_NR	0x40
#define X2APIC_OFF(n)	((n) << 4)

/* A posted-interrupt descriptor: vectors, then the bit that says that there was a notification. */
#define VMX_POSTED_SIZE	64
#define VMX_POSTED_TOLD	256

static_assert(VMX_VAPIC_TPR == LAPIC_TPR);

static_assert(LAPIC_POSTED_TOLD * 32 == VMX_POSTED_TOLD && !(LAPIC_POSTED & (VMX_POSTED_SIZE - 1)));

/* Without an exit: reads of what the page says, writes that the CPU virtualizes. */
static void vmx_pass_x2apic(struct vtr_vcpu *v, bool on)
{
	u32 n;

	for (n = 0; n < X2APIC_NR; n++) {
		u32 off = X2APIC_OFF(n);
		bool write = off == LAPIC_TPR || off == LAPIC_EOI || off == LAPIC_SELF_IPI;

		vmx_msr_bitmap_set(v->hw->msr_bitmap, X2APIC_MSRS + n,
				   !on || !vtr_lapic_plain_read(off), !on || !write);
	}
}

/* The CPU takes posted interrupts, or no more. Current. */
static void vmx_post(struct vtr_vcpu *v, void *page)
{
	if (page) {
		vmcs_write(VMCS_POSTED_VECTOR, VTR_NOTIFICATION_VECTOR);
		vmcs_write(VMCS_POSTED_ADDRESS, __pa(page) + LAPIC_POSTED);
	}
	vmcs_write(VMCS_PIN_CONTROLS, page ? vmx_caps.pin : vmx_caps.pin & ~VMX_PIN_POSTED);
}

/**
 * vmx_virtual_apic() - the CPU delivers from this page, or no more
 * @v: loaded or not
 * @page: the local APIC's registers, NULL to inject interrupts from now on
 */
void vmx_virtual_apic(struct vtr_vcpu *v, void *page)
{
	struct vtr_backend_vcpu *hw = v->hw;

	vmx_use(v);
	hw->vapic = page ?: hw->own_vapic;
	if (!page)
		hw->vapic[VMX_VAPIC_TPR] = v->cr8 << 4;
	vmcs_write(VMCS_VIRTUAL_APIC, __pa(hw->vapic));
	/* The CPU minds the TPR now; or the next look at the events sets the threshold. */
	hw->tpr_threshold = 0;
	vmcs_write(VMCS_TPR_THRESHOLD, 0);
	if (vmx_caps.pin & VMX_PIN_POSTED)
		vmx_post(v, page);
	vmx_unuse();
	vmx_control2(v, VMX_CPU2_VID_ALL, page);
	vmx_pass_x2apic(v, page);
}

/**
 * vmx_virtual_irqs() - what is requested and in service
 * @v: loaded, the CPU delivers
 * @irr: highest vector requested, -1 if none
 * @isr: highest in service, -1 if none, VTR_KEEP_ISR to leave it to the CPU
 */
void vmx_virtual_irqs(struct vtr_vcpu *v, int irr, int isr)
{
	u16 old = vmcs_read(VMCS_GUEST_INTR_STATUS);
	u16 new = max(irr, 0) | (isr == VTR_KEEP_ISR ? old & 0xff00 : max(isr, 0) << 8);

	if (new != old)
		vmcs_write(VMCS_GUEST_INTR_STATUS, new);
}

/**
 * vmx_virtual_eois() - which EOIs exit
 * @v: loaded or not
 * @map: 256 bits
 */
void vmx_virtual_eois(struct vtr_vcpu *v, const u64 *map)
{
	int i;

	vmx_use(v);
	for (i = 0; i < 4; i++)
		vmcs_write(VMCS_EOI_EXIT_BITMAP0 + 2 * i, READ_ONCE(map[i]));
	vmx_unuse();
}
