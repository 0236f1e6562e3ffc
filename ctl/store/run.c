// SPDX-License-Identifier: GPL-2.0-only
/*
 * run.c - the file `run`: how a VM is.
 *
 * The VM process has a POSIX write lock on it from before its start to its end, whatever end that
 * is: the kernel knows whether a VM runs, and as which process, and no file can be out of date about
 * it. A child that the process forks does not inherit the lock. The text adds how far a living VM
 * is and how a dead one ended; a text that speaks of life under a free lock means a killed process,
 * or, with another boot's id, a host that went down.
 *
 * Closing any descriptor of the file gives the lock up, so the VM process opens it once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler.h"
#include "store.h"
#include "vmctl.h"

#define RECORD		512
#define BOOT_ID		36

static const char *const state_names[VM_STATES] = {
	[VM_STOPPED] = "stopped",
	[VM_STARTING] = "starting",
	[VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",
	[VM_CRASHED] = "crashed",
};

/**
 * vm_state_name() - a state in words
 * @state: the state
 *
 * Return: one word.
 */
const char *vm_state_name(enum vm_state state)
{
	return state_names[state];
}

/**
 * vm_state_by_name() - the state of a word
 * @name: the word
 * @state: filled
 *
 * Return: false if there is none.
 */
bool vm_state_by_name(const char *name, enum vm_state *state)
{
	unsigned int i;

	for (i = 0; i < VM_STATES; i++) {
		if (strcmp(name, state_names[i]))
			continue;
		*state = i;
		return true;
	}
	return false;
}

/**
 * vm_state_lives() - does a VM in this state have a process
 * @state: the state
 *
 * Return: whether.
 */
bool vm_state_lives(enum vm_state state)
{
	return state == VM_STARTING || state == VM_RUNNING || state == VM_PAUSED;
}

/* The boot's id, read once: later a sandbox may keep files from being opened. */
static const char *boot_id(void)
{
	static char id[BOOT_ID + 1];
	char *text;
	size_t n;

	if (id[0])
		return id;
	text = file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &n);
	snprintf(id, sizeof(id), "%s", text ? text : "-");
	free(text);
	id[strcspn(id, "\n")] = 0;
	return id;
}

/**
 * run_take() - this process becomes the VM's
 * @folder: of the VM
 *
 * Context: once, in the process that stays; the descriptor is not closed before its end.
 * Return: the descriptor, or -1 with errno; EAGAIN when the VM has a process.
 */
int run_take(int folder)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(folder, "run", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	if (fd < 0)
		return -1;
	if (!fcntl(fd, F_SETLK, &lock)) {
		run_record(fd, VM_STARTING, "");
		return fd;
	}
	err = errno == EACCES ? EAGAIN : errno;
	close(fd);
	errno = err;
	return -1;
}

/**
 * run_adopt() - a forked process becomes another VM's
 * @run: that VM's file, opened for reading and writing; not closed before the process ends
 *
 * Return: 0, or -1 with errno; EAGAIN when the VM has a process, ESTALE when its folder is gone.
 */
int run_adopt(int run)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st = { 0 };

	if (fcntl(run, F_SETLK, &lock))
		return -1;
	run_record(run, VM_STARTING, "");
	/* Whoever asked for it may have died, and the folder been swept up as that of a VM that was never born. */
	if (!fstat(run, &st) && !st.st_nlink)
		errno = ESTALE;
	return st.st_nlink ? 0 : -1;
}

/**
 * run_record() - the VM's process says how the VM is
 * @run: of run_take()
 * @state: the state
 * @reason: of an end, or empty
 */
void run_record(int run, enum vm_state state, const char *reason)
{
	char record[RECORD], clean[300];
	size_t i;
	int n;

	snprintf(clean, sizeof(clean), "%s", reason);
	for (i = 0; clean[i]; i++)
		if ((unsigned char)clean[i] < ' ' || clean[i] == 0x7f)
			clean[i] = '?';
	n = snprintf(record, sizeof(record), "%s %d %" PRId64 " %s %s\n", state_names[state], getpid(),
		     (int64_t)time(NULL), boot_id(), clean);
	memset(record + n, '\n', sizeof(record) - n);
	/* One write, as long as any before: a reader sees either record. */
	if (pwrite(run, record, sizeof(record), 0) != sizeof(record))
		vmctl_errno("run", "free some room on the store's file system");
}

/* Fill in what the text says. False when it is no record, as in a VM that never ran. */
static bool read_record(int fd, struct vm_status *status, char boot[BOOT_ID + 1])
{
	char record[RECORD + 1], name[16];
	ssize_t n = pread(fd, record, RECORD, 0);
	int64_t since;
	int pid, at = 0;

	if (n <= 0)
		return false;
	record[n] = 0;
	record[strcspn(record, "\n")] = 0;
	if (sscanf(record, "%15s %d %" SCNd64 " %36s%n", name, &pid, &since, boot, &at) != 4 || !at ||
	    !vm_state_by_name(name, &status->state))
		return false;
	status->pid = pid;
	status->since = since;
	snprintf(status->reason, sizeof(status->reason), "%s", record[at] ? record + at + 1 : "");
	return true;
}

static void died(struct vm_status *status, const char *boot)
{
	bool same = !strcmp(boot, boot_id());

	status->state = same ? VM_CRASHED : VM_STOPPED;
	status->since = 0;
	strcpy(status->reason, same ? "its process was killed" : "the host went down");
}

/**
 * run_status() - how a VM is
 * @folder: of the VM
 * @status: filled
 *
 * Context: not in the VM's own process.
 * Return: 0, or -1 with errno.
 */
int run_status(int folder, struct vm_status *status)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(folder, "run", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char boot[BOOT_ID + 1] = "";
	bool recorded;

	*status = (struct vm_status){ .state = VM_STOPPED };
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	recorded = read_record(fd, status, boot);
	if (fcntl(fd, F_GETLK, &lock)) {
		close(fd);
		return -1;
	}
	if (lock.l_type != F_UNLCK) {
		/* A process that has just taken over from a dead one has not written yet. */
		if (!recorded || !vm_state_lives(status->state) || status->pid != lock.l_pid)
			*status = (struct vm_status){ .state = VM_STARTING };
		status->pid = lock.l_pid;
	} else {
		/* It may have ended in between: what it wrote last counts. */
		recorded = read_record(fd, status, boot);
		if (recorded && vm_state_lives(status->state))
			died(status, boot);
		status->pid = 0;
	}
	close(fd);
	return 0;
}

/**
 * run_wait() - wait until a VM is in one of some states
 * @folder: of the VM
 * @states: a bit for each state that will do
 * @timeout_ms: milliseconds, or -1
 * @status: filled with how it is at last
 *
 * Context: not in the VM's own process.
 * Return: 0, or -1 with errno; ETIMEDOUT.
 */
int run_wait(int folder, unsigned int states, int timeout_ms, struct vm_status *status)
{
	char path[64], events[4096];
	struct timespec now, end;
	struct pollfd p;
	int err = -1, left = timeout_ms;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/run", folder);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_ms / 1000;
	end.tv_nsec += timeout_ms % 1000 * 1000000L;
	p = (struct pollfd){ .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN };
	/* The record is written, or the process ends and with it its descriptor. */
	if (p.fd < 0 || inotify_add_watch(p.fd, path, IN_MODIFY | IN_CLOSE_WRITE) < 0)
		goto out;
	for (;;) {
		err = run_status(folder, status);
		if (err || states & 1U << status->state)
			break;
		if (timeout_ms >= 0) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			left = (end.tv_sec - now.tv_sec) * 1000 +
			       (end.tv_nsec - now.tv_nsec) / 1000000;
		}
		err = -1;
		errno = ETIMEDOUT;
		if (timeout_ms >= 0 && left <= 0)
			break;
		if (poll(&p, 1, left) > 0 && read(p.fd, events, sizeof(events)) < 0 &&
		    errno != EAGAIN)
			break;
	}
out:
	if (p.fd >= 0)
		close(p.fd);
	return err;
}
