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

/**
 * vtr_tsc_sync_write() - user space, or the creation of a vCPU, writes a vCPU's TSC
 * @s: the VM's; caller's lock
 * @val: value written; 0: "as the others"
 * @user: by user space; else at the vCPU's creation, with 0
 * @now: host TSC
 * @second: host cycles of one second
 *
 * User space writes each vCPU's TSC in turn and expects them equal after. So 0 takes the offset
 * that is there, and so does a value within a second of what the others show; but not the first
 * value user space ever gives, which is one that was saved.
 *
 * Return: the vCPU's new offset, guest TSC - host TSC.
 */
u64 vtr_tsc_sync_write(struct vtr_tsc_sync *s, u64 val, bool user, u64 now, u64 second)
{
	u64 offset = val - now;
	u64 ahead = offset - s->offset, apart = min_t(u64, ahead, -ahead);

	if (s->valid && (!val || (s->user_set && apart < second)))
		offset = s->offset;
	s->user_set |= user;
	s->offset = offset;
	s->valid = true;
	return offset;
}

/**
 * vtr_tsc_sync_offset() - user space gives a vCPU's offset itself
 * @s: the VM's; caller's lock
 * @offset: guest TSC - host TSC
 */
void vtr_tsc_sync_offset(struct vtr_tsc_sync *s, u64 offset)
{
	s->offset = offset;
	s->valid = true;
	s->user_set = true;
}
