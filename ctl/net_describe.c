// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_describe.c - what the host has of a network.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cards.h"
#include "net/net.h"

static bool exists(const char *interface, const char *what)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/class/net/%s%s", interface, what);
	return !access(path, F_OK);
}

static bool is_set(const char *interface, const char *what)
{
	char path[80], *text;
	bool set;
	size_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s%s", interface, what);
	text = file_read(AT_FDCWD, path, 64, &n);
	set = text && n && text[0] == '1';
	free(text);
	return set;
}

static unsigned int count_ports(const char *bridge)
{
	struct dirent *e;
	unsigned int n = 0;
	char path[80];
	DIR *d;

	snprintf(path, sizeof(path), "/sys/class/net/%s/brif", bridge);
	d = opendir(path);
	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static void describe_switch(json_t *o, const char *name)
{
	char bridge[NET_NAME];
	bool there;

	net_switch_bridge(bridge, name);
	there = exists(bridge, "/bridge");
	json_object_set_new(o, "kind", json_string("switch"));
	json_object_set_new(o, "interface", json_string(bridge));
	json_object_set_new(o, "present", json_boolean(there));
	if (!there)
		return;
	json_object_set_new(o, "ports", json_integer(count_ports(bridge)));
	json_object_set_new(o, "vlans", json_boolean(is_set(bridge, "/bridge/vlan_filtering")));
	/* Made on demand, or the administrator's. */
	json_object_set_new(o, "temporary", json_boolean(strcmp(bridge, name)));
}

/**
 * net_describe() - a network, and what the host has of it
 * @network: as a configuration names it, without a VLAN
 *
 * Return: an object with network, kind, present, and where they apply interface, ports, vlans (they are kept apart) and
 * temporary (it goes with its last VM).
 */
json_t *net_describe(const char *network)
{
	json_t *o = json_pack("{s:s}", "network", network);

	if (!strncmp(network, "switch:", 7)) {
		describe_switch(o, network + 7);
	} else if (!strncmp(network, "tap:", 4)) {
		json_object_set_new(o, "kind", json_string("tap"));
		json_object_set_new(o, "interface", json_string(network + 4));
		json_object_set_new(o, "present", json_boolean(exists(network + 4, "/tun_flags")));
	} else if (!strcmp(network, "none")) {
		json_object_set_new(o, "kind", json_string("none"));
		json_object_set_new(o, "present", json_true());
	} else {
		json_object_set_new(o, "kind", json_string("user"));
		json_object_set_new(o, "present", json_boolean(net_user_installed()));
	}
	return o;
}
