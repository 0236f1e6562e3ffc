// SPDX-License-Identifier: GPL-2.0-only
/*
 * loop.c - the main thread's event loop: descriptors with a handler each, the wake-up from other
 * threads, and the signals that end the VM.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "compiler.h"
#include "fork.h"
#include "vmm.h"

#define BATCH	8
#define TALK_MS	1	/* what a guest that talks says in this time is written at once */

/**
 * vmm_wake() - have the main thread look at `end`, the times and the console; any thread
 * @m: the machine
 */
void vmm_wake(struct vmm *m)
{
	uint64_t one = 1;

	if (write(m->wake.fd, &one, sizeof(one)) < 0)
		return;	/* the counter is at its maximum: the loop is awake */
}

static void service_console(struct vmm *m)
{
	if (m->config->owner)
		vmm_hubs_service(m);
	else
		vmm_console_service(m);
}

static void on_wake(void *opaque, uint32_t events)
{
	struct vmm *m = opaque;
	uint64_t count;

	(void)events;
	if (read(m->wake.fd, &count, sizeof(count)) == sizeof(count))
		service_console(m);
}

static void on_signal(void *opaque, uint32_t events)
{
	(void)events;
	vmm_end(opaque, VMM_LEFT);
}

/**
 * vmm_loop_add() - wait for a descriptor, too
 * @m: the machine
 * @s: descriptor and handler; stays where it is while the loop runs
 * @events: EPOLL bits
 *
 * Return: 0, or -1 with errno; EPERM means that the file is always ready and cannot be waited for.
 */
int vmm_loop_add(struct vmm *m, struct vmm_source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (epoll_ctl(m->epoll, EPOLL_CTL_ADD, s->fd, &ev))
		return -1;
	s->events = events;
	return 0;
}

/**
 * vmm_loop_change() - wait for other events of a descriptor; in the main thread
 * @m: the machine
 * @s: added before
 * @events: EPOLL bits, 0 for none
 */
void vmm_loop_change(struct vmm *m, struct vmm_source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };
	int op = EPOLL_CTL_MOD;

	/* Hang-ups are told even when nothing is asked for: who wants nothing leaves the set. */
	if (!events)
		op = EPOLL_CTL_DEL;
	else if (!s->events)
		op = EPOLL_CTL_ADD;
	if (events != s->events && !epoll_ctl(m->epoll, op, s->fd, &ev))
		s->events = events;
}

static int create_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		sigaddset(&set, ends[i]);
	/* All threads are created later and inherit the mask. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/**
 * vmm_loop_init() - create the loop; before any other thread
 * @m: the machine
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_loop_init(struct vmm *m)
{
	m->wake = (struct vmm_source){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
					.ready = on_wake, .opaque = m };
	m->signals = (struct vmm_source){ .fd = create_signals(), .ready = on_signal,
					   .opaque = m };
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->wake.fd < 0 || m->signals.fd < 0 || m->epoll < 0 ||
	    vmm_loop_add(m, &m->wake, EPOLLIN) || vmm_loop_add(m, &m->signals, EPOLLIN)) {
		vmm_error("event loop", strerror(errno), "raise the limit on open files");
		vmm_loop_fini(m);
		return -1;
	}
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/**
 * vmm_loop_fini() - close what vmm_loop_init() opened; after all other threads
 * @m: the machine
 */
void vmm_loop_fini(struct vmm *m)
{
	close_fd(&m->epoll);
	close_fd(&m->signals.fd);
	close_fd(&m->wake.fd);
}

/**
 * vmm_loop_run() - call handlers until the machine ends
 * @m: the machine, its CPUs run
 */
void vmm_loop_run(struct vmm *m)
{
	struct epoll_event ev[BATCH];
	bool talks = false;
	int i, n;

	while (atomic_load(&m->end) == VMM_RUNNING) {
		if (atomic_load(&m->restart)) {
			vmm_reset_run(m);
			continue;
		}
		n = epoll_wait(m->epoll, ev, BATCH, talks ? TALK_MS : -1);
		for (i = 0; i < n; i++) {
			struct vmm_source *s = ev[i].data.ptr;

			s->ready(s->opaque, ev[i].events);
		}
		if (talks)
			service_console(m);
		talks = vmm_serial_watch(m);
		/* Not from a handler: the child has none of the sources any more. */
		if (m->fork)
			vmm_fork_run(m);
	}
}
