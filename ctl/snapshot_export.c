// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot_export.c - vmctl snapshot export and import: a snapshot as one file, which needs nothing else, and back.
 *
 * The file is an archive of tar, compressed by zstd: a snapshot's folder whose memory is one file and whose disks are one layer each. Both
 * programs do it better than we would; what comes out of an archive is taken for a snapshot only after each file of it was looked at,
 * all of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk/disk.h"
#include "layers.h"
#include "snapshot.h"
#include "snapshot/ram.h"
#include "subverbs.h"

static const char *name_option;
static bool keep_identity;
static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = sig;
}

static const struct argp export_argp = {
	.args_doc = "VM NAME FILE",
	.doc = "Writes a snapshot into one compressed file that needs nothing else: memory, state, and the whole of each disk.\v"
	       "Examples:\n"
	       "  vmctl snapshot export web before-upgrade web.snapshot",
};

static const struct argp_option import_options[] = {
	{ "name", 'n', "NAME", 0, "Name of the snapshot (default: the one it had)", 0 },
	{ "keep-identity", 'k', NULL, 0, "Keep the VM's UUID and network addresses: it has moved", 0 },
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
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp import_argp = {
	.options = import_options, .parser = parse, .args_doc = "FILE NEW",
	.doc = "Makes a VM of a file of `vmctl snapshot export`: a new one, which does not run and has the snapshot. Its disks are "
	       "those of the snapshot.\v"
	       "Examples:\n"
	       "  vmctl snapshot import web.snapshot web\n"
	       "  vmctl snapshot restore web before-upgrade",
};

static bool progress(uint64_t done, uint64_t all)
{
	progress_show(done, all);
	return !stopped;
}

static bool ram_progress(void *opaque, uint64_t done)
{
	return progress(done, *(const uint64_t *)opaque);
}

static void be_tar(const char *const argv[], int folder, int in, int out, int words)
{
	if (in >= 0)
		dup2(in, STDIN_FILENO);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	dup2(words, STDERR_FILENO);
	if (!fchdir(folder))
		execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(127);
}

/* The first line of what tar, or zstd under it, said: that is the cause of the rest. */
static void tell_tar(const char *file, const char *what, const char *remedy, int words)
{
	char line[160], text[300];
	ssize_t n = pread(words, line, sizeof(line) - 1, 0);

	line[n < 0 ? 0 : n] = 0;
	line[strcspn(line, "\r\n")] = 0;
	snprintf(text, sizeof(text), *line ? "%s (%s)" : "%s", what, line);
	vmctl_error(file, text, remedy);
}

/**
 * struct tar - how tar is run
 * @argv: its arguments
 * @folder: in which
 * @in: its standard input, or -1
 * @out: its standard output, or -1
 * @what: is told if it fails
 * @remedy: for that
 */
struct tar {
	const char *const *argv;
	int folder, in, out;
	const char *what, *remedy;
};

static int run_tar(const struct tar *t, const char *file)
{
	int status = 0, words = memfd_create("tar", MFD_CLOEXEC);
	pid_t child = words < 0 ? -1 : fork();

	if (!child)
		be_tar(t->argv, t->folder, t->in, t->out, words);
	if (child < 0) {
		vmctl_errno("tar", "raise the limits on processes and open files");
		status = -1;
	}
	while (child > 0 && waitpid(child, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		status = -1;
		break;
	}
	if (child > 0 && status)
		tell_tar(file, stopped ? "was cancelled" : t->what, t->remedy, words);
	if (words >= 0)
		close(words);
	return status ? -1 : 0;
}

/* ---- export ---- */

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
		if (err)
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
	err = disk_copy(source, target, progress, &reading);
	disk_close(target);
	disk_close(source);
	if (err) {
		errno = -err;
		return vmctl_errno(reading ? d->file : name, "see whether its disk works and has room"), -1;
	}
	return layers_set(d, name);
}

static int write_parts(const struct snapshot *s, int folder, struct config *c)
{
	unsigned int i;
	char *text;
	int err;

	if (snapshot_has_memory(s) && linkat(s->vm.fd, "state", folder, "state", 0))
		return vmctl_errno("state", "check the VM's folder"), -1;
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
	uint64_t size;
	char sum[17];

	if (snapshot_sum_file(folder, name, &size, sum))
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
	return err ? (vmctl_errno("info", "make room where the VM's folder is"), -1) : 0;
}

/*
 * A file without a name in the folder where @file shall be: nothing is left of it whatever happens. Where there is none of these,
 * one with another name. @part: what to link from.
 */
static int create_part(const char *file, char part[PATH_MAX])
{
	const char *slash = strrchr(file, '/');
	int fd;

	snprintf(part, PATH_MAX, "%.*s", slash ? (int)(slash - file) + 1 : 1, slash ? file : ".");
	fd = open(part, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd >= 0) {
		snprintf(part, PATH_MAX, "/proc/self/fd/%d", fd);
		return fd;
	}
	snprintf(part, PATH_MAX, "%s.%d.part", file, getpid());
	return open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static int pack(int folder, const char *file)
{
	static const char *const argv[] = { "tar", "--zstd", "--sparse", "--format=posix", "--owner=0", "--group=0", "--numeric-owner",
					    "--sort=name", "--exclude=./lock", "-cf", "-", ".", NULL };
	char part[PATH_MAX];
	int out = create_part(file, part), err;

	if (out < 0)
		return vmctl_errno(file, "name a file where you may write"), -1;
	err = run_tar(&(struct tar){ argv, folder, -1, out, "tar could not write it",
				     "see whether its disk has room, and that zstd is installed" }, file);
	if (!err && (fsync(out) || linkat(AT_FDCWD, part, AT_FDCWD, file, AT_SYMLINK_FOLLOW)))
		err = vmctl_errno(file, errno == EEXIST ? "choose another name or remove it" : "see whether its disk has room");
	/* The one without a name has none to remove. */
	unlink(part);
	close(out);
	return err ? -1 : 0;
}

static int export_work(struct vm *vm, const struct vmctl_args *a)
{
	char temporary[112];
	struct snapshot s;
	struct config c;
	struct vm folder;
	int err;

	config_init(&c);
	err = snapshot_open(&s, vm, a->names[1]) || snapshot_check(&s) || snapshot_config(&s, &c) ||
	      snapshot_begin(vm, temporary, &folder) ? -1 : 0;
	vm_unlock(vm);
	if (!err) {
		err = write_parts(&s, folder.fd, &c) || write_record(&s, folder.fd, &c) || pack(folder.fd, a->names[2]);
		snapshot_cancel(vm, temporary, &folder);
	}
	config_fini(&c);
	snapshot_close(&s);
	return err ? VMCTL_FAILED : VMCTL_OK;
}

int snapshot_export(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &export_argp, .min = 3, .max = 3 };

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (!access(a.names[2], F_OK))
		return vmctl_error(a.names[2], "it is there already", "choose another name or remove it");
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	return snapshot_with(&a, true, export_work);
}

/* ---- import ---- */

/* Nothing but regular files, of one name each, and the folder of the disks: no archive may lead anywhere else. */
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
		if (!err && top && S_ISDIR(st.st_mode) && !strcmp(e->d_name, "disks")) {
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
	err = run_tar(&(struct tar){ argv, folder, in, -1, "tar could not read it",
				     "see whether it is whole, the store has room, and zstd is installed" }, file);
	close(in);
	return err ? -1 : check_tree(folder, file, true);
}

/* The disks of the VM are the snapshot's, under fresh layers; nothing of the snapshot's may be outside of its folder. */
static int adopt(struct snapshot *s, struct vm *vm, struct config *c)
{
	char name[LAYER_NAME];
	unsigned int i;

	for (i = 0; i < c->ndisks; i++) {
		struct config_disk *d = &c->disks[i];
		struct layer_walk w;

		if (strncmp(d->file, "disks/", 6) || strchr(d->file + 6, '/') || layers_first(&w, &s->vm, d) || *w.info.backing)
			return snapshot_tell(s, "config", "names a disk that is not in it", "it is not from `vmctl snapshot export`");
		if (layers_share(&s->vm, vm, d) || (!d->readonly && (layers_over(vm, d, name) || layers_set(d, name))))
			return -1;
	}
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
	      snapshot_commit(vm, temporary, name) ? -1 : 0;
	if (err)
		snapshot_cancel(vm, temporary, &folder);
	vm_close(&folder);
	if (!err)
		err = snapshot_open(&s, vm, name) || snapshot_check_deep(&s, progress_show) || snapshot_config(&s, &c) ||
		      adopt(&s, vm, &c) || snapshot_set_current(vm, s.generation) ? -1 : 0;
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
	struct vmctl_args a = { .argp = &import_argp, .min = 2, .max = 2 };
	int err = -1;
	struct store s;
	struct vm vm;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (store_open(&s, a.store))
		return VMCTL_FAILED;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (!vm_create_begin(&vm, &s, a.names[1])) {
		err = import_into(&vm, a.names[0]);
		vm_close(&vm);
	}
	store_close(&s);
	return err ? VMCTL_FAILED : VMCTL_OK;
}
