// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - vmctl net: find the verb of networks and run it.
 */
#include <stdio.h>
#include <string.h>

#include "cards.h"
#include "compiler.h"
#include "subverbs.h"

static const struct subverb verbs[] = {
	{ "list", "net list", net_list },
	{ "info", "net info", net_info },
};

const struct subverbs net_verbs = { "net", verbs, ARRAY_SIZE(verbs) };

const char vmctl_net_help[] =
	"usage: vmctl net list|info [OPTIONS] [NETWORK]\n"
	"\n"
	"Shows networks: those that the store's VMs are configured for, and the host's switches.\n"
	"\n"
	"  list       the networks, with the number of their cards\n"
	"  info       one network, its cards and what went through them\n"
	"\n"
	"A network is what a VM's configuration names (`vmctl create --net NETWORK`):\n"
	"\n"
	"  user                   a network of the VM's own, as an ordinary user: passt turns the guest's\n"
	"                         connections into the host's; the guest asks DHCP for its address\n"
	"  switch:NAME[,vlan=N]   VMs on one switch hear each other, in one VLAN if they name it, and\n"
	"                         nobody else. The bridge vt-NAME comes with the first VM and goes with the\n"
	"                         last; if a bridge called NAME is there, it is that one, which stays.\n"
	"                         Needs CAP_NET_ADMIN\n"
	"  tap:INTERFACE          a tap interface, with whatever the administrator connects it to.\n"
	"                         Who may: its owner, see `ip tuntap add dev IF mode tap user USER`\n"
	"  none                   the card is there, and its cable is not plugged in\n"
	"\n"
	"Nothing of this changes the host's addresses or firewall rules.\n"
	"\n"
	"Examples:\n"
	"  vmctl net list\n"
	"  vmctl net list --format json\n"
	"  vmctl net info switch:lab\n"
	"  vmctl create web --kernel vmlinuz --net user --net switch:lab,vlan=7\n"
	"\n"
	"`vmctl net VERB --help` shows a verb's options.\n";

int vmctl_net(int argc, char **argv)
{
	return subverbs_run(&net_verbs, vmctl_net_help, argc, argv);
}
