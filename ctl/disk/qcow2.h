/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qcow2.h - inside ctl/disk: the qcow2 format. Source of all facts: QEMU's docs/interop/qcow2.txt.
 *
 * Files: qcow2_header.c reads the header (pure), qcow2_entry.c the entries of tables (pure), qcow2_cache.c keeps parts
 * of tables, qcow2_refcount.c gives out clusters, qcow2_map.c finds and changes mappings, qcow2_io.c reads and
 * writes data, qcow2_sync.c brings the tables to the disk in order, qcow2.c is the format's table, qcow2_create.c
 * makes images, qcow2_check.c counts references.
 *
 * Order of writes: data and refcounts, then new entries of the refcount table, then L2 tables, then the L1 table, with
 * a barrier between each two; clusters that lost their last reference are given out again only after that. So each state of
 * the file from which a crash may leave us has refcounts at least as high as the references.
 */
#ifndef DISK_QCOW2_H
#define DISK_QCOW2_H

#include "layer.h"

#define QCOW2_MAGIC		0x514649fbU
#define QCOW2_HEADER_V2		72
#define QCOW2_HEADER_MAX	112
#define QCOW2_L1_MAX		(32U << 20)	/* bytes */
#define QCOW2_REFTABLE_MAX	(8U << 20)	/* bytes */
#define QCOW2_SNAPSHOTS_MAX	65536
#define QCOW2_OFFSET		0x00fffffffffffe00ULL
#define QCOW2_COPIED		(1ULL << 63)
#define QCOW2_COMPRESSED	(1ULL << 62)
#define QCOW2_ZERO		1ULL
#define QCOW2_DIRTY		1ULL		/* incompatible features */
#define QCOW2_CORRUPT		2ULL
#define QCOW2_DATA_FILE		4ULL
#define QCOW2_COMPRESSION	8ULL
#define QCOW2_EXTENDED_L2	16ULL
#define QCOW2_BITMAPS		1ULL		/* autoclear features */

enum qcow2_compression {
	QCOW2_ZLIB,
	QCOW2_ZSTD,
};

/**
 * struct qcow2_header - what the first cluster says, checked
 * @version: 2 or 3
 * @cluster_bits: 9..21
 * @refcount_order: 0..6
 * @l1_entries: in the table, enough for @size
 * @reftable_clusters: of the refcount table
 * @snapshots: in the file
 * @header_length: bytes
 * @backing_length: bytes of the backing file's name, 0 for none
 * @size: of the disk, bytes
 * @l1: offset of the table
 * @reftable: offset of the refcount table
 * @snapshots_at: offset of the snapshots' table
 * @backing_at: offset of the backing file's name
 * @incompatible: feature bits
 * @autoclear: feature bits
 * @compression: of compressed clusters
 * @backing_format: or DISK_AUTO
 * @bitmaps: the file has bitmaps' clusters
 */
struct qcow2_header {
	uint32_t version, cluster_bits, refcount_order, l1_entries, reftable_clusters, snapshots;
	uint32_t header_length, backing_length;
	uint64_t size, l1, reftable, snapshots_at, backing_at, incompatible, autoclear;
	enum qcow2_compression compression;
	enum disk_format backing_format;
	bool bitmaps;
};

#define QCOW2_SLICE	4096U		/* bytes of a table kept in one piece; less for small clusters */

/**
 * struct qcow2_slice - a part of a table in memory
 * @offset: in the file, 0 for none
 * @used: when it was last asked for
 * @dirty: to be written
 * @data: the part
 */
struct qcow2_slice {
	uint64_t offset, used;
	bool dirty;
	unsigned char *data;
};

/**
 * struct qcow2_cache - parts of tables
 * @slices: of them
 * @n: their number
 * @size: bytes of each
 * @clock: counts uses
 * @dirty: some slice is
 */
struct qcow2_cache {
	struct qcow2_slice *slices;
	unsigned int n, size;
	uint64_t clock;
	bool dirty;
};

/**
 * struct qcow2 - an open image
 * @h: header
 * @layer: the layer
 * @mutex: guards the caches and @inflated against each other's readers; changers hold the gate as well
 * @cluster: bytes
 * @l1: table, host byte order; changed under the gate
 * @reftable: the same
 * @reftable_entries: in memory
 * @l2s: parts of L2 tables
 * @refcounts: parts of refcount blocks
 * @free_hint: no free cluster is below; index
 * @l1_dirty: to be written
 * @reftable_dirty: the same
 * @unsynced: data or tables were written since the last barrier
 * @freed: offsets of clusters that lose a reference once the L2 tables are on disk
 * @nfreed: their number
 * @freed_room: allocated
 * @inflated: the last compressed cluster that was read
 * @inflated_entry: its L2 entry, 0 for none
 * @damaged: a contradiction was met: no writes any more
 */
struct qcow2 {
	struct qcow2_header h;
	struct layer *layer;
	pthread_mutex_t mutex;
	uint64_t cluster, *l1, *reftable, reftable_entries;
	struct qcow2_cache l2s, refcounts;
	uint64_t free_hint;
	bool l1_dirty, reftable_dirty, unsynced, damaged;
	uint64_t *freed;
	size_t nfreed, freed_room;
	unsigned char *inflated;
	uint64_t inflated_entry;
};

static inline uint32_t get32(const void *p)
{
	const unsigned char *b = p;

	return (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

static inline uint64_t get64(const void *p)
{
	return (uint64_t)get32(p) << 32 | get32((const char *)p + 4);
}

static inline void put32(void *p, uint32_t v)
{
	unsigned char *b = p;

	b[0] = v >> 24;
	b[1] = v >> 16;
	b[2] = v >> 8;
	b[3] = v;
}

static inline void put64(void *p, uint64_t v)
{
	put32(p, v >> 32);
	put32((char *)p + 4, v);
}

/* qcow2_header.c */
const char *qcow2_header_parse(struct qcow2_header *h, const unsigned char *head, size_t n,
			       uint64_t file_size, const char **remedy);
void qcow2_header_write(const struct qcow2_header *h, unsigned char *head, const char *backing);

/* qcow2_entry.c */
uint64_t qcow2_refcount_get(const void *block, uint64_t i, unsigned int order);
void qcow2_refcount_set(void *block, uint64_t i, unsigned int order, uint64_t v);
void qcow2_compressed(uint64_t entry, unsigned int cluster_bits, uint64_t *offset, uint64_t *length);

/* qcow2_cache.c */
int qcow2_cache_init(struct qcow2_cache *c, unsigned int n, unsigned int size);
void qcow2_cache_fini(struct qcow2_cache *c);
int qcow2_cache_get(struct qcow2 *q, struct qcow2_cache *c, uint64_t offset, struct qcow2_slice **s);
void qcow2_cache_drop(struct qcow2_cache *c, uint64_t offset, uint64_t n);
int qcow2_cache_write(struct qcow2 *q, struct qcow2_cache *c);

/* qcow2_refcount.c */
int qcow2_alloc(struct qcow2 *q, uint64_t *offset);
void qcow2_alloc_undo(struct qcow2 *q, uint64_t offset);
void qcow2_free(struct qcow2 *q, uint64_t offset, uint64_t length);
int qcow2_apply_freed(struct qcow2 *q);
int qcow2_refcount_of(struct qcow2 *q, uint64_t cluster, uint64_t *count);
int qcow2_refcount_put(struct qcow2 *q, uint64_t cluster, uint64_t count);

/* qcow2_map.c */
int qcow2_map_get(struct qcow2 *q, uint64_t offset, uint64_t *entry);
int qcow2_map_set(struct qcow2 *q, uint64_t offset, uint64_t entry);
int qcow2_map_prepare(struct qcow2 *q, uint64_t offset);
int qcow2_lookup(struct layer *l, uint64_t offset, uint64_t length, struct extent *x);

/* qcow2_io.c */
int qcow2_read(struct layer *l, void *to, uint64_t offset, uint64_t length);
int qcow2_write(struct layer *l, const void *from, uint64_t offset, uint64_t length);
int qcow2_zero(struct layer *l, uint64_t offset, uint64_t length, uint64_t *done);
int qcow2_discard(struct layer *l, uint64_t offset, uint64_t length);

/* qcow2_inflate.c */
int qcow2_inflate(enum qcow2_compression how, void *to, size_t n, const void *from, size_t m);

/* qcow2_sync.c */
int qcow2_barrier(struct qcow2 *q);
int qcow2_sync(struct qcow2 *q);
bool qcow2_is_dirty(const struct qcow2 *q);
int qcow2_damaged(struct qcow2 *q);

/**
 * struct qcow2_check - what counting the references found
 * @clusters: in the file
 * @used: referenced
 * @leaks: clusters with a refcount above their references: only lost space
 * @errors: clusters with a refcount below, references that point nowhere
 * @repaired: refcounts that were put right
 */
struct qcow2_check {
	uint64_t clusters, used, leaks, errors, repaired;
};

/* qcow2_check.c */
int qcow2_check(struct qcow2 *q, bool repair_leaks, bool repair_all, struct qcow2_check *c);

/* qcow2_create.c */
int qcow2_create(int fd, uint64_t size, const char *backing, enum disk_format backing_format);

#endif /* DISK_QCOW2_H */
