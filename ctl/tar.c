// SPDX-License-Identifier: GPL-2.0-only
/*
 * tar.c - archives of tar, compressed by zstd: both programs do it better than we would.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cancel.h"
#include "compiler.h"
#include "tar.h"
#include "vmctl.h"

static void be_tar(const char *const argv[], int folder, int in, int out, int words)
{
	if (in >= 0)
		dup2(in, STDIN_FILENO);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	dup2(words, STDERR_FILENO);
	if (!fchdir(folder))
		execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(127);
}

/* A signal that comes in between is for tar, too, which has none of our handlers. */
static pid_t fork_tar(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t all, before;
	size_t i;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	for (i = 0; !pid && i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	if (pid > 0)
		cancel_child(pid);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* The first line of what tar, or zstd under it, said: that is the cause of the rest. */
static void tell_tar(const char *file, const char *what, const char *remedy, int words)
{
	char line[160], text[300];
	ssize_t n = pread(words, line, sizeof(line) - 1, 0);

	line[n < 0 ? 0 : n] = 0;
	line[strcspn(line, "\r\n")] = 0;
	snprintf(text, sizeof(text), *line ? "%s (%s)" : "%s", what, line);
	vmctl_error(file, text, remedy);
}

/**
 * tar_run() - run it, to its end
 * @t: how
 * @file: what it reads or writes, for errors
 *
 * Return: 0, or -1 with the error told, or cancelled().
 */
int tar_run(const struct tar *t, const char *file)
{
	int status = 0, words = memfd_create("tar", MFD_CLOEXEC);
	pid_t child = words < 0 ? -1 : fork_tar();
	siginfo_t ended;

	if (!child)
		be_tar(t->argv, t->folder, t->in, t->out, words);
	if (child < 0) {
		vmctl_errno("tar", "raise the limits on processes and open files");
		status = -1;
	}
	/* As long as it is not waited for, no other process has its number. */
	while (child > 0 && waitid(P_PID, child, &ended, WEXITED | WNOWAIT) && errno == EINTR)
		;
	cancel_child(0);
	if (child > 0 && waitpid(child, &status, 0) < 0)
		status = -1;
	if (child > 0 && status && !cancelled())
		tell_tar(file, t->what, t->remedy, words);
	if (words >= 0)
		close(words);
	return status || cancelled() ? -1 : 0;
}
