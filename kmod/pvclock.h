/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pvclock.h - arithmetic of the guest's time: cycles to nanoseconds, and which TSC offset a write of
 * user space gives.
 *
 * Pure. Pages, MSRs and locks are clock.c's.
 */
#ifndef VITRINE_PVCLOCK_H
#define VITRINE_PVCLOCK_H

#include "pure.h"

/**
 * struct vtr_tsc_scale - a TSC frequency as multipliers
 * @mul: of the kvmclock page: ns = (cycles << shift, or >> -shift) * mul >> 32
 * @shift: of the kvmclock page
 * @ns_mul: ns = cycles * ns_mul >> 32, for spans
 */
struct vtr_tsc_scale {
	u32 mul;
	s8 shift;
	u64 ns_mul;
};

#define VTR_TSC_RATIO_BITS	48

/**
 * struct vtr_tsc_ratio_form - how a CPU holds the ratio of two frequencies
 * @integer: bits before the point; 0: it does not scale TSCs
 * @fraction: bits behind it, at most VTR_TSC_RATIO_BITS
 */
struct vtr_tsc_ratio_form {
	u8 integer, fraction;
};

/**
 * struct vtr_tsc_rate - how fast a guest's TSC runs
 * @khz: its frequency
 * @ratio: that by the host's, VTR_TSC_RATIO_BITS of it fraction, of which those that the CPU does not
 *	hold are 0; 0: they are the same
 */
struct vtr_tsc_rate {
	u32 khz;
	u64 ratio;
};

/**
 * struct vtr_tsc_sync - what keeps TSCs together that user space writes one by one
 * @offset: given by the last write: guest TSC - host TSC at the guest's rate
 * @ratio: that rate, as in struct vtr_tsc_rate: others do not join
 * @valid: there was a write, be it vCPU creation
 * @user_set: there was one by user space
 */
struct vtr_tsc_sync {
	u64 offset;
	u64 ratio;
	bool valid;
	bool user_set;
};

void vtr_tsc_scale_set(struct vtr_tsc_scale *s, u64 khz);
int vtr_tsc_rate_set(struct vtr_tsc_rate *r, u64 khz, u32 host_khz,
		     struct vtr_tsc_ratio_form form);
u64 vtr_tsc_sync_write(struct vtr_tsc_sync *s, const struct vtr_tsc_rate *r, u64 val, bool user, u64 now);
void vtr_tsc_sync_offset(struct vtr_tsc_sync *s, const struct vtr_tsc_rate *r, u64 offset);

/* Cycles of the host's TSC in such of the guest's. */
static inline u64 vtr_tsc_scaled(u64 ratio, u64 cycles)
{
	return likely(!ratio) ? cycles : mul_u64_u64_shr(cycles, ratio, VTR_TSC_RATIO_BITS);
}

/* And back; for spans whose result fits. */
static inline u64 vtr_tsc_unscaled(const struct vtr_tsc_rate *r, u64 cycles, u32 host_khz)
{
	return likely(!r->ratio) ? cycles : mul_u64_u32_div(cycles, host_khz, r->khz);
}

/**
 * vtr_pvclock_scale() - cycles to nanoseconds by the page's own arithmetic, as the guest does it
 * @s: scale
 * @cycles: span
 *
 * Return: nanoseconds.
 */
static inline u64 vtr_pvclock_scale(const struct vtr_tsc_scale *s, u64 cycles)
{
	if (s->shift < 0)
		cycles >>= -s->shift;
	else
		cycles <<= s->shift;
	return mul_u64_u64_shr(cycles, s->mul, 32);
}

#endif /* VITRINE_PVCLOCK_H */
