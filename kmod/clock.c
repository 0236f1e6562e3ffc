// SPDX-License-Identifier: GPL-2.0-only
/*
 * clock.c - TSC offsets and rates, the VM clock and the kvmclock pages.
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

static struct vtr_tsc_scale vtr_scale;

/* Every VM's clock, for the host's suspend. */
static LIST_HEAD(vtr_clocks);
static DEFINE_SPINLOCK(vtr_clocks_lock);
static u64 vtr_suspend_tsc;

static int vtr_clock_suspend(VTR_SYSCORE_ARGS)
{
	vtr_suspend_tsc = rdtsc();
	return 0;
}

/*
 * The TSC may start from zero after a suspend, and the guests' time must not go back: they continue
 * where they were. User space is frozen, so no vCPU runs; interrupts are off and one CPU is up.
 */
static void vtr_clock_resume(VTR_SYSCORE_ARGS)
{
	u64 back = vtr_suspend_tsc - rdtsc();
	struct vtr_vm_clock *c;
	struct vtr_vcpu *v;
	u32 i;

	if ((s64)back <= 0)
		return;
	list_for_each_entry(c, &vtr_clocks, link) {
		struct vtr_vm *vm = container_of(c, struct vtr_vm, clock);

		c->base_tsc -= back;
		c->sync.offset += vtr_tsc_scaled(c->sync.ratio, back);
		vtr_for_each_vcpu(i, v, vm) {
			u64 guest = vtr_tsc_scaled(v->clock.rate.ratio, back);

			v->clock.tsc_offset += guest;
			v->clock.host_offset += guest;
			vtr_hw(set_tsc_offset)(v, v->clock.tsc_offset);
			vtr_request_set(v, VTR_REQ_CLOCK);
			vtr_request_set(v, VTR_REQ_TIMER);
		}
	}
}

VTR_DEFINE_SYSCORE(vtr_clock_syscore, vtr_clock_suspend, vtr_clock_resume);

/**
 * vtr_clock_init() - derive the scale from the host's TSC frequency
 *
 * Return: 0, or -ENODEV when the host does not know that frequency.
 */
int vtr_clock_init(void)
{
	if (!tsc_khz)
		return -ENODEV;
	vtr_tsc_scale_set(&vtr_scale, tsc_khz);
	vtr_syscore_register(&vtr_clock_syscore);
	return 0;
}

/**
 * vtr_clock_fini() - undo vtr_clock_init(); no VM exists
 */
void vtr_clock_fini(void)
{
	vtr_syscore_unregister(&vtr_clock_syscore);
}

/**
 * vtr_tsc_to_ns() - cycles of the host's TSC in nanoseconds
 * @cycles: any span up to centuries
 *
 * Return: nanoseconds.
 */
u64 vtr_tsc_to_ns(u64 cycles)
{
	return mul_u64_u64_shr(cycles, vtr_scale.ns_mul, 32);
}

static void vtr_clock_rebase(struct vtr_vm_clock *c, u64 ns)
{
	c->base_tsc = rdtsc();
	c->base_mono = ktime_get_ns();
	c->base_ns = ns;
}

/**
 * vtr_clock_vm_init() - a VM's clock starts at zero
 * @vm: new VM
 */
void vtr_clock_vm_init(struct vtr_vm *vm)
{
	spin_lock_init(&vm->clock.lock);
	vtr_clock_rebase(&vm->clock, 0);
	spin_lock(&vtr_clocks_lock);
	list_add(&vm->clock.link, &vtr_clocks);
	spin_unlock(&vtr_clocks_lock);
}

/**
 * vtr_clock_vm_fini() - the VM is about to go
 * @vm: dying VM, its vCPUs not yet destroyed
 */
void vtr_clock_vm_fini(struct vtr_vm *vm)
{
	spin_lock(&vtr_clocks_lock);
	list_del(&vm->clock.link);
	spin_unlock(&vtr_clocks_lock);
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

/* Returns the offset that user space's write, or the vCPU's creation, gives. */
static u64 vtr_tsc_sync(struct vtr_vcpu *v, u64 val, bool user)
{
	struct vtr_vm_clock *c = &v->vm->clock;
	const struct vtr_tsc_rate *r = &v->clock.rate;
	u64 offset;

	spin_lock(&c->lock);
	offset = vtr_tsc_sync_write(&c->sync, r, val, user, vtr_tsc_scaled(r->ratio, rdtsc()));
	v->clock.host_offset = offset;
	spin_unlock(&c->lock);
	return offset;
}

/**
 * vtr_clock_vcpu_init() - a vCPU's TSC starts at zero with the VM's first one, and with that later
 * @v: new vCPU
 */
void vtr_clock_vcpu_init(struct vtr_vcpu *v)
{
	v->clock.rate.khz = tsc_khz;
	vtr_tsc_set_offset(v, vtr_tsc_sync(v, 0, false));
}

/**
 * vtr_tsc_write() - set the guest's TSC
 * @v: by its own thread
 * @val: new value
 * @host: by user space: synchronisation rules apply; else by the guest, which moves TSC_ADJUST too
 */
void vtr_tsc_write(struct vtr_vcpu *v, u64 val, bool host)
{
	u64 offset;

	if (!host) {
		offset = val - vtr_tsc_scaled(v->clock.rate.ratio, rdtsc());
		v->clock.tsc_adjust += offset - v->clock.tsc_offset;
		vtr_tsc_set_offset(v, offset);
		return;
	}
	vtr_tsc_set_offset(v, vtr_tsc_sync(v, val, true));
	/* All pages say whether all TSCs agree. */
	vtr_vm_request(v->vm, VTR_REQ_CLOCK, false);
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

/* Caller holds the lock. */
static u64 vtr_vm_clock_ns(const struct vtr_vm_clock *c, u64 tsc)
{
	if (unlikely(check_tsc_unstable()))
		return c->base_ns + ktime_get_ns() - c->base_mono;
	return c->base_ns + vtr_pvclock_scale(&vtr_scale, tsc - c->base_tsc);
}

/* May the guest use one vCPU's page with another's TSC? Caller holds the lock. */
static bool vtr_vm_tsc_stable(struct vtr_vm *vm)
{
	struct vtr_vcpu *v;
	u32 i;

	if (check_tsc_unstable())
		return false;
	vtr_for_each_vcpu(i, v, vm)
		if (v->clock.host_offset != vm->clock.sync.offset ||
		    v->clock.rate.ratio != vm->clock.sync.ratio)
			return false;
	return true;
}

/* The page's content but for the version. */
static void vtr_clock_fill(struct vtr_vcpu *v, struct pvclock_vcpu_time_info *t)
{
	struct vtr_vm_clock *c = &v->vm->clock;
	struct vtr_tsc_scale scale;
	u64 tsc;

	vtr_tsc_scale_set(&scale, v->clock.rate.khz);
	spin_lock(&c->lock);
	/* From the same origin all pages give the same time; without a stable TSC from here and now. */
	tsc = unlikely(check_tsc_unstable()) ? rdtsc() : c->base_tsc;
	t->tsc_timestamp = vtr_guest_tsc_at(&v->clock, tsc);
	t->system_time = vtr_vm_clock_ns(c, tsc);
	t->flags = vtr_vm_tsc_stable(v->vm) ? PVCLOCK_TSC_STABLE_BIT : 0;
	spin_unlock(&c->lock);
	t->tsc_to_system_mul = scale.mul;
	t->tsc_shift = scale.shift;
	if (v->clock.stopped)
		t->flags |= PVCLOCK_GUEST_STOPPED;
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
	vtr_clock_fill(v, &t);
	t.version = v->clock.version;
	v->clock.stopped = false;
	smp_wmb();	/* version, content, version: as the guest reads them */
	vtr_gpa_write(v, gpa, &t, sizeof(t));
	smp_wmb();	/* version, content, version: as the guest reads them */
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
	u64 ns;

	v->clock.wall = val;
	if (!val || vtr_gpa_read(v, val, &version, sizeof(version)))
		return;
	version = (version | 1) + 2;
	if (vtr_gpa_write(v, val, &version, sizeof(version)))
		return;
	spin_lock(&v->vm->clock.lock);
	ns = vtr_vm_clock_ns(&v->vm->clock, rdtsc());
	spin_unlock(&v->vm->clock.lock);
	ts = ns_to_timespec64(ktime_get_real_ns() - ns);
	w.sec = ts.tv_sec;
	w.nsec = ts.tv_nsec;
	w.version = version;
	smp_wmb();	/* version, content, version: as the guest reads them */
	vtr_gpa_write(v, val, &w, sizeof(w));
	smp_wmb();	/* version, content, version: as the guest reads them */
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
	spin_lock(&vm->clock.lock);
	d->host_tsc = rdtsc();
	d->realtime = ktime_get_real_ns();
	d->clock = vtr_vm_clock_ns(&vm->clock, d->host_tsc);
	d->flags = KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC |
		   (vtr_vm_tsc_stable(vm) ? KVM_CLOCK_TSC_STABLE : 0);
	spin_unlock(&vm->clock.lock);
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
	vtr_clock_rebase(&vm->clock, ns);
	spin_unlock(&vm->clock.lock);
	vtr_vm_request(vm, VTR_REQ_CLOCK, false);
	return 0;
}

static struct vtr_tsc_ratio_form vtr_clock_ratio_form(void)
{
	return vtr_backend->tsc_ratio_form ? vtr_backend->tsc_ratio_form() :
					     (struct vtr_tsc_ratio_form){ 0, 0 };
}

/**
 * vtr_clock_scales_tsc() - may guests' TSCs run at rates of their own?
 */
bool vtr_clock_scales_tsc(void)
{
	return vtr_clock_ratio_form().integer;
}

/* Returns the offset that a new rate gives. */
static u64 vtr_tsc_join(struct vtr_vcpu *v, u64 now)
{
	struct vtr_vm_clock *c = &v->vm->clock;
	const struct vtr_tsc_rate *r = &v->clock.rate;

	spin_lock(&c->lock);
	if (c->sync.ratio != r->ratio) {
		c->sync.ratio = r->ratio;
		c->sync.offset = now - vtr_tsc_scaled(r->ratio, rdtsc());
	}
	v->clock.host_offset = c->sync.offset;
	spin_unlock(&c->lock);
	return v->clock.host_offset;
}

/**
 * vtr_clock_get_khz() - KVM_GET_TSC_KHZ
 * @v: the vCPU
 *
 * Return: the guest's TSC frequency in kHz.
 */
long vtr_clock_get_khz(struct vtr_vcpu *v)
{
	return v->clock.rate.khz;
}

/**
 * vtr_clock_set_khz() - KVM_SET_TSC_KHZ
 * @v: the vCPU
 * @khz: frequency, 0 for the host's
 *
 * The TSC goes on from where it is, or from where the others of the VM are that run at this rate.
 *
 * Return: 0, or -EINVAL where the CPU does not scale TSCs, or not so far.
 */
long vtr_clock_set_khz(struct vtr_vcpu *v, unsigned long khz)
{
	u64 now = vtr_guest_tsc(v), old = v->clock.rate.ratio;

	if (vtr_tsc_rate_set(&v->clock.rate, khz, tsc_khz, vtr_clock_ratio_form()))
		return -EINVAL;
	if (v->clock.rate.ratio == old)
		return 0;
	vtr_hw(set_tsc_ratio)(v, v->clock.rate.ratio);
	vtr_tsc_set_offset(v, vtr_tsc_join(v, now));
	vtr_vm_request(v->vm, VTR_REQ_CLOCK, false);
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
		spin_lock(&v->vm->clock.lock);
		vtr_tsc_sync_offset(&v->vm->clock.sync, &v->clock.rate, offset);
		v->clock.host_offset = offset;
		spin_unlock(&v->vm->clock.lock);
		vtr_tsc_set_offset(v, offset);
		vtr_vm_request(v->vm, VTR_REQ_CLOCK, false);
	}
	return 0;
}
