// SPDX-License-Identifier: GPL-2.0-only
/*
 * hub.c - the consoles of a VM in the store: what the guest sends goes to a log and to everybody
 * who is connected to a socket; one of them types. The serial port's are called console.log and `console`, the virtio
 * console's hvc.log and `hvc`.
 *
 * The log takes what comes, so the guest waits for nobody. A ring keeps the last of it: who connects
 * gets that first, and who reads too slowly loses what leaves the ring, and is told.
 * A log is bounded: when full its content becomes the old log. Main thread only.
 *
 * A connection begins with one line of JSON from the client, {"version": 1, "mode": MODE}, MODE being
 * "read", "write" or "steal", and one from us, {"ok": true, "writer": BOOL}; then bytes flow.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler.h"
#include "devices.h"
#include "hub.h"
#include "local.h"
#include "vmm.h"

#define RING		65536
#define CHUNK		4096
#define CLIENTS		16
#define HELLO_MAX	256
#define LOG_MAX		(1 << 20)

/**
 * struct client - one connection; free while source.fd is negative
 * @hub: the hub
 * @source: its socket
 * @at: how much of the guest's output it has got
 * @hello: its first line, as far as it came
 * @n: bytes in @hello
 * @greeted: the line was understood
 * @lost: the client shall hear that it missed something
 */
struct client {
	struct vmm_hub *hub;
	struct vmm_source source;
	uint64_t at;
	char hello[HELLO_MAX];
	size_t n;
	bool greeted, lost;
};

static const struct vmm_hub_port ports[VMM_HUBS] = {
	{ "console", "console.log", "console.log.1", vmm_serial_room, vmm_serial_input, vmm_serial_peek,
	  vmm_serial_drop },
	{ "hvc", "hvc.log", "hvc.log.1", vmm_hvc_room, vmm_hvc_input, vmm_hvc_peek, vmm_hvc_drop },
};

struct vmm_hub {
	struct vmm *m;
	const struct vmm_hub_port *port;
	struct vmm_source listener;
	int log, old_log;
	uint64_t logged;		/* bytes in console.log */
	uint64_t end;			/* bytes the guest ever sent */
	uint8_t ring[RING];
	struct client clients[CLIENTS];
	struct client *writer;
};

static void close_client(struct client *c)
{
	if (c->source.fd < 0)
		return;
	vmm_loop_change(c->hub->m, &c->source, 0);
	close(c->source.fd);
	c->source.fd = -1;
	if (c->hub->writer == c)
		c->hub->writer = NULL;
}

/* What was said stays in the log until it stands in the old one as a whole. */
static void rotate(struct vmm_hub *h)
{
	off_t from = 0;
	ssize_t n = 1;

	if (ftruncate(h->old_log, 0) || lseek(h->old_log, 0, SEEK_SET))
		return;
	while (n > 0 && (uint64_t)from < h->logged)
		n = sendfile(h->old_log, h->log, &from, h->logged - from);
	if (!ftruncate(h->log, 0))
		h->logged = 0;
}

/* A full disk costs lines of the log and does not stop the guest. */
static void log_output(struct vmm_hub *h, const uint8_t *data, size_t n)
{
	ssize_t done;

	if (h->logged + n > LOG_MAX)
		rotate(h);
	done = h->logged + n > LOG_MAX ? -1 : write(h->log, data, n);
	if (done > 0)
		h->logged += done;
}

static void keep_output(struct vmm_hub *h, const uint8_t *data, size_t n)
{
	size_t at = h->end % RING, first = n < RING - at ? n : RING - at;

	memcpy(h->ring + at, data, first);
	memcpy(h->ring, data + first, n - first);
	h->end += n;
}

/* False when the socket is full; a remark may then be left out. */
static bool say(struct client *c, const char *text)
{
	return send(c->source.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

/* Send what the client has not got, as far as its socket takes it. */
static void feed(struct client *c)
{
	struct vmm_hub *h = c->hub;
	ssize_t done;
	size_t n, at;

	if (h->end - c->at > RING) {
		c->at = h->end - RING;
		c->lost = true;
	}
	if (c->lost && say(c, "\r\n[vmctl: output was lost here, see `vmctl logs`]\r\n"))
		c->lost = false;
	if (c->lost)
		return;
	while (c->at < h->end) {
		at = c->at % RING;
		n = h->end - c->at < RING - at ? h->end - c->at : RING - at;
		done = send(c->source.fd, h->ring + at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (done < 0) {
			close_client(c);
			return;
		}
		c->at += done;
	}
}

/* What a client waits for: room to send, something typed that the port can take, or its end. */
static void await(struct client *c)
{
	struct vmm_hub *h = c->hub;
	uint32_t events = EPOLLRDHUP;

	if (c->greeted && c->at < h->end)
		events |= EPOLLOUT;
	if (c != h->writer || h->port->room(h->m))
		events |= EPOLLIN;
	if (c->source.fd >= 0)
		vmm_loop_change(h->m, &c->source, events);
}

/* Move what the guest sent to the log and the clients. */
static void service(struct vmm_hub *h)
{
	uint8_t buf[CHUNK];
	size_t i, n;

	while ((n = h->port->peek(h->m, buf, sizeof(buf))) > 0) {
		log_output(h, buf, n);
		keep_output(h, buf, n);
		h->port->drop(h->m, n);
	}
	for (i = 0; i < CLIENTS; i++) {
		struct client *c = &h->clients[i];

		if (c->source.fd >= 0 && c->greeted)
			feed(c);
		if (c->source.fd >= 0)
			await(c);
	}
}

/**
 * vmm_hubs_service() - move what the guest sent to the logs and the clients
 * @m: the machine
 */
void vmm_hubs_service(struct vmm *m)
{
	unsigned int i;

	for (i = 0; i < VMM_HUBS; i++)
		service(m->hubs[i]);
}

/* Understand the first line. NULL when it is none of ours. */
static const char *hello_mode(const char *line, size_t n, json_t **hold)
{
	json_t *hello = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	const char *mode;
	int version;

	*hold = hello;
	if (json_unpack(hello, "{s:i, s:s}", "version", &version, "mode", &mode) || version != 1)
		return NULL;
	return mode;
}

static bool greet(struct client *c, const char *mode)
{
	struct vmm_hub *h = c->hub;
	bool wants = !strcmp(mode, "write"), steals = !strcmp(mode, "steal");

	if (!wants && !steals && strcmp(mode, "read"))
		return false;
	if (steals && h->writer) {
		say(h->writer, "\r\n[vmctl: another console types now]\r\n");
		h->writer = NULL;
	}
	if ((wants || steals) && !h->writer)
		h->writer = c;
	say(c, h->writer == c ? "{\"ok\": true, \"writer\": true}\n" :
				"{\"ok\": true, \"writer\": false}\n");
	c->greeted = true;
	c->at = h->end < RING ? 0 : h->end - RING;
	return true;
}

/* Bytes of the first line; the rest of them is typed text and has to wait for the answer. */
static void read_hello(struct client *c)
{
	json_t *hold = NULL;
	const char *mode;
	char *newline;
	ssize_t n = recv(c->source.fd, c->hello + c->n, sizeof(c->hello) - c->n, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->n += n > 0 ? n : 0;
	newline = memchr(c->hello, '\n', c->n);
	if (n > 0 && !newline && c->n < sizeof(c->hello))
		return;
	mode = newline ? hello_mode(c->hello, newline - c->hello, &hold) : NULL;
	if (!mode || !greet(c, mode)) {
		say(c, "{\"ok\": false, \"error\": \"not understood\"}\n");
		close_client(c);
	}
	json_decref(hold);
}

static void read_typed(struct client *c)
{
	struct vmm_hub *h = c->hub;
	bool writes = c == h->writer;
	size_t room = h->port->room(h->m);
	uint8_t buf[64];
	ssize_t n;

	if (writes && !room)
		return;
	n = recv(c->source.fd, buf, writes && room < sizeof(buf) ? room : sizeof(buf),
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		close_client(c);
	else if (writes)
		h->port->input(h->m, buf, n);
}

static void on_client(void *opaque, uint32_t events)
{
	struct client *c = opaque;

	if (c->source.fd < 0)
		return;
	if (events & (EPOLLHUP | EPOLLERR))
		close_client(c);
	else if (events & (EPOLLIN | EPOLLRDHUP))
		c->greeted ? read_typed(c) : read_hello(c);
	service(c->hub);
}

static void on_connection(void *opaque, uint32_t events)
{
	struct vmm_hub *h = opaque;
	int fd = vmm_local_accept(h->listener.fd);
	size_t i;

	(void)events;
	for (i = 0; fd >= 0 && i < CLIENTS; i++) {
		struct client *c = &h->clients[i];

		if (c->source.fd >= 0)
			continue;
		*c = (struct client){ .hub = h, .source = { .fd = fd, .ready = on_client, .opaque = c } };
		if (!vmm_loop_add(h->m, &c->source, EPOLLIN))
			return;
		c->source.fd = -1;
		break;
	}
	if (fd >= 0)
		close(fd);
}

static int open_log(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		vmm_error(name, strerror(errno), "check the VM's folder");
	return fd;
}

static int open_logs(struct vmm_hub *h, int folder)
{
	struct stat st;

	h->log = open_log(folder, h->port->log);
	h->old_log = open_log(folder, h->port->old_log);
	if (h->log < 0 || h->old_log < 0)
		return -1;
	/* Appended to, wherever another process left its offset or its end. */
	if (fstat(h->log, &st) || fcntl(h->log, F_SETFL, O_APPEND)) {
		vmm_error(h->port->log, strerror(errno), "check the VM's folder");
		return -1;
	}
	h->logged = st.st_size;
	return 0;
}

static int add_listener(struct vmm_hub *h)
{
	if (!vmm_loop_add(h->m, &h->listener, EPOLLIN))
		return 0;
	vmm_error(h->port->socket, strerror(errno), "raise the limit on open files");
	return -1;
}

static int create(struct vmm *m, unsigned int number)
{
	int folder = m->config->owner->folder;
	struct vmm_hub *h = calloc(1, sizeof(*h));
	size_t i;

	if (!h) {
		vmm_error(ports[number].socket, strerror(errno), "free some memory");
		return -1;
	}
	h->m = m;
	h->port = &ports[number];
	h->log = -1;
	h->old_log = -1;
	for (i = 0; i < CLIENTS; i++)
		h->clients[i].source.fd = -1;
	h->listener = (struct vmm_source){ .fd = -1, .ready = on_connection, .opaque = h };
	m->hubs[number] = h;
	if (open_logs(h, folder))
		return -1;
	h->listener.fd = vmm_local_listen(folder, h->port->socket);
	return h->listener.fd < 0 ? -1 : add_listener(h);
}

/**
 * vmm_hubs_create() - open the logs and the sockets
 * @m: the machine, its serial port and its virtio console exist and it has an owner
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_hubs_create(struct vmm *m)
{
	unsigned int i;

	for (i = 0; i < VMM_HUBS; i++)
		if (create(m, i))
			return -1;
	return 0;
}

static int become(struct vmm_hub *h, const int *fd)
{
	size_t i;

	for (i = 0; i < CLIENTS; i++) {
		if (h->clients[i].source.fd >= 0)
			close(h->clients[i].source.fd);
		h->clients[i].source.fd = -1;
	}
	h->writer = NULL;
	close(h->log);
	close(h->old_log);
	close(h->listener.fd);
	h->log = fd[0];
	h->old_log = fd[1];
	h->listener.fd = fd[2];
	h->logged = 0;
	return add_listener(h);
}

/**
 * vmm_hubs_forked() - in the child of a fork: another VM's consoles; the parent's users stay with the parent
 * @m: the machine
 * @fd: for each the log, empty and opened for appending, the old log, the socket
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_hubs_forked(struct vmm *m, const int *fd)
{
	unsigned int i;

	for (i = 0; i < VMM_HUBS; i++)
		if (become(m->hubs[i], fd + VMM_HUB_FDS * i))
			return -1;
	return 0;
}

static void destroy(struct vmm_hub *h)
{
	size_t i;

	if (h->log >= 0)
		service(h);
	for (i = 0; i < CLIENTS; i++)
		close_client(&h->clients[i]);
	if (h->listener.fd >= 0)
		close(h->listener.fd);
	if (h->log >= 0)
		close(h->log);
	if (h->old_log >= 0)
		close(h->old_log);
	free(h);
}

/**
 * vmm_hubs_destroy() - log and send what the guest still said, close everything
 * @m: the machine, its CPUs have stopped
 */
void vmm_hubs_destroy(struct vmm *m)
{
	unsigned int i;

	for (i = 0; i < VMM_HUBS; i++) {
		if (m->hubs[i])
			destroy(m->hubs[i]);
		m->hubs[i] = NULL;
	}
}
