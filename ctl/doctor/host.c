// SPDX-License-Identifier: GPL-2.0-only
/*
 * host.c - vmctl doctor: what VMs need of the host beside the module: the device, memory, groups, programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler.h"
#include "doctor.h"
#include "vmctl.h"

static bool member_of(gid_t group)
{
	int n = getgroups(0, NULL), i;
	gid_t *all = calloc(n > 0 ? n : 1, sizeof(*all));
	bool yes = getegid() == group;

	n = all ? getgroups(n, all) : 0;
	for (i = 0; i < n; i++)
		yes |= all[i] == group;
	free(all);
	return yes;
}

/**
 * doctor_device() - may this user open /dev/vitrine?
 * @d: the examination
 */
void doctor_device(struct doctor *d)
{
	const struct group *g;
	char remedy[160];
	struct stat st;

	if (fstatat(d->root, "dev/vitrine", &st, 0)) {
		doctor_find(d, DOCTOR_PROBLEM, "modprobe vitrine", "there is no /dev/vitrine");
		return;
	}
	if (!geteuid() || (st.st_uid == geteuid() && st.st_mode & 0600) ||
	    (member_of(st.st_gid) && (st.st_mode & 060) == 060) || (st.st_mode & 06) == 06) {
		doctor_find(d, DOCTOR_OK, NULL, "/dev/vitrine can be opened");
		return;
	}
	g = getgrgid(st.st_gid);
	if (!st.st_gid || (st.st_mode & 060) != 060)
		snprintf(remedy, sizeof(remedy),
			 "as root: make install puts udev's rule there, then modprobe -r vitrine; modprobe vitrine");
	else
		snprintf(remedy, sizeof(remedy), "as root: adduser YOU %s, then log in again",
			 g ? g->gr_name : "the group that owns it");
	doctor_find(d, DOCTOR_PROBLEM, remedy, "/dev/vitrine is not this user's to open");
}

/**
 * doctor_huge_pages() - can guests' memory be in huge pages?
 * @d: the examination
 */
void doctor_huge_pages(struct doctor *d)
{
	static const char file[] = "sys/kernel/mm/transparent_hugepage/enabled";
	char line[64];

	if (!doctor_line(d, file, line, sizeof(line)))
		doctor_find(d, DOCTOR_WARNING, "boot a kernel with CONFIG_TRANSPARENT_HUGEPAGE",
			    "the kernel has no transparent huge pages: guests take more TLB misses");
	else if (strstr(line, "[never]"))
		doctor_find(d, DOCTOR_WARNING, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
			    "transparent huge pages are off: guests take more TLB misses");
	else
		doctor_find(d, DOCTOR_OK, NULL, "guests' memory gets huge pages");
}

/**
 * doctor_cgroups() - can a VM's share of the host be limited?
 * @d: the examination
 */
void doctor_cgroups(struct doctor *d)
{
	static const char *const wanted[] = { "cpu", "memory", "io" };
	char line[256], missing[64] = "";
	size_t i;

	if (!doctor_line(d, "sys/fs/cgroup/cgroup.controllers", line, sizeof(line))) {
		doctor_find(d, DOCTOR_WARNING,
			    "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line",
			    "no cgroup v2 at /sys/fs/cgroup: VMs cannot be limited");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (doctor_has_word(line, wanted[i]))
			continue;
		strcat(missing, *missing ? ", " : "");
		strcat(missing, wanted[i]);
	}
	if (*missing)
		doctor_find(d, DOCTOR_WARNING,
			    "boot without cgroup_disable=, and without cgroup v1 at /sys/fs/cgroup/*",
			    "cgroup v2 lacks %s: those limits of VMs do nothing", missing);
	else
		doctor_find(d, DOCTOR_OK, NULL, "cgroup v2 limits CPU, memory and disks of VMs");
}

/**
 * doctor_overcommit() - may a VM be forked without memory for two?
 * @d: the examination
 */
void doctor_overcommit(struct doctor *d)
{
	char line[16];

	if (!doctor_line(d, "proc/sys/vm/overcommit_memory", line, sizeof(line)))
		doctor_find(d, DOCTOR_UNKNOWN, "mount /proc", "the kernel does not tell its policy");
	else if (!strcmp(line, "2"))
		doctor_find(d, DOCTOR_WARNING, "sysctl vm.overcommit_memory=0",
			    "the kernel reserves all memory at once: a fork needs as much again as its VM has");
	else
		doctor_find(d, DOCTOR_OK, NULL, "memory that forks share is counted once");
}

/* vmctl takes the one that is installed with it, wherever that is. */
static bool has_top(struct doctor *d)
{
	char path[PATH_MAX];
	struct stat here, root;

	return !fstat(d->root, &here) && !stat("/", &root) && here.st_ino == root.st_ino &&
	       here.st_dev == root.st_dev && top_beside(path, sizeof(path));
}

/**
 * doctor_helpers() - are the programs and files there that some VMs need?
 * @d: the examination
 */
void doctor_helpers(struct doctor *d)
{
	static const struct {
		const char *program, *file, *package, *use;
	} helpers[] = {
		{ "passt", NULL, "passt", "networks of kind `user`" },
		{ "qemu-nbd", NULL, "qemu-utils", "images in vmdk, vhd, vhdx and vdi" },
		{ NULL, "usr/share/seabios/bios-256k.bin", "seabios", "guests that boot from disks (BIOS)" },
		{ NULL, "usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf", "guests that boot from disks (UEFI)" },
		{ NULL, "usr/lib/x86_64-linux-gnu/libnbd.so.0", "libnbd0", "images through qemu-nbd" },
		{ "dkms", NULL, "dkms", "the module after an upgrade of the kernel" },
		{ "vmtop", NULL, "vitrine", "the live view of VMs" },
	};
	char remedy[64];
	size_t i, missing = 0;

	for (i = 0; i < ARRAY_SIZE(helpers); i++) {
		const char *name = helpers[i].program ? helpers[i].program : helpers[i].file;

		if (helpers[i].program ? doctor_program(d, name) : doctor_has(d, name))
			continue;
		if (!strcmp(name, "vmtop") && has_top(d))
			continue;
		missing++;
		if (!strcmp(helpers[i].package, "vitrine"))
			snprintf(remedy, sizeof(remedy), "make install in vitrine's source");
		else
			snprintf(remedy, sizeof(remedy), "apt-get install %s", helpers[i].package);
		doctor_find(d, DOCTOR_WARNING, remedy, "%s%s is missing: needed for %s",
			    helpers[i].program ? "" : "/", name, helpers[i].use);
	}
	if (!missing)
		doctor_find(d, DOCTOR_OK, NULL, "every program and file that some VMs need is there");
}
