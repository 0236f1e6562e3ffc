/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h - the guest's time: TSC offset, the VM's nanosecond clock, kvmclock pages.
 *
 * The VM clock is a pure function of the host's TSC, the same for every vCPU, so the pages may say
 * "stable" and all vCPUs agree to the nanosecond.
 */
#ifndef VITRINE_CLOCK_H
#define VITRINE_CLOCK_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <asm/msr.h>
#include "pvclock.h"

struct vtr_vm;
struct vtr_vcpu;

/**
 * struct vtr_vm_clock - the VM's nanosecond clock
 * @lock: the rest; innermost
 * @base_tsc: host TSC at which it was @base_ns: ns = base_ns + scale(host TSC - base_tsc)
 * @base_ns: see @base_tsc
 * @base_mono: the host's CLOCK_MONOTONIC at that moment, for hosts whose TSC cannot be trusted
 * @sync: keeps vCPUs together whose TSCs are written one by one
 * @link: in the list of all, for host suspend
 */
struct vtr_vm_clock {
	spinlock_t lock;
	u64 base_tsc;
	u64 base_ns;
	u64 base_mono;
	struct vtr_tsc_sync sync;
	struct list_head link;
};

/**
 * struct vtr_vcpu_clock - a vCPU's time; by its own thread but for @host_offset
 * @rate: how fast the guest's TSC runs
 * @tsc_offset: guest TSC - host TSC at that rate
 * @host_offset: the same as user space gave it, without the guest's own changes; vm->clock.lock
 * @tsc_adjust: MSR IA32_TSC_ADJUST
 * @area: MSR KVM_SYSTEM_TIME: address and enable bit
 * @wall: MSR KVM_WALL_CLOCK
 * @version: of the kvmclock page
 * @stopped: tell the guest that it was paused
 */
struct vtr_vcpu_clock {
	struct vtr_tsc_rate rate;
	u64 tsc_offset;
	u64 host_offset;
	u64 tsc_adjust;
	u64 area;
	u64 wall;
	u32 version;
	bool stopped;
};

int vtr_clock_init(void);
void vtr_clock_fini(void);
void vtr_clock_vm_init(struct vtr_vm *vm);
void vtr_clock_vm_fini(struct vtr_vm *vm);
void vtr_clock_vcpu_init(struct vtr_vcpu *v);
void vtr_clock_update(struct vtr_vcpu *v);
int vtr_clock_get(struct vtr_vm *vm, struct kvm_clock_data *d);
int vtr_clock_set(struct vtr_vm *vm, const struct kvm_clock_data *d);
bool vtr_clock_scales_tsc(void);
long vtr_clock_get_khz(struct vtr_vcpu *v);
long vtr_clock_set_khz(struct vtr_vcpu *v, unsigned long khz);
long vtr_clock_guest_stopped(struct vtr_vcpu *v);
long vtr_clock_attr(struct vtr_vcpu *v, unsigned int cmd, void __user *user);
void vtr_tsc_write(struct vtr_vcpu *v, u64 val, bool host);
void vtr_tsc_adjust_write(struct vtr_vcpu *v, u64 val, bool host);
int vtr_clock_set_area(struct vtr_vcpu *v, u64 val);
void vtr_clock_set_wall(struct vtr_vcpu *v, u64 val);
u64 vtr_tsc_to_ns(u64 cycles);

/* The guest's TSC when the host's is @tsc. */
static inline u64 vtr_guest_tsc_at(const struct vtr_vcpu_clock *c, u64 tsc)
{
	return vtr_tsc_scaled(c->rate.ratio, tsc) + c->tsc_offset;
}

#define vtr_guest_tsc(v)	vtr_guest_tsc_at(&(v)->clock, rdtsc())

#endif /* VITRINE_CLOCK_H */
