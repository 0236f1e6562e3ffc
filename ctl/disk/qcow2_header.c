// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_header.c - a qcow2 file's header: read and checked, or written. No file is touched here.
 */
#include <string.h>

#include "qcow2.h"

#define EXT_END			0x00000000U
#define EXT_BACKING_FORMAT	0xe2792acaU
#define EXT_BITMAPS		0x23852875U
#define DAMAGED			"restore it from a copy, or see what `qemu-img check` can do"
#define FOREIGN			"copy it with `qemu-img convert -O qcow2`"

static void parse_fields(struct qcow2_header *h, const unsigned char *p)
{
	h->version = get32(p + 4);
	h->backing_at = get64(p + 8);
	h->backing_length = h->backing_at ? get32(p + 16) : 0;
	h->cluster_bits = get32(p + 20);
	h->size = get64(p + 24);
	h->l1_entries = get32(p + 36);
	h->l1 = get64(p + 40);
	h->reftable = get64(p + 48);
	h->reftable_clusters = get32(p + 56);
	h->snapshots = get32(p + 60);
	h->snapshots_at = get64(p + 64);
	h->refcount_order = 4;
	h->header_length = QCOW2_HEADER_V2;
}

static const char *parse_v3(struct qcow2_header *h, const unsigned char *p, size_t n)
{
	if (n < 104)
		return "its header is cut short";
	h->incompatible = get64(p + 72);
	h->autoclear = get64(p + 88);
	h->refcount_order = get32(p + 96);
	h->header_length = get32(p + 100);
	if (h->header_length < 104 || h->header_length > n || h->header_length & 7)
		return "its header's length is wrong";
	if (h->incompatible & QCOW2_COMPRESSION && h->header_length < QCOW2_HEADER_MAX)
		return "its header does not say which compression";
	if (h->header_length >= QCOW2_HEADER_MAX)
		h->compression = p[104];
	if (h->refcount_order > 6)
		return "its refcounts are wider than 64 bits";
	return NULL;
}

static const char *check_features(const struct qcow2_header *h, uint32_t crypt)
{
	if (crypt)
		return "it is encrypted, which is not supported";
	if (h->incompatible & QCOW2_DATA_FILE)
		return "its data are in another file, which is not supported";
	if (h->incompatible & QCOW2_EXTENDED_L2)
		return "it has subclusters (extended L2 entries), which are not supported";
	if (h->incompatible & ~(QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_COMPRESSION))
		return "it has features that this vmctl does not know";
	if (h->compression > QCOW2_ZSTD)
		return "its compression is neither zlib nor zstd";
	return NULL;
}

static bool fits(uint64_t offset, uint64_t bytes, uint64_t file_size)
{
	return offset <= file_size && bytes <= file_size - offset;
}

static const char *check_tables(const struct qcow2_header *h, uint64_t file_size)
{
	uint64_t cluster = 1ULL << h->cluster_bits;
	uint64_t per_l1 = cluster * (cluster / 8), need;

	if (h->size > (uint64_t)INT64_MAX - cluster || h->size & (DISK_BLOCK - 1))
		return "its disk's size is wrong";
	need = h->size / per_l1 + !!(h->size % per_l1);
	if (h->l1_entries < need || h->l1_entries > QCOW2_L1_MAX / 8)
		return "its L1 table's size is wrong";
	if (h->l1 & (cluster - 1) || (h->l1_entries && !h->l1) ||
	    !fits(h->l1, h->l1_entries * 8ULL, file_size))
		return "its L1 table is outside of the file";
	if (!h->reftable_clusters || h->reftable_clusters > QCOW2_REFTABLE_MAX >> h->cluster_bits)
		return "its refcount table's size is wrong";
	if (!h->reftable || h->reftable & (cluster - 1) ||
	    !fits(h->reftable, h->reftable_clusters * cluster, file_size))
		return "its refcount table is outside of the file";
	if (h->snapshots > QCOW2_SNAPSHOTS_MAX ||
	    (h->snapshots && (h->snapshots_at & (cluster - 1) ||
			      !fits(h->snapshots_at, h->snapshots * 40ULL, file_size))))
		return "its table of snapshots is outside of the file";
	return NULL;
}

static const char *parse_extensions(struct qcow2_header *h, const unsigned char *p, size_t n)
{
	uint64_t at = h->header_length, end = 1ULL << h->cluster_bits;
	char name[16];
	uint32_t type, length;

	if (h->backing_at && h->backing_at < end)
		end = h->backing_at;
	if (end > n)
		end = n;
	while (at + 8 <= end) {
		type = get32(p + at);
		length = get32(p + at + 4);
		at += 8;
		if (type == EXT_END)
			return NULL;
		if (length > end - at)
			return "a part of its header is longer than the header";
		if (type == EXT_BACKING_FORMAT && length < sizeof(name)) {
			memcpy(name, p + at, length);
			name[length] = 0;
			h->backing_format = disk_format_named(name);
			if (h->backing_format == DISK_FORMATS)
				return "its backing file has a format that is not supported";
		}
		if (type == EXT_BITMAPS)
			h->bitmaps = true;
		at += (length + 7) & ~7ULL;
	}
	return NULL;
}

/**
 * qcow2_header_parse() - read a header and check it
 * @h: filled
 * @head: the file's beginning: its first cluster, or the whole of a smaller file
 * @n: bytes there
 * @file_size: bytes in the file; every table must be inside
 * @remedy: filled on failure
 *
 * Return: NULL, or what is wrong.
 */
const char *qcow2_header_parse(struct qcow2_header *h, const unsigned char *head, size_t n,
			       uint64_t file_size, const char **remedy)
{
	const char *wrong;

	memset(h, 0, sizeof(*h));
	*remedy = DAMAGED;
	if (n < QCOW2_HEADER_V2 || get32(head) != QCOW2_MAGIC)
		return "it is no qcow2 image";
	parse_fields(h, head);
	*remedy = FOREIGN;
	if (h->version != 2 && h->version != 3)
		return "its version of qcow2 is neither 2 nor 3";
	*remedy = DAMAGED;
	if (h->cluster_bits < 9 || h->cluster_bits > 21)
		return "its cluster size is wrong";
	wrong = h->version == 3 ? parse_v3(h, head, n) : NULL;
	if (wrong)
		return wrong;
	*remedy = FOREIGN;
	wrong = check_features(h, get32(head + 32));
	if (wrong)
		return wrong;
	*remedy = DAMAGED;
	wrong = check_tables(h, file_size);
	if (wrong)
		return wrong;
	if (h->backing_length > 1023 || (h->backing_at && (h->backing_at > n ||
	    h->backing_length > n - h->backing_at || h->backing_at + h->backing_length > 1ULL << h->cluster_bits)))
		return "its backing file's name is outside of the header";
	return parse_extensions(h, head, n);
}

/**
 * qcow2_header_write() - write a header of version 3
 * @h: what it says; backing_at and backing_length are chosen here
 * @head: a cluster of zeros, at least 4096 bytes
 * @backing: name of the backing file, at most 1023 bytes; or NULL
 */
void qcow2_header_write(const struct qcow2_header *h, unsigned char *head, const char *backing)
{
	const char *format = disk_format_name(h->backing_format);
	size_t at = QCOW2_HEADER_MAX, n = strlen(format);

	put32(head, QCOW2_MAGIC);
	put32(head + 4, 3);
	put32(head + 20, h->cluster_bits);
	put64(head + 24, h->size);
	put32(head + 36, h->l1_entries);
	put64(head + 40, h->l1);
	put64(head + 48, h->reftable);
	put32(head + 56, h->reftable_clusters);
	put32(head + 96, h->refcount_order);
	put32(head + 100, QCOW2_HEADER_MAX);
	if (!backing)
		return;
	if (h->backing_format != DISK_AUTO) {
		if (h->backing_format == DISK_VHD)
			format = "vpc", n = 3;
		put32(head + at, EXT_BACKING_FORMAT);
		put32(head + at + 4, n);
		memcpy(head + at + 8, format, n);
		at += 8 + ((n + 7) & ~7UL);
	}
	at += 8;	/* the end of the extensions is zeros */
	put64(head + 8, at);
	put32(head + 16, strlen(backing));
	memcpy(head + at, backing, strlen(backing));
}
