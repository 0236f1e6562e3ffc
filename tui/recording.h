/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recording.h - samples in a file, docs/vmtop-recording.md.
 */
#ifndef TUI_RECORDING_H
#define TUI_RECORDING_H

#include <stdio.h>

#include "telemetry/sample.h"

int recording_write(FILE *f, const struct tel_sample *s);
struct tel_sample *recording_read(FILE *f, unsigned int *line, char *error, size_t room);

#endif /* TUI_RECORDING_H */
