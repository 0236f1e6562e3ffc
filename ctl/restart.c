// SPDX-License-Identifier: GPL-2.0-only
/*
 * restart.c - vmctl restart: stop, then start, with the lock held in between.
 */
#include "client.h"

static uint64_t timeout_s = 60;
static bool forced;

static const struct argp_option options[] = {
	{ "timeout", 't', "SECONDS", 0, "How long the guest may take before it is ended (default: 60)", 0 },
	{ "force", 'f', NULL, 0, "End it at once, as if its power failed", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 't':
		if (!text_to_uint(arg, 0, 86400, &timeout_s))
			return vmctl_bad_value(arg, "--timeout takes seconds, 0 to 86400");
		return 0;
	case 'f':
		forced = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "NAME...",
	.doc = "Shuts VMs down and starts them, those that do not run too. Changes of the "
	       "configuration count from then on.\v"
	       "Examples:\n"
	       "  vmctl restart web\n"
	       "  vmctl restart --force web",
};

const struct vmctl_args vmctl_restart_args = { .argp = &argp, .min = 1 };

static int work(struct vm *vm, void *arg)
{
	(void)arg;
	return stop_vm(vm, timeout_s, forced) || start_vm(vm, false) ? VMCTL_FAILED : VMCTL_OK;
}

int vmctl_restart(int argc, char **argv)
{
	struct vmctl_args a = vmctl_restart_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, true, work, NULL);
}
