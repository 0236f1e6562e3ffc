// SPDX-License-Identifier: GPL-2.0-only
/*
 * draw_exits.c - why a VM, or one vCPU, left the guest, and how long that took: a line a reason, with a histogram.
 */
#include <string.h>

#include "telemetry/figures.h"
#include "ui.h"

#define REASONS_MAX	64
#define TABLE_WIDTH	58

/* The buckets that any reason uses, so that bars of all lines stand below each other. */
static void find_range(const struct tel_exit_row *rows, uint32_t n, int *first, int *last)
{
	uint32_t i;
	int b;

	*first = TEL_BUCKETS;
	*last = -1;
	for (i = 0; i < n; i++) {
		for (b = 0; b < TEL_BUCKETS; b++) {
			if (!rows[i].hist[b])
				continue;
			*first = b < *first ? b : *first;
			*last = b > *last ? b : *last;
		}
	}
}

/* A character for each bucket, its height from the share of the reason's exits: readable in ASCII. */
static void draw_hist(const struct tel_exit_row *r, int y, int first, int last)
{
	static const char heights[] = " .:-=+*#%@";
	int b, x = TABLE_WIDTH, height;

	for (b = first; b <= last && x < COLS; b++, x++) {
		height = r->hist[b] ? 1 + (int)(r->hist[b] * 8.0 / r->count) : 0;
		screen_put(y, x, 1, ROLE_BAR, "%c", heights[height > 9 ? 9 : height]);
	}
}

static void draw_exit(const struct ui *ui, const struct tel_exit_row *r, int y)
{
	char rate[16], mean[16], p99[16];
	int bar = r->share / 10 + 0.5;

	figure_count(r->rate, rate, sizeof(rate));
	figure_time(r->mean, mean, sizeof(mean));
	figure_time(r->p99, p99, sizeof(p99));
	screen_put(y, 0, 21, ROLE_TEXT, "%s", ui->new->reasons[r->reason]);
	screen_put(y, 22, -6, ROLE_TEXT, "%s", rate);
	screen_put(y, 29, -5, ROLE_TEXT, "%s", mean);
	screen_put(y, 35, -5, ROLE_TEXT, "%s", p99);
	screen_put(y, 41, -5, ROLE_TEXT, "%.1f", r->share);
	screen_put(y, 47, 10, ROLE_BAR, "%.*s", bar > 10 ? 10 : bar, "||||||||||");
}

/* Above the bars: where a microsecond and its powers of a thousand are. */
static void draw_scale(const struct ui *ui, int y, int first, int last)
{
	static const struct {
		double cycles_per_khz;
		const char *name;
	} marks[] = { { 1e-3, "1us" }, { 1, "1ms" }, { 1e3, "1s" } };
	size_t i;
	int b;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		double cycles = marks[i].cycles_per_khz * ui->new->khz;

		for (b = 0; b < TEL_BUCKETS - 1 && cycles >= 1; b++)
			cycles /= 2;
		if (b >= first && b <= last)
			screen_put(y, TABLE_WIDTH + b - first, 0, ROLE_HEADING, "%s", marks[i].name);
	}
}

/**
 * draw_exits() - the exits of the selected VM, or of one of its vCPUs
 * @ui: the screen
 * @top: first line
 * @lines: how many there are
 */
void draw_exits(struct ui *ui, int top, int lines)
{
	struct tel_exit_row rows[REASONS_MAX];
	const struct tel_row *vm = ui_selected(ui);
	int first, last, i, n, shown = lines - 2;

	if (!vm)
		return;
	if (ui->vcpu < 0)
		screen_put(top, 0, 0, ROLE_TITLE, "%s: exits of all its vCPUs", vm->vm->name);
	else
		screen_put(top, 0, 0, ROLE_TITLE, "%s: exits of vCPU %lld", vm->vm->name, (long long)ui->vcpu);
	n = rates_of_exits(ui->old, ui->new, vm->vm, ui->vcpu, rows, REASONS_MAX);
	find_range(rows, n, &first, &last);
	screen_fill(top + 1, ROLE_HEADING);
	screen_put(top + 1, 0, 21, ROLE_HEADING, "EXIT");
	screen_put(top + 1, 22, -6, ROLE_HEADING, "EXIT/S");
	screen_put(top + 1, 29, -5, ROLE_HEADING, "MEAN");
	screen_put(top + 1, 35, -5, ROLE_HEADING, "P99");
	screen_put(top + 1, 41, -5, ROLE_HEADING, "SHARE");
	screen_put(top + 1, 47, 10, ROLE_HEADING, "OF TIME");
	draw_scale(ui, top + 1, first, last);
	ui->body = top + 2;
	if (ui->line > n - shown)
		ui->line = n - shown;
	if (ui->line < 0)
		ui->line = 0;
	for (i = 0; i < shown && ui->line + i < n; i++) {
		draw_exit(ui, &rows[ui->line + i], ui->body + i);
		draw_hist(&rows[ui->line + i], ui->body + i, first, last);
	}
	if (!n)
		screen_put(ui->body, 0, 0, ROLE_QUIET, "No exit since the sample before.");
}
