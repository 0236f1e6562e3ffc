// SPDX-License-Identifier: GPL-2.0-only
/*
 * draw_exits.c - why a VM, or one vCPU, left the guest, and how long that took: a line a reason, with a histogram.
 */
#include <string.h>

#include "telemetry/figures.h"
#include "ui.h"

#define REASONS_MAX	64

enum {
	EXIT_REASON,
	EXIT_RATE,
	EXIT_MEAN,
	EXIT_P99,
	EXIT_SHARE,
	EXIT_BAR,
	EXIT_HIST,
	EXIT_COLUMNS,
};

/* The histogram's width is that of the buckets in use. */
static const struct column_shape shapes[EXIT_COLUMNS] = {
	[EXIT_REASON] = { "EXIT", 12, 21, 22, false },
	[EXIT_RATE] = { "EXIT/S", 6, 6, 6, true },
	[EXIT_MEAN] = { "MEAN", 5, 5, 5, true },
	[EXIT_P99] = { "P99", 5, 5, 5, true },
	[EXIT_SHARE] = { "SHARE", 5, 5, 5, true },
	[EXIT_BAR] = { "OF TIME", 7, 10, 10, false },
	[EXIT_HIST] = { "", 8, 8, 8, false },
};

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
static void draw_hist(const struct ui *ui, const struct tel_exit_row *r, int y, int first, int last)
{
	static const char heights[] = " .:-=+*#%@";
	int b, x = ui->layout.x[EXIT_HIST], height;

	if (x < 0)
		return;

	for (b = first; b <= last && x < COLS; b++, x++) {
		height = r->hist[b] ? 1 + (int)(r->hist[b] * 8.0 / r->count) : 0;
		screen_put(y, x, 1, ROLE_BAR, "%c", heights[height > 9 ? 9 : height]);
	}
}

static void draw_exit(const struct ui *ui, const struct tel_exit_row *r, int y)
{
	const struct columns_layout *l = &ui->layout;
	char text[EXIT_COLUMNS][TEL_WORD] = { "" };
	int bar = r->share / 10 + 0.5, i;

	snprintf(text[EXIT_REASON], TEL_WORD, "%s", ui->new->reasons[r->reason]);
	figure_count(r->rate, text[EXIT_RATE], TEL_WORD);
	figure_time(r->mean, text[EXIT_MEAN], TEL_WORD);
	figure_time(r->p99, text[EXIT_P99], TEL_WORD);
	snprintf(text[EXIT_SHARE], TEL_WORD, "%.1f", r->share);
	snprintf(text[EXIT_BAR], TEL_WORD, "%.*s", bar > 10 ? 10 : bar, "||||||||||");
	for (i = 0; i < EXIT_HIST; i++)
		if (l->x[i] >= 0)
			screen_put(y, l->x[i], shapes[i].right ? -l->width[i] : l->width[i],
				   i == EXIT_BAR ? ROLE_BAR : ROLE_TEXT, "%s", text[i]);
}

/* Above the bars: where a microsecond and its powers of a thousand are. */
static void draw_scale(const struct ui *ui, int y, int first, int last)
{
	static const struct {
		double cycles_per_khz;
		const char *name;
	} marks[] = { { 1e-3, "1us" }, { 1, "1ms" }, { 1e3, "1s" } };
	int b, x = ui->layout.x[EXIT_HIST];
	size_t i;

	for (i = 0; x >= 0 && i < ARRAY_SIZE(marks); i++) {
		double cycles = marks[i].cycles_per_khz * ui->new->khz;

		for (b = 0; b < TEL_BUCKETS - 1 && cycles >= 1; b++)
			cycles /= 2;
		if (b >= first && b <= last)
			screen_put(y, x + b - first, 0, ROLE_HEADING, "%s", marks[i].name);
	}
}

/* A histogram that is cut off counts as hidden: what is left of it can be moved away. */
static void lay_out(struct ui *ui, int buckets)
{
	struct column_shape mine[EXIT_COLUMNS];

	memcpy(mine, shapes, sizeof(mine));
	if (buckets > mine[EXIT_HIST].width)
		mine[EXIT_HIST].width = mine[EXIT_HIST].most = buckets;
	columns_lay_out(mine, EXIT_COLUMNS, EXIT_COLUMNS, COLS, ui->left[UI_EXITS], &ui->layout);
	ui->left[UI_EXITS] = ui->layout.left;
	if (!ui->layout.hidden && ui->layout.width[EXIT_HIST] < buckets)
		ui->layout.hidden = 1;
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
	lay_out(ui, last < first ? 0 : last - first + 1);
	screen_heading(ui, top + 1, shapes, EXIT_COLUMNS, -1);
	draw_scale(ui, top + 1, first, last);
	ui->body = top + 2;
	if (ui->line > n - shown)
		ui->line = n - shown;
	if (ui->line < 0)
		ui->line = 0;
	for (i = 0; i < shown && ui->line + i < n; i++) {
		draw_exit(ui, &rows[ui->line + i], ui->body + i);
		draw_hist(ui, &rows[ui->line + i], ui->body + i, first, last);
	}
	if (!n)
		screen_put(ui->body, 0, 0, ROLE_QUIET, "No exit since the sample before.");
}
