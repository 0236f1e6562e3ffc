// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - from a configuration's words to an open plug.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "vmctl.h"

/* switch:NAME[,vlan=N] */
static int open_switch(struct net_link *l, const char *what, unsigned int pairs)
{
	const char *comma = strchr(what, ',');
	unsigned int vlan = comma ? strtoul(comma + strlen(",vlan="), NULL, 10) : 0;
	char name[NET_NAME];

	snprintf(name, sizeof(name), "%.*s", comma ? (int)(comma - what) : NET_NAME, what);
	return net_switch_open(l, name, vlan, pairs);
}

/**
 * net_open() - plug a card in
 * @l: filled
 * @network: as config.c takes it: user, tap:INTERFACE or switch:NAME[,vlan=N]
 * @pairs: queues wanted, 1..NET_PAIRS; there may be fewer
 *
 * Return: 0, or -1 with the error printed.
 */
int net_open(struct net_link *l, const char *network, unsigned int pairs)
{
	char name[NET_NAME];

	*l = (struct net_link){ .keep = -1 };
	if (!strcmp(network, "user"))
		return net_user_open(l);
	if (!strncmp(network, "switch:", 7))
		return open_switch(l, network + 7, pairs);
	if (!strncmp(network, "tap:", 4)) {
		snprintf(name, sizeof(name), "%s", network + 4);
		return net_tap_open(l, name, pairs);
	}
	vmctl_error(network, "is no network", "use user, tap:INTERFACE or switch:NAME[,vlan=N]");
	return -1;
}

/**
 * net_close() - unplug
 * @l: open, or all zero
 */
void net_close(struct net_link *l)
{
	if (!l->pairs)
		return;
	while (l->pairs)
		close(l->fd[--l->pairs]);
	if (l->keep >= 0)
		close(l->keep);
}
