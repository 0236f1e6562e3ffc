// SPDX-License-Identifier: GPL-2.0-only
/*
 * top.c - vmctl top: vmtop, under a name that is easy to find.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmctl.h"

const char vmctl_top_help[] =
	"usage: vmctl top [OPTIONS]\n\n"
	"Runs vmtop, the live table of VMs; `vmctl top --help` shows its options.\n";

/* That of the same installation first. */
static void run_beside(char **argv)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/vmtop"));
	char *end;

	if (n <= 0)
		return;
	path[n] = 0;
	end = strrchr(path, '/');
	if (!end)
		return;
	strcpy(end, "/vmtop");
	execv(path, argv);
}

int vmctl_top(int argc, char **argv)
{
	(void)argc;
	argv[0] = "vmtop";
	run_beside(argv);
	execvp("vmtop", argv);
	return vmctl_errno("vmtop", "install it beside vmctl");
}
