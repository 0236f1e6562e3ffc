// SPDX-License-Identifier: GPL-2.0-only
/*
 * title.c - what ps(1) shows for a VM process.
 *
 * The kernel shows the memory in which the arguments were; the environment follows them and is
 * moved elsewhere to make room.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "client.h"

static char *room;
static size_t size;

/**
 * title_init() - remember where the title goes
 * @argc: of main()
 * @argv: of main()
 */
void title_init(int argc, char **argv)
{
	char *end = argv[0] + strlen(argv[0]) + 1;
	int i;

	room = argv[0];
	for (i = 1; i < argc && argv[i] == end; i++)
		end += strlen(end) + 1;
	for (i = 0; i >= 0 && environ[i] && environ[i] == end; i++)
		end += strlen(end) + 1;
	size = end - room;
}

static bool move_environment(void)
{
	char **copy;
	int i, n = 0;

	while (environ[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	if (!copy)
		return false;
	for (i = 0; i < n; i++) {
		copy[i] = strdup(environ[i]);
		if (!copy[i])
			return false;	/* never freed: the process goes on with the old one */
	}
	environ = copy;
	return true;
}

/**
 * title_set() - show this instead of the command line, whose words are overwritten
 * @title: text
 */
void title_set(const char *title)
{
	prctl(PR_SET_NAME, title);
	if (!size || !move_environment())
		return;
	memset(room, 0, size);
	snprintf(room, size, "%s", title);
}
