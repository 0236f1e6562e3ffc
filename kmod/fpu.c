// SPDX-License-Identifier: GPL-2.0-only
/*
 * fpu.c - the guest's FPU state: its own XSAVE area, exchanged around the loaded part of the run loop.
 *
 * While a vCPU is loaded we are between fpregs_lock() and fpregs_unlock(): no context switch, no
 * softirq, and hard interrupts see from the softirq count that the registers are not theirs, so the
 * guest's can stay in them from one entry to the next. What was in them before, whosever it was (the
 * caller's, or another task's that the scheduler left there), is put back as it was, so nothing the
 * kernel believes about their owner becomes wrong, and a return to user space has nothing to reload.
 * The guest's XCR0 keeps it from components outside vtr_xcr0_mask: those need no exchange.
 */
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include "fpu.h"
#include "vitrine.h"

#define VTR_X87		BIT_ULL(0)
#define VTR_SSE		BIT_ULL(1)
#define VTR_YMM		BIT_ULL(2)
#define VTR_AVX512	GENMASK_ULL(7, 5)

/* What guests may have: AMX would need XFD, protection keys their own exchange around the entry. */
#define VTR_XCR0_MAX	(VTR_X87 | VTR_SSE | VTR_YMM | VTR_AVX512)

#define VTR_MXCSR_RESET	0x1f80
#define VTR_FCW_RESET	0x037f
#define VTR_XSAVE_LEGACY	512
#define VTR_XSAVE_HEADER	64

/**
 * struct vtr_fpu - one guest's state
 * @area: legacy region, header and components in the standard format, 64-byte aligned
 * @host: the same for what was in the registers before, while the guest's is in them
 * @raw: the allocation both are in
 */
struct vtr_fpu {
	u8 *area;
	u8 *host;
	void *raw;
};

static u64 vtr_host_xcr0, vtr_xcr0_mask, vtr_host_xss;
static u32 vtr_xsave_size = VTR_XSAVE_LEGACY;
static u32 vtr_mxcsr_mask = 0xffbf;

/* vtr_host_xcr0 is not zero: known where the code is patched, for what each turn asks. */
static __always_inline bool vtr_host_xsaves(void)
{
	return static_cpu_has(X86_FEATURE_OSXSAVE);
}

/**
 * vtr_fpu_setup() - learn the host's state components
 *
 * Context: module load.
 */
void vtr_fpu_setup(void)
{
	static u8 legacy[512] __aligned(16);
	u32 eax, ebx, ecx, edx;

	kernel_fpu_begin();
	asm volatile("fxsave64 %0" : "=m"(legacy));
	kernel_fpu_end();
	/* Zero means the mask of the first CPUs that had none. */
	if (*(u32 *)(legacy + 28))
		vtr_mxcsr_mask = *(u32 *)(legacy + 28);
	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return;
	vtr_host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	vtr_xcr0_mask = vtr_host_xcr0 & VTR_XCR0_MAX;
	/* AVX-512 comes whole or not at all, and not without AVX. */
	if ((vtr_xcr0_mask & VTR_AVX512) != VTR_AVX512 || !(vtr_xcr0_mask & VTR_YMM))
		vtr_xcr0_mask &= ~VTR_AVX512;
	cpuid_count(0xd, 0, &eax, &ebx, &ecx, &edx);
	vtr_xsave_size = ebx;
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, vtr_host_xss);
}

/**
 * vtr_fpu_has_xsave() - does the host use XSAVE?
 *
 * Return: true if guests can have it.
 */
bool vtr_fpu_has_xsave(void)
{
	return vtr_host_xcr0;
}

/**
 * vtr_fpu_user_size() - bytes of the XSAVE image that KVM_GET_XSAVE2 returns
 *
 * Return: at least 4096, the size of struct kvm_xsave.
 */
u32 vtr_fpu_user_size(void)
{
	return max_t(u32, vtr_xsave_size, sizeof(struct kvm_xsave));
}

/**
 * vtr_fpu_xcr0() - the state components guests may enable
 *
 * Return: mask of XCR0 bits, 0 without XSAVE.
 */
u64 vtr_fpu_xcr0(void)
{
	return vtr_xcr0_mask;
}

/**
 * vtr_fpu_create() - state of one vCPU, all in its initial configuration after vtr_fpu_reset()
 *
 * Return: the state or NULL.
 */
struct vtr_fpu *vtr_fpu_create(void)
{
	struct vtr_fpu *fpu = kzalloc(sizeof(*fpu), GFP_KERNEL_ACCOUNT);

	if (!fpu)
		return NULL;
	fpu->raw = kzalloc(2 * ALIGN(vtr_xsave_size, 64) + 64, GFP_KERNEL_ACCOUNT);
	if (!fpu->raw) {
		kfree(fpu);
		return NULL;
	}
	fpu->area = PTR_ALIGN(fpu->raw, 64);
	fpu->host = fpu->area + ALIGN(vtr_xsave_size, 64);
	return fpu;
}

/**
 * vtr_fpu_destroy() - free it
 * @fpu: the state
 */
void vtr_fpu_destroy(struct vtr_fpu *fpu)
{
	kfree(fpu->raw);
	kfree(fpu);
}

/* Of the host with XSAVE only: the area is shorter without. */
static u64 *vtr_xstate_bv(struct vtr_fpu *fpu)
{
	return (u64 *)(fpu->area + VTR_XSAVE_LEGACY);
}

/* Components that the area says are in their initial state hold anything: write it out. */
static void vtr_fpu_fill_initial(struct vtr_fpu *fpu)
{
	u64 bv = *vtr_xstate_bv(fpu);

	if (!(bv & VTR_X87)) {
		memset(fpu->area, 0, 24);
		*(u16 *)fpu->area = VTR_FCW_RESET;
		memset(fpu->area + 32, 0, 128);
	}
	if (!(bv & VTR_SSE))
		memset(fpu->area + 160, 0, 256);
}

static u32 *vtr_mxcsr(struct vtr_fpu *fpu)
{
	return (u32 *)(fpu->area + 24);
}

/**
 * vtr_fpu_reset() - power-up state: SDM 1 "FPU State After Reset"
 * @v: not loaded
 */
void vtr_fpu_reset(struct vtr_vcpu *v)
{
	memset(v->fpu->area, 0, vtr_xsave_size);
	*(u16 *)v->fpu->area = VTR_FCW_RESET;
	*vtr_mxcsr(v->fpu) = VTR_MXCSR_RESET;
	if (vtr_host_xcr0)
		*vtr_xstate_bv(v->fpu) = VTR_X87 | VTR_SSE;
	v->xcr0 = VTR_X87;
}

/* Registers to memory and back: the components guests may have. */
static __always_inline void vtr_fpu_save(u8 *area)
{
	if (vtr_host_xsaves())
		asm volatile("xsave64 (%0)" : : "r"(area), "a"((u32)vtr_xcr0_mask), "d"(0)
			     : "memory");
	else
		asm volatile("fxsave64 %0" : "=m"(*(u8 (*)[512])area));
}

static __always_inline void vtr_fpu_restore(const u8 *area)
{
	/* AMD leaves the last x87 pointers alone when no exception is pending: nothing may leak. */
	if (static_cpu_has_bug(X86_BUG_FXSAVE_LEAK))
		asm volatile("fnclex\n\temms\n\tfildl %0" : : "m"(*area));
	if (vtr_host_xsaves())
		asm volatile("xrstor64 (%0)" : : "r"(area), "a"((u32)vtr_xcr0_mask), "d"(0)
			     : "memory");
	else
		asm volatile("fxrstor64 %0" : : "m"(*(const u8 (*)[512])area));
}

/**
 * vtr_fpu_load() - the guest's state into the registers
 * @v: put
 *
 * Context: preemption and softirqs are off afterwards.
 */
void vtr_fpu_load(struct vtr_vcpu *v)
{
	const struct vtr_fpu *fpu = v->fpu;

	fpregs_lock();
	vtr_fpu_save(fpu->host);
	vtr_fpu_restore(fpu->area);
	if (!vtr_host_xsaves())
		return;
	if (v->xcr0 != vtr_host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, v->xcr0);
	/* A guest's XSAVES must not reach supervisor state of the host. */
	if (static_cpu_has(X86_FEATURE_XSAVES) && unlikely(vtr_host_xss))
		wrmsrl(MSR_IA32_XSS, 0);
}

/*
 * Returns what is in XCR0, with v->xcr0 up to date.
 *
 * Deviation: the manuals let XSETBV be intercepted always, but some emulated CPUs (QEMU's TCG) run it
 * unseen.
 */
static __always_inline u64 vtr_read_xcr0(struct vtr_vcpu *v)
{
	u64 now = xgetbv(XCR_XFEATURE_ENABLED_MASK);

	if (unlikely(now != v->xcr0)) {
		v->xcr0 = now & vtr_xcr0_mask;
		vtr_cpuid_refresh(v);
	}
	return now;
}

/**
 * vtr_fpu_sync_xcr0() - bring v->xcr0 up to date, where the guest's XSETBV did not exit
 * @v: by its own thread
 */
void vtr_fpu_sync_xcr0(struct vtr_vcpu *v)
{
	if (v->loaded && vtr_host_xcr0)
		vtr_read_xcr0(v);
}

/**
 * vtr_fpu_put() - the registers back into the guest's area, and what was in them before back too
 * @v: loaded
 *
 * Context: interrupts on; preemption and softirqs are on afterwards, and what softirqs wait are run.
 */
void vtr_fpu_put(struct vtr_vcpu *v)
{
	const struct vtr_fpu *fpu = v->fpu;

	if (vtr_host_xsaves()) {
		if (static_cpu_has(X86_FEATURE_XSAVES) && unlikely(vtr_host_xss))
			wrmsrl(MSR_IA32_XSS, vtr_host_xss);
		if (vtr_read_xcr0(v) != vtr_host_xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, vtr_host_xcr0);
	}
	vtr_fpu_save(fpu->area);
	vtr_fpu_restore(fpu->host);
	fpregs_unlock();
}

/**
 * vtr_fpu_get() - KVM_GET_FPU: the legacy region
 * @v: not loaded
 * @f: filled
 *
 * Return: 0.
 */
int vtr_fpu_get(struct vtr_vcpu *v, struct kvm_fpu *f)
{
	const u8 *a = v->fpu->area;

	memset(f, 0, sizeof(*f));
	f->fcw = *(u16 *)a;
	f->fsw = *(u16 *)(a + 2);
	f->ftwx = a[4];
	f->last_opcode = *(u16 *)(a + 6);
	f->last_ip = *(u64 *)(a + 8);
	f->last_dp = *(u64 *)(a + 16);
	f->mxcsr = *vtr_mxcsr(v->fpu);
	memcpy(f->fpr, a + 32, sizeof(f->fpr));
	memcpy(f->xmm, a + 160, sizeof(f->xmm));
	return 0;
}

/**
 * vtr_fpu_set() - KVM_SET_FPU
 * @v: not loaded
 * @f: the state
 *
 * Return: 0, or -EINVAL for reserved bits of MXCSR.
 */
int vtr_fpu_set(struct vtr_vcpu *v, const struct kvm_fpu *f)
{
	u8 *a = v->fpu->area;

	if (f->mxcsr & ~vtr_mxcsr_mask)
		return -EINVAL;
	*(u16 *)a = f->fcw;
	*(u16 *)(a + 2) = f->fsw;
	a[4] = f->ftwx;
	*(u16 *)(a + 6) = f->last_opcode;
	*(u64 *)(a + 8) = f->last_ip;
	*(u64 *)(a + 16) = f->last_dp;
	*vtr_mxcsr(v->fpu) = f->mxcsr;
	memcpy(a + 32, f->fpr, sizeof(f->fpr));
	memcpy(a + 160, f->xmm, sizeof(f->xmm));
	if (vtr_host_xcr0)
		*vtr_xstate_bv(v->fpu) |= VTR_X87 | VTR_SSE;
	return 0;
}

/**
 * vtr_fpu_get_xsave() - KVM_GET_XSAVE and XSAVE2: the image in the host's standard layout
 * @v: not loaded
 * @area: zeroed room
 * @size: of it
 *
 * Return: 0.
 */
int vtr_fpu_get_xsave(struct vtr_vcpu *v, void *area, u32 size)
{
	memcpy(area, v->fpu->area, min(size, vtr_xsave_size));
	return 0;
}

static bool vtr_xsave_valid(const u8 *area)
{
	const u64 *header = (const u64 *)(area + VTR_XSAVE_LEGACY);
	int i;

	/* Compacted format, unknown components, reserved header bytes: XRSTOR would fault. */
	if (header[0] & ~vtr_xcr0_mask)
		return false;
	for (i = 1; i < VTR_XSAVE_HEADER / 8; i++)
		if (header[i])
			return false;
	return !(*(const u32 *)(area + 24) & ~vtr_mxcsr_mask);
}

/**
 * vtr_fpu_set_xsave() - KVM_SET_XSAVE
 * @v: not loaded
 * @area: image in the host's standard layout
 * @size: of it, vtr_fpu_user_size()
 *
 * Return: 0, or -EINVAL for an image XRSTOR would refuse; nothing changed then.
 */
int vtr_fpu_set_xsave(struct vtr_vcpu *v, const void *area, u32 size)
{
	if (!vtr_xsave_valid(area))
		return -EINVAL;
	memcpy(v->fpu->area, area, min(size, vtr_xsave_size));
	if (vtr_host_xcr0)
		vtr_fpu_fill_initial(v->fpu);
	return 0;
}

/**
 * vtr_fpu_get_xcrs() - KVM_GET_XCRS
 * @v: not loaded
 * @x: filled
 *
 * Return: 0, or -EINVAL without XSAVE.
 */
int vtr_fpu_get_xcrs(struct vtr_vcpu *v, struct kvm_xcrs *x)
{
	if (!vtr_host_xcr0)
		return -EINVAL;
	memset(x, 0, sizeof(*x));
	x->nr_xcrs = 1;
	x->xcrs[0].value = v->xcr0;
	return 0;
}

/**
 * vtr_fpu_xsetbv() - the guest writes an extended control register
 * @v: not running
 * @index: its number
 * @val: new value
 *
 * Return: 0, or -EINVAL: #GP(0). Source: SDM 1 "Enabling the XSAVE Feature Set and XSAVE-Enabled
 * Features".
 */
int vtr_fpu_xsetbv(struct vtr_vcpu *v, u32 index, u64 val)
{
	if (!vtr_host_xcr0 || index || !(val & VTR_X87) || val & ~(v->cpuid.xcr0_allowed | VTR_X87))
		return -EINVAL;
	if (val & VTR_YMM && !(val & VTR_SSE))
		return -EINVAL;
	if (val & VTR_AVX512 && ((val & VTR_AVX512) != VTR_AVX512 || !(val & VTR_YMM)))
		return -EINVAL;
	v->xcr0 = val;
	if (v->loaded)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, val);
	vtr_cpuid_refresh(v);
	return 0;
}

/**
 * vtr_fpu_set_xcrs() - KVM_SET_XCRS
 * @v: not loaded
 * @x: the registers; only XCR0 is known
 *
 * Return: 0, or -EINVAL.
 */
int vtr_fpu_set_xcrs(struct vtr_vcpu *v, const struct kvm_xcrs *x)
{
	u32 i;

	if (!vtr_host_xcr0 || x->flags || x->nr_xcrs > KVM_MAX_XCRS)
		return -EINVAL;
	for (i = 0; i < x->nr_xcrs; i++)
		if (x->xcrs[i].xcr == 0)
			return vtr_fpu_xsetbv(v, 0, x->xcrs[i].value);
	return 0;
}

/**
 * vtr_fpu_xmm() - where an XMM register of the guest is, for the emulator
 * @v: not loaded
 * @nr: 0..15
 *
 * The caller may read and write it; the component is marked in use.
 *
 * Return: 16 bytes.
 */
void *vtr_fpu_xmm(struct vtr_vcpu *v, unsigned int nr)
{
	if (vtr_host_xcr0)
		*vtr_xstate_bv(v->fpu) |= VTR_SSE;
	return v->fpu->area + 160 + 16 * (nr & 15);
}
