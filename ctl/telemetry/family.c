// SPDX-License-Identifier: GPL-2.0-only
/*
 * family.c - the generic netlink family `vitrine`, through libnl-genl-3, which is loaded when it is needed: VM
 * processes do without.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"
#include "telemetry/family.h"
#include "telemetry/figures.h"
#include "uapi/vitrine.h"

#define LIBRARY		"libnl-genl-3.so.200"
#define RECEIVE_BYTES	(1 << 20)	/* room for events while the reader does something else */

#define CALLS(X)	X(nl_socket_alloc) X(nl_socket_free) X(nl_socket_set_buffer_size) \
			X(nl_socket_set_nonblocking) X(nl_socket_get_fd) X(genl_connect) X(genl_ctrl_resolve) \
			X(nl_cb_alloc) X(nl_cb_put) X(nl_cb_set) X(nl_cb_err) X(nl_recvmsgs) X(nl_send_auto) \
			X(nlmsg_alloc) X(nlmsg_free) X(nlmsg_hdr) X(nlmsg_data) X(genlmsg_put) X(genlmsg_attrdata) \
			X(genlmsg_attrlen) X(nla_put) X(nla_parse) X(nla_data) X(nla_len) X(nla_next) X(nla_ok) \
			X(nla_type)

static struct { CALLS(LIBRARY_CALL) } nl;
static const char *const names[] = { CALLS(LIBRARY_NAME) };

/**
 * struct family - a connection to the module
 * @socket: its socket
 * @cb: what is called on receiving
 * @id: of the family
 * @take: the caller's, of the request that runs
 * @arg: for @take
 * @done: the request that runs has its last answer
 * @error: of it, -errno
 */
struct family {
	struct nl_sock *socket;
	struct nl_cb *cb;
	int id;
	family_take *take;
	void *arg;
	bool done;
	int error;
};

/* The library's own numbers, where there is no message of the kernel's with an errno. */
static int error_of(int nle)
{
	switch (-nle) {
	case 0:
		return 0;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_AGAIN:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

static void parse(struct family_message *m, struct nlattr *head, int length)
{
	m->head = head;
	m->length = length;
	nl.nla_parse(m->at, FAMILY_ATTRIBUTES - 1, head, length, NULL);
}

static int on_message(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nl.nlmsg_hdr(msg);
	struct genlmsghdr *g = nl.nlmsg_data(h);
	struct family_message m = { 0 };
	struct family *f = arg;

	if (h->nlmsg_type != f->id || h->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN || !f->take)
		return NL_SKIP;
	m.command = g->cmd;
	parse(&m, nl.genlmsg_attrdata(g, 0), nl.genlmsg_attrlen(g, 0));
	f->take(&m, f->arg);
	return NL_OK;
}

static int on_finish(struct nl_msg *msg, void *arg)
{
	struct family *f = arg;

	(void)msg;
	f->done = true;
	return NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct family *f = arg;

	(void)from;
	f->error = err->error;
	f->done = true;
	return NL_STOP;
}

/* Events are in nobody's sequence. */
static int on_sequence(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

static int connect_to(struct family *f)
{
	int err = nl.genl_connect(f->socket);

	if (!err)
		err = nl.nl_socket_set_buffer_size(f->socket, RECEIVE_BYTES, 0);
	f->id = err ? err : nl.genl_ctrl_resolve(f->socket, VITRINE_FAMILY_NAME);
	if (f->id < 0)
		return error_of(f->id);
	nl.nl_cb_set(f->cb, NL_CB_VALID, NL_CB_CUSTOM, on_message, f);
	nl.nl_cb_set(f->cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, f);
	nl.nl_cb_set(f->cb, NL_CB_ACK, NL_CB_CUSTOM, on_finish, f);
	nl.nl_cb_set(f->cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, f);
	nl.nl_cb_err(f->cb, NL_CB_CUSTOM, on_error, f);
	return 0;
}

static void explain(int err, struct family_trouble *t)
{
	t->what = strerror(-err);
	t->remedy = "see `vmctl doctor`";
	if (err == -ENOENT) {
		t->what = "the module vitrine is not loaded";
		t->remedy = "load it with `modprobe vitrine`, or see `vmctl doctor`";
	} else if (err == -ELIBACC) {
		t->what = LIBRARY " is not there";
		t->remedy = "install libnl-genl-3-200";
	}
}

/**
 * family_open() - connect to the module
 * @t: filled if there is no connection
 *
 * Return: the connection, or NULL.
 */
struct family *family_open(struct family_trouble *t)
{
	struct family *f = calloc(1, sizeof(*f));
	int err = f ? 0 : -ENOMEM;

	if (!err && !LIBRARY_LOAD(LIBRARY, names, nl))
		err = -ELIBACC;
	if (!err) {
		f->socket = nl.nl_socket_alloc();
		f->cb = nl.nl_cb_alloc(NL_CB_DEFAULT);
		err = f->socket && f->cb ? connect_to(f) : -ENOMEM;
	}
	if (!err)
		return f;
	if (f)
		family_close(f);
	explain(err, t);
	return NULL;
}

/**
 * family_close() - end a connection
 * @f: the connection
 */
void family_close(struct family *f)
{
	if (f->cb)
		nl.nl_cb_put(f->cb);
	if (f->socket)
		nl.nl_socket_free(f->socket);
	free(f);
}

static struct nl_msg *make_request(struct family *f, int command, int flags,
				   const struct family_argument *args, unsigned int n)
{
	struct nl_msg *msg = nl.nlmsg_alloc();
	unsigned int i;
	int err = 0;

	if (!msg)
		return NULL;
	if (!nl.genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, f->id, 0, NLM_F_REQUEST | flags, command,
			    VITRINE_FAMILY_VERSION))
		err = -1;
	for (i = 0; i < n && !err; i++) {
		uint32_t narrow = args[i].value;

		err = args[i].wide ? nl.nla_put(msg, args[i].type, sizeof(args[i].value), &args[i].value) :
				     nl.nla_put(msg, args[i].type, sizeof(narrow), &narrow);
	}
	if (!err)
		return msg;
	nl.nlmsg_free(msg);
	return NULL;
}

static int ask(struct family *f, int command, int flags, const struct family_argument *args, unsigned int n)
{
	struct nl_msg *msg = make_request(f, command, flags, args, n);
	int err;

	if (!msg)
		return -ENOMEM;
	f->done = false;
	f->error = 0;
	err = nl.nl_send_auto(f->socket, msg);
	nl.nlmsg_free(msg);
	while (err >= 0 && !f->done)
		err = nl.nl_recvmsgs(f->socket, f->cb);
	if (f->error || err >= 0)
		return f->error;
	return error_of(err);
}

/**
 * family_do() - a request about one object
 * @f: the connection
 * @command: VITRINE_CMD_
 * @args: its attributes
 * @n: their number
 * @take: called with the answer, may be NULL
 * @arg: for @take
 *
 * Return: 0 or -errno: the module's, see include/uapi/vitrine.h; -ENOMEM; -EIO.
 */
int family_do(struct family *f, int command, const struct family_argument *args, unsigned int n,
	      family_take *take, void *arg)
{
	f->take = take;
	f->arg = arg;
	return ask(f, command, NLM_F_ACK, args, n);
}

/**
 * family_dump() - a request about many objects
 * @f: the connection
 * @command: VITRINE_CMD_
 * @args: its attributes
 * @n: their number
 * @take: called with each object
 * @arg: for @take
 *
 * Return: as family_do().
 */
int family_dump(struct family *f, int command, const struct family_argument *args, unsigned int n,
		family_take *take, void *arg)
{
	f->take = take;
	f->arg = arg;
	return ask(f, command, NLM_F_DUMP, args, n);
}

/**
 * family_watch() - from now on, events come to this connection, which is for nothing else then
 * @f: the connection
 *
 * Return: as family_do().
 */
int family_watch(struct family *f)
{
	int err = family_do(f, VITRINE_CMD_EVENT_WATCH, NULL, 0, NULL, NULL);

	return err ? err : error_of(nl.nl_socket_set_nonblocking(f->socket));
}

/**
 * family_events() - take the events that have come; does not wait
 * @f: of family_watch()
 * @take: called with each; gaps in event.seq are events that were missed
 * @arg: for @take
 *
 * Return: 0 or -errno.
 */
int family_events(struct family *f, family_take *take, void *arg)
{
	struct pollfd p = { .fd = family_descriptor(f), .events = POLLIN };
	int err = 0;

	f->take = take;
	f->arg = arg;
	/* The library tells that messages were lost as a lack of memory; those behind them can be read. */
	while (poll(&p, 1, 0) > 0 && (err >= 0 || err == -NLE_NOMEM))
		err = nl.nl_recvmsgs(f->socket, f->cb);
	return err >= 0 || err == -NLE_NOMEM || err == -NLE_AGAIN ? 0 : error_of(err);
}

/**
 * family_descriptor() - for poll(2)
 * @f: the connection
 *
 * Return: readable when there is something.
 */
int family_descriptor(const struct family *f)
{
	return nl.nl_socket_get_fd(f->socket);
}

/**
 * family_has() - does a message have an attribute?
 * @m: the message
 * @type: VITRINE_A_
 *
 * Return: whether.
 */
bool family_has(const struct family_message *m, int type)
{
	return m->at[type];
}

static void copy(const struct family_message *m, int type, void *to, int size)
{
	if (m->at[type] && nl.nla_len(m->at[type]) >= size)
		memcpy(to, nl.nla_data(m->at[type]), size);
}

/**
 * family_u32() - a number
 * @m: the message
 * @type: VITRINE_A_
 *
 * Return: its value, 0 if it is not there.
 */
uint32_t family_u32(const struct family_message *m, int type)
{
	uint32_t v = 0;

	copy(m, type, &v, sizeof(v));
	return v;
}

/**
 * family_u64() - a number
 * @m: the message
 * @type: VITRINE_A_
 *
 * Return: its value, 0 if it is not there.
 */
uint64_t family_u64(const struct family_message *m, int type)
{
	uint64_t v = 0;

	copy(m, type, &v, sizeof(v));
	return v;
}

/**
 * family_text() - a string
 * @m: the message
 * @type: VITRINE_A_
 * @s: filled with printable ASCII, empty if it is not there
 * @room: bytes in @s
 */
void family_text(const struct family_message *m, int type, char *s, size_t room)
{
	size_t n = 0;
	const char *text = family_bytes(m, type, &n);

	snprintf(s, room, "%.*s", (int)n, text ? text : "");
	figure_clean(s);
}

/**
 * family_bytes() - a binary
 * @m: the message
 * @type: VITRINE_A_
 * @n: filled with its length
 *
 * Return: its first byte, or NULL.
 */
const void *family_bytes(const struct family_message *m, int type, size_t *n)
{
	*n = m->at[type] ? nl.nla_len(m->at[type]) : 0;
	return m->at[type] ? nl.nla_data(m->at[type]) : NULL;
}

/**
 * family_nests() - each nest of a type
 * @m: the message
 * @type: VITRINE_A_
 * @take: called with each, in order
 * @arg: for @take
 */
void family_nests(const struct family_message *m, int type, family_take *take, void *arg)
{
	struct nlattr *a = m->head;
	int left = m->length;

	for (; nl.nla_ok(a, left); a = nl.nla_next(a, &left)) {
		struct family_message nest = { 0 };

		if (nl.nla_type(a) != type)
			continue;
		parse(&nest, nl.nla_data(a), nl.nla_len(a));
		take(&nest, arg);
	}
}
