// SPDX-License-Identifier: GPL-2.0-only
/*
 * screen.c - the terminal: curses begun and ended, roles as colours or attributes.
 */
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

/* A colour, and what tells the role apart where there is none. */
static const struct {
	short colour, ground;
	attr_t with, without;
} roles[ROLES] = {
	[ROLE_TEXT] = { -1, -1, A_NORMAL, A_NORMAL },
	[ROLE_TITLE] = { -1, -1, A_BOLD, A_BOLD },
	[ROLE_HEADING] = { COLOR_BLACK, COLOR_GREEN, A_NORMAL, A_REVERSE },
	[ROLE_SORTED] = { COLOR_BLACK, COLOR_CYAN, A_NORMAL, A_REVERSE | A_BOLD },
	[ROLE_SELECTED] = { COLOR_BLACK, COLOR_CYAN, A_NORMAL, A_REVERSE },
	[ROLE_LIVE] = { COLOR_GREEN, -1, A_NORMAL, A_NORMAL },
	[ROLE_STILL] = { COLOR_YELLOW, -1, A_NORMAL, A_UNDERLINE },
	[ROLE_FAILED] = { COLOR_RED, -1, A_BOLD, A_BOLD },
	[ROLE_QUIET] = { -1, -1, A_DIM, A_NORMAL },
	[ROLE_BAR] = { COLOR_BLUE, -1, A_BOLD, A_NORMAL },
	[ROLE_KEY] = { -1, -1, A_BOLD, A_BOLD },
	[ROLE_KEY_TEXT] = { COLOR_BLACK, COLOR_CYAN, A_NORMAL, A_REVERSE },
	[ROLE_MESSAGE] = { COLOR_YELLOW, -1, A_BOLD, A_BOLD },
};

static bool coloured;

/**
 * screen_open() - take the terminal
 * @colour: false: none, whatever it can do
 *
 * Return: 0, or -1 if it is none that curses knows, or has no screen.
 */
int screen_open(bool colour)
{
	int i;

	setlocale(LC_CTYPE, "");
	if (!newterm(NULL, stdout, stdin))
		return -1;
	/* One that cannot place its cursor would get lines below lines. */
	if (!tigetstr("cup")) {
		endwin();
		return -1;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	mousemask(BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	coloured = colour && has_colors();
	if (!coloured)
		return 0;
	start_color();
	use_default_colors();
	for (i = 0; i < ROLES; i++)
		init_pair(i + 1, roles[i].colour, roles[i].ground);
	return 0;
}

/**
 * screen_close() - give the terminal back as it was
 */
void screen_close(void)
{
	endwin();
}

/**
 * screen_role() - what is drawn next has this role
 * @role: which
 */
void screen_role(enum ui_role role)
{
	if (coloured)
		attrset(roles[role].with | COLOR_PAIR(role + 1));
	else
		attrset(roles[role].without);
}

/**
 * screen_put() - text in a field; what is outside of the screen is cut off
 * @y: line
 * @x: first column
 * @width: of the field; negative: its end is where the text ends; 0: as wide as the text
 * @role: how it looks
 * @format: for printf
 */
void screen_put(int y, int x, int width, enum ui_role role, const char *format, ...)
{
	char text[512], field[512];
	va_list args;

	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (width > 0)
		snprintf(field, sizeof(field), "%-*.*s", width, width, text);
	else
		snprintf(field, sizeof(field), "%*.*s", -width, width ? -width : (int)sizeof(text), text);
	screen_role(role);
	mvaddnstr(y, x, field, COLS - x);
}

/**
 * screen_fill() - an empty line
 * @y: which
 * @role: how it looks
 */
void screen_fill(int y, enum ui_role role)
{
	screen_role(role);
	mvhline(y, 0, ' ', COLS);
}

/**
 * screen_heading() - the titles of a table's columns, and marks where there are more of them
 * @ui: the screen; its layout is the table's
 * @y: which line
 * @shapes: the columns
 * @n: their number
 * @sorted: the one that sorts, or -1
 */
void screen_heading(const struct ui *ui, int y, const struct column_shape *shapes, int n, int sorted)
{
	const struct columns_layout *l = &ui->layout;
	int i;

	screen_fill(y, ROLE_HEADING);
	for (i = 0; i < n; i++) {
		if (l->x[i] < 0)
			continue;
		screen_put(y, l->x[i], shapes[i].right ? -l->width[i] : l->width[i],
			   i == sorted ? ROLE_SORTED : ROLE_HEADING, "%s", shapes[i].title);
	}
	if (l->left)
		screen_put(y, l->width[0], 1, ROLE_MESSAGE, "<");
	if (l->hidden)
		screen_put(y, COLS - 1, 1, ROLE_MESSAGE, ">");
}
