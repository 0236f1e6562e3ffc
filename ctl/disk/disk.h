/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * disk.h - disks: image files of any format, with the backing chains under them.
 *
 * A disk is a stack of layers, one image file each; only the top one is ever written. Every call is
 * synchronous and, but for open, close, freeze and overlay, may be made from any thread at any time.
 *
 * Files: disk.c opens chains and serves requests, lock.c keeps others off the files, gate.c orders requests
 * against changes of the mapping, raw.c and qcow2*.c and nbd.c are the formats.
 *
 * A flush makes everything that completed before it permanent. A process that is killed, a host that loses power or
 * a full disk loses at most what was not flushed, and leaves at worst clusters that nobody uses. Where files may hit
 * RLIMIT_FSIZE the process must ignore SIGXFSZ; the request then fails with EFBIG.
 *
 * Around fork(2): disk_freeze() in the parent, fork, then in each of the two disk_reopen() (the child; it gets
 * descriptors and locks of its own) and disk_overlay() with a file name of its own.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define DISK_BLOCK	512		/* sizes of disks are multiples of it; requests need not be */
#define DISK_CHAIN_MAX	250		/* layers in a chain */

enum disk_format {
	DISK_AUTO,			/* from the file's contents */
	DISK_RAW,
	DISK_QCOW2,
	DISK_VMDK,
	DISK_VHD,
	DISK_VHDX,
	DISK_VDI,
	DISK_FORMATS,
};

#define DISK_READ_ONLY	0x1		/* others may read the file as well */
#define DISK_NO_BACKING	0x2		/* the top layer alone; what it lacks reads as zeros */
#define DISK_UNLOCKED	0x4		/* for looking at an image in use; read-only */

/**
 * struct disk_error - why a call that names files failed
 * @object: the file
 * @what: went wrong
 * @remedy: what to do
 */
struct disk_error {
	char object[256], what[192], remedy[128];
};

/**
 * struct disk_map - where bytes of a disk stand in a file, see disk_map()
 * @fd: the file; the disk's, not to be closed
 * @offset: in that file
 * @length: bytes that stand there in one piece, at most what was asked for
 */
struct disk_map {
	int fd;
	uint64_t offset, length;
};

/**
 * struct disk_info - what an image is; of the top layer where not said otherwise
 * @format: never DISK_AUTO
 * @size: of the disk, bytes
 * @file_size: bytes the file takes on its file system
 * @cluster: bytes, 0 if the format has none
 * @layers: in the chain
 * @version: qcow2: 2 or 3
 * @snapshots: qcow2: number of snapshots inside the file
 * @dirty: qcow2: refcounts are to be counted again
 * @corrupt: qcow2: marked as damaged
 * @backing: name of the backing file as the image has it, or ""
 * @backing_format: DISK_AUTO if the image does not say
 */
struct disk_info {
	enum disk_format format;
	uint64_t size, file_size;
	uint32_t cluster, layers, version, snapshots;
	bool dirty, corrupt;
	char backing[1024];
	enum disk_format backing_format;
};

/**
 * struct disk_check - what counting an image's references found; numbers of clusters
 * @clusters: in the file
 * @used: referenced
 * @leaks: lost space, harmless
 * @errors: contradictions: data may be lost or overwritten
 * @repaired: leaks that are gone now
 */
struct disk_check {
	uint64_t clusters, used, leaks, errors, repaired;
};

/* What disk_extent() says of a range. */
enum disk_extent {
	DISK_EXTENT_DATA,
	DISK_EXTENT_ZERO,
};

struct disk;

/* disk.c */
struct disk *disk_open(const char *path, enum disk_format format, unsigned int flags, struct disk_error *e);
void disk_close(struct disk *d);
uint64_t disk_size(const struct disk *d);
bool disk_is_read_only(const struct disk *d);
uint32_t disk_cluster(const struct disk *d);
int disk_info(struct disk *d, struct disk_info *info);
ssize_t disk_preadv(struct disk *d, const struct iovec *iov, int n, uint64_t offset);
ssize_t disk_pwritev(struct disk *d, const struct iovec *iov, int n, uint64_t offset);
int disk_flush(struct disk *d);
int disk_discard(struct disk *d, uint64_t offset, uint64_t length);
int disk_write_zeroes(struct disk *d, uint64_t offset, uint64_t length, bool may_unmap);
int disk_extent(struct disk *d, uint64_t offset, uint64_t *length, enum disk_extent *kind);

/* check.c */
int disk_check(struct disk *d, bool repair_leaks, struct disk_check *c);

/* disk.c: for I/O on a file itself */
bool disk_map(struct disk *d, uint64_t offset, uint64_t length, bool write, struct disk_map *m);
void disk_unmap(struct disk *d);

/* fork.c */
int disk_freeze(struct disk *d);
int disk_reopen(struct disk *d, struct disk_error *e);
int disk_overlay(struct disk *d, const char *path, struct disk_error *e);
int disk_push(struct disk *d, int fd, const char *path, struct disk_error *e);
int disk_freeze_and_overlay(struct disk *d, const char *path, struct disk_error *e);

/* create.c */
int disk_create(const char *path, enum disk_format format, uint64_t size, const char *backing,
		enum disk_format backing_format, struct disk_error *e);

char *disk_backing_path(const char *image, const char *backing);

/* commit.c */
int disk_commit(struct disk *from, struct disk *to, bool (*progress)(uint64_t done, uint64_t size));

/* format.c */
const char *disk_format_name(enum disk_format f);
enum disk_format disk_format_named(const char *name);
enum disk_format disk_format_of_name(const char *path);
enum disk_format disk_format_probe(const void *head, size_t n, uint64_t file_size);

/* copy.c */
int disk_copy(struct disk *source, struct disk *target, bool (*progress)(uint64_t done, uint64_t size), bool *reading);

#endif /* DISK_H */
