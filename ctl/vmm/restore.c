// SPDX-License-Identifier: GPL-2.0-only
/*
 * restore.c - a machine that goes on where a snapshot was made: its RAM is mapped from the files of the snapshot, privately, so that
 * it runs before that is read; its parts take what the file `state` says, all of it or none.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "part.h"
#include "save.h"
#include "vmm.h"

#define AHEAD	(128UL << 10)	/* bytes: Linux (mm/readahead.c) reads no more for one call than its window, and forgets the rest */
#define STACK	(64 * 1024)

static struct vmm_part *find_part(struct vmm_part *p, const char *name)
{
	while (p && strcmp(p->name, name))
		p = p->next;
	return p;
}

static const char *fill(struct vmm_part *p, const struct state_field *f)
{
	const struct vmm_field *k;
	uint32_t i;

	if (!p)
		return "is a part that this machine does not have";
	if (p->version != f->version)
		return "was saved by another version of vmctl";
	for (i = 0; i < p->nfields; i++) {
		k = &p->fields[i];
		if (strcmp(k->name, f->name))
			continue;
		if (k->size != f->size || k->count != f->count)
			return "has another size than this vmctl's";
		memcpy((char *)p->state + k->offset, f->data, (size_t)f->size * f->count);
		return NULL;
	}
	return "is a field that this vmctl does not know";
}

static uint32_t fields_of(const struct vmm_part *p)
{
	uint32_t n = 0;

	for (; p; p = p->next)
		n += p->nfields;
	return n;
}

/* Each field once: with as many fields as there are, and none twice, none lacks. */
static bool is_first(const struct state_reader *all, const struct state_field *f)
{
	struct state_reader r = *all;
	struct state_field g;

	while (state_next(&r, &g) && g.data != f->data)
		if (!strcmp(g.part, f->part) && !strcmp(g.name, f->name))
			return false;
	return true;
}

/**
 * vmm_parts_fill() - the saved fields come into the parts' states
 * @parts: of the machine
 * @r: just opened
 * @object: filled with the name of what is wrong
 * @room: bytes there
 *
 * Nothing is live before the parts' load().
 * Return: NULL, or what is wrong with it.
 */
const char *vmm_parts_fill(struct vmm_part *parts, struct state_reader *r, char *object, size_t room)
{
	const struct state_reader all = *r;
	struct state_field f;
	const char *wrong;
	uint32_t n = 0;

	while (state_next(r, &f)) {
		snprintf(object, room, "%s: %s", f.part, f.name);
		wrong = fill(find_part(parts, f.part), &f);
		if (wrong)
			return wrong;
		/* An empty field has no place of its own to be known by, and nothing to be wrong in. */
		if (f.count && !is_first(&all, &f))
			return "is there twice";
		n++;
	}
	snprintf(object, room, "state");
	return n == fields_of(parts) ? NULL : "lacks a part that this machine has";
}

/**
 * vmm_restore_memory() - the machine's RAM is the snapshot's
 * @m: the machine, its RAM is mapped and all zero
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_restore_memory(struct vmm *m)
{
	const struct vmm_restore *r = m->config->restore;

	if (r->map.ram != m->low + m->high) {
		vmm_error("map", "is of a machine with another size of memory", "take the snapshot's configuration as it was");
		return -1;
	}
	if (map_apply(&r->map, m->ram, r->fd, PROT_READ | PROT_WRITE, MAP_PRIVATE)) {
		vmm_error("map", strerror(errno), "raise vm.max_map_count, see sysctl(8)");
		return -1;
	}
	vmm_memory_advise(m);
	return 0;
}

/* That what is mapped there may be something else by now, or nothing of a file, does no harm: it is advice. */
static void *read_ahead(void *arg)
{
	const struct vmm *m = arg;
	uint64_t size = m->low + m->high, at, n;

	for (at = 0; at < size; at += n) {
		n = size - at < AHEAD ? size - at : AHEAD;
		madvise(m->ram + at, n, MADV_WILLNEED);
	}
	return NULL;
}

/**
 * vmm_restore_prefault() - have all of the snapshot's RAM read while the guest runs, if that is wanted
 * @m: the machine, in its sandbox
 *
 * It is a thread's work: to hand out reads of much memory takes long. Who has no thread left reads when the guest does.
 */
void vmm_restore_prefault(struct vmm *m)
{
	pthread_attr_t attr;
	pthread_t id;

	if (!m->config->restore || !m->config->restore->prefault)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_create(&id, &attr, read_ahead, m);
	pthread_attr_destroy(&attr);
}

/**
 * vmm_restore_state() - the parts get their saved state, which is not live yet
 * @m: the machine, its devices exist
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_restore_state(struct vmm *m)
{
	const struct vmm_restore *s = m->config->restore;
	struct state_reader r;
	char object[160] = "state";
	const char *wrong = state_open(&r, s->state, s->state_size);

	if (!wrong)
		wrong = vmm_parts_fill(m->parts, &r, object, sizeof(object));
	if (!wrong)
		return 0;
	vmm_error(object, wrong, "use the vmctl and the configuration that the snapshot was made with");
	return -1;
}

/**
 * vmm_restore_load() - what was saved becomes live
 * @m: the machine, complete, its CPUs do not run
 *
 * Return: 0, or -1 with the error printed.
 */
int vmm_restore_load(struct vmm *m)
{
	struct vmm_part *p;

	for (p = m->parts; p; p = p->next)
		if (p->load && p->load(p->opaque))
			return -1;
	return 0;
}
