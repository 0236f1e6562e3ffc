// SPDX-License-Identifier: GPL-2.0-only
/*
 * bare_fork.c - what fork(2) of a process costs that has touched so much memory, some in huge pages, some in small ones: bare_fork
 * HUGE_KIB SMALL_KIB. Prints microseconds, the best of three.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

/* So much memory, touched. */
static void take(const char *kib, int advice)
{
	size_t size = strtoul(kib, NULL, 0) << 10, at;
	uint8_t *p;

	if (!size)
		return;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	madvise(p, size, advice);
	for (at = 0; at < size; at += 4096)
		p[at] = 1;
}

int main(int argc, char **argv)
{
	uint64_t start, best = UINT64_MAX;
	pid_t child;
	int i;

	if (argc != 3)
		errx(2, "usage: bare_fork HUGE_KIB SMALL_KIB");
	take(argv[1], MADV_HUGEPAGE);
	take(argv[2], MADV_NOHUGEPAGE);
	for (i = 0; i < 3; i++) {
		start = now_us();
		child = fork();
		if (!child)
			_exit(0);
		if (child < 0)
			err(1, "fork");
		start = now_us() - start;
		best = start < best ? start : best;
		waitpid(child, NULL, 0);
	}
	printf("%llu\n", (unsigned long long)best);
	return 0;
}
