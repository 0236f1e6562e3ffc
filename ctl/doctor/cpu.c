// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu.c - vmctl doctor: what the CPU can, what the firmware left of it, its known weaknesses.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "doctor.h"

#define MSR_FEATURE_CONTROL	0x3a		/* SDM 4 "IA32_FEATURE_CONTROL" */
#define FEATURE_LOCKED		(1 << 0)
#define FEATURE_VMX		(1 << 2)	/* outside of SMX */
#define MSR_VM_CR		0xc0010114	/* APM2 "VM_CR MSR" */
#define VM_CR_SVMDIS		(1 << 4)

/* The value behind `key` in the first CPU's part of /proc/cpuinfo, to be freed, or NULL. */
static char *cpuinfo(const char *text, const char *key)
{
	const char *line = text, *end = strstr(text, "\n\n"), *value;
	size_t n = strlen(key);

	for (; line && (!end || line < end); line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) || !strchr("\t :", line[n]))
			continue;
		value = line + strcspn(line, ":\n");
		value += strspn(value, ": ");
		return strndup(value, strcspn(value, "\n"));
	}
	return NULL;
}

/**
 * doctor_identify() - whose CPU it is and what it can, for all the checks
 * @d: the examination; released with free() of its members
 */
void doctor_identify(struct doctor *d)
{
	size_t n;
	char *text = doctor_read(d, "proc/cpuinfo", &n), *vendor;

	doctor_line(d, "proc/sys/kernel/osrelease", d->release, sizeof(d->release));
	if (!text)
		return;
	vendor = cpuinfo(text, "vendor_id");
	d->intel = vendor && !strcmp(vendor, "GenuineIntel");
	d->amd = vendor && (!strcmp(vendor, "AuthenticAMD") || !strcmp(vendor, "HygonGenuine"));
	d->flags = cpuinfo(text, "flags");
	d->vmx_flags = cpuinfo(text, "vmx flags");
	free(vendor);
	free(text);
}

/**
 * doctor_cpu() - has the CPU VT-x or AMD-V?
 * @d: the examination
 */
void doctor_cpu(struct doctor *d)
{
	const char *what = d->intel ? "VT-x (VMX)" : "AMD-V (SVM)";
	bool guest = doctor_has_word(d->flags, "hypervisor");

	if (!d->flags)
		doctor_find(d, DOCTOR_UNKNOWN, "mount /proc", "/proc/cpuinfo cannot be read");
	else if (!d->intel && !d->amd)
		doctor_find(d, DOCTOR_PROBLEM, "use a machine with an Intel, AMD or Hygon CPU",
			    "the CPU is of none of the vendors that are supported");
	else if (doctor_has_word(d->flags, d->intel ? "vmx" : "svm"))
		doctor_find(d, DOCTOR_OK, NULL, "the CPU has %s%s", what,
			    guest ? "; this machine is itself a VM" : "");
	else if (guest)
		doctor_find(d, DOCTOR_PROBLEM, "enable nested virtualization for this VM in its host",
			    "this machine is a VM whose CPU has no %s", what);
	else
		/* Kernels take the flag away when the firmware has locked it out. */
		doctor_find(d, DOCTOR_PROBLEM,
			    "enable it in the BIOS setup and power-cycle, or use another machine",
			    "the CPU has no %s, or the firmware has disabled it", what);
}

/**
 * doctor_paging() - has the CPU what the module needs of virtualization?
 * @d: the examination
 */
void doctor_paging(struct doctor *d)
{
	static const struct {
		const char *flag, *name;
	} needed[] = {
		{ "ept", "extended page tables (EPT)" },
		{ "unrestricted_guest", "unrestricted guests" },
		{ "vnmi", "virtual NMIs" },
	};
	size_t i;

	if (d->amd && doctor_has_word(d->flags, "svm")) {
		if (doctor_has_word(d->flags, "npt"))
			doctor_find(d, DOCTOR_OK, NULL, "the CPU has nested paging (NPT)");
		else
			doctor_find(d, DOCTOR_PROBLEM, "use a CPU of AMD family 10h or later",
				    "the CPU has no nested paging (NPT)");
	} else if (d->intel && d->vmx_flags) {
		for (i = 0; i < ARRAY_SIZE(needed); i++) {
			if (doctor_has_word(d->vmx_flags, needed[i].flag))
				continue;
			doctor_find(d, DOCTOR_PROBLEM, "use a CPU of the Westmere generation or later",
				    "the CPU's VT-x has no %s", needed[i].name);
			return;
		}
		doctor_find(d, DOCTOR_OK, NULL, "the CPU has EPT, unrestricted guests, virtual NMIs");
	} else {
		doctor_find(d, DOCTOR_UNKNOWN, "see the check of the CPU",
			    "the kernel does not say what virtualization can");
	}
}

static bool read_msr(struct doctor *d, uint32_t index, uint64_t *value)
{
	int fd = openat(d->root, "dev/cpu/0/msr", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok = fd >= 0 && pread(fd, value, sizeof(*value), index) == sizeof(*value);

	if (fd >= 0)
		close(fd);
	return ok;
}

/**
 * doctor_firmware() - does the firmware allow virtualization?
 * @d: the examination
 */
void doctor_firmware(struct doctor *d)
{
	uint64_t v;
	bool off;

	if (!d->intel && !d->amd)
		return;
	if (!read_msr(d, d->intel ? MSR_FEATURE_CONTROL : MSR_VM_CR, &v)) {
		doctor_find(d, DOCTOR_UNKNOWN, "as root: modprobe msr, then again `vmctl doctor`",
			    "the register where the firmware disables virtualization cannot be read");
		return;
	}
	/* An unlocked register is the kernel's to set. */
	off = d->intel ? v & FEATURE_LOCKED && !(v & FEATURE_VMX) : v & VM_CR_SVMDIS;
	if (off)
		doctor_find(d, DOCTOR_PROBLEM, "enable it in the BIOS setup and power-cycle",
			    "the firmware has disabled %s", d->intel ? "VT-x" : "AMD-V (SVM)");
	else
		doctor_find(d, DOCTOR_OK, NULL, "the firmware leaves virtualization enabled");
}

/* Counts weaknesses without a defence and lists their names. */
static unsigned int list_vulnerable(struct doctor *d, DIR *dir, char *names, size_t room)
{
	unsigned int n = 0;
	struct dirent *e;
	char path[320], line[256];
	size_t used = 0;

	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "sys/devices/system/cpu/vulnerabilities/%s", e->d_name);
		if (!doctor_line(d, path, line, sizeof(line)) || !strstr(line, "ulnerable"))
			continue;
		n++;
		if (used < room)
			used += snprintf(names + used, room - used, "%s%s", n > 1 ? ", " : "", e->d_name);
	}
	return n;
}

/**
 * doctor_mitigations() - are guests kept from reading the host through the CPU's known weaknesses?
 * @d: the examination
 */
void doctor_mitigations(struct doctor *d)
{
	int fd = openat(d->root, "sys/devices/system/cpu/vulnerabilities", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	char names[256] = "", cmdline[4096];

	if (!dir) {
		if (fd >= 0)
			close(fd);
		doctor_find(d, DOCTOR_UNKNOWN, "mount /sys", "the kernel lists no weaknesses of the CPU");
		return;
	}
	doctor_line(d, "proc/cmdline", cmdline, sizeof(cmdline));
	if (!list_vulnerable(d, dir, names, sizeof(names)))
		doctor_find(d, DOCTOR_OK, NULL, "every known weakness of the CPU has its defence");
	else if (doctor_has_word(cmdline, "mitigations=off"))
		doctor_find(d, DOCTOR_WARNING,
			    "take mitigations=off out of GRUB_CMDLINE_LINUX in /etc/default/grub, update-grub, reboot",
			    "defences are switched off: %s", names);
	else
		doctor_find(d, DOCTOR_WARNING, d->intel ? "apt-get install intel-microcode, reboot" :
			    "apt-get install amd64-microcode, reboot",
			    "without full defence: %s", names);
	closedir(dir);
}
