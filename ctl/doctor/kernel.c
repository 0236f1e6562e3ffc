// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel.c - vmctl doctor: is it a kernel the module is made for, is the module there, may it be loaded?
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "doctor.h"

/* What dkms.conf's BUILD_EXCLUSIVE_KERNEL allows. */
#define KERNEL_MAJOR	6
#define KERNEL_FIRST	1
#define KERNEL_LAST	12

#define EFI_GLOBAL	"8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define EFI_SHIM	"605dab50-e046-4300-abb6-3dd810dd8b23"

/**
 * doctor_kernel() - is the kernel one the module is made for, and can it be built for it?
 * @d: the examination
 */
void doctor_kernel(struct doctor *d)
{
	char path[320], remedy[320];
	int major, minor;

	if (sscanf(d->release, "%d.%d", &major, &minor) != 2) {
		doctor_find(d, DOCTOR_UNKNOWN, "mount /proc", "the kernel does not tell its release");
		return;
	}
	if (major != KERNEL_MAJOR || minor < KERNEL_FIRST || minor > KERNEL_LAST) {
		snprintf(remedy, sizeof(remedy), "boot one of %d.%d to %d.%d, as Debian 12 and 13 have them",
			 KERNEL_MAJOR, KERNEL_FIRST, KERNEL_MAJOR, KERNEL_LAST);
		doctor_find(d, DOCTOR_PROBLEM, remedy, "the module is not made for kernel %s", d->release);
		return;
	}
	snprintf(path, sizeof(path), "lib/modules/%s/build", d->release);
	snprintf(remedy, sizeof(remedy), "apt-get install linux-headers-%s", d->release);
	if (doctor_has(d, path))
		doctor_find(d, DOCTOR_OK, NULL, "kernel %s, its headers are there", d->release);
	else
		doctor_find(d, DOCTOR_WARNING, remedy,
			    "kernel %s has no headers here: the module cannot be built for it", d->release);
}

/* Where DKMS, `make install` and Debian's policy put it. */
static bool installed(struct doctor *d)
{
	static const char *const folders[] = { "updates/dkms", "updates", "extra", "kernel/virt" };
	static const char *const suffixes[] = { "", ".xz", ".zst", ".gz" };
	char path[320];
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		for (k = 0; k < ARRAY_SIZE(suffixes); k++) {
			snprintf(path, sizeof(path), "lib/modules/%s/%s/vitrine.ko%s", d->release,
				 folders[i], suffixes[k]);
			if (doctor_has(d, path))
				return true;
		}
	}
	return false;
}

/**
 * doctor_module() - is the module there, and of the tools' version?
 * @d: the examination
 */
void doctor_module(struct doctor *d)
{
	char version[64];

	if (!doctor_has(d, "sys/module/vitrine")) {
		if (installed(d))
			doctor_find(d, DOCTOR_PROBLEM, "modprobe vitrine",
				    "the module is installed and not loaded");
		else
			doctor_find(d, DOCTOR_PROBLEM, "make install in vitrine's source, then: modprobe vitrine",
				    "the module is not installed for kernel %s", d->release);
	} else if (!doctor_line(d, "sys/module/vitrine/version", version, sizeof(version))) {
		doctor_find(d, DOCTOR_WARNING, "install module and tools of one version",
			    "the loaded module does not tell its version");
	} else if (strcmp(version, d->version)) {
		doctor_find(d, DOCTOR_WARNING, "install both anew, then: modprobe -r vitrine; modprobe vitrine",
			    "the loaded module is of version %s, vmctl of %s", version, d->version);
	} else {
		doctor_find(d, DOCTOR_OK, NULL, "loaded, version %s as vmctl", version);
	}
}

/* An EFI variable of one byte, behind its four bytes of attributes. */
static bool efi_flag(struct doctor *d, const char *name)
{
	char path[160], *value;
	size_t n;
	bool set;

	snprintf(path, sizeof(path), "sys/firmware/efi/efivars/%s-" EFI_GLOBAL, name);
	value = doctor_read(d, path, &n);
	set = value && n == 5 && value[4] == 1;
	free(value);
	return set;
}

/* Does a module without a trusted signature get loaded? NULL, or who forbids it. */
static const char *who_forbids(struct doctor *d)
{
	char line[128];

	if (doctor_line(d, "sys/kernel/security/lockdown", line, sizeof(line)) &&
	    (strstr(line, "[integrity]") || strstr(line, "[confidentiality]")))
		return "the kernel is locked down";
	if (doctor_line(d, "sys/module/module/parameters/sig_enforce", line, sizeof(line)) &&
	    line[0] == 'Y')
		return "the kernel was told module.sig_enforce";
	return NULL;
}

/* The key that DKMS signs with: Debian's, then Ubuntu's. */
static const char *find_key(struct doctor *d)
{
	static const char *const keys[] = { "var/lib/dkms/mok.pub", "var/lib/shim-signed/mok/MOK.der" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (doctor_has(d, keys[i]))
			return keys[i];
	return NULL;
}

/* The shim hands its list to the kernel: EFI signature lists with the certificates in DER as they are. */
static bool enrolled(struct doctor *d, const char *key)
{
	size_t nkey, nlist;
	char *der = doctor_read(d, key, &nkey);
	char *list = doctor_read(d, "sys/firmware/efi/efivars/MokListRT-" EFI_SHIM, &nlist);
	bool yes = der && list && nkey && memmem(list, nlist, der, nkey);

	free(der);
	free(list);
	return yes;
}

/**
 * doctor_signature() - will the kernel take the module as it is signed?
 * @d: the examination
 */
void doctor_signature(struct doctor *d)
{
	const char *who = who_forbids(d), *key = find_key(d);
	bool secure = efi_flag(d, "SecureBoot");
	char remedy[320];

	if (!who) {
		doctor_find(d, DOCTOR_OK, NULL, "Secure Boot is %s, unsigned modules may be loaded",
			    secure ? "on" : "off");
	} else if (key && enrolled(d, key)) {
		doctor_find(d, DOCTOR_OK, NULL, "%s, and the key in /%s is trusted", who, key);
	} else if (key) {
		snprintf(remedy, sizeof(remedy),
			 "mokutil --import /%s, reboot, choose Enroll MOK in the blue screen", key);
		doctor_find(d, DOCTOR_PROBLEM, remedy, "%s%s and the key in /%s is not enrolled", who,
			    secure ? " (Secure Boot is on)" : "", key);
	} else {
		doctor_find(d, DOCTOR_PROBLEM,
			    "apt-get install dkms mokutil, dkms generate_mok, "
			    "mokutil --import /var/lib/dkms/mok.pub, reboot, choose Enroll MOK",
			    "%s%s and there is no key to sign modules with", who,
			    secure ? " (Secure Boot is on)" : "");
	}
}
