// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - is a snapshot what its `info` says? The parts that a restore reads before the guest runs are always
 * looked at; RAM and disks, which may be large, only when asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "record.h"
#include "vmctl.h"

#define BUFFER	(1 << 20)
#define REMEDY	"remove the snapshot; the others do not need it"

/* What was read of it is told. */
static bool go_on(struct snapshot_work *w, uint64_t n)
{
	if (!w)
		return true;
	w->done += n;
	return w->progress(w->done, w->all);
}

/**
 * snapshot_sum_file() - size and checksum of a file
 * @folder: where it is
 * @name: of the file
 * @size: filled with its bytes
 * @sum: filled with XXH3, 64 bits, in hexadecimal
 * @w: what this is a part of, or NULL
 *
 * Return: 0, or -1 with errno; ECANCELED if it was to end.
 */
int snapshot_sum_file(int folder, const char *name, uint64_t *size, char sum[17], struct snapshot_work *w)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	XXH3_state_t *state = XXH3_createState();
	void *buffer = malloc(BUFFER);
	bool more = true;
	ssize_t n = -1;

	*size = 0;
	if (fd >= 0 && state && buffer) {
		XXH3_64bits_reset(state);
		while (more && (n = read(fd, buffer, BUFFER)) > 0) {
			XXH3_64bits_update(state, buffer, n);
			*size += n;
			more = go_on(w, n);
		}
		snprintf(sum, 17, "%016llx", (unsigned long long)XXH3_64bits_digest(state));
	}
	if (fd >= 0)
		close(fd);
	XXH3_freeState(state);
	free(buffer);
	if (!more)
		errno = ECANCELED;
	return n ? -1 : 0;
}

/* A small part, checked against `info`; to be freed. */
static void *read_part(const struct snapshot *s, const char *name, size_t max, size_t *n)
{
	const json_t *file = json_object_get(json_object_get(s->info, "files"), name);
	const char *sum = json_string_value(json_object_get(file, "sum"));
	char *data = file_read(s->vm.fd, name, max, n), is[17];

	if (!data) {
		snapshot_tell(s, name, strerror(errno), REMEDY);
		return NULL;
	}
	snprintf(is, sizeof(is), "%016llx", (unsigned long long)XXH3_64bits(data, *n));
	if (sum && json_integer_value(json_object_get(file, "size")) == (json_int_t)*n && !strcmp(sum, is))
		return data;
	snapshot_tell(s, name, "is damaged, or of another snapshot", REMEDY);
	free(data);
	return NULL;
}

/**
 * snapshot_state() - the file `state`
 * @s: the snapshot
 * @n: filled with its bytes
 *
 * Return: the file, which state_open() takes, to be freed; or NULL with the error told.
 */
void *snapshot_state(const struct snapshot *s, size_t *n)
{
	void *data = read_part(s, "state", STATE_MAX, n);
	struct state_reader r;
	const char *wrong;

	if (!data)
		return NULL;
	wrong = state_open(&r, data, *n);
	if (!wrong && strcmp(r.generation, s->generation))
		wrong = "is of another snapshot";
	if (!wrong)
		return data;
	snapshot_tell(s, "state", wrong, REMEDY);
	free(data);
	return NULL;
}

/**
 * snapshot_config() - the configuration of that moment
 * @s: the snapshot
 * @c: filled; to be freed with config_fini(), also after a failure
 *
 * Return: 0, or -1 with the error told.
 */
int snapshot_config(const struct snapshot *s, struct config *c)
{
	struct config_error e = { 0 };
	size_t n;
	char *text = read_part(s, "config", CONFIG_MAX, &n);
	unsigned int i;
	int err;

	config_init(c);
	if (!text)
		return -1;
	err = config_parse(c, text, n, &e);
	free(text);
	if (err)
		return snapshot_tell(s, "config", e.what, REMEDY);
	for (i = 0; i < BOOT_FILES; i++)
		if (boot_inside(c, i) && !json_object_get(json_object_get(s->info, "files"), boot_name(i)))
			return snapshot_tell(s, "config", "names a file that the record has not", REMEDY);
	return 0;
}

/**
 * snapshot_ram_open() - the map, and the files that it names
 * @s: the snapshot
 * @r: filled; to be closed, also after a failure
 *
 * Return: 0, or -1 with the error told.
 */
int snapshot_ram_open(const struct snapshot *s, struct snapshot_ram *r)
{
	const char *wrong;
	char name[GENERATION + 8];
	uint32_t i;
	size_t n;
	void *data = read_part(s, "map", MAP_MAX, &n);

	memset(r, 0, sizeof(*r));
	if (!data)
		return -1;
	wrong = map_parse(&r->map, data, n);
	if (!wrong && strcmp(r->map.generation, s->generation))
		wrong = "is of another snapshot";
	if (wrong) {
		map_fini(&r->map);
		r->map.nfiles = 0;
		return snapshot_tell(s, "map", wrong, REMEDY);
	}
	for (i = 0; i < r->map.nfiles; i++)
		r->fd[i] = -1;
	for (i = 0; i < r->map.nfiles; i++) {
		snprintf(name, sizeof(name), "%s.ram", r->map.file[i]);
		r->fd[i] = openat(s->vm.fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		wrong = r->fd[i] < 0 ? strerror(errno) : map_file_check(r->fd[i], r->map.file[i], r->map.ram);
		if (wrong)
			return snapshot_tell(s, name, wrong, REMEDY);
	}
	return 0;
}

/**
 * snapshot_ram_close() - done with it
 * @r: from snapshot_ram_open()
 */
void snapshot_ram_close(struct snapshot_ram *r)
{
	uint32_t i;

	for (i = 0; i < r->map.nfiles; i++)
		if (r->fd[i] >= 0)
			close(r->fd[i]);
	map_fini(&r->map);
	r->map.nfiles = 0;
}

/* Who ended it knows. */
static int tell_unread(const struct snapshot *s, const char *name)
{
	return errno == ECANCELED ? -1 : snapshot_tell(s, name, strerror(errno), REMEDY);
}

/* Images outside of the folder are known by their size and the time of their last change. */
static int check_layer(const struct snapshot *s, const json_t *layer, struct snapshot_work *w)
{
	const char *file = json_string_value(json_object_get(layer, "file"));
	const char *sum = json_string_value(json_object_get(layer, "sum"));
	json_int_t size = json_integer_value(json_object_get(layer, "size"));
	json_int_t changed = json_integer_value(json_object_get(layer, "changed"));
	uint64_t is_size;
	struct stat st;
	char is[17];

	if (!file || (*file != '/' && !sum))
		return snapshot_tell(s, "info", "contradicts itself", REMEDY);
	if (fstatat(s->vm.fd, file, &st, 0))
		return snapshot_tell(s, file, strerror(errno), "put it back, or remove the snapshot");
	if (st.st_size != size || (*file == '/' && st.st_mtime != changed))
		return snapshot_tell(s, file, "has changed since the snapshot was made", "put it back, or remove the snapshot");
	if (*file == '/' || !w)
		return 0;
	if (snapshot_sum_file(s->vm.fd, file, &is_size, is, w))
		return tell_unread(s, file);
	return strcmp(sum, is) ? snapshot_tell(s, file, "is damaged", REMEDY) : 0;
}

/* A file of those that it boots from. */
static int check_boot_file(const struct snapshot *s, const char *name, struct snapshot_work *w)
{
	const json_t *file = json_object_get(json_object_get(s->info, "files"), name);
	const char *sum = json_string_value(json_object_get(file, "sum"));
	uint64_t size;
	struct stat st;
	char is[17];

	if (!file)
		return 0;
	if (fstatat(s->vm.fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return snapshot_tell(s, name, strerror(errno), REMEDY);
	if (!sum || !S_ISREG(st.st_mode) || st.st_size != json_integer_value(json_object_get(file, "size")))
		return snapshot_tell(s, name, "is damaged, or of another snapshot", REMEDY);
	if (!w)
		return 0;
	if (snapshot_sum_file(s->vm.fd, name, &size, is, w))
		return tell_unread(s, name);
	return strcmp(sum, is) ? snapshot_tell(s, name, "is damaged, or of another snapshot", REMEDY) : 0;
}

static int check_layers(const struct snapshot *s, struct snapshot_work *w)
{
	const json_t *layer;
	size_t i;

	for (i = 0; i < BOOT_FILES; i++)
		if (check_boot_file(s, boot_name(i), w))
			return -1;
	json_array_foreach(json_object_get(s->info, "layers"), i, layer)
		if (check_layer(s, layer, w))
			return -1;
	return 0;
}

/**
 * snapshot_check_layers() - are its disks there, and what it boots from? They are not looked into
 * @s: the snapshot
 *
 * Return: 0, or -1 with the error told.
 */
int snapshot_check_layers(const struct snapshot *s)
{
	return check_layers(s, NULL);
}

static int check_ram(const struct snapshot *s, const struct snapshot_ram *r, struct snapshot_work *w)
{
	const struct ram_map *m = &r->map;
	uint8_t *view = mmap(NULL, m->ram, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char what[80], name[GENERATION + 8];
	int err = 0;
	uint32_t i;

	if (view == MAP_FAILED || map_apply(m, view, r->fd, PROT_READ, MAP_SHARED))
		return snapshot_tell(s, "map", strerror(errno), "free some memory, and see vm.max_map_count");
	for (i = 0; !err && i < m->nchunks; i++) {
		uint64_t at = (uint64_t)i << m->shift;

		if (m->chunk[i].file != MAP_ZERO &&
		    map_sum(view + at, map_chunk_bytes(m, i)) != m->chunk[i].sum) {
			snprintf(what, sizeof(what), "is damaged at %#llx", (unsigned long long)at);
			snprintf(name, sizeof(name), "%s.ram", m->file[m->chunk[i].file]);
			err = snapshot_tell(s, name, what, REMEDY);
		}
		if (!err && !go_on(w, map_chunk_bytes(m, i)))
			err = -1;
	}
	munmap(view, m->ram);
	return err;
}

/* What of it is read to the last byte. */
static uint64_t bytes_of(const struct snapshot *s)
{
	const json_t *layer;
	uint64_t n = snapshot_has_memory(s) ? snapshot_number(s, "memory") : 0;
	size_t i;

	for (i = 0; i < BOOT_FILES; i++)
		n += json_integer_value(json_object_get(json_object_get(json_object_get(s->info, "files"), boot_name(i)), "size"));
	json_array_foreach(json_object_get(s->info, "layers"), i, layer)
		if (json_object_get(layer, "sum"))
			n += json_integer_value(json_object_get(layer, "size"));
	return n;
}

/* @w: for every byte; NULL: RAM and disks are there. */
static int check(const struct snapshot *s, struct snapshot_work *w)
{
	struct snapshot_ram r;
	struct config c;
	size_t n;
	void *state;
	int err;

	err = snapshot_config(s, &c);
	config_fini(&c);
	if (err)
		return -1;
	if (!snapshot_has_memory(s))
		return check_layers(s, w);
	state = snapshot_state(s, &n);
	free(state);
	if (!state || check_layers(s, w))
		return -1;
	err = snapshot_ram_open(s, &r);
	if (!err && w)
		err = check_ram(s, &r, w);
	snapshot_ram_close(&r);
	return err;
}

/**
 * snapshot_check() - is it whole? RAM and disks are there, but not looked into
 * @s: the snapshot
 *
 * Return: 0, or -1 with the error told.
 */
int snapshot_check(const struct snapshot *s)
{
	return check(s, NULL);
}

/**
 * snapshot_check_deep() - is every byte of it as it was written?
 * @s: the snapshot
 * @progress: hears now and then how far it is; false: it ends here
 *
 * Return: 0, or -1 with the error told, if it was not @progress who ended it.
 */
int snapshot_check_deep(const struct snapshot *s, bool (*progress)(uint64_t done, uint64_t all))
{
	struct snapshot_work w = { .progress = progress, .all = bytes_of(s) };

	return check(s, &w);
}
