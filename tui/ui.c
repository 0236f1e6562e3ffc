// SPDX-License-Identifier: GPL-2.0-only
/*
 * ui.c - what is on the screen: a head, one of the views, events, the keys.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "telemetry/figures.h"
#include "ui.h"

#define HEAD		3
#define PANE_MAX	8

/* Events are kept even while the screen is frozen: they come once. */
static void keep_events(struct ui *ui, const struct tel_sample *s)
{
	uint32_t i;

	for (i = 0; i < s->nevents; i++)
		ui->events[ui->nevents++ % UI_EVENTS] = s->events[i];
	ui->lost += s->lost;
}

/**
 * ui_take() - a new sample has come
 * @ui: the screen
 * @s: the sample, which is the screen's now
 */
void ui_take(struct ui *ui, struct tel_sample *s)
{
	keep_events(ui, s);
	ui->count++;
	if (ui->frozen && ui->new) {
		sample_free(s);
		return;
	}
	sample_free(ui->old);
	ui->old = ui->new;
	ui->new = s;
	ui_arrange(ui);
	/* What is answered now must reach no other VM. */
	if (ui->input == UI_QUESTION && (!ui_selected(ui) || ui->selected != ui->asked)) {
		ui->input = UI_KEYS;
		snprintf(ui->message, sizeof(ui->message), "The VM that this was asked about is gone");
	}
}

/**
 * ui_arrange() - make the rows anew: for another sample, order or filter
 * @ui: the screen
 */
void ui_arrange(struct ui *ui)
{
	uint32_t i;

	free(ui->rows);
	ui->nrows = 0;
	ui->rows = ui->new ? calloc(ui->new->nvms ? ui->new->nvms : 1, sizeof(*ui->rows)) : NULL;
	for (i = 0; ui->rows && i < ui->new->nvms; i++)
		if (order_matches(&ui->new->vms[i], ui->filter))
			rates_of_vm(ui->old, ui->new, &ui->new->vms[i], &ui->rows[ui->nrows++]);
	if (!ui->nrows)
		return;
	order_sort(ui->rows, ui->nrows, ui->key, ui->reverse, ui->new);
	if (ui->tree)
		order_tree(ui->rows, ui->nrows);
	if (!ui->moved || !ui_selected(ui))
		ui->selected = ui->rows[0].vm->id;
}

/**
 * ui_selected() - the VM under the cursor
 * @ui: the screen
 *
 * Return: its row, or NULL.
 */
const struct tel_row *ui_selected(const struct ui *ui)
{
	uint32_t i;

	for (i = 0; i < ui->nrows; i++)
		if (ui->rows[i].vm->id == ui->selected)
			return &ui->rows[i];
	return NULL;
}

/* Returns the column behind the last. */
static int draw_states(const struct ui *ui, int x)
{
	static const char *const states[] = { "running", "paused", "failed" };
	static const enum ui_role looks[] = { ROLE_LIVE, ROLE_STILL, ROLE_FAILED };
	unsigned int i, n;
	uint32_t k;

	for (i = 0; i < 3; i++) {
		char text[32];

		for (n = k = 0; k < ui->new->nvms; k++)
			n += !strcmp(ui->new->vms[k].state, states[i]);
		snprintf(text, sizeof(text), "%u %s", n, states[i]);
		screen_put(0, x, 0, n ? looks[i] : ROLE_QUIET, "%s", text);
		x += strlen(text) + 2;
	}
	return x;
}

static void draw_title(const struct ui *ui)
{
	char text[64], clock[16];
	time_t t = ui->new->time / 1000;
	struct tm tm;
	int x;

	snprintf(text, sizeof(text), "vmtop  %u VMs: ", ui->new->nvms);
	screen_put(0, 0, 0, ROLE_TITLE, "%s", text);
	x = draw_states(ui, strlen(text));
	if (ui->frozen)
		snprintf(clock, sizeof(clock), "frozen");
	else if (ui->source->recorded)
		snprintf(clock, sizeof(clock), "sample %u", ui->count);
	else if (!localtime_r(&t, &tm) || !strftime(clock, sizeof(clock), "%T", &tm))
		clock[0] = 0;
	if (x + (int)strlen(clock) <= COLS)
		screen_put(0, COLS - (int)strlen(clock), 0, ui->frozen ? ROLE_MESSAGE : ROLE_TITLE, "%s",
			   clock);
}

/* Sums over the rows, so over what the filter lets through. */
static void draw_sums(const struct ui *ui)
{
	double guest = 0, host = 0, exits = 0, memory = 0, resident = 0, shared = 0;
	char e[16], m[16], r[16], s[16];
	uint32_t i;

	for (i = 0; i < ui->nrows; i++) {
		guest += ui->rows[i].guest;
		host += ui->rows[i].host;
		exits += ui->rows[i].exits;
		memory += ui->rows[i].vm->memory;
		resident += ui->rows[i].vm->resident;
		shared += ui->rows[i].vm->shared;
	}
	figure_count(exits, e, sizeof(e));
	figure_bytes(memory, m, sizeof(m));
	figure_bytes(resident, r, sizeof(r));
	figure_bytes(shared, s, sizeof(s));
	screen_put(1, 0, 0, ROLE_TEXT,
		   "%u CPUs: guest %.1f%% host %.1f%%  %s exits/s  memory %s res %s shr %s",
		   ui->new->cpus, guest, host, e, m, r, s);
}

/* At the right end of the third line, where nothing else stands: that there are more columns, and how they are seen. */
static void draw_more(const struct ui *ui, int used)
{
	int n = ui->layout.left + ui->layout.hidden, x;
	char text[48];

	if (!n)
		return;
	snprintf(text, sizeof(text), "%d more column%s:%s%s", n, n == 1 ? "" : "s", ui->layout.left ? " Left" : "",
		 ui->layout.hidden ? " Right" : "");
	x = COLS - (int)strlen(text);
	if (x > used)
		screen_put(2, x, 0, ROLE_QUIET, "%s", text);
}

/* The third line: what is typed, or what was to say, or what is shown of what there is. */
static void draw_prompt(const struct ui *ui)
{
	static const char *const questions[] = {
		[TOP_PAUSE] = "Pause %s? (y/n)",
		[TOP_RESUME] = "Resume %s? (y/n)",
		[TOP_STOP] = "Stop %s: y presses its power button, k kills it, n does nothing",
		[TOP_KILL] = "Kill %s? What it has not written to its disks is lost. (y/n)",
	};
	const struct tel_row *row = ui_selected(ui);
	char text[160] = "";

	switch (ui->input) {
	case UI_SEARCH:
		screen_put(2, 0, 0, ROLE_MESSAGE, "Search: %s_  %s", ui->search, ui->message);
		break;
	case UI_FILTER:
		screen_put(2, 0, 0, ROLE_MESSAGE, "Filter: %s_", ui->filter);
		break;
	case UI_SORT:
		screen_put(2, 0, 0, ROLE_MESSAGE, "Sort by %s: left and right choose, Enter takes it",
			   keys_column_name(ui->key));
		break;
	case UI_QUESTION:
		snprintf(text, sizeof(text), questions[ui->command], row ? row->vm->name : "");
		screen_put(2, 0, 0, ROLE_MESSAGE, "%s", text);
		break;
	default:
		if (ui->message[0])
			snprintf(text, sizeof(text), "%s", ui->message);
		else if (ui->filter[0])
			snprintf(text, sizeof(text), "Filter: %s (%u of %u VMs)", ui->filter, ui->nrows,
				 ui->new->nvms);
		screen_put(2, 0, 0, ui->message[0] ? ROLE_MESSAGE : ROLE_QUIET, "%s", text);
		draw_more(ui, strlen(text));
	}
}

static void draw_keys(void)
{
	static const char *const keys[][2] = {
		{ "F1", "Help" }, { "F3", "Search" }, { "F4", "Filter" }, { "F5", "Tree" },
		{ "F6", "Sort" }, { "F7", "Pause" }, { "F8", "Resume" }, { "F9", "Stop" },
		{ "F10", "Quit" },
	};
	size_t i;
	int x = 0;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		screen_put(LINES - 1, x, 0, ROLE_KEY, "%s", keys[i][0]);
		x += strlen(keys[i][0]);
		screen_put(LINES - 1, x, 6, ROLE_KEY_TEXT, "%s", keys[i][1]);
		x += 6;
	}
}

static void draw_body(struct ui *ui, int lines)
{
	ui->layout = (struct columns_layout){ 0 };
	ui->foot = HEAD + lines;
	switch (ui->view) {
	case UI_VMS:
		draw_vms(ui, HEAD, lines);
		break;
	case UI_VCPUS:
		draw_vcpus(ui, HEAD, lines);
		break;
	case UI_EXITS:
		draw_exits(ui, HEAD, lines);
		break;
	case UI_HELP:
		draw_help(ui, HEAD, lines);
		break;
	}
}

/**
 * ui_draw() - bring the screen up to date
 * @ui: the screen
 */
void ui_draw(struct ui *ui)
{
	int lines = LINES - HEAD - 1, pane = 0;

	if (ui->pane && ui->view != UI_HELP && lines >= 8)
		pane = lines / 3 < PANE_MAX ? lines / 3 : PANE_MAX;
	erase();
	if (ui->new) {
		draw_title(ui);
		draw_sums(ui);
		if (lines > pane)
			draw_body(ui, lines - pane);
		draw_prompt(ui);
		if (pane)
			draw_events(ui, LINES - 1 - pane, pane);
	}
	draw_keys();
	refresh();
}
