// SPDX-License-Identifier: GPL-2.0-only
/*
 * process.c - what /proc and /sys say of a VM's process. Source: kernel Documentation/filesystems/proc.rst.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "telemetry/process.h"

#define TEXT	4096

/* A small file as text; empty if it cannot be read. */
static void read_text(const char *path, char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, TEXT - 1);

	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
}

/* The sum of the numbers behind the lines' beginnings @key. */
static uint64_t sum_of(const char *text, const char *key)
{
	const char *line = text;
	uint64_t sum = 0;

	while (line && *line) {
		if (!strncmp(line, key, strlen(key)))
			sum += strtoull(strchrnul(line, ':') + 1, NULL, 10);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return sum;
}

static void look_for_tap(struct process *p, const char *file)
{
	char path[320], text[TEXT], *name;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", p->pid, file);
	read_text(path, text);
	name = strstr(text, "\niff:\t");
	if (!name || p->ntaps == PROCESS_TAPS)
		return;
	name += strlen("\niff:\t");
	name[strcspn(name, "\n")] = 0;
	/* It becomes part of a path. */
	if (!*name || strlen(name) >= IFNAMSIZ || strchr(name, '/') || name[0] == '.')
		return;
	strcpy(p->taps[p->ntaps++], name);
}

/**
 * process_look() - what is dear: shared memory is counted page by page, interfaces are sought in every descriptor
 * @p: vm and pid are set; the rest is filled
 */
void process_look(struct process *p)
{
	char path[64], text[TEXT];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", p->pid);
	read_text(path, text);
	p->shared = (sum_of(text, "Shared_Clean:") + sum_of(text, "Shared_Dirty:")) * 1024;
	p->ntaps = 0;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", p->pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			look_for_tap(p, d->d_name);
	if (dir)
		closedir(dir);
}

static uint64_t statistic(const char *interface, const char *name)
{
	char path[128], text[TEXT];

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", interface, name);
	read_text(path, text);
	return strtoull(text, NULL, 10);
}

/**
 * process_fill() - what a VM's process takes of the host
 * @p: of process_look()
 * @vm: its memory and bytes are filled
 */
void process_fill(const struct process *p, struct tel_vm *vm)
{
	char path[64], text[TEXT];
	uint64_t pages = 0;
	unsigned int i;

	snprintf(path, sizeof(path), "/proc/%d/statm", p->pid);
	read_text(path, text);
	if (sscanf(text, "%*u %" SCNu64, &pages) == 1)
		vm->resident = pages * sysconf(_SC_PAGESIZE);
	vm->shared = p->shared < vm->resident ? p->shared : vm->resident;
	snprintf(path, sizeof(path), "/proc/%d/io", p->pid);
	read_text(path, text);
	vm->disk_read = sum_of(text, "read_bytes:");
	vm->disk_write = sum_of(text, "write_bytes:");
	/* What the host sends into a tap, the guest receives. */
	for (i = 0; i < p->ntaps; i++) {
		vm->net_receive += statistic(p->taps[i], "tx_bytes");
		vm->net_send += statistic(p->taps[i], "rx_bytes");
	}
}
