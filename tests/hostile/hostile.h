/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile.h: what the hostile-use tests share beyond the ABI tests' helpers.
 *
 * A hostile test does not care what the device answers, only that the host stays whole: the next
 * machine runs, no memory and no reference is lost, the kernel's log (which the lab judges) is
 * clean.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "abi.h"

/* FD_*: the kinds of fds a request can be sent to. */
enum fd_kind {
	FD_SYSTEM,
	FD_VM,
	FD_VCPU,
	FD_KINDS,
};

/**
 * struct request - a request of the ABI
 * @name: its name
 * @kind: the fd it belongs to
 * @number: the ioctl's number
 */
struct request {
	const char *name;
	enum fd_kind kind;
	unsigned long number;
};

/* No request has so many places where memory can run out. */
enum { FAULT_PLACES = 2000 };

/* How an attempt with a fault in it went; the exit status of the process that made it, too. */
enum verdict {
	FAILED = 1,	/* as abi_stop() has it */
	REFUSED = 10,
	GOT_BY,
	NOT_REACHED,
};

extern const struct request requests[];
extern const size_t request_count;

uint64_t hostile_seed(void);
uint64_t hostile_random(uint64_t *state);
void expect_device_works(void);
const char *device_module(void);
int module_references(void);
void expect_no_leak(void (*workload)(void), unsigned int warm_up, unsigned int rounds);
int in_child(void (*body)(void *argument), void *argument);
void need_fault_injection(void);
int fail_nth(void);
void begin_fault(int fd, unsigned int place);
bool end_fault(int fd);
void signal_every_ms(unsigned int ms);
void die_after_s(unsigned int seconds);

#endif
