// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu.c - virtual CPUs: creation, the identity each shows in CPUID, its thread and its exits.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci.h"
#include "vmm.h"

#define STACK		(128 * 1024)
#define CPUID_MAX	256

#define CPUID_0_ECX_AMD			0x444d4163U	/* the vendor string's last part */
#define CPUID_1_ECX_TSC_DEADLINE	(1U << 24)
#define CPUID_1_ECX_HYPERVISOR		(1U << 31)
#define CPUID_1_EDX_HTT			(1U << 28)
#define CPUID_8000_0001_ECX_CMP_LEGACY	(1U << 1)

#define MSR_MISC_ENABLE		0x1a0
#define MISC_FAST_STRINGS	1
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ON_WRITE_BACK	0xc06

#define RESET_RIP		0xfff0	/* SDM 3A "Processor State After Reset" */

#define APIC_LVT0		0x350
#define APIC_LVT1		0x360
#define APIC_MODE_EXTINT	0x700
#define APIC_MODE_NMI		0x400

static void on_kick(int sig)
{
	(void)sig;	/* its arrival ends KVM_RUN, nothing else is wanted */
}

/**
 * vmm_cpuid_get() - what the hypervisor can show a guest
 * @dev: device node
 *
 * Return: the table, leaf 0 first, to be freed, or NULL with errno.
 */
struct kvm_cpuid2 *vmm_cpuid_get(int dev)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_MAX * sizeof(c->entries[0]));

	if (!c)
		return NULL;
	c->nent = CPUID_MAX;
	if (ioctl(dev, KVM_GET_SUPPORTED_CPUID, c)) {
		free(c);
		return NULL;
	}
	if (!c->nent || c->entries[0].function) {
		errno = EPROTO;
		free(c);
		return NULL;
	}
	return c;
}

static void set_features(const struct vmm *m, struct kvm_cpuid_entry2 *e, unsigned int id)
{
	unsigned int n = m->config->cpus;

	e->ebx = (e->ebx & 0x0000ffff) | id << 24 | n << 16;
	e->ecx |= CPUID_1_ECX_HYPERVISOR;
	if (ioctl(m->dev, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
		e->ecx |= CPUID_1_ECX_TSC_DEADLINE;
	if (n > 1)
		e->edx |= CPUID_1_EDX_HTT;
}

/* Extended topology: level 0 is the thread, alone in its core, level 1 the socket with all. */
static void set_topology(struct kvm_cpuid_entry2 *e, unsigned int id, unsigned int n,
			 unsigned int bits)
{
	e->eax = e->index == 1 ? bits : 0;
	e->ebx = e->index == 0 ? 1 : e->index == 1 ? n : 0;
	e->ecx = e->index | (e->index < 2 ? (e->index + 1) << 8 : 0);
	e->edx = id;
}

/* Who shares a cache: all CPUs the one of level 3, nobody any other. */
static void set_sharing(struct kvm_cpuid_entry2 *e, unsigned int n)
{
	unsigned int level = e->eax >> 5 & 7;

	e->eax &= ~(0xfffU << 14);
	if (level == 3)
		e->eax |= (n - 1) << 14;
}

/* One socket with all CPUs as cores of one thread each. */
static void set_identity(const struct vmm *m, struct kvm_cpuid2 *c, unsigned int id)
{
	unsigned int n = m->config->cpus, bits = 0, i;

	while (1U << bits < n)
		bits++;
	for (i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		switch (e->function) {
		case 1:
			set_features(m, e, id);
			break;
		case 4:
			set_sharing(e, n);
			e->eax = (e->eax & 0x03ffffff) | (n - 1) << 26;
			break;
		case 0xb:
		case 0x1f:
			set_topology(e, id, n, bits);
			break;
		case 0x80000001:
			if (n > 1 && c->entries[0].ecx == CPUID_0_ECX_AMD)
				e->ecx |= CPUID_8000_0001_ECX_CMP_LEGACY;
			break;
		case 0x80000008:
			e->ecx = (n - 1) | bits << 12;
			break;
		case 0x8000001d:
			set_sharing(e, n);
			break;
		case 0x8000001e:
			e->eax = id;
			e->ebx = id;
			e->ecx = 0;
			break;
		}
	}
}

static int set_cpuid(struct vmm_vcpu *v)
{
	struct kvm_cpuid2 *c = v->vmm->cpuid;

	set_identity(v->vmm, c, v->id);
	return ioctl(v->fd, KVM_SET_CPUID2, c);
}

static int set_msrs(struct vmm_vcpu *v)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[2];
	} msrs = {
		.head.nmsrs = 2,
		.e = {
			{ .index = MSR_MISC_ENABLE, .data = MISC_FAST_STRINGS },
			{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ON_WRITE_BACK },
		},
	};

	return ioctl(v->fd, KVM_SET_MSRS, &msrs) == 2 ? 0 : -1;
}

/* LINT0 takes the 8259s' interrupts, LINT1 is NMI: what firmware sets up. */
static int set_lapic(struct vmm_vcpu *v)
{
	struct kvm_lapic_state s;
	uint32_t lvt0 = APIC_MODE_EXTINT, lvt1 = APIC_MODE_NMI;

	if (ioctl(v->fd, KVM_GET_LAPIC, &s))
		return -1;
	memcpy(s.regs + APIC_LVT0, &lvt0, sizeof(lvt0));
	memcpy(s.regs + APIC_LVT1, &lvt1, sizeof(lvt1));
	return ioctl(v->fd, KVM_SET_LAPIC, &s);
}

/**
 * vmm_vcpu_create() - create one CPU with its identity
 * @m: the machine
 * @id: number and APIC id
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_vcpu_create(struct vmm *m, unsigned int id)
{
	struct vmm_vcpu *v = &m->vcpus[id];
	char name[32];

	v->vmm = m;
	v->id = id;
	snprintf(name, sizeof(name), "CPU %u", id);
	v->fd = ioctl(m->vm, KVM_CREATE_VCPU, id);
	if (v->fd < 0) {
		vmm_error(name, strerror(errno), "use fewer CPUs, or free memory");
		return -1;
	}
	v->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED || set_cpuid(v) || set_msrs(v) || set_lapic(v)) {
		vmm_error(name, strerror(errno), "check that the device node speaks the KVM ABI");
		return -1;
	}
	return 0;
}

static void crash(struct vmm_vcpu *v, const char *what)
{
	struct kvm_regs r = {};
	char name[32], text[160];

	snprintf(name, sizeof(name), "CPU %u", v->id);
	/* A device may have reset the CPU already (AMD's shutdown leaves nothing defined): then it is nowhere. */
	if (ioctl(v->fd, KVM_GET_REGS, &r) || r.rip == RESET_RIP)
		snprintf(text, sizeof(text), "%s", what);
	else
		snprintf(text, sizeof(text), "%s at RIP 0x%llx", what, (unsigned long long)r.rip);
	vmm_crash(v->vmm, name, text, "look at the end of the guest's console");
}

static void handle_io(struct vmm_vcpu *v)
{
	struct kvm_run *run = v->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	bool out = run->io.direction == KVM_EXIT_IO_OUT;
	uint32_t i;

	for (i = 0; i < run->io.count; i++, data += run->io.size)
		if (!vmm_bus_access(v->vmm, run->io.port, run->io.size, out, data))
			vmm_pci_port(v->vmm, run->io.port, run->io.size, out, data);
}

static void handle_exit(struct vmm_vcpu *v)
{
	struct kvm_run *run = v->run;
	char text[96];

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(v);
		break;
	case KVM_EXIT_MMIO:
		/* Where nothing is, reads see all ones and writes are lost. */
		if (!vmm_pci_mmio(v->vmm, run->mmio.phys_addr, run->mmio.len, run->mmio.is_write,
				  run->mmio.data) &&
		    !run->mmio.is_write)
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_SHUTDOWN:
		crash(v, "triple fault");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(text, sizeof(text), "the CPU refused to enter the guest (reason 0x%llx)",
			 (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		crash(v, text);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		snprintf(text, sizeof(text), "internal error %u of the hypervisor",
			 run->internal.suberror);
		crash(v, text);
		break;
	default:
		snprintf(text, sizeof(text), "unexpected exit %u", run->exit_reason);
		crash(v, text);
		break;
	}
}

static void *vcpu_thread(void *arg)
{
	struct vmm_vcpu *v = arg;
	struct vmm *m = v->vmm;
	bool owed = false, first = v->id == 0;

	for (;;) {
		/*
		 * An access that was answered is finished by the next KVM_RUN, before it looks at immediate_exit: until
		 * then the registers are those of the middle of an instruction (KVM api.rst "The kvm_run structure").
		 */
		if (!owed)
			vmm_pause_point(v);
		if (atomic_load(&m->end) != VMM_RUNNING || atomic_load(&m->restart) == VMM_RESTART_LEAVE)
			break;
		if (owed && !vmm_may_run(m))
			v->run->immediate_exit = 1;
		if (first)
			vmm_time_stamp(m, VMM_FIRST_INSTRUCTION);
		first = false;
		if (!ioctl(v->fd, KVM_RUN, 0)) {
			handle_exit(v);
			owed = v->run->exit_reason == KVM_EXIT_IO || v->run->exit_reason == KVM_EXIT_MMIO;
		} else if (errno != EINTR && errno != EAGAIN) {
			char text[96];

			snprintf(text, sizeof(text), "KVM_RUN: %s", strerror(errno));
			crash(v, text);
		} else {
			owed = false;
		}
	}
	return NULL;
}

/**
 * vmm_vcpu_start() - start the CPU's thread
 * @v: the CPU, its registers are set
 *
 * Return: 0, or -1 with the machine crashed.
 */
int vmm_vcpu_start(struct vmm_vcpu *v)
{
	struct sigaction sa = { .sa_handler = on_kick };
	pthread_attr_t attr;
	int err;

	sigaction(VMM_KICK, &sa, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	err = pthread_create(&v->thread, &attr, vcpu_thread, v);
	pthread_attr_destroy(&attr);
	if (err) {
		vmm_crash(v->vmm, "CPU thread", strerror(err), "raise the limit on processes");
		return -1;
	}
	v->started = true;
	return 0;
}

/**
 * vmm_vcpu_kick() - get the CPU's thread out of the guest, or keep it from entering
 * @v: the CPU, its thread has started
 */
void vmm_vcpu_kick(struct vmm_vcpu *v)
{
	/* The flag holds for a thread that is about to enter, the signal for one inside. */
	v->run->immediate_exit = 1;
	pthread_kill(v->thread, VMM_KICK);
}

/**
 * vmm_vcpus_stop() - get every thread out of the guest and wait for it
 * @m: the machine; m->end says why, or m->restart
 */
void vmm_vcpus_stop(struct vmm *m)
{
	unsigned int i;

	vmm_pause_end(m);
	for (i = 0; i < m->config->cpus; i++) {
		struct vmm_vcpu *v = &m->vcpus[i];

		if (!v->started)
			continue;
		vmm_vcpu_kick(v);
		pthread_join(v->thread, NULL);
		v->started = false;
	}
}
