/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * balloon.h - the machine's balloon: how much the guest shall do without, and what it tells of its memory.
 */
#ifndef VMM_BALLOON_H
#define VMM_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

struct vmm;

/* "Memory Statistics Tags" */
enum {
	VMM_BALLOON_FREE = 4,
	VMM_BALLOON_TOTAL = 5,
	VMM_BALLOON_AVAILABLE = 6,
	VMM_BALLOON_TAGS = 10,
};

/**
 * struct vmm_balloon_stats - the guest's memory, as its driver tells; a guest may lie
 * @target: bytes that the guest shall do without
 * @actual: bytes that it does without
 * @round: how often it told, since its driver came
 * @known: bits of @value's elements that it told
 * @value: by the tags of the standard; bytes for those that are named above
 */
struct vmm_balloon_stats {
	uint64_t target, actual, round;
	uint32_t known;
	uint64_t value[VMM_BALLOON_TAGS];
};

int vmm_balloon_create(struct vmm *m);
void vmm_balloon_destroy(struct vmm *m);
int vmm_balloon_set(struct vmm *m, uint64_t bytes);
void vmm_balloon_stats(struct vmm *m, struct vmm_balloon_stats *stats, bool again);

#endif /* VMM_BALLOON_H */
