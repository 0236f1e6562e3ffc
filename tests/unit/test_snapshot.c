// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_snapshot.c - the files of a snapshot: what is written is read, and nothing else is; RAM against a model, through
 * generations.
 */
/* sources: ctl/disk/io.c ctl/snapshot/state.c ctl/snapshot/map.c ctl/snapshot/ram.c ctl/snapshot/info.c */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/info.h"
#include "snapshot/ram.h"
#include "snapshot/state.h"

#define GEN(n)	"0000000" #n "-0000-4000-8000-000000000000"
#define RAM	(4 << 20)
#define PAGE	4096

static struct state_writer w;

static void write_state(void)
{
	static const uint64_t wide[3] = { 1, 2, 3 };
	static const uint8_t byte = 7;

	state_begin(&w, GEN(1));
	state_put(&w, "serial", 2, "ier", 1, 1, &byte);
	state_put(&w, "cpu0", 1, "wide", 8, 3, wide);
	state_put(&w, "cpu0", 1, "none", 4, 0, NULL);
	ck_assert(!w.failed);
}

START_TEST(state_comes_back)
{
	struct state_reader r;
	struct state_field f;
	uint64_t v;

	write_state();
	ck_assert_ptr_null(state_open(&r, w.data, w.n));
	ck_assert_str_eq(r.generation, GEN(1));
	ck_assert(state_next(&r, &f));
	ck_assert_str_eq(f.part, "serial");
	ck_assert_str_eq(f.name, "ier");
	ck_assert_uint_eq(f.version, 2);
	ck_assert_uint_eq(f.data[0], 7);
	ck_assert(state_next(&r, &f));
	ck_assert_uint_eq(f.count, 3);
	memcpy(&v, f.data + 16, 8);
	ck_assert_uint_eq(v, 3);
	ck_assert(state_next(&r, &f));
	ck_assert_uint_eq(f.count, 0);
	ck_assert(!state_next(&r, &f));
	free(w.data);
}
END_TEST

START_TEST(state_cut_short)
{
	struct state_reader r;
	struct state_field f;
	unsigned int whole = 0;
	size_t n;

	write_state();
	for (n = 0; n < w.n; n++) {
		/* A copy, so that a byte behind it is found. */
		uint8_t *part = malloc(n + !n);

		memcpy(part, w.data, n);
		if (!state_open(&r, part, n))
			for (whole++; state_next(&r, &f);)
				;
		free(part);
	}
	/* Only where a field ends can it end: behind the header, and behind two of the three. */
	ck_assert_uint_eq(whole, 3);
	free(w.data);
}
END_TEST

START_TEST(state_damaged)
{
	struct state_reader r;
	struct state_field f;
	unsigned int i;
	size_t at;

	srand(_i);
	for (i = 0; i < 2000; i++) {
		write_state();
		at = rand() % w.n;
		w.data[at] ^= 1 << rand() % 8;
		if (!state_open(&r, w.data, w.n))
			while (state_next(&r, &f))
				ck_assert_uint_le((uint64_t)f.size * f.count, w.n);
		free(w.data);
	}
}
END_TEST

START_TEST(state_of_others)
{
	struct state_reader r;
	uint8_t huge[] = { 1, 'p', 1, 0, 0, 0, 1, 'f', 8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

	write_state();
	w.data[8] = 2;
	ck_assert_str_eq(state_open(&r, w.data, w.n), "was written by a newer vmctl");
	w.data[8] = 1;
	w.data[0] = 'X';
	ck_assert_ptr_nonnull(state_open(&r, w.data, w.n));
	w.data[0] = 'V';
	memcpy(w.data + 56, huge, sizeof(huge));
	ck_assert_ptr_nonnull(state_open(&r, w.data, 56 + sizeof(huge)));
	free(w.data);
}
END_TEST

static json_t *make_info(bool memory)
{
	json_t *info = json_pack("{s:s, s:[s], s:i, s:{s:{}}, s:[]}", "generation", GEN(1), "ancestors", GEN(2), "created", 7,
				 "files", "config", "layers");

	if (!memory)
		snapshot_info_of_disks(info);
	else
		json_object_update_new(json_object_get(info, "files"), json_pack("{s:{}, s:{}}", "state", "map"));
	return info;
}

/* What the reader says of a record, and whether it has memory if that is nothing. */
static const char *read_back(const json_t *info, bool *memory)
{
	const char *wrong = NULL;
	json_t *is = NULL;
	size_t n;
	char *text = snapshot_info_print(info, &n);

	if (!snapshot_info_parse(text, n, &is, &wrong)) {
		*memory = snapshot_info_has_memory(is);
		ck_assert(json_equal(is, info));
	}
	json_decref(is);
	free(text);
	return wrong;
}

START_TEST(info_comes_back)
{
	bool memory;
	json_t *info;
	size_t n;
	char *text;

	info = make_info(true);
	ck_assert_ptr_null(read_back(info, &memory));
	ck_assert(memory);
	/* An older vmctl knows this one. */
	text = snapshot_info_print(info, &n);
	ck_assert(!strncmp(text, "vitrine-snapshot 1 ", 19));
	free(text);
	json_decref(info);
	info = make_info(false);
	ck_assert_ptr_null(read_back(info, &memory));
	ck_assert(!memory);
	text = snapshot_info_print(info, &n);
	ck_assert(!strncmp(text, "vitrine-snapshot 2 ", 19));
	free(text);
	json_decref(info);
}
END_TEST

START_TEST(info_with_boot_files)
{
	static const char *const names[] = { "boot/kernel", "boot/initrd", "boot/firmware" };
	const char *wrong = NULL;
	json_t *info, *is;
	unsigned int i;
	bool memory;
	char *text;
	size_t n;

	for (i = 0; i < 6; i++) {
		info = make_info(i & 1);
		json_object_set_new(json_object_get(info, "files"), names[i / 2], json_object());
		ck_assert_ptr_null(read_back(info, &memory));
		ck_assert(memory == (i & 1));
		text = snapshot_info_print(info, &n);
		ck_assert_int_eq(text[17], '3');
		/* The checksum is of what follows: only the version lies. */
		text[17] = i & 1 ? '1' : '2';
		ck_assert(snapshot_info_parse(text, n, &is, &wrong));
		ck_assert_str_eq(wrong, "contradicts itself");
		free(text);
		json_object_del(json_object_get(info, "files"), names[i / 2]);
		text = snapshot_info_print(info, &n);
		text[17] = '3';
		ck_assert(snapshot_info_parse(text, n, &is, &wrong));
		ck_assert_str_eq(wrong, "contradicts itself");
		free(text);
		json_decref(info);
	}
}
END_TEST

START_TEST(info_that_contradicts_itself)
{
	static const struct {
		bool memory;
		const char *file, *key, *value;	/* of the record where no file is named */
	} rows[] = {
		{ true, "state", NULL, NULL }, { true, "map", NULL, NULL }, { true, NULL, "kind", "disks" },
		{ true, NULL, "kind", "memory" }, { true, NULL, "generation", "../x" }, { true, NULL, "created", "now" },
		{ false, NULL, "kind", "memory" }, { false, NULL, "layers", "all" }, { true, NULL, "pause_us", "1" },
		{ false, NULL, "memory", "1" }, { true, NULL, "written", "1" },
	};
	json_t *info = make_info(rows[_i].memory);
	bool memory;

	if (rows[_i].file)
		json_object_del(json_object_get(info, "files"), rows[_i].file);
	else
		json_object_set_new(info, rows[_i].key, json_string(rows[_i].value));
	ck_assert_str_eq(read_back(info, &memory), "contradicts itself");
	json_decref(info);
}
END_TEST

START_TEST(info_out_of_range)
{
	static const struct {
		const char *key;
		json_int_t fine, wrong;
	} rows[] = {
		{ "created", 0, -1 }, { "created", 253402300799, 253402300800 }, { "created", 1, INT64_MAX },
		{ "memory", 0, -1 }, { "memory", MAP_RAM_MAX, MAP_RAM_MAX + 1 }, { "written", MAP_RAM_MAX, INT64_MIN },
		{ "pause_us", INT64_MAX, -1 },
	};
	json_t *info = make_info(true);
	bool memory;

	json_object_set_new(info, rows[_i].key, json_integer(rows[_i].fine));
	ck_assert_ptr_null(read_back(info, &memory));
	json_object_set_new(info, rows[_i].key, json_integer(rows[_i].wrong));
	ck_assert_str_eq(read_back(info, &memory), "contradicts itself");
	json_object_set_new(info, rows[_i].key, json_real(1));
	ck_assert_str_eq(read_back(info, &memory), "contradicts itself");
	json_decref(info);
}
END_TEST

START_TEST(info_of_others)
{
	static const struct {
		const char *text, *wrong;
	} rows[] = {
		{ "", "is not the record of a snapshot" },
		{ "vitrine-snapshot 1", "is not the record of a snapshot" },
		{ "vitrine-snapshot 4 0\n{}", "was written by a newer vmctl" },
		{ "vitrine-snapshot 0 0\n{}", "has a version that never was" },
		{ "vitrine-snapshot -1 0\n{}", "has a version that never was" },
		{ "vitrine-snapshot 2 0\n{}", "is damaged" },
	};
	const char *wrong;
	json_t *info;

	ck_assert(snapshot_info_parse(rows[_i].text, strlen(rows[_i].text), &info, &wrong));
	ck_assert_str_eq(wrong, rows[_i].wrong);
}
END_TEST

START_TEST(map_comes_back)
{
	struct ram_map m, got;
	size_t n;
	void *data;

	ck_assert_int_eq(map_init(&m, GEN(1), RAM + PAGE), 0);
	ck_assert_uint_eq(m.nchunks, 65);
	ck_assert_uint_eq(map_chunk_bytes(&m, 64), PAGE);
	m.chunk[3] = (struct map_chunk){ .file = 0, .sum = 99 };
	data = map_print(&m, &n);
	ck_assert_ptr_null(map_parse(&got, data, n));
	ck_assert_uint_eq(got.nchunks, 65);
	ck_assert_uint_eq(got.chunk[3].sum, 99);
	ck_assert_uint_eq(got.chunk[4].file, MAP_ZERO);
	map_fini(&got);
	map_fini(&m);
}
END_TEST

START_TEST(map_of_much)
{
	struct ram_map m;

	ck_assert_int_eq(map_init(&m, GEN(1), 64ULL << 30), 0);
	ck_assert_uint_le(m.nchunks, MAP_CHUNKS + 1);
	map_fini(&m);
}
END_TEST

/* Every bit counts, and every length. */
START_TEST(map_damaged)
{
	struct ram_map m, got;
	uint8_t *data, *part;
	size_t n, i;

	ck_assert_int_eq(map_init(&m, GEN(1), 8 * 65536), 0);
	data = map_print(&m, &n);
	for (i = 0; i < n * 8; i++) {
		part = malloc(n);
		memcpy(part, data, n);
		part[i / 8] ^= 1 << i % 8;
		ck_assert_ptr_nonnull(map_parse(&got, part, n));
		map_fini(&got);
	}
	for (i = 0; i < n; i++) {
		part = malloc(i + !i);
		memcpy(part, data, i);
		ck_assert_ptr_nonnull(map_parse(&got, part, i));
		map_fini(&got);
	}
	map_fini(&m);
	free(data);
}
END_TEST

/* The checksum keeps errors out, not liars: one who makes it right must not get far either. */
START_TEST(map_that_lies)
{
	struct ram_map m, got;
	size_t n;
	void *data;

	ck_assert_int_eq(map_init(&m, GEN(1), 8 * 65536), 0);
	m.chunk[0].file = 1;
	data = map_print(&m, &n);
	ck_assert_str_eq(map_parse(&got, data, n), "contradicts itself");
	map_fini(&got);
	m.chunk[0].file = 0;
	m.nfiles = 2;
	strcpy(m.file[1], "../../etc/passwd");
	data = map_print(&m, &n);
	ck_assert_str_eq(map_parse(&got, data, n), "contradicts itself");
	map_fini(&got);
	map_fini(&m);
}
END_TEST

static int new_file(void)
{
	char path[] = "/tmp/test_snapshot.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	return fd;
}

static uint8_t *new_view(size_t n)
{
	uint8_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

static void scribble(uint8_t *ram, unsigned int pages)
{
	while (pages--) {
		uint8_t *p = ram + rand() % (RAM / PAGE) * PAGE;

		memset(p, rand() % 4 ? rand() : 0, PAGE);
	}
}

/* Generations of snapshots, each compared with what RAM was. */
START_TEST(ram_through_generations)
{
	static const char *const gen[] = { GEN(1), GEN(2), GEN(3), GEN(4), GEN(5), GEN(6) };
	uint8_t *ram = new_view(RAM), *view = NULL, *old = NULL;
	struct ram_map m[6];
	int fd[6], order[MAP_FILES];
	unsigned int g, i, k;

	srand(_i);
	for (g = 0; g < 6; g++) {
		struct ram_writer wr = { .ram = ram, .map = &m[g] };

		scribble(ram, g ? 20 : 500);
		wr.fd = fd[g] = new_file();
		ck_assert_int_eq(map_init(&m[g], gen[g], RAM), 0);
		if (g) {
			ck_assert(ram_parent_fits(&m[g], &m[g - 1]));
			wr.parent = &m[g - 1];
			wr.view = old;
		}
		ck_assert_int_eq(ram_write(&wr), 0);
		for (i = 0; i < m[g].nfiles; i++)
			for (k = 0; k < 6; k++)
				if (!strcmp(m[g].file[i], gen[k])) {
					order[i] = fd[k];
					ck_assert_ptr_null(map_file_check(fd[k], gen[k], RAM));
				}
		view = new_view(RAM);
		ck_assert_int_eq(map_apply(&m[g], view, order, PROT_READ, MAP_PRIVATE), 0);
		ck_assert_int_eq(memcmp(view, ram, RAM), 0);
		for (i = 0; i < m[g].nchunks; i++)
			if (m[g].chunk[i].file != MAP_ZERO)
				ck_assert_uint_eq(m[g].chunk[i].sum,
						  map_sum(view + ((uint64_t)i << 16), map_chunk_bytes(&m[g], i)));
		if (old)
			munmap(old, RAM);
		old = view;
	}
	ck_assert_ptr_nonnull(map_file_check(fd[0], gen[1], RAM));
	ck_assert_ptr_nonnull(map_file_check(fd[0], gen[0], RAM + PAGE));
	ck_assert_int_eq(ftruncate(fd[0], RAM + 10), 0);
	ck_assert_ptr_nonnull(map_file_check(fd[0], gen[0], RAM));
	for (g = 0; g < 6; g++) {
		map_fini(&m[g]);
		close(fd[g]);
	}
	munmap(old, RAM);
	munmap(ram, RAM);
}
END_TEST

/* Chunks of RAM that are not zero, as numbers, and what the map says of all: the file, or '.' for zeroes. */
static void map_is(const uint8_t *ram, struct ram_map *m, const char *gen, const struct ram_map *parent, const uint8_t *view,
		   const char *files)
{
	struct ram_writer wr = { .ram = ram, .map = m, .parent = parent, .view = view, .fd = new_file() };
	char is[20] = "";
	uint32_t i;

	ck_assert_int_eq(map_init(m, gen, 16 << 16), 0);
	ck_assert_int_eq(ram_write(&wr), 0);
	for (i = 0; i < m->nchunks; i++) {
		is[i] = m->chunk[i].file == MAP_ZERO ? '.' : '0' + m->chunk[i].file;
		if (m->chunk[i].file != MAP_ZERO)
			ck_assert_uint_eq(m->chunk[i].sum, map_sum(ram + ((uint64_t)i << 16), 1 << 16));
	}
	ck_assert_str_eq(is, files);
	close(wr.fd);
}

START_TEST(ram_in_few_pieces)
{
	uint8_t *ram = new_view(16 << 16), *old = new_view(16 << 16);
	struct ram_map a, b;

	ram[0 << 16] = ram[5 << 16] = ram[11 << 16] = ram[13 << 16] = 1;
	map_is(ram, &a, GEN(1), NULL, NULL, "000000.....000..");
	/* Nothing has changed: the same pieces. */
	memcpy(old, ram, 16 << 16);
	map_is(ram, &b, GEN(2), &a, old, "111111.....111..");
	map_fini(&b);
	/* Zeroes keep no file that holds nothing else, and a gap between two files is none of either. */
	ram[0 << 16] = ram[5 << 16] = 2;
	map_is(ram, &b, GEN(2), &a, old, "000000.....111..");
	map_fini(&b);
	ram[11 << 16] = ram[13 << 16] = 0;
	map_is(ram, &b, GEN(2), &a, old, "000000..........");
	ck_assert_uint_eq(b.nfiles, 1);
	map_fini(&b);
	ram[15 << 16] = 1;
	ram[5 << 16] = 1;
	map_is(ram, &b, GEN(2), &a, old, "0....1.........0");
	map_fini(&b);
	map_fini(&a);
	munmap(ram, 16 << 16);
	munmap(old, 16 << 16);
}
END_TEST

static bool stop_at(void *opaque, uint64_t done)
{
	return done < *(uint64_t *)opaque;
}

START_TEST(ram_cancelled)
{
	uint8_t *ram = new_view(64 << 20);
	uint64_t limit = 32 << 20;
	struct ram_map m;
	struct ram_writer wr = { .ram = ram, .map = &m, .progress = stop_at, .opaque = &limit };

	memset(ram, 1, 64 << 20);
	wr.fd = new_file();
	ck_assert_int_eq(map_init(&m, GEN(1), 64 << 20), 0);
	ck_assert_int_eq(ram_write(&wr), -1);
	ck_assert_ptr_nonnull(map_file_check(wr.fd, GEN(1), 64 << 20));
	map_fini(&m);
	close(wr.fd);
	munmap(ram, 64 << 20);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("snapshot");
	TCase *c = tcase_create("files");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_test(c, state_comes_back);
	tcase_add_test(c, state_cut_short);
	tcase_add_loop_test(c, state_damaged, 0, 5);
	tcase_add_test(c, state_of_others);
	tcase_add_test(c, info_comes_back);
	tcase_add_test(c, info_with_boot_files);
	tcase_add_loop_test(c, info_out_of_range, 0, 7);
	tcase_add_loop_test(c, info_that_contradicts_itself, 0, 11);
	tcase_add_loop_test(c, info_of_others, 0, 6);
	tcase_add_test(c, map_comes_back);
	tcase_add_test(c, map_of_much);
	tcase_add_test(c, map_damaged);
	tcase_add_test(c, map_that_lies);
	tcase_add_loop_test(c, ram_through_generations, 0, 10);
	tcase_add_test(c, ram_in_few_pieces);
	tcase_add_test(c, ram_cancelled);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
