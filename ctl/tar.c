// SPDX-License-Identifier: GPL-2.0-only
/*
 * tar.c - archives of tar, compressed by zstd: both programs do it better than we would.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

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
 * Return: 0, or -1 with the error told.
 */
int tar_run(const struct tar *t, const char *file)
{
	int status = 0, words = memfd_create("tar", MFD_CLOEXEC);
	pid_t child = words < 0 ? -1 : fork();

	if (!child)
		be_tar(t->argv, t->folder, t->in, t->out, words);
	if (child < 0) {
		vmctl_errno("tar", "raise the limits on processes and open files");
		status = -1;
	}
	while (child > 0 && waitpid(child, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		status = -1;
		break;
	}
	if (child > 0 && status)
		tell_tar(file, *t->stopped ? "was cancelled" : t->what, t->remedy, words);
	if (words >= 0)
		close(words);
	return status ? -1 : 0;
}
