// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink_put.c - the host, a VM, a vCPU, one kind of its exits: written into a message.
 *
 * vtr_vms_lock is held, so VMs and vCPUs stay; their counters go on changing.
 */
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <asm/tsc.h>
#include "backend.h"
#include "netlink.h"
#include "vcpu.h"

/* Names and numbers of the kinds of exits. */
static int vtr_nl_put_kinds(struct sk_buff *skb)
{
	struct nlattr *nest;
	u32 i;

	for (i = 0; i < VTR_EXIT_NR; i++) {
		nest = nla_nest_start(skb, VITRINE_A_HOST_EXIT_KIND);
		if (!nest || nla_put_u32(skb, VITRINE_A_KIND_ID, i) ||
		    nla_put_string(skb, VITRINE_A_KIND_NAME, vtr_exit_name(i)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

/**
 * vtr_nl_put_host() - the set `host`
 * @skb: message
 * @o: o->who is set
 *
 * Return: 0 or -EMSGSIZE.
 */
int vtr_nl_put_host(struct sk_buff *skb, const struct vtr_nl_object *o)
{
	u32 vms = 0, vcpus = 0, id = 0;
	struct vtr_vm *vm;

	while ((vm = vtr_registry_next(id))) {
		if (vtr_viewer_sees(o->who, vm->ident.uid, vm->ident.net)) {
			vms++;
			vcpus += READ_ONCE(vm->nr_vcpus);
		}
		id = vm->vm_id + 1;
	}
	if (nla_put_string(skb, VITRINE_A_HOST_VERSION, THIS_MODULE->version) ||
	    nla_put_string(skb, VITRINE_A_HOST_BACKEND, vtr_backend->name) ||
	    nla_put_u32(skb, VITRINE_A_HOST_TSC_KHZ, tsc_khz) ||
	    nla_put_u32(skb, VITRINE_A_HOST_CPUS, num_online_cpus()) ||
	    nla_put_u32(skb, VITRINE_A_HOST_VMS, vms) ||
	    nla_put_u32(skb, VITRINE_A_HOST_VCPUS, vcpus) ||
	    vtr_nl_u64(skb, VITRINE_A_HOST_LAST_EVENT, vtr_event_last(), VITRINE_A_HOST_PAD))
		return -EMSGSIZE;
	return vtr_nl_put_kinds(skb);
}

/* What a vCPU's exits add up to. */
struct vtr_sums {
	u64 exits, guest, host, halt, user;
};

static void vtr_nl_sum(const struct vtr_vcpu *v, struct vtr_sums *sum)
{
	const struct vtr_vcpu_stats *s = &v->stats;
	u32 i;

	for (i = 0; i < VTR_EXIT_NR; i++) {
		sum->exits += READ_ONCE(s->exit[i].count);
		sum->host += READ_ONCE(s->exit[i].cycles);
	}
	sum->guest += READ_ONCE(s->guest_cycles);
	sum->halt += READ_ONCE(s->halt_cycles);
	sum->user += READ_ONCE(s->user_cycles);
}

static int vtr_nl_put_ident(struct sk_buff *skb, const struct vtr_nl_object *o)
{
	const struct vtr_ident *id = &o->vm->ident;

	if ((id->name[0] && nla_put_string(skb, VITRINE_A_VM_NAME, id->name)) ||
	    nla_put_string(skb, VITRINE_A_VM_COMM, id->comm) ||
	    vtr_nl_owner(skb, o->reader, VITRINE_A_VM_UID, id->uid, VITRINE_A_VM_PID, id->pid) ||
	    (id->parent && nla_put_u32(skb, VITRINE_A_VM_PARENT, id->parent)) ||
	    vtr_nl_u64(skb, VITRINE_A_VM_CREATED, id->created, VITRINE_A_VM_PAD))
		return -EMSGSIZE;
	return 0;
}

/**
 * vtr_nl_put_vm() - the set `vm`
 * @skb: message
 * @o: o->vm
 *
 * Return: 0 or -EMSGSIZE.
 */
int vtr_nl_put_vm(struct sk_buff *skb, const struct vtr_nl_object *o)
{
	struct vtr_vm *vm = o->vm;
	struct vtr_sums sum = {};
	struct vtr_vcpu *v;
	u32 i;

	vtr_for_each_vcpu(i, v, vm)
		vtr_nl_sum(v, &sum);
	if (nla_put_u32(skb, VITRINE_A_VM_ID, vm->vm_id) || vtr_nl_put_ident(skb, o) ||
	    nla_put_u32(skb, VITRINE_A_VM_STATE, vtr_vm_state(vm)) ||
	    nla_put_u32(skb, VITRINE_A_VM_VCPUS, i) ||
	    vtr_nl_u64(skb, VITRINE_A_VM_MEMORY, (u64)atomic64_read(&vm->slot_pages) << PAGE_SHIFT,
		       VITRINE_A_VM_PAD) ||
	    vtr_nl_u64(skb, VITRINE_A_VM_PAGE_TABLES,
		       (u64)atomic64_read(&vm->mmu.pt_pages) << PAGE_SHIFT, VITRINE_A_VM_PAD) ||
	    vtr_nl_u64(skb, VITRINE_A_VM_EXITS, sum.exits, VITRINE_A_VM_PAD) ||
	    vtr_nl_u64(skb, VITRINE_A_VM_GUEST_CYCLES, sum.guest, VITRINE_A_VM_PAD) ||
	    vtr_nl_u64(skb, VITRINE_A_VM_HOST_CYCLES, sum.host, VITRINE_A_VM_PAD) ||
	    vtr_nl_u64(skb, VITRINE_A_VM_HALT_CYCLES, sum.halt, VITRINE_A_VM_PAD) ||
	    vtr_nl_u64(skb, VITRINE_A_VM_USER_CYCLES, sum.user, VITRINE_A_VM_PAD) ||
	    (vm->trace && nla_put_flag(skb, VITRINE_A_VM_TRACED)))
		return -EMSGSIZE;
	return 0;
}

static u32 vtr_nl_vcpu_state(const struct vtr_vcpu *v)
{
	if (!READ_ONCE(v->task))
		return VITRINE_VCPU_USER;
	switch (READ_ONCE(v->mode)) {
	case VTR_IN_GUEST:
		return VITRINE_VCPU_GUEST;
	case VTR_BLOCKED:
		return READ_ONCE(v->vm->paused) ? VITRINE_VCPU_PAUSED : VITRINE_VCPU_HALTED;
	default:
		return VITRINE_VCPU_HOST;
	}
}

/* The thread inside KVM_RUN as the reader numbers it, 0: none. */
static pid_t vtr_nl_tid(const struct vtr_vcpu *v)
{
	struct task_struct *task;
	pid_t tid = 0;

	/* It leaves KVM_RUN before it ends, and its structure outlives that by a grace period. */
	rcu_read_lock();
	task = READ_ONCE(v->task);
	if (task)
		tid = task_pid_vnr(task);
	rcu_read_unlock();
	return tid;
}

/* Attributes that are a counter of struct vtr_vcpu_stats. */
static const struct {
	int attr;
	size_t offset;
} vtr_vcpu_counters[] = {
#define COUNTER(name, field) { VITRINE_A_VCPU_##name, offsetof(struct vtr_vcpu_stats, field) }
	COUNTER(HALT_CYCLES, halt_cycles),
	COUNTER(USER_CYCLES, user_cycles),
	COUNTER(PAUSE_CYCLES, pause_cycles),
	COUNTER(STEAL_NS, steal_ns),
	COUNTER(HALTS, halts),
	COUNTER(USER_EXITS, user_exits),
	COUNTER(IRQS, injected_irqs),
	COUNTER(NMIS, injected_nmis),
	COUNTER(EXCEPTIONS, injected_exceptions),
	COUNTER(FAULTS_READ, faults[0]),
	COUNTER(FAULTS_WRITE, faults[1]),
	COUNTER(FAULTS_FETCH, faults[2]),
	COUNTER(MAPPED_4K, mapped[0]),
	COUNTER(MAPPED_2M, mapped[1]),
	COUNTER(MAPPED_1G, mapped[2]),
	COUNTER(MMIO, mmio),
	COUNTER(DIRTY_PAGES, dirty_pages),
	COUNTER(TLB_FLUSHES, tlb_flushes),
#undef COUNTER
};

/**
 * vtr_nl_put_vcpu() - the set `vcpu`
 * @skb: message
 * @o: o->v
 *
 * Return: 0 or -EMSGSIZE.
 */
int vtr_nl_put_vcpu(struct sk_buff *skb, const struct vtr_nl_object *o)
{
	const struct vtr_vcpu *v = o->v;
	int cpu = READ_ONCE(v->cpu);
	pid_t tid = vtr_nl_tid(v);
	struct vtr_sums sum = {};
	u32 i;

	vtr_nl_sum(v, &sum);
	if (nla_put_u32(skb, VITRINE_A_VCPU_VM_ID, v->vm->vm_id) ||
	    nla_put_u32(skb, VITRINE_A_VCPU_ID, v->id) ||
	    nla_put_u32(skb, VITRINE_A_VCPU_STATE, vtr_nl_vcpu_state(v)) ||
	    (cpu >= 0 && nla_put_u32(skb, VITRINE_A_VCPU_CPU, cpu)) ||
	    (tid && nla_put_u32(skb, VITRINE_A_VCPU_TID, tid)) ||
	    vtr_nl_u64(skb, VITRINE_A_VCPU_EXITS, sum.exits, VITRINE_A_VCPU_PAD) ||
	    vtr_nl_u64(skb, VITRINE_A_VCPU_GUEST_CYCLES, sum.guest, VITRINE_A_VCPU_PAD) ||
	    vtr_nl_u64(skb, VITRINE_A_VCPU_HOST_CYCLES, sum.host, VITRINE_A_VCPU_PAD))
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(vtr_vcpu_counters); i++) {
		const u64 *val = (const void *)&v->stats + vtr_vcpu_counters[i].offset;

		if (vtr_nl_u64(skb, vtr_vcpu_counters[i].attr, READ_ONCE(*val), VITRINE_A_VCPU_PAD))
			return -EMSGSIZE;
	}
	return 0;
}

/**
 * vtr_nl_put_exit() - the set `exit`
 * @skb: message
 * @o: o->v, o->kind
 *
 * Return: 0 or -EMSGSIZE.
 */
int vtr_nl_put_exit(struct sk_buff *skb, const struct vtr_nl_object *o)
{
	const struct vtr_exit_stats *e = &o->v->stats.exit[o->kind];
	u32 i, first = VTR_HIST_BUCKETS, end = 0;
	u64 hist[VTR_HIST_BUCKETS];

	for (i = 0; i < VTR_HIST_BUCKETS; i++) {
		hist[i] = READ_ONCE(e->hist[i]);
		if (hist[i]) {
			first = min(first, i);
			end = i + 1;
		}
	}
	if (nla_put_u32(skb, VITRINE_A_EXIT_VM_ID, o->vm->vm_id) ||
	    nla_put_u32(skb, VITRINE_A_EXIT_VCPU_ID, o->v->id) ||
	    nla_put_u32(skb, VITRINE_A_EXIT_KIND, o->kind) ||
	    nla_put_string(skb, VITRINE_A_EXIT_NAME, vtr_exit_name(o->kind)) ||
	    vtr_nl_u64(skb, VITRINE_A_EXIT_COUNT, READ_ONCE(e->count), VITRINE_A_EXIT_PAD) ||
	    vtr_nl_u64(skb, VITRINE_A_EXIT_CYCLES, READ_ONCE(e->cycles), VITRINE_A_EXIT_PAD))
		return -EMSGSIZE;
	if (first >= end)
		return 0;
	if (nla_put_u32(skb, VITRINE_A_EXIT_HIST_FIRST, first) ||
	    nla_put(skb, VITRINE_A_EXIT_HIST, (end - first) * sizeof(u64), &hist[first]))
		return -EMSGSIZE;
	return 0;
}
