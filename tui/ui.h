/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ui.h - what vmtop shows, and the roles that colours have. One thread; curses draws on the whole terminal.
 */
#ifndef TUI_UI_H
#define TUI_UI_H

#include <curses.h>
#include <stdio.h>

#include "columns.h"
#include "compiler.h"
#include "order.h"
#include "source.h"

#define UI_EVENTS	500	/* kept for the pane */
#define UI_TEXT		64	/* a filter, a search */

enum ui_view {
	UI_VMS,
	UI_VCPUS,
	UI_EXITS,
	UI_HELP,
};

/* What the keyboard writes into, if anything. */
enum ui_input {
	UI_KEYS,
	UI_SEARCH,
	UI_FILTER,
	UI_SORT,
	UI_QUESTION,
};

/* What something is decides how it looks; each is told apart without colours, too. */
enum ui_role {
	ROLE_TEXT,
	ROLE_TITLE,
	ROLE_HEADING,
	ROLE_SORTED,		/* heading of the column that sorts */
	ROLE_SELECTED,
	ROLE_LIVE,		/* a VM that runs */
	ROLE_STILL,		/* one that is paused */
	ROLE_FAILED,
	ROLE_QUIET,		/* zeroes, details */
	ROLE_BAR,		/* histograms */
	ROLE_KEY,
	ROLE_KEY_TEXT,
	ROLE_MESSAGE,
	ROLES,
};

/**
 * struct ui - everything about the screen
 * @source: of the samples
 * @record: file that samples are appended to, or NULL
 * @old: the sample before
 * @new: the one that is shown, or NULL
 * @count: samples so far
 * @rows: of @new, in the order they are shown
 * @nrows: their number
 * @view: what fills the screen
 * @back: the view that help was called from
 * @input: where typed text goes
 * @key: of the sorting
 * @reverse: the other way round
 * @tree: forks below their parents
 * @frozen: samples are taken and not shown
 * @pane: events are shown below
 * @moved: the user has chosen a VM: the cursor stays on it; before, it is on the first line
 * @selected: id of the VM
 * @vcpu: the vCPU whose exits are shown, or -1
 * @line: selected line of the views that have others than VMs
 * @scroll: first line that is shown
 * @filter: words that VMs must have
 * @search: text that is looked for
 * @command: that is asked about
 * @asked: id of the VM that it is for
 * @message: for the last line, or empty
 * @events: ring
 * @nevents: events ever
 * @lost: events that were missed
 * @left: by view, columns of its table that are hidden on the left
 * @layout: of the view's table, as it was drawn last
 * @body: first line of the list on the screen
 * @foot: first line below the list
 * @quit: the user has seen enough
 */
struct ui {
	struct top_source *source;
	FILE *record;
	struct tel_sample *old, *new;
	unsigned int count;
	struct tel_row *rows;
	uint32_t nrows;
	enum ui_view view, back;
	enum ui_input input;
	enum top_key key;
	bool reverse, tree, frozen, pane, moved;
	uint64_t selected;
	int64_t vcpu;
	int line, scroll;
	char filter[UI_TEXT], search[UI_TEXT];
	enum top_command command;
	uint64_t asked;
	char message[160];
	struct tel_event events[UI_EVENTS];
	uint64_t nevents, lost;
	int left[UI_HELP + 1], body, foot;
	struct columns_layout layout;
	bool quit;
};

/**
 * struct batch - what is printed without a screen
 * @json: an object for each sample instead of CSV
 * @iterations: how many samples, 0 for all
 * @filter: words that VMs must have
 * @record: where samples go as well, or NULL
 */
struct batch {
	bool json;
	unsigned int iterations;
	const char *filter;
	FILE *record;
};

enum batch_end {
	BATCH_OK,
	BATCH_SOURCE,
	BATCH_OUTPUT,
	BATCH_RECORD,
};

/* screen.c */
int screen_open(bool colour);
void screen_close(void);
void screen_role(enum ui_role role);
void screen_put(int y, int x, int width, enum ui_role role, const char *format, ...)
	__printf(5, 6);
void screen_fill(int y, enum ui_role role);
void screen_heading(const struct ui *ui, int y, const struct column_shape *shapes, int n, int sorted);

/* ui.c */
void ui_take(struct ui *ui, struct tel_sample *s);
void ui_arrange(struct ui *ui);
const struct tel_row *ui_selected(const struct ui *ui);
void ui_draw(struct ui *ui);

/* draw_*.c */
void draw_vms(struct ui *ui, int top, int lines);
void draw_vcpus(struct ui *ui, int top, int lines);
void draw_exits(struct ui *ui, int top, int lines);
void draw_events(struct ui *ui, int top, int lines);
void draw_help(struct ui *ui, int top, int lines);
enum ui_role draw_role_of(const struct tel_vm *vm);

/* keys.c */
void keys_press(struct ui *ui, int key);
const char *keys_column_name(enum top_key key);

/* batch.c */
enum batch_end batch_run(struct top_source *source, const struct batch *b);

#endif /* TUI_UI_H */
