/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * newfile.h - a file that is there whole or not at all, whoever is killed and whatever fails.
 */
#ifndef DISK_NEWFILE_H
#define DISK_NEWFILE_H

#include <limits.h>

struct newfile {
	int fd;			/* what is to be in the file is written here */
	char from[PATH_MAX];	/* what the file's name becomes a link to */
};

int newfile_begin(struct newfile *f, const char *path);
int newfile_commit(struct newfile *f, const char *path);
void newfile_end(struct newfile *f);

#endif
