// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu.c - SVM on the host's CPUs: is it there, who holds it, EFER.SVME, the host save area, ASIDs.
 *
 * Turning CPUs on and off at the right moments (load, hotplug, suspend, reboot) is host.c's job.
 */
#include <linux/cc_platform.h>
#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include "svm.h"

#define SVM_CPUID_LEAF		0x8000000a
#define SVM_CPUID_NPT		BIT(0)
#define SVM_CPUID_NRIPS		BIT(3)
#define SVM_CPUID_CLEAN		BIT(5)
#define SVM_CPUID_TSC_RATE	BIT(4)
#define SVM_CPUID_FLUSH_ASID	BIT(6)
#define SVM_CPUID_PAUSE_FILTER	BIT(10)
#define SVM_CPUID_V_SPEC_CTRL	BIT(20)
#define SVM_VM_CR_SVMDIS	BIT(4)		/* APM2 "VM_CR MSR" */

bool svm_has_flush_asid, svm_has_clean_bits, svm_has_pause_filter, svm_has_v_spec_ctrl;
bool svm_has_tsc_scaling;
static bool svm_has_nrips;
u32 svm_max_asid;

/* svm_has_nrips, where every exit asks. */
DEFINE_STATIC_KEY_FALSE(svm_nrips);

/* What the CPU may keep from its last run of the VMCB; all of it was clean then. */
u32 svm_clean_after_exit;

DEFINE_PER_CPU(struct svm_cpu, svm_cpus);

/*
 * Each feature that has a software fallback can be hidden. After the load a parameter says whether the
 * feature is in use; on another vendor's CPU it says nothing.
 */
#define SVM_PARAM(name, what) \
	static bool svm_param_##name = true; \
	module_param_named(name, svm_param_##name, bool, 0444); \
	MODULE_PARM_DESC(name, "AMD: " what)

SVM_PARAM(nrips, "the address of the next instruction from the CPU, not by decoding");
SVM_PARAM(clean_bits, "the VMCB's unchanged parts stay in the CPU");
SVM_PARAM(flush_by_asid, "flushes of one guest's cached translations alone");
SVM_PARAM(tsc_rate, "TSCs of guests at a frequency of their own");
SVM_PARAM(pause_filter, "exits from loops of PAUSE");

/* What a parameter hides: a bit of EDX of leaf SVM_CPUID_LEAF; where the answer goes. */
static const struct svm_feature {
	bool *on;
	u32 bit;
	bool *has;
} svm_features[] = {
	{ &svm_param_nrips, SVM_CPUID_NRIPS, &svm_has_nrips },
	{ &svm_param_clean_bits, SVM_CPUID_CLEAN, &svm_has_clean_bits },
	{ &svm_param_flush_by_asid, SVM_CPUID_FLUSH_ASID, &svm_has_flush_asid },
	{ &svm_param_tsc_rate, SVM_CPUID_TSC_RATE, &svm_has_tsc_scaling },
	{ &svm_param_pause_filter, SVM_CPUID_PAUSE_FILTER, &svm_has_pause_filter },
};

static void svm_find_features(void)
{
	u32 edx = cpuid_edx(SVM_CPUID_LEAF);
	const struct svm_feature *f;

	for (f = svm_features; f < svm_features + ARRAY_SIZE(svm_features); f++) {
		*f->has = *f->on && edx & f->bit;
		*f->on = *f->has;
	}
}

/**
 * svm_leaf_levels() - the largest pages that nested tables map here: the host's own
 *
 * Return: 2: 2 MiB, 3: 1 GiB.
 */
u8 svm_leaf_levels(void)
{
	return boot_cpu_has(X86_FEATURE_GBPAGES) ? 3 : 2;
}

/**
 * svm_tsc_ratio_form() - MSR TSC_RATIO
 *
 * Return: its form, 0 where the CPU has none. Source: APM2 "TSC Ratio MSR (C000_0104h)".
 */
struct vtr_tsc_ratio_form svm_tsc_ratio_form(void)
{
	static const struct vtr_tsc_ratio_form form = { 8, SVM_TSC_RATIO_FRACTION }, none;

	return svm_has_tsc_scaling ? form : none;
}

/**
 * svm_check() - can this machine's CPU run guests?
 * @err: filled with the errno for the load when it cannot
 *
 * Return: NULL, or what is missing and what to do about it, one sentence.
 */
const char *svm_check(int *err)
{
	u64 vm_cr, efer;

	*err = -ENODEV;
	if (boot_cpu_data.x86_vendor != X86_VENDOR_AMD &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_HYGON)
		return "the CPU is neither an AMD nor a Hygon one: this build needs AMD-V";
	if (boot_cpu_data.extended_cpuid_level < SVM_CPUID_LEAF ||
	    !(cpuid_ecx(0x80000001) & BIT(2)))
		return "the CPU has no AMD-V (SVM): use another machine, or enable nested SVM in the hypervisor below";
	if (!(cpuid_edx(SVM_CPUID_LEAF) & SVM_CPUID_NPT))
		return "the CPU has AMD-V but no nested paging (NPT), which is required: use a CPU of AMD family 10h or later";
	if (rdmsrl_safe(MSR_VM_CR, &vm_cr))
		return "MSR VM_CR cannot be read: the hypervisor below does not pass AMD-V on";
	if (vm_cr & SVM_VM_CR_SVMDIS) {
		*err = -EOPNOTSUPP;
		return "AMD-V is disabled by the firmware: enable SVM in the BIOS setup and power-cycle";
	}
	/* Every address in a VMCB and in nested tables would need the encryption bit, and each of the host's entries may have it or not. */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		*err = -EOPNOTSUPP;
		return "the host's kernel encrypts its memory (SME), which is not supported yet: boot it with mem_encrypt=off";
	}
	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME) {
		*err = -EBUSY;
		return "AMD-V is held by another hypervisor (KVM's kvm_amd as a rule): stop its VMs and type: modprobe -r kvm_amd";
	}
	return NULL;
}

static void svm_cpus_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *c = per_cpu_ptr(&svm_cpus, cpu);

		if (c->save_area)
			__free_page(c->save_area);
		if (c->host_vmsave)
			__free_page(c->host_vmsave);
		c->save_area = NULL;
		c->host_vmsave = NULL;
	}
}

/**
 * svm_setup() - what is needed before the first CPU is enabled
 *
 * Return: 0 or -ENOMEM. Context: module load.
 */
int svm_setup(void)
{
	int cpu, err;

	svm_find_features();
	svm_has_v_spec_ctrl = cpuid_edx(SVM_CPUID_LEAF) & SVM_CPUID_V_SPEC_CTRL;
	svm_clean_after_exit = svm_has_clean_bits || vtr_check_entries ? VMCB_CLEAN_ALL : 0;
	if (svm_has_nrips)
		static_branch_enable(&svm_nrips);
	svm_max_asid = cpuid_ebx(SVM_CPUID_LEAF) - 1;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *c = per_cpu_ptr(&svm_cpus, cpu);

		c->save_area = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		c->host_vmsave = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!c->save_area || !c->host_vmsave) {
			svm_cpus_free();
			return -ENOMEM;
		}
		c->host_vmsave_pa = page_to_phys(c->host_vmsave);
	}
	err = svm_maps_setup();
	if (err)
		svm_cpus_free();
	return err;
}

/**
 * svm_teardown() - undo svm_setup(); every CPU is disabled
 */
void svm_teardown(void)
{
	svm_maps_teardown();
	svm_cpus_free();
}

/**
 * svm_cpu_enable() - set EFER.SVME and the host save area on this CPU
 *
 * Return: 0, or -EBUSY if somebody else holds SVM here. Context: on the CPU, preemption off.
 */
int svm_cpu_enable(void)
{
	struct svm_cpu *c = this_cpu_ptr(&svm_cpus);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return c->enabled ? 0 : -EBUSY;
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, page_to_phys(c->save_area));
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		rdmsrl(MSR_TSC_AUX, c->tsc_aux);
	if (svm_has_tsc_scaling) {
		c->tsc_ratio = SVM_TSC_RATIO_ONE;
		wrmsrl(MSR_AMD64_TSC_RATIO, c->tsc_ratio);
	}
	/* Start a generation of ASIDs: entries from before the CPU went down are void. */
	c->asid_generation++;
	c->next_asid = svm_max_asid + 1;
	c->last_vcpu = NULL;
	c->enabled = true;
	return 0;
}

/**
 * svm_cpu_disable() - give SVM back on this CPU; no vCPU is loaded, but where the host reboots or has crashed
 *
 * GIF is set first: with EFER.SVME clear STGI would fault, and a CPU left with GIF 0 takes no INIT,
 * which a crash kernel needs. Context: on the CPU, interrupts may be off.
 */
void svm_cpu_disable(void)
{
	struct svm_cpu *c = this_cpu_ptr(&svm_cpus);
	u64 efer;

	if (!c->enabled)
		return;
	c->enabled = false;
	rdmsrl(MSR_EFER, efer);
	if (!(efer & EFER_SVME))
		return;
	if (svm_has_tsc_scaling) {
		c->tsc_ratio = SVM_TSC_RATIO_ONE;
		wrmsrl(MSR_AMD64_TSC_RATIO, c->tsc_ratio);
	}
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	asm volatile("stgi" ::: "memory");
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}

/**
 * svm_asid_new() - give the vCPU an address-space id nothing is cached under
 * @v: loaded on this CPU
 * @c: this CPU
 *
 * When all were used the whole TLB is flushed with the next entry and a generation starts, so an id is
 * never shared between two vCPUs that both could have entries (APM2 "TLB Control").
 */
void svm_asid_new(struct vtr_vcpu *v, struct svm_cpu *c)
{
	struct vtr_backend_vcpu *hw = v->hw;

	if (c->next_asid > svm_max_asid) {
		c->asid_generation++;
		c->next_asid = 1;
		hw->vmcb->tlb_control = VMCB_TLB_FLUSH_ALL;
		hw->rare |= SVM_RARE_FLUSH;
	}
	hw->vmcb->asid = c->next_asid++;
	hw->asid_generation = c->asid_generation;
	hw->rare &= ~SVM_RARE_ASID;
	svm_touch(v, VMCB_CLEAN_ASID);
}
