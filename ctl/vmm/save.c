// SPDX-License-Identifier: GPL-2.0-only
/*
 * save.c - what a fork of a VM does that is to become a snapshot: it writes its state and its RAM, and is gone. The VM itself goes on
 * meanwhile; see fork.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/layer.h"
#include "part.h"
#include "save.h"
#include "snapshot/ram.h"
#include "vmm.h"

static int write_all(int fd, const void *from, size_t n)
{
	errno = -io_write(fd, from, n, 0);
	return errno ? -1 : 0;
}

static int write_state(struct vmm *m, const char *generation, int fd)
{
	struct state_writer w;
	struct vmm_part *p;
	uint32_t i;
	int err;

	state_begin(&w, generation);
	for (p = m->parts; p; p = p->next)
		for (i = 0; i < p->nfields; i++)
			state_put(&w, p->name, p->version, p->fields[i].name, p->fields[i].size,
				  p->fields[i].count, (const char *)p->state + p->fields[i].offset);
	errno = ENOMEM;
	err = w.failed ? -1 : write_all(fd, w.data, w.n);
	free(w.data);
	return err;
}

static int write_map(const struct ram_map *map, int fd)
{
	size_t n;
	void *text = map_print(map, &n);
	int err = text ? write_all(fd, text, n) : -1;

	free(text);
	return err;
}

/* The parent's map, if there is one that helps. */
static bool read_parent(struct ram_map *parent, const struct ram_map *map, int fd, unsigned int nfiles)
{
	struct stat st;
	void *data = NULL;
	bool fits = false;

	*parent = (struct ram_map){ 0 };
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= MAP_MAX)
		data = malloc(st.st_size);
	if (data && pread(fd, data, st.st_size, 0) == st.st_size)
		fits = !map_parse(parent, data, st.st_size) && ram_parent_fits(map, parent) && parent->nfiles == nfiles;
	else
		free(data);
	return fits;
}

/* The parent's RAM where it can be compared with; NULL if that cannot be had, which costs room and nothing else. */
static void *view_of(const struct ram_map *parent, const int *files)
{
	void *view = mmap(NULL, parent->ram, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t i;

	if (view == MAP_FAILED)
		return NULL;
	for (i = 0; i < parent->nfiles; i++)
		if (map_file_check(files[i], parent->file[i], parent->ram))
			return NULL;
	return map_apply(parent, view, files, PROT_READ, MAP_SHARED) ? NULL : view;
}

static bool say(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool progress(void *opaque, uint64_t done)
{
	char text[40];

	snprintf(text, sizeof(text), "M %llu\n", (unsigned long long)done);
	return say(*(const int *)opaque, text);
}

static int write_ram(struct vmm *m, const char *generation, const int *fd, const int *files, unsigned int nfiles)
{
	int status = fd[VMM_SAVE_STATUS], err;
	struct ram_map map, parent;
	struct ram_writer w = { .ram = m->ram, .fd = fd[VMM_SAVE_RAM], .map = &map, .progress = progress,
				.opaque = &status };

	if (map_init(&map, generation, m->low + m->high))
		return -1;
	if (read_parent(&parent, &map, fd[VMM_SAVE_PARENT], nfiles)) {
		w.view = view_of(&parent, files);
		w.parent = w.view ? &parent : NULL;
	}
	err = ram_write(&w) || write_map(&map, fd[VMM_SAVE_MAP]) ? -1 : 0;
	return err;
}

/**
 * vmm_save_write() - in the child of a fork: write the machine, and end
 * @m: the machine, all of whose parts are saved
 * @generation: of the snapshot
 * @fd: of the request, VMM_SAVE_FIXED of them
 * @files: the parent's RAM files
 * @nfiles: their number
 *
 * Does not return. Who asked syncs the files.
 */
void vmm_save_write(struct vmm *m, const char *generation, const int *fd, const int *files, unsigned int nfiles)
{
	char text[100] = "D\n";
	int err = write_state(m, generation, fd[VMM_SAVE_STATE]) || write_ram(m, generation, fd, files, nfiles);

	if (err)
		snprintf(text, sizeof(text), "E %s\n", strerror(errno));
	say(fd[VMM_SAVE_STATUS], text);
	_exit(err);
}
