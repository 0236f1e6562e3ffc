/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fork.h - a running VM becomes two.
 */
#ifndef VMM_FORK_H
#define VMM_FORK_H

#include <stdbool.h>
#include <stdint.h>

#include "hub.h"
#include "snapshot/state.h"

struct vmm;

#define VMM_FORK_FDS	200
#define VMM_FORK_NICS	8

/* What a child that is a VM cannot open itself, in this order; then see struct vmm_fork. */
enum {
	VMM_FORK_STATUS,	/* pipe: "P microseconds" from the parent, how long it stood still, in all and in parts; "R microseconds" from the child, since the same moment */
	VMM_FORK_RUN,		/* the child's record */
	VMM_FORK_LOG,		/* what the child says of itself */
	VMM_FORK_LOCK,		/* the lock of the child's folder: whoever dies, it is held until the record speaks for the child */
	VMM_FORK_GROUP,		/* list of processes of its group, or anything that takes what is written */
	VMM_FORK_CONTROL,	/* sockets: control, vsock */
	VMM_FORK_VSOCK,
	VMM_FORK_HUBS,		/* the consoles' logs and sockets, see vmm_hubs_forked() */
	VMM_FORK_FIXED = VMM_FORK_HUBS + VMM_HUBS * VMM_HUB_FDS,
};

/**
 * struct vmm_fork - a fork that was asked for
 * @generation: of the snapshot that the child is to write, see save.h; empty: the child is another VM
 * @files: RAM files of the parent's snapshot
 * @name: of the child, or of the snapshot
 * @paused: the child shall not run yet
 * @limited: the child shall not run if its group cannot be entered
 * @mac: addresses of the child's network cards
 * @none: those that are not plugged in
 * @fd: descriptors: the fixed ones; a fresh layer for each writable disk of the parent; the same for the child; the plugs of the
 *      child's network cards, see vmm_net_fds(). For a snapshot see save.h.
 * @nfd: their number
 */
struct vmm_fork {
	char generation[GENERATION];
	unsigned int files;
	char name[64];
	bool paused, limited;
	uint8_t mac[VMM_FORK_NICS][6];
	bool none[VMM_FORK_NICS];
	int fd[VMM_FORK_FDS];
	unsigned int nfd;
};

const char *vmm_fork_check(const struct vmm *m, const struct vmm_fork *f);
void vmm_fork_run(struct vmm *m);
void vmm_fork_free(struct vmm_fork *f);

#endif /* VMM_FORK_H */
