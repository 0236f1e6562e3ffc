/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tar.h - tar at work.
 */
#ifndef VMCTL_TAR_H
#define VMCTL_TAR_H

/**
 * struct tar - how tar is run
 * @argv: its arguments
 * @folder: in which
 * @in: its standard input, or -1
 * @out: its standard output, or -1
 * @what: is told if it fails
 * @remedy: for that
 */
struct tar {
	const char *const *argv;
	int folder, in, out;
	const char *what, *remedy;
};

int tar_run(const struct tar *t, const char *file);

#endif /* VMCTL_TAR_H */
