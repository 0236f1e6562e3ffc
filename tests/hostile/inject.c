// SPDX-License-Identifier: GPL-2.0-only
/*
 * inject.c: lets one allocation or copy of this thread fail. Documentation/fault-injection says of
 * /proc/PID/fail-nth that the N-th attempt that can fail does.
 */
#include "hostile.h"

#include <fcntl.h>

static const struct {
	const char *file;
	const char *value;
} knobs[] = {
	{"/sys/kernel/debug/failslab/ignore-gfp-wait", "N"},
	{"/sys/kernel/debug/failslab/verbose", "0"},
	{"/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N"},
	{"/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N"},
	{"/sys/kernel/debug/fail_page_alloc/min-order", "0"},
	{"/sys/kernel/debug/fail_page_alloc/verbose", "0"},
	{"/sys/kernel/debug/fail_usercopy/verbose", "0"},
};

/**
 * need_fault_injection() - skip the test on a kernel that has none; else every allocation and copy can fail
 */
void need_fault_injection(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (!write_file(knobs[i].file, knobs[i].value))
			abi_skip("this kernel injects no faults: %s", knobs[i].file);
}

/**
 * fail_nth() - where this thread's faults are ordered
 * Return: an open file, for begin_fault() and end_fault().
 */
int fail_nth(void)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR);

	NEED(fd >= 0);
	return fd;
}

/**
 * begin_fault() - from now on the @place-th attempt that can fail does, 1 the first
 */
void begin_fault(int fd, unsigned int place)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", place);

	NEED(write(fd, text, length) == length);
}

/**
 * end_fault() - end the injection
 * Return: was the place reached? Telling may itself fail, being the place then.
 */
bool end_fault(int fd)
{
	char text[16] = "";
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	bool reached = length > 0 && !atoi(text);

	while (pwrite(fd, "0", 1, 0) != 1)
		;
	return reached;
}
