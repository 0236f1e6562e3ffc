/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * openmetrics.h - a sample as OpenMetrics text, for Prometheus and its kin.
 */
#ifndef TELEMETRY_OPENMETRICS_H
#define TELEMETRY_OPENMETRICS_H

#include <stdio.h>

#include "telemetry/sample.h"

void openmetrics_write(FILE *f, const struct tel_sample *s, bool prometheus);

#endif /* TELEMETRY_OPENMETRICS_H */
