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

/**
 * struct vtr_tsc_sync - what keeps TSCs together that user space writes one by one
 * @offset: given by the last write: guest TSC - host TSC
 * @valid: there was a write, be it vCPU creation
 * @user_set: there was one by user space
 */
struct vtr_tsc_sync {
	u64 offset;
	bool valid;
	bool user_set;
};

void vtr_tsc_scale_set(struct vtr_tsc_scale *s, u64 khz);
u64 vtr_tsc_sync_write(struct vtr_tsc_sync *s, u64 val, bool user, u64 now, u64 second);
void vtr_tsc_sync_offset(struct vtr_tsc_sync *s, u64 offset);

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
