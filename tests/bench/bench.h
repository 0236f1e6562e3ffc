/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench.h - what the two sides of the exit benchmark agree on.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

enum bench_row {
	BENCH_EMPTY, BENCH_CPUID, BENCH_EOI, BENCH_SELF_IPI, BENCH_SELF_IPI_PENDING, BENCH_DEADLINE,
	BENCH_IOEVENTFD_PIO, BENCH_IOEVENTFD_MMIO, BENCH_PIO_USER, BENCH_MMIO_USER, BENCH_TOUCH,
	BENCH_TIMER, BENCH_NR
};

struct bench_results {
	uint64_t cycles[BENCH_NR];
};

#define BENCH_WARM		16
#define BENCH_ROUNDS		100
#define BENCH_BATCHES		10
#define BENCH_TIMER_ROUNDS	10
#define BENCH_TIMER_BATCHES	20
#define BENCH_TIMER_AHEAD	50000	/* cycles */
#define BENCH_CODE		0x200000
#define BENCH_RESULTS		0x100000
#define BENCH_COLD		0x1000000
#define BENCH_COLD_PAGES	2560
#define BENCH_MEMORY		0x2000000
#define BENCH_MMIO		0x30000000	/* no memory there */
#define BENCH_MMIO_EVENT	0x100
#define BENCH_MMIO_USER_REG	0x200
#define BENCH_PORT_EVENT	0x710
#define BENCH_PORT_USER		0x720
#define BENCH_PORT_DONE		0x730
#define BENCH_PORT_MARK		0x740	/* a row begins, ends: its number */

#endif /* BENCH_H */
