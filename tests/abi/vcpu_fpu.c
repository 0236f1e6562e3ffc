// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPU, XSAVE and XCR0 state.
 */
#include "abi.h"

GUEST(swap_xmm, 64,
      "movq %xmm0, %rax; mov $0x1111, %ebx; movq %rbx, %xmm0; out %al, $0x80\n"
      "movq %xmm0, %rax; out %al, $0xf4");
GUEST(other_xmm, 64,
      "mov $0x2222, %ebx; movq %rbx, %xmm0; out %al, $0x80; movq %xmm0, %rax; out %al, $0xf4");

/*
 * Before the guest's first SSE instruction stock KVM drops what KVM_SET_FPU wrote to XMM, and it
 * never fills mxcsr.
 */
ABI_TEST("KVM_SET_FPU reaches the guest and comes back")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_fpu fpu;

	vcpu_load64(vcpu, swap_xmm, swap_xmm_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_FPU, &fpu));
	EXPECT_EQ(fpu.xmm[0][0] | fpu.xmm[0][1] << 8, 0x1111);
	memcpy(fpu.xmm[0], "\xef\xbe\xad\xde\0\0\0\0", 8);
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_FPU, &fpu));
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rax, 0xdeadbeef);
}

ABI_TEST("two vCPUs on one thread keep their own registers")
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *first = vcpu_create(vm, 0), *second;
	struct vm *other = vm_create(VM_IRQCHIP);

	second = vcpu_create(other, 0);
	vcpu_load64(first, swap_xmm, swap_xmm_end);
	vcpu_load64(second, other_xmm, other_xmm_end);
	NEED(vcpu_runs_to_port(first, 0x80));
	NEED(vcpu_runs_to_port(second, 0x80));
	NEED(vcpu_done(first));
	EXPECT_EQ(vcpu_regs(first).rax, 0x1111);
	NEED(vcpu_done(second));
	EXPECT_EQ(vcpu_regs(second).rax, 0x2222);
}

ABI_TEST("the thread's own registers survive KVM_RUN")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	uint64_t before = 0x7777, after;
	long result;

	vcpu_load64(vcpu, swap_xmm, swap_xmm_end);
	__asm__ volatile("movq %[before], %%xmm0; syscall; movq %%xmm0, %[after]"
			 : "=a"(result), [after] "=r"(after)
			 : "a"(16L), "D"((long)vcpu->fd), "S"((long)KVM_RUN), "d"(0L),
			   [before] "r"(before)
			 : "rcx", "r11", "xmm0", "memory");
	EXPECT_EQ(result, 0);
	EXPECT_EQ(after, before);
	EXPECT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
}

ABI_TEST("KVM_GET_XSAVE and KVM_SET_XSAVE round trip, in the standard format")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_xsave set, got;

	vcpu_load64(vcpu, swap_xmm, swap_xmm_end);
	NEED(vcpu_runs_to_port(vcpu, 0x80));
	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_XSAVE, &set));
	EXPECT_EQ(set.region[160 / 4], 0x1111);
	EXPECT_EQ(set.region[524 / 4] >> 31, 0); /* XCOMP_BV: not compacted */
	set.region[160 / 4] = 0x3333;
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_XSAVE, &set));
	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_XSAVE, &got));
	EXPECT_EQ(got.region[160 / 4], 0x3333);
	NEED(vcpu_done(vcpu));
	EXPECT_EQ(vcpu_regs(vcpu).rax, 0x3333);
}

ABI_TEST("a component that does not exist and a reserved MXCSR bit are EINVAL")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_xsave xsave;

	NEED(ioctl(vcpu->fd, KVM_GET_XSAVE, &xsave) == 0);
	xsave.region[516 / 4] |= 1U << 30; /* XSTATE_BV bit 62 */
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_XSAVE, &xsave), EINVAL);
	NEED(ioctl(vcpu->fd, KVM_GET_XSAVE, &xsave) == 0);
	xsave.region[512 / 4] |= 3;
	xsave.region[24 / 4] = 0xffff0000;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_XSAVE, &xsave), EINVAL);
}

ABI_TEST("XCR0 comes back as it was set; illegal ones are EINVAL")
{
	struct vcpu *vcpu = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_xcrs xcrs = {0};

	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_XCRS, &xcrs));
	EXPECT_EQ(xcrs.nr_xcrs, 1);
	EXPECT_EQ(xcrs.xcrs[0].xcr, 0);
	EXPECT_EQ(xcrs.xcrs[0].value, 1);
	xcrs.xcrs[0].value = 3;
	EXPECT_OK(ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs));
	EXPECT_OK(ioctl(vcpu->fd, KVM_GET_XCRS, &xcrs));
	EXPECT_EQ(xcrs.xcrs[0].value, 3);
	xcrs.xcrs[0].value = 2; /* no x87 */
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs), EINVAL);
	xcrs.xcrs[0].value = 3 | 1ULL << 62;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs), EINVAL);
	xcrs.flags = 1;
	EXPECT_ERRNO(ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs), EINVAL);
}
