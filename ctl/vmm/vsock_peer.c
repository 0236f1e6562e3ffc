// SPDX-License-Identifier: GPL-2.0-only
/*
 * vsock_peer.c - the host's side of the socket device: programs that connect to the socket `vsock`, say in one line which of the guest's
 * ports they want or which they serve, and are connected. docs/vsock.md has the lines.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local.h"
#include "vsock.h"

#define FIRST_PORT	0x40000000U	/* those below are for servers */

/**
 * vsock_wait() - have the event loop tell of what can make a difference
 * @c: connection
 */
void vsock_wait(struct vsock_conn *c)
{
	/* An end is always told; something has to be asked for to hear of it. */
	uint32_t events = EPOLLHUP;

	if (c->source.fd < 0)
		return;
	if (c->state == VSOCK_GREETING ||
	    (c->state == VSOCK_OPEN && !c->readable && !c->host_ended && !c->guest_deaf))
		events |= EPOLLIN;
	if (c->have)
		events |= EPOLLOUT;
	/* Of a socket that both sides have left all is known. */
	if (c->readable && c->source.events == 0)
		events = 0;
	vmm_loop_change(c->v->dev.m, &c->source, events);
}

/**
 * vsock_close() - close the socket; the connection stays until the guest knows
 * @c: connection
 */
void vsock_close(struct vsock_conn *c)
{
	if (c->source.fd < 0)
		return;
	vmm_loop_change(c->v->dev.m, &c->source, 0);
	close(c->source.fd);
	c->source.fd = -1;
	c->readable = false;
	c->have = 0;
}

/**
 * vsock_drop() - forget a connection
 * @c: connection
 */
void vsock_drop(struct vsock_conn *c)
{
	vsock_close(c);
	free(c->buffer);
	c->buffer = NULL;
	c->state = VSOCK_FREE;
	c->say = 0;
}

/* The host's program is gone, or takes nothing any more. */
static void broken(struct vsock_conn *c)
{
	vsock_close(c);
	c->say = VSOCK_SAY_RESET;
}

/**
 * vsock_accepting() - who waits for connections to a port
 * @v: the device
 * @port: of the host
 *
 * Return: the connection that waits longest, or NULL.
 */
struct vsock_conn *vsock_accepting(struct vmm_vsock *v, uint32_t port)
{
	struct vsock_conn *c, *first = NULL;

	for (c = v->conn; c < v->conn + VSOCK_CONNS; c++)
		if (c->state == VSOCK_ACCEPTING && c->host_port == port && (!first || c->order < first->order))
			first = c;
	return first;
}

/**
 * vsock_opened() - the guest's side is there: the host's program may begin
 * @c: connection
 * @peer_port: the port that it hears of: the other side's
 */
void vsock_opened(struct vsock_conn *c, uint32_t peer_port)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "OK %u\n", peer_port);

	c->state = VSOCK_OPEN;
	if (send(c->source.fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL) != n)
		broken(c);
	vsock_wait(c);
}

/* What is in the ring, as two pieces. */
static unsigned int pieces(const struct vsock_conn *c, struct iovec iov[2])
{
	uint32_t first = VSOCK_BUFFER - c->at < c->have ? VSOCK_BUFFER - c->at : c->have;

	iov[0] = (struct iovec){ c->buffer + c->at, first };
	iov[1] = (struct iovec){ c->buffer, c->have - first };
	return iov[1].iov_len ? 2 : 1;
}

static ssize_t write_some(const struct vsock_conn *c, struct iovec *iov, unsigned int n)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };

	return sendmsg(c->source.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* All is there that the guest sent before it ended. */
static void end_writing(struct vsock_conn *c)
{
	if (c->have || !c->guest_ended)
		return;
	if (c->guest_deaf) {
		broken(c);
	} else if (c->host_ended) {
		vsock_close(c);
		c->say |= VSOCK_SAY_SHUTDOWN;
	} else {
		shutdown(c->source.fd, SHUT_WR);
	}
}

/**
 * vsock_flush() - give the socket what it takes, and the guest its credit back
 * @c: connection, open
 */
void vsock_flush(struct vsock_conn *c)
{
	struct iovec iov[2];
	ssize_t n;

	while (c->have && c->source.fd >= 0) {
		n = write_some(c, iov, pieces(c, iov));
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			broken(c);
		if (n <= 0)
			break;
		c->at = (c->at + n) % VSOCK_BUFFER;
		c->have -= n;
		c->done += n;
	}
	if (c->source.fd < 0)
		return;
	if (c->done - c->told >= VSOCK_BUFFER / 2)
		c->say |= VSOCK_SAY_CREDIT;
	end_writing(c);
	vsock_wait(c);
}

/**
 * vsock_receive() - bytes from the guest
 * @c: connection, open
 * @chain: they are in it
 * @offset: from here on
 * @n: how many
 *
 * Return: false if the guest had no credit for them, or there is no memory: the connection is to be reset.
 */
bool vsock_receive(struct vsock_conn *c, const struct virtq_chain *chain, uint64_t offset, uint32_t n)
{
	uint32_t end, first;

	if (!c->buffer)
		c->buffer = malloc(VSOCK_BUFFER);
	if (!c->buffer || n > VSOCK_BUFFER - c->have || c->guest_ended)
		return false;
	end = (c->at + c->have) % VSOCK_BUFFER;
	first = VSOCK_BUFFER - end < n ? VSOCK_BUFFER - end : n;
	if (virtq_copy_out(chain, offset, c->buffer + end, first) != first ||
	    virtq_copy_out(chain, offset + first, c->buffer, n - first) != n - first)
		return false;
	c->have += n;
	vsock_flush(c);
	return true;
}

static bool port_taken(const struct vmm_vsock *v, uint32_t port)
{
	const struct vsock_conn *c;

	for (c = v->conn; c < v->conn + VSOCK_CONNS; c++)
		if (c->state > VSOCK_GREETING && c->host_port == port)
			return true;
	return false;
}

static uint32_t new_port(struct vmm_vsock *v)
{
	uint32_t port;

	do {
		port = v->next_port >= FIRST_PORT ? v->next_port : FIRST_PORT;
		/* The last number means any port. */
		v->next_port = port < UINT32_MAX - 1 ? port + 1 : FIRST_PORT;
	} while (port_taken(v, port));
	return port;
}

/* The line says what is wanted; a connection that asks for what cannot be is closed. */
static void understand(struct vsock_conn *c)
{
	unsigned int port;
	char rest;

	if (sscanf(c->line, "CONNECT %u%c", &port, &rest) == 1 && c->v->dev.running) {
		c->guest_port = port;
		c->host_port = new_port(c->v);
		c->state = VSOCK_CONNECTING;
		c->say = VSOCK_SAY_REQUEST;
	} else if (sscanf(c->line, "ACCEPT %u%c", &port, &rest) == 1) {
		c->host_port = port;
		c->state = VSOCK_ACCEPTING;
	} else {
		vsock_drop(c);
	}
}

/* Byte by byte up to the line's end: what follows it is the guest's. */
static void read_greeting(struct vsock_conn *c)
{
	ssize_t n;

	for (;;) {
		n = recv(c->source.fd, c->line + c->n, 1, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || c->n == VSOCK_LINE - 1) {
			vsock_drop(c);
			return;
		}
		if (c->line[c->n] == '\n')
			break;
		c->n++;
	}
	c->line[c->n] = 0;
	understand(c);
}

/* Nobody listens on the host's side any more. What it said before is still read. */
static void hung_up(struct vsock_conn *c)
{
	if (c->state == VSOCK_GREETING || c->state == VSOCK_ACCEPTING) {
		vsock_drop(c);
	} else if (c->state == VSOCK_CONNECTING) {
		broken(c);
	} else {
		c->readable = true;
		vmm_loop_change(c->v->dev.m, &c->source, 0);
	}
}

static void on_peer(void *opaque, uint32_t events)
{
	struct vsock_conn *c = opaque;
	struct virtio_device *dev = &c->v->dev;

	pthread_mutex_lock(&dev->lock);
	if (c->source.fd >= 0 && events & (EPOLLHUP | EPOLLERR))
		hung_up(c);
	else if (c->state == VSOCK_GREETING)
		read_greeting(c);
	else if (c->state == VSOCK_OPEN && events & EPOLLIN)
		c->readable = true;
	if (c->state == VSOCK_OPEN && events & EPOLLOUT)
		vsock_flush(c);
	vsock_wait(c);
	vsock_talk(c->v);
	pthread_mutex_unlock(&dev->lock);
}

/* One that only the guest has not ended yet can be had when there is no other. */
static struct vsock_conn *free_conn(struct vmm_vsock *v)
{
	struct vsock_conn *c, *oldest = NULL;

	for (c = v->conn; c < v->conn + VSOCK_CONNS; c++) {
		if (c->state == VSOCK_FREE)
			return c;
		if (c->state == VSOCK_ENDING && (!oldest || c->order < oldest->order))
			oldest = c;
	}
	if (oldest)
		vsock_drop(oldest);
	return oldest;
}

static void take(struct vmm_vsock *v, int fd)
{
	struct vsock_conn *c = free_conn(v);

	if (c) {
		*c = (struct vsock_conn){ .v = v, .state = VSOCK_GREETING, .order = ++v->orders,
					  .source = { .fd = fd, .ready = on_peer, .opaque = c } };
		if (!vmm_loop_add(v->dev.m, &c->source, EPOLLIN))
			return;
		*c = (struct vsock_conn){ .source = { .fd = -1 } };
	}
	close(fd);
}

static void on_connection(void *opaque, uint32_t events)
{
	struct vmm_vsock *v = opaque;
	int fd = vmm_local_accept(v->listener.fd);

	(void)events;
	if (fd < 0)
		return;
	pthread_mutex_lock(&v->dev.lock);
	take(v, fd);
	pthread_mutex_unlock(&v->dev.lock);
}

static int add_listener(struct vmm_vsock *v, int fd)
{
	v->listener = (struct vmm_source){ .fd = fd, .ready = on_connection, .opaque = v };
	if (fd >= 0 && !vmm_loop_add(v->dev.m, &v->listener, EPOLLIN))
		return 0;
	if (fd >= 0)
		vmm_error("vsock", strerror(errno), "raise the limit on open files");
	return -1;
}

/**
 * vsock_listen() - make the socket
 * @v: the device
 * @folder: descriptor of the VM's
 *
 * Return: 0, or -1 with the error printed.
 */
int vsock_listen(struct vmm_vsock *v, int folder)
{
	return add_listener(v, vmm_local_listen(folder, "vsock"));
}

/**
 * vsock_listen_forked() - in the child of a fork: a socket of its own; connections stay with the parent
 * @v: the device
 * @listener: the socket
 *
 * Return: 0, or -1 with the error printed.
 */
int vsock_listen_forked(struct vmm_vsock *v, int listener)
{
	struct vsock_conn *c;

	for (c = v->conn; c < v->conn + VSOCK_CONNS; c++) {
		/* The loop that it was in is not ours. */
		c->source.events = 0;
		if (c->state != VSOCK_FREE)
			vsock_drop(c);
	}
	close(v->listener.fd);
	return add_listener(v, listener);
}
