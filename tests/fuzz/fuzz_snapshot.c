// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_snapshot.c - the files of a snapshot from anybody: `info`, `state` and `map` that are not what they should be, record and map
 * with a checksum that is right all the same. What the readers take, a machine's parts and a mapping of RAM get.
 *
 * Input: pairs of an offset and a byte. With libFuzzer (-DLIBFUZZER) it is driven by coverage; without, main() damages at
 * random: fuzz_snapshot [rounds [seed]].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "part.h"
#include "save.h"
#include "snapshot/info.h"
#include "vmm.h"

#define GEN	"00000001-0000-4000-8000-000000000000"
#define RAM	(8ULL << 16)
#define MAP_SUM	72	/* where the sum is, see docs/snapshot-format.md */

void vmm_memory_advise(struct vmm *m)
{
	(void)m;
}

void vmm_error(const char *object, const char *what, const char *remedy)
{
	(void)object;
	(void)what;
	(void)remedy;
}

static struct {
	uint8_t bytes[64];
	uint32_t number;
	uint64_t wide[4];
} device;

static const struct vmm_field fields[] = {
	{ "bytes", 0, 1, 64 },
	{ "number", 64, 4, 1 },
	{ "wide", 72, 8, 4 },
};

static struct vmm_part part = { .name = "device", .version = 1, .fields = fields, .nfields = 3, .state = &device };

static void use_state(const uint8_t *data, size_t n)
{
	struct state_reader r;
	char object[160];

	if (!state_open(&r, data, n))
		vmm_parts_fill(&part, &r, object, sizeof(object));
}

static void use_map(const uint8_t *data, size_t n)
{
	static int fd[MAP_FILES];
	struct ram_map m;
	uint32_t i;
	void *base, *copy = malloc(n + !n);

	if (!copy)
		return;
	memcpy(copy, data, n);
	if (!map_parse(&m, copy, n) && m.ram <= RAM) {
		for (i = 0; i < m.nfiles; i++)
			fd[i] = -1;
		base = mmap(NULL, m.ram, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		/* Without files it fails, but not before it has looked at the map. */
		map_apply(&m, base, fd, PROT_READ, MAP_PRIVATE);
		for (i = 0; i < m.nchunks; i++)
			if (map_chunk_bytes(&m, i) > RAM)
				abort();
		munmap(base, m.ram);
	}
	map_fini(&m);
}

static size_t make_state(uint8_t **data)
{
	struct state_writer w;
	uint32_t i;

	state_begin(&w, GEN);
	for (i = 0; i < 3; i++)
		state_put(&w, "device", 1, fields[i].name, fields[i].size, fields[i].count, (char *)&device + fields[i].offset);
	*data = w.data;
	return w.n;
}

static size_t make_map(uint8_t **data)
{
	struct ram_map m;
	size_t n;

	map_init(&m, GEN, RAM);
	m.chunk[1].file = 0;
	*data = map_print(&m, &n);
	map_fini(&m);
	return n;
}

/* Damaged, with the first line that belongs to it or, for one round in two, that of the other version. */
static void use_info(const unsigned char *data, size_t size)
{
	json_t *info = json_pack("{s:s, s:[s], s:i, s:{s:{}}, s:[]}", "generation", GEN, "ancestors", GEN, "created", 7, "files",
				 "config", "layers"), *is;
	char *body, *text = NULL;
	const char *wrong;
	size_t i, n;
	int length;

	if (size & 1)
		snapshot_info_of_disks(info);
	else
		json_object_update_new(json_object_get(info, "files"), json_pack("{s:{}, s:{}}", "state", "map"));
	body = json_dumps(info, JSON_INDENT(1) | JSON_SORT_KEYS);
	n = strlen(body);
	/* Few of many bytes, else it is no JSON any more. */
	for (i = 1; i + 2 < size && i < 7; i += 3)
		body[(data[i] | data[i + 1] << 8) % n] = data[i + 2];
	length = asprintf(&text, "vitrine-snapshot %d %016llx\n%.*s", 1 + (int)(size % 3), (unsigned long long)XXH3_64bits(body, n),
			  (int)n, body);
	if (length > 0 && !snapshot_info_parse(text, length, &is, &wrong)) {
		free(snapshot_info_print(is, &n));
		json_decref(is);
	}
	free(text);
	free(body);
	json_decref(info);
}

/* As a liar would. */
static void make_right(uint8_t *map, size_t n)
{
	uint8_t *all = malloc(n);
	uint64_t sum;

	memcpy(all, map, MAP_SUM);
	memcpy(all + MAP_SUM, map + MAP_SUM + 8, n - MAP_SUM - 8);
	sum = XXH3_64bits(all, n - 8);
	memcpy(map + MAP_SUM, &sum, 8);
	free(all);
}

static int fuzz_one(const unsigned char *data, size_t size)
{
	uint8_t *state, *map;
	size_t ns = make_state(&state), nm = make_map(&map), i, cut = size ? data[0] : 0;

	for (i = 1; i + 2 < size; i += 3) {
		size_t at = data[i] | data[i + 1] << 8;

		state[at % ns] = data[i + 2];
		map[at % nm] = data[i + 2];
	}
	use_info(data, size);
	use_state(state, cut < 128 ? ns : ns * cut / 256);
	make_right(map, nm);
	use_map(map, cut < 128 ? nm : nm * cut / 256);
	free(state);
	free(map);
	return 0;
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	return fuzz_one(data, size);
}
#else
int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000, i;
	unsigned char data[64];
	size_t n, k;

	srand(argc > 2 ? strtoul(argv[2], NULL, 0) : 1);
	for (i = 0; i < rounds; i++) {
		n = 1 + rand() % sizeof(data);
		for (k = 0; k < n; k++)
			data[k] = rand() % 4 ? rand() : 0;
		fuzz_one(data, n);
	}
	printf("%lu rounds\n", rounds);
	return 0;
}
#endif
