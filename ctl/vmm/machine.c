// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - from a configuration to a running VM, and its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vmctl.h"
#include "vmm.h"

#define TSS_ADDRESS	0xfffbd000UL

/**
 * vmm_error() - one line in the form of all of vmctl's errors
 * @object: what it is about
 * @what: went wrong
 * @remedy: what to do
 */
void vmm_error(const char *object, const char *what, const char *remedy)
{
	fprintf(stderr, "vmctl run: %s: %s: %s\n", object, what, remedy);
}

static uint64_t tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

/**
 * vmm_timing() - with --timing: say how long something took since the process started
 * @m: the machine
 * @what: it was
 * @done: printed already; only the first time counts
 */
void vmm_timing(struct vmm *m, const char *what, _Atomic bool *done)
{
	uint64_t cycles = tsc() - m->start_tsc, us = now_us() - m->start_us;

	if (!m->config->timing || atomic_exchange(done, true))
		return;
	fprintf(stderr, "vmctl run: timing: %s: %llu us, %llu TSC cycles\n", what,
		(unsigned long long)us, (unsigned long long)cycles);
}

/**
 * vmm_end() - the machine shall end; any thread
 * @m: the machine
 * @why: the first reason counts
 */
void vmm_end(struct vmm *m, enum vmm_end why)
{
	int running = VMM_RUNNING;
	uint64_t one = 1;

	atomic_compare_exchange_strong(&m->end, &running, why);
	if (write(m->wake, &one, sizeof(one)) < 0)
		return;	/* the counter is at its maximum: the loop is awake */
}

/**
 * vmm_irq() - set the level of an interrupt line
 * @m: the machine
 * @gsi: line
 * @level: raised or lowered
 */
void vmm_irq(struct vmm *m, unsigned int gsi, bool level)
{
	struct kvm_irq_level l = { .irq = gsi, .level = level };

	if (ioctl(m->vm, KVM_IRQ_LINE, &l))
		vmm_end(m, VMM_CRASHED);
}

static int fail(const char *object, const char *remedy)
{
	vmm_error(object, strerror(errno), remedy);
	return -1;
}

static int open_device(struct vmm *m)
{
	const char *path = m->config->device;

	m->dev = open(path, O_RDWR | O_CLOEXEC);
	if (m->dev < 0)
		return fail(path, errno == ENOENT ? "load the module (modprobe vitrine), or name another node with --device" :
				  "become a member of the group that owns it");
	if (ioctl(m->dev, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		vmm_error(path, "does not speak version 12 of the KVM ABI", "name another node");
		return -1;
	}
	m->run_size = ioctl(m->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	do {
		m->vm = ioctl(m->dev, KVM_CREATE_VM, 0);
	} while (m->vm < 0 && errno == EINTR);
	if (m->vm < 0)
		return fail(path, "no VM could be created: see the kernel's log");
	m->cpuid = vmm_cpuid_get(m->dev);
	return m->cpuid ? 0 : fail(path, "its CPUID table could not be read");
}

static int add_slot(struct vmm *m, unsigned int slot, uint64_t gpa, uint64_t size, void *host)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	return ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &r);
}

static int create_memory(struct vmm *m)
{
	uint64_t size = m->config->memory & ~0xfffULL;

	m->low = size < VMM_LOW_END ? size : VMM_LOW_END;
	m->high = size - m->low;
	m->ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->ram == MAP_FAILED)
		return fail("--memory", "ask for less");
	madvise(m->ram, size, MADV_HUGEPAGE);	/* a hint: kernels without THP refuse it */
	if (add_slot(m, 0, 0, m->low, m->ram) ||
	    (m->high && add_slot(m, 1, VMM_HIGH_START, m->high, m->ram + m->low)))
		return fail("--memory", "ask for less");
	return 0;
}

/* The timer's IRQ 0 comes in at pin 2 of the I/O APIC, the others at their number. */
static int set_routing(struct vmm *m)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry e[40];
	} r = {};
	unsigned int gsi;

	for (gsi = 0; gsi < 24; gsi++) {
		struct kvm_irq_routing_entry *e;

		if (gsi < 16 && gsi != 2) {
			e = &r.e[r.head.nr++];
			e->gsi = gsi;
			e->type = KVM_IRQ_ROUTING_IRQCHIP;
			e->u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER :
							 KVM_IRQCHIP_PIC_SLAVE;
			e->u.irqchip.pin = gsi % 8;
		}
		if (gsi == 2)
			continue;
		e = &r.e[r.head.nr++];
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = gsi ? gsi : 2;
	}
	return ioctl(m->vm, KVM_SET_GSI_ROUTING, &r);
}

static int create_chips(struct vmm *m)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity = TSS_ADDRESS - 0x1000;

	if (ioctl(m->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) ||
	    ioctl(m->vm, KVM_SET_TSS_ADDR, TSS_ADDRESS) ||
	    ioctl(m->vm, KVM_CREATE_IRQCHIP, 0) || ioctl(m->vm, KVM_CREATE_PIT2, &pit) ||
	    set_routing(m))
		return fail("interrupt controllers", "the device node lacks them: name another");
	return 0;
}

static int create_devices(struct vmm *m)
{
	m->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->wake < 0 || vmm_serial_create(m) || vmm_rtc_create(m))
		return fail("devices", "free some memory or files");
	vmm_pm_create(m);
	return 0;
}

static int create_cpus(struct vmm *m)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	unsigned int i;

	for (i = 0; i < m->config->cpus; i++)
		if (vmm_vcpu_create(m, i))
			return -1;
	if (ioctl(m->vcpus[0].fd, KVM_GET_SREGS, &sregs))
		return fail("CPU 0", "its registers cannot be read");
	if (vmm_boot_load(m, &regs, &sregs))
		return -1;
	if (ioctl(m->vcpus[0].fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(m->vcpus[0].fd, KVM_SET_REGS, &regs))
		return fail("CPU 0", "its registers cannot be set");
	return 0;
}

static int start(struct vmm *m)
{
	unsigned int i;

	for (i = 0; i < m->config->cpus; i++)
		if (vmm_vcpu_start(&m->vcpus[i]))
			return -1;
	return 0;
}

static int outcome(const struct vmm *m)
{
	switch (atomic_load(&m->end)) {
	case VMM_POWERED_OFF:
	case VMM_LEFT:
		return VMCTL_OK;
	case VMM_RESET:
		fprintf(stderr, "vmctl run: the guest reset its machine\n");
		return VMCTL_OK;
	default:
		return VMCTL_FAILED;
	}
}

/**
 * vmm_run() - run a VM in the foreground until it ends
 * @config: what the user asked for
 *
 * Return: vmctl's exit status.
 */
int vmm_run(const struct vmm_config *config)
{
	static struct vmm m;
	sigset_t set;

	m.config = config;
	m.start_tsc = tsc();
	m.start_us = now_us();
	/* All threads leave these to the loop's signalfd. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (open_device(&m) || create_memory(&m) || create_chips(&m) || create_devices(&m) ||
	    create_cpus(&m))
		return VMCTL_FAILED;
	if (start(&m) || vmm_loop(&m))
		vmm_end(&m, VMM_CRASHED);
	vmm_vcpus_stop(&m);
	return outcome(&m);
}
