// SPDX-License-Identifier: GPL-2.0-only
/*
 * client.c - talk to a VM process over the sockets in its folder (vmm/control.c, vmm/hub.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"

#define TIMEOUT_S	20
#define ANSWER_MAX	65536

/* A descriptor, or -1 with errno. */
static int open_socket(const struct vm *vm, const char *socket_name, int timeout_s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = timeout_s };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", vm->fd, socket_name);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) &&
	    !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/**
 * client_connect() - connect to one of the VM's sockets
 * @vm: the VM
 * @socket_name: control or console
 * @timeout_s: of connecting, sending and receiving
 *
 * Return: its descriptor, or -1 with the error told.
 */
int client_connect(struct vm *vm, const char *socket_name, int timeout_s)
{
	int fd = open_socket(vm, socket_name, timeout_s);

	if (fd >= 0)
		return fd;
	if (errno == ECONNREFUSED || errno == ENOENT)
		vmctl_error(vm->name, "it does not run", "start it with `vmctl start`");
	else if (errno == EAGAIN)
		vmctl_error(vm->name, "its process does not answer", "end it with `vmctl kill`");
	else
		vmctl_errno(vm->name, "check that the VM is yours");
	return -1;
}

/* The descriptors travel with the first bytes. */
static ssize_t send_with(int fd, const char *text, size_t n, const int *fds, unsigned int nfds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * CLIENT_FDS)];
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
 * client_ask() - send a request to the VM process and take its answer
 * @vm: the VM
 * @request: members beside `version`; its reference is taken over
 * @answer: filled with the answer's object, or NULL if it is of no interest
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int client_ask(struct vm *vm, json_t *request, json_t **answer)
{
	return client_ask_with(vm, request, NULL, 0, answer);
}

/**
 * client_ask_with() - the same with descriptors
 * @vm: the VM
 * @request: members beside `version`; its reference is taken over
 * @fds: the process gets copies of them
 * @nfds: how many, at most CLIENT_FDS
 * @answer: filled with the answer's object, or NULL if it is of no interest
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int client_ask_with(struct vm *vm, json_t *request, const int *fds, unsigned int nfds, json_t **answer)
{
	const char *what = "its process does not answer", *remedy = "end it with `vmctl kill`";
	int fd = client_connect(vm, "control", TIMEOUT_S), ok = 0;
	json_t *a = NULL;

	if (fd < 0) {
		json_decref(request);
		return VMCTL_FAILED;
	}
	json_object_set_new(request, "version", json_integer(1));
	if (!send_line(fd, request, fds, nfds))
		a = read_line(fd);
	close(fd);
	json_decref(request);
	if (a && json_unpack(a, "{s:b}", "ok", &ok))
		ok = 0;
	if (!ok && a)
		json_unpack(a, "{s:s, s:s}", "what", &what, "remedy", &remedy);
	if (!ok)
		vmctl_error(vm->name, what, remedy);
	if (ok && answer)
		*answer = a;
	else
		json_decref(a);
	return ok ? VMCTL_OK : VMCTL_FAILED;
}

/**
 * client_command() - a request without arguments
 * @vm: the VM
 * @command: its name
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int client_command(struct vm *vm, const char *command)
{
	return client_ask(vm, json_pack("{s:s}", "do", command), NULL);
}

/**
 * client_query() - ask for what is good to know and no fault to lack
 * @vm: the VM
 * @request: members beside `version`; its reference is taken over
 * @timeout_s: for the VM process to answer
 *
 * Return: the answer's object, or NULL, of which nothing is told.
 */
json_t *client_query(struct vm *vm, json_t *request, int timeout_s)
{
	int fd = open_socket(vm, "control", timeout_s);
	json_t *answer = NULL;

	json_object_set_new(request, "version", json_integer(1));
	if (fd >= 0 && !send_line(fd, request, NULL, 0))
		answer = read_line(fd);
	if (fd >= 0)
		close(fd);
	json_decref(request);
	if (json_is_true(json_object_get(answer, "ok")))
		return answer;
	json_decref(answer);
	return NULL;
}
