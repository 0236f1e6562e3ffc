// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink.c - bridges and their ports, by messages to the kernel through libnl-3. Source: kernel
 * Documentation/networking/bridge, include/uapi/linux/if_link.h, if_bridge.h.
 *
 * The library is loaded when a switch is asked for: no other VM process shall carry it.
 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>

#include "library.h"
#include "net.h"

#define CALLS(X)	X(nl_socket_alloc) X(nl_socket_free) X(nl_connect) X(nl_send_sync) \
			X(nlmsg_alloc_simple) X(nlmsg_append) X(nla_put) X(nla_nest_start) X(nla_nest_end)

static struct { CALLS(LIBRARY_CALL) } nl;
static const char *const names[] = { CALLS(LIBRARY_NAME) };

/* The library has numbers of its own; only those that callers tell apart matter. */
static int error_of(int nle)
{
	switch (-nle) {
	case 0:
		return 0;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_NODEV:
		return -ENODEV;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

/* Sends a message and waits for the answer; the message is gone afterwards. */
static int ask(struct nl_msg *msg)
{
	struct nl_sock *s = nl.nl_socket_alloc();
	int err;

	if (!s)
		return -ENOMEM;
	err = nl.nl_connect(s, NETLINK_ROUTE);
	if (!err)
		err = nl.nl_send_sync(s, msg);
	nl.nl_socket_free(s);
	return error_of(err);
}

static struct nl_msg *link_message(int type, int flags, struct ifinfomsg *head)
{
	struct nl_msg *msg;

	if (!LIBRARY_LOAD("libnl-3.so.200", names, nl))
		return NULL;
	msg = nl.nlmsg_alloc_simple(type, flags);
	if (msg)
		nl.nlmsg_append(msg, head, sizeof(*head), NLMSG_ALIGNTO);
	return msg;
}

static void put8(struct nl_msg *msg, int attribute, uint8_t v)
{
	nl.nla_put(msg, attribute, sizeof(v), &v);
}

/* No address of its own: the host takes no part in what the VMs say to each other. */
static void put_no_address(struct nl_msg *msg)
{
	struct nlattr *spec = nl.nla_nest_start(msg, IFLA_AF_SPEC);
	struct nlattr *inet6 = nl.nla_nest_start(msg, AF_INET6);

	put8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl.nla_nest_end(msg, inet6);
	nl.nla_nest_end(msg, spec);
}

/* In two messages: of one, the kernel would look at the address last. */
static int set_up(unsigned int index)
{
	struct ifinfomsg head = { .ifi_index = index };
	struct nl_msg *msg = link_message(RTM_SETLINK, 0, &head);
	int err;

	if (!msg)
		return -ELIBACC;
	put_no_address(msg);
	err = ask(msg);
	if (err)
		return err;
	head.ifi_flags = head.ifi_change = IFF_UP;
	msg = link_message(RTM_SETLINK, 0, &head);
	return msg ? ask(msg) : -ENOMEM;
}

/**
 * net_bridge_create() - make a bridge without address that keeps VLANs apart, up
 * @bridge: its name
 *
 * Return: 0 or -errno; -EEXIST if there is such an interface, -EPERM without CAP_NET_ADMIN, -ELIBACC without libnl-3.
 */
int net_bridge_create(const char *bridge)
{
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head);
	struct nlattr *info, *data;
	int err;

	if (!msg)
		return -ELIBACC;
	nl.nla_put(msg, IFLA_IFNAME, strlen(bridge) + 1, bridge);
	info = nl.nla_nest_start(msg, IFLA_LINKINFO);
	nl.nla_put(msg, IFLA_INFO_KIND, sizeof("bridge"), "bridge");
	data = nl.nla_nest_start(msg, IFLA_INFO_DATA);
	put8(msg, IFLA_BR_VLAN_FILTERING, 1);
	nl.nla_nest_end(msg, data);
	nl.nla_nest_end(msg, info);
	err = ask(msg);
	return err ? err : set_up(if_nametoindex(bridge));
}

/**
 * net_bridge_delete() - remove a bridge
 * @bridge: its name
 *
 * Return: 0 or -errno, see net_bridge_create().
 */
int net_bridge_delete(const char *bridge)
{
	struct ifinfomsg head = { .ifi_index = if_nametoindex(bridge) };
	struct nl_msg *msg = head.ifi_index ? link_message(RTM_DELLINK, 0, &head) : NULL;

	return msg ? ask(msg) : head.ifi_index ? -ELIBACC : -ENODEV;
}

static int change_vlan(unsigned int index, int type, unsigned int vlan)
{
	struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = index };
	struct bridge_vlan_info info = { .vid = vlan };
	struct nl_msg *msg = link_message(type, 0, &head);
	struct nlattr *spec;

	if (!msg)
		return -ELIBACC;
	if (type == RTM_SETLINK)
		info.flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
	spec = nl.nla_nest_start(msg, IFLA_AF_SPEC);
	nl.nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
	nl.nla_nest_end(msg, spec);
	return ask(msg);
}

/* Frames get the number when they come in, lose it when they go out, and no others pass. */
static int set_vlan(unsigned int index, unsigned int vlan)
{
	int err = change_vlan(index, RTM_SETLINK, vlan);

	return err || vlan == 1 ? err : change_vlan(index, RTM_DELLINK, 1);
}

/**
 * net_port_add() - plug an interface into a bridge, and switch it on
 * @bridge: name
 * @port: the interface's name
 * @vlan: its VLAN, 0 for the bridge's own
 *
 * Return: 0 or -errno, see net_bridge_create(); -ENODEV if one of them is not there.
 */
int net_port_add(const char *bridge, const char *port, unsigned int vlan)
{
	struct ifinfomsg head = { .ifi_index = if_nametoindex(port) };
	uint32_t master = if_nametoindex(bridge);
	struct nl_msg *msg;
	int err;

	if (!head.ifi_index || !master)
		return -ENODEV;
	msg = link_message(RTM_SETLINK, 0, &head);
	if (!msg)
		return -ELIBACC;
	nl.nla_put(msg, IFLA_MASTER, sizeof(master), &master);
	err = ask(msg);
	if (!err && vlan)
		err = set_vlan(head.ifi_index, vlan);
	return err ? err : set_up(head.ifi_index);
}
