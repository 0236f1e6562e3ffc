// SPDX-License-Identifier: GPL-2.0-only
/*
 * draw_events.c - the pane of events, the newest at the bottom.
 */
#include <string.h>
#include <time.h>

#include "ui.h"

static bool is_failure(const struct tel_event *e)
{
	static const char *const kinds[] = { "triple-fault", "entry-failed", "internal-error" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(e->kind, kinds[i]))
			return true;
	return false;
}

/**
 * draw_events() - what happened last
 * @ui: the screen
 * @top: first line
 * @lines: how many there are
 */
void draw_events(struct ui *ui, int top, int lines)
{
	uint64_t n = ui->nevents < UI_EVENTS ? ui->nevents : UI_EVENTS, i;
	char clock[16];
	struct tm tm;
	time_t t;
	int y = top + 1;

	screen_fill(top, ROLE_HEADING);
	screen_put(top, 0, 0, ROLE_HEADING, "EVENTS");
	if (ui->lost)
		screen_put(top, 8, 0, ROLE_SORTED, "%llu missed", (unsigned long long)ui->lost);
	if (n > (uint64_t)lines - 1)
		n = lines - 1;
	for (i = ui->nevents - n; i < ui->nevents; i++, y++) {
		const struct tel_event *e = &ui->events[i % UI_EVENTS];

		t = e->time / 1000;
		if (!localtime_r(&t, &tm) || !strftime(clock, sizeof(clock), "%T", &tm))
			clock[0] = 0;
		screen_put(y, 0, 8, ROLE_QUIET, "%s", clock);
		screen_put(y, 9, 16, ROLE_TEXT, "%s", e->name);
		screen_put(y, 26, 15, is_failure(e) ? ROLE_FAILED : ROLE_TEXT, "%s", e->kind);
		screen_put(y, 42, 0, ROLE_TEXT, "%s", e->text);
	}
}
