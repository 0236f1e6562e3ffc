/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * checked.h - for programs of the tests that cannot go on without what they ask the kernel for.
 */
#ifndef TESTS_CHECKED_H
#define TESTS_CHECKED_H

#include <err.h>

static inline long check(long ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

/* The call's value, or the end of the program with the call's text and errno's. */
#define CHECK(x) check(x, #x)

#endif /* TESTS_CHECKED_H */
