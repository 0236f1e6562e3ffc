// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink_event.c - events as messages: the dump of the log, the multicast group, the sockets that watch.
 *
 * The group is for the privileged, since the core cannot leave members out; everybody else's socket is in a list
 * here, with what it may see and how many events it should have got.
 */
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include "netlink.h"

/**
 * struct vtr_watch - a socket that wants events
 * @link: in vtr_watches
 * @net: its network namespace, which lives as long as it
 * @portid: its address there
 * @who: what it may see
 * @seq: events it should have got
 */
struct vtr_watch {
	struct list_head link;
	struct net *net;
	u32 portid;
	struct vtr_viewer who;
	u64 seq;
};

static LIST_HEAD(vtr_watches);		/* under vtr_event_lock() */

static int vtr_nl_put_fault(struct sk_buff *skb, const struct vtr_guest_fault *f)
{
	struct nlattr *nest = nla_nest_start(skb, VITRINE_A_EVENT_FAULT);

	if (!nest || vtr_nl_u64(skb, VITRINE_A_FAULT_TSC, f->tsc, VITRINE_A_FAULT_PAD) ||
	    nla_put_u32(skb, VITRINE_A_FAULT_VECTOR, f->vector) ||
	    (f->has_error && nla_put_u32(skb, VITRINE_A_FAULT_ERROR, f->error)) ||
	    vtr_nl_u64(skb, VITRINE_A_FAULT_RIP, f->rip, VITRINE_A_FAULT_PAD) ||
	    (f->has_address &&
	     vtr_nl_u64(skb, VITRINE_A_FAULT_ADDRESS, f->address, VITRINE_A_FAULT_PAD)) ||
	    nla_put_u32(skb, VITRINE_A_FAULT_SOURCE, f->source))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vtr_nl_put_regs(struct sk_buff *skb, const u64 *regs)
{
	struct nlattr *nest = nla_nest_start(skb, VITRINE_A_EVENT_REGS);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = VITRINE_A_REGS_RAX; i <= VITRINE_A_REGS_MAX; i++)
		if (vtr_nl_u64(skb, i, regs[i], VITRINE_A_REGS_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vtr_nl_put_walk(struct sk_buff *skb, const struct vtr_failure_walk *w)
{
	struct nlattr *nest = nla_nest_start(skb, VITRINE_A_EVENT_WALK);

	if (!nest || nla_put_u32(skb, VITRINE_A_WALK_OF, w->of) ||
	    vtr_nl_u64(skb, VITRINE_A_WALK_ADDRESS, w->address, VITRINE_A_WALK_PAD) ||
	    nla_put(skb, VITRINE_A_WALK_ENTRIES, w->nr * sizeof(w->entry[0]), w->entry) ||
	    (!w->err && vtr_nl_u64(skb, VITRINE_A_WALK_GPA, w->gpa, VITRINE_A_WALK_PAD)) ||
	    (w->err == -EFAULT && nla_put_u32(skb, VITRINE_A_WALK_ERROR, w->error)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What the delivery of an exception needs. */
static int vtr_nl_put_tables(struct sk_buff *skb, const struct vtr_failure *f)
{
	u32 i;

	if ((f->idt_len && nla_put(skb, VITRINE_A_EVENT_IDT, f->idt_len, f->idt)) ||
	    (f->gdt_len && nla_put(skb, VITRINE_A_EVENT_GDT, f->gdt_len, f->gdt)))
		return -EMSGSIZE;
	for (i = 0; i < f->nr_walks; i++)
		if (vtr_nl_put_walk(skb, &f->walks[i]))
			return -EMSGSIZE;
	return 0;
}

static int vtr_nl_put_failure(struct sk_buff *skb, const struct vtr_failure *f)
{
	const u64 hw[] = { f->hw.reason, f->hw.info1, f->hw.info2, f->hw.event };
	u32 i;

	if (nla_put_u32(skb, VITRINE_A_EVENT_VCPU_ID, f->vcpu) ||
	    (f->text[0] && nla_put_string(skb, VITRINE_A_EVENT_DETAIL, f->text)) ||
	    (f->has_suberror && nla_put_u32(skb, VITRINE_A_EVENT_SUBERROR, f->suberror)) ||
	    (f->code_len && nla_put(skb, VITRINE_A_EVENT_CODE, f->code_len, f->code)) ||
	    vtr_nl_put_regs(skb, f->regs))
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(hw); i++)
		if (vtr_nl_u64(skb, VITRINE_A_EVENT_HW_REASON + i, hw[i], VITRINE_A_EVENT_PAD))
			return -EMSGSIZE;
	for (i = 0; i < f->nr_faults; i++)
		if (vtr_nl_put_fault(skb, &f->faults[i]))
			return -EMSGSIZE;
	return vtr_nl_put_tables(skb, f);
}

static int vtr_nl_put_event(struct sk_buff *skb, const struct sock *reader,
			    const struct vtr_vm_event *e)
{
	if (vtr_nl_u64(skb, VITRINE_A_EVENT_ID, e->id, VITRINE_A_EVENT_PAD) ||
	    nla_put_u32(skb, VITRINE_A_EVENT_TYPE, e->type) ||
	    vtr_nl_u64(skb, VITRINE_A_EVENT_TIME, e->time, VITRINE_A_EVENT_PAD) ||
	    nla_put_u32(skb, VITRINE_A_EVENT_VM_ID, e->vm_id) ||
	    (e->name[0] && nla_put_string(skb, VITRINE_A_EVENT_NAME, e->name)) ||
	    vtr_nl_owner(skb, reader, VITRINE_A_EVENT_UID, e->uid, VITRINE_A_EVENT_PID, e->pid) ||
	    (e->parent && nla_put_u32(skb, VITRINE_A_EVENT_PARENT, e->parent)) ||
	    (e->note[0] && nla_put_string(skb, VITRINE_A_EVENT_NOTE, e->note)) ||
	    (e->failure && vtr_nl_put_failure(skb, e->failure)))
		return -EMSGSIZE;
	return 0;
}

/* event-get, in the callback's room. */
struct vtr_event_dump {
	struct vtr_viewer who;
	u64 after;
	u32 vm_id;
};

/**
 * vtr_nl_event_start() - event-get, what is wanted
 * @cb: the dump
 *
 * Return: 0.
 */
int vtr_nl_event_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = vtr_dump_attrs(cb);
	struct vtr_event_dump *d = (void *)cb->ctx;

	static_assert(sizeof(*d) <= sizeof(cb->ctx));
	memset(d, 0, sizeof(*d));
	vtr_viewer_of(cb->skb, &d->who);
	if (attrs && attrs[VITRINE_A_EVENT_AFTER])
		d->after = nla_get_u64(attrs[VITRINE_A_EVENT_AFTER]);
	if (attrs && attrs[VITRINE_A_EVENT_VM_ID])
		d->vm_id = nla_get_u32(attrs[VITRINE_A_EVENT_VM_ID]);
	return 0;
}

/**
 * vtr_nl_event_dump() - event-get
 * @skb: to be filled
 * @cb: the dump
 *
 * Return: bytes, 0 at the end, or -EMSGSIZE.
 */
int vtr_nl_event_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vtr_event_dump *d = (void *)cb->ctx;
	const struct vtr_vm_event *e;
	int err = 0;

	vtr_event_lock();
	for (; !err && (e = vtr_event_after(d->after)); d->after = e->id) {
		void *head;

		if ((d->vm_id && d->vm_id != e->vm_id) || !vtr_viewer_sees(&d->who, e->uid, e->net))
			continue;
		head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &vtr_family,
				   NLM_F_MULTI, VITRINE_CMD_EVENT_GET);
		err = head ? vtr_nl_put_event(skb, NETLINK_CB(cb->skb).sk, e) : -EMSGSIZE;
		if (err) {
			if (head)
				genlmsg_cancel(skb, head);
			break;
		}
		genlmsg_end(skb, head);
	}
	vtr_event_unlock();
	return skb->len ?: err;
}

/* An event-ntf. */
static struct sk_buff *vtr_nl_notice(const struct vtr_vm_event *e, u64 seq)
{
	struct sk_buff *skb = genlmsg_new(e->failure ? 4096 - GENL_HDRLEN - NLMSG_HDRLEN : 512,
					  GFP_KERNEL);
	void *head;

	if (!skb)
		return NULL;
	head = genlmsg_put(skb, 0, 0, &vtr_family, 0, VITRINE_CMD_EVENT_NTF);
	if (!head || vtr_nl_put_event(skb, NULL, e) ||
	    vtr_nl_u64(skb, VITRINE_A_EVENT_SEQ, seq, VITRINE_A_EVENT_PAD)) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, head);
	return skb;
}

/**
 * vtr_netlink_event() - tell everybody who listens
 * @e: the event
 *
 * A socket that has no room, or a message for which there is no memory, is a gap in the reader's count.
 *
 * Context: between vtr_event_lock() and _unlock().
 */
void vtr_netlink_event(const struct vtr_vm_event *e)
{
	struct vtr_watch *w;
	struct sk_buff *skb;

	if (genl_has_listeners(&vtr_family, &init_net, 0)) {
		skb = vtr_nl_notice(e, e->id);
		if (skb)
			genlmsg_multicast_netns(&vtr_family, &init_net, skb, 0, 0, GFP_KERNEL);
	}
	list_for_each_entry(w, &vtr_watches, link) {
		if (!vtr_viewer_sees(&w->who, e->uid, e->net))
			continue;
		skb = vtr_nl_notice(e, ++w->seq);
		if (skb)
			genlmsg_unicast(w->net, skb, w->portid);
	}
}

static struct vtr_watch *vtr_watch_find(const struct net *net, u32 portid)
{
	struct vtr_watch *w;

	list_for_each_entry(w, &vtr_watches, link)
		if (net_eq(w->net, net) && w->portid == portid)
			return w;
	return NULL;
}

/**
 * vtr_nl_watch() - event-watch
 * @skb: the request
 * @info: its particulars
 *
 * Return: 0, -EALREADY, -ENOMEM.
 */
int vtr_nl_watch(struct sk_buff *skb, struct genl_info *info)
{
	struct vtr_watch *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	int err = 0;

	if (!w)
		return -ENOMEM;
	w->net = genl_info_net(info);
	w->portid = info->snd_portid;
	vtr_viewer_of(skb, &w->who);
	vtr_event_lock();
	if (vtr_watch_find(w->net, w->portid))
		err = -EALREADY;
	else
		list_add_tail(&w->link, &vtr_watches);
	vtr_event_unlock();
	if (err)
		kfree(w);
	return err;
}

/* A socket is gone, and its address free for another. */
static int vtr_nl_released(struct notifier_block *nb, unsigned long what, void *data)
{
	const struct netlink_notify *n = data;
	struct vtr_watch *w;

	if (what != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	vtr_event_lock();
	w = vtr_watch_find(n->net, n->portid);
	if (w)
		list_del(&w->link);
	vtr_event_unlock();
	kfree(w);
	return NOTIFY_OK;
}

static struct notifier_block vtr_nl_notifier = { .notifier_call = vtr_nl_released };

/**
 * vtr_nl_watch_init() - hear of sockets that are closed
 *
 * Return: 0 or -errno.
 */
int vtr_nl_watch_init(void)
{
	return netlink_register_notifier(&vtr_nl_notifier);
}

/**
 * vtr_nl_watch_fini() - forget those that are not
 *
 * Context: the family is gone: no new ones come.
 */
void vtr_nl_watch_fini(void)
{
	struct vtr_watch *w, *next;

	netlink_unregister_notifier(&vtr_nl_notifier);
	list_for_each_entry_safe(w, next, &vtr_watches, link)
		kfree(w);
	INIT_LIST_HEAD(&vtr_watches);
}
