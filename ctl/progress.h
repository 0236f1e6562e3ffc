/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * progress.h - how far long work is, told on a terminal and nowhere else.
 */
#ifndef VMCTL_PROGRESS_H
#define VMCTL_PROGRESS_H

#include <stdint.h>

void progress_show(const char *what, uint64_t done, uint64_t total);
void progress_end(void);

#endif /* VMCTL_PROGRESS_H */
