// SPDX-License-Identifier: GPL-2.0-only
/*
 * cgroup.c - CPU weight and cap, memory and I/O limits through a cgroup (v2) of the VM's own, and the
 * host CPUs its threads may use.
 *
 * Where the group goes: root's VMs under /sys/fs/cgroup/vitrine, a user's under the topmost group that
 * was delegated to the user (systemd's user manager), a unit's in the unit's own group. A VM without
 * limits stays where its starter was. Source: Linux admin-guide/cgroup-v2.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cgroup.h"
#include "compiler.h"
#include "vmm.h"

#define ROOT		"/sys/fs/cgroup"
#define PERIOD_US	100000
#define GROUP		"vitrine-"	/* begins the name of each VM's group */

static const char remedy[] = "take the limits out, or start the VM as root or from a user session with delegation";

static int write_file(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

/* One limit; `none` is what the file says without. */
static int write_limit(const char *group, const char *file, uint64_t value, const char *none)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	/* A controller that is not there limits nothing, which is what is wanted. */
	if (!value)
		return write_file(group, file, none) && errno != ENOENT ? -1 : 0;
	return write_file(group, file, text);
}

static int write_cap(const char *group, uint64_t cap)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu64 " %d", cap * PERIOD_US / 100, PERIOD_US);
	if (!cap)
		return write_file(group, "cpu.max", "max") && errno != ENOENT ? -1 : 0;
	return write_file(group, "cpu.max", text);
}

static void write_or_max(char *to, size_t room, uint64_t value)
{
	if (value)
		snprintf(to, room, "%" PRIu64, value);
	else
		snprintf(to, room, "max");
}

static int write_io(const char *group, const struct cgroup_io *io)
{
	char text[160], iops[24], bandwidth[24];

	write_or_max(iops, sizeof(iops), io->iops);
	write_or_max(bandwidth, sizeof(bandwidth), io->bandwidth);
	snprintf(text, sizeof(text), "%u:%u riops=%s wiops=%s rbps=%s wbps=%s", major(io->device),
		 minor(io->device), iops, iops, bandwidth, bandwidth);
	return write_file(group, "io.max", text);
}

static int write_limits(const char *group, const struct cgroup_limits *l)
{
	unsigned int i;

	if (write_limit(group, "cpu.weight", l->weight, "100") || write_cap(group, l->cap) ||
	    write_limit(group, "memory.max", l->memory, "max"))
		return -1;
	for (i = 0; i < l->nio; i++)
		if (write_io(group, &l->io[i]))
			return -1;
	return 0;
}

/* The group of a process (0: ours) as a path. */
static int group_of(pid_t pid, char *path, size_t room)
{
	char name[64], line[PATH_MAX];
	int err = -1;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid ? pid : getpid());
	f = fopen(name, "re");
	if (!f)
		return -1;
	errno = ENOENT;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::", 3))
			continue;
		line[strcspn(line, "\n")] = 0;
		err = snprintf(path, room, "%s%s", ROOT, line + 3) < (int)room ? 0 : -1;
		break;
	}
	fclose(f);
	return err;
}

static bool is_ours(const char *group)
{
	char file[PATH_MAX + 16];

	snprintf(file, sizeof(file), "%s/cgroup.procs", group);
	return !access(file, W_OK);
}

/* The group under which a user's, or root's, VMs have theirs. */
static int common_parent(char *path, size_t room)
{
	char up[PATH_MAX], *slash;

	if (!geteuid()) {
		snprintf(path, room, "%s", ROOT);
		return 0;
	}
	if (group_of(0, up, sizeof(up)))
		return -1;
	*path = 0;
	while (strlen(up) > strlen(ROOT)) {
		if (is_ours(up))
			snprintf(path, room, "%s", up);
		else if (*path)
			break;
		slash = strrchr(up, '/');
		*slash = 0;
	}
	errno = EACCES;
	return *path ? 0 : -1;
}

static int make_group(const char *path)
{
	return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

static void enable_controllers(const char *group)
{
	/* One by one; that one is missing shows when its limit is written. */
	write_file(group, "cgroup.subtree_control", "+cpu");
	write_file(group, "cgroup.subtree_control", "+memory");
	write_file(group, "cgroup.subtree_control", "+io");
}

static bool wants_group(const struct cgroup_limits *l)
{
	return l->weight || l->cap || l->memory || l->nio;
}

/* Held, shared, by who makes a group until a process is in it. Without it, a group may be swept away that was just made. */
static int hold(const char *parent)
{
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		flock(fd, LOCK_SH);
	return fd;
}

/* Where VMs that ended left theirs: the kernel refuses to remove one that is in use. */
static void remove_empty(const char *parent)
{
	DIR *dir = opendir(parent);
	struct dirent *e;
	bool busy;

	if (!dir)
		return;
	busy = flock(dirfd(dir), LOCK_EX | LOCK_NB);
	/* Who makes one just now will sweep the next time. */
	while (!busy && (e = readdir(dir)))
		if (!strncmp(e->d_name, GROUP, strlen(GROUP)))
			unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	closedir(dir);
}

/* The VM's group, empty, and held by p->hold. */
static int make(const char *parent, const char *name, char *group, size_t room, struct cgroup_place *p)
{
	remove_empty(parent);
	if (snprintf(group, room, "%s/%s%s", parent, GROUP, name) >= (int)room) {
		errno = ENAMETOOLONG;
		return -1;
	}
	p->hold = hold(parent);
	return make_group(group);
}

static int enter(const struct cgroup_limits *l, const char *parent, const char *name)
{
	struct cgroup_place p = { .procs = -1, .hold = -1 };
	char group[PATH_MAX];
	int err;

	/* A group gives its controllers to others only while no process is in itself. */
	err = make(parent, name, group, sizeof(group), &p) || write_file(group, "cgroup.procs", "0");
	if (p.hold >= 0)
		close(p.hold);
	if (err)
		return -1;
	enable_controllers(parent);
	return write_limits(group, l);
}

/* The group, as a path, under which VMs have theirs. */
static int parent_group(bool own, char *parent, size_t room)
{
	char top[PATH_MAX];

	if (own)
		return group_of(0, parent, room);
	if (common_parent(top, sizeof(top)))
		return -1;
	enable_controllers(top);
	snprintf(parent, room, "%s/vitrine", top);
	return make_group(parent);
}

/**
 * cgroup_enter() - take the limits on
 * @l: the limits
 * @name: of the group, unique among the VMs of the user
 * @own: this process has a group of its own already, as in a systemd unit
 *
 * Return: 0, or -1 with the error printed.
 */
int cgroup_enter(const struct cgroup_limits *l, const char *name, bool own)
{
	char parent[PATH_MAX + 16];

	if (l->pin && cgroup_pin(l->pin, getpid()))
		return -1;
	if (!wants_group(l) || (!parent_group(own, parent, sizeof(parent)) && !enter(l, parent, name)))
		return 0;
	vmm_error("cgroup", strerror(errno), remedy);
	return -1;
}

static int open_procs(const char *group)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	return open(path, O_WRONLY | O_CLOEXEC);
}

/* One that nobody has limited: ours. Who is there already is spared a grace period of the kernel's, which entering a group takes. */
static void open_own(struct cgroup_place *p, pid_t from)
{
	char group[PATH_MAX], is[PATH_MAX];

	if (!group_of(0, group, sizeof(group)) && !group_of(from, is, sizeof(is)) && strcmp(group, is))
		p->procs = open_procs(group);
}

/**
 * cgroup_prepare() - a group for a VM process that another one forks
 * @l: its limits, which hold already; it inherits which CPUs it may use
 * @name: of the group, unique among the VMs of the user
 * @from: the process that forks
 * @p: filled, to be closed by the caller when the process is in it; without limits it is this process's own group, as for a VM
 *     that is started, or none where that cannot be entered, or need not
 *
 * Return: 0, or -1 with the error printed.
 */
int cgroup_prepare(const struct cgroup_limits *l, const char *name, pid_t from, struct cgroup_place *p)
{
	char parent[PATH_MAX + 16], group[PATH_MAX];

	*p = (struct cgroup_place){ .procs = -1, .hold = -1 };
	if (!wants_group(l)) {
		open_own(p, from);
		return 0;
	}
	if (!parent_group(false, parent, sizeof(parent))) {
		enable_controllers(parent);
		if (!make(parent, name, group, sizeof(group), p) && !write_limits(group, l))
			p->procs = open_procs(group);
	}
	if (p->procs >= 0)
		return 0;
	vmm_error("cgroup", strerror(errno), remedy);
	return -1;
}

/**
 * cgroup_change() - other limits for a VM that runs
 * @l: the limits
 * @pid: of the VM process
 *
 * Return: 0, or -1 with the error printed.
 */
int cgroup_change(const struct cgroup_limits *l, pid_t pid)
{
	char group[PATH_MAX], *name;

	if (cgroup_pin(l->pin, pid))
		return -1;
	if (group_of(pid, group, sizeof(group))) {
		vmm_error("cgroup", strerror(errno), remedy);
		return -1;
	}
	name = strrchr(group, '/');
	if (strncmp(name + 1, GROUP, strlen(GROUP))) {
		if (!wants_group(l))
			return 0;
		vmm_error("cgroup", "the VM was started without limits", "restart it");
		return -1;
	}
	if (!write_limits(group, l))
		return 0;
	vmm_error("cgroup", strerror(errno), remedy);
	return -1;
}

/**
 * cgroup_oom_kills() - how many processes the kernel has ended because a VM would have gone over its memory limit
 * @name: of its group, see cgroup_enter()
 *
 * Return: their number since the group was made; 0 also where no group is left, or it was a systemd unit's.
 */
uint64_t cgroup_oom_kills(const char *name)
{
	char top[PATH_MAX], path[PATH_MAX + 128], line[128];
	uint64_t kills = 0;
	FILE *f;

	if (common_parent(top, sizeof(top)))
		return 0;
	snprintf(path, sizeof(path), "%s/vitrine/%s%.64s/memory.events", top, GROUP, name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "oom_kill %" SCNu64, &kills) == 1)
			break;
	fclose(f);
	return kills;
}

static void set_of(const char *list, cpu_set_t *set)
{
	unsigned long from, to;
	char *end;

	CPU_ZERO(set);
	while (*list) {
		from = strtoul(list, &end, 10);
		to = *end == '-' ? strtoul(end + 1, &end, 10) : from;
		for (; from <= to && from < CPU_SETSIZE; from++)
			CPU_SET(from, set);
		list = end + (*end == ',');
	}
}

/**
 * cgroup_pin() - the host CPUs that a process's threads may use
 * @list: as in 0-3,6; NULL for all
 * @pid: the process
 *
 * Return: 0, or -1 with the error printed.
 */
int cgroup_pin(const char *list, pid_t pid)
{
	char path[64];
	struct dirent *e;
	cpu_set_t set;
	int err = 0;
	DIR *dir;

	memset(&set, 0xff, sizeof(set));
	if (list)
		set_of(list, &set);
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.' && sched_setaffinity(atoi(e->d_name), sizeof(set), &set) &&
		    errno != ESRCH)
			err = errno;
	if (dir)
		closedir(dir);
	if (!err)
		return 0;
	vmm_error("cpu-pin", strerror(err), "name CPUs that this host has");
	return -1;
}

/**
 * cgroup_disk_of() - the disk, not the partition, that a file is on or a block device is
 * @file: path
 * @disk: filled
 *
 * Return: false if there is none, as for a file in memory or on a network.
 */
bool cgroup_disk_of(const char *file, dev_t *disk)
{
	unsigned int maj, min;
	char path[96], text[32];
	struct stat st;
	dev_t dev;
	bool found;
	FILE *f;

	if (stat(file, &st))
		return false;
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(dev), minor(dev));
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%sdev", major(dev), minor(dev),
		 access(path, F_OK) ? "" : "../");
	f = fopen(path, "re");
	if (!f)
		return false;
	found = fgets(text, sizeof(text), f) && sscanf(text, "%u:%u", &maj, &min) == 2;
	fclose(f);
	if (found)
		*disk = makedev(maj, min);
	return found;
}
