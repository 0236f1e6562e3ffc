// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - the state of the VM's CPUs, interrupt controllers, timer and clock, through the KVM ABI: parts of the
 * machine like its devices. Source: KVM api.rst, the sections of the ioctls.
 *
 * The structures of the ABI are saved as the kernel gives them: their layout is part of that ABI. Loading takes an order: what
 * depends on a register comes after it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "compiler.h"
#include "cpu_features.h"
#include "part.h"
#include "state.h"
#include "vmm.h"

#define XSAVE_MAX	16384	/* bytes; AMX needs 11 KiB of them */
#define XSAVE_OLD	4096	/* what KVM_GET_XSAVE gives */
#define MSRS_MAX	512
#define CPUID_MAX	256	/* entries */

#define MSR_TSC			0x10
#define MSR_TSC_DEADLINE	0x6e0

#define NS_PER_S	1000000000ULL

struct vcpu_state {
	uint8_t regs[sizeof(struct kvm_regs)];
	uint8_t sregs[sizeof(struct kvm_sregs)];
	uint8_t xsave[XSAVE_MAX];
	uint8_t xcrs[sizeof(struct kvm_xcrs)];
	uint8_t lapic[sizeof(struct kvm_lapic_state)];
	uint8_t events[sizeof(struct kvm_vcpu_events)];
	uint8_t debugregs[sizeof(struct kvm_debugregs)];
	uint32_t mp_state, nmsrs;
	uint64_t tsc;			/* at the moment vm_state.host_tsc */
	uint32_t msr_index[MSRS_MAX];
	uint64_t msr_data[MSRS_MAX];
};

struct vm_state {
	uint8_t chip[3][sizeof(struct kvm_irqchip)];
	uint8_t pit[sizeof(struct kvm_pit_state2)];
	uint64_t clock;			/* kvmclock, ns */
	uint64_t realtime;		/* of the host, ns since 1970 */
	uint64_t host_tsc, tsc_khz;
	uint32_t ncpuid;
	uint8_t cpuid[CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
};

struct vmm_vm_state {
	struct vmm *m;
	struct vmm_part part;
	struct vm_state s;
	uint64_t elapsed;		/* ns between saving and loading that the guest shall see */
	uint64_t now_tsc;		/* the host's when it was loaded */
	uint32_t nmsrs;
	uint32_t msr_index[MSRS_MAX];	/* those to save */
};

struct vmm_vcpu_state {
	struct vmm_vcpu *v;
	struct vmm_part part;
	char name[16];
	struct vcpu_state s;
};

static uint64_t realtime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int fail(const char *object)
{
	vmm_error(object, strerror(errno), "use the kernel and the hypervisor that the state was saved with");
	return -1;
}

/* ---- the VM ---- */

static void save_vm(void *opaque)
{
	struct vmm_vm_state *vs = opaque;
	struct vmm *m = vs->m;
	struct kvm_clock_data clock = { 0 };
	uint32_t i;

	for (i = 0; i < 3; i++) {
		struct kvm_irqchip c = { .chip_id = i };

		if (ioctl(m->vm, KVM_GET_IRQCHIP, &c))
			vmm_crash(m, "interrupt controllers", strerror(errno), "see the kernel's log");
		memcpy(vs->s.chip[i], &c, sizeof(c));
	}
	if (ioctl(m->vm, KVM_GET_PIT2, vs->s.pit) || ioctl(m->vm, KVM_GET_CLOCK, &clock))
		vmm_crash(m, "clock", strerror(errno), "see the kernel's log");
	vs->s.clock = clock.clock;
	vs->s.realtime = clock.flags & KVM_CLOCK_REALTIME ? clock.realtime : realtime();
	vs->s.host_tsc = clock.flags & KVM_CLOCK_HOST_TSC ? clock.host_tsc : vmm_tsc();
	vs->s.tsc_khz = ioctl(m->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	vs->s.ncpuid = m->cpuid->nent < CPUID_MAX ? m->cpuid->nent : CPUID_MAX;
	memcpy(vs->s.cpuid, m->cpuid->entries, vs->s.ncpuid * sizeof(m->cpuid->entries[0]));
}

/**
 * vmm_state_cpuid() - the CPUs shall be those that the saved guest knows
 * @m: the machine, its state is filled, it has no CPU yet
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_state_cpuid(struct vmm *m)
{
	const struct vm_state *s = &m->vm_state->s;
	struct kvm_cpuid2 *c;
	char what[120];

	if (!s->ncpuid || s->ncpuid > CPUID_MAX) {
		vmm_error("vm: cpuid", "is damaged", "take another snapshot");
		return -1;
	}
	c = calloc(1, sizeof(*c) + sizeof(s->cpuid));
	if (!c)
		return fail("CPUs");
	c->nent = s->ncpuid;
	memcpy(c->entries, s->cpuid, s->ncpuid * sizeof(c->entries[0]));
	if (features_missing(c, m->cpuid, what, sizeof(what))) {
		vmm_error("the guest's CPU", what, "restore it on a host like the one it comes from");
		free(c);
		return -1;
	}
	free(m->cpuid);
	m->cpuid = c;
	return 0;
}

static int load_vm(void *opaque)
{
	struct vmm_vm_state *vs = opaque;
	uint64_t now = realtime();
	uint32_t i;

	for (i = 0; i < 3; i++) {
		struct kvm_irqchip c;

		memcpy(&c, vs->s.chip[i], sizeof(c));
		c.chip_id = i;
		if (ioctl(vs->m->vm, KVM_SET_IRQCHIP, &c))
			return fail("interrupt controllers");
	}
	if (ioctl(vs->m->vm, KVM_SET_PIT2, vs->s.pit))
		return fail("timer");
	vs->elapsed = vs->m->clock == VMM_CLOCK_REALTIME && now > vs->s.realtime ? now - vs->s.realtime : 0;
	vs->now_tsc = vmm_tsc();
	return 0;
}

/*
 * The clock is set after the CPUs' counters: it is computed from them. Time that passed while all of this was done is the
 * guest's, too, when it shall see real time.
 */
static int load_clock(struct vmm *m)
{
	struct kvm_clock_data clock = { .clock = m->vm_state->s.clock + m->vm_state->elapsed };

	return ioctl(m->vm, KVM_SET_CLOCK, &clock) ? fail("clock") : 0;
}

/* ---- a CPU ---- */

static int get_xsave(struct vmm_vcpu *v, uint8_t *to)
{
	int size = ioctl(v->vmm->vm, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
	bool large = size > XSAVE_OLD;

	if (size > XSAVE_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	return ioctl(v->fd, large ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, to);
}

static int tsc_offset(struct vmm_vcpu *v, unsigned int request, uint64_t *offset)
{
	struct kvm_device_attr a = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)offset,
	};

	return ioctl(v->fd, request, &a);
}

static int get_msrs(struct vmm_vcpu *v, struct vcpu_state *s)
{
	const struct vmm_vm_state *vs = v->vmm->vm_state;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[MSRS_MAX];
	} msrs;
	unsigned int i, at = 0;
	int n;

	s->nmsrs = 0;
	/* The kernel stops at the first it does not give; those a guest of this CPU lacks are left out. */
	while (at < vs->nmsrs) {
		memset(&msrs.head, 0, sizeof(msrs.head));
		for (i = at; i < vs->nmsrs; i++)
			msrs.e[msrs.head.nmsrs++] = (struct kvm_msr_entry){ .index = vs->msr_index[i] };
		n = ioctl(v->fd, KVM_GET_MSRS, &msrs);
		if (n < 0)
			return -1;
		for (i = 0; i < (unsigned int)n; i++) {
			s->msr_index[s->nmsrs] = msrs.e[i].index;
			s->msr_data[s->nmsrs++] = msrs.e[i].data;
		}
		at += n + 1;
	}
	return 0;
}

static void save_vcpu(void *opaque)
{
	struct vmm_vcpu_state *vs = opaque;
	struct vmm_vcpu *v = vs->v;
	struct vcpu_state *s = &vs->s;
	struct kvm_mp_state mp = { 0 };
	uint64_t offset = 0;

	if (ioctl(v->fd, KVM_GET_MP_STATE, &mp) || ioctl(v->fd, KVM_GET_REGS, s->regs) ||
	    ioctl(v->fd, KVM_GET_SREGS, s->sregs) || get_xsave(v, s->xsave) ||
	    ioctl(v->fd, KVM_GET_XCRS, s->xcrs) || ioctl(v->fd, KVM_GET_LAPIC, s->lapic) ||
	    ioctl(v->fd, KVM_GET_VCPU_EVENTS, s->events) ||
	    ioctl(v->fd, KVM_GET_DEBUGREGS, s->debugregs) || get_msrs(v, s) ||
	    tsc_offset(v, KVM_GET_DEVICE_ATTR, &offset))
		vmm_crash(v->vmm, vs->name, strerror(errno), "see the kernel's log");
	s->mp_state = mp.mp_state;
	s->tsc = v->vmm->vm_state->s.host_tsc + offset;
}

static int set_msr(struct vmm_vcpu *v, uint32_t index, uint64_t data)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[1];
	} msr = { .head.nmsrs = 1, .e = { { .index = index, .data = data } } };

	return ioctl(v->fd, KVM_SET_MSRS, &msr) == 1 ? 0 : -1;
}

/* All but the counter, which has its offset, and the deadline, which the local APIC has to be there for. */
static int set_msrs(struct vmm_vcpu *v, const struct vcpu_state *s)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[MSRS_MAX];
	} msrs = { .head.nmsrs = 0 };
	uint32_t i, n = 0;
	int done;

	for (i = 0; i < s->nmsrs; i++)
		if (s->msr_index[i] != MSR_TSC && s->msr_index[i] != MSR_TSC_DEADLINE)
			msrs.e[n++] = (struct kvm_msr_entry){ .index = s->msr_index[i],
							      .data = s->msr_data[i] };
	msrs.head.nmsrs = n;
	done = ioctl(v->fd, KVM_SET_MSRS, &msrs);
	if (done == (int)n)
		return 0;
	errno = EINVAL;
	return -1;
}

static int set_deadline(struct vmm_vcpu *v, const struct vcpu_state *s)
{
	uint32_t i;

	for (i = 0; i < s->nmsrs; i++)
		if (s->msr_index[i] == MSR_TSC_DEADLINE && s->msr_data[i])
			return set_msr(v, MSR_TSC_DEADLINE, s->msr_data[i]);
	return 0;
}

/*
 * The guest takes its counter's rate for constant. What is less than 250 ppm off is how hosts measure the rate
 * (KVM tolerates as much).
 */
static int set_tsc_rate(const struct vmm_vcpu *v, uint64_t khz)
{
	const struct vmm *m = v->vmm;
	long here = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	char what[120];

	if (!khz || here <= 0 || labs(here - (long)khz) <= (long)khz / 4000)
		return 0;
	if (ioctl(m->vm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) > 0)
		return ioctl(v->fd, KVM_SET_TSC_KHZ, khz);
	if (v->id)
		return 0;
	snprintf(what, sizeof(what), "its TSC ran at %llu kHz, and runs at %ld kHz on this CPU, which cannot scale it",
		 (unsigned long long)khz, here);
	vmm_error("the guest's clock", what, "have the guest use the clock source kvm-clock, or restart it");
	return 0;
}

/* Counters stay as far apart as they were. */
static int set_tsc(struct vmm_vcpu *v, const struct vcpu_state *s)
{
	const struct vmm_vm_state *vs = v->vmm->vm_state;
	uint64_t gone = vs->elapsed / NS_PER_S * vs->s.tsc_khz * 1000 +
			vs->elapsed % NS_PER_S * vs->s.tsc_khz / 1000000;
	uint64_t offset = s->tsc + gone - vs->now_tsc;

	return tsc_offset(v, KVM_SET_DEVICE_ATTR, &offset);
}

static int load_vcpu(void *opaque)
{
	struct vmm_vcpu_state *vs = opaque;
	const struct vcpu_state *s = &vs->s;
	struct kvm_mp_state mp = { .mp_state = s->mp_state };
	struct vmm_vcpu *v = vs->v;

	if (s->nmsrs > MSRS_MAX) {
		errno = EINVAL;
		return fail(vs->name);
	}
	if (ioctl(v->fd, KVM_SET_SREGS, s->sregs) || ioctl(v->fd, KVM_SET_XSAVE, s->xsave) ||
	    ioctl(v->fd, KVM_SET_XCRS, s->xcrs) || set_tsc_rate(v, v->vmm->vm_state->s.tsc_khz) || set_tsc(v, s) || set_msrs(v, s) ||
	    ioctl(v->fd, KVM_SET_LAPIC, s->lapic) || set_deadline(v, s) ||
	    ioctl(v->fd, KVM_SET_VCPU_EVENTS, s->events) || ioctl(v->fd, KVM_SET_MP_STATE, &mp) ||
	    ioctl(v->fd, KVM_SET_DEBUGREGS, s->debugregs) || ioctl(v->fd, KVM_SET_REGS, s->regs))
		return fail(vs->name);
	return v->id == v->vmm->config->cpus - 1 ? load_clock(v->vmm) : 0;
}

/* ---- in a fork's child: everything of the hypervisor anew ---- */

static int forked_vm(void *opaque)
{
	struct vmm_vm_state *vs = opaque;

	return vmm_hypervisor_create(vs->m) ? -1 : load_vm(vs);
}

static int forked_vcpu(void *opaque)
{
	struct vmm_vcpu_state *vs = opaque;

	return vmm_vcpu_create(vs->v->vmm, vs->v->id) ? -1 : load_vcpu(vs);
}

/* ---- ---- */

static const struct vmm_field vm_fields[] = {
	{ "chips", offsetof(struct vm_state, chip), 1, sizeof(((struct vm_state *)0)->chip) },
	VMM_FIELD_ARRAY(struct vm_state, pit),
	VMM_FIELD(struct vm_state, clock),
	VMM_FIELD(struct vm_state, realtime),
	VMM_FIELD(struct vm_state, host_tsc),
	VMM_FIELD(struct vm_state, tsc_khz),
	VMM_FIELD(struct vm_state, ncpuid),
	VMM_FIELD_ARRAY(struct vm_state, cpuid),
};

static const struct vmm_field vcpu_fields[] = {
	VMM_FIELD_ARRAY(struct vcpu_state, regs),
	VMM_FIELD_ARRAY(struct vcpu_state, sregs),
	VMM_FIELD_ARRAY(struct vcpu_state, xsave),
	VMM_FIELD_ARRAY(struct vcpu_state, xcrs),
	VMM_FIELD_ARRAY(struct vcpu_state, lapic),
	VMM_FIELD_ARRAY(struct vcpu_state, events),
	VMM_FIELD_ARRAY(struct vcpu_state, debugregs),
	VMM_FIELD(struct vcpu_state, mp_state),
	VMM_FIELD(struct vcpu_state, nmsrs),
	VMM_FIELD(struct vcpu_state, tsc),
	VMM_FIELD_ARRAY(struct vcpu_state, msr_index),
	VMM_FIELD_ARRAY(struct vcpu_state, msr_data),
};

static int list_msrs(struct vmm_vm_state *vs)
{
	struct {
		struct kvm_msr_list head;
		uint32_t index[MSRS_MAX];
	} list = { .head.nmsrs = MSRS_MAX };

	if (ioctl(vs->m->dev, KVM_GET_MSR_INDEX_LIST, &list))
		return -1;
	vs->nmsrs = list.head.nmsrs;
	memcpy(vs->msr_index, list.index, sizeof(list.index));
	return 0;
}

static void add_vcpu(struct vmm *m, struct vmm_vcpu_state *vs, unsigned int id)
{
	vs->v = &m->vcpus[id];
	snprintf(vs->name, sizeof(vs->name), "cpu%u", id);
	vs->part = (struct vmm_part){
		.name = vs->name, .version = 1, .fields = vcpu_fields, .nfields = ARRAY_SIZE(vcpu_fields),
		.state = &vs->s, .opaque = vs, .save = save_vcpu, .load = load_vcpu, .forked = forked_vcpu,
	};
	vmm_part_add(m, &vs->part);
}

/**
 * vmm_state_create() - the VM and its CPUs become parts of the machine, the first ones
 * @m: the machine, its VM exists
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_state_create(struct vmm *m)
{
	struct vmm_vm_state *vs = calloc(1, sizeof(*vs));
	unsigned int i;

	m->vm_state = vs;
	m->vcpu_states = calloc(m->config->cpus, sizeof(*m->vcpu_states));
	if (!vs || !m->vcpu_states)
		return fail("state");
	vs->m = m;
	if (list_msrs(vs))
		return fail("MSRs");
	vs->part = (struct vmm_part){
		.name = "vm", .version = 1, .fields = vm_fields, .nfields = ARRAY_SIZE(vm_fields),
		.state = &vs->s, .opaque = vs, .save = save_vm, .load = load_vm, .forked = forked_vm,
	};
	vmm_part_add(m, &vs->part);
	for (i = 0; i < m->config->cpus; i++)
		add_vcpu(m, &m->vcpu_states[i], i);
	return 0;
}

/**
 * vmm_state_destroy() - free them
 * @m: the machine
 */
void vmm_state_destroy(struct vmm *m)
{
	free(m->vm_state);
	free(m->vcpu_states);
	m->vm_state = NULL;
	m->vcpu_states = NULL;
}
