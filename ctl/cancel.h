/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cancel.h - verbs that take long, which SIGINT, SIGTERM or SIGHUP ends between two steps, so that nothing is left of them.
 */
#ifndef VMCTL_CANCEL_H
#define VMCTL_CANCEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

void cancel_catch(void);
void cancel_child(pid_t pid);
bool cancelled(void);
bool cancel_progress(uint64_t done, uint64_t all);
int cancel_end(const char *object, int err);

#endif /* VMCTL_CANCEL_H */
