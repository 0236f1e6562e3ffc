// SPDX-License-Identifier: GPL-2.0-only
/*
 * figures.c - numbers for narrow columns: at most five characters each.
 */
#include <stdio.h>

#include "telemetry/figures.h"

/* 0 to 999 as it is, then with a unit and one decimal below ten. */
static void scaled(double v, double step, const char *units, char *s, size_t room)
{
	size_t i = 0;

	while (v >= 999.5 && units[i + 1]) {
		v /= step;
		i++;
	}
	if (units[i] == ' ')
		snprintf(s, room, v > 0 && v < 9.95 ? "%.1f" : "%.0f", v);
	else if (units[i] == 'B')
		snprintf(s, room, "%.0fB", v);
	else
		snprintf(s, room, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[i]);
}

/**
 * figure_count() - a count or rate
 * @v: not negative
 * @s: filled
 * @room: bytes in @s
 */
void figure_count(double v, char *s, size_t room)
{
	scaled(v, 1000, " kMGTPE", s, room);
}

/**
 * figure_bytes() - a size
 * @v: bytes, not negative
 * @s: filled
 * @room: bytes in @s
 */
void figure_bytes(double v, char *s, size_t room)
{
	if (v < 1)
		snprintf(s, room, "0");
	else
		scaled(v, 1024, "BKMGTPE", s, room);
}

/**
 * figure_time() - a short time
 * @ns: nanoseconds
 * @s: filled
 * @room: bytes in @s
 */
void figure_time(double ns, char *s, size_t room)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	size_t i = 0;

	while (ns >= 999.5 && i < 3) {
		ns /= 1000;
		i++;
	}
	snprintf(s, room, ns < 9.95 && i ? "%.1f%s" : "%.0f%s", ns, units[i]);
}

/**
 * figure_age() - how long ago
 * @seconds: negative counts as none
 * @s: filled
 * @room: bytes in @s
 */
void figure_age(int64_t seconds, char *s, size_t room)
{
	long long t = seconds > 0 ? seconds : 0;

	if (t < 100)
		snprintf(s, room, "%llds", t);
	else if (t < 6000)
		snprintf(s, room, "%lldm", t / 60);
	else if (t < 36000)
		snprintf(s, room, "%lldh%02lld", t / 3600, t / 60 % 60);
	else if (t < 172800)
		snprintf(s, room, "%lldh", t / 3600);
	else
		snprintf(s, room, "%lldd", t / 86400);
}

/**
 * figure_clean() - nothing that came from elsewhere is a command to the terminal
 * @s: text; what is no printable ASCII becomes a question mark
 */
void figure_clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
			*s = '?';
}
