// SPDX-License-Identifier: GPL-2.0-only
/*
 * local.c - stream sockets in the VM's folder. Who connects must be root or the VM's own user.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "local.h"
#include "vmm.h"

#define BACKLOG	16

/**
 * vmm_local_listen() - make a socket that waits for connections
 * @folder: descriptor of the folder, whose VM is ours: a socket that is there is a dead process's
 * @name: in the folder
 *
 * Return: its descriptor, non-blocking, or -1 with the error printed.
 */
int vmm_local_listen(int folder, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, err;

	/* A path of any length fits by way of the descriptor. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", folder, name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		goto failed;
	unlinkat(folder, name, 0);
	mask = umask(0077);
	err = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (!err && !listen(fd, BACKLOG))
		return fd;
failed:
	vmm_error(name, strerror(errno), "check that the VM's folder takes sockets");
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool peer_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (!peer.uid || peer.uid == geteuid());
}

/**
 * vmm_local_accept() - take one connection
 * @listener: of vmm_local_listen()
 *
 * Return: its descriptor, non-blocking, or -1 when there is none that may connect.
 */
int vmm_local_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && !peer_allowed(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}
