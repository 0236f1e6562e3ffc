// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_info.c - vmctl net info: one network and the cards that are, or would be, plugged in.
 */
#include <stdio.h>
#include <string.h>

#include "cards.h"
#include "compiler.h"

static const struct argp argp = {
	.args_doc = "NETWORK",
	.doc = "Shows a network: user, tap:INTERFACE or switch:NAME, and the store's cards on it. What a card "
	       "received and sent is shown for running VMs whose process this user may look at.\v"
	       "Examples:\n"
	       "  vmctl net info switch:lab\n"
	       "  vmctl net info --format json user",
};

static const struct output_column members[] = {
	{ "network", "Network", OUTPUT_TEXT },
	{ "interface", "Interface", OUTPUT_TEXT },
	{ "present", "Present", OUTPUT_TEXT },
	{ "ports", "Ports", OUTPUT_TEXT },
	{ "vlans", "VLANs apart", OUTPUT_TEXT },
	{ "temporary", "Temporary", OUTPUT_TEXT },
};

static const struct output_column columns[] = {
	{ "vm", "VM", OUTPUT_TEXT },
	{ "state", "STATE", OUTPUT_TEXT },
	{ "mac", "MAC", OUTPUT_TEXT },
	{ "vlan", "VLAN", OUTPUT_TEXT },
	{ "interface", "INTERFACE", OUTPUT_TEXT },
	{ "received", "RECEIVED", OUTPUT_SIZE },
	{ "sent", "SENT", OUTPUT_SIZE },
};

static json_t *cards_on(const json_t *cards, const char *network)
{
	json_t *mine = json_array(), *card;
	size_t i;

	json_array_foreach(cards, i, card)
		if (!strcmp(json_string_value(json_object_get(card, "network")), network))
			json_array_append(mine, card);
	return mine;
}

/* A network that neither the host nor a VM knows is a mistake in its name. */
static int show(enum vmctl_format format, const char *network, json_t *cards)
{
	json_t *o = net_describe(network);
	int status;

	if (!json_array_size(cards) && !json_is_true(json_object_get(o, "present"))) {
		json_decref(o);
		return vmctl_error(network, "no VM is configured for it and the host does not have it",
				   "see `vmctl net list`");
	}
	if (format == VMCTL_JSON) {
		json_object_set(o, "cards", cards);
		return output_object(format, members, ARRAY_SIZE(members), o);
	}
	status = output_object(format, members, ARRAY_SIZE(members), o);
	if (status || !json_array_size(cards))
		return status;
	putchar('\n');
	return output_rows(format, columns, ARRAY_SIZE(columns), json_incref(cards));
}

int net_info(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .reads = true, .min = 1, .max = 1 };
	json_t *cards, *mine;
	struct store s;
	int status;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (!config_network_ok(a.names[0]) || strchr(a.names[0], ','))
		return vmctl_usage(a.names[0], "a network is user, tap:INTERFACE or switch:NAME");
	if (store_open(&s, a.store))
		return VMCTL_FAILED;
	cards = cards_collect(&s);
	store_close(&s);
	if (!cards)
		return VMCTL_FAILED;
	mine = cards_on(cards, a.names[0]);
	status = show(a.format, a.names[0], mine);
	json_decref(mine);
	json_decref(cards);
	return status;
}
