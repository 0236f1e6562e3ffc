// SPDX-License-Identifier: GPL-2.0-only
/*
 * forge.c - snapshots as a liar would write them: their checksums are right, so that what is behind these gets to look at them.
 *
 *	forge seal FOLDER [KEY=JSON...]		the record has these members (null: it lacks it) and the sums of the files as they are
 *	forge memory FOLDER GENERATION SHIFT	state, map and RAM of a machine, in chunks of 1 << SHIFT bytes
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "snapshot/info.h"
#include "snapshot/map.h"
#include "snapshot/state.h"

#define RAM (16 << 20)

static char *read_file(const char *name, size_t *n)
{
	int fd = open(name, O_RDONLY | O_NONBLOCK);
	struct stat st;
	char *text;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !(text = calloc(1, st.st_size + 1)) || read(fd, text, st.st_size) != st.st_size)
		err(1, "%s", name);
	close(fd);
	*n = st.st_size;
	return text;
}

static void write_file(const char *name, const void *data, size_t n)
{
	FILE *f = fopen(name, "w");

	if (!data || !f || fwrite(data, 1, n, f) != n || fclose(f))
		err(1, "%s", name);
}

static json_t *sum_of(const char *name)
{
	char sum[17], *text;
	size_t n;

	text = read_file(name, &n);
	if (!text)
		return NULL;
	snprintf(sum, sizeof(sum), "%016llx", (unsigned long long)XXH3_64bits(text, n));
	free(text);
	return json_pack("{s:I, s:s}", "size", (json_int_t)n, "sum", sum);
}

static void set_member(json_t *info, char *word)
{
	char *equals = strchr(word, '=');
	json_t *value;

	if (!equals)
		errx(2, "%s: no KEY=JSON", word);
	*equals = 0;
	value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (!value)
		errx(2, "%s: no JSON", equals + 1);
	if (json_is_null(value))
		json_object_del(info, word);
	else
		json_object_set(info, word, value);
	json_decref(value);
}

static void seal(char **words)
{
	static const char *const names[] = { "config", "state", "map", "boot/kernel", "boot/initrd", "boot/firmware" };
	json_t *info, *files = json_object(), *layer, *sum;
	char *text, *body;
	const char *file;
	size_t i, n;

	text = read_file("info", &n);
	body = text ? memchr(text, '\n', n) : NULL;
	info = body ? json_loads(body + 1, 0, NULL) : NULL;
	if (!info)
		errx(1, "no record");
	for (; *words; words++)
		set_member(info, *words);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sum = sum_of(names[i]);
		if (sum)
			json_object_set_new(files, names[i], sum);
	}
	json_object_set_new(info, "files", files);
	json_array_foreach(json_object_get(info, "layers"), i, layer) {
		file = json_string_value(json_object_get(layer, "file"));
		sum = file && *file != '/' ? sum_of(file) : NULL;
		if (sum)
			json_object_update_new(layer, sum);
	}
	free(text);
	text = snapshot_info_print(info, &n);
	write_file("info", text, n);
}

static void memory(const char *generation, unsigned int shift)
{
	static uint8_t chunk[1 << 20];
	struct state_writer w;
	uint64_t wide[2] = { strlen(generation), shift };
	struct ram_map m;
	char name[80];
	size_t n;
	void *map;
	int fd;

	state_begin(&w, generation);
	state_put(&w, "cpu0", 1, "regs", 8, 2, wide);
	state_put(&w, "cpu0", 1, "number", 4, 1, &shift);
	write_file("state", w.failed ? NULL : w.data, w.n);
	snprintf(name, sizeof(name), "%s.ram", generation);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	memset(chunk, shift, 1 << shift);
	if (fd < 0 || pwrite(fd, chunk, 1 << shift, 0) != 1 << shift || map_file_end(fd, generation, RAM) || close(fd))
		err(1, "%s", name);
	if (map_init(&m, generation, RAM))
		err(1, "map");
	m.shift = shift;
	m.nchunks = RAM >> shift;
	m.chunk[0] = (struct map_chunk){ .file = 0, .sum = map_sum(chunk, 1 << shift) };
	map = map_print(&m, &n);
	write_file("map", map, n);
}

int main(int argc, char **argv)
{
	if (argc < 3 || chdir(argv[2]))
		errx(2, "usage: forge seal FOLDER [KEY=JSON...] | memory FOLDER GENERATION SHIFT");
	if (!strcmp(argv[1], "seal"))
		seal(argv + 3);
	else if (argc == 5 && atoi(argv[4]) >= MAP_CHUNK_MIN && atoi(argv[4]) <= 20)
		memory(argv[3], atoi(argv[4]));
	else
		errx(2, "%s: what?", argv[1]);
	return 0;
}
