// SPDX-License-Identifier: GPL-2.0-only
/*
 * client.c - what verbs ask of the VM process whose folder they have open, and what they tell when it does not answer.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "telemetry/socket.h"

#define TIMEOUT_S	20

/* A descriptor, or -1 with errno. */
static int open_socket(const struct vm *vm, const char *socket_name, int timeout_s)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", vm->fd, socket_name);
	return socket_connect(path, timeout_s);
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
 * @nfds: how many, at most SOCKET_FDS
 * @answer: filled with the answer's object, or NULL if it is of no interest
 *
 * Return: VMCTL_OK, or VMCTL_FAILED with the error told.
 */
int client_ask_with(struct vm *vm, json_t *request, const int *fds, unsigned int nfds, json_t **answer)
{
	const char *what = "its process does not answer", *remedy = "end it with `vmctl kill`";
	int fd = client_connect(vm, "control", TIMEOUT_S), ok = 0;
	json_t *a;

	if (fd < 0) {
		json_decref(request);
		return VMCTL_FAILED;
	}
	a = socket_ask(fd, request, fds, nfds);
	close(fd);
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
	json_t *answer;

	if (fd < 0) {
		json_decref(request);
		return NULL;
	}
	answer = socket_query(fd, request);
	close(fd);
	return answer;
}
