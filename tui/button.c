// SPDX-License-Identifier: GPL-2.0-only
/*
 * button.c - press the power button of a VM that vmctl started: its process has its folder as working directory, and
 * there the socket that ctl/vmm/control.c describes.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "button.h"

#define REQUEST	"{\"version\":1,\"do\":\"power-button\"}\n"

/* Another program may have such a socket there: it has to be the VM's own process that listens. */
static int connect_to(pid_t pid)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = 1 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(struct ucred);
	struct ucred peer;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/%d/cwd/control", pid);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) &&
	    !connect(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
	    !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) && peer.pid == pid)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/**
 * button_press() - press a VM's power button
 * @pid: the VM's process
 * @error: filled with what went wrong
 * @room: bytes in @error
 *
 * Waits for at most a second. Return: 0, or -1.
 */
int button_press(pid_t pid, char *error, size_t room)
{
	int fd = connect_to(pid);
	char answer[64];
	ssize_t n = -1;

	if (fd < 0) {
		snprintf(error, room, "It has no power button that vmtop knows: it is not a VM of vmctl's, or not yours");
		return -1;
	}
	if (send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL) == (ssize_t)strlen(REQUEST))
		n = recv(fd, answer, sizeof(answer), 0);
	close(fd);
	if (n > 0)
		return 0;
	snprintf(error, room, "Its process does not answer");
	return -1;
}
