// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu.c - the vCPU object: creation, reset, requests and kicks, sleep and wake-up, destruction.
 *
 * Its ioctls are in vcpu_ioctl.c, what it does inside KVM_RUN in run.c.
 */
#include <linux/cpumask.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include "backend.h"
#include "fpu.h"
#include "vcpu.h"

/**
 * vtr_vcpu_by_id() - the vCPU with this caller's id
 * @vm: the VM
 * @id: APIC id
 *
 * Return: the vCPU or NULL. Context: any; the vCPU lives as long as the VM.
 */
struct vtr_vcpu *vtr_vcpu_by_id(struct vtr_vm *vm, u32 id)
{
	struct vtr_vcpu *v;
	u32 i;

	/* Most callers number their vCPUs from zero without gaps. */
	if (id < smp_load_acquire(&vm->nr_vcpus) && vm->vcpus[id]->id == id)
		return vm->vcpus[id];
	vtr_for_each_vcpu(i, v, vm)
		if (v->id == id)
			return v;
	return NULL;
}

/**
 * vtr_vcpu_kick() - make a vCPU look at its requests soon
 * @v: the vCPU
 *
 * The caller has set a bit in v->requests with a full barrier after it (set_bit and this function's
 * barrier). The vCPU sets its mode, has a full barrier, and looks at the requests: one of the two
 * sees the other (docs/locking.md). Context: any.
 */
void vtr_vcpu_kick(struct vtr_vcpu *v)
{
	int mode, cpu;

	smp_mb__after_atomic();	/* request before mode: pairs with vtr_enter_once(), vtr_block() */
	mode = READ_ONCE(v->mode);
	if (mode == VTR_BLOCKED) {
		rcuwait_wake_up(&v->wait);
	} else if (mode == VTR_IN_GUEST) {
		cpu = READ_ONCE(v->cpu);
		/* On this CPU the guest is not running: we are. */
		if (cpu != raw_smp_processor_id())
			vtr_cpu_kick(cpu);
	}
}

/**
 * vtr_vcpu_request() - set a request and kick
 * @v: the vCPU
 * @req: what it shall do
 *
 * A vCPU that asks itself, or that has the bit set already, is not kicked. Context: any.
 */
void vtr_vcpu_request(struct vtr_vcpu *v, enum vtr_request req)
{
	if (test_and_set_bit(req, &v->requests) && READ_ONCE(v->mode) != VTR_BLOCKED)
		return;
	if (READ_ONCE(v->task) == current && in_task())
		return;
	vtr_vcpu_kick(v);
}

/**
 * vtr_vcpu_notify() - interrupts were posted, and vtr_lapic_tell() says that nobody was told
 * @v: the vCPU; its CPU delivers interrupts by itself
 *
 * A CPU that takes posted interrupts does so now, without an exit; another exits. Whether it did
 * shows at the next exit: hence the request, by which the vCPU looks again before the entry after
 * that. Context: any.
 */
void vtr_vcpu_notify(struct vtr_vcpu *v)
{
	int cpu;

	set_bit(VTR_REQ_POSTED, &v->requests);
	smp_mb__after_atomic();	/* request before mode: pairs with vtr_enter_once() */
	if (READ_ONCE(v->mode) != VTR_IN_GUEST) {
		vtr_vcpu_kick(v);
		return;
	}
	cpu = READ_ONCE(v->cpu);
	if (cpu != raw_smp_processor_id())
		vtr_cpu_notify(cpu);
}

static void vtr_ipi_nop(void *unused)
{
}

static void vtr_vm_flush_wait(struct vtr_vm *vm)
{
	struct vtr_vcpu *v;
	cpumask_var_t mask;
	bool have = zalloc_cpumask_var(&mask, GFP_ATOMIC);
	int self = get_cpu();
	u32 i;

	/* An IPI that was handled on a CPU proves that the guest there has exited since. */
	vtr_for_each_vcpu(i, v, vm) {
		int cpu = READ_ONCE(v->cpu);

		if (READ_ONCE(v->mode) != VTR_IN_GUEST || cpu == self || cpu < 0)
			continue;
		if (have)
			cpumask_set_cpu(cpu, mask);
		else
			smp_call_function_single(cpu, vtr_ipi_nop, NULL, true);
	}
	if (have) {
		if (!cpumask_empty(mask))
			smp_call_function_many(mask, vtr_ipi_nop, NULL, true);
		free_cpumask_var(mask);
	}
	put_cpu();
}

/**
 * vtr_vm_request() - ask every vCPU of a VM
 * @vm: the VM
 * @req: what they shall do
 * @wait: return only when none executes guest code that it entered before the request
 *
 * Context: interrupts on if @wait, else any.
 */
void vtr_vm_request(struct vtr_vm *vm, enum vtr_request req, bool wait)
{
	struct vtr_vcpu *v;
	u32 i;

	vtr_for_each_vcpu(i, v, vm) {
		if (wait)
			vtr_request_set(v, req);
		else
			vtr_vcpu_request(v, req);
	}
	if (wait) {
		smp_mb();	/* pairs with the one between mode and requests in run.c */
		vtr_vm_flush_wait(vm);
	}
}

/**
 * vtr_vm_flush_tlbs() - no CPU uses a guest translation of this VM that was cached before
 * @vm: the VM
 *
 * Context: interrupts on; spinlocks may be held; not from an interrupt.
 */
void vtr_vm_flush_tlbs(struct vtr_vm *vm)
{
	vtr_vm_request(vm, VTR_REQ_TLB_FLUSH, true);
}

/**
 * vtr_vcpu_reset() - power-up or INIT state of everything the vCPU has
 * @v: by its own thread, or before it is visible; not loaded
 * @init: INIT: the FPU, most MSRs and the clock keep their state
 *
 * Source: SDM 3A "Processor State After Reset", APM2 "Processor Initialization State".
 */
void vtr_vcpu_reset(struct vtr_vcpu *v, bool init)
{
	memset(v->regs, 0, sizeof(v->regs));
	v->regs[2] = 0x600;	/* RDX: a family 6 CPU, as KVM's clients expect */
	v->rip = 0xfff0;
	v->rflags = 2;
	memset(v->dr, 0, sizeof(v->dr));
	v->dr6 = VTR_DR6_ONES;
	v->dr7 = 0x400;
	memset(&v->exc, 0, sizeof(v->exc));
	v->irq_injected = -1;
	v->fetch_cache.page = VTR_WALK_NO_PAGE;
	v->user_irq = -1;
	v->nmi_injected = false;
	v->nmi_pending = 0;
	v->nmi_masked = false;
	atomic_set(&v->nmi_queued, 0);
	v->completion = VTR_COMPLETE_NONE;
	vtr_hw(vcpu_reset)(v, init);
	if (!init)
		vtr_fpu_reset(v);
	if (v->apic)
		vtr_apic_reset(v, init);
	vtr_request_set(v, VTR_REQ_EVENT);
}

/**
 * vtr_vcpu_start_at() - begin at a start-up IPI's vector
 * @v: by its own thread, reset by INIT
 * @sipi_vector: CS:IP becomes vector << 8 : 0
 */
void vtr_vcpu_start_at(struct vtr_vcpu *v, u8 sipi_vector)
{
	struct kvm_segment cs;

	vtr_hw(get_segment)(v, VTR_SEG_CS, &cs);
	cs.selector = (u16)sipi_vector << 8;
	cs.base = (u64)sipi_vector << 12;
	vtr_hw(set_segment)(v, VTR_SEG_CS, &cs);
	v->rip = 0;
}

/**
 * vtr_vcpu_create() - allocate a vCPU that is in no VM's list yet
 * @vm: its VM, vm->lock held
 * @id: APIC id, 0..VTR_MAX_VCPUS-1
 *
 * Return: the vCPU; -EINVAL for the id, -EEXIST if it is taken, -ENOMEM.
 */
struct vtr_vcpu *vtr_vcpu_create(struct vtr_vm *vm, u32 id)
{
	struct vtr_vcpu *v;
	struct page *page;
	int err;

	lockdep_assert_held(&vm->lock);
	if (id >= VTR_MAX_VCPUS || vm->nr_vcpus >= VTR_MAX_VCPUS)
		return ERR_PTR(-EINVAL);
	if (vtr_vcpu_by_id(vm, id))
		return ERR_PTR(-EEXIST);
	v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);
	if (!v)
		return ERR_PTR(-ENOMEM);
	v->vm = vm;
	v->id = id;
	v->idx = vm->nr_vcpus;
	v->cpu = -1;
	v->unreported = true;
	v->exit.kind = VTR_EXIT_NR;
	v->stats.returned = vtr_stats_clock();
	mutex_init(&v->mutex);
	rcuwait_init(&v->wait);

	err = -ENOMEM;
	page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_COMP, 1);
	if (!page)
		goto free_vcpu;
	v->run = page_address(page);
	v->pio_data = (void *)v->run + PAGE_SIZE;
	v->fpu = vtr_fpu_create();
	if (!v->fpu)
		goto free_run;
	err = vtr_emul_create(v);
	if (err)
		goto free_fpu;
	err = vtr_hw(vcpu_create)(v);
	if (err)
		goto free_emul;
	if (vtr_vm_has_apics(vm)) {
		err = vtr_apic_create(v);
		if (err)
			goto free_hw;
	}
	vtr_msrs_init(v);
	vtr_cpuid_init(v);
	vtr_clock_vcpu_init(v);
	v->mp_state = v->apic && id ? KVM_MP_STATE_UNINITIALIZED : KVM_MP_STATE_RUNNABLE;
	vtr_vcpu_reset(v, false);
	return v;

free_hw:
	vtr_hw(vcpu_destroy)(v);
free_emul:
	vtr_emul_destroy(v);
free_fpu:
	vtr_fpu_destroy(v->fpu);
free_run:
	free_pages((unsigned long)v->run, 1);
free_vcpu:
	kfree(v);
	return ERR_PTR(err);
}

/**
 * vtr_vcpu_add() - put a vCPU into its VM, which destroys it at its own end
 * @v: from vtr_vcpu_create(), vm->lock held ever since
 */
void vtr_vcpu_add(struct vtr_vcpu *v)
{
	struct vtr_vm *vm = v->vm;

	lockdep_assert_held(&vm->lock);
	vm->vcpus[v->idx] = v;
	/* Whoever counts it finds it: pairs with vtr_for_each_vcpu(). */
	smp_store_release(&vm->nr_vcpus, vm->nr_vcpus + 1);
	smp_mb();	/* listed before looking: pairs with vtr_vm_pause() */
	if (READ_ONCE(vm->paused))
		vtr_request_set(v, VTR_REQ_PAUSE);
}

/**
 * vtr_vcpu_destroy() - free a vCPU; nobody can reach it any more
 * @v: the vCPU, of a VM that is being destroyed or of none
 */
void vtr_vcpu_destroy(struct vtr_vcpu *v)
{
	vtr_tdp_vcpu_fini(v);
	if (v->apic)
		vtr_apic_destroy(v);
	vtr_cpuid_fini(v);
	vtr_msrs_fini(v);
	vtr_hw(vcpu_destroy)(v);
	vtr_emul_destroy(v);
	vtr_fpu_destroy(v->fpu);
	free_pages((unsigned long)v->run, 1);
	kfree(v);
}
