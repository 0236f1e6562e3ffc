// SPDX-License-Identifier: GPL-2.0-only
/*
 * draw_vcpus.c - one VM's vCPUs.
 */
#include <stdlib.h>
#include <string.h>

#include "telemetry/figures.h"
#include "ui.h"

#define WIDE	110

enum kind {
	VCPU_ID,
	VCPU_STATE,
	VCPU_CPU,
	VCPU_REASON,
	VCPU_PERCENT,
	VCPU_COUNT,
};

/* Width: negative aligns to the right. Those with `wide` are for terminals that are. */
static const struct column {
	const char *title;
	int width;
	enum kind kind;
	bool wide;
	size_t offset;		/* of a percentage or count in the row */
} columns[] = {
	{ "VCPU", -4, VCPU_ID, false, 0 },
	{ "STATE", 6, VCPU_STATE, false, 0 },
	{ "CPU", -3, VCPU_CPU, false, 0 },
	{ "GUEST%", -6, VCPU_PERCENT, false, offsetof(struct tel_vcpu_row, guest) },
	{ "HOST%", -6, VCPU_PERCENT, false, offsetof(struct tel_vcpu_row, host) },
	{ "HALT%", -6, VCPU_PERCENT, false, offsetof(struct tel_vcpu_row, halt) },
	{ "USER%", -6, VCPU_PERCENT, true, offsetof(struct tel_vcpu_row, user) },
	{ "STEAL%", -6, VCPU_PERCENT, true, offsetof(struct tel_vcpu_row, steal) },
	{ "EXIT/S", -6, VCPU_COUNT, false, offsetof(struct tel_vcpu_row, exits) },
	{ "USER/S", -6, VCPU_COUNT, false, offsetof(struct tel_vcpu_row, user_exits) },
	{ "INJ/S", -6, VCPU_COUNT, false, offsetof(struct tel_vcpu_row, injected) },
	{ "FLT/S", -6, VCPU_COUNT, false, offsetof(struct tel_vcpu_row, faults) },
	{ "DIRT/S", -6, VCPU_COUNT, true, offsetof(struct tel_vcpu_row, dirty) },
	{ "TLB/S", -6, VCPU_COUNT, true, offsetof(struct tel_vcpu_row, flushes) },
	{ "TOP EXIT", 18, VCPU_REASON, false, 0 },
};

static void write_cell(const struct ui *ui, const struct column *c, const struct tel_vcpu_row *r, char *s,
		       size_t room)
{
	double value;

	memcpy(&value, (const char *)r + c->offset, sizeof(value));
	switch (c->kind) {
	case VCPU_ID:
		snprintf(s, room, "%u", r->vcpu->id);
		break;
	case VCPU_STATE:
		snprintf(s, room, "%s", r->vcpu->state);
		break;
	case VCPU_CPU:
		snprintf(s, room, r->vcpu->cpu < 0 ? "-" : "%d", r->vcpu->cpu);
		break;
	case VCPU_REASON:
		snprintf(s, room, "%s", r->reason < 0 ? "-" : ui->new->reasons[r->reason]);
		break;
	case VCPU_PERCENT:
		snprintf(s, room, "%.1f", value);
		break;
	case VCPU_COUNT:
		figure_count(value, s, room);
		break;
	}
}

static void draw_vcpu(const struct ui *ui, const struct tel_vcpu_row *r, int y, bool selected)
{
	enum ui_role role = selected ? ROLE_SELECTED : ROLE_TEXT;
	char s[TEL_WORD];
	size_t i;
	int x = 0;

	if (selected)
		screen_fill(y, role);
	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		if (columns[i].wide && COLS < WIDE)
			continue;
		write_cell(ui, &columns[i], r, s, sizeof(s));
		screen_put(y, x, columns[i].width, role, "%s", s);
		x += abs(columns[i].width) + 1;
	}
}

static void draw_heading(int y)
{
	size_t i;
	int x = 0;

	screen_fill(y, ROLE_HEADING);
	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		if (columns[i].wide && COLS < WIDE)
			continue;
		screen_put(y, x, columns[i].width, ROLE_HEADING, "%s", columns[i].title);
		x += abs(columns[i].width) + 1;
	}
}

/**
 * draw_vcpus() - the vCPUs of the selected VM
 * @ui: the screen
 * @top: first line
 * @lines: how many there are
 */
void draw_vcpus(struct ui *ui, int top, int lines)
{
	const struct tel_row *vm = ui_selected(ui);
	struct tel_vcpu_row row;
	int i, rows = lines - 2;

	if (!vm)
		return;
	screen_put(top, 0, 0, ROLE_TITLE, "%s: %s, %u vCPUs, process %d of %s", vm->vm->name, vm->vm->state,
		   vm->vm->nvcpus, (int)vm->vm->pid, vm->vm->owner);
	draw_heading(top + 1);
	ui->body = top + 2;
	if (ui->line >= (int)vm->vm->nvcpus)
		ui->line = vm->vm->nvcpus ? vm->vm->nvcpus - 1 : 0;
	if (ui->line < ui->scroll)
		ui->scroll = ui->line;
	if (ui->line >= ui->scroll + rows)
		ui->scroll = ui->line - rows + 1;
	for (i = 0; i < rows && ui->scroll + i < (int)vm->vm->nvcpus; i++) {
		rates_of_vcpu(ui->old, ui->new, vm->vm, &vm->vm->vcpus[ui->scroll + i], &row);
		draw_vcpu(ui, &row, ui->body + i, ui->scroll + i == ui->line);
	}
}
