/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notifier.h - what notifier.c keeps of a process. For that file, and the tests that ask as the host does.
 */
#ifndef VITRINE_NOTIFIER_H
#define VITRINE_NOTIFIER_H

#include <linux/mmu_notifier.h>
#include "vitrine.h"

/**
 * struct vtr_mm - one process
 * @mn: the subscription; counted by mmu_notifier_get/put
 * @lock: guards @vms and @active; outside mmu.lock
 * @vms: its VMs
 * @active: invalidations under way, for a VM that is added meanwhile
 * @start: first address of their hull
 * @end: first address after it
 */
struct vtr_mm {
	struct mmu_notifier mn;
	spinlock_t lock;
	struct list_head vms;
	long active;
	hva_t start, end;
};

#endif /* VITRINE_NOTIFIER_H */
