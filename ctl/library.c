// SPDX-License-Identifier: GPL-2.0-only
/*
 * library.c - load a library when it is needed: VM processes, and machines, do without those they have no use for.
 */
#include <dlfcn.h>
#include <string.h>

#include "library.h"

/**
 * library_load() - load a library for good, the first time
 * @file: its name, with its version
 * @names: of its functions that are wanted
 * @calls: filled, in the same order; all are NULL before
 * @n: their number, at least one
 *
 * Return: whether all of them are there. If not, none is filled in, and the next call tries again.
 */
bool library_load(const char *file, const char *const *names, void **calls, size_t n)
{
	void *library;
	size_t i;

	if (calls[0])
		return true;
	library = dlopen(file, RTLD_NOW);
	for (i = 0; library && i < n; i++) {
		calls[i] = dlsym(library, names[i]);
		if (calls[i])
			continue;
		memset(calls, 0, n * sizeof(*calls));
		dlclose(library);
		library = NULL;
	}
	return library;
}
