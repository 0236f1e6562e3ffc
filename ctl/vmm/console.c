// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - the terminal: standard input feeds the serial port, what the guest sends goes to
 * standard output, ^] leaves.
 *
 * Input is read only when the port has room, and output waits in the port's ring until the reader
 * takes it: neither the guest's CPUs nor the loop wait for the other side. Main thread only.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#include "vmm.h"

#define ESCAPE		0x1d	/* ^] */
#define TTY_CHUNK	256	/* what a terminal that says it is ready takes without waiting */
#define LAST_WAIT_MS	1000	/* for a reader that has stalled, at the end */

struct vmm_console {
	struct vmm_source in, out;
	struct termios saved;
	size_t chunk;
	bool raw;		/* the terminal is, and `saved` is what it was */
	bool in_open;		/* there may be more input */
	bool in_always;		/* a file: read without waiting */
	bool out_always;
};

static void terminal_raw(struct vmm_console *c)
{
	struct termios t;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &c->saved))
		return;
	t = c->saved;
	cfmakeraw(&t);
	/* Output stays cooked: our own messages want their carriage returns. */
	t.c_oflag |= OPOST;
	c->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

/* One read. False when nothing more can be read now. */
static bool read_input(struct vmm *m)
{
	struct vmm_console *c = m->console;
	size_t room = vmm_serial_room(m);
	uint8_t buf[64];
	ssize_t n;

	if (!c->in_open || !room)
		return false;
	n = read(STDIN_FILENO, buf, room < sizeof(buf) ? room : sizeof(buf));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n <= 0) {
		c->in_open = false;
		return false;
	}
	if (c->raw && memchr(buf, ESCAPE, n)) {
		vmm_end(m, VMM_LEFT);
		return false;
	}
	vmm_serial_input(m, buf, n);
	return true;
}

/* One write of at most a chunk. False when nothing is left, or the reader is not ready. */
static bool write_output(struct vmm *m, int wait_ms)
{
	struct vmm_console *c = m->console;
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };
	uint8_t buf[PIPE_BUF];
	size_t n = vmm_serial_peek(m, buf, c->chunk);
	ssize_t done;

	if (!n || poll(&p, 1, wait_ms) <= 0)
		return false;
	done = write(STDOUT_FILENO, buf, n);
	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* A reader that is gone does not stop the guest: its output is dropped. */
	vmm_serial_drop(m, done < 0 ? n : (size_t)done);
	return true;
}

/**
 * vmm_console_service() - move what can be moved, and wait for the rest
 * @m: the machine
 */
void vmm_console_service(struct vmm *m)
{
	struct vmm_console *c = m->console;
	uint8_t byte;

	while (write_output(m, 0))
		;
	if (!c->out_always)
		vmm_loop_change(m, &c->out, vmm_serial_peek(m, &byte, 1) ? EPOLLOUT : 0);
	while (c->in_always && read_input(m))
		;
	if (!c->in_always)
		vmm_loop_change(m, &c->in, c->in_open && vmm_serial_room(m) ? EPOLLIN : 0);
}

static void on_input(void *opaque, uint32_t events)
{
	(void)events;
	read_input(opaque);
	vmm_console_service(opaque);
}

static void on_output(void *opaque, uint32_t events)
{
	(void)events;
	vmm_console_service(opaque);
}

/**
 * vmm_console_create() - take the terminal
 * @m: the machine, its serial port exists
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_console_create(struct vmm *m)
{
	struct vmm_console *c = calloc(1, sizeof(*c));

	if (!c) {
		vmm_error("console", strerror(errno), "free some memory");
		return -1;
	}
	c->in = (struct vmm_source){ .fd = STDIN_FILENO, .ready = on_input, .opaque = m };
	c->out = (struct vmm_source){ .fd = STDOUT_FILENO, .ready = on_output, .opaque = m };
	c->chunk = isatty(STDOUT_FILENO) ? TTY_CHUNK : PIPE_BUF;
	c->in_open = true;
	if (vmm_loop_add(m, &c->in, EPOLLIN)) {
		c->in_always = errno == EPERM;
		c->in_open = c->in_always;	/* a closed descriptor is no input at all */
	}
	if (vmm_loop_add(m, &c->out, EPOLLOUT))
		c->out_always = true;
	terminal_raw(c);
	m->console = c;
	vmm_wake(m);
	return 0;
}

/**
 * vmm_console_destroy() - write what the guest still said, give the terminal back
 * @m: the machine, its CPUs have stopped
 */
void vmm_console_destroy(struct vmm *m)
{
	struct vmm_console *c = m->console;

	if (!c)
		return;
	while (write_output(m, LAST_WAIT_MS))
		;
	if (c->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &c->saved);
	m->console = NULL;
	free(c);
}
