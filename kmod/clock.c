// SPDX-License-Identifier: GPL-2.0-only
/*
 * clock.c - TSC offsets, the VM clock and the kvmclock pages.
 *
 * Source: KVM's documentation of MSR_KVM_SYSTEM_TIME_NEW ("KVM-specific MSRs"), KVM api.rst KVM_GET_CLOCK.
 */
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/msr-index.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>
#include "backend.h"
#include "guestmem.h"

/* ns = cycles * vtr_mul >> 32, after << vtr_shift or >> -vtr_shift: the page's own arithmetic. */
static u32 vtr_mul;
static s8 vtr_shift;

/* For long spans: ns = cycles * vtr_ns_mul >> 32 with 64 bits of headroom. */
static u64 vtr_ns_mul;

/**
 * vtr_clock_init() - derive the scale from the host's TSC frequency
 *
 * Return: 0, or -ENODEV when the host does not know that frequency.
 */
int vtr_clock_init(void)
{
	u64 hz = (u64)tsc_khz * 1000, tps;

	if (!tsc_khz)
		return -ENODEV;
	vtr_ns_mul = div64_u64((u64)NSEC_PER_SEC << 32, hz);
	/* Bring the frequency into [1, 2) GHz terms so that the multiplier has 32 good bits. */
	tps = hz;
	vtr_shift = 0;
	while (tps > 2 * (u64)NSEC_PER_SEC) {
		tps >>= 1;
		vtr_shift--;
	}
	while (tps <= NSEC_PER_SEC) {
		tps <<= 1;
		vtr_shift++;
	}
	vtr_mul = div64_u64((u64)NSEC_PER_SEC << 32, tps);
	return 0;
}

/**
 * vtr_clock_fini() - nothing is held
 */
void vtr_clock_fini(void)
{
}

/**
 * vtr_tsc_to_ns() - cycles of the host's TSC in nanoseconds
 * @cycles: any span up to centuries
 *
 * Return: nanoseconds.
 */
u64 vtr_tsc_to_ns(u64 cycles)
{
	return mul_u64_u64_shr(cycles, vtr_ns_mul, 32);
}

/* The page's arithmetic, so that kernel and guest agree exactly. */
static u64 vtr_scale(u64 delta)
{
	if (vtr_shift < 0)
		delta >>= -vtr_shift;
	else
		delta <<= vtr_shift;
	return mul_u64_u64_shr(delta, vtr_mul, 32);
}

/**
 * vtr_clock_vm_init() - a VM's clock starts at zero
 * @vm: new VM
 */
void vtr_clock_vm_init(struct vtr_vm *vm)
{
	spin_lock_init(&vm->clock.lock);
	vm->clock.base_tsc = rdtsc();
	vm->clock.base_ns = 0;
}

/**
 * vtr_clock_vcpu_init() - a vCPU's TSC starts at zero with the VM's first one, and with that later
 * @v: new vCPU
 */
void vtr_clock_vcpu_init(struct vtr_vcpu *v)
{
	vtr_tsc_write(v, 0, true);
}

static void vtr_tsc_set_offset(struct vtr_vcpu *v, u64 offset)
{
	v->clock.tsc_offset = offset;
	vtr_hw(set_tsc_offset)(v, offset);
	if (v->apic)
		vtr_apic_tsc_changed(v);
	if (v->clock.area & 1)
		vtr_request_set(v, VTR_REQ_CLOCK);
}

/*
 * User space writes each vCPU's TSC in turn and expects them equal after: a write of zero, or of what
 * the others show within a second, means "as the others".
 */
static u64 vtr_tsc_host_offset(struct vtr_vm *vm, u64 val)
{
	struct vtr_vm_clock *c = &vm->clock;
	u64 now = rdtsc(), offset = val - now, second = (u64)tsc_khz * 1000;
	u64 apart;

	spin_lock(&c->lock);
	if (c->tsc_set) {
		apart = offset - c->tsc_offset;
		if ((s64)apart < 0)
			apart = -apart;
		if ((val == 0 && now - c->tsc_written < second) || (val && apart < second))
			offset = c->tsc_offset;
	}
	c->tsc_offset = offset;
	c->tsc_written = now;
	c->tsc_set = true;
	spin_unlock(&c->lock);
	return offset;
}

/**
 * vtr_tsc_write() - set the guest's TSC
 * @v: by its own thread, or not yet visible
 * @val: new value
 * @host: by user space: synchronisation rules apply; else by the guest, which moves TSC_ADJUST too
 */
void vtr_tsc_write(struct vtr_vcpu *v, u64 val, bool host)
{
	u64 offset;

	if (host) {
		offset = vtr_tsc_host_offset(v->vm, val);
	} else {
		offset = val - rdtsc();
		v->clock.tsc_adjust += offset - v->clock.tsc_offset;
	}
	vtr_tsc_set_offset(v, offset);
}

/**
 * vtr_tsc_adjust_write() - MSR IA32_TSC_ADJUST
 * @v: by its own thread
 * @val: new value
 * @host: user space restores the value; only the guest's write moves the TSC
 *
 * Source: SDM 3B "Time-Stamp Counter Adjustment".
 */
void vtr_tsc_adjust_write(struct vtr_vcpu *v, u64 val, bool host)
{
	u64 delta = val - v->clock.tsc_adjust;

	v->clock.tsc_adjust = val;
	if (!host)
		vtr_tsc_set_offset(v, v->clock.tsc_offset + delta);
}

static u64 vtr_vm_clock_ns(struct vtr_vm *vm, u64 tsc)
{
	u64 ns;

	spin_lock(&vm->clock.lock);
	ns = vm->clock.base_ns + vtr_scale(tsc - vm->clock.base_tsc);
	spin_unlock(&vm->clock.lock);
	return ns;
}

/**
 * vtr_clock_update() - write the vCPU's kvmclock page
 * @v: by its own thread, put, v->slots loaded
 *
 * The version is odd while the page is written (the guest's reader retries), even and new after.
 */
void vtr_clock_update(struct vtr_vcpu *v)
{
	struct pvclock_vcpu_time_info t = {};
	gpa_t gpa = v->clock.area & ~1ULL;

	if (!(v->clock.area & 1))
		return;
	v->clock.version = (v->clock.version | 1) + 2;
	if (vtr_gpa_write(v, gpa, &v->clock.version, sizeof(t.version)))
		return;
	spin_lock(&v->vm->clock.lock);
	t.tsc_timestamp = v->vm->clock.base_tsc + v->clock.tsc_offset;
	t.system_time = v->vm->clock.base_ns;
	spin_unlock(&v->vm->clock.lock);
	t.version = v->clock.version;
	t.tsc_to_system_mul = vtr_mul;
	t.tsc_shift = vtr_shift;
	t.flags = (check_tsc_unstable() ? 0 : PVCLOCK_TSC_STABLE_BIT) |
		  (v->clock.stopped ? PVCLOCK_GUEST_STOPPED : 0);
	v->clock.stopped = false;
	smp_wmb();
	vtr_gpa_write(v, gpa, &t, sizeof(t));
	smp_wmb();
	v->clock.version++;
	vtr_gpa_write(v, gpa, &v->clock.version, sizeof(t.version));
}

/**
 * vtr_clock_set_area() - MSR KVM_SYSTEM_TIME
 * @v: by its own thread
 * @val: guest-physical address, bit 0 enables
 *
 * Return: 0.
 */
int vtr_clock_set_area(struct vtr_vcpu *v, u64 val)
{
	v->clock.area = val;
	if (val & 1)
		vtr_request_set(v, VTR_REQ_CLOCK);
	return 0;
}

/**
 * vtr_clock_set_wall() - MSR KVM_WALL_CLOCK: write the time of day at which the VM clock was zero
 * @v: by its own thread, v->slots loaded
 * @val: guest-physical address
 */
void vtr_clock_set_wall(struct vtr_vcpu *v, u64 val)
{
	struct pvclock_wall_clock w = {};
	struct timespec64 ts;
	u32 version;

	v->clock.wall = val;
	if (!val || vtr_gpa_read(v, val, &version, sizeof(version)))
		return;
	version = (version | 1) + 2;
	if (vtr_gpa_write(v, val, &version, sizeof(version)))
		return;
	ts = ns_to_timespec64(ktime_get_real_ns() - vtr_vm_clock_ns(v->vm, rdtsc()));
	w.sec = ts.tv_sec;
	w.nsec = ts.tv_nsec;
	w.version = version;
	smp_wmb();
	vtr_gpa_write(v, val, &w, sizeof(w));
	smp_wmb();
	version++;
	vtr_gpa_write(v, val, &version, sizeof(version));
}

/**
 * vtr_clock_get() - KVM_GET_CLOCK
 * @vm: the VM
 * @d: filled: the VM clock, the host's time of day and TSC at the same moment
 *
 * Return: 0.
 */
int vtr_clock_get(struct vtr_vm *vm, struct kvm_clock_data *d)
{
	memset(d, 0, sizeof(*d));
	d->host_tsc = rdtsc();
	d->realtime = ktime_get_real_ns();
	d->clock = vtr_vm_clock_ns(vm, d->host_tsc);
	d->flags = KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC |
		   (check_tsc_unstable() ? 0 : KVM_CLOCK_TSC_STABLE);
	return 0;
}

/**
 * vtr_clock_set() - KVM_SET_CLOCK
 * @vm: the VM
 * @d: the clock; with KVM_CLOCK_REALTIME it goes on from the time of day at which it was taken
 *
 * Return: 0, or -EINVAL for unknown flags.
 */
int vtr_clock_set(struct vtr_vm *vm, const struct kvm_clock_data *d)
{
	const u32 known = KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC | KVM_CLOCK_TSC_STABLE;
	u64 ns = d->clock, real;

	if (d->flags & ~known)
		return -EINVAL;
	if (d->flags & KVM_CLOCK_REALTIME) {
		real = ktime_get_real_ns();
		if (real > d->realtime)
			ns += real - d->realtime;
	}
	spin_lock(&vm->clock.lock);
	vm->clock.base_tsc = rdtsc();
	vm->clock.base_ns = ns;
	spin_unlock(&vm->clock.lock);
	vtr_vm_request(vm, VTR_REQ_CLOCK, false);
	return 0;
}

/**
 * vtr_clock_get_khz() - KVM_GET_TSC_KHZ
 * @v: the vCPU
 *
 * Return: the guest's TSC frequency in kHz, the host's.
 */
long vtr_clock_get_khz(struct vtr_vcpu *v)
{
	return tsc_khz;
}

/**
 * vtr_clock_set_khz() - KVM_SET_TSC_KHZ
 * @v: the vCPU
 * @khz: frequency, 0 for the host's
 *
 * Return: 0 for the host's frequency within 250 ppm, else -EINVAL: the TSC is not scaled.
 */
long vtr_clock_set_khz(struct vtr_vcpu *v, unsigned long khz)
{
	u64 tolerance = (u64)tsc_khz * 250 / 1000000;

	if (khz && (khz > tsc_khz + tolerance || khz < tsc_khz - tolerance))
		return -EINVAL;
	return 0;
}

/**
 * vtr_clock_guest_stopped() - KVM_KVMCLOCK_CTRL: the guest was paused, its watchdogs shall know
 * @v: the vCPU
 *
 * Return: 0, or -EINVAL when the guest has no kvmclock page.
 */
long vtr_clock_guest_stopped(struct vtr_vcpu *v)
{
	if (!(v->clock.area & 1))
		return -EINVAL;
	v->clock.stopped = true;
	vtr_request_set(v, VTR_REQ_CLOCK);
	return 0;
}

/**
 * vtr_clock_attr() - the vCPU's device attribute group KVM_VCPU_TSC_CTRL
 * @v: the vCPU
 * @cmd: KVM_HAS_, KVM_GET_ or KVM_SET_DEVICE_ATTR
 * @user: struct kvm_device_attr
 *
 * Return: 0; -ENXIO for another group or attribute; -EFAULT.
 */
long vtr_clock_attr(struct vtr_vcpu *v, unsigned int cmd, void __user *user)
{
	struct kvm_device_attr a;
	u64 __user *p;
	u64 offset;

	if (copy_from_user(&a, user, sizeof(a)))
		return -EFAULT;
	if (a.group != KVM_VCPU_TSC_CTRL || a.attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	p = (u64 __user *)(unsigned long)a.addr;
	if (cmd == KVM_GET_DEVICE_ATTR)
		return put_user(v->clock.tsc_offset, p) ? -EFAULT : 0;
	if (cmd == KVM_SET_DEVICE_ATTR) {
		if (get_user(offset, p))
			return -EFAULT;
		vtr_tsc_set_offset(v, offset);
	}
	return 0;
}
