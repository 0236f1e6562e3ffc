// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that runs out, and user memory that goes away, at every single place of a request: the request
 * is refused or gets by, nothing of a refused one stays, and asked again it succeeds.
 *
 * Needs a kernel with fault injection (the lab's debug kernel). What is lost on the way, kmemleak tells.
 */
#include "hostile.h"

#include <sys/wait.h>

enum { PAGES = 16 };

/**
 * struct subject - what a request is made of
 * @vm: its machine
 * @vcpu: and vCPU, or NULL
 * @event: an eventfd
 * @system: the device
 * @cpuid: what the device offers
 */
struct subject {
	struct vm *vm;
	struct vcpu *vcpu;
	int event;
	int system;
	struct kvm_cpuid2 *cpuid;
};

/**
 * struct attempt - one request, with one place that fails
 * @prepare: makes the subject, without faults
 * @request: under test
 * @place: 1 for the first that can fail
 */
struct attempt {
	void (*prepare)(struct subject *subject);
	int (*request)(struct subject *subject);
	unsigned int place;
};

static void try_place(void *argument)
{
	struct attempt *attempt = argument;
	struct subject subject = {0};
	int fd = fail_nth(), result, error;
	bool reached;

	attempt->prepare(&subject);
	begin_fault(fd, attempt->place);
	result = attempt->request(&subject);
	error = errno;
	reached = end_fault(fd);
	if (result >= 0)
		exit(reached ? GOT_BY : NOT_REACHED);
	if (!reached || (error != ENOMEM && error != EFAULT)) {
		abi_fail(__FILE__, __LINE__, "place %u %s: %s", attempt->place,
			 reached ? "failed" : "was not reached", strerror(error));
		abi_stop();
	}
	NEED(attempt->request(&subject) >= 0);
	exit(REFUSED);
}

/* Every place in turn, each in a process of its own. */
static void fail_everywhere(void (*prepare)(struct subject *), int (*request)(struct subject *))
{
	struct attempt attempt = {.prepare = prepare, .request = request};
	unsigned int refused = 0, got_by = 0;
	int verdict = 0;

	need_fault_injection();
	for (attempt.place = 1; attempt.place < FAULT_PLACES; attempt.place++) {
		int status = in_child(try_place, &attempt);

		NEED(WIFEXITED(status));
		verdict = WEXITSTATUS(status);
		refused += verdict == REFUSED;
		got_by += verdict == GOT_BY;
		if (verdict == NOT_REACHED || verdict == FAILED)
			break;
	}
	printf("# refused %u times, got by %u times\n", refused, got_by);
	EXPECT_EQ(verdict, NOT_REACHED);
	EXPECT(refused > 0);
}

static void nothing(struct subject *s)
{
	s->system = abi_open();
}

static void bare(struct subject *s)
{
	s->vm = vm_create(0);
	s->event = event_fd();
}

static void chips(struct subject *s)
{
	s->vm = vm_create(VM_IRQCHIP);
	s->event = event_fd();
}

static void vcpu(struct subject *s)
{
	chips(s);
	s->vcpu = vcpu_create(s->vm, 0);
	s->cpuid = supported_cpuid();
}

static int create_vm(struct subject *s)
{
	return ioctl(s->system, KVM_CREATE_VM, 0UL);
}

static int create_irqchip(struct subject *s)
{
	return ioctl(s->vm->fd, KVM_CREATE_IRQCHIP);
}

static int create_pit(struct subject *s)
{
	struct kvm_pit_config config = {.flags = KVM_PIT_SPEAKER_DUMMY};

	return ioctl(s->vm->fd, KVM_CREATE_PIT2, &config);
}

static int create_vcpu(struct subject *s)
{
	return ioctl(s->vm->fd, KVM_CREATE_VCPU, 0UL);
}

static int set_slot(struct subject *s)
{
	struct kvm_userspace_memory_region region = {
		.slot = 1, .flags = KVM_MEM_LOG_DIRTY_PAGES, .guest_phys_addr = HOLE_GPA,
		.memory_size = RAM_SIZE, .userspace_addr = (uintptr_t)s->vm->ram,
	};

	return ioctl(s->vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static int delete_slot(struct subject *s)
{
	struct kvm_userspace_memory_region region = {.slot = 0};

	return ioctl(s->vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static int set_routing(struct subject *s)
{
	struct kvm_irq_routing_entry routes[] = {route_chip(4, KVM_IRQCHIP_IOAPIC, 4),
						 route_msi(24, LAPIC_GPA, 0x41)};

	return set_routes(s->vm, routes, 2);
}

static int irqfd(struct subject *s)
{
	struct kvm_irqfd args = {.fd = s->event, .gsi = 5, .resamplefd = s->event,
				 .flags = KVM_IRQFD_FLAG_RESAMPLE};

	return ioctl(s->vm->fd, KVM_IRQFD, &args);
}

static int ioeventfd(struct subject *s)
{
	struct kvm_ioeventfd args = {.fd = s->event, .addr = HOLE_GPA, .len = 4};

	return ioctl(s->vm->fd, KVM_IOEVENTFD, &args);
}

static void with_ioeventfd(struct subject *s)
{
	chips(s);
	NEED(ioeventfd(s) == 0);
}

static int no_ioeventfd(struct subject *s)
{
	struct kvm_ioeventfd args = {.fd = s->event, .addr = HOLE_GPA, .len = 4,
				     .flags = KVM_IOEVENTFD_FLAG_DEASSIGN};

	return ioctl(s->vm->fd, KVM_IOEVENTFD, &args);
}

static int coalesce(struct subject *s)
{
	struct kvm_coalesced_mmio_zone zone = {.addr = HOLE_GPA, .size = 4096};

	return ioctl(s->vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone);
}

static int stats_fd(struct subject *s)
{
	return ioctl(s->vcpu->fd, KVM_GET_STATS_FD);
}

static int set_cpuid(struct subject *s)
{
	return ioctl(s->vcpu->fd, KVM_SET_CPUID2, s->cpuid);
}

static int xsave(struct subject *s)
{
	static struct kvm_xsave area;

	if (ioctl(s->vcpu->fd, KVM_GET_XSAVE, &area))
		return -1;
	return ioctl(s->vcpu->fd, KVM_SET_XSAVE, &area);
}

static int lapic(struct subject *s)
{
	struct kvm_lapic_state state;

	if (ioctl(s->vcpu->fd, KVM_GET_LAPIC, &state))
		return -1;
	return ioctl(s->vcpu->fd, KVM_SET_LAPIC, &state);
}

static int msrs(struct subject *s)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[1];
	} list = {.head.nmsrs = 1, .entry[0].index = 0x10};

	return ioctl(s->vcpu->fd, KVM_GET_MSRS, &list);
}

static int signal_mask(struct subject *s)
{
	struct {
		struct kvm_signal_mask head;
		uint64_t mask;
	} set = {.head.len = 8};

	return ioctl(s->vcpu->fd, KVM_SET_SIGNAL_MASK, &set);
}

/* One byte into each page, and none of them is there yet. */
GUEST(toucher, 64, "mov $0x100000, %ebx; mov $16, %ecx; 1: movb $1, (%rbx); add $4096, %ebx;"
		   "loop 1b; out %al, $0xf4");

static void guest(struct subject *s)
{
	vcpu(s);
	vcpu_load64(s->vcpu, toucher, toucher_end);
}

/* Asked again, it goes on where it was; the exit that ends it comes once. */
static int run(struct subject *s)
{
	uint64_t address;

	if (ioctl(s->vcpu->fd, KVM_RUN, 0))
		return -1;
	NEED(s->vcpu->run->exit_reason == KVM_EXIT_IO);
	for (address = 0x100000; address < 0x100000 + PAGES * 4096; address += 4096)
		EXPECT_EQ(s->vm->ram[address], 1);
	return 0;
}

ABI_TEST("a machine") { fail_everywhere(nothing, create_vm); }
ABI_TEST("its chips") { fail_everywhere(bare, create_irqchip); }
ABI_TEST("its timer") { fail_everywhere(chips, create_pit); }
ABI_TEST("a vCPU") { fail_everywhere(chips, create_vcpu); }
ABI_TEST("a vCPU without chips") { fail_everywhere(bare, create_vcpu); }
ABI_TEST("a memory slot") { fail_everywhere(bare, set_slot); }
ABI_TEST("a memory slot's end") { fail_everywhere(bare, delete_slot); }
ABI_TEST("routes") { fail_everywhere(chips, set_routing); }
ABI_TEST("an irqfd") { fail_everywhere(chips, irqfd); }
ABI_TEST("an ioeventfd") { fail_everywhere(chips, ioeventfd); }
ABI_TEST("an ioeventfd's end") { fail_everywhere(with_ioeventfd, no_ioeventfd); }
ABI_TEST("a coalesced zone") { fail_everywhere(chips, coalesce); }
ABI_TEST("a statistics file") { fail_everywhere(vcpu, stats_fd); }
ABI_TEST("the guest's CPUID") { fail_everywhere(vcpu, set_cpuid); }
ABI_TEST("FPU state") { fail_everywhere(vcpu, xsave); }
ABI_TEST("the local APIC's state") { fail_everywhere(vcpu, lapic); }
ABI_TEST("MSRs") { fail_everywhere(vcpu, msrs); }
ABI_TEST("a signal mask") { fail_everywhere(vcpu, signal_mask); }
ABI_TEST("a guest that touches memory") { fail_everywhere(guest, run); }
