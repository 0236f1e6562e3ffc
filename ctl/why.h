/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * why.h - the story of a VM that stopped or misbehaves: what is known, what follows from it, how it is told.
 */
#ifndef VMCTL_WHY_H
#define VMCTL_WHY_H

#include <stdbool.h>

#include "seen.h"
#include "telemetry/hw.h"
#include "why_chain.h"

#define WHY_EVENTS	12	/* the last so many are told */
#define WHY_FINDINGS	16
#define WHY_CONSOLE	4096	/* bytes of its end that are looked at */

/**
 * struct why - what is known of a VM
 * @name: as the user gave it
 * @in_store: vmctl keeps it: @state and @reason are there
 * @state: in the store
 * @reason: how it ended, in the words of its process
 * @killed: its process ended without a word
 * @oom_kills: times that the kernel ended a process of it for its memory limit
 * @vmx: the host's CPU is of Intel's kind
 * @events: the last, oldest first
 * @nevents: their number
 * @failure: the last failure
 * @failed: there is one
 * @chain: with a triple fault whose registers are there; else empty
 * @old: sample
 * @new: sample a moment later, or NULL
 * @vm: in @new, or NULL if it is not on the module now
 * @console: the end of what the guest said, or NULL
 * @findings: what is wrong, a sentence each
 * @hints: what to try about it, or empty
 * @nfindings: their number
 */
struct why {
	const char *name;
	bool in_store, vmx, failed, killed;
	uint64_t oom_kills;
	char state[32], reason[300];
	struct event events[WHY_EVENTS], failure;
	struct why_chain chain;
	unsigned int nevents;
	struct tel_sample *old, *new;
	const struct tel_vm *vm;
	char *console;
	char findings[WHY_FINDINGS][300];
	const char *hints[WHY_FINDINGS];
	unsigned int nfindings;
};

/* why_find.c */
void why_find(struct why *w);

/* why_text.c */
void why_text(const struct why *w);

#endif /* VMCTL_WHY_H */
