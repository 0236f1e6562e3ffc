// SPDX-License-Identifier: GPL-2.0-only
/*
 * columns.c - which columns of a table are on the screen, and how wide each is. The first one is always there; the
 * others move to the left below it. The essential ones, which come first, become narrower before one is hidden.
 */
#include "columns.h"

/* How many columns from @left on fit beside the first; those that do not leave the last cell for a mark. */
static int count_fitting(const struct column_shape *shapes, int n, int room, int left, bool narrow)
{
	int used = narrow ? shapes[0].least : shapes[0].width, fit, end, i;

	for (fit = 0, i = 1 + left; i < n; i++, fit++) {
		used += 1 + (narrow ? shapes[i].least : shapes[i].width);
		end = i + 1 < n ? room - 1 : room;
		if (used > end)
			break;
	}
	return fit;
}

/* Cells that are over go round, until each column that can be wider has its width, and then its most. */
static void widen(const struct column_shape *shapes, int n, int over, struct columns_layout *l)
{
	bool most, gave;
	int i;

	for (most = false;; most = true) {
		do {
			for (gave = false, i = 0; i < n && over > 0; i++) {
				if (l->x[i] < 0 || l->width[i] >= (most ? shapes[i].most : shapes[i].width))
					continue;
				l->width[i]++;
				over--;
				gave = true;
			}
		} while (gave);
		if (most)
			return;
	}
}

/**
 * columns_lay_out() - find the columns that are shown
 * @shapes: the table's columns
 * @n: their number, 1 to COLUMNS_MAX
 * @essential: so many of them, and any that would be alone, become narrower before one is hidden
 * @room: width of the screen
 * @left: how many behind the first one are to be hidden; what leaves room on the right counts as less
 * @l: filled
 */
void columns_lay_out(const struct column_shape *shapes, int n, int essential, int room, int left,
		     struct columns_layout *l)
{
	int i, x, fit, narrow, used;

	while (left > 0 && left + count_fitting(shapes, n, room, left - 1, false) >= n)
		left--;
	if (left > n - 2)
		left = n > 2 ? n - 2 : 0;
	fit = count_fitting(shapes, n, room, left, false);
	narrow = count_fitting(shapes, n, room, left, true);
	essential = essential - 1 > left ? essential - 1 - left : 1;
	if (narrow > essential)
		narrow = essential;
	if (narrow > fit)
		fit = narrow;
	used = shapes[0].least;
	for (i = 0; i < n; i++) {
		l->x[i] = !i || (i > left && i <= left + fit) ? 0 : -1;
		l->width[i] = shapes[i].least;
		used += i && !l->x[i] ? 1 + shapes[i].least : 0;
	}
	l->left = left;
	l->hidden = n - 1 - left - fit;
	widen(shapes, n, room - (l->hidden ? 1 : 0) - used, l);
	for (i = 0, x = 0; i < n; i++) {
		if (l->x[i] < 0)
			continue;
		l->x[i] = x;
		x += l->width[i] + 1;
	}
}

/**
 * columns_reveal() - how far the columns have to move that one of them is seen
 * @shapes: the table's columns
 * @n: their number
 * @essential: as columns_lay_out() takes it
 * @room: width of the screen
 * @left: how many are hidden on the left now
 * @wanted: the column
 *
 * Return: how many to hide on the left.
 */
int columns_reveal(const struct column_shape *shapes, int n, int essential, int room, int left, int wanted)
{
	struct columns_layout l;

	columns_lay_out(shapes, n, essential, room, left, &l);
	if (wanted && wanted <= l.left)
		return wanted - 1;
	for (; l.x[wanted] < 0 && left < n; left++)
		columns_lay_out(shapes, n, essential, room, left, &l);
	return l.left;
}
