// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - from a configuration to a running VM, and how it ends: the reason, the error, the times.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "balloon.h"
#include "blk.h"
#include "cdrom.h"
#include "compiler.h"
#include "devices.h"
#include "firmware.h"
#include "pci.h"
#include "route.h"
#include "save.h"
#include "state.h"
#include "vmctl.h"
#include "vmm.h"

/* More than a VM of 16 CPUs and a few disks and networks opens; 8 KiB of the host's. */
#define FILES_RESERVED	1024

/**
 * vmm_error() - one line in the form of all of vmctl's errors
 * @object: what it is about
 * @what: went wrong
 * @remedy: what to do
 */
void vmm_error(const char *object, const char *what, const char *remedy)
{
	vmctl_error(object, what, remedy);
}

/**
 * vmm_now_us() - the monotonic clock
 *
 * Return: microseconds.
 */
uint64_t vmm_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static void since_start(const struct vmm *m, struct vmm_time *t)
{
	t->us = vmm_now_us() - m->start.us;
	t->tsc = vmm_tsc() - m->start.tsc;
}

/**
 * vmm_time_stamp() - a moment has come; the first time counts; any thread
 * @m: the machine
 * @moment: which
 */
void vmm_time_stamp(struct vmm *m, enum vmm_moment moment)
{
	struct vmm_time *t = &m->moments[moment], now;
	uint64_t none = 0;

	since_start(m, &now);
	if (atomic_compare_exchange_strong(&t->tsc, &none, now.tsc))
		t->us = now.us;
}

static void print_times(const struct vmm *m)
{
	static const char *const names[VMM_MOMENTS] = {
		[VMM_FIRST_INSTRUCTION] = "guest's first instruction",
		[VMM_INIT] = "guest's /init",
	};
	unsigned int i;

	for (i = 0; i < VMM_MOMENTS; i++) {
		uint64_t cycles = atomic_load(&m->moments[i].tsc);

		if (cycles)
			fprintf(stderr, "vmctl %s: timing: %s: %llu us, %llu TSC cycles\n",
				vmctl_verb_name(), names[i], (unsigned long long)m->moments[i].us,
				(unsigned long long)cycles);
	}
}

static bool end(struct vmm *m, enum vmm_end why)
{
	int running = VMM_RUNNING;

	return atomic_compare_exchange_strong(&m->end, &running, why);
}

/**
 * vmm_end() - the machine shall end; any thread
 * @m: the machine
 * @why: the first reason counts
 */
void vmm_end(struct vmm *m, enum vmm_end why)
{
	if (end(m, why))
		vmm_wake(m);
}

/**
 * vmm_crash() - the machine shall end as crashed; any thread
 * @m: the machine
 * @object: what it is about
 * @what: went wrong
 * @remedy: what to do
 *
 * The error is printed last, when the terminal is itself again.
 */
void vmm_crash(struct vmm *m, const char *object, const char *what, const char *remedy)
{
	if (!end(m, VMM_CRASHED))
		return;
	snprintf(m->last_words, sizeof(m->last_words), "%s: %s: %s", object, what, remedy);
	vmm_wake(m);
}

/**
 * vmm_irq() - set the level of an interrupt line; any thread
 * @m: the machine
 * @gsi: line
 * @level: raised or lowered
 */
void vmm_irq(struct vmm *m, unsigned int gsi, bool level)
{
	struct kvm_irq_level l = { .irq = gsi, .level = level };

	if (ioctl(m->vm, KVM_IRQ_LINE, &l))
		vmm_crash(m, "interrupt line", strerror(errno), "see the kernel's log");
}

static int fail(const char *object, const char *remedy)
{
	vmm_error(object, strerror(errno), remedy);
	return -1;
}

static int check_caps(struct vmm *m)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {
		{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
		{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
		{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
		{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
		{ KVM_CAP_PIT2, "KVM_CAP_PIT2" },
		{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	};
	int most = ioctl(m->dev, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	char what[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (ioctl(m->dev, KVM_CHECK_EXTENSION, needed[i].cap) > 0)
			continue;
		snprintf(what, sizeof(what), "lacks %s", needed[i].name);
		vmm_error(m->config->device, what, "name another node with --device");
		return -1;
	}
	if (most > 0 && m->config->cpus > (unsigned int)most) {
		snprintf(what, sizeof(what), "%s runs at most %d", m->config->device, most);
		vmm_error("--cpus", what, "use fewer CPUs");
		return -1;
	}
	return 0;
}

static const char *open_remedy(void)
{
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return "load its module (modprobe vitrine), or name another node with --device";
	case EACCES:
		return "become a member of the group that owns it";
	default:
		return "name another node with --device";
	}
}

static int open_device(struct vmm *m)
{
	const char *path = m->config->device;

	m->dev = open(path, O_RDWR | O_CLOEXEC);
	if (m->dev < 0)
		return fail(path, open_remedy());
	if (ioctl(m->dev, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		vmm_error(path, "does not speak version 12 of the KVM ABI",
			  "name another node with --device");
		return -1;
	}
	return check_caps(m);
}

static int create_vm(struct vmm *m)
{
	const char *path = m->config->device;
	int run_size = ioctl(m->dev, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (run_size < (int)sizeof(struct kvm_run))
		return fail(path, "name another node with --device");
	m->run_size = run_size;
	do {
		m->vm = ioctl(m->dev, KVM_CREATE_VM, 0);
	} while (m->vm < 0 && errno == EINTR);
	if (m->vm < 0)
		return fail(path, "see the kernel's log");
	if (!m->cpuid)
		m->cpuid = vmm_cpuid_get(m->dev);
	return m->cpuid ? 0 : fail(path, "name another node with --device");
}

static int create_chips(struct vmm *m)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity = VMM_TSS - 0x1000;

	if (ioctl(m->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) ||
	    ioctl(m->vm, KVM_SET_TSS_ADDR, VMM_TSS) ||
	    ioctl(m->vm, KVM_CREATE_IRQCHIP, 0) || ioctl(m->vm, KVM_CREATE_PIT2, &pit) ||
	    vmm_routes_create(m))
		return fail("interrupt controllers", "name another node with --device");
	return 0;
}

/**
 * vmm_hypervisor_create() - the VM with its memory slots and interrupt controllers, without CPUs
 * @m: the machine, its memory is mapped
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_hypervisor_create(struct vmm *m)
{
	if (create_vm(m))
		return -1;
	if (vmm_memory_slots(m))
		return fail("--memory", "ask for less");
	return create_chips(m);
}

/**
 * vmm_hypervisor_drop() - let go of the VM and its CPUs, whose threads are gone
 * @m: the machine
 */
void vmm_hypervisor_drop(struct vmm *m)
{
	unsigned int i;

	for (i = 0; i < m->config->cpus; i++) {
		struct vmm_vcpu *v = &m->vcpus[i];

		munmap(v->run, m->run_size);
		close(v->fd);
		v->started = false;
	}
	close(m->vm);
}

static int create_devices(struct vmm *m)
{
	return vmm_serial_create(m) || vmm_rtc_create(m) || vmm_firmware_create(m) ||
	       vmm_pm_create(m) || vmm_i8042_create(m) || vmm_pci_create(m) ||
	       vmm_blk_create(m) || vmm_net_create(m) || vmm_rng_create(m) || vmm_balloon_create(m) ||
	       vmm_vsock_create(m) || vmm_hvc_create(m) || vmm_cd_create(m) ? -1 : 0;
}

static int create_cpus(struct vmm *m)
{
	unsigned int i;

	for (i = 0; i < m->config->cpus; i++)
		if (vmm_vcpu_create(m, i))
			return -1;
	return 0;
}

static int boot(struct vmm *m)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(m->vcpus[0].fd, KVM_GET_SREGS, &sregs))
		return fail("CPU 0", "see the kernel's log");
	if ((m->rom ? vmm_firmware_load(m, &regs) : vmm_boot_load(m, &regs, &sregs)) || vmm_genid_load(m))
		return -1;
	if (ioctl(m->vcpus[0].fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(m->vcpus[0].fd, KVM_SET_REGS, &regs))
		return fail("CPU 0", "see the kernel's log");
	return 0;
}

/**
 * vmm_power_on() - the CPUs, and what the first of them starts with: firmware or kernel, in memory
 * @m: the machine, its VM has no CPUs
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_power_on(struct vmm *m)
{
	return create_cpus(m) || boot(m) ? -1 : 0;
}

/* A restored machine may start again some day; that its kernel is gone does not keep it from going on now. */
static int restore_cpus(struct vmm *m)
{
	const struct vmm_config *c = m->config;

	if (c->kernel && !access(c->kernel, R_OK) && (!c->initrd || !access(c->initrd, R_OK)) && vmm_boot_open(m))
		return -1;
	return vmm_restore_state(m) || vmm_state_cpuid(m) || create_cpus(m) ? -1 : 0;
}

/**
 * vmm_files_reserve() - give the process its table of descriptors while it has one thread
 *
 * Linux (fs/file.c) waits for an RCU grace period, some 10 ms, whenever the table of a process with threads grows: in the
 * middle of a fork or a restore. A fork's child inherits a table no larger than what it has open.
 */
void vmm_files_reserve(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, FILES_RESERVED - 1);

	if (fd >= 0)
		close(fd);
}

/**
 * vmm_vcpus_start() - start the threads of all CPUs
 * @m: the machine
 *
 * Return: 0, or -1 with the machine crashed.
 */
int vmm_vcpus_start(struct vmm *m)
{
	unsigned int i;

	for (i = 0; i < m->config->cpus; i++)
		if (vmm_vcpu_start(&m->vcpus[i]))
			return -1;
	return 0;
}

static int outcome(const struct vmm *m)
{
	if (m->config->timing)
		print_times(m);
	switch (atomic_load(&m->end)) {
	case VMM_POWERED_OFF:
	case VMM_LEFT:
		return VMCTL_OK;
	case VMM_RESET:
		fprintf(stderr, "vmctl %s: the guest reset its machine\n", vmctl_verb_name());
		return VMCTL_OK;
	default:
		fprintf(stderr, "vmctl %s: %s\n", vmctl_verb_name(), m->last_words);
		return VMCTL_FAILED;
	}
}

/* The guest's first serial port is the terminal, or whoever connects to the VM's folder. */
static int create_console(struct vmm *m)
{
	if (!m->config->owner)
		return vmm_console_create(m);
	return vmm_hubs_create(m) || vmm_control_create(m) ? -1 : 0;
}

static void destroy_console(struct vmm *m)
{
	vmm_control_destroy(m);
	vmm_hubs_destroy(m);
	vmm_console_destroy(m);
}

static void tell_owner(const struct vmm *m, enum vmm_phase phase, const char *reason)
{
	const struct vmm_owner *o = m->config->owner;

	if (o)
		o->phase(o, phase, reason);
}

static void tell_end(const struct vmm *m)
{
	static const char *const reasons[] = {
		[VMM_POWERED_OFF] = "the guest powered off",
		[VMM_RESET] = "the guest reset its machine",
		[VMM_LEFT] = "it was told to end",
	};
	int why = atomic_load(&m->end);

	if (why == VMM_CRASHED)
		tell_owner(m, VMM_PHASE_CRASHED, m->last_words);
	else
		tell_owner(m, VMM_PHASE_ENDED, reasons[why]);
}

static int create(struct vmm *m)
{
	bool saved = m->config->restore;

	if (vmm_loop_init(m) || open_device(m) || vmm_memory_create(m) || (saved && vmm_restore_memory(m)) ||
	    vmm_hypervisor_create(m))
		return -1;
	if (m->config->owner)
		vmm_ident_tell(m, m->config->owner->name);
	return vmm_state_create(m) || create_devices(m) || (saved ? restore_cpus(m) : vmm_power_on(m)) ||
	       create_console(m) || (saved && (vmm_restore_load(m) || vmm_genid_renew(m))) ? -1 : 0;
}

/* Whatever of it create() got to; descriptors and memory go with the process. */
static void destroy(struct vmm *m)
{
	destroy_console(m);
	vmm_cd_destroy(m);
	vmm_hvc_destroy(m);
	vmm_vsock_destroy(m);
	vmm_balloon_destroy(m);
	vmm_rng_destroy(m);
	vmm_net_destroy(m);
	vmm_blk_destroy(m);
	vmm_pci_destroy(m);
	vmm_i8042_destroy(m);
	vmm_pm_destroy(m);
	vmm_firmware_destroy(m);
	vmm_rtc_destroy(m);
	vmm_serial_destroy(m);
	vmm_routes_destroy(m);
	vmm_state_destroy(m);
	vmm_boot_close(m);
	free(m->cpuid);
	free(m->pieces);
	vmm_loop_fini(m);
}

/**
 * vmm_run() - run a VM in the foreground until it ends
 * @config: what the user asked for
 *
 * Context: once in a process, from its only thread.
 * Return: vmctl's exit status.
 */
int vmm_run(const struct vmm_config *config)
{
	static struct vmm m;
	int ret;

	m.config = config;
	m.clock = config->clock;
	m.pausing = config->paused || config->restore;
	m.start.us = config->asked ? config->asked : vmm_now_us();
	m.start.tsc = vmm_tsc();
	vmm_files_reserve();
	if (create(&m)) {
		destroy(&m);
		return VMCTL_FAILED;
	}
	tell_owner(&m, VMM_PHASE_READY, NULL);
	if (!vmm_vcpus_start(&m)) {
		vmm_restore_prefault(&m);
		/* Resumed, not just let go: the guest is to know that it stood still. */
		if (config->restore)
			vmm_net_flap(&m);
		if (config->paused)
			vmm_ident_held(&m, true);
		else
			vmm_resume(&m);
		vmm_loop_run(&m);
	}
	vmm_vcpus_stop(&m);
	destroy_console(&m);
	tell_end(&m);
	ret = outcome(&m);
	destroy(&m);
	return ret;
}
