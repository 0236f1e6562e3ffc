// SPDX-License-Identifier: GPL-2.0-only
/*
 * metrics.c - vmctl metrics: all VMs' counters as OpenMetrics text.
 */
#include <stdio.h>

#include "telemetry/collect.h"
#include "telemetry/openmetrics.h"
#include "vmctl.h"

static bool prometheus;

static const struct argp_option options[] = {
	{ "prometheus", 'p', NULL, 0, "In Prometheus's older text format, which the node exporter reads", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	if (key != 'p')
		return ARGP_ERR_UNKNOWN;
	prometheus = true;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse,
	.doc = "Prints the counters of all VMs on the module that the user may see as OpenMetrics text, for Prometheus "
	       "and its kin: vitrine(7) lists them. Run it as root for those of all users.\v"
	       "Examples:\n"
	       "  vmctl metrics\n"
	       "  cd /var/lib/prometheus/node-exporter &&\n"
	       "    vmctl metrics --prometheus >vitrine.new && mv vitrine.new vitrine.prom",
};

const struct vmctl_args vmctl_metrics_args = { .argp = &argp, .no_store = true };

int vmctl_metrics(int argc, char **argv)
{
	struct vmctl_args a = vmctl_metrics_args;
	struct family_trouble t;
	struct tel_sample *s;
	struct collector *c;
	char error[160];

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	if (a.n)
		return vmctl_usage(a.names[0], "not expected here");
	c = collect_open(&t);
	if (!c)
		return vmctl_error("/dev/vitrine", t.what, t.remedy);
	s = collect_sample(c, -1, error, sizeof(error));
	collect_close(c);
	if (!s)
		return vmctl_error("/dev/vitrine", error, "see `vmctl doctor`");
	openmetrics_write(stdout, s, prometheus);
	sample_free(s);
	return fflush(stdout) || ferror(stdout) ? vmctl_errno("standard output", "see where it goes") : VMCTL_OK;
}
