/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seen.h - what the verbs share that look at VMs through the module, whoever runs them.
 */
#ifndef VMCTL_SEEN_H
#define VMCTL_SEEN_H

#include <jansson.h>

#include "telemetry/event.h"
#include "telemetry/sample.h"

/* seen.c */
const struct tel_vm *seen_vm(const struct tel_sample *s, const char *name);
bool seen_number(const char *name, uint32_t *id);
json_t *seen_event(const struct event *e);

#endif /* VMCTL_SEEN_H */
