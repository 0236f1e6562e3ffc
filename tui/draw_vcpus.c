// SPDX-License-Identifier: GPL-2.0-only
/*
 * draw_vcpus.c - one VM's vCPUs.
 */
#include <string.h>

#include "telemetry/figures.h"
#include "ui.h"

enum kind {
	VCPU_ID,
	VCPU_STATE,
	VCPU_CPU,
	VCPU_REASON,
	VCPU_PERCENT,
	VCPU_COUNT,
};

#define NUMBER(title, width)	{ title, width, width, width + 1, true }
#define ROW(member)		offsetof(struct tel_vcpu_row, member)

static const struct column_shape shapes[] = {
	NUMBER("VCPU", 4),
	{ "STATE", 6, 6, 7, false },
	NUMBER("CPU", 3),
	NUMBER("GUEST%", 6),
	NUMBER("HOST%", 5),
	NUMBER("HALT%", 5),
	NUMBER("EXIT/S", 6),
	{ "TOP EXIT", 12, 17, 21, false },
	NUMBER("USER/S", 6),
	NUMBER("INJ/S", 5),
	NUMBER("FLT/S", 5),
	NUMBER("USER%", 5),
	NUMBER("STEAL%", 6),
	NUMBER("DIRT/S", 6),
	NUMBER("TLB/S", 5),
};

#define ESSENTIAL	8

/* What is in them; a percentage or count is at this offset in the row. */
static const struct content {
	enum kind kind;
	size_t offset;
} contents[] = {
	{ VCPU_ID, 0 },
	{ VCPU_STATE, 0 },
	{ VCPU_CPU, 0 },
	{ VCPU_PERCENT, ROW(guest) },
	{ VCPU_PERCENT, ROW(host) },
	{ VCPU_PERCENT, ROW(halt) },
	{ VCPU_COUNT, ROW(exits) },
	{ VCPU_REASON, 0 },
	{ VCPU_COUNT, ROW(user_exits) },
	{ VCPU_COUNT, ROW(injected) },
	{ VCPU_COUNT, ROW(faults) },
	{ VCPU_PERCENT, ROW(user) },
	{ VCPU_PERCENT, ROW(steal) },
	{ VCPU_COUNT, ROW(dirty) },
	{ VCPU_COUNT, ROW(flushes) },
};

static void write_cell(const struct ui *ui, const struct content *c, const struct tel_vcpu_row *r, char *s,
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
	const struct columns_layout *l = &ui->layout;
	char s[TEL_WORD];
	size_t i;

	if (selected)
		screen_fill(y, role);
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (l->x[i] < 0)
			continue;
		write_cell(ui, &contents[i], r, s, sizeof(s));
		screen_put(y, l->x[i], shapes[i].right ? -l->width[i] : l->width[i], role, "%s", s);
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
	columns_lay_out(shapes, ARRAY_SIZE(shapes), ESSENTIAL, COLS, ui->left[UI_VCPUS], &ui->layout);
	ui->left[UI_VCPUS] = ui->layout.left;
	screen_heading(ui, top + 1, shapes, ARRAY_SIZE(shapes), -1);
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
