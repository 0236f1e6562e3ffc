// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - whether an image contradicts itself.
 */
#include <errno.h>

#include "qcow2.h"

/**
 * disk_check() - check the top layer
 * @d: disk that nobody else uses; DISK_NO_BACKING will do
 * @repair_leaks: free what nobody uses, if there are no errors; the disk must be writable
 * @result: filled
 *
 * Return: 0, -EOPNOTSUPP for a format with nothing to check or an image with bitmaps, or another -errno.
 */
int disk_check(struct disk *d, bool repair_leaks, struct disk_check *result)
{
	struct qcow2_check c;
	struct qcow2 *q;
	int err;

	if (d->top->format != DISK_QCOW2)
		return -EOPNOTSUPP;
	q = d->top->private;
	if (q->h.bitmaps)
		return -EOPNOTSUPP;
	if (repair_leaks && disk_is_read_only(d))
		return -EROFS;
	gate_change(&d->gate);
	err = qcow2_check(q, repair_leaks, false, &c);
	gate_changed(&d->gate);
	*result = (struct disk_check){ .clusters = c.clusters, .used = c.used, .leaks = c.leaks,
				       .errors = c.errors, .repaired = c.repaired };
	return err;
}
