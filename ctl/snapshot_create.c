// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot_create.c - vmctl snapshot create: the VM forks, the child writes itself out, this command makes a snapshot of what it
 * wrote. Of a VM that does not run the disks are all there is.
 *
 * As with a fork, the VM's disks get fresh layers in its configuration before anything happens: an empty layer over a disk is that
 * disk, so whoever dies at whatever moment, the configuration is right. The VM is locked until it goes on, and for the moment
 * in which the snapshot appears.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cancel.h"
#include "disk/disk.h"
#include "layers.h"
#include "snapshot.h"
#include "subverbs.h"
#include "vmm/fork.h"

#define PAUSE_MS	60000

static const char *message = "";

static const struct argp_option options[] = {
	{ "message", 'm', "TEXT", 0, "A line for `vmctl snapshot list`", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	if (key != 'm')
		return ARGP_ERR_UNKNOWN;
	if (strpbrk(arg, "\n\r\t\033") || strlen(arg) > 500)
		return vmctl_bad_value(arg, "--message takes one line of up to 500 bytes");
	message = arg;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "VM [NAME]",
	.doc = "Makes a snapshot of a running or paused VM: its memory, CPUs, devices and disks of one moment. The VM stands "
	       "still for a fork of its process; what follows is written while it runs. Of a VM that does not run it is a "
	       "snapshot of the disks; restored, the VM does not run either. Without NAME it is called after the time.\v"
	       "Examples:\n"
	       "  vmctl snapshot create web\n"
	       "  vmctl snapshot create web before-upgrade --message 'Debian 12.8'",
};

/**
 * struct making - a snapshot on its way
 * @vm: whose
 * @off: it does not run: there are its disks alone
 * @name: of the snapshot
 * @generation: of it
 * @parent: the snapshot that the VM goes on from; @parent.info is NULL if there is none
 * @ram: of the parent
 * @temporary: the folder's name
 * @folder: the folder
 * @before: the VM's configuration, which is the snapshot's
 * @after: the VM's with the fresh layers
 * @fd: for the request, see vmm/save.h
 * @nfd: their number
 * @status: reading end of the status pipe
 * @pause_us: how long the VM stood still
 */
struct making {
	struct vm *vm;
	bool off;
	char name[SNAPSHOT_NAME], generation[GENERATION];
	struct snapshot parent;
	struct snapshot_ram ram;
	char temporary[112];
	struct vm folder;
	struct config before, after;
	int fd[VMM_FORK_FDS];
	unsigned int nfd;
	int status;
	unsigned long long pause_us;
};

static int add(struct making *k, int fd)
{
	if (fd >= 0 && k->nfd < VMM_FORK_FDS) {
		k->fd[k->nfd++] = fd;
		return 0;
	}
	if (fd >= 0) {
		close(fd);
		vmctl_error(k->vm->name, "has too many disks", "take a VM with fewer");
	}
	return -1;
}

static int add_file(struct making *k, const char *name)
{
	int fd = openat(k->folder.fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		vmctl_errno(name, "check that the VM's folder has room");
	return add(k, fd);
}

/* A parent that is damaged, gone or of another size is none: this snapshot has all of its RAM itself. */
static void find_parent(struct making *k)
{
	char generation[GENERATION];
	struct snapshot *list;
	size_t i, n;

	k->parent = (struct snapshot){ .vm.fd = -1, .vm.lock = -1 };
	snapshot_current(k->vm, generation);
	if (!generation[0] || snapshot_list(k->vm, &list, &n))
		return;
	for (i = 0; i < n && strcmp(list[i].generation, generation); i++)
		;
	if (i < n && (snapshot_open(&k->parent, k->vm, list[i].name) ||
		      (!k->off && snapshot_has_memory(&k->parent) && snapshot_ram_open(&k->parent, &k->ram))))
		snapshot_close(&k->parent);
	snapshot_list_free(list, n);
}

/* In the order of vmm/save.h. */
static int open_fixed(struct making *k)
{
	char ram[GENERATION + 8];
	int status[2];

	snprintf(ram, sizeof(ram), "%s.ram", k->generation);
	if (pipe2(status, O_CLOEXEC))
		return vmctl_errno(k->vm->name, "raise the limit on open files"), -1;
	k->status = status[0];
	return add(k, status[1]) || add_file(k, "state") || add_file(k, "map") || add_file(k, ram) ||
	       add(k, k->ram.map.nfiles ? openat(k->parent.vm.fd, "map", O_RDONLY | O_CLOEXEC) :
					  open("/dev/null", O_RDONLY | O_CLOEXEC)) ? -1 : 0;
}

static int layer_disks(struct making *k)
{
	char name[LAYER_NAME];
	unsigned int i;

	if (boot_share(k->vm, &k->folder, &k->after))
		return -1;
	for (i = 0; i < k->after.ndisks; i++) {
		struct config_disk *d = &k->after.disks[i];

		if (layers_share(k->vm, &k->folder, d))
			return -1;
		if (d->readonly)
			continue;
		if (layers_over(k->vm, d, name) || layers_set(d, name) || add(k, layers_open(k->vm, name)))
			return -1;
	}
	return 0;
}

/* The parent may be removed as soon as the VM is unlocked: its files are this snapshot's from here on, until the map says which it needs. */
static int add_parent_files(struct making *k)
{
	char name[GENERATION + 8];
	uint32_t i;

	for (i = 0; i < k->ram.map.nfiles; i++) {
		snprintf(name, sizeof(name), "%s.ram", k->ram.map.file[i]);
		if (linkat(k->parent.vm.fd, name, k->folder.fd, name, 0))
			return vmctl_errno(name, "check that the VM's folder is on one file system"), -1;
		if (add(k, fcntl(k->ram.fd[i], F_DUPFD_CLOEXEC, 3)))
			return -1;
	}
	return 0;
}

static int ask(struct making *k)
{
	json_t *request = json_pack("{s:s, s:s, s:s, s:i}", "do", "snapshot", "name", k->name, "generation",
				    k->generation, "files", (int)k->ram.map.nfiles);
	int err = client_ask_with(k->vm, request, k->fd, k->nfd, NULL);

	/* Our end of the pipe would keep it open. */
	close(k->fd[VMM_SAVE_STATUS]);
	k->fd[VMM_SAVE_STATUS] = -1;
	return err;
}

/* A line of the pipe. 1: it is written, -1: it will not be, told. */
static int hear_line(struct making *k, const char *line)
{
	unsigned long long n;

	if (sscanf(line, "P %llu", &n) == 1) {
		k->pause_us = n;
		vm_unlock(k->vm);
	} else if (sscanf(line, "M %llu", &n) == 1) {
		progress_show(n, k->before.memory);
	} else if (!strcmp(line, "D")) {
		return 1;
	} else if (*line == 'E') {
		vmctl_error(k->vm->name, line + 2, "make room where the VM's folder is, and try again");
		return -1;
	}
	return 0;
}

static int tell_lost(const struct making *k)
{
	if (!cancelled())
		vmctl_error(k->vm->name, "its process does not write the snapshot", "see `vmctl info` and the file vmm.log");
	return -1;
}

/* Both have to speak: the VM goes on, and the snapshot is written. */
static int hear(struct making *k)
{
	struct pollfd p = { .fd = k->status, .events = POLLIN };
	char text[256], *newline;
	bool written = false;
	size_t n = 0;
	ssize_t got;
	int result;

	while (!cancelled() && (!written || k->vm->lock >= 0) && poll(&p, 1, PAUSE_MS) > 0) {
		got = read(k->status, text + n, sizeof(text) - 1 - n);
		if (got <= 0)
			break;
		n += got;
		text[n] = 0;
		while ((newline = strchr(text, '\n'))) {
			*newline = 0;
			result = hear_line(k, text);
			if (result < 0)
				return -1;
			written |= result;
			n -= newline + 1 - text;
			memmove(text, newline + 1, n + 1);
		}
	}
	progress_show(k->before.memory, k->before.memory);
	return written && k->vm->lock < 0 ? 0 : tell_lost(k);
}

/* The VM that ended had its layers synced if it ended well; now they are for good. */
static int sync_disks(struct making *k)
{
	unsigned int i;
	int fd, err;

	for (i = 0; i < k->before.ndisks; i++) {
		const struct config_disk *d = &k->before.disks[i];

		fd = d->readonly ? -1 : openat(k->folder.fd, d->file, O_RDONLY | O_CLOEXEC);
		if (d->readonly)
			continue;
		err = fd < 0 || fsync(fd);
		if (fd >= 0)
			close(fd);
		if (err)
			return vmctl_errno(d->file, "see whether its disk works"), -1;
	}
	return 0;
}

static int sync_files(struct making *k)
{
	unsigned int i;

	if (folder_sync(k->folder.fd, "disks"))
		return vmctl_errno("disks", "see whether its disk works"), -1;
	if (k->off)
		return sync_disks(k);
	for (i = VMM_SAVE_STATE; i <= VMM_SAVE_RAM; i++)
		if (fsync(k->fd[i]))
			return vmctl_errno(k->name, "see whether its disk works"), -1;
	return 0;
}

static bool is_named(const struct ram_map *map, const char *file)
{
	uint32_t i;

	for (i = 0; i < map->nfiles; i++)
		if (!strcmp(map->file[i], file))
			return true;
	return false;
}

/* Of the parent's files those that the map does not name any more are not this snapshot's. */
static int drop_files(struct making *k)
{
	char name[GENERATION + 8];
	struct ram_map map = { 0 };
	const char *wrong;
	size_t n;
	void *data = file_read(k->folder.fd, "map", MAP_MAX, &n);
	uint32_t i;
	int err = 0;

	wrong = data ? map_parse(&map, data, n) : "cannot be read";
	for (i = 0; !wrong && !err && i < k->ram.map.nfiles; i++) {
		if (is_named(&map, k->ram.map.file[i]))
			continue;
		snprintf(name, sizeof(name), "%s.ram", k->ram.map.file[i]);
		err = unlinkat(k->folder.fd, name, 0);
	}
	map_fini(&map);
	if (wrong)
		return vmctl_error("map", wrong, "see the VM's file vmm.log"), -1;
	return err ? (vmctl_errno(k->name, "check the VM's folder"), -1) : 0;
}

/* A layer that was frozen before has its checksum already. */
static const char *known_sum(const struct making *k, const char *file, json_int_t size)
{
	const json_t *layer;
	size_t i;

	json_array_foreach(json_object_get(k->parent.info, "layers"), i, layer) {
		const char *name = json_string_value(json_object_get(layer, "file"));

		if (name && !strcmp(name, file) && json_integer_value(json_object_get(layer, "size")) == size)
			return json_string_value(json_object_get(layer, "sum"));
	}
	return NULL;
}

/* @unknown: the bytes of those whose checksum is to be found out. */
static int add_layer(struct making *k, json_t *layers, const char *file, uint64_t *unknown)
{
	const char *known;
	struct stat st;

	if (fstatat(k->folder.fd, file, &st, 0))
		return vmctl_errno(file, "check the VM's disks"), -1;
	if (*file == '/')
		return json_array_append_new(layers, json_pack("{s:s, s:I, s:I}", "file", file, "size",
							       (json_int_t)st.st_size, "changed", (json_int_t)st.st_mtime));
	known = known_sum(k, file, st.st_size);
	if (!known)
		*unknown += st.st_size;
	return json_array_append_new(layers, json_pack("{s:s, s:I, s:s*}", "file", file, "size", (json_int_t)st.st_size, "sum",
						       known));
}

static int add_chain(struct making *k, json_t *layers, const struct config_disk *d, uint64_t *unknown)
{
	struct layer_walk w;
	int more = layers_first(&w, &k->folder, d) ? -1 : 1;

	while (more > 0) {
		if (add_layer(k, layers, w.name, unknown))
			return -1;
		more = layers_next(&w);
	}
	return more;
}

static int sum_layers(struct making *k, json_t *layers, uint64_t unknown)
{
	struct snapshot_work w = { .progress = cancel_progress, .all = unknown };
	const char *file;
	uint64_t size;
	json_t *layer;
	char sum[17];
	size_t i;

	json_array_foreach(layers, i, layer) {
		file = json_string_value(json_object_get(layer, "file"));
		if (*file == '/' || json_object_get(layer, "sum"))
			continue;
		if (snapshot_sum_file(k->folder.fd, file, &size, sum, &w)) {
			if (errno != ECANCELED)
				vmctl_errno(file, "check the VM's disks");
			return -1;
		}
		json_object_set_new(layer, "sum", json_string(sum));
	}
	return 0;
}

static json_t *layers_of(struct making *k)
{
	json_t *layers = json_array();
	uint64_t unknown = 0;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < k->before.ndisks; i++)
		err = add_chain(k, layers, &k->before.disks[i], &unknown);
	if (!err && !sum_layers(k, layers, unknown))
		return layers;
	json_decref(layers);
	return NULL;
}

static int add_sum(struct making *k, json_t *files, const char *name)
{
	uint64_t size;
	char sum[17];

	if (snapshot_sum_file(k->folder.fd, name, &size, sum, NULL))
		return vmctl_errno(name, "check that the VM's folder has room"), -1;
	return json_object_set_new(files, name, json_pack("{s:I, s:s}", "size", (json_int_t)size, "sum", sum));
}

static json_t *files_of(struct making *k)
{
	json_t *files = json_object();
	int err = add_sum(k, files, "config");
	unsigned int i;

	if (!err && !k->off)
		err = add_sum(k, files, "state") || add_sum(k, files, "map");
	for (i = 0; !err && i < BOOT_FILES; i++)
		if (boot_inside(&k->before, i))
			err = add_sum(k, files, boot_name(i));
	if (!err)
		return files;
	json_decref(files);
	return NULL;
}

static json_t *ancestors_of(const struct making *k)
{
	json_t *list = json_array();

	if (k->parent.info) {
		json_array_append_new(list, json_string(k->parent.generation));
		json_array_extend(list, json_object_get(k->parent.info, "ancestors"));
	}
	return list;
}

static int write_info(struct making *k)
{
	json_t *files = files_of(k), *layers = files ? layers_of(k) : NULL, *info;
	struct stat st = { 0 };
	int err;

	if (!layers || (!k->off && fstat(k->fd[VMM_SAVE_RAM], &st))) {
		json_decref(files);
		return -1;
	}
	info = json_pack("{s:s, s:s, s:s, s:o, s:I, s:s, s:I, s:s, s:I, s:I, s:o, s:o}", "generation", k->generation,
			 "vm", k->vm->name, "uuid", k->before.uuid ? k->before.uuid : "", "ancestors", ancestors_of(k),
			 "created", (json_int_t)time(NULL), "message", message, "pause_us", (json_int_t)k->pause_us, "cpu",
			 snapshot_cpu(), "memory", (json_int_t)(k->off ? 0 : k->before.memory), "written",
			 (json_int_t)st.st_blocks * 512, "files", files, "layers", layers);
	if (info && k->off)
		snapshot_info_of_disks(info);
	err = info ? snapshot_info_write(k->folder.fd, info) : -1;
	json_decref(info);
	return err ? (vmctl_errno(k->name, "check that the VM's folder has room"), -1) : 0;
}

static int prepare(struct making *k)
{
	find_parent(k);
	if (vm_config_write(&k->folder, &k->before) || (!k->off && open_fixed(k)) || layer_disks(k) || add_parent_files(k) ||
	    (k->after.ndisks && vm_config_write(k->vm, &k->after)))
		return -1;
	/* What is frozen now nobody writes, also who starts the VM meanwhile. */
	if (k->off)
		vm_unlock(k->vm);
	return 0;
}

/* The VM may have got more layers than `after` has, since it goes on. */
static void collect(struct vm *vm)
{
	struct config is;

	if (!vm_config(vm, &is))
		layers_collect(vm, &is);
	config_fini(&is);
}

static int complete(struct making *k)
{
	int err = sync_files(k) || (!k->off && drop_files(k)) || write_info(k) || fsync(k->folder.fd) || cancelled() ||
		  vm_lock(k->vm);

	if (!err)
		err = snapshot_commit(k->vm, k->temporary, k->name);
	/* Only what a later one is compared with hangs on it. */
	if (!err && snapshot_set_current(k->vm, k->generation))
		vmctl_errno(k->vm->name, "check that the VM's folder has room");
	if (!err)
		collect(k->vm);
	return err;
}

static int make(struct making *k)
{
	int err = snapshot_begin(k->vm, k->temporary, &k->folder);

	if (err)
		return err;
	err = prepare(k) || (!k->off && (ask(k) || hear(k))) || complete(k) ? -1 : 0;
	/* From here on the VM's process notices that nobody listens, if it still writes. */
	if (err)
		snapshot_cancel(k->vm, k->temporary, &k->folder);
	vm_close(&k->folder);
	return err;
}

static void finish(struct making *k)
{
	while (k->nfd--)
		if (k->fd[k->nfd] >= 0)
			close(k->fd[k->nfd]);
	if (k->status >= 0)
		close(k->status);
	snapshot_ram_close(&k->ram);
	snapshot_close(&k->parent);
	config_fini(&k->before);
	config_fini(&k->after);
}

static int check_name(struct making *k, const char *name)
{
	char **names;
	size_t i, n;
	bool taken = false;
	time_t now = time(NULL);

	if (name)
		snprintf(k->name, sizeof(k->name), "%s", name);
	else
		strftime(k->name, sizeof(k->name), "%Y-%m-%d_%H.%M.%S", localtime(&now));
	if (snapshot_names(k->vm, &names, &n))
		return -1;
	for (i = 0; i < n; i++)
		taken |= !strcmp(names[i], k->name);
	store_free_names(names, n);
	return taken ? vmctl_error(k->name, "there is such a snapshot already", "choose another name") : 0;
}

static int work(struct vm *vm, const struct vmctl_args *a)
{
	struct making k = { .vm = vm, .status = -1, .parent.vm = { .fd = -1, .lock = -1 } };
	struct vm_status status;
	int err;

	if (run_status(vm->fd, &status))
		return vmctl_errno(vm->name, "check the VM's folder");
	k.off = !status.pid;
	cancel_catch();
	config_init(&k.before);
	config_init(&k.after);
	err = check_name(&k, a->n > 1 ? a->names[1] : NULL) || identity_uuid(k.generation) ||
	      vm_config(vm, &k.before) || vm_config(vm, &k.after) || cancel_end(k.name, make(&k));
	if (!err && isatty(STDOUT_FILENO))
		printf(k.off ? "%s: of the disks of %s, which does not run\n" : "%s: %s stood still for %llu us\n", k.name,
		       vm->name, k.pause_us);
	finish(&k);
	return err ? VMCTL_FAILED : VMCTL_OK;
}

int snapshot_create(int argc, char **argv)
{
	struct vmctl_args a = { .argp = &argp, .min = 1, .max = 2 };

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (a.n > 1 && !config_name_ok(a.names[1]))
		return vmctl_usage(a.names[1], "is no name for a snapshot");
	return snapshot_with(&a, true, work);
}
