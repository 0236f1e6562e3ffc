// SPDX-License-Identifier: GPL-2.0-only
/*
 * logs.c - vmctl logs: what the guest said on its console, kept in bounds by the VM process.
 *
 * The log is written by vmm/hub.c: console.log grows, and when full its content becomes console.log.1
 * and it begins anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

#define TAIL_MAX	(4 << 20)	/* more than both files hold */

static bool follow;
static const char *log_name = "console.log", *old_name = "console.log.1";
static uint64_t lines = UINT64_MAX;

static const struct argp_option options[] = {
	{ "follow", 'f', NULL, 0, "Go on with what comes, until the VM ends", 0 },
	{ "lines", 'n', "N", 0, "Begin with the last N lines (default: all that is kept)", 0 },
	{ "process", 'p', NULL, 0, "What the VM process said instead", 0 },
	{ "hvc", 'v', NULL, 0, "What the guest said on its virtio console instead", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'f':
		follow = true;
		return 0;
	case 'n':
		if (!text_to_uint(arg, 0, UINT32_MAX, &lines))
			return vmctl_bad_value(arg, "--lines takes a number");
		return 0;
	case 'p':
		log_name = "vmm.log";
		old_name = NULL;
		return 0;
	case 'v':
		log_name = "hvc.log";
		old_name = "hvc.log.1";
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "NAME",
	.doc = "Prints what a VM said on its console, the last one to two MiB of it.\v"
	       "Examples:\n"
	       "  vmctl logs web\n"
	       "  vmctl logs -f -n 20 web",
};

const struct vmctl_args vmctl_logs_args = { .argp = &argp, .min = 1, .max = 1 };

static bool put(const char *text, size_t n)
{
	return fwrite(text, 1, n, stdout) == n;
}

/* Where the last `lines` lines begin. */
static const char *tail_of(const char *text, size_t n)
{
	uint64_t left = lines;
	const char *p = text + n;

	if (lines == UINT64_MAX)
		return text;
	/* The newline at the end ends a line and begins none. */
	if (p > text && p[-1] == '\n')
		p--;
	if (!left)
		return text + n;
	while (p > text && !(p[-1] == '\n' && !--left))
		p--;
	return p;
}

/* Both files as one text; a part that is not there is empty. */
static char *read_logs(struct vm *vm, size_t *n, off_t *end)
{
	size_t old_n = 0, new_n = 0;
	char *old = old_name ? file_read(vm->fd, old_name, TAIL_MAX, &old_n) : NULL;
	char *new = file_read(vm->fd, log_name, TAIL_MAX, &new_n);
	char *both = malloc(old_n + new_n + 1);

	if (both) {
		if (old)
			memcpy(both, old, old_n);
		if (new)
			memcpy(both + old_n, new, new_n);
		*n = old_n + new_n;
		*end = new_n;
	}
	free(old);
	free(new);
	return both;
}

/* What came since; after a rotation, the file from its beginning. */
static bool print_new(int log, off_t *at)
{
	char buf[4096];
	struct stat st;
	ssize_t n;

	if (fstat(log, &st))
		return false;
	if (st.st_size < *at)
		*at = 0;
	while ((n = pread(log, buf, sizeof(buf), *at)) > 0) {
		if (!put(buf, n))
			return false;
		*at += n;
	}
	return n == 0 && !fflush(stdout);
}

static int follow_log(struct vm *vm, off_t at)
{
	int log = openat(vm->fd, log_name, O_RDONLY | O_CLOEXEC);
	struct pollfd p = { .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN };
	struct vm_status status;
	char path[64], events[4096];

	if (log < 0 || p.fd < 0)
		return vmctl_errno(vm->name, "start the VM first");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", log);
	inotify_add_watch(p.fd, path, IN_MODIFY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/run", vm->fd);
	inotify_add_watch(p.fd, path, IN_MODIFY | IN_CLOSE_WRITE);
	do {
		/* Its state first: what it said before its end is printed then. */
		if (run_status(vm->fd, &status))
			return vmctl_errno(vm->name, "check that the VM is yours");
		if (!print_new(log, &at))
			return vmctl_errno("standard output", "see where it goes");
	} while (status.pid && (poll(&p, 1, -1) < 0 || read(p.fd, events, sizeof(events)) > 0));
	close(p.fd);
	close(log);
	return VMCTL_OK;
}

static int work(struct vm *vm, void *arg)
{
	int status = VMCTL_OK;
	const char *from;
	char *text;
	off_t end;
	size_t n;

	(void)arg;
	text = read_logs(vm, &n, &end);
	if (!text)
		return vmctl_errno(vm->name, "free some memory");
	from = tail_of(text, n);
	if (!put(from, text + n - from) || fflush(stdout))
		status = vmctl_errno("standard output", "see where it goes");
	free(text);
	return status || !follow ? status : follow_log(vm, end);
}

int vmctl_logs(int argc, char **argv)
{
	struct vmctl_args a = vmctl_logs_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, false, work, NULL);
}
