// SPDX-License-Identifier: GPL-2.0-only
/*
 * vsock.c - a guest's end of vsock streams:
 *
 *	vsock echo PORT		serve connections one after the other, each gets back what it said
 *	vsock connect PORT	to the host: standard input goes there, what comes is printed
 */
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int die(const char *what)
{
	perror(what);
	return 1;
}

static int copy(int from, int to)
{
	char buf[8192];
	ssize_t n, at, done;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += done) {
			done = write(to, buf + at, n - at);
			if (done <= 0)
				return die("write");
		}
	}
	return n ? die("read") : 0;
}

static int echo(int fd, struct sockaddr_vm *addr)
{
	int c;

	addr->svm_cid = VMADDR_CID_ANY;
	if (bind(fd, (struct sockaddr *)addr, sizeof(*addr)) || listen(fd, 4))
		return die("listen");
	puts("vsock: listens");
	fflush(stdout);
	while ((c = accept(fd, NULL, NULL)) >= 0) {
		copy(c, c);
		close(c);
	}
	return die("accept");
}

static int connect_to_host(int fd, struct sockaddr_vm *addr)
{
	addr->svm_cid = VMADDR_CID_HOST;
	if (connect(fd, (struct sockaddr *)addr, sizeof(*addr)))
		return die("connect");
	if (copy(STDIN_FILENO, fd) || shutdown(fd, SHUT_WR))
		return die("send");
	return copy(fd, STDOUT_FILENO);
}

int main(int argc, char **argv)
{
	struct sockaddr_vm addr = { .svm_family = AF_VSOCK };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0)
		return die("socket");
	if (argc != 3) {
		fputs("usage: vsock echo|connect PORT\n", stderr);
		return 2;
	}
	addr.svm_port = strtoul(argv[2], NULL, 10);
	return !strcmp(argv[1], "echo") ? echo(fd, &addr) : connect_to_host(fd, &addr);
}
