// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - from a configuration's words to an open plug.
 */
#include <fcntl.h>
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

/* A cable that ends nowhere: nothing comes, nothing can be written, and nobody is at the other end. */
static int open_none(struct net_link *l, unsigned int pairs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return vmctl_errno("none", "raise the limit on open files"), -1;
	l->keep = ends[1];
	l->fd[l->pairs++] = ends[0];
	while (l->pairs < pairs) {
		l->fd[l->pairs] = fcntl(ends[0], F_DUPFD_CLOEXEC, 0);
		if (l->fd[l->pairs] < 0)
			return vmctl_errno("none", "raise the limit on open files"), -1;
		l->pairs++;
	}
	l->header = true;
	l->none = true;
	return 0;
}

/**
 * net_open() - plug a card in
 * @l: filled
 * @network: as config.c takes it: user, tap:INTERFACE, switch:NAME[,vlan=N] or none
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
	if (!strcmp(network, "none"))
		return open_none(l, pairs);
	if (!strncmp(network, "switch:", 7))
		return open_switch(l, network + 7, pairs);
	if (!strncmp(network, "tap:", 4)) {
		snprintf(name, sizeof(name), "%s", network + 4);
		return net_tap_open(l, name, pairs);
	}
	vmctl_error(network, "is no network", "use user, tap:INTERFACE, switch:NAME[,vlan=N] or none");
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
