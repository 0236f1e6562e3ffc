/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * collect.h - samples of this host: the module's family and the VMs' processes.
 */
#ifndef TELEMETRY_COLLECT_H
#define TELEMETRY_COLLECT_H

#include "telemetry/family.h"
#include "telemetry/sample.h"

/**
 * struct collector - what samples are made with
 */
struct collector;

struct collector *collect_open(struct family_trouble *t);
void collect_close(struct collector *c);
struct tel_sample *collect_sample(struct collector *c, int looks, char *error, size_t room);
struct family *collect_family(struct collector *c);

#endif /* TELEMETRY_COLLECT_H */
