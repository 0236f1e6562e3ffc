// SPDX-License-Identifier: GPL-2.0-only
/*
 * genl.c: the client of telemetry.h.
 */
#include "telemetry.h"

#include <poll.h>
#include <signal.h>
#include <linux/genetlink.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define NLA_DATA(a)	((void *)((char *)(a) + NLA_HDRLEN))
#define NLA_LEN(a)	((a)->nla_len - NLA_HDRLEN)

/**
 * attr_in() - the first attribute of a type in a nest or message
 *
 * Return: its payload, or NULL.
 */
const void *attr_in(const void *data, uint32_t size, uint16_t type, uint32_t *len)
{
	const struct nlattr *a = data;
	uint32_t step;

	for (; size >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= size; size -= step) {
		if ((a->nla_type & NLA_TYPE_MASK) == type) {
			if (len)
				*len = NLA_LEN(a);
			return NLA_DATA(a);
		}
		step = NLA_ALIGN((uint32_t)a->nla_len);
		if (step > size)
			step = size;
		a = (const void *)((const char *)a + step);
	}
	return NULL;
}

const void *attr_find(const struct message *m, uint16_t type, uint32_t *size)
{
	return attr_in(m->data, m->size, type, size);
}

bool attr_has(const struct message *m, uint16_t type)
{
	return attr_find(m, type, NULL);
}

uint32_t attr_u32(const struct message *m, uint16_t type)
{
	uint32_t size, value = 0;
	const void *at = attr_find(m, type, &size);

	if (!at || size != 4)
		abi_fail(__FILE__, __LINE__, "attribute %u: no u32", type);
	else
		memcpy(&value, at, 4);
	return value;
}

uint64_t attr_u64(const struct message *m, uint16_t type)
{
	uint64_t value = 0;
	uint32_t size;
	const void *at = attr_find(m, type, &size);

	if (!at || size != 8)
		abi_fail(__FILE__, __LINE__, "attribute %u: no u64", type);
	else
		memcpy(&value, at, 8);
	return value;
}

const char *attr_string(const struct message *m, uint16_t type)
{
	uint32_t size;
	const char *at = attr_find(m, type, &size);

	return at && size && !at[size - 1] ? at : "";
}

/**
 * genl_send() - a request
 *
 * Return: 0 or -errno.
 */
int genl_send(struct genl *g, uint8_t cmd, uint16_t flags, const void *attrs, uint32_t size)
{
	struct {
		struct nlmsghdr head;
		struct genlmsghdr genl;
		uint8_t attrs[256];
	} request = {
		.head = {
			.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + size, .nlmsg_type = g->family,
			.nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = ++g->seq,
		},
		.genl = { .cmd = cmd, .version = VITRINE_FAMILY_VERSION },
	};

	NEED(size <= sizeof(request.attrs));
	memcpy(request.attrs, attrs, size);
	return send(g->fd, &request, request.head.nlmsg_len, 0) < 0 ? -errno : 0;
}

static void keep(const struct nlmsghdr *h, struct message ***tail)
{
	const struct genlmsghdr *genl = NLMSG_DATA(h);
	uint32_t size = NLMSG_PAYLOAD(h, GENL_HDRLEN);
	struct message *m = calloc(1, sizeof(*m) + size);

	m->cmd = genl->cmd;
	m->size = size;
	memcpy(m->data, (const char *)genl + GENL_HDRLEN, size);
	**tail = m;
	*tail = &m->next;
}

/**
 * genl_receive() - what one recv() brings
 *
 * Return: 0 or -errno: of the call, or as the module answered. done: a reply or dump has ended.
 */
int genl_receive(struct genl *g, struct message ***tail, bool *done)
{
	static uint8_t buffer[65536] __attribute__((aligned(8)));
	struct nlmsghdr *h = (void *)buffer;
	ssize_t n = recv(g->fd, buffer, sizeof(buffer), 0);
	int left = n;

	if (n < 0)
		return -errno;
	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_ERROR) {
			*done = true;
			return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
		}
		if (h->nlmsg_type == NLMSG_DONE) {
			*done = true;
			return *(int *)NLMSG_DATA(h);
		}
		keep(h, tail);
	}
	return 0;
}

static uint32_t pack(const struct arg *args, uint8_t *attrs)
{
	uint32_t size = 0;

	for (; args && args->type; args++, size += NLA_HDRLEN + 4) {
		struct nlattr head = { .nla_len = NLA_HDRLEN + 4, .nla_type = args->type };

		memcpy(attrs + size, &head, sizeof(head));
		memcpy(attrs + size + NLA_HDRLEN, &args->value, 4);
	}
	return size;
}

static int transact(struct genl *g, uint8_t cmd, uint16_t flags, const struct arg *args,
		    struct message **reply)
{
	struct message **tail = reply;
	uint8_t attrs[256];
	bool done = false;
	int err = genl_send(g, cmd, flags, attrs, pack(args, attrs));

	*reply = NULL;
	while (!err && !done)
		err = genl_receive(g, &tail, &done);
	return err;
}

/**
 * genl_dump() - all objects of a command, in the order they came
 */
struct message *genl_dump(struct genl *g, uint8_t cmd, const struct arg *args)
{
	struct message *all;

	errno = -transact(g, cmd, NLM_F_DUMP, args, &all);
	NEED(!errno);
	return all;
}

/**
 * genl_do() - one request, acknowledged; a reply to *reply if there is one
 *
 * Return: 0 or -errno.
 */
int genl_do(struct genl *g, uint8_t cmd, const struct arg *args, struct message **reply)
{
	struct message *ignored;

	return transact(g, cmd, NLM_F_ACK, args, reply ? reply : &ignored);
}

/**
 * genl_wait() - the next message that comes by itself
 *
 * Return: the message, or NULL when none came in time.
 */
struct message *genl_wait(struct genl *g, unsigned int ms)
{
	struct pollfd p = { .fd = g->fd, .events = POLLIN };
	struct message *m = NULL, **tail = &m;
	bool done;

	if (poll(&p, 1, ms) == 1)
		errno = -genl_receive(g, &tail, &done);
	return m;
}

static void find_group(struct genl *g, const struct message *m)
{
	uint32_t size, left, len;
	const void *groups = attr_find(m, CTRL_ATTR_MCAST_GROUPS, &size), *group;

	NEED(groups);
	/* One group: a nest in a nest. */
	group = attr_in(groups, size, 1, &left);
	NEED(group);
	NEED(!strcmp(attr_in(group, left, CTRL_ATTR_MCAST_GRP_NAME, &len), VITRINE_MCGRP_EVENTS));
	memcpy(&g->group, attr_in(group, left, CTRL_ATTR_MCAST_GRP_ID, &len), 4);
}

/**
 * genl_open() - a socket that knows the family
 */
struct genl *genl_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	struct nlattr head = {
		.nla_len = NLA_HDRLEN + sizeof(VITRINE_FAMILY_NAME), .nla_type = CTRL_ATTR_FAMILY_NAME,
	};
	struct genl *g = calloc(1, sizeof(*g));
	struct message *m = NULL, **tail = &m;
	uint8_t attrs[64] = {};
	uint32_t size;
	bool done = false;

	g->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	NEED(g->fd >= 0);
	NEED(!bind(g->fd, (void *)&address, sizeof(address)));
	g->family = GENL_ID_CTRL;
	memcpy(attrs, &head, sizeof(head));
	memcpy(attrs + NLA_HDRLEN, VITRINE_FAMILY_NAME, sizeof(VITRINE_FAMILY_NAME));
	NEED(!genl_send(g, CTRL_CMD_GETFAMILY, 0, attrs, NLA_ALIGN(head.nla_len)));
	errno = -genl_receive(g, &tail, &done);
	NEED(m);
	memcpy(&g->family, attr_find(m, CTRL_ATTR_FAMILY_ID, &size), 2);
	find_group(g, m);
	return g;
}

uint32_t vm_id(const struct vm *vm)
{
	uint32_t id = 0;

	NEED(!ioctl(vm->fd, VITRINE_VM_GET_ID, &id));
	return id;
}

int vm_name(const struct vm *vm, const char *name)
{
	struct vitrine_vm_name n = {};

	strncpy(n.name, name, sizeof(n.name) - 1);
	return ioctl(vm->fd, VITRINE_VM_SET_NAME, &n);
}

/**
 * vm_get() - vm-get of one VM, which has to be there
 */
struct message *vm_get(struct genl *g, uint32_t id)
{
	struct message *m;

	errno = -genl_do(g, VITRINE_CMD_VM_GET, ARGS({ VITRINE_A_VM_ID, id }), &m);
	NEED(!errno && m);
	return m;
}

/**
 * as_user() - run a part of a test in a process of another user, without capabilities
 */
pid_t as_user(uid_t uid, void (*body)(void *), void *arg)
{
	pid_t pid = fork();

	NEED(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		NEED(!setresgid(uid, uid, uid) && !setresuid(uid, uid, uid));
		body(arg);
		abi_stop();
	}
	return pid;
}

bool ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}
