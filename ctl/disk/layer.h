/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layer.h - inside ctl/disk: a layer, what a format must do, the gate, the locks on files.
 */
#ifndef DISK_LAYER_H
#define DISK_LAYER_H

#include <pthread.h>
#include <stdatomic.h>

#include "disk.h"

/* Where the bytes of a range are, as one layer knows it. */
enum place {
	PLACE_FILE,		/* in the layer's file, at `offset` */
	PLACE_ZERO,
	PLACE_BELOW,		/* not in this layer */
	PLACE_FORMAT,		/* ask the format's read() */
};

/**
 * struct extent - the beginning of a range
 * @place: of all its bytes
 * @offset: PLACE_FILE: in the file
 * @length: bytes, at least 1
 * @writable: PLACE_FILE: may be overwritten there
 */
struct extent {
	enum place place;
	uint64_t offset, length;
	bool writable;
};

struct layer;

/**
 * struct layer_ops - a format
 * @open: after the file is open and its size known; fills @size, @backing, @private
 * @close: frees @private; the top layer was synced before
 * @lookup: -errno or 0; the range is inside the layer
 * @read: PLACE_FORMAT
 * @write: the top layer, the gate held for change; all bytes or -errno
 * @zero: the same; what it leaves to write() it returns in *done less than length
 * @discard: the same; may do nothing
 * @sync: all to the file system and there to the disk; gate held for change
 * @is_dirty: @sync has more to do than fdatasync()
 * @info: adds what the format knows
 *
 * A NULL member: not for this format.
 */
struct layer_ops {
	int (*open)(struct layer *l, struct disk_error *e);
	void (*close)(struct layer *l);
	int (*lookup)(struct layer *l, uint64_t offset, uint64_t length, struct extent *x);
	int (*read)(struct layer *l, void *to, uint64_t offset, uint64_t length);
	int (*write)(struct layer *l, const void *from, uint64_t offset, uint64_t length);
	int (*zero)(struct layer *l, uint64_t offset, uint64_t length, uint64_t *done);
	int (*discard)(struct layer *l, uint64_t offset, uint64_t length);
	int (*sync)(struct layer *l);
	bool (*is_dirty)(struct layer *l);
	void (*info)(struct layer *l, struct disk_info *info);
};

/**
 * struct layer - one image file
 * @ops: its format's
 * @format: never DISK_AUTO
 * @path: name it was opened by
 * @fd: file
 * @read_only: opened so
 * @probed: the format was guessed
 * @unlocked: no lock on the file
 * @size: of the disk in it, bytes
 * @file_size: of the file when opened
 * @cluster: bytes, or 0
 * @backing: name of the backing file as the image has it, or NULL
 * @backing_format: or DISK_AUTO
 * @below: the next layer, or NULL
 * @private: the format's
 */
struct layer {
	const struct layer_ops *ops;
	enum disk_format format;
	char *path;
	int fd;
	bool read_only, probed, unlocked;
	uint64_t size, file_size;
	uint32_t cluster;
	char *backing;
	enum disk_format backing_format;
	struct layer *below;
	void *private;
};

/**
 * struct gate - many requests or one change of the mapping
 *
 * A change that waits keeps new requests out. Unlike a pthread_rwlock, one thread may enter and another
 * leave.
 */
struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned int inside, waiting;
	bool changing;
};

void gate_init(struct gate *g);
void gate_fini(struct gate *g);
void gate_enter(struct gate *g);
bool gate_try_enter(struct gate *g);
void gate_leave(struct gate *g);
void gate_change(struct gate *g);
void gate_changed(struct gate *g);

/**
 * struct disk - a stack of layers
 * @gate: entered for reads and writes in place, held for every change of the top layer's mapping
 * @top: the layer that is written
 * @frozen: no write until an overlay is on it; under @gate
 */
struct disk {
	struct gate gate;
	struct layer *top;
	bool frozen;
};

extern const struct layer_ops raw_ops, qcow2_ops, nbd_ops;

/* layer.c */
struct layer *layer_open(const char *path, enum disk_format format, unsigned int flags,
			 struct disk_error *e);
struct layer *layer_adopt(int fd, const char *path, enum disk_format format, unsigned int flags,
			  struct disk_error *e);
struct layer *layer_open_chain(const char *path, enum disk_format format, unsigned int flags,
			       struct disk_error *e);
void layer_close(struct layer *l);
void layer_close_chain(struct layer *l);
int layer_read_chain(struct layer *l, void *to, uint64_t offset, uint64_t length);
char *layer_resolve(const char *image, const char *backing, struct disk_error *e);

/* lock.c */
int lock_file(int fd, bool write);
int lock_downgrade(int fd);

/* io.c */
int io_read(int fd, void *to, uint64_t n, uint64_t offset);
int io_write(int fd, const void *from, uint64_t n, uint64_t offset);
int io_zero(int fd, uint64_t offset, uint64_t n, bool punch);

/* format.c */
int disk_error_set(struct disk_error *e, const char *object, const char *what, const char *remedy);
int disk_error_errno(struct disk_error *e, const char *object, int err, const char *remedy);

#endif /* DISK_LAYER_H */
