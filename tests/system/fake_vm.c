// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_vm.c - the process of a VM that has no guest: 16 MiB of RAM, of which one more chunk changes with each snapshot. It writes these as a
 * VM's process does, but as late as it is told: when there is a file `go` in the VM's folder. For the machine itself.
 *
 *	fake_vm FOLDER
 */
#include <err.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "snapshot/ram.h"
#include "snapshot/state.h"
#include "store/store.h"
#include "vmm/save.h"

#define RAM (16 << 20)
#define FDS 100

static _Alignas(4096) uint8_t ram[RAM];
static uint64_t count;

static int listen_here(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, name);
	unlink(name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 8))
		err(1, "%s", name);
	return fd;
}

/* A request is one line; its descriptors come with it. */
static json_t *receive(int fd, int *fds, unsigned int *nfds)
{
	static union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * FDS)];
	} control;
	static char text[65536];
	struct cmsghdr *c;
	size_t n = 0;

	for (*nfds = 0; !n || text[n - 1] != '\n';) {
		struct iovec iov = { text + n, sizeof(text) - n };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

		if (got <= 0)
			return NULL;
		n += got;
		c = CMSG_FIRSTHDR(&msg);
		if (c && c->cmsg_type == SCM_RIGHTS) {
			*nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), *nfds * sizeof(int));
		}
	}
	return json_loadb(text, n, 0, NULL);
}

static void put(int fd, const void *data, size_t n)
{
	if (!data || write(fd, data, n) != (ssize_t)n)
		err(1, "a file of the snapshot");
}

/* Nobody may listen any more. */
static void say(const int *fds, const char *line)
{
	if (write(fds[VMM_SAVE_STATUS], line, strlen(line)) < 0)
		warn("%s", line);
}

static void *parent_of(const int *fds, const int *files, struct ram_map *parent)
{
	struct stat st;
	uint8_t *view;
	void *data;

	if (fstat(fds[VMM_SAVE_PARENT], &st) || !st.st_size || !S_ISREG(st.st_mode))
		return NULL;
	data = malloc(st.st_size);
	if (pread(fds[VMM_SAVE_PARENT], data, st.st_size, 0) != st.st_size || map_parse(parent, data, st.st_size))
		errx(1, "the parent's map");
	view = mmap(NULL, RAM, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (view == MAP_FAILED || map_apply(parent, view, files, PROT_READ, MAP_SHARED))
		err(1, "the parent's RAM");
	return view;
}

static void save(const char *generation, const int *fds, const int *files)
{
	struct ram_map map, parent;
	struct ram_writer r = { .ram = ram, .fd = fds[VMM_SAVE_RAM], .map = &map };
	struct state_writer w;
	size_t n;
	void *text;

	r.view = parent_of(fds, files, &parent);
	if (map_init(&map, generation, RAM))
		err(1, "memory");
	r.parent = r.view && ram_parent_fits(&map, &parent) ? &parent : NULL;
	if (ram_write(&r))
		err(1, "RAM");
	text = map_print(&map, &n);
	put(fds[VMM_SAVE_MAP], text, n);
	state_begin(&w, generation);
	state_put(&w, "cpu0", 1, "count", 8, 1, &count);
	put(fds[VMM_SAVE_STATE], w.failed ? NULL : w.data, w.n);
	say(fds, "D\n");
}

static void snapshot(const json_t *request, const int *fds, unsigned int nfds)
{
	const char *generation = json_string_value(json_object_get(request, "generation"));
	json_int_t files = json_integer_value(json_object_get(request, "files"));

	count++;
	memset(ram, 1, 1 << MAP_CHUNK_MIN);
	memset(ram + (count << MAP_CHUNK_MIN), count, 1 << MAP_CHUNK_MIN);
	say(fds, "P 1234\n");
	while (access("go", F_OK))
		poll(NULL, 0, 10);
	save(generation, fds, fds + nfds - files);
}

int main(int argc, char **argv)
{
	int fds[FDS], run, control, fd;
	unsigned int nfds, i;
	json_t *request;

	if (argc != 2 || chdir(argv[1]))
		errx(2, "usage: fake_vm FOLDER");
	signal(SIGPIPE, SIG_IGN);
	run = run_take(AT_FDCWD);
	if (run < 0)
		err(1, "run");
	control = listen_here("control");
	run_record(run, VM_RUNNING, "");
	while ((fd = accept(control, NULL, NULL)) >= 0) {
		request = receive(fd, fds, &nfds);
		if (request && nfds && send(fd, "{\"ok\": true}\n", 13, MSG_NOSIGNAL) == 13)
			snapshot(request, fds, nfds);
		for (i = 0; request && i < nfds; i++)
			close(fds[i]);
		json_decref(request);
		close(fd);
	}
	return 1;
}
