// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IRQFD: life of a binding, resampling.
 */
#include "abi.h"

static int irqfd(struct vm *vm, int fd, uint32_t gsi, uint32_t flags)
{
	struct kvm_irqfd request = {.fd = fd, .gsi = gsi, .flags = flags};

	return ioctl(vm->fd, KVM_IRQFD, &request);
}

static void signal_fd(int fd)
{
	uint64_t one = 1;

	NEED(write(fd, &one, sizeof(one)) == sizeof(one));
	sleep_ms(50);
}

static struct vcpu *with_msi(uint32_t gsi)
{
	struct kvm_irq_routing_entry route = route_msi(gsi, LAPIC_GPA, 0x41);
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, 0);

	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(set_routes(vm, &route, 1) == 0);
	return vcpu;
}

ABI_TEST("a signal interrupts, and the count is taken")
{
	struct vcpu *vcpu = with_msi(40);
	int fd = event_fd();

	EXPECT_OK(irqfd(vcpu->vm, fd, 40, 0));
	signal_fd(fd);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1);
	EXPECT_EQ(event_count(fd), 0);
}

ABI_TEST("an eventfd that was signalled before interrupts on binding")
{
	struct vcpu *vcpu = with_msi(40);
	int fd = event_fd();

	signal_fd(fd);
	EXPECT_OK(irqfd(vcpu->vm, fd, 40, 0));
	sleep_ms(50);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1);
}

ABI_TEST("the same eventfd twice is EBUSY")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	int fd = event_fd();

	EXPECT_OK(irqfd(vm, fd, 5, 0));
	EXPECT_ERRNO(irqfd(vm, fd, 5, 0), EBUSY);
	EXPECT_ERRNO(irqfd(vm, fd, 6, 0), EBUSY);
}

ABI_TEST("taking away what was never bound is no error")
{
	EXPECT_OK(irqfd(vm_create(VM_IRQCHIP), event_fd(), 5, KVM_IRQFD_FLAG_DEASSIGN));
}

ABI_TEST("after it is taken away a signal does nothing, and it can be bound again")
{
	struct vcpu *vcpu = with_msi(40);
	int fd = event_fd();

	EXPECT_OK(irqfd(vcpu->vm, fd, 40, 0));
	EXPECT_OK(irqfd(vcpu->vm, fd, 40, KVM_IRQFD_FLAG_DEASSIGN));
	signal_fd(fd);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 0);
	EXPECT_EQ(event_count(fd), 1);
	EXPECT_OK(irqfd(vcpu->vm, fd, 40, 0));
	signal_fd(fd);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1);
	EXPECT_EQ(event_count(fd), 0);
}

ABI_TEST("an unrouted GSI is legal and drops silently")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	int fd = event_fd();

	EXPECT_OK(irqfd(vm, fd, 2000, 0));
	signal_fd(fd);
	EXPECT_EQ(event_count(fd), 0);
}

ABI_TEST("binding and routing may come in either order")
{
	struct kvm_irq_routing_entry route = route_msi(40, LAPIC_GPA, 0x41);
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, 0);
	int fd = event_fd();

	lapic_write(vcpu, 0xf0, 0x1ff);
	EXPECT_OK(irqfd(vm, fd, 40, 0));
	EXPECT_OK(set_routes(vm, &route, 1));
	signal_fd(fd);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 1 << 1);
}

ABI_TEST("a file that is no eventfd, and no file, are errors")
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	EXPECT_ERRNO(irqfd(vm, -1, 5, 0), EBADF);
	EXPECT_ERRNO(irqfd(vm, abi_open(), 5, 0), EINVAL);
	EXPECT_ERRNO(irqfd(vm, event_fd(), 5, 1 << 5), EINVAL);
}

/* The kernel's number of the event behind an eventfd: the lowest that none has, a closed one that a binding holds included. */
static int event_id(int fd)
{
	char path[64], line[128];
	int id = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	NEED(f);
	while (id < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "eventfd-id: %d", &id);
	fclose(f);
	NEED(id >= 0);
	return id;
}

ABI_TEST("closing the eventfd takes the binding away")
{
	struct vcpu *vcpu = with_msi(40);
	int fd = event_fd(), id = event_id(fd);

	EXPECT_OK(irqfd(vcpu->vm, fd, 40, 0));
	close(fd);
	sleep_ms(50);
	EXPECT_EQ(event_id(event_fd()), id);
	EXPECT_EQ(lapic_read(vcpu, 0x220), 0);
}

/* I/O APIC pin 5, vector 0x45; the handler acknowledges. */
enum { LEVEL = 1 << 15 };

GUEST(wait_irq, 16, "sti; 1: hlt; jmp 1b");
GUEST(acknowledge, 16, "mov $0xfee000b0, %esi; addr32 movl $0, (%esi); out %al, $0xf4; iret");

static struct vcpu *with_pin(uint32_t trigger)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_irq_routing_entry route = route_chip(5, KVM_IRQCHIP_IOAPIC, 5);
	struct vcpu *vcpu = vcpu_create(vm, 0);

	vcpu_load16(vcpu, wait_irq, wait_irq_end);
	vcpu_place(vcpu, HANDLER_GPA, acknowledge, acknowledge_end);
	guest_handler16(vcpu, 0x45, HANDLER_GPA);
	lapic_write(vcpu, 0xf0, 0x1ff);
	NEED(set_routes(vm, &route, 1) == 0);
	NEED(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip) == 0);
	chip.chip.ioapic.redirtbl[5].bits = 0x45 | trigger;
	NEED(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip) == 0);
	return vcpu;
}

static struct kvm_irqfd resampling(struct vcpu *vcpu)
{
	struct kvm_irqfd request = {.fd = event_fd(), .gsi = 5, .flags = KVM_IRQFD_FLAG_RESAMPLE,
				    .resamplefd = event_fd()};

	EXPECT_OK(ioctl(vcpu->vm->fd, KVM_IRQFD, &request));
	return request;
}

/* How many interrupts the guest takes until none comes for a while, up to 5. */
static int interrupts(struct vcpu *vcpu)
{
	int taken;

	for (taken = 0; taken < 5; taken++) {
		vcpu_start(vcpu);
		if (!vcpu_returns_within(vcpu, 200)) {
			vcpu_kick(vcpu);
			NEED(vcpu_returns_within(vcpu, 5000));
			break;
		}
		NEED(vcpu->run->exit_reason == KVM_EXIT_IO && vcpu->run->io.port == DONE_PORT);
	}
	return taken;
}

ABI_TEST("each signal is one interrupt at an edge-triggered pin")
{
	struct vcpu *vcpu = with_pin(0);
	int fd = event_fd();

	EXPECT_OK(irqfd(vcpu->vm, fd, 5, 0));
	signal_fd(fd);
	EXPECT_EQ(interrupts(vcpu), 1);
	signal_fd(fd);
	EXPECT_EQ(interrupts(vcpu), 1);
}

ABI_TEST("a resampling binding lowers the line and signals at the guest's EOI")
{
	struct vcpu *vcpu = with_pin(LEVEL);
	struct kvm_irqfd request = resampling(vcpu);

	signal_fd(request.fd);
	EXPECT_EQ(event_count(request.resamplefd), 0);
	NEED(vcpu_done(vcpu));
	sleep_ms(50);
	EXPECT_EQ(event_count(request.resamplefd), 1);
	vcpu_start(vcpu);
	EXPECT(!vcpu_returns_within(vcpu, 200));
	signal_fd(request.fd);
	EXPECT(vcpu_returns_within(vcpu, 5000));
}

ABI_TEST("a resampling binding and KVM_IRQ_LINE share a pin: it is high while either holds it")
{
	struct vcpu *vcpu = with_pin(LEVEL);
	struct kvm_irqfd request = resampling(vcpu);
	struct kvm_irq_level line = {.irq = 5, .level = 1};

	signal_fd(request.fd);
	EXPECT_OK(ioctl(vcpu->vm->fd, KVM_IRQ_LINE, &line));
	NEED(vcpu_done(vcpu));
	sleep_ms(50);
	EXPECT(event_count(request.resamplefd) >= 1);
	EXPECT_EQ(interrupts(vcpu), 5);
	line.level = 0;
	EXPECT_OK(ioctl(vcpu->vm->fd, KVM_IRQ_LINE, &line));
	EXPECT(interrupts(vcpu) <= 1); /* what was on its way */
	EXPECT_EQ(interrupts(vcpu), 0);
	event_count(request.resamplefd);
	signal_fd(request.fd);
	EXPECT_EQ(interrupts(vcpu), 1);
	EXPECT_EQ(event_count(request.resamplefd), 1);
}
