// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IOEVENTFD: which of a guest's writes each kind of registration takes, at ports and in memory.
 */
#include "abi.h"

enum { PORT = 0x300 };

/* What the guests write, in this order: the value in each width, another value in each, the value one byte further. */
static const struct access {
	uint32_t size, at;
	uint64_t value;
} accesses[] = {
	{1, 0, 0x88}, {2, 0, 0x7788}, {4, 0, 0x55667788}, {8, 0, 0x1122334455667788},
	{1, 0, 0x89}, {2, 0, 0x7688}, {4, 0, 0x54667788}, {8, 0, 0x1022334455667788},
	{1, 1, 0x88}, {2, 1, 0x7788}, {4, 1, 0x55667788}, {8, 1, 0x1122334455667788},
};

/* Without those of 8 bytes. */
GUEST(to_ports, 64,
      "mov $0x300, %edx; mov $0x55667788, %eax; out %al, %dx; out %ax, %dx; out %eax, %dx\n"
      "mov $0x89, %al; out %al, %dx; mov $0x7688, %ax; out %ax, %dx\n"
      "mov $0x54667788, %eax; out %eax, %dx\n"
      "inc %edx; mov $0x55667788, %eax; out %al, %dx; out %ax, %dx; out %eax, %dx; out %al, $0xf4");
GUEST(to_memory, 64,
      "mov $0x10000000, %esi; mov $0x1122334455667788, %rax\n"
      "mov %al, (%rsi); mov %ax, (%rsi); mov %eax, (%rsi); mov %rax, (%rsi)\n"
      "mov $0x89, %al; mov %al, (%rsi); mov $0x7688, %ax; mov %ax, (%rsi)\n"
      "mov $0x54667788, %eax; mov %eax, (%rsi); mov $0x1022334455667788, %rax; mov %rax, (%rsi)\n"
      "inc %esi; mov $0x1122334455667788, %rax\n"
      "mov %al, (%rsi); mov %ax, (%rsi); mov %eax, (%rsi); mov %rax, (%rsi); out %al, $0xf4");

/* A port is never written in 8 bytes, and none of 2 bytes is the last: both match nothing. */
static const struct registration {
	uint32_t len;
	bool match;
	uint64_t value;
} registrations[] = {
	{0, false, 0}, {1, false, 0}, {2, false, 0}, {4, false, 0}, {8, false, 0},
	{1, true, 0x88}, {2, true, 0x7788}, {4, true, 0x55667788}, {8, true, 0x1122334455667788},
	{2, true, 0x17788},
};

static bool takes(const struct registration *r, const struct access *a)
{
	return !a->at && (!r->len || r->len == a->size) && (!r->match || r->value == a->value);
}

static bool exits_with(struct vcpu *vcpu, bool pio, const struct access *a)
{
	const struct kvm_run *run = vcpu->run;
	uint64_t value = 0;

	if (vcpu_run(vcpu) || run->exit_reason != (pio ? KVM_EXIT_IO : KVM_EXIT_MMIO))
		return false;
	if (pio)
		return run->io.port == PORT + a->at && run->io.size == a->size && run_port_data(vcpu) == a->value;
	if (run->mmio.phys_addr != HOLE_GPA + a->at || run->mmio.len != a->size || !run->mmio.is_write)
		return false;
	memcpy(&value, run->mmio.data, a->size);
	return value == a->value;
}

static void try_one(struct vcpu *vcpu, bool pio, const struct registration *r)
{
	struct kvm_ioeventfd request = {
		.fd = event_fd(), .addr = pio ? PORT : HOLE_GPA, .len = r->len, .datamatch = r->value,
		.flags = (pio ? KVM_IOEVENTFD_FLAG_PIO : 0) | (r->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0)};
	uint64_t signals = 0;
	size_t i;

	printf("# length %u, %s %#llx\n", r->len, r->match ? "value" : "any value", (unsigned long long)r->value);
	NEED(ioctl(vcpu->vm->fd, KVM_IOEVENTFD, &request) == 0);
	for (i = 0; i < ARRAY_SIZE(accesses); i++) {
		const struct access *a = &accesses[i];

		if (pio && a->size == 8)
			continue;
		if (takes(r, a)) {
			signals++;
		} else if (!exits_with(vcpu, pio, a)) {
			abi_fail(__FILE__, __LINE__, "no exit with the %u bytes %#llx at +%u", a->size,
				 (unsigned long long)a->value, a->at);
			return;
		}
	}
	EXPECT(vcpu_done(vcpu));
	EXPECT_EQ(event_count(request.fd), signals);
}

static void try_all(bool pio, const uint8_t *code, const uint8_t *end)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(registrations); i++) {
		struct vcpu *vcpu;

		/* kvm-intel wants an instruction length in an EPT misconfiguration, Bochs gives none. */
		if (!pio && !registrations[i].len && abi_stock_vmx())
			continue;
		vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
		vcpu_load64(vcpu, code, end);
		try_one(vcpu, pio, &registrations[i]);
	}
}

ABI_TEST("a port write signals or exits, by width, value and port")
{
	try_all(true, to_ports, to_ports_end);
}

ABI_TEST("a write to no memory signals or exits, by width, value and address")
{
	try_all(false, to_memory, to_memory_end);
}
