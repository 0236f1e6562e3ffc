// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM process killed at random moments, 200 times, in the middle of everything it can do.
 */
#include "hostile.h"

#include <signal.h>
#include <sys/wait.h>

enum { KILLS = 200, LATEST_MS = 40 };

GUEST(spin, 16, "sti; mov $0x20000, %esi; 1: addr32 incl (%esi); add $4, %esi; and $0x3fffff, %esi; "
		"or $0x20000, %esi; jmp 1b");
GUEST(halt, 16, "sti; 1: hlt; jmp 1b");
GUEST(mmio, 16, "mov $0x10000000, %esi; 1: addr32 mov %eax, (%esi); jmp 1b");
GUEST(handler, 16, "iret");

static void *run_for_ever(void *argument)
{
	for (;;)
		vcpu_run(argument);
	return NULL;
}

static void change_slots(struct vm *vm)
{
	void *host = host_pages(1 << 20);

	for (;;) {
		vm_slot(vm, 1, 0, 0x1000000, 1 << 20, host);
		vm_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 0x1000000, 1 << 20, host);
		vm_slot(vm, 1, 0, 0, 0, NULL);
		vm_slot(vm, 0, 0, 0, 0, NULL);
		vm_slot(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, RAM_SIZE, vm->ram);
	}
}

static void signal_irqfds(struct vm *vm)
{
	struct kvm_irq_routing_entry route = route_msi(40, LAPIC_GPA | 0xff << 12, 0x41);
	uint64_t one = 1;
	int fd = event_fd();

	set_routes(vm, &route, 1);
	for (;;) {
		struct kvm_irqfd irqfd = {.fd = fd, .gsi = 40};
		int i;

		ioctl(vm->fd, KVM_IRQFD, &irqfd);
		for (i = 0; i < 10; i++) {
			if (write(fd, &one, 8) != 8)
				return;
		}
		irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
		ioctl(vm->fd, KVM_IRQFD, &irqfd);
	}
}

/* @kind: 0 running, 1 halted, 2 in MMIO exits, 3 slots change, 4 irqfds are signalled */
static void machine(unsigned int kind)
{
	static const struct {
		const uint8_t *code, *end;
	} guests[] = {{spin, spin_end}, {halt, halt_end}, {mmio, mmio_end}, {spin, spin_end},
		      {halt, halt_end}};
	struct vm *vm = vm_create(VM_PIT);
	pthread_t thread;
	unsigned long id;

	for (id = 0; id < 2; id++) {
		struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};
		struct vcpu *vcpu = vcpu_create(vm, id);

		vcpu_load16(vcpu, guests[kind].code, guests[kind].end);
		vcpu_place(vcpu, HANDLER_GPA, handler, handler_end);
		guest_handler16(vcpu, 0x41, HANDLER_GPA);
		lapic_write(vcpu, 0xf0, 0x1ff);
		ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable);
		NEED(pthread_create(&thread, NULL, run_for_ever, vcpu) == 0);
	}
	if (kind == 3)
		change_slots(vm);
	if (kind == 4)
		signal_irqfds(vm);
	for (;;)
		pause();
}

static void kill_one(unsigned int kind, unsigned int after_us)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	NEED(child >= 0);
	if (!child) {
		machine(kind);
		abi_stop();
	}
	usleep(after_us);
	NEED(kill(child, SIGKILL) == 0);
	NEED(waitpid(child, &status, 0) == child);
	if (!WIFSIGNALED(status))
		abi_fail(__FILE__, __LINE__, "kind %u ended by itself: %#x", kind, status);
}

static uint64_t random_state;

static void kill_some(unsigned int count)
{
	while (count--) {
		unsigned int kind = hostile_random(&random_state) % 5;

		kill_one(kind, hostile_random(&random_state) % (LATEST_MS * 1000));
	}
}

static void ten_kills(void)
{
	/* A round is a process of its own: give each another sequence. */
	random_state += (uint64_t)getpid() << 32;
	kill_some(10);
}

ABI_TEST("200 kills leave nothing behind")
{
	random_state = hostile_seed();
	expect_no_leak(ten_kills, 4, KILLS / 10 - 4);
	expect_device_works();
}
