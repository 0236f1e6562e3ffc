// SPDX-License-Identifier: GPL-2.0-only
/*
 * vsock.c - vmctl vsock: standard input and output become one end of a stream whose other end is a program in the guest.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "client.h"

#define TIMEOUT_S	20
#define ANSWER_MAX	64

static bool accepts;

static const struct argp_option options[] = {
	{ "accept", 'a', NULL, 0, "Wait for a program in the guest that connects to the host's PORT", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	if (key != 'a')
		return ARGP_ERR_UNKNOWN;
	accepts = true;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "NAME PORT",
	.doc = "Connects standard input and output to a program that listens on a vsock port in the guest, or waits for one "
	       "in the guest that connects to a port of the host (address 2). No network takes part. Other programs do the "
	       "same by way of the socket `vsock` in the VM's folder: docs/vsock.md.\v"
	       "Examples:\n"
	       "  vmctl vsock web 1024 </etc/motd\n"
	       "  vmctl vsock --accept web 9000 >report",
};

const struct vmctl_args vmctl_vsock_args = { .argp = &argp, .min = 2, .max = 2 };

/* One line, and not a byte of what the guest's program says. False at the end. */
static bool read_answer(int fd, char *line)
{
	size_t n = 0;

	while (n < ANSWER_MAX - 1 && recv(fd, line + n, 1, 0) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = 0;
	return !strncmp(line, "OK ", 3) && line[n - 1] == '\n';
}

static int greet(const struct vm *vm, int fd, uint64_t port)
{
	struct timeval none = { 0 };
	char line[ANSWER_MAX];
	int n = snprintf(line, sizeof(line), "%s %u\n", accepts ? "ACCEPT" : "CONNECT", (uint32_t)port);

	/* A guest that is to connect may take its time. */
	if (accepts)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	if (send(fd, line, n, MSG_NOSIGNAL) == n && read_answer(fd, line)) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
		return VMCTL_OK;
	}
	if (accepts)
		return vmctl_error(vm->name, "it ended before its guest connected", "see `vmctl info`");
	return vmctl_error(vm->name, "no program in the guest listens on this port",
			   "start one there; its kernel needs the driver vmw_vsock_virtio_transport");
}

/* Our input on its way: each direction goes on while the other one is full. */
static struct {
	char data[65536];
	size_t at, n;
	bool open;
} out = { .open = true };

static void read_input(int fd)
{
	ssize_t n = read(STDIN_FILENO, out.data, sizeof(out.data));

	if (n < 0 && errno == EINTR)
		return;
	out.at = 0;
	out.n = n > 0 ? n : 0;
	out.open = n > 0;
	if (!out.open)
		shutdown(fd, SHUT_WR);
}

/* What the guest's program does not want any more is dropped. */
static void send_input(int fd)
{
	ssize_t n = send(fd, out.data + out.at, out.n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		out.n = out.open = 0;
	if (n > 0) {
		out.at += n;
		out.n -= n;
	}
}

static bool print(const char *data, size_t n)
{
	ssize_t done;

	for (; n; data += done, n -= done) {
		done = write(STDOUT_FILENO, data, n);
		if (done < 0 && errno == EINTR)
			done = 0;
		if (done < 0)
			return false;
	}
	return true;
}

/* One read of what the guest's program says: 1, 0 at its end, -1 if our output takes no more. */
static int pass_output(int fd)
{
	char data[65536];
	ssize_t n = read(fd, data, sizeof(data));

	if (n < 0 && errno == EINTR)
		return 1;
	if (n <= 0)
		return 0;
	return print(data, n) ? 1 : -1;
}

/* Until both have ended, or the guest's program is gone. */
static int converse(int fd)
{
	struct pollfd p[2];
	int more = 1;

	while (more > 0 || out.open || out.n) {
		p[0] = (struct pollfd){ .fd = fd, .events = (more ? POLLIN : 0) | (out.n ? POLLOUT : 0) };
		p[1] = (struct pollfd){ .fd = out.open && !out.n ? STDIN_FILENO : -1, .events = POLLIN };
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return vmctl_errno("vsock", "try again");
		if (more && p[0].revents & ~POLLOUT)
			more = pass_output(fd);
		else if (p[0].revents & (POLLHUP | POLLERR))
			break;
		if (more < 0)
			return vmctl_errno("standard output", "see where it goes");
		if (p[0].revents & POLLOUT)
			send_input(fd);
		if (p[1].revents)
			read_input(fd);
	}
	return VMCTL_OK;
}

int vmctl_vsock(int argc, char **argv)
{
	struct vmctl_args a = vmctl_vsock_args;
	int fd, status = VMCTL_FAILED;
	struct store s;
	uint64_t port;
	struct vm vm;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (!text_to_uint(a.names[1], 0, UINT32_MAX - 1, &port))
		return vmctl_usage(a.names[1], "a port is a number from 0 to 4294967294");
	if (store_open(&s, a.store))
		return VMCTL_FAILED;
	if (!vm_open(&vm, &s, a.names[0])) {
		fd = client_connect(&vm, "vsock", TIMEOUT_S);
		if (fd >= 0) {
			status = greet(&vm, fd, port);
			if (!status)
				status = converse(fd);
			close(fd);
		}
		vm_close(&vm);
	}
	store_close(&s);
	return status;
}
