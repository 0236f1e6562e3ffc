// SPDX-License-Identifier: GPL-2.0-only
/*
 * control.c - the socket `control` in the VM's folder: what vmctl asks of a VM process that runs.
 *
 * A request is one line of JSON, {"version": 1, "do": COMMAND, ...}, its answer another:
 * {"ok": true, ...} or {"ok": false, "what": WHAT WENT WRONG, "remedy": WHAT TO DO}. One at a time in
 * each connection; a line that is too long or no JSON ends the connection. Main thread only.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "balloon.h"
#include "cdrom.h"
#include "compiler.h"
#include "fork.h"
#include "local.h"
#include "save.h"
#include "vmm.h"

#define CLIENTS		16
#define LINE_MAX	4096

/**
 * struct client - one connection; free while source.fd is negative
 * @control: the server
 * @source: its socket
 * @line: of the request, as far as it came
 * @n: bytes in @line
 * @answer: line that is being sent, or NULL
 * @sent: bytes of it
 * @fd: descriptors that came with the request
 * @nfd: their number
 */
struct client {
	struct vmm_control *control;
	struct vmm_source source;
	char line[LINE_MAX];
	size_t n;
	char *answer;
	size_t sent;
	int fd[VMM_FORK_FDS];
	unsigned int nfd;
};

struct vmm_control {
	struct vmm *m;
	struct vmm_source listener;
	struct client clients[CLIENTS];
};

/**
 * struct command - what can be asked
 * @name: of the command
 * @run: does it; NULL or an object with the answer's members; what it takes of the client's descriptors it sets to -1
 */
struct command {
	const char *name;
	json_t *(*run)(struct vmm *m, const json_t *request, struct client *c);
};

static json_t *failed(const char *what, const char *remedy)
{
	return json_pack("{s:b, s:s, s:s}", "ok", 0, "what", what, "remedy", remedy);
}

static json_t *done(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static json_t *do_info(struct vmm *m, const json_t *request, struct client *c)
{
	(void)request;
	(void)c;
	return json_pack("{s:b, s:i, s:I, s:i}", "ok", 1, "pid", (int)getpid(),
			 "memory", (json_int_t)(m->low + m->high), "cpus", (int)m->config->cpus);
}

static json_t *do_pause(struct vmm *m, const json_t *request, struct client *c)
{
	const struct vmm_owner *o = m->config->owner;

	(void)request;
	(void)c;
	vmm_pause(m);
	vmm_ident_held(m, true);
	o->phase(o, VMM_PHASE_PAUSED, NULL);
	return done();
}

static json_t *do_resume(struct vmm *m, const json_t *request, struct client *c)
{
	const struct vmm_owner *o = m->config->owner;

	(void)request;
	(void)c;
	vmm_ident_held(m, false);
	vmm_resume(m);
	o->phase(o, VMM_PHASE_RUNNING, NULL);
	return done();
}

static json_t *do_power_button(struct vmm *m, const json_t *request, struct client *c)
{
	(void)request;
	(void)c;
	vmm_power_button(m);
	return done();
}

static json_t *do_quit(struct vmm *m, const json_t *request, struct client *c)
{
	(void)request;
	(void)c;
	vmm_end(m, VMM_LEFT);
	return done();
}

/* "mac" is a list of addresses. */
static bool read_macs(const json_t *list, struct vmm_fork *f)
{
	const json_t *item;
	unsigned int b[6], k;
	size_t i;

	if (json_array_size(list) > VMM_FORK_NICS)
		return false;
	json_array_foreach(list, i, item) {
		const char *text = json_string_value(item);

		if (!text || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4],
				    &b[5]) != 6)
			return false;
		for (k = 0; k < 6; k++)
			f->mac[i][k] = b[k];
	}
	return true;
}

/* "none" is a list of booleans, of as many cards. */
static bool read_none(const json_t *list, size_t cards, struct vmm_fork *f)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) != cards)
		return false;
	json_array_foreach(list, i, item)
		f->none[i] = json_is_true(item);
	return true;
}

/* The fork that was asked for begins when the answer is out; it takes over the descriptors that came with the request. */
static json_t *begin_fork(struct vmm *m, struct vmm_fork *f, struct client *c, const char *wrong)
{
	if (!wrong) {
		memcpy(f->fd, c->fd, sizeof(f->fd));
		f->nfd = c->nfd;
		wrong = vmm_fork_check(m, f);
	}
	if (wrong) {
		free(f);
		return failed(wrong, "try again, or restart the VM");
	}
	c->nfd = 0;
	m->fork = f;
	return done();
}

/* Answered when it is understood; how it went is told through the pipe that came with it. */
static json_t *do_fork(struct vmm *m, const json_t *request, struct client *c)
{
	struct vmm_fork *f = calloc(1, sizeof(*f));
	const char *name, *wrong = "the request is damaged";
	json_t *macs, *none;
	int paused, limited;

	if (f && !json_unpack((json_t *)request, "{s:s, s:b, s:b, s:o, s:o}", "name", &name, "paused", &paused, "limited",
			      &limited, "mac", &macs, "none", &none) && read_macs(macs, f) &&
	    read_none(none, json_array_size(macs), f)) {
		snprintf(f->name, sizeof(f->name), "%s", name);
		f->paused = paused;
		f->limited = limited;
		wrong = NULL;
	}
	return begin_fork(m, f, c, wrong);
}

static json_t *do_balloon(struct vmm *m, const json_t *request, struct client *c)
{
	json_int_t size;

	(void)c;
	if (json_unpack((json_t *)request, "{s:I}", "size", &size) || size < 0)
		return failed("the request lacks `size`", "use vmctl");
	if (vmm_balloon_set(m, size))
		return failed("the balloon would be larger than the machine's memory", "give a smaller size");
	return done();
}

/* What the guest tells of its memory; `round` grows when it tells anew, as it is asked to here. */
static json_t *do_memory(struct vmm *m, const json_t *request, struct client *c)
{
	struct vmm_balloon_stats s;
	json_t *answer;
	int again = 0;

	(void)c;
	json_unpack((json_t *)request, "{s?b}", "again", &again);
	vmm_balloon_stats(m, &s, again);
	answer = json_pack("{s:b, s:I, s:I, s:I}", "ok", 1, "balloon", (json_int_t)s.actual,
			   "target", (json_int_t)s.target, "round", (json_int_t)s.round);
	if (s.known & 1 << VMM_BALLOON_FREE)
		json_object_set_new(answer, "free", json_integer(s.value[VMM_BALLOON_FREE]));
	if (s.known & 1 << VMM_BALLOON_TOTAL)
		json_object_set_new(answer, "total", json_integer(s.value[VMM_BALLOON_TOTAL]));
	if (s.known & 1 << VMM_BALLOON_AVAILABLE)
		json_object_set_new(answer, "available", json_integer(s.value[VMM_BALLOON_AVAILABLE]));
	return answer;
}

/* Another medium, whose descriptor came with the request, or with "change" and no descriptor none; and how the drive is then. */
static json_t *do_cdrom(struct vmm *m, const json_t *request, struct client *c)
{
	bool medium = false, locked = false;
	const char *wrong = NULL;
	int wanted = 0;

	if (!m->cd)
		return failed("it has no CD drive", "give it one with `vmctl set`, from its next start");
	json_unpack((json_t *)request, "{s?b}", "change", &wanted);
	if (wanted) {
		wrong = vmm_cd_change(m, c->nfd ? c->fd[0] : -1);
		if (!wrong && c->nfd)
			c->fd[0] = c->fd[--c->nfd];
	}
	if (wrong)
		return failed(wrong, "unmount or eject the medium in the guest, and try again");
	vmm_cd_state(m, &medium, &locked);
	return json_pack("{s:b, s:b, s:b}", "ok", 1, "medium", medium, "locked", locked);
}

/* As with a fork: what becomes of it is told through the pipe. */
static json_t *do_snapshot(struct vmm *m, const json_t *request, struct client *c)
{
	struct vmm_fork *f = calloc(1, sizeof(*f));
	const char *generation, *name = "", *wrong = "the request is damaged";
	int files;

	if (f && !json_unpack((json_t *)request, "{s:s, s?s, s:i}", "generation", &generation, "name", &name, "files",
			      &files) &&
	    *generation && strlen(generation) < sizeof(f->generation) && files >= 0 && files <= MAP_FILES) {
		strcpy(f->generation, generation);
		snprintf(f->name, sizeof(f->name), "%s", name);
		f->files = files;
		wrong = NULL;
	}
	return begin_fork(m, f, c, wrong);
}

static const struct command commands[] = {
	{ "info", do_info },
	{ "pause", do_pause },
	{ "resume", do_resume },
	{ "power-button", do_power_button },
	{ "quit", do_quit },
	{ "fork", do_fork },
	{ "balloon", do_balloon },
	{ "memory", do_memory },
	{ "cdrom", do_cdrom },
	{ "snapshot", do_snapshot },
};

static json_t *answer_to(struct vmm *m, const json_t *request, struct client *c)
{
	const char *name;
	int version;
	size_t i;

	if (json_unpack((json_t *)request, "{s:i, s:s}", "version", &version, "do", &name))
		return failed("the request lacks `version` or `do`", "use vmctl");
	if (version != 1)
		return failed("the VM process speaks version 1", "restart the VM, or use the vmctl that started it");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run(m, request, c);
	return failed("the VM process knows no such command",
		      "restart the VM, or use the vmctl that started it");
}

static void close_fds(struct client *c)
{
	while (c->nfd)
		close(c->fd[--c->nfd]);
}

static void close_client(struct client *c)
{
	if (c->source.fd < 0)
		return;
	close_fds(c);
	vmm_loop_change(c->control->m, &c->source, 0);
	close(c->source.fd);
	c->source.fd = -1;
	free(c->answer);
	c->answer = NULL;
}

static void send_answer(struct client *c)
{
	size_t n = strlen(c->answer);
	ssize_t sent;

	sent = send(c->source.fd, c->answer + c->sent, n - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		close_client(c);
		return;
	}
	c->sent += sent > 0 ? sent : 0;
	if (c->sent == n) {
		free(c->answer);
		c->answer = NULL;
	}
	vmm_loop_change(c->control->m, &c->source, c->answer ? EPOLLOUT : EPOLLIN);
}

static void serve_line(struct client *c, size_t n)
{
	json_t *request = json_loadb(c->line, n, JSON_REJECT_DUPLICATES, NULL);
	json_t *answer = json_is_object(request) ? answer_to(c->control->m, request, c) : NULL;
	char *text = json_dumps(answer, JSON_COMPACT);

	json_decref(request);
	json_decref(answer);
	close_fds(c);
	c->answer = text ? realloc(text, strlen(text) + 2) : NULL;
	if (!c->answer) {
		free(text);
		close_client(c);
		return;
	}
	strcat(c->answer, "\n");
	c->sent = 0;
	send_answer(c);
}

/* One line at a time: the next is looked at when the answer is on its way. */
static void serve(struct client *c)
{
	char *newline;
	size_t n;

	while (c->source.fd >= 0 && !c->answer && (newline = memchr(c->line, '\n', c->n))) {
		n = newline + 1 - c->line;
		serve_line(c, n);
		memmove(c->line, c->line + n, c->n - n);
		c->n -= n;
	}
	if (c->source.fd >= 0 && !c->answer && c->n == sizeof(c->line))
		close_client(c);
}

/* Descriptors may come with any piece of a request; too many end the connection, and the kernel closes those. */
static ssize_t receive(struct client *c)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * VMM_FORK_FDS)];
	} control;
	struct iovec iov = { c->line + c->n, sizeof(c->line) - c->n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(c->source.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *h;
	unsigned int k;
	int *fd;

	for (h = n < 0 ? NULL : CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		fd = (int *)CMSG_DATA(h);
		for (k = 0; k < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); k++) {
			if (c->nfd < VMM_FORK_FDS)
				c->fd[c->nfd++] = fd[k];
			else
				close(fd[k]);
		}
	}
	return n;
}

static void on_client(void *opaque, uint32_t events)
{
	struct client *c = opaque;
	ssize_t n;

	if (c->source.fd < 0)
		return;
	if (events & (EPOLLERR | EPOLLHUP)) {
		close_client(c);
	} else if (c->answer) {
		send_answer(c);
	} else {
		n = receive(c);
		if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
			close_client(c);
		c->n += n > 0 ? n : 0;
	}
	serve(c);
}

static void on_connection(void *opaque, uint32_t events)
{
	struct vmm_control *control = opaque;
	int fd = vmm_local_accept(control->listener.fd);
	size_t i;

	(void)events;
	for (i = 0; fd >= 0 && i < CLIENTS; i++) {
		struct client *c = &control->clients[i];

		if (c->source.fd >= 0)
			continue;
		c->control = control;
		c->source = (struct vmm_source){ .fd = fd, .ready = on_client, .opaque = c };
		c->n = 0;
		if (!vmm_loop_add(control->m, &c->source, EPOLLIN))
			return;
		c->source.fd = -1;
		break;
	}
	if (fd >= 0)
		close(fd);
}

/**
 * vmm_control_create() - open the socket
 * @m: the machine, which has an owner
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_control_create(struct vmm *m)
{
	struct vmm_control *control = calloc(1, sizeof(*control));
	size_t i;

	if (!control) {
		vmm_error("control", strerror(errno), "free some memory");
		return -1;
	}
	control->m = m;
	for (i = 0; i < CLIENTS; i++)
		control->clients[i].source.fd = -1;
	control->listener = (struct vmm_source){ .ready = on_connection, .opaque = control };
	control->listener.fd = vmm_local_listen(m->config->owner->folder, "control");
	m->control = control;
	if (control->listener.fd < 0)
		return -1;
	if (!vmm_loop_add(m, &control->listener, EPOLLIN))
		return 0;
	vmm_error("control", strerror(errno), "raise the limit on open files");
	return -1;
}

/**
 * vmm_control_forked() - in the child of a fork: another VM's socket; who asked the parent hears from the parent
 * @m: the machine
 * @listener: its socket
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_control_forked(struct vmm *m, int listener)
{
	struct vmm_control *control = m->control;
	size_t i;

	for (i = 0; i < CLIENTS; i++) {
		struct client *c = &control->clients[i];

		if (c->source.fd < 0)
			continue;
		close_fds(c);
		close(c->source.fd);
		c->source.fd = -1;
		free(c->answer);
		c->answer = NULL;
	}
	close(control->listener.fd);
	control->listener.fd = listener;
	if (!vmm_loop_add(m, &control->listener, EPOLLIN))
		return 0;
	vmm_error("control", strerror(errno), "raise the limit on open files");
	return -1;
}

/**
 * vmm_control_destroy() - close the socket and its connections
 * @m: the machine
 */
void vmm_control_destroy(struct vmm *m)
{
	struct vmm_control *control = m->control;
	size_t i;

	if (!control)
		return;
	for (i = 0; i < CLIENTS; i++)
		close_client(&control->clients[i]);
	if (control->listener.fd >= 0)
		close(control->listener.fd);
	m->control = NULL;
	free(control);
}
