// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot_import.c - vmctl snapshot import: a VM of a file of `vmctl snapshot export`. What comes out of the archive is taken for a snapshot
 * only after each file of it was looked at, all of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cancel.h"
#include "layers.h"
#include "snapshot.h"
#include "tar.h"

static const char *name_option;
static bool keep_identity, trust;

static const struct argp_option options[] = {
	{ "name", 'n', "NAME", 0, "Name of the snapshot (default: the one it had)", 0 },
	{ "keep-identity", 'k', NULL, 0, "Keep the VM's UUID and network addresses: it has moved", 0 },
	{ "trust", 't', NULL, 0, "Take it although it names files, a device node or TAP interfaces of this host", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'n':
		name_option = arg;
		return config_name_ok(arg) ? 0 : vmctl_bad_value(arg, "--name takes a name for a snapshot");
	case 'k':
		keep_identity = true;
		return 0;
	case 't':
		trust = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "FILE NEW",
	.doc = "Makes a VM of a file of `vmctl snapshot export`: a new one, which does not run and has the snapshot. Its disks are "
	       "those of the snapshot.\v"
	       "Examples:\n"
	       "  vmctl snapshot import web.snapshot web\n"
	       "  vmctl snapshot restore web before-upgrade",
};

static bool is_folder(const char *name)
{
	return !strcmp(name, "disks") || !strcmp(name, "boot");
}

/* Nothing but regular files, of one name each, and the folders that a snapshot has: no archive may lead anywhere else. */
static int check_tree(int folder, const char *file, bool top)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), below, err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	while (dir && !err && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		err = fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW);
		if (!err && top && S_ISDIR(st.st_mode) && is_folder(e->d_name)) {
			below = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
			err = below < 0 || check_tree(below, file, false);
			if (below >= 0)
				close(below);
		} else if (err || !S_ISREG(st.st_mode) || st.st_nlink != 1 || fchmodat(fd, e->d_name, 0600, 0)) {
			err = -1;
		}
	}
	if (dir)
		closedir(dir);
	if ((err || !dir) && top)
		vmctl_error(file, "has something in it that is no part of a snapshot", "it is not from `vmctl snapshot export`");
	return err || !dir ? -1 : 0;
}

static int unpack(const char *file, int folder)
{
	static const char *const argv[] = { "tar", "--zstd", "--no-same-owner", "--no-same-permissions", "--keep-old-files",
					    "--exclude=./lock", "-xf", "-", NULL };
	int in = open(file, O_RDONLY | O_CLOEXEC), err;

	if (in < 0)
		return vmctl_errno(file, "name a file of `vmctl snapshot export`"), -1;
	err = tar_run(&(struct tar){ argv, folder, in, -1, "tar could not read it",
				     "see whether it is whole, the store has room, and zstd is installed" }, file);
	close(in);
	return err ? -1 : check_tree(folder, file, true);
}

/* The name of a file right in a folder of the snapshot's own, and in none below. */
static bool is_inside(const char *file, const char *folder)
{
	size_t n = strlen(folder);

	return !strncmp(file, folder, n) && file[n] && !strchr(file + n, '/');
}

/*
 * What of this host a configuration would have the VM open, and the guest or its network read; NULL for nothing. Its disks are another
 * matter. A switch is none of the host's: it is made on demand.
 */
static const char *host_object(struct config *c)
{
	unsigned int i;

	for (i = 0; i < BOOT_FILES; i++)
		if (*boot_file(c, i) && !boot_inside(c, i))
			return *boot_file(c, i);
	if (c->cdrom && strcmp(c->cdrom, "none"))
		return c->cdrom;
	if (c->device && strcmp(c->device, "/dev/vitrine") && strcmp(c->device, "/dev/kvm"))
		return c->device;
	for (i = 0; i < c->nnets; i++)
		if (!strncmp(c->nets[i].network, "tap:", 4))
			return c->nets[i].network;
	return NULL;
}

/* An archive comes from anybody: before a byte of it is used, all that it names has to be in it. */
static int check_names(const struct snapshot *s, struct config *c)
{
	static const char remedy[] = "it is not from `vmctl snapshot export`";
	const char *file, *host = host_object(c);
	char what[CONFIG_VALUE + 40];
	const json_t *layer;
	size_t i;

	for (i = 0; i < c->ndisks; i++) {
		if (!is_inside(c->disks[i].file, "disks/"))
			return snapshot_tell(s, "config", "names a disk that is not in it", remedy);
		if (!c->disks[i].format || strcmp(c->disks[i].format, "qcow2"))
			return snapshot_tell(s, "config", "names a disk that is not qcow2", remedy);
	}
	json_array_foreach(json_object_get(s->info, "layers"), i, layer) {
		file = json_string_value(json_object_get(layer, "file"));
		if (!file || !is_inside(file, "disks/"))
			return snapshot_tell(s, "info", "names a layer that is not in it", remedy);
	}
	if (!host || trust)
		return 0;
	snprintf(what, sizeof(what), "names %s of this host", host);
	return snapshot_tell(s, "config", what, "use --trust if you trust its maker with that");
}

/* The disks of the VM are the snapshot's, under fresh layers. */
static int adopt(struct snapshot *s, struct vm *vm, struct config *c)
{
	char name[LAYER_NAME];
	unsigned int i;

	if (boot_share(&s->vm, vm, c))
		return -1;
	for (i = 0; i < c->ndisks; i++) {
		struct config_disk *d = &c->disks[i];
		struct layer_walk w;

		if (layers_first(&w, &s->vm, d))
			return -1;
		if (*w.info.backing)
			return snapshot_tell(s, d->file, "needs another image", "it is not from `vmctl snapshot export`");
		if (layers_share(&s->vm, vm, d) || (!d->readonly && (layers_over(vm, d, name) || layers_set(d, name))))
			return -1;
	}
	if (folder_sync(vm->fd, "disks"))
		return vmctl_errno("disks", "see whether the store's disk works");
	return keep_identity ? 0 : identity_renew(c);
}

/* The name that the archive gives: only a name. */
static int find_name(const struct vm *folder, char name[SNAPSHOT_NAME])
{
	size_t n;
	char *text = file_read(folder->fd, "info", 1 << 20, &n);
	const char *wrong = "cannot be read", *had = NULL;
	json_t *info = NULL;

	if (text && !snapshot_info_parse(text, n, &info, &wrong))
		had = json_string_value(json_object_get(info, "name"));
	if (name_option || (had && config_name_ok(had)))
		snprintf(name, SNAPSHOT_NAME, "%s", name_option ? name_option : had);
	else if (info)
		snprintf(name, SNAPSHOT_NAME, "imported");
	free(text);
	if (!info)
		return vmctl_error("info", wrong, "it is not from this version's `vmctl snapshot export`"), -1;
	json_decref(info);
	return 0;
}

/* What tar wrote it has not synced. */
static int sync_all(const struct vm *folder)
{
	return tree_sync(folder->fd, ".") ? vmctl_errno(folder->name, "see whether the store's disk works and has room") : 0;
}

static int import_into(struct vm *vm, const char *file)
{
	char temporary[112], name[SNAPSHOT_NAME];
	struct snapshot s = { .vm = { .fd = -1, .lock = -1 } };
	struct vm folder;
	struct config c;
	int err;

	config_init(&c);
	if (snapshot_begin(vm, temporary, &folder))
		return -1;
	err = unlinkat(folder.fd, "disks", AT_REMOVEDIR) || unpack(file, folder.fd) || find_name(&folder, name) ||
	      sync_all(&folder) || snapshot_commit(vm, temporary, name) ? -1 : 0;
	if (err)
		snapshot_cancel(vm, temporary, &folder);
	vm_close(&folder);
	if (!err)
		err = snapshot_open(&s, vm, name) || snapshot_config(&s, &c) || check_names(&s, &c) ||
		      snapshot_check_deep(&s, cancel_progress) || adopt(&s, vm, &c) || snapshot_set_current(vm, s.generation) || cancelled() ? -1 : 0;
	if (err)
		vm_create_cancel(vm);
	else
		err = vm_create_end(vm, &c);
	config_fini(&c);
	snapshot_close(&s);
	return err;
}

int snapshot_import(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .min = 2, .max = 2 };
	int err = -1;
	struct store s;
	struct vm vm;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (store_open(&s, a.store))
		return VMCTL_FAILED;
	cancel_catch();
	if (!vm_create_begin(&vm, &s, a.names[1])) {
		err = cancel_end(a.names[1], import_into(&vm, a.names[0]));
		vm_close(&vm);
	}
	store_close(&s);
	return err ? VMCTL_FAILED : VMCTL_OK;
}
