// SPDX-License-Identifier: GPL-2.0-only
/*
 * cards.c - the network cards of all VMs of a store: whose, where plugged in, and what went through.
 *
 * Which interface is a running VM's the kernel knows: its process has the interface open, which its folder fdinfo in
 * /proc tells to those who may look.
 */
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cards.h"
#include "net/net.h"

#define OPEN_MAX_SEEN	(CONFIG_NETS * NET_PAIRS)

/**
 * struct ports - interfaces that a process has open, in the order of its descriptors
 * @name: their names, empty when one has been given to a card
 * @n: how many
 */
struct ports {
	char name[OPEN_MAX_SEEN][IFNAMSIZ];
	unsigned int n;
};

/* A word of fdinfo's line "iff:\tNAME". */
static void add_port(struct ports *p, const char *text)
{
	const char *at = strstr(text, "iff:\t");
	size_t n = at ? strcspn(at + 5, "\n") : 0;
	unsigned int i;

	if (!n || n >= IFNAMSIZ || p->n == OPEN_MAX_SEEN)
		return;
	for (i = 0; i < p->n; i++)
		if (!strncmp(p->name[i], at + 5, n) && !p->name[i][n])
			return;
	memcpy(p->name[p->n], at + 5, n);
	p->name[p->n++][n] = 0;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static void find_ports(struct ports *p, pid_t pid)
{
	char path[64], *text;
	struct dirent **e;
	int folder, n, i;
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return;
	n = scandirat(folder, ".", &e, NULL, by_number);
	for (i = 0; i < n; i++) {
		text = e[i]->d_name[0] == '.' ? NULL : file_read(folder, e[i]->d_name, 4096, &size);
		if (text)
			add_port(p, text);
		free(text);
		free(e[i]);
	}
	if (n >= 0)
		free(e);
	close(folder);
}

static bool is_on(const char *port, const char *bridge)
{
	char path[80], target[256];
	const char *last;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/master", port);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = 0;
	last = strrchr(target, '/');
	return !strcmp(last ? last + 1 : target, bridge);
}

/* The interface of a card, which is no other card's then; NULL if it cannot be told. */
static const char *take_port(struct ports *p, const char *network, char port[IFNAMSIZ])
{
	char bridge[NET_NAME] = "";
	unsigned int i;

	if (!strncmp(network, "switch:", 7))
		net_switch_bridge(bridge, network + 7);
	for (i = 0; i < p->n; i++) {
		if (!p->name[i][0] || (bridge[0] ? !is_on(p->name[i], bridge) :
				       strncmp(network, "tap:", 4) || strcmp(p->name[i], network + 4)))
			continue;
		strcpy(port, p->name[i]);
		p->name[i][0] = 0;
		return port;
	}
	return NULL;
}

static void add_count(json_t *card, const char *key, const char *port, const char *counter)
{
	char path[96], *text;
	size_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", port, counter);
	text = file_read(AT_FDCWD, path, 64, &n);
	if (text)
		json_object_set_new(card, key, json_integer(strtoll(text, NULL, 10)));
	free(text);
}

static json_t *card_of(const struct vm *vm, const struct vm_status *status, const struct config_net *net,
		       struct ports *ports)
{
	const char *comma = strchrnul(net->network, ',');
	char network[80], port[IFNAMSIZ];
	json_t *card;

	snprintf(network, sizeof(network), "%.*s", (int)(comma - net->network), net->network);
	card = json_pack("{s:s, s:s, s:s, s:s*}", "vm", vm->name, "state", vm_state_name(status->state),
			 "network", network, "mac", net->mac);
	if (!strncmp(comma, ",vlan=", 6))
		json_object_set_new(card, "vlan", json_integer(atoi(comma + 6)));
	if (!take_port(ports, network, port))
		return card;
	json_object_set_new(card, "interface", json_string(port));
	/* What the interface sends is what the guest receives. */
	add_count(card, "received", port, "tx_bytes");
	add_count(card, "sent", port, "rx_bytes");
	return card;
}

/* A VM whose configuration is damaged has none that could be told. */
static void add_cards(json_t *cards, struct vm *vm)
{
	struct ports ports = { .n = 0 };
	struct vm_status status;
	struct config_error e;
	struct config c;
	unsigned int i;
	char *text;
	size_t n;

	if (run_status(vm->fd, &status))
		return;
	if (status.pid)
		find_ports(&ports, status.pid);
	config_init(&c);
	text = file_read(vm->fd, "config", CONFIG_MAX, &n);
	if (text && !config_parse(&c, text, n, &e))
		for (i = 0; i < c.nnets; i++)
			json_array_append_new(cards, card_of(vm, &status, &c.nets[i], &ports));
	free(text);
	config_fini(&c);
}

/**
 * cards_collect() - all network cards of a store's VMs
 * @s: the store
 *
 * Return: an array of objects with vm, state, network (without its VLAN), mac, and where they apply vlan, interface,
 * received and sent (bytes); NULL with the error told.
 */
json_t *cards_collect(struct store *s)
{
	struct vm vm = { .store = s, .lock = -1 };
	json_t *cards;
	char **names;
	size_t n, i;

	if (store_names(s, &names, &n))
		return NULL;
	cards = json_array();
	for (i = 0; i < n; i++) {
		strcpy(vm.name, names[i]);
		vm.fd = openat(s->fd, names[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		/* Removed in between. */
		if (vm.fd < 0)
			continue;
		add_cards(cards, &vm);
		vm_close(&vm);
	}
	store_free_names(names, n);
	return cards;
}
