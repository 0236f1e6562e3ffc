// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_REGISTER_COALESCED_MMIO: writes to a zone are put into the ring and do not exit.
 */
#include "abi.h"

enum { ZONE_PORT = 0x510, ENTRIES = (4096 - 8) / sizeof(struct kvm_coalesced_mmio), WRITES = 300 };

GUEST(write_mmio, 64, "mov $0x10000010, %ebx; movl $0x11223344, (%rbx); movw $0x5566, 8(%rbx);"
		      "movq $-2, 16(%rbx); out %al, $0xf4");
GUEST(write_port, 16, "mov $0x510, %dx; mov $0x1234, %ax; out %ax, %dx; out %al, $0xf4");
GUEST(write_many, 64, "mov $0x10000010, %ebx; mov $300, %ecx; 1: mov %cl, (%rbx); loop 1b;"
		      "out %al, $0xf4");
GUEST(read_mmio, 64, "mov $0x10000010, %ebx; mov (%rbx), %eax; out %al, $0xf4");

static struct kvm_coalesced_mmio_ring *ring_of(struct vcpu *vcpu)
{
	return (void *)((uint8_t *)vcpu->run + abi_cap(KVM_CAP_COALESCED_MMIO) * 4096);
}

static int zone(struct vcpu *vcpu, unsigned long request, uint64_t addr, uint32_t size, uint32_t pio)
{
	struct kvm_coalesced_mmio_zone z = {.addr = addr, .size = size, .pio = pio};

	return ioctl(vcpu->vm->fd, request, &z);
}

static struct vcpu *writer(const uint8_t *code, const uint8_t *end)
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load64(vcpu, code, end);
	return vcpu;
}

ABI_TEST("MMIO writes of every width are in the ring, in order")
{
	struct vcpu *vcpu = writer(write_mmio, write_mmio_end);
	struct kvm_coalesced_mmio_ring *ring = ring_of(vcpu);
	struct kvm_coalesced_mmio *e = ring->coalesced_mmio;

	NEED(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, HOLE_GPA, 4096, 0) == 0);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(ring->first, 0);
	EXPECT_EQ(ring->last, 3);
	EXPECT_EQ(e[0].phys_addr, HOLE_GPA + 0x10);
	EXPECT_EQ(e[0].len, 4);
	EXPECT_EQ(e[0].pio, 0);
	EXPECT_EQ(*(uint32_t *)e[0].data, 0x11223344);
	EXPECT_EQ(e[1].phys_addr, HOLE_GPA + 0x18);
	EXPECT_EQ(e[1].len, 2);
	EXPECT_EQ(*(uint16_t *)e[1].data, 0x5566);
	EXPECT_EQ(e[2].len, 8);
	EXPECT_EQ(*(uint64_t *)e[2].data, -2LL);
}

ABI_TEST("port writes are in the ring, and say that they are")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_coalesced_mmio_ring *ring = ring_of(vcpu);

	EXPECT_EQ(abi_cap(KVM_CAP_COALESCED_PIO), 1);
	vcpu_load16(vcpu, write_port, write_port_end);
	NEED(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, ZONE_PORT, 2, 1) == 0);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(ring->last, 1);
	EXPECT_EQ(ring->coalesced_mmio[0].phys_addr, ZONE_PORT);
	EXPECT_EQ(ring->coalesced_mmio[0].len, 2);
	EXPECT_EQ(ring->coalesced_mmio[0].pio, 1);
	EXPECT_EQ(*(uint16_t *)ring->coalesced_mmio[0].data, 0x1234);
}

ABI_TEST("a zone of ports is none of MMIO; beyond its end writes exit")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_load16(vcpu, write_port, write_port_end);
	NEED(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, ZONE_PORT, 2, 0) == 0);
	NEED(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, ZONE_PORT, 1, 1) == 0);
	EXPECT(vcpu_runs_to_port(vcpu, ZONE_PORT));
	EXPECT_EQ(ring_of(vcpu)->last, 0);
}

/* Stock KVM takes a ring for full at half its size when user space has consumed nothing yet. */
ABI_TEST("a full ring lets the write exit, and nothing is lost or out of order")
{
	struct vcpu *vcpu = writer(write_many, write_many_end);
	struct kvm_coalesced_mmio_ring *ring = ring_of(vcpu);
	unsigned int next = WRITES, exits = 0;

	NEED(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, HOLE_GPA, 4096, 0) == 0);
	while (!vcpu_run(vcpu)) {
		EXPECT(ring->last < ENTRIES && ring->last != ring->first);
		for (; ring->first != ring->last; ring->first = (ring->first + 1) % ENTRIES)
			EXPECT_EQ(ring->coalesced_mmio[ring->first].data[0], (uint8_t)next--);
		if (vcpu->run->exit_reason != KVM_EXIT_MMIO)
			break;
		exits++;
		EXPECT_EQ(vcpu->run->mmio.data[0], (uint8_t)next--);
	}
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
	EXPECT_EQ(next, 0);
	EXPECT(exits >= 1 && exits <= WRITES / (ENTRIES / 2 - 1));
}

ABI_TEST("an index that user space spoiled makes writes exit")
{
	struct vcpu *vcpu = writer(write_mmio, write_mmio_end);

	NEED(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, HOLE_GPA, 4096, 0) == 0);
	ring_of(vcpu)->last = 0x7fffffff;
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
}

ABI_TEST("reads exit")
{
	struct vcpu *vcpu = writer(read_mmio, read_mmio_end);

	NEED(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, HOLE_GPA, 4096, 0) == 0);
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
	EXPECT_EQ(vcpu->run->mmio.is_write, 0);
}

ABI_TEST("without the zone again, writes exit")
{
	struct vcpu *vcpu = writer(write_mmio, write_mmio_end);

	NEED(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, HOLE_GPA, 4096, 0) == 0);
	NEED(zone(vcpu, KVM_UNREGISTER_COALESCED_MMIO, HOLE_GPA, 4096, 0) == 0);
	EXPECT(vcpu_runs_to(vcpu, KVM_EXIT_MMIO));
}

ABI_TEST("a zone that never was is taken away; an address space that is none is EINVAL")
{
	struct vcpu *vcpu = writer(write_mmio, write_mmio_end);

	EXPECT_OK(zone(vcpu, KVM_UNREGISTER_COALESCED_MMIO, HOLE_GPA, 4096, 0));
	EXPECT_ERRNO(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, HOLE_GPA, 4096, 2), EINVAL);
	EXPECT_ERRNO(zone(vcpu, KVM_UNREGISTER_COALESCED_MMIO, HOLE_GPA, 4096, 2), EINVAL);
}
