// SPDX-License-Identifier: GPL-2.0-only
/*
 * order.c - which VMs are shown, in which order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"

/**
 * order_matches() - does the filter let a VM through?
 * @vm: the VM
 * @filter: words between blanks: each has to be in its name, owner or state, whatever the case
 *
 * Return: whether.
 */
bool order_matches(const struct tel_vm *vm, const char *filter)
{
	char word[TEL_NAME];
	size_t n;

	for (;;) {
		filter += strspn(filter, " ");
		n = strcspn(filter, " ");
		if (!n)
			return true;
		snprintf(word, sizeof(word), "%.*s", (int)n, filter);
		if (!strcasestr(vm->name, word) && !strcasestr(vm->owner, word) &&
		    !strcasestr(vm->state, word))
			return false;
		filter += n;
	}
}

static struct {
	enum top_key key;
	bool reverse;
	const struct tel_sample *sample;
} order;

static double number(const struct tel_row *r)
{
	switch (order.key) {
	case TOP_BY_VCPUS:
		return r->vm->nvcpus;
	case TOP_BY_CPU:
		return r->cpu;
	case TOP_BY_GUEST:
		return r->guest;
	case TOP_BY_HOST:
		return r->host;
	case TOP_BY_EXITS:
		return r->exits;
	case TOP_BY_MEMORY:
		return r->vm->memory;
	case TOP_BY_RESIDENT:
		return r->vm->resident;
	case TOP_BY_SHARED:
		return r->vm->shared;
	case TOP_BY_DISK_READ:
		return r->disk_read;
	case TOP_BY_DISK_WRITE:
		return r->disk_write;
	case TOP_BY_NET_RECEIVE:
		return r->net_receive;
	case TOP_BY_NET_SEND:
		return r->net_send;
	default:
		return r->age;
	}
}

static const char *reason_of(const struct tel_row *r)
{
	return r->reason < 0 ? "" : order.sample->reasons[r->reason];
}

/* Words ascend, numbers descend: the largest is what one looks for. */
static int compare_keys(const struct tel_row *x, const struct tel_row *y)
{
	double a, b;

	switch (order.key) {
	case TOP_BY_NAME:
		return strcmp(x->vm->name, y->vm->name);
	case TOP_BY_STATE:
		return strcmp(x->vm->state, y->vm->state);
	case TOP_BY_OWNER:
		return strcmp(x->vm->owner, y->vm->owner);
	case TOP_BY_REASON:
		return strcmp(reason_of(x), reason_of(y));
	default:
		a = number(x);
		b = number(y);
		return a < b ? 1 : a > b ? -1 : 0;
	}
}

static int compare(const void *a, const void *b)
{
	const struct tel_row *x = a, *y = b;
	int c = compare_keys(x, y);

	if (order.reverse)
		c = -c;
	/* Equal ones keep their places from one refresh to the next. */
	return c ? c : x->vm->id < y->vm->id ? -1 : x->vm->id > y->vm->id;
}

/**
 * order_sort() - sort rows; numbers begin with the largest, words with the first
 * @rows: the rows
 * @n: their number
 * @key: by what
 * @reverse: the other way round
 * @s: the sample of the rows
 */
void order_sort(struct tel_row *rows, uint32_t n, enum top_key key, bool reverse,
		const struct tel_sample *s)
{
	order.key = key;
	order.reverse = reverse;
	order.sample = s;
	qsort(rows, n, sizeof(*rows), compare);
}

/**
 * order_tree() - put forks below the VM they were forked from, else keep the order
 * @rows: the rows; their depths are set
 * @n: their number
 *
 * A row whose parent is not among them is a root, as is what only has itself for an ancestor.
 */
void order_tree(struct tel_row *rows, uint32_t n)
{
	struct tel_row *out = calloc(n ? n : 1, sizeof(*out));
	bool *done = calloc(n ? n : 1, sizeof(*done));
	uint32_t i, k, from, at = 0;

	/* Each round places those whose parent stands already, right behind it and its other children. */
	for (i = 0; out && done && i < n; i++) {
		for (k = 0; k < n; k++)
			if (rows[k].vm->id == rows[i].vm->parent && k != i)
				break;
		if (k < n)
			continue;
		rows[i].depth = 0;
		out[at++] = rows[i];
		done[i] = true;
	}
	for (from = 0; out && done && from < at; from++) {
		uint32_t end = from + 1;

		for (i = 0; i < n; i++) {
			if (done[i] || rows[i].vm->parent != out[from].vm->id)
				continue;
			memmove(out + end + 1, out + end, (at - end) * sizeof(*out));
			out[end] = rows[i];
			out[end++].depth = out[from].depth + 1;
			done[i] = true;
			at++;
		}
	}
	for (i = 0; out && done && i < n; i++)
		if (!done[i])
			out[at++] = rows[i];
	if (out && done)
		memcpy(rows, out, n * sizeof(*out));
	free(out);
	free(done);
}
