// SPDX-License-Identifier: GPL-2.0-only
/*
 * launcher.c - runs the rows of the table, each guest in a process of its own, and prints one TAP
 * stream.  vm.c has the VM, request.c what guests ask for.
 *
 *   launcher --device PATH --table FILE --guests DIR [--known FILE] [PATTERN...]
 *
 * The file of known failures has lines DEVICE|TEST: CASE|REASON; such a failure counts as skipped.
 *
 * A row of the table: NAME IMAGE CPUS TIMEOUT EXPECT NEEDS.  EXPECT is `pass` or `shutdown` (the guest ends in
 * a triple fault); NEEDS is `-` or words joined by commas: `huge` (memory in huge pages), `host2`
 * (two host CPUs), `scale` (the TSC runs at 3/2 of the host's frequency; skipped where it cannot).
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

struct row {
	char name[32], image[32], expect[16], needs[32];
	unsigned int cpus, timeout;
};

static unsigned int cases, failed;
static const char *known_file, *device_name;

/* Whether the file of known failures has this case for this device; the reason goes into why. */
static bool known(const char *test, const char *what, char *why, size_t size)
{
	FILE *f = known_file ? fopen(known_file, "r") : NULL;
	char line[256], name[200];
	bool found = false;

	if (!f)
		return false;
	snprintf(name, sizeof(name), "%s: %s", test, what);
	while (!found && fgets(line, sizeof(line), f)) {
		char *save, *device = strtok_r(line, "|\n", &save);
		char *pattern = strtok_r(NULL, "|\n", &save), *reason = strtok_r(NULL, "|\n", &save);

		found = reason && *device != '#' && !fnmatch(device, device_name, 0) &&
			!strncmp(name, pattern, strlen(pattern));
		if (found)
			snprintf(why, size, "%s", reason);
	}
	fclose(f);
	return found;
}

static void say(const struct row *row, const char *line)
{
	char why[128];

	if (!strncmp(line, "not ok ", 7) && known(row->name, line + 7, why, sizeof(why))) {
		printf("ok %u - %s: %.*s # SKIP known: %s\n", ++cases, row->name,
		       (int)strcspn(line + 7, ":\n"), line + 7, why);
	} else if (!strncmp(line, "ok ", 3)) {
		printf("ok %u - %s: %s", ++cases, row->name, line + 3);
	} else if (!strncmp(line, "not ok ", 7)) {
		failed++;
		printf("not ok %u - %s: %s", ++cases, row->name, line + 7);
	} else if (!strncmp(line, "skip ", 5)) {
		printf("ok %u - %s: %.*s # SKIP\n", ++cases, row->name, (int)strcspn(line + 5, "\n"),
		       line + 5);
	} else if (line[0] != '\n') {
		printf("# %s: %s", row->name, line);
	}
	fflush(stdout);
}

/* A guest that ends early has no end mark, or one that counts other cases than came. */
static void judge(const struct row *row, int status, unsigned int seen, const char *end)
{
	char line[80];

	if (WIFSIGNALED(status))
		snprintf(line, sizeof(line), "not ok run: %s\n", WTERMSIG(status) == SIGALRM ?
			 "timed out" : strsignal(WTERMSIG(status)));
	else if (!*end)
		snprintf(line, sizeof(line), "not ok run: no end after %u cases\n", seen);
	else if (!seen || strtoul(end, NULL, 10) != seen)
		snprintf(line, sizeof(line), "not ok run: %u cases seen, %.20s reported\n", seen, end);
	else
		return;
	say(row, line);
}

static void run_row(const struct row *row, int dev, const char *guests)
{
	unsigned int before = cases;
	int pipes[2], status;
	char line[512], end[24] = "";
	bool stopped = false;
	pid_t pid;
	FILE *in;

	if (strstr(row->needs, "host2") && sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		say(row, "skip needs two host CPUs\n");
		return;
	}
	if (strstr(row->needs, "scale") && ioctl(dev, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) <= 0) {
		say(row, "skip needs a CPU that scales TSCs\n");
		return;
	}
	if (pipe(pipes) < 0)
		err(1, "pipe");
	pid = fork();
	if (!pid) {
		static struct vm vm;

		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		alarm(row->timeout);
		vm.dev = dev;
		vm.cpus = row->cpus;
		vm.huge = strstr(row->needs, "huge");
		vm.scale = strstr(row->needs, "scale");
		vm.expect_shutdown = !strcmp(row->expect, "shutdown");
		snprintf(line, sizeof(line), "%s/%s", guests, row->image);
		vm_run(&vm, line);
	}
	close(pipes[1]);
	in = fdopen(pipes[0], "r");
	while (in && fgets(line, sizeof(line), in)) {
		if (!strncmp(line, "end ", 4)) {
			snprintf(end, sizeof(end), "%.*s", (int)strcspn(line + 4, "\n"), line + 4);
		} else {
			stopped |= !strncmp(line, "not ok run: ", 12);
			say(row, line);
		}
	}
	if (in)
		fclose(in);
	waitpid(pid, &status, 0);
	if (!stopped)
		judge(row, status, cases - before, end);
}

static bool wanted(const struct row *row, char **patterns)
{
	if (!*patterns)
		return true;
	for (; *patterns; patterns++)
		if (!fnmatch(*patterns, row->name, 0))
			return true;
	return false;
}

static const struct option options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "table", required_argument, NULL, 't' },
	{ "guests", required_argument, NULL, 'g' },
	{ "known", required_argument, NULL, 'k' },
	{ 0 },
};

int main(int argc, char **argv)
{
	const char *device = "/dev/vitrine", *table = "table", *guests = ".";
	char line[256];
	struct row row;
	int opt, dev;
	FILE *rows;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'd')
			device = optarg;
		else if (opt == 't')
			table = optarg;
		else if (opt == 'g')
			guests = optarg;
		else if (opt == 'k')
			known_file = optarg;
		else
			errx(2, "usage: launcher --device PATH --table FILE --guests DIR [--known FILE] [PATTERN...]");
	}
	device_name = strrchr(device, '/') ? strrchr(device, '/') + 1 : device;
	dev = open(device, O_RDWR | O_CLOEXEC);
	if (dev < 0)
		err(1, "%s", device);
	rows = fopen(table, "r");
	if (!rows)
		err(1, "%s", table);
	while (fgets(line, sizeof(line), rows)) {
		if (sscanf(line, "%31s %31s %u %u %15s %31s", row.name, row.image, &row.cpus,
			   &row.timeout, row.expect, row.needs) != 6 || row.name[0] == '#')
			continue;
		if (row.cpus < 1 || row.cpus > MAX_CPUS)
			errx(2, "%s: %s: 1 to %u CPUs", table, row.name, MAX_CPUS);
		if (wanted(&row, argv + optind))
			run_row(&row, dev, guests);
	}
	printf("1..%u\n", cases);
	return failed || !cases;
}
