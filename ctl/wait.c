// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait.c - vmctl wait: until VMs are in a state.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

static unsigned int states = 1U << VM_STOPPED | 1U << VM_CRASHED;
static uint64_t timeout_s;

static const struct argp_option options[] = {
	{ "for", 'f', "STATE,...", 0, "starting, running, paused, stopped, crashed "
	  "(default: stopped,crashed)", 0 },
	{ "timeout", 't', "SECONDS", 0, "Fail after that time (default: never)", 0 },
	{ 0 },
};

static error_t parse_states(char *arg)
{
	enum vm_state state;
	char *word;

	states = 0;
	while ((word = strsep(&arg, ","))) {
		if (!vm_state_by_name(word, &state))
			return vmctl_bad_value(word, "is no state");
		states |= 1U << state;
	}
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'f':
		return parse_states(arg);
	case 't':
		if (!text_to_uint(arg, 1, INT_MAX / 1000, &timeout_s))
			return vmctl_bad_value(arg, "--timeout takes seconds");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "NAME...",
	.doc = "Waits until each VM is in one of some states, one after the other.\v"
	       "Examples:\n"
	       "  vmctl wait web && echo done\n"
	       "  vmctl wait --for running --timeout 30 web db",
};

const struct vmctl_args vmctl_wait_args = { .argp = &argp, .min = 1 };

static int work(struct vm *vm, void *arg)
{
	struct vm_status status;
	char what[64];

	(void)arg;
	if (!run_wait(vm->fd, states, timeout_s ? (int)timeout_s * 1000 : -1, &status))
		return VMCTL_OK;
	if (errno != ETIMEDOUT)
		return vmctl_errno(vm->name, "check that the VM is yours");
	snprintf(what, sizeof(what), "it is %s", vm_state_name(status.state));
	return vmctl_error(vm->name, what, "wait longer, or see `vmctl info`");
}

int vmctl_wait(int argc, char **argv)
{
	struct vmctl_args a = vmctl_wait_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, false, work, NULL);
}
