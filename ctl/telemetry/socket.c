// SPDX-License-Identifier: GPL-2.0-only
/*
 * socket.c - a request to a VM process over one of its sockets, and the answer: vmm/control.c describes both. vmctl and
 * vmtop ask alike; what is told about a failure is theirs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "socket.h"

#define ANSWER_MAX	65536

/**
 * socket_connect() - connect to a VM process
 * @path: of its socket
 * @timeout_s: of connecting, sending and receiving
 *
 * Return: a descriptor, or -1 with errno.
 */
int socket_connect(const char *path, int timeout_s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = timeout_s };
	int fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path))
		errno = ENAMETOOLONG;
	else
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	strcpy(addr.sun_path, path);
	if (!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) &&
	    !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

/* The descriptors travel with the first bytes. */
static ssize_t send_with(int fd, const char *text, size_t n, const int *fds, unsigned int nfds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * SOCKET_FDS)];
	} control = { 0 };
	struct iovec iov = { (char *)text, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * nfds);
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_MORE);
}

static int send_line(int fd, const json_t *request, const int *fds, unsigned int nfds)
{
	char *text = json_dumps(request, JSON_COMPACT);
	ssize_t n = text ? strlen(text) : 0;
	int err = -1;

	if (text)
		err = send_with(fd, text, n, fds, nfds) != n ||
		      send(fd, "\n", 1, MSG_NOSIGNAL) != 1 ? -1 : 0;
	free(text);
	return err;
}

static json_t *read_line(int fd)
{
	char *text = malloc(ANSWER_MAX);
	json_t *answer = NULL;
	size_t n = 0;
	ssize_t got;

	while (text && n < ANSWER_MAX) {
		got = recv(fd, text + n, ANSWER_MAX - n, 0);
		if (got <= 0)
			break;
		n += got;
		if (text[n - 1] != '\n')
			continue;
		answer = json_loadb(text, n, 0, NULL);
		break;
	}
	free(text);
	return answer;
}

/**
 * socket_ask() - send a request and take the answer
 * @fd: connected
 * @request: members beside `version`; its reference is taken over
 * @fds: the process gets copies of them
 * @nfds: how many, at most SOCKET_FDS
 *
 * Return: the answer's object, whatever it says, or NULL.
 */
json_t *socket_ask(int fd, json_t *request, const int *fds, unsigned int nfds)
{
	json_t *answer = NULL;

	json_object_set_new(request, "version", json_integer(1));
	if (!send_line(fd, request, fds, nfds))
		answer = read_line(fd);
	json_decref(request);
	return answer;
}

/**
 * socket_query() - send a request and take the answer if it is that it was done
 * @fd: connected
 * @request: members beside `version`; its reference is taken over
 *
 * Return: the answer's object, or NULL.
 */
json_t *socket_query(int fd, json_t *request)
{
	json_t *answer = socket_ask(fd, request, NULL, 0);

	if (json_is_true(json_object_get(answer, "ok")))
		return answer;
	json_decref(answer);
	return NULL;
}
