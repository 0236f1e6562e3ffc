// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c: runs tests one after another and prints TAP; shared by tests/abi and tests/hostile.
 *
 *   abi [--device NODE] [--limit SECONDS] [--list] [PATTERN...]
 *
 * NODE is also taken from VITRINE_DEVICE; a PATTERN (glob) selects test files by name.  Each test
 * is a process of its own with a time limit.
 */
#include "abi.h"

#include <fnmatch.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

enum {
	STATUS_FAILED = 1,
	STATUS_SKIPPED = 77,
};

const char *abi_device;

static struct abi_test *tests, **tests_end = &tests;
static bool failed;
static unsigned int time_limit = 30; /* seconds a test */

/**
 * abi_register() - add a test; called by constructors
 */
void abi_register(struct abi_test *test)
{
	*tests_end = test;
	tests_end = &test->next;
}

/**
 * abi_fail() - record a failure and say where
 */
void abi_fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("# %s:%d: ", file, line);
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
	failed = true;
}

/**
 * abi_stop() - end the test here
 */
void abi_stop(void)
{
	fflush(stdout);
	_exit(failed ? STATUS_FAILED : 0);
}

/**
 * abi_skip() - end the test as one that has no meaning here
 */
void abi_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("# skip: ");
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
	fflush(stdout);
	_exit(failed ? STATUS_FAILED : STATUS_SKIPPED);
}

static const char *short_name(const struct abi_test *test)
{
	static char path[256];
	char *name, *dot;

	snprintf(path, sizeof(path), "%s", test->file);
	name = basename(path);
	dot = strrchr(name, '.');
	if (dot)
		*dot = 0;
	return name;
}

/* Returns the wait status, having killed a test that outlives its limit. */
static int run_test(const struct abi_test *test)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return STATUS_FAILED << 8;
	if (!child) {
		alarm(time_limit);
		test->body();
		abi_stop();
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static bool selected(const struct abi_test *test, char **patterns)
{
	if (!*patterns)
		return true;
	for (; *patterns; patterns++) {
		if (!fnmatch(*patterns, short_name(test), 0))
			return true;
	}
	return false;
}

static void report(unsigned int number, const struct abi_test *test, int status)
{
	bool exited = WIFEXITED(status);

	if (exited && WEXITSTATUS(status) == 0)
		printf("ok %u - %s: %s\n", number, short_name(test), test->name);
	else if (exited && WEXITSTATUS(status) == STATUS_SKIPPED)
		printf("ok %u - %s: %s # SKIP\n", number, short_name(test), test->name);
	else if (exited)
		printf("not ok %u - %s: %s\n", number, short_name(test), test->name);
	else
		printf("not ok %u - %s: %s (%s)\n", number, short_name(test), test->name,
		       strsignal(WTERMSIG(status)));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int number = 0, bad = 0, skipped = 0;
	const struct abi_test *test;
	bool list = false;

	(void)argc;
	abi_device = getenv("VITRINE_DEVICE");
	for (argv++; *argv && !strncmp(*argv, "--", 2); argv++) {
		if (!strcmp(*argv, "--device") && argv[1])
			abi_device = *++argv;
		else if (!strcmp(*argv, "--limit") && argv[1])
			time_limit = strtoul(*++argv, NULL, 10);
		else if (!strcmp(*argv, "--list"))
			list = true;
		else
			return fprintf(stderr, "abi: unknown option %s\n", *argv), 2;
	}
	if (!abi_device)
		abi_device = "/dev/kvm";
	for (test = tests; test; test = test->next) {
		int status;

		if (!selected(test, argv))
			continue;
		if (list) {
			printf("%s: %s\n", short_name(test), test->name);
			continue;
		}
		fflush(stdout);
		status = run_test(test);
		report(++number, test, status);
		skipped += WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIPPED;
		bad += !WIFEXITED(status) ||
		       (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != STATUS_SKIPPED);
	}
	if (list)
		return 0;
	printf("1..%u\n# %s: %u passed, %u failed, %u skipped\n", number, abi_device,
	       number - bad - skipped, bad, skipped);
	return bad || !number;
}
