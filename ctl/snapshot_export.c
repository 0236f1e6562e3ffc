// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot_export.c - vmctl snapshot export: a snapshot as one file, which needs nothing else: an archive of a snapshot's folder whose
 * memory is one file and whose disks are one layer each.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cancel.h"
#include "disk/disk.h"
#include "disk/newfile.h"
#include "layers.h"
#include "snapshot.h"
#include "snapshot/ram.h"
#include "tar.h"

static const struct argp argp = {
	.args_doc = "VM NAME FILE",
	.doc = "Writes a snapshot into one compressed file that needs nothing else: memory, state, and the whole of each disk.\v"
	       "Examples:\n"
	       "  vmctl snapshot export web before-upgrade web.snapshot",
};

static bool ram_progress(void *opaque, uint64_t done)
{
	return cancel_progress(done, *(const uint64_t *)opaque);
}

static int flatten_ram(const struct snapshot *s, int folder)
{
	char name[GENERATION + 8];
	struct snapshot_ram r;
	struct ram_map map = { 0 };
	uint8_t *view = MAP_FAILED;
	void *text = NULL;
	int err = snapshot_ram_open(s, &r), fd = -1;
	size_t n;

	if (!err)
		view = mmap(NULL, r.map.ram, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (view != MAP_FAILED && !map_apply(&r.map, view, r.fd, PROT_READ, MAP_SHARED) && !map_init(&map, s->generation, r.map.ram)) {
		struct ram_writer w = { .ram = view, .map = &map, .progress = ram_progress, .opaque = &r.map.ram };

		snprintf(name, sizeof(name), "%s.ram", s->generation);
		fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		w.fd = fd;
		if (fd >= 0 && !ram_write(&w))
			text = map_print(&map, &n);
	}
	if (!err) {
		err = text ? file_write(folder, "map", text, n) : -1;
		if (err && !cancelled())
			vmctl_errno(s->name, "make room where the VM's folder is");
	}
	if (fd >= 0)
		close(fd);
	if (view != MAP_FAILED)
		munmap(view, r.map.ram);
	free(text);
	map_fini(&map);
	snapshot_ram_close(&r);
	return err;
}

static int tell(const struct disk_error *e)
{
	vmctl_error(e->object, e->what, e->remedy);
	return -1;
}

static int set_text(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return vmctl_errno("memory", "free some"), -1;
	free(*to);
	*to = copy;
	return 0;
}

static int flatten_disk(const struct snapshot *s, int folder, unsigned int i, struct config_disk *d)
{
	char from[4200], to[128], name[LAYER_NAME];
	struct disk *source, *target = NULL;
	struct disk_error e;
	bool reading;
	int err;

	if (*d->file == '/')
		snprintf(from, sizeof(from), "%s", d->file);
	else
		snprintf(from, sizeof(from), "/proc/self/fd/%d/%s", s->vm.fd, d->file);
	snprintf(name, sizeof(name), "disks/disk%u.qcow2", i);
	snprintf(to, sizeof(to), "/proc/self/fd/%d/%s", folder, name);
	source = disk_open(from, d->format ? disk_format_named(d->format) : disk_format_of_name(d->file), DISK_UNLOCKED, &e);
	if (!source)
		return tell(&e);
	err = disk_create(to, DISK_QCOW2, disk_size(source), NULL, DISK_AUTO, &e);
	if (!err)
		target = disk_open(to, DISK_QCOW2, 0, &e);
	if (!target) {
		disk_close(source);
		return tell(&e);
	}
	err = disk_copy(source, target, cancel_progress, &reading);
	disk_close(target);
	disk_close(source);
	if (err) {
		errno = -err;
		return cancelled() ? -1 : vmctl_errno(reading ? d->file : name, "see whether its disk works and has room"), -1;
	}
	return layers_set(d, name);
}

/* The host's file, which may be any; or the snapshot's own, if it was imported. */
static int copy_boot_file(const struct snapshot *s, const struct vm *vm, const char *from, int folder, const char *name)
{
	int in, out = -1, err = -1;
	struct stat st;
	off_t at = 0;
	ssize_t n = 1;

	in = openat(strcmp(from, name) ? vm->fd : s->vm.fd, from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (in < 0 || fstat(in, &st) || !S_ISREG(st.st_mode)) {
		if (in >= 0)
			errno = EINVAL;
		vmctl_errno(from, "put it back: an exported snapshot needs nothing else");
	} else {
		out = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		while (out >= 0 && n > 0)
			n = cancelled() ? 0 : sendfile(out, in, &at, 1 << 20);
		err = cancelled() ? -1 : out < 0 || n < 0 ? (vmctl_errno(from, "make room where the VM's folder is"), -1) : 0;
	}
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return err;
}

/* What the machine boots from is not of this host any more. */
static int copy_boot_files(const struct snapshot *s, const struct vm *vm, int folder, struct config *c)
{
	unsigned int i;
	char **file;

	for (i = 0; i < BOOT_FILES; i++) {
		file = boot_file(c, i);
		if (!*file)
			continue;
		if (mkdirat(folder, "boot", 0700) && errno != EEXIST)
			return vmctl_errno("boot", "make room where the VM's folder is"), -1;
		if (copy_boot_file(s, vm, *file, folder, boot_name(i)) || set_text(file, boot_name(i)))
			return -1;
	}
	/* The medium of a CD drive stays here. */
	return c->cdrom ? set_text(&c->cdrom, "none") : 0;
}

static int write_parts(const struct snapshot *s, const struct vm *vm, int folder, struct config *c)
{
	unsigned int i;
	char *text;
	int err;

	if (snapshot_has_memory(s) && linkat(s->vm.fd, "state", folder, "state", 0))
		return vmctl_errno("state", "check the VM's folder"), -1;
	if (copy_boot_files(s, vm, folder, c))
		return -1;
	for (i = 0; i < c->ndisks; i++)
		if (flatten_disk(s, folder, i, &c->disks[i]))
			return -1;
	if (snapshot_has_memory(s) && flatten_ram(s, folder))
		return -1;
	text = config_print(c);
	err = text ? file_write(folder, "config", text, strlen(text)) : -1;
	free(text);
	return err ? (vmctl_errno("config", "make room where the VM's folder is"), -1) : 0;
}

static json_t *sum_of(int folder, const char *name)
{
	struct snapshot_work w = { .progress = cancel_progress };
	uint64_t size;
	struct stat st;
	char sum[17];

	if (fstatat(folder, name, &st, 0))
		return NULL;
	w.all = st.st_size;
	if (snapshot_sum_file(folder, name, &size, sum, &w))
		return NULL;
	return json_pack("{s:I, s:s}", "size", (json_int_t)size, "sum", sum);
}

/* The record of the snapshot, with the files as they are now. */
static int write_record(const struct snapshot *s, int folder, const struct config *c)
{
	static const char *const names[] = { "config", "state", "map" };
	json_t *info = json_copy(s->info), *files = json_object(), *layers = json_array(), *layer;
	unsigned int i;
	int err = 0;

	for (i = 0; i < (snapshot_has_memory(s) ? sizeof(names) / sizeof(names[0]) : 1); i++)
		err |= json_object_set_new(files, names[i], sum_of(folder, names[i]));
	for (i = 0; i < BOOT_FILES; i++)
		if (boot_inside(c, i))
			err |= json_object_set_new(files, boot_name(i), sum_of(folder, boot_name(i)));
	for (i = 0; i < c->ndisks; i++) {
		layer = sum_of(folder, c->disks[i].file);
		err |= !layer || json_object_set_new(layer, "file", json_string(c->disks[i].file)) ||
		       json_array_append_new(layers, layer);
	}
	err |= json_object_set_new(info, "files", files) | json_object_set_new(info, "layers", layers) |
	       json_object_set_new(info, "ancestors", json_array()) | json_object_set_new(info, "name", json_string(s->name));
	if (!err)
		err = snapshot_info_write(folder, info);
	json_decref(info);
	if (err && !cancelled())
		vmctl_errno("info", "make room where the VM's folder is");
	return err ? -1 : 0;
}

static int pack(int folder, const char *file)
{
	static const char *const argv[] = { "tar", "--zstd", "--sparse", "--format=posix", "--owner=0", "--group=0", "--numeric-owner",
					    "--sort=name", "--exclude=./lock", "-cf", "-", ".", NULL };
	struct newfile f;
	int err;

	if (newfile_begin(&f, file))
		return vmctl_errno(file, "name a file where you may write"), -1;
	err = tar_run(&(struct tar){ argv, folder, -1, f.fd, "tar could not write it",
				     "see whether its disk has room, and that zstd is installed" }, file);
	if (!err && cancelled())
		err = -1;
	if (!err && newfile_commit(&f, file))
		err = vmctl_errno(file, errno == EEXIST ? "choose another name or remove it" : "see whether its disk works and has room");
	newfile_end(&f);
	return err ? -1 : 0;
}

static int export_work(struct vm *vm, const struct vmctl_args *a)
{
	char temporary[112];
	struct snapshot s;
	struct config c;
	struct vm folder;
	int err;

	cancel_catch();
	config_init(&c);
	err = snapshot_open(&s, vm, a->names[1]) || snapshot_check(&s) || snapshot_config(&s, &c) ||
	      snapshot_begin(vm, temporary, &folder) ? -1 : 0;
	vm_unlock(vm);
	if (!err) {
		err = write_parts(&s, vm, folder.fd, &c) || write_record(&s, folder.fd, &c) || pack(folder.fd, a->names[2]);
		snapshot_cancel(vm, temporary, &folder);
		cancel_end(a->names[2], err);
	}
	config_fini(&c);
	snapshot_close(&s);
	return err ? VMCTL_FAILED : VMCTL_OK;
}

int snapshot_export(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .min = 3, .max = 3 };

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (!access(a.names[2], F_OK))
		return vmctl_error(a.names[2], "it is there already", "choose another name or remove it");
	return snapshot_with(&a, true, export_work);
}
