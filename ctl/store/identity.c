// SPDX-License-Identifier: GPL-2.0-only
/*
 * identity.c - what makes a machine itself: random UUIDs and MAC addresses.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "store.h"
#include "vmctl.h"

static int random_bytes(uint8_t *to, size_t n)
{
	if (getrandom(to, n, 0) == (ssize_t)n)
		return 0;
	vmctl_errno("random numbers", "see the kernel's log");
	return -1;
}

/**
 * identity_uuid() - a new UUID, version 4 (RFC 4122 "Algorithms for Creating a UUID from Truly Random")
 * @uuid: filled
 *
 * Return: 0, or -1 with the error told.
 */
int identity_uuid(char uuid[37])
{
	uint8_t b[16];
	char *to = uuid;
	unsigned int i;

	if (random_bytes(b, sizeof(b)))
		return -1;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (i = 0; i < sizeof(b); i++)
		to += sprintf(to, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	return 0;
}

/**
 * identity_mac() - a new address: locally administered, individual, 46 bits at random
 * @mac: filled
 *
 * Return: 0, or -1 with the error told.
 */
int identity_mac(char mac[18])
{
	uint8_t b[6];

	if (random_bytes(b, sizeof(b)))
		return -1;
	b[0] = (b[0] & 0xfc) | 0x02;
	sprintf(mac, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return 0;
}

static int replace(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return vmctl_errno("memory", "free some"), -1;
	free(*to);
	*to = copy;
	return 0;
}

/**
 * identity_renew() - a VM made of another one is itself: a new UUID and new network addresses
 * @c: its configuration
 *
 * Return: 0, or -1 with the error told.
 */
int identity_renew(struct config *c)
{
	char uuid[37], mac[18];
	unsigned int i;

	if (identity_uuid(uuid) || replace(&c->uuid, uuid))
		return -1;
	for (i = 0; i < c->nnets; i++)
		if (identity_mac(mac) || replace(&c->nets[i].mac, mac))
			return -1;
	return 0;
}
