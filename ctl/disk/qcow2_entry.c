// SPDX-License-Identifier: GPL-2.0-only
/*
 * qcow2_entry.c - refcounts of any width inside their block, and entries of compressed clusters.
 */
#include "qcow2.h"

/**
 * qcow2_refcount_get() - one refcount
 * @block: refcount block or a part of it
 * @i: index in @block
 * @order: log2 of the width in bits, 0..6
 *
 * Return: its value.
 */
uint64_t qcow2_refcount_get(const void *block, uint64_t i, unsigned int order)
{
	const unsigned char *b = block;
	unsigned int bits = 1u << order;

	switch (order) {
	case 3:
		return b[i];
	case 4:
		return b[2 * i] << 8 | b[2 * i + 1];
	case 5:
		return get32(b + 4 * i);
	case 6:
		return get64(b + 8 * i);
	default:
		return b[i * bits / 8] >> (i * bits % 8) & ((1u << bits) - 1);
	}
}

/**
 * qcow2_refcount_set() - change one refcount
 * @block: refcount block or a part of it
 * @i: index in @block
 * @order: log2 of the width in bits, 0..6
 * @v: value, fits the width
 */
void qcow2_refcount_set(void *block, uint64_t i, unsigned int order, uint64_t v)
{
	unsigned char *b = block;
	unsigned int bits = 1u << order, shift, mask;

	switch (order) {
	case 3:
		b[i] = v;
		break;
	case 4:
		b[2 * i] = v >> 8;
		b[2 * i + 1] = v;
		break;
	case 5:
		put32(b + 4 * i, v);
		break;
	case 6:
		put64(b + 8 * i, v);
		break;
	default:
		shift = i * bits % 8;
		mask = ((1u << bits) - 1) << shift;
		b[i * bits / 8] = (b[i * bits / 8] & ~mask) | (v << shift & mask);
	}
}

/**
 * qcow2_compressed() - where a compressed cluster stands
 * @entry: of an L2 table
 * @cluster_bits: 9..21
 * @offset: filled with the first byte's place in the file
 * @length: filled with the most bytes it may have
 */
void qcow2_compressed(uint64_t entry, unsigned int cluster_bits, uint64_t *offset, uint64_t *length)
{
	unsigned int x = 62 - (cluster_bits - 8);
	uint64_t sectors = (entry & (QCOW2_COMPRESSED - 1)) >> x;

	*offset = entry & ((1ULL << x) - 1);
	*length = (sectors + 1) * 512 - (*offset & 511);
}
