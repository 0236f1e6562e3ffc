/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netlink.h - the generic netlink family `vitrine`, what its files share. The protocol: uapi/vitrine.h.
 */
#ifndef VITRINE_NETLINK_H
#define VITRINE_NETLINK_H

#include <net/genetlink.h>
#include "event.h"
#include "vitrine.h"

/**
 * struct vtr_nl_object - what one message is about
 * @reader: the socket it goes to, whose namespaces number users and processes
 * @who: what that may see; the host's
 * @vm: a VM's, its vCPU's, an exit's
 * @v: a vCPU's, an exit's
 * @kind: an exit's: enum vtr_exit_kind
 */
struct vtr_nl_object {
	const struct sock *reader;
	const struct vtr_viewer *who;
	struct vtr_vm *vm;
	struct vtr_vcpu *v;
	u32 kind;
};

extern struct genl_family vtr_family;

/* netlink.c */
int vtr_netlink_init(void);
void vtr_netlink_fini(void);
void vtr_viewer_of(struct sk_buff *skb, struct vtr_viewer *who);
int vtr_nl_u64(struct sk_buff *skb, int attr, u64 val, int pad);
int vtr_nl_owner(struct sk_buff *skb, const struct sock *reader, int uid_attr, kuid_t uid,
		 int pid_attr, struct pid *pid);

/* netlink_get.c */
int vtr_nl_get(struct sk_buff *skb, struct genl_info *info);
int vtr_nl_start(struct netlink_callback *cb);
int vtr_nl_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* netlink_put.c */
int vtr_nl_put_host(struct sk_buff *skb, const struct vtr_nl_object *o);
int vtr_nl_put_vm(struct sk_buff *skb, const struct vtr_nl_object *o);
int vtr_nl_put_vcpu(struct sk_buff *skb, const struct vtr_nl_object *o);
int vtr_nl_put_exit(struct sk_buff *skb, const struct vtr_nl_object *o);

/* netlink_event.c */
int vtr_nl_watch_init(void);
void vtr_nl_watch_fini(void);
int vtr_nl_watch(struct sk_buff *skb, struct genl_info *info);
int vtr_nl_event_start(struct netlink_callback *cb);
int vtr_nl_event_dump(struct sk_buff *skb, struct netlink_callback *cb);
void vtr_netlink_event(const struct vtr_vm_event *e);

#endif /* VITRINE_NETLINK_H */
