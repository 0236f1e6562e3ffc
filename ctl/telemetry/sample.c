// SPDX-License-Identifier: GPL-2.0-only
/*
 * sample.c - samples: made, filled, searched, freed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/figures.h"
#include "telemetry/sample.h"

/**
 * sample_new() - an empty sample
 *
 * Return: to be given to sample_free(), or NULL.
 */
struct tel_sample *sample_new(void)
{
	return calloc(1, sizeof(struct tel_sample));
}

/**
 * sample_free() - a sample and all it has
 * @s: may be NULL
 */
void sample_free(struct tel_sample *s)
{
	uint32_t i, k;

	if (!s)
		return;
	for (i = 0; i < s->nvms; i++) {
		for (k = 0; k < s->vms[i].nvcpus; k++)
			free(s->vms[i].vcpus[k].exits);
		free(s->vms[i].vcpus);
	}
	free(s->vms);
	free(s->events);
	free(s->reasons);
	free(s);
}

/* Room for one more at the end of an array that doubles: it is full when its length is a power of two. */
static void *grow(void *array, uint32_t *n, size_t size)
{
	void **at = array;
	char *more = *at;

	if (!(*n & (*n - 1))) {
		more = realloc(*at, (*n ? *n * 2UL : 1) * size);
		if (!more)
			return NULL;
		*at = more;
	}
	return memset(more + (*n)++ * size, 0, size);
}

/**
 * sample_add_vm() - one more VM
 * @s: the sample; pointers to its other VMs are invalid afterwards
 *
 * Return: zeroes to be filled in, or NULL.
 */
struct tel_vm *sample_add_vm(struct tel_sample *s)
{
	return grow(&s->vms, &s->nvms, sizeof(*s->vms));
}

/**
 * sample_add_vcpu() - one more vCPU
 * @vm: its VM
 *
 * Return: zeroes to be filled in, or NULL.
 */
struct tel_vcpu *sample_add_vcpu(struct tel_vm *vm)
{
	return grow(&vm->vcpus, &vm->nvcpus, sizeof(*vm->vcpus));
}

/**
 * sample_add_exit() - one more exit reason
 * @v: its vCPU
 *
 * Return: zeroes to be filled in, or NULL.
 */
struct tel_exit *sample_add_exit(struct tel_vcpu *v)
{
	return grow(&v->exits, &v->nexits, sizeof(*v->exits));
}

/**
 * sample_add_event() - one more event
 * @s: the sample
 *
 * Return: zeroes to be filled in, or NULL.
 */
struct tel_event *sample_add_event(struct tel_sample *s)
{
	return grow(&s->events, &s->nevents, sizeof(*s->events));
}

/**
 * sample_reason() - the number of an exit reason
 * @s: the sample
 * @name: of the reason; a new one gets the next number
 *
 * Return: the index, or -1 without memory.
 */
int sample_reason(struct tel_sample *s, const char *name)
{
	char (*fresh)[TEL_WORD], word[TEL_WORD];
	uint32_t i;

	snprintf(word, sizeof(word), "%s", name);
	figure_clean(word);
	for (i = 0; i < s->nreasons; i++)
		if (!strcmp(s->reasons[i], word))
			return i;
	fresh = grow(&s->reasons, &s->nreasons, sizeof(*s->reasons));
	if (!fresh)
		return -1;
	snprintf(*fresh, sizeof(*fresh), "%s", word);
	return s->nreasons - 1;
}

static int by_id(const void *a, const void *b)
{
	const struct tel_vm *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/**
 * sample_sort() - bring the VMs into the order that sample_find() needs
 * @s: the sample
 */
void sample_sort(struct tel_sample *s)
{
	if (s->nvms)
		qsort(s->vms, s->nvms, sizeof(*s->vms), by_id);
}

/**
 * sample_find() - a VM
 * @s: the sample, or NULL
 * @id: of the VM
 *
 * Return: the VM, or NULL.
 */
struct tel_vm *sample_find(const struct tel_sample *s, uint64_t id)
{
	struct tel_vm key = { .id = id };

	if (!s || !s->nvms)
		return NULL;
	return bsearch(&key, s->vms, s->nvms, sizeof(key), by_id);
}
