// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_list.c - vmctl net list: the networks of the store's VMs, and the host's switches.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "cards.h"
#include "compiler.h"
#include "net/net.h"

static const struct argp argp = {
	.doc = "Lists the networks that the store's VMs are configured for, and the switches that the host has for "
	       "VMs of other stores. A switch is present while one of its VMs runs, a tap interface when it was made, "
	       "`user` when passt is installed.\v"
	       "Examples:\n"
	       "  vmctl net list\n"
	       "  vmctl net list --format json",
};

static const struct output_column columns[] = {
	{ "network", "NETWORK", OUTPUT_TEXT },
	{ "interface", "INTERFACE", OUTPUT_TEXT },
	{ "present", "PRESENT", OUTPUT_TEXT },
	{ "cards", "CARDS", OUTPUT_TEXT },
	{ "running", "RUNNING", OUTPUT_TEXT },
	{ "ports", "PORTS", OUTPUT_TEXT },
};

static json_t *row_of(json_t *rows, const char *network)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		if (!strcmp(json_string_value(json_object_get(row, "network")), network))
			return row;
	row = net_describe(network);
	json_object_set_new(row, "cards", json_integer(0));
	json_object_set_new(row, "running", json_integer(0));
	json_array_append_new(rows, row);
	return row;
}

static void count(json_t *row, const char *key)
{
	json_t *n = json_object_get(row, key);

	json_integer_set(n, json_integer_value(n) + 1);
}

static void add_cards(json_t *rows, const json_t *cards)
{
	enum vm_state state;
	json_t *card, *row;
	size_t i;

	json_array_foreach(cards, i, card) {
		row = row_of(rows, json_string_value(json_object_get(card, "network")));
		count(row, "cards");
		if (vm_state_by_name(json_string_value(json_object_get(card, "state")), &state) &&
		    vm_state_lives(state))
			count(row, "running");
	}
}

static void add_switches(json_t *rows)
{
	DIR *d = opendir("/sys/class/net");
	char network[280];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!net_switch_name(e->d_name))
			continue;
		snprintf(network, sizeof(network), "switch:%s", net_switch_name(e->d_name));
		row_of(rows, network);
	}
	if (d)
		closedir(d);
}

int net_list(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .reads = true };
	json_t *rows, *cards;
	struct store s;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (a.n)
		return vmctl_usage(a.names[0], "not expected here");
	if (store_open(&s, a.store))
		return VMCTL_FAILED;
	cards = cards_collect(&s);
	store_close(&s);
	if (!cards)
		return VMCTL_FAILED;
	rows = json_array();
	add_cards(rows, cards);
	add_switches(rows);
	json_decref(cards);
	return output_rows(a.format, columns, ARRAY_SIZE(columns), rows);
}
