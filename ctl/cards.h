/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cards.h - what the verbs of `vmctl net` share: the network cards of all VMs of a store.
 */
#ifndef VMCTL_CARDS_H
#define VMCTL_CARDS_H

#include "client.h"

/* cards.c */
json_t *cards_collect(struct store *s);

/* net_describe.c */
json_t *net_describe(const char *network);

/* One file a verb: argv[0] is the verb, the exit status comes back. */
int net_list(int argc, char **argv);
int net_info(int argc, char **argv);

#endif /* VMCTL_CARDS_H */
