/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * order.h - which VMs are shown, in which order.
 */
#ifndef TUI_ORDER_H
#define TUI_ORDER_H

#include "telemetry/sample.h"

/* What rows are sorted by. The order is that of the columns. */
enum top_key {
	TOP_BY_NAME,
	TOP_BY_STATE,
	TOP_BY_OWNER,
	TOP_BY_VCPUS,
	TOP_BY_CPU,
	TOP_BY_EXITS,
	TOP_BY_REASON,
	TOP_BY_MEMORY,
	TOP_BY_RESIDENT,
	TOP_BY_SHARED,
	TOP_BY_GUEST,
	TOP_BY_HOST,
	TOP_BY_DISK_READ,
	TOP_BY_DISK_WRITE,
	TOP_BY_NET_RECEIVE,
	TOP_BY_NET_SEND,
	TOP_BY_AGE,
	TOP_KEYS,
};

/* order.c */
bool order_matches(const struct tel_vm *vm, const char *filter);
void order_sort(struct tel_row *rows, uint32_t n, enum top_key key, bool reverse,
		const struct tel_sample *s);
void order_tree(struct tel_row *rows, uint32_t n);

#endif /* TUI_ORDER_H */
