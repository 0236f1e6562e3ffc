// SPDX-License-Identifier: GPL-2.0-only
/*
 * stop.c - vmctl stop: ask the guest, and end it when it does not follow.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "layers.h"

#define DEFAULT_TIMEOUT_S	60
#define END_TIMEOUT_S		20
#define PRESS_S			5
#define ENDED	(1U << VM_STOPPED | 1U << VM_CRASHED)

struct stop_how stop_how = { .timeout_s = DEFAULT_TIMEOUT_S };

const struct argp_option stop_options[] = {
	{ "timeout", 't', "SECONDS", 0, "How long the guest may take before it is ended (default: 60)", 0 },
	{ "force", 'f', NULL, 0, "End it at once, as if its power failed", 0 },
	{ 0 },
};

/**
 * stop_parse() - argp's parser of stop_options
 * @key: argp's
 * @arg: the option's value
 * @state: not used
 *
 * Return: 0 with stop_how filled in; argp's errors.
 */
error_t stop_parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 't':
		if (!text_to_uint(arg, 0, 86400, &stop_how.timeout_s))
			return vmctl_bad_value(arg, "--timeout takes seconds, 0 to 86400");
		return 0;
	case 'f':
		stop_how.force = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = stop_options, .parser = stop_parse, .args_doc = "NAME...",
	.doc = "Shuts VMs down: presses the power button, again every 5 s, then ends what still runs.\v"
	       "Examples:\n"
	       "  vmctl stop web\n"
	       "  vmctl stop --timeout 10 web db\n"
	       "  vmctl stop --force web",
};

const struct vmctl_args vmctl_stop_args = { .argp = &argp, .min = 1 };

/* The VM process is told to end, and killed when it does not. */
static int end(struct vm *vm, struct vm_status *status)
{
	if (status->state == VM_STARTING || client_command(vm, "quit"))
		kill(status->pid, SIGTERM);
	if (!run_wait(vm->fd, ENDED, END_TIMEOUT_S * 1000, status))
		return VMCTL_OK;
	if (errno != ETIMEDOUT || !status->pid || kill(status->pid, SIGKILL))
		return vmctl_errno(vm->name, "see `vmctl info`");
	if (run_wait(vm->fd, ENDED, END_TIMEOUT_S * 1000, status))
		return vmctl_errno(vm->name, "its process does not die: see the kernel's log");
	return VMCTL_OK;
}

/*
 * The power button was pressed: wait, and press again now and then. A guest that still boots has no driver for the button
 * and forgets what was pressed before it came. 0 when the VM has ended; else -1 with errno, ETIMEDOUT after @seconds.
 */
static int wait_for_guest(struct vm *vm, int seconds, struct vm_status *status)
{
	int left = seconds, part, err;

	for (;;) {
		part = left < PRESS_S ? left : PRESS_S;
		err = run_wait(vm->fd, ENDED, part * 1000, status);
		left -= part;
		if (!err || errno != ETIMEDOUT || !left)
			return err;
		json_decref(client_query(vm, json_pack("{s:s}", "do", "power-button"), PRESS_S));
	}
}

/**
 * stop_vm() - shut a VM down
 * @vm: its folder, locked
 * @seconds: that the guest may take
 * @force: do not ask the guest
 *
 * Return: VMCTL_OK, also when it does not run, or VMCTL_FAILED with the error told.
 */
int stop_vm(struct vm *vm, int seconds, bool force)
{
	struct vm_status status;

	if (run_status(vm->fd, &status))
		return vmctl_errno(vm->name, "check that the VM is yours");
	if (!status.pid)
		return VMCTL_OK;
	/* A guest that stands still notices no button. */
	if (!force && status.state == VM_PAUSED && !client_command(vm, "resume"))
		status.state = VM_RUNNING;
	if (!force && status.state == VM_RUNNING && !client_command(vm, "power-button")) {
		if (!wait_for_guest(vm, seconds, &status))
			return VMCTL_OK;
		if (errno != ETIMEDOUT)
			return vmctl_errno(vm->name, "see `vmctl info`");
		fprintf(stderr, "vmctl %s: %s: the guest did not shut down in %d s: it is ended\n",
			vmctl_verb_name(), vm->name, seconds);
	}
	return end(vm, &status);
}

static bool has_layers(const struct config *c)
{
	unsigned int i;

	for (i = 0; i < c->ndisks; i++)
		if (layers_made(c->disks[i].file))
			return true;
	return false;
}

/* Now its disks can be put in order. A configuration that cannot be read is not this verb's concern. */
static void tidy(struct vm *vm)
{
	struct config_error e;
	struct config c;
	size_t n;
	char *text = file_read(vm->fd, "config", CONFIG_MAX, &n);

	config_init(&c);
	if (text && !config_parse(&c, text, n, &e) && has_layers(&c))
		layers_tidy(vm, &c);
	config_fini(&c);
	free(text);
}

static int work(struct vm *vm, void *arg)
{
	int status = stop_vm(vm, stop_how.timeout_s, stop_how.force);

	(void)arg;
	if (!status)
		tidy(vm);
	return status;
}

int vmctl_stop(int argc, char **argv)
{
	struct vmctl_args a = vmctl_stop_args;

	if (vmctl_parse(&a, argc, argv))
		return VMCTL_USAGE;
	return each_vm(&a, true, work, NULL);
}
