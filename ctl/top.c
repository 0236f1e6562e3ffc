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

/**
 * top_beside() - the vmtop of the same installation
 * @path: filled with where it is
 * @room: bytes in @path, more than those of its name
 *
 * Return: whether there is one.
 */
bool top_beside(char *path, size_t room)
{
	ssize_t n = readlink("/proc/self/exe", path, room - sizeof("/vmtop"));
	char *end;

	if (n <= 0)
		return false;
	path[n] = 0;
	end = strrchr(path, '/');
	if (!end)
		return false;
	strcpy(end, "/vmtop");
	return !access(path, X_OK);
}

int vmctl_top(int argc, char **argv)
{
	char path[PATH_MAX];

	(void)argc;
	argv[0] = "vmtop";
	if (top_beside(path, sizeof(path)))
		execv(path, argv);
	execvp("vmtop", argv);
	return vmctl_errno("vmtop", "install it beside vmctl");
}
