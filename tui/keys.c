// SPDX-License-Identifier: GPL-2.0-only
/*
 * keys.c - what the keyboard and the mouse do: as in htop where it has the same thing.
 */
#include <string.h>
#include <strings.h>

#include "ui.h"

#define ESCAPE	27

static int selected_line(const struct ui *ui)
{
	const struct tel_row *row = ui_selected(ui);

	return row ? row - ui->rows : 0;
}

static void move_to(struct ui *ui, int line)
{
	if (ui->view != UI_VMS) {
		ui->line = line < 0 ? 0 : line;
		return;
	}
	if (!ui->nrows)
		return;
	line = line < 0 ? 0 : line >= (int)ui->nrows ? (int)ui->nrows - 1 : line;
	ui->selected = ui->rows[line].vm->id;
	ui->moved = true;
}

static void move_by(struct ui *ui, int lines)
{
	move_to(ui, (ui->view == UI_VMS ? selected_line(ui) : ui->line) + lines);
}

static void open_view(struct ui *ui, enum ui_view view)
{
	ui->view = view;
	ui->line = 0;
	ui->scroll = 0;
}

static void enter(struct ui *ui)
{
	const struct tel_row *row = ui_selected(ui);

	if (!row)
		return;
	ui->moved = true;
	if (ui->view == UI_VMS) {
		open_view(ui, UI_VCPUS);
	} else if (ui->view == UI_VCPUS && ui->line < (int)row->vm->nvcpus) {
		ui->vcpu = row->vm->vcpus[ui->line].id;
		open_view(ui, UI_EXITS);
	}
}

static void leave(struct ui *ui)
{
	if (ui->view == UI_HELP)
		open_view(ui, ui->back);
	else if (ui->view == UI_EXITS && ui->vcpu >= 0)
		open_view(ui, UI_VCPUS);
	else
		open_view(ui, UI_VMS);
}

static void sort_by(struct ui *ui, enum top_key key)
{
	/* A second time turns it round, as a click on a heading does elsewhere. */
	ui->reverse = ui->key == key && !ui->reverse;
	ui->key = key;
	ui_arrange(ui);
}

/* From the line after the cursor around to it. */
static void search(struct ui *ui, bool next)
{
	int at = selected_line(ui), i;

	for (i = next; ui->search[0] && i < (int)ui->nrows + next; i++) {
		const struct tel_vm *vm = ui->rows[(at + i) % ui->nrows].vm;

		if (!strcasestr(vm->name, ui->search))
			continue;
		ui->selected = vm->id;
		ui->moved = true;
		return;
	}
	if (ui->search[0])
		snprintf(ui->message, sizeof(ui->message), "No VM's name has %s", ui->search);
}

static void ask(struct ui *ui, enum top_command command)
{
	if (!ui_selected(ui))
		return;
	ui->moved = true;
	ui->asked = ui->selected;
	ui->command = command;
	ui->input = UI_QUESTION;
}

static void tell(struct ui *ui, enum top_command command)
{
	const struct tel_row *row = ui_selected(ui);

	if (row && ui->source->command(ui->source, command, row->vm))
		snprintf(ui->message, sizeof(ui->message), "%s", ui->source->error);
}

static void answer(struct ui *ui, int key)
{
	ui->input = UI_KEYS;
	if (key == 'y' || key == 'Y')
		tell(ui, ui->command);
	else if (key == 'k' && ui->command == TOP_STOP)
		ask(ui, TOP_KILL);
}

static void changed(struct ui *ui)
{
	if (ui->input == UI_FILTER)
		ui_arrange(ui);
	else
		search(ui, false);
}

static void edit(struct ui *ui, int key)
{
	char *text = ui->input == UI_FILTER ? ui->filter : ui->search;
	size_t n = strlen(text);

	if (key == '\n' || key == KEY_ENTER) {
		ui->input = UI_KEYS;
	} else if (key == ESCAPE) {
		text[0] = 0;
		changed(ui);
		ui->input = UI_KEYS;
	} else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && n) {
		text[n - 1] = 0;
		changed(ui);
	} else if (key >= ' ' && key <= '~' && n + 1 < UI_TEXT) {
		text[n] = key;
		text[n + 1] = 0;
		changed(ui);
	}
}

static void choose_column(struct ui *ui, int key)
{
	int step = key == KEY_RIGHT || key == '>' ? 1 : key == KEY_LEFT || key == '<' ? TOP_KEYS - 1 : 0;

	if (!step) {
		ui->input = UI_KEYS;
		return;
	}
	ui->key = (ui->key + step) % TOP_KEYS;
	ui->reverse = false;
	ui_arrange(ui);
}

/* How far is too far, who draws the table finds out. */
static void move_columns(struct ui *ui, int columns)
{
	int *left = &ui->left[ui->view];

	*left = *left + columns > 0 ? *left + columns : 0;
}

/* Returns whether it was one of these. */
static bool press_move(struct ui *ui, int key)
{
	int page = LINES > 8 ? LINES - 8 : 1;

	switch (key) {
	case KEY_UP:
		move_by(ui, -1);
		return true;
	case KEY_DOWN:
		move_by(ui, 1);
		return true;
	case KEY_LEFT:
		move_columns(ui, -1);
		return true;
	case KEY_RIGHT:
		move_columns(ui, 1);
		return true;
	case KEY_PPAGE:
		move_by(ui, -page);
		return true;
	case KEY_NPAGE:
		move_by(ui, page);
		return true;
	case KEY_HOME:
		move_to(ui, 0);
		return true;
	case KEY_END:
		move_to(ui, ui->view == UI_VMS ? (int)ui->nrows - 1 : 1 << 20);
		return true;
	default:
		return false;
	}
}

static bool press_sort(struct ui *ui, int key)
{
	static const struct {
		int key;
		enum top_key by;
	} keys[] = {
		{ 'P', TOP_BY_CPU }, { 'M', TOP_BY_RESIDENT }, { 'T', TOP_BY_AGE }, { 'N', TOP_BY_NAME },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].key != key)
			continue;
		sort_by(ui, keys[i].by);
		return true;
	}
	if (key == 'I')
		ui->reverse = !ui->reverse;
	else if (key == 't' || key == KEY_F(5))
		ui->tree = !ui->tree;
	else if (key == KEY_F(6) || key == '>' || key == '<')
		ui->input = UI_SORT;
	else
		return false;
	ui_arrange(ui);
	return true;
}

static bool press_command(struct ui *ui, int key)
{
	switch (key) {
	case KEY_F(7):
		ask(ui, TOP_PAUSE);
		return true;
	case KEY_F(8):
		ask(ui, TOP_RESUME);
		return true;
	case KEY_F(9):
	case 'k':
		ask(ui, TOP_STOP);
		return true;
	default:
		return false;
	}
}

static void press_other(struct ui *ui, int key)
{
	switch (key) {
	case 'q':
	case KEY_F(10):
		ui->quit = true;
		break;
	case 'h':
	case '?':
	case KEY_F(1):
		if (ui->view != UI_HELP)
			ui->back = ui->view;
		ui->view = UI_HELP;
		break;
	case '\n':
	case KEY_ENTER:
		enter(ui);
		break;
	case ESCAPE:
	case KEY_BACKSPACE:
		leave(ui);
		break;
	case 'x':
		ui->moved = true;
		ui->vcpu = -1;
		open_view(ui, UI_EXITS);
		break;
	case 'e':
		ui->pane = !ui->pane;
		break;
	case ' ':
	case 'Z':
		ui->frozen = !ui->frozen;
		break;
	case '/':
	case KEY_F(3):
		ui->search[0] = 0;
		ui->input = UI_SEARCH;
		break;
	case 'n':
		search(ui, true);
		break;
	case '\\':
	case KEY_F(4):
		ui->input = UI_FILTER;
		break;
	}
}

/* A click on the keys' line: each takes six columns and its key's name. ERR: behind the last. */
static int key_at(int x)
{
	static const int keys[] = { 1, 3, 4, 5, 6, 7, 8, 9, 10 };
	size_t i = x / 8;

	return i < ARRAY_SIZE(keys) ? KEY_F(keys[i]) : ERR;
}

static void click(struct ui *ui, int y, int x)
{
	const struct columns_layout *l = &ui->layout;
	int best = -1;
	enum top_key k;

	if (y == LINES - 1) {
		keys_press(ui, key_at(x));
	} else if (ui->view == UI_HELP) {
		leave(ui);
	} else if (y == ui->body - 1 && l->left && x == l->width[0]) {
		move_columns(ui, -1);
	} else if (y == ui->body - 1 && l->hidden && x == COLS - 1) {
		move_columns(ui, 1);
	} else if (ui->view == UI_VMS && y == ui->body - 1) {
		for (k = 0; k < TOP_KEYS; k++)
			if (l->x[k] >= 0 && l->x[k] <= x)
				best = k;
		if (best >= 0)
			sort_by(ui, best);
	} else if (ui->view != UI_EXITS && y >= ui->body && y < ui->foot &&
		   (ui->view == UI_VCPUS || ui->scroll + y - ui->body < (int)ui->nrows)) {
		move_to(ui, ui->scroll + y - ui->body);
	}
}

static void mouse(struct ui *ui)
{
	MEVENT e;

	if (getmouse(&e) != OK)
		return;
	if (e.bstate & BUTTON4_PRESSED)
		move_by(ui, -3);
	else if (e.bstate & BUTTON5_PRESSED)
		move_by(ui, 3);
	else if (e.bstate & (BUTTON1_CLICKED | BUTTON1_PRESSED))
		click(ui, e.y, e.x);
}

/**
 * keys_press() - a key was pressed
 * @ui: the screen
 * @key: as curses names it
 */
void keys_press(struct ui *ui, int key)
{
	if (key == KEY_RESIZE)
		return;
	ui->message[0] = 0;
	switch (ui->input) {
	case UI_SEARCH:
	case UI_FILTER:
		edit(ui, key);
		return;
	case UI_SORT:
		choose_column(ui, key);
		return;
	case UI_QUESTION:
		answer(ui, key);
		return;
	default:
		break;
	}
	if (key == KEY_MOUSE)
		mouse(ui);
	else if (ui->view == UI_HELP && key != 'q' && key != KEY_F(10))
		leave(ui);
	else if (!press_move(ui, key) && !press_sort(ui, key) && !press_command(ui, key))
		press_other(ui, key);
}
