// SPDX-License-Identifier: GPL-2.0-only
/*
 * layers_merge.c - the layers of a VM's disks become fewer while it does not run.
 *
 * Who shares a layer shares all under it, so those that are a VM's alone lie on top: they go into the lowest of them. Where too many
 * are shared, all of them are copied into a fresh one over the lowest. In both cases the configuration, one rename, is what makes the
 * result the disk: until then the old layers hide what was written, and killed or failed at any moment the disk reads as before.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "compiler.h"
#include "disk/disk.h"
#include "layers.h"
#include "subverbs.h"
#include "vmctl.h"

#define DEEP	32U		/* layers of a disk that are merged whatever it takes */
#define CHEAP	(256ULL << 20)	/* bytes of layers that nobody notices being merged */
#define RESERVE	(64ULL << 20)	/* bytes that the file system keeps free */

/**
 * struct place - a layer of a disk
 * @name: in the VM's folder, or absolute
 * @format: of it
 * @bytes: that it takes
 * @alone: only this VM's, and made by vmctl
 */
struct place {
	char name[1100];
	enum disk_format format;
	uint64_t bytes;
	bool alone;
};

/**
 * struct chain - a disk's layers
 * @place: from the top
 * @n: their number
 */
struct chain {
	struct place *place;
	unsigned int n;
};

static int add_place(struct chain *c, const struct layer_walk *w)
{
	struct place *more = realloc(c->place, (c->n + 1) * sizeof(*more)), *p;
	struct stat st;

	if (!more)
		return -1;
	c->place = more;
	p = &more[c->n++];
	*p = (struct place){ .format = w->info.format, .bytes = w->info.file_size };
	snprintf(p->name, sizeof(p->name), "%s", w->name);
	p->alone = layers_made(w->name) && !fstatat(w->vm->fd, w->name, &st, AT_SYMLINK_NOFOLLOW) && st.st_nlink == 1;
	return 0;
}

static int read_chain(struct chain *c, const struct vm *vm, const struct config_disk *d)
{
	struct layer_walk w;
	int more = layers_first(&w, vm, d) ? -1 : 1;

	*c = (struct chain){ 0 };
	while (more > 0)
		more = add_place(c, &w) ? -1 : c->n < DISK_CHAIN_MAX ? layers_next(&w) : -1;
	return more;
}

static struct disk *open_place(const struct vm *vm, const char *name, enum disk_format format, unsigned int flags)
{
	struct disk_error e;
	char path[4200];

	layers_path(path, sizeof(path), vm, name);
	return disk_open(path, format, flags, &e);
}

static bool show(uint64_t done, uint64_t size)
{
	progress_show(done, size);
	return true;
}

/* The first @n layers go into @to, the lowest first. */
static int commit(const struct vm *vm, const struct chain *c, unsigned int n, const char *to)
{
	struct disk *below = open_place(vm, to, DISK_QCOW2, 0), *from;
	int err = below ? 0 : -1;

	while (!err && n--) {
		from = open_place(vm, c->place[n].name, c->place[n].format, DISK_READ_ONLY | DISK_NO_BACKING);
		err = from ? disk_commit(from, below, show) : -1;
		disk_close(from);
	}
	disk_close(below);
	progress_show(1, 1);
	return err;
}

static bool has_room(const struct vm *vm, uint64_t bytes)
{
	struct statvfs f;

	return !fstatvfs(vm->fd, &f) && (uint64_t)f.f_bavail * f.f_frsize > bytes + RESERVE;
}

/* Is it worth it, and is there room? */
static bool may_merge(const struct vm *vm, const struct chain *c, unsigned int n)
{
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		bytes += c->place[i].bytes;
	return (bytes <= CHEAP || c->n >= DEEP) && has_room(vm, bytes);
}

static int become(const struct vm *vm, struct config *c, struct config_disk *d, const char *name)
{
	char *file = d->file, *format = d->format;

	d->file = d->format = NULL;
	if (!layers_set(d, name) && !vm_config_write(vm, c)) {
		free(file);
		free(format);
		return 0;
	}
	free(d->file);
	free(d->format);
	d->file = file;
	d->format = format;
	return -1;
}

/* Those that are the VM's alone. */
static int merge_own(const struct vm *vm, struct config *c, struct config_disk *d, const struct chain *chain)
{
	unsigned int n = 0;

	while (n < chain->n && chain->place[n].alone)
		n++;
	if (n < 2 || !may_merge(vm, chain, n - 1))
		return 0;
	return commit(vm, chain, n - 1, chain->place[n - 1].name) || become(vm, c, d, chain->place[n - 1].name);
}

/* All but the lowest, which are others' as well: those keep theirs. */
static int copy_shared(const struct vm *vm, struct config *c, struct config_disk *d, const struct chain *chain)
{
	const struct place *lowest = &chain->place[chain->n - 1];
	struct config_disk under = { .file = (char *)lowest->name, .format = (char *)disk_format_name(lowest->format) };
	char name[LAYER_NAME];

	if (chain->n < DEEP || !may_merge(vm, chain, chain->n - 1) || layers_over(vm, &under, name))
		return 0;
	if (!commit(vm, chain, chain->n - 1, name) && !become(vm, c, d, name))
		return 0;
	unlinkat(vm->fd, name, 0);
	return -1;
}

static int merge(const struct vm *vm, struct config *c, struct config_disk *d)
{
	static int (*const ways[])(const struct vm *, struct config *, struct config_disk *, const struct chain *) = {
		merge_own, copy_shared,
	};
	struct chain chain;
	size_t i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(ways) && !err; i++) {
		err = read_chain(&chain, vm, d) || ways[i](vm, c, d, &chain);
		free(chain.place);
	}
	return err;
}

/**
 * layers_tidy() - remove the layers that a VM does not use any more, and merge those that it need not have apart
 * @vm: locked; it does not run
 * @c: its configuration, which may become another
 *
 * What cannot be merged, for want of room or because somebody reads it, stays.
 */
void layers_tidy(const struct vm *vm, struct config *c)
{
	unsigned int i;

	layers_collect(vm, c);
	for (i = 0; i < c->ndisks; i++)
		if (!c->disks[i].readonly && layers_made(c->disks[i].file) && !merge(vm, c, &c->disks[i]))
			layers_collect(vm, c);
}
