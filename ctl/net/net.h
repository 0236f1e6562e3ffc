/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * net.h - where a guest's network card is plugged in.
 *
 * Files: net.c opens what a configuration names, user.c is a private network through passt, tap.c an interface,
 * switch.c a Linux bridge made on demand, netlink.c the kernel's side of it.
 *
 * All is opened before the VM process is shut in; afterwards only descriptors are used.
 */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stddef.h>

#define NET_PAIRS	4	/* queues in each direction */
#define NET_NAME	16	/* an interface's name, with its end */

/**
 * struct net_link - an open plug
 * @fd: descriptors, non-blocking, one for each pair of queues
 * @pairs: how many
 * @keep: one more descriptor that lives as long as the VM, or -1
 * @header: frames carry a struct virtio_net_hdr_v1, and offloads work; else they are a stream with lengths, as passt
 *          speaks it
 * @none: the card is not plugged in anywhere; its link is down
 */
struct net_link {
	int fd[NET_PAIRS];
	unsigned int pairs;
	int keep;
	bool header, none;
};

/* net.c */
int net_open(struct net_link *l, const char *network, unsigned int pairs);
void net_close(struct net_link *l);

/* user.c */
bool net_user_installed(void);
int net_user_open(struct net_link *l);

/* tap.c */
int net_tap_plug(struct net_link *l, char name[NET_NAME], unsigned int pairs);
int net_tap_open(struct net_link *l, char name[NET_NAME], unsigned int pairs);
int net_tap_offload(const struct net_link *l, bool checksum, bool tso4, bool tso6);
int net_tap_enable(const struct net_link *l, unsigned int pair, bool on);

/* switch.c */
int net_switch_open(struct net_link *l, const char *name, unsigned int vlan, unsigned int pairs);
void net_switch_bridge(char bridge[NET_NAME], const char *name);
const char *net_switch_name(const char *interface);
void net_switch_collect(void);

/* netlink.c: 0 or -errno */
int net_bridge_create(const char *bridge);
int net_bridge_delete(const char *bridge);
int net_port_add(const char *bridge, const char *port, unsigned int vlan);

#endif /* NET_H */
