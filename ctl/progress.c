// SPDX-License-Identifier: GPL-2.0-only
/*
 * progress.c - one line on the terminal, rewritten ten times a second at most.
 */
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

#define INTERVAL_MS	100

static bool shown;

/**
 * progress_show() - tell how far the work is, if standard error is a terminal
 * @what: is being done
 * @done: of it
 * @total: in the same unit
 */
void progress_show(const char *what, uint64_t done, uint64_t total)
{
	static int64_t last;
	struct timespec t;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = t.tv_sec * 1000LL + t.tv_nsec / 1000000;
	if (now - last < INTERVAL_MS || !isatty(STDERR_FILENO))
		return;
	last = now;
	shown = true;
	fprintf(stderr, "\r%s: %3u %%\033[K", what, (unsigned int)(total ? 100 * done / total : 100));
}

/**
 * progress_end() - the work is done or given up: take the line away
 */
void progress_end(void)
{
	if (shown)
		fputs("\r\033[K", stderr);
	shown = false;
}
