/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * columns.h - which columns of a table are on the screen, and how wide each is.
 */
#ifndef TUI_COLUMNS_H
#define TUI_COLUMNS_H

#include <stdbool.h>

#define COLUMNS_MAX	24

/**
 * struct column_shape - what a column needs; widths in characters
 * @title: its heading
 * @least: width below which it says nothing
 * @width: that fits what it mostly shows
 * @most: what it takes where there is room
 * @right: it ends where its text ends: numbers
 */
struct column_shape {
	const char *title;
	int least, width, most;
	bool right;
};

/**
 * struct columns_layout - the columns on the screen
 * @x: where each begins, or -1 if it is not shown
 * @width: of each
 * @left: how many are hidden on the left, between the first column and the next
 * @hidden: how many are hidden on the right
 */
struct columns_layout {
	int x[COLUMNS_MAX], width[COLUMNS_MAX];
	int left, hidden;
};

/* columns.c */
void columns_lay_out(const struct column_shape *shapes, int n, int essential, int room, int left,
		     struct columns_layout *l);
int columns_reveal(const struct column_shape *shapes, int n, int essential, int room, int left, int wanted);

#endif /* TUI_COLUMNS_H */
