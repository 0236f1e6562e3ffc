// SPDX-License-Identifier: GPL-2.0-only
/*
 * reset.c - the guest resets its machine: the same process starts it again as at power-on.
 *
 * Devices are reset where they are and keep what is of the world: disks, networks, consoles. All that the hypervisor has
 * is made anew, and the memory is empty: nothing of the old system is left to the new one but its disks, and the
 * clock with its memory, which have a battery.
 */
#include <stdio.h>

#include "part.h"
#include "vmm.h"

/**
 * vmm_reset() - the guest resets its machine; any thread
 * @m: the machine
 *
 * The CPU that asks for it executes nothing any more.
 */
void vmm_reset(struct vmm *m)
{
	int none = VMM_RESTART_NONE;

	if (!m->config->restarts)
		vmm_end(m, VMM_RESET);
	else if (atomic_compare_exchange_strong(&m->restart, &none, VMM_RESTART_ASKED))
		vmm_wake(m);
}

static void reset_parts(struct vmm *m)
{
	struct vmm_part *p;

	for (p = m->parts; p; p = p->next)
		if (p->reset)
			p->reset(p->opaque);
}

static int build(struct vmm *m)
{
	vmm_hypervisor_drop(m);
	if (vmm_memory_clear(m) || vmm_hypervisor_create(m))
		return -1;
	if (m->config->owner)
		vmm_ident_tell(m, m->name);
	return vmm_power_on(m);
}

/**
 * vmm_reset_run() - start the machine again; main thread, outside of handlers
 * @m: the machine, m->restart is VMM_RESTART_ASKED
 *
 * A machine that is paused is paused afterwards, too.
 */
void vmm_reset_run(struct vmm *m)
{
	bool was_paused = atomic_load(&m->pausing);

	if (m->config->owner)
		fprintf(stderr, "the guest reset its machine: it starts again\n");
	atomic_store(&m->restart, VMM_RESTART_LEAVE);
	vmm_vcpus_stop(m);
	reset_parts(m);
	if (build(m)) {
		vmm_crash(m, "reset", "the machine could not be started again", "see the lines before this one");
		return;
	}
	atomic_store(&m->pausing, was_paused);
	atomic_store(&m->restart, VMM_RESTART_NONE);
	vmm_vcpus_start(m);
}
