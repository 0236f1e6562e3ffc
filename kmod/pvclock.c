// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvclock.c - arithmetic of the guest's time. Pure.
 *
 * Source: KVM's documentation of MSR_KVM_SYSTEM_TIME_NEW ("KVM-specific MSRs").
 */
#include "pvclock.h"

#define SECOND_NS	1000000000ULL

/**
 * vtr_tsc_scale_set() - derive the multipliers from a frequency
 * @s: filled
 * @khz: frequency, not 0
 */
void vtr_tsc_scale_set(struct vtr_tsc_scale *s, u64 khz)
{
	u64 hz = khz * 1000;

	s->ns_mul = (SECOND_NS << 32) / hz;
	/* With the shifted frequency in (1, 2] GHz the multiplier has 32 significant bits. */
	s->shift = 0;
	while (hz > 2 * SECOND_NS) {
		hz >>= 1;
		s->shift--;
	}
	while (hz <= SECOND_NS) {
		hz <<= 1;
		s->shift++;
	}
	s->mul = (SECOND_NS << 32) / hz;
}

/* What a guest that asked for another frequency does not notice: KVM's default as well. */
#define TOLERANCE_PPM	250
#define KHZ_MAX		0x7fffffff

/**
 * vtr_tsc_rate_set() - a guest's TSC frequency
 * @r: filled, unless it cannot be
 * @khz: wanted; 0: the host's
 * @host_khz: the host's, not 0
 * @form: of the ratio that the CPU scales the guest's TSC by
 *
 * Return: 0, or -EINVAL: so far from the host's that it has to be scaled, and cannot.
 */
int vtr_tsc_rate_set(struct vtr_tsc_rate *r, u64 khz, u32 host_khz, struct vtr_tsc_ratio_form form)
{
	u64 tolerance = (u64)host_khz * TOLERANCE_PPM / 1000000;

	if (!khz || (khz <= host_khz + tolerance && khz >= host_khz - tolerance)) {
		r->khz = host_khz;
		r->ratio = 0;
		return 0;
	}
	if (!form.integer || khz > KHZ_MAX || khz >> form.integer >= host_khz)
		return -EINVAL;
	r->khz = khz;
	r->ratio = mul_u64_u32_div(BIT_ULL(form.fraction), khz, host_khz) <<
		   (VTR_TSC_RATIO_BITS - form.fraction);
	return 0;
}

/**
 * vtr_tsc_sync_write() - user space, or the creation of a vCPU, writes a vCPU's TSC
 * @s: the VM's; caller's lock
 * @r: the vCPU's rate
 * @val: value written; 0: "as the others"
 * @user: by user space; else at the vCPU's creation, with 0
 * @now: host TSC at the guest's rate
 *
 * User space writes each vCPU's TSC in turn and expects them equal after. So 0 takes the offset
 * that is there, and so does a value within a second of what the others show; but not the first
 * value user space ever gives, which is one that was saved. TSCs of different rates are no
 * company.
 *
 * Return: the vCPU's new offset, guest TSC - @now.
 */
u64 vtr_tsc_sync_write(struct vtr_tsc_sync *s, const struct vtr_tsc_rate *r, u64 val, bool user, u64 now)
{
	u64 second = (u64)r->khz * 1000, offset = val - now;
	u64 ahead = offset - s->offset, apart = min_t(u64, ahead, -ahead);

	if (s->valid && s->ratio == r->ratio && (!val || (s->user_set && apart < second)))
		offset = s->offset;
	s->user_set |= user;
	s->offset = offset;
	s->ratio = r->ratio;
	s->valid = true;
	return offset;
}

/**
 * vtr_tsc_sync_offset() - user space gives a vCPU's offset itself
 * @s: the VM's; caller's lock
 * @r: the vCPU's rate
 * @offset: guest TSC - host TSC at that rate
 */
void vtr_tsc_sync_offset(struct vtr_tsc_sync *s, const struct vtr_tsc_rate *r, u64 offset)
{
	s->offset = offset;
	s->ratio = r->ratio;
	s->valid = true;
	s->user_set = true;
}
