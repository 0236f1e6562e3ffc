// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink_get.c - host-get, vm-get, vcpu-get, exit-stats-get: finds what is asked for, one or all.
 *
 * A dump goes through VMs by id, a VM's vCPUs by index, a vCPU's exits by kind: all of these only grow, so where
 * it stopped is three numbers, and what was there all the time is met once.
 */
#include "netlink.h"
#include "vcpu.h"

#define VTR_ANY_VCPU	U32_MAX

/* How deep the objects of a command lie. */
enum vtr_depth { VTR_DEPTH_HOST, VTR_DEPTH_VM, VTR_DEPTH_VCPU, VTR_DEPTH_EXIT };

/**
 * struct vtr_get - a command
 * @depth: of its objects
 * @put: writes one
 * @vm: attribute that names the VM
 * @vcpu: the vCPU; 0: none
 * @kind: the kind of exit; 0: none
 */
struct vtr_get {
	enum vtr_depth depth;
	int (*put)(struct sk_buff *skb, const struct vtr_nl_object *o);
	int vm, vcpu, kind;
};

static const struct vtr_get vtr_gets[] = {
	[VITRINE_CMD_HOST_GET]	= { VTR_DEPTH_HOST, vtr_nl_put_host },
	[VITRINE_CMD_VM_GET]	= { VTR_DEPTH_VM, vtr_nl_put_vm, VITRINE_A_VM_ID },
	[VITRINE_CMD_VCPU_GET]	= {
		VTR_DEPTH_VCPU, vtr_nl_put_vcpu, VITRINE_A_VCPU_VM_ID, VITRINE_A_VCPU_ID
	},
	[VITRINE_CMD_EXIT_STATS_GET] = {
		VTR_DEPTH_EXIT, vtr_nl_put_exit, VITRINE_A_EXIT_VM_ID, VITRINE_A_EXIT_VCPU_ID,
		VITRINE_A_EXIT_KIND
	},
};

/**
 * struct vtr_dump - where a dump is, in the callback's room
 * @who: decided when it began, for whoever reads on
 * @next: lowest VM id not sent yet
 * @vcpu: index of the next vCPU in that VM
 * @kind: next kind of exit of that vCPU
 * @one: 0, or the only VM wanted
 * @one_vcpu: VTR_ANY_VCPU, or the id of the only vCPU wanted
 */
struct vtr_dump {
	struct vtr_viewer who;
	u32 next;
	u32 vcpu;
	u32 kind;
	u32 one;
	u32 one_vcpu;
};

static bool vtr_nl_has_exits(const struct vtr_vcpu *v, u32 kind)
{
	return READ_ONCE(v->stats.exit[kind].count);
}

/* vtr_vms_lock held. 0; -EINVAL: an attribute is missing; -ENOENT. */
static int vtr_nl_find(struct nlattr **attrs, const struct vtr_get *get, struct vtr_nl_object *o)
{
	if (get->depth == VTR_DEPTH_HOST)
		return 0;
	if (!attrs[get->vm] || (get->vcpu && !attrs[get->vcpu]) || (get->kind && !attrs[get->kind]))
		return -EINVAL;
	o->vm = vtr_registry_find(nla_get_u32(attrs[get->vm]), o->who);
	if (!o->vm)
		return -ENOENT;
	if (get->depth == VTR_DEPTH_VM)
		return 0;
	o->v = vtr_vcpu_by_id(o->vm, nla_get_u32(attrs[get->vcpu]));
	if (!o->v)
		return -ENOENT;
	if (get->depth == VTR_DEPTH_VCPU)
		return 0;
	o->kind = nla_get_u32(attrs[get->kind]);
	return o->kind < VTR_EXIT_NR && vtr_nl_has_exits(o->v, o->kind) ? 0 : -ENOENT;
}

/**
 * vtr_nl_get() - the four commands, one object
 * @skb: the request
 * @info: its particulars
 *
 * Return: 0 or -errno as uapi/vitrine.h says.
 */
int vtr_nl_get(struct sk_buff *skb, struct genl_info *info)
{
	const struct vtr_get *get = &vtr_gets[info->genlhdr->cmd];
	struct vtr_viewer who;
	struct vtr_nl_object o = { .reader = NETLINK_CB(skb).sk, .who = &who };
	struct sk_buff *reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *head;
	int err;

	if (!reply)
		return -ENOMEM;
	vtr_viewer_of(skb, &who);
	head = genlmsg_put_reply(reply, info, &vtr_family, 0, info->genlhdr->cmd);
	mutex_lock(&vtr_vms_lock);
	err = vtr_nl_find(info->attrs, get, &o);
	if (!err)
		err = head ? get->put(reply, &o) : -EMSGSIZE;
	mutex_unlock(&vtr_vms_lock);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, head);
	return genlmsg_reply(reply, info);
}

static const struct vtr_get *vtr_nl_command(const struct netlink_callback *cb)
{
	const struct genlmsghdr *head = nlmsg_data(cb->nlh);

	return &vtr_gets[head->cmd];
}

/**
 * vtr_nl_start() - the four commands, all objects: which are wanted
 * @cb: the dump
 *
 * Return: 0; -EINVAL for a filter that this dump does not have.
 */
int vtr_nl_start(struct netlink_callback *cb)
{
	const struct vtr_get *get = vtr_nl_command(cb);
	struct nlattr **attrs = vtr_dump_attrs(cb);
	struct vtr_dump *d = (void *)cb->ctx;

	static_assert(sizeof(*d) <= sizeof(cb->ctx));
	memset(d, 0, sizeof(*d));
	d->one_vcpu = VTR_ANY_VCPU;
	vtr_viewer_of(cb->skb, &d->who);
	if (get->depth == VTR_DEPTH_HOST)
		return 0;
	if (get->depth == VTR_DEPTH_VM)
		return attrs[get->vm] ? -EINVAL : 0;
	if (attrs[get->vm])
		d->next = d->one = nla_get_u32(attrs[get->vm]);
	if (!attrs[get->vcpu])
		return get->kind && attrs[get->kind] ? -EINVAL : 0;
	if (!d->one || get->depth == VTR_DEPTH_VCPU || attrs[get->kind])
		return -EINVAL;
	d->one_vcpu = nla_get_u32(attrs[get->vcpu]);
	return 0;
}

static int vtr_nl_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
			   const struct vtr_get *get, const struct vtr_nl_object *o)
{
	const struct genlmsghdr *asked = nlmsg_data(cb->nlh);
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &vtr_family,
				 NLM_F_MULTI, asked->cmd);

	if (!head)
		return -EMSGSIZE;
	if (get->put(skb, o)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* The vCPUs of o->vm from d->vcpu on, or their exits from d->kind on. */
static int vtr_nl_dump_vcpus(struct sk_buff *skb, struct netlink_callback *cb,
			     const struct vtr_get *get, struct vtr_nl_object *o)
{
	struct vtr_dump *d = (void *)cb->ctx;
	int err;

	/* Pairs with vtr_vcpu_create(). */
	for (; d->vcpu < smp_load_acquire(&o->vm->nr_vcpus); d->vcpu++, d->kind = 0) {
		o->v = o->vm->vcpus[d->vcpu];
		if (d->one_vcpu != VTR_ANY_VCPU && o->v->id != d->one_vcpu)
			continue;
		if (get->depth == VTR_DEPTH_VCPU) {
			err = vtr_nl_dump_one(skb, cb, get, o);
			if (err)
				return err;
			continue;
		}
		for (; d->kind < VTR_EXIT_NR; d->kind++) {
			o->kind = d->kind;
			err = vtr_nl_has_exits(o->v, o->kind) ? vtr_nl_dump_one(skb, cb, get, o) : 0;
			if (err)
				return err;
		}
	}
	d->vcpu = 0;
	return 0;
}

static int vtr_nl_dump_vms(struct sk_buff *skb, struct netlink_callback *cb,
			   const struct vtr_get *get, struct vtr_nl_object *o)
{
	struct vtr_dump *d = (void *)cb->ctx;
	int err;

	while ((o->vm = vtr_registry_next(d->next))) {
		u32 id = o->vm->vm_id;

		if (d->one && d->one != id)
			break;
		/* Where it was in a VM that is gone says nothing about the next one. */
		if (id != d->next)
			d->vcpu = d->kind = 0;
		d->next = id;
		if (vtr_viewer_sees(&d->who, o->vm->ident.uid, o->vm->ident.net)) {
			err = get->depth == VTR_DEPTH_VM ? vtr_nl_dump_one(skb, cb, get, o) :
							   vtr_nl_dump_vcpus(skb, cb, get, o);
			if (err)
				return err;
		}
		d->next = id + 1;
	}
	d->next = U32_MAX;
	return 0;
}

/**
 * vtr_nl_dump() - the four commands, all objects
 * @skb: to be filled
 * @cb: the dump
 *
 * Return: bytes, 0 at the end, or -EMSGSIZE.
 */
int vtr_nl_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct vtr_get *get = vtr_nl_command(cb);
	struct vtr_dump *d = (void *)cb->ctx;
	struct vtr_nl_object o = { .reader = NETLINK_CB(cb->skb).sk, .who = &d->who };
	int err = 0;

	mutex_lock(&vtr_vms_lock);
	if (get->depth != VTR_DEPTH_HOST) {
		err = vtr_nl_dump_vms(skb, cb, get, &o);
	} else if (!d->next) {
		err = vtr_nl_dump_one(skb, cb, get, &o);
		d->next = 1;
	}
	mutex_unlock(&vtr_vms_lock);
	return skb->len ?: err;
}
