// SPDX-License-Identifier: GPL-2.0-only
/*
 * draw_vms.c - the table of VMs.
 */
#include <string.h>

#include "telemetry/figures.h"
#include "ui.h"

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

#define NUMBER(title, width)	{ title, width, width, width + 1, true }

/* Those that tell most come first: the others have to be scrolled to where the terminal is narrow. */
static const struct column_shape shapes[TOP_KEYS] = {
	[TOP_BY_NAME] = { "NAME", 10, 15, 32, false },
	[TOP_BY_STATE] = { "STATE", 7, 7, 8, false },
	[TOP_BY_OWNER] = { "OWNER", 5, 8, 16, false },
	[TOP_BY_VCPUS] = NUMBER("VCPU", 4),
	[TOP_BY_CPU] = NUMBER("CPU%", 5),
	[TOP_BY_EXITS] = NUMBER("EXIT/S", 6),
	[TOP_BY_REASON] = { "TOP EXIT", 12, 17, 21, false },
	[TOP_BY_MEMORY] = NUMBER("MEM", 4),
	[TOP_BY_RESIDENT] = NUMBER("RES", 4),
	[TOP_BY_SHARED] = NUMBER("SHR", 4),
	[TOP_BY_GUEST] = NUMBER("GUEST%", 6),
	[TOP_BY_HOST] = NUMBER("HOST%", 5),
	[TOP_BY_DISK_READ] = NUMBER("READ/S", 6),
	[TOP_BY_DISK_WRITE] = NUMBER("WRIT/S", 6),
	[TOP_BY_NET_RECEIVE] = NUMBER("RECV/S", 6),
	[TOP_BY_NET_SEND] = NUMBER("SEND/S", 6),
	[TOP_BY_AGE] = NUMBER("AGE", 4),
};

#define ESSENTIAL	(TOP_BY_RESIDENT + 1)

static cell *const cells[TOP_KEYS] = {
	[TOP_BY_STATE] = cell_state,
	[TOP_BY_OWNER] = cell_owner,
	[TOP_BY_VCPUS] = cell_vcpus,
	[TOP_BY_CPU] = cell_cpu,
	[TOP_BY_EXITS] = cell_exits,
	[TOP_BY_REASON] = cell_reason,
	[TOP_BY_MEMORY] = cell_memory,
	[TOP_BY_RESIDENT] = cell_resident,
	[TOP_BY_SHARED] = cell_shared,
	[TOP_BY_GUEST] = cell_guest,
	[TOP_BY_HOST] = cell_host,
	[TOP_BY_DISK_READ] = cell_disk_read,
	[TOP_BY_DISK_WRITE] = cell_disk_write,
	[TOP_BY_NET_RECEIVE] = cell_net_receive,
	[TOP_BY_NET_SEND] = cell_net_send,
	[TOP_BY_AGE] = cell_age,
};

/**
 * keys_column_name() - what a key of the sorting is called
 * @key: which
 *
 * Return: its column's title.
 */
const char *keys_column_name(enum top_key key)
{
	return shapes[key].title;
}

static void lay_out(struct ui *ui)
{
	int *left = &ui->left[UI_VMS];

	if (ui->input == UI_SORT)
		*left = columns_reveal(shapes, TOP_KEYS, ESSENTIAL, COLS, *left, ui->key);
	columns_lay_out(shapes, TOP_KEYS, ESSENTIAL, COLS, *left, &ui->layout);
	*left = ui->layout.left;
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

static void draw_row(const struct ui *ui, const struct tel_row *r, int y)
{
	const struct columns_layout *l = &ui->layout;
	bool selected = r->vm->id == ui->selected;
	enum ui_role role;
	enum top_key k;
	char s[64];

	if (selected)
		screen_fill(y, ROLE_SELECTED);
	draw_name(r, y, l->width[TOP_BY_NAME], selected ? ROLE_SELECTED : ROLE_TEXT);
	for (k = TOP_BY_NAME + 1; k < TOP_KEYS; k++) {
		if (l->x[k] < 0)
			continue;
		cells[k](ui, r, s, sizeof(s));
		role = k == TOP_BY_STATE ? draw_role_of(r->vm) :
		       !strcmp(s, "0") || !strcmp(s, "0.0") ? ROLE_QUIET : ROLE_TEXT;
		screen_put(y, l->x[k], shapes[k].right ? -l->width[k] : l->width[k],
			   selected ? ROLE_SELECTED : role, "%s", s);
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
	int rows = lines - 1, i;
	const struct tel_row *at = ui_selected(ui);
	int selected = at ? at - ui->rows : 0;

	lay_out(ui);
	screen_heading(ui, top, shapes, TOP_KEYS, ui->key);
	ui->body = top + 1;
	if (selected < ui->scroll)
		ui->scroll = selected;
	if (selected >= ui->scroll + rows)
		ui->scroll = selected - rows + 1;
	if (ui->scroll < 0)
		ui->scroll = 0;
	for (i = 0; i < rows && ui->scroll + i < (int)ui->nrows; i++)
		draw_row(ui, &ui->rows[ui->scroll + i], ui->body + i);
	if (!ui->nrows)
		screen_put(ui->body, 0, 0, ROLE_QUIET, ui->filter[0] ? "No VM matches the filter." :
			   "No VM on this host's module, or none that is this user's.");
}
