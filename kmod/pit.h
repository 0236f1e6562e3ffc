/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pit.h - the 8254 interval timer as a register machine, with the gate and speaker bits of port 0x61.
 *
 * Counters are not stepped: what a channel shows is worked out from the time it was loaded. The host
 * timer behind channel 0 and the reinjection of lost ticks are pitdev.c's. All calls under its lock.
 */
#ifndef VITRINE_PIT_H
#define VITRINE_PIT_H

#include "pure.h"

#define VTR_PIT_HZ	1193182

/**
 * struct vtr_pit_channel - one counter; fields and order are those of struct kvm_pit_channel_state
 * @count: ticks of a full count, 1..65536
 * @latched_count: by the latch command
 * @count_latched: 0, or the read state at which the latched value began to be read
 * @status_latched: @status is to be read next
 * @status: by the read-back command
 * @read_state: which byte is read next
 * @write_state: which byte is written next
 * @write_latch: low byte of a 16-bit write under way
 * @rw_mode: bytes to access, as in the control word
 * @mode: 0..5, 0xff before the first control word
 * @bcd: counts in decimal
 * @gate: gate input
 * @count_load_time: CLOCK_MONOTONIC ns at which the count began
 */
struct vtr_pit_channel {
	u32 count;
	u16 latched_count;
	u8 count_latched;
	u8 status_latched;
	u8 status;
	u8 read_state;
	u8 write_state;
	u8 write_latch;
	u8 rw_mode;
	u8 mode;
	u8 bcd;
	u8 gate;
	s64 count_load_time;
};

struct vtr_pit_state {
	struct vtr_pit_channel channel[3];
	bool speaker_on;
};

void vtr_pit_state_reset(struct vtr_pit_state *p, u64 now_ns);
bool vtr_pit_state_write(struct vtr_pit_state *p, u32 reg, u8 val, u64 now_ns);
u8 vtr_pit_state_read(struct vtr_pit_state *p, u32 reg, u64 now_ns);
u8 vtr_pit_speaker_read(const struct vtr_pit_state *p, u64 now_ns);
void vtr_pit_speaker_write(struct vtr_pit_state *p, u8 val, u64 now_ns);
u64 vtr_pit_interval_ns(const struct vtr_pit_state *p, bool *periodic);
int vtr_pit_state_restore(struct vtr_pit_state *p, const struct vtr_pit_channel *channels,
			  bool speaker_on);

#endif /* VITRINE_PIT_H */
