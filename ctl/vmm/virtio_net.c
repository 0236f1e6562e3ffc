// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_net.c - network cards: a thread for each pair of queues moves frames between the driver's buffers and a plug
 * of net.h. Source: virtio 1.2 "Network Device".
 *
 * To an interface frames go straight from guest memory, with their offload headers. What comes in is read into the
 * pair's buffer, as nobody knows its size before, and copied to as many of the driver's buffers as it takes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "compiler.h"
#include "devices.h"
#include "net/net.h"
#include "part.h"
#include "virtio.h"

#define QUEUE_SIZE	256
#define BATCH		64	/* frames in one direction before the other one's turn */
#define FRAME_MAX	65550	/* of a large segment, with its Ethernet header */
#define FRAME_MIN	14
#define FLAP_NS		300000000	/* a link is down, and so long again while its driver has not looked */
#define FLAP_TIMES	40
#define LENGTH		4	/* before each frame of a stream */

#define F_CSUM		(1ULL << 0)
#define F_GUEST_CSUM	(1ULL << 1)
#define F_MAC		(1ULL << 5)
#define F_GUEST_TSO4	(1ULL << 7)
#define F_GUEST_TSO6	(1ULL << 8)
#define F_HOST_TSO4	(1ULL << 11)
#define F_HOST_TSO6	(1ULL << 12)
#define F_MRG_RXBUF	(1ULL << 15)
#define F_STATUS	(1ULL << 16)
#define F_CTRL_VQ	(1ULL << 17)
#define F_MQ		(1ULL << 22)

#define STATUS_LINK_UP	1

#define CTRL_MQ			4
#define CTRL_MQ_PAIRS_SET	0
#define CTRL_OK			0
#define CTRL_ERR		1

struct header {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

_Static_assert(sizeof(struct header) == 12, "as struct virtio_net_hdr_v1");

struct config {
	uint8_t mac[6];
	uint16_t status, max_virtqueue_pairs;
} __attribute__((packed));

/**
 * struct pair - two queues and the thread that serves them
 * @worker: the thread; its queue is the one that the guest sends with
 * @nic: whose
 * @number: of the pair
 * @blocked: the driver has no room: nothing is read until it has
 * @held: bytes of a frame in @in, header first, that the driver had no room for
 * @have: bytes of a stream in @in, behind the place of a header
 * @at: bytes before them that are done with
 * @left: bytes in @out that the stream did not take yet
 * @in: what came in
 * @out: what is to go out
 */
struct pair {
	struct virtio_worker worker;
	struct vmm_nic *nic;
	unsigned int number;
	bool blocked;
	uint32_t held, have, at, left;
	uint8_t in[sizeof(struct header) + LENGTH + FRAME_MAX];
	uint8_t out[LENGTH + FRAME_MAX];
};

/**
 * struct vmm_nic - a network card
 * @dev: what the guest sees
 * @config: its configuration
 * @link: where it is plugged in
 * @active: pairs that the driver uses
 * @saved: the same, while it is saved or loaded
 * @part: its state beside what all devices have
 * @part_name: of that
 * @dead: there is nobody at the other end
 * @pair: the pairs
 * @next: the machine's next card
 */
struct vmm_nic {
	struct virtio_device dev;
	struct config config;
	struct net_link link;
	_Atomic unsigned int active;
	uint32_t saved;
	struct vmm_part part;
	char part_name[32];
	_Atomic bool dead;
	struct pair *pair;
	struct vmm_nic *next;
};

static struct vmm_nic *nic_of(struct virtio_device *dev)
{
	return (struct vmm_nic *)((char *)dev - offsetof(struct vmm_nic, dev));
}

static struct virtio_queue *receive_queue(const struct pair *p)
{
	return &p->nic->dev.queue[2 * p->number];
}

static struct virtio_queue *control_queue(struct vmm_nic *n)
{
	return virtio_has(&n->dev, F_CTRL_VQ) ? &n->dev.queue[2 * n->link.pairs] : NULL;
}

/* ---- from the guest ---- */

/* What did not fit into the stream goes first. True if all is gone. */
static bool send_left(struct pair *p)
{
	ssize_t done;

	while (p->left) {
		done = write(p->nic->link.fd[0], p->out, p->left);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno != EAGAIN ? (p->left = 0, true) : false;
		p->left -= done;
		memmove(p->out, p->out + done, p->left);
	}
	return true;
}

static void send_stream(struct pair *p, const struct virtq_chain *c)
{
	uint32_t n = c->out - sizeof(struct header), length = htonl(n);

	memcpy(p->out, &length, LENGTH);
	virtq_copy_out(c, sizeof(struct header), p->out + LENGTH, n);
	p->left = LENGTH + n;
	send_left(p);
}

/* A frame that the interface does not take is lost, as on any wire. */
static void send_frame(struct pair *p, const struct virtq_chain *c)
{
	if (c->out < sizeof(struct header) + FRAME_MIN || c->out > sizeof(struct header) + FRAME_MAX)
		return;
	if (!p->nic->link.header)
		send_stream(p, c);
	else if (writev(p->nic->link.fd[p->number], c->iov, c->nout) < 0)
		errno = 0;
}

/* True if frames may be left to send. */
static bool transmit(struct pair *p)
{
	struct virtio_queue *vq = p->worker.vq;
	struct virtq_chain c;
	unsigned int n = 0;

	if (!send_left(p))
		return false;
	virtq_quiet(&vq->q);
	while (n < BATCH && !p->left && virtq_pop(&vq->q, &c) > 0) {
		send_frame(p, &c);
		virtq_push(&vq->q, c.head, 0);
		n++;
	}
	if (n)
		virtio_tell(vq);
	virtio_check_broken(vq);
	return p->left ? false : n == BATCH || virtq_more(&vq->q);
}

/* ---- to the guest ---- */

/*
 * A frame goes to the driver, all of it or nothing. It lies in @data, header first. True if it is done with: also when all the
 * buffers that there can be do not hold it, and it is lost. False if the driver has no room for it now.
 */
static bool deliver(struct pair *p, const uint8_t *data, uint32_t size)
{
	struct virtq *q = &receive_queue(p)->q;
	uint16_t most = virtio_has(&p->nic->dev, F_MRG_RXBUF) ? q->size : 1, n = 0, i;
	uint32_t length[QUEUE_SIZE], done = 0;
	struct virtq_chain first, c, *next = &first;
	uint16_t head[QUEUE_SIZE];
	bool room = true;

	while (done < size && n < most && room) {
		if (virtq_pop(q, next) <= 0) {
			/* To be told of what comes after all that is there, and is too little. */
			room = virtq_more(q);
			continue;
		}
		length[n] = virtq_copy_in(next, 0, data + done, size - done);
		done += length[n];
		head[n++] = next->head;
		next = &c;
	}
	if (done < size) {
		while (n--)
			virtq_unpop(q);
		return room;
	}
	virtq_copy_in(&first, offsetof(struct header, num_buffers), &n, sizeof(n));
	for (i = 0; i < n; i++)
		virtq_push(q, head[i], length[i]);
	return true;
}

/* The other end is gone, as a cable that is pulled out. */
static void unplugged(struct vmm_nic *n)
{
	if (atomic_exchange(&n->dead, true))
		return;
	fprintf(stderr, "%s: its network is gone: restart the VM to have it back\n", n->dev.name);
	n->config.status = 0;
	virtio_config_changed(&n->dev);
}

/* One frame of an interface: 1 delivered, 0 none there, -1 held for want of room. */
static int receive_frame(struct pair *p)
{
	ssize_t got;

	if (!p->held) {
		got = read(p->nic->link.fd[p->number], p->in, sizeof(p->in));
		if (got < (ssize_t)sizeof(struct header))
			return 0;
		p->held = got;
	}
	if (!deliver(p, p->in, p->held))
		return -1;
	p->held = 0;
	return 1;
}

/* Bytes of the stream's next frame with its length, as far as it can be told; more than there can be if it is none. */
static uint64_t frame_size(const struct pair *p)
{
	uint32_t length;

	if (p->have < LENGTH)
		return LENGTH;
	memcpy(&length, p->in + sizeof(struct header) + p->at, LENGTH);
	length = ntohl(length);
	return length < FRAME_MIN ? UINT64_MAX : (uint64_t)LENGTH + length;
}

/* More of the stream; false if there is none now. */
static bool read_stream(struct pair *p)
{
	uint8_t *stream = p->in + sizeof(struct header);
	ssize_t got;

	memmove(stream, stream + p->at, p->have);
	p->at = 0;
	got = read(p->nic->link.fd[0], stream + p->have, LENGTH + FRAME_MAX - p->have);
	if (!got || (got < 0 && errno != EAGAIN && errno != EINTR))
		unplugged(p->nic);
	if (got <= 0)
		return false;
	p->have += got;
	return true;
}

/* The same of a stream. The frame's header goes over its length and over what is done with. */
static int receive_stream(struct pair *p)
{
	uint8_t *frame;
	uint32_t length;
	uint64_t size;

	while ((size = frame_size(p)) > p->have || size == LENGTH) {
		if (size > LENGTH + FRAME_MAX) {
			unplugged(p->nic);	/* what comes next cannot be told from this */
			return 0;
		}
		if (!read_stream(p))
			return 0;
	}
	frame = p->in + p->at + LENGTH;
	length = htonl(size - LENGTH);
	memset(frame, 0, sizeof(struct header));
	if (!deliver(p, frame, sizeof(struct header) + size - LENGTH)) {
		memcpy(frame + sizeof(struct header) - LENGTH, &length, LENGTH);
		return -1;
	}
	p->at += size;
	p->have -= size;
	return 1;
}

/* Frames to the driver; -1 if it has no room, 1 if more may be there. */
static int receive(struct pair *p)
{
	struct virtio_queue *vq = receive_queue(p);
	unsigned int n;
	int ret = 1;

	p->blocked = !vq->enabled || vq->q.broken;
	if (p->blocked || p->nic->dead)
		return -1;
	for (n = 0; n < BATCH && ret > 0; n++)
		ret = p->nic->link.header ? receive_frame(p) : receive_stream(p);
	virtio_tell(vq);
	virtio_check_broken(vq);
	p->blocked = ret < 0;
	return ret;
}

/* ---- control ---- */

static uint8_t set_pairs(struct vmm_nic *n, unsigned int pairs)
{
	unsigned int i;

	if (!pairs || pairs > n->link.pairs)
		return CTRL_ERR;
	for (i = 1; i < n->link.pairs; i++)
		if ((i < pairs) != (i < atomic_load(&n->active)) && net_tap_enable(&n->link, i, i < pairs))
			return CTRL_ERR;
	atomic_store(&n->active, pairs);
	return CTRL_OK;
}

static void control(struct vmm_nic *n)
{
	struct virtio_queue *vq = control_queue(n);
	struct virtq_chain c;
	struct {
		uint8_t class, command;
		uint16_t pairs;
	} request;
	uint8_t ack;

	do {
		while (virtq_pop(&vq->q, &c) > 0) {
			ack = CTRL_ERR;
			if (virtq_copy_out(&c, 0, &request, sizeof(request)) == sizeof(request) &&
			    request.class == CTRL_MQ && request.command == CTRL_MQ_PAIRS_SET)
				ack = set_pairs(n, request.pairs);
			virtq_push(&vq->q, c.head, virtq_copy_in(&c, 0, &ack, 1));
		}
	} while (virtq_more(&vq->q));
	virtio_tell(vq);
	virtio_check_broken(vq);
}

/* ---- the thread ---- */

static void drain(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		errno = 0;
}

/* Wait for whatever can make a difference. */
static void wait_for_work(struct virtio_worker *w)
{
	struct pair *p = w->opaque;
	struct vmm_nic *n = p->nic;
	struct virtio_queue *cvq = p->number ? NULL : control_queue(n);
	struct pollfd fd[4] = {
		{ .fd = w->vq->kick, .events = POLLIN },
		{ .fd = receive_queue(p)->kick, .events = POLLIN },
		{ .fd = n->dead ? -1 : n->link.fd[p->number],
		  .events = (p->blocked ? 0 : POLLIN) | (p->left ? POLLOUT : 0) },
		{ .fd = cvq && cvq->enabled ? cvq->kick : -1, .events = POLLIN },
	};

	if (poll(fd, 4, -1) <= 0)
		return;
	if (fd[0].revents)
		drain(w->vq->kick);
	if (fd[1].revents)
		drain(receive_queue(p)->kick);
	if (fd[3].revents) {
		drain(cvq->kick);
		control(n);
	}
	if (fd[2].revents & (POLLHUP | POLLERR | POLLNVAL) && !(fd[2].revents & POLLIN))
		unplugged(n);
}

static void work(struct virtio_worker *w)
{
	struct pair *p = w->opaque;
	bool more;

	do {
		more = transmit(p);
		more |= receive(p) > 0;
	} while (more && !w->parking);
}

/* What the driver takes from us without our doing it. */
static void offload(struct vmm_nic *n)
{
	const struct virtio_device *dev = &n->dev;
	bool checksum = virtio_has(dev, F_GUEST_CSUM);

	if (net_tap_offload(&n->link, checksum, checksum && virtio_has(dev, F_GUEST_TSO4),
			    checksum && virtio_has(dev, F_GUEST_TSO6)))
		unplugged(n);
}

static void start(struct virtio_device *dev)
{
	struct vmm_nic *n = nic_of(dev);
	unsigned int i;

	offload(n);
	for (i = 0; i < n->link.pairs; i++) {
		struct pair *p = &n->pair[i];

		if (!dev->queue[2 * i].enabled || !dev->queue[2 * i + 1].enabled)
			continue;
		p->worker.vq = &dev->queue[2 * i + 1];
		p->worker.work = work;
		p->worker.wait = wait_for_work;
		p->worker.opaque = p;
		virtio_worker_start(&p->worker);
	}
}

static void stop(struct virtio_device *dev)
{
	struct vmm_nic *n = nic_of(dev);
	unsigned int i;

	for (i = 0; i < n->link.pairs; i++) {
		virtio_worker_stop(&n->pair[i].worker);
		n->pair[i].held = 0;
	}
	if (n->link.pairs > 1)
		set_pairs(n, 1);
}

static void quiesce(struct virtio_device *dev)
{
	struct vmm_nic *n = nic_of(dev);
	unsigned int i;

	for (i = 0; i < n->link.pairs; i++)
		virtio_worker_quiesce(&n->pair[i].worker);
}

static void resume(struct virtio_device *dev)
{
	struct vmm_nic *n = nic_of(dev);
	unsigned int i;

	for (i = 0; i < n->link.pairs; i++)
		virtio_worker_resume(&n->pair[i].worker);
}

static int forked(struct virtio_device *dev)
{
	struct vmm_nic *n = nic_of(dev);
	unsigned int i;

	offload(n);
	for (i = 0; i < n->link.pairs; i++)
		virtio_worker_forked(&n->pair[i].worker);
	return 0;
}

static const struct virtio_ops ops = {
	.type = VIRTIO_NET, .class = 0x020000, .start = start, .stop = stop, .quiesce = quiesce,
	.resume = resume, .forked = forked,
};

static const struct vmm_field fields[] = {
	{ "active", offsetof(struct vmm_nic, saved), sizeof(uint32_t), 1 },
};

static void save(void *opaque)
{
	struct vmm_nic *n = opaque;

	n->saved = atomic_load(&n->active);
}

/* A driver takes for granted that the pairs take part which it chose: what it sends with others would be lost. */
static int load(void *opaque)
{
	struct vmm_nic *n = opaque;

	if (set_pairs(n, n->saved) == CTRL_OK)
		return 0;
	vmm_error(n->part_name, "there are not so many", "restore with the configuration that the snapshot was made with");
	return -1;
}

/* Before the device's own: that one's threads look at the driver's wishes as soon as it is loaded. */
static void init_part(struct vmm *m, struct vmm_nic *n)
{
	snprintf(n->part_name, sizeof(n->part_name), "%s-pairs", n->dev.name);
	n->part = (struct vmm_part){
		.name = n->part_name, .version = 1, .fields = fields, .nfields = ARRAY_SIZE(fields), .state = n, .opaque = n,
		.save = save, .load = load,
	};
	vmm_part_add(m, &n->part);
}

static void offer(struct vmm_nic *n)
{
	n->dev.offered = F_MAC | F_STATUS | F_MRG_RXBUF;
	if (n->link.header)
		n->dev.offered |= F_CSUM | F_GUEST_CSUM | F_GUEST_TSO4 | F_GUEST_TSO6 | F_HOST_TSO4 |
				  F_HOST_TSO6;
	n->dev.nqueues = 2 * n->link.pairs;
	if (n->link.pairs > 1) {
		n->dev.offered |= F_CTRL_VQ | F_MQ;
		n->dev.nqueues++;
	}
	atomic_store(&n->dead, n->link.none);
	n->config.status = n->link.none ? 0 : STATUS_LINK_UP;
	n->config.max_virtqueue_pairs = n->link.pairs;
	n->dev.config = &n->config;
	n->dev.config_size = sizeof(n->config);
}

static void parse_mac(uint8_t mac[6], const char *text)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		mac[i] = strtoul(text + 3 * i, NULL, 16);
}

static int add_nic(struct vmm *m, struct vmm_nic *n, const struct vmm_net *c, unsigned int number)
{
	unsigned int i, pairs = m->config->cpus < NET_PAIRS ? m->config->cpus : NET_PAIRS;

	if (net_open(&n->link, c->network, pairs))
		return -1;
	snprintf(n->dev.name, sizeof(n->dev.name), "virtio-net%u", number);
	n->dev.ops = &ops;
	n->pair = calloc(n->link.pairs, sizeof(*n->pair));
	if (!n->pair) {
		vmm_error(n->dev.name, strerror(errno), "free some memory");
		return -1;
	}
	for (i = 0; i < n->link.pairs; i++) {
		n->pair[i].nic = n;
		n->pair[i].number = i;
	}
	parse_mac(n->config.mac, c->mac);
	offer(n);
	for (i = 0; i < n->dev.nqueues; i++)
		n->dev.queue[i].max = QUEUE_SIZE;
	/* All queues of an interface take part until they are told not to. */
	atomic_store(&n->active, n->link.pairs);
	if (n->link.pairs > 1)
		set_pairs(n, 1);
	init_part(m, n);
	return virtio_add(m, &n->dev);
}

/**
 * vmm_net_create() - give the guest its network cards, plugged in
 * @m: the machine, with a PCI bus
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_net_create(struct vmm *m)
{
	struct vmm_nic **end = &m->nics, *n;
	unsigned int i;

	for (i = 0; i < m->config->nnets; i++) {
		n = calloc(1, sizeof(*n));
		if (!n) {
			vmm_error("network cards", strerror(errno), "free some memory");
			return -1;
		}
		*end = n;
		end = &n->next;
		if (add_nic(m, n, &m->config->nets[i], i))
			return -1;
	}
	return 0;
}

/**
 * vmm_net_fds() - how many descriptors the plugs of all cards take: for each its pairs', and one to keep
 * @m: the machine
 *
 * Return: their number.
 */
unsigned int vmm_net_fds(const struct vmm *m)
{
	const struct vmm_nic *n;
	unsigned int fds = 0;

	for (n = m->nics; n; n = n->next)
		fds += n->link.pairs + 1;
	return fds;
}

/**
 * vmm_net_replug() - in the child of a fork: the cards' plugs are others now, and their addresses
 * @m: the machine, its workers are not there yet
 * @fd: of vmm_net_fds()'s number and order; taken over
 * @mac: of each card, six bytes
 * @none: of each card: it is not plugged in any more
 *
 * A driver that has read its address at its start keeps that one; see vmm_net_flap() for what it is told.
 */
void vmm_net_replug(struct vmm *m, const int *fd, const uint8_t (*mac)[6], const bool *none)
{
	struct vmm_nic *n;
	unsigned int i;

	for (n = m->nics; n; n = n->next, mac++, none++) {
		for (i = 0; i < n->link.pairs; i++) {
			close(n->link.fd[i]);
			n->link.fd[i] = *fd++;
			n->pair[i].have = n->pair[i].left = 0;
		}
		if (n->link.keep >= 0)
			close(n->link.keep);
		n->link.keep = *fd++;
		memcpy(n->config.mac, *mac, sizeof(n->config.mac));
		n->link.none = *none;
		/* Of a new plug all pairs take part. */
		for (i = atomic_load(&n->active); i < n->link.pairs; i++)
			net_tap_enable(&n->link, i, false);
		atomic_store(&n->dead, *none);
	}
	/* The parent's, if it was waiting for the same. */
	if (m->flap.fd > 0) {
		close(m->flap.fd);
		m->flap.fd = -1;
	}
}

static void all_links(struct vmm *m, uint16_t status)
{
	struct vmm_nic *n;

	for (n = m->nics; n; n = n->next) {
		n->config.status = atomic_load(&n->dead) ? 0 : status;
		virtio_config_changed(&n->dev);
	}
}

static void end_flap(struct vmm *m)
{
	vmm_loop_change(m, &m->flap, 0);
	close(m->flap.fd);
	m->flap.fd = -1;
}

/* Has every driver seen that its link is down? One that cannot be told of links has nothing to see. */
static bool flap_seen(const struct vmm *m)
{
	const struct vmm_nic *n;

	for (n = m->nics; n; n = n->next)
		if (atomic_load(&n->dev.status) & VIRTIO_STATUS_DRIVER_OK && virtio_has(&n->dev, F_STATUS) &&
		    !atomic_load(&n->dev.config_seen))
			return false;
	return true;
}

/* A guest that is paused, or gets no CPU, would miss it; one that is stuck shall have its links again. */
static void on_flap(void *opaque, uint32_t events)
{
	struct vmm *m = opaque;
	uint64_t times;

	(void)events;
	if (read(m->flap.fd, &times, sizeof(times)) == sizeof(times) && vmm_may_run(m))
		m->flaps += times;
	if (!flap_seen(m) && m->flaps < FLAP_TIMES)
		return;
	end_flap(m);
	all_links(m, STATUS_LINK_UP);
}

/**
 * vmm_net_flap() - the links go, and come back in a moment: the driver is to find out anew where it is; main thread
 * @m: the machine, after a fork or restored
 *
 * Without a timer they just stay up.
 */
void vmm_net_flap(struct vmm *m)
{
	struct itimerspec t = { .it_value.tv_nsec = FLAP_NS, .it_interval.tv_nsec = FLAP_NS };

	if (!m->nics)
		return;
	m->flap = (struct vmm_source){ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), .ready = on_flap, .opaque = m };
	if (m->flap.fd < 0)
		return;
	if (timerfd_settime(m->flap.fd, 0, &t, NULL) || vmm_loop_add(m, &m->flap, EPOLLIN)) {
		close(m->flap.fd);
		m->flap.fd = -1;
		return;
	}
	m->flaps = 0;
	all_links(m, 0);
}

/**
 * vmm_net_destroy() - unplug and take them away
 * @m: the machine, its CPUs are gone
 */
void vmm_net_destroy(struct vmm *m)
{
	struct vmm_nic *n;

	while (m->nics) {
		n = m->nics;
		m->nics = n->next;
		virtio_remove(&n->dev);
		net_close(&n->link);
		free(n->pair);
		free(n);
	}
}
