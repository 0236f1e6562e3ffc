// SPDX-License-Identifier: GPL-2.0-only
/*
 * doctor.c - vmctl doctor: what keeps VMs from running on this host, and what to do about each. The checks are in
 * doctor/.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "compiler.h"
#include "doctor/doctor.h"

static const char *root = "/";

static const struct argp_option options[] = {
	{ "root", 'r', "DIR", 0, "Look at the files of a host below DIR instead, as a copy of its /proc, /sys, "
	  "/dev, /lib/modules", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	if (key != 'r')
		return ARGP_ERR_UNKNOWN;
	root = arg;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse,
	.doc = "Looks for what keeps VMs from running on this host or makes them slower than need be, and says "
	       "what to do. As root it sees more. Exit status 1: there is a problem; warnings alone give 0.\v"
	       "Examples:\n"
	       "  vmctl doctor\n"
	       "  vmctl doctor --format json | jq '.[] | select(.state != \"ok\")'\n"
	       "  vmctl doctor >/dev/null || echo 'no VMs here'",
};

const struct vmctl_args vmctl_doctor_args = { .argp = &argp, .reads = true, .no_store = true };

static const struct {
	const char *name;
	void (*run)(struct doctor *d);
} checks[] = {
	{ "cpu", doctor_cpu },
	{ "paging", doctor_paging },
	{ "firmware", doctor_firmware },
	{ "holder", doctor_holder },
	{ "kernel", doctor_kernel },
	{ "signature", doctor_signature },
	{ "module", doctor_module },
	{ "device", doctor_device },
	{ "mitigations", doctor_mitigations },
	{ "huge-pages", doctor_huge_pages },
	{ "cgroups", doctor_cgroups },
	{ "overcommit", doctor_overcommit },
	{ "helpers", doctor_helpers },
};

static const struct output_column columns[] = {
	{ "state", "STATE", OUTPUT_TEXT },
	{ "check", "CHECK", OUTPUT_TEXT },
	{ "finding", "FINDING", OUTPUT_TEXT },
};

/* After the table, in its order: what to do, so that lines to type stand alone. */
static void print_remedies(const json_t *rows)
{
	const char *check, *remedy;
	const json_t *row;
	bool any = false;
	size_t i;

	json_array_foreach(rows, i, row) {
		if (json_unpack((json_t *)row, "{s:s, s:s}", "check", &check, "remedy", &remedy))
			continue;
		if (!any)
			puts("\nWhat to do:");
		any = true;
		printf("  %-12s %s\n", check, remedy);
	}
}

static int print(const struct vmctl_args *a, struct doctor *d)
{
	int status;

	json_incref(d->rows);
	status = output_rows(a->format, columns, ARRAY_SIZE(columns), d->rows);
	if (a->format == VMCTL_TABLE && !status)
		print_remedies(d->rows);
	json_decref(d->rows);
	if (status || fflush(stdout))
		return VMCTL_FAILED;
	return d->worst == DOCTOR_PROBLEM ? VMCTL_FAILED : VMCTL_OK;
}

int vmctl_doctor(int argc, char **argv)
{
	struct vmctl_args a = vmctl_doctor_args;
	struct doctor d = { .version = VITRINE_VERSION };
	int status;
	size_t i;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (a.n)
		return vmctl_usage(a.names[0], "not expected here");
	d.root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.root < 0)
		return vmctl_errno(root, "name the folder that stands for /");
	d.rows = json_array();
	doctor_identify(&d);
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		d.check = checks[i].name;
		checks[i].run(&d);
	}
	status = print(&a, &d);
	free(d.flags);
	free(d.vmx_flags);
	close(d.root);
	return status;
}
