// SPDX-License-Identifier: GPL-2.0-only
/*
 * text.c - numbers, sizes and paths as people write them; the word that was probably meant.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmctl.h"

#define WORD_MAX	31

/**
 * text_to_uint() - a decimal number
 * @s: digits only
 * @min: smallest
 * @max: largest
 * @n: filled
 *
 * Return: false if it is none, or out of range.
 */
bool text_to_uint(const char *s, uint64_t min, uint64_t max, uint64_t *n)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*n = strtoull(s, &end, 10);
	return !errno && !*end && *n >= min && *n <= max;
}

/**
 * text_to_size() - a number of bytes with suffix K, M, G or T
 * @s: as in 512M
 * @bytes: filled
 *
 * Return: false if it is none, or more than 1 EiB.
 */
bool text_to_size(const char *s, uint64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	unsigned int shift = 0;
	const char *suffix;
	char digits[24];
	size_t n = strspn(s, "0123456789");

	if (!n || n >= sizeof(digits))
		return false;
	memcpy(digits, s, n);
	digits[n] = 0;
	if (s[n]) {
		suffix = memchr(suffixes, s[n] & ~0x20, strlen(suffixes));
		if (!suffix || s[n + 1])
			return false;
		shift = 10 * (suffix - suffixes + 1);
	}
	if (!text_to_uint(digits, 0, (1ULL << 60) >> shift, bytes))
		return false;
	*bytes <<= shift;
	return true;
}

/**
 * text_from_size() - the shortest exact form of a size
 * @bytes: the size
 * @s: filled; text_to_size() gives the same number back
 * @room: bytes in @s, 24 are enough
 */
void text_from_size(uint64_t bytes, char *s, size_t room)
{
	static const char suffixes[] = "KMGT";
	int i;

	for (i = 3; i >= 0; i--) {
		unsigned int shift = 10 * (i + 1);

		if (bytes && !(bytes & ((1ULL << shift) - 1))) {
			snprintf(s, room, "%" PRIu64 "%c", bytes >> shift, suffixes[i]);
			return;
		}
	}
	snprintf(s, room, "%" PRIu64, bytes);
}

/* Edit distance (Levenshtein), with one row of the table kept. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[WORD_MAX + 1], i, j, diagonal, up;
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= nb; j++)
		row[j] = j;
	for (i = 1; i <= na; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= nb; j++) {
			up = row[j];
			row[j] = diagonal + (a[i - 1] != b[j - 1]);
			if (up + 1 < row[j])
				row[j] = up + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			diagonal = up;
		}
	}
	return row[nb];
}

/**
 * text_nearest() - the word that was probably meant
 * @word: what was typed
 * @words: what there is
 * @n: number of @words
 *
 * Return: one that differs by at most two edits and not in all of its letters, or NULL.
 */
const char *text_nearest(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	unsigned int least = 3, d;
	size_t i;

	for (i = 0; i < n; i++) {
		d = distance(word, words[i]);
		if (d < least && d < strlen(words[i])) {
			least = d;
			best = words[i];
		}
	}
	return best;
}

/**
 * text_absolute() - the path of a file from / on: it is named from where vmctl is now, and used by a VM that starts elsewhere
 * @path: as it was named
 *
 * Return: to be freed; NULL with errno.
 */
char *text_absolute(const char *path)
{
	char *full = NULL, cwd[PATH_MAX];

	if (*path == '/')
		return strdup(path);
	if (!getcwd(cwd, sizeof(cwd)) || asprintf(&full, "%s/%s", cwd, path) < 0)
		return NULL;
	return full;
}

/**
 * text_clean() - nothing of a text is a command to a terminal, or begins another line
 * @s: changed: control characters become question marks, those of C1 as UTF-8 has them, too
 */
void text_clean(char *s)
{
	unsigned char *p;

	for (p = (unsigned char *)s; *p; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}
