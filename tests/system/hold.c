// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold.c - hold PID FILE SECONDS: keeps what process PID has open of FILE, after its death too, as a busy host does that is slow to
 * clean up after it. Says "held" when it has it.
 */
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char path[64], target[256];
	struct dirent *e;
	int pid, process, held = 0;
	ssize_t n;
	DIR *d;

	if (argc != 4)
		errx(2, "usage: hold PID FILE SECONDS");
	pid = atoi(argv[1]);
	process = syscall(SYS_pidfd_open, pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (process < 0 || !d)
		err(1, "%s", path);
	while ((e = readdir(d))) {
		n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		if (!strcmp(target, argv[2]))
			held += syscall(SYS_pidfd_getfd, process, atoi(e->d_name), 0) >= 0;
	}
	if (!held)
		errx(1, "process %d has nothing of %s", pid, argv[2]);
	puts("held");
	fflush(stdout);
	sleep(atoi(argv[3]));
	return 0;
}
