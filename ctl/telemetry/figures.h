/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * figures.h - numbers for people, in at most five characters each.
 */
#ifndef TELEMETRY_FIGURES_H
#define TELEMETRY_FIGURES_H

#include <stddef.h>
#include <stdint.h>

void figure_count(double v, char *s, size_t room);
void figure_bytes(double v, char *s, size_t room);
void figure_time(double ns, char *s, size_t room);
void figure_age(int64_t seconds, char *s, size_t room);
void figure_clean(char *s);

#endif /* TELEMETRY_FIGURES_H */
