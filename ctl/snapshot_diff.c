// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot_diff.c - vmctl snapshot diff: what differs between two snapshots of a VM: pages of memory, fields of the
 * machine's parts, ranges of its disks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "compiler.h"
#include "disk/disk.h"
#include "snapshot.h"

#define PAGE	4096
#define GRAIN	65536	/* bytes of a disk that are compared at once */

static const struct argp argp = {
	.args_doc = "VM ONE OTHER",
	.doc = "Compares two snapshots of a VM: how many pages of memory differ, which registers and other state of its "
	       "CPUs and devices, and how much of each disk.\v"
	       "Examples:\n"
	       "  vmctl snapshot diff web before-upgrade after\n"
	       "  vmctl snapshot diff --format json web before-upgrade after",
};

static const struct output_column columns[] = {
	{ "kind", "KIND", OUTPUT_TEXT },
	{ "what", "WHAT", OUTPUT_TEXT },
	{ "from", "FROM", OUTPUT_TEXT },
	{ "to", "TO", OUTPUT_TEXT },
};

/* A row of the table, to be given the same in numbers for programs; the list owns it. */
static json_t *add_row(json_t *rows, const char *kind, const char *what, const char *from, const char *to)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "kind", kind, "what", what, "from", from, "to", to);

	json_array_append_new(rows, row);
	return row;
}

static void add_number(json_t *row, const char *key, uint64_t n)
{
	json_object_set_new(row, key, json_integer(n));
}

/**
 * struct side - one of the two
 * @s: the snapshot
 * @c: its configuration
 * @ram: its memory
 * @view: the same, mapped
 * @state: the file
 * @n: bytes of it
 */
struct side {
	struct snapshot s;
	struct config c;
	struct snapshot_ram ram;
	uint8_t *view;
	void *state;
	size_t n;
};

static int open_side(struct side *d, const struct vm *vm, const char *name)
{
	d->view = MAP_FAILED;
	config_init(&d->c);
	if (snapshot_open(&d->s, vm, name) || snapshot_config(&d->s, &d->c))
		return -1;
	if (!snapshot_has_memory(&d->s))
		return 0;
	d->state = snapshot_state(&d->s, &d->n);
	if (!d->state || snapshot_ram_open(&d->s, &d->ram))
		return -1;
	d->view = mmap(NULL, d->ram.map.ram, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (d->view == MAP_FAILED || map_apply(&d->ram.map, d->view, d->ram.fd, PROT_READ, MAP_SHARED))
		return snapshot_tell(&d->s, "map", strerror(errno), "free some memory, and see vm.max_map_count");
	return 0;
}

static void close_side(struct side *d)
{
	if (d->view != MAP_FAILED)
		munmap(d->view, d->ram.map.ram);
	snapshot_ram_close(&d->ram);
	free(d->state);
	config_fini(&d->c);
	snapshot_close(&d->s);
}

/* Chunks of the two that have the same place may have another size: what a file holds lies where it lies in RAM. */
static bool same_chunk(const struct ram_map *a, const struct ram_map *b, uint64_t at)
{
	const struct map_chunk *x = &a->chunk[at >> a->shift], *y = &b->chunk[at >> b->shift];

	if (x->file == MAP_ZERO || y->file == MAP_ZERO)
		return x->file == y->file;
	return !strcmp(a->file[x->file], b->file[y->file]);
}

/* Of the same RAM. */
static uint64_t pages_that_differ(const struct side *a, const struct side *b)
{
	const struct ram_map *m = &a->ram.map, *o = &b->ram.map, *fine = m->shift < o->shift ? m : o;
	uint64_t pages = 0, at, end;
	uint32_t i;

	for (i = 0; i < fine->nchunks; i++) {
		at = (uint64_t)i << fine->shift;
		if (same_chunk(m, o, at))
			continue;
		for (end = at + map_chunk_bytes(fine, i); at < end; at += PAGE)
			pages += memcmp(a->view + at, b->view + at, PAGE) != 0;
	}
	return pages;
}

static void diff_ram(const struct side *a, const struct side *b, json_t *rows)
{
	char from[40], to[40], what[80];
	json_t *row;
	uint64_t n;

	if (a->ram.map.ram != b->ram.map.ram) {
		snprintf(from, sizeof(from), "%llu", (unsigned long long)a->ram.map.ram);
		snprintf(to, sizeof(to), "%llu", (unsigned long long)b->ram.map.ram);
		row = add_row(rows, "memory", "size", from, to);
		add_number(row, "from_bytes", a->ram.map.ram);
		add_number(row, "to_bytes", b->ram.map.ram);
		return;
	}
	n = pages_that_differ(a, b);
	if (!n)
		return;
	snprintf(what, sizeof(what), "%llu of %llu pages", (unsigned long long)n,
		 (unsigned long long)(a->ram.map.ram / PAGE));
	row = add_row(rows, "memory", what, "", "");
	add_number(row, "pages", n);
	add_number(row, "of_pages", a->ram.map.ram / PAGE);
}

static bool find_field(const struct side *d, const struct state_field *f, struct state_field *found)
{
	struct state_reader r;

	state_open(&r, d->state, d->n);
	while (state_next(&r, found))
		if (!strcmp(found->part, f->part) && !strcmp(found->name, f->name))
			return true;
	return false;
}

static uint64_t bytes_of(const struct state_field *f)
{
	return (uint64_t)f->size * f->count;
}

static uint64_t field_bytes_that_differ(const struct state_field *f, const struct state_field *g)
{
	uint64_t i, differ = 0;

	for (i = 0; i < bytes_of(f); i++)
		differ += f->data[i] != g->data[i];
	return differ;
}

/* A number as one, of more the bytes that differ. */
static void show_value(const struct state_field *f, uint64_t differ, char *to, size_t room)
{
	uint64_t v = 0;

	if (f->count == 1) {
		memcpy(&v, f->data, f->size);
		snprintf(to, room, "%#llx", (unsigned long long)v);
	} else {
		snprintf(to, room, "%llu of %llu bytes", (unsigned long long)differ, (unsigned long long)bytes_of(f));
	}
}

/* Which field of which part, apart. */
static json_t *add_field(json_t *rows, const struct state_field *f, const char *from, const char *to)
{
	char what[160];
	json_t *row;

	snprintf(what, sizeof(what), "%s: %s", f->part, f->name);
	row = add_row(rows, "state", what, from, to);
	json_object_set_new(row, "part", json_string(f->part));
	json_object_set_new(row, "field", json_string(f->name));
	return row;
}

static void diff_field(const struct state_field *f, const struct state_field *g, json_t *rows)
{
	uint64_t differ = field_bytes_that_differ(f, g);
	char from[60], to[60];
	json_t *row;

	if (!differ)
		return;
	show_value(f, differ, from, sizeof(from));
	show_value(g, differ, to, sizeof(to));
	row = add_field(rows, f, from, f->count == 1 ? to : "");
	add_number(row, "bytes", differ);
	add_number(row, "of_bytes", bytes_of(f));
}

static void diff_state(const struct side *a, const struct side *b, json_t *rows)
{
	struct state_field f, g;
	struct state_reader r;

	state_open(&r, a->state, a->n);
	while (state_next(&r, &f)) {
		if (!find_field(b, &f, &g) || f.size != g.size || f.count != g.count)
			add_field(rows, &f, "there", "not there, or of another size");
		else
			diff_field(&f, &g, rows);
	}
	state_open(&r, b->state, b->n);
	while (state_next(&r, &f))
		if (!find_field(a, &f, &g))
			add_field(rows, &f, "not there", "there");
}

static struct disk *open_disk(const struct side *d, unsigned int i, struct disk_error *e)
{
	const struct config_disk *k = &d->c.disks[i];
	char path[4200];

	if (*k->file == '/')
		snprintf(path, sizeof(path), "%s", k->file);
	else
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", d->s.vm.fd, k->file);
	return disk_open(path, k->format ? disk_format_named(k->format) : disk_format_of_name(k->file), DISK_UNLOCKED, e);
}

static int read_grain(struct disk *d, uint64_t at, uint64_t n, char *to)
{
	struct iovec v = { to, n };

	return disk_preadv(d, &v, 1, at) < 0 ? -1 : 0;
}

/* What both say is zero is not read. */
static int64_t bytes_that_differ(struct disk *a, struct disk *b, uint64_t size)
{
	char *x = malloc(GRAIN), *y = malloc(GRAIN);
	enum disk_extent ka, kb;
	uint64_t at, na, nb, n;
	int64_t differ = 0;

	for (at = 0; x && y && differ >= 0 && at < size; at += n) {
		na = nb = size - at;
		if (disk_extent(a, at, &na, &ka) || disk_extent(b, at, &nb, &kb)) {
			differ = -1;
			break;
		}
		n = na < nb ? na : nb;
		if (ka == DISK_EXTENT_ZERO && kb == DISK_EXTENT_ZERO)
			continue;
		n = n < GRAIN - at % GRAIN ? n : GRAIN - at % GRAIN;
		if (read_grain(a, at, n, x) || read_grain(b, at, n, y))
			differ = -1;
		else if (memcmp(x, y, n))
			differ += n;
	}
	free(x);
	free(y);
	return differ;
}

static int diff_disk(const struct side *a, const struct side *b, unsigned int i, json_t *rows)
{
	struct disk_error e;
	struct disk *x = open_disk(a, i, &e), *y = x ? open_disk(b, i, &e) : NULL;
	char what[40], size[32], from[80];
	int64_t differ = -1;
	json_t *row;

	if (!y) {
		vmctl_error(e.object, e.what, e.remedy);
	} else if (disk_size(x) != disk_size(y)) {
		differ = disk_size(x) > disk_size(y) ? disk_size(x) - disk_size(y) : disk_size(y) - disk_size(x);
	} else {
		differ = bytes_that_differ(x, y, disk_size(x));
		if (differ < 0)
			vmctl_error(a->c.disks[i].file, "cannot be read", "see `vmctl snapshot verify`");
	}
	if (differ > 0) {
		snprintf(what, sizeof(what), "disk %u", i);
		text_from_size(differ, size, sizeof(size));
		snprintf(from, sizeof(from), "%s in pieces that differ", size);
		row = add_row(rows, "disk", what, from, "");
		add_number(row, "disk", i);
		add_number(row, "bytes", differ);
	}
	if (y)
		disk_close(y);
	if (x)
		disk_close(x);
	return differ < 0 ? -1 : 0;
}

static int diff(const struct side *a, const struct side *b, json_t *rows)
{
	unsigned int i;
	json_t *row;

	if (a->state && b->state) {
		diff_ram(a, b, rows);
		diff_state(a, b, rows);
	} else if (a->state || b->state) {
		add_row(rows, "memory", "memory and state", a->state ? "there" : "not there", b->state ? "there" : "not there");
	}
	if (a->c.ndisks != b->c.ndisks) {
		row = add_row(rows, "disk", "another number of disks", "", "");
		add_number(row, "from_disks", a->c.ndisks);
		add_number(row, "to_disks", b->c.ndisks);
	}
	for (i = 0; i < a->c.ndisks && i < b->c.ndisks; i++)
		if (diff_disk(a, b, i, rows))
			return -1;
	return 0;
}

static int work(struct vm *vm, const struct vmctl_args *a)
{
	struct side one = { 0 }, other = { .s.vm = { .fd = -1, .lock = -1 }, .view = MAP_FAILED };
	json_t *rows = json_array();
	int status = VMCTL_FAILED;

	config_init(&other.c);
	if (!open_side(&one, vm, a->names[1]) && !open_side(&other, vm, a->names[2]) && !diff(&one, &other, rows))
		status = output_rows(a->format, columns, ARRAY_SIZE(columns), json_incref(rows));
	json_decref(rows);
	close_side(&one);
	close_side(&other);
	return status;
}

int snapshot_diff(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .reads = true, .min = 3, .max = 3 };

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return snapshot_with(&a, false, work);
}
