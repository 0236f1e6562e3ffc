// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_vsock.c - streams between programs in the guest and on the host, without a network: the packets and queues. The host's
 * side is vsock_peer.c. Source: virtio 1.2 "Socket Device".
 *
 * A connection is cut by a fork (it stays with the parent) and by a restore: the guest hears of it by an event.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "devices.h"
#include "vsock.h"

#define QUEUE_SIZE	128
#define BATCH		64	/* packets before others have their turn */
#define HOST_CID	2
#define GUEST_CID	3	/* the guest's address is its own: the host's side is a socket of its folder */
#define READ_MAX	65536U
#define TYPE_STREAM	1
#define EVENT_RESET	0

enum {
	RECEIVE,	/* by the driver */
	TRANSMIT,
	EVENT,
	QUEUES,
};

enum {
	OP_REQUEST = 1,
	OP_RESPONSE = 2,
	OP_RST = 3,
	OP_SHUTDOWN = 4,
	OP_RW = 5,
	OP_CREDIT_UPDATE = 6,
	OP_CREDIT_REQUEST = 7,
};

#define ENDS_RECEIVE	1
#define ENDS_SEND	2

struct packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

_Static_assert(sizeof(struct packet) == 44, "as struct virtio_vsock_hdr");

/* ---- to the guest ---- */

static void put_packet(struct virtio_queue *vq, const struct virtq_chain *chain, uint32_t host_port, uint32_t guest_port,
		       struct packet p)
{
	p.src_cid = HOST_CID;
	p.dst_cid = GUEST_CID;
	p.src_port = host_port;
	p.dst_port = guest_port;
	if (!p.type)
		p.type = TYPE_STREAM;
	virtq_copy_in(chain, 0, &p, sizeof(p));
	virtq_push(&vq->q, chain->head, sizeof(p) + p.len);
}

static void put(struct vsock_conn *c, const struct virtq_chain *chain, struct packet p)
{
	p.buf_alloc = VSOCK_BUFFER;
	p.fwd_cnt = c->done;
	c->told = c->done;
	put_packet(&c->v->dev.queue[RECEIVE], chain, c->host_port, c->guest_port, p);
}

/* How much the guest can take. */
static uint32_t credit(const struct vsock_conn *c)
{
	uint32_t under_way = c->sent - c->peer_done;

	return under_way < c->peer_room ? c->peer_room - under_way : 0;
}

static bool has_data(const struct vsock_conn *c)
{
	return c->state == VSOCK_OPEN && c->readable && !c->host_ended && !c->guest_deaf && credit(c);
}

/* Its end: the guest reads to it, and goes on sending if the host's program reads on. */
static void host_ended(struct vsock_conn *c)
{
	c->host_ended = true;
	c->readable = false;
	c->say |= VSOCK_SAY_SHUTDOWN;
	/* The loop has dropped a socket that both sides have left. */
	if (!c->source.events)
		vsock_close(c);
}

static ssize_t read_into(struct vsock_conn *c, const struct virtq_chain *chain)
{
	uint64_t room = chain->in - sizeof(struct packet), skip = sizeof(struct packet);
	uint32_t most = credit(c) < READ_MAX ? credit(c) : READ_MAX;
	struct iovec iov[VIRTQ_IOV];
	unsigned int i, n = 0;

	if (most > room)
		most = room;
	for (i = chain->nout; i < chain->nout + chain->nin && most; i++) {
		struct iovec v = chain->iov[i];
		uint64_t cut = skip < v.iov_len ? skip : v.iov_len;

		skip -= cut;
		v.iov_base = (uint8_t *)v.iov_base + cut;
		v.iov_len -= cut;
		if (v.iov_len > most)
			v.iov_len = most;
		if (!v.iov_len)
			continue;
		most -= v.iov_len;
		iov[n++] = v;
	}
	return readv(c->source.fd, iov, n);
}

/* Data from the host's program. False if there was none: the chain is not used. */
static bool put_data(struct vsock_conn *c, const struct virtq_chain *chain)
{
	ssize_t n;

	/* A buffer for the header alone would look like the stream's end. */
	if (chain->in == sizeof(struct packet))
		return false;
	n = read_into(c, chain);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		c->readable = false;
		return false;
	}
	if (n <= 0) {
		host_ended(c);
		return false;
	}
	c->sent += n;
	put(c, chain, (struct packet){ .op = OP_RW, .len = n });
	return true;
}

static void put_shutdown(struct vsock_conn *c, const struct virtq_chain *chain)
{
	bool gone = c->source.fd < 0;

	put(c, chain, (struct packet){ .op = OP_SHUTDOWN, .flags = ENDS_SEND | (gone ? ENDS_RECEIVE : 0) });
	/* The guest has yet to read, and to say that it is done: a reset would cost it what it did not read. */
	if (gone)
		c->state = VSOCK_ENDING;
	else if (c->guest_ended)
		vsock_flush(c);		/* which ends it when all is written */
}

/* One packet of a connection. False if it had none after all. */
static bool put_next(struct vsock_conn *c, const struct virtq_chain *chain)
{
	uint32_t bit = c->say & -c->say;

	c->say &= ~bit;
	switch (bit) {
	case VSOCK_SAY_REQUEST:
		put(c, chain, (struct packet){ .op = OP_REQUEST });
		return true;
	case VSOCK_SAY_RESPONSE:
		put(c, chain, (struct packet){ .op = OP_RESPONSE });
		return true;
	case VSOCK_SAY_CREDIT:
		put(c, chain, (struct packet){ .op = OP_CREDIT_UPDATE });
		return true;
	case VSOCK_SAY_SHUTDOWN:
		put_shutdown(c, chain);
		return true;
	case VSOCK_SAY_RESET:
		put(c, chain, (struct packet){ .op = OP_RST });
		vsock_drop(c);
		return true;
	default:
		return has_data(c) && put_data(c, chain);
	}
}

/* A connection that has something to say; each has its turn. */
static struct vsock_conn *next_speaker(struct vmm_vsock *v)
{
	unsigned int i;

	for (i = 0; i < VSOCK_CONNS; i++) {
		struct vsock_conn *c = &v->conn[v->turn++ % VSOCK_CONNS];

		if (c->state >= VSOCK_CONNECTING && (c->say || has_data(c)))
			return c;
	}
	return NULL;
}

/* One buffer of the driver is filled. False if nobody has anything to say. */
static bool fill(struct vmm_vsock *v, struct virtio_queue *vq, const struct virtq_chain *chain)
{
	struct vsock_conn *c;

	if (v->nresets) {
		uint32_t *ports = v->reset[--v->nresets];

		put_packet(vq, chain, ports[0], ports[1], (struct packet){ .op = OP_RST });
		return true;
	}
	while ((c = next_speaker(v))) {
		if (put_next(c, chain))
			return true;
		/* What does not fit into any buffer has to wait for another one. */
		if (has_data(c))
			return false;
		vsock_wait(c);
	}
	return false;
}

static void tell_cut(struct vmm_vsock *v)
{
	struct virtio_queue *vq = &v->dev.queue[EVENT];
	uint32_t event = EVENT_RESET;
	struct virtq_chain chain;

	if (!v->cut || !vq->enabled || virtq_pop(&vq->q, &chain) <= 0)
		return;
	virtq_push(&vq->q, chain.head, virtq_copy_in(&chain, 0, &event, sizeof(event)));
	v->cut = false;
	virtio_tell(vq);
}

/**
 * vsock_talk() - send to the guest what there is, as far as its driver has room; main thread
 * @v: the device, locked
 */
void vsock_talk(struct vmm_vsock *v)
{
	struct virtio_queue *vq = &v->dev.queue[RECEIVE];
	struct virtq_chain chain;
	unsigned int n = 0;
	bool more = true;

	if (!v->dev.running || !vq->enabled)
		return;
	while (more && n < BATCH) {
		if (virtq_pop(&vq->q, &chain) <= 0) {
			more = virtq_more(&vq->q);
			continue;
		}
		n++;
		if (chain.in < sizeof(struct packet)) {
			virtq_push(&vq->q, chain.head, 0);
		} else if (!fill(v, vq, &chain)) {
			virtq_unpop(&vq->q);
			more = false;
		}
	}
	if (n == BATCH)
		virtio_kick(vq);
	virtio_tell(vq);
	virtio_check_broken(vq);
}

/* ---- from the guest ---- */

static struct vsock_conn *find(struct vmm_vsock *v, const struct packet *p)
{
	struct vsock_conn *c;

	for (c = v->conn; c < v->conn + VSOCK_CONNS; c++)
		if (c->state >= VSOCK_CONNECTING && c->host_port == p->dst_port && c->guest_port == p->src_port)
			return c;
	return NULL;
}

static void refuse(struct vmm_vsock *v, const struct packet *p)
{
	if (p->op == OP_RST)
		return;
	v->reset[v->nresets][0] = p->dst_port;
	v->reset[v->nresets++][1] = p->src_port;
}

static void reset(struct vsock_conn *c)
{
	vsock_close(c);
	c->say = VSOCK_SAY_RESET;
}

static void connect_to_host(struct vmm_vsock *v, const struct packet *p)
{
	struct vsock_conn *c = vsock_accepting(v, p->dst_port);

	if (!c) {
		refuse(v, p);
		return;
	}
	c->guest_port = p->src_port;
	c->peer_room = p->buf_alloc;
	c->peer_done = p->fwd_cnt;
	c->say = VSOCK_SAY_RESPONSE;
	vsock_opened(c, c->guest_port);
}

static void end_by_guest(struct vsock_conn *c, uint32_t flags)
{
	if (flags & ENDS_RECEIVE)
		c->guest_deaf = true;
	if (flags & ENDS_SEND)
		c->guest_ended = true;
	vsock_flush(c);
}

static void serve_open(struct vsock_conn *c, const struct virtq_chain *chain, const struct packet *p)
{
	switch (p->op) {
	case OP_RW:
		if (!vsock_receive(c, chain, sizeof(*p), p->len))
			reset(c);
		return;
	case OP_SHUTDOWN:
		end_by_guest(c, p->flags);
		return;
	case OP_CREDIT_REQUEST:
		c->say |= VSOCK_SAY_CREDIT;
		return;
	case OP_CREDIT_UPDATE:
		return;
	default:
		reset(c);
	}
}

/* The host's program is gone. Of that the guest hears again only if it goes on sending, or has ended, too. */
static void end_ended(struct vsock_conn *c, const struct packet *p)
{
	if (p->op == OP_RW || (p->op == OP_SHUTDOWN && p->flags & ENDS_RECEIVE && p->flags & ENDS_SEND))
		c->say = VSOCK_SAY_RESET;
}

static void serve_packet(struct vmm_vsock *v, const struct virtq_chain *chain, const struct packet *p)
{
	struct vsock_conn *c = find(v, p);

	if (!c && p->op == OP_REQUEST && p->type == TYPE_STREAM && p->dst_cid == HOST_CID) {
		connect_to_host(v, p);
		return;
	}
	if (!c || p->type != TYPE_STREAM || p->dst_cid != HOST_CID) {
		refuse(v, p);
		return;
	}
	if (p->op == OP_RST) {
		vsock_drop(c);
		return;
	}
	if (c->source.fd < 0) {
		end_ended(c, p);
		return;
	}
	c->peer_room = p->buf_alloc;
	c->peer_done = p->fwd_cnt;
	if (c->state == VSOCK_OPEN)
		serve_open(c, chain, p);
	else if (p->op == OP_RESPONSE)
		vsock_opened(c, c->host_port);
	else
		reset(c);
}

static void serve(struct vmm_vsock *v, struct virtio_queue *vq)
{
	struct virtq_chain chain;
	unsigned int n = 0;
	struct packet p;
	bool more = true;

	/* A driver that takes no answers gets no more of what it asks for. */
	while (more && n < BATCH && v->nresets < VSOCK_CONNS) {
		if (virtq_pop(&vq->q, &chain) <= 0) {
			more = virtq_more(&vq->q);
			continue;
		}
		n++;
		if (virtq_copy_out(&chain, 0, &p, sizeof(p)) == sizeof(p) && p.src_cid == GUEST_CID)
			serve_packet(v, &chain, &p);
		virtq_push(&vq->q, chain.head, 0);
	}
	if (n == BATCH)
		virtio_kick(vq);
	virtio_tell(vq);
	virtio_check_broken(vq);
}

static struct vmm_vsock *vsock_of(struct virtio_device *dev)
{
	return (struct vmm_vsock *)((char *)dev - offsetof(struct vmm_vsock, dev));
}

static void kicked(struct virtio_queue *vq)
{
	struct vmm_vsock *v = vsock_of(vq->dev);
	bool full = v->nresets == VSOCK_CONNS;

	if (vq->index == EVENT) {
		tell_cut(v);
		return;
	}
	if (vq->index == TRANSMIT)
		serve(v, vq);
	vsock_talk(v);
	if (full && v->nresets < VSOCK_CONNS)
		virtio_kick(&v->dev.queue[TRANSMIT]);
}

/* ---- the device ---- */

static bool has_guest(const struct vsock_conn *c)
{
	return c->state >= VSOCK_CONNECTING;
}

/* Without a driver nobody is at the other end; who waits for the guest to connect goes on waiting. */
static void stop(struct virtio_device *dev)
{
	struct vmm_vsock *v = vsock_of(dev);
	struct vsock_conn *c;

	virtio_loop_stop(dev);
	pthread_mutex_lock(&dev->lock);
	for (c = v->conn; c < v->conn + VSOCK_CONNS; c++)
		if (has_guest(c))
			vsock_drop(c);
	v->nresets = 0;
	v->cut = false;
	pthread_mutex_unlock(&dev->lock);
}

static const struct virtio_ops ops = {
	.type = VIRTIO_VSOCK, .class = 0xff0000, .start = virtio_loop_start, .stop = stop,
};

static const struct vmm_field fields[] = {
	VMM_FIELD(struct vsock_saved, cut),
	VMM_FIELD(struct vsock_saved, next_port),
};

static unsigned int guests(const struct vmm_vsock *v)
{
	const struct vsock_conn *c;
	unsigned int n = 0;

	for (c = v->conn; c < v->conn + VSOCK_CONNS; c++)
		n += has_guest(c);
	return n;
}

static void save(void *opaque)
{
	struct vmm_vsock *v = opaque;

	v->saved.cut = v->cut || guests(v);
	v->saved.next_port = v->next_port;
}

static int load(void *opaque)
{
	struct vmm_vsock *v = opaque;

	v->cut = v->saved.cut;
	v->next_port = v->saved.next_port;
	return 0;
}

static void init_part(struct vmm_vsock *v)
{
	v->part = (struct vmm_part){
		.name = "virtio-vsock-connections", .version = 1, .fields = fields, .nfields = ARRAY_SIZE(fields),
		.state = &v->saved, .opaque = v, .save = save, .load = load,
	};
	vmm_part_add(v->dev.m, &v->part);
}

/**
 * vmm_vsock_create() - give the guest the device, and the VM's folder its socket
 * @m: the machine, with a PCI bus; one without a folder has no such device
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_vsock_create(struct vmm *m)
{
	struct vmm_vsock *v;
	unsigned int i;

	if (!m->config->owner)
		return 0;
	v = calloc(1, sizeof(*v));
	if (!v) {
		vmm_error("vsock", strerror(errno), "free some memory");
		return -1;
	}
	m->vsock = v;
	for (i = 0; i < VSOCK_CONNS; i++)
		v->conn[i].source.fd = -1;
	v->listener.fd = -1;
	strcpy(v->dev.name, "virtio-vsock");
	v->cid = htole64(GUEST_CID);
	v->dev.ops = &ops;
	v->dev.config = &v->cid;
	v->dev.config_size = sizeof(v->cid);
	v->dev.nqueues = QUEUES;
	for (i = 0; i < QUEUES; i++)
		v->dev.queue[i].max = QUEUE_SIZE;
	if (virtio_add(m, &v->dev) || virtio_loop_add(&v->dev, kicked))
		return -1;
	init_part(v);
	return vsock_listen(v, m->config->owner->folder);
}

/**
 * vmm_vsock_forked() - in the child of a fork, before its parts: another VM's socket
 * @m: the machine
 * @listener: the socket
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_vsock_forked(struct vmm *m, int listener)
{
	struct vmm_vsock *v = m->vsock;

	v->cut = v->cut || guests(v);
	v->nresets = 0;
	return vsock_listen_forked(v, listener);
}

/**
 * vmm_vsock_destroy() - take it away
 * @m: the machine, its CPUs are gone
 */
void vmm_vsock_destroy(struct vmm *m)
{
	struct vmm_vsock *v = m->vsock;
	struct vsock_conn *c;

	if (!v)
		return;
	for (c = v->conn; c < v->conn + VSOCK_CONNS; c++)
		if (c->state != VSOCK_FREE)
			vsock_drop(c);
	virtio_remove(&v->dev);
	if (v->listener.fd >= 0)
		close(v->listener.fd);
	free(v);
	m->vsock = NULL;
}
