// SPDX-License-Identifier: GPL-2.0-only
/*
 * layer.c - opening image files and the chains of them, and reading through a chain.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layer.h"

#define IN_USE	"it is in use, by a VM or another program"

static const struct layer_ops *ops_of(enum disk_format f)
{
	return f == DISK_RAW ? &raw_ops : f == DISK_QCOW2 ? &qcow2_ops : &nbd_ops;
}

static int open_file(struct layer *l, struct disk_error *e)
{
	uint64_t bytes;
	struct stat st;

	if (l->fd < 0)
		l->fd = open(l->path, (l->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	if (l->fd < 0 || fstat(l->fd, &st))
		return disk_error_errno(e, l->path, -errno, errno == EACCES || errno == EROFS ?
					"make it accessible, or use it read-only" :
					"name an image file that is there");
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(l->fd, BLKGETSIZE64, &bytes))
			return disk_error_errno(e, l->path, -errno, "see whether the device works");
		l->file_size = bytes;
	} else if (S_ISREG(st.st_mode)) {
		l->file_size = st.st_size;
	} else {
		return disk_error_set(e, l->path, "is no file and no block device", "name an image");
	}
	return 0;
}

static int probe(struct layer *l, struct disk_error *e)
{
	char head[512];
	int err = io_read(l->fd, head, sizeof(head), 0);

	if (err)
		return disk_error_errno(e, l->path, err, "see whether its disk works");
	l->probed = l->format == DISK_AUTO;
	if (l->probed)
		l->format = disk_format_probe(head, sizeof(head), l->file_size);
	return 0;
}

static int lock(struct layer *l, struct disk_error *e)
{
	int err = l->unlocked ? 0 : lock_file(l->fd, !l->read_only);

	if (err == -EAGAIN || err == -EACCES)
		return disk_error_set(e, l->path, IN_USE, "stop that first, or put an overlay on it");
	return err ? disk_error_errno(e, l->path, err, "see whether its file system has locks") : 0;
}

/**
 * layer_open() - open one image file
 * @path: name
 * @format: or DISK_AUTO
 * @flags: of disk_open()
 * @e: filled on failure
 *
 * Return: the layer, or NULL.
 */
struct layer *layer_open(const char *path, enum disk_format format, unsigned int flags,
			 struct disk_error *e)
{
	return layer_adopt(-1, path, format, flags, e);
}

/**
 * layer_adopt() - make a layer of an image file that is open
 * @fd: the file, from now on the layer's, also on failure; negative to open @path
 * @path: its name
 * @format: or DISK_AUTO
 * @flags: of disk_open()
 * @e: filled on failure
 *
 * Return: the layer, or NULL.
 */
struct layer *layer_adopt(int fd, const char *path, enum disk_format format, unsigned int flags,
			  struct disk_error *e)
{
	struct layer *l = calloc(1, sizeof(*l));

	if (l)
		l->path = strdup(path);
	if (!l || !l->path) {
		free(l);
		if (fd >= 0)
			close(fd);
		disk_error_errno(e, path, -ENOMEM, "free some memory");
		return NULL;
	}
	l->fd = fd;
	l->format = format;
	l->read_only = flags & (DISK_READ_ONLY | DISK_UNLOCKED);
	l->unlocked = flags & DISK_UNLOCKED;
	if (!open_file(l, e) && !probe(l, e)) {
		l->ops = ops_of(l->format);
		if ((l->ops == &nbd_ops || !lock(l, e)) && !l->ops->open(l, e))
			return l;
		l->ops = NULL;
	}
	layer_close(l);
	return NULL;
}

/**
 * layer_close() - close one image file
 * @l: layer
 */
void layer_close(struct layer *l)
{
	if (l->ops && l->ops->close)
		l->ops->close(l);
	if (l->fd >= 0)
		close(l->fd);
	free(l->backing);
	free(l->path);
	free(l);
}

/**
 * layer_close_chain() - close a layer and all under it
 * @l: top, or NULL
 */
void layer_close_chain(struct layer *l)
{
	struct layer *below;

	for (; l; l = below) {
		below = l->below;
		layer_close(l);
	}
}

/**
 * layer_resolve() - the path of a backing file
 * @image: path of the image that names it
 * @backing: the name; a relative one counts from the image's folder
 * @e: filled on failure
 *
 * Return: the path, to be freed; or NULL.
 */
char *layer_resolve(const char *image, const char *backing, struct disk_error *e)
{
	const char *slash = strrchr(image, '/'), *colon, *cut;
	char *path = NULL;

	if (!strncmp(backing, "file:", 5))
		backing += 5;
	colon = strchr(backing, ':');
	cut = strchr(backing, '/');
	if (colon && (!cut || colon < cut)) {
		disk_error_set(e, image, "its backing is no file but of a protocol",
			       "copy it into a file and give the image that backing");
		return NULL;
	}
	if (*backing == '/' || !slash)
		path = strdup(backing);
	else if (asprintf(&path, "%.*s%s", (int)(slash - image + 1), image, backing) < 0)
		path = NULL;
	if (!path)
		disk_error_errno(e, image, -ENOMEM, "free some memory");
	return path;
}

static bool is_same_file(int a, int b)
{
	struct stat s, t;

	return !fstat(a, &s) && !fstat(b, &t) && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

static int add_below(struct layer *top, struct layer *l, unsigned int flags, struct disk_error *e)
{
	char *path = layer_resolve(l->path, l->backing, e);
	struct layer *other;

	if (!path)
		return -1;
	l->below = layer_open(path, l->backing_format, flags | DISK_READ_ONLY, e);
	free(path);
	if (!l->below)
		return -1;
	for (other = top; other != l->below; other = other->below)
		if (is_same_file(other->fd, l->below->fd))
			return disk_error_set(e, l->below->path, "it backs itself: the chain is a loop",
					      "repair it with `qemu-img rebase -u`");
	return 0;
}

/**
 * layer_open_chain() - open an image file and all under it
 * @path: name
 * @format: of the top, or DISK_AUTO
 * @flags: of disk_open(); what is below the top is opened read-only
 * @e: filled on failure
 *
 * Return: the top, or NULL.
 */
struct layer *layer_open_chain(const char *path, enum disk_format format, unsigned int flags,
			       struct disk_error *e)
{
	struct layer *top = layer_open(path, format, flags, e), *l = top;
	unsigned int n = 1;

	for (; l && l->backing && !(flags & DISK_NO_BACKING); l = l->below) {
		if (n++ < DISK_CHAIN_MAX && !add_below(top, l, flags, e))
			continue;
		if (n > DISK_CHAIN_MAX)
			disk_error_set(e, path, "more images back each other than can be open",
				       "shorten the chain with `vmctl image convert`");
		layer_close_chain(top);
		return NULL;
	}
	return top;
}

/**
 * layer_read_chain() - read through a chain
 * @l: its top, or NULL: zeros
 * @to: for @length bytes
 * @offset: in the disk; behind a layer's end are zeros
 * @length: bytes
 *
 * The caller keeps the mapping of the top from changing.
 * Return: 0 or -errno.
 */
int layer_read_chain(struct layer *l, void *to, uint64_t offset, uint64_t length)
{
	struct extent x;
	char *p = to;
	int err;

	for (; length; p += x.length, offset += x.length, length -= x.length) {
		x = (struct extent){ .place = PLACE_ZERO, .length = length };
		if (l && offset < l->size) {
			uint64_t room = l->size - offset;

			err = l->ops->lookup(l, offset, length < room ? length : room, &x);
			if (err)
				return err;
		}
		err = 0;
		if (x.place == PLACE_ZERO)
			memset(p, 0, x.length);
		else if (x.place == PLACE_FILE)
			err = io_read(l->fd, p, x.length, x.offset);
		else if (x.place == PLACE_FORMAT)
			err = l->ops->read(l, p, offset, x.length);
		else
			err = layer_read_chain(l->below, p, offset, x.length);
		if (err)
			return err;
	}
	return 0;
}
