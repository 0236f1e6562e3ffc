/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * library.h - calls of a library that is loaded when it is needed, and may be missing:
 *
 *	#define CALLS(X)	X(nl_connect) X(nl_socket_alloc)
 *	static struct { CALLS(LIBRARY_CALL) } nl;
 *	static const char *const names[] = { CALLS(LIBRARY_NAME) };
 *
 *	if (!LIBRARY_LOAD("libnl-3.so.200", names, nl))
 *		return ...
 *	nl.nl_connect(...)
 */
#ifndef VMCTL_LIBRARY_H
#define VMCTL_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler.h"

#define LIBRARY_CALL(name)	__typeof__(name) *name;
#define LIBRARY_NAME(name)	#name,

/* See library_load(). */
#define LIBRARY_LOAD(file, names, calls) ({ \
	_Static_assert(sizeof(calls) == ARRAY_SIZE(names) * sizeof(void *), "one name for each call"); \
	library_load(file, names, (void **)&(calls), ARRAY_SIZE(names)); \
})

bool library_load(const char *file, const char *const *names, void **calls, size_t n);

#endif /* VMCTL_LIBRARY_H */
