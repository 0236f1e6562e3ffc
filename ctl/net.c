// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - vmctl net: find the verb of networks and run it.
 */
#include <stdio.h>
#include <string.h>

#include "cards.h"
#include "compiler.h"

static const struct {
	const char *name, *full;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "list", "net list", net_list },
	{ "info", "net info", net_info },
};

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
	const char *names[ARRAY_SIZE(verbs)], *meant;
	size_t i;

	if (argc < 2)
		return vmctl_usage("VERB", "missing");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(vmctl_net_help, stdout);
		return VMCTL_OK;
	}
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		names[i] = verbs[i].name;
		if (strcmp(argv[1], verbs[i].name))
			continue;
		vmctl_set_verb(verbs[i].full);
		return verbs[i].run(argc - 1, argv + 1);
	}
	meant = text_nearest(argv[1], names, ARRAY_SIZE(verbs));
	fprintf(stderr, "vmctl net: %s: there is no such verb: ", argv[1]);
	if (meant)
		fprintf(stderr, "did you mean `vmctl net %s`?\n", meant);
	else
		fputs("see `vmctl help net`\n", stderr);
	return VMCTL_USAGE;
}
