// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu.c - VMX on the host's CPUs: is it there, who holds it, VMXON, which VMCS is where, VPIDs.
 *
 * A CPU keeps parts of a VMCS to itself until VMCLEAR: a vCPU's VMCS is "held" by one CPU or by none,
 * and every CPU lists those it holds. Turning CPUs on and off at the right moments (load, hotplug,
 * suspend, reboot) is host.c's job.
 */
#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>
#include "vmx.h"

#define VMX_VPIDS	BIT(16)

DEFINE_PER_CPU(struct vmx_cpu, vmx_cpus);
DEFINE_STATIC_KEY_FALSE(vmx_flush_l1d);

static DEFINE_SPINLOCK(vmx_vpid_lock);
static DECLARE_BITMAP(vmx_vpids, VMX_VPIDS);

/**
 * vmx_check() - can this machine's CPU run guests?
 * @err: filled with the errno for the load when it cannot
 *
 * Return: NULL, or what is missing and what to do about it, one sentence.
 */
const char *vmx_check(int *err)
{
	u64 control;

	*err = -ENODEV;
	if (!(cpuid_ecx(1) & BIT(5)))
		return "the CPU has no VT-x (VMX): use another machine, or enable nested VMX in the hypervisor below";
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &control))
		return "MSR IA32_FEATURE_CONTROL cannot be read: the hypervisor below does not pass VT-x on";
	if (!(control & FEAT_CTL_LOCKED) || !(control & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		*err = -EOPNOTSUPP;
		return "VT-x is disabled by the firmware: enable it in the BIOS setup and power-cycle";
	}
	if (cr4_read_shadow() & X86_CR4_VMXE) {
		*err = -EBUSY;
		return "VT-x is held by another hypervisor (KVM's kvm_intel as a rule): stop its VMs and type: modprobe -r kvm_intel";
	}
	return vmx_caps_read(err);
}

static void vmx_cpus_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *c = per_cpu_ptr(&vmx_cpus, cpu);

		if (c->vmxon)
			__free_page(c->vmxon);
		c->vmxon = NULL;
	}
}

/**
 * vmx_setup() - what is needed before the first CPU is enabled
 *
 * Return: 0 or -ENOMEM. Context: module load.
 */
int vmx_setup(void)
{
	int cpu;

	vmx_msrs_setup();
	vmx_perf_setup();
	if (boot_cpu_has_bug(X86_BUG_L1TF) && boot_cpu_has(X86_FEATURE_FLUSH_L1D) && !cpu_mitigations_off())
		static_branch_enable(&vmx_flush_l1d);
	/* VPID 0 is the host's. */
	__set_bit(0, vmx_vpids);
	for_each_possible_cpu(cpu) {
		struct vmx_cpu *c = per_cpu_ptr(&vmx_cpus, cpu);

		INIT_LIST_HEAD(&c->active);
		c->vmxon = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!c->vmxon) {
			vmx_cpus_free();
			return -ENOMEM;
		}
		*(u32 *)page_address(c->vmxon) = vmx_caps.revision;
	}
	return 0;
}

/**
 * vmx_teardown() - undo vmx_setup(); every CPU is disabled
 */
void vmx_teardown(void)
{
	vmx_cpus_free();
}

/* Fails, or faults, where VMX cannot be entered. */
static int vmx_on(u64 pa)
{
	asm goto("1: vmxon %[pa]\n\t"
			  "jbe %l[fail]\n\t"
			  _ASM_EXTABLE(1b, %l[fail])
			  : : [pa] "m"(pa) : "cc", "memory" : fail);
	return 0;
fail:
	return -EBUSY;
}

/* Faults where VMX was switched off already (a reboot's NMI does that). */
static void vmx_off(void)
{
	asm volatile("1: vmxoff\n2:\n" _ASM_EXTABLE(1b, 2b) : : : "cc", "memory");
}

/**
 * vmx_cpu_enable() - set CR4.VMXE and execute VMXON on this CPU
 *
 * Return: 0, or -EBUSY if somebody else holds VMX here. Context: on the CPU, preemption off.
 */
int vmx_cpu_enable(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpus);

	if (cr4_read_shadow() & X86_CR4_VMXE)
		return c->enabled ? 0 : -EBUSY;
	/* Most CPUs switch a trace of the processor off in VMX operation, and let nobody switch it on: its driver has to know. */
	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	if (vmx_on(page_to_phys(c->vmxon))) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		return -EBUSY;
	}
	/* What was cached before, by another hypervisor or before suspend, is void. */
	vmx_flush_cpu();
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		rdmsrl(MSR_TSC_AUX, c->tsc_aux);
	c->current_vmcs = NULL;
	c->last_vcpu = NULL;
	c->enabled = true;
	return 0;
}

/* This CPU lets go of a VMCS. Interrupts off. */
static void vmx_clear(struct vtr_vcpu *v)
{
	struct vtr_backend_vcpu *hw = v->hw;
	u64 pa = __pa(hw->vmcs);

	vmx_insn("vmclear %0", pa);
	if (this_cpu_read(vmx_cpus.current_vmcs) == v)
		this_cpu_write(vmx_cpus.current_vmcs, NULL);
	list_del_init(&hw->active);
	hw->entry.launched = 0;
	/* All of it is in memory before another CPU may see that. */
	smp_store_release(&hw->vmcs_cpu, -1);
}

/**
 * vmx_vmcs_init() - make a new VMCS of a page, and current
 * @v: its page is zero; preemption off
 */
void vmx_vmcs_init(struct vtr_vcpu *v)
{
	u64 pa = __pa(v->hw->vmcs);

	*(u32 *)v->hw->vmcs = vmx_caps.revision;
	vmx_insn("vmclear %0", pa);
	vmx_make_current(v);
}

static void vmx_clear_ipi(void *arg)
{
	struct vtr_vcpu *v = arg;

	if (v->hw->vmcs_cpu == smp_processor_id())
		vmx_clear(v);
}

/**
 * vmx_cpu_disable() - give VMX back on this CPU; no vCPU is loaded, but where the host reboots or has crashed
 *
 * Context: on the CPU, interrupts may be off.
 */
void vmx_cpu_disable(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpus);
	struct vtr_backend_vcpu *hw, *next;
	unsigned long flags;

	if (!c->enabled)
		return;
	c->enabled = false;
	if (!(cr4_read_shadow() & X86_CR4_VMXE))
		return;
	local_irq_save(flags);
	list_for_each_entry_safe(hw, next, &c->active, active)
		vmx_clear(hw->vcpu);
	vmx_off();
	intel_pt_handle_vmx(0);
	cr4_clear_bits(X86_CR4_VMXE);
	local_irq_restore(flags);
}

/**
 * vmx_vcpu_held() - does another CPU hold the vCPU's VMCS?
 * @v: by its own thread or under its mutex; interrupts off
 *
 * Return: true if vmx_vcpu_recall() has to be called first.
 */
bool vmx_vcpu_held(struct vtr_vcpu *v)
{
	/* Pairs with vmx_clear(): held by none means that all is in memory. */
	int cpu = smp_load_acquire(&v->hw->vmcs_cpu);

	return cpu >= 0 && cpu != smp_processor_id();
}

/**
 * vmx_vcpu_recall() - have the VMCS in memory, held by no CPU
 * @v: by its own thread or under its mutex, not loaded
 *
 * Context: interrupts on; waits for the CPU that holds it. One that went down has let go of it.
 */
void vmx_vcpu_recall(struct vtr_vcpu *v)
{
	/* Pairs with vmx_clear(). */
	int cpu = smp_load_acquire(&v->hw->vmcs_cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, vmx_clear_ipi, v, 1);
}

/**
 * vmx_make_current() - this CPU's accesses go to the vCPU's VMCS
 * @v: held by this CPU or none; preemption off
 */
void vmx_make_current(struct vtr_vcpu *v)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpus);
	struct vtr_backend_vcpu *hw = v->hw;
	u64 pa = __pa(hw->vmcs);
	unsigned long flags;

	local_irq_save(flags);
	if (hw->vmcs_cpu < 0) {
		list_add(&hw->active, &c->active);
		WRITE_ONCE(hw->vmcs_cpu, smp_processor_id());
		WRITE_ONCE(v->cpu, smp_processor_id());
	}
	vmx_insn("vmptrld %0", pa);
	c->current_vmcs = v;
	local_irq_restore(flags);
}

/**
 * vmx_use() - begin to access the VMCS of a vCPU, wherever it is held
 * @v: under its mutex, or loaded
 *
 * Context: interrupts on unless loaded; preemption is off until vmx_unuse().
 */
void vmx_use(struct vtr_vcpu *v)
{
	preempt_disable();
	if (likely(this_cpu_read(vmx_cpus.current_vmcs) == v))
		return;
	while (vmx_vcpu_held(v)) {
		preempt_enable();
		vmx_vcpu_recall(v);
		preempt_disable();
	}
	vmx_make_current(v);
}

/**
 * vmx_unuse() - end what vmx_use() began
 */
void vmx_unuse(void)
{
	preempt_enable();
}

/**
 * vmx_vpid_get() - an id for a vCPU's cached linear mappings
 *
 * Return: 1..65535; 0 where the CPU has none, or all are taken: that guest's entries flush.
 */
u16 vmx_vpid_get(void)
{
	unsigned long vpid = 0;

	if (!(vmx_caps.cpu2 & VMX_CPU2_VPID))
		return 0;
	spin_lock(&vmx_vpid_lock);
	vpid = find_first_zero_bit(vmx_vpids, VMX_VPIDS);
	if (vpid < VMX_VPIDS)
		__set_bit(vpid, vmx_vpids);
	else
		vpid = 0;
	spin_unlock(&vmx_vpid_lock);
	return vpid;
}

/**
 * vmx_vpid_put() - the id is free again
 * @vpid: from vmx_vpid_get()
 *
 * What is cached under it is flushed by its next owner's first entry on each CPU.
 */
void vmx_vpid_put(u16 vpid)
{
	if (!vpid)
		return;
	spin_lock(&vmx_vpid_lock);
	__clear_bit(vpid, vmx_vpids);
	spin_unlock(&vmx_vpid_lock);
}
