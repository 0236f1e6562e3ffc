// SPDX-License-Identifier: GPL-2.0-only
/*
 * loop.c - the main thread: terminal input, console output, signals, the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "vmm.h"

#define ESCAPE	0x1d	/* ^] */

static struct termios saved;
static bool raw;

static void terminal_raw(void)
{
	struct termios t;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved))
		return;
	t = saved;
	cfmakeraw(&t);
	/* Output stays cooked: our own messages want their carriage returns. */
	t.c_oflag |= OPOST;
	raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void terminal_restore(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	raw = false;
}

/* Returns false when there will be no more input. */
static bool input(struct vmm *m)
{
	uint8_t buf[64];
	size_t room = vmm_serial_room(m);
	ssize_t n;

	if (!room)
		return true;
	n = read(STDIN_FILENO, buf, room < sizeof(buf) ? room : sizeof(buf));
	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	if (raw && memchr(buf, ESCAPE, n)) {
		vmm_end(m, VMM_LEFT);
		return true;
	}
	vmm_serial_input(m, buf, n);
	return true;
}

static int add(int ep, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static void wait_for_events(struct vmm *m, int ep, int sigs)
{
	struct epoll_event ev[4];
	uint64_t count;
	int i, n;

	while (atomic_load(&m->end) == VMM_RUNNING) {
		/* Input that found the serial port's buffer full is tried again soon. */
		n = epoll_wait(ep, ev, 4, vmm_serial_room(m) ? 1000 : 10);
		for (i = 0; i < n; i++) {
			if (ev[i].data.fd == sigs)
				vmm_end(m, VMM_LEFT);
			else if (ev[i].data.fd == m->wake && read(m->wake, &count, sizeof(count)) < 0)
				continue;
			else if (ev[i].data.fd == STDIN_FILENO && !input(m))
				epoll_ctl(ep, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
		}
		vmm_serial_flush(m, false);
	}
}

/**
 * vmm_loop() - run until the machine ends
 * @m: the machine, its CPUs run
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_loop(struct vmm *m)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), sigs;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigs = signalfd(-1, &set, SFD_CLOEXEC);
	if (ep < 0 || sigs < 0 || add(ep, sigs) || add(ep, m->wake)) {
		vmm_error("event loop", strerror(errno), "raise the limit on open files");
		return -1;
	}
	/* A regular file or /dev/null as input cannot be waited for: there is no input then. */
	if (add(ep, STDIN_FILENO) && errno != EPERM)
		vmm_error("standard input", strerror(errno), "the guest runs without input");
	terminal_raw();
	wait_for_events(m, ep, sigs);
	vmm_serial_flush(m, true);
	terminal_restore();
	close(sigs);
	close(ep);
	return 0;
}
