// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_create.c - an empty image: header, refcount table, one refcount block, L1 table.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qcow2.h"

#define CLUSTER_BITS	16
#define CLUSTER		(1ULL << CLUSTER_BITS)

/**
 * qcow2_create() - write an empty image into an empty file
 * @fd: file
 * @size: of the disk, a multiple of DISK_BLOCK
 * @backing: name of the backing file, or NULL
 * @backing_format: its format
 *
 * The caller sees to it that it reaches the disk.
 *
 * Return: 0, -EFBIG for a disk above 2 PiB, -EINVAL for a name above 1023 bytes, or another -errno.
 */
int qcow2_create(int fd, uint64_t size, const char *backing, enum disk_format backing_format)
{
	uint64_t per_l1 = CLUSTER * CLUSTER / 8, entries = size / per_l1 + !!(size % per_l1);
	uint64_t i, tables = (entries * 8 + CLUSTER - 1) / CLUSTER, used;
	struct qcow2_header h = { .cluster_bits = CLUSTER_BITS, .size = size, .l1_entries = entries,
				  .l1 = 3 * CLUSTER, .reftable = CLUSTER, .reftable_clusters = 1,
				  .refcount_order = 4, .backing_format = backing_format };
	unsigned char *head;
	int err;

	if (entries * 8 > QCOW2_L1_MAX)
		return -EFBIG;
	if (backing && strlen(backing) > 1023)
		return -EINVAL;
	if (!tables)
		tables = 1;
	used = 3 + tables;
	head = calloc(3, CLUSTER);
	if (!head)
		return -ENOMEM;
	qcow2_header_write(&h, head, backing);
	put64(head + CLUSTER, 2 * CLUSTER);
	for (i = 0; i < used; i++)
		qcow2_refcount_set(head + 2 * CLUSTER, i, 4, 1);
	err = ftruncate(fd, used * CLUSTER) ? -errno : io_write(fd, head, 3 * CLUSTER, 0);
	free(head);
	return err;
}
