// SPDX-License-Identifier: GPL-2.0-only
/*
 * reseal.c - a snapshot as another host, or another vmctl, would have written it, with right sums:
 *
 *	reseal FOLDER vendor NAME	of a CPU of that vendor, of 12 letters
 *	reseal FOLDER feature		of a guest whose CPU can do SMX, which no hypervisor shows
 *	reseal FOLDER version PART	with that part's fields of the next version
 *
 * Formats: docs/snapshot-format.md.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ROOM		(1 << 20)
#define STATE_HEADER	56
#define CPUID_ENTRY	40	/* struct kvm_cpuid_entry2: function, index, flags, then EAX to EDX */
#define CPUID_ECX	20
#define SMX		0x40

static uint8_t info[ROOM], state[ROOM];
static size_t ninfo, nstate;

static void die(const char *what)
{
	fprintf(stderr, "reseal: %s\n", what);
	exit(1);
}

static size_t load(const char *path, uint8_t *to)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(to, 1, ROOM, f) : 0;

	if (!n || n == ROOM)
		die("a file cannot be read, or is too large");
	fclose(f);
	return n;
}

/* Other snapshots may have links to the file: it is a new one. */
static void store(const char *path, const uint8_t *from, size_t n)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	if (!f || fwrite(from, 1, n, f) != n || fclose(f))
		die("a file cannot be written");
}

/* Text of the same length, there once. */
static void replace(const char *old, const char *new)
{
	uint8_t *at = memmem(info, ninfo, old, strlen(old));

	if (!at || strlen(old) != strlen(new))
		die("the record has no such text");
	memcpy(at, new, strlen(new));
}

static void set_vendor(const char *vendor)
{
	uint8_t *at = memmem(info, ninfo, "\"cpu\": \"", 8);

	if (!at || strlen(vendor) != 12)
		die("no vendor");
	memcpy(at + 8, vendor, 12);
}

static int is(const uint8_t *name, const char *text)
{
	return name[0] == strlen(text) && !memcmp(name + 1, text, name[0]);
}

/* The next version of all of a part's fields, or the feature in a field of CPUID entries; how many were changed. */
static int change(const char *part, const char *field)
{
	uint8_t *at = state + STATE_HEADER, *whose, *version, *name;
	uint32_t size, count, v, i;
	int changed = 0;

	while (at < state + nstate) {
		whose = at;
		version = at + 1 + at[0];
		name = version + 4;
		at = name + 1 + name[0];
		memcpy(&size, at, 4);
		memcpy(&count, at + 4, 4);
		at += 8;
		if (is(whose, part) && !field) {
			version[0]++;
			changed++;
		} else if (is(whose, part) && is(name, field)) {
			for (i = 0; i + CPUID_ENTRY <= size * count; i += CPUID_ENTRY) {
				memcpy(&v, at + i, 4);
				if (v != 1)
					continue;
				at[i + CPUID_ECX] |= SMX;
				changed++;
			}
		}
		at += (size_t)size * count;
	}
	return changed;
}

static void change_state(const char *part, const char *field)
{
	char old[20], new[20];

	snprintf(old, sizeof(old), "%016llx", (unsigned long long)XXH3_64bits(state, nstate));
	if (!change(part, field))
		die("the state has no such field");
	snprintf(new, sizeof(new), "%016llx", (unsigned long long)XXH3_64bits(state, nstate));
	replace(old, new);
	store("state", state, nstate);
}

static void seal_info(void)
{
	uint8_t *text = memchr(info, '\n', ninfo);
	char sum[20];

	if (!text)
		die("no record");
	snprintf(sum, sizeof(sum), "%016llx", (unsigned long long)XXH3_64bits(text + 1, ninfo - (text + 1 - info)));
	memcpy(text - 16, sum, 16);
}

int main(int argc, char **argv)
{
	if (argc < 3 || chdir(argv[1]))
		die("no such folder");
	ninfo = load("info", info);
	nstate = load("state", state);
	if (!strcmp(argv[2], "vendor") && argc == 4)
		set_vendor(argv[3]);
	else if (!strcmp(argv[2], "feature"))
		change_state("vm", "cpuid");
	else if (!strcmp(argv[2], "version") && argc == 4)
		change_state(argv[3], NULL);
	else
		die("wants vendor NAME, feature or version PART");
	seal_info();
	store("info", info, ninfo);
	return 0;
}
