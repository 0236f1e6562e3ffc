// SPDX-License-Identifier: GPL-2.0-only
/*
 * draw_vms.c - the table of VMs: as many columns as the terminal is wide.
 */
#include <string.h>

#include "telemetry/figures.h"
#include "ui.h"

#define NAME_MIN	12
#define NAME_MAX	32

typedef void cell(const struct ui *ui, const struct tel_row *r, char *s, size_t room);

static void cell_state(const struct ui *ui, const struct tel_row *r, char *s, size_t room)
{
	(void)ui;
	snprintf(s, room, "%s", r->vm->state);
}

static void cell_owner(const struct ui *ui, const struct tel_row *r, char *s, size_t room)
{
	(void)ui;
	snprintf(s, room, "%s", r->vm->owner);
}

static void cell_vcpus(const struct ui *ui, const struct tel_row *r, char *s, size_t room)
{
	(void)ui;
	snprintf(s, room, "%u", r->vm->nvcpus);
}

static void cell_reason(const struct ui *ui, const struct tel_row *r, char *s, size_t room)
{
	snprintf(s, room, "%s", r->reason < 0 ? "-" : ui->new->reasons[r->reason]);
}

static void cell_age(const struct ui *ui, const struct tel_row *r, char *s, size_t room)
{
	(void)ui;
	figure_age(r->age, s, room);
}

#define CELL_PERCENT(name)								\
static void cell_##name(const struct ui *ui, const struct tel_row *r, char *s, size_t room) \
{											\
	(void)ui;									\
	snprintf(s, room, r->name < 999.95 ? "%.1f" : "%.0f", r->name);			\
}

#define CELL_COUNT(name)								\
static void cell_##name(const struct ui *ui, const struct tel_row *r, char *s, size_t room) \
{											\
	(void)ui;									\
	figure_count(r->name, s, room);							\
}

#define CELL_BYTES(name, value)								\
static void cell_##name(const struct ui *ui, const struct tel_row *r, char *s, size_t room) \
{											\
	(void)ui;									\
	figure_bytes(value, s, room);							\
}

CELL_PERCENT(cpu)
CELL_PERCENT(guest)
CELL_PERCENT(host)
CELL_COUNT(exits)
CELL_BYTES(memory, r->vm->memory)
CELL_BYTES(resident, r->vm->resident)
CELL_BYTES(shared, r->vm->shared)
CELL_BYTES(disk_read, r->disk_read)
CELL_BYTES(disk_write, r->disk_write)
CELL_BYTES(net_receive, r->net_receive)
CELL_BYTES(net_send, r->net_send)

/* Width: negative aligns to the right. Rank: those of a lower one get their room first. */
static const struct {
	const char *title;
	int width, rank;
	cell *write;
} columns[TOP_KEYS] = {
	[TOP_BY_NAME] = { "NAME", NAME_MIN, 0, NULL },
	[TOP_BY_STATE] = { "STATE", 8, 1, cell_state },
	[TOP_BY_OWNER] = { "OWNER", 8, 8, cell_owner },
	[TOP_BY_VCPUS] = { "VCPU", -4, 5, cell_vcpus },
	[TOP_BY_CPU] = { "CPU%", -6, 1, cell_cpu },
	[TOP_BY_GUEST] = { "GUEST%", -6, 2, cell_guest },
	[TOP_BY_HOST] = { "HOST%", -6, 2, cell_host },
	[TOP_BY_EXITS] = { "EXIT/S", -6, 2, cell_exits },
	[TOP_BY_REASON] = { "TOP EXIT", 17, 6, cell_reason },
	[TOP_BY_MEMORY] = { "MEM", -5, 3, cell_memory },
	[TOP_BY_RESIDENT] = { "RES", -5, 3, cell_resident },
	[TOP_BY_SHARED] = { "SHR", -5, 4, cell_shared },
	[TOP_BY_DISK_READ] = { "READ/S", -6, 9, cell_disk_read },
	[TOP_BY_DISK_WRITE] = { "WRIT/S", -6, 9, cell_disk_write },
	[TOP_BY_NET_RECEIVE] = { "RECV/S", -6, 10, cell_net_receive },
	[TOP_BY_NET_SEND] = { "SEND/S", -6, 10, cell_net_send },
	[TOP_BY_AGE] = { "AGE", -5, 4, cell_age },
};

/**
 * keys_column_name() - what a key of the sorting is called
 * @key: which
 *
 * Return: its column's title.
 */
const char *keys_column_name(enum top_key key)
{
	return columns[key].title;
}

static int room_of(enum top_key k)
{
	return (columns[k].width < 0 ? -columns[k].width : columns[k].width) + 1;
}

/* Which columns fit, the most wanted first, and how wide that of the names gets. */
static int lay_out(struct ui *ui)
{
	int used = 0, rank, name, x;
	enum top_key k;

	for (k = 0; k < TOP_KEYS; k++)
		ui->column_x[k] = -1;
	for (rank = 0; rank <= 10; rank++) {
		for (k = 0; k < TOP_KEYS; k++) {
			if (columns[k].rank != rank || used + room_of(k) - 1 > COLS)
				continue;
			ui->column_x[k] = 0;
			used += room_of(k);
		}
	}
	name = NAME_MIN + COLS - (used - 1);
	name = name > NAME_MAX ? NAME_MAX : name;
	for (x = 0, k = 0; k < TOP_KEYS; k++) {
		if (ui->column_x[k] < 0)
			continue;
		ui->column_x[k] = x;
		x += k == TOP_BY_NAME ? name + 1 : room_of(k);
	}
	return name;
}

static void draw_heading(const struct ui *ui, int y, int name)
{
	enum top_key k;

	screen_fill(y, ROLE_HEADING);
	for (k = 0; k < TOP_KEYS; k++) {
		if (ui->column_x[k] < 0)
			continue;
		screen_put(y, ui->column_x[k], k == TOP_BY_NAME ? name : columns[k].width,
			   k == ui->key ? ROLE_SORTED : ROLE_HEADING, "%s", columns[k].title);
	}
}

/**
 * draw_role_of() - how a VM's state looks
 * @vm: the VM
 *
 * Return: the role.
 */
enum ui_role draw_role_of(const struct tel_vm *vm)
{
	if (!strcmp(vm->state, "running"))
		return ROLE_LIVE;
	return !strcmp(vm->state, "failed") ? ROLE_FAILED : ROLE_STILL;
}

static void draw_name(const struct tel_row *r, int y, int width, enum ui_role role)
{
	char text[128];
	int depth = r->depth < 10 ? r->depth : 10;

	snprintf(text, sizeof(text), "%*s%s%s", depth > 1 ? 2 * (depth - 1) : 0, "", depth ? "`-" : "",
		 r->vm->name);
	screen_put(y, 0, width, role, "%s", text);
}

static void draw_row(const struct ui *ui, const struct tel_row *r, int y, int name)
{
	bool selected = r->vm->id == ui->selected;
	enum ui_role role;
	enum top_key k;
	char s[64];

	if (selected)
		screen_fill(y, ROLE_SELECTED);
	draw_name(r, y, name, selected ? ROLE_SELECTED : ROLE_TEXT);
	for (k = TOP_BY_NAME + 1; k < TOP_KEYS; k++) {
		if (ui->column_x[k] < 0)
			continue;
		columns[k].write(ui, r, s, sizeof(s));
		role = k == TOP_BY_STATE ? draw_role_of(r->vm) :
		       !strcmp(s, "0") || !strcmp(s, "0.0") ? ROLE_QUIET : ROLE_TEXT;
		screen_put(y, ui->column_x[k], columns[k].width, selected ? ROLE_SELECTED : role, "%s", s);
	}
}

/**
 * draw_vms() - the table of VMs
 * @ui: the screen
 * @top: first line
 * @lines: how many there are
 */
void draw_vms(struct ui *ui, int top, int lines)
{
	int name = lay_out(ui), rows = lines - 1, i;
	const struct tel_row *at = ui_selected(ui);
	int selected = at ? at - ui->rows : 0;

	draw_heading(ui, top, name);
	ui->body = top + 1;
	if (selected < ui->scroll)
		ui->scroll = selected;
	if (selected >= ui->scroll + rows)
		ui->scroll = selected - rows + 1;
	if (ui->scroll < 0)
		ui->scroll = 0;
	for (i = 0; i < rows && ui->scroll + i < (int)ui->nrows; i++)
		draw_row(ui, &ui->rows[ui->scroll + i], ui->body + i, name);
	if (!ui->nrows)
		screen_put(ui->body, 0, 0, ROLE_QUIET, ui->filter[0] ? "No VM matches the filter." :
			   "No VM on this host's module, or none that is this user's.");
}
