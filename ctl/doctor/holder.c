// SPDX-License-Identifier: GPL-2.0-only
/*
 * holder.c - vmctl doctor: which hypervisor has the CPU's virtualization: the module, and whose processes use it.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "doctor.h"

#define USERS_MAX	200	/* bytes of the list */

static const struct {
	const char *module, *device, *name;
} others[] = {
	{ "kvm_intel", "/dev/kvm", "KVM" },
	{ "kvm_amd", "/dev/kvm", "KVM" },
	{ "vboxdrv", "/dev/vboxdrv", "VirtualBox" },
	{ "vmmon", "/dev/vmmon", "VMware" },
};

static bool uses(struct doctor *d, const char *pid, const char *device)
{
	char path[300], target[64];
	struct dirent *e;
	bool found = false;
	ssize_t n;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "proc/%s/fd", pid);
	fd = openat(d->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir && fd >= 0)
		close(fd);
	while (dir && !found && (e = readdir(dir))) {
		n = readlinkat(fd, e->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		found = !strcmp(target, device);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Who has the device open: "qemu-system-x86 (812), ...". Others' processes show themselves to root only. */
static unsigned int list_users(struct doctor *d, const char *device, char *list, size_t room)
{
	int fd = openat(d->root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	unsigned int n = 0;
	struct dirent *e;
	char path[300], comm[32];
	size_t used = 0;

	*list = 0;
	while (dir && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]) || !uses(d, e->d_name, device))
			continue;
		snprintf(path, sizeof(path), "proc/%s/comm", e->d_name);
		doctor_line(d, path, comm, sizeof(comm));
		if (used < room)
			used += snprintf(list + used, room - used, "%s%s (%s)", n ? ", " : "", comm,
					 e->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Is it in /proc/modules, whose lines begin with a module's name and a blank? */
static bool loaded(const char *modules, const char *name)
{
	size_t n = strlen(name);
	const char *line;

	for (line = modules; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, n) && line[n] == ' ')
			return true;
	}
	return false;
}

static void tell_other(struct doctor *d, size_t i)
{
	char users[USERS_MAX], remedy[160];

	if (list_users(d, others[i].device, users, sizeof(users))) {
		snprintf(remedy, sizeof(remedy), "end them, then: modprobe -r %s", others[i].module);
		doctor_find(d, DOCTOR_PROBLEM, remedy, "%s (module %s) is in use by %s", others[i].name,
			    others[i].module, users);
	} else {
		snprintf(remedy, sizeof(remedy), "modprobe -r %s", others[i].module);
		doctor_find(d, DOCTOR_WARNING, remedy,
			    "%s (module %s) is loaded: who takes the CPU first keeps the other out",
			    others[i].name, others[i].module);
	}
}

/**
 * doctor_holder() - who has the CPU's virtualization?
 * @d: the examination
 */
void doctor_holder(struct doctor *d)
{
	size_t n, i, found = 0;
	char *modules = doctor_read(d, "proc/modules", &n), line[64];

	if (doctor_line(d, "sys/hypervisor/type", line, sizeof(line)) && !strcmp(line, "xen")) {
		doctor_find(d, DOCTOR_PROBLEM, "boot this kernel without Xen",
			    "Xen runs below this kernel and has the CPU's virtualization");
	} else if (loaded(modules, "vitrine")) {
		doctor_find(d, DOCTOR_OK, NULL, "vitrine has it");
	} else {
		for (i = 0; i < ARRAY_SIZE(others); i++) {
			if (!loaded(modules, others[i].module))
				continue;
			tell_other(d, i);
			found++;
		}
		if (!found)
			doctor_find(d, DOCTOR_OK, NULL, "no other hypervisor is loaded");
	}
	free(modules);
}
