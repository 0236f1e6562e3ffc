// SPDX-License-Identifier: GPL-2.0-only
/*
 * nbd.c - formats that qemu-nbd knows, over its protocol: vmdk, vhd, vhdx, vdi.
 *
 * libnbd starts qemu-nbd on a socket of ours; it ends when we close that or die. A child of fork(2) shares the
 * connection and must not use it: a disk in such a format cannot be forked, so copy it to qcow2 first. QEMU's own
 * locks guard the file, so ours are not held.
 *
 * The library is loaded with the first such disk: with all that it needs it would take 5 MiB of every VM process and
 * most of the time that one takes to start.
 */
#include <dlfcn.h>
#include <errno.h>
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"

#define REQUEST	(1U << 20)	/* bytes */

/* What is used of it, with the types of its header. */
#define CALLS(X)	X(create) X(connect_systemd_socket_activation) X(get_size) X(close) X(shutdown) \
			X(get_errno) X(pread) X(pwrite) X(can_flush) X(flush)

static struct {
#define X(name)	__typeof__(nbd_##name) *name;
	CALLS(X)
#undef X
} nbd;

static bool nbd_load(void)
{
	void *library = dlopen("libnbd.so.0", RTLD_NOW);

	if (!library)
		return false;
#define X(call)	nbd.call = (__typeof__(nbd.call))dlsym(library, "nbd_" #call);
	CALLS(X)
#undef X
#define X(name)	&& nbd.name
	return true CALLS(X);
#undef X
}

/* QEMU's names. */
static const char *qemu_name(enum disk_format f)
{
	return f == DISK_VHD ? "vpc" : disk_format_name(f);
}

static int nbd_failed(void)
{
	int err = nbd.get_errno();

	return err ? -err : -EIO;
}

static int nbd_layer_open(struct layer *l, struct disk_error *e)
{
	char format[32];
	char *argv[] = { "qemu-nbd", format, l->read_only ? "--read-only" : "--discard=unmap", l->path,
			 NULL };
	struct nbd_handle *h;
	int64_t size = -1;

	if (!nbd_load())
		return disk_error_set(e, l->path, "its format needs libnbd, which is not installed",
				      "install libnbd0, or convert the image to qcow2");
	h = nbd.create();
	snprintf(format, sizeof(format), "--format=%s", qemu_name(l->format));
	if (h && !nbd.connect_systemd_socket_activation(h, argv))
		size = nbd.get_size(h);
	if (size < 0) {
		nbd.close(h);
		return disk_error_set(e, l->path, "qemu-nbd cannot open it",
				      "install qemu-utils, or see what `qemu-img info` says");
	}
	l->size = size;
	l->private = h;
	return 0;
}

static void nbd_layer_close(struct layer *l)
{
	nbd.shutdown(l->private, 0);
	nbd.close(l->private);
}

static int nbd_lookup(struct layer *l, uint64_t offset, uint64_t length, struct extent *x)
{
	(void)l;
	*x = (struct extent){ .place = PLACE_FORMAT, .offset = offset, .length = length };
	return 0;
}

static int nbd_read(struct layer *l, void *to, uint64_t offset, uint64_t length)
{
	char *p = to;
	size_t part;

	for (; length; p += part, offset += part, length -= part) {
		part = length < REQUEST ? length : REQUEST;
		if (nbd.pread(l->private, p, part, offset, 0))
			return nbd_failed();
	}
	return 0;
}

static int nbd_write(struct layer *l, const void *from, uint64_t offset, uint64_t length)
{
	const char *p = from;
	size_t part;

	for (; length; p += part, offset += part, length -= part) {
		part = length < REQUEST ? length : REQUEST;
		if (nbd.pwrite(l->private, p, part, offset, 0))
			return nbd_failed();
	}
	return 0;
}

static int nbd_sync(struct layer *l)
{
	return nbd.can_flush(l->private) == 1 && nbd.flush(l->private, 0) ? nbd_failed() : 0;
}

const struct layer_ops nbd_ops = {
	.open = nbd_layer_open,
	.close = nbd_layer_close,
	.lookup = nbd_lookup,
	.read = nbd_read,
	.write = nbd_write,
	.sync = nbd_sync,
};
