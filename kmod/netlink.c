// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink.c - the family `vitrine`: its operations, who asks, and what is done to a VM on request.
 *
 * netlink_get.c finds objects, netlink_put.c writes them, netlink_event.c sends events.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include "netlink.h"

/**
 * vtr_viewer_of() - who sent a request
 * @skb: the request
 * @who: filled
 *
 * Context: in the sender's context.
 */
void vtr_viewer_of(struct sk_buff *skb, struct vtr_viewer *who)
{
	const struct sock *sk = NETLINK_CB(skb).sk;
	struct net *net = sock_net(sk);

	who->initial = net_eq(net, &init_net);
	who->net = net->net_cookie;
	/* As with capabilities: neither the opener alone nor the sender alone is enough. */
	who->uid = uid_eq(sk->sk_uid, current_euid()) ? sk->sk_uid : INVALID_UID;
	who->all = netlink_ns_capable(skb, net->user_ns, CAP_NET_ADMIN) ||
		   (who->initial && netlink_capable(skb, CAP_SYS_ADMIN));
}

/**
 * vtr_nl_u64() - put a counter
 * @skb: message
 * @attr: attribute
 * @val: value
 * @pad: the set's padding attribute
 *
 * Return: 0 or -EMSGSIZE.
 */
int vtr_nl_u64(struct sk_buff *skb, int attr, u64 val, int pad)
{
	return nla_put_u64_64bit(skb, attr, val, pad);
}

/**
 * vtr_nl_owner() - put a VM's owner as the reader numbers users and processes
 * @skb: message
 * @reader: the reader's socket, NULL: number as the initial namespaces do
 * @uid_attr: attribute for @uid
 * @uid: owner
 * @pid_attr: attribute for @pid
 * @pid: process
 *
 * Return: 0 or -EMSGSIZE.
 */
int vtr_nl_owner(struct sk_buff *skb, const struct sock *reader, int uid_attr, kuid_t uid,
		 int pid_attr, struct pid *pid)
{
	uid_t user = from_kuid(reader ? sk_user_ns(reader) : &init_user_ns, uid);
	pid_t process = reader ? pid_vnr(pid) : pid_nr(pid);

	return (user != (uid_t)-1 && nla_put_u32(skb, uid_attr, user)) ||
	       (process && nla_put_u32(skb, pid_attr, process)) ? -EMSGSIZE : 0;
}

static int vtr_nl_kill(struct vtr_vm *vm)
{
	return kill_pid(vm->ident.pid, SIGKILL, 1);
}

static int vtr_nl_pause(struct vtr_vm *vm)
{
	vtr_vm_pause(vm, true);
	return 0;
}

static int vtr_nl_resume(struct vtr_vm *vm, struct genl_info *info)
{
	if (vm->held && !vm->paused) {
		GENL_SET_ERR_MSG(info, "the VM's own process holds it: ask that one");
		return -EBUSY;
	}
	vtr_vm_pause(vm, false);
	return 0;
}

static int vtr_nl_act(struct sk_buff *skb, struct genl_info *info)
{
	struct vtr_viewer who;
	struct vtr_vm *vm;
	int err = -ENOENT;

	if (GENL_REQ_ATTR_CHECK(info, VITRINE_A_VM_ID))
		return -EINVAL;
	vtr_viewer_of(skb, &who);
	mutex_lock(&vtr_vms_lock);
	vm = vtr_registry_find(nla_get_u32(info->attrs[VITRINE_A_VM_ID]), &who);
	if (vm)
		err = info->genlhdr->cmd == VITRINE_CMD_VM_PAUSE ? vtr_nl_pause(vm) :
		      info->genlhdr->cmd == VITRINE_CMD_VM_RESUME ? vtr_nl_resume(vm, info) :
								     vtr_nl_kill(vm);
	mutex_unlock(&vtr_vms_lock);
	return err;
}

/* Strict: what is not named is refused. */
static const struct nla_policy vtr_no_policy[] = {
	[1]			= { .type = NLA_REJECT },
};

static const struct nla_policy vtr_vm_policy[] = {
	[VITRINE_A_VM_ID]	= { .type = NLA_U32 },
};

static const struct nla_policy vtr_vcpu_policy[] = {
	[VITRINE_A_VCPU_VM_ID]	= { .type = NLA_U32 },
	[VITRINE_A_VCPU_ID]	= { .type = NLA_U32 },
};

static const struct nla_policy vtr_exit_policy[] = {
	[VITRINE_A_EXIT_VM_ID]	= { .type = NLA_U32 },
	[VITRINE_A_EXIT_VCPU_ID] = { .type = NLA_U32 },
	[VITRINE_A_EXIT_KIND]	= { .type = NLA_U32 },
};

static const struct nla_policy vtr_event_policy[] = {
	[VITRINE_A_EVENT_AFTER]	= { .type = NLA_U64 },
	[VITRINE_A_EVENT_VM_ID]	= { .type = NLA_U32 },
};

#define POLICY(p)	.policy = (p), .maxattr = ARRAY_SIZE(p) - 1
#define GET(c, p) \
	{ \
		.cmd = VITRINE_CMD_##c, POLICY(p), \
		.doit = vtr_nl_get, .start = vtr_nl_start, .dumpit = vtr_nl_dump \
	}
#define ACT(c)	{ .cmd = VITRINE_CMD_##c, POLICY(vtr_vm_policy), .doit = vtr_nl_act }

static const struct genl_ops vtr_ops[] = {
	GET(HOST_GET, vtr_no_policy),
	GET(VM_GET, vtr_vm_policy),
	GET(VCPU_GET, vtr_vcpu_policy),
	GET(EXIT_STATS_GET, vtr_exit_policy),
	{
		.cmd = VITRINE_CMD_EVENT_GET, POLICY(vtr_event_policy),
		.start = vtr_nl_event_start, .dumpit = vtr_nl_event_dump,
	},
	{ .cmd = VITRINE_CMD_EVENT_WATCH, POLICY(vtr_no_policy), .doit = vtr_nl_watch },
	ACT(VM_PAUSE),
	ACT(VM_RESUME),
	ACT(VM_KILL),
};

static const struct genl_multicast_group vtr_groups[] = {
	{ .name = VITRINE_MCGRP_EVENTS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

struct genl_family vtr_family __ro_after_init = {
	.name		= VITRINE_FAMILY_NAME,
	.version	= VITRINE_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,		/* locks of our own */
	.module		= THIS_MODULE,
	.ops		= vtr_ops,
	.n_ops		= ARRAY_SIZE(vtr_ops),
	.mcgrps		= vtr_groups,
	.n_mcgrps	= ARRAY_SIZE(vtr_groups),
	.resv_start_op	= VITRINE_CMD_HOST_GET,
};

/**
 * vtr_netlink_init() - make the family known
 *
 * Return: 0 or -errno.
 */
int vtr_netlink_init(void)
{
	int err = vtr_nl_watch_init();

	if (err)
		return err;
	err = genl_register_family(&vtr_family);
	if (err)
		vtr_nl_watch_fini();
	return err;
}

/**
 * vtr_netlink_fini() - take it away
 */
void vtr_netlink_fini(void)
{
	genl_unregister_family(&vtr_family);
	vtr_nl_watch_fini();
}
