// SPDX-License-Identifier: GPL-2.0-only
/*
 * user.c - a network of the VM's own, without any privilege: passt turns its connections into sockets of the host,
 * and plays DHCP, DNS and router for it.
 *
 * What listens on the host's own loopback address is not reached from there.
 *
 * passt gets one end of a socket pair. It ends when the other end is closed, so it cannot outlive its VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"
#include "vmctl.h"

/* It goes to the background by itself as soon as it works. */
static void become_passt(int fd, int errors)
{
	int null = open("/dev/null", O_RDWR);
	char number[16];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(errors, STDERR_FILENO);
	fcntl(fd, F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", fd);
	execlp("passt", "passt", "--quiet", "--stderr", "--no-map-gw", "--fd", number, (char *)NULL);
	_exit(127);
}

/* The last line of what it says, without what it says of its log. */
static void last_line(int fd, char *line, size_t size)
{
	char text[4096], *next, *rest = text;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	snprintf(line, size, "passt cannot work here");
	text[n > 0 ? n : 0] = 0;
	while ((next = strsep(&rest, "\n")))
		if (*next && !strstr(next, "syslog"))
			snprintf(line, size, "passt: %s", next);
}

/* Starts it and waits until it works. */
static int start(int fd)
{
	int errors[2], status = -1;
	char line[160];
	pid_t child;

	if (pipe2(errors, O_CLOEXEC | O_NONBLOCK))
		return -1;
	child = fork();
	if (!child)
		become_passt(fd, errors[1]);
	close(errors[1]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child > 0 && status) {
		last_line(errors[0], line, sizeof(line));
		vmctl_error("user", line, "see that the host has a route to the world, or use another network");
	} else if (child < 0) {
		vmctl_errno("user", "raise the limit on processes");
	}
	close(errors[0]);
	return status ? -1 : 0;
}

/**
 * net_user_installed() - is passt there?
 *
 * Return: whether.
 */
bool net_user_installed(void)
{
	static const char *const places[] = { "/usr/bin/passt", "/usr/local/bin/passt", "/bin/passt" };
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!access(places[i], X_OK))
			return true;
	return false;
}

/**
 * net_user_open() - a private network
 * @l: filled; one pair
 *
 * Return: 0, or -1 with the error printed.
 */
int net_user_open(struct net_link *l)
{
	int fd[2], err;

	if (!net_user_installed()) {
		vmctl_error("user", "passt is not installed", "install Debian's package passt, or use another network");
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd)) {
		vmctl_errno("user", "raise the limit on open files");
		return -1;
	}
	err = start(fd[1]);
	close(fd[1]);
	if (err || fcntl(fd[0], F_SETFL, O_NONBLOCK)) {
		close(fd[0]);
		return -1;
	}
	l->fd[0] = fd[0];
	l->pairs = 1;
	return 0;
}
