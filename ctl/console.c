// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - vmctl console: this terminal becomes the guest's, until ^] or the guest's end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "client.h"

#define ESCAPE		0x1d	/* ^] */
#define GREETING_MAX	256
#define TIMEOUT_S	20

static const char *mode = "write", *port = "console";

static const struct argp_option options[] = {
	{ "read-only", 'r', NULL, 0, "Only look", 0 },
	{ "steal", 's', NULL, 0, "Type here, whoever types elsewhere", 0 },
	{ "hvc", 'v', NULL, 0, "The virtio console, hvc0 in a Linux guest, instead of the serial port", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	switch (key) {
	case 'r':
		mode = "read";
		return 0;
	case 's':
		mode = "steal";
		return 0;
	case 'v':
		port = "hvc";
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "NAME",
	.doc = "Connects to a VM's console: first what it said last, then what it says. ^] leaves; the VM "
	       "goes on. Any number may look, one types.\v"
	       "Examples:\n"
	       "  vmctl console web\n"
	       "  vmctl console --hvc web\n"
	       "  vmctl console --read-only web | grep -m1 login:",
};

const struct vmctl_args vmctl_console_args = { .argp = &argp, .min = 1, .max = 1 };

static struct termios saved;
static bool raw;

static void terminal_raw(void)
{
	struct termios t;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved))
		return;
	t = saved;
	cfmakeraw(&t);
	raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void terminal_back(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	raw = false;
}

static void on_signal(int sig)
{
	terminal_back();
	_exit(128 + sig);
}

/* One line, and not a byte of what the guest says. */
static bool read_greeting(int fd, char *line)
{
	size_t n = 0;

	while (n < GREETING_MAX - 1 && recv(fd, line + n, 1, 0) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = 0;
	return n && line[n - 1] == '\n';
}

static int greet(struct vm *vm, int fd)
{
	char line[GREETING_MAX];
	int n, writer = 0, ok = 0;
	json_t *answer;

	n = snprintf(line, sizeof(line), "{\"version\": 1, \"mode\": \"%s\"}\n", mode);
	if (send(fd, line, n, MSG_NOSIGNAL) != n || !read_greeting(fd, line))
		return vmctl_error(vm->name, "its console does not answer", "see `vmctl info`");
	answer = json_loads(line, 0, NULL);
	if (json_unpack(answer, "{s:b, s:b}", "ok", &ok, "writer", &writer))
		ok = 0;
	json_decref(answer);
	if (!ok)
		return vmctl_error(vm->name, "its console refuses", "use the vmctl that started the VM");
	if (!writer && strcmp(mode, "read"))
		fprintf(stderr, "vmctl console: %s: somebody else types: you can only look (--steal)\n",
			vm->name);
	return VMCTL_OK;
}

static bool write_all(int fd, const char *data, size_t n)
{
	ssize_t done;

	while (n) {
		done = write(fd, data, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		data += done;
		n -= done;
	}
	return true;
}

/* Keys to the guest. False when the user leaves; `*open` turns false at the input's end. */
static bool forward_keys(int fd, bool *open)
{
	char buf[256], *escape = NULL;
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0) {
		*open = n < 0 && errno == EINTR;
		return true;
	}
	if (raw)
		escape = memchr(buf, ESCAPE, n);
	if (escape)
		n = escape - buf;
	return write_all(fd, buf, n) && !escape;
}

static void converse(int fd)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
			       { .fd = STDIN_FILENO, .events = POLLIN } };
	char buf[4096];
	bool open = true;
	ssize_t n;

	for (;;) {
		p[1].fd = open ? STDIN_FILENO : -1;
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents) {
			n = read(fd, buf, sizeof(buf));
			if (n <= 0 || !write_all(STDOUT_FILENO, buf, n))
				return;
		}
		if (open && p[1].revents && !forward_keys(fd, &open))
			return;
	}
}

static int work(struct vm *vm, void *arg)
{
	int fd = client_connect(vm, port, TIMEOUT_S), status;
	struct timeval none = { 0 };

	(void)arg;
	if (fd < 0)
		return VMCTL_FAILED;
	status = greet(vm, fd);
	if (!status) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
		signal(SIGTERM, on_signal);
		signal(SIGHUP, on_signal);
		terminal_raw();
		converse(fd);
		terminal_back();
		if (isatty(STDOUT_FILENO))
			puts("");
	}
	close(fd);
	return status;
}

int vmctl_console(int argc, char **argv)
{
	struct vmctl_args a = vmctl_console_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, false, work, NULL);
}
