/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doctor.h - what the checks of `vmctl doctor` share: the host they look at, what they find.
 *
 * A check reads files of the host below a root folder and calls nothing of the kernel that depends on where it
 * runs, so that a copy of another host's files, or a test's, gives that host's findings.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define DOCTOR_VENDORS	2

/* How bad a finding is. The order is that of gravity. */
enum doctor_level {
	DOCTOR_OK,
	DOCTOR_UNKNOWN,		/* could not be looked at */
	DOCTOR_WARNING,		/* VMs run, but worse than they could */
	DOCTOR_PROBLEM,		/* no VM runs on the module */
	DOCTOR_LEVELS,
};

/**
 * struct doctor - one examination
 * @root: folder that stands for /
 * @version: of the tools
 * @release: of the host's kernel
 * @intel: the CPU's vendor
 * @amd: the CPU's vendor; neither of both is possible
 * @flags: the CPU's features, words between spaces, or NULL
 * @vmx_flags: the same for VMX, or NULL
 * @check: the check that runs
 * @rows: findings, objects with `check`, `state`, `finding` and `remedy`
 * @worst: of the findings
 */
struct doctor {
	int root;
	const char *version;
	char release[128];
	bool intel, amd;
	char *flags, *vmx_flags;
	const char *check;
	json_t *rows;
	enum doctor_level worst;
};

/* root.c */
char *doctor_read(struct doctor *d, const char *path, size_t *n);
bool doctor_line(struct doctor *d, const char *path, char *line, size_t room);
bool doctor_has(struct doctor *d, const char *path);
bool doctor_has_word(const char *words, const char *word);
bool doctor_program(struct doctor *d, const char *name);
void doctor_find(struct doctor *d, enum doctor_level level, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* cpu.c */
void doctor_identify(struct doctor *d);
void doctor_cpu(struct doctor *d);
void doctor_paging(struct doctor *d);
void doctor_firmware(struct doctor *d);
void doctor_mitigations(struct doctor *d);

/* holder.c */
void doctor_holder(struct doctor *d);

/* kernel.c */
void doctor_kernel(struct doctor *d);
void doctor_module(struct doctor *d);
void doctor_signature(struct doctor *d);

/* host.c */
void doctor_device(struct doctor *d);
void doctor_huge_pages(struct doctor *d);
void doctor_cgroups(struct doctor *d);
void doctor_overcommit(struct doctor *d);
void doctor_helpers(struct doctor *d);

#endif /* DOCTOR_DOCTOR_H */
