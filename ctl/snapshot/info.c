// SPDX-License-Identifier: GPL-2.0-only
/*
 * info.c - the file `info` of a snapshot, as text: see docs/snapshot-format.md. Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "info.h"
#include "map.h"

#define MAGIC		"vitrine-snapshot"
#define KIND_DISKS	"disks"

/**
 * snapshot_generation_ok() - is it a generation?
 * @g: text, or NULL
 *
 * Return: whether.
 */
bool snapshot_generation_ok(const char *g)
{
	return g && strlen(g) == 36 && strspn(g, "0123456789abcdef-") == 36;
}

/**
 * snapshot_info_has_memory() - is it of a machine that ran, with memory and state?
 * @info: the record
 *
 * Return: false if it is of disks alone.
 */
bool snapshot_info_has_memory(const json_t *info)
{
	return !json_object_get(info, "kind");
}

/**
 * snapshot_info_of_disks() - the record is one of disks alone
 * @info: the record
 */
void snapshot_info_of_disks(json_t *info)
{
	json_object_set_new(info, "kind", json_string(KIND_DISKS));
}

static bool has_boot_files(const json_t *info)
{
	const char *name;
	json_t *file;

	json_object_foreach(json_object_get(info, "files"), name, file)
		if (!strncmp(name, "boot/", 5))
			return true;
	return false;
}

/* What is there, and what else there may not be, follows from the version. */
static bool kind_ok(const json_t *info, int version)
{
	const json_t *files = json_object_get(info, "files");
	const char *kind = json_string_value(json_object_get(info, "kind"));
	bool state = json_object_get(files, "state"), map = json_object_get(files, "map");

	if (has_boot_files(info) != (version == SNAPSHOT_BOOT))
		return false;
	if (snapshot_info_has_memory(info))
		return version != SNAPSHOT_DISKS && state && map;
	return version != SNAPSHOT_FULL && kind && !strcmp(kind, KIND_DISKS) && !state && !map;
}

/* What is there is a number from 0 to the largest that means something. */
static bool numbers_ok(const json_t *info)
{
	static const struct {
		const char *key;
		json_int_t max;
	} numbers[] = {
		{ "created", 253402300799 },	/* the year 9999 */
		{ "memory", MAP_RAM_MAX }, { "written", MAP_RAM_MAX }, { "pause_us", INT64_MAX },
	};
	const json_t *n;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		n = json_object_get(info, numbers[i].key);
		if (n && (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) > numbers[i].max))
			return false;
	}
	return true;
}

static bool texts_ok(const json_t *info)
{
	static const char *const texts[] = { "vm", "uuid", "message", "cpu", "name" };
	const json_t *text;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		text = json_object_get(info, texts[i]);
		if (text && !json_is_string(text))
			return false;
	}
	return true;
}

static bool parts_ok(json_t *info)
{
	const char *name;
	json_t *part;
	size_t i;

	json_object_foreach(json_object_get(info, "files"), name, part)
		if (!json_is_object(part))
			return false;
	json_array_foreach(json_object_get(info, "layers"), i, part)
		if (!json_is_object(part))
			return false;
	return true;
}

static const char *check(json_t *info, int version)
{
	const json_t *ancestors = json_object_get(info, "ancestors"), *item;
	size_t i;

	if (!snapshot_generation_ok(json_string_value(json_object_get(info, "generation"))) || !json_is_array(ancestors) ||
	    !json_is_object(json_object_get(info, "files")) || !json_is_array(json_object_get(info, "layers")) ||
	    !json_is_integer(json_object_get(info, "created")) || !numbers_ok(info) || !texts_ok(info) || !parts_ok(info) ||
	    !kind_ok(info, version))
		return "contradicts itself";
	json_array_foreach(ancestors, i, item)
		if (!snapshot_generation_ok(json_string_value(item)))
			return "contradicts itself";
	return NULL;
}

/**
 * snapshot_info_parse() - read the file
 * @text: the file
 * @n: bytes
 * @info: filled with its object
 * @wrong: filled with what is wrong with it
 *
 * Return: 0 or -1.
 */
int snapshot_info_parse(const char *text, size_t n, json_t **info, const char **wrong)
{
	const char *newline = memchr(text, '\n', n);
	char line[80] = "", end;
	unsigned long long sum;
	int version;

	*info = NULL;
	if (newline && newline - text < (ptrdiff_t)sizeof(line))
		memcpy(line, text, newline - text);
	*wrong = "is not the record of a snapshot";
	if (sscanf(line, MAGIC " %d %16llx%c", &version, &sum, &end) != 2)
		return -1;
	*wrong = version > SNAPSHOT_NEWEST ? "was written by a newer vmctl" : "has a version that never was";
	if (version < SNAPSHOT_FULL || version > SNAPSHOT_NEWEST)
		return -1;
	n -= newline + 1 - text;
	*wrong = "is damaged";
	if (XXH3_64bits(newline + 1, n) != sum)
		return -1;
	*info = json_loadb(newline + 1, n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(*info)) {
		*wrong = check(*info, version);
		if (!*wrong)
			return 0;
	}
	json_decref(*info);
	*info = NULL;
	return -1;
}

/**
 * snapshot_info_print() - the file
 * @info: the record
 * @n: filled with its bytes
 *
 * Return: its text, to be freed, or NULL with errno.
 */
char *snapshot_info_print(const json_t *info, size_t *n)
{
	int version = has_boot_files(info) ? SNAPSHOT_BOOT : snapshot_info_has_memory(info) ? SNAPSHOT_FULL : SNAPSHOT_DISKS, length;
	char *body = json_dumps(info, JSON_INDENT(1) | JSON_SORT_KEYS), *text;

	if (!body)
		return NULL;
	length = asprintf(&text, MAGIC " %d %016llx\n%s", version, (unsigned long long)XXH3_64bits(body, strlen(body)), body);
	free(body);
	*n = length;
	return length < 0 ? NULL : text;
}
