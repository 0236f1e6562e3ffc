// SPDX-License-Identifier: GPL-2.0-only
/*
 * iso.c - ISO 9660 with Joliet, for the disk that cloud-init reads: one folder, few files, in memory.
 *
 * Two trees over the same data, the plain one and Joliet's with names in UCS-2. Pure.
 * Source: ECMA-119 "Volume Descriptors", "Directory Records", "Path Table Records"; Joliet Specification
 * "Supplementary Volume Descriptor".
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iso.h"

#define SECTOR		2048u

/* Where things are, in sectors. The first sixteen are for systems that boot from it. */
enum {
	PRIMARY = 16,
	JOLIET,
	TERMINATOR,
	PRIMARY_TABLES,				/* little-endian, then big-endian */
	JOLIET_TABLES = PRIMARY_TABLES + 2,
	PRIMARY_FOLDER = JOLIET_TABLES + 2,
	JOLIET_FOLDER,
	DATA,
};

#define FOLDER		2	/* flag of a directory record */
#define PATH_TABLE_SIZE	10	/* the root's record alone */
#define RECORD		33	/* bytes before a record's name */

static void le16(uint8_t *p, uint16_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static void be16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void le32(uint8_t *p, uint32_t v)
{
	le16(p, v);
	le16(p + 2, v >> 16);
}

static void be32(uint8_t *p, uint32_t v)
{
	be16(p, v >> 16);
	be16(p + 2, v);
}

/* Most numbers stand twice, in either order of bytes. */
static void both16(uint8_t *p, uint16_t v)
{
	le16(p, v);
	be16(p + 2, v);
}

static void both32(uint8_t *p, uint32_t v)
{
	le32(p, v);
	be32(p + 4, v);
}

static void pad(uint8_t *p, const char *text, size_t room)
{
	size_t n = strlen(text);

	memset(p, ' ', room);
	memcpy(p, text, n < room ? n : room);
}

static void pad_ucs2(uint8_t *p, const char *text, size_t room)
{
	size_t i;

	for (i = 0; i + 1 < room; i += 2)
		be16(p + i, *text ? *text++ : ' ');
}

/* A directory record; its length. No date: the image depends on its content alone. */
static size_t put_record(uint8_t *p, uint32_t sector, uint32_t n, uint8_t flags, const void *name,
			 uint8_t name_n)
{
	size_t length = (RECORD + name_n + 1) & ~1u;

	p[0] = length;
	both32(p + 2, sector);
	both32(p + 10, n);
	p[18] = 70;		/* 1970-01-01 */
	p[19] = 1;
	p[20] = 1;
	p[25] = flags;
	both16(p + 28, 1);
	p[32] = name_n;
	memcpy(p + RECORD, name, name_n);
	return length;
}

static void put_descriptor(uint8_t *image, unsigned int at, const char *label, uint32_t sectors)
{
	static const char no_date[] = "0000000000000000";
	uint8_t *p = image + at * SECTOR;
	bool joliet = at == JOLIET;
	unsigned int tables = joliet ? JOLIET_TABLES : PRIMARY_TABLES, i;
	uint32_t folder = joliet ? JOLIET_FOLDER : PRIMARY_FOLDER;

	p[0] = joliet ? 2 : 1;
	memcpy(p + 1, "CD001\1", 6);
	if (joliet) {
		pad_ucs2(p + 8, "", 32);
		pad_ucs2(p + 40, label, 32);
		memcpy(p + 88, "%/E", 3);	/* UCS-2, level 3 */
		pad_ucs2(p + 190, "", 813 - 190);
	} else {
		pad(p + 8, "", 32);
		pad(p + 40, label, 32);
		pad(p + 190, "", 813 - 190);
	}
	both32(p + 80, sectors);
	both16(p + 120, 1);
	both16(p + 124, 1);
	both16(p + 128, SECTOR);
	both32(p + 132, PATH_TABLE_SIZE);
	le32(p + 140, tables);
	be32(p + 148, tables + 1);
	put_record(p + 156, folder, SECTOR, FOLDER, "", 1);
	for (i = 0; i < 4; i++)
		memcpy(p + 813 + 17 * i, no_date, 16);
	p[881] = 1;
}

static void put_tables(uint8_t *image, unsigned int at, uint32_t folder)
{
	uint8_t *l = image + at * SECTOR, *m = l + SECTOR;

	l[0] = m[0] = 1;
	le32(l + 2, folder);
	be32(m + 2, folder);
	le16(l + 6, 1);
	be16(m + 6, 1);
}

static size_t put_file(uint8_t *p, const struct iso_file *f, bool joliet, uint32_t sector)
{
	char name[2 * ISO_NAME];
	size_t n;

	if (joliet) {
		n = 2 * strlen(f->name);
		pad_ucs2((uint8_t *)name, f->name, n);
	} else {
		n = snprintf(name, sizeof(name), "%.8s.;1", f->plain);
	}
	return put_record(p, sector, f->n, 0, name, n);
}

static void put_folder(uint8_t *image, bool joliet, const struct iso_file *files, unsigned int nfiles)
{
	uint32_t at = joliet ? JOLIET_FOLDER : PRIMARY_FOLDER, sector = DATA;
	uint8_t *p = image + at * SECTOR;
	unsigned int i;

	p += put_record(p, at, SECTOR, FOLDER, "\0", 1);
	p += put_record(p, at, SECTOR, FOLDER, "\1", 1);
	for (i = 0; i < nfiles; i++) {
		p += put_file(p, &files[i], joliet, sector);
		sector += (files[i].n + SECTOR - 1) / SECTOR;
	}
}

/**
 * iso_build() - make an image
 * @label: of the volume, up to 16 characters
 * @files: in the order of their names
 * @nfiles: up to ISO_FILES
 * @size: filled with the image's bytes
 *
 * Return: the image, to be freed, or NULL with errno.
 */
uint8_t *iso_build(const char *label, const struct iso_file *files, unsigned int nfiles, size_t *size)
{
	uint32_t sectors = DATA, at = DATA;
	unsigned int i;
	uint8_t *image;

	for (i = 0; i < nfiles; i++)
		sectors += (files[i].n + SECTOR - 1) / SECTOR;
	image = calloc(sectors, SECTOR);
	if (!image)
		return NULL;
	put_descriptor(image, PRIMARY, label, sectors);
	put_descriptor(image, JOLIET, label, sectors);
	image[TERMINATOR * SECTOR] = 255;
	memcpy(image + TERMINATOR * SECTOR + 1, "CD001\1", 6);
	put_tables(image, PRIMARY_TABLES, PRIMARY_FOLDER);
	put_tables(image, JOLIET_TABLES, JOLIET_FOLDER);
	put_folder(image, false, files, nfiles);
	put_folder(image, true, files, nfiles);
	for (i = 0; i < nfiles; i++) {
		if (files[i].n)
			memcpy(image + at * SECTOR, files[i].data, files[i].n);
		at += (files[i].n + SECTOR - 1) / SECTOR;
	}
	*size = (size_t)sectors * SECTOR;
	return image;
}
